//! Safaricom's clock: `yyyyMMddHHmmss` in East Africa Time, and the password made from it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Datelike, FixedOffset, NaiveDateTime, Utc};
use secrecy::{ExposeSecret, SecretString};

const FORMAT: &str = "%Y%m%d%H%M%S";
/// East Africa Time is UTC+3 all year round.
const EAT_OFFSET_SECS: i32 = 3 * 60 * 60;

/// `Timestamp` and the `Password` that contains it, made together from one instant. Making the timestamp
/// twice is the classic cause of an occasional "Wrong credentials" (observed in public clients).
pub(crate) struct Signature {
    /// `yyyyMMddHHmmss`, EAT.
    pub(crate) timestamp: String,
    /// base64(shortcode ‖ passkey ‖ timestamp).
    pub(crate) password: SecretString,
}

/// Signs one request (documented; golden vectors in the tests).
pub(crate) fn sign(shortcode: &str, passkey: &SecretString, now: DateTime<Utc>) -> Signature {
    let timestamp = eat(now).format(FORMAT).to_string();
    let password = STANDARD.encode(format!("{shortcode}{}{timestamp}", passkey.expose_secret()));
    Signature { timestamp, password: SecretString::from(password) }
}

/// Reads `TransactionDate` and `TransTime`: 14 digits, EAT (documented).
pub(crate) fn parse_eat(text: &str) -> Option<DateTime<Utc>> {
    if text.len() != 14 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let local = NaiveDateTime::parse_from_str(text, FORMAT).ok()?;
    let offset = FixedOffset::east_opt(EAT_OFFSET_SECS)?;
    local.and_local_timezone(offset).single().map(|instant| instant.to_utc())
}

/// `2026-11-22 08:30:00`, EAT, as Pull Transactions wants its dates.
pub(crate) fn eat_with_dashes(at: DateTime<Utc>) -> String {
    eat(at).format("%Y-%m-%d %H:%M:%S").to_string()
}

/// Reads a date and time in the forms of lists and statements: with a zone as written, else EAT; year or day first;
/// dashes or slashes; with or without seconds.
pub(crate) fn parse_loose(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if text.len() > 40 || !text.is_ascii() {
        return None;
    }
    if let Ok(zoned) = DateTime::parse_from_rfc3339(text) {
        return Some(zoned.to_utc());
    }
    if let Some(compact) = parse_eat(text) {
        return Some(compact);
    }
    let text = text.replace('/', "-").replacen('T', " ", 1);
    let year_first = text.split('-').next().is_some_and(|first| first.len() == 4);
    let formats = if year_first {
        ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"]
    } else {
        ["%d-%m-%Y %H:%M:%S%.f", "%d-%m-%Y %H:%M"]
    };
    let local = formats.into_iter().find_map(|format| NaiveDateTime::parse_from_str(&text, format).ok())?;
    let plausible = (1990..2100).contains(&local.year());
    let offset = FixedOffset::east_opt(EAT_OFFSET_SECS)?;
    plausible.then(|| local.and_local_timezone(offset).single()).flatten().map(|instant| instant.to_utc())
}

fn eat(now: DateTime<Utc>) -> NaiveDateTime {
    // Adding the offset cannot overflow for any year Daraja's four digits can name; if it ever did, the
    // unshifted time is refused by Daraja as an invalid timestamp and nothing worse happens.
    now.naive_utc().checked_add_signed(chrono::Duration::seconds(i64::from(EAT_OFFSET_SECS))).unwrap_or(now.naive_utc())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{SANDBOX_PASSKEY, SANDBOX_SHORTCODE};

    fn at(rfc3339: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(rfc3339).unwrap().to_utc()
    }

    #[test]
    fn golden_vectors() {
        for (instant, timestamp, password) in [
            (
                "2021-06-28T06:24:08Z",
                "20210628092408",
                "MTc0Mzc5YmZiMjc5ZjlhYTliZGJjZjE1OGU5N2RkNzFhNDY3Y2QyZTBjODkzMDU5YjEwZjc4ZTZiNzJhZGExZWQyYzkxOTIwMjEwNjI4MDkyNDA4",
            ),
            (
                "2026-11-22T05:30:00Z",
                "20261122083000",
                "MTc0Mzc5YmZiMjc5ZjlhYTliZGJjZjE1OGU5N2RkNzFhNDY3Y2QyZTBjODkzMDU5YjEwZjc4ZTZiNzJhZGExZWQyYzkxOTIwMjYxMTIyMDgzMDAw",
            ),
        ] {
            let signature = sign(SANDBOX_SHORTCODE, &SecretString::from(SANDBOX_PASSKEY), at(instant));
            assert_eq!(signature.timestamp, timestamp);
            assert_eq!(signature.password.expose_secret(), password);
        }
    }

    #[test]
    fn the_day_turns_at_nine_in_the_evening_utc() {
        let signature = sign("600123", &SecretString::from("x"), at("2026-12-31T21:00:00Z"));
        assert_eq!(signature.timestamp, "20270101000000");
    }

    #[test]
    fn reads_back() {
        assert_eq!(parse_eat("20261122083018"), Some(at("2026-11-22T05:30:18Z")));
        for bad in ["", "2026112208301", "202611220830180", "20261322083018", "2026-11-2208:30", "+0261122083018"] {
            assert_eq!(parse_eat(bad), None, "{bad}");
        }
    }

    #[test]
    fn lists_write_dates_in_many_ways() {
        for text in [
            "2026-11-22T05:30:18Z",
            "2026-11-22T08:30:18+03:00",
            "2026-11-22T05:30:18.000Z",
            "2026-11-22 08:30:18",
            "2026-11-22T08:30:18",
            "2026-11-22 08:30:18.000",
            "22-11-2026 08:30:18",
            "22/11/2026 08:30:18",
            " 22-11-2026 08:30:18 ",
            "20261122083018",
        ] {
            assert_eq!(parse_loose(text), Some(at("2026-11-22T05:30:18Z")), "{text}");
        }
        assert_eq!(parse_loose("22/11/2026 08:30"), Some(at("2026-11-22T05:30:00Z")));
        for bad in ["", "11-22-2026 08:30:18", "22-11-26 08:30:18", "yesterday", "0022-11-22 08:30:18", "٢٢-11-2026"]
        {
            assert_eq!(parse_loose(bad), None, "{bad}");
        }
        assert_eq!(eat_with_dashes(at("2026-11-22T05:30:18Z")), "2026-11-22 08:30:18");
    }
}
