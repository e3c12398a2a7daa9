//! The table of query answers.

use proptest::prelude::*;

use super::{NoInformation::*, QueryOutcome::*, *};

const ID: &str = "ws_CO_22112026083001440712345678";

fn asked() -> CheckoutRequestId {
    ID.parse().unwrap()
}

fn read(status: u16, body: &str) -> QueryOutcome {
    let body = Bytes::copy_from_slice(body.as_bytes());
    interpret(&Answer { status, retry_after_secs: None, body }, &asked())
}

fn result(code: &str, desc: &str) -> String {
    format!(
        r#"{{"ResponseCode":"0","ResponseDescription":"The service request has been accepted successsfully","MerchantRequestID":"7a31-4c0e-9d52-1f6be80c23a4511873","CheckoutRequestID":"{ID}","ResultCode":{code},"ResultDesc":"{desc}"}}"#
    )
}

fn error(code: &str, message: &str) -> String {
    format!(r#"{{"requestId":"1c5b-4ba8-815c-ac45c57a3db01495926","errorCode":"{code}","errorMessage":"{message}"}}"#)
}

fn inconclusive(code: &str) -> QueryOutcome {
    NoInformation(InconclusiveCode(ResultCode::new(code)))
}

fn server_error(code: &str) -> QueryOutcome {
    NoInformation(ServerError { code: code.to_owned() })
}

#[test]
fn final_answers() {
    for (code, outcome) in [
        ("\"0\"", Succeeded),
        ("0", Succeeded),
        ("\"1032\"", Failed(ResultCode::new("1032"))),
        ("1037", Failed(ResultCode::new("1037"))),
        ("\"1\"", Failed(ResultCode::new("1"))),
        ("\"2001\"", Failed(ResultCode::new("2001"))),
        ("\"SFC_IC0003\"", Failed(ResultCode::new("SFC_IC0003"))),
        ("\"2028\"", Failed(ResultCode::new("2028"))),
        ("\"17\"", inconclusive("17")),
        ("\"1001\"", inconclusive("1001")),
        ("\"9999\"", inconclusive("9999")),
        ("\"7777\"", inconclusive("7777")),
        ("\" 0\"", inconclusive(" 0")),
        ("\"0.0\"", inconclusive("0.0")),
        ("0.0", NoInformation(Unreadable)),
        ("false", NoInformation(Unreadable)),
        ("null", NoInformation(Unreadable)),
        ("\"\"", NoInformation(Unreadable)),
    ] {
        assert_eq!(read(200, &result(code, "whatever it says")), outcome, "{code}");
    }
}

#[test]
fn every_observed_shape_of_pending() {
    for (status, body) in [
        (200, result("4999", "The transaction is still under processing")),
        (200, result("\"4999\"", "The transaction is still under processing")),
        (200, result("\"4999\"", "")),
        (200, result("\"7777\"", "The transaction is being processed")),
        (200, result("\"1037\"", "Request is still under processing.")),
        (500, error("500.001.1001", "The transaction is being processed")),
        (200, error("500.001.1001", "The transaction is being processed")),
        (500, error("500.001.1001", "")),
        (200, error("500.001.1001", "")),
        (500, r#"{"requestId":"","errorCode":"500.001.1001","errorMessage":null}"#.to_owned()),
        (500, r#"{"errorCode":"500.001.1001"}"#.to_owned()),
        (200, r#"{"errorCode":"500.001.1001","errorMessage":"  "}"#.to_owned()),
        (500, error("500.003.1001", "THE TRANSACTION IS BEING PROCESSED")),
    ] {
        assert_eq!(read(status, &body), Pending, "{status} {body}");
        assert_eq!(Pending.evidence(), None);
    }
}

#[test]
fn what_teaches_nothing() {
    let other = result("\"0\"", "x").replace(ID, "ws_CO_9");
    for (status, body, outcome) in [
        (500, error("500.001.1001", "The transaction does not Exist"), NoInformation(NotFound)),
        (400, error("400.002.02", "Bad Request - Invalid CheckoutRequestID"), NoInformation(NotFound)),
        (500, error("500.001.1001", "Something new"), server_error("500.001.1001")),
        (500, error("500.001.1001", "Unable to lock subscriber, x"), server_error("500.001.1001")),
        (500, error("500.003.1001", "Internal Server Error"), server_error("500.003.1001")),
        (503, "<html>maintenance</html>".to_owned(), server_error("")),
        (502, String::new(), server_error("")),
        (200, "<html>maintenance</html>".to_owned(), NoInformation(Unreadable)),
        (200, String::new(), NoInformation(Unreadable)),
        (200, "{}".to_owned(), NoInformation(Unreadable)),
        (200, other, NoInformation(OtherPayment)),
        (500, result("\"0\"", "x"), NoInformation(Unreadable)),
        (500, result("\"1032\"", "x"), NoInformation(Unreadable)),
        (200, result("\"0\"", "x").replace(r#""ResponseCode":"0""#, r#""ResponseCode":"1""#), NoInformation(Unreadable)),
        (200, result("\"0\",\"ResultCode\":\"1032\"", "x"), NoInformation(Unreadable)),
        (504, r#"{"fault":{"faultstring":"Gateway Timeout","detail":{"errorcode":"messaging.adaptors.http.flow.GatewayTimeout"}}}"#.to_owned(), server_error("messaging.adaptors.http.flow.GatewayTimeout")),
    ] {
        assert_eq!(read(status, &body), outcome, "{status} {body}");
        assert_eq!(outcome.evidence(), None, "{status} {body}");
    }
}

#[test]
fn an_error_beside_a_result_is_no_success() {
    let body = r#"{"errorCode":"500.003.1001","errorMessage":"x","ResultCode":"0","ResponseCode":"0"}"#;
    assert_eq!(read(200, body), server_error("500.003.1001"));
}

#[test]
fn throttling_in_every_form() {
    let spike = r#"{"fault":{"faultstring":"Spike arrest violation. Allowed rate : MessageRate{messagesPerPeriod=5, periodInMicroseconds=60000000, maxBurstMessageCount=1.0}","detail":{"errorcode":"policies.ratelimit.SpikeArrestViolation"}}}"#;
    for (status, body, retry_after_secs) in [
        (429, spike.to_owned(), 12),
        (500, spike.to_owned(), 12),
        (429, String::new(), 12),
        (429, "<html>".to_owned(), 12),
        (500, error("500.003.02", "System is busy. Please try again in few minutes."), 60),
        (500, error("500.003.03", "Quota Violation"), 60),
    ] {
        assert_eq!(read(status, &body), Throttled { retry_after_secs }, "{status} {body}");
    }
}

#[test]
fn wrong_credentials_are_told_apart_from_a_failed_payment() {
    for message in ["Wrong credentials", "[MerchantValidate] - Wrong credentials", "Merchant does not exist"] {
        let outcome = read(500, &error("500.001.1001", message));
        assert!(
            matches!(&outcome, NoInformation(Configuration(refusal)) if refusal.owner_advice().is_some()),
            "{outcome:?}"
        );
        assert_eq!(outcome.evidence(), None);
    }
}

proptest! {
    #[test]
    fn never_panics_and_never_invents_a_success(status in 100u16..600, bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let answer = Answer { status, retry_after_secs: None, body: Bytes::from(bytes) };
        prop_assert_ne!(interpret(&answer, &asked()), Succeeded);
    }

    #[test]
    fn only_exactly_zero_succeeds(code in prop_oneof!["-?[0-9]{1,5}(\\.0)?", "\"[ 0-9.A-Z_-]{0,6}\"", "true|false|null|\\[0\\]"]) {
        let outcome = read(200, &result(&code, "x"));
        prop_assert_eq!(outcome == Succeeded, code == "0" || code == "\"0\"", "{}", code);
    }
}
