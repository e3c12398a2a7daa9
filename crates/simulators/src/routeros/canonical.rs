//! From what a client wrote to what the router stores: every value is checked and brought to one spelling.

use super::{
    router::Router,
    schema::{Field, Kind},
    table::bool_text,
    trap::Trap,
    value,
};

/// Checks `raw` for `field`. `None` means the value is taken away (an empty MAC address, for instance).
///
/// # Errors
/// The trap the router answers for a value of that kind.
pub(crate) fn canonical(router: &Router, field: &Field, raw: &[u8]) -> Result<Option<Vec<u8>>, Trap> {
    if matches!(field.kind, Kind::Text | Kind::Secret) {
        // Values are raw bytes: nothing is escaped, nothing need be UTF-8.
        return Ok(Some(raw.to_vec()));
    }
    let text = String::from_utf8_lossy(raw);
    let text = text.trim();
    let invalid = || Trap::invalid_value(field.name);
    if matches!(field.kind, Kind::Key) {
        use base64::Engine;
        let bytes = base64::engine::general_purpose::STANDARD.decode(text);
        return match bytes {
            Ok(bytes) if bytes.len() == 32 => Ok(Some(text.as_bytes().to_vec())),
            _ => Err(Trap::new("failure: invalid key")),
        };
    }
    let emptied = text.is_empty()
        && matches!(
            field.kind,
            Kind::Mac | Kind::Ip | Kind::Address | Kind::AddressOrName | Kind::RateLimit | Kind::Bytes | Kind::Words(_)
        );
    if emptied {
        return Ok(match field.kind {
            Kind::Words(_) | Kind::RateLimit => Some(Vec::new()),
            _ => None,
        });
    }
    let printed = match field.kind {
        Kind::Text | Kind::Secret | Kind::Key => text.to_owned(),
        Kind::Bool => match text {
            "yes" | "true" => "true".to_owned(),
            "no" | "false" => "false".to_owned(),
            _ => return Err(invalid()),
        },
        Kind::Duration(words) if words.contains(&text) => text.to_owned(),
        Kind::Duration(_) => {
            value::format_duration(value::parse_duration_ms(text).ok_or_else(|| Trap::invalid_time(field.name))?)
        }
        Kind::Number(_, _, words) if words.contains(&text) => text.to_owned(),
        Kind::Number(min, max, _) => {
            let number: u64 = text.parse().map_err(|_| invalid())?;
            if !(min..=max).contains(&number) {
                return Err(Trap::out_of_range(field.name, min, max));
            }
            number.to_string()
        }
        Kind::Bytes => value::parse_bytes(text).ok_or_else(invalid)?.to_string(),
        Kind::Mac => value::parse_mac(text)
            .ok_or_else(|| Trap::new(format!("invalid value of {}, mac address required", field.name)))?,
        Kind::Ip => text.parse::<std::net::Ipv4Addr>().map_err(|_| invalid())?.to_string(),
        Kind::Address => value::parse_address(text).ok_or_else(invalid)?,
        Kind::AddressOrName => match value::parse_address(text) {
            Some(address) => address,
            None if is_host_name(text) => text.to_owned(),
            None => return Err(invalid()),
        },
        Kind::Word(words) => one_of(router, field.name, text, words.iter().copied())?,
        Kind::Words(words) => {
            let chosen: Vec<String> = text
                .split(',')
                .map(|word| one_of(router, field.name, word.trim(), words.iter().copied()))
                .collect::<Result<_, _>>()?;
            // A set is printed in the order of the menu, whatever order it was written in.
            words.iter().filter(|word| chosen.iter().any(|c| c == *word)).copied().collect::<Vec<_>>().join(",")
        }
        Kind::Ref(path, words) => {
            let names: Vec<String> = router.rows(path).iter().map(|row| row.text("name")).collect();
            let by_id = router.rows(path).iter().find(|row| row.wire_id() == text).map(|row| row.text("name"));
            match by_id {
                Some(name) => name,
                None => {
                    one_of(router, field.name, text, words.iter().copied().chain(names.iter().map(String::as_str)))?
                }
            }
        }
        Kind::Policies => policies(text)?,
        Kind::RateLimit if value::is_rate_limit(text) => text.to_owned(),
        Kind::RateLimit => return Err(invalid()),
    };
    Ok(Some(printed.into_bytes()))
}

/// Every policy there is.
const POLICIES: [&str; 19] = [
    "local",
    "telnet",
    "ssh",
    "ftp",
    "reboot",
    "read",
    "write",
    "policy",
    "test",
    "winbox",
    "password",
    "web",
    "sniff",
    "sensitive",
    "api",
    "romon",
    "dude",
    "tikapp",
    "rest-api",
];

/// Policies without those taken away by `!`.
fn policies(text: &str) -> Result<String, Trap> {
    let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
    let mut kept: Vec<&str> = Vec::new();
    for word in words {
        let name = word.trim_start_matches('!');
        if !POLICIES.contains(&name) {
            return Err(Trap::no_match("policy"));
        }
        if name == word {
            kept.push(word);
        } else {
            kept.retain(|held| *held != name);
        }
    }
    Ok(kept.join(","))
}

/// The one of `choices` that is meant: the exact word, or else the only one that begins with it.
fn one_of<'a>(
    router: &Router,
    argument: &str,
    text: &str,
    choices: impl Iterator<Item = &'a str>,
) -> Result<String, Trap> {
    let choices: Vec<&str> = choices.collect();
    if choices.contains(&text) {
        return Ok(text.to_owned());
    }
    if text.is_empty() || !router.options.unconfirmed.prefix_matching {
        return Err(Trap::no_match(argument));
    }
    let mut begun = choices.iter().filter(|choice| choice.starts_with(text));
    match (begun.next(), begun.next()) {
        (Some(only), None) => Ok((*only).to_owned()),
        (Some(_), Some(_)) => Err(Trap::ambiguous(argument)),
        (None, _) => Err(Trap::no_match(argument)),
    }
}

fn is_host_name(text: &str) -> bool {
    text.len() <= 253
        && text.contains('.')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
        && !text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

/// The spelling of a boolean on the wire.
pub(crate) fn flag(name: &str, value: bool) -> (String, Vec<u8>) {
    (name.to_owned(), bool_text(value).as_bytes().to_vec())
}
