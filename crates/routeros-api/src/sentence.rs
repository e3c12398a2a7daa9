//! Commands we send and replies we receive, as words.

use std::fmt;

use crate::wire::{self, WireError};

/// Attributes whose value must never reach a log.
const SECRET_ATTRIBUTES: [&str; 6] =
    ["password", "response", "mac-auth-password", "otp-secret", "secret", "passphrase"];

/// One command: path, attributes, and the query words of a `print`.
///
/// Values are raw: `=`, line breaks and any UTF-8 pass through without escapes. `Debug` hides secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Command {
    path: String,
    attributes: Vec<(String, String)>,
    queries: Vec<String>,
}

impl Command {
    /// A command such as `/ip/hotspot/user/print`.
    #[must_use]
    pub fn new(path: impl Into<String>) -> Self {
        Self { path: path.into(), attributes: Vec::new(), queries: Vec::new() }
    }

    /// Adds `=name=value`; the value may be empty.
    #[must_use]
    pub fn attr(mut self, name: &str, value: impl Into<String>) -> Self {
        self.attributes.push((name.to_owned(), value.into()));
        self
    }

    /// Adds `=name=value` when there is a value.
    #[must_use]
    pub fn attr_opt(self, name: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.attr(name, value),
            None => self,
        }
    }

    /// Asks a `print` for these fields only. Small routers answer much faster for it.
    #[must_use]
    pub fn proplist(self, names: &[&str]) -> Self {
        self.attr(".proplist", names.join(","))
    }

    /// Adds the query `?name=value`. Several plain queries must all hold.
    #[must_use]
    pub fn equals(mut self, name: &str, value: &str) -> Self {
        self.queries.push(format!("?{name}={value}"));
        self
    }

    /// Adds a query word without its `?`, such as `-comment`, `>uptime=1h` or `#|`. Their order matters.
    #[must_use]
    pub fn query(mut self, word: &str) -> Self {
        self.queries.push(format!("?{word}"));
        self
    }

    /// The path with the verb.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Appends the sentence, tagged.
    ///
    /// # Errors
    /// [`WireError::WordTooLong`]; `out` is left as it was.
    pub fn encode(&self, tag: &str, out: &mut Vec<u8>) -> Result<(), WireError> {
        let tag = format!(".tag={tag}");
        let attributes = self.attributes.iter().map(|(name, value)| format!("={name}={value}"));
        wire::encode_sentence(
            [self.path.clone(), tag].into_iter().chain(attributes).chain(self.queries.iter().cloned()),
            out,
        )
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        for (name, value) in &self.attributes {
            let shown = if SECRET_ATTRIBUTES.contains(&name.as_str()) { "…" } else { value };
            write!(f, " ={name}={shown}")?;
        }
        self.queries.iter().try_for_each(|query| write!(f, " {query}"))
    }
}

/// The attributes of a reply in the order the router sent them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Attributes(Vec<(String, String)>);

impl Attributes {
    /// The value of the first attribute of that name. Present without a value reads as empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether the attribute is there and reads as true.
    #[must_use]
    pub fn is_true(&self, name: &str) -> bool {
        matches!(self.get(name), Some("true" | "yes"))
    }

    /// All attributes in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there is none, as in a record that has none of the asked fields.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown =
            self.iter().map(|(name, value)| (name, if SECRET_ATTRIBUTES.contains(&name) { "…" } else { value }));
        f.debug_map().entries(shown).finish()
    }
}

impl FromIterator<(String, String)> for Attributes {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(pairs: T) -> Self {
        Self(pairs.into_iter().collect())
    }
}

/// The first word of a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplyWord {
    /// `!re`: one record.
    Re,
    /// `!done`: the last reply of a command.
    Done,
    /// `!empty`: no records (RouterOS 7.18 and later); `!done` still follows.
    Empty,
    /// `!trap`: an error; `!done` still follows.
    Trap,
    /// `!fatal`: the router closes the connection.
    Fatal,
    /// Something this client does not know; to be ignored.
    Other(String),
}

/// One reply sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// What kind it is.
    pub word: ReplyWord,
    /// The tag of the command it belongs to, wherever in the sentence it stood.
    pub tag: Option<String>,
    /// The attributes, in order.
    pub attributes: Attributes,
    /// Words that are neither attribute nor tag, such as the reason of `!fatal`.
    pub bare: Vec<String>,
}

impl Reply {
    /// Reads a reply. Text that is not UTF-8 is decoded lossily: an old comment on a router must never end
    /// the connection. An attribute is split at its second `=` only; one without it has an empty value.
    #[must_use]
    pub fn parse(words: &[Vec<u8>]) -> Self {
        let mut words = words.iter().map(|word| String::from_utf8_lossy(word));
        let word = match words.next().as_deref() {
            Some("!re") => ReplyWord::Re,
            Some("!done") => ReplyWord::Done,
            Some("!empty") => ReplyWord::Empty,
            Some("!trap") => ReplyWord::Trap,
            Some("!fatal") => ReplyWord::Fatal,
            other => ReplyWord::Other(other.unwrap_or_default().to_owned()),
        };
        let mut reply = Self { word, tag: None, attributes: Attributes::default(), bare: Vec::new() };
        for text in words {
            if let Some(tag) = text.strip_prefix(".tag=") {
                reply.tag = Some(tag.to_owned());
            } else if let Some(attribute) = text.strip_prefix('=') {
                let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
                reply.attributes.0.push((name.to_owned(), value.to_owned()));
            } else {
                reply.bare.push(text.into_owned());
            }
        }
        reply
    }
}
