//! Letting a device on and taking it off.

use domain::MacAddr;

use super::{Active, Cookie, DeviceState, Host, Hotspot, User};
use crate::{
    error::RouterOsError,
    sentence::Command,
    trap::{HotspotRefusal, TrapKind},
};

/// What became of letting a device on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginOutcome {
    /// It is logged in; the router's own row is the proof.
    Online(Active),
    /// An ip-binding of the owner lets it through without login.
    Bypassed,
    /// Everything is ready, but the device is not in the host table: it logs in by itself when it comes.
    ReadyReconnect,
    /// The router would not log it in; its host entry was removed, so that its next packet does.
    HostCleared {
        /// The router's refusal.
        refusal: RouterOsError,
    },
}

/// What a removal found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Removal {
    /// User rows removed.
    pub users: usize,
    /// Logins ended.
    pub logins: usize,
    /// Remembered logins removed.
    pub cookies: usize,
}

impl Hotspot {
    /// Takes a device off: user, then logins, then cookies, in this order, because removing a user leaves
    /// its login alive and a login that is ended while the user exists comes straight back (observed).
    /// `known` are its users as just read, so that they are not read again. A user of that name which is
    /// not ours keeps its row and its logins.
    ///
    /// # Errors
    /// Every [`RouterOsError`]; what was removed before stays removed, and the call may be repeated.
    pub async fn remove_user(&self, mac: MacAddr, known: Option<&[User]>) -> Result<Removal, RouterOsError> {
        let name = mac.to_string();
        let mut removal = Removal::default();
        let users = match known {
            Some(users) => users.to_vec(),
            None => {
                let rows = self.print("/ip/hotspot/user", &User::FIELDS, Some(("name", &name))).await?;
                rows.iter().filter_map(User::from_row).collect()
            }
        };
        if users.iter().any(|user| !self.is_ours(user)) {
            return Err(RouterOsError::NotOurs { name });
        }
        for user in users {
            self.remove("/ip/hotspot/user", &user.id).await?;
            removal.users += 1;
        }
        let (active, cookies) = tokio::try_join!(
            self.print("/ip/hotspot/active", &Active::FIELDS, Some(("user", &name))),
            self.print("/ip/hotspot/cookie", &Cookie::FIELDS, Some(("user", &name))),
        )?;
        for login in active.iter().filter_map(Active::from_row) {
            self.kick(&login.id).await?;
            removal.logins += 1;
        }
        for cookie in cookies.iter().filter_map(Cookie::from_row) {
            self.remove("/ip/hotspot/cookie", &cookie.id).await?;
            removal.cookies += 1;
        }
        Ok(removal)
    }

    /// Ends one login. One that is not there has ended.
    ///
    /// # Errors
    /// Every [`RouterOsError`] but "no such item".
    pub async fn kick(&self, active_id: &str) -> Result<(), RouterOsError> {
        self.remove("/ip/hotspot/active", active_id).await
    }

    /// Forgets a device that is stuck at the login page, so that its next packet is a first one, for which
    /// the router tries the login by MAC again.
    ///
    /// # Errors
    /// Every [`RouterOsError`] but "no such item".
    pub async fn clear_host(&self, host_id: &str) -> Result<(), RouterOsError> {
        self.remove("/ip/hotspot/host", host_id).await
    }

    /// Logs a device in whose user exists. `state` is what was just read of it; with `is_renewed` a login
    /// from before is ended first, because it keeps its old limits.
    ///
    /// # Errors
    /// The refusal when the user's time or data is used up, when the licence or the address pool is full, or when the
    /// router was too busy; every fault of the link.
    pub async fn login_active(
        &self,
        mac: MacAddr,
        state: &DeviceState,
        is_renewed: bool,
    ) -> Result<LoginOutcome, RouterOsError> {
        let name = mac.to_string();
        let Some(host) = best_host(&state.hosts) else {
            return Ok(state.active.first().cloned().map_or(LoginOutcome::ReadyReconnect, LoginOutcome::Online));
        };
        if host.is_bypassed {
            return Ok(LoginOutcome::Bypassed);
        }
        let ours = state.active.iter().filter(|login| login.user == name);
        if let Some(login) = ours.clone().next()
            && !is_renewed
        {
            return Ok(LoginOutcome::Online(login.clone()));
        }
        for login in &state.active {
            self.kick(&login.id).await?;
        }
        let login = Command::new("/ip/hotspot/active/login")
            .attr("user", &name)
            .attr("password", "")
            .attr("mac-address", &name)
            .attr("ip", &host.address);
        let refusal = match self.connection.run(login).await {
            Ok(_) => None,
            Err(error) => Some(after_refusal(error)?),
        };
        if matches!(
            refusal.as_ref().map(RouterOsError::trap_kind),
            Some(Some(TrapKind::Hotspot(HotspotRefusal::UnknownHost)))
        ) {
            return Ok(LoginOutcome::ReadyReconnect);
        }
        // Also after a refusal: the router may have logged the device in by itself a moment before.
        let rows = self.print("/ip/hotspot/active", &Active::FIELDS, Some(("mac-address", &name))).await?;
        let is_here = |login: &Active| login.address == host.address || login.address == host.to_address;
        let is_there = |login: &Active| login.user == name && is_here(login);
        if let Some(login) = rows.iter().filter_map(Active::from_row).find(is_there) {
            return Ok(LoginOutcome::Online(login));
        }
        match refusal {
            Some(error) if error.trap_kind() == Some(&TrapKind::Busy) => Err(error),
            Some(refusal) => {
                self.clear_host(&host.id).await?;
                Ok(LoginOutcome::HostCleared { refusal })
            }
            None => Ok(LoginOutcome::ReadyReconnect),
        }
    }
}

/// The refusals that looking at the router's list or a new entry of the device may answer; the others are errors.
fn after_refusal(error: RouterOsError) -> Result<RouterOsError, RouterOsError> {
    match error.trap_kind() {
        Some(
            TrapKind::Hotspot(
                HotspotRefusal::UptimeLimit
                | HotspotRefusal::TrafficLimit
                | HotspotRefusal::LicenceLimit
                | HotspotRefusal::NoFreeAddress,
            )
            | TrapKind::Permission
            | TrapKind::NoSuchCommand
            | TrapKind::DeviceMode,
        )
        | None => Err(error),
        Some(_) => Ok(error),
    }
}

/// Of several entries of one device the one that is not logged in yet is the new one.
fn best_host(hosts: &[Host]) -> Option<&Host> {
    let bypassed = hosts.iter().find(|host| host.is_bypassed);
    bypassed.or_else(|| hosts.iter().find(|host| !host.is_authorized)).or_else(|| hosts.first())
}
