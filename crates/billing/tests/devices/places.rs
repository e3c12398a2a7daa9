//! The places of a session: joining, moving, leaving, and how often.

use billing::devices::Joined;
use domain::{
    DataSize, PackageTerms,
    devices::{Refusal, Wish},
};
use sqlx::MySqlPool;

use crate::{
    A, B, C, NOBODY, Site, add_router, has_user, is_on, join_at, refusal, replace,
    support::{eventually, mac, terms},
};

#[sqlx::test(migrations = "../../migrations")]
async fn a_second_device_comes_on_and_a_third_is_refused(pool: MySqlPool) {
    let site = Site::new(pool).await;
    let package = site.package_for(2).await;
    let pass = site.online(&package, A).await;
    assert_eq!((pass.places, pass.free_places, pass.devices.len()), (2, 1, 1));
    site.router.join(B).unwrap();
    let by_code = site.by_code(&pass.code.to_string().to_lowercase(), NOBODY).await.unwrap().unwrap();
    assert_eq!(by_code.session_id, pass.session_id);
    assert_eq!(site.join(&by_code, B, Wish::Add).await.unwrap(), Joined::Added);
    site.is_on(B).await;
    assert!(is_on(&site.router, A), "the first goes on");
    assert_eq!(site.join(&pass, B, Wish::Add).await.unwrap(), Joined::Already);
    assert_eq!(refusal(site.join(&pass, C, Wish::Add).await.unwrap_err()), Refusal::Full);
    let now = site.look(&pass).await.unwrap();
    assert_eq!((now.free_places, now.moves_left, site.devices(&pass).await), (0, 3, vec![mac(A), mac(B)]));
    site.world.holds_the_invariants().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_moved_session_ends_on_the_old_device_before_the_new_one_comes_on(pool: MySqlPool) {
    let site = Site::new(pool).await;
    let package = site.package_for(1).await;
    let pass = site.online(&package, A).await;
    site.router.join(B).unwrap();
    site.router.clear_log();
    assert_eq!(site.join(&pass, B, replace(&pass, A)).await.unwrap(), Joined::Moved);
    site.is_on(B).await;
    site.is_off(A).await;
    let log = site.router.log();
    let at = |command: &str| log.iter().position(|entry| entry.words.first().is_some_and(|word| word == command));
    let (removed, added) = (at("/ip/hotspot/user/remove").unwrap(), at("/ip/hotspot/user/add").unwrap());
    assert!(removed < added, "{log:?}");
    // The old device has nothing, and does not get its time back by buying.
    let status = site.world.billing.device_status(Some("site"), mac(A)).await.unwrap();
    assert_eq!(status.phase.as_str(), "none");
    let pass_of_a = site.sell(&package, A).await;
    assert_ne!(pass_of_a.session_id, pass.session_id);
    assert_eq!(site.devices(&pass).await, [mac(B)]);
    assert_eq!(site.world.count("select cast(max(carried_secs) as signed) from sessions").await, 0);
    site.is_on(A).await;
    assert!(is_on(&site.router, B));
    site.world.holds_the_invariants().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_session_moves_three_times_a_day_and_again_the_next(pool: MySqlPool) {
    let site = Site::new(pool).await;
    let package = site.package_for(1).await;
    let mut pass = site.sell(&package, A).await;
    for (left, (from, to)) in [(2, (A, B)), (1, (B, A)), (0, (A, B))] {
        assert_eq!(site.join(&pass, to, replace(&pass, from)).await.unwrap(), Joined::Moved);
        pass = site.look(&pass).await.unwrap();
        assert_eq!(pass.moves_left, left);
    }
    assert_eq!(refusal(site.join(&pass, C, replace(&pass, B)).await.unwrap_err()), Refusal::NoMoveLeft);
    assert_eq!(site.devices(&pass).await, [mac(B)], "a refused move changes nothing");
    site.run("update session_moves set at = at - interval 1 day").await;
    assert_eq!(site.join(&pass, C, replace(&pass, B)).await.unwrap(), Joined::Moved);
    site.world.billing.set_setting("moves_per_day", "1").await.unwrap();
    assert_eq!(
        refusal(
            site.join(&site.look(&pass).await.unwrap(), A, replace(&site.look(&pass).await.unwrap(), C))
                .await
                .unwrap_err()
        ),
        Refusal::NoMoveLeft
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn taking_devices_off_and_on_is_moving_too(pool: MySqlPool) {
    let site = Site::new(pool).await;
    let package = site.package_for(2).await;
    let pass = site.sell(&package, A).await;
    assert_eq!(refusal(site.world.billing.remove_device(&pass, pass.devices[0].id).await.unwrap_err()), Refusal::Last);
    site.join(&pass, B, Wish::Add).await.unwrap();
    for number in 0..3 {
        let own = site.look(&pass).await.unwrap();
        site.world.billing.remove_device(&pass, own.devices[1].id).await.unwrap();
        assert_eq!(site.look(&pass).await.unwrap().free_places, 1);
        let next = format!("A4:CF:12:00:01:{number:02X}");
        assert_eq!(site.join(&pass, &next, Wish::Add).await.unwrap(), Joined::Added);
    }
    let own = site.look(&pass).await.unwrap();
    site.world.billing.remove_device(&pass, own.devices[1].id).await.unwrap();
    assert_eq!(refusal(site.join(&pass, C, Wish::Add).await.unwrap_err()), Refusal::NoMoveLeft);
    let gone = site.world.billing.remove_device(&pass, own.devices[1].id).await.unwrap_err();
    assert_eq!(refusal(gone), Refusal::NotAMember);
}

#[sqlx::test(migrations = "../../migrations")]
async fn of_many_devices_that_open_one_pass_at_once_one_gets_it(pool: MySqlPool) {
    let site = Site::new(pool).await;
    let package = site.package_for(1).await;
    let pass = site.sell(&package, A).await;
    let wish = replace(&pass, A);
    let devices: Vec<String> = (0..8).map(|number| format!("A4:CF:12:00:02:{number:02X}")).collect();
    let all = futures::future::join_all(devices.iter().map(|device| site.join(&pass, device, wish))).await;
    let moved = all.iter().filter(|done| matches!(done, Ok(Joined::Moved))).count();
    assert_eq!(moved, 1, "{all:?}");
    for error in all.into_iter().filter_map(Result::err) {
        assert_eq!(refusal(error), Refusal::NotAMember);
    }
    assert_eq!(site.world.count("select count(*) from session_devices where intended = 'on'").await, 1);
    assert_eq!(site.world.count("select count(*) from session_moves where is_counted").await, 1);
    site.world.holds_the_invariants().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_device_with_time_of_its_own_is_not_taken_over(pool: MySqlPool) {
    let site = Site::new(pool).await;
    let package = site.package_for(2).await;
    let (mine, theirs) = (site.sell(&package, A).await, site.sell(&package, B).await);
    assert_eq!(refusal(site.join(&mine, B, Wish::Add).await.unwrap_err()), Refusal::Taken);
    assert_eq!(refusal(site.join(&mine, B, replace(&mine, A)).await.unwrap_err()), Refusal::Taken);
    assert_eq!((site.devices(&mine).await, site.devices(&theirs).await), (vec![mac(A)], vec![mac(B)]));
    site.run("insert into blocks (id, mac, active_mac, reason, blocked_by, created_at, updated_at)
              select id, unhex('A4CF1200000C'), unhex('A4CF1200000C'), 'a test', 'jane', now(6), now(6) from routers limit 1").await;
    assert_eq!(refusal(site.join(&mine, C, Wish::Add).await.unwrap_err()), Refusal::Blocked);
    site.run("delete from blocks").await;
    let strange = Wish::Replace(theirs.devices[0].id);
    assert_eq!(refusal(site.join(&mine, C, strange).await.unwrap_err()), Refusal::NotAMember);
    let removal = site.world.billing.remove_device(&mine, theirs.devices[0].id).await.unwrap_err();
    assert_eq!(refusal(removal), Refusal::NotAMember);
    // When its time is over it may be added.
    site.run(&format!(
        "update sessions set ended_at = now(6), end_reason = 'expired' where id = unhex('{}')",
        theirs.session_id.as_uuid().simple()
    ))
    .await;
    assert_eq!(site.join(&mine, B, Wish::Add).await.unwrap(), Joined::Added);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_pass_opens_at_another_router_of_the_installation(pool: MySqlPool) {
    let site = Site::new(pool).await;
    let annex = add_router(&site.world, "annex").await;
    let package = site.package_for(1).await;
    let pass = site.online(&package, A).await;
    annex.join(A).unwrap();
    // The same phone at the other place: no move is spent.
    assert_eq!(join_at(&site.world, "annex", &pass, A, replace(&pass, A)).await.unwrap(), Joined::Moved);
    eventually("on at the annex", async || is_on(&annex, A)).await;
    site.is_off(A).await;
    let there = site.look(&pass).await.unwrap();
    assert_eq!(there.moves_left, 3);
    annex.join(B).unwrap();
    assert_eq!(join_at(&site.world, "annex", &there, B, replace(&there, A)).await.unwrap(), Joined::Moved);
    eventually("moved at the annex", async || is_on(&annex, B) && !has_user(&annex, A)).await;
    assert_eq!(site.look(&pass).await.unwrap().moves_left, 2);
}

#[sqlx::test(migrations = "../../migrations")]
async fn moving_back_and_forth_does_not_bring_data_back(pool: MySqlPool) {
    let site = Site::new(pool).await;
    let package = site.package("data", PackageTerms { data: Some(DataSize::from_mb(100)), ..terms("data", 60) }).await;
    let pass = site.online(&package, A).await;
    site.run("update session_devices set used_bytes = 40000000, generation = generation + 1").await;
    let left = async |device| {
        site.world.billing.device_status(Some("site"), mac(device)).await.unwrap().bytes_remaining.unwrap()
    };
    site.join(&pass, B, replace(&pass, A)).await.unwrap();
    assert_eq!(left(B).await, 60_000_000);
    let pass = site.look(&pass).await.unwrap();
    site.join(&pass, A, replace(&pass, B)).await.unwrap();
    assert_eq!(left(A).await, 60_000_000);
    // A device that left and buys for itself takes nothing with it.
    let pass = site.look(&pass).await.unwrap();
    site.join(&pass, B, replace(&pass, A)).await.unwrap();
    site.sell(&package, A).await;
    assert_eq!((left(B).await, left(A).await), (60_000_000, 100_000_000));
}
