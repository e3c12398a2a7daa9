//! Any bytes: no panic, and no credit but the one that stands in the body.
#![no_main]

use daraja::c2b::decode;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|body: &[u8]| {
    let Ok(payment) = decode(body) else { return };
    for text in
        [&payment.transaction_type, &payment.bill_ref_number, &payment.third_party_trans_id, &payment.payer_name]
    {
        assert!(text.chars().count() <= 120 && !text.contains(char::is_control));
    }
    assert!(payment.account_reference().is_none_or(|reference| reference.as_str().len() <= 12));
    // The other reader also refuses half a surrogate in a place that neither of them needs.
    let (Ok(amount), Ok(body)) = (payment.amount, serde_json::from_slice::<Value>(body)) else { return };
    let shillings = f64::from(amount.shillings());
    let said = &body["TransAmount"];
    assert!(said.as_f64() == Some(shillings) || said.as_str().is_some_and(|text| text.trim().parse() == Ok(shillings)));
    assert_eq!(body["TransID"], payment.receipt.as_str());
});
