//! What a client said: one sentence taken apart into path, attributes, queries and tag.

use super::query::Query;

/// One client sentence. Attributes keep their order; a repeated attribute counts as last said.
#[derive(Debug, Clone, Default)]
pub(crate) struct Command {
    /// The first word, e.g. `/ip/hotspot/user/print`.
    pub(crate) path: String,
    /// `=name=value` words. `=name` without the second `=` has an empty value.
    pub(crate) attributes: Vec<(String, Vec<u8>)>,
    /// `?…` words in order.
    pub(crate) queries: Vec<Query>,
    /// `.tag=…`, wherever it stood.
    pub(crate) tag: Option<Vec<u8>>,
    /// Words that are none of these; the router has no use for them.
    pub(crate) stray: Vec<Vec<u8>>,
}

impl Command {
    /// Takes a sentence apart. An attribute is split at its second `=` only, so values may hold anything.
    pub(crate) fn parse(words: &[Vec<u8>]) -> Self {
        let mut command = Self::default();
        if let Some(first) = words.first() {
            command.path = String::from_utf8_lossy(first).into_owned();
        }
        for word in words.iter().skip(1) {
            if let Some(rest) = word.strip_prefix(b"=") {
                let mut halves = rest.splitn(2, |b| *b == b'=');
                let name = String::from_utf8_lossy(halves.next().unwrap_or_default()).into_owned();
                command.attributes.push((name, halves.next().unwrap_or_default().to_vec()));
            } else if let Some(tag) = word.strip_prefix(b".tag=") {
                command.tag = Some(tag.to_vec());
            } else if let Some(query) = word.strip_prefix(b"?") {
                command.queries.push(Query::parse(query));
            } else {
                command.stray.push(word.clone());
            }
        }
        command
    }

    /// The directory and the verb: `/ip/hotspot/user` and `print`.
    pub(crate) fn split_path(&self) -> (&str, &str) {
        self.path.rsplit_once('/').unwrap_or(("", &self.path))
    }

    /// The value of an attribute, as said last.
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        self.attributes.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_slice())
    }

    /// The value of an attribute as text.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// Whether a flag such as `=count-only=` was said.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The ids of `=.id=` or `=numbers=`, which may be several, joined by commas.
    pub(crate) fn selectors(&self) -> Option<Vec<String>> {
        let text = self.text(".id").or_else(|| self.text("numbers"))?;
        Some(text.split(',').map(str::to_owned).collect())
    }
}
