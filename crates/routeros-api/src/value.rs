//! Values as RouterOS writes them: durations, booleans, rates, byte counts.

use std::{fmt, time::Duration};

/// The text is not a value of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a RouterOS {kind}: {text:?}")]
pub struct InvalidValue {
    kind: &'static str,
    text: String,
}

fn invalid(kind: &'static str, text: &str) -> InvalidValue {
    InvalidValue { kind, text: text.chars().take(40).collect() }
}

/// A time limit: a duration, or one of the words that RouterOS uses in place of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeLimit {
    /// A duration.
    After(Duration),
    /// `none` or `unlimited`.
    Unlimited,
    /// `received`: taken from RADIUS.
    Received,
}

impl TimeLimit {
    /// Reads a duration or one of the words.
    ///
    /// # Errors
    /// [`InvalidValue`] for anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        match text {
            "none" | "unlimited" => Ok(Self::Unlimited),
            "received" => Ok(Self::Received),
            _ => parse_duration(text).map(Self::After),
        }
    }
}

/// Reads `1w2d3h4m5s`, `450ms`, `HH:MM:SS`, `1d02:00:00` or plain seconds, with fractions where RouterOS
/// uses them.
///
/// # Errors
/// [`InvalidValue`] for anything else, and for durations beyond the range of [`Duration`].
pub fn parse_duration(text: &str) -> Result<Duration, InvalidValue> {
    duration(text).ok_or_else(|| invalid("duration", text))
}

/// Units from large to small; a unit may only follow a larger one. `ms` and `us` before `m`.
const UNITS: [(&str, u128); 7] = [
    ("w", 604_800_000_000),
    ("d", 86_400_000_000),
    ("h", 3_600_000_000),
    ("m", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
    ("us", 1),
];

fn duration(text: &str) -> Option<Duration> {
    if text.is_empty() || text.len() > 40 {
        return None;
    }
    let mut rest = text;
    let mut micros: u128 = 0;
    let mut next_unit = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        if after.is_empty() && next_unit == 0 {
            return from_micros(scaled(number, 1_000_000)?);
        }
        if after.starts_with(':') {
            // A clock may follow weeks and days only.
            return if next_unit <= 2 { from_micros(micros.checked_add(clock(rest)?)?) } else { None };
        }
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let index = next_unit + UNITS.get(next_unit..)?.iter().position(|(name, _)| *name == unit)?;
        micros = micros.checked_add(scaled(number, UNITS.get(index)?.1)?)?;
        next_unit = index + 1;
        rest = after;
    }
    from_micros(micros)
}

/// `H:MM:SS` or `H:MM`, with a fraction of the seconds.
fn clock(text: &str) -> Option<u128> {
    let mut parts = text.split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next());
    if parts.next().is_some() || hours.contains('.') || minutes.len() != 2 || minutes.contains('.') {
        return None;
    }
    let minutes = scaled(minutes, 60_000_000)?;
    let seconds = seconds.map_or(Some(0), |text| scaled(text, 1_000_000))?;
    if minutes >= 3_600_000_000 || seconds >= 60_000_000 {
        return None;
    }
    scaled(hours, 3_600_000_000)?.checked_add(minutes)?.checked_add(seconds)
}

/// `number` times `unit`, with at most six digits of fraction.
fn scaled(number: &str, unit: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || fraction.len() > 6 || number.ends_with('.') {
        return None;
    }
    let whole: u128 = whole.parse().ok()?;
    let mut part = 0;
    let mut place = unit;
    for digit in fraction.chars() {
        place /= 10;
        part += u128::from(digit.to_digit(10)?) * place;
    }
    whole.checked_mul(unit)?.checked_add(part)
}

fn from_micros(micros: u128) -> Option<Duration> {
    u64::try_from(micros).ok().map(Duration::from_micros)
}

/// Writes a duration as RouterOS does: `1w2d3h4m5s` without zero parts, `0s`, `450ms`.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let mut micros = duration.as_micros();
    if micros == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (name, unit) in UNITS {
        if micros >= unit {
            text.push_str(&format!("{}{name}", micros / unit));
            micros %= unit;
        }
    }
    text
}

/// Reads a boolean: `true` and `false` on output, `yes` and `no` in some old versions.
///
/// # Errors
/// [`InvalidValue`] for anything else.
pub fn parse_bool(text: &str) -> Result<bool, InvalidValue> {
    match text {
        "true" | "yes" => Ok(true),
        "false" | "no" => Ok(false),
        _ => Err(invalid("boolean", text)),
    }
}

/// Reads a byte count or a byte limit: digits, or digits with `k`, `M` or `G` (powers of 1,000 as typed
/// by people into the router's own tools; the API prints digits).
///
/// # Errors
/// [`InvalidValue`] for anything else.
pub fn parse_bytes(text: &str) -> Result<u64, InvalidValue> {
    suffixed(text).ok_or_else(|| invalid("byte count", text))
}

