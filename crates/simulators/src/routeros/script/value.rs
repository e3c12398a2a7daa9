//! Values of the script language: their types, how they print, and what converts to what.

use std::{collections::BTreeMap, net::Ipv4Addr, sync::Arc};

use super::ast::Block;
use crate::routeros::value as wire;

/// One value. `:typeof` names its type.
#[derive(Debug, Clone, Default)]
pub(crate) enum Value {
    /// What an undefined variable or a missing element is.
    #[default]
    Nothing,
    /// What a command without a result gives: `:find` that finds nothing, `:tonum` of a word.
    Nil,
    Bool(bool),
    Num(i64),
    Str(Vec<u8>),
    /// Nanoseconds.
    Time(i128),
    Ip(Ipv4Addr),
    Prefix(Ipv4Addr, u8),
    /// `*1A`.
    Id(String),
    Array(Array),
    Code(Arc<Block>),
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.same(other)
    }
}

/// An array: elements by position first, elements by key after them in the order of their keys.
#[derive(Debug, Clone, Default)]
pub(crate) struct Array {
    pub(crate) items: Vec<Value>,
    pub(crate) keyed: BTreeMap<String, Value>,
}

impl Array {
    pub(crate) fn of(items: Vec<Value>) -> Self {
        Self { items, keyed: BTreeMap::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len().saturating_add(self.keyed.len())
    }

    /// Elements with their keys: a number for those by position.
    pub(crate) fn entries(&self) -> Vec<(Value, Value)> {
        let at = |index: usize| Value::Num(i64::try_from(index).unwrap_or(i64::MAX));
        let items = self.items.iter().enumerate().map(|(index, value)| (at(index), value.clone()));
        items.chain(self.keyed.iter().map(|(key, value)| (Value::text(key), value.clone()))).collect()
    }
}

pub(crate) const NANOS: i128 = 1_000_000_000;

impl Value {
    pub(crate) fn text(text: impl AsRef<str>) -> Self {
        Self::Str(text.as_ref().as_bytes().to_vec())
    }

    pub(crate) fn seconds(secs: i64) -> Self {
        Self::Time(i128::from(secs).saturating_mul(NANOS))
    }

