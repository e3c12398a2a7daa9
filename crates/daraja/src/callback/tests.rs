//! Callbacks in every shape seen, and in shapes nobody should send.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const SUCCESS: &str = r#"{ "Body": { "stkCallback": {
  "MerchantRequestID": "7a31-4c0e-9d52-1f6be80c23a4511873",
  "CheckoutRequestID": "ws_CO_22112026083001440712345678",
  "ResultCode": 0,
  "ResultDesc": "The service request is processed successfully.",
  "CallbackMetadata": { "Item": [
    { "Name": "Amount", "Value": 20.00 },
    { "Name": "MpesaReceiptNumber", "Value": "UKM4T8IYOU" },
    { "Name": "Balance" },
    { "Name": "TransactionDate", "Value": 20261122083018 },
    { "Name": "PhoneNumber", "Value": 254712345678 } ] } } } }"#;

fn with(code: &str, rest: &str) -> String {
    format!(
        r#"{{"Body":{{"stkCallback":{{"MerchantRequestID":"29115-34620561-1","CheckoutRequestID":"ws_CO_1","ResultCode":{code}{rest}}}}}}}"#
    )
}

fn with_items(items: &str) -> Option<Result<Paid, UnreadablePaid>> {
    decode(with("0", &format!(r#","CallbackMetadata":{{"Item":[{items}]}}"#)).as_bytes()).unwrap().paid
}

fn amount_and_receipt(items: &str) -> Result<(u32, String), UnreadablePaid> {
    with_items(items).unwrap().map(|paid| (paid.amount.shillings(), paid.receipt.as_str().to_owned()))
}

#[test]
fn a_success_is_read_in_full() {
    let callback = decode(SUCCESS.as_bytes()).unwrap();
    assert_eq!(callback.merchant_request_id.as_str(), "7a31-4c0e-9d52-1f6be80c23a4511873");
    assert_eq!(callback.checkout_request_id.as_str(), "ws_CO_22112026083001440712345678");
    assert_eq!(callback.result_code.as_str(), "0");
    let paid = callback.paid.clone().unwrap().unwrap();
    assert_eq!(paid.receipt.as_str(), "UKM4T8IYOU");
    assert_eq!(paid.amount, Kes::new(20).unwrap());
    assert!(paid.payer.unwrap().could_be(&"0712345678".parse().unwrap()));
    assert_eq!(paid.paid_at.unwrap().to_rfc3339(), "2026-11-22T05:30:18+00:00");
    assert_eq!(
        callback.evidence(true),
        Evidence::Paid { receipt: paid.receipt, amount: paid.amount, receipt_used_elsewhere: true }
    );
    let shown = format!("{:?}", decode(SUCCESS.as_bytes()));
    assert!(!shown.contains("712345678") && !shown.contains("UKM4T8IYOU"), "{shown}");
}

#[test]
fn failures_need_no_metadata_and_ignore_what_is_there() {
    for (code, lexeme) in [("1032", "1032"), ("\"1032\"", "1032"), ("\"SFC_IC0003\"", "SFC_IC0003"), ("4999", "4999")] {
        for rest in
            ["", r#","CallbackMetadata":null"#, r#","CallbackMetadata":{"Item":7}"#, r#","ResultDesc":"[STK_CB - ]x""#]
        {
            let callback = decode(with(code, rest).as_bytes()).unwrap();
            assert_eq!((callback.result_code.as_str(), &callback.paid), (lexeme, &None), "{code} {rest}");
            assert_eq!(callback.evidence(false), Evidence::CallbackResult(ResultCode::new(lexeme)));
        }
    }
}

#[test]
fn what_only_looks_like_zero_is_no_success() {
    for code in ["\" 0\"", "\"0.0\"", "\"00\"", "-0", "\"false\"", "\"O\""] {
        assert_eq!(decode(with(code, "").as_bytes()).unwrap().paid, None, "{code}");
    }
    for code in ["0.0", "0e0", "false", "null", "{}", "[0]", "\"\""] {
        assert_eq!(decode(with(code, "").as_bytes()), Err(CallbackError::Field("ResultCode")), "{code}");
    }
    let long = format!("\"0{}\"", " ".repeat(40));
    assert_eq!(decode(with(&long, "").as_bytes()), Err(CallbackError::Field("ResultCode")));
}

#[test]
fn a_success_without_details_is_kept_for_a_person() {
    for (rest, why) in [
        ("", UnreadablePaid::NoMetadata),
        (r#","CallbackMetadata":null"#, UnreadablePaid::NoMetadata),
        (r#","CallbackMetadata":{}"#, UnreadablePaid::NoMetadata),
        (r#","CallbackMetadata":{"Item":null}"#, UnreadablePaid::NoMetadata),
        (r#","CallbackMetadata":{"Item":{"Name":"Amount","Value":20}}"#, UnreadablePaid::NoMetadata),
        (r#","CallbackMetadata":{"Item":[]}"#, UnreadablePaid::Receipt),
    ] {
        let callback = decode(with("0", rest).as_bytes()).unwrap();
        assert_eq!(callback.paid, Some(Err(why)), "{rest}");
        assert_eq!(callback.evidence(false), Evidence::PaidUnreadable);
    }
}

#[test]
fn items_are_found_by_name_in_any_order() {
    let read = Ok((20, "UKM4T8IYOU".to_owned()));
    for items in [
        r#"{"Value":"UKM4T8IYOU","Name":"MpesaReceiptNumber"},{"Value":20,"Name":"Amount"}"#,
        r#"{"Name":"New","Value":{"a":[1]}},{"Name":"Amount","Value":"20.00"},{"Name":"MpesaReceiptNumber","Value":"UKM4T8IYOU"}"#,
        r#"null,7,"x",{"Name":"Balance","Value":"{Amount={BasicAmount=1.00}}"},{"Name":"Amount","Value":20.0},{"Name":"MpesaReceiptNumber","Value":"UKM4T8IYOU"}"#,
        r#"{"Name":"Amount","Value":20},{"Name":"Amount","Value":20},{"Name":"Amount"},{"Name":"MpesaReceiptNumber","Value":"UKM4T8IYOU"}"#,
        r#"{"Name":null},{"Value":3},{},{"Name":"Amount","Value":20},{"Name":"MpesaReceiptNumber","Value":"UKM4T8IYOU"},{"Name":"PhoneNumber","Value":{}}"#,
    ] {
        assert_eq!(amount_and_receipt(items), read, "{items}");
    }
}

#[test]
fn contradictions_and_odd_amounts_never_credit() {
    let receipt = r#"{"Name":"MpesaReceiptNumber","Value":"UKM4T8IYOU"}"#;
    for (items, why) in [
        (r#"{"Name":"Amount","Value":20},{"Name":"Amount","Value":1}"#, UnreadablePaid::Contradiction),
        (
            r#"{"Name":"Amount","Value":20},{"Name":"MpesaReceiptNumber","Value":"UKM4T8IYOV"}"#,
            UnreadablePaid::Contradiction,
        ),
        (r#"{"Name":"Amount","Value":1,"Value":20}"#, UnreadablePaid::Contradiction),
        (r#"{"Name":"Amount"}"#, UnreadablePaid::Amount),
        (r#"{"Name":"amount","Value":20}"#, UnreadablePaid::Amount),
        (r#"{"Name":"Amount","Value":20.50}"#, UnreadablePaid::Amount),
        (r#"{"Name":"Amount","Value":2e1}"#, UnreadablePaid::Amount),
        (r#"{"Name":"Amount","Value":-20}"#, UnreadablePaid::Amount),
        (r#"{"Name":"Amount","Value":0}"#, UnreadablePaid::Amount),
        (r#"{"Name":"Amount","Value":250001}"#, UnreadablePaid::Amount),
        (r#"{"Name":"Amount","Value":19.9999999999999999999}"#, UnreadablePaid::Amount),
        (r#"{"Name":"Amount","Value":true}"#, UnreadablePaid::Amount),
        (r#"{"Name":"Amount","Value":[20]}"#, UnreadablePaid::Amount),
        (r#"{"Name":"Amount","Value":null}"#, UnreadablePaid::Amount),
        (r#"{"Name":"Amount","Value":"20,00"}"#, UnreadablePaid::Amount),
    ] {
        assert_eq!(amount_and_receipt(&format!("{receipt},{items}")), Err(why), "{items}");
    }
    for bad in ["null", "\"\"", "\"short\"", "1.5", "{}", "\"UKM4T8IYO'\""] {
        let items = format!(r#"{{"Name":"Amount","Value":20}},{{"Name":"MpesaReceiptNumber","Value":{bad}}}"#);
        assert_eq!(amount_and_receipt(&items), Err(UnreadablePaid::Receipt), "{bad}");
    }
}

#[test]
fn masked_phones_and_bad_dates_do_not_spoil_a_success() {
    let paid = with_items(
        r#"{"Name":"Amount","Value":20},{"Name":"MpesaReceiptNumber","Value":"UKM4T8IYOU"},{"Name":"PhoneNumber","Value":"2547*****678"},{"Name":"TransactionDate","Value":"soon"}"#,
    );
    let paid = paid.unwrap().unwrap();
    assert!(paid.payer.unwrap().could_be(&"0712345678".parse().unwrap()));
    assert_eq!(paid.paid_at, None);
}

#[test]
fn bodies_that_are_no_callbacks() {
    for body in [
        "",
        "{}",
        "null",
        "[]",
        "<html>",
        r#"{"Body":null}"#,
        r#"{"Body":{}}"#,
        r#"{"Body":{"stkCallback":[]}}"#,
        "\u{feff}{}",
        r#"{"Body":{"stkCallback":{}}} x"#,
    ] {
        assert_eq!(decode(body.as_bytes()), Err(CallbackError::NotACallback), "{body}");
    }
    let deep = format!(r#"{{"Body":{}"#, r#"{"a":"#.repeat(10_000));
    assert_eq!(decode(deep.as_bytes()), Err(CallbackError::NotACallback));
    assert_eq!(decode(&vec![b' '; MAX_BODY + 1]), Err(CallbackError::TooLarge));
    assert_eq!(decode(br#"{"Body":{"stkCallback":{}}}"#), Err(CallbackError::Field("MerchantRequestID")));
    let twice = with("1032", r#","ResultCode":0"#);
    assert_eq!(decode(twice.as_bytes()), Err(CallbackError::NotACallback));
    let many = format!(r#"{{"Name":"Amount","Value":20}}{}"#, r#",{"Name":"x"}"#.repeat(100));
    assert_eq!(amount_and_receipt(&many), Err(UnreadablePaid::NoMetadata));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[A-Z0-9 .*-]{0,14}".prop_map(Value::from),
        Just(json!(0)),
        Just(json!("0")),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[A-Za-z]{1,6}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn never_panics_on_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = decode(&bytes);
    }

    #[test]
    fn never_panics_on_cut_or_changed_callbacks(at in 0..SUCCESS.len(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut bytes = SUCCESS.as_bytes().to_vec();
        if cut { bytes.truncate(at) } else if let Some(slot) = bytes.get_mut(at) { *slot = byte }
        let _ = decode(&bytes);
    }

    /// Whatever stands in the place of each value: a credit appears only when result code, amount and receipt
    /// are exactly what they must be, and then with exactly that amount.
    #[test]
    fn never_a_wrong_credit(code in any_json(), amount in any_json(), receipt in any_json(), phone in any_json()) {
        let body = json!({"Body":{"stkCallback":{
            "MerchantRequestID": "1-2-3", "CheckoutRequestID": "ws_CO_1", "ResultCode": code, "ResultDesc": "x",
            "CallbackMetadata": {"Item": [
                {"Name": "Amount", "Value": amount}, {"Name": "MpesaReceiptNumber", "Value": receipt},
                {"Name": "PhoneNumber", "Value": phone}]}}}});
        if let Ok(Callback { paid: Some(Ok(paid)), .. }) = decode(body.to_string().as_bytes()) {
            prop_assert!(code == json!(0) || code == json!("0"), "{code}");
            let text = amount.as_str().map_or_else(|| amount.to_string(), ToOwned::to_owned);
            prop_assert_eq!(Kes::parse_decimal(&text), Ok(paid.amount));
            let text = receipt.as_str().map_or_else(|| receipt.to_string(), ToOwned::to_owned);
            prop_assert_eq!(text, paid.receipt.as_str());
        }
    }

    #[test]
    fn whole_amounts_credit_exactly(shillings in 1u32..=250_000, zeros in "(\\.0{1,6})?", quoted in any::<bool>()) {
        let amount = if quoted { format!("\"{shillings}{zeros}\"") } else { format!("{shillings}{zeros}") };
        let items = format!(r#"{{"Name":"MpesaReceiptNumber","Value":"UKM4T8IYOU"}},{{"Name":"Amount","Value":{amount}}}"#);
        prop_assert_eq!(amount_and_receipt(&items), Ok((shillings, "UKM4T8IYOU".to_owned())));
    }
}
