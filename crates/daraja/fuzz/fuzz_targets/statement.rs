//! Any file: no panic, every row accounted for once, and no amount or receipt that does not stand in it.
#![no_main]

use std::collections::HashSet;

use daraja::statement::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    let Ok(statement) = parse(file) else { return };
    let mut rows = HashSet::new();
    for row in statement.lines.iter().map(|line| line.row).chain(statement.unreadable.iter().map(|row| row.row)) {
        assert!(rows.insert(row), "row {row} twice");
    }
    let plain = |text: &str| text.replace([',', '"'], "");
    let text = plain(&String::from_utf8_lossy(file));
    for line in &statement.lines {
        assert!(text.contains(line.receipt.as_str()));
        assert!(line.paid_in_cents == 0 || line.withdrawn_cents == 0);
        for cents in [line.paid_in_cents, line.withdrawn_cents].into_iter().filter(|cents| *cents >= 100) {
            assert!(text.contains(&(cents / 100).to_string()), "{cents}");
        }
        assert!(line.details.chars().count() <= 300);
        assert!(line.account_reference.as_ref().is_none_or(|account| account.chars().count() <= 40));
    }
});
