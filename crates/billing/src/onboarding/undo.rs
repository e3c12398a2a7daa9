//! The scripts that take a set-up back, made from what the router said before anything was changed.

use super::{
    facts::words,
    scripts::{Kit, Ntp, add, check, ntp, template, yes_no},
    template::{Form, TemplateError, render},
};

/// The parts in which a set-up is taken back, in order.
pub(super) const UNDO_STEPS: [&str; 4] = ["undo-hotspot", "undo-customers", "undo-system", "undo-network"];

/// A login page as it was, when a set-up is taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PageBefore {
    /// It is kept on the server.
    Kept,
    /// There was none.
    None,
    /// It could not be kept.
    Lost,
}

impl Kit<'_> {
    /// The script of one part of taking back. Here the kit holds what the router said before anything was changed.
    ///
    /// # Errors
    /// [`TemplateError`].
    pub(super) fn undo(&self, name: &str, pages: &[PageBefore]) -> Result<Option<String>, TemplateError> {
        let mut out = String::new();
        match name {
            "undo-hotspot" => self.undo_hotspot(&mut out, pages)?,
            "undo-customers" => {
                add(&mut out, template!("undo/customers.rsc"), &[])?;
                if self.plan.new_hotspot.is_some() {
                    add(&mut out, template!("undo/hotspot.rsc"), &[])?;
                }
            }
            "undo-system" => self.undo_system(&mut out)?,
            "undo-network" => self.undo_network(&mut out)?,
            _ => return Ok(None),
        }
        Ok(Some(out))
    }

    fn undo_hotspot(&self, out: &mut String, pages: &[PageBefore]) -> Result<(), TemplateError> {
        for (number, (page, before)) in self.plan.pages().iter().zip(pages).enumerate() {
            let url = format!("{}/before/{number}", self.base);
            match before {
                PageBefore::Kept => {
                    let values = [("URL", url.as_str()), ("CHECK", check(self.is_checked)), ("PAGE", page)];
                    let script = render(template!("undo/page.rsc"), &values, Form::Script)?;
                    out.push_str(&format!(":do {{\n{script}}}\n"));
                }
                PageBefore::None => add(out, template!("undo/page-none.rsc"), &[("PAGE", page)])?,
                PageBefore::Lost => add(out, template!("undo/page-lost.rsc"), &[("PAGE", page)])?,
            }
        }
        if self.plan.new_hotspot.is_some() {
            if let Some(value) = self.facts.get("dns-remote") {
                add(out, template!("undo/dns.rsc"), &[("VALUE", yes_no(value))])?;
            }
            return Ok(());
        }
        for hotspot in &self.plan.hotspots {
            let (server, profile) = (&hotspot.server, &hotspot.profile);
            let values = [
                ("PROFILE", profile.name.as_str()),
                ("LOGIN_BY", &profile.login_by.join(",")),
                ("MAC_AUTH_MODE", &profile.mac_auth_mode),
                ("DIRECTORY", &profile.directory),
            ];
            add(out, template!("undo/profile.rsc"), &values)?;
            if hotspot.drops_queue {
                add(out, template!("undo/queue.rsc"), &[("PROFILE", &profile.name)])?;
            }
            let timeout = if server.login_timeout.is_empty() { "none" } else { &server.login_timeout };
            let values = [
                ("SERVER", server.name.as_str()),
                ("ADDRESSES", &server.addresses_per_mac),
                ("LOGIN_TIMEOUT", timeout),
            ];
            add(out, template!("undo/server.rsc"), &values)?;
        }
        Ok(())
    }

    fn undo_system(&self, out: &mut String) -> Result<(), TemplateError> {
        add(out, template!("undo/system.rsc"), &[])?;
        let facts = self.facts;
        if let (Some(zone), autodetect) = (facts.get("zone"), facts.get("zone-auto").unwrap_or("no")) {
            let values = [("ZONE", zone), ("AUTODETECT", yes_no(autodetect))];
            add(out, template!("undo/zone.rsc"), &values)?;
        }
        let enabled = yes_no(facts.get("ntp").unwrap_or("no"));
        match (ntp(facts), facts.get("ntp-names")) {
            (Ntp::Set, _) => {}
            (Ntp::Missing, _) => {
                let servers = words(facts.text("ntp-servers")).join(",");
                add(out, template!("undo/ntp.rsc"), &[("ENABLED", enabled), ("SERVERS", &servers)])?;
            }
            (Ntp::MissingOld, Some(names)) => {
                add(out, template!("undo/ntp-names.rsc"), &[("ENABLED", enabled), ("NAMES", names)])?;
            }
            (Ntp::MissingOld, None) => {
                let primary = facts.get("ntp-primary").unwrap_or("0.0.0.0");
                add(out, template!("undo/ntp-primary.rsc"), &[("ENABLED", enabled), ("PRIMARY", primary)])?;
            }
        }
        // The login goes last: a router on which only it is left can still be reached.
        if !facts.has("user") {
            add(out, template!("undo/user.rsc"), &[])?;
        }
        if !facts.has("group") {
            add(out, template!("undo/group.rsc"), &[])?;
        }
        Ok(())
    }

    fn undo_network(&self, out: &mut String) -> Result<(), TemplateError> {
        add(out, template!("undo/firewall.rsc"), &[])?;
        let facts = self.facts;
        let service = |key: &str| {
            let address = words(facts.text(&format!("{key}-address"))).join(",");
            (address, yes_no(facts.get(&format!("{key}-disabled")).unwrap_or("yes")))
        };
        let (address, disabled) = service("ssl");
        let certificate = facts.get("ssl-certificate").filter(|name| !name.is_empty() && *name != "*0");
        let values = [("CERTIFICATE", certificate.unwrap_or("none")), ("ADDRESS", &address), ("DISABLED", disabled)];
        add(out, template!("undo/ssl.rsc"), &values)?;
        if !facts.has("certificate") {
            add(out, template!("undo/certificate.rsc"), &[])?;
        }
        let (address, disabled) = service("api");
        add(out, template!("undo/api.rsc"), &[("ADDRESS", &address), ("DISABLED", disabled)])?;
        // Where WireGuard is not known, even asking for it would stop the script.
        if facts.get("wireguard").is_some() {
            add(out, template!("undo/tunnel.rsc"), &[])?;
        }
        Ok(())
    }
}
