//! What the operators do, and what they refuse.

use std::{
    net::Ipv4Addr,
    sync::{Mutex, PoisonError},
};

use regex::bytes::{Regex, RegexBuilder};

use super::{
    ast::{Binary, Unary},
    value::{Array, NANOS, Value},
};

/// Longest regular expression.
const PATTERN_BYTES_MAX: usize = 4096;
/// Regular expressions kept ready.
const PATTERNS_KEPT: usize = 32;

/// Applies a prefix operator.
///
/// # Errors
/// The router's words for a type it does not fit.
pub(crate) fn unary(operator: Unary, value: &Value) -> Result<Value, String> {
    match (operator, value) {
        (Unary::Not, value) => {
            value.truth().map(|truth| Value::Bool(!truth)).ok_or_else(|| format!("cannot negate {}", name(value)))
        }
        (Unary::Minus, Value::Num(number)) => Ok(Value::Num(number.wrapping_neg())),
        (Unary::Minus, Value::Time(nanos)) => Ok(Value::Time(nanos.saturating_neg())),
        (Unary::BitNot, Value::Num(number)) => Ok(Value::Num(!number)),
        (Unary::BitNot, Value::Ip(ip)) => Ok(Value::Ip(Ipv4Addr::from_bits(!ip.to_bits()))),
        (Unary::Minus, value) => Err(format!("cannot negate {}", name(value))),
        (Unary::BitNot, value) => Err(format!("cannot invert {}", name(value))),
    }
}

/// Applies an infix operator to values. `loose` lets text equal a number of the same digits.
///
/// # Errors
/// The router's words for types it does not fit.
pub(crate) fn binary(operator: Binary, left: &Value, right: &Value, loose: bool) -> Result<Value, String> {
    match operator {
        Binary::And | Binary::Or => {
            let truth =
                |value: &Value| value.truth().ok_or_else(|| format!("conditional not boolean: {}", name(value)));
            let (a, b) = (truth(left)?, truth(right)?);
            Ok(Value::Bool(if operator == Binary::And { a && b } else { a || b }))
        }
        Binary::Equal => Ok(Value::Bool(equal(left, right, loose))),
        Binary::Unequal => Ok(Value::Bool(!equal(left, right, loose))),
        Binary::Less | Binary::Greater | Binary::LessEqual | Binary::GreaterEqual => compare(operator, left, right),
        Binary::Match => matches(left, right),
        Binary::In => within(left, right),
        Binary::Join => {
            let mut joined = match left {
                Value::Array(array) => array.clone(),
                Value::Nothing | Value::Nil => Array::default(),
                other => Array::of(vec![other.clone()]),
            };
            match right {
                Value::Array(array) => {
                    joined.items.extend(array.items.iter().cloned());
                    joined.keyed.extend(array.keyed.iter().map(|(key, value)| (key.clone(), value.clone())));
                }
                Value::Nothing | Value::Nil => {}
                other => joined.items.push(other.clone()),
            }
            Ok(Value::Array(joined))
        }
        Binary::Concat => match (left, right) {
            (Value::Array(array), other) if !matches!(other, Value::Array(_)) => Ok(Value::Array(Array {
                items: array.items.iter().map(|item| Value::Str([item.bytes(), other.bytes()].concat())).collect(),
                keyed: array.keyed.clone(),
            })),
            _ => Ok(Value::Str([left.bytes(), right.bytes()].concat())),
        },
        Binary::Element => Ok(element(left, right)),
        Binary::BitAnd | Binary::BitOr | Binary::BitXor | Binary::ShiftLeft | Binary::ShiftRight => {
            bits(operator, left, right)
        }
        Binary::Add | Binary::Subtract | Binary::Multiply | Binary::Divide | Binary::Remainder => {
            arithmetic(operator, left, right)
        }
    }
}

/// How error texts call a type.
fn name(value: &Value) -> &'static str {
    match value {
        Value::Nothing | Value::Nil => "nothing",
        Value::Bool(_) => "boolean",
        Value::Num(_) => "integer number",
        Value::Str(_) => "string",
        Value::Time(_) => "time interval",
        Value::Ip(_) => "ip address",
        Value::Prefix(..) => "ip prefix",
        Value::Id(_) => "internal id",
        Value::Array(_) => "array",
        Value::Code(_) => "code",
    }
}

