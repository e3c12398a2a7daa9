//! Refunds and M-Pesa's own books over HTTP.

use billing::admins::Role;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use sqlx::MySqlPool;

use crate::support::{MAC, MSISDN, PASSWORD, Stack, client, error_of, until};

const INITIATOR: [(&str, &str); 2] = [("MPESA_INITIATOR", "testapi"), ("MPESA_SECURITY_CREDENTIAL", "c2VjcmV0")];
const WHY: &str = "the router was down all evening";

impl Stack {
    /// Sells an hour, pays for it and gives the payment's id.
    async fn paid(&self) -> String {
        let package = self.sell_an_hour().await;
        let id = self.pay(&package).await["payment_id"].as_str().unwrap().to_owned();
        self.world.approve(MSISDN).await;
        self.until_status(&id, "online").await;
        id
    }

    async fn detail(&self, id: &str) -> Value {
        self.get_json(&format!("/api/admin/payments/{id}")).await
    }

    async fn refund(&self, id: &str, kind: &str) -> Response {
        self.act(&format!("/api/admin/payments/{id}/refund"), &json!({"kind": kind, "reason": WHY})).await
    }

    /// Posts as the admin app does, from a page of our own.
    async fn act(&self, path: &str, body: &Value) -> Response {
        own(self.client.post(self.at(path))).json(body).send().await.unwrap()
    }

    async fn import(&self, name: &str, file: impl Into<reqwest::Body>) -> Response {
        own(self.client.post(self.at(&format!("/api/admin/statements?name={name}")))).body(file).send().await.unwrap()
    }

    fn statement(&self) -> String {
        self.world.mpesa.control().statement(None, None, None).unwrap()
    }

    /// Somebody else at another browser.
    async fn cashier(&self) -> Client {
        self.add_admin("cashier", Role::Cashier).await;
        let client = client();
        let login = json!({"username": "cashier", "password": PASSWORD});
        let answer = client.post(self.at("/api/admin/login")).json(&login).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        client
    }
}

/// From a page of our own.
fn own(request: RequestBuilder) -> RequestBuilder {
    request.header("sec-fetch-site", "same-origin")
}

