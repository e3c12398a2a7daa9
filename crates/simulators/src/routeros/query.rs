//! Query words of `print`: a stack of conditions, as the manual's *API* page describes it.

/// One attribute of a row on the wire, name and value.
pub(crate) type Attribute = (String, Vec<u8>);

/// One query word, without its question mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Query {
    /// `?name`: the row has it.
    Has(String),
    /// `?-name`: the row lacks it.
    Lacks(String),
    /// `?name=x`, `?=name=x`.
    Equal(String, Vec<u8>),
    /// `?>name=x`.
    Greater(String, Vec<u8>),
    /// `?<name=x`.
    Less(String, Vec<u8>),
    /// `?#…`: operations on the stack.
    Operations(Vec<u8>),
}

impl Query {
    /// Parses the word after its `?`.
    pub(crate) fn parse(word: &[u8]) -> Self {
        let pair = |rest: &[u8]| -> (String, Option<Vec<u8>>) {
            let mut halves = rest.splitn(2, |b| *b == b'=');
            let name = String::from_utf8_lossy(halves.next().unwrap_or_default()).into_owned();
            (name, halves.next().map(<[u8]>::to_vec))
        };
        match word.split_first() {
            Some((b'#', operations)) => Self::Operations(operations.to_vec()),
            Some((b'-', name)) => Self::Lacks(String::from_utf8_lossy(name).into_owned()),
            Some((b'>', rest)) => {
                let (name, value) = pair(rest);
                Self::Greater(name, value.unwrap_or_default())
            }
            Some((b'<', rest)) => {
                let (name, value) = pair(rest);
                Self::Less(name, value.unwrap_or_default())
            }
            Some((b'=', rest)) => {
                let (name, value) = pair(rest);
                Self::Equal(name, value.unwrap_or_default())
            }
            _ => match pair(word) {
                (name, Some(value)) => Self::Equal(name, value),
                (name, None) => Self::Has(name),
            },
        }
    }
}

/// Whether a row passes. What is left on the stack after the last word is joined by *and*; the stack begins as
/// an infinite run of `true`.
pub(crate) fn matches(queries: &[Query], row: &[Attribute]) -> bool {
    let mut stack: Vec<bool> = Vec::new();
    let value = |name: &str| row.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_slice());
    for query in queries {
        match query {
            Query::Has(name) => stack.push(value(name).is_some()),
            Query::Lacks(name) => stack.push(value(name).is_none()),
            Query::Equal(name, wanted) => stack.push(value(name) == Some(wanted.as_slice())),
            Query::Greater(name, bound) => stack.push(value(name).is_some_and(|v| compare(v, bound).is_gt())),
            Query::Less(name, bound) => stack.push(value(name).is_some_and(|v| compare(v, bound).is_lt())),
            Query::Operations(operations) => operate(&mut stack, operations),
        }
    }
    stack.into_iter().all(|passed| passed)
}

/// What every row must have that passes, where `queries` are nothing but `?name=x`.
pub(crate) fn all_equal(queries: &[Query]) -> Vec<(&str, &[u8])> {
    let equal = queries.iter().map(|query| match query {
        Query::Equal(name, wanted) => Some((name.as_str(), wanted.as_slice())),
        _ => None,
    });
    equal.collect::<Option<_>>().unwrap_or_default()
}

/// Numbers and durations by size, anything else as text.
fn compare(left: &[u8], right: &[u8]) -> std::cmp::Ordering {
    let number = |bytes: &[u8]| {
        let text = std::str::from_utf8(bytes).ok()?;
        text.parse::<i128>()
            .ok()
            .map(|n| n.saturating_mul(1000))
            .or_else(|| super::value::parse_duration_ms(text).map(i128::from))
    };
    match (number(left), number(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => left.cmp(right),
    }
}

/// Runs the operations after `?#`: `!` `&` `|`, `.` (duplicate the top, or end an index), digits (an index:
/// followed by another character it pushes a copy of that value, at the end it replaces the whole stack by it).
fn operate(stack: &mut Vec<bool>, operations: &[u8]) {
    let mut rest = operations;
    while let Some((&operation, after)) = rest.split_first() {
        rest = after;
        match operation {
            b'!' => {
                let top = stack.pop().unwrap_or(true);
                stack.push(!top);
            }
            b'&' | b'|' => {
                let (right, left) = (stack.pop().unwrap_or(true), stack.pop().unwrap_or(true));
                stack.push(if operation == b'&' { left && right } else { left || right });
            }
            b'.' => stack.push(stack.last().copied().unwrap_or(true)),
            b'0'..=b'9' => {
                let more = rest.iter().take_while(|b| b.is_ascii_digit()).count();
                let mut index = usize::from(operation - b'0');
                for digit in rest.iter().take(more) {
                    index = index.saturating_mul(10).saturating_add(usize::from(digit - b'0'));
                }
                rest = rest.get(more..).unwrap_or_default();
                // Index 0 is the top of the stack; below what was pushed everything is true.
                let at = stack.len().checked_sub(index.saturating_add(1));
                let found = at.and_then(|at| stack.get(at)).copied().unwrap_or(true);
                if rest.is_empty() {
                    stack.clear();
                } else if rest.first() == Some(&b'.') {
                    rest = rest.get(1..).unwrap_or_default();
                }
                stack.push(found);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Vec<Attribute> {
        [
            ("type", "ether"),
            ("mtu", "1500"),
            ("name", "ether1"),
            ("comment", ""),
            ("uptime", "1h"),
            ("disabled", "false"),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
        .collect()
    }

    #[test]
    fn the_stack_follows_the_manual() {
        for (words, expected) in [
            (vec![], true),
            (vec!["type=ether"], true),
            (vec!["=type=ether"], true),
            (vec!["type=vlan"], false),
            (vec!["type"], true),
            (vec!["-type"], false),
            (vec!["-vlan-id"], true),
            (vec!["comment="], true),
            (vec!["comment"], true),
            (vec![">mtu=900"], true),
            (vec!["<mtu=900"], false),
            (vec![">uptime=59m"], true),
            (vec![">nothing=1"], false),
            // Plain words are joined by and.
            (vec!["type=ether", "name=ether2"], false),
            (vec!["type=ether", "type=vlan", "#|"], true),
            (vec!["type=wlan", "type=vlan", "#|"], false),
            (vec!["type=ether", "type=vlan", "#&"], false),
            (vec!["type=ether", "type=vlan", "#&!"], true),
            (vec!["type=ether", "#!"], false),
            // A missing operand is true.
            (vec!["type=vlan", "#|"], true),
            (vec!["type=vlan", "#&"], false),
            (vec!["#!"], false),
            // Duplicate, then and: unchanged.
            (vec!["type=vlan", "#.|"], false),
            // Index 1 is the older word; at the end of the word it replaces the stack.
            (vec!["type=ether", "type=vlan", "#1"], true),
            (vec!["type=vlan", "type=ether", "#1"], false),
            (vec!["type=vlan", "type=ether", "#0"], true),
            // Followed by a character it is pushed as a copy.
            (vec!["type=vlan", "type=ether", "#1!"], false),
            (vec!["type=ether", "type=vlan", "#1.|&"], true),
            (vec!["type=ether", "type=vlan", "#9"], true),
        ] {
            let queries: Vec<Query> = words.iter().map(|word| Query::parse(word.as_bytes())).collect();
            assert_eq!(matches(&queries, &row()), expected, "{words:?}");
        }
    }
}
