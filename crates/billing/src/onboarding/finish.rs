//! The end of a set-up: the router gets its row, the reconciler is woken, and the connection is tried.

use domain::RouterId;
use secrecy::SecretString;

use super::{
    plan::Step,
    router::RouterSideError,
    scripts,
    site::{SetupReach, Site},
    state::{CONNECTION, Standing, reach_of},
};
use crate::{
    Billing,
    access::{
        self, CheckState,
        pull::{PullKeyError, agent_script},
    },
    db::{
        StoreError,
        logs::{self, NewLog},
        router_setups::{self, SetupRow, StepRow},
        router_tunnels,
        routers::{Reach, RouterRecord},
    },
    random,
};

/// Whether a set-up is over.
pub(super) fn is_finished(setup: &SetupRow) -> bool {
    setup.done_at.is_some() || setup.undo_at.is_some() || setup.undone_at.is_some()
}

/// `name=value` lines of a report.
pub(super) fn values(text: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(text);
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).take(32).collect()
}

impl Billing {
    /// Adds the router, or brings it up to date; done once, however often it is asked for.
    pub(super) async fn finish_setup(&self, setup: &SetupRow, standing: &Standing) -> Result<(), RouterSideError> {
        let reach = reach_of(setup)?;
        let now = self.now();
        let router = self.router_of(setup, standing, reach).await?;
        let is_new = setup.router_id.is_none();
        let stored_reach = if reach == SetupReach::Pull { Reach::Pull } else { Reach::Direct };
        let mut transaction = self.pool().begin().await.map_err(StoreError::from)?;
        // The agent that asks has had its row since it was installed.
        if reach != SetupReach::Pull {
            let is_saved =
                router_setups::save_router(&mut *transaction, &router, stored_reach.as_str(), is_new, now).await?;
            if !is_saved && is_new {
                return Err(RouterSideError::NotNow);
            }
        }
        if !router_setups::finish(&mut *transaction, setup.id, router.id, now).await? {
            return Ok(());
        }
        if let Some((_, Some(key))) = router_tunnels::find_tunnel(&mut *transaction, setup.id).await? {
            router_tunnels::save_tunnel(&mut *transaction, setup.id, &key, Some(router.id.as_uuid())).await?;
        }
        let log = NewLog {
            actor: "system",
            action: "router.connected",
            subject: Some(&router.id.to_string()),
            detail: Some(&router.name),
            remote_ip: setup.remote_ip.as_deref().and_then(|ip| ip.parse().ok()),
            at: now,
        };
        logs::insert_log(&mut *transaction, &log).await?;
        transaction.commit().await.map_err(StoreError::from)?;
        self.wake_router(router.id);
        if reach != SetupReach::Pull {
            let (billing, id, run) = (self.clone(), setup.id, setup.run.clone().unwrap_or_default());
            self.inner.tracker.spawn(async move { billing.try_connection(id, &run, &router).await });
        }
        Ok(())
    }

    async fn router_of(
        &self,
        setup: &SetupRow,
        standing: &Standing,
        reach: SetupReach,
    ) -> Result<RouterRecord, RouterSideError> {
        let id = setup.router_id.unwrap_or_else(|| random::uuid(self.now()));
        let secret = &self.inner.deps.secret;
        let password = match setup.password_sealed.as_deref() {
            Some(sealed) => secret.open(setup.id.as_bytes(), sealed)?,
            None => SecretString::default(),
        };
        let step = match reach {
            SetupReach::Direct => Step::Encryption,
            SetupReach::Tunnel => Step::Tunnel,
            SetupReach::Pull => Step::Pull,
        };
        let said = standing.report(step.as_str()).map(|report| values(&report.text)).unwrap_or_default();
        let value = |name: &str| said.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
        let port = value("port").and_then(|port| port.parse().ok()).filter(|port| *port != 0);
        let (host, port, tls_pin) = match reach {
            SetupReach::Direct => {
                let pin = value("fingerprint").and_then(pin).ok_or(RouterSideError::Garbage)?;
                (setup.remote_ip.clone().unwrap_or_default(), port.unwrap_or(8729), Some(pin))
            }
            SetupReach::Tunnel => {
                let address = self.tunnel_address(setup).await?.ok_or(RouterSideError::NotNow)?;
                (address.to_string(), port.unwrap_or(8728), None)
            }
            SetupReach::Pull => (String::new(), 0, None),
        };
        Ok(RouterRecord {
            id: RouterId::from_uuid(id),
            slug: setup.slug.clone(),
            name: setup.name.clone(),
            reach: if reach == SetupReach::Pull { Reach::Pull } else { Reach::Direct },
            host,
            port,
            username: "bando".to_owned(),
            password_sealed: secret.seal(id.as_bytes(), &password)?,
            tls_pin,
            last_seen_at: None,
            last_error: None,
        })
    }

    /// Tries the new connection and keeps what came of it as the last step.
    async fn try_connection(&self, setup_id: uuid::Uuid, run: &[u8], router: &RouterRecord) {
        let secret = &self.inner.deps.secret;
        let checks = access::reach_router(router, secret, routeros_api::Settings::default()).await;
        let wrong = checks.iter().find(|check| check.state == CheckState::Wrong);
        let text = match wrong {
            Some(check) => {
                format!("{} It was tried at {}:{}, and goes on being tried.", check.text, router.host, router.port)
            }
            None => format!("This server is logged in to {}:{}.", router.host, router.port),
        };
        let step =
            StepRow { name: CONNECTION.to_owned(), is_ok: wrong.is_none(), text: text.into_bytes(), at: self.now() };
        if let Err(error) = router_setups::upsert_step(self.pool(), setup_id, run, &step).await {
            tracing::warn!(%error, "what came of trying a new router could not be kept");
        }
    }

    /// The script that lets a router ask this server. Its row has to be there first, because its key is kept with it.
    pub(super) async fn pull_script(
        &self,
        setup: &SetupRow,
        standing: &Standing,
        site: &Site,
    ) -> Result<String, RouterSideError> {
        let router = self.router_of(setup, standing, SetupReach::Pull).await?;
        let now = self.now();
        let is_new = setup.router_id.is_none();
        let mut transaction = self.pool().begin().await.map_err(StoreError::from)?;
        let is_saved =
            router_setups::save_router(&mut *transaction, &router, Reach::Pull.as_str(), is_new, now).await?;
        if !is_saved && is_new {
            return Err(RouterSideError::NotNow);
        }
        router_setups::set_router(&mut *transaction, setup.id, router.id).await?;
        transaction.commit().await.map_err(StoreError::from)?;
        let key = self.make_pull_key(router.id).await.map_err(|error| match error {
            PullKeyError::Seal(error) => RouterSideError::Seal(error),
            PullKeyError::Store(error) => RouterSideError::Store(error),
        })?;
        // What is wrong with the address was said before the owner approved.
        let script = agent_script(&router, &key, &site.public_url).map_err(|_| RouterSideError::NotNow)?;
        Ok(scripts::pull(script.source())?)
    }
}

/// A fingerprint as the router writes it: 64 hexadecimal characters, some releases with colons between.
fn pin(text: &str) -> Option<Vec<u8>> {
    let bytes = hex::decode(text.replace(':', "")).ok()?;
    (bytes.len() == 32).then_some(bytes)
}
