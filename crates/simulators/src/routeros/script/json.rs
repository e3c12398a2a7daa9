//! `:serialize` and `:deserialize`: arrays and JSON.

use serde_json::{Map, Number, Value as Json};

use super::value::{Array, NANOS, Value};

/// A value as JSON. Unless `keep`, text that looks like a number or a boolean becomes one (documented).
pub(crate) fn write(value: &Value, keep: bool) -> Json {
    match value {
        Value::Nothing | Value::Nil => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Num(number) => Json::Number(Number::from(*number)),
        Value::Array(array) if array.keyed.is_empty() => {
            Json::Array(array.items.iter().map(|item| write(item, keep)).collect())
        }
        Value::Array(array) => {
            let mut object = Map::new();
            for (key, value) in array.entries() {
                object.insert(key.display(), write(&value, keep));
            }
            Json::Object(object)
        }
        Value::Str(bytes) if !keep => {
            let text = String::from_utf8_lossy(bytes);
            match text.as_ref() {
                "true" => Json::Bool(true),
                "false" => Json::Bool(false),
                text => match text.parse::<i64>() {
                    Ok(number) => Json::Number(Number::from(number)),
                    Err(_) => Json::String(text.to_owned()),
                },
            }
        }
        other => Json::String(other.display()),
    }
}

/// JSON as a value. Unless `keep`, text that is a time or an address becomes one.
pub(crate) fn read(json: &Json, keep: bool) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => number.as_i64().map_or_else(|| Value::text(number.to_string()), Value::Num),
        Json::String(text) if keep => Value::text(text),
        Json::String(text) => match super::value::literal(text) {
            Value::Nothing => Value::text(text),
            // A date of ten digits is no time of day.
            Value::Time(nanos) if nanos < NANOS / 1_000_000 => Value::text(text),
            value => value,
        },
        Json::Array(items) => Value::Array(Array::of(items.iter().map(|item| read(item, keep)).collect())),
        Json::Object(object) => Value::Array(Array {
            items: Vec::new(),
            keyed: object.iter().map(|(key, value)| (key.clone(), read(value, keep))).collect(),
        }),
    }
}
