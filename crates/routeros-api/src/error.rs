//! What can go wrong between us and a router.

use std::{fmt, time::Duration};

use crate::{
    trap::{HotspotRefusal, TrapKind, Traps},
    wire::WireError,
};

/// The step that took too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// TCP, and TLS where used.
    Connect,
    /// `/login`.
    Login,
    /// A command. It may have been carried out.
    Command,
}

/// Why a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CloseReason {
    /// The router closed it.
    EndOfStream,
    /// The router closed it in the middle of a sentence.
    CutInsideSentence,
    /// The network failed.
    Network(std::io::ErrorKind),
    /// The router sent `!fatal` with this reason.
    Fatal(String),
    /// The router sent bytes that are not the API.
    Wire(WireError),
    /// The router stopped answering.
    Silent,
    /// We closed it.
    Ours,
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EndOfStream => f.write_str("the router closed the connection"),
            Self::CutInsideSentence => f.write_str("the connection was cut in the middle of an answer"),
            Self::Network(kind) => write!(f, "the network failed: {kind}"),
            Self::Fatal(reason) => write!(f, "the router ended the connection: {reason}"),
            Self::Wire(error) => write!(f, "the answer is not the RouterOS API: {error}"),
            Self::Silent => f.write_str("the router stopped answering"),
            Self::Ours => f.write_str("the connection was closed by us"),
        }
    }
}

/// Why TLS failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsFailure {
    /// The router shows another certificate than the pinned one.
    WrongPin {
        /// SHA-256 of the certificate it shows, hexadecimal.
        seen: String,
    },
    /// The handshake failed, for instance because `api-ssl` has no certificate.
    Handshake(String),
}

impl fmt::Display for TlsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongPin { seen } => write!(f, "the router shows another certificate (SHA-256 {seen})"),
            Self::Handshake(text) => f.write_str(text),
        }
    }
}

/// A failure of the RouterOS API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouterOsError {
    /// No TCP connection.
    #[error("cannot connect: {0}")]
    Connect(std::io::ErrorKind),
    /// The name of the router has no address, or none that answers.
    #[error("the host name cannot be found")]
    UnknownName,
    /// A step took too long.
    #[error("{}", match phase { Phase::Connect => "no answer to the connection", Phase::Login => "no answer to the login", Phase::Command => "no answer to a command" })]
    Timeout {
        /// Which step.
        phase: Phase,
    },
    /// TLS failed.
    #[error("TLS failed: {0}")]
    Tls(TlsFailure),
    /// Wrong user name or password.
    #[error("the router refuses this user name or password")]
    AuthFailed,
    /// The router takes connections but cannot log anybody in yet: it is starting. Try again.
    #[error("the router is still starting: {0}")]
    NotReady(String),
    /// The router wants the login of RouterOS before 6.43.
    #[error("the router is older than RouterOS 6.43 and wants the old login")]
    LegacyLoginRequired,
    /// The last attempts failed and it is not time for the next one.
    #[error("{cause}; next attempt in {} s", retry_in.as_secs().saturating_add(1))]
    CircuitOpen {
        /// When the next attempt is made.
        retry_in: Duration,
        /// Why the last one failed.
        cause: Box<RouterOsError>,
    },
    /// The command was refused.
    #[error("{0}")]
    Trap(Traps),
    /// The answer of one command is larger than we accept.
    #[error("the answer is larger than {limit_bytes} bytes")]
    AnswerTooLarge {
        /// The limit.
        limit_bytes: usize,
    },
    /// A command cannot be sent as it is.
    #[error("the command cannot be sent: {0}")]
    Unsendable(WireError),
    /// The connection is gone. A command that was under way may have been carried out.
    #[error("{0}")]
    Closed(CloseReason),
    /// A row of this name is on the router and bears another owner's comment; it is left alone.
    #[error("the router already has a hotspot user {name} that somebody else made; remove it there")]
    NotOurs {
        /// The name of the row.
        name: String,
    },
    /// The router answers in a way that this client cannot follow, such as two rows of one name.
    #[error("unexpected answer: {0}")]
    Unexpected(&'static str),
}

impl RouterOsError {
    /// The meaning of the trap, when it is one.
    #[must_use]
    pub fn trap_kind(&self) -> Option<&TrapKind> {
        match self {
            Self::Trap(traps) => Some(&traps.telling().kind),
            _ => None,
        }
    }

    /// Why a hotspot login was refused, when that is it.
    #[must_use]
    pub fn refusal(&self) -> Option<HotspotRefusal> {
        match self.trap_kind() {
            Some(TrapKind::Hotspot(refusal)) => Some(*refusal),
            _ => None,
        }
    }

    /// Whether a change may or may not have been carried out, so that the state must be read again first.
    #[must_use]
    pub const fn is_outcome_unknown(&self) -> bool {
        matches!(self, Self::Timeout { phase: Phase::Command } | Self::Closed(_) | Self::AnswerTooLarge { .. })
    }

    /// Whether the reason lies in the router, so that other devices would fare alike: a fault of the link, or rights,
    /// a package or a device-mode that is missing.
    #[must_use]
    pub fn is_of_router(&self) -> bool {
        let is_missing =
            matches!(self.trap_kind(), Some(TrapKind::Permission | TrapKind::NoSuchCommand | TrapKind::DeviceMode));
        is_missing || self.is_link_fault()
    }

    /// Whether this connection, or a new one, cannot be used now: a fault of the link, not of a command.
    #[must_use]
    pub const fn is_link_fault(&self) -> bool {
        !matches!(
            self,
            Self::Trap(_)
                | Self::Unsendable(_)
                | Self::AnswerTooLarge { .. }
                | Self::NotOurs { .. }
                | Self::Unexpected(_)
        )
    }
}
