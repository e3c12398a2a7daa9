//! C2B: registration, simulate, validation, confirmation.

use serde_json::{Value, json};
use simulators::daraja::{C2bNumbers, DeliveryOutcome, Options, Profile, SettingsChange};

use crate::support::{Bench, PHONE, still};

impl Bench {
    fn urls(&self) -> (String, String) {
        let base = self.callback_url.trim_end_matches("/api/pay/hook/5f0c");
        (format!("{base}/c2b/confirm"), format!("{base}/c2b/validate"))
    }

    async fn register(&self, version: u8, response_type: &str) -> crate::support::Answer {
        let (confirm, validate) = self.urls();
        let body = json!({ "ShortCode": "600984", "ResponseType": response_type,
            "ConfirmationURL": confirm, "ValidationURL": validate });
        self.post(&format!("/mpesa/c2b/v{version}/registerurl"), &body).await
    }

    async fn simulate(&self, amount: u32) {
        let body = json!({ "ShortCode": "600984", "CommandID": "CustomerPayBillOnline", "Amount": amount,
            "Msisdn": PHONE, "BillRefNumber": "WF7K3Q9X" });
        let answer = self.post("/mpesa/c2b/v2/simulate", &body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.field("ResponseCode"), "0");
        self.pass(1).await;
    }
}

#[tokio::test]
async fn registration_spells_its_key_wrong_and_wants_neutral_urls() {
    let bench = Bench::auto().await;
    let answer = bench.register(2, "Completed").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.field("OriginatorCoversationID").len(), 34);
    assert_eq!(
        (answer.field("ResponseCode"), answer.field("ResponseDescription")),
        ("0".to_owned(), "Success".to_owned())
    );
    assert_eq!(bench.register(2, "completed").await.error().2, "Bad Request - Invalid ResponseType");
    assert_eq!(bench.register(2, "Completed").await.status, 200, "the sandbox registers freely");
    let banned = json!({ "ShortCode": "600984", "ResponseType": "Completed",
        "ConfirmationURL": "https://a.ke/Mpesa/confirm", "ValidationURL": "https://a.ke/validate" });
    let banned = bench.post("/mpesa/c2b/v2/registerurl", &banned).await;
    assert_eq!(banned.error().2, "Bad Request - Invalid ConfirmationURL");
    let bench = Bench::start(still(Options::auto().with_profile(Profile::Production))).await;
    bench.register(2, "Completed").await;
    let again = bench.register(2, "Completed").await.error();
    assert_eq!((again.0, again.1.as_str(), again.2.as_str()), (500, "500.003.1001", "Urls are already registered"));
}

#[tokio::test]
async fn a_confirmation_is_all_strings_with_the_payer_masked_or_hashed() {
    let bench = Bench::auto().await;
    bench.register(2, "Completed").await;
    bench.simulate(20).await;
    let received = bench.received();
    assert_eq!(received.len(), 1, "no validation unless asked for");
    assert_eq!(received[0].path, "/c2b/confirm");
    let body = received[0].json();
    assert!(body.as_object().unwrap().values().all(Value::is_string), "{body}");
    assert_eq!(body["TransID"], json!(bench.charges()[0].receipt));
    for (key, value) in [
        ("TransactionType", "Pay Bill"),
        ("TransTime", "20261122083000"),
        ("TransAmount", "20.00"),
        ("BusinessShortCode", "600984"),
        ("BillRefNumber", "WF7K3Q9X"),
        ("OrgAccountBalance", "20.00"),
        ("MSISDN", "2547*****678"),
    ] {
        assert_eq!(body[key], value, "{key}");
    }
    bench.register(1, "Completed").await;
    bench.simulate(30).await;
    assert_eq!(bench.received()[1].json()["MSISDN"].as_str().unwrap().len(), 64);
    let bench = Bench::start(still(Options { c2b_numbers: C2bNumbers::Plain, ..Options::auto() })).await;
    bench.register(2, "Completed").await;
    bench.simulate(20).await;
    assert_eq!(bench.received()[0].json()["MSISDN"], PHONE);
}

#[tokio::test]
async fn validation_decides_and_its_silence_means_what_was_registered() {
    let with_validation = || still(Options { c2b_validation: true, ..Options::auto() });
    let bench = Bench::start(with_validation()).await;
    bench.register(2, "Completed").await;
    *bench.receiver.answer.lock().unwrap() =
        r#"{"ResultCode":"0","ResultDesc":"Accepted","ThirdPartyTransID":"T-1"}"#.to_owned();
    bench.simulate(20).await;
    let received = bench.received();
    let paths: Vec<&str> = received.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(paths, ["/c2b/validate", "/c2b/confirm"]);
    assert_eq!((received[0].json()["OrgAccountBalance"].as_str(), bench.charges().len()), (Some(""), 1));
    assert_eq!(received[1].json()["ThirdPartyTransID"], "T-1");
    assert_eq!(received[0].json()["TransID"], received[1].json()["TransID"]);

    *bench.receiver.answer.lock().unwrap() = r#"{"ResultCode":"C2B00012","ResultDesc":"Rejected"}"#.to_owned();
    bench.simulate(30).await;
    assert_eq!((bench.received().len(), bench.charges().len()), (3, 1), "refused: no money, no confirmation");

    bench.receiver.status.store(500, std::sync::atomic::Ordering::Relaxed);
    bench.simulate(40).await;
    assert_eq!(bench.charges().len(), 2, "Completed: it goes through when the receiver fails");
    bench.register(2, "Cancelled").await;
    bench.simulate(50).await;
    assert_eq!(bench.charges().len(), 2, "Cancelled: it does not");
}

