//! Commands of the language that give a value.

use base64::Engine;

use super::{
    ast::{Args, Expr},
    globals::array_of,
    json,
    machine::{Machine, Ran, Stop},
    value::Value,
};
use crate::routeros::options::RosVersion;

impl Machine {
    /// One function.
    pub(super) async fn function(&mut self, name: &str, args: &Args) -> Ran<Value> {
        match name {
            "find" => return self.find(args).await,
            "pick" => return self.pick(args).await,
            "timestamp" => {
                let secs = self.host.with(|router| router.epoch_secs()).await;
                return Ok(Value::seconds(secs));
            }
            "resolve" => return self.resolve(args).await,
            "rndnum" => return self.random_number(args).await,
            "rndstr" => return self.random_text(args).await,
            "convert" => return self.convert(args).await,
            "serialize" => return self.serialize(args).await,
            "deserialize" => return self.deserialize(args).await,
            _ => {}
        }
        let value = self.first(args, "value").await?;
        Ok(match name {
            "len" => Value::Num(match &value {
                Value::Nothing | Value::Nil => 0,
                Value::Array(array) => i64::try_from(array.len()).unwrap_or(i64::MAX),
                other => i64::try_from(other.bytes().len()).unwrap_or(i64::MAX),
            }),
            "typeof" => Value::text(value.type_name()),
            "tonum" => value.to_number(),
            "tobool" => value.to_bool(),
            "totime" => value.to_time(),
            "toarray" => Value::Array(value.to_array()),
            "tostr" => match value {
                Value::Nothing | Value::Nil => Value::Str(Vec::new()),
                other => Value::Str(other.bytes()),
            },
            "toip" => match &value {
                Value::Ip(ip) => Value::Ip(*ip),
                Value::Num(number) => u32::try_from(*number).map_or(Value::Nil, |bits| Value::Ip(bits.into())),
                other => other.display().parse().map_or(Value::Nil, Value::Ip),
            },
            "toid" => match super::value::literal(&value.display()) {
                id @ Value::Id(_) => id,
                _ => Value::Nil,
            },
            // Nanoseconds of a time (documented under that name).
            "tonsec" => match value.to_time() {
                Value::Time(nanos) => Value::Num(i64::try_from(nanos).unwrap_or(i64::MAX)),
                other => other,
            },
            other => return Err(Stop::error(format!("bad command name {other}"))),
        })
    }

    /// The value without a name at `at`, or the one called `name`.
    async fn nth(&mut self, args: &Args, at: usize, name: &str) -> Ran<Option<Value>> {
        match args.positional.get(at).or_else(|| args.get(name)) {
            Some(expr) => self.eval(expr).await.map(Some),
            None => Ok(None),
        }
    }

    /// `:find text part after`: searches behind the position `after`, from the start when it is not given.
    async fn find(&mut self, args: &Args) -> Ran<Value> {
        let within = self.nth(args, 0, "in").await?.unwrap_or_default();
        let part = self.nth(args, 1, "key").await?.unwrap_or_default();
        let after = self.nth(args, 2, "from").await?.map(|value| value.to_number());
        let from = match after {
            Some(Value::Num(after)) => usize::try_from(after.saturating_add(1)).unwrap_or(0),
            _ => 0,
        };
        let at = match &within {
            Value::Array(array) => {
                let entries = array.entries();
                let found =
                    entries.into_iter().skip(from).find(|(_, value)| super::operators::equal(value, &part, true));
                return Ok(found.map_or(Value::Nil, |(key, _)| key));
            }
            other => {
                let (text, part) = (other.bytes(), part.bytes());
                if part.is_empty() {
                    return Ok(Value::Nil);
                }
                let rest = text.get(from..).unwrap_or_default();
                rest.windows(part.len()).position(|window| window == part).map(|at| at.saturating_add(from))
            }
        };
        Ok(at.and_then(|at| i64::try_from(at).ok()).map_or(Value::Nil, Value::Num))
    }

    /// `:pick text start end`: the end is not part of it; without an end it is one element.
    async fn pick(&mut self, args: &Args) -> Ran<Value> {
        let from = self.nth(args, 0, "counter").await?.unwrap_or_default();
        let begin = self.nth(args, 1, "begin").await?.unwrap_or_default();
        let end = self.nth(args, 2, "end").await?;
        let Value::Num(begin) = begin.to_number() else { return Ok(Value::Nothing) };
        let begin = usize::try_from(begin).unwrap_or(0);
        let end = match end.map(|end| end.to_number()) {
            None => None,
            Some(Value::Num(end)) => Some(usize::try_from(end).unwrap_or(0)),
            Some(_) => Some(usize::MAX),
        };
        Ok(match &from {
            Value::Array(array) => match end {
                None => array.items.get(begin).cloned().unwrap_or_default(),
                Some(end) => {
                    let end = end.min(array.items.len());
                    array_of(array.items.get(begin..end.max(begin)).unwrap_or_default().iter().cloned())
                }
            },
            other => {
                let text = other.bytes();
                let end = end.unwrap_or_else(|| begin.saturating_add(1)).min(text.len());
                Value::Str(text.get(begin..end.max(begin)).unwrap_or_default().to_vec())
            }
        })
    }

    async fn resolve(&mut self, args: &Args) -> Ran<Value> {
        let name = self.first(args, "domain-name").await?.display();
        let found = self.host.with(move |router| router.internet.resolve(&name)).await;
        found.map(Value::Ip).ok_or_else(|| Stop::error("failure: dns name does not exist"))
    }

    async fn random(&mut self) -> u64 {
        self.host.with(crate::routeros::router::Router::random).await
    }

