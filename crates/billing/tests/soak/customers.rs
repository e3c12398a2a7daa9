//! Customers, and how they pay.

use domain::MacAddr;

/// A person with one phone.
#[derive(Debug, Clone)]
pub(crate) struct Customer {
    /// Which site they are at.
    pub(crate) site: usize,
    pub(crate) mac: MacAddr,
    pub(crate) msisdn: String,
    pub(crate) is_present: bool,
}

impl Customer {
    pub(crate) fn number(n: usize, site: usize) -> Self {
        let digits = u32::try_from(n).unwrap();
        let [_, a, b, c] = digits.to_be_bytes();
        let mac = format!("A4:CF:12:{a:02X}:{b:02X}:{c:02X}").parse().unwrap();
        Self { site, mac, msisdn: format!("0712{digits:06}"), is_present: false }
    }
}

/// What happened, to see that a soak did not pass by doing nothing.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) joined: u32,
    pub(crate) prompts_paid: u32,
    pub(crate) vouchers: u32,
    pub(crate) shared: u32,
    pub(crate) paused: u32,
    pub(crate) resumed: u32,
    pub(crate) extended: u32,
    pub(crate) stopped: u32,
    pub(crate) blocked: u32,
    pub(crate) left: u32,
    pub(crate) came_back: u32,
    pub(crate) data_used: u32,
    pub(crate) reboots: u32,
    pub(crate) power_cuts: u32,
    pub(crate) outages: u32,
    pub(crate) minutes_alone: u64,
    pub(crate) minutes_together: u64,
    pub(crate) ended: u32,
}
