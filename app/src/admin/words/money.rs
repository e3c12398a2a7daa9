//! Words for money that needs a person, and for the comparison with M-Pesa's books.

use super::{Tone, kes};
use crate::api::{ReceiptRow, RefundRow, StatementReport, Total};

/// How we heard of a receipt. A source this version does not know is shown as the server wrote it.
pub(crate) fn source(source: &str) -> String {
    match source {
        "callback" => "M-Pesa’s answer",
        "c2b" => "Paid by hand",
        "status" => "M-Pesa’s record",
        "statement" => "M-Pesa statement",
        "pull" => "M-Pesa’s list",
        "admin" => "Entered here",
        other => other,
    }
    .to_owned()
}

/// Where a receipt's money is.
pub(crate) fn receipt(row: &ReceiptRow) -> (Tone, String) {
    let (tone, words) = match row.state.as_str() {
        "credited" => (Tone::Good, "Counted"),
        "part" => (Tone::Warn, "Part of the price"),
        "credit" => (Tone::Good, "Customer’s credit"),
        "unmatched" => (Tone::Warn, "Unmatched"),
        "dismissed" => (Tone::Quiet, "Not for WiFi"),
        "reversed" => (Tone::Quiet, "Given back"),
        other => (Tone::Quiet, other),
    };
    (tone, words.to_owned())
}

/// How a refund stands.
pub(crate) fn refund(row: &RefundRow) -> (Tone, String) {
    let (tone, words) = match row.state.as_str() {
        "asked" => (Tone::Busy, "M-Pesa was asked"),
        "done" => (Tone::Good, "Given back"),
        "refused" => (Tone::Bad, "Refused"),
        "unknown" => (Tone::Warn, "Not known"),
        other => (Tone::Quiet, other),
    };
    (tone, words.to_owned())
}

/// `KES 1,234`, with cents where there are any: `KES 1,234.50`; `−` before what is negative.
pub(crate) fn cents(cents: i64) -> String {
    let (shillings, rest) = (cents.unsigned_abs() / 100, cents.unsigned_abs() % 100);
    let sign = if cents < 0 { "−" } else { "" };
    let whole = kes(shillings);
    if rest == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest:02}") }
}

/// `1 line`, `12 lines`.
pub(crate) fn lines(count: u64) -> String {
    if count == 1 { "1 line".to_owned() } else { format!("{count} lines") }
}

/// One total of a report.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    /// The word in the API.
    pub(crate) key: &'static str,
    /// What the owner calls it.
    pub(crate) name: &'static str,
    /// What it means and what to do.
    pub(crate) words: &'static str,
    /// The number in a report.
    pub(crate) total: fn(&StatementReport) -> Total,
    /// Whether lines of this kind ask for somebody to look.
    pub(crate) is_trouble: bool,
}

/// What the money in is made of: these four add up to it.
pub(crate) const PARTS: [Kind; 4] = [
    Kind {
        key: "matched",
        name: "Here as well",
        words: "M-Pesa and Bando say the same.",
        total: |report| report.matched,
        is_trouble: false,
    },
    Kind {
        key: "missing_here",
        name: "Missing here",
        words: "Paid according to M-Pesa, not known to Bando. Settle each line.",
        total: |report| report.missing_here,
        is_trouble: true,
    },
    Kind {
        key: "differing",
        name: "Amount differs",
        words: "Known to Bando with another amount.",
        total: |report| report.differing,
        is_trouble: true,
    },
    Kind {
        key: "duplicates",
        name: "Twice in the file",
        words: "The same receipt once more; counted here only once.",
        total: |report| report.duplicates,
        is_trouble: false,
    },
];

/// What stands beside the money in.
pub(crate) const BESIDE: [Kind; 4] = [
    Kind {
        key: "missing_there",
        name: "Missing at M-Pesa",
        words: "Known to Bando, but not in this statement though it falls into its time.",
        total: |report| report.missing_there,
        is_trouble: true,
    },
    Kind {
        key: "reversals",
        name: "Given back",
        words: "Reversals, which M-Pesa took from you and gave back to the customer.",
        total: |report| report.reversals,
        is_trouble: false,
    },
    Kind {
        key: "charges",
        name: "M-Pesa’s charges",
        words: "What M-Pesa kept for its service.",
        total: |report| report.charges,
        is_trouble: false,
    },
    Kind {
        key: "others",
        name: "Everything else",
        words: "Withdrawals, transfers to the bank, and the like.",
        total: |report| report.others,
        is_trouble: false,
    },
];

/// The kind with this word.
pub(crate) fn kind(key: &str) -> Option<&'static Kind> {
    PARTS.iter().chain(&BESIDE).find(|kind| kind.key == key)
}

/// Whether the parts make up the money in, to the cent and to the line.
pub(crate) fn adds_up(report: &StatementReport) -> bool {
    let sum = PARTS.iter().map(|kind| (kind.total)(report)).fold(Total::default(), |sum, part| Total {
        count: sum.count.saturating_add(part.count),
        cents: sum.cents.saturating_add(part.cents),
    });
    sum == report.paid_in
}

