//! What setting up a router touches: certificates, services, tunnels, firewall, pages, modes and upgrades.

use simulators::routeros::{DeviceMode, Options, Reboot, RosVersion, ScriptDelays, Sim};

use crate::support::{Api, MAC, router, secs, tls_certificate_sha256, value};

async fn prints(sim: &Sim, text: &str) -> String {
    let seen = sim.paste(text).await;
    assert_eq!(seen.error(), None, "{text}\n{}", seen.screen());
    seen.output()
}

#[tokio::test]
async fn the_encrypted_api_shows_the_certificate_the_table_shows() {
    let sim = Sim::start(Options::out_of_the_box()).await.unwrap();
    assert_eq!(sim.certificate_sha256(), None);
    let text = "/certificate add name=own common-name=own key-usage=digital-signature,key-cert-sign,tls-server days-valid=3650\n\
                :put [:len [/certificate get own fingerprint]]\n\
                /certificate sign own\n\
                /ip service set api-ssl certificate=own\n\
                :put [/certificate get [find name=own] fingerprint]\n";
    let out = prints(&sim, text).await;
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "0");
    assert_eq!(tls_certificate_sha256(&sim).await, lines[1]);
    assert_eq!(sim.certificate_sha256().as_deref(), Some(lines[1]));
    // Another one signed by it.
    let text = "/certificate add name=leaf common-name=leaf key-usage=tls-server\n/certificate sign leaf ca=own\n\
                /ip service set api-ssl certificate=leaf\n:put [/certificate get leaf fingerprint]";
    let leaf = prints(&sim, text).await;
    assert_eq!(tls_certificate_sha256(&sim).await, leaf.trim());
    for (text, expected) in [
        ("/certificate sign leaf", "failure: already signed"),
        ("/certificate add name=x; /certificate sign x", "failure: common name must be set"),
        ("/ip service set api-ssl certificate=nosuch", "input does not match any value of certificate"),
    ] {
        assert_eq!(sim.paste(text).await.error(), Some(expected));
    }
}

#[tokio::test]
async fn a_least_account_may_what_it_needs_and_nothing_else() {
    let sim = router().await;
    let text = "/user group add name=bando policy=read,write,api,test\n\
                /user add name=bando group=bando password=secret address=127.0.0.0/8\n";
    prints(&sim, text).await;
    let mut api = Api::login_as(&sim, "bando", "secret").await;
    api.add(&["/ip/hotspot/user/add", "=name=a"]).await;
    assert_eq!(api.refused(&["/user/add", "=name=x", "=group=full"]).await, "not enough permissions (9)");
    assert_eq!(sim.paste_as("bando", ":put 1").await.error(), Some("invalid user name or password (6)"));
    assert_eq!(
        sim.paste("/user group add name=odd policy=read,fly").await.error(),
        Some("input does not match any value of policy")
    );
    prints(&sim, "/user set bando address=10.0.0.1").await;
    let mut outside = Api::open(&sim).await;
    let refused = outside.refused(&["/login", "=name=bando", "=password=secret"]).await;
    assert_eq!(refused, "invalid user name or password (6)");
}

#[tokio::test]
async fn rules_are_placed_before_fasttrack_and_moved() {
    let sim = Sim::start(Options::out_of_the_box()).await.unwrap();
    let text = "{ :local fast [:pick [/ip firewall filter find where action=fasttrack-connection] 0]\n\
                /ip firewall filter add chain=forward action=accept comment=ours place-before=$fast\n\
                /ip firewall filter add chain=forward action=accept comment=late\n\
                /ip firewall filter move [find comment=late] destination=$fast }\n";
    prints(&sim, text).await;
    let rows = sim.rows("/ip/firewall/filter").unwrap();
    let order: Vec<&str> = rows.iter().map(|row| value(row, "comment")).collect();
    let at = |comment: &str| order.iter().position(|held| *held == comment).unwrap();
    assert!(at("ours") < at("late") && at("late") < at("defconf: fasttrack"), "{order:?}");
    assert_eq!(
        sim.paste("/ip firewall filter add chain=forward action=fly").await.error(),
        Some("input does not match any value of action")
    );
}

