//! Several devices under one session and moving one, against a real database and the router simulator.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod support;

use std::net::{IpAddr, Ipv4Addr};

use billing::{
    admins::{Admin, Role},
    devices::{Guesser, Join, Joined, Nearby, NearbyError, Pass, PassError, Shown},
    random,
    routers::NewRouter,
};
use domain::{
    AdminId, DataSize, Kes, MacAddr, Package, PackageTerms, PaymentId, PaymentState,
    devices::{Refusal, Wish},
};
use secrecy::SecretString;
use simulators::routeros::{ClockMode, Options, Sim};
use sqlx::MySqlPool;
use support::{World, eventually, mac, terms};

const A: &str = "A4:CF:12:00:00:0A";
const B: &str = "A4:CF:12:00:00:0B";
const C: &str = "A4:CF:12:00:00:0C";
const NOBODY: Guesser = Guesser { mac: None, remote_ip: None };

/// An engine with a router that answers.
struct Site {
    world: World,
    router: Sim,
}

impl Site {
    async fn new(pool: MySqlPool) -> Self {
        let world = World::new(pool).await;
        let router = add_router(&world, "site").await;
        Self { world, router }
    }

    async fn package(&self, name: &str, terms: PackageTerms) -> Package {
        let terms = PackageTerms { name: name.into(), ..terms };
        self.world.billing.add_package(terms, Kes::new(50).unwrap()).await.unwrap()
    }

    async fn package_for(&self, devices: u8) -> Package {
        self.package("shared", PackageTerms { devices, ..terms("shared", 60) }).await
    }

    /// Time for a device, by a voucher, and the pass of whoever redeemed it.
    async fn sell(&self, package: &Package, device: &str) -> Pass {
        let code = self.world.billing.create_vouchers(package.id, 1, "test").await.unwrap().remove(0);
        let session = self.world.billing.redeem_voucher(&code, Some("site"), mac(device), None).await.unwrap();
        self.world.billing.first_pass(session, &Shown::default()).await.unwrap().expect("a first session has a pass")
    }

    async fn online(&self, package: &Package, device: &str) -> Pass {
        self.router.join(device).unwrap();
        let pass = self.sell(package, device).await;
        self.is_on(device).await;
        self.time_runs(&pass).await;
        pass
    }

    /// The delivery is confirmed, so nothing more is written about it.
    async fn time_runs(&self, pass: &Pass) {
        let id = pass.session_id.as_uuid().simple();
        let begun = format!("select count(*) from sessions where id = unhex('{id}') and starts_at is not null");
        eventually("time to run", async || self.world.count(&begun).await == 1).await;
    }

    async fn is_on(&self, device: &str) {
        eventually(&format!("{device} to be on"), async || is_on(&self.router, device)).await;
    }

    async fn is_off(&self, device: &str) {
        let is_gone = async || !is_on(&self.router, device) && !has_user(&self.router, device);
        eventually(&format!("{device} to be off"), is_gone).await;
    }

    async fn join(&self, pass: &Pass, device: &str, wish: Wish) -> Result<Joined, PassError> {
        join_at(&self.world, "site", pass, device, wish).await
    }

    /// The pass as its holder sees it now.
    async fn look(&self, pass: &Pass) -> Option<Pass> {
        let shown = Shown { pass: Some(pass.token.clone()), ..Shown::default() };
        self.world.billing.find_pass(&shown, NOBODY).await.unwrap()
    }

    async fn devices(&self, pass: &Pass) -> Vec<MacAddr> {
        self.look(pass).await.unwrap().devices.iter().map(|device| device.mac).collect()
    }

    async fn buy(&self, package: &Package, phone: &str, device: &str) -> PaymentId {
        let mut request = self.world.request(phone, device);
        request.package_id = package.id;
        request.router_slug = Some("site".into());
        self.world.daraja.control().set_scenario(Some(&request.msisdn.international()), Some("success")).unwrap();
        let id = self.world.billing.begin_payment(request).await.unwrap().payment_id;
        self.world.reaches(id, PaymentState::Succeeded).await;
        id
    }

    async fn pass_of_payer(&self, id: PaymentId) -> Option<Pass> {
        let shown = Shown { payer: Some(self.world.billing.payer_token(id)), ..Shown::default() };
        self.world.billing.find_pass(&shown, NOBODY).await.unwrap()
    }

    async fn by_code(&self, code: &str, by: Guesser) -> Result<Option<Pass>, PassError> {
        self.world.billing.find_pass(&Shown { code: Some(code.into()), ..Shown::default() }, by).await
    }

    async fn run(&self, statement: &str) {
        sqlx::query(statement).execute(self.world.billing.pool()).await.unwrap();
    }

    async fn nearby(&self) -> Result<Vec<Nearby>, NearbyError> {
        let router = self.world.billing.find_router("site").await.unwrap().unwrap();
        self.world.billing.list_nearby(&router).await
    }
}

async fn add_router(world: &World, name: &str) -> Sim {
    let sim = Sim::start(Options { clock: ClockMode::Real, ..Options::default() }).await.unwrap();
    let router = NewRouter {
        name: name.into(),
        host: "127.0.0.1".into(),
        port: sim.addr().port(),
        username: "admin".into(),
        password: SecretString::from("bando"),
        tls_pin: None,
    };
    world.billing.add_router(&router).await.unwrap();
    sim
}

async fn join_at(world: &World, router: &str, pass: &Pass, device: &str, wish: Wish) -> Result<Joined, PassError> {
    let request = Join { router_slug: Some(router.into()), mac: mac(device), ip: None, wish, label: None };
    world.billing.join(pass, &request).await
}

fn named(rows: &[Vec<(String, String)>], field: &str, device: &str) -> bool {
    rows.iter().any(|row| row.iter().any(|(key, value)| key == field && value == device))
}

fn is_on(router: &Sim, device: &str) -> bool {
    named(&router.active(), "user", device)
}

fn has_user(router: &Sim, device: &str) -> bool {
    named(&router.users(), "name", device)
}

fn replace(pass: &Pass, device: &str) -> Wish {
    Wish::Replace(pass.devices.iter().find(|own| own.mac == mac(device)).unwrap().id)
}

fn refusal(error: PassError) -> Refusal {
    match error {
        PassError::Refused(refusal) => refusal,
        other => panic!("{other}"),
    }
}

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
