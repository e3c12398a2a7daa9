//! STK query over HTTP. The table of answers is tested beside the code that reads them; here is the way there.

use daraja::{NoInformation, QueryOutcome};
use domain::{ResultCode, payment::Evidence};

use crate::daraja_stand_in::{BAD_TOKEN, Daraja, OAUTH, QUERY, SPIKE, checkout_request_id};

const CANCELLED: &str = r#"{ "ResponseCode": "0", "ResponseDescription": "The service request has been accepted successsfully",
  "MerchantRequestID": "7a31-4c0e-9d52-1f6be80c23a4511873", "CheckoutRequestID": "ws_CO_22112026083001440712345678",
  "ResultCode": "1032", "ResultDesc": "Request cancelled by user" }"#;

#[tokio::test]
async fn the_query_is_written_as_documented() {
    let daraja = Daraja::start().await;
    daraja.then(QUERY, 200, CANCELLED);
    let reply = daraja.client().query(&checkout_request_id()).await;
    let sent: serde_json::Value = serde_json::from_str(&daraja.seen(QUERY)[0].body).unwrap();
    let expected: serde_json::Value = serde_json::from_str(
        r#"{"BusinessShortCode":"174379","Password":"MTc0Mzc5YmZiMjc5ZjlhYTliZGJjZjE1OGU5N2RkNzFhNDY3Y2QyZTBjODkzMDU5YjEwZjc4ZTZiNzJhZGExZWQyYzkxOTIwMjYxMTIyMDgzMDAw","Timestamp":"20261122083000","CheckoutRequestID":"ws_CO_22112026083001440712345678"}"#,
    )
    .unwrap();
    assert_eq!(sent, expected);
    assert_eq!(reply.outcome, QueryOutcome::Failed(ResultCode::new("1032")));
    assert_eq!(reply.outcome.evidence(), Some(Evidence::QueryResult(ResultCode::new("1032"))));
    assert_eq!((reply.http_status, &reply.raw[..]), (Some(200), CANCELLED.as_bytes()));
}

/// The answers recorded for one approved payment: three times pending in different clothes, then paid.
#[tokio::test]
async fn a_payment_seen_from_prompt_to_paid() {
    let daraja = Daraja::start().await;
    daraja
        .then(QUERY, 200, r#"{"ResponseCode":"0","CheckoutRequestID":"ws_CO_22112026083001440712345678","ResultCode":4999,"ResultDesc":"The transaction is still under processing"}"#)
        .then(QUERY, 200, r#"{"requestId":"1","errorCode":"500.001.1001","errorMessage":""}"#)
        .then(QUERY, 500, r#"{"requestId":"1","errorCode":"500.001.1001","errorMessage":"The transaction is being processed"}"#)
        .then(QUERY, 500, r#"{"requestId":"1","errorCode":"500.001.1001","errorMessage":"The transaction does not Exist"}"#)
        .then(QUERY, 429, SPIKE)
        .then(QUERY, 502, "<html>")
        .then(QUERY, 200, &CANCELLED.replace("1032", "0"));
    let (client, id) = (daraja.client(), checkout_request_id());
    for expected in [
        QueryOutcome::Pending,
        QueryOutcome::Pending,
        QueryOutcome::Pending,
        QueryOutcome::NoInformation(NoInformation::NotFound),
        QueryOutcome::Throttled { retry_after_secs: 12 },
        QueryOutcome::NoInformation(NoInformation::ServerError { code: String::new() }),
        QueryOutcome::Succeeded,
    ] {
        assert_eq!(client.query(&id).await.outcome, expected);
    }
    assert_eq!((daraja.count(QUERY), daraja.count(OAUTH)), (7, 1), "nothing was repeated");
}

#[tokio::test]
async fn a_refused_token_is_renewed_twice_and_then_reported() {
    let daraja = Daraja::start().await;
    let client = daraja.client();
    daraja.then(QUERY, 404, BAD_TOKEN).then(QUERY, 200, CANCELLED);
    assert!(matches!(client.query(&checkout_request_id()).await.outcome, QueryOutcome::Failed(_)));
    daraja.then(QUERY, 404, BAD_TOKEN).then(QUERY, 404, BAD_TOKEN).then(QUERY, 404, BAD_TOKEN);
    let outcome = client.query(&checkout_request_id()).await.outcome;
    assert!(matches!(outcome, QueryOutcome::NoInformation(NoInformation::Configuration(_))), "{outcome:?}");
    assert_eq!(daraja.count(QUERY), 5);
}

#[tokio::test]
async fn refused_keys_are_reported_without_a_query() {
    let daraja = Daraja::start().await;
    daraja.then(OAUTH, 400, "");
    let outcome = daraja.client().query(&checkout_request_id()).await.outcome;
    assert!(matches!(outcome, QueryOutcome::NoInformation(NoInformation::Configuration(_))), "{outcome:?}");
    assert_eq!(daraja.count(QUERY), 0);
}