fn suffixed(text: &str) -> Option<u64> {
    let (digits, factor) = match text.char_indices().last()? {
        (at, 'k' | 'K') => (text.get(..at)?, 1_000),
        (at, 'M') => (text.get(..at)?, 1_000_000),
        (at, 'G') => (text.get(..at)?, 1_000_000_000),
        _ => (text, 1),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

/// The sustained part of a `rate-limit`, seen from the customer.
///
/// RouterOS writes it from its own point of view, `rx/tx`: what the router receives is the customer's
/// upload, so `512k/1M` is 512 kbit/s up and 1 Mbit/s down (documented by MikroTik; often swapped).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// From the customer to the network, bits a second; 0 is unlimited.
    pub upload_bps: u64,
    /// From the network to the customer, bits a second; 0 is unlimited.
    pub download_bps: u64,
}

impl RateLimit {
    /// Reads `rx/tx`, or one rate for both; bursts and priorities after it are ignored.
    ///
    /// # Errors
    /// [`InvalidValue`] when the first part is no rate.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let first = text.split_whitespace().next().unwrap_or_default();
        let (rx, tx) = first.split_once('/').unwrap_or((first, first));
        match (suffixed(rx), suffixed(tx)) {
            (Some(upload_bps), Some(download_bps)) => Ok(Self { upload_bps, download_bps }),
            _ => Err(invalid("rate", text)),
        }
    }
}

impl fmt::Display for RateLimit {
    /// `rx/tx` with the largest exact suffix.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |bps: u64| match bps {
            0 => "0".to_owned(),
            _ if bps.is_multiple_of(1_000_000) => format!("{}M", bps / 1_000_000),
            _ if bps.is_multiple_of(1_000) => format!("{}k", bps / 1_000),
            _ => bps.to_string(),
        };
        write!(f, "{}/{}", short(self.upload_bps), short(self.download_bps))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_in_every_form() {
        let secs = Duration::from_secs;
        for (text, expected) in [
            ("0s", secs(0)),
            ("5s", secs(5)),
            ("1h", secs(3600)),
            ("1w2d3h4m5s", secs(604_800 + 2 * 86_400 + 3 * 3600 + 4 * 60 + 5)),
            ("1w5s", secs(604_805)),
            ("450ms", Duration::from_millis(450)),
            ("1s450ms", Duration::from_millis(1450)),
            ("1s7us", Duration::from_micros(1_000_007)),
            ("3m", secs(180)),
            ("01:00:00", secs(3600)),
            ("100:00:01", secs(360_001)),
            ("1d02:00:00", secs(86_400 + 7200)),
            ("1w1d02:00:00", secs(604_800 + 86_400 + 7200)),
            ("00:00:00.5", Duration::from_millis(500)),
            ("10:30", secs(37_800)),
            ("3600", secs(3600)),
            ("1.5s", Duration::from_millis(1500)),
        ] {
            assert_eq!(parse_duration(text), Ok(expected), "{text}");
        }
        for text in [
            "",
            "s",
            "1x",
            "1s1h",
            "1s1s",
            "-1s",
            "1:2:3:4",
            "10:60:00",
            "10:00:60",
            "1h02:00:00",
            "1.s",
            "none",
            "١s",
            "99999999999999999999999w",
            "1h ",
        ] {
            assert!(parse_duration(text).is_err(), "{text:?}");
        }
        assert_eq!(TimeLimit::parse("none"), Ok(TimeLimit::Unlimited));
        assert_eq!(TimeLimit::parse("unlimited"), Ok(TimeLimit::Unlimited));
        assert_eq!(TimeLimit::parse("received"), Ok(TimeLimit::Received));
        assert_eq!(TimeLimit::parse("2m"), Ok(TimeLimit::After(secs(120))));
    }

    #[test]
    fn booleans_and_bytes() {
        assert_eq!((parse_bool("true"), parse_bool("no")), (Ok(true), Ok(false)));
        assert!(parse_bool("TRUE").is_err());
        assert_eq!(parse_bytes("1073741824"), Ok(1 << 30));
        assert_eq!(parse_bytes("5000000000"), Ok(5_000_000_000));
        assert_eq!(parse_bytes("2G"), Ok(2_000_000_000));
        for text in ["", "-1", "1.5M", "k", "18446744073709551616", "9999999999999999999k"] {
            assert!(parse_bytes(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_first_rate_is_the_upload() {
        let limit = RateLimit { upload_bps: 512_000, download_bps: 1_000_000 };
        assert_eq!(RateLimit::parse("512k/1M"), Ok(limit));
        assert_eq!(limit.to_string(), "512k/1M");
        assert_eq!(RateLimit::parse("512000/1000000 1M/2M 256k/512k 8/8 5"), Ok(limit));
        assert_eq!(RateLimit::parse("2M"), Ok(RateLimit { upload_bps: 2_000_000, download_bps: 2_000_000 }));
        assert!(RateLimit::parse("").is_err() && RateLimit::parse("fast/slow").is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(micros in 0_u64..1 << 62, up in 0_u64..1 << 40, down in 0_u64..1 << 40) {
            let duration = Duration::from_micros(micros);
            prop_assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
            let limit = RateLimit { upload_bps: up, download_bps: down };
            prop_assert_eq!(RateLimit::parse(&limit.to_string()), Ok(limit));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,30}", near in "[0-9.:wdhmsu]{0,30}") {
            for text in [text, near] {
                let _ = (parse_duration(&text), RateLimit::parse(&text), parse_bytes(&text), parse_bool(&text));
            }
        }
    }
}
