//! Money that neither a report nor a question tells of, as it happens with Safaricom, too. The push's answer and the
//! report were both lost, so no CheckoutRequestID is known to ask about. Or M-Pesa reported a failure that it takes
//! for proof, changed its mind, and that second report was lost. The statement that the owner downloads from M-Pesa
//! still has it, and one press settles it.

use reqwest::{Client, Response};
use serde_json::{Value, json};
use simulators::daraja::Charge;

use crate::{
    books::Books,
    process::client_with_cookies,
    world::{ADMIN_PASSWORD, World},
};

/// Charges that only M-Pesa's statement tells of, once there is nothing else to wait for.
fn untold(books: &Books) -> Vec<&Charge> {
    // Reports that are still to come tell, too.
    if books.awaited_reports() > 0 {
        return Vec::new();
    }
    let is_untold = |charge: &&Charge| {
        let checkout = charge.checkout_request_id.as_deref().unwrap_or_default();
        let Some(payment) = books.payment_of(charge) else { return false };
        let is_closed = matches!(payment.state.as_str(), "expired" | "failed");
        let cannot_be_asked = payment.checkout.is_none() || books.was_reported_as(checkout, false);
        let is_kept = books.receipts.contains_key(&charge.receipt);
        is_closed && cannot_be_asked && !is_kept && !books.was_reported_as(checkout, true)
    };
    books.charges.iter().filter(is_untold).collect()
}

/// Imports M-Pesa's statement and settles its lines about such charges. Returns why each was untold.
pub(crate) async fn find(world: &World, books: &Books) -> Vec<&'static str> {
    let untold = untold(books);
    if untold.is_empty() {
        return Vec::new();
    }
    let owner = client_with_cookies();
    let login = json!({"username": "admin", "password": ADMIN_PASSWORD});
    taken(post(&owner, world, "/api/admin/login").json(&login).send().await).await;
    let statement = world.mpesa.control().statement(None, None, None).unwrap();
    let import = post(&owner, world, "/api/admin/statements").header("Content-Type", "text/csv").body(statement);
    let report = taken(import.send().await).await;
    let id = report["id"].as_str().unwrap();
    for charge in &untold {
        let line = format!("/api/admin/statements/{id}/lines/{}/settle", charge.receipt);
        let reason = json!({"reason": "it is on the statement and was never reported"});
        taken(post(&owner, world, &line).json(&reason).send().await).await;
    }
    let why = |charge: &&Charge| {
        let checkout = charge.checkout_request_id.as_deref().unwrap_or_default();
        if books.was_reported_as(checkout, false) { "reported as failed before" } else { "no id to ask by" }
    };
    untold.iter().map(why).collect()
}

fn post(owner: &Client, world: &World, path: &str) -> reqwest::RequestBuilder {
    owner.post(format!("{}{path}", world.front.url)).header("Sec-Fetch-Site", "same-origin")
}

async fn taken(answer: Result<Response, reqwest::Error>) -> Value {
    let answer = answer.unwrap();
    let (status, url) = (answer.status(), answer.url().path().to_owned());
    let body = answer.text().await.unwrap();
    assert!(status.is_success(), "{url} was answered {status}: {body}");
    serde_json::from_str(&body).unwrap_or_default()
}