    pub(crate) fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing | Self::Nil)
    }

    /// The word `:typeof` answers.
    pub(crate) const fn type_name(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Nil => "nil",
            Self::Bool(_) => "bool",
            Self::Num(_) => "num",
            Self::Str(_) => "str",
            Self::Time(_) => "time",
            Self::Ip(_) => "ip",
            Self::Prefix(..) => "ip-prefix",
            Self::Id(_) => "id",
            Self::Array(_) => "array",
            Self::Code(_) => "code",
        }
    }

    /// How `:put` and `.` write it.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Nothing | Self::Nil => Vec::new(),
            Self::Bool(value) => value.to_string().into_bytes(),
            Self::Num(value) => value.to_string().into_bytes(),
            Self::Str(bytes) => bytes.clone(),
            Self::Time(nanos) => print_time(*nanos).into_bytes(),
            Self::Ip(ip) => ip.to_string().into_bytes(),
            Self::Prefix(ip, length) => format!("{ip}/{length}").into_bytes(),
            Self::Id(id) => id.clone().into_bytes(),
            Self::Array(array) => joined(array, b";"),
            Self::Code(block) => block.source.clone().into_bytes(),
        }
    }

    /// As [`Self::bytes`], as text.
    pub(crate) fn display(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    /// How it is handed to a command of a menu: lists are joined by commas, numbers stay what they are.
    pub(crate) fn wire(&self) -> Vec<u8> {
        match self {
            Self::Array(array) => joined(array, b","),
            other => other.bytes(),
        }
    }

    /// Whether two values of one type are the same. Values of two types never are.
    pub(crate) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nothing | Self::Nil, Self::Nothing | Self::Nil) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Num(a), Self::Num(b)) => a == b,
            (Self::Str(a), Self::Str(b)) => a == b,
            (Self::Time(a), Self::Time(b)) => a == b,
            (Self::Ip(a), Self::Ip(b)) => a == b,
            (Self::Prefix(a, m), Self::Prefix(b, n)) => a == b && m == n,
            (Self::Id(a), Self::Id(b)) => a == b,
            (Self::Array(a), Self::Array(b)) => {
                a.len() == b.len()
                    && a.items.len() == b.items.len()
                    && a.items.iter().zip(&b.items).all(|(a, b)| a.same(b))
                    && a.keyed.iter().zip(&b.keyed).all(|((k, a), (l, b))| k == l && a.same(b))
            }
            (Self::Code(a), Self::Code(b)) => a.source == b.source,
            // An id is often kept as text.
            (Self::Id(id), Self::Str(text)) | (Self::Str(text), Self::Id(id)) => id.as_bytes() == text.as_slice(),
            _ => false,
        }
    }

    /// `:tonum`.
    pub(crate) fn to_number(&self) -> Self {
        match self {
            Self::Num(value) => Self::Num(*value),
            Self::Bool(value) => Self::Num(i64::from(*value)),
            Self::Time(nanos) => Self::Num(i64::try_from(nanos / NANOS).unwrap_or(i64::MAX)),
            Self::Ip(ip) => Self::Num(i64::from(ip.to_bits())),
            Self::Str(bytes) => number(&String::from_utf8_lossy(bytes)).map_or(Self::Nil, Self::Num),
            Self::Array(array) => match (array.items.as_slice(), array.len()) {
                ([only], 1) => only.to_number(),
                _ => Self::Nil,
            },
            _ => Self::Nil,
        }
    }

    /// `:tobool`.
    pub(crate) fn to_bool(&self) -> Self {
        match self {
            Self::Bool(value) => Self::Bool(*value),
            Self::Num(value) => Self::Bool(*value != 0),
            Self::Str(bytes) => match bytes.as_slice() {
                b"yes" | b"true" => Self::Bool(true),
                b"no" | b"false" => Self::Bool(false),
                _ => Self::Nil,
            },
            _ => Self::Nil,
        }
    }

    /// `:totime`.
    pub(crate) fn to_time(&self) -> Self {
        match self {
            Self::Time(nanos) => Self::Time(*nanos),
            Self::Num(secs) => Self::seconds(*secs),
            Self::Str(bytes) => time(&String::from_utf8_lossy(bytes)).map_or(Self::Nil, Self::Time),
            _ => Self::Nil,
        }
    }

    /// `:toarray`: text is split at its commas.
    pub(crate) fn to_array(&self) -> Array {
        match self {
            Self::Array(array) => array.clone(),
            Self::Nothing | Self::Nil => Array::default(),
            Self::Str(bytes) if bytes.is_empty() => Array::default(),
            Self::Str(bytes) => {
                Array::of(bytes.split(|byte| *byte == b',').map(|part| Self::Str(part.trim_ascii().to_vec())).collect())
            }
            other => Array::of(vec![other.clone()]),
        }
    }

    /// Whether a condition holds; `None` when it is no condition.
    pub(crate) fn truth(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            Self::Nothing | Self::Nil => Some(false),
            Self::Str(bytes) => match bytes.as_slice() {
                b"yes" | b"true" => Some(true),
                b"no" | b"false" | b"" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// Bytes it takes, about.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Str(bytes) => bytes.len(),
            Self::Array(array) => array
                .items
                .iter()
                .chain(array.keyed.values())
                .fold(16_usize, |sum, value| sum.saturating_add(value.weight()).saturating_add(16)),
            _ => 16,
        }
    }
}

fn joined(array: &Array, between: &[u8]) -> Vec<u8> {
    let items = array.items.iter().map(Value::bytes);
    let keyed = array.keyed.iter().map(|(key, value)| [key.as_bytes(), b"=", &value.bytes()].concat());
    items.chain(keyed).collect::<Vec<_>>().join(between)
}

