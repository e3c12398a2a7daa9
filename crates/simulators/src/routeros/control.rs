//! The hand on the router's cables, clock and power switch. The HTTP control plane does the same.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use super::{
    fault::{Fault, FaultRule},
    hotspot::{Attempt, Cause, LoginBy},
    log::LogEntry,
    query::Attribute,
    reboot::Reboot,
    router::Router,
    server::{Shared, locked},
    value,
    view::{Client, ServletFacts, State, client, clients},
};

/// A record as printed, names and values as text.
pub type Record = Vec<(String, String)>;

/// A control call that makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Not a MAC address in any spelling.
    #[error("{0:?} is not a MAC address")]
    NotAMac(String),
    /// No device of that address was ever on the air.
    #[error("no device {0}")]
    UnknownDevice(String),
    /// No menu of that path on this router.
    #[error("no menu {0}")]
    UnknownMenu(String),
    /// A new certificate could not be made.
    #[error("certificate: {0}")]
    Certificate(String),
}

/// A control handle; cheap to clone. It keeps working on the state after the [`super::Sim`] has stopped.
#[derive(Debug, Clone)]
pub struct Control {
    shared: Arc<Shared>,
}

impl Control {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// A device comes on the air, with the address it had or the next free one.
    ///
    /// # Errors
    /// When `mac` is not a MAC address.
    pub fn join(&self, mac: &str) -> Result<Ipv4Addr, ControlError> {
        let mac = parse_mac(mac)?;
        Ok(self.shared.with_router(|router| router.join(&mac, None)))
    }

    /// A device comes on the air with this address.
    ///
    /// # Errors
    /// When `mac` is not a MAC address.
    pub fn join_at(&self, mac: &str, ip: Ipv4Addr) -> Result<(), ControlError> {
        let mac = parse_mac(mac)?;
        self.shared.with_router(|router| router.join(&mac, Some(ip)));
        Ok(())
    }

    /// A device goes off the air. The router notices after its timeouts.
    ///
    /// # Errors
    /// When `mac` is not a MAC address.
    pub fn leave(&self, mac: &str) -> Result<(), ControlError> {
        let mac = parse_mac(mac)?;
        self.shared.with_router(|router| router.leave(&mac));
        Ok(())
    }

    /// A device goes off the air and is never seen again. The router notices after its timeouts; the simulator forgets
    /// it at once, so that weeks of customers do not pile up.
    ///
    /// # Errors
    /// When `mac` is not a MAC address.
    pub fn leave_for_good(&self, mac: &str) -> Result<(), ControlError> {
        let mac = parse_mac(mac)?;
        self.shared.with_router(|router| router.leave_for_good(&mac));
        Ok(())
    }

    /// A device sends `bytes_in` and gets `bytes_out`. Says whether the router let it through.
    ///
    /// # Errors
    /// When `mac` is not a MAC address.
    pub fn traffic(&self, mac: &str, bytes_in: u64, bytes_out: u64) -> Result<bool, ControlError> {
        let mac = parse_mac(mac)?;
        Ok(self.shared.with_router(|router| router.traffic(&mac, bytes_in, bytes_out)))
    }

    /// One device.
    ///
    /// # Errors
    /// When `mac` is not a MAC address, or none that was ever on the air.
    pub fn client(&self, mac: &str) -> Result<Client, ControlError> {
        let mac = parse_mac(mac)?;
        let found = self.shared.with_router(|router| client(router, &mac));
        found.ok_or(ControlError::UnknownDevice(mac))
    }

    /// Every device that was ever on the air and has not left for good.
    #[must_use]
    pub fn clients(&self) -> Vec<Client> {
        self.shared.with_router(|router| clients(router))
    }

