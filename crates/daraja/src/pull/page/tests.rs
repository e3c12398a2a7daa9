//! Pages of transactions in every shape seen, and in shapes nobody should send.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;

fn page(body: &str) -> Result<PullOutcome, UnknownCause> {
    read(&Answer { status: 200, retry_after_secs: None, body: Bytes::copy_from_slice(body.as_bytes()) })
}

fn rows(response: &str) -> PullPage {
    match page(&format!(
        r#"{{"ResponseRefID":"1","ResponseCode":"1000","ResponseMessage":"Success","Response":{response}}}"#
    )) {
        Ok(PullOutcome::Page(page)) => page,
        other => panic!("{other:?}"),
    }
}

const ROW: &str = r#"{"transactionId":"UKM5X1B2C3","trxDate":"2026-11-22T05:35:00Z","msisdn":254712345678,"sender":"MPESA","transactiontype":"c2b-pay-bill-debit","billreference":"WF7K3Q9X","amount":"20.0","organizationname":"BANDO WIFI"}"#;

#[test]
fn a_row_is_read_in_full() {
    let page = rows(&format!("[[{ROW}]]"));
    let [line] = &page.lines[..] else { panic!("{page:?}") };
    assert_eq!(line.receipt.as_str(), "UKM5X1B2C3");
    assert_eq!(line.at.to_rfc3339(), "2026-11-22T05:35:00+00:00");
    assert!(line.payer.as_ref().unwrap().could_be(&"0712345678".parse().unwrap()));
    assert_eq!((line.kind.as_str(), line.account_reference.as_deref()), ("c2b-pay-bill-debit", Some("WF7K3Q9X")));
    assert_eq!((line.amount, page.rows()), (Kes::new(20).unwrap(), 1));
    assert!(!format!("{page:?}").contains("712345678"));
}

#[test]
fn arrays_may_be_nested_or_not() {
    for response in [
        format!("[[{ROW},{ROW}]]"),
        format!("[[{ROW}],[{ROW}]]"),
        format!("[{ROW},{ROW}]"),
        format!("[[],[{ROW}],{ROW}]"),
    ] {
        assert_eq!((rows(&response).lines.len(), rows(&response).rows()), (2, 2), "{response}");
    }
    assert_eq!(rows("[[]]").rows(), 0);
    assert_eq!(rows("[]").rows(), 0);
}

#[test]
fn a_naive_date_is_nairobi_time_and_gaps_are_no_loss() {
    let row = ROW
        .replace("2026-11-22T05:35:00Z", "2026-11-22 08:35:00")
        .replace("254712345678", "null")
        .replace("\"WF7K3Q9X\"", "null");
    let page = rows(&format!("[[{row}]]"));
    assert_eq!(page.lines[0].at.to_rfc3339(), "2026-11-22T05:35:00+00:00");
    assert_eq!((&page.lines[0].payer, &page.lines[0].account_reference), (&None, &None));
}

#[test]
fn what_cannot_be_read_is_handed_on_as_it_came() {
    for (row, why) in [
        ("7".to_owned(), "not a transaction"),
        ("null".to_owned(), "not a transaction"),
        ("{}".to_owned(), "no usable transactionId"),
        (ROW.replace("UKM5X1B2C3", "x"), "no usable transactionId"),
        (ROW.replace("2026-11-22T05:35:00Z", "soon"), "no usable trxDate"),
        (ROW.replace("\"20.0\"", "null"), "no usable amount"),
        (ROW.replace("\"20.0\"", "20.5"), "an amount that is not whole shillings"),
        (ROW.replace("\"20.0\"", "1e308"), "an amount that is not whole shillings"),
        (ROW.replace("\"20.0\"", "\"NaN\""), "an amount that is not whole shillings"),
        (ROW.replace("\"sender\"", "\"amount\":1,\"sender\""), "not a transaction"),
    ] {
        let page = rows(&format!("[[{row},{ROW}]]"));
        assert_eq!((page.lines.len(), page.rows()), (1, 2), "{row}");
        assert_eq!((page.unreadable[0].raw.as_str(), page.unreadable[0].why), (row.as_str(), why));
        assert!(!format!("{page:?}").contains("712345678"));
    }
}

#[test]
fn codes_of_its_own() {
    assert_eq!(
        page(r#"{"ResponseCode":"1001","ResponseMessage":"No transactions found","Response":[[]]}"#),
        Ok(PullOutcome::Page(PullPage::default()))
    );
    assert_eq!(page(r#"{"ResponseCode":1001}"#), Ok(PullOutcome::Page(PullPage::default())));
    assert_eq!(page(r#"{"ResponseCode":"1000"}"#), Err(UnknownCause::Unreadable));
    assert_eq!(
        page(r#"{"ResponseCode":"0","Response":[[]]}"#),
        Err(UnknownCause::UnexpectedResponseCode("0".to_owned()))
    );
    for body in ["", "<html>", "[]", "{}", &"[".repeat(100_000)] {
        assert_eq!(page(body), Err(UnknownCause::Unreadable));
    }
}

proptest! {
    #[test]
    fn never_panics_and_never_invents_money(at in 0..ROW.len(), byte in any::<u8>(), cut in any::<bool>(), noise in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut changed = ROW.as_bytes().to_vec();
        if cut { changed.truncate(at) } else if let Some(slot) = changed.get_mut(at) { *slot = byte }
        for row in [&changed, &noise] {
            let body = [&br#"{"ResponseCode":"1000","Response":[["#[..], row, b"]]}"].concat();
            let answer = Answer { status: 200, retry_after_secs: None, body: Bytes::from(body) };
            let Ok(PullOutcome::Page(page)) = read(&answer) else { continue };
            for line in page.lines {
                let text = String::from_utf8_lossy(row);
                prop_assert!(text.contains(line.receipt.as_str()) && text.contains(&line.amount.shillings().to_string()), "{text}");
            }
        }
    }
}