#[tokio::test]
async fn an_stk_payment_confirms_to_registered_urls_with_the_same_receipt() {
    let bench = Bench::auto().await;
    let (confirm, validate) = bench.urls();
    let body = json!({ "ShortCode": "174379", "ResponseType": "Completed", "ConfirmationURL": confirm, "ValidationURL": validate });
    assert_eq!(bench.post("/mpesa/c2b/v2/registerurl", &body).await.status, 200);
    bench.pushed(json!({})).await;
    bench.pass(6).await;
    let receipt = bench.charges()[0].receipt.clone();
    let received = bench.received();
    let confirmation = received.iter().find(|one| one.path == "/c2b/confirm").unwrap().json();
    assert_eq!(
        (confirmation["TransID"].as_str(), confirmation["BillRefNumber"].as_str()),
        (Some(receipt.as_str()), Some("WF7K3Q9X"))
    );
    assert_eq!((received.len(), bench.charges().len()), (2, 1));
}

#[tokio::test]
async fn switches_are_thrown_while_it_runs() {
    let bench = Bench::auto().await;
    bench.register(2, "Completed").await;
    let control = bench.sim.control();
    let set = |change: SettingsChange| control.change_settings(&change);
    let pay = async || {
        let receipt = control.pay_by_hand(PHONE, "600984", 20, "WF7K3Q9X").unwrap();
        bench.pass(1).await;
        receipt
    };
    set(SettingsChange { c2b_validation: Some(true), c2b_numbers: Some(C2bNumbers::Hashed), ..Default::default() });
    let accepted = pay().await;
    assert_eq!(bench.received().len(), 2, "asked, then told");
    for one in bench.received() {
        assert_eq!(one.json()["TransID"], json!(accepted));
        assert_eq!(one.json()["MSISDN"].as_str().unwrap().len(), 64);
    }
    *bench.receiver.answer.lock().unwrap() = r#"{"ResultCode":"C2B00012","ResultDesc":"Rejected"}"#.to_owned();
    let refused = pay().await;
    assert!(bench.charges().iter().all(|charge| charge.receipt != refused));
    assert!(control.messages(PHONE).last().unwrap().text.contains("No money was taken"));
    set(SettingsChange { c2b_validation: Some(false), c2b_loss_percent: Some(100), ..Default::default() });
    let lost = pay().await;
    assert_eq!((bench.received().len(), bench.charges().len()), (3, 2), "the money moved and nobody was told");
    let last = control.deliveries().pop().unwrap();
    assert_eq!((last.outcome, last.about), (DeliveryOutcome::Dropped, lost));
}

#[tokio::test]
async fn the_echo_of_an_stk_payment_can_be_switched_off() {
    let bench = Bench::auto().await;
    let (confirm, validate) = bench.urls();
    let body = json!({ "ShortCode": "174379", "ResponseType": "Completed", "ConfirmationURL": confirm, "ValidationURL": validate });
    assert_eq!(bench.post("/mpesa/c2b/v2/registerurl", &body).await.status, 200);
    assert_eq!(bench.control("/__sim/settings", &json!({ "c2b_for_stk": false })).await.json()["c2b_for_stk"], false);
    bench.pushed(json!({})).await;
    bench.pass(6).await;
    assert_eq!((bench.received().len(), bench.charges().len()), (1, 1));
}

#[tokio::test]
async fn payments_by_hand_over_http_are_checked() {
    let bench = Bench::auto().await;
    let pay = async |body: serde_json::Value| bench.control("/__sim/pay", &body).await;
    let paid = pay(json!({ "msisdn": PHONE, "number": "600200", "amount": 20 })).await;
    assert_eq!(paid.json()["receipt"], json!(bench.charges()[0].receipt), "a till is paid by its own number");
    assert_eq!(bench.charges()[0].shortcode, "600100");
    for bad in [
        json!({ "msisdn": "0712345678", "number": "174379", "amount": 20 }),
        json!({ "msisdn": PHONE, "number": "174379", "amount": 0 }),
        json!({ "msisdn": PHONE, "number": "999999", "amount": 20 }),
    ] {
        assert_eq!(pay(bad.clone()).await.status, 422, "{bad}");
    }
    assert_eq!(bench.charges().len(), 1);
}
