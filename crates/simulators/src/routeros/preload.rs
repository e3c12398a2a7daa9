//! What is on the router when it is switched on for the first time.

use std::net::Ipv4Addr;

use super::{options::ServerProfile, router::Router, schema, table::Row};

/// Stock policies of the three stock groups.
const FULL: &str =
    "local,telnet,ssh,ftp,reboot,read,write,policy,test,winbox,password,web,sniff,sensitive,api,romon,rest-api";
const WRITE: &str = "local,telnet,ssh,reboot,read,write,test,winbox,password,web,sniff,sensitive,api,romon,rest-api";
const READ: &str = "local,telnet,ssh,reboot,read,test,winbox,password,web,sniff,sensitive,api,romon,rest-api";

/// The login page a router has before anybody put another one there.
const STOCK_LOGIN_HTML: &str = "<!doctype html>\n<html><head><title>internet hotspot &gt; login</title></head><body>\n\
    $(if error)<p>$(error)</p>$(endif)\n\
    <form action=\"$(link-login-only)\" method=\"post\">\n\
    <input type=\"hidden\" name=\"dst\" value=\"$(link-orig)\"><input type=\"hidden\" name=\"popup\" value=\"true\">\n\
    <label>login <input name=\"username\"></label> <label>password <input name=\"password\" type=\"password\"></label>\n\
    <button>OK</button></form></body></html>\n";

/// The page that sends a device which is not logged in to the login page; the router's own, shortened.
const STOCK_RLOGIN_HTML: &str = "$(if http-status == 302)Hotspot login required$(endif)\n\
    $(if http-header == \"Location\")$(link-redirect)$(endif)\n\
    <html><head><meta http-equiv=\"refresh\" content=\"0; url=$(link-redirect)\"></head><body></body></html>\n";

/// The pages a hotspot's directory has, by the names of the manual; those a device never sees here are shortened.
pub(super) const STOCK_PAGES: [(&str, &str); 9] = [
    ("login.html", STOCK_LOGIN_HTML),
    ("rlogin.html", STOCK_RLOGIN_HTML),
    (
        "alogin.html",
        "<html><head><meta http-equiv=\"refresh\" content=\"2; url=$(link-redirect)\"></head><body>You are logged in</body></html>\n",
    ),
    (
        "redirect.html",
        "<html><head><meta http-equiv=\"refresh\" content=\"0; url=$(link-redirect)\"></head><body></body></html>\n",
    ),
    ("status.html", "<html><body>Welcome $(username)! <a href=\"$(link-logout)\">log off</a></body></html>\n"),
    ("logout.html", "<html><body>You have just logged out</body></html>\n"),
    ("error.html", "<html><body>Hotspot ERROR: $(error)</body></html>\n"),
    ("errors.txt", "# This file contains error messages which are shown to user\n"),
    ("api.json", "{ \"captive\": $(if logged-in == 'yes')false$(else)true$(endif) }\n"),
];

