//! C2B notices and verdicts.

use proptest::prelude::*;

use super::*;

const CONFIRMATION: &str = r#"{ "TransactionType": "Pay Bill", "TransID": "UKM5X1B2C3", "TransTime": "20261122083500", "TransAmount": "20.00",
  "BusinessShortCode": "600984", "BillRefNumber": "WF7K3Q9X", "InvoiceNumber": "", "OrgAccountBalance": "4120.00",
  "ThirdPartyTransID": "", "MSISDN": "2547*****678", "FirstName": "JANE", "MiddleName": "", "LastName": "" }"#;

#[test]
fn a_confirmation_is_read_in_full() {
    let payment = decode(CONFIRMATION.as_bytes()).unwrap();
    assert_eq!(payment.transaction_type, "Pay Bill");
    assert_eq!(payment.receipt.as_str(), "UKM5X1B2C3");
    assert_eq!(payment.paid_at.unwrap().to_rfc3339(), "2026-11-22T05:35:00+00:00");
    assert_eq!(payment.amount, Kes::new(20));
    assert_eq!(payment.business_shortcode, "600984");
    assert_eq!(payment.account_reference().unwrap().as_str(), "WF7K3Q9X");
    assert!(payment.payer.as_ref().unwrap().could_be(&"0712345678".parse().unwrap()));
    assert_eq!(payment.payer_name, "JANE");
    let shown = format!("{payment:?}");
    assert!(!shown.contains("JANE") && !shown.contains("UKM5X1B2C3"), "{shown}");
}

#[test]
fn numbers_hashes_and_gaps_are_read_too() {
    let hash = "7132104d6aae9c3fac82095a42c2817952bca48e09d98d5bf4ac08218982fb90";
    for msisdn in ["254712345678".to_owned(), "\"254712345678\"".to_owned(), format!("\"{hash}\"")] {
        let body = format!(
            r#"{{"TransID":"UKM5X1B2C3","TransAmount":20.0,"BusinessShortCode":600984,"MSISDN":{msisdn},"TransTime":20261122083500,"TransactionType":null,"BillRefNumber":"my wifi, please"}}"#
        );
        let payment = decode(body.as_bytes()).unwrap();
        assert!(payment.payer.as_ref().unwrap().could_be(&"0712345678".parse().unwrap()), "{msisdn}");
        assert_eq!((payment.amount, payment.business_shortcode.as_str()), (Kes::new(20), "600984"));
        assert_eq!((payment.account_reference(), payment.payer_name.as_str()), (None, ""));
        assert!(payment.paid_at.is_some());
    }
}

#[test]
fn an_amount_we_cannot_sell_for_is_kept_as_such() {
    for amount in ["\"20.50\"", "0", "300000", "\"x\"", "2e1"] {
        let body = format!(r#"{{"TransID":"UKM5X1B2C3","TransAmount":{amount},"BusinessShortCode":"600984"}}"#);
        assert!(decode(body.as_bytes()).unwrap().amount.is_err(), "{amount}");
    }
}

#[test]
fn what_identifies_nothing_is_refused() {
    for (body, error) in [
        ("", C2bError::NotC2b),
        ("<html>", C2bError::NotC2b),
        ("{}", C2bError::Field("TransID")),
        (r#"{"TransID":"UKM5X1B2C3"}"#, C2bError::Field("TransAmount")),
        (r#"{"TransID":"UKM5X1B2C3","TransAmount":"20"}"#, C2bError::Field("BusinessShortCode")),
        (r#"{"TransID":"x","TransAmount":"20","BusinessShortCode":"600984"}"#, C2bError::Field("TransID")),
        (r#"{"TransID":"UKM5X1B2C3","TransID":"UKM5X1B2C4"}"#, C2bError::NotC2b),
    ] {
        assert_eq!(decode(body.as_bytes()), Err(error), "{body}");
    }
    assert_eq!(decode(&vec![b' '; MAX_BODY + 1]), Err(C2bError::TooLarge));
}

#[test]
fn verdicts_are_written_as_documented() {
    let reply = |verdict, id| serde_json::to_string(&ValidationReply::new(verdict, id)).unwrap();
    assert_eq!(reply(Verdict::Accept, None), r#"{"ResultCode":"0","ResultDesc":"Accepted"}"#);
    assert_eq!(
        reply(Verdict::Accept, Some("p1".to_owned())),
        r#"{"ResultCode":"0","ResultDesc":"Accepted","ThirdPartyTransID":"p1"}"#
    );
    for (verdict, code) in [
        (Verdict::InvalidMsisdn, "C2B00011"),
        (Verdict::InvalidAccountNumber, "C2B00012"),
        (Verdict::InvalidAmount, "C2B00013"),
        (Verdict::InvalidKycDetails, "C2B00014"),
        (Verdict::InvalidShortcode, "C2B00015"),
        (Verdict::Other, "C2B00016"),
    ] {
        assert_eq!(reply(verdict, None), format!(r#"{{"ResultCode":"{code}","ResultDesc":"Rejected"}}"#));
    }
}

proptest! {
    #[test]
    fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400), at in 0..CONFIRMATION.len(), byte in any::<u8>()) {
        let _ = decode(&bytes);
        let mut changed = CONFIRMATION.as_bytes().to_vec();
        if let Some(slot) = changed.get_mut(at) { *slot = byte }
        let _ = decode(&changed);
    }
}
