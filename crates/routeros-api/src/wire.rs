//! The framing of the RouterOS API: length-prefixed words, sentences ended by an empty word.
//!
//! | length of the word | bytes of the prefix | form |
//! |---|---|---|
//! | 0–0x7F | 1 | `len` |
//! | 0x80–0x3FFF | 2 | `len \| 0x8000`, big endian |
//! | 0x4000–0x1FFFFF | 3 | `len \| 0xC00000` |
//! | 0x200000–0xFFFFFFF | 4 | `len \| 0xE0000000` |
//! | 0x10000000 and above | 5 | `F0` and four bytes |
//!
//! A first byte of 0xF8 or more is a reserved control byte, after which a peer cannot go on; 0xF1–0xF7 are
//! undefined. Both end the connection (documented by MikroTik). Values are raw bytes without escapes.

/// The words of one sentence, without the empty word that ends it. Never empty when decoded.
pub type Words = Vec<Vec<u8>>;

/// What a peer may send at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes in one word.
    pub word_bytes: usize,
    /// Bytes of all words of one sentence together.
    pub sentence_bytes: usize,
    /// Words in one sentence.
    pub sentence_words: usize,
}

impl Limits {
    /// After login: words of 1 MiB, sentences of 4 MiB and 1,024 words.
    pub const SESSION: Self = Self { word_bytes: 1 << 20, sentence_bytes: 4 << 20, sentence_words: 1024 };
    /// Before login: 16 KiB and 64 words, because the peer is not known yet.
    pub const BEFORE_LOGIN: Self = Self { word_bytes: 16 << 10, sentence_bytes: 16 << 10, sentence_words: 64 };
}

/// The bytes are not the RouterOS API, or exceed what we accept. The connection cannot be continued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// A first length byte of 0xF8 or more.
    #[error("reserved control byte 0x{0:02x} in place of a word length")]
    ControlByte(u8),
    /// A first length byte of 0xF1 to 0xF7.
    #[error("undefined word length prefix 0x{0:02x}")]
    UndefinedPrefix(u8),
    /// A word longer than [`Limits::word_bytes`].
    #[error("a word of {bytes} bytes exceeds the limit of {limit}")]
    WordTooLong {
        /// The length that was announced.
        bytes: u64,
        /// The limit in force.
        limit: usize,
    },
    /// The words of a sentence exceed [`Limits::sentence_bytes`].
    #[error("a sentence exceeds the limit of {limit} bytes")]
    SentenceTooLong {
        /// The limit in force.
        limit: usize,
    },
    /// A sentence has more words than [`Limits::sentence_words`].
    #[error("a sentence exceeds the limit of {limit} words")]
    TooManyWords {
        /// The limit in force.
        limit: usize,
    },
}

/// Where the decoder stands inside the stream.
#[derive(Debug)]
enum State {
    /// Before the first byte of a length prefix.
    Prefix,
    /// Inside a length prefix: what is known of the length, and how many bytes are missing.
    Length { value: u32, missing: u8 },
    /// Inside a word: the bytes that are still to come.
    Word { missing: usize },
}

/// Turns a stream of bytes, cut anywhere, into sentences.
///
/// Time is linear in the bytes: nothing is scanned twice. Memory is bounded by the [`Limits`]; space for a
/// word is taken as its bytes arrive, never because a length announces it. After an error the decoder
/// repeats that error.
#[derive(Debug)]
pub struct Decoder {
    limits: Limits,
    state: State,
    word: Vec<u8>,
    words: Words,
    sentence_bytes: usize,
    failed: Option<WireError>,
}

