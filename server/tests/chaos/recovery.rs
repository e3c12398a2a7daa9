//! Money nobody can ask about: the push was sent, and both its answer and its report were lost with a process that was
//! killed. No CheckoutRequestID is known, so no question finds it.

use crate::{books::Books, world::World};

/// Account references of payments that M-Pesa charged, that nobody can ask about, and whose schedule is over.
pub(crate) fn orphans(books: &Books) -> Vec<String> {
    let is_orphan = |charge: &&simulators::daraja::Charge| {
        let checkout = charge.checkout_request_id.as_deref().unwrap_or_default();
        let payment =
            books.payment_of(charge).filter(|payment| payment.checkout.is_none() && payment.state == "expired");
        payment.is_some() && !books.was_reported(checkout)
    };
    books.charges.iter().filter(is_orphan).filter_map(|charge| charge.checkout_request_id.clone()).collect()
}

/// Has M-Pesa report them again. Returns how many.
pub(crate) async fn find(world: &World, books: &Books) -> usize {
    let orphans = orphans(books);
    for checkout in &orphans {
        drop(world.mpesa.control().replay(checkout).await);
    }
    orphans.len()
}
