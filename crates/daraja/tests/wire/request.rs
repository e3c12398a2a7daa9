//! Transaction Status and Reversal over HTTP: written as documented, acknowledged, refused, lost.

use std::sync::Arc;

use daraja::{
    CallbackUrl, Client, Config, Environment, RefusalClass, RequestOutcome, RequestReply, ReversalRequest,
    StatusRequest, UnknownCause,
};
use domain::Kes;
use serde_json::{Value, json};

use crate::{
    daraja_stand_in::{BAD_TOKEN, Daraja, Morning, OAUTH, REVERSAL, SPIKE, STATUS, config},
    lost_answers::{bytes_server, let_time_out},
};

const ACKNOWLEDGED: &str = r#"{ "OriginatorConversationID": "f1e2-4b95-a71d-b30d3cdbb7a7735297", "ConversationID": "AG_20261122_20106e9209f64bebd05b", "ResponseCode": "0", "ResponseDescription": "Accept the service request successfully." }"#;

fn address(path: &str) -> CallbackUrl {
    CallbackUrl::c2b(&format!("https://wifi.example.co.ke/api/pay/{path}/0a1b"), Environment::Production).unwrap()
}

fn status_request() -> StatusRequest {
    let receipt = "UKM4T8IYOU".parse().unwrap();
    StatusRequest { receipt, result_url: address("result"), timeout_url: address("timeout") }
}

fn reversal_request() -> ReversalRequest {
    ReversalRequest {
        receipt: "UKM4T8IYOU".parse().unwrap(),
        amount: Kes::new(20).unwrap(),
        remarks: "Paid twice".to_owned(),
        result_url: address("result"),
        timeout_url: address("timeout"),
    }
}

/// Asks on one of the two paths.
async fn ask(client: &Client, path: &str) -> RequestReply {
    match path {
        STATUS => client.transaction_status(&status_request()).await,
        _ => client.reverse(&reversal_request()).await,
    }
}

fn body_of(daraja: &Daraja, path: &str) -> Value {
    serde_json::from_str(&daraja.seen(path)[0].body).unwrap()
}

#[tokio::test]
async fn both_are_written_as_documented_and_acknowledged() {
    let daraja = Daraja::start().await;
    daraja.then(STATUS, 200, ACKNOWLEDGED).then(REVERSAL, 200, ACKNOWLEDGED);
    let client = daraja.client();
    for path in [STATUS, REVERSAL] {
        let reply = ask(&client, path).await;
        let expected = RequestOutcome::Accepted {
            conversation_id: "AG_20261122_20106e9209f64bebd05b".to_owned(),
            originator_conversation_id: "f1e2-4b95-a71d-b30d3cdbb7a7735297".to_owned(),
        };
        assert_eq!(reply.outcome, expected);
        assert_eq!((reply.http_status, &reply.raw[..]), (Some(200), ACKNOWLEDGED.as_bytes()));
        assert!(reply.outcome.was_possibly_sent());
    }
    let expected = json!({
        "Initiator": "testapi", "SecurityCredential": "c2VjcmV0", "CommandID": "TransactionStatusQuery",
        "TransactionID": "UKM4T8IYOU", "PartyA": "174379", "IdentifierType": "4",
        "ResultURL": "https://wifi.example.co.ke/api/pay/result/0a1b",
        "QueueTimeOutURL": "https://wifi.example.co.ke/api/pay/timeout/0a1b",
        "Remarks": "Payment check", "Occasion": "Payment check"
    });
    assert_eq!(body_of(&daraja, STATUS), expected);
    let expected = json!({
        "Initiator": "testapi", "SecurityCredential": "c2VjcmV0", "CommandID": "TransactionReversal",
        "TransactionID": "UKM4T8IYOU", "Amount": "20", "ReceiverParty": "174379", "RecieverIdentifierType": "11",
        "ResultURL": "https://wifi.example.co.ke/api/pay/result/0a1b",
        "QueueTimeOutURL": "https://wifi.example.co.ke/api/pay/timeout/0a1b", "Remarks": "Paid twice"
    });
    assert_eq!(body_of(&daraja, REVERSAL), expected);
}

