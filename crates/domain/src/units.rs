//! Sizes and speeds, with their units in the type.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An amount of data. Packages are sold in megabytes of 1,000,000 bytes, as Kenyan operators sell bundles;
/// RouterOS counts bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DataSize {
    bytes: u64,
}

impl DataSize {
    /// Bytes in one megabyte as sold.
    pub const BYTES_PER_MB: u64 = 1_000_000;

    /// From exact bytes.
    #[must_use]
    pub const fn from_bytes(bytes: u64) -> Self {
        Self { bytes }
    }

    /// From megabytes as sold; saturates instead of overflowing.
    #[must_use]
    pub const fn from_mb(megabytes: u32) -> Self {
        Self { bytes: widen(megabytes).saturating_mul(Self::BYTES_PER_MB) }
    }

    /// Exact bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.bytes
    }

    /// What is left after `used`; never below zero.
    #[must_use]
    pub const fn saturating_sub(self, used: Self) -> Self {
        Self { bytes: self.bytes.saturating_sub(used.bytes) }
    }

    /// The sum, saturating.
    #[must_use]
    pub const fn saturating_add(self, more: Self) -> Self {
        Self { bytes: self.bytes.saturating_add(more.bytes) }
    }
}

/// `u64::from` in a constant context.
#[expect(clippy::as_conversions, reason = "u32 to u64 loses nothing, and From is not const")]
const fn widen(value: u32) -> u64 {
    value as u64
}

impl fmt::Display for DataSize {
    /// `300 MB`, `1.5 GB`, `2 GB`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let megabytes = self.bytes / Self::BYTES_PER_MB;
        if megabytes < 1000 {
            return write!(f, "{megabytes} MB");
        }
        match (megabytes / 1000, megabytes % 1000 / 100) {
            (gigabytes, 0) => write!(f, "{gigabytes} GB"),
            (gigabytes, tenths) => write!(f, "{gigabytes}.{tenths} GB"),
        }
    }
}

/// A speed in kilobits a second (1 kbit = 1,000 bits, as RouterOS counts `k`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rate {
    kbps: u32,
}

impl Rate {
    /// From kilobits a second.
    #[must_use]
    pub const fn from_kbps(kbps: u32) -> Self {
        Self { kbps }
    }

    /// Kilobits a second.
    #[must_use]
    pub const fn kbps(self) -> u32 {
        self.kbps
    }
}

impl fmt::Display for Rate {
    /// `512 kbps`, `2 Mbps`, `2.5 Mbps`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kbps < 1000 {
            return write!(f, "{} kbps", self.kbps);
        }
        match (self.kbps / 1000, self.kbps % 1000 / 100) {
            (megabits, 0) => write!(f, "{megabits} Mbps"),
            (megabits, tenths) => write!(f, "{megabits}.{tenths} Mbps"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_speeds_read_naturally() {
        for (megabytes, text) in [(0, "0 MB"), (300, "300 MB"), (1000, "1 GB"), (1500, "1.5 GB"), (2048, "2 GB")] {
            assert_eq!(DataSize::from_mb(megabytes).to_string(), text);
        }
        for (kbps, text) in [(512, "512 kbps"), (2000, "2 Mbps"), (2500, "2.5 Mbps"), (10_000, "10 Mbps")] {
            assert_eq!(Rate::from_kbps(kbps).to_string(), text);
        }
    }

    #[test]
    fn arithmetic_saturates() {
        let small = DataSize::from_mb(1);
        assert_eq!(small.saturating_sub(DataSize::from_mb(2)).bytes(), 0);
        assert_eq!(DataSize::from_bytes(u64::MAX).saturating_add(small).bytes(), u64::MAX);
        assert_eq!(DataSize::from_mb(u32::MAX).bytes(), 4_294_967_295_000_000);
    }
}
