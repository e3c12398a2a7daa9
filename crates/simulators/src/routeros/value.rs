//! Value forms of the RouterOS wire: durations, MAC addresses, addresses, rates, dates.

use std::net::Ipv4Addr;

use chrono::{DateTime, Utc};

use super::{clock::Millis, options::RosVersion};

/// Parses `1w2d3h4m5s450ms`, `HH:MM:SS`, `1d02:00:00` and plain seconds into milliseconds.
pub(crate) fn parse_duration_ms(text: &str) -> Option<Millis> {
    let mut rest = text;
    let mut total: Millis = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: Millis = rest.get(..digits)?.parse().ok()?;
        let unit = rest.get(digits..)?;
        if unit.starts_with(':') {
            return total.checked_add(parse_clock_ms(rest)?);
        }
        let (factor_ms, taken) = unit_factor_ms(unit)?;
        total = total.checked_add(number.checked_mul(factor_ms)?)?;
        rest = unit.get(taken..)?;
    }
    Some(total)
}

/// The factor of the unit at the start of `unit`, and how many bytes it takes. A bare number counts seconds.
fn unit_factor_ms(unit: &str) -> Option<(Millis, usize)> {
    const UNITS: [(&str, Millis); 6] =
        [("ms", 1), ("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];
    if unit.is_empty() {
        return Some((1_000, 0));
    }
    UNITS.iter().find(|(name, _)| unit.starts_with(name)).map(|(name, factor)| (*factor, name.len()))
}

fn parse_clock_ms(text: &str) -> Option<Millis> {
    let parts: Vec<Millis> = text.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let (hours, minutes, seconds) = match *parts.as_slice() {
        [minutes, seconds] => (0, minutes, seconds),
        [hours, minutes, seconds] => (hours, minutes, seconds),
        _ => return None,
    };
    if minutes > 59 || seconds > 59 {
        return None;
    }
    hours.checked_mul(3600)?.checked_add(minutes * 60 + seconds)?.checked_mul(1000)
}

/// Prints a duration as the router does: `1w2d3h4m5s`, without zero parts, `0s` for nothing.
pub(crate) fn format_duration(ms: Millis) -> String {
    const UNITS: [(&str, Millis); 5] =
        [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];
    let mut text = String::new();
    let mut rest = ms;
    for (name, factor) in UNITS {
        let count = rest / factor;
        rest %= factor;
        if count > 0 {
            text.push_str(&format!("{count}{name}"));
        }
    }
    if rest > 0 {
        text.push_str(&format!("{rest}ms"));
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// Whole seconds only, as counters and remaining times are printed.
pub(crate) fn format_seconds(ms: Millis) -> String {
    format_duration(ms - ms % 1000)
}

/// `aa-bb-cc-dd-ee-ff`, `AABBCCDDEEFF` and the like to `AA:BB:CC:DD:EE:FF`.
pub(crate) fn parse_mac(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| !matches!(c, ':' | '-' | '.')).collect();
    if digits.len() != 12 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let upper = digits.to_ascii_uppercase();
    let pairs: Vec<&str> = (0..6).filter_map(|i| upper.get(i * 2..i * 2 + 2)).collect();
    Some(pairs.join(":"))
}

/// `10.0.0.1`, `10.0.0.0/24` or `10.0.0.1-10.0.0.9`; a `/32` is printed without its length.
pub(crate) fn parse_address(text: &str) -> Option<String> {
    if let Some((address, length)) = text.split_once('/') {
        let address: Ipv4Addr = address.parse().ok()?;
        let length: u8 = length.parse().ok().filter(|l| *l <= 32)?;
        return Some(if length == 32 { address.to_string() } else { format!("{address}/{length}") });
    }
    if let Some((first, last)) = text.split_once('-') {
        let (first, last): (Ipv4Addr, Ipv4Addr) = (first.parse().ok()?, last.parse().ok()?);
        return (first <= last).then(|| format!("{first}-{last}"));
    }
    text.parse::<Ipv4Addr>().ok().map(|address| address.to_string())
}

/// Whether `address` lies in what [`parse_address`] printed.
pub(crate) fn address_contains(range: &str, address: Ipv4Addr) -> bool {
    if let Some((network, length)) = range.split_once('/') {
        let (Ok(network), Ok(length)) = (network.parse::<Ipv4Addr>(), length.parse::<u32>()) else { return false };
        let mask = u32::MAX.checked_shl(32_u32.saturating_sub(length)).unwrap_or(0);
        return network.to_bits() & mask == address.to_bits() & mask;
    }
    if let Some((first, last)) = range.split_once('-') {
        let (Ok(first), Ok(last)) = (first.parse::<Ipv4Addr>(), last.parse::<Ipv4Addr>()) else { return false };
        return (first..=last).contains(&address);
    }
    range.parse() == Ok(address)
}

/// Bits per second of `512k`, `1M`, `2000000`. k is 1000 (documented).
pub(crate) fn parse_rate_bps(text: &str) -> Option<u64> {
    let (digits, factor) = match text.as_bytes().last()? {
        b'k' | b'K' => (text.get(..text.len() - 1)?, 1_000),
        b'M' => (text.get(..text.len() - 1)?, 1_000_000),
        b'G' => (text.get(..text.len() - 1)?, 1_000_000_000),
        _ => (text, 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

/// Upload and download in bits per second of the first pair of a rate limit: rx/tx as the router sees it, so
/// what the client sends comes first (documented). A single number counts for both.
pub(crate) fn rate_limit_bps(text: &str) -> Option<(u64, u64)> {
    let first = text.split(' ').next()?;
    match first.split_once('/') {
        Some((up, down)) => Some((parse_rate_bps(up)?, parse_rate_bps(down)?)),
        None => parse_rate_bps(first).map(|both| (both, both)),
    }
}

/// Whether `text` is `rx/tx [burst [threshold [time [priority [min]]]]]`.
pub(crate) fn is_rate_limit(text: &str) -> bool {
    let parts: Vec<&str> = text.split(' ').collect();
    let each = |part: &str, valid: fn(&str) -> bool| part.split('/').count() <= 2 && part.split('/').all(valid);
    parts.len() <= 6
        && parts.iter().enumerate().all(|(at, part)| match at {
            3 => each(part, |t| parse_duration_ms(t).is_some()),
            4 => part.parse::<u8>().is_ok_and(|p| (1..=8).contains(&p)),
            _ => each(part, |t| parse_rate_bps(t).is_some()),
        })
}

/// A byte count; `k`, `M`, `G` count in 1024s where bytes are meant.
pub(crate) fn parse_bytes(text: &str) -> Option<u64> {
    let (digits, shift) = match text.as_bytes().last()? {
        b'k' | b'K' => (text.get(..text.len() - 1)?, 10_u32),
        b'M' => (text.get(..text.len() - 1)?, 20),
        b'G' => (text.get(..text.len() - 1)?, 30),
        _ => (text, 0),
    };
    digits.parse::<u64>().ok()?.checked_mul(1_u64.checked_shl(shift)?)
}

/// Date and time as the release prints them: `nov/22/2026` up to 7.9, `2026-11-22` from 7.10.
pub(crate) fn date_time(ros: RosVersion, epoch_secs: i64) -> (String, String) {
    let at = DateTime::<Utc>::from_timestamp(epoch_secs, 0).unwrap_or_default();
    let date = if ros.has_iso_dates() {
        at.format("%Y-%m-%d").to_string()
    } else {
        at.format("%b/%d/%Y").to_string().to_lowercase()
    };
    (date, at.format("%H:%M:%S").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_every_spelling() {
        for (text, expected_ms) in [
            ("3600", 3_600_000),
            ("1h", 3_600_000),
            ("01:00:00", 3_600_000),
            ("1d02:00:00", 93_600_000),
            ("1w2d3h4m5s", 788_645_000),
            ("450ms", 450),
            ("0s", 0),
            ("4m42s", 282_000),
            ("5:00", 300_000),
        ] {
            assert_eq!(parse_duration_ms(text), Some(expected_ms), "{text}");
        }
        for text in ["", "abc", "1x", "-1", "1:99:00", "h", "1:2:3:4"] {
            assert_eq!(parse_duration_ms(text), None, "{text}");
        }
    }

    #[test]
    fn durations_are_printed_without_zero_parts() {
        for (ms, text) in [(0, "0s"), (788_645_000, "1w2d3h4m5s"), (3_600_000, "1h"), (450, "450ms"), (61_000, "1m1s")]
        {
            assert_eq!(format_duration(ms), text);
        }
    }

    #[test]
    fn rates_and_addresses() {
        assert_eq!(rate_limit_bps("512k/1M"), Some((512_000, 1_000_000)));
        assert!(is_rate_limit("512k/1M 1M/2M 256k/512k 8/8 8 64k/64k"));
        assert!(!is_rate_limit("fast"));
        assert_eq!(parse_address("10.0.0.1/32").as_deref(), Some("10.0.0.1"));
        assert!(address_contains("10.5.50.0/24", Ipv4Addr::new(10, 5, 50, 23)));
        assert!(address_contains("10.5.50.2-10.5.50.30", Ipv4Addr::new(10, 5, 50, 23)));
        assert!(!address_contains("10.5.50.2", Ipv4Addr::new(10, 5, 50, 23)));
        assert_eq!(parse_mac("a4-cf-12-00-00-01").as_deref(), Some("A4:CF:12:00:00:01"));
        assert_eq!(parse_mac("a4cf"), None);
    }

    #[test]
    fn dates_follow_the_release() {
        assert_eq!(date_time(RosVersion::V6_49, 1_795_327_200).0, "nov/22/2026");
        assert_eq!(date_time(RosVersion::V7_9, 1_795_327_200).0, "nov/22/2026");
        assert_eq!(date_time(RosVersion::V7_10, 1_795_327_200), ("2026-11-22".into(), "06:00:00".into()));
    }
}
