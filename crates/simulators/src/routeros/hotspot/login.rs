//! Logging a device in: the checks in their order, and who may try.

use std::net::Ipv4Addr;

use super::Cause;
use crate::routeros::{
    options::LoginOnLiveHost,
    router::Router,
    table::Row,
    value::{parse_duration_ms, parse_mac},
};

/// The way a login came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoginBy {
    Mac,
    MacCookie,
    Cookie,
    HttpPap,
    /// `/ip/hotspot/active/login`.
    Api,
}

impl LoginBy {
    /// The word of `/ip/hotspot/active` `login-by`.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Mac => "mac",
            Self::MacCookie => "mac-cookie",
            Self::Cookie => "cookie",
            Self::HttpPap | Self::Api => "http-pap",
        }
    }
}

/// One try to log in.
#[derive(Debug, Clone)]
pub(crate) struct Attempt<'a> {
    pub(crate) user: &'a str,
    /// Absent where the router trusts its own cookie.
    pub(crate) password: Option<&'a str>,
    pub(crate) mac: &'a str,
    pub(crate) ip: Ipv4Addr,
    pub(crate) by: LoginBy,
}

impl Router {
    /// MAC login, then MAC cookie: once per host entry, unless the entry was logged out by an administrator.
    pub(super) fn try_mac_login(&mut self, mac: &str, ip: Ipv4Addr) {
        let regular = self.binding(mac, ip) == "regular";
        let Some(host) = self.hotspot.host_mut(mac, ip) else { return };
        if host.mac_login_tried || !regular {
            return;
        }
        host.mac_login_tried = true;
        if self.hotspot.session_at(ip).is_some() {
            return;
        }
        if self.logs_in_by("mac") {
            let password = self.mac_password(mac);
            let attempt = Attempt { user: mac, password: Some(&password), mac, ip, by: LoginBy::Mac };
            if self.log_in(&attempt).is_ok() {
                return;
            }
        }
        if let Some(user) = self.mac_cookie_user(mac).filter(|_| self.logs_in_by("mac-cookie")) {
            let attempt = Attempt { user: &user, password: None, mac, ip, by: LoginBy::MacCookie };
            if self.log_in(&attempt).is_err() {
                // A cookie that does not log in is thrown away (documented).
                self.drop_mac_cookies(mac);
            }
        }
    }

    fn mac_password(&self, mac: &str) -> String {
        match self.server_profile() {
            Some(profile) if profile.text("mac-auth-mode") == "mac-as-username-and-password" => mac.to_owned(),
            Some(profile) => profile.text("mac-auth-password"),
            None => String::new(),
        }
    }

    /// Logs a device in.
    ///
    /// # Errors
    /// The router's text for the first check that fails.
    pub(crate) fn log_in(&mut self, attempt: &Attempt<'_>) -> Result<(), String> {
        let result = self.check_login(attempt);
        let name = attempt.user;
        match result {
            Ok((user, profile)) => {
                if self.hotspot.session_at(attempt.ip).is_some() {
                    self.end_session(attempt.ip, Cause::Replaced);
                }
                self.begin_session(attempt, &user, &profile);
                if let Some(host) = self.host_mut(attempt) {
                    host.last_error = None;
                }
                self.note("hotspot,account,info,debug", &format!("{name} ({}): logged in", attempt.ip));
                self.cookies_after_login(attempt, &profile);
                Ok(())
            }
            Err(text) => {
                if let Some(host) = self.host_mut(attempt) {
                    // That a device without a user is sent to the portal is no error to show there.
                    host.last_error = (attempt.by != LoginBy::Mac || text != BAD_LOGIN).then(|| text.clone());
                }
                self.note("hotspot,info,debug", &format!("{name} ({}): login failed: {text}", attempt.ip));
                Err(text)
            }
        }
    }

    fn host_mut(&mut self, attempt: &Attempt<'_>) -> Option<&mut super::Host> {
        self.hotspot.host_mut(attempt.mac, attempt.ip)
    }

    fn cookies_after_login(&mut self, attempt: &Attempt<'_>, profile: &Row) {
        let browser = matches!(attempt.by, LoginBy::HttpPap);
        if browser && self.logs_in_by("cookie") {
            let lifetime_ms = self.server_profile().and_then(|p| parse_duration_ms(&p.text("http-cookie-lifetime")));
            self.keep_cookie(attempt.user, attempt.mac, false, lifetime_ms.unwrap_or(259_200_000));
        }
        if attempt.by != LoginBy::MacCookie && self.logs_in_by("mac-cookie") && profile.is_true("add-mac-cookie") {
            let lifetime_ms = parse_duration_ms(&profile.text("mac-cookie-timeout")).unwrap_or(259_200_000);
            self.keep_cookie(attempt.user, attempt.mac, true, lifetime_ms);
        }
    }