/// What a report comes to, in one badge.
pub(crate) fn report(report: &StatementReport) -> (Tone, String) {
    let count = PARTS.iter().chain(&BESIDE).filter(|kind| kind.is_trouble).map(|kind| (kind.total)(report).count);
    match count.fold(u64::try_from(report.unreadable.len()).unwrap_or(u64::MAX), u64::saturating_add) {
        0 => (Tone::Good, "All agrees".to_owned()),
        1 => (Tone::Warn, "1 line to look at".to_owned()),
        many => (Tone::Warn, format!("{many} lines to look at")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(count: u64, cents: i64) -> Total {
        Total { count, cents }
    }

    fn sample() -> StatementReport {
        StatementReport {
            id: uuid::Uuid::nil(),
            name: "november.csv".to_owned(),
            imported_by: "admin".to_owned(),
            imported_at: chrono::DateTime::UNIX_EPOCH,
            from: None,
            to: None,
            is_repeat: false,
            unreadable: Vec::new(),
            paid_in: total(10, 50_000),
            matched: total(7, 30_000),
            missing_here: total(1, 5_000),
            differing: total(1, 10_000),
            duplicates: total(1, 5_000),
            missing_there: total(1, 2_000),
            reversals: total(2, -4_000),
            charges: total(3, -1_525),
            others: Total::default(),
        }
    }

    #[test]
    fn cents_are_shown_where_there_are_any() {
        for (amount, text) in [
            (0, "KES 0"),
            (100, "KES 1"),
            (150, "KES 1.50"),
            (-1_525, "−KES 15.25"),
            (123_456_705, "KES 1,234,567.05"),
            (i64::MIN, "−KES 92,233,720,368,547,758.08"),
        ] {
            assert_eq!(cents(amount), text);
        }
    }

    #[test]
    fn a_report_adds_up_by_money_and_by_lines() {
        assert!(adds_up(&sample()));
        assert!(!adds_up(&StatementReport { matched: total(7, 29_999), ..sample() }));
        assert!(!adds_up(&StatementReport { matched: total(6, 30_000), ..sample() }));
        // What stands beside the money in is no part of the sum.
        assert!(adds_up(&StatementReport { missing_there: total(9, 9), charges: total(9, 9), ..sample() }));
    }

    #[test]
    fn what_asks_for_somebody_is_counted() {
        assert_eq!(report(&sample()).1, "3 lines to look at");
        let quiet = StatementReport {
            missing_here: Total::default(),
            differing: Total::default(),
            missing_there: Total::default(),
            ..sample()
        };
        assert_eq!(report(&quiet), (Tone::Good, "All agrees".to_owned()));
        let unreadable = StatementReport { unreadable: vec!["Row 3".to_owned()], ..quiet };
        assert_eq!(report(&unreadable), (Tone::Warn, "1 line to look at".to_owned()));
    }

    #[test]
    fn every_kind_is_found_by_its_word_and_has_its_own() {
        for known in PARTS.iter().chain(&BESIDE) {
            let found = kind(known.key).map(|kind| (kind.name, kind.words));
            assert_eq!(found, Some((known.name, known.words)));
        }
        assert!(kind("from_a_newer_version").is_none());
    }

    #[test]
    fn what_waits_looks_different_from_what_is_done() {
        let receipt_in = |state: &str| {
            receipt(&ReceiptRow {
                receipt: "UKM4T8IYOU".to_owned(),
                amount_kes: 50,
                state: state.to_owned(),
                source: "c2b".to_owned(),
                account_reference: None,
                payer: None,
                payer_name: None,
                paid_at: chrono::DateTime::UNIX_EPOCH,
                payment_id: None,
                decided_by: None,
                reason: None,
            })
        };
        let refund_in = |state: &str| {
            refund(&RefundRow {
                id: uuid::Uuid::nil(),
                kind: "reversal".to_owned(),
                state: state.to_owned(),
                amount_kes: 50,
                message: String::new(),
                reason: String::new(),
                by: String::new(),
                created_at: chrono::DateTime::UNIX_EPOCH,
            })
        };
        for (state, tone) in
            [("credited", Tone::Good), ("part", Tone::Warn), ("unmatched", Tone::Warn), ("dismissed", Tone::Quiet)]
        {
            assert_eq!(receipt_in(state).0, tone, "{state}");
        }
        for (state, tone) in
            [("asked", Tone::Busy), ("done", Tone::Good), ("refused", Tone::Bad), ("unknown", Tone::Warn)]
        {
            assert_eq!(refund_in(state).0, tone, "{state}");
        }
        assert_eq!(receipt_in("from_a_newer_version").1, "from_a_newer_version");
        assert_eq!(refund_in("from_a_newer_version").1, "from_a_newer_version");
    }

    #[test]
    fn lines_are_counted_in_words() {
        assert_eq!((lines(0), lines(1), lines(2)), ("0 lines".to_owned(), "1 line".to_owned(), "2 lines".to_owned()));
    }

    #[test]
    fn words_that_are_not_known_are_shown_as_they_came() {
        assert_eq!(source("c2b"), "Paid by hand");
        assert_eq!(source("from_a_newer_version"), "from_a_newer_version");
    }
}
