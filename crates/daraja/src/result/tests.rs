//! Results in every shape seen, and in shapes nobody should send.

use domain::Kes;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const STATUS: &str = r#"{"Result":{"ResultType":0,"ResultCode":0,"ResultDesc":"The service request is processed successfully.",
  "OriginatorConversationID":"f1e2-4b95","ConversationID":"AG_20261122_2010","TransactionID":"UKM0000000",
  "ResultParameters":{"ResultParameter":[
    {"Key":"DebitPartyName","Value":"600310 - Safaricom333"},
    {"Key":"DebitPartyName","Value":"254712345678 - JANE DOE"},
    {"Key":"CreditPartyName","Value":"174379 - BANDO WIFI"},
    {"Key":"OriginatorConversationID","Value":"x"},
    {"Key":"InitiatedTime","Value":20261122083015},
    {"Key":"DebitAccountType","Value":"MMF Account For Customer"},
    {"Key":"DebitPartyCharges"},
    {"Key":"TransactionReason"},
    {"Key":"ReasonType","Value":"Pay Bill Online"},
    {"Key":"TransactionStatus","Value":"Completed"},
    {"Key":"FinalisedTime","Value":20261122083018},
    {"Key":"Amount","Value":20.00},
    {"Key":"ConversationID","Value":"AG_x"},
    {"Key":"ReceiptNo","Value":"UKM4T8IYOU"}]},
  "ReferenceData":{"ReferenceItem":{"Key":"Occasion"}}}}"#;

const REVERSED: &str = r#"{"Result":{"ResultType":"0","ResultCode":"0","ResultDesc":"ok","OriginatorConversationID":"f1e2","ConversationID":"AG_1",
  "TransactionID":"UKM9REVERS","ResultParameters":{"ResultParameter":[{"Key":"Amount","Value":"20.00"},
  {"Key":"OriginalTransactionID","Value":"UKM4T8IYOU"},{"Key":"CreditPartyPublicName","Value":"254712345678 - JANE"}]},
  "ReferenceData":{"ReferenceItem":[{"Key":"QueueTimeoutURL","Value":"https://a.b/c"}]}}}"#;

fn read(body: &str) -> ResultMessage {
    decode(body.as_bytes()).unwrap()
}

fn failed(code: &str) -> ResultMessage {
    read(&format!(
        r#"{{"Result":{{"ResultType":0,"ResultCode":{code},"ResultDesc":"no","ConversationID":"AG_1","TransactionID":"SKE0000000"}}}}"#
    ))
}

/// A status result with exactly these parameters.
fn status(parameters: &Value) -> Result<StatusResult, StatusUnread> {
    let body = json!({"Result":{"ResultCode":0,"ResultParameters":{"ResultParameter":parameters}}});
    read(&body.to_string()).as_status()
}

fn whole() -> Vec<Value> {
    [("TransactionStatus", json!("Completed")), ("ReceiptNo", json!("UKM4T8IYOU")), ("Amount", json!("20.00"))]
        .into_iter()
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect()
}

#[test]
fn a_status_is_read_in_full() {
    let message = read(STATUS);
    assert_eq!(message.conversation_id.as_deref(), Some("AG_20261122_2010"));
    assert_eq!(message.originator_conversation_id.as_deref(), Some("f1e2-4b95"));
    let status = message.as_status().unwrap();
    assert_eq!(status.state, TransactionState::Completed);
    assert_eq!((status.receipt.as_str(), status.amount), ("UKM4T8IYOU", Kes::new(20).unwrap()));
    assert_eq!(status.credit_party.as_deref(), Some("174379 - BANDO WIFI"));
    assert_eq!(status.credited(), Some("174379"));
    let debit = status.debit_party.clone().unwrap();
    assert!(debit.number.unwrap().could_be(&"0712345678".parse().unwrap()));
    assert_eq!(debit.name.as_deref(), Some("JANE DOE"));
    assert_eq!(status.finalised_at.unwrap().to_rfc3339(), "2026-11-22T05:30:18+00:00");
    let shown = format!("{message:?} {status:?}");
    assert!(!shown.contains("JANE") && !shown.contains("UKM4T8IYOU") && !shown.contains("712345678"), "{shown}");
}

#[test]
fn only_completed_is_completed() {
    for (word, state) in [
        ("Completed", TransactionState::Completed),
        ("COMPLETED", TransactionState::Completed),
        ("Initiated", TransactionState::InFlight),
        ("Authorized", TransactionState::InFlight),
        ("Cancelled", TransactionState::NotCompleted("Cancelled".to_owned())),
        ("Expired", TransactionState::NotCompleted("Expired".to_owned())),
        ("Not Completed", TransactionState::NotCompleted("Not Completed".to_owned())),
        ("", TransactionState::NotCompleted(String::new())),
    ] {
        let mut parameters = whole();
        parameters[0]["Value"] = json!(word);
        assert_eq!(status(&json!(parameters)).unwrap().state, state, "{word}");
    }
}

