//! What a technician sees who pastes text into the router's terminal.

use serde::Serialize;

use super::{cursor::ParseError, machine::Outcome};

/// Bytes one paste may have.
pub(crate) const PASTE_BYTES_MAX: usize = 256 * 1024;

/// One command line as it was entered, and what the router said to it.
#[derive(Debug, Clone, Serialize)]
pub struct Entered {
    /// The line, or the lines that belong together.
    pub input: String,
    /// What it printed.
    pub output: String,
    /// The error it ended with, in the router's words.
    pub error: Option<String>,
}

/// What came of a paste: one entry a command line.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Transcript {
    /// Command lines in the order they ran.
    pub entered: Vec<Entered>,
}

impl Transcript {
    /// Everything printed, without the errors.
    #[must_use]
    pub fn output(&self) -> String {
        self.entered.iter().map(|entered| entered.output.as_str()).collect()
    }

    /// The first error.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.entered.iter().find_map(|entered| entered.error.as_deref())
    }

    /// Output and errors as they stood on the screen.
    #[must_use]
    pub fn screen(&self) -> String {
        let mut text = String::new();
        for entered in &self.entered {
            text.push_str(&entered.output);
            if let Some(error) = &entered.error {
                text.push_str(error);
                text.push('\n');
            }
        }
        text
    }

    pub(crate) fn refused(input: &str, error: impl Into<String>) -> Self {
        let entered = Entered { input: input.to_owned(), output: String::new(), error: Some(error.into()) };
        Self { entered: vec![entered] }
    }

    pub(crate) fn parse_error(&mut self, input: String, error: &ParseError) {
        self.entered.push(Entered { input, output: String::new(), error: Some(error.to_string()) });
    }

    pub(crate) fn ran(&mut self, input: String, outcome: &Outcome) {
        self.entered.push(Entered {
            input,
            output: String::from_utf8_lossy(&outcome.output).into_owned(),
            error: outcome.error(),
        });
    }
}
