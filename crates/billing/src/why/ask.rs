//! What a router shows of one device right now. Over a short connection of its own: the one that serves customers
//! belongs to the process that has the router's lease, and is left in peace.

use std::time::Duration;

use domain::{MacAddr, access};
use routeros_api::{Connection, Hotspot, Settings, System, hotspot::DeviceState};

use super::facts::{HostShown, Look, Shown, UserShown};
use crate::{
    access::{credentials, for_owner, target},
    db::routers::{Reach, RouterRecord},
    seal::AppSecret,
};

/// Whoever asks waits no longer than this.
const ASK_MAX: Duration = Duration::from_secs(5);
const SETTINGS_SECS: u64 = 3;

pub(super) async fn look(router: &RouterRecord, secret: &AppSecret, mac: MacAddr) -> Look {
    if router.reach == Reach::Pull {
        return Look::Polls;
    }
    match tokio::time::timeout(ASK_MAX, ask(router, secret, mac)).await {
        Ok(look) => look,
        Err(_) => Look::Failed("It does not answer in time.".to_owned()),
    }
}

async fn ask(router: &RouterRecord, secret: &AppSecret, mac: MacAddr) -> Look {
    let Ok(credentials) = credentials(router, secret) else {
        return Look::Failed("Its saved password cannot be opened: APP_SECRET has changed.".to_owned());
    };
    let limit = Duration::from_secs(SETTINGS_SECS);
    let settings =
        Settings { connect_timeout: limit, login_timeout: limit, command_timeout: limit, ..Settings::default() };
    let connection = match Connection::open(&target(router), &credentials, settings).await {
        Ok(connection) => connection,
        Err(error) => return Look::Failed(for_owner(&error)),
    };
    let system = System::new(connection.clone());
    let hotspot = Hotspot::new(connection, access::MARK);
    let (device, users_on, license, at_portal) =
        tokio::join!(hotspot.read_device(mac), system.count_active(), system.license(), system.count_at_portal());
    let device = match device {
        Ok(device) => device,
        Err(error) => return Look::Failed(for_owner(&error)),
    };
    let max = license.ok().and_then(|license| license.users_max()).flatten();
    let is_full = users_on.ok().zip(max).is_some_and(|(on, max)| on >= max);
    let own = u32::from(device.hosts.iter().any(|host| !host.is_authorized && !host.is_bypassed));
    let at_portal = at_portal.unwrap_or_default().saturating_sub(own);
    Look::Now(Shown { is_full, at_portal, ..shown(&hotspot, &device) })
}

fn shown(hotspot: &Hotspot, device: &DeviceState) -> Shown {
    let user = match device.users.first() {
        None => UserShown::Missing,
        Some(row) if !hotspot.is_ours(row) => UserShown::Foreign,
        Some(row) if row.is_disabled => UserShown::Disabled,
        Some(_) => UserShown::Ours,
    };
    let host = match device.hosts.as_slice() {
        [] => HostShown::Missing,
        hosts if hosts.iter().any(|host| host.is_bypassed) => HostShown::Bypassed,
        hosts if hosts.iter().any(|host| host.is_authorized) => HostShown::Authorized,
        _ => HostShown::Waiting,
    };
    Shown { user, host, is_active: !device.active.is_empty(), ..Shown::default() }
}
