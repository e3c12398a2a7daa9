//! Safaricom's clock: `yyyyMMddHHmmss` in East Africa Time, and the password made from it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, FixedOffset, NaiveDateTime, Utc};
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
}
