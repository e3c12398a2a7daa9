//! What happens in a round: people do something, something breaks, time passes.

use std::time::Duration;

use billing::payments::BeginPayment;
use domain::PaymentState;
use simulators::routeros::{ClientState, Reboot};

use crate::{customers::Customer, people, verdict, world::World};

/// Seconds of one step of time that server and routers share; less than what the rules take for rounding.
const STEP_SECS: u64 = 2;

pub(crate) async fn round(world: &mut World) {
    for _ in 0..world.between(6, 14) {
        match world.between(0, 14) {
            0..=4 => newcomer(world).await,
            5..=7 => buy_again(world).await,
            8 => leave(world),
            9 => come_back(world),
            10 | 11 => use_data(world),
            12 | 13 => people::share(world).await,
            _ => people::desk(world).await,
        }
    }
    trouble(world);
    verdict::converge(world).await;
    if world.chance(40) {
        alone(world).await
    } else {
        together(world).await
    }
    if world.chance(50) {
        heal(world);
    }
    verdict::converge(world).await;
}

/// Somebody new is at the portal and pays.
async fn newcomer(world: &mut World) {
    let site = world.below(world.sites.len());
    let mut customer = Customer::number(world.customers.len(), site);
    world.sites[site].sim.join(&customer.mac.to_string()).unwrap();
    customer.is_present = true;
    world.customers.push(customer.clone());
    world.counts.joined += 1;
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
            world.counts.vouchers += 1;
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
    // Whoever pays very often is told to wait; that is no failure.
    let Ok(begun) = billing.begin_payment(request).await else { return };
    let paid = tokio::time::timeout(Duration::from_secs(30), async {
        loop {
            let payment = billing.find_listed_payment(begun.payment_id).await.unwrap().unwrap();
            if payment.state == PaymentState::Succeeded {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    paid.await.expect("the callback settles");
    world.counts.prompts_paid += 1;
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
    world.counts.left += 1;
}

fn enter(world: &mut World, at: usize) {
    let customer = &mut world.customers[at];
    world.sites[customer.site].sim.join(&customer.mac.to_string()).unwrap();
    customer.is_present = true;
    world.counts.came_back += 1;
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
        world.counts.data_used += 1;
    }
}

fn trouble(world: &mut World) {
    let site = world.below(world.sites.len());
    match world.between(0, 19) {
        0..=2 => {
            world.sites[site].restart(Reboot::Clean);
            world.counts.reboots += 1;
        }
        3..=5 => {
            world.sites[site].restart(Reboot::PowerCut);
            world.counts.power_cuts += 1;
        }
        6..=9 if !world.sites[site].is_cut => {
            world.sites[site].cut();
            world.counts.outages += 1;
        }
        _ => {}
    }
}

/// Every line is mended.
pub(crate) fn heal(world: &mut World) {
    world.sites.iter_mut().for_each(super::site::Site::mend);
}

/// The server is away for ten minutes to a day and a half; the routers keep order alone.
async fn alone(world: &mut World) {
    world.halt().await;
    let before = verdict::paid_ends(world).await;
    let mut gone = Vec::new();
    for _ in 0..world.between(1, 4) {
        let secs = if world.chance(10) { world.between(20, 36) * 3_600 } else { world.between(10, 120) * 60 };
        world.advance(secs);
        verdict::kept_order_alone(world, &before);
        world.counts.minutes_alone += secs / 60;
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

/// Server and routers work for one to thirty minutes.
async fn together(world: &mut World) {
    let secs = world.between(60, 1_800);
    for _ in 0..secs / STEP_SECS {
        world.advance(STEP_SECS);
        tokio::task::yield_now().await;
    }
    world.counts.minutes_together += secs / 60;
}
