//! What the owner does about routers: list, add, change, take out of use and back.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use domain::RouterId;
use secrecy::SecretString;

use super::{AddRouterError, NewRouter, Reach, RouterRecord, sound_host, sound_name};
use crate::{
    Billing,
    db::{
        AsStoreError, Repeat, StoreError,
        logs::{self, NewLog},
        routers::listing,
    },
    seal::SealError,
};

/// A router that has not answered for so long is away.
const AWAY_AFTER: TimeDelta = TimeDelta::minutes(3);

/// A router as its owner sees it.
#[derive(Debug, Clone)]
pub struct RouterListed {
    /// The router.
    pub router: RouterRecord,
    /// `online`, `offline`, `new` (never answered yet) or `removed`.
    pub state: &'static str,
    /// What is wrong and what to do; `None` when all is well.
    pub message: Option<String>,
    /// RouterOS release, once known.
    pub version: Option<String>,
    /// Model, once known.
    pub board: Option<String>,
    /// Paid devices that are on now.
    pub online_devices: u32,
    /// Paid devices that the router was not brought to yet.
    pub waiting_devices: u32,
}

/// What to change about a router; `None` stays.
#[derive(Debug, Default)]
pub struct RouterChange {
    /// The owner's name for it; its public name stays.
    pub name: Option<String>,
    /// Host name or address.
    pub host: Option<String>,
    /// The API port.
    pub port: Option<u16>,
    /// The API user.
    pub username: Option<String>,
    /// A new password.
    pub password: Option<SecretString>,
    /// A new certificate, or none any more.
    pub tls_pin: Option<Option<[u8; 32]>>,
}

/// Who asks: an admin's name or `cli`, and from where.
#[derive(Debug, Clone, Copy)]
pub struct AskedBy<'a> {
    /// For the log.
    pub actor: &'a str,
    /// From where.
    pub remote_ip: Option<IpAddr>,
}

/// Why nothing was changed about a router. The texts are for the owner.
#[derive(Debug, thiserror::Error)]
pub enum RouterError {
    /// No such router, or it is not in use, or in use already.
    #[error("There is no such router.")]
    Unknown,
    /// A field cannot be used.
    #[error(transparent)]
    Add(#[from] AddRouterError),
    /// No usable user name.
    #[error("Give the name of the router's API user, at most 64 characters.")]
    Username,
    /// Port 0.
    #[error("Give the API port, usually 8728, or 8729 with TLS.")]
    Port,
    /// No usable reason.
    #[error("Say why, in 3 to 200 characters.")]
    Reason,
    /// It asks by itself, so there is nothing to connect to.
    #[error(
        "This router asks the server by itself, so it has no address and no password here. Only its name can change."
    )]
    Pull,
    /// More customers have time there than was agreed to.
    #[error("{} paid time on this router and would lose it.", have(*.0))]
    Customers(u32),
}

/// Where a router is switched to.
#[derive(Debug, Clone, Copy)]
enum Switch {
    /// Out of use, at the cost of so many customers at most.
    Out { accepted: u32 },
    /// Into use again.
    Back,
}

/// `1 customer has`, `12 customers have`.
fn have(customers: u32) -> String {
    if customers == 1 { "1 customer has".to_owned() } else { format!("{customers} customers have") }
}

impl From<StoreError> for RouterError {
    fn from(error: StoreError) -> Self {
        Self::Add(error.into())
    }
}

impl From<SealError> for RouterError {
    fn from(error: SealError) -> Self {
        Self::Add(error.into())
    }
}

impl AsStoreError for RouterError {
    fn as_store_error(&self) -> Option<&StoreError> {
        match self {
            Self::Add(AddRouterError::Store(error)) => Some(error),
            _ => None,
        }
    }
}