#[test]
fn what_is_missing_or_contradicts_itself_tells_nothing() {
    for (at, field) in [(0, "TransactionStatus"), (1, "ReceiptNo"), (2, "Amount")] {
        let mut parameters = whole();
        parameters.remove(at);
        assert_eq!(status(&json!(parameters)), Err(StatusUnread::Field(field)));
        for value in [Value::Null, json!({}), json!([20]), json!(true), json!("Declined"), json!(1e308), json!("\u{7}")]
        {
            let mut parameters = whole();
            parameters.push(json!({"Key": field, "Value": value}));
            let outcome = status(&json!(parameters));
            // What has no value says nothing; what says something else is a contradiction.
            let silent = !(value.is_string() || value.is_number());
            assert_eq!(outcome.is_ok(), silent, "{field} {value}");
        }
    }
    for amount in
        [json!("20.50"), json!(0), json!(250_001), json!("NaN"), json!("Infinity"), json!(1e308), json!("20,00")]
    {
        let mut parameters = whole();
        parameters[2]["Value"] = amount;
        assert_eq!(status(&json!(parameters)), Err(StatusUnread::Field("Amount")));
    }
    let mut parameters = whole();
    for party in ["174379 - BANDO", "600000 - OTHER"] {
        parameters.push(json!({"Key": "CreditPartyName", "Value": party}));
    }
    assert_eq!(status(&json!(parameters)), Err(StatusUnread::Field("CreditPartyName")));
}

#[test]
fn the_credited_number_is_a_whole_word() {
    for (text, number) in [
        ("174379 - BANDO WIFI", Some("174379")),
        ("174379-BANDO", Some("174379")),
        ("174379", Some("174379")),
        ("174379BANDO", None),
        ("1743 - X", None),
        ("BANDO WIFI 174379", None),
        ("", None),
        ("é174379", None),
    ] {
        let mut parameters = whole();
        parameters.push(json!({"Key": "CreditPartyName", "Value": text}));
        assert_eq!(status(&json!(parameters)).unwrap().credited(), number, "{text}");
    }
}

#[test]
fn parameters_come_in_an_array_bare_or_not_at_all() {
    let bare = json!({"Key": "TransactionStatus", "Value": "Completed"});
    assert_eq!(status(&bare), Err(StatusUnread::Field("ReceiptNo")));
    for nothing in [json!(null), json!([]), json!(7), json!("x"), json!([[], 7, null, "x", {}]), json!([{"Value": 1}])]
    {
        assert_eq!(status(&nothing), Err(StatusUnread::Field("TransactionStatus")), "{nothing}");
    }
    for parameters in [
        "null",
        "[]",
        "7",
        "\"\"",
        "{}",
        r#"{"ResultParameter":null}"#,
        r#"{"ResultParameter":[],"ResultParameter":[]}"#,
    ] {
        let body = format!(r#"{{"Result":{{"ResultCode":0,"ResultParameters":{parameters}}}}}"#);
        assert_eq!(read(&body).as_status(), Err(StatusUnread::Field("TransactionStatus")), "{parameters}");
    }
}

#[test]
fn failures_have_a_code_and_no_transaction() {
    let message = failed("2032");
    assert_eq!(message.as_status(), Err(StatusUnread::Failed(ResultCode::new("2032"))));
    assert_eq!(message.transaction_id, None, "the placeholder is no receipt");
    for (code, outcome) in [
        ("\"R000001\"", ReversalOutcome::AlreadyReversed),
        ("\"R000002\"", ReversalOutcome::Failed(ResultCode::new("R000002"))),
        ("1", ReversalOutcome::Failed(ResultCode::new("1"))),
        ("\"21\"", ReversalOutcome::Failed(ResultCode::new("21"))),
        ("\"00\"", ReversalOutcome::Failed(ResultCode::new("00"))),
        ("\" 0\"", ReversalOutcome::Failed(ResultCode::new(" 0"))),
    ] {
        let result = failed(code).as_reversal();
        assert_eq!(result.outcome.advice().is_some(), matches!(outcome, ReversalOutcome::Failed(_)));
        assert_eq!(result, ReversalResult { outcome, original_receipt: None, reversal_receipt: None, amount: None });
    }
}

#[test]
fn a_reversal_is_read_in_full() {
    let result = read(REVERSED).as_reversal();
    assert_eq!(result.outcome, ReversalOutcome::Reversed);
    assert_eq!(result.original_receipt.unwrap().as_str(), "UKM4T8IYOU");
    assert_eq!(result.reversal_receipt.unwrap().as_str(), "UKM9REVERS");
    assert_eq!(result.amount, Some(Kes::new(20).unwrap()));
}

#[test]
fn bodies_that_are_no_results() {
    for (body, error) in [
        ("", ResultError::NotAResult),
        ("<html>", ResultError::NotAResult),
        ("{}", ResultError::NotAResult),
        ("[]", ResultError::NotAResult),
        (r#"{"Result":null}"#, ResultError::NotAResult),
        (r#"{"Result":{"ResultCode":0,"ResultCode":1}}"#, ResultError::NotAResult),
        (r#"{"Result":{}}"#, ResultError::NoCode),
        (r#"{"Result":{"ResultCode":null}}"#, ResultError::NoCode),
        (r#"{"Result":{"ResultCode":0.0}}"#, ResultError::NoCode),
        (r#"{"Result":{"ResultCode":false}}"#, ResultError::NoCode),
        (r#"{"Result":{"ResultCode":""}}"#, ResultError::NoCode),
    ] {
        assert_eq!(decode(body.as_bytes()), Err(error), "{body}");
    }
    let long = format!(r#"{{"Result":{{"ResultCode":"0{}"}}}}"#, " ".repeat(40));
    assert_eq!(decode(long.as_bytes()), Err(ResultError::NoCode));
    assert_eq!(decode(&vec![b' '; MAX_BODY + 1]), Err(ResultError::TooLarge));
}

proptest! {
    #[test]
    fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400), at in 0..STATUS.len(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut changed = STATUS.as_bytes().to_vec();
        if cut { changed.truncate(at) } else if let Some(slot) = changed.get_mut(at) { *slot = byte }
        for body in [&bytes, &changed] {
            if let Ok(message) = decode(body) {
                let _ = (message.as_status(), message.as_reversal());
            }
        }
    }
}