    async fn random_number(&mut self, args: &Args) -> Ran<Value> {
        let (from, to) = (self.nth(args, 0, "from").await?, self.nth(args, 1, "to").await?);
        let number = |value: Option<Value>| match value.map(|value| value.to_number()) {
            Some(Value::Num(number)) => Ok(number),
            _ => Err(Stop::error("invalid value for argument from")),
        };
        let (from, to) = (number(from)?, number(to)?);
        let span = u64::try_from(to.saturating_sub(from)).map_err(|_| Stop::error("bad range"))?.saturating_add(1);
        let offset = self.random().await.checked_rem(span).unwrap_or(0);
        Ok(Value::Num(from.saturating_add(i64::try_from(offset).unwrap_or(0))))
    }

    async fn random_text(&mut self, args: &Args) -> Ran<Value> {
        let length = self.nth(args, 0, "length").await?.map(|value| value.to_number());
        let from = self.nth(args, 1, "from").await?.map(|value| value.bytes()).filter(|from| !from.is_empty());
        let from = from.unwrap_or_else(|| b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".to_vec());
        let Some(Value::Num(length @ 0..=4096)) = length else {
            return Err(Stop::error("invalid value for argument length"));
        };
        let mut text = Vec::new();
        for _ in 0..length {
            let size = u64::try_from(from.len()).unwrap_or(1);
            let at = usize::try_from(self.random().await.checked_rem(size).unwrap_or(0)).unwrap_or(0);
            text.extend(from.get(at));
        }
        Ok(Value::Str(text))
    }

    async fn convert(&mut self, args: &Args) -> Ran<Value> {
        let value = self.first(args, "value").await?.bytes();
        let words = |value: Option<Value>| value.map(|value| value.display()).unwrap_or_default();
        let (from, to) = (words(self.named(args, "from").await?), words(self.named(args, "to").await?));
        let transform = words(self.named(args, "transform").await?);
        let raw = match from.as_str() {
            "" | "raw" => value,
            "base64" => {
                let engine = base64::engine::general_purpose::STANDARD;
                engine.decode(value.trim_ascii()).map_err(|_| Stop::error("failed to convert: invalid base64"))?
            }
            "hex" => hex::decode(value.trim_ascii()).map_err(|_| Stop::error("failed to convert: invalid hex"))?,
            "url" => url_decoded(&value),
            _ => return Err(Stop::error("input does not match any value of from")),
        };
        let raw = match transform.as_str() {
            "" | "none" => raw,
            "lc" => raw.to_ascii_lowercase(),
            "uc" => raw.to_ascii_uppercase(),
            "rev" | "reverse" => raw.into_iter().rev().collect(),
            // Bytes, which `to=hex` makes readable (tried by others on 7.23 and 7.24). Which release brought them nobody
            // says, so earlier ones than those of that time do without.
            "md5" if self.grammar.ros >= RosVersion::V7_22 => {
                use md5::{Digest, Md5};
                Md5::digest(&raw).to_vec()
            }
            "sha512" if self.grammar.ros >= RosVersion::V7_22 => {
                use sha2::{Digest, Sha512};
                Sha512::digest(&raw).to_vec()
            }
            _ => return Err(Stop::error("input does not match any value of transform")),
        };
        Ok(Value::Str(match to.as_str() {
            "" | "raw" => raw,
            "base64" => base64::engine::general_purpose::STANDARD.encode(raw).into_bytes(),
            "hex" => hex::encode(raw).into_bytes(),
            "url" => url_encoded(&raw),
            "num" => return Ok(Value::Str(raw).to_number()),
            "byte-array" => return Ok(array_of(raw.into_iter().map(|byte| Value::Num(i64::from(byte))))),
            _ => return Err(Stop::error("input does not match any value of to")),
        }))
    }

    async fn json_options(&mut self, args: &Args) -> Ran<Vec<String>> {
        Ok(match args.get("options") {
            Some(Expr::Literal(_, text)) => text.split(',').map(str::to_owned).collect(),
            Some(expr) => self.eval(expr).await?.to_array().items.iter().map(Value::display).collect(),
            None => Vec::new(),
        })
    }

    async fn serialize(&mut self, args: &Args) -> Ran<Value> {
        let value = self.first(args, "value").await?;
        if self.named(args, "to").await?.is_none_or(|to| to.display() != "json") {
            return Err(Stop::error("input does not match any value of to"));
        }
        let options = self.json_options(args).await?;
        let keep = options.iter().any(|option| option == "json.no-string-conversion");
        Ok(Value::text(json::write(&value, keep).to_string()))
    }

    async fn deserialize(&mut self, args: &Args) -> Ran<Value> {
        let text = self.first(args, "value").await?.bytes();
        if self.named(args, "from").await?.is_none_or(|from| from.display() != "json") {
            return Err(Stop::error("input does not match any value of from"));
        }
        let options = self.json_options(args).await?;
        let keep = options.iter().any(|option| option == "json.no-string-conversion");
        let read: serde_json::Value =
            serde_json::from_slice(&text).map_err(|_| Stop::error("failure: failed to parse json"))?;
        Ok(json::read(&read, keep))
    }
}

fn url_encoded(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(*byte);
        } else {
            out.extend(format!("%{byte:02X}").into_bytes());
        }
    }
    out
}

fn url_decoded(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let code = bytes.get(at + 1..at + 3).and_then(|pair| hex::decode(pair).ok());
        match (byte, code) {
            (b'%', Some(code)) => {
                out.extend(code);
                at += 3;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    out
}
