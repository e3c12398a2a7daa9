//! What is on the router when it is switched on for the first time.

use std::net::Ipv4Addr;

use super::{options::ServerProfile, router::Router, schema, table::Row};

/// Stock policies of the three stock groups.
const FULL: &str =
    "local,telnet,ssh,ftp,reboot,read,write,policy,test,winbox,password,web,sniff,sensitive,api,romon,rest-api";
const WRITE: &str = "local,telnet,ssh,reboot,read,write,test,winbox,password,web,sniff,sensitive,api,romon,rest-api";
const READ: &str = "local,telnet,ssh,reboot,read,test,winbox,password,web,sniff,sensitive,api,romon,rest-api";

/// The login page a router has before anybody put another one there.
pub(super) const STOCK_LOGIN_HTML: &str = "<!doctype html>\n<html><head><title>internet hotspot &gt; login</title></head><body>\n\
    $(if error)<p>$(error)</p>$(endif)\n\
    <form action=\"$(link-login-only)\" method=\"post\">\n\
    <input type=\"hidden\" name=\"dst\" value=\"$(link-orig)\"><input type=\"hidden\" name=\"popup\" value=\"true\">\n\
    <label>login <input name=\"username\"></label> <label>password <input name=\"password\" type=\"password\"></label>\n\
    <button>OK</button></form></body></html>\n";

/// The page that sends a device which is not logged in to the login page; the router's own, shortened.
const STOCK_RLOGIN_HTML: &str = "$(if http-status == 302)Hotspot login required$(endif)\n\
    $(if http-header == \"Location\")$(link-redirect)$(endif)\n\
    <html><head><meta http-equiv=\"refresh\" content=\"0; url=$(link-redirect)\"></head><body></body></html>\n";

/// Fills the tables of a new router.
pub(super) fn fill(router: &mut Router) {
    system(router);
    network(router);
    accounts(router);
    if router.options.hotspot {
        hotspot(router);
    }
}

fn row(values: &[(&'static str, &str)]) -> Row {
    let mut row = Row::default();
    for (name, value) in values {
        row.set(name, *value);
    }
    row
}

fn add(router: &mut Router, path: &'static str, row: Row) {
    if let Some(menu) = schema::menu(path, router.options.ros) {
        router.insert(menu, row);
    }
}

fn system(router: &mut Router) {
    let identity = router.options.identity.clone();
    add(router, "/system/identity", row(&[("name", &identity)]));
    add(router, "/system/clock", row(&[("time-zone-name", "UTC")]));
    add(router, "/system/ntp/client", row(&[]));
    let version = router.options.ros.text().split(' ').next().unwrap_or_default().to_owned();
    let stock: &[&str] =
        if router.options.ros.is_v7() { &["routeros"] } else { &["system", "security", "dhcp", "ppp"] };
    // Up to 6.49 the hotspot is a package of its own everywhere.
    let hotspot = (router.options.hotspot && !router.options.ros.is_v7()).then_some("hotspot");
    for name in stock.iter().copied().chain(hotspot) {
        add(router, "/system/package", row(&[("name", name), ("version", &version)]));
    }
}

fn network(router: &mut Router) {
    for name in ["ether1", "ether2", "wlan1", "bridge-hotspot"] {
        let kind = if name == "bridge-hotspot" { "bridge" } else { name.trim_end_matches(char::is_numeric) };
        add(router, "/interface", row(&[("name", name), ("type", kind), ("mac-address", "48:A9:8A:00:00:01")]));
    }
    let base = router.options.network.to_bits();
    let at = |offset: u32| Ipv4Addr::from_bits(base.saturating_add(offset)).to_string();
    let address = format!("{}/24", at(1));
    let ranges = format!("{}-{}", at(10), at(254));
    add(router, "/ip/address", row(&[("address", &address), ("network", &at(0)), ("interface", "bridge-hotspot")]));
    add(router, "/ip/pool", row(&[("name", "hs-pool-1"), ("ranges", &ranges)]));
    add(router, "/ip/dns", row(&[("servers", "8.8.8.8")]));
    for (name, port) in [
        ("telnet", "23"),
        ("ftp", "21"),
        ("www", "80"),
        ("ssh", "22"),
        ("api", "8728"),
        ("winbox", "8291"),
        ("api-ssl", "8729"),
    ] {
        add(router, "/ip/service", row(&[("name", name), ("port", port)]));
    }
}

fn accounts(router: &mut Router) {
    for (name, policy) in [("read", READ), ("write", WRITE), ("full", FULL)] {
        add(router, "/user/group", row(&[("name", name), ("policy", policy)]));
    }
    for group in router.options.groups.clone() {
        add(router, "/user/group", row(&[("name", &group.name), ("policy", &group.policy)]));
    }
    for account in router.options.accounts.clone() {
        let values = [("name", account.name.as_str()), ("password", &account.password), ("group", &account.group)];
        add(router, "/user", row(&values));
    }
}

fn hotspot(router: &mut Router) {
    let ready = router.options.server_profile == ServerProfile::Ready;
    let login_by = if ready { "mac,cookie,http-pap" } else { "cookie,http-chap" };
    let address = Ipv4Addr::from_bits(router.options.network.to_bits().saturating_add(1)).to_string();
    let mut builtin = row(&[("name", "default")]);
    builtin.builtin = true;
    add(router, "/ip/hotspot/profile", builtin.clone());
    add(
        router,
        "/ip/hotspot/profile",
        row(&[("name", "hsprof1"), ("hotspot-address", &address), ("login-by", login_by)]),
    );
    let mut server = vec![
        ("name", "hotspot1"),
        ("interface", "bridge-hotspot"),
        ("address-pool", "hs-pool-1"),
        ("profile", "hsprof1"),
    ];
    if ready {
        server.push(("login-timeout", "5m"));
    }
    add(router, "/ip/hotspot", row(&server));
    add(router, "/ip/hotspot/user/profile", builtin);
    // Row 0 exists on every router and belongs to nobody.
    let mut trial = row(&[("name", "default-trial"), ("comment", "counters and limits for trial users")]);
    trial.builtin = true;
    add(router, "/ip/hotspot/user", trial);
    router.table("/ip/hotspot/user").number_from_zero();
    let page = router.options.login_html.clone().unwrap_or_else(|| STOCK_LOGIN_HTML.to_owned());
    for (name, contents) in [("hotspot/login.html", page.as_str()), ("hotspot/rlogin.html", STOCK_RLOGIN_HTML)] {
        let size = contents.len().to_string();
        add(router, "/file", row(&[("name", name), ("type", ".html file"), ("size", &size), ("contents", contents)]));
    }
}
