//! Devices as the router sees them: at a new address, and around the one that asks.

use std::net::{IpAddr, Ipv4Addr};

use billing::devices::{Nearby, NearbyError};
use domain::devices::Wish;
use sqlx::MySqlPool;

use crate::{
    A, B, Site,
    support::{eventually, mac},
};

#[sqlx::test(migrations = "../../migrations")]
async fn the_same_phone_with_a_new_address_is_let_on_again_at_once(pool: MySqlPool) {
    let site = Site::new(pool).await;
    let package = site.package_for(1).await;
    site.router.join_at(A, Ipv4Addr::new(10, 5, 50, 20)).unwrap();
    let pass = site.sell(&package, A).await;
    site.is_on(A).await;
    // What the delivery writes about itself comes after the device is on.
    site.time_runs(&pass).await;
    site.run("update session_devices set updated_at = updated_at - interval 1 minute, ip = '10.5.50.20'").await;
    let generation = "select cast(max(generation) as signed) from session_devices";
    let before = site.world.count(generation).await;
    let note = async |ip| site.world.billing.note_address("site", mac(A), IpAddr::V4(ip)).await.unwrap();
    note(Ipv4Addr::new(10, 5, 50, 20)).await;
    assert_eq!(site.world.count(generation).await, before, "nothing to do for the address it has");
    site.router.leave(A).unwrap();
    site.router.join_at(A, Ipv4Addr::new(10, 5, 50, 99)).unwrap();
    eventually("the new address to be noted", async || {
        // A look at the router in this moment may have written to the row.
        site.run("update session_devices set updated_at = updated_at - interval 1 minute").await;
        note(Ipv4Addr::new(10, 5, 50, 99)).await;
        site.world.count(generation).await == before + 1
    })
    .await;
    note(Ipv4Addr::new(10, 5, 50, 98)).await;
    assert_eq!(site.world.count(generation).await, before + 1, "and not again in the same moment");
    eventually("on under its new address", async || {
        site.router.active().iter().any(|row| row.iter().any(|(key, value)| key == "address" && value == "10.5.50.99"))
    })
    .await;
    assert_eq!(site.devices(&pass).await, [mac(A)]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_devices_around_are_shown_without_giving_them_away(pool: MySqlPool) {
    let site = Site::new(pool).await;
    let package = site.package_for(2).await;
    let pass = site.online(&package, A).await;
    site.router.join_at(B, Ipv4Addr::new(10, 5, 50, 31)).unwrap();
    // A phone that makes up its address, and one that was paid for but has not been let on yet.
    site.router.join("DA:A1:19:00:00:01").unwrap();
    let nearby = site.nearby().await.unwrap();
    let [tv] = <[Nearby; 1]>::try_from(nearby).unwrap();
    assert_eq!((tv.ip.as_str(), tv.tail.as_str()), ("10.5.50.31", "00:0B"));
    assert!(!tv.handle.contains("A4CF") && tv.handle.len() == 16);
    let router = site.world.billing.find_router("site").await.unwrap().unwrap();
    let found = site.world.billing.find_nearby(&router, &tv.handle).await.unwrap().unwrap();
    assert_eq!(found, (mac(B), "10.5.50.31".into()));
    assert_eq!(site.world.billing.find_nearby(&router, "0123456789abcdef").await.unwrap(), None);
    site.join(&pass, B, Wish::Add).await.unwrap();
    assert_eq!(site.nearby().await.unwrap(), [], "devices with paid time are never shown");
    let away = site.world.billing.find_router("main").await.unwrap().unwrap();
    assert!(matches!(site.world.billing.list_nearby(&away).await, Err(NearbyError::Unavailable)));
}
