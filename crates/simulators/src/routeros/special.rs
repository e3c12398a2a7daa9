//! Commands that are no verb of a stored menu: hotspot logins, reboot, scripts, fetch, import.

use super::{
    account::Login,
    dispatch::Answer,
    hotspot::{Attempt, Cause, LoginBy},
    router::Router,
    schema::Menu,
    sentence::Command,
    table::Row,
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
            "/execute" => Some(allowed().and_then(|()| self.execute(command))),
            "/tool/fetch" => Some(allowed().and_then(|()| self.fetch(command))),
            "/import" => Some(allowed().and_then(|()| self.import(command))),
            _ => None,
        }
    }

    /// Scripts are taken but not run: a job id, or with `as-string` an empty output.
    fn execute(&mut self, command: &Command) -> Result<Answer, Trap> {
        command.get("script").ok_or_else(|| Trap::missing("script"))?;
        self.jobs = self.jobs.saturating_add(1);
        let job = format!("*{:X}", self.jobs);
        Ok(Answer::Ret(if command.has("as-string") { Vec::new() } else { job.into_bytes() }))
    }

    /// The simulator reaches nothing: it says so, as a router without a route does.
    fn fetch(&mut self, command: &Command) -> Result<Answer, Trap> {
        command.get("url").ok_or_else(|| Trap::missing("url"))?;
        if self.device_mode_blocks("/tool/fetch") {
            return Err(Trap::device_mode());
        }
        Err(Trap::new("failure: connection failed"))
    }

    /// An import checks that the file is there; its commands are not run.
    fn import(&mut self, command: &Command) -> Result<Answer, Trap> {
        let name = command.text("file-name").ok_or_else(|| Trap::missing("file-name"))?;
        self.named("/file", &name).map(|_| Answer::Done).ok_or_else(|| Trap::new("failure: no such file"))
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
        let host = self.hotspot.hosts.iter().find(|host| host.ip == ip);
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

    /// Puts the stock login page back.
    pub(crate) fn reset_html(&mut self) -> Result<(), Trap> {
        let page = super::preload::STOCK_LOGIN_HTML;
        self.put_file("hotspot/login.html", page);
        Ok(())
    }

    /// Writes a file, in place of one of that name.
    pub(crate) fn put_file(&mut self, name: &str, contents: &str) {
        let Some(menu) = super::schema::menu("/file", self.options.ros) else { return };
        let old = self.named("/file", name).map(|row| row.id);
        if let Some(id) = old {
            self.delete("/file", id);
        }
        let mut row = Row::default();
        row.set("name", name);
        row.set("size", contents.len().to_string());
        row.set("contents", contents);
        self.insert(menu, row);
    }

    /// `/certificate/sign`: the certificate gets a fingerprint, derived from its name.
    pub(crate) fn sign_certificate(&mut self, menu: &'static Menu, command: &Command) -> Result<(), Trap> {
        use sha2::{Digest, Sha256};
        for id in self.selected(menu, command)? {
            if let Some(row) = self.table(menu.path).find_mut(id) {
                let fingerprint = hex::encode(Sha256::digest(row.text("name")));
                row.set("fingerprint", fingerprint);
            }
        }
        Ok(())
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