/// Fills the tables of a new router.
pub(super) fn fill(router: &mut Router) {
    system(router);
    network(router);
    accounts(router);
    if router.options.hotspot {
        hotspot(router);
    }
    if router.options.default_firewall {
        firewall(router);
    }
    if router.options.flash_folder {
        add(router, "/file", row(&[("name", "flash"), ("type", "disk")]));
    }
    if router.options.tls.is_some() && router.options.api_certificate {
        // A router without a certificate is what is left when none can be made.
        if let Err(error) = router.reissue_api_certificate() {
            tracing::warn!(error, "no certificate for api-ssl");
        }
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
    packages(router);
}

/// The packages of the release that is installed.
pub(super) fn packages(router: &mut Router) {
    router.table("/system/package").rows.clear();
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
    for name in ["ether1", "ether2"] {
        add(
            router,
            "/interface/ethernet",
            row(&[("name", name), ("default-name", name), ("mac-address", "48:A9:8A:00:00:01")]),
        );
    }
    add(router, "/interface/bridge", row(&[("name", "bridge-hotspot")]));
    add(router, "/interface/bridge/port", row(&[("interface", "ether2"), ("bridge", "bridge-hotspot")]));
    for name in ["all", "none", "dynamic", "static"] {
        let mut list = row(&[("name", name)]);
        list.builtin = true;
        add(router, "/interface/list", list);
    }
    for (list, interface) in [("WAN", "ether1"), ("LAN", "bridge-hotspot")] {
        add(router, "/interface/list", row(&[("name", list)]));
        add(router, "/interface/list/member", row(&[("list", list), ("interface", interface)]));
    }
    let base = router.options.network.to_bits();
    let at = |offset: u32| Ipv4Addr::from_bits(base.saturating_add(offset)).to_string();
    let address = format!("{}/24", at(1));
    let ranges = format!("{}-{}", at(10), at(254));
    add(router, "/ip/address", row(&[("address", &address), ("network", &at(0)), ("interface", "bridge-hotspot")]));
    add(router, "/ip/pool", row(&[("name", "hs-pool-1"), ("ranges", &ranges)]));
    let (network, gateway) = (format!("{}/24", at(0)), at(1));
    add(
        router,
        "/ip/dhcp-server",
        row(&[("name", "dhcp1"), ("interface", "bridge-hotspot"), ("address-pool", "hs-pool-1"), ("lease-time", "1h")]),
    );
    add(
        router,
        "/ip/dhcp-server/network",
        row(&[("address", &network), ("gateway", &gateway), ("dns-server", &gateway)]),
    );
    add(router, "/ip/dhcp-client", row(&[("interface", "ether1"), ("address", "192.0.2.10/24")]));
    add(router, "/ip/route", row(&[("dst-address", "0.0.0.0/0"), ("gateway", "192.0.2.1")]));
    add(router, "/system/routerboard", row(&[]));
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

/// MikroTik's default firewall of a home router, in its order and with its comments.
fn firewall(router: &mut Router) {
    const FILTER: [&[(&str, &str)]; 10] = [
        &[
            ("chain", "input"),
            ("action", "accept"),
            ("connection-state", "established,related,untracked"),
            ("comment", "defconf: accept established,related,untracked"),
        ],
        &[
            ("chain", "input"),
            ("action", "drop"),
            ("connection-state", "invalid"),
            ("comment", "defconf: drop invalid"),
        ],
        &[("chain", "input"), ("action", "accept"), ("protocol", "icmp"), ("comment", "defconf: accept ICMP")],
        &[
            ("chain", "input"),
            ("action", "drop"),
            ("in-interface-list", "!LAN"),
            ("comment", "defconf: drop all not coming from LAN"),
        ],
        &[
            ("chain", "forward"),
            ("action", "accept"),
            ("ipsec-policy", "in,ipsec"),
            ("comment", "defconf: accept in ipsec policy"),
        ],
        &[
            ("chain", "forward"),
            ("action", "accept"),
            ("ipsec-policy", "out,ipsec"),
            ("comment", "defconf: accept out ipsec policy"),
        ],
        &[
            ("chain", "forward"),
            ("action", "fasttrack-connection"),
            ("connection-state", "established,related"),
            ("hw-offload", "true"),
            ("comment", "defconf: fasttrack"),
        ],
        &[
            ("chain", "forward"),
            ("action", "accept"),
            ("connection-state", "established,related,untracked"),
            ("comment", "defconf: accept established,related, untracked"),
        ],
        &[
            ("chain", "forward"),
            ("action", "drop"),
            ("connection-state", "invalid"),
            ("comment", "defconf: drop invalid"),
        ],
        &[
            ("chain", "forward"),
            ("action", "drop"),
            ("connection-state", "new"),
            ("connection-nat-state", "!dstnat"),
            ("in-interface-list", "WAN"),
            ("comment", "defconf: drop all from WAN not DSTNATed"),
        ],
    ];
    for values in FILTER {
        add(router, "/ip/firewall/filter", row(values));
    }
    add(
        router,
        "/ip/firewall/nat",
        row(&[
            ("chain", "srcnat"),
            ("action", "masquerade"),
            ("out-interface-list", "WAN"),
            ("ipsec-policy", "out,none"),
            ("comment", "defconf: masquerade"),
        ]),
    );
}

fn hotspot(router: &mut Router) {
    let directory = if router.options.flash_folder { "flash/hotspot" } else { "hotspot" };
    let mut builtin = row(&[("name", "default"), ("html-directory", directory)]);
    builtin.builtin = true;
    add(router, "/ip/hotspot/profile", builtin);
    if router.options.server_profile != ServerProfile::Absent {
        server(router, directory);
    }
    let mut builtin = row(&[("name", "default")]);
    builtin.builtin = true;
    add(router, "/ip/hotspot/user/profile", builtin);
    // Row 0 exists on every router and belongs to nobody.
    let mut trial = row(&[("name", "default-trial"), ("comment", "counters and limits for trial users")]);
    trial.builtin = true;
    add(router, "/ip/hotspot/user", trial);
    router.table("/ip/hotspot/user").number_from_zero();
    if router.options.server_profile != ServerProfile::Absent {
        router.stock_pages();
    }
    if let Some(page) = router.options.login_html.clone() {
        router.put_file(&format!("{directory}/login.html"), &page);
    }
}

/// The hotspot server on the network of devices.
fn server(router: &mut Router, directory: &str) {
    let ready = router.options.server_profile == ServerProfile::Ready;
    let login_by = if ready { "mac,cookie,http-pap" } else { "cookie,http-chap" };
    let address = Ipv4Addr::from_bits(router.options.network.to_bits().saturating_add(1)).to_string();
    let profile = [
        ("name", "hsprof1"),
        ("hotspot-address", address.as_str()),
        ("login-by", login_by),
        ("html-directory", directory),
    ];
    add(router, "/ip/hotspot/profile", row(&profile));
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
}