    /// The user and profile that let this attempt in.
    fn check_login(&self, attempt: &Attempt<'_>) -> Result<(Row, Row), String> {
        let name = attempt.user;
        let of_another = |mac: String| name.contains(':') && mac != attempt.mac;
        if parse_mac(name).is_some_and(of_another) {
            return Err(format!("invalid username ({name}): this MAC address is not yours"));
        }
        let server = self.hotspot_server().map(|row| row.text("name")).unwrap_or_default();
        let of_here = |row: &&Row| matches!(row.text("server").as_str(), "" | "all") || row.text("server") == server;
        let is_named = |row: &&Row| row.values.get("name").is_some_and(|value| value == name.as_bytes());
        let users = self.rows("/ip/hotspot/user");
        let user = users.iter().filter(|row| !row.builtin).filter(is_named).find(of_here);
        let user = user.filter(|row| !row.is_true("disabled")).ok_or(BAD_LOGIN)?;
        if attempt.password.is_some_and(|password| user.text("password") != password) {
            return Err(BAD_LOGIN.to_owned());
        }
        let locked_to = user.text("mac-address");
        if !locked_to.is_empty() && locked_to != attempt.mac {
            return Err(format!("user {name} is not allowed to log in from this MAC address"));
        }
        self.check_limits(user)?;
        let profiles = "/ip/hotspot/user/profile";
        let profile = self.named(profiles, &user.text("profile")).or_else(|| self.named(profiles, "default"));
        let profile = profile.cloned().unwrap_or_default();
        self.check_sessions(attempt, &profile)?;
        Ok((user.clone(), profile))
    }

    fn check_limits(&self, user: &Row) -> Result<(), String> {
        let name = user.text("name");
        let number = |field: &str| user.text(field).parse::<u64>().unwrap_or(0);
        let limit_ms = parse_duration_ms(&user.text("limit-uptime")).filter(|ms| *ms > 0);
        let used_ms = parse_duration_ms(&user.text("uptime")).unwrap_or(0);
        if limit_ms.is_some_and(|limit| used_ms >= limit) {
            return Err(format!("user {name} has reached uptime limit"));
        }
        let (used_in, used_out) = (number("bytes-in"), number("bytes-out"));
        let over = |limit: u64, used: u64| limit > 0 && used >= limit;
        if over(number("limit-bytes-in"), used_in)
            || over(number("limit-bytes-out"), used_out)
            || over(number("limit-bytes-total"), used_in.saturating_add(used_out))
        {
            return Err(format!("user {name} has reached traffic limit"));
        }
        Ok(())
    }

    fn check_sessions(&self, attempt: &Attempt<'_>, profile: &Row) -> Result<(), String> {
        let name = attempt.user;
        let replaced = self.options.unconfirmed.login_on_live_host == LoginOnLiveHost::Replace;
        let others = self.hotspot.sessions.iter().filter(|session| !(replaced && session.ip == attempt.ip));
        let shared = profile.text("shared-users").parse::<usize>().ok();
        let of_user = others.clone().filter(|session| session.user == name).count();
        if shared.is_some_and(|most| of_user >= most) {
            return Err(format!("no more sessions are allowed for user {name}"));
        }
        if !replaced && self.hotspot.session_at(attempt.ip).is_some() {
            return Err("already logged in".to_owned());
        }
        if let Some(most) = self.license_sessions().filter(|most| others.count() >= *most) {
            return Err(format!("session limit reached ({most})"));
        }
        Ok(())
    }

    /// Hotspot sessions the licence allows (documented: level 4 has 200, level 5 has 500, level 6 no limit).
    pub(crate) fn license_sessions(&self) -> Option<usize> {
        let licensed = match self.options.license_level {
            0..=2 => Some(1),
            3 | 4 => Some(200),
            5 => Some(500),
            _ => None,
        };
        self.options.license_sessions_max.or(licensed)
    }
}

/// What the router says for a wrong name, a wrong password and a disabled user alike.
const BAD_LOGIN: &str = "invalid username or password";
