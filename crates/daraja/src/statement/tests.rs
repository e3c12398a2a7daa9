//! Statements as exported, as saved again by people, and as nobody should make them.

use proptest::prelude::*;

use super::*;

const HEADING: &str = "Receipt No.,Completion Time,Initiation Time,Details,Transaction Status,Paid In,Withdrawn,Balance,Balance Confirmed,Reason Type,Other Party Info,Linked Transaction ID,A/C No.";
const PAYMENT: &str = r#"UKM4T8IYOU,22-11-2026 08:30:18,22-11-2026 08:30:15,Pay Bill from 2547*****678 - JANE DOE Acc. WF7K3Q9X,Completed,"1,020.00",,"5,120.00",true,Pay Bill Online,2547*****678 - JANE DOE,,WF7K3Q9X"#;
const CHARGE: &str = r#"UKM4T8IYOU,22-11-2026 08:30:18,22-11-2026 08:30:15,Pay Bill Charge,Completed,,-5.61,"5,114.39",true,Pay Bill Charge,,,"#;
const REVERSAL: &str = r#"UKM5REVERS,22-11-2026 09:00:00,22-11-2026 09:00:00,Pay Bill Reversal to 254712345678 - JANE DOE,Completed,,"-1,020.00","4,094.39",true,Pay Bill Reversal,254712345678 - JANE DOE,UKM4T8IYOU,"#;
const WITHDRAWAL: &str = r#"UKM6WITHDR,22-11-2026 10:00:00,22-11-2026 10:00:00,Organization Settlement to Bank,Completed,,"-4,000.00",94.39,true,Organization Settlement,ABC BANK,,"#;

fn file(rows: &[&str]) -> String {
    let head =
        ["Organization:,BANDO WIFI,,", "Short Code:,174379,,", "Time Period:,From 22-11-2026 to 22-11-2026,,", ""];
    [&head, &[HEADING][..], rows].concat().join("\r\n") + "\r\n"
}

fn read(rows: &[&str]) -> Statement {
    parse(file(rows).as_bytes()).unwrap()
}

fn amounts(statement: &Statement) -> Vec<(LineKind, u64, u64)> {
    statement.lines.iter().map(|line| (line.kind, line.paid_in_cents, line.withdrawn_cents)).collect()
}

fn all() -> Statement {
    read(&[PAYMENT, CHARGE, REVERSAL, WITHDRAWAL])
}

fn all_amounts() -> Vec<(LineKind, u64, u64)> {
    vec![
        (LineKind::Payment, 102_000, 0),
        (LineKind::Charge, 0, 561),
        (LineKind::Reversal, 0, 102_000),
        (LineKind::Withdrawal, 0, 400_000),
    ]
}

#[test]
fn a_statement_is_read_in_full() {
    let statement = all();
    assert_eq!((statement.shortcode.as_deref(), &statement.unreadable[..]), (Some("174379"), &[][..]));
    assert_eq!(amounts(&statement), all_amounts());
    let line = &statement.lines[0];
    assert_eq!((line.row, line.receipt.as_str(), &line.status), (6, "UKM4T8IYOU", &LineStatus::Completed));
    assert_eq!(line.completed_at.to_rfc3339(), "2026-11-22T05:30:18+00:00");
    assert_eq!((line.account_reference.as_deref(), line.payer_name.as_deref()), (Some("WF7K3Q9X"), Some("JANE DOE")));
    assert!(line.payer.as_ref().unwrap().could_be(&"0712345678".parse().unwrap()));
    assert_eq!((line.paid_in(), line.is_completed_payment()), (Some(Kes::new(1_020).unwrap()), true));
    assert_eq!(statement.lines[2].linked_receipt.as_deref(), Some("UKM4T8IYOU"));
    assert_eq!((statement.lines[1].paid_in(), statement.lines[1].is_completed_payment()), (None, false));
    let shown = format!("{statement:?}");
    assert!(!shown.contains("JANE") && !shown.contains("712345678") && !shown.contains("UKM4T8IYOU"), "{shown}");
}

