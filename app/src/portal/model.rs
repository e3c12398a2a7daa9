//! What the server hands to [`render`](super::render): the whole content of one portal page, decided, with
//! nothing left to look up. The words customers read are the pages' own; free text here is shown as it is
//! (escaped), never as HTML.

use std::{fmt, str::FromStr, sync::Arc};

use chrono::{DateTime, FixedOffset};
use domain::{AccountReference, DataSize, Kes, MacAddr, Package, PackageId, PaymentId, Receipt};

mod devices;

pub use devices::{Devices, Nearby, Offer, OwnDevice, PassKept, PassPage, Picking, Removing, Sharing, Target};

use crate::api::PayByHand;

/// One portal page.
#[derive(Debug, Clone)]
pub struct PortalView {
    /// What surrounds every page.
    pub shell: Shell,
    /// The page itself.
    pub page: Page,
}

/// What surrounds every page.
#[derive(Debug, Clone)]
pub struct Shell {
    /// The owner's name for the hotspot.
    pub business_name: String,
    /// Whom to call, as the owner wants it written. `None` hides the line.
    pub support_phone: Option<String>,
    /// The customer's choice, from the `theme` cookie.
    pub theme: Theme,
    /// Path and query of the page being shown (`/w/main?mac=…`): where the theme form returns to and where a
    /// waiting page reloads. Anything that is not a path on this server is replaced by `/`.
    pub here: String,
    /// Style and script.
    pub assets: Assets,
}

/// Addresses and first-paint style, fixed at start-up.
#[derive(Debug, Clone)]
pub struct Assets {
    /// The whole portal style sheet (`portal.css`), put into the page. The server sends the hash of exactly
    /// this text in `style-src`.
    pub inline_css: Arc<str>,
    /// What brings the islands to life. `None` serves pages that never ask for wasm.
    pub islands: Option<Islands>,
    /// Address of the icon (`icon.svg`).
    pub icon_url: Option<Arc<str>>,
}

/// Addresses of the scripts, as the manifest of the browser build names them. All on this host.
#[derive(Debug, Clone)]
pub struct Islands {
    /// The module that loads the rest once the page is shown (`boot.js`).
    pub boot_url: Arc<str>,
    /// The generated module that loads the wasm beside it (`portal.js`).
    pub glue_url: Arc<str>,
    /// The plain script that reloads waiting pages in browsers that know no modules (`refresh.js`).
    pub refresh_url: Arc<str>,
}

/// Light or dark, as the customer wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Theme {
    /// Whatever the phone is set to.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

/// The text is not `system`, `light` or `dark`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownTheme;

impl Theme {
    /// In the order of the switch.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The word in the form, the cookie and the `data-theme` attribute.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

impl FromStr for Theme {
    type Err = UnknownTheme;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|theme| theme.as_str() == text).ok_or(UnknownTheme)
    }
}

impl fmt::Display for UnknownTheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the theme is one of system, light and dark")
    }
}

impl std::error::Error for UnknownTheme {}

/// The device in front of the portal, as the router's login page described it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// The router's public name, as in `/w/{router}`.
    pub router: String,
    /// Its hardware address.
    pub mac: MacAddr,
    /// Its address on the hotspot, if the router said.
    pub ip: Option<String>,
    /// Where the customer wanted to go. Shown as a link only when it is `http` or `https`.
    pub dst: Option<String>,
}

/// What a page says.
#[derive(Debug, Clone)]
pub enum Page {
    /// Packages to buy; also after paid time ended, after a failed payment, and to buy more.
    Shop(Shop),
    /// A prompt may be open on the customer's phone.
    Waiting(Waiting),
    /// Paid, but no router has confirmed access yet.
    Delivering(Delivering),
    /// On the network.
    Online(Online),
    /// Time that runs on another device may be used on this one, or on a TV.
    Pass(PassPage),
    /// The devices that share the time, and how to add one.
    Devices(Devices),
    /// A device is to be taken off.
    Removing(Removing),
    /// The short link of a pass was opened: the browser keeps it now.
    PassKept(PassKept),
    /// Somebody without a device address: opened from outside the hotspot.
    NoDevice,
    /// Something went wrong, said in words.
    Failure(Failure),
}

/// Packages to buy.
#[derive(Debug, Clone)]
pub struct Shop {
    /// Who buys.
    pub device: Device,
    /// What is on sale, cheapest first.
    pub packages: Vec<Package>,
    /// The package to select; the first when `None`.
    pub chosen: Option<PackageId>,
    /// What is in the phone field: what was typed, kept when it was refused.
    pub phone: String,
    /// What is in the voucher field.
    pub voucher: String,
    /// What was wrong with the form, shown at the field.
    pub field_error: Option<FieldError>,
    /// What the customer should know before buying.
    pub notice: Option<Notice>,
    /// Where the last attempt can still be paid by hand, when that is offered.
    pub pay_by_hand: Option<PayByHand>,
    /// The form for money that was paid already.
    pub recovering: Recovering,
    /// Time of this browser's pass that runs on another device.
    pub offer: Option<Offer>,
}