    /// The browser of a device posts the router's login form (`http-pap`).
    ///
    /// # Errors
    /// The router's own text, as `$(error)` shows it; a control error as text.
    pub fn browser_login(&self, mac: &str, user: &str, password: &str) -> Result<(), String> {
        let mac = parse_mac(mac).map_err(|error| error.to_string())?;
        self.shared.with_router(|router| {
            if !router.logs_in_by("http-pap") {
                return Err("web browser did not send challenge response (try again, enable JavaScript)".to_owned());
            }
            let ip = router.hotspot.devices.get(&mac).map(|device| device.ip).ok_or("you are not logged in")?;
            router.packet(&mac);
            router.log_in(&Attempt { user, password: Some(password), mac: &mac, ip, by: LoginBy::HttpPap })
        })
    }

    /// The browser of a device comes back with the cookie it got at a login. Says whether that let it in.
    ///
    /// # Errors
    /// When `mac` is not a MAC address.
    pub fn browser_cookie(&self, mac: &str) -> Result<bool, ControlError> {
        let mac = parse_mac(mac)?;
        Ok(self.shared.with_router(|router| {
            let ip = router.hotspot.devices.get(&mac).map(|device| device.ip);
            let user = router.browser_cookie_user(&mac).filter(|_| router.logs_in_by("cookie"));
            let (Some(ip), Some(user)) = (ip, user) else { return false };
            let attempt = Attempt { user: &user, password: None, mac: &mac, ip, by: LoginBy::Cookie };
            router.log_in(&attempt).is_ok()
        }))
    }

    /// The device opens the router's logout page.
    ///
    /// # Errors
    /// When `mac` is not a MAC address.
    pub fn browser_logout(&self, mac: &str) -> Result<(), ControlError> {
        let mac = parse_mac(mac)?;
        self.shared.with_router(|router| {
            if let Some(ip) = router.hotspot.devices.get(&mac).map(|device| device.ip) {
                router.end_session(ip, Cause::UserRequest);
            }
        });
        Ok(())
    }

    /// Moves the clock; everything that is due meanwhile happens in its order.
    pub fn advance(&self, by: Duration) {
        let ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.shared.with_router(|router| router.clock.advance(ms));
        self.shared.with_router(|_| ());
    }

    /// The network tells the router the time.
    pub fn ntp(&self) {
        self.shared.with_router(Router::set_clock_from_network);
    }

    /// Cuts every connection and restarts; the API is back after [`super::Options::boot_secs`].
    pub fn reboot(&self, kind: Reboot) {
        let boot_secs = self.shared.with_router(|router| router.options.boot_secs);
        self.shared.reboot(kind, boot_secs);
    }

    /// As [`Self::reboot`], with another time to boot.
    pub fn reboot_for(&self, kind: Reboot, boot_secs: u64) {
        self.shared.reboot(kind, boot_secs);
    }

    /// Arms a fault.
    ///
    /// # Errors
    /// When a new certificate is wanted and cannot be made.
    pub fn inject(&self, rule: FaultRule) -> Result<(), ControlError> {
        if rule.fault == Fault::TlsCertificate {
            return self.shared.with_router(Router::reissue_api_certificate).map_err(ControlError::Certificate);
        }
        locked(&self.shared.faults).arm(rule);
        Ok(())
    }

    /// Disarms every fault.
    pub fn clear_faults(&self) {
        locked(&self.shared.faults).clear();
    }

    /// Breaks every API connection.
    pub fn cut_connections(&self) {
        self.shared.cut_lines();
    }

    /// SHA-256 of the certificate `api-ssl` shows, hex; absent without one.
    #[must_use]
    pub fn certificate_sha256(&self) -> Option<String> {
        self.shared.with_router(|router| router.api_credential().map(super::certificates::Credential::fingerprint))
    }

    /// Every sentence received so far, secrets masked.
    #[must_use]
    pub fn log(&self) -> Vec<LogEntry> {
        locked(&self.shared.log).entries()
    }

    /// Forgets the sentences received so far.
    pub fn clear_log(&self) {
        locked(&self.shared.log).clear();
    }