/// Decimal or `0x…`.
pub(crate) fn number(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let value = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => i64::from_str_radix(hex, 16).ok()?,
        None if digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.is_empty() => digits.parse().ok()?,
        None => return None,
    };
    Some(if negative { value.saturating_neg() } else { value })
}

/// `1h`, `00:01:00`, `1d02:00:00.5`. A bare number is no time.
pub(crate) fn time(text: &str) -> Option<i128> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if rest.bytes().all(|byte| byte.is_ascii_digit()) || !rest.bytes().next()?.is_ascii_digit() {
        return None;
    }
    let (whole, fraction) = match rest.rsplit_once('.') {
        Some((whole, fraction)) if whole.contains(':') && fraction.len() <= 9 => (whole, fraction),
        _ => (rest, ""),
    };
    let mut nanos = i128::from(wire::parse_duration_ms(whole)?).checked_mul(1_000_000)?;
    if !fraction.is_empty() {
        let padded = format!("{fraction:0<9}");
        nanos = nanos.checked_add(padded.parse::<i128>().ok()?)?;
    }
    Some(if negative { -nanos } else { nanos })
}

/// `1w2d03:04:05`, `00:00:05.003`.
pub(crate) fn print_time(nanos: i128) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    let (secs, rest) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    let (weeks, days) = (secs / 604_800, secs / 86_400 % 7);
    let week = if weeks > 0 { format!("{weeks}w") } else { String::new() };
    let day = if days > 0 { format!("{days}d") } else { String::new() };
    let mut fraction = String::new();
    if rest > 0 {
        fraction = format!(".{rest:09}").trim_end_matches('0').to_owned();
    }
    format!("{sign}{week}{day}{:02}:{:02}:{:02}{fraction}", secs / 3600 % 24, secs / 60 % 60, secs % 60)
}

/// What a word without quotes is.
pub(crate) fn literal(text: &str) -> Value {
    match text {
        "true" => return Value::Bool(true),
        "false" => return Value::Bool(false),
        "nothing" => return Value::Nothing,
        _ => {}
    }
    if let Some(value) = number(text) {
        return Value::Num(value);
    }
    if let Some(nanos) = time(text) {
        return Value::Time(nanos);
    }
    if let Ok(ip) = text.parse::<Ipv4Addr>() {
        return Value::Ip(ip);
    }
    if let Some((ip, length)) = text.split_once('/')
        && let (Ok(ip), Ok(length @ 0..=32)) = (ip.parse::<Ipv4Addr>(), length.parse::<u8>())
    {
        return Value::Prefix(ip, length);
    }
    match text.strip_prefix('*') {
        Some(hex) if !hex.is_empty() && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            Value::Id(format!("*{}", hex.to_ascii_uppercase()))
        }
        _ => Value::text(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_types() {
        for (text, kind) in [
            ("5", "num"),
            ("0x1F", "num"),
            ("-3", "num"),
            ("1h", "time"),
            ("00:00:10", "time"),
            ("10.0.0.1", "ip"),
            ("10.0.0.0/8", "ip-prefix"),
            ("*1a", "id"),
            ("true", "bool"),
            ("yes", "str"),
            ("ether1", "str"),
            ("1x", "str"),
        ] {
            assert_eq!(literal(text).type_name(), kind, "{text}");
        }
    }

    #[test]
    fn times_print_with_colons() {
        for (text, printed) in [("1h", "01:00:00"), ("1w2d3h4m5s", "1w2d03:04:05"), ("500ms", "00:00:00.5")] {
            assert_eq!(literal(text).display(), printed);
        }
        assert_eq!(Value::seconds(1_795_327_200).display(), "2968w3d06:00:00");
        assert_eq!(literal("00:00:05.003").display(), "00:00:05.003");
    }
}
