//! Going down and coming up again: what is lost, what stays.

use serde::Deserialize;

use super::{hotspot::Cause, options::RosVersion, router::Router, script::machine::Globals};

/// Seconds after boot at which a router finds the time, where time is real.
const NTP_AFTER_SECS: u64 = 15;

/// How the router went down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reboot {
    /// `/system/reboot`: sessions are logged out first, so their counters are kept.
    Clean,
    /// The plug was pulled: what sessions used since login is forgotten.
    PowerCut,
}

impl Router {
    /// Loses what lives in memory and comes up after `boot_secs`, believing it is 1970 until told the time.
    pub(crate) fn reboot(&mut self, kind: Reboot, boot_secs: u64) {
        if kind == Reboot::Clean && self.options.unconfirmed.clean_reboot_keeps_counters {
            let sessions: Vec<_> = self.hotspot.sessions.iter().map(|session| session.ip).collect();
            for ip in sessions {
                self.end_session(ip, Cause::Reboot);
            }
        }
        self.hotspot.sessions.clear();
        self.hotspot.hosts.clear();
        if !self.options.unconfirmed.cookies_survive_reboot {
            self.hotspot.cookies.clear();
        }
        for table in self.tables.values_mut() {
            table.rows.retain(|row| !row.volatile);
        }
        self.api_sessions.clear();
        self.booted_at_ms = self.now_ms;
        self.up_at_ms = self.now_ms.saturating_add(boot_secs.saturating_mul(1000));
        self.clock_set_epoch_secs = 0;
        self.show_time_client("waiting");
        // On a real clock there is a network with the time in it, unless told otherwise.
        let ntp_secs = self.options.ntp_after_secs.or(self.clock.is_real().then_some(NTP_AFTER_SECS));
        let ntp_ms = ntp_secs.map(|secs| secs.saturating_mul(1000));
        self.ntp_at_ms = ntp_ms.map(|ms| self.up_at_ms.saturating_add(ms));
        let first_packet_ms =
            self.up_at_ms.saturating_add(self.options.unconfirmed.next_packet_secs.saturating_mul(1000));
        for device in self.hotspot.devices.values_mut().filter(|device| device.present) {
            device.next_packet_ms = Some(first_packet_ms);
        }
        self.hotspot.agenda.doubt();
        // Only pulling the plug counts as somebody standing at the router (documented).
        if kind == Reboot::PowerCut && self.device_mode_until_ms.is_some_and(|until| self.now_ms <= until) {
            self.options.device_mode = super::options::DeviceMode::Advanced;
        }
        self.device_mode_until_ms = None;
        if self.options.flash_folder {
            // Outside `flash/` files lie in memory (reported from the field).
            self.table("/file").rows.retain(|row| row.text("name").starts_with("flash"));
        }
        self.boots = self.boots.saturating_add(1);
        self.running.clear();
        self.network.clear();
        self.printed.clear();
        self.globals = Globals::default();
        self.rearm_schedulers(true);
        self.note("system,info", "router rebooted");
    }

    /// Another release is on the flash from the next boot on.
    pub(crate) fn change_release(&mut self, to: RosVersion, hotspot: bool) {
        self.options.ros = to;
        self.options.hotspot = hotspot;
        self.hotspot.agenda.doubt();
        super::preload::packages(self);
    }
}
