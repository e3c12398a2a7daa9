//! What is sold: time, and optionally limits on speed, data and devices.

use serde::{Deserialize, Serialize};

use crate::{DataSize, Kes, PackageId, Rate};

/// What a package gives. A session keeps its own copy as sold, so that editing a package never changes
/// what somebody has already paid for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageTerms {
    /// Shown to the customer, such as `1 hour`. At most 60 characters.
    pub name: String,
    /// Paid time in minutes, from the moment a router confirms access. 1 to 527,040 (366 days).
    pub duration_minutes: u32,
    /// Download limit for the customer; `None` is unlimited.
    pub down: Option<Rate>,
    /// Upload limit for the customer; `None` is unlimited.
    pub up: Option<Rate>,
    /// Data allowance, both directions together; `None` is unlimited.
    pub data: Option<DataSize>,
    /// How many devices may share it. At least 1.
    pub devices: u8,
}

/// A package in the price list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its key.
    pub id: PackageId,
    /// Goes up with every change of speed or sharing; names the router's user profile.
    pub revision: u32,
    /// The price. Payments take it from here, never from the client.
    pub price: Kes,
    /// What the price buys.
    pub terms: PackageTerms,
}

/// Why a package cannot be sold as described. Each names its field as the API does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPackage {
    /// Empty, longer than 60 characters, or with control characters.
    #[error("Give the package a name of 1 to 60 characters, such as 1 hour.")]
    Name,
    /// Zero, or longer than a year.
    #[error("The time must be between 1 minute and 366 days (527040 minutes).")]
    Duration,
    /// Below 64 kbit/s or above 10 Gbit/s.
    #[error("A speed must be between 64 and 10000000 kbps; leave it out for no limit.")]
    Speed,
    /// Only one of the two directions is limited: RouterOS needs both or neither.
    #[error("Give both the download and the upload speed, or neither.")]
    OneSpeed,
    /// Zero.
    #[error("The data allowance must be at least 1 MB; leave it out for no limit.")]
    Data,
    /// None, or more than a household has.
    #[error("The number of devices must be between 1 and 20.")]
    Devices,
}

impl InvalidPackage {
    /// The field of the API and of the CLI that is wrong.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Duration => "duration_minutes",
            Self::Speed | Self::OneSpeed => "down_kbps",
            Self::Data => "data_mb",
            Self::Devices => "devices",
        }
    }
}

impl PackageTerms {
    /// Longest paid time: 366 days.
    pub const MAX_MINUTES: u32 = 366 * 24 * 60;

    /// Checks every limit and trims the name.
    ///
    /// # Errors
    /// The first [`InvalidPackage`] found, in field order.
    pub fn validated(mut self) -> Result<Self, InvalidPackage> {
        self.name = self.name.trim().to_owned();
        if self.name.is_empty() || self.name.chars().count() > 60 || self.name.chars().any(char::is_control) {
            return Err(InvalidPackage::Name);
        }
        if self.duration_minutes == 0 || self.duration_minutes > Self::MAX_MINUTES {
            return Err(InvalidPackage::Duration);
        }
        if self.down.is_some() != self.up.is_some() {
            return Err(InvalidPackage::OneSpeed);
        }
        if [self.down, self.up].into_iter().flatten().any(|rate| !(64..=10_000_000).contains(&rate.kbps())) {
            return Err(InvalidPackage::Speed);
        }
        if self.data.is_some_and(|data| data.bytes() < DataSize::BYTES_PER_MB) {
            return Err(InvalidPackage::Data);
        }
        if !(1..=20).contains(&self.devices) {
            return Err(InvalidPackage::Devices);
        }
        Ok(self)
    }

    /// Paid time in seconds.
    #[must_use]
    pub fn duration_secs(&self) -> u64 {
        u64::from(self.duration_minutes) * 60
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour() -> PackageTerms {
        PackageTerms { name: "1 hour".into(), duration_minutes: 60, down: None, up: None, data: None, devices: 1 }
    }

    #[test]
    fn a_plain_package_is_fine_and_its_name_is_trimmed() {
        let terms = PackageTerms { name: "  1 hour ".into(), ..hour() };
        assert_eq!(terms.validated(), Ok(hour()));
    }

    #[test]
    fn each_limit_is_held() {
        let kbps = |kbps| Some(Rate::from_kbps(kbps));
        for (terms, error) in [
            (PackageTerms { name: " ".into(), ..hour() }, InvalidPackage::Name),
            (PackageTerms { name: "a\nb".into(), ..hour() }, InvalidPackage::Name),
            (PackageTerms { name: "x".repeat(61), ..hour() }, InvalidPackage::Name),
            (PackageTerms { duration_minutes: 0, ..hour() }, InvalidPackage::Duration),
            (PackageTerms { duration_minutes: 527_041, ..hour() }, InvalidPackage::Duration),
            (PackageTerms { down: kbps(2000), ..hour() }, InvalidPackage::OneSpeed),
            (PackageTerms { down: kbps(2000), up: kbps(1), ..hour() }, InvalidPackage::Speed),
            (PackageTerms { data: Some(DataSize::from_bytes(0)), ..hour() }, InvalidPackage::Data),
            (PackageTerms { devices: 0, ..hour() }, InvalidPackage::Devices),
            (PackageTerms { devices: 21, ..hour() }, InvalidPackage::Devices),
        ] {
            assert_eq!(terms.clone().validated(), Err(error), "{terms:?}");
        }
    }
}
