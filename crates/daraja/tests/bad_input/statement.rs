//! Statements: files that people touch.

use daraja::statement::{Line, parse};
use proptest::prelude::*;

use crate::hostile::{bodies, mangled, values};

const HEADING: &str = "Receipt No.,Completion Time,Details,Transaction Status,Paid In,Withdrawn,Balance,Balance Confirmed,Reason Type,A/C No.";
const WHOLE: &str = "Short Code:,174379\nReceipt No.,Completion Time,Details,Transaction Status,Paid In,Withdrawn,Balance,Balance Confirmed,Reason Type,A/C No.\nUKM4T8IYOU,22-11-2026 08:30:18,Pay Bill from 2547***678 - JANE Acc. A1,Completed,\"1,020.00\",,\"5,120.00\",true,Pay Bill,A1\nUKM4T8IYOV,22-11-2026 08:31:18,Pay Bill from 2547***678 - JANE Acc. A2,Completed,20.00,,\"5,140.00\",true,Pay Bill,A2\n";

fn credits(file: &[u8]) -> Vec<Line> {
    parse(file)
        .map(|statement| statement.lines)
        .unwrap_or_default()
        .into_iter()
        .filter(|line| line.paid_in().is_some())
        .collect()
}

#[test]
fn files_of_other_kinds_are_no_statements() {
    for body in bodies() {
        assert!(parse(&body).is_err(), "{:?}", &body[..body.len().min(40)]);
        let after = credits(&[HEADING.as_bytes(), b"\n", &body].concat());
        assert!(after.is_empty(), "{:?}", &body[..body.len().min(40)]);
    }
}

#[test]
fn a_bad_value_in_the_amount_credits_nothing() {
    for value in values() {
        // As it is, and as a quoted field. An empty field and a lone quotation mark are nothing, and credit nothing.
        for field in [value.clone(), format!("\"{}\"", value.replace('"', "\"\""))] {
            let row = format!("UKM4T8IYOU,22-11-2026 08:30:18,Pay Bill,Completed,{field},,,true,Pay Bill,A1");
            let credits = credits(format!("{HEADING}\n{row}\n").as_bytes());
            assert!(credits.is_empty(), "{} credits {credits:?}", &value[..value.len().min(60)]);
        }
    }
}

#[test]
fn ten_megabytes_are_too_many() {
    let padded = [WHOLE.as_bytes(), &b"\n".repeat(10 * 1024 * 1024)].concat();
    assert!(parse(&padded).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Every credit stands in the file with its digits, next to its receipt.
    #[test]
    fn mangled_statements_credit_only_what_they_say(file in mangled(WHOLE)) {
        for line in credits(&file) {
            let text = String::from_utf8_lossy(&file).replace([',', '"'], "").to_ascii_uppercase();
            prop_assert!(text.contains(line.receipt.as_str()), "{text}");
            let shillings = line.paid_in().unwrap().shillings().to_string();
            prop_assert!(text.contains(&shillings), "{shillings} in {text}");
        }
    }
}
