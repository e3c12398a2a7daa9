//! STK push over HTTP: what is sent, and what every answer means.

use daraja::{Client, Config, PushOutcome, RefusalClass, TransactionType, UnknownCause};
use domain::payment::Evidence;
use std::sync::Arc;

use crate::daraja_stand_in::{ACCEPTED, Daraja, Morning, PUSH, SPIKE, config, request};

/// The documented example, in the key order of `serde_json`.
const PAYBILL_BODY: &str = r#"{"AccountReference":"WF7K3Q9X","Amount":"20","BusinessShortCode":"174379","CallBackURL":"https://wifi.example.co.ke/api/pay/hook/5f0c","PartyA":"254712345678","PartyB":"174379","Password":"MTc0Mzc5YmZiMjc5ZjlhYTliZGJjZjE1OGU5N2RkNzFhNDY3Y2QyZTBjODkzMDU5YjEwZjc4ZTZiNzJhZGExZWQyYzkxOTIwMjYxMTIyMDgzMDAw","PhoneNumber":"254712345678","Timestamp":"20261122083000","TransactionDesc":"WiFi 1 hour","TransactionType":"CustomerPayBillOnline"}"#;

#[tokio::test]
async fn a_paybill_push_is_written_as_documented() {
    let daraja = Daraja::start().await;
    let reply = daraja.client().push(&request()).await;
    let seen = &daraja.seen(PUSH)[0];
    let sent: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
    let expected: serde_json::Value = serde_json::from_str(PAYBILL_BODY).unwrap();
    assert_eq!(sent, expected);
    assert!(sent.as_object().unwrap().values().all(serde_json::Value::is_string));
    assert_eq!(seen.header("content-type"), "application/json");
    assert_eq!(seen.header("accept"), "application/json");
    assert_eq!(seen.header("authorization"), "Bearer token-1");
    assert!(seen.header("user-agent").starts_with("bando-daraja/"));

    let PushOutcome::Accepted { merchant_request_id, checkout_request_id, customer_message } = &reply.outcome else {
        panic!("{reply:?}")
    };
    assert_eq!(merchant_request_id.as_str(), "7a31-4c0e-9d52-1f6be80c23a4511873");
    assert_eq!(checkout_request_id.as_str(), "ws_CO_22112026083001440712345678");
    assert_eq!(customer_message, "Success. Request accepted for processing");
    assert_eq!((reply.http_status, &reply.raw[..]), (Some(200), ACCEPTED.as_bytes()));
    assert_eq!(reply.outcome.evidence(), Evidence::SubmitAccepted);
    assert!(reply.outcome.was_possibly_sent() && reply.outcome.customer_text().is_none());
    assert!(!format!("{reply:?}").contains("712345678"), "{reply:?}");
}

#[tokio::test]
async fn a_till_push_goes_to_the_till() {
    let daraja = Daraja::start().await;
    let config = Config {
        shortcode: "600123".to_owned(),
        till: Some("5123456".to_owned()),
        transaction_type: TransactionType::CustomerBuyGoodsOnline,
        ..config(&daraja.base_url)
    };
    Client::new(config, Arc::new(Morning)).unwrap().push(&request()).await;
    let sent: serde_json::Value = serde_json::from_str(&daraja.seen(PUSH)[0].body).unwrap();
    assert_eq!(sent["BusinessShortCode"], "600123");
    assert_eq!(sent["PartyB"], "5123456");
    assert_eq!(sent["TransactionType"], "CustomerBuyGoodsOnline");
    // base64("600123" + passkey + "20261122083000"): the password is made from the store number, not the till.
    let password = "NjAwMTIzYmZiMjc5ZjlhYTliZGJjZjE1OGU5N2RkNzFhNDY3Y2QyZTBjODkzMDU5YjEwZjc4ZTZiNzJhZGExZWQyYzkxOTIwMjYxMTIyMDgzMDAw";
    assert_eq!(sent["Password"], password);
}

#[tokio::test]
async fn acceptance_in_its_variants() {
    for body in [
        ACCEPTED,
        r#"{"MerchantRequestID":"29115-34620561-1","CheckoutRequestID":"ws_CO_1","ResponseCode":0}"#,
        r#"{"New":{"a":[1]},"MerchantRequestID":"1-2-3","CheckoutRequestID":"ws_CO_1","ResponseCode":"0","CustomerMessage":null}"#,
    ] {
        let daraja = Daraja::start().await;
        daraja.then(PUSH, 200, body);
        let outcome = daraja.client().push(&request()).await.outcome;
        assert!(matches!(outcome, PushOutcome::Accepted { .. }), "{body}: {outcome:?}");
    }
}

