//! What people do beside paying: customers share and move their time, an owner pauses, extends, ends and blocks.

use billing::{
    admins::Admin,
    devices::{Join, Shown},
};
use domain::{SessionId, devices::Wish};
use uuid::Uuid;

use crate::world::World;

/// A session that is not over, drawn by chance.
async fn any_session(world: &mut World, which: &str) -> Option<SessionId> {
    let query = format!("select id from sessions where ended_at is null and {which} order by id");
    let ids: Vec<Uuid> = sqlx::query_scalar(&query).fetch_all(&world.pool).await.unwrap();
    let at = world.below(ids.len().max(1));
    ids.get(at).copied().map(SessionId::from)
}

/// The router that has a device of a session.
async fn site_of(world: &World, session: SessionId) -> Option<usize> {
    let router: Option<Uuid> = sqlx::query_scalar("select router_id from session_devices where session_id = ? limit 1")
        .bind(session.as_uuid())
        .fetch_optional(&world.pool)
        .await
        .unwrap();
    world.sites.iter().position(|site| Some(site.id.as_uuid()) == router)
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
        let counts = world.count(customer.site);
        match wish {
            Wish::Replace(_) => counts.moves += 1,
            _ => counts.shares += 1,
        }
    }
}

/// The owner is at the desk.
pub(crate) async fn desk(world: &mut World) {
    let (billing, owner) = (world.billing(), world.owner.clone().unwrap());
    let what = world.between(0, 6);
    let which = match what {
        0 | 1 => "paused_at is null",
        2 | 3 => "paused_at is not null",
        4 | 5 => "1",
        _ => return block_or_lift(world, &owner).await,
    };
    let Some(id) = any_session(world, which).await else { return };
    let Some(site) = site_of(world, id).await else { return };
    match what {
        0 | 1 => {
            let is_done = billing.pause_session(id, &owner, None).await.is_ok();
            world.count(site).pauses += u32::from(is_done);
        }
        2 | 3 => {
            billing.resume_session(id, &owner, None).await.unwrap();
            world.count(site).resumes += 1;
        }
        4 => {
            let is_done = billing.extend_session(id, 30, &owner, "the line was slow", None).await.is_ok();
            world.count(site).extensions += u32::from(is_done);
        }
        _ => {
            let is_done = billing.stop_session(id, &owner, "asked for it", None).await.is_ok();
            world.count(site).stops += u32::from(is_done);
        }
    }
}

async fn block_or_lift(world: &mut World, owner: &Admin) {
    let billing = world.billing();
    let blocks = billing.list_blocks().await.unwrap();
    if let Some(block) = blocks.last().filter(|_| blocks.len() > 2) {
        billing.lift_block(block.id, owner, "made up", None).await.unwrap();
        world.lifted(block.mac);
        return;
    }
    let at = world.below(world.customers.len().max(1));
    let Some(customer) = world.customers.get(at).cloned() else { return };
    if billing.block_device(customer.mac, owner, "disturbs others", None).await.is_ok() {
        world.blocked.insert(customer.mac, customer.site);
        world.count(customer.site).blocks += 1;
    }
}
