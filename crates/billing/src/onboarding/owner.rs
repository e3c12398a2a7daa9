//! The owner's side: beginning a set-up, following it, approving it.

use std::net::IpAddr;

use chrono::TimeDelta;
use secrecy::SecretString;
use uuid::Uuid;

use super::{
    keys,
    site::{SetupReach, Site},
    state::SetupView,
};
use crate::{
    Billing,
    admins::{Admin, Role},
    db::{
        StoreError,
        logs::{self, NewLog},
        router_setups::{self, NewSetup, SetupRow},
    },
    random, routers,
    seal::SealError,
};

/// How long a line may be pasted.
const LINE_LIVES: TimeDelta = TimeDelta::hours(24);

/// What to set up.
#[derive(Debug, Clone)]
pub struct SetupAsked {
    /// The owner's name for the router.
    pub name: String,
    /// How it will be reached.
    pub reach: SetupReach,
    /// A router to set up anew.
    pub router_id: Option<Uuid>,
}

/// Who asks: an admin, or whoever sits at the server's own command line.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// The admin; none at the command line.
    pub admin: Option<&'a Admin>,
    /// From where.
    pub remote_ip: Option<IpAddr>,
}

impl By<'_> {
    fn is_owner(&self) -> bool {
        self.admin.is_none_or(|admin| admin.role == Role::Owner)
    }

    fn name(&self) -> &str {
        self.admin.map_or("cli", |admin| admin.username.as_str())
    }
}

