//! What the router's login page, a link or a form says about the device. All of it may be invented, so every
//! part is understood or left out; nothing in it can break a page.

use std::{collections::HashMap, net::IpAddr};

use app::portal::model::{Device, Theme};
use axum::http::{HeaderMap, header};
use domain::MacAddr;
use url::Url;

/// Longest address a customer is sent on to.
const DESTINATION_MAX: usize = 2000;
/// Longest value of any other parameter that is looked at.
const VALUE_MAX: usize = 500;
/// Longest pasted text that is looked at.
const LONG_VALUE_MAX: usize = 1000;

/// Decoded pairs of a query or a form; the first of a name counts.
#[derive(Debug, Default)]
pub(super) struct Parameters(HashMap<String, String>);

impl Parameters {
    /// Reads `application/x-www-form-urlencoded` text of any quality.
    pub(super) fn parse(encoded: &[u8]) -> Self {
        let mut pairs = HashMap::new();
        for (name, value) in url::form_urlencoded::parse(encoded).take(64) {
            pairs.entry(name.into_owned()).or_insert_with(|| value.into_owned());
        }
        Self(pairs)
    }

    /// A value without control characters and outer spaces; `None` when empty, cut when far too long.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let clean: String = self.0.get(name)?.chars().filter(|c| !c.is_control()).take(VALUE_MAX).collect();
        let clean = clean.trim();
        (!clean.is_empty()).then(|| clean.to_owned())
    }

    /// A pasted text: line breaks become spaces; empty when there is none, cut when far too long.
    pub(super) fn long_text(&self, name: &str) -> String {
        let text = self.0.get(name).map(String::as_str).unwrap_or_default();
        text.chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(LONG_VALUE_MAX)
            .collect::<String>()
            .trim()
            .to_owned()
    }

    /// The device's hardware address, if it is one.
    pub(super) fn mac(&self) -> Option<MacAddr> {
        self.text("mac")?.parse().ok()
    }

    /// The device's address on the hotspot, if it is one.
    pub(super) fn ip(&self) -> Option<IpAddr> {
        self.text("ip")?.parse().ok()
    }

    /// Where the customer wanted to go: http or https, without credentials, not too long.
    pub(super) fn destination(&self) -> Option<String> {
        let text = self.0.get("dst")?.trim();
        if text.len() > DESTINATION_MAX || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return None;
        }
        let url = Url::parse(text).ok()?;
        let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
        (is_web && url.username().is_empty() && url.password().is_none()).then(|| url.into())
    }

    /// The device on `router`, if it has a hardware address.
    pub(super) fn device(&self, router: String) -> Option<Device> {
        let ip = self.ip().map(|ip| ip.to_string());
        self.mac().map(|mac| Device { router, mac, ip, dst: self.destination() })
    }
}

/// The customer's choice of colours, from the cookie.
pub(in crate::http) fn theme(headers: &HeaderMap) -> Theme {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix("theme=")?.parse().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_are_web_addresses() {
        let cases: &[(&str, Option<&str>)] = &[
            ("dst=http%3A%2F%2Fexample.com%2Fa%3Fb%3D1", Some("http://example.com/a?b=1")),
            ("dst=https://example.com", Some("https://example.com/")),
            ("dst=javascript:alert(1)", None),
            ("dst=data:text/html,x", None),
            ("dst=//evil.example", None),
            ("dst=https://user:pw@example.com/", None),
            ("dst=http://a%20b/", None),
            ("dst=", None),
            ("", None),
        ];
        for (query, expected) in cases {
            assert_eq!(Parameters::parse(query.as_bytes()).destination().as_deref(), *expected, "{query}");
        }
        let long = format!("dst=http://example.com/{}", "a".repeat(2000));
        assert_eq!(Parameters::parse(long.as_bytes()).destination(), None);
    }

    #[test]
    fn hostile_text_is_understood_or_left_out() {
        let parameters = Parameters::parse(b"mac=%ff%00&mac=A4:CF:12:00:00:01&ip=1.2.3.4%00&x=%0d%0aSet-Cookie:%20a");
        assert_eq!(parameters.mac(), None);
        assert_eq!(parameters.ip().map(|ip| ip.to_string()).as_deref(), Some("1.2.3.4"));
        assert_eq!(parameters.text("x").as_deref(), Some("Set-Cookie: a"));
    }
}
