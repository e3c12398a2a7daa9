//! What changes in one menu bring about in others: interfaces of tunnels and bridges, stock pages, keys.

use base64::Engine;

use super::{
    preload::STOCK_PAGES,
    router::Router,
    schema::{self, Menu},
    sentence::Command,
    table::Row,
    trap::Trap,
};

/// Longest time between `device-mode update` and the power cut that confirms it (documented default).
const CONFIRM_MS: u64 = 300_000;

impl Router {
    /// Completes a row of these menus before it is kept.
    ///
    /// # Errors
    /// When the router would refuse it for reasons beyond its arguments.
    pub(crate) fn complete_provisioned(&mut self, menu: &Menu, row: &mut Row) -> Result<(), Trap> {
        match menu.path {
            "/interface/wireguard" => {
                let key = if row.text("private-key").is_empty() { self.random_key() } else { row.text("private-key") };
                // No tunnel is built, so the public key need not belong to the private one.
                row.set("public-key", derived_key(&key));
                row.set("private-key", key);
                if row.text("listen-port").is_empty() {
                    row.set("listen-port", (13_231 + self.rows(menu.path).len()).to_string());
                }
            }
            "/ip/address" if row.text("network").is_empty() => {
                row.set("network", network_of(&row.text("address")));
            }
            "/file" => {
                let directory = row.text("type") == "directory";
                // Documented: from 7.15 on.
                if directory && self.options.ros < super::options::RosVersion::V7_16 {
                    return Err(Trap::no_match("type"));
                }
                if row.values.get("contents").map_or(0, Vec::len) > self.contents_bytes_max() {
                    return Err(Trap::new("failure: contents too long"));
                }
                if row.text("type").is_empty() {
                    row.set("type", super::files::kind_of(&row.text("name")));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn random_key(&mut self) -> String {
        let bytes: Vec<u8> = (0..4).flat_map(|_| self.random().to_le_bytes()).collect();
        base64::engine::general_purpose::STANDARD.encode(bytes)
    }

    /// Keeps `/interface` in step with tunnels and bridges.
    pub(crate) fn sync_interfaces(&mut self) {
        const KINDS: [(&str, &str); 2] = [("/interface/wireguard", "wg"), ("/interface/bridge", "bridge")];
        let Some(menu) = schema::menu("/interface", self.options.ros) else { return };
        for (path, kind) in KINDS {
            let names: Vec<String> = self.rows(path).iter().map(|row| row.text("name")).collect();
            let stale: Vec<u32> = self
                .rows("/interface")
                .iter()
                .filter(|row| row.text("type") == kind && !names.contains(&row.text("name")))
                .map(|row| row.id)
                .collect();
            for id in stale {
                self.delete("/interface", id);
            }
            for name in names {
                if self.named("/interface", &name).is_none() {
                    let mut row = Row::default();
                    row.set("name", name);
                    row.set("type", kind);
                    self.insert(menu, row);
                }
            }
        }
    }

    /// Forgets keys of certificates that are gone.
    pub(crate) fn drop_stale_credentials(&mut self) {
        let kept: Vec<u32> = self.rows("/certificate").iter().map(|row| row.id).collect();
        self.credentials.retain(|id, _| kept.contains(id));
    }

    /// Pages appear in a directory that a profile names and that has none yet (reported from the field).
    pub(crate) fn stock_pages(&mut self) {
        let profiles = self.rows("/ip/hotspot/profile").iter().map(|row| row.text("html-directory"));
        let directories: Vec<String> = profiles.filter(|directory| !directory.is_empty()).collect();
        for directory in directories {
            let inside = format!("{directory}/");
            if !self.rows("/file").iter().any(|row| row.text("name").starts_with(&inside)) {
                self.write_stock_pages(&directory);
            }
        }
    }

    fn write_stock_pages(&mut self, directory: &str) {
        for (name, contents) in STOCK_PAGES {
            self.put_file(&format!("{directory}/{name}"), contents);
        }
    }

    /// `reset-html`: the stock pages in the place of what is there, for the servers named or all.
    ///
    /// # Errors
    /// For servers that are not there.
    pub(crate) fn reset_html(&mut self, menu: &'static Menu, command: &Command) -> Result<(), Trap> {
        let ids = match command.selectors() {
            Some(_) => self.selected(menu, command)?,
            None => self.rows(menu.path).iter().map(|row| row.id).collect(),
        };
        for id in ids {
            let profile = self.rows(menu.path).iter().find(|row| row.id == id).map(|row| row.text("profile"));
            let profile = profile.and_then(|name| self.named("/ip/hotspot/profile", &name));
            let directory = profile.map(|row| row.text("html-directory")).filter(|name| !name.is_empty());
            self.write_stock_pages(&directory.unwrap_or_else(|| "hotspot".to_owned()));
        }
        Ok(())
    }

    /// `/system/device-mode/update`: takes effect when somebody pulls the plug within five minutes.
    ///
    /// # Errors
    /// For arguments it does not take.
    pub(crate) fn update_device_mode(&mut self, command: &Command) -> Result<(), Trap> {
        const ARGUMENTS: [&str; 5] = ["mode", "hotspot", "scheduler", "fetch", "activation-timeout"];
        if let Some((name, _)) = command.attributes.iter().find(|(name, _)| !ARGUMENTS.contains(&name.as_str())) {
            return Err(Trap::unknown_parameter(name));
        }
        let yes = |name: &str| command.text(name).is_some_and(|word| matches!(word.as_str(), "yes" | "true"));
        let advanced = command.text("mode").is_some_and(|mode| mode == "advanced");
        if advanced || yes("hotspot") {
            self.device_mode_until_ms = Some(self.now_ms.saturating_add(CONFIRM_MS));
        }
        Ok(())
    }
}

fn derived_key(private: &str) -> String {
    use sha2::{Digest, Sha256};
    base64::engine::general_purpose::STANDARD.encode(Sha256::digest(private))
}

/// The network an address with a length lies in.
fn network_of(address: &str) -> String {
    let (ip, length) = address.split_once('/').unwrap_or((address, "32"));
    let (Ok(ip), Ok(length)) = (ip.parse::<std::net::Ipv4Addr>(), length.parse::<u32>()) else { return String::new() };
    let mask = u32::MAX.checked_shl(32_u32.saturating_sub(length)).unwrap_or(0);
    std::net::Ipv4Addr::from_bits(ip.to_bits() & mask).to_string()
}