/// Why a set-up did not go on. The texts are for the owner.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Only owners may.
    #[error("Only an owner may connect routers.")]
    NotOwner,
    /// No usable name.
    #[error("Give the router a name of 1 to 60 characters with at least one letter or digit, such as Main cafe.")]
    Name,
    /// The name is taken.
    #[error("There is already a router with this name. Choose another, or set that router up anew.")]
    Taken,
    /// No such router.
    #[error("There is no such router.")]
    UnknownRouter,
    /// No such set-up.
    #[error("There is no such set-up.")]
    Unknown,
    /// The tunnel's server side is not configured.
    #[error(
        "The server's end of the tunnel is not set up. Set BANDO_TUNNEL_ENDPOINT, BANDO_TUNNEL_PUBLIC_KEY and \
         BANDO_TUNNEL_NETWORK first."
    )]
    NoTunnel,
    /// No address is left.
    #[error("Every address of BANDO_TUNNEL_NETWORK is given out. Choose a larger network.")]
    TunnelFull,
    /// There is nothing to approve.
    #[error("There is nothing to approve at the moment.")]
    NotAsking,
    /// A secret could not be made.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Billing {
    /// Begins to set a router up. The answer has the line to paste, which is shown this once.
    ///
    /// # Errors
    /// [`SetupError`].
    pub async fn begin_setup(&self, by: By<'_>, asked: &SetupAsked, site: &Site) -> Result<SetupView, SetupError> {
        if !by.is_owner() {
            return Err(SetupError::NotOwner);
        }
        let now = self.now();
        let (slug, name) = self.names_of(asked).await?;
        if router_setups::is_slug_taken(self.pool(), &slug, asked.router_id, now).await? {
            return Err(SetupError::Taken);
        }
        if asked.reach == SetupReach::Tunnel && site.tunnel.is_none() {
            return Err(SetupError::NoTunnel);
        }
        let id = random::uuid(now);
        let token = random::callback_token();
        let password = SecretString::from(random::callback_token().chars().take(32).collect::<String>());
        let setup = NewSetup {
            id,
            name: &name,
            slug: &slug,
            reach: asked.reach.as_str(),
            router_id: asked.router_id,
            token_hash: random::digest(&[token.as_bytes()]),
            password_sealed: self.inner.deps.secret.seal(id.as_bytes(), &password)?,
            expires_at: now.checked_add_signed(LINE_LIVES).unwrap_or(now),
            created_at: now,
            created_by: by.name(),
        };
        router_setups::insert_setup(self.pool(), &setup).await?;
        if let (SetupReach::Tunnel, Some(tunnel)) = (asked.reach, &site.tunnel) {
            self.allot_tunnel(id, asked.router_id, tunnel).await?;
        }
        self.log_setup(by, "router.setup", id, &name).await?;
        let mut view = self.setup(by, id, site).await?.ok_or(SetupError::Unknown)?;
        view.command = Some(command(site, &token));
        Ok(view)
    }

    /// How a set-up stands.
    ///
    /// # Errors
    /// [`SetupError::Store`], [`SetupError::Seal`].
    pub async fn setup(&self, by: By<'_>, id: Uuid, site: &Site) -> Result<Option<SetupView>, SetupError> {
        let Some(setup) = router_setups::find_setup(self.pool(), id).await? else { return Ok(None) };
        let mut view = self.setup_view(&setup, site).await?;
        if by.is_owner() && setup.approved_at.is_some() && setup.undone_at.is_none() {
            view.undo_command = Some(command(site, &keys::undo_token(id, &self.inner.deps.secret)?));
        }
        Ok(Some(view))
    }

    /// The owner has seen what will be changed and agrees. Approving twice is approving once.
    ///
    /// # Errors
    /// [`SetupError`].
    pub async fn approve_setup(&self, by: By<'_>, id: Uuid, site: &Site) -> Result<SetupView, SetupError> {
        if !by.is_owner() {
            return Err(SetupError::NotOwner);
        }
        let setup = router_setups::find_setup(self.pool(), id).await?.ok_or(SetupError::Unknown)?;
        if setup.approved_at.is_none() {
            let view = self.setup_view(&setup, site).await?;
            let (Some(run), "asking") = (&setup.run, view.state) else { return Err(SetupError::NotAsking) };
            let before = self.before_of(&setup, run).await?;
            if !router_setups::approve(self.pool(), id, run, &before, self.now()).await? {
                return Err(SetupError::NotAsking);
            }
            self.log_setup(by, "router.setup.approved", id, &setup.name).await?;
        }
        self.setup(by, id, site).await?.ok_or(SetupError::Unknown)
    }

    /// Who saw the router as it was before anything was changed: an earlier set-up that was not taken back, else this.
    async fn before_of(&self, setup: &SetupRow, run: &[u8]) -> Result<(Uuid, Vec<u8>), StoreError> {
        let earlier = match &setup.router_key {
            Some(key) => router_setups::find_before(self.pool(), key).await?,
            None => None,
        };
        Ok(earlier.unwrap_or_else(|| (setup.id, run.to_vec())))
    }

    async fn names_of(&self, asked: &SetupAsked) -> Result<(String, String), SetupError> {
        if let Some(id) = asked.router_id {
            return router_setups::find_router_names(self.pool(), id).await?.ok_or(SetupError::UnknownRouter);
        }
        let name = asked.name.trim();
        if name.is_empty() || name.chars().count() > 60 || name.chars().any(char::is_control) {
            return Err(SetupError::Name);
        }
        let slug = routers::slug(name).ok_or(SetupError::Name)?;
        Ok((slug, name.to_owned()))
    }

    async fn log_setup(&self, by: By<'_>, action: &str, id: Uuid, name: &str) -> Result<(), StoreError> {
        let log = NewLog {
            actor: by.name(),
            action,
            subject: Some(&id.to_string()),
            detail: Some(name),
            remote_ip: by.remote_ip,
            at: self.now(),
        };
        logs::insert_log(self.pool(), &log).await
    }
}

/// The line to paste. Where the router cannot check the server's certificate it goes on without, and says so.
fn command(site: &Site, token: &str) -> String {
    let url = format!("{}/r/{token}", site.public_url);
    if !site.is_https() {
        return format!("/tool fetch url=\"{url}\" dst-path=bando.rsc; /import bando.rsc");
    }
    format!(
        ":do {{ /tool fetch url=\"{url}\" check-certificate=yes-without-crl dst-path=bando.rsc }} on-error={{ \
         :put \"Bando: the server's certificate cannot be checked, going on without\"; \
         /tool fetch url=\"{url}/u\" check-certificate=no dst-path=bando.rsc }}; /import bando.rsc"
    )
}