#[test]
fn files_are_read_however_they_were_saved() {
    let plain = file(&[PAYMENT, CHARGE, REVERSAL, WITHDRAWAL]);
    let amount_comma = |text: &str| text.replace("1,020", "1_020").replace("5,120", "5_120");
    for (name, bytes) in [
        ("BOM", [b"\xef\xbb\xbf", plain.as_bytes()].concat()),
        ("line feeds only", plain.replace('\r', "").into_bytes()),
        ("carriage returns only", plain.replace('\n', "").into_bytes()),
        ("no last line end", plain.trim_end().as_bytes().to_vec()),
        (
            "Windows-1252",
            plain
                .replace("JANE DOE", "JAN\u{1} DO")
                .into_bytes()
                .iter()
                .map(|b| if *b == 1 { 0xc9 } else { *b })
                .collect(),
        ),
        ("other dates", plain.replace("22-11-2026 ", "2026-11-22 ").into_bytes()),
        ("slashes", plain.replace("22-11-2026 ", "22/11/2026 ").into_bytes()),
        ("everything quoted", plain.replace(",22-11-2026 08:30:18,", ",\"22-11-2026 08:30:18\",").into_bytes()),
        ("names in capitals", plain.replace(HEADING, &HEADING.to_uppercase()).into_bytes()),
        ("names without marks", plain.replace("Receipt No.", " receipt no ").replace("A/C No.", "AC No").into_bytes()),
        ("heading printed again", plain.replace(CHARGE, &format!("{HEADING}\r\n\r\n{CHARGE}")).into_bytes()),
        ("trailing empty columns", plain.replace("true,Pay Bill Charge,,,", "true,Pay Bill Charge").into_bytes()),
    ] {
        let statement = parse(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((amounts(&statement), &statement.unreadable[..]), (all_amounts(), &[][..]), "{name}");
        assert_eq!(statement.lines[0].completed_at.to_rfc3339(), "2026-11-22T05:30:18+00:00", "{name}");
    }
    let semicolons = amount_comma(&file(&[PAYMENT])).replace(',', ";").replace('_', ",");
    assert_eq!(amounts(&parse(semicolons.as_bytes()).unwrap()), all_amounts()[..1]);
    let windows = file(&[PAYMENT]).replace("JANE DOE", "\u{1}");
    let windows: Vec<u8> =
        windows.bytes().flat_map(|b| if b == 1 { vec![b'R', 0xc9, b'X', 0x92] } else { vec![b] }).collect();
    assert_eq!(parse(&windows).unwrap().lines[0].payer_name.as_deref(), Some("RÉX’"));
}

#[test]
fn columns_are_found_by_name() {
    let text = "Paid In,A/C No.,Receipt No.,Completion Time,Transaction Status\n20.00,WF7K3Q9X,UKM4T8IYOU,22-11-2026 08:30:18,completed\n";
    let statement = parse(text.as_bytes()).unwrap();
    assert_eq!((statement.shortcode.as_deref(), statement.lines.len()), (None, 1), "{statement:?}");
    let line = &statement.lines[0];
    assert_eq!((line.paid_in_cents, line.account_reference.as_deref()), (2_000, Some("WF7K3Q9X")));
    assert_eq!(line.kind, LineKind::Other, "nothing says that a customer paid it");
    let text = text
        .replace(",completed", ",Failed")
        .replace("Paid In,", "Paid In,Reason Type,")
        .replace("20.00,", "20.00,Pay Bill,");
    let line = &parse(text.as_bytes()).unwrap().lines[0];
    assert_eq!(
        (line.kind, &line.status, line.is_completed_payment()),
        (LineKind::Payment, &LineStatus::Other("Failed".to_owned()), false)
    );
}

#[test]
fn what_a_customer_types_never_changes_the_kind() {
    for typed in ["CHARGE", "REVERSAL", "fee", "Pay Bill Reversal", "Withdrawn"] {
        let row = PAYMENT.replace("WF7K3Q9X", typed).replace("JANE DOE", typed);
        let statement = read(&[&row]);
        assert_eq!(amounts(&statement), all_amounts()[..1], "{typed}");
        assert_eq!(statement.lines[0].account_reference.as_deref(), Some(typed));
    }
}

#[test]
fn details_serve_where_columns_are_missing() {
    let row = PAYMENT.replace(",Pay Bill Online,2547*****678 - JANE DOE,,WF7K3Q9X", ",,,,");
    let line = &read(&[&row]).lines[0];
    assert_eq!((line.kind, line.account_reference.as_deref()), (LineKind::Payment, Some("WF7K3Q9X")));
    assert_eq!((line.payer.is_some(), line.payer_name.as_deref()), (true, Some("JANE DOE")));
    let row = REVERSAL.replace(",UKM4T8IYOU,", ",,").replace("Pay Bill Reversal to", "Reversal of UKM4T8IYOU to");
    assert_eq!(read(&[&row]).lines[0].linked_receipt.as_deref(), Some("UKM4T8IYOU"));
}

#[test]
fn one_bad_row_loses_only_itself() {
    let cases = [
        ("an amount with its comma unquoted", PAYMENT.replace("\"1,020.00\"", "1,020.00"), "the heading"),
        (
            "the same where empty columns end the row",
            PAYMENT.replace("\"1,020.00\"", "1,020.00").replace(",,WF7K3Q9X", ""),
            "",
        ),
        ("a quotation mark left open", PAYMENT.replace("\"1,020.00\"", "\"1,020.00"), ""),
        ("one at the start", format!("\"{PAYMENT}"), "never closed"),
        ("a decimal comma", PAYMENT.replace("\"1,020.00\"", "\"20,00\""), "paid in"),
        ("a word for an amount", PAYMENT.replace("\"1,020.00\"", "NaN"), "paid in"),
        ("too large", PAYMENT.replace("\"1,020.00\"", "1e308"), "paid in"),
        ("less than nothing", PAYMENT.replace("\"1,020.00\"", "-20.00"), "less than nothing"),
        ("in and out at once", PAYMENT.replace("\"1,020.00\",", "20.00,20.00"), "in one row"),
        ("no receipt", PAYMENT.replace("UKM4T8IYOU,22", ",22"), "receipt"),
        ("no date", PAYMENT.replace("22-11-2026 08:30:18", "soon"), "completion time"),
        ("a row cut short", PAYMENT.split(",true").next().unwrap().to_owned(), "cut short"),
        ("a total", ",,,Total,,\"1,020.00\",,,,,,,".to_owned(), "receipt"),
        ("a field beyond measure", PAYMENT.replace("JANE", &"J".repeat(5_000)), "too long"),
        ("columns beyond measure", format!("{PAYMENT}{}", ",x".repeat(100)), "columns"),
        (
            "moved by one column",
            PAYMENT.replacen("Pay Bill from", "Pay Bill, from", 1).replace(",,WF7K3Q9X", ""),
            "headings",
        ),
    ];
    for (name, bad, why) in cases {
        let statement = read(&[PAYMENT, CHARGE, &bad, REVERSAL, WITHDRAWAL]);
        assert_eq!(amounts(&statement), all_amounts(), "{name}");
        let [row] = &statement.unreadable[..] else { panic!("{name}: {statement:?}") };
        assert!(row.row == 8 && row.why.contains(why), "{name}: {row:?}");
    }
}

#[test]
fn quotation_marks_inside_names_and_line_breaks_inside_fields_are_fine() {
    let nick = PAYMENT.replace("JANE DOE", "JANE \"JJ DOE");
    let broken = PAYMENT.replace(
        "Pay Bill from 2547*****678 - JANE DOE Acc. WF7K3Q9X",
        "\"Pay Bill from\r\n2547*****678 - JANE DOE Acc. WF7K3Q9X\"",
    );
    for row in [&nick, &broken] {
        let statement = read(&[PAYMENT, CHARGE, row, REVERSAL, WITHDRAWAL]);
        assert_eq!((statement.lines.len(), &statement.unreadable[..]), (5, &[][..]), "{row}");
        assert_eq!(statement.lines[2].paid_in_cents, 102_000);
    }
}

#[test]
fn files_that_are_no_statements() {
    for (bytes, error) in [
        (b"".to_vec(), StatementError::NoColumns),
        (b"<html></html>".to_vec(), StatementError::NoColumns),
        (b"{}".to_vec(), StatementError::NoColumns),
        (b"Receipt No.,Details,Paid In\nx".to_vec(), StatementError::NoColumns),
        (b"PK\x03\x04rest".to_vec(), StatementError::Spreadsheet),
        (b"\xff\xfeR\0e\0".to_vec(), StatementError::Spreadsheet),
        (vec![b'\n'; MAX_ROWS + 1], StatementError::TooManyRows),
        (vec![b'x'; MAX_BYTES + 1], StatementError::TooLarge),
        (vec![b'"'; MAX_BYTES], StatementError::NoColumns),
        (vec![b','; MAX_BYTES], StatementError::NoColumns),
        (vec![0; MAX_BYTES], StatementError::NoColumns),
        (b"[".repeat(100_000), StatementError::NoColumns),
    ] {
        assert_eq!(parse(&bytes), Err(error), "{:?}", &bytes[..bytes.len().min(12)]);
    }
}

#[test]
fn the_largest_statement_is_read() {
    let short = format!("UKM4T8IYOU,22-11-2026 08:30:18,,{},,20,,,,,,,\n", "x".repeat(500));
    let mut text = format!("{HEADING}\n");
    while text.len() + short.len() <= MAX_BYTES {
        text.push_str(&short);
    }
    let rows = text.lines().count();
    assert!(rows <= MAX_ROWS, "{rows}");
    assert_eq!(parse(text.as_bytes()).unwrap().lines.len(), rows - 1);
}

proptest! {
    #[test]
    fn never_panics_on_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&bytes);
        let _ = parse(&[HEADING.as_bytes(), b"\n", &bytes].concat());
    }

    /// Whatever a byte of a row becomes, the rows around it are read as before.
    #[test]
    fn a_changed_byte_spoils_one_row_at_most(at in 0..PAYMENT.len(), byte in any::<u8>()) {
        let start = file(&[CHARGE]).len();
        let mut bytes = file(&[CHARGE, PAYMENT, REVERSAL, WITHDRAWAL]).into_bytes();
        bytes[start + at] = byte;
        let statement = parse(&bytes).unwrap();
        let receipts: Vec<&str> = statement.lines.iter().map(|line| line.receipt.as_str()).collect();
        prop_assert_eq!(receipts.first(), Some(&"UKM4T8IYOU"));
        prop_assert!(receipts.ends_with(&["UKM5REVERS", "UKM6WITHDR"]), "{receipts:?}");
    }

    /// A credit appears only with a receipt, and with exactly the amount that stands there.
    #[test]
    fn never_a_wrong_credit(amount in "[-+]?[0-9,.]{0,9}|NaN|1e308|\\PC{0,6}", receipt in "[A-Z0-9]{0,14}", status in "Completed|Failed|") {
        let quoted = amount.replace('"', "\"\"");
        let row = format!("{receipt},22-11-2026 08:30:18,,Pay Bill,{status},\"{quoted}\",,,true,Pay Bill,,,A");
        for line in read(&[&row]).lines {
            prop_assert_eq!(&receipt, line.receipt.as_str());
            prop_assert_eq!(line.is_completed_payment(), status == "Completed" && line.paid_in_cents > 0);
            let digits: String = amount.chars().filter(|c| !matches!(c, ',' | '.' | ' ' | '\u{a0}')).collect();
            if line.paid_in_cents > 0 {
                let decimals = amount.split_once('.').map_or(0, |(_, fraction)| fraction.trim_end().len());
                let scaled: u128 = digits.trim().parse::<u128>().unwrap() * 100;
                prop_assert_eq!(u128::from(line.paid_in_cents) * 10_u128.pow(u32::try_from(decimals).unwrap()), scaled);
            }
        }
    }
}
