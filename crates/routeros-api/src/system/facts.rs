//! Rows of the system menus: which router this is, its clock, its licence.

use std::time::Duration;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

use super::read::{duration, text, words};
use crate::{sentence::Attributes, value::parse_bytes};

/// `/system/resource`: which router this is and how it fares.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resource {
    /// Such as `7.22.1 (stable)`.
    pub version: String,
    /// Such as `hAP ax lite`.
    pub board: String,
    /// Such as `arm64`.
    pub architecture: String,
    /// Since its start.
    pub uptime: Option<Duration>,
    /// Bytes of storage that are free.
    pub free_storage: Option<u64>,
}

impl Resource {
    /// What [`Resource::from_row`] reads.
    pub const FIELDS: [&'static str; 5] = ["version", "board-name", "architecture-name", "uptime", "free-hdd-space"];

    /// Reads the record.
    #[must_use]
    pub fn from_row(row: &Attributes) -> Self {
        Self {
            version: text(row, "version"),
            board: text(row, "board-name"),
            architecture: text(row, "architecture-name"),
            uptime: duration(row, "uptime"),
            free_storage: row.get("free-hdd-space").and_then(|text| parse_bytes(text).ok()),
        }
    }
}

/// `/system/clock`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Clock {
    /// Seconds since 1970 by the router's clock; `None` when its date cannot be read.
    pub epoch_secs: Option<i64>,
    /// Such as `Africa/Nairobi`.
    pub time_zone: String,
    /// How far its local time is ahead of UTC.
    pub offset_secs: Option<i64>,
}

impl Clock {
    /// What [`Clock::from_row`] reads.
    pub const FIELDS: [&'static str; 4] = ["time", "date", "time-zone-name", "gmt-offset"];

    /// Reads the record. Dates are `nov/22/2026` up to 7.9 and `2026-11-22` from 7.10 on.
    #[must_use]
    pub fn from_row(row: &Attributes) -> Self {
        let offset_secs = row.get("gmt-offset").and_then(offset);
        let local = date(row.get("date").unwrap_or_default()).zip(time(row.get("time").unwrap_or_default()));
        let local = local.map(|(date, time)| NaiveDateTime::new(date, time).and_utc().timestamp());
        Self {
            epoch_secs: local.zip(offset_secs).map(|(local, offset)| local.saturating_sub(offset)),
            time_zone: text(row, "time-zone-name"),
            offset_secs,
        }
    }
}

fn date(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").or_else(|_| NaiveDate::parse_from_str(text, "%b/%d/%Y")).ok()
}

fn time(text: &str) -> Option<NaiveTime> {
    NaiveTime::parse_from_str(text, "%H:%M:%S").ok()
}

/// `+03:00`, `-02:30`, or seconds, which very old releases print as an unsigned number.
fn offset(text: &str) -> Option<i64> {
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, text.get(1..)?),
        b'-' => (-1, text.get(1..)?),
        _ => (1, text),
    };
    let Some((hours, minutes)) = rest.split_once(':') else {
        let secs: u32 = rest.parse().ok()?;
        return Some(sign * i64::from(i32::from_ne_bytes(secs.to_ne_bytes())));
    };
    let minutes = minutes.split(':').next()?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    ((0..=14).contains(&hours) && (0..60).contains(&minutes)).then_some(sign * (hours * 3600 + minutes * 60))
}

/// `/system/ntp/client`: whether the router sets its clock from the network.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ntp {
    /// Whether it is switched on.
    pub is_enabled: bool,
    /// Time servers by name or address; those of before 7 that are set at all.
    pub servers: Vec<String>,
    /// Such as `synchronized`; empty when the release does not say.
    pub status: String,
}

impl Ntp {
    /// What [`Ntp::from_row`] reads.
    pub const FIELDS: [&'static str; 6] =
        ["enabled", "servers", "primary-ntp", "secondary-ntp", "server-dns-names", "status"];

    /// Reads the record.
    #[must_use]
    pub fn from_row(row: &Attributes) -> Self {
        let named = ["servers", "primary-ntp", "secondary-ntp", "server-dns-names"];
        let servers = named.into_iter().flat_map(|name| words(row, name)).filter(|server| server != "0.0.0.0");
        Self { is_enabled: row.is_true("enabled"), servers: servers.collect(), status: text(row, "status") }
    }
}

/// `/system/license`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct License {
    /// `0` to `6` on boards, `free`, `p1`, `p10` or `p-unlimited` on CHR; empty when it does not say.
    pub level: String,
}

impl License {
    /// What [`License::from_row`] reads.
    pub const FIELDS: [&'static str; 2] = ["level", "nlevel"];

    /// Reads the record.
    #[must_use]
    pub fn from_row(row: &Attributes) -> Self {
        let level = row.get("nlevel").filter(|level| !level.is_empty()).or_else(|| row.get("level"));
        Self { level: level.unwrap_or_default().trim().to_lowercase() }
    }

    /// Hotspot users that may be on at once, as documented: level 1 one, level 3 one, level 4 two hundred, level 5
    /// five hundred, level 6 and CHR any number (`None` in `Some`). `None` for a level nobody has documented.
    #[must_use]
    pub fn users_max(&self) -> Option<Option<u32>> {
        match self.level.as_str() {
            "1" | "3" => Some(Some(1)),
            "4" => Some(Some(200)),
            "5" => Some(Some(500)),
            "0" | "6" | "free" | "p1" | "p10" | "p-unlimited" => Some(None),
            _ => None,
        }
    }
}

/// `/system/device-mode`: what the board lets be done, from 7.17 on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeviceMode {
    /// Such as `home`.
    pub mode: String,
    /// Whether hotspots may run; `None` when the release does not say.
    pub may_hotspot: Option<bool>,
    /// Whether schedulers may run.
    pub may_schedule: Option<bool>,
    /// Whether files may be fetched.
    pub may_fetch: Option<bool>,
}

impl DeviceMode {
    /// What [`DeviceMode::from_row`] reads.
    pub const FIELDS: [&'static str; 4] = ["mode", "hotspot", "scheduler", "fetch"];

    /// Reads the record.
    #[must_use]
    pub fn from_row(row: &Attributes) -> Self {
        let flag = |name| row.get(name).map(|_| row.is_true(name));
        Self {
            mode: text(row, "mode"),
            may_hotspot: flag("hotspot"),
            may_schedule: flag("scheduler"),
            may_fetch: flag("fetch"),
        }
    }
}