#[tokio::test]
async fn refusals_are_provably_not_sent() {
    let bad_field = |field: &str| RefusalClass::BadField { field: field.to_owned() };
    let throttled = |retry_after_secs| RefusalClass::Throttled { retry_after_secs };
    for (status, code, message, class) in [
        (400, "400.002.02", "Bad Request - Invalid PhoneNumber", bad_field("PhoneNumber")),
        (400, "400.002.02", "Bad Request - Invalid CallBackURL", bad_field("CallBackURL")),
        (200, "400.002.02", "Bad Request - Invalid Amount", bad_field("Amount")),
        (400, "400.002.05", "Invalid Request Payload", RefusalClass::Configuration),
        (404, "404.001.01", "Resource not found", RefusalClass::Configuration),
        (404, "404.001.04", "Invalid Authentication Header", RefusalClass::Configuration),
        (405, "405.001", "Method Not Allowed", RefusalClass::Configuration),
        (500, "500.001.1001", "[MerchantValidate] - Wrong credentials", RefusalClass::Configuration),
        (500, "500.001.1001", "Merchant does not exist", RefusalClass::Configuration),
        (
            500,
            "500.001.1001",
            "Unable to lock subscriber, a transaction is already in process for the current subscriber",
            RefusalClass::SubscriberBusy,
        ),
        (500, "500.003.02", "System is busy. Please try again in few minutes.", throttled(60)),
        (500, "500.003.03", "Quota Violation", throttled(60)),
    ] {
        let daraja = Daraja::start().await;
        let body = format!(r#"{{"requestId":"1c5b","errorCode":"{code}","errorMessage":"{message}"}}"#);
        daraja.then(PUSH, status, &body);
        let reply = daraja.client().push(&request()).await;
        let PushOutcome::Refused(refusal) = &reply.outcome else { panic!("{body}: {reply:?}") };
        assert_eq!((refusal.code.as_str(), refusal.message.as_str(), &refusal.class), (code, message, &class));
        assert!(!reply.outcome.was_possibly_sent());
        assert_eq!(reply.outcome.evidence(), Evidence::SubmitRefused);
        assert!(reply.outcome.customer_text().is_some());
        assert_eq!((reply.http_status, &reply.raw[..]), (Some(status), body.as_bytes()));
        assert_eq!(daraja.count(PUSH), 1, "{body}");
    }
}

#[tokio::test]
async fn answers_that_prove_nothing_are_unknown_and_never_sent_again() {
    let server = |code: &str| UnknownCause::ServerError { code: code.to_owned() };
    for (status, body, cause) in [
        (200, "", UnknownCause::Unreadable),
        (200, "<html>maintenance</html>", UnknownCause::Unreadable),
        (200, "{}", UnknownCause::Unreadable),
        (200, r#"{"ResponseCode":"0"}"#, UnknownCause::Unreadable),
        (200, r#"{"ResponseCode":"0","MerchantRequestID":"1","CheckoutRequestID":"a b"}"#, UnknownCause::Unreadable),
        (200, r#"{"ResponseCode":0.0,"MerchantRequestID":"1","CheckoutRequestID":"a"}"#, UnknownCause::Unreadable),
        (
            200,
            r#"{"ResponseCode":"1","MerchantRequestID":"1","CheckoutRequestID":"a"}"#,
            UnknownCause::UnexpectedResponseCode("1".to_owned()),
        ),
        (302, "", UnknownCause::Unreadable),
        (400, "", UnknownCause::Unreadable),
        (403, "<html>blocked</html>", UnknownCause::Unreadable),
        (400, r#"{"errorCode":"C2B00011","errorMessage":"?"}"#, server("C2B00011")),
        (500, "", server("")),
        (503, "<html>", server("")),
        (500, ACCEPTED, server("")),
        (500, r#"{"errorCode":"500.001.1001","errorMessage":""}"#, server("500.001.1001")),
        (
            500,
            r#"{"errorCode":"500.001.1001","errorMessage":"The transaction is being processed"}"#,
            server("500.001.1001"),
        ),
        (500, r#"{"errorCode":"500.003.1001","errorMessage":"Internal Server Error"}"#, server("500.003.1001")),
        (
            504,
            r#"{"fault":{"faultstring":"Gateway Timeout","detail":{"errorcode":"messaging.adaptors.http.flow.GatewayTimeout"}}}"#,
            server("messaging.adaptors.http.flow.GatewayTimeout"),
        ),
    ] {
        let daraja = Daraja::start().await;
        daraja.then_with(PUSH, status, vec![("location", "/elsewhere")], body);
        let reply = daraja.client().push(&request()).await;
        assert_eq!(reply.outcome, PushOutcome::Unknown { cause }, "{status} {body}");
        assert!(reply.outcome.was_possibly_sent() && reply.outcome.retry_after().is_none());
        assert_eq!(reply.outcome.evidence(), Evidence::SubmitUnknown);
        assert_eq!((reply.http_status, &reply.raw[..]), (Some(status), body.as_bytes()));
        assert_eq!((daraja.count(PUSH), daraja.count("/elsewhere")), (1, 0), "{status} {body}");
    }
}

#[tokio::test]
async fn a_push_refused_as_too_fast_is_sent_once_more() {
    let daraja = Daraja::start().await;
    daraja.then(PUSH, 429, SPIKE);
    assert!(matches!(daraja.client().push(&request()).await.outcome, PushOutcome::Accepted { .. }));
    assert_eq!(daraja.count(PUSH), 2);

    daraja.then(PUSH, 429, SPIKE).then(PUSH, 429, SPIKE);
    let outcome = daraja.client().push(&request()).await.outcome;
    assert_eq!(outcome.retry_after().unwrap().as_secs(), 12);
    assert_eq!(daraja.count(PUSH), 4, "one resend and no more");
}

#[tokio::test]
async fn a_throttled_push_is_left_alone_when_told_so_or_when_the_wait_is_long() {
    let daraja = Daraja::start().await;
    let mut patient = config(&daraja.base_url);
    patient.timing.throttled_resend_delay = None;
    daraja.then(PUSH, 429, SPIKE);
    let outcome = Client::new(patient, Arc::new(Morning)).unwrap().push(&request()).await.outcome;
    assert!(
        matches!(&outcome, PushOutcome::Refused(refusal) if refusal.class == RefusalClass::Throttled { retry_after_secs: 12 })
    );
    assert_eq!(daraja.count(PUSH), 1);

    daraja.then_with(PUSH, 429, vec![("retry-after", "120")], "");
    let outcome = daraja.client().push(&request()).await.outcome;
    assert_eq!(outcome.retry_after().unwrap().as_secs(), 120);
    assert_eq!(daraja.count(PUSH), 2);
}
