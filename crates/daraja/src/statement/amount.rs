//! Amounts as people and spreadsheets write them, into cents, exactly or not at all.

/// Longest whole part, in digits: a thousand billion shillings is no statement's amount.
const MAX_WHOLE: usize = 12;

/// The text is no amount, or one that could be read in two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotAnAmount;

/// Cents of `1,200.00`, `-1,200.00`, `1200`, `1200.5`; nothing and a lone dash are 0. Commas must stand before
/// groups of three: `20,00` is twenty in one country and two thousand in a careless reading, so it is not read.
/// Leading zeros are refused too: `000.00` is what is left of `1,000.00` when a comma was taken for a column.
pub(super) fn cents(text: &str) -> Result<i64, NotAnAmount> {
    let text = text.trim_matches(|c: char| c.is_whitespace());
    if text.is_empty() || text == "-" {
        return Ok(0);
    }
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = match digits.split_once('.') {
        Some((_, "")) => return Err(NotAnAmount),
        Some(parts) => parts,
        None => (digits, ""),
    };
    let whole = whole_digits(whole)?;
    let (two, rest) = fraction.split_at_checked(2).unwrap_or((fraction, ""));
    if !is_digits(two) || rest.len() > 6 || rest.bytes().any(|byte| byte != b'0') {
        return Err(NotAnAmount);
    }
    let cents: i64 = format!("{whole}{two:0<2}").parse().map_err(|_| NotAnAmount)?;
    Ok(if negative { -cents } else { cents })
}

fn whole_digits(whole: &str) -> Result<String, NotAnAmount> {
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let mut digits = first.to_owned();
    for group in groups {
        if group.len() != 3 || digits.len() > MAX_WHOLE || !(1..=3).contains(&first.len()) {
            return Err(NotAnAmount);
        }
        digits.push_str(group);
    }
    let leading_zero = digits.len() > 1 && digits.starts_with('0');
    if digits.is_empty() || digits.len() > MAX_WHOLE || leading_zero || !is_digits(&digits) {
        return Err(NotAnAmount);
    }
    Ok(digits)
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_are_read_exactly() {
        for (text, expected) in [
            ("20.00", 2_000),
            ("20", 2_000),
            ("20.5", 2_050),
            ("20.05", 2_005),
            ("20.000000", 2_000),
            ("1,200.00", 120_000),
            ("-1,200.00", -120_000),
            ("1,234,567.89", 123_456_789),
            ("1234567.89", 123_456_789),
            ("0", 0),
            ("0.00", 0),
            ("-0.00", 0),
            ("0.50", 50),
            ("", 0),
            ("  ", 0),
            ("-", 0),
            ("\u{a0}20.00 ", 2_000),
            ("999,999,999,999.99", 99_999_999_999_999),
        ] {
            assert_eq!(cents(text), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn what_could_mean_something_else_is_not_read() {
        for text in [
            "20,00",
            "1,2,3",
            "12,34,567",
            "1,200,00",
            ",200",
            "1,",
            "1234,567",
            "000.00",
            "050.00",
            "00",
            "01",
            ".5",
            "5.",
            "20.001",
            "2e1",
            "1e308",
            "NaN",
            "Infinity",
            "-inf",
            "+20",
            "--20",
            "- 20",
            "20-",
            "KES 20",
            "20 000",
            "٢٠",
            "0x14",
            "true",
            "1000000000000000",
            "1.000,00",
            "1.200.00",
            "20.0000000001",
            "20.-1",
            "(20)",
        ] {
            assert_eq!(cents(text), Err(NotAnAmount), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,24}", close in "[0-9,.\\- ]{0,20}") {
            let _ = cents(&text);
            let _ = cents(&close);
        }

        #[test]
        fn grouped_and_plain_are_the_same(value in 0_i64..100_000_000_000) {
            let plain = format!("{}.{:02}", value / 100, value % 100);
            let whole = (value / 100).to_string();
            let mut grouped = String::new();
            for (at, digit) in whole.chars().enumerate() {
                if at > 0 && (whole.len() - at) % 3 == 0 { grouped.push(',') }
                grouped.push(digit);
            }
            prop_assert_eq!(cents(&plain), Ok(value));
            prop_assert_eq!(cents(&format!("{grouped}.{:02}", value % 100)), Ok(value));
            prop_assert_eq!(cents(&format!("-{grouped}.{:02}", value % 100)), Ok(-value));
        }
    }
}