impl Billing {
    /// Routers by name: those in use, or those that were taken out of use.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list_routers_for_owner(&self, is_removed: bool) -> Result<Vec<RouterListed>, StoreError> {
        let now = self.now();
        let counts = self.count_live_by_router().await?;
        let rows = listing::list_for_owner(self.pool(), !is_removed).await?;
        Ok(rows
            .into_iter()
            .map(|row| {
                let (online_devices, waiting_devices) = counts.get(&row.router.id).copied().unwrap_or_default();
                let (state, message) = standing(&row.router, is_removed, now);
                let (version, board) = (row.version, row.board);
                RouterListed { router: row.router, state, message, version, board, online_devices, waiting_devices }
            })
            .collect())
    }

    /// One router as its owner sees it, in use or not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_router_for_owner(&self, id: RouterId) -> Result<Option<RouterListed>, StoreError> {
        for is_removed in [false, true] {
            let listed = self.list_routers_for_owner(is_removed).await?;
            if let Some(found) = listed.into_iter().find(|listed| listed.router.id == id) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Adds a router, with a line in the log.
    ///
    /// # Errors
    /// [`RouterError`].
    pub async fn add_router_as(&self, new: &NewRouter, by: AskedBy<'_>) -> Result<RouterRecord, RouterError> {
        if new.port == 0 {
            return Err(RouterError::Port);
        }
        if !is_username(&new.username) {
            return Err(RouterError::Username);
        }
        let router = self.add_router(new).await?;
        let mut connection = self.pool().acquire().await.map_err(StoreError::from)?;
        log(&mut connection, by, "router.add", &router.slug, &router.name, self.now()).await?;
        // Its task starts at once.
        self.wake_router(router.id);
        Ok(router)
    }

    /// Changes a router. Its task notices and connects anew where that is needed.
    ///
    /// # Errors
    /// [`RouterError`].
    pub async fn change_router(
        &self,
        id: RouterId,
        change: &RouterChange,
        by: AskedBy<'_>,
    ) -> Result<RouterRecord, RouterError> {
        Repeat::run(|| self.change_router_once(id, change, by)).await
    }

    async fn change_router_once(
        &self,
        id: RouterId,
        change: &RouterChange,
        by: AskedBy<'_>,
    ) -> Result<RouterRecord, RouterError> {
        let now = self.now();
        let mut tx = self.pool().begin().await.map_err(StoreError::from)?;
        let router = listing::lock_router(&mut tx, id).await?.filter(|(_, is_active)| *is_active);
        let (mut router, _) = router.ok_or(RouterError::Unknown)?;
        let mut changed = Vec::new();
        if let Some(name) = &change.name {
            router.name = sound_name(name).ok_or(AddRouterError::Name)?;
            changed.push("name");
        }
        let is_about_link = change.host.is_some()
            || change.port.is_some()
            || change.username.is_some()
            || change.password.is_some()
            || change.tls_pin.is_some();
        if is_about_link && router.reach == Reach::Pull {
            return Err(RouterError::Pull);
        }
        if let Some(host) = &change.host {
            router.host = sound_host(host).ok_or(AddRouterError::Host)?;
            changed.push("host");
        }
        if let Some(port) = change.port {
            router.port = if port == 0 { return Err(RouterError::Port) } else { port };
            changed.push("port");
        }
        if let Some(username) = &change.username {
            if !is_username(username) {
                return Err(RouterError::Username);
            }
            router.username.clone_from(username);
            changed.push("username");
        }
        if let Some(password) = &change.password {
            router.password_sealed = self.inner.deps.secret.seal(id.as_uuid().as_bytes(), password)?;
            changed.push("password");
        }
        if let Some(pin) = change.tls_pin {
            router.tls_pin = pin.map(|pin| pin.to_vec());
            changed.push("certificate");
        }
        listing::store_router(&mut tx, &router, now).await?;
        log(&mut tx, by, "router.change", &router.slug, &changed.join(", "), now).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(router)
    }

    /// Takes a router out of use: nothing is sold there any more and its devices are not touched. What was sold and
    /// what happened stays. It is refused while more than `accepted` customers have time there.
    ///
    /// # Errors
    /// [`RouterError`].
    pub async fn remove_router(
        &self,
        id: RouterId,
        reason: &str,
        accepted: u32,
        by: AskedBy<'_>,
    ) -> Result<(), RouterError> {
        self.switch_router(id, Switch::Out { accepted }, reason, by).await
    }

    /// Takes a router back into use. Its devices are brought to what is theirs now.
    ///
    /// # Errors
    /// [`RouterError`].
    pub async fn restore_router(&self, id: RouterId, reason: &str, by: AskedBy<'_>) -> Result<(), RouterError> {
        self.switch_router(id, Switch::Back, reason, by).await?;
        self.wake_router(id);
        Ok(())
    }

    async fn switch_router(
        &self,
        id: RouterId,
        switch: Switch,
        reason: &str,
        by: AskedBy<'_>,
    ) -> Result<(), RouterError> {
        let reason = reason.trim();
        let is_sound = (3..=200).contains(&reason.chars().count()) && !reason.chars().any(char::is_control);
        if !is_sound {
            return Err(RouterError::Reason);
        }
        Repeat::run(|| self.switch_router_once(id, switch, reason, by)).await
    }

    async fn switch_router_once(
        &self,
        id: RouterId,
        switch: Switch,
        reason: &str,
        by: AskedBy<'_>,
    ) -> Result<(), RouterError> {
        let now = self.now();
        let is_active = matches!(switch, Switch::Back);
        let mut tx = self.pool().begin().await.map_err(StoreError::from)?;
        let (router, was_active) = listing::lock_router(&mut tx, id).await?.ok_or(RouterError::Unknown)?;
        if was_active == is_active {
            // Asked for twice.
            return Ok(());
        }
        let customers = match switch {
            Switch::Back => 0,
            Switch::Out { accepted } => {
                let customers = listing::count_customers(&mut *tx, id, now).await?;
                if customers > accepted {
                    return Err(RouterError::Customers(customers));
                }
                customers
            }
        };
        listing::switch_router(&mut tx, id, is_active, now).await?;
        let action = if is_active { "router.restore" } else { "router.remove" };
        let lost = if customers > 0 { format!(" ({} paid time there)", have(customers)) } else { String::new() };
        log(&mut tx, by, action, &router.slug, &format!("{reason}{lost}"), now).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }
}

fn is_username(text: &str) -> bool {
    (1..=64).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// How a router stands, and words when something is wrong.
fn standing(router: &RouterRecord, is_removed: bool, now: DateTime<Utc>) -> (&'static str, Option<String>) {
    if is_removed {
        return ("removed", None);
    }
    match (router.last_seen_at, &router.last_error) {
        (None, error) => ("new", error.clone()),
        (Some(_), Some(error)) => ("offline", Some(error.clone())),
        (Some(at), None) if now - at > AWAY_AFTER => {
            ("offline", Some("It has not answered for some minutes. Check its power and its connection.".to_owned()))
        }
        (Some(_), None) => ("online", None),
    }
}

async fn log(
    connection: &mut sqlx::MySqlConnection,
    by: AskedBy<'_>,
    action: &str,
    subject: &str,
    detail: &str,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let log =
        NewLog { actor: by.actor, action, subject: Some(subject), detail: Some(detail), remote_ip: by.remote_ip, at };
    logs::insert_log(connection, &log).await
}
