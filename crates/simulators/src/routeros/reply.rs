//! What the router says: reply sentences and their bytes.

use routeros_api::wire;

use super::{query::Attribute, trap::Trap};

/// One reply sentence.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) word: &'static str,
    pub(crate) tag: Option<Vec<u8>>,
    pub(crate) attributes: Vec<Attribute>,
    /// A word without `=`, as `!fatal` carries its reason.
    pub(crate) bare: Option<&'static str>,
}

impl Reply {
    fn new(word: &'static str, tag: Option<&[u8]>) -> Self {
        Self { word, tag: tag.map(<[u8]>::to_vec), attributes: Vec::new(), bare: None }
    }

    pub(crate) fn done(tag: Option<&[u8]>) -> Self {
        Self::new("!done", tag)
    }

    pub(crate) fn done_with(tag: Option<&[u8]>, ret: impl Into<Vec<u8>>) -> Self {
        Self { attributes: vec![("ret".to_owned(), ret.into())], ..Self::done(tag) }
    }

    pub(crate) fn empty(tag: Option<&[u8]>) -> Self {
        Self::new("!empty", tag)
    }

    pub(crate) fn row(tag: Option<&[u8]>, attributes: Vec<Attribute>) -> Self {
        Self { attributes, ..Self::new("!re", tag) }
    }

    pub(crate) fn trap(tag: Option<&[u8]>, trap: &Trap) -> Self {
        let category = trap.category.map(|number| ("category".to_owned(), number.to_string().into_bytes()));
        let message = ("message".to_owned(), trap.message.clone().into_bytes());
        Self { attributes: category.into_iter().chain([message]).collect(), ..Self::new("!trap", tag) }
    }

    /// The reason is a bare second word, and there is no tag (observed).
    pub(crate) fn fatal(reason: &'static str) -> Self {
        Self { bare: Some(reason), ..Self::new("!fatal", None) }
    }

    /// The sentence as bytes. A reply too large for the wire is left out whole.
    pub(crate) fn encode(&self, tag_last: bool) -> Vec<u8> {
        let mut words: Vec<Vec<u8>> = vec![self.word.as_bytes().to_vec()];
        let tag = self.tag.as_ref().map(|tag| [b".tag=", tag.as_slice()].concat());
        if let Some(tag) = tag.clone().filter(|_| !tag_last) {
            words.push(tag);
        }
        words.extend(self.bare.map(|reason| reason.as_bytes().to_vec()));
        words.extend(self.attributes.iter().map(|(name, value)| [b"=", name.as_bytes(), b"=", value].concat()));
        if let Some(tag) = tag.filter(|_| tag_last) {
            words.push(tag);
        }
        let mut bytes = Vec::new();
        if let Err(error) = wire::encode_sentence(&words, &mut bytes) {
            tracing::warn!(%error, "a reply does not fit the wire");
        }
        bytes
    }
}
