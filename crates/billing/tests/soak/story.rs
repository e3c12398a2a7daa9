//! What happens in a round: people do something, something breaks, time passes.

use std::time::Duration;

use billing::{Billing, payments::BeginPayment};
use domain::PaymentState;
use futures::future::join_all;
use simulators::routeros::{ClientState, Reboot};

use crate::{customers::Customer, people, site, verdict, world::World};

/// Seconds of one step of time that server and routers share; less than what the rules take for rounding.
const STEP_SECS: u64 = 2;
/// People who live around. When others come, those who have been there longest leave for good, paid up or not, as they
/// do in a town; what weeks cost is then the weeks, and not how many devices have piled up.
const RESIDENTS: usize = 96;

pub(crate) async fn round(world: &mut World) {
    while world.customers.len() > RESIDENTS {
        let customer = world.customers.remove(0);
        world.sites[customer.site].sim.leave_for_good(&customer.mac.to_string()).unwrap();
        world.count(customer.site).left_for_good += 1;
    }
    for _ in 0..world.between(7, 15) {
        match world.between(0, 15) {
            0..=4 => newcomer(world).await,
            5..=7 => buy_again(world).await,
            8 => leave(world),
            9 => come_back(world),
            10 | 11 => use_data(world),
            12 | 13 => people::share(world).await,
            _ => people::desk(world).await,
        }
    }
    pay(world).await;
    trouble(world);
    if world.sites.iter().any(|site| site.was_restarted) {
        // Until it has started there is nothing to be seen.
        world.advance(site::BOOT_SECS).await;
    }
    verdict::converge(world).await;
    if world.round % 3 == 2 || world.chance(5) {
        alone(world).await
    } else {
        together(world).await;
    }
    if world.chance(50) {
        heal(world);
    }
    verdict::converge(world).await;
}

/// Somebody new is at the portal and pays.
async fn newcomer(world: &mut World) {
    let site = world.below(world.sites.len());
    let mut customer = Customer::number(world.born, site);
    world.born += 1;
    world.sites[site].sim.join(&customer.mac.to_string()).unwrap();
    customer.is_present = true;
    world.customers.push(customer.clone());
    world.count(site).joins += 1;
    if world.chance(85) {
        buy(world, &customer).await;
    }
}

fn anybody(world: &mut World) -> Option<Customer> {
    let at = world.below(world.customers.len().max(1));
    world.customers.get(at).cloned()
}

async fn buy_again(world: &mut World) {
    let Some(customer) = anybody(world) else { return };
    buy(world, &customer).await;
}

async fn buy(world: &mut World, customer: &Customer) {
    let slug = world.sites[customer.site].slug.clone();
    let package = world.below(world.packages.len());
    let package_id = world.packages[package].id;
    let billing = world.billing();
    if world.chance(20) {
        let code = billing.create_vouchers(package_id, 1, "the soak").await.unwrap().remove(0);
        // A blocked device is refused, and the voucher stays good.
        if billing.redeem_voucher(&code, Some(&slug), customer.mac, None).await.is_ok() {
            world.count(customer.site).vouchers += 1;
        }
        return;
    }
    let request = BeginPayment {
        package_id,
        msisdn: customer.msisdn.parse().unwrap(),
        mac: customer.mac,
        ip: None,
        router_slug: Some(slug),
        idempotency_key: None,
        request_id: format!("round-{}", world.round),
        remote_ip: None,
    };
    world.purchases.push((customer.site, request));
}

/// Everybody who wants to buy something does, all at once.
async fn pay(world: &mut World) {
    let billing = world.billing();
    let purchases = std::mem::take(&mut world.purchases);
    let paid = join_all(purchases.into_iter().map(|(site, request)| {
        let billing = billing.clone();
        async move { is_paid(&billing, request).await.then_some(site) }
    }));
    for site in paid.await.into_iter().flatten() {
        world.count(site).payments += 1;
    }
}

