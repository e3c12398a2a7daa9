//! What people do beside paying: customers share and move their time, an owner pauses, extends, ends and blocks.

use billing::{
    admins::Admin,
    devices::{Join, Shown},
};
use domain::{MacAddr, SessionId, devices::Wish};
use uuid::Uuid;

use crate::world::World;

/// A session that is not over, drawn by chance.
async fn any_session(world: &mut World, which: &str) -> Option<SessionId> {
    let query = format!("select id from sessions where ended_at is null and {which} order by id");
    let ids: Vec<Uuid> = sqlx::query_scalar(&query).fetch_all(&world.pool).await.unwrap();
    let at = world.below(ids.len().max(1));
    ids.get(at).copied().map(SessionId::from)
}

/// Somebody lets another device use their time, or goes on with a new device.
pub(crate) async fn share(world: &mut World) {
    let Some(session) = any_session(world, "paused_at is null").await else { return };
    let at = world.below(world.customers.len().max(1));
    let Some(customer) = world.customers.get(at).cloned() else { return };
    let Some(pass) = world.billing().first_pass(session, &Shown::default()).await.unwrap() else { return };
    let at = world.below(pass.devices.len().max(1));
    let wish = match pass.devices.get(at) {
        Some(device) if world.chance(50) => Wish::Replace(device.id),
        _ => Wish::Add,
    };
    let join = Join {
        router_slug: Some(world.sites[customer.site].slug.clone()),
        mac: customer.mac,
        ip: None,
        wish,
        label: None,
    };
    // A refusal by the rules (no place left, moved too often, paid for already) is no failure.
    if world.billing().join(&pass, &join).await.is_ok() {
        world.counts.shared += 1;
    }
}

/// The owner is at the desk.
pub(crate) async fn desk(world: &mut World) {
    let (billing, owner) = (world.billing(), world.owner.clone().unwrap());
    match world.between(0, 5) {
        0 | 1 => {
            if let Some(id) = any_session(world, "paused_at is null").await
                && billing.pause_session(id, &owner, None).await.is_ok()
            {
                world.counts.paused += 1;
            }
        }
        2 => {
            if let Some(id) = any_session(world, "paused_at is not null").await {
                billing.resume_session(id, &owner, None).await.unwrap();
                world.counts.resumed += 1;
            }
        }
        3 => {
            if let Some(id) = any_session(world, "1").await
                && billing.extend_session(id, 30, &owner, "the line was slow", None).await.is_ok()
            {
                world.counts.extended += 1;
            }
        }
        4 => {
            if let Some(id) = any_session(world, "1").await
                && billing.stop_session(id, &owner, "asked for it", None).await.is_ok()
            {
                world.counts.stopped += 1;
            }
        }
        _ => block_or_lift(world, &owner).await,
    }
}

async fn block_or_lift(world: &mut World, owner: &Admin) {
    let billing = world.billing();
    let blocks = billing.list_blocks().await.unwrap();
    if let Some(block) = blocks.first().filter(|_| blocks.len() > 2) {
        billing.lift_block(block.id, owner, "made up", None).await.unwrap();
        return;
    }
    let Some(mac) = some_mac(world) else { return };
    if billing.block_device(mac, owner, "disturbs others", None).await.is_ok() {
        world.counts.blocked += 1;
    }
}

fn some_mac(world: &mut World) -> Option<MacAddr> {
    let at = world.below(world.customers.len().max(1));
    world.customers.get(at).map(|customer| customer.mac)
}
