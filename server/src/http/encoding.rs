//! Which stored encodings of a file a browser takes, best first (RFC 9110 §12.5.3).

use axum::http::{HeaderMap, header};

/// How a file is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// `.br` beside the file.
    Brotli,
    /// `.gz` beside the file.
    Gzip,
    /// The file itself.
    Identity,
}

impl Encoding {
    const ALL: [Self; 3] = [Self::Brotli, Self::Gzip, Self::Identity];

    pub(super) fn suffix(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some(".br"),
            Self::Gzip => Some(".gz"),
            Self::Identity => None,
        }
    }

    /// The value of `Content-Encoding`.
    pub(super) fn token(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
            Self::Identity => None,
        }
    }

    fn is_named(self, name: &str) -> bool {
        match self {
            Self::Brotli => name == "br",
            Self::Gzip => matches!(name, "gzip" | "x-gzip"),
            Self::Identity => name == "identity",
        }
    }
}

/// Accepted encodings by weight, then by size of what they produce. Identity comes last unless forbidden.
pub(super) fn accepted(headers: &HeaderMap) -> Vec<Encoding> {
    let values = headers.get_all(header::ACCEPT_ENCODING);
    let offered: Vec<(String, u16)> = values
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(weighted)
        .collect();
    let weight = |encoding: Encoding| {
        let named = offered.iter().find(|(name, _)| encoding.is_named(name));
        let any = offered.iter().find(|(name, _)| name == "*");
        match (named.or(any), encoding) {
            (Some((_, weight)), _) => *weight,
            // Identity is acceptable when nothing says otherwise, but anything named is preferred to it.
            (None, Encoding::Identity) => 1,
            (None, Encoding::Brotli | Encoding::Gzip) => 0,
        }
    };
    let mut accepted: Vec<Encoding> = Encoding::ALL.into_iter().filter(|encoding| weight(*encoding) > 0).collect();
    accepted.sort_by_key(|encoding| std::cmp::Reverse(weight(*encoding)));
    accepted
}

/// `br;q=0.5` as a name and a weight in thousandths.
fn weighted(part: &str) -> Option<(String, u16)> {
    let mut pieces = part.split(';').map(str::trim);
    let name = pieces.next().filter(|name| !name.is_empty())?.to_ascii_lowercase();
    let weight = match pieces.find_map(|piece| piece.strip_prefix("q=").or_else(|| piece.strip_prefix("Q="))) {
        None => 1000,
        Some(text) => thousandths(text)?,
    };
    Some((name, weight))
}

/// `0`, `0.5`, `1.000` as thousandths.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 {
        return None;
    }
    let fraction: u16 = format!("{fraction:0<3}").parse().ok()?;
    match (whole, fraction) {
        ("0", fraction) => Some(fraction),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Encoding::{Brotli, Gzip, Identity};

    #[test]
    fn weights_decide() {
        let cases: &[(Option<&str>, &[Encoding])] = &[
            (None, &[Identity]),
            (Some(""), &[Identity]),
            (Some("gzip, deflate, br"), &[Brotli, Gzip, Identity]),
            (Some("br;q=0.1, gzip;q=0.9"), &[Gzip, Brotli, Identity]),
            (Some("br;q=0, gzip"), &[Gzip, Identity]),
            (Some("*"), &[Brotli, Gzip, Identity]),
            (Some("*;q=0, gzip"), &[Gzip]),
            (Some("identity;q=0, br"), &[Brotli]),
            (Some("BR;Q=0.5"), &[Brotli, Identity]),
            (Some("br;q=2"), &[Identity]),
            (Some("x-gzip"), &[Gzip, Identity]),
            (Some("zstd"), &[Identity]),
        ];
        for (value, expected) in cases {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert(header::ACCEPT_ENCODING, value.parse().unwrap());
            }
            assert_eq!(accepted(&headers), *expected, "{value:?}");
        }
    }
}