/// `=`.
pub(crate) fn equal(left: &Value, right: &Value, loose: bool) -> bool {
    match (left, right) {
        // `yes` and `no` are how people write booleans.
        (Value::Bool(a), Value::Str(_)) => right.to_bool() == Value::Bool(*a),
        (Value::Str(_), Value::Bool(b)) => left.to_bool() == Value::Bool(*b),
        (Value::Nothing | Value::Nil, Value::Str(text)) | (Value::Str(text), Value::Nothing | Value::Nil) => {
            text.is_empty()
        }
        (Value::Str(_), other) | (other, Value::Str(_)) if loose && !matches!(other, Value::Array(_)) => {
            left.bytes() == right.bytes()
        }
        _ => left.same(right),
    }
}

fn compare(operator: Binary, left: &Value, right: &Value) -> Result<Value, String> {
    let order = match (left, right) {
        (Value::Num(a), Value::Num(b)) => a.cmp(b),
        (Value::Time(a), Value::Time(b)) => a.cmp(b),
        (Value::Ip(a), Value::Ip(b)) => a.cmp(b),
        (Value::Str(a), Value::Str(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Time(a), Value::Num(b)) => a.cmp(&i128::from(*b).saturating_mul(NANOS)),
        (Value::Num(a), Value::Time(b)) => i128::from(*a).saturating_mul(NANOS).cmp(b),
        // Nothing is neither less nor more.
        (Value::Nothing | Value::Nil, _) | (_, Value::Nothing | Value::Nil) => return Ok(Value::Bool(false)),
        _ => {
            let word = if matches!(operator, Binary::Less | Binary::LessEqual) { "less" } else { "more" };
            return Err(format!("cannot compare if {} is {word} than {}", name(left), name(right)));
        }
    };
    Ok(Value::Bool(match operator {
        Binary::Less => order.is_lt(),
        Binary::Greater => order.is_gt(),
        Binary::LessEqual => order.is_le(),
        _ => order.is_ge(),
    }))
}

/// `~`: a POSIX regular expression anywhere in the text; in an array, in any of its elements.
fn matches(left: &Value, right: &Value) -> Result<Value, String> {
    let pattern = right.display();
    if pattern.len() > PATTERN_BYTES_MAX {
        return Err("regular expression too big".to_owned());
    }
    let regex = compiled(&pattern)?;
    Ok(Value::Bool(match left {
        Value::Array(array) => array.items.iter().any(|item| regex.is_match(&item.bytes())),
        other => regex.is_match(&other.bytes()),
    }))
}

/// A pattern made ready. The same one is asked for row after row and run after run, so a few are kept.
fn compiled(pattern: &str) -> Result<Regex, String> {
    static KEPT: Mutex<Vec<(String, Regex)>> = Mutex::new(Vec::new());
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, regex)) = kept.iter().find(|(text, _)| text == pattern) {
        return Ok(regex.clone());
    }
    let regex = RegexBuilder::new(pattern)
        .size_limit(1 << 20)
        .unicode(false)
        .build()
        .map_err(|_| "bad regular expression".to_owned())?;
    if kept.len() >= PATTERNS_KEPT {
        kept.remove(0);
    }
    kept.push((pattern.to_owned(), regex.clone()));
    Ok(regex)
}

/// `in`: an address in a prefix, an element in an array.
fn within(left: &Value, right: &Value) -> Result<Value, String> {
    match (left, right) {
        (Value::Ip(ip), Value::Prefix(network, length)) => Ok(Value::Bool(covers(*network, *length, *ip))),
        (Value::Prefix(ip, inner), Value::Prefix(network, outer)) => {
            Ok(Value::Bool(inner >= outer && covers(*network, *outer, *ip)))
        }
        (value, Value::Array(array)) => Ok(Value::Bool(array.items.iter().any(|item| item.same(value)))),
        _ => Err(format!("cannot tell whether {} is in {}", name(left), name(right))),
    }
}

fn covers(network: Ipv4Addr, length: u8, ip: Ipv4Addr) -> bool {
    let mask = u32::MAX.checked_shl(32_u32.saturating_sub(u32::from(length))).unwrap_or(0);
    network.to_bits() & mask == ip.to_bits() & mask
}

/// `->`: an element by position or key; what is not there is nothing, and no error (observed on 7.21).
pub(crate) fn element(array: &Value, key: &Value) -> Value {
    let Value::Array(array) = array else { return Value::Nothing };
    match key {
        Value::Num(index) => {
            usize::try_from(*index).ok().and_then(|index| array.items.get(index)).cloned().unwrap_or_default()
        }
        other => array.keyed.get(&other.display()).cloned().unwrap_or_default(),
    }
}

