//! STK callbacks.

use daraja::callback::{Callback, Paid, decode};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::hostile::{bodies, filled, mangled, values};

/// With a mark for every value: `@C` code, `@A` amount, `@R` receipt, and others that decide nothing.
const MARKED: &str = r#"{"Body":{"stkCallback":{"MerchantRequestID":@M,"CheckoutRequestID":@Q,"ResultCode":@C,"ResultDesc":@D,"CallbackMetadata":{"Item":[{"Name":"Amount","Value":@A},{"Name":"MpesaReceiptNumber","Value":@R},{"Name":"Balance","Value":@B},{"Name":"TransactionDate","Value":@T},{"Name":"PhoneNumber","Value":@P}]}}}}"#;
const WHOLE: &str = r#"{"Body":{"stkCallback":{"MerchantRequestID":"29115-34620561-1","CheckoutRequestID":"ws_CO_191220191020363925","ResultCode":0,"ResultDesc":"ok","CallbackMetadata":{"Item":[{"Name":"Amount","Value":20.00},{"Name":"MpesaReceiptNumber","Value":"UKM4T8IYOU"},{"Name":"Balance","Value":1},{"Name":"TransactionDate","Value":20261122083018},{"Name":"PhoneNumber","Value":254712345678}]}}}}"#;
const GOOD: [(&str, &str); 9] = [
    ("@M", "\"29115-34620561-1\""),
    ("@Q", "\"ws_CO_191220191020363925\""),
    ("@C", "0"),
    ("@D", "\"ok\""),
    ("@A", "20.00"),
    ("@R", "\"UKM4T8IYOU\""),
    ("@B", "1"),
    ("@T", "20261122083018"),
    ("@P", "254712345678"),
];

/// The template with one place spoilt.
fn spoilt(place: &str, value: &str) -> String {
    GOOD.iter().fold(filled(MARKED, place, value), |text, (mark, good)| text.replace(mark, good))
}

fn paid(body: &[u8]) -> Option<Paid> {
    decode(body).ok()?.paid?.ok()
}

#[test]
fn the_template_itself_is_paid() {
    assert_eq!(spoilt("@C", "0"), WHOLE);
    assert_eq!(paid(WHOLE.as_bytes()).unwrap().amount.shillings(), 20);
}

#[test]
fn a_bad_code_amount_or_receipt_is_never_paid() {
    for value in values() {
        for place in ["@C", "@A", "@R"] {
            let body = spoilt(place, &value);
            assert_eq!(paid(body.as_bytes()), None, "{place} = {}", &value[..value.len().min(60)]);
        }
    }
}

#[test]
fn a_bad_value_elsewhere_never_changes_what_was_paid() {
    for value in values() {
        for place in ["@M", "@Q", "@D", "@B", "@T", "@P"] {
            if let Some(paid) = paid(spoilt(place, &value).as_bytes()) {
                assert_eq!((paid.amount.shillings(), paid.receipt.as_str()), (20, "UKM4T8IYOU"), "{place}");
            }
        }
    }
}

#[test]
fn what_is_missing_or_said_twice_is_never_paid() {
    let item = |name: &str, value: &str| format!(r#"{{"Name":"{name}","Value":{value}}}"#);
    for (from, to) in [
        (r#""ResultCode":0,"#, String::new()),
        (r#""ResultCode":0,"#, r#""ResultCode":1032,"ResultCode":0,"#.to_owned()),
        (r#""ResultCode":0,"#, r#""ResultCode":0,"ResultCode":0,"#.to_owned()),
        (r#""ResultCode":0,"#, r#""resultcode":0,"#.to_owned()),
        (r#"{"Body":{"#, r#"{"Body":{"stkCallback":{}},"Body":{"#.to_owned()),
        (r#""stkCallback":{"#, r#""stkCallback":{},"stkCallback":{"#.to_owned()),
        (r#""Item":["#, r#""Item":[],"Item":["#.to_owned()),
        (r#""CallbackMetadata":{"#, r#""CallbackMetadata":null,"CallbackMetadata":{"#.to_owned()),
        (r#"{"Item":["#, r#"{"item":["#.to_owned()),
        (r#""Value":20.00"#, r#""Value":20.00,"Value":20000"#.to_owned()),
        (r#""Value":20.00"#, r#""value":20.00"#.to_owned()),
        (r#""Name":"Amount""#, r#""Name":"AMOUNT""#.to_owned()),
        (r#""Name":"Amount""#, r#""Name":"Amount ""#.to_owned()),
        (r#""Name":"Amount""#, r#""Name":["Amount"]"#.to_owned()),
        (&*item("Amount", "20.00"), format!("{},{}", item("Amount", "20"), item("Amount", "2000"))),
        (&*item("Amount", "20.00"), format!("{},{}", item("Amount", "20.00"), item("Amount", "20.0"))),
        (
            &*item("MpesaReceiptNumber", "\"UKM4T8IYOU\""),
            format!(
                "{},{}",
                item("MpesaReceiptNumber", "\"UKM4T8IYOU\""),
                item("MpesaReceiptNumber", "\"UKM4T8IYOV\"")
            ),
        ),
    ] {
        let body = WHOLE.replacen(from, &to, 1);
        assert_ne!(body, WHOLE, "{from}");
        assert_eq!(paid(body.as_bytes()), None, "{from} → {to}");
    }
}

#[test]
fn bodies_of_other_kinds_are_no_callbacks() {
    for body in bodies() {
        assert!(decode(&body).is_err(), "{:?}", &body[..body.len().min(40)]);
    }
    let padded = [WHOLE.as_bytes(), &b" ".repeat(10 * 1024 * 1024)].concat();
    assert!(decode(&padded).is_err());
    for at in (0..WHOLE.len()).step_by(3) {
        for bad in [&b"\xff"[..], b"\xc0\x80", b"\xed\xa0\x80"] {
            let body = [&WHOLE.as_bytes()[..at], bad, &WHOLE.as_bytes()[at..]].concat();
            assert_eq!(paid(&body), None, "invalid UTF-8 at {at}");
        }
    }
}

/// Reads the same body with another reader, loosely: what our reader calls paid must at least be this.
fn is_plausible(body: &[u8], paid: &Paid) -> bool {
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        // The other reader also refuses half a surrogate in a place that neither of them needs.
        return String::from_utf8_lossy(body).contains(paid.receipt.as_str());
    };
    let callback = &body["Body"]["stkCallback"];
    let items = callback["CallbackMetadata"]["Item"].as_array().cloned().unwrap_or_default();
    let has =
        |name: &str, is: &dyn Fn(&Value) -> bool| items.iter().any(|item| item["Name"] == name && is(&item["Value"]));
    let shillings = f64::from(paid.amount.shillings());
    let amount = |value: &Value| {
        value.as_f64() == Some(shillings) || value.as_str().is_some_and(|text| text.parse() == Ok(shillings))
    };
    let receipt = |value: &Value| {
        let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        text == paid.receipt.as_str()
    };
    (callback["ResultCode"] == json!(0) || callback["ResultCode"] == json!("0"))
        && has("Amount", &amount)
        && has("MpesaReceiptNumber", &receipt)
        && (8..=12).contains(&paid.receipt.as_str().len())
        && paid.receipt.as_str().bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn mangled_callbacks_are_paid_only_when_they_say_so(body in mangled(WHOLE)) {
        if let Ok(Callback { paid: Some(Ok(paid)), .. }) = decode(&body) {
            prop_assert!(is_plausible(&body, &paid), "{}", String::from_utf8_lossy(&body));
        }
    }
}
