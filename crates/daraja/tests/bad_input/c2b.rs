//! C2B validations and confirmations.

use daraja::c2b::{C2bPayment, decode};
use domain::Kes;
use proptest::prelude::*;
use serde_json::Value;

use crate::hostile::{bodies, filled, mangled, values};

const MARKED: &str = r#"{"TransactionType":@Y,"TransID":@R,"TransTime":@T,"TransAmount":@A,"BusinessShortCode":@S,"BillRefNumber":@B,"InvoiceNumber":@I,"OrgAccountBalance":@O,"ThirdPartyTransID":@H,"MSISDN":@P,"FirstName":@F}"#;
const WHOLE: &str = r#"{"TransactionType":"Pay Bill","TransID":"UKM5X1B2C3","TransTime":"20261122083500","TransAmount":"20.00","BusinessShortCode":"600984","BillRefNumber":"WF7K3Q9X","InvoiceNumber":"","OrgAccountBalance":"4120.00","ThirdPartyTransID":"","MSISDN":"2547*****678","FirstName":"JANE"}"#;
const GOOD: [(&str, &str); 11] = [
    ("@Y", "\"Pay Bill\""),
    ("@R", "\"UKM5X1B2C3\""),
    ("@T", "\"20261122083500\""),
    ("@A", "\"20.00\""),
    ("@S", "\"600984\""),
    ("@B", "\"WF7K3Q9X\""),
    ("@I", "\"\""),
    ("@O", "\"4120.00\""),
    ("@H", "\"\""),
    ("@P", "\"2547*****678\""),
    ("@F", "\"JANE\""),
];

fn spoilt(place: &str, value: &str) -> String {
    GOOD.iter().fold(filled(MARKED, place, value), |text, (mark, good)| text.replace(mark, good))
}

/// What a notice would credit.
fn credit(body: &[u8]) -> Option<(C2bPayment, Kes)> {
    let payment = decode(body).ok()?;
    let amount = payment.amount.ok()?;
    Some((payment, amount))
}

#[test]
fn the_template_itself_credits() {
    assert_eq!(spoilt("@A", "\"20.00\""), WHOLE);
    assert_eq!(credit(WHOLE.as_bytes()).unwrap().1.shillings(), 20);
}

#[test]
fn a_bad_amount_or_receipt_credits_nothing() {
    for value in values() {
        for place in ["@A", "@R"] {
            let body = spoilt(place, &value);
            assert_eq!(credit(body.as_bytes()), None, "{place} = {}", &value[..value.len().min(60)]);
        }
    }
    for (from, to) in [
        (r#""TransAmount":"20.00","#, ""),
        (r#""TransAmount":"20.00","#, r#""TransAmount":"20.00","TransAmount":"2000.00","#),
        (r#""TransAmount":"#, r#""transamount":"#),
        (r#""TransID":"UKM5X1B2C3","#, ""),
        (r#""TransID":"UKM5X1B2C3","#, r#""TransID":"UKM5X1B2C3","TransID":"UKM5X1B2C4","#),
        (r#""BusinessShortCode":"600984","#, ""),
    ] {
        let body = WHOLE.replacen(from, to, 1);
        assert_ne!(body, WHOLE);
        assert_eq!(credit(body.as_bytes()), None, "{from} → {to}");
    }
}

#[test]
fn a_bad_value_elsewhere_changes_neither_receipt_nor_amount() {
    for value in values() {
        for place in ["@Y", "@T", "@S", "@B", "@I", "@O", "@H", "@P", "@F"] {
            if let Some((payment, amount)) = credit(spoilt(place, &value).as_bytes()) {
                assert_eq!((payment.receipt.as_str(), amount.shillings()), ("UKM5X1B2C3", 20), "{place}");
                let texts = [
                    &payment.transaction_type,
                    &payment.bill_ref_number,
                    &payment.third_party_trans_id,
                    &payment.payer_name,
                ];
                assert!(texts.iter().all(|text| text.len() <= 500 && !text.contains(char::is_control)), "{place}");
            }
        }
    }
}

#[test]
fn bodies_of_other_kinds_are_no_notices() {
    for body in bodies() {
        assert!(decode(&body).is_err(), "{:?}", &body[..body.len().min(40)]);
    }
    let padded = [WHOLE.as_bytes(), &b" ".repeat(10 * 1024 * 1024)].concat();
    assert!(decode(&padded).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn mangled_notices_credit_only_what_they_say(body in mangled(WHOLE)) {
        if let Some((payment, amount)) = credit(&body) {
            // The other reader also refuses half a surrogate in a place that neither of them needs.
            let Ok(other) = serde_json::from_slice::<Value>(&body) else { return Ok(()) };
            let shillings = f64::from(amount.shillings());
            let said = &other["TransAmount"];
            prop_assert!(said.as_f64() == Some(shillings) || said.as_str().is_some_and(|text| text.trim().parse() == Ok(shillings)));
            let said = &other["TransID"];
            let text = said.as_str().map_or_else(|| said.to_string(), ToOwned::to_owned);
            prop_assert_eq!(text, payment.receipt.as_str());
        }
    }
}
