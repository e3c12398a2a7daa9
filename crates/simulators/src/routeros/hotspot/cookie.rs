//! Login cookies: of browsers, and of MAC addresses.

use super::{Cookie, Due};
use crate::routeros::{clock::Millis, router::Router};

impl Router {
    /// Keeps a cookie after a login, replacing an older one of the same user and device.
    pub(super) fn keep_cookie(&mut self, user: &str, mac: &str, of_mac: bool, lifetime_ms: Millis) {
        self.drop_cookies(|cookie| cookie.user == user && cookie.mac == mac && cookie.of_mac == of_mac);
        let id = self.hotspot.fresh_id();
        let expires_ms = self.now_ms.saturating_add(lifetime_ms);
        self.hotspot.cookies.push(Cookie { id, user: user.to_owned(), mac: mac.to_owned(), of_mac, expires_ms });
        self.hotspot.agenda.enter(expires_ms, Due::Cookie);
    }

    /// A MAC cookie does not outlive a logout, a data cap, a session timeout, or a second host of the same MAC
    /// (documented).
    pub(super) fn drop_mac_cookies(&mut self, mac: &str) {
        self.drop_cookies(|cookie| cookie.of_mac && cookie.mac == mac);
    }

    pub(super) fn expire_cookies(&mut self) {
        let now_ms = self.now_ms;
        self.drop_cookies(|cookie| cookie.expires_ms <= now_ms);
    }

    /// Removes the cookies `doomed` picks; says whether there were any.
    pub(crate) fn drop_cookies(&mut self, doomed: impl Fn(&Cookie) -> bool) -> bool {
        let gone: Vec<u32> = self.hotspot.cookies.iter().filter(|c| doomed(c)).map(|c| c.id).collect();
        self.hotspot.cookies.retain(|cookie| !gone.contains(&cookie.id));
        for id in &gone {
            self.announce_gone("/ip/hotspot/cookie", &format!("*{id:X}"));
        }
        !gone.is_empty()
    }

    /// The user a MAC cookie would log this device in as.
    pub(super) fn mac_cookie_user(&self, mac: &str) -> Option<String> {
        self.hotspot.cookies.iter().find(|cookie| cookie.of_mac && cookie.mac == mac).map(|cookie| cookie.user.clone())
    }

    /// Whether a browser of this device holds a cookie for `user`.
    pub(crate) fn browser_cookie_user(&self, mac: &str) -> Option<String> {
        self.hotspot.cookies.iter().find(|cookie| !cookie.of_mac && cookie.mac == mac).map(|cookie| cookie.user.clone())
    }
}
