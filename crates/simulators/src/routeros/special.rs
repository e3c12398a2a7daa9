//! Commands that are no verb of a stored menu: hotspot logins, reboot, scripts, fetch, import.

use super::{
    account::Login,
    dispatch::{Answer, Wanted},
    hotspot::{Attempt, Cause, LoginBy},
    router::Router,
    schema::Menu,
    sentence::Command,
    trap::Trap,
    value,
};

impl Router {
    /// Answers commands that live beside the menus, or nothing if this is none of them.
    pub(crate) fn run_special(&mut self, login: &Login, command: &Command) -> Option<Result<Answer, Trap>> {
        let (directory, verb) = command.split_path();
        let allowed = || {
            let policy = super::account::policy_of(directory, verb);
            if login.may(policy) { Ok(()) } else { Err(Trap::permission()) }
        };
        match command.path.as_str() {
            "/system/reboot" => Some(allowed().map(|()| Answer::Reboot)),
            "/execute" => Some(allowed().and_then(|()| self.execute(login, command))),
            "/tool/fetch" => {
                Some(allowed().and_then(|()| self.run_special_command(login, "/tool/fetch", command, Wanted::Row)))
            }
            "/certificate/import" => {
                Some(allowed().and_then(|()| self.import_certificates(command).map(|()| Answer::Done)))
            }
            "/system/device-mode/update" if self.menu("/system/device-mode").is_some() => {
                Some(allowed().and_then(|()| self.update_device_mode(command).map(|()| Answer::Done)))
            }
            "/import" => {
                Some(allowed().and_then(|()| self.run_special_command(login, "/import", command, Wanted::Success)))
            }
            _ => None,
        }
    }

    /// `/ip/hotspot/active/login`.
    pub(crate) fn active_login(&mut self, command: &Command) -> Result<(), Trap> {
        const ARGUMENTS: [&str; 5] = ["user", "password", "ip", "mac-address", "domain"];
        if let Some((name, _)) = command.attributes.iter().find(|(name, _)| !ARGUMENTS.contains(&name.as_str())) {
            return Err(Trap::unknown_parameter(name));
        }
        if self.device_mode_blocks("/ip/hotspot") {
            return Err(Trap::device_mode());
        }
        let user = command.text("user").ok_or_else(|| Trap::missing("user"))?;
        let ip = command.text("ip").ok_or_else(|| Trap::missing("ip"))?;
        let ip: std::net::Ipv4Addr = ip.parse().map_err(|_| Trap::invalid_value("ip"))?;
        let mac = command.text("mac-address").filter(|text| !text.is_empty());
        let mac = mac
            .map(|text| {
                value::parse_mac(&text).ok_or_else(|| Trap::new("invalid value of mac-address, mac address required"))
            })
            .transpose()?;
        let host = self.hotspot.hosts.at(ip).next();
        let host_mac = host.map(|host| host.mac.clone()).ok_or_else(|| Trap::new(format!("unknown host IP {ip}")))?;
        if mac.is_some_and(|mac| mac != host_mac) {
            return Err(Trap::new("wrong MAC provided"));
        }
        let password = command.text("password").unwrap_or_default();
        let attempt = Attempt { user: &user, password: Some(&password), mac: &host_mac, ip, by: LoginBy::Api };
        self.log_in(&attempt).map_err(Trap::new)
    }

    /// `remove` on rows the router makes: sessions, hosts, cookies.
    pub(crate) fn remove_listed(&mut self, menu: &Menu, command: &Command) -> Result<(), Trap> {
        for selector in command.selectors().ok_or_else(|| Trap::missing("numbers"))? {
            let id = selector.strip_prefix('*').and_then(|hex| u32::from_str_radix(hex, 16).ok());
            let id = id.ok_or_else(|| self.no_such_item())?;
            let found = match menu.path {
                "/ip/hotspot/active" => {
                    let ip = std::net::Ipv4Addr::from_bits(id);
                    let live = self.hotspot.session_at(ip).is_some();
                    self.end_session(ip, Cause::AdminReset);
                    live
                }
                "/ip/hotspot/host" => self.remove_host(id),
                _ => self.drop_cookies(|cookie| cookie.id == id),
            };
            if !found {
                return Err(self.no_such_item());
            }
        }
        Ok(())
    }

    /// `/ip/hotspot/host/make-binding`: a binding for the host's addresses.
    pub(crate) fn make_binding(&mut self, command: &Command) -> Result<(), Trap> {
        let selector = command.text(".id").or_else(|| command.text("numbers")).unwrap_or_default();
        let host = self.hotspot.hosts.iter().find(|host| format!("*{:X}", host.id) == selector);
        let host = host.cloned().ok_or_else(|| self.no_such_item())?;
        let menu = self.menu("/ip/hotspot/ip-binding").ok_or_else(Trap::no_such_command)?;
        let mut add = Command { path: "/ip/hotspot/ip-binding/add".into(), ..Command::default() };
        add.attributes.push(("mac-address".into(), host.mac.into_bytes()));
        add.attributes.push(("address".into(), host.ip.to_string().into_bytes()));
        for name in ["type", "comment"] {
            add.attributes.extend(command.get(name).map(|value| (name.to_owned(), value.to_vec())));
        }
        self.add_row(menu, &add).map(drop)
    }

    /// Devices that are on the air talk to a hotspot that has come up.
    pub(crate) fn wake_devices(&mut self) {
        if self.hotspot_server().is_none() {
            let hosts: Vec<u32> = self.hotspot.hosts.iter().map(|host| host.id).collect();
            for id in hosts {
                self.remove_host(id);
            }
            return;
        }
        let devices = self.hotspot.devices.iter();
        let unknown = devices.filter(|(mac, device)| self.hotspot.host(mac, device.ip).is_none());
        let waiting: Vec<_> = unknown.map(|(mac, device)| (mac.clone(), device.ip)).collect();
        for (mac, ip) in waiting {
            self.expect_packet(&mac, ip);
        }
    }
}