/// A customer pays; `false` if it was not taken.
async fn is_paid(billing: &Billing, request: BeginPayment) -> bool {
    // Whoever pays very often, or has a prompt open, is told to wait; that is no failure.
    let Ok(begun) = billing.begin_payment(request).await else { return false };
    let paid = tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            let payment = billing.find_listed_payment(begun.payment_id).await.unwrap().unwrap();
            if payment.state == PaymentState::Succeeded {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    paid.await.expect("the callback settles");
    true
}

fn leave(world: &mut World) {
    let present: Vec<usize> = (0..world.customers.len()).filter(|at| world.customers[*at].is_present).collect();
    if !present.is_empty() {
        let at = present[world.below(present.len())];
        exit(world, at);
    }
}

fn come_back(world: &mut World) {
    let away: Vec<usize> = (0..world.customers.len()).filter(|at| !world.customers[*at].is_present).collect();
    if !away.is_empty() {
        let at = away[world.below(away.len())];
        enter(world, at);
    }
}

fn exit(world: &mut World, at: usize) {
    let customer = &mut world.customers[at];
    world.sites[customer.site].sim.leave(&customer.mac.to_string()).unwrap();
    customer.is_present = false;
    let site = customer.site;
    world.count(site).went_away += 1;
}

fn enter(world: &mut World, at: usize) {
    let customer = &mut world.customers[at];
    world.sites[customer.site].sim.join(&customer.mac.to_string()).unwrap();
    customer.is_present = true;
    let site = customer.site;
    world.count(site).came_back += 1;
}

/// A device that is on moves 30 to 120 MB.
fn use_data(world: &mut World) {
    let on = |customer: &&Customer| {
        let client = world.sites[customer.site].sim.client(&customer.mac.to_string());
        client.is_ok_and(|client| client.state == ClientState::Online)
    };
    let on: Vec<Customer> = world.customers.iter().filter(on).cloned().collect();
    if on.is_empty() {
        return;
    }
    let customer = on[world.below(on.len())].clone();
    let bytes = world.between(15, 60) * 1_000_000;
    if world.sites[customer.site].sim.traffic(&customer.mac.to_string(), bytes, bytes).unwrap() {
        world.count(customer.site).data_used += 1;
    }
}

/// Every round something breaks somewhere: each kind of trouble comes to each router, and some by chance.
fn trouble(world: &mut World) {
    let kinds = 4;
    let turn = usize::try_from(world.round / kinds).unwrap() % world.sites.len();
    strike(world, turn, world.round % kinds);
    if world.chance(30) {
        let (site, kind) = (world.below(world.sites.len()), world.between(0, 2));
        strike(world, site, kind);
    }
}

fn strike(world: &mut World, site: usize, kind: u64) {
    match kind {
        0 => {
            world.sites[site].restart(Reboot::Clean);
            world.count(site).reboots += 1;
        }
        1 => {
            world.sites[site].restart(Reboot::PowerCut);
            world.count(site).power_cuts += 1;
        }
        2 if !world.sites[site].is_cut => {
            world.sites[site].cut();
            world.count(site).lines_cut += 1;
        }
        _ => {}
    }
}

/// Every line is mended.
pub(crate) fn heal(world: &mut World) {
    world.sites.iter_mut().for_each(site::Site::mend);
}

/// The server is away for ten minutes to more than a day; the routers keep order alone, also when their power goes.
async fn alone(world: &mut World) {
    world.halt().await;
    let before = verdict::paid_ends(world).await;
    let mut gone = Vec::new();
    for _ in 0..world.between(1, 4) {
        if world.chance(25) {
            let site = world.below(world.sites.len());
            strike(world, site, 1);
        }
        let secs = if world.chance(2) { world.between(20, 30) * 3_600 } else { world.between(10, 60) * 60 };
        let since = world.now();
        world.advance(secs).await;
        verdict::kept_order_alone(world, &before, since);
        world.minutes_alone += secs / 60;
        // Whoever is away for a while uses less of the router's own limit than of the time that was paid for, so
        // the router needs more than the limit to end it.
        for at in std::mem::take(&mut gone) {
            enter(world, at);
        }
        for at in 0..world.customers.len() {
            let customer = &world.customers[at];
            let is_paid = before.contains_key(&(customer.site, customer.mac));
            if is_paid && customer.is_present && world.chance(30) {
                exit(world, at);
                gone.push(at);
            }
        }
    }
    for at in gone {
        enter(world, at);
    }
    world.start();
}

/// Server and routers work for one to six minutes.
async fn together(world: &mut World) {
    let secs = world.between(60, 360);
    for _ in 0..secs / STEP_SECS {
        world.advance(STEP_SECS).await;
        tokio::task::yield_now().await;
    }
    world.minutes_together += secs / 60;
}