impl Decoder {
    /// A decoder at the start of a stream.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self { limits, state: State::Prefix, word: Vec::new(), words: Vec::new(), sentence_bytes: 0, failed: None }
    }

    /// Changes the limits for what follows, such as after login.
    pub const fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Whether a sentence has begun and not ended: an end of the stream here is a cut, not a close.
    #[must_use]
    pub const fn is_inside_sentence(&self) -> bool {
        !self.words.is_empty() || !matches!(self.state, State::Prefix)
    }

    /// Takes bytes from the front of `input` until a sentence is complete or `input` is empty.
    ///
    /// Call it again with the same `input` until it returns `None`; empty sentences are skipped.
    ///
    /// # Errors
    /// [`WireError`] when the stream cannot be continued.
    pub fn decode(&mut self, input: &mut &[u8]) -> Result<Option<Words>, WireError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let result = self.advance(input);
        if let Err(error) = result {
            self.failed = Some(error);
            self.word = Vec::new();
            self.words = Vec::new();
        }
        result
    }

    fn advance(&mut self, input: &mut &[u8]) -> Result<Option<Words>, WireError> {
        loop {
            match self.state {
                State::Prefix => {
                    let Some(byte) = take_byte(input) else { return Ok(None) };
                    let (value, missing) = first_byte(byte)?;
                    self.state = State::Length { value, missing };
                }
                State::Length { value, missing: 0 } => {
                    if value == 0 {
                        self.state = State::Prefix;
                        if let Some(words) = self.end_sentence() {
                            return Ok(Some(words));
                        }
                    } else {
                        self.begin_word(value)?;
                    }
                }
                State::Length { value, missing } => {
                    let Some(byte) = take_byte(input) else { return Ok(None) };
                    self.state = State::Length { value: value << 8 | u32::from(byte), missing: missing - 1 };
                }
                State::Word { missing } => {
                    let (now, rest) = input.split_at(missing.min(input.len()));
                    *input = rest;
                    self.word.extend_from_slice(now);
                    if now.len() < missing {
                        self.state = State::Word { missing: missing - now.len() };
                        return Ok(None);
                    }
                    self.words.push(std::mem::take(&mut self.word));
                    self.state = State::Prefix;
                }
            }
        }
    }

    fn begin_word(&mut self, length: u32) -> Result<(), WireError> {
        let limit = self.limits.word_bytes;
        let too_long = WireError::WordTooLong { bytes: u64::from(length), limit };
        let length = usize::try_from(length).map_err(|_| too_long)?;
        if length > limit {
            return Err(too_long);
        }
        self.sentence_bytes = self.sentence_bytes.saturating_add(length);
        if self.sentence_bytes > self.limits.sentence_bytes {
            return Err(WireError::SentenceTooLong { limit: self.limits.sentence_bytes });
        }
        if self.words.len() >= self.limits.sentence_words {
            return Err(WireError::TooManyWords { limit: self.limits.sentence_words });
        }
        self.state = State::Word { missing: length };
        Ok(())
    }

    fn end_sentence(&mut self) -> Option<Words> {
        self.sentence_bytes = 0;
        let words = std::mem::take(&mut self.words);
        (!words.is_empty()).then_some(words)
    }
}

fn take_byte(input: &mut &[u8]) -> Option<u8> {
    let (&byte, rest) = input.split_first()?;
    *input = rest;
    Some(byte)
}

/// What the first byte says: the high bits of the length, and how many bytes of it follow.
fn first_byte(byte: u8) -> Result<(u32, u8), WireError> {
    match byte {
        0x00..=0x7f => Ok((u32::from(byte), 0)),
        0x80..=0xbf => Ok((u32::from(byte & 0x3f), 1)),
        0xc0..=0xdf => Ok((u32::from(byte & 0x1f), 2)),
        0xe0..=0xef => Ok((u32::from(byte & 0x0f), 3)),
        0xf0 => Ok((0, 4)),
        0xf1..=0xf7 => Err(WireError::UndefinedPrefix(byte)),
        0xf8..=0xff => Err(WireError::ControlByte(byte)),
    }
}

/// Appends the length prefix of a word of `length` bytes.
pub fn encode_length(length: u32, out: &mut Vec<u8>) {
    let [_, b, c, d] = length.to_be_bytes();
    match length {
        0..=0x7f => out.push(d),
        0x80..=0x3fff => out.extend_from_slice(&[c | 0x80, d]),
        0x4000..=0x1f_ffff => out.extend_from_slice(&[b | 0xc0, c, d]),
        0x20_0000..=0xfff_ffff => out.extend_from_slice(&(length | 0xe000_0000).to_be_bytes()),
        _ => {
            out.push(0xf0);
            out.extend_from_slice(&length.to_be_bytes());
        }
    }
}

/// Appends one word. An empty word ends the sentence, so callers pass one only for that.
///
/// # Errors
/// [`WireError::WordTooLong`] above [`Limits::SESSION`]; nothing is appended then.
pub fn encode_word(word: &[u8], out: &mut Vec<u8>) -> Result<(), WireError> {
    let limit = Limits::SESSION.word_bytes;
    match u32::try_from(word.len()) {
        Ok(length) if word.len() <= limit => {
            encode_length(length, out);
            out.extend_from_slice(word);
            Ok(())
        }
        _ => Err(WireError::WordTooLong { bytes: u64::try_from(word.len()).unwrap_or(u64::MAX), limit }),
    }
}

/// Appends a whole sentence with its end.
///
/// # Errors
/// [`WireError::WordTooLong`] for a word above the limit; `out` is left as it was.
pub fn encode_sentence<W: AsRef<[u8]>>(words: impl IntoIterator<Item = W>, out: &mut Vec<u8>) -> Result<(), WireError> {
    let start = out.len();
    for word in words {
        if let Err(error) = encode_word(word.as_ref(), out) {
            out.truncate(start);
            return Err(error);
        }
    }
    out.push(0);
    Ok(())
}
