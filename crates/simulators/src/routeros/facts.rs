//! Records the router computes: resources, clock, licence, device-mode, API sessions.

use super::{query::Attribute, router::Router, trap::Trap, value};

/// Zones the simulated clock knows, with their hours ahead of UTC.
const ZONES: [(&str, i64); 5] =
    [("UTC", 0), ("manual", 0), ("Africa/Nairobi", 3), ("Africa/Kampala", 3), ("Africa/Dar_es_Salaam", 3)];

fn record(pairs: &[(&str, &str)]) -> Vec<Attribute> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect()
}

impl Router {
    /// The rows of a computed menu, or of one of the hotspot's own tables; there, of a device only if one is named.
    pub(crate) fn computed_records(&self, path: &str, mac: Option<&str>) -> Option<Vec<Vec<Attribute>>> {
        match path {
            "/system/resource" => Some(vec![self.resource()]),
            "/system/clock" => Some(vec![self.clock_record()]),
            "/system/license" => Some(vec![self.license()]),
            "/system/device-mode" => Some(vec![self.device_mode()]),
            "/user/active" => Some(self.api_session_records()),
            _ => self.hotspot_records(path, mac),
        }
    }

    fn resource(&self) -> Vec<Attribute> {
        let smips = self.options.smips;
        let (architecture, board) = if smips { ("smips", "hAP lite") } else { ("arm64", "hAP ax lite") };
        let free = self.flash_free().to_string();
        let uptime = value::format_seconds(self.now_ms.saturating_sub(self.booted_at_ms));
        record(&[
            ("uptime", &uptime),
            ("version", self.options.ros.text()),
            ("build-time", "2026-10-01 09:00:00"),
            ("factory-software", "7.1"),
            ("free-memory", "167772160"),
            ("total-memory", "268435456"),
            ("cpu", "ARM64"),
            ("cpu-count", "2"),
            ("cpu-frequency", "1400"),
            ("cpu-load", "3"),
            ("free-hdd-space", &free),
            ("total-hdd-space", "134217728"),
            ("architecture-name", architecture),
            ("board-name", board),
            ("platform", "MikroTik"),
        ])
    }

    fn clock_record(&self) -> Vec<Attribute> {
        let zone = self.rows("/system/clock").first().map(|row| row.text("time-zone-name")).unwrap_or_default();
        let hours = zone_hours(&zone).unwrap_or(0);
        let now = self.epoch_secs().saturating_add(self.zone_offset_secs());
        let (date, time) = value::date_time(self.options.ros, now);
        let offset = format!("+{hours:02}:00");
        record(&[
            ("time", &time),
            ("date", &date),
            ("time-zone-autodetect", "true"),
            ("time-zone-name", &zone),
            ("gmt-offset", &offset),
        ])
    }

    /// Seconds the router's own time is ahead of UTC.
    pub(crate) fn zone_offset_secs(&self) -> i64 {
        let zone = self.rows("/system/clock").first().map(|row| row.text("time-zone-name")).unwrap_or_default();
        zone_hours(&zone).unwrap_or(0) * 3600
    }

    fn license(&self) -> Vec<Attribute> {
        let level = self.options.license_level.to_string();
        record(&[("software-id", "BNDO-0001"), ("nlevel", &level), ("level", &level), ("features", "")])
    }

    fn device_mode(&self) -> Vec<Attribute> {
        let home = self.options.device_mode == super::options::DeviceMode::Home;
        let allowed = if home { "false" } else { "true" };
        let mode = if home { "home" } else { "advanced" };
        record(&[
            ("mode", mode),
            ("allowed-versions", ""),
            ("flagged", "false"),
            ("flagging-enabled", "true"),
            ("scheduler", allowed),
            ("socks", "false"),
            ("fetch", allowed),
            ("pptp", "true"),
            ("l2tp", "true"),
            ("bandwidth-test", "true"),
            ("traffic-gen", "false"),
            ("sniffer", "true"),
            ("ipsec", "true"),
            ("romon", "true"),
            ("proxy", "true"),
            ("hotspot", allowed),
            ("smb", "true"),
            ("email", "true"),
            ("zerotier", "true"),
            ("container", "false"),
            ("install-any-version", "false"),
            ("partitions", "false"),
            ("routerboard", "false"),
            ("attempt-count", "0"),
        ])
    }

    fn api_session_records(&self) -> Vec<Vec<Attribute>> {
        let of = |session: &super::router::ApiSession| {
            let (date, time) = value::date_time(
                self.options.ros,
                self.epoch_secs() - i64::try_from(self.now_ms.saturating_sub(session.since_ms) / 1000).unwrap_or(0),
            );
            let (id, when) = (format!("*{:X}", session.connection), format!("{date} {time}"));
            record(&[
                (".id", &id),
                ("when", &when),
                ("name", &session.name),
                ("address", &session.address),
                ("via", "api"),
                ("radius", "false"),
            ])
        };
        self.api_sessions.iter().map(of).collect()
    }

    /// `/system/clock/set`: the zone, and date and time in the spelling of either release.
    ///
    /// # Errors
    /// For zones and dates that cannot be read.
    pub(crate) fn set_clock_by_hand(&mut self, date: Option<&str>, time: Option<&str>) -> Result<(), Trap> {
        let (now_date, now_time) = value::date_time(self.options.ros, self.epoch_secs());
        let date = date.unwrap_or(&now_date);
        let day = chrono::NaiveDate::parse_from_str(date, "%Y-%m-%d")
            .or_else(|_| chrono::NaiveDate::parse_from_str(date, "%b/%d/%Y"))
            .map_err(|_| Trap::invalid_value("date"))?;
        let clock = chrono::NaiveTime::parse_from_str(time.unwrap_or(&now_time), "%H:%M:%S")
            .map_err(|_| Trap::invalid_time("time"))?;
        self.set_clock(day.and_time(clock).and_utc().timestamp());
        Ok(())
    }
}

/// Hours ahead of UTC of a zone the clock knows.
pub(crate) fn zone_hours(zone: &str) -> Option<i64> {
    ZONES.iter().find(|(name, _)| *name == zone).map(|(_, hours)| *hours)
}
