//! Pages about the devices that share paid time. Only whoever holds the pass sees them.

use domain::{DeviceId, PassCode};

use super::Device;

/// What the page of a device that is online says about sharing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sharing {
    /// Devices that have a place.
    pub in_use: usize,
    /// How many may have one.
    pub places: u8,
    /// What to type on another device.
    pub code: PassCode,
}

/// A device that shares the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnDevice {
    /// Its key in forms.
    pub id: DeviceId,
    /// What the customer calls it.
    pub label: Option<String>,
    /// Its address on the hotspot, as last heard.
    pub ip: Option<String>,
    /// The end of its hardware address.
    pub tail: String,
    /// Whether it is the device in front.
    pub is_this: bool,
    /// Whether it was on when its router was read last.
    pub is_online: bool,
}

impl OwnDevice {
    /// What the customer calls it, or what can be said of it.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.label {
            Some(label) => label.clone(),
            None if self.is_this => "This device".to_owned(),
            None => format!("Device ending in {}", self.tail),
        }
    }

    /// How to recognise it.
    #[must_use]
    pub fn detail(&self) -> String {
        let state = if self.is_online { "On now" } else { "Not connected now" };
        let ip = self.ip.as_ref().map(|ip| format!(", {ip}")).unwrap_or_default();
        format!("{state}{ip}, address ends in {}", self.tail)
    }
}

/// Time that may be used on one more device, or on another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// What was bought.
    pub package: String,
    /// Paid seconds left.
    pub seconds_remaining: u64,
    /// How many devices may share it.
    pub places: u8,
    /// The devices that have a place now.
    pub devices: Vec<OwnDevice>,
    /// Whether a device may join the others.
    pub can_add: bool,
    /// Whether a device may take the place of another.
    pub can_move: bool,
    /// How often that may be done today.
    pub moves_left: u32,
    /// Why neither is possible, in words.
    pub refusal: Option<String>,
    /// The code that was typed, for browsers that keep nothing.
    pub code: Option<PassCode>,
}

/// A device that is not the one in front: a TV, a console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The form field that names it: `typed` or `pick`.
    pub field: &'static str,
    /// What is in it.
    pub value: String,
    /// What the customer calls it.
    pub label: String,
    /// Its hardware address as far as it may be shown, and its address on the hotspot.
    pub detail: String,
    /// Whether the hotspot sees it now.
    pub is_seen: bool,
}

/// "Use your time here?"
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassPage {
    /// The device in front.
    pub device: Device,
    /// What can be done.
    pub offer: Offer,
    /// The device it is about; the one in front when `None`.
    pub target: Option<Target>,
}

/// The devices that share the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Devices {
    /// The device in front.
    pub device: Device,
    /// The time they share; `None` in a browser that does not hold the pass.
    pub offer: Option<Offer>,
    /// What to type on another device.
    pub code: Option<PassCode>,
    /// The short link, as people type it.
    pub link: Option<String>,
    /// The list to pick from, if it was asked for.
    pub picking: Picking,
    /// What is in the field of the hardware address.
    pub typed: String,
    /// What is in the field of its name.
    pub label: String,
    /// What was wrong with the form.
    pub error: Option<String>,
}

/// Devices that the hotspot sees and that are not on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Picking {
    /// Not asked for.
    #[default]
    Closed,
    /// To choose from.
    Open(Vec<Nearby>),
    /// Cannot be shown now.
    Unavailable,
}

/// A device to pick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nearby {
    /// Names it in the form without giving its address away.
    pub handle: String,
    /// Its address on the hotspot.
    pub ip: String,
    /// The end of its hardware address.
    pub tail: String,
}

/// "Take this device off?"
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removing {
    /// The device in front.
    pub device: Device,
    /// The device to take off.
    pub own: OwnDevice,
    /// Why it cannot be, in words.
    pub refusal: Option<String>,
}

/// The short link of a pass was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassKept {
    /// The code.
    pub code: PassCode,
    /// What was bought.
    pub package: String,
    /// Paid seconds left.
    pub seconds_remaining: u64,
}