#[tokio::test]
async fn a_hotspot_is_made_from_nothing() {
    let sim = Sim::start(Options::out_of_the_box()).await.unwrap();
    sim.join(MAC).unwrap();
    assert!(sim.hosts().is_empty());
    assert_eq!(sim.file("hotspot/login.html"), None);
    let text = "/ip hotspot profile add name=bando hotspot-address=10.5.50.1 html-directory=hotspot login-by=mac,http-pap,cookie\n\
                /ip hotspot add name=bando interface=bridge-hotspot address-pool=hs-pool-1 profile=bando disabled=no\n\
                /ip hotspot walled-garden ip add action=accept dst-address=192.0.2.7 comment=\"bando:portal\"\n\
                /ip hotspot walled-garden add dst-host=portal.example comment=\"bando:portal\"\n\
                /ip dns set allow-remote-requests=yes\n";
    prints(&sim, text).await;
    sim.advance(secs(1));
    assert_eq!(sim.hosts().len(), 1);
    assert!(sim.walled_garden_allows("192.0.2.7", 443));
    assert!(String::from_utf8(sim.file("hotspot/login.html").unwrap()).unwrap().contains("$(link-login-only)"));
    prints(&sim, "/file set [find name=\"hotspot/login.html\"] contents=mine\n/ip hotspot reset-html [find]").await;
    assert_ne!(sim.file("hotspot/login.html").unwrap(), b"mine");
}

#[tokio::test]
async fn tunnels_interfaces_and_addresses_belong_together() {
    let sim = router().await;
    let key = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDU=";
    let text = format!(
        "/interface wireguard add name=bando\n\
         /interface wireguard peers add interface=bando public-key=\"{key}\" endpoint-address=vpn.example endpoint-port=51820 \
         allowed-address=10.66.0.1/32 persistent-keepalive=25s\n\
         /ip address add interface=bando address=10.66.0.2/32 network=10.66.0.1\n\
         :put [:len [/interface wireguard get bando public-key]]\n\
         :put [/interface get bando type]"
    );
    assert_eq!(prints(&sim, &text).await, "44\nwg\n");
    for (text, expected) in [
        ("/interface wireguard peers add interface=bando public-key=short", "failure: invalid key"),
        ("/interface wireguard peers add interface=none public-key=x", "input does not match any value of interface"),
        ("/ip address add address=10.0.0.1/24 interface=nosuch", "input does not match any value of interface"),
    ] {
        assert_eq!(sim.paste(text).await.error(), Some(expected));
    }
    let old = Sim::start(Options { ros: RosVersion::V6_49, ..Options::default() }).await.unwrap();
    let seen = old.paste("/interface wireguard print").await;
    assert_eq!(seen.error(), Some("bad command name wireguard (line 1 column 12)"));
}

#[tokio::test]
async fn each_release_reads_and_prints_as_it_does() {
    for ros in RosVersion::ALL {
        let sim = Sim::start(Options { ros, ..Options::default() }).await.unwrap();
        assert_eq!(RosVersion::parse(ros.text().rsplit_once('.').unwrap().0), Some(ros));
        let date = prints(&sim, ":put [/system clock get date]").await;
        let iso = ros >= RosVersion::V7_10;
        assert_eq!(date.trim(), if iso { "2026-11-22" } else { "nov/22/2026" }, "{ros:?}");
        assert_eq!(sim.paste(":put [:timestamp]").await.error().is_none(), iso, "{ros:?}");
        let convert = sim.paste(":put [:convert to=hex \"a\"]").await;
        assert_eq!(convert.error().is_none(), ros >= RosVersion::V7_16, "{ros:?}");
        let text = if ros.is_v7() {
            "/system ntp client set enabled=yes servers=pool.ntp.org"
        } else {
            "/system ntp client set enabled=yes primary-ntp=10.0.0.1 server-dns-names=pool.ntp.org"
        };
        prints(&sim, text).await;
        let directory = sim.paste("/file add name=d type=directory").await;
        assert_eq!(directory.error().is_none(), ros >= RosVersion::V7_16, "{ros:?}");
        let gone = sim.paste("/ip hotspot user remove *FF").await;
        assert_eq!(gone.error(), Some(if ros.is_v7() { "no such item" } else { "no such item (4)" }));
    }
}

