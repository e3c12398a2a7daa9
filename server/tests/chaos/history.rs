//! What the database knows of the payments that do not fit, for whoever has to find out why.

use sqlx::{MySqlPool, Row as _};

use crate::books::{Books, Payment};

/// Payments told about in full.
const MOST: usize = 12;

/// The evidence of each payment that a line names, a line each.
pub(crate) async fn of_lines(books: &Books, pool: &MySqlPool, lines: &[String]) -> Vec<String> {
    let is_named = |payment: &&Payment| lines.iter().any(|line| line.contains(&payment.account_reference));
    let mut told = Vec::new();
    for payment in books.payments.iter().filter(is_named).take(MOST) {
        told.push(format!("history of {}", payment.account_reference));
        let prompts = books.prompts.iter().filter(|prompt| prompt.account_reference == payment.account_reference);
        told.extend(prompts.map(|prompt| format!("  {} prompt: {}", prompt.opened_at.time(), prompt.scenario)));
        let charges = books.charges_of(payment).into_iter();
        told.extend(
            charges.map(|charge| format!("  {} charged {} {}", charge.at.time(), charge.amount, charge.receipt)),
        );
        let sent = books.deliveries.iter().filter(|sent| Some(&sent.about) == payment.checkout.as_ref());
        told.extend(sent.map(|sent| format!("  {} report: {:?} {:?}", sent.at.time(), sent.outcome, sent.status)));
        told.extend(evidence(pool, payment).await);
    }
    told
}

async fn evidence(pool: &MySqlPool, payment: &Payment) -> Vec<String> {
    let query = "select concat_ws(' ', '  ', time(received_at), source, outcome, state_before, '->', state_after,
                                  coalesce(detail, ''), left(coalesce(convert(body using utf8mb4), ''), 300))
                 from payment_events where payment_id = ? order by id";
    let rows = sqlx::query(query).bind(payment.id).fetch_all(pool).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}