    /// The rows of a menu, as `print` shows them to an account that may read everything.
    ///
    /// # Errors
    /// When the router has no such menu.
    pub fn rows(&self, path: &str) -> Result<Vec<Record>, ControlError> {
        self.shared.with_router(|router| {
            let menu = router.menu(path).ok_or_else(|| ControlError::UnknownMenu(path.to_owned()))?;
            Ok(router.records(menu).into_iter().map(as_text).collect())
        })
    }

    /// Rows of `/ip/hotspot/user`.
    #[must_use]
    pub fn users(&self) -> Vec<Record> {
        self.rows("/ip/hotspot/user").unwrap_or_default()
    }

    /// Rows of `/ip/hotspot/active`.
    #[must_use]
    pub fn active(&self) -> Vec<Record> {
        self.rows("/ip/hotspot/active").unwrap_or_default()
    }

    /// Rows of `/ip/hotspot/host`.
    #[must_use]
    pub fn hosts(&self) -> Vec<Record> {
        self.rows("/ip/hotspot/host").unwrap_or_default()
    }

    /// The router at a glance.
    #[must_use]
    pub fn state(&self) -> State {
        let faults = locked(&self.shared.faults).rules();
        self.shared.with_router(|router| State {
            identity: router.rows("/system/identity").first().map(|row| row.text("name")).unwrap_or_default(),
            version: router.options.ros.text().to_owned(),
            up: router.is_up(),
            now_ms: router.now_ms,
            uptime_secs: router.now_ms.saturating_sub(router.booted_at_ms) / 1000,
            router_epoch_secs: router.epoch_secs(),
            true_epoch_secs: router.clock.true_epoch_secs(router.now_ms),
            clients: clients(router),
            active: router.hotspot.sessions.len(),
            hosts: router.hotspot.hosts.len(),
            api_sessions: router.api_sessions.len(),
            faults,
        })
    }

    /// What the router's web server knows of a device and itself, to fill a login page with.
    pub(crate) fn servlet_facts(&self, mac: &str) -> Option<ServletFacts> {
        let mac = value::parse_mac(mac)?;
        self.shared.with_router(|router| {
            let client = client(router, &mac)?;
            let server = router.hotspot_server().map(|row| row.text("name")).unwrap_or_default();
            let profile = router.server_profile().cloned().unwrap_or_default();
            let directory = match profile.text("html-directory-override") {
                text if text.is_empty() => profile.text("html-directory"),
                text => text,
            };
            let page = router.named("/file", &format!("{directory}/login.html")).map(|row| row.text("contents"));
            Some(ServletFacts {
                client,
                identity: router.rows("/system/identity").first().map(|row| row.text("name")).unwrap_or_default(),
                server,
                server_address: profile.text("hotspot-address"),
                login_by: profile.text("login-by"),
                login_page: page,
            })
        })
    }

    /// Puts a file on the router, as an upload does. A file of that name is replaced.
    pub fn put_file(&self, name: &str, contents: &str) {
        self.shared.with_router(|router| router.put_file(name, contents));
    }

    /// Whether the walled garden lets an unauthorised device reach `host` on `port` over HTTPS or HTTP.
    #[must_use]
    pub fn walled_garden_allows(&self, host: &str, port: u16) -> bool {
        self.shared.with_router(|router| super::garden::allows(router, host, port))
    }

    /// Lets unauthorised devices reach the portal, as the product's set-up of a router does: by address or name, and
    /// for plain HTTP too. Rows that are there already stay.
    pub fn open_walled_garden(&self, host: &str) {
        self.shared.with_router(|router| super::garden::open(router, host));
    }
}

fn parse_mac(text: &str) -> Result<String, ControlError> {
    value::parse_mac(text).ok_or_else(|| ControlError::NotAMac(text.to_owned()))
}

fn as_text(record: Vec<Attribute>) -> Record {
    record.into_iter().map(|(name, value)| (name, String::from_utf8_lossy(&value).into_owned())).collect()
}
