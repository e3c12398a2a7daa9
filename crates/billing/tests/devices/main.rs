//! Several devices under one session and moving one, against a real database and the router simulator.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod around;
mod passes;
mod places;
#[path = "../support/mod.rs"]
mod support;

use billing::{
    devices::{Guesser, Join, Joined, Nearby, NearbyError, Pass, PassError, Shown},
    routers::NewRouter,
};
use domain::{
    Kes, MacAddr, Package, PackageTerms, PaymentId, PaymentState,
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
