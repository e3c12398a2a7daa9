//! Reboots, power cuts, the clock, and the expiry script that runs without us.

use std::{io::ErrorKind, net::Ipv4Addr};

use simulators::routeros::{ClientState, Options, Reboot, RosVersion, Sim, Unconfirmed};
use tokio::net::TcpStream;

use crate::support::{Api, MAC, router, secs, value};

/// The script the product installs.
const REAPER: &str = include_str!("../../../../hotspot/bando-reap.rsc");
const IP: Ipv4Addr = Ipv4Addr::new(10, 5, 50, 23);

async fn online(sim: &Sim) -> Api {
    let mut api = Api::login(sim).await;
    api.add(&["/ip/hotspot/user/add", &format!("=name={MAC}"), "=limit-uptime=1h"]).await;
    sim.join_at(MAC, IP).unwrap();
    sim.advance(secs(600));
    api
}

#[tokio::test]
async fn a_power_cut_forgets_what_a_clean_reboot_keeps() {
    for (kind, kept, uptime) in
        [(Reboot::PowerCut, true, "0s"), (Reboot::Clean, true, "10m"), (Reboot::Clean, false, "0s")]
    {
        let unconfirmed = Unconfirmed { clean_reboot_keeps_counters: kept, ..Unconfirmed::default() };
        let sim = Sim::start(Options { unconfirmed, ..Options::default() }).await.unwrap();
        let mut api = online(&sim).await;
        api.add(&["/ip/firewall/address-list/add", "=list=l", "=address=10.0.0.1", "=timeout=1d"]).await;
        api.add(&["/ip/firewall/address-list/add", "=list=l", "=address=10.0.0.2"]).await;
        sim.reboot(kind);
        assert!(api.hear().await.is_err(), "connections break");
        assert!(sim.active().is_empty() && sim.hosts().is_empty());
        assert_eq!(sim.rows("/ip/firewall/address-list").unwrap().len(), 1);
        let users = sim.users();
        assert_eq!(value(&users[1], "uptime"), uptime, "{kind:?} {kept}");
        // The device talks again, and its MAC logs it in.
        sim.advance(secs(1));
        assert_eq!(sim.client(MAC).unwrap().state, ClientState::Online);
        let resource = sim.rows("/system/resource").unwrap();
        assert_eq!(value(&resource[0], "uptime"), "1s");
    }
}

#[tokio::test]
async fn the_api_refuses_while_the_router_boots_and_keeps_its_port() {
    let sim = router().await;
    let addr = sim.addr();
    let mut api = Api::login(&sim).await;
    sim.reboot_for(Reboot::PowerCut, 30);
    assert!(api.hear().await.is_err());
    // The listener goes in a task of its own: what counts is that it does go.
    let refused = loop {
        match TcpStream::connect(addr).await {
            Ok(_) => tokio::task::yield_now().await,
            Err(error) => break error.kind(),
        }
    };
    assert_eq!(refused, ErrorKind::ConnectionRefused);
    sim.advance(secs(29));
    assert!(TcpStream::connect(addr).await.is_err());
    sim.advance(secs(1));
    while TcpStream::connect(addr).await.is_err() {
        tokio::task::yield_now().await;
    }
    Api::login(&sim).await;
}

#[tokio::test]
async fn reboot_by_command() {
    let sim = router().await;
    let mut api = online(&sim).await;
    assert_eq!(api.ask(&["/system/reboot"]).await, [["!done"]]);
    assert!(api.hear().await.is_err());
    assert_eq!(value(&sim.users()[1], "uptime"), "10m");
}

#[tokio::test]
async fn it_is_1970_until_the_network_tells_the_time() {
    let sim = Sim::start(Options { ntp_after_secs: Some(20), ..Options::default() }).await.unwrap();
    assert_eq!(value(&sim.rows("/system/clock").unwrap()[0], "date"), "2026-11-22");
    sim.reboot(Reboot::Clean);
    sim.advance(secs(19));
    assert_eq!(value(&sim.rows("/system/clock").unwrap()[0], "date"), "1970-01-01");
    sim.advance(secs(1));
    assert_eq!(value(&sim.rows("/system/clock").unwrap()[0], "date"), "2026-11-22");
}

#[tokio::test]
async fn cookies_outlive_a_reboot_unless_told_otherwise() {
    for survive in [true, false] {
        let unconfirmed = Unconfirmed { cookies_survive_reboot: survive, ..Unconfirmed::default() };
        let sim = Sim::start(Options { unconfirmed, ..Options::default() }).await.unwrap();
        let mut api = Api::login(&sim).await;
        api.add(&["/ip/hotspot/user/add", "=name=v", "=password=x"]).await;
        sim.join_at(MAC, IP).unwrap();
        sim.browser_login(MAC, "v", "x").unwrap();
        sim.reboot(Reboot::PowerCut);
        assert_eq!(sim.rows("/ip/hotspot/cookie").unwrap().len(), usize::from(survive));
    }
}

async fn with_reaper(ros: RosVersion) -> (Sim, Api) {
    let sim = Sim::start(Options { ros, ..Options::default() }).await.unwrap();
    let mut api = Api::login(&sim).await;
    api.add(&["/system/script/add", "=name=bando-reap", &format!("=source={REAPER}")]).await;
    let scheduler =
        ["/system/scheduler/add", "=name=bando-reap", "=interval=1m", "=start-time=startup", "=on-event=bando-reap"];
    api.add(&scheduler).await;
    let expiry = sim.state().true_epoch_secs + 90;
    for (name, comment) in [
        (MAC, format!("bando1;g=1;e={expiry}")),
        ("guest", format!("mine;e={expiry}")),
        ("far", "bando1;g=2;e=1999999999".into()),
    ] {
        api.add(&["/ip/hotspot/user/add", &format!("=name={name}"), &format!("=comment={comment}")]).await;
    }
    sim.join_at(MAC, IP).unwrap();
    (sim, api)
}

fn names(sim: &Sim) -> Vec<String> {
    sim.users().iter().map(|row| value(row, "name").to_owned()).collect()
}

#[tokio::test]
async fn the_reaper_removes_what_is_ours_and_expired() {
    let (sim, _api) = with_reaper(RosVersion::V7_22).await;
    sim.advance(secs(119));
    assert_eq!(sim.client(MAC).unwrap().state, ClientState::Online);
    sim.advance(secs(1));
    assert_eq!(names(&sim), ["default-trial", "guest", "far"]);
    assert_eq!(sim.client(MAC).unwrap().state, ClientState::Portal);
    sim.advance(secs(60));
    assert_eq!(sim.client(MAC).unwrap().state, ClientState::Portal);
    assert_eq!(value(&sim.rows("/system/scheduler").unwrap()[0], "run-count"), "3");
}

#[tokio::test]
async fn the_reaper_trusts_no_implausible_clock_and_needs_its_release() {
    let (sim, _api) = with_reaper(RosVersion::V7_22).await;
    sim.reboot(Reboot::PowerCut);
    sim.advance(secs(3600));
    assert_eq!(names(&sim).len(), 4, "in 1970 nothing has expired");
    sim.ntp();
    sim.advance(secs(60));
    assert_eq!(names(&sim).len(), 3);

    let (sim, _api) = with_reaper(RosVersion::V6_49).await;
    sim.advance(secs(3600));
    assert_eq!(names(&sim).len(), 4, "no timestamps on version 6");

    let (sim, mut api) = with_reaper(RosVersion::V7_16).await;
    api.does(&["/system/scheduler/disable", "=.id=bando-reap"]).await;
    sim.advance(secs(3600));
    assert_eq!(names(&sim).len(), 4, "switched off");
}
