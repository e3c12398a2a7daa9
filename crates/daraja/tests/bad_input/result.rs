//! Results of Transaction Status and Reversal.

use daraja::result::{ReversalOutcome, StatusResult, TransactionState, decode};
use proptest::prelude::*;
use serde_json::Value;

use crate::hostile::{bodies, filled, mangled, values};

const MARKED: &str = r#"{"Result":{"ResultType":@Y,"ResultCode":@C,"ResultDesc":@D,"OriginatorConversationID":@O,"ConversationID":@V,"TransactionID":@I,"ResultParameters":{"ResultParameter":[{"Key":"DebitPartyName","Value":@P},{"Key":"CreditPartyName","Value":@E},{"Key":"TransactionStatus","Value":@S},{"Key":"FinalisedTime","Value":@T},{"Key":"Amount","Value":@A},{"Key":"ReceiptNo","Value":@R}]},"ReferenceData":@F}}"#;
const WHOLE: &str = r#"{"Result":{"ResultType":0,"ResultCode":0,"ResultDesc":"ok","OriginatorConversationID":"f1e2","ConversationID":"AG_1","TransactionID":"UKM0000000","ResultParameters":{"ResultParameter":[{"Key":"DebitPartyName","Value":"254712345678 - JANE"},{"Key":"CreditPartyName","Value":"174379 - BANDO"},{"Key":"TransactionStatus","Value":"Completed"},{"Key":"FinalisedTime","Value":20261122083018},{"Key":"Amount","Value":"20.00"},{"Key":"ReceiptNo","Value":"UKM4T8IYOU"}]},"ReferenceData":{}}}"#;
const GOOD: [(&str, &str); 13] = [
    ("@Y", "0"),
    ("@C", "0"),
    ("@D", "\"ok\""),
    ("@O", "\"f1e2\""),
    ("@V", "\"AG_1\""),
    ("@I", "\"UKM0000000\""),
    ("@P", "\"254712345678 - JANE\""),
    ("@E", "\"174379 - BANDO\""),
    ("@S", "\"Completed\""),
    ("@T", "20261122083018"),
    ("@A", "\"20.00\""),
    ("@R", "\"UKM4T8IYOU\""),
    ("@F", "{}"),
];

fn spoilt(place: &str, value: &str) -> String {
    GOOD.iter().fold(filled(MARKED, place, value), |text, (mark, good)| text.replace(mark, good))
}

/// What a result proves as paid to us.
fn completed(body: &[u8]) -> Option<StatusResult> {
    let status = decode(body).ok()?.as_status().ok()?;
    (status.state == TransactionState::Completed && status.credited() == Some("174379")).then_some(status)
}

#[test]
fn the_template_itself_is_completed() {
    assert_eq!(spoilt("@C", "0"), WHOLE);
    assert_eq!(completed(WHOLE.as_bytes()).unwrap().amount.shillings(), 20);
}

#[test]
fn a_bad_value_where_it_counts_proves_nothing() {
    for value in values() {
        for place in ["@C", "@S", "@A", "@R", "@E"] {
            let body = spoilt(place, &value);
            assert_eq!(completed(body.as_bytes()), None, "{place} = {}", &value[..value.len().min(60)]);
        }
        let reversal = decode(spoilt("@C", &value).as_bytes());
        assert!(
            reversal.is_ok_and(|message| message.as_reversal().outcome == ReversalOutcome::Reversed) <= (value == "0")
        );
    }
    let extra = |key: &str, value: &str| {
        WHOLE.replacen(r#"[{"Key""#, &format!(r#"[{{"Key":"{key}","Value":{value}}},{{"Key""#), 1)
    };
    for (key, value) in [
        ("Amount", "\"2000.00\""),
        ("ReceiptNo", "\"UKM4T8IYOV\""),
        ("TransactionStatus", "\"Declined\""),
        ("CreditPartyName", "\"600984 - X\""),
    ] {
        assert_eq!(completed(extra(key, value).as_bytes()), None, "{key} said twice");
    }
}

#[test]
fn a_bad_value_elsewhere_changes_nothing() {
    for value in values() {
        for place in ["@Y", "@D", "@O", "@V", "@I", "@P", "@T", "@F"] {
            if let Some(status) = completed(spoilt(place, &value).as_bytes()) {
                assert_eq!((status.receipt.as_str(), status.amount.shillings()), ("UKM4T8IYOU", 20), "{place}");
            }
        }
    }
}

#[test]
fn bodies_of_other_kinds_are_no_results() {
    for body in bodies() {
        assert!(decode(&body).is_err(), "{:?}", &body[..body.len().min(40)]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn mangled_results_prove_only_what_they_say(body in mangled(WHOLE)) {
        if let Ok(message) = decode(&body) {
            let _ = message.as_reversal();
        }
        if let Some(status) = completed(&body) {
            // The other reader also refuses half a surrogate in a place that neither of them needs.
            let Ok(other) = serde_json::from_slice::<Value>(&body) else { return Ok(()) };
            let parameters = other["Result"]["ResultParameters"]["ResultParameter"].clone();
            let has = |key: &str, is: &dyn Fn(&str) -> bool| parameters.as_array().unwrap().iter().any(|parameter| {
                let value = &parameter["Value"];
                parameter["Key"] == key && is(&value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned))
            });
            let shillings = f64::from(status.amount.shillings());
            prop_assert!(has("Amount", &|text| text.trim().parse() == Ok(shillings)));
            prop_assert!(has("ReceiptNo", &|text| text == status.receipt.as_str()));
            prop_assert!(has("TransactionStatus", &|text| text.trim().eq_ignore_ascii_case("completed")));
        }
    }
}
