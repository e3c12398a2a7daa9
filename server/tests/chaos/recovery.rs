//! Money that neither a report nor a question tells of, as it happens with Safaricom, too. The push's answer and the
//! report were both lost, so no CheckoutRequestID is known to ask about. Or M-Pesa reported a failure that it takes
//! for proof, changed its mind, and that second report was lost. M-Pesa's own list of what came in still has it.

use crate::{books::Books, world::World};

/// CheckoutRequestIDs of charges that only M-Pesa's list tells of, once there is nothing else to wait for.
fn untold(books: &Books) -> Vec<String> {
    let is_untold = |charge: &&simulators::daraja::Charge| {
        let checkout = charge.checkout_request_id.as_deref().unwrap_or_default();
        let Some(payment) = books.payment_of(charge) else { return false };
        let is_closed = matches!(payment.state.as_str(), "expired" | "failed");
        let cannot_be_asked = payment.checkout.is_none() || books.was_reported_as(checkout, false);
        is_closed && cannot_be_asked && !books.was_reported_as(checkout, true)
    };
    books.charges.iter().filter(is_untold).filter_map(|charge| charge.checkout_request_id.clone()).collect()
}

/// Has M-Pesa report them again. Returns why each was untold.
pub(crate) async fn find(world: &World, books: &Books) -> Vec<&'static str> {
    // Reports that are still to come tell, too.
    let untold = if books.awaited_reports() == 0 { untold(books) } else { Vec::new() };
    for checkout in &untold {
        drop(world.mpesa.control().replay(checkout).await);
    }
    let why = |checkout: &String| {
        if books.was_reported_as(checkout, false) { "reported as failed before" } else { "no id to ask by" }
    };
    untold.iter().map(why).collect()
}
