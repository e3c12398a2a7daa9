//! The product's script that ends paid time on the router, against clocks that are wrong.

use chrono::DateTime;
use simulators::routeros::{Options, Reboot, RosVersion, Sim};

use crate::support::{Api, MAC, secs, value};

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
const LATER: &str = "A4:CF:12:00:00:02";

/// A router with the script as it is installed, and two customers: one whose time ends in an hour, one far from it.
async fn installed() -> (Sim, Api) {
    installed_on(RosVersion::V7_22).await
}

async fn installed_on(ros: RosVersion) -> (Sim, Api) {
    let sim = Sim::start(Options { ros, ..Options::default() }).await.unwrap();
    let mut api = Api::login(&sim).await;
    let source = format!("=source={}", include_str!("../../../../hotspot/bando-reap.rsc"));
    api.add(&["/system/script/add", "=name=bando-reap", "=policy=read,write,test", &source]).await;
    let every_minute =
        ["=name=bando-reap", "=interval=1m", "=start-time=startup", "=on-event=bando-reap", "=policy=read,write,test"];
    api.add(&[&["/system/scheduler/add"], every_minute.as_slice()].concat()).await;
    let now = sim.state().true_epoch_secs;
    for (name, left) in [(MAC, HOUR), (LATER, 30 * DAY)] {
        let comment = format!("=comment=bando1;g=1;e={}", now + i64::try_from(left).unwrap());
        api.add(&["/ip/hotspot/user/add", &format!("=name={name}"), &comment]).await;
    }
    sim.advance(secs(60));
    (sim, api)
}

/// Somebody sets the clock so far from the truth.
async fn set_clock(sim: &Sim, api: &mut Api, off_secs: i64) {
    let at = DateTime::from_timestamp(sim.state().true_epoch_secs + off_secs, 0).unwrap();
    let (date, time) = (at.format("=date=%Y-%m-%d").to_string(), at.format("=time=%H:%M:%S").to_string());
    api.does(&["/system/clock/set", &date, &time]).await;
}

fn customers(sim: &Sim) -> Vec<String> {
    let names = sim.users().iter().map(|row| value(row, "name").to_owned()).collect::<Vec<_>>();
    names.into_iter().filter(|name| name != "default-trial").collect()
}

fn days(days: u64) -> i64 {
    i64::try_from(days * DAY).unwrap()
}

#[tokio::test]
async fn a_clock_that_is_put_forward_takes_nobody_off_until_it_is_right_again() {
    let (sim, mut api) = installed().await;
    // The time client says "synchronized" all the while, as it does until it asks again.
    set_clock(&sim, &mut api, days(60)).await;
    sim.advance(secs(2 * HOUR));
    assert_eq!(customers(&sim), [MAC, LATER]);
    let warnings = sim.rows("/log").unwrap();
    let told = warnings.iter().filter(|row| value(row, "message").starts_with("bando-reap: the clock")).count();
    assert_eq!(told, 1, "said once");
    sim.ntp();
    sim.advance(secs(60));
    assert_eq!(customers(&sim), [LATER], "whose time was over meanwhile, and nobody else");
    // A second time is told and waited for like the first.
    set_clock(&sim, &mut api, days(60)).await;
    sim.advance(secs(2 * HOUR));
    assert_eq!(customers(&sim), [LATER]);
}

#[tokio::test]
async fn every_release_that_can_tell_the_time_runs_it() {
    for ros in RosVersion::ALL.into_iter().filter(|ros| *ros >= RosVersion::V7_10) {
        let (sim, _api) = installed_on(ros).await;
        sim.advance(secs(HOUR - 61));
        assert_eq!(customers(&sim), [MAC, LATER], "{ros:?}");
        sim.advance(secs(61));
        assert_eq!(customers(&sim), [LATER], "{ros:?}");
        let failed = sim.rows("/log").unwrap().iter().any(|row| value(row, "topics").contains("error"));
        assert!(!failed, "{ros:?}");
    }
}

#[tokio::test]
async fn a_clock_that_stays_ahead_is_believed_after_a_day() {
    let (sim, mut api) = installed().await;
    set_clock(&sim, &mut api, days(1)).await;
    sim.advance(secs(DAY - 60));
    assert_eq!(customers(&sim), [MAC, LATER]);
    sim.advance(secs(180));
    assert_eq!(customers(&sim), [LATER]);
}

#[tokio::test]
async fn after_a_start_with_an_old_time_the_network_may_put_it_forward() {
    let (sim, _) = installed().await;
    sim.reboot(Reboot::PowerCut);
    sim.advance(secs(60));
    let mut api = Api::login(&sim).await;
    // Some boards start with the time they had when the power went (documented).
    set_clock(&sim, &mut api, -days(1)).await;
    sim.advance(secs(DAY - 120));
    assert_eq!(customers(&sim), [MAC, LATER], "by its clock the hour is not over");
    sim.ntp();
    sim.advance(secs(60));
    assert_eq!(customers(&sim), [LATER], "at once: the network says so, and nobody had vouched for the old time");
}

#[tokio::test]
async fn a_hand_may_not_put_forward_what_the_network_has_not_vouched_for() {
    let (sim, _) = installed().await;
    sim.reboot(Reboot::Clean);
    let mut api = Api::login(&sim).await;
    set_clock(&sim, &mut api, 0).await;
    sim.advance(secs(120));
    set_clock(&sim, &mut api, days(60)).await;
    sim.advance(secs(600));
    assert_eq!(customers(&sim), [MAC, LATER]);
    sim.ntp();
    sim.advance(secs(HOUR));
    assert_eq!(customers(&sim), [LATER]);
}

#[tokio::test]
async fn behind_it_is_late_and_its_return_is_no_jump() {
    let (sim, mut api) = installed().await;
    for off in [-days(1), -sim.state().true_epoch_secs] {
        set_clock(&sim, &mut api, off).await;
        sim.advance(secs(HOUR));
        assert_eq!(customers(&sim), [MAC, LATER]);
    }
    sim.ntp();
    sim.advance(secs(60));
    assert_eq!(customers(&sim), [LATER]);
}

#[tokio::test]
async fn small_corrections_and_strange_variables_stop_nothing() {
    let (sim, mut api) = installed().await;
    set_clock(&sim, &mut api, 90).await;
    let seen = sim.paste(":global bandoReapStart \"x\"; :global bandoReapKnown 7; :global bandoReapAway {1;2}").await;
    assert_eq!(seen.error(), None);
    sim.advance(secs(HOUR));
    assert_eq!(customers(&sim), [LATER]);
    let seen = sim.paste(":global bandoReapKnown \"x\"; :global bandoReapAway \"x\"").await;
    assert_eq!(seen.error(), None);
    set_clock(&sim, &mut api, days(60)).await;
    sim.advance(secs(HOUR));
    assert_eq!(customers(&sim), [LATER]);
}