/// The form "I have paid already".
#[derive(Debug, Clone, Default)]
pub struct Recovering {
    /// Whether this form is what the customer came for: then it stands first and is open.
    pub is_open: bool,
    /// What is in the field.
    pub text: String,
    /// What was wrong with it.
    pub error: Option<String>,
    /// Asks also for the package and the number that paid.
    pub choose: Option<Choose>,
}

/// What has to be known about money when the device has not tried to pay before.
#[derive(Debug, Clone, Default)]
pub struct Choose {
    /// What is on sale, cheapest first.
    pub packages: Vec<Package>,
    /// What is in the phone field.
    pub phone: String,
}

/// One refused field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Which one.
    pub field: Field,
    /// Words for the person who typed it.
    pub message: String,
}

/// The fields a customer fills in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// `package_id`
    Package,
    /// `phone`
    Phone,
    /// `code`
    Voucher,
}

/// What happened before, above the packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The last payment did not go through; the message says why and whether money moved.
    PaymentFailed {
        /// Words for the customer.
        message: String,
    },
    /// Paid time or data is used up.
    Ended(Ended),
    /// The device is online and the customer wants to add to what is left.
    BuyMore {
        /// Paid seconds left.
        seconds_remaining: u64,
    },
    /// Paid time stands still until the people who run the WiFi let it go on.
    Paused {
        /// Paid seconds left.
        seconds_remaining: u64,
    },
    /// What the router's login page reported, as it wrote it; the page turns it into plain words.
    Router {
        /// `$(error-orig)` of the login page.
        error: String,
    },
    /// Anything else worth saying, such as "please wait a minute before paying again".
    Hint {
        /// Words for the customer.
        message: String,
    },
}

/// Why access ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The paid time is over.
    Time,
    /// The data allowance is used up.
    Data,
    /// The owner ended it.
    Stopped,
}

/// A prompt may be open on the customer's phone.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Who pays.
    pub device: Device,
    /// The payment being waited for.
    pub payment: PaymentId,
    /// What is being bought.
    pub package: String,
    /// What the prompt asks for.
    pub amount: Kes,
    /// What the prompt shows as account.
    pub account_reference: AccountReference,
    /// The number the prompt went to, masked (`0712***678`).
    pub phone: String,
    /// Seconds since the customer pressed pay; decides the words.
    pub elapsed_secs: u64,
    /// Money that came in by hand, and what is missing, in words.
    pub received: Option<String>,
    /// Whether starting again is safe: no prompt can still be open.
    pub may_start_again: bool,
    /// Whether a person has to look at the payment.
    pub is_in_review: bool,
    /// Whether an M-Pesa code that the customer showed is being looked into.
    pub is_claimed: bool,
    /// Where to pay by hand, when that is offered.
    pub pay_by_hand: Option<PayByHand>,
    /// What `GET /api/user/status` says of the payment: the page loads again when it says something else. Shown when
    /// part of the money has come in.
    pub message: String,
}

/// Paid, but no router has confirmed access yet.
#[derive(Debug, Clone)]
pub struct Delivering {
    /// Who paid.
    pub device: Device,
    /// The payment, or `None` for a voucher or a grant.
    pub payment: Option<PaymentId>,
    /// What was bought.
    pub package: String,
    /// The M-Pesa receipt, once known.
    pub receipt: Option<Receipt>,
    /// Seconds since the payment succeeded; decides the words.
    pub waiting_secs: u64,
    /// What was kept as credit, or taken from it, in words.
    pub credit: Option<String>,
}

/// On the network.
#[derive(Debug, Clone)]
pub struct Online {
    /// Who is online.
    pub device: Device,
    /// The payment, or `None` for a voucher or a grant.
    pub payment: Option<PaymentId>,
    /// What was bought.
    pub package: String,
    /// Paid seconds left.
    pub seconds_remaining: u64,
    /// Data left; `None` when unlimited.
    pub data_remaining: Option<DataSize>,
    /// When access ends, in the owner's zone.
    pub ends_at: DateTime<FixedOffset>,
    /// Now, in the owner's zone: decides between "today" and a date.
    pub now: DateTime<FixedOffset>,
    /// What was kept as credit, or taken from it, in words.
    pub credit: Option<String>,
    /// How the time can be shared; `None` in a browser that does not hold the pass.
    pub sharing: Option<Sharing>,
}

/// Something went wrong, said in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// One short sentence.
    pub title: String,
    /// What happened and what to do.
    pub message: String,
    /// Where "try again" leads: a path on this server. `None` when trying again is pointless.
    pub retry: Option<String>,
}
