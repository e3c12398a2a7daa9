//! The text of a script, a place in it, and errors with that place.

use super::ast::Pos;

/// A script that cannot be parsed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (line {line} column {column})")]
pub(crate) struct ParseError {
    pub(crate) message: String,
    pub(crate) line: usize,
    pub(crate) column: usize,
    /// The text ended where more was to come: a terminal would wait for the next line.
    pub(crate) incomplete: bool,
}

/// A reading position.
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    text: &'a [u8],
    pub(crate) at: usize,
    /// Offsets at which lines begin.
    lines: Vec<usize>,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at.saturating_add(1));
        Self { text: text.as_bytes(), at: 0, lines: std::iter::once(0).chain(starts).collect() }
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    pub(crate) fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at.saturating_add(ahead)).copied()
    }

    pub(crate) fn bump(&mut self) {
        self.at = self.at.saturating_add(1).min(self.text.len());
    }

    pub(crate) fn skip(&mut self, count: usize) {
        self.at = self.at.saturating_add(count).min(self.text.len());
    }

    pub(crate) fn starts_with(&self, text: &str) -> bool {
        self.text.get(self.at..).is_some_and(|rest| rest.starts_with(text.as_bytes()))
    }

    /// Takes `text` if it comes next.
    pub(crate) fn eat(&mut self, text: &str) -> bool {
        let found = self.starts_with(text);
        if found {
            self.skip(text.len());
        }
        found
    }

    pub(crate) fn slice(&self, from: usize) -> String {
        String::from_utf8_lossy(self.text.get(from..self.at).unwrap_or_default()).into_owned()
    }

    /// Takes bytes while they fit.
    pub(crate) fn take_while(&mut self, fits: impl Fn(u8) -> bool) -> String {
        let from = self.at;
        while self.peek().is_some_and(&fits) {
            self.bump();
        }
        self.slice(from)
    }

    /// Blanks, and line ends hidden by a backslash.
    pub(crate) fn skip_blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r') => self.bump(),
                Some(b'\\') if self.hides_line_end() => {
                    self.bump();
                    while self.peek() != Some(b'\n') {
                        self.bump();
                    }
                    self.bump();
                }
                _ => return,
            }
        }
    }

    /// Blanks and line ends.
    pub(crate) fn skip_white(&mut self) {
        loop {
            self.skip_blanks();
            if self.peek() != Some(b'\n') {
                return;
            }
            self.bump();
        }
    }

    /// Whether the backslash here stands at the end of its line.
    pub(crate) fn hides_line_end(&self) -> bool {
        let rest = self.text.get(self.at.saturating_add(1)..).unwrap_or_default();
        rest.starts_with(b"\n") || rest.starts_with(b"\r\n")
    }

    pub(crate) fn pos_of(&self, at: usize) -> Pos {
        let line = self.lines.partition_point(|start| *start <= at);
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or(0);
        Pos { line, column: at.saturating_sub(start).saturating_add(1) }
    }

    pub(crate) fn pos(&self) -> Pos {
        self.pos_of(self.at)
    }

    pub(crate) fn error_at(&self, at: usize, message: impl Into<String>) -> ParseError {
        let Pos { line, column } = self.pos_of(at);
        ParseError { message: message.into(), line, column, incomplete: false }
    }

    pub(crate) fn error(&self, message: impl Into<String>) -> ParseError {
        self.error_at(self.at, message)
    }

    /// The text ended too early, or something else is wrong here.
    pub(crate) fn unexpected(&self) -> ParseError {
        let mut error = self.error("syntax error");
        error.incomplete = self.peek().is_none();
        error
    }
}
