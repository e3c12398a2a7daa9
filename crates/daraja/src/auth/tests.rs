//! Tokens, and the words for their refusals.

use super::*;
use bytes::Bytes;
use chrono::{DateTime, Utc};

struct Stopped(DateTime<Utc>);
impl Clock for Stopped {
    fn now(&self) -> DateTime<Utc> {
        self.0
    }
}

fn answer(status: u16, body: &str) -> Result<Duration, CredentialsError> {
    let body = Bytes::copy_from_slice(body.as_bytes());
    interpret(&Answer { status, retry_after_secs: None, body }).map(|(_, life)| life)
}

#[test]
fn expires_in_comes_in_every_form() {
    for (expires_in, secs) in [
        (r#","expires_in":"3599""#, 3299),
        (r#","expires_in":3599"#, 3299),
        (r#","expires_in":999999"#, 3299),
        (r#","expires_in":"600""#, 300),
        (r#","expires_in":60"#, 30),
        (r#","expires_in":0"#, 0),
        (r#","expires_in":-5"#, 600),
        (r#","expires_in":null"#, 600),
        (r#","expires_in":35.5"#, 600),
        ("", 600),
    ] {
        let body = format!(r#"{{"access_token":"aB3dE5fG7hJ9kL1mN3pQ5rS7tU9v"{expires_in}}}"#);
        assert_eq!(answer(200, &body), Ok(Duration::from_secs(secs)), "{expires_in}");
    }
}

#[test]
fn each_refusal_has_its_words() {
    let refused =
        |http_status, code: Option<&str>| CredentialsError::Refused { http_status, code: code.map(ToOwned::to_owned) };
    let invalid = r#"{"requestId":"1","errorCode":"400.008.01","errorMessage":"Invalid Authentication passed"}"#;
    let spike = r#"{"fault":{"faultstring":"Spike arrest violation.","detail":{"errorcode":"policies.ratelimit.SpikeArrestViolation"}}}"#;
    let product =
        r#"{"fault":{"faultstring":"Invalid API call as no apiproduct match found","detail":{"errorcode":"x"}}}"#;
    for (status, body, error) in [
        (400, "", refused(400, None)),
        (401, "", refused(401, None)),
        (400, invalid, refused(400, Some("400.008.01"))),
        (200, invalid, refused(200, Some("400.008.01"))),
        (401, product, CredentialsError::NoProduct),
        (404, "<html>", CredentialsError::WrongAddress { http_status: 404 }),
        (302, "", CredentialsError::WrongAddress { http_status: 302 }),
        (429, spike, CredentialsError::Throttled { retry_after_secs: 12 }),
        (429, "", CredentialsError::Throttled { retry_after_secs: 12 }),
        (403, "<html>", CredentialsError::Unexpected { http_status: 403 }),
        (503, "<html>", CredentialsError::Unexpected { http_status: 503 }),
        (200, "<html>", CredentialsError::Unexpected { http_status: 200 }),
        (200, r#"{"access_token":""}"#, CredentialsError::Unexpected { http_status: 200 }),
        (200, r#"{"access_token":"a\nb"}"#, CredentialsError::Unexpected { http_status: 200 }),
        (200, r#"{"access_token":7}"#, CredentialsError::Unexpected { http_status: 200 }),
    ] {
        assert_eq!(answer(status, body), Err(error.clone()), "{status} {body}");
        assert!(!error.to_string().contains('\n'));
    }
}

#[test]
fn the_delay_doubles_and_jitters_by_at_most_half() {
    let base = Duration::from_millis(500);
    for (rfc3339, tried, millis) in [
        ("2026-11-22T05:30:00Z", 1, 500..=500),
        ("2026-11-22T05:30:00.999Z", 1, 700..=750),
        ("2026-11-22T05:30:00Z", 2, 1000..=1000),
        ("2026-11-22T05:30:00.999Z", 2, 1400..=1500),
    ] {
        let clock = Stopped(DateTime::parse_from_rfc3339(rfc3339).unwrap().to_utc());
        let delay = backoff(base, tried, &clock);
        assert!(millis.contains(&delay.as_millis()), "{delay:?}");
    }
}
