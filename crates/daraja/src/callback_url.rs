//! Addresses Safaricom may call back, checked before they are sent.

use std::{fmt, net::IpAddr};

use reqwest::Url;

use crate::config::Environment;

/// Longest address sent (our decision; the length of a column).
const MAX_LEN: usize = 512;
/// Words a C2B address must not contain, in any case (documented).
const C2B_FORBIDDEN: [&str; 8] = ["mpesa", "m-pesa", "safaricom", "exe", "exec", "cmd", "sql", "query"];

/// An address for callbacks. It ends in a secret token, so `Debug` shows scheme and host only.
#[derive(Clone, PartialEq, Eq)]
pub struct CallbackUrl(String);

/// Why an address cannot be used for callbacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCallbackUrl {
    /// Not an absolute http or https URL, or one with a user, a fragment or more than 512 characters.
    #[error("the callback address must be a plain URL such as https://wifi.example.co.ke/api/pay/hook")]
    NotAUrl,
    /// Plain http in production (documented: https only).
    #[error("the callback address must use https in production")]
    NotHttps,
    /// Safaricom cannot reach it.
    #[error("the callback address must be public; Safaricom cannot reach localhost or a private address")]
    NotPublic,
    /// An upper-case letter (observed: an upper-case host was refused with `400.002.02`).
    #[error("the callback address must be all lower case")]
    UpperCase,
    /// A word Safaricom bans from C2B addresses (documented).
    #[error("a C2B address must not contain the word {0:?}; Safaricom refuses it")]
    ForbiddenWord(&'static str),
}

impl CallbackUrl {
    /// An address for an STK push (`CallBackURL`). It arrives byte for byte as sent, extra path segments
    /// included (observed), so a token per payment belongs at its end.
    ///
    /// # Errors
    /// [`InvalidCallbackUrl`] in words for the owner.
    pub fn stk(text: &str, environment: Environment) -> Result<Self, InvalidCallbackUrl> {
        let url = Url::parse(text).map_err(|_| InvalidCallbackUrl::NotAUrl)?;
        let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        let graphic = text.len() <= MAX_LEN && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !plain || !graphic || !url.has_host() || !matches!(url.scheme(), "http" | "https") {
            return Err(InvalidCallbackUrl::NotAUrl);
        }
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(InvalidCallbackUrl::UpperCase);
        }
        if environment == Environment::Production {
            if url.scheme() != "https" {
                return Err(InvalidCallbackUrl::NotHttps);
            }
            if !is_public(&url) {
                return Err(InvalidCallbackUrl::NotPublic);
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// An address for C2B confirmations or validations: as [`stk`](Self::stk), without the banned words.
    ///
    /// # Errors
    /// [`InvalidCallbackUrl`] in words for the owner.
    pub fn c2b(text: &str, environment: Environment) -> Result<Self, InvalidCallbackUrl> {
        let url = Self::stk(text, environment)?;
        match C2B_FORBIDDEN.into_iter().find(|word| url.0.contains(word)) {
            Some(word) => Err(InvalidCallbackUrl::ForbiddenWord(word)),
            None => Ok(url),
        }
    }

    /// The address as sent. Never for logs.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether the host could be on the public internet. A name is believed; Safaricom resolves it itself.
fn is_public(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => !(ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified()),
        Ok(IpAddr::V6(ip)) => {
            !(ip.is_loopback() || ip.is_unspecified() || ip.is_unique_local() || ip.is_unicast_link_local())
        }
        Err(_) => host.contains('.') && !host.ends_with(".localhost") && !host.ends_with(".local"),
    }
}

impl fmt::Debug for CallbackUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin: Vec<&str> = self.0.splitn(4, '/').take(3).collect();
        write!(f, "CallbackUrl({}/…)", origin.join("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Environment::{Production, Sandbox},
        InvalidCallbackUrl::*,
        *,
    };

    #[test]
    fn good_addresses_are_kept_as_written() {
        for (text, environment) in [
            ("https://wifi.example.co.ke/api/pay/hook/5f0c", Production),
            ("https://wifi.example.co.ke/api/mpesa/callback/5f0c", Production),
            ("https://102.0.4.9/hook", Production),
            ("http://127.0.0.1:8080/api/pay/hook/5f0c", Sandbox),
        ] {
            assert_eq!(CallbackUrl::stk(text, environment).unwrap().as_str(), text);
        }
    }

    #[test]
    fn bad_ones_are_refused_before_they_are_sent() {
        for (text, environment, error) in [
            ("", Sandbox, NotAUrl),
            ("/api/pay/hook", Sandbox, NotAUrl),
            ("ftp://a.b/c", Sandbox, NotAUrl),
            ("https://u:p@a.b/c", Sandbox, NotAUrl),
            ("https://a.b/c#d", Sandbox, NotAUrl),
            ("https://a.b/c d", Sandbox, NotAUrl),
            ("https://WiFi.example.co.ke/hook", Sandbox, UpperCase),
            ("https://a.b/5F0C", Production, UpperCase),
            ("http://a.b/c", Production, NotHttps),
            ("https://localhost/c", Production, NotPublic),
            ("https://127.0.0.1/c", Production, NotPublic),
            ("https://192.168.88.2/c", Production, NotPublic),
            ("https://[::1]/c", Production, NotPublic),
            ("https://server/c", Production, NotPublic),
        ] {
            assert_eq!(CallbackUrl::stk(text, environment), Err(error), "{text}");
        }
        assert_eq!(CallbackUrl::stk(&format!("https://a.b/{}", "x".repeat(600)), Sandbox), Err(NotAUrl));
    }

    #[test]
    fn c2b_addresses_avoid_the_banned_words() {
        assert!(CallbackUrl::c2b("https://wifi.example.co.ke/api/pay/c2b/confirm/0a", Production).is_ok());
        for (text, word) in [
            ("https://a.co.ke/api/mpesa/confirm", "mpesa"),
            ("https://safaricom.example.co.ke/c", "safaricom"),
            ("https://a.co.ke/c?query=1", "query"),
            ("https://a.co.ke/execute", "exe"),
        ] {
            assert_eq!(CallbackUrl::c2b(text, Production), Err(ForbiddenWord(word)), "{text}");
        }
    }

    #[test]
    fn debug_hides_the_token() {
        let url = CallbackUrl::stk("https://wifi.example.co.ke/api/pay/hook/5f0c", Production).unwrap();
        assert_eq!(format!("{url:?}"), "CallbackUrl(https://wifi.example.co.ke/…)");
    }
}