fn bits(operator: Binary, left: &Value, right: &Value) -> Result<Value, String> {
    let refuse = || Err(format!("cannot combine bits of {} and {}", name(left), name(right)));
    match (left, right) {
        (Value::Num(a), Value::Num(b)) => {
            let places = u32::try_from(*b).unwrap_or(64);
            Ok(Value::Num(match operator {
                Binary::BitAnd => a & b,
                Binary::BitOr => a | b,
                Binary::BitXor => a ^ b,
                Binary::ShiftLeft => a.checked_shl(places).unwrap_or(0),
                _ => a.checked_shr(places).unwrap_or(0),
            }))
        }
        (Value::Ip(a), Value::Ip(b)) => {
            let (a, b) = (a.to_bits(), b.to_bits());
            match operator {
                Binary::BitAnd => Ok(Value::Ip(Ipv4Addr::from_bits(a & b))),
                Binary::BitOr => Ok(Value::Ip(Ipv4Addr::from_bits(a | b))),
                Binary::BitXor => Ok(Value::Ip(Ipv4Addr::from_bits(a ^ b))),
                _ => refuse(),
            }
        }
        _ => refuse(),
    }
}

fn arithmetic(operator: Binary, left: &Value, right: &Value) -> Result<Value, String> {
    let verb = match operator {
        Binary::Add => "add",
        Binary::Subtract => "subtract",
        Binary::Multiply => "multiply",
        _ => "divide",
    };
    match (left, right) {
        // Adding to nothing gives nothing (observed on 7.21).
        (Value::Nothing | Value::Nil, _) | (_, Value::Nothing | Value::Nil) => Ok(Value::Nothing),
        (Value::Num(a), Value::Num(b)) => numbers(operator, *a, *b).map(Value::Num),
        (Value::Time(a), Value::Time(b)) => match operator {
            Binary::Add => Ok(Value::Time(a.saturating_add(*b))),
            Binary::Subtract => Ok(Value::Time(a.saturating_sub(*b))),
            _ => Err(format!("cannot {verb} time interval by time interval")),
        },
        (Value::Time(a), Value::Num(b)) | (Value::Num(b), Value::Time(a)) => {
            let b = i128::from(*b);
            match operator {
                Binary::Add => Ok(Value::Time(a.saturating_add(b.saturating_mul(NANOS)))),
                Binary::Subtract if matches!(left, Value::Time(_)) => {
                    Ok(Value::Time(a.saturating_sub(b.saturating_mul(NANOS))))
                }
                Binary::Multiply => Ok(Value::Time(a.saturating_mul(b))),
                Binary::Divide if matches!(left, Value::Time(_)) => {
                    a.checked_div(b).map(Value::Time).ok_or_else(|| "divide by zero".to_owned())
                }
                _ => Err(format!("cannot {verb} {} and {}", name(left), name(right))),
            }
        }
        (Value::Ip(a), Value::Num(b)) if matches!(operator, Binary::Add | Binary::Subtract) => {
            let moved = numbers(operator, i64::from(a.to_bits()), *b)?;
            let moved = u32::try_from(moved).map_err(|_| "ip address out of range".to_owned())?;
            Ok(Value::Ip(Ipv4Addr::from_bits(moved)))
        }
        (Value::Ip(a), Value::Ip(b)) if operator == Binary::Subtract => {
            Ok(Value::Num(i64::from(a.to_bits()) - i64::from(b.to_bits())))
        }
        _ => Err(match operator {
            Binary::Add => format!("cannot add {} to {}", name(right), name(left)),
            Binary::Subtract => format!("cannot subtract {} from {}", name(right), name(left)),
            _ => format!("cannot {verb} {} by {}", name(left), name(right)),
        }),
    }
}

/// Whole numbers of 64 bits that wrap around.
fn numbers(operator: Binary, a: i64, b: i64) -> Result<i64, String> {
    match operator {
        Binary::Add => Ok(a.wrapping_add(b)),
        Binary::Subtract => Ok(a.wrapping_sub(b)),
        Binary::Multiply => Ok(a.wrapping_mul(b)),
        _ if b == 0 => Err("divide by zero".to_owned()),
        Binary::Divide => Ok(a.wrapping_div(b)),
        _ => Ok(a.wrapping_rem(b)),
    }
}