#[sqlx::test(migrations = "../migrations")]
async fn a_refund_by_hand_takes_the_device_off_the_router(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let id = stack.paid().await;
    until("the device is on", async || stack.world.router.client(MAC).unwrap().user.is_some()).await;
    assert_eq!(error_of(stack.refund(&id, "manual").await).await.0, 401);
    stack.log_in().await;
    let cashier = stack.cashier().await;
    let path = stack.at(&format!("/api/admin/payments/{id}/refund"));
    let by_cashier = own(cashier.post(path)).json(&json!({"kind": "manual", "reason": WHY})).send().await.unwrap();
    assert_eq!(error_of(by_cashier).await, (403, "owners_only".into(), None));
    assert_eq!(error_of(stack.refund(&id, "both").await).await, (422, "invalid_kind".into(), Some("kind".into())));
    assert_eq!(error_of(stack.refund(&id, "reversal").await).await.1, "no_initiator");
    assert_eq!(stack.detail(&id).await["actions"], json!(["refund_manual"]));

    let done: Value = stack.refund(&id, "manual").await.json().await.unwrap();
    assert!(done["message"].as_str().unwrap().starts_with("KES 20 given back by hand."), "{done}");
    assert_eq!(error_of(stack.refund(&id, "manual").await).await, (409, "wrong_state".into(), None));
    let detail = stack.detail(&id).await;
    assert_eq!((&detail["payment"]["state"], &detail["received_kes"]), (&json!("refunded"), &json!(0)));
    let refund = &detail["refunds"][0];
    assert_eq!((&refund["kind"], &refund["state"], &refund["by"]), (&json!("manual"), &json!("done"), &json!("owner")));
    assert_eq!(detail["actions"], json!([]));
    until("the device is off", async || stack.world.router.active().is_empty()).await;
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_reversal_goes_through_m_pesa_and_back(pool: MySqlPool) {
    let stack = Stack::start_with(&pool, &INITIATOR).await;
    let id = stack.paid().await;
    stack.log_in().await;
    assert_eq!(stack.detail(&id).await["actions"], json!(["refund_manual", "refund_reversal"]));
    let asked = stack.refund(&id, "reversal").await;
    assert_eq!(asked.status(), StatusCode::OK);
    until("it is given back", async || stack.detail(&id).await["refunds"][0]["state"] == "done").await;
    until("it counts no more", async || stack.detail(&id).await["payment"]["state"] == "refunded").await;
    assert_eq!(stack.world.mpesa.control().reversals().len(), 1);
    let nobody = format!("/api/pay/result/{}", "0".repeat(64));
    assert_eq!(stack.post(&nobody, &json!({})).await.status(), StatusCode::NOT_FOUND);
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn an_owner_imports_a_statement_and_settles_from_it(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    stack.paid().await;
    let control = stack.world.mpesa.control();
    let hostile = control.pay_by_hand("254712000777", "174379", 30, "=1+<b>';--").unwrap();
    assert_eq!(error_of(stack.import("x.csv", stack.statement()).await).await.0, 401);
    stack.log_in().await;
    let cashier = stack.cashier().await;
    let refused = own(cashier.post(stack.at("/api/admin/statements"))).body(stack.statement()).send().await.unwrap();
    assert_eq!(error_of(refused).await, (403, "owners_only".into(), None));
    let foreign = stack.client.post(stack.at("/api/admin/statements")).header("origin", "https://elsewhere.example");
    assert_eq!(error_of(foreign.body(stack.statement()).send().await.unwrap()).await.0, 403);

    // Larger than any other request may be.
    let padded = format!("{}{}", stack.statement(), "\r\n".repeat(100_000));
    let report: Value = stack.import("..%2Fnov%0A.csv", padded).await.json().await.unwrap();
    assert_eq!((&report["name"], &report["imported_by"]), (&json!("nov.csv"), &json!("owner")), "{report}");
    assert_eq!(report["matched"], json!({"count": 1, "cents": 2_000}));
    assert_eq!(report["missing_here"], json!({"count": 1, "cents": 3_000}));
    assert_eq!(report["paid_in"], json!({"count": 2, "cents": 5_000}));
    let id = report["id"].as_str().unwrap();
    let lines = stack.get_json(&format!("/api/admin/statements/{id}/lines?kind=missing_here")).await;
    let line = &lines["lines"][0];
    assert_eq!((&line["receipt"], &line["there_cents"]), (&json!(hostile), &json!(3_000)));
    assert_eq!((&line["account_reference"], &line["can_settle"]), (&json!("=1+<b>';--"), &json!(true)));
    assert_eq!(error_of(stack.get(&format!("/api/admin/statements/{id}/lines?kind=none")).await).await.0, 422);
    assert_eq!(error_of(stack.get(&format!("/api/admin/statements/{id}/lines?after=x")).await).await.0, 422);

    let settle = async |id: &str, receipt: &str, reason: &str| {
        let path = format!("/api/admin/statements/{id}/lines/{receipt}/settle");
        stack.act(&path, &json!({"reason": reason})).await
    };
    assert_eq!(error_of(settle(id, &hostile, "").await).await, (422, "invalid_reason".into(), Some("reason".into())));
    assert_eq!(error_of(settle(id, "UKM0000000", WHY).await).await, (404, "unknown_line".into(), None));
    let done: Value = settle(id, &hostile, WHY).await.json().await.unwrap();
    assert!(done["message"].as_str().unwrap().contains("Unmatched money"), "{done}");
    let unmatched = stack.get_json("/api/admin/receipts?state=unmatched").await;
    assert_eq!(unmatched["receipts"][0]["receipt"], json!(hostile), "{unmatched}");
    let list = stack.get_json("/api/admin/statements").await;
    assert_eq!(list["statements"][0]["matched"], json!({"count": 2, "cents": 5_000}), "{list}");
    assert_eq!(stack.get_json(&format!("/api/admin/statements/{id}")).await["missing_here"]["count"], 0);
    assert_eq!(stack.get("/api/admin/statements/x").await.status(), StatusCode::NOT_FOUND);

    let not_one = stack.import("x.csv", "hello").await;
    assert_eq!(error_of(not_one).await, (422, "not_a_statement".into(), None));
    let other = stack.import("x.csv", stack.statement().replace("174379", "600984")).await;
    assert_eq!(error_of(other).await, (422, "other_shortcode".into(), None));
    let too_large = stack.import("x.csv", vec![b'x'; 8 * 1024 * 1024 + 1]).await;
    assert_eq!(error_of(too_large).await, (413, "too_large".into(), None));
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_stays_small_stays_small(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let large = stack.client.post(stack.at("/api/admin/login")).header("content-type", "application/json");
    let answer = large.body(vec![b' '; 65 * 1024]).send().await.unwrap();
    assert_eq!(error_of(answer).await.0, 413);
    stack.stop().await;
}
