//! Pull Transactions over HTTP. The shapes of its lines are tested beside the code that reads them.

use chrono::{DateTime, Utc};
use daraja::{
    CallbackUrl, Client, Environment, RefusalClass, UnknownCause,
    pull::{PullOutcome, PullRegisterOutcome},
};
use serde_json::{Value, json};

use crate::{
    daraja_stand_in::{BAD_TOKEN, Daraja, OAUTH, PULL, PULL_REGISTER, SPIKE},
    lost_answers::{bytes_server, let_time_out},
};

const PAGE: &str = r#"{"ResponseRefID":"26178-42530161-2","ResponseCode":"1000","ResponseMessage":"Success","Response":[[
  {"transactionId":"UKM5X1B2C3","trxDate":"2026-11-22T05:35:00Z","msisdn":"2547*****678","sender":"MPESA","transactiontype":"c2b-pay-bill-debit","billreference":"WF7K3Q9X","amount":"20.0","organizationname":"BANDO WIFI"},
  {"transactionId":"UKM5X1B2C4","trxDate":"2026-11-22T05:36:00Z","msisdn":"2547*****678","sender":"MPESA","transactiontype":"c2b-pay-bill-debit","billreference":"","amount":"0.5","organizationname":"BANDO WIFI"}]]}"#;

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

async fn pull(client: &Client) -> PullOutcome {
    client.pull(at("2026-11-21T05:30:00Z"), at("2026-11-22T05:30:00Z"), 1_000).await.outcome
}

async fn register(client: &Client) -> PullRegisterOutcome {
    let url = CallbackUrl::c2b("https://wifi.example.co.ke/api/pay/pulled", Environment::Production).unwrap();
    client.register_pull(&"0712345678".parse().unwrap(), &url).await.outcome
}

#[tokio::test]
async fn a_page_is_asked_for_and_read() {
    let daraja = Daraja::start().await;
    daraja.then(PULL, 200, PAGE).then(PULL, 200, r#"{"ResponseCode":"1001","Response":[[]]}"#);
    let client = daraja.client();
    let PullOutcome::Page(page) = pull(&client).await else { panic!() };
    assert_eq!((page.lines.len(), page.unreadable.len(), page.rows()), (1, 1, 2));
    let body: Value = serde_json::from_str(&daraja.seen(PULL)[0].body).unwrap();
    let expected = json!({ "ShortCode": "174379", "StartDate": "2026-11-21 08:30:00",
        "EndDate": "2026-11-22 08:30:00", "OffSetValue": "1000" });
    assert_eq!(body, expected);
    let PullOutcome::Page(none) = pull(&client).await else { panic!() };
    assert_eq!(none.rows(), 0);
}

#[tokio::test]
async fn registration_is_written_as_documented() {
    let daraja = Daraja::start().await;
    daraja
        .then(PULL_REGISTER, 200, r#"{"ResponseRefID":"1","ResponseCode":"1000","ResponseStatus":"Success"}"#)
        .then(PULL_REGISTER, 200, r#"{"ResponseCode":1001}"#)
        .then(PULL_REGISTER, 200, r#"{"ResponseCode":"0"}"#)
        .then(PULL_REGISTER, 502, "");
    let client = daraja.client();
    let unknown = |cause| PullRegisterOutcome::Unknown { cause };
    for expected in [
        PullRegisterOutcome::Registered,
        PullRegisterOutcome::AlreadyRegistered,
        unknown(UnknownCause::UnexpectedResponseCode("0".to_owned())),
        unknown(UnknownCause::ServerError { code: String::new() }),
    ] {
        assert_eq!(register(&client).await, expected);
    }
    let body: Value = serde_json::from_str(&daraja.seen(PULL_REGISTER)[0].body).unwrap();
    let expected = json!({ "ShortCode": "174379", "RequestType": "Pull", "NominatedNumber": "254712345678",
        "CallBackURL": "https://wifi.example.co.ke/api/pay/pulled" });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn refusals_and_silence_teach_nothing() {
    let server_error = || UnknownCause::ServerError { code: String::new() };
    for (status, body, cause) in [
        (200, "", UnknownCause::Unreadable),
        (200, "<html>", UnknownCause::Unreadable),
        (404, r#"{"ResponseCode":"1000","Response":[[]]}"#, UnknownCause::Unreadable),
        (500, PAGE, server_error()),
        (503, "", server_error()),
    ] {
        let daraja = Daraja::start().await;
        daraja.then(PULL, status, body);
        assert_eq!(pull(&daraja.client()).await, PullOutcome::Unknown { cause }, "{status} {body}");
        assert_eq!(daraja.count(PULL), 1);
    }
    for (status, body, class) in [
        (429, SPIKE, RefusalClass::Throttled { retry_after_secs: 12 }),
        (
            400,
            r#"{"errorCode":"400.002.02","errorMessage":"Bad Request - Invalid StartDate"}"#,
            RefusalClass::BadField { field: "StartDate".to_owned() },
        ),
    ] {
        let daraja = Daraja::start().await;
        daraja.then(PULL, status, body).then(PULL_REGISTER, status, body);
        let client = daraja.client();
        let PullOutcome::Refused(refusal) = pull(&client).await else { panic!() };
        assert_eq!(refusal.class, class);
        let PullRegisterOutcome::Refused(refusal) = register(&client).await else { panic!() };
        assert_eq!(refusal.class, class);
    }
    let (client, server) = bytes_server(vec![vec![]]).await;
    assert_eq!(pull(&client).await, PullOutcome::Unknown { cause: UnknownCause::ConnectionLost });
    assert_eq!(server.await.unwrap(), 2);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let daraja = Daraja::start().await;
    daraja.then(PULL, 404, BAD_TOKEN).then(PULL, 200, PAGE);
    assert!(matches!(pull(&daraja.client()).await, PullOutcome::Page(_)));
    assert_eq!((daraja.count(PULL), daraja.count(OAUTH)), (2, 2));
}

#[tokio::test]
async fn no_answer_in_time_is_nothing_learnt() {
    let daraja = Daraja::start().await;
    daraja.then_never(PULL);
    let client = daraja.client();
    let asked = tokio::spawn(async move { pull(&client).await });
    daraja.wait_for(PULL, 1).await;
    let_time_out().await;
    assert_eq!(asked.await.unwrap(), PullOutcome::Unknown { cause: UnknownCause::Timeout });
}
