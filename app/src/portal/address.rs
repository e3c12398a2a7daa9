//! Addresses of the portal: made in one place, so that redirects, links, forms and reloads agree.

use domain::PaymentId;

use super::model::Device;

impl Device {
    /// `/w/{router}?mac=…&ip=…&dst=…`: the page of this device, whatever state it is in.
    #[must_use]
    pub fn path(&self) -> String {
        let mut path = String::from("/w/");
        push_encoded(&mut path, &self.router);
        path.push_str("?mac=");
        push_encoded(&mut path, &self.mac.to_string());
        for (name, value) in [("ip", &self.ip), ("dst", &self.dst)] {
            if let Some(value) = value {
                path.push('&');
                path.push_str(name);
                path.push('=');
                push_encoded(&mut path, value);
            }
        }
        path
    }

    /// The page of this device while it is about one payment: where `POST /pay` redirects to.
    #[must_use]
    pub fn payment_path(&self, payment: PaymentId) -> String {
        format!("{}&payment={payment}", self.path())
    }

    /// The packages, even when there is something else to show: "buy more" and "start again". The server
    /// answers with the packages unless a prompt may still be open.
    #[must_use]
    pub fn shop_path(&self) -> String {
        format!("{}&view=shop", self.path())
    }

    /// The packages with the form for money that was paid already, whatever there is to show.
    #[must_use]
    pub fn paid_path(&self) -> String {
        format!("{}&view=paid", self.path())
    }

    /// Where the state of this device is asked for, whatever was paid for it.
    #[must_use]
    pub(super) fn status_path(&self) -> String {
        let mut path = format!("/api/user/status?mac={}&router=", self.mac);
        push_encoded(&mut path, &self.router);
        path
    }

    /// The devices that share this device's time.
    #[must_use]
    pub fn devices_path(&self) -> String {
        format!("{}&view=devices", self.path())
    }

    /// Time of this browser's pass, to be used on this device.
    #[must_use]
    pub fn pass_path(&self) -> String {
        format!("{}&view=pass", self.path())
    }

    /// Where the customer wanted to go, if it is a web address that can be linked to safely.
    #[must_use]
    pub fn destination(&self) -> Option<&str> {
        let dst = self.dst.as_deref()?;
        let lower = dst.get(..8).unwrap_or(dst).to_ascii_lowercase();
        let rest = ["https://", "http://"]
            .iter()
            .find_map(|scheme| lower.starts_with(scheme).then(|| &dst[scheme.len()..]))?;
        let clean = dst.len() <= 2000 && !dst.chars().any(|c| c.is_control() || c.is_whitespace());
        (clean && rest.starts_with(|c: char| c.is_alphanumeric() || c == '[')).then_some(dst)
    }
}

/// A path on this server, or `/`: nobody is sent elsewhere by a crafted address.
#[must_use]
pub fn local_path(path: &str) -> &str {
    let clean = !path.chars().any(|c| c.is_control() || c == '\\') && path.len() <= 4000;
    if clean && path.starts_with('/') && !path.starts_with("//") { path } else { "/" }
}

/// Percent-encodes everything but the characters RFC 3986 leaves alone.
fn push_encoded(into: &mut String, text: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            into.push(char::from(byte));
        } else {
            into.push('%');
            into.push(char::from(HEX[usize::from(byte >> 4)]));
            into.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}
