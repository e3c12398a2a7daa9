//! Things that go wrong on purpose: which, at which command, how often.

use serde::{Deserialize, Serialize};

use super::trap::Trap;

/// One way to go wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Fault {
    /// The command runs; its answer comes this many real milliseconds later. Other commands are not held up.
    Delay {
        /// Real milliseconds.
        millis: u64,
    },
    /// The connection breaks before the command runs.
    DropBefore,
    /// The connection breaks after the command ran and before its answer.
    DropAfter,
    /// The command never runs and is never answered; the connection stays.
    HangBefore,
    /// The command runs and is never answered; the connection stays.
    Hang,
    /// The command runs, half of the bytes of its answer are sent, the connection breaks.
    HalfSentence,
    /// The answer is sent byte by byte.
    Fragments,
    /// The answer is kept back and sent together with the next one, in one piece.
    Glue,
    /// An untagged `!re` that belongs to nothing comes before the answer.
    StrayRe,
    /// Every trap of the answer comes twice.
    DuplicateTrap,
    /// Every trap of the answer carries an attribute nobody has heard of, before its message.
    TrapAttribute,
    /// In place of the answer comes a length byte no word can have.
    GarbageLength {
        /// The byte; 0xF8 and above are reserved.
        #[serde(default = "reserved_byte")]
        byte: u8,
    },
    /// In place of the answer a word of 256 MiB is announced.
    OversizeWord,
    /// A word nobody has heard of (`!later`) comes before the answer.
    UnknownReply,
    /// A new connection is reset at once. Counts connections, not commands.
    RefuseAccept,
    /// The TLS certificate is another one from now on.
    TlsCertificate,
    /// The login is refused, whatever the password.
    WrongPassword,
    /// The command is refused for lack of permissions and does not run.
    PermissionDenied,
    /// The command is refused with this text and does not run.
    Trap {
        /// Text of the trap.
        message: String,
        /// Its category, if any.
        #[serde(default)]
        category: Option<u8>,
    },
}

impl Fault {
    /// What a command is refused with that does not run.
    pub(crate) fn refusal(&self) -> Option<Trap> {
        match self {
            Self::PermissionDenied => Some(Trap::permission()),
            Self::Trap { message, category } => Some(Trap { category: *category, message: message.clone() }),
            _ => None,
        }
    }
}

const fn reserved_byte() -> u8 {
    0xf8
}

const fn one() -> u32 {
    1
}

/// A fault and when it strikes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultRule {
    /// What goes wrong.
    #[serde(flatten)]
    pub fault: Fault,
    /// Beginning of the commands it is for. Absent: every command but `/login` (`/login` for `wrong_password`).
    #[serde(default)]
    pub command: Option<String>,
    /// The first matching command it strikes, counted from one.
    #[serde(default = "one")]
    pub nth: u32,
    /// How often it strikes from there on; 0 means until cleared.
    #[serde(default = "one")]
    pub times: u32,
}

impl FaultRule {
    /// A fault at the next command that begins with `command`, once.
    #[must_use]
    pub fn at(command: &str, fault: Fault) -> Self {
        Self { fault, command: Some(command.to_owned()), nth: 1, times: 1 }
    }

    /// The same fault at the `nth` matching command.
    #[must_use]
    pub fn nth(self, nth: u32) -> Self {
        Self { nth, ..self }
    }

    /// The same fault this often; 0 means until cleared.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    fn is_for(&self, command: &str) -> bool {
        match (&self.command, &self.fault) {
            (_, Fault::RefuseAccept | Fault::TlsCertificate) => false,
            (Some(start), _) => command.starts_with(start.as_str()),
            (None, Fault::WrongPassword) => command == "/login",
            (None, _) => command != "/login",
        }
    }
}

/// Armed faults, and how far each has counted.
#[derive(Debug, Default)]
pub(crate) struct FaultBook {
    armed: Vec<(FaultRule, u32)>,
}

impl FaultBook {
    pub(crate) fn arm(&mut self, rule: FaultRule) {
        self.armed.push((rule, 0));
    }

    pub(crate) fn clear(&mut self) {
        self.armed.clear();
    }

    pub(crate) fn rules(&self) -> Vec<FaultRule> {
        self.armed.iter().map(|(rule, _)| rule.clone()).collect()
    }

    /// The faults that strike this command.
    pub(crate) fn strike(&mut self, command: &str) -> Vec<Fault> {
        self.count(|rule| rule.is_for(command))
    }

    /// Whether this new connection is to be reset.
    pub(crate) fn refuses_accept(&mut self) -> bool {
        !self.count(|rule| rule.fault == Fault::RefuseAccept).is_empty()
    }

    fn count(&mut self, concerns: impl Fn(&FaultRule) -> bool) -> Vec<Fault> {
        let mut striking = Vec::new();
        self.armed.retain_mut(|(rule, seen)| {
            if !concerns(rule) {
                return true;
            }
            *seen = seen.saturating_add(1);
            let first = rule.nth.max(1);
            if *seen < first {
                return true;
            }
            striking.push(rule.fault.clone());
            rule.times == 0 || *seen < first.saturating_add(rule.times - 1)
        });
        striking
    }
}
