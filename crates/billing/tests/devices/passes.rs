//! Who holds a pass: what makes one, what it opens, and when it ends.

use std::net::{IpAddr, Ipv4Addr};

use billing::{
    admins::{Admin, Role},
    devices::{Guesser, PassError, Shown},
    random,
};
use domain::{
    AdminId, DataSize, PackageTerms, PaymentState,
    devices::{Refusal, Wish},
};
use sqlx::MySqlPool;

use crate::{
    A, B, C, NOBODY, Site, refusal, replace,
    support::{eventually, mac, terms},
};

#[sqlx::test(migrations = "../../migrations")]
async fn a_pass_ends_with_its_session(pool: MySqlPool) {
    let site = Site::new(pool).await;
    let package = site.package_for(2).await;
    let pass = site.online(&package, A).await;
    site.run("update sessions set starts_at = starts_at - interval 1 day, ends_at = ends_at - interval 1 day").await;
    assert!(site.look(&pass).await.is_none());
    let by_code = site.by_code(&pass.code.to_string(), NOBODY).await;
    assert!(matches!(by_code, Err(PassError::NotValid)), "{by_code:?}");
    assert_eq!(refusal(site.join(&pass, B, Wish::Add).await.unwrap_err()), Refusal::Over);
    assert_eq!(refusal(site.world.billing.remove_device(&pass, pass.devices[0].id).await.unwrap_err()), Refusal::Over);
    site.is_off(A).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_pass_of_money_that_was_given_back_opens_nothing(pool: MySqlPool) {
    let site = Site::new(pool).await;
    let package = site.package_for(2).await;
    let payment = site.buy(&package, "0712000100", A).await;
    let pass = site.pass_of_payer(payment).await.unwrap();
    site.join(&pass, B, Wish::Add).await.unwrap();
    let admin = Admin {
        id: AdminId::from_uuid(random::uuid(chrono::DateTime::UNIX_EPOCH)),
        username: "jane".into(),
        role: Role::Owner,
        login_epoch: 0,
    };
    site.world.billing.record_refund(payment, &admin, "the customer's phone broke", None).await.unwrap();
    site.world.reaches(payment, PaymentState::Refunded).await;
    assert!(site.look(&pass).await.is_none() && site.pass_of_payer(payment).await.is_none());
    assert_eq!(refusal(site.join(&pass, C, replace(&pass, A)).await.unwrap_err()), Refusal::Over);
    assert_eq!(site.world.count("select count(*) from session_devices where intended = 'on'").await, 0);
}

#[sqlx::test(migrations = "../../migrations")]
async fn buying_again_carries_every_device_and_the_pass(pool: MySqlPool) {
    let site = Site::new(pool).await;
    let package = site.package_for(3).await;
    let first = site.buy(&package, "0712000100", A).await;
    let pass = site.pass_of_payer(first).await.unwrap();
    site.router.join(A).unwrap();
    site.router.join(B).unwrap();
    site.join(&pass, B, Wish::Add).await.unwrap();
    site.join(&pass, C, Wish::Add).await.unwrap();
    let removed = site.look(&pass).await.unwrap().devices.iter().find(|own| own.mac == mac(C)).unwrap().id;
    site.world.billing.remove_device(&pass, removed).await.unwrap();
    site.is_on(A).await;
    site.is_on(B).await;
    // The guest's owner buys with the same phone: for all.
    let second = site.buy(&package, "0712000100", B).await;
    let later = site.look(&pass).await.unwrap();
    assert_ne!(later.session_id, pass.session_id);
    assert!(later.seconds_remaining > 7100, "{}", later.seconds_remaining);
    assert_eq!(site.pass_of_payer(second).await.unwrap().session_id, later.session_id);
    let devices = site.devices(&later).await;
    assert!(devices.len() == 2 && devices.contains(&mac(A)) && devices.contains(&mac(B)), "{devices:?}");
    eventually("both to have the new session", async || {
        let comment = format!("g={};", later.session_id);
        let rows = site.router.users();
        let ours =
            rows.iter().filter(|row| row.iter().any(|(key, value)| key == "comment" && value.contains(&comment)));
        ours.count() == 2
    })
    .await;
    site.is_on(A).await;
    site.is_on(B).await;
    assert_eq!(site.by_code(&pass.code.to_string(), NOBODY).await.unwrap().unwrap().session_id, later.session_id);
    site.world.holds_the_invariants().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_a_guest_buys_with_another_phone_is_its_own(pool: MySqlPool) {
    let site = Site::new(pool).await;
    let package = site
        .package("shared", PackageTerms { devices: 2, data: Some(DataSize::from_mb(100)), ..terms("shared", 60) })
        .await;
    let host = site.buy(&package, "0712000100", A).await;
    let pass = site.pass_of_payer(host).await.unwrap();
    site.join(&pass, B, Wish::Add).await.unwrap();
    // A new generation: what a task read before this does not count any more.
    site.run("update session_devices set used_bytes = 30000000, generation = generation + 1").await;
    let guest = site.buy(&package, "0712000200", B).await;
    let own = site.pass_of_payer(guest).await.unwrap();
    assert_ne!(own.session_id, pass.session_id);
    assert!(own.seconds_remaining <= 3600 && site.look(&pass).await.unwrap().seconds_remaining <= 3600);
    assert_eq!((site.devices(&pass).await, site.devices(&own).await), (vec![mac(A)], vec![mac(B)]));
    // What the guest used counts where it was used.
    let left = |status: billing::payments::CustomerStatus| status.bytes_remaining.unwrap();
    let of = async |device| left(site.world.billing.device_status(Some("site"), mac(device)).await.unwrap());
    assert_eq!((of(A).await, of(B).await), (40_000_000, 100_000_000));
}

#[sqlx::test(migrations = "../../migrations")]
async fn paying_for_somebody_elses_device_gives_no_pass_to_their_time(pool: MySqlPool) {
    let site = Site::new(pool).await;
    let package = site.package_for(2).await;
    let cheap = site.buy(&package, "0712000200", A).await;
    let bait = site.pass_of_payer(cheap).await.unwrap();
    // Whoever has the device buys with their own phone: the first payer may not carry that away.
    let owner = site.buy(&package, "0712000100", A).await;
    assert!(site.look(&bait).await.is_none() && site.pass_of_payer(cheap).await.is_none());
    assert!(matches!(site.by_code(&bait.code.to_string(), NOBODY).await, Err(PassError::NotValid)));
    assert!(site.pass_of_payer(owner).await.is_none(), "nor the other way round");
    let again = site.buy(&package, "0712000100", A).await;
    assert!(site.pass_of_payer(again).await.is_none(), "nor after paying twice");
    let status = site.world.billing.device_status(Some("site"), mac(A)).await.unwrap();
    assert!(status.seconds_remaining.unwrap() > 3 * 3500, "the time itself is all there");
}

#[sqlx::test(migrations = "../../migrations")]
async fn one_browser_that_pays_with_another_phone_keeps_its_pass(pool: MySqlPool) {
    let site = Site::new(pool).await;
    let package = site.package_for(2).await;
    let voucher = site.sell(&package, A).await;
    let payment = site.buy(&package, "0712000200", A).await;
    let both =
        Shown { pass: Some(voucher.token.clone()), payer: Some(site.world.billing.payer_token(payment)), code: None };
    let pass = site.world.billing.find_pass(&both, NOBODY).await.unwrap().unwrap();
    assert!(pass.session_id != voucher.session_id && pass.seconds_remaining > 7000);
    assert!(
        site.look(&voucher).await.is_none() && site.pass_of_payer(payment).await.is_none(),
        "one alone is not enough"
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_pass_cannot_be_made_up(pool: MySqlPool) {
    let site = Site::new(pool).await;
    let package = site.package_for(1).await;
    let pass = site.sell(&package, A).await;
    let token = pass.token.clone();
    let other = format!("{}{}", &token[..63], if token.ends_with('0') { '1' } else { '0' });
    let uuid = pass.session_id.as_uuid();
    let payer = site.world.billing.payer_token(uuid.into());
    for forged in
        [other, token[..32].to_owned(), token.to_uppercase(), String::new(), "é".repeat(20), payer, format!("{token}0")]
    {
        let shown = Shown { pass: Some(forged.clone()), payer: Some(forged.clone()), ..Shown::default() };
        let found = site.world.billing.find_pass(&shown, NOBODY).await.unwrap();
        assert!(found.is_none() || forged == token, "{forged}");
    }
    // Guessing codes: ten from a device, and its right code does not count either until it has waited.
    let by = Guesser { mac: Some(mac(B)), remote_ip: Some(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 9))) };
    for number in 0..10_u8 {
        let wrong = domain::PassCode::from_bytes([number; 8]).to_string();
        assert!(matches!(site.by_code(&wrong, by).await, Err(PassError::NotValid)));
    }
    let code = pass.code.to_string();
    assert!(matches!(site.by_code(&code, by).await, Err(PassError::TooMany { .. })));
    assert!(matches!(site.by_code("not a code", by).await, Err(PassError::NotValid)));
    let other_device = Guesser { mac: Some(mac(C)), ..by };
    assert!(site.by_code(&code, other_device).await.unwrap().is_some(), "others are not hindered");
    site.run("update logs set at = at - interval 16 minute").await;
    assert!(site.by_code(&code, by).await.unwrap().is_some());
    // Nothing in the database opens a pass.
    let stored: Vec<u8> =
        sqlx::query_scalar("select code_hash from session_passes").fetch_one(site.world.billing.pool()).await.unwrap();
    assert_ne!(stored, random::digest(&[b"pass", pass.code.plain().as_bytes()]));
}
