//! What is known of a customer who cannot get on.

use chrono::{DateTime, Utc};
use domain::{MacAddr, Msisdn, PaymentId, PaymentState, Receipt, RouterId};

use crate::{db::receipts::ReceiptState, trail::Deed};

/// How a question was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// A phone number.
    Phone(Msisdn),
    /// A device.
    Mac(MacAddr),
    /// An M-Pesa code.
    Receipt(Receipt),
    /// None of them.
    Unknown,
}

impl Question {
    /// Reads what a person typed.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let text = text.trim();
        if let Ok(mac) = text.parse() {
            return Self::Mac(mac);
        }
        if let Ok(msisdn) = text.parse() {
            return Self::Phone(msisdn);
        }
        match text.to_uppercase().parse() {
            Ok(receipt) => Self::Receipt(receipt),
            Err(_) => Self::Unknown,
        }
    }

    /// The word in the API.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Phone(_) => "phone",
            Self::Mac(_) => "mac",
            Self::Receipt(_) => "receipt",
            Self::Unknown => "unknown",
        }
    }
}

/// The money that an M-Pesa code stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiptFact {
    /// Where it is.
    pub state: ReceiptState,
    /// Whole shillings.
    pub amount_kes: u32,
}

/// A payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentFact {
    /// The key.
    pub id: PaymentId,
    /// The state.
    pub state: PaymentState,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// The price.
    pub amount_kes: u32,
    /// What came in by hand and is held.
    pub held_kes: u64,
    /// Why it failed, in words for the owner.
    pub failure: Option<String>,
    /// Whether the customer has shown an M-Pesa code that is being looked into.
    pub is_claimed: bool,
    /// The customer's phone, masked.
    pub phone: String,
}

/// Where a session is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// Paid for; a router has yet to confirm.
    Waiting,
    /// Time runs.
    Running {
        /// Until then.
        ends_at: DateTime<Utc>,
    },
    /// Time was stopped by a person.
    Paused,
    /// Over.
    Over {
        /// Since then.
        at: DateTime<Utc>,
        /// Why.
        reason: Over,
    },
}

/// Why a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Paid time ran out.
    Time,
    /// The data allowance is used up.
    Data,
    /// The money was given back.
    Refunded,
    /// An admin ended it.
    Stopped,
    /// What was left went over into a later one.
    Extended,
}

/// Paid time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionFact {
    /// What was sold.
    pub package: String,
    /// Where it is in its life.
    pub life: Life,
    /// The device it is for.
    pub mac: MacAddr,
    /// Whether its data is used up.
    pub is_data_used: bool,
    /// Devices it has now.
    pub devices: u32,
    /// Devices it may have.
    pub devices_max: u8,
}

/// A device of the session, as its router was brought to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceFact {
    /// The device.
    pub mac: MacAddr,
    /// Whether the router was brought to what is intended.
    pub is_applied: bool,
    /// Whether it was on when the router was last read.
    pub is_online: bool,
    /// What went wrong last.
    pub last_error: Option<String>,
}

/// The router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouterFact {
    /// The key.
    pub id: RouterId,
    /// The owner's name for it.
    pub name: String,
    /// Whether it is in use.
    pub is_active: bool,
    /// When it last answered.
    pub last_seen_at: Option<DateTime<Utc>>,
    /// Since when it is away, if it is.
    pub away_since: Option<DateTime<Utc>>,
    /// What it shows now.
    pub look: Look,
}

/// What a router shows of the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// It was asked just now.
    Now(Shown),
    /// It could not be asked; why, in words.
    Failed(String),
    /// It is one that asks the server, so it cannot be asked.
    Polls,
}

/// What a router shows of one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shown {
    /// Its hotspot user.
    pub user: UserShown,
    /// Its entry in the table of hosts.
    pub host: HostShown,
    /// Whether it is logged in.
    pub is_active: bool,
    /// Whether the licence has no room for another customer.
    pub is_full: bool,
    /// Devices that are at the login page without being on.
    pub at_portal: u32,
}

/// A hotspot user of the device's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UserShown {
    /// There is none.
    #[default]
    Missing,
    /// Ours.
    Ours,
    /// Ours, switched off by somebody.
    Disabled,
    /// Somebody else's.
    Foreign,
}

/// The device among those the hotspot sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HostShown {
    /// Not among them.
    #[default]
    Missing,
    /// There, not logged in.
    Waiting,
    /// There and logged in.
    Authorized,
    /// A rule lets it through without login.
    Bypassed,
}

/// Everything that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// What was asked.
    pub question: Question,
    /// When.
    pub now: DateTime<Utc>,
    /// The money of the code that was asked for.
    pub receipt: Option<ReceiptFact>,
    /// Whether a customer has shown the code that was asked for, and it waits for a person or for M-Pesa.
    pub is_code_claimed: bool,
    /// The payment.
    pub payment: Option<PaymentFact>,
    /// What it, or a voucher, bought.
    pub session: Option<SessionFact>,
    /// The device.
    pub device: Option<DeviceFact>,
    /// The device that was asked for, if the session does not have it.
    pub other_mac: Option<MacAddr>,
    /// Why the device is kept out, if it is.
    pub block: Option<String>,
    /// The router.
    pub router: Option<RouterFact>,
    /// Whether MAC addresses are shown whole.
    pub is_full_macs: bool,
    /// What people did about it, newest first.
    pub done: Vec<Deed>,
}

impl Facts {
    /// A device as whoever asks may see it.
    pub(super) fn shown_mac(&self, mac: MacAddr) -> String {
        if self.is_full_macs || self.question == Question::Mac(mac) { mac.to_string() } else { mac.masked() }
    }
}
