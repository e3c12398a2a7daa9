//! Any bytes: no panic, and a success only where code, receipt and amount stand in the body exactly so.
#![no_main]

use daraja::callback::decode;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fn values<'a>(items: &'a [Value], name: &'a str) -> impl Iterator<Item = &'a Value> {
    items.iter().filter(move |item| item["Name"] == name).map(|item| &item["Value"])
}

fuzz_target!(|body: &[u8]| {
    let Ok(callback) = decode(body) else { return };
    assert!(callback.result_desc.chars().count() <= 200);
    assert_eq!(callback.paid.is_some(), callback.result_code.as_str() == "0");
    let Some(Ok(paid)) = callback.paid else { return };
    let receipt = paid.receipt.as_str();
    assert!((8..=12).contains(&receipt.len()) && receipt.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()));
    assert!((1..=250_000).contains(&paid.amount.shillings()));
    // The other reader also refuses half a surrogate in a place that neither of them needs.
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return };
    let callback = &body["Body"]["stkCallback"];
    assert!(callback["ResultCode"] == 0 || callback["ResultCode"] == "0");
    let items = callback["CallbackMetadata"]["Item"].as_array().expect("a success has items");
    assert!(values(items, "MpesaReceiptNumber").any(|value| value == receipt));
    let shillings = f64::from(paid.amount.shillings());
    let is_amount =
        |value: &Value| value.as_f64() == Some(shillings) || value.as_str().is_some_and(|t| t.parse() == Ok(shillings));
    assert!(values(items, "Amount").filter(|value| !value.is_null()).all(is_amount));
});
