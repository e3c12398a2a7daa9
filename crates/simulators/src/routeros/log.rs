//! Every sentence a client said, with its secrets taken out.

use std::collections::VecDeque;

use serde::Serialize;

/// Sentences kept; older ones are forgotten.
const ENTRIES_MAX: usize = 20_000;
/// Attributes whose value is never written down.
const SECRETS: [&str; 5] = ["password", "response", "mac-auth-password", "otp-secret", "old-password"];

/// One sentence as received.
#[derive(Debug, Clone, Serialize)]
pub struct LogEntry {
    /// Running number, from one.
    pub seq: u64,
    /// Simulated milliseconds since start.
    pub at_ms: u64,
    /// Number of the connection, from one.
    pub connection: u64,
    /// The words; values of secrets are `***`.
    pub words: Vec<String>,
}

/// The latest sentences.
#[derive(Debug, Default)]
pub(crate) struct SentenceLog {
    entries: VecDeque<LogEntry>,
    last_seq: u64,
}

impl SentenceLog {
    pub(crate) fn record(&mut self, at_ms: u64, connection: u64, words: &[Vec<u8>]) {
        self.last_seq = self.last_seq.saturating_add(1);
        let words = words.iter().map(|word| mask(&String::from_utf8_lossy(word))).collect();
        self.entries.push_back(LogEntry { seq: self.last_seq, at_ms, connection, words });
        if self.entries.len() > ENTRIES_MAX {
            self.entries.pop_front();
        }
    }

    pub(crate) fn entries(&self) -> Vec<LogEntry> {
        self.entries.iter().cloned().collect()
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }
}

fn mask(word: &str) -> String {
    let secret = |name: &&&str| {
        word.strip_prefix('=').and_then(|rest| rest.strip_prefix(**name)).is_some_and(|rest| rest.starts_with('='))
    };
    match SECRETS.iter().find(secret) {
        Some(name) => format!("={name}=***"),
        None => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_written_down() {
        assert_eq!(mask("=password=bando"), "=password=***");
        assert_eq!(mask("=response=00aa"), "=response=***");
        assert_eq!(mask("=passwordless=1"), "=passwordless=1");
        assert_eq!(mask("=name=admin"), "=name=admin");
    }
}
