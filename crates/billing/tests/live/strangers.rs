//! Who is on without paid time, and who is kept out.

use billing::{
    admins::Role,
    live::{LiveError, LiveFilter},
    payments::{BeginError, BeginPayment},
    vouchers::RedeemError,
};
use domain::live::{LiveAction, LiveState};
use routeros_api::Command;
use sqlx::MySqlPool;

use crate::{OTHER, PHONE, Site, WHY, admin, field, mac, start_of_time, support::eventually};

#[sqlx::test(migrations = "../../migrations")]
async fn who_is_on_without_paid_time_is_seen_and_told_apart(pool: MySqlPool) {
    let site = Site::new(pool).await;
    site.online(PHONE).await;
    let guest = Command::new("/ip/hotspot/user/add").attr("name", "guest").attr("password", "x");
    site.by_hand(guest).await;
    site.sim.join(OTHER).unwrap();
    site.sim.browser_login(OTHER, "guest", "x").unwrap();
    let bypass = Command::new("/ip/hotspot/ip-binding/add").attr("mac-address", "A4:CF:12:00:00:03");
    site.by_hand(bypass.attr("type", "bypassed")).await;
    site.sim.join("A4:CF:12:00:00:03").unwrap();
    let orphan = Command::new("/ip/hotspot/user/add")
        .attr("name", "A4:CF:12:00:00:04")
        .attr("comment", format!("bando1;g={};e={}", uuid::Uuid::from_u128(9), start_of_time().timestamp() + 86_400));
    site.by_hand(orphan).await;
    site.sim.join("A4:CF:12:00:00:04").unwrap();
    site.look_again();
    eventually("three ghosts", async || site.billing.count_live(None).await.unwrap().ghost == 3).await;
    let counts = site.billing.count_live(Some(site.router.id)).await.unwrap();
    assert_eq!((counts.online, counts.ghost), (1, 3));
    let guest = site.stands(OTHER, LiveState::Ghost).await;
    assert!(guest.text.contains("guest") && guest.session_id.is_none(), "{guest:?}");
    assert_eq!(guest.actions, [LiveAction::Kick, LiveAction::Block]);
    let rule = site.find("A4:CF:12:00:00:03").await.unwrap();
    assert!(rule.text.contains("IP binding") && rule.actions == [LiveAction::Block], "{rule:?}");
    let orphan = site.find("A4:CF:12:00:00:04").await.unwrap();
    assert!(orphan.text.contains("no paid time"), "{orphan:?}");
    let filter = LiveFilter { state: Some(LiveState::Ghost), query: Some("gue".into()), ..LiveFilter::default() };
    assert_eq!(site.billing.list_live(&filter, None, 10, Role::Cashier).await.unwrap().len(), 1);

    site.billing.kick_device(guest.id, &admin(Role::Cashier), None).await.unwrap();
    eventually("the guest is logged out", async || site.login(OTHER).is_none()).await;
    eventually("and no ghost", async || site.find(OTHER).await.is_none()).await;
    assert!(site.sim.users().iter().any(|row| field(row, "name") == "guest"), "the owner's user stays");
    assert!(matches!(site.billing.kick_device(rule.id, &site.owner, None).await, Err(LiveError::NotKickable)));
    assert!(site.login(PHONE).is_some());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_blocked_device_is_kept_out_until_that_is_lifted(pool: MySqlPool) {
    let site = Site::new(pool).await;
    let session = site.online(PHONE).await;
    let foreign = Command::new("/ip/hotspot/ip-binding/add").attr("mac-address", "A4:CF:12:00:00:09");
    site.by_hand(foreign.attr("type", "blocked").attr("comment", "the neighbour")).await;
    let neighbour = ("A4:CF:12:00:00:09".to_owned(), "blocked".to_owned(), "the neighbour".to_owned());
    let by_cashier = site.billing.block_device(mac(PHONE), &admin(Role::Cashier), WHY, None).await;
    assert!(matches!(by_cashier, Err(LiveError::NotOwner)));
    let (one, two) = tokio::join!(
        site.billing.block_device(mac(PHONE), &site.owner, WHY, None),
        site.billing.block_device(mac(PHONE), &site.owner, WHY, None)
    );
    let block = one.unwrap();
    assert_eq!(two.unwrap(), block, "one block, whoever asks twice");
    site.is_off(PHONE).await;
    let ours = (PHONE.to_owned(), "blocked".to_owned(), "bando:block".to_owned());
    eventually("the rule is on the router", async || site.bindings() == [neighbour.clone(), ours.clone()]).await;
    assert!(matches!(site.redeem(PHONE).await, Err(RedeemError::Blocked)));
    let pay = BeginPayment {
        package_id: site.package.id,
        msisdn: "0712000100".parse().unwrap(),
        mac: mac(PHONE),
        ip: None,
        router_slug: None,
        idempotency_key: None,
        request_id: "test".into(),
        remote_ip: None,
    };
    assert!(matches!(site.billing.begin_payment(pay).await, Err(BeginError::Blocked)));
    site.advance(200).await;
    site.holds().await;

    // The rule comes back when somebody removes it on the router.
    let rows = site.sim.rows("/ip/hotspot/ip-binding").unwrap();
    let id = rows.iter().find(|row| field(row, "comment") == "bando:block").map(|row| field(row, ".id").to_owned());
    site.by_hand(Command::new("/ip/hotspot/ip-binding/remove").attr(".id", id.unwrap())).await;
    site.look_again();
    eventually("the rule is back", async || site.bindings().contains(&ours)).await;

    site.sim.join(PHONE).unwrap();
    site.billing.lift_block(block.id, &site.owner, WHY, None).await.unwrap();
    site.billing.lift_block(block.id, &site.owner, WHY, None).await.unwrap();
    assert_eq!((site.logged("device.block").await, site.logged("device.lift").await), (1, 1));
    eventually("the rule is gone", async || site.bindings() == [neighbour.clone()]).await;
    let back = site.stands(PHONE, LiveState::Online).await;
    assert_eq!(back.session_id, Some(session), "time was left");
    assert!(site.billing.list_blocks().await.unwrap().is_empty());
}