#[tokio::test]
async fn remarks_are_brought_to_a_length_that_is_taken() {
    let daraja = Daraja::start().await;
    let client = daraja.client();
    for (given, sent) in [("", "Refund"), (" x ", "Refund"), ("a\nb", "ab"), (&"é".repeat(150), &*"é".repeat(100))] {
        daraja.then(REVERSAL, 200, ACKNOWLEDGED);
        client.reverse(&ReversalRequest { remarks: given.to_owned(), ..reversal_request() }).await;
        let body: Value = serde_json::from_str(&daraja.seen(REVERSAL).last().unwrap().body).unwrap();
        assert_eq!(body["Remarks"], sent);
    }
}

#[tokio::test]
async fn without_an_initiator_nothing_is_sent() {
    let daraja = Daraja::start().await;
    let client = Client::new(Config { initiator: None, ..config(&daraja.base_url) }, Arc::new(Morning)).unwrap();
    for path in [STATUS, REVERSAL] {
        let reply = ask(&client, path).await;
        assert_eq!((reply.outcome, reply.http_status), (RequestOutcome::NotConfigured, None));
        assert_eq!((daraja.count(path), daraja.count(OAUTH)), (0, 0));
    }
}

#[tokio::test]
async fn each_refusal_has_its_class_and_is_not_tried_again() {
    let field = |field: &str| RefusalClass::BadField { field: field.to_owned() };
    let error =
        |code: &str, message: &str| format!(r#"{{"requestId":"1","errorCode":"{code}","errorMessage":"{message}"}}"#);
    for path in [STATUS, REVERSAL] {
        for (status, body, class) in [
            (400, error("400.002.02", "Bad Request - Invalid ResultURL"), field("ResultURL")),
            (400, error("400.002.02", "Bad Request - Invalid Initiator"), field("Initiator")),
            (400, error("400.002.05", "Invalid Request Payload"), RefusalClass::Configuration),
            (400, error("400.003.02", "Bad Request"), RefusalClass::Configuration),
            (404, error("404.001.01", "Resource not found"), RefusalClass::Configuration),
            (500, error("500.001.1001", "Merchant does not exist"), RefusalClass::Configuration),
            (500, error("500.003.02", "System is busy."), RefusalClass::Throttled { retry_after_secs: 60 }),
            (429, SPIKE.to_owned(), RefusalClass::Throttled { retry_after_secs: 12 }),
            (429, String::new(), RefusalClass::Throttled { retry_after_secs: 12 }),
            (
                401,
                r#"{"fault":{"faultstring":"Invalid API call as no apiproduct match found","detail":{"errorcode":"x"}}}"#.to_owned(),
                RefusalClass::Configuration,
            ),
        ] {
            let daraja = Daraja::start().await;
            daraja.then(path, status, &body);
            let reply = ask(&daraja.client(), path).await;
            let RequestOutcome::Refused(refusal) = &reply.outcome else { panic!("{body}: {reply:?}") };
            assert_eq!(refusal.class, class, "{body}");
            assert!(!reply.outcome.was_possibly_sent());
            assert_eq!((daraja.count(path), reply.http_status), (1, Some(status)), "{body}");
        }
    }
}

#[tokio::test]
async fn what_proves_nothing_is_unknown_and_never_sent_again() {
    let server_error = |code: &str| UnknownCause::ServerError { code: code.to_owned() };
    for (status, body, cause) in [
        (500, r#"{"errorCode":"500.002.1001","errorMessage":"System internal error"}"#, server_error("500.002.1001")),
        (500, r#"{"errorCode":"500.003.1001","errorMessage":"Internal Server Error"}"#, server_error("500.003.1001")),
        (502, "<html>Bad Gateway</html>", server_error("")),
        (503, "", server_error("")),
        (200, "", UnknownCause::Unreadable),
        (200, "<html>", UnknownCause::Unreadable),
        (200, "{}", UnknownCause::Unreadable),
        (200, r#"{"ResponseCode":"0"}"#, UnknownCause::Unreadable),
        (200, r#"{"ResponseCode":"0","ConversationID":"","OriginatorConversationID":"x"}"#, UnknownCause::Unreadable),
        (302, ACKNOWLEDGED, UnknownCause::Unreadable),
        (
            200,
            r#"{"ResponseCode":"1","ResponseDescription":"?"}"#,
            UnknownCause::UnexpectedResponseCode("1".to_owned()),
        ),
        (
            200,
            r#"{"ResponseCode":"00","ConversationID":"a","OriginatorConversationID":"b"}"#,
            UnknownCause::UnexpectedResponseCode("00".to_owned()),
        ),
    ] {
        for path in [STATUS, REVERSAL] {
            let daraja = Daraja::start().await;
            daraja.then(path, status, body);
            let reply = ask(&daraja.client(), path).await;
            assert_eq!(reply.outcome, RequestOutcome::Unknown { cause: cause.clone() }, "{status} {body}");
            assert!(reply.outcome.was_possibly_sent());
            assert_eq!((daraja.count(path), &reply.raw[..]), (1, body.as_bytes()));
        }
    }
}

#[tokio::test]
async fn a_refused_token_is_renewed_twice_and_then_reported() {
    for (path, bad) in [
        (STATUS, r#"{"requestId":"1","errorCode":"400.003.01","errorMessage":"Invalid Access Token"}"#),
        (REVERSAL, BAD_TOKEN),
    ] {
        let daraja = Daraja::start().await;
        let client = daraja.client();
        daraja.then(path, 404, bad).then(path, 200, ACKNOWLEDGED);
        assert!(matches!(ask(&client, path).await.outcome, RequestOutcome::Accepted { .. }));
        assert_eq!((daraja.count(path), daraja.count(OAUTH)), (2, 2));
        daraja.then(path, 404, bad).then(path, 404, bad).then(path, 404, bad);
        let outcome = ask(&client, path).await.outcome;
        let RequestOutcome::Refused(refusal) = outcome else { panic!("{outcome:?}") };
        assert_eq!(refusal.class, RefusalClass::Configuration);
        assert_eq!(daraja.count(path), 5);
        daraja.revoke_tokens();
        daraja.then(path, 200, ACKNOWLEDGED);
        assert!(matches!(ask(&client, path).await.outcome, RequestOutcome::Accepted { .. }), "revoked while idle");
    }
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    for path in [STATUS, REVERSAL] {
        let daraja = Daraja::start().await;
        daraja.then(OAUTH, 400, "");
        let outcome = ask(&daraja.client(), path).await.outcome;
        let RequestOutcome::Refused(refusal) = outcome else { panic!("{outcome:?}") };
        assert_eq!((refusal.class, daraja.count(path)), (RefusalClass::Configuration, 0));
    }
}

#[tokio::test]
async fn lost_answers_leave_it_open() {
    let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n{\"ResponseCode\":\"0\",".to_vec();
    for path in [STATUS, REVERSAL] {
        for answer in [vec![], cut.clone()] {
            let (client, server) = bytes_server(vec![answer]).await;
            let reply = ask(&client, path).await;
            assert_eq!(reply.outcome, RequestOutcome::Unknown { cause: UnknownCause::ConnectionLost });
            assert_eq!(server.await.unwrap(), 2, "asked once");
        }
        let (client, server) = bytes_server(vec![]).await;
        let outcome = ask(&client, path).await.outcome;
        let RequestOutcome::Refused(refusal) = outcome else { panic!("{outcome:?}") };
        assert_eq!((refusal.class, server.await.unwrap()), (RefusalClass::Unreachable, 1), "nobody was there");
    }
}

#[tokio::test]
async fn no_answer_in_time_leaves_a_reversal_open() {
    let daraja = Daraja::start().await;
    daraja.then_never(REVERSAL);
    let client = daraja.client();
    let reversal = tokio::spawn(async move { client.reverse(&reversal_request()).await });
    daraja.wait_for(REVERSAL, 1).await;
    let_time_out().await;
    assert_eq!(reversal.await.unwrap().outcome, RequestOutcome::Unknown { cause: UnknownCause::Timeout });
    assert_eq!(daraja.count(REVERSAL), 1);
}