#[tokio::test]
async fn the_hotspot_package_may_be_gone_after_an_upgrade() {
    let sim = Sim::start(Options { ros: RosVersion::V7_18, ..Options::default() }).await.unwrap();
    sim.join(MAC).unwrap();
    sim.upgrade(RosVersion::V7_22, false);
    let mut api = Api::login(&sim).await;
    let small = Sim::start(Options { smips: true, ..Options::default() }).await.unwrap();
    assert!(small.rows("/ip/hotspot").is_err());
    let small = Sim::start(Options { smips: true, ros: RosVersion::V7_18, ..Options::default() }).await.unwrap();
    assert!(small.rows("/ip/hotspot").is_ok());
    assert_eq!(value(&small.rows("/system/resource").unwrap()[0], "architecture-name"), "smips");
    assert!(api.refused(&["/ip/hotspot/user/print"]).await.starts_with("no such command"));
    assert_eq!(sim.paste("/ip hotspot print").await.error(), Some("bad command name hotspot (line 1 column 5)"));
    assert_eq!(sim.state().version, "7.22.1 (stable)");
    // Its rows are still there when the package is installed again.
    sim.upgrade(RosVersion::V7_22, true);
    assert_eq!(prints(&sim, ":put [:len [/ip hotspot find]]").await, "1\n");
}

#[tokio::test]
async fn device_mode_opens_when_the_plug_is_pulled() {
    let sim = Sim::start(Options { device_mode: DeviceMode::Home, ..Options::default() }).await.unwrap();
    prints(&sim, "/system device-mode update mode=advanced").await;
    sim.reboot(Reboot::Clean);
    assert_eq!(prints(&sim, ":put [/system device-mode get hotspot]").await, "false\n");
    prints(&sim, "/system device-mode update hotspot=yes").await;
    sim.reboot(Reboot::PowerCut);
    assert_eq!(prints(&sim, ":put [/system device-mode get hotspot]").await, "true\n");
}

#[tokio::test]
async fn files_have_limits() {
    let sim =
        Sim::start(Options { flash_bytes: Some(100_000), flash_folder: true, ..Options::default() }).await.unwrap();
    let mut api = Api::login(&sim).await;
    let long = format!("=contents={}", "x".repeat(61_441));
    assert_eq!(api.refused(&["/file/add", "=name=a.txt", &long]).await, "failure: contents too long");
    api.add(&["/file/add", "=name=a.txt", "=contents=abc"]).await;
    assert_eq!(
        api.rows(&["/file/print", "?name=a.txt", "=.proplist=type,size"]).await,
        [["=type=.txt file", "=size=3"]]
    );
    let free = prints(&sim, ":put [/system resource get free-hdd-space]").await;
    assert!(free.trim().parse::<usize>().unwrap() < 100_000);
    assert!(sim.file("flash/hotspot/login.html").is_some());
    sim.reboot(Reboot::Clean);
    assert_eq!(sim.file("a.txt"), None, "outside flash/ files lie in memory");
    assert!(sim.file("flash/hotspot/login.html").is_some());
}

#[tokio::test]
async fn delays_take_virtual_time_where_they_are_told_to() {
    let sim = Sim::start(Options { script_delays: ScriptDelays::Wait, ..Options::default() }).await.unwrap();
    let mut api = Api::login(&sim).await;
    api.add(&["/system/script/add", "=name=s", "=source=:delay 30s; :log info woke"]).await;
    api.say(&["/system/script/run", "=.id=s", ".tag=s"]).await;
    while sim.running_scripts().is_empty() {
        tokio::task::yield_now().await;
    }
    sim.advance(secs(29));
    assert_eq!(sim.running_scripts(), ["s"]);
    sim.advance(secs(1));
    assert_eq!(api.hear().await.unwrap(), ["!done", ".tag=s"]);
    assert!(sim.rows("/log").unwrap().iter().any(|row| value(row, "message") == "woke"));
}

#[tokio::test]
async fn exports_can_be_read_back() {
    let sim = router().await;
    prints(&sim, "/ip hotspot user add name=\"a b\" comment=\"quo\\\"te \\$x\" limit-uptime=1h").await;
    let text = prints(&sim, "/ip hotspot user export").await;
    assert!(text.contains("add name=\"a b\" limit-uptime=1h comment=\"quo\\\"te \\$x\""), "{text}");
    let other = router().await;
    prints(&other, &text).await;
    assert_eq!(value(&other.users()[1], "comment"), "quo\"te $x");
}
