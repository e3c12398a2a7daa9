//! What a router reports about the steps of its set-up. Whoever has the address of a run may speak for its router, so
//! a report is bounded, and changes nothing but the set-up it belongs to.

use std::net::IpAddr;

use super::{
    facts::Facts,
    keys::Run,
    plan::Step,
    router::{RouterSideError, page_number},
    scripts::LOOKS,
    state::shown,
    tunnel::is_key,
    undo::UNDO_STEPS,
};
use crate::{
    Billing,
    db::{
        AsStoreError, Repeat, StoreError,
        router_setups::{self, SetupRow, StepRow},
        router_tunnels,
    },
};

/// The first line of every report, so that nothing else is taken for one.
const GREETING: &[u8] = b"bando\n";
/// Longest report about a step, in bytes; login pages and what is found may be as long as a request.
const TEXT_MAX: usize = 4096;
/// Most reports of one set-up, over all its runs.
const REPORTS_MAX: i64 = 600;

impl AsStoreError for RouterSideError {
    fn as_store_error(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) => Some(error),
            _ => None,
        }
    }
}

impl Billing {
    /// What came of a step.
    ///
    /// # Errors
    /// [`RouterSideError`].
    pub async fn setup_report(
        &self,
        run: &str,
        name: &str,
        is_ok: bool,
        body: &[u8],
        remote_ip: Option<IpAddr>,
    ) -> Result<(), RouterSideError> {
        let (run, setup) = self.run_of(run).await?;
        let text = body.strip_prefix(GREETING).ok_or(RouterSideError::Garbage)?;
        let is_look = LOOKS.contains(&name) || page_number(name).is_some();
        let is_known = is_look || if run.is_undo { UNDO_STEPS.contains(&name) } else { Step::read(name).is_some() };
        if !is_known {
            return Err(RouterSideError::Unknown);
        }
        if !is_look && !run.is_undo {
            self.want_turn(&run, &setup)?;
        }
        if router_setups::count_steps(self.pool(), setup.id).await? >= REPORTS_MAX {
            return Err(RouterSideError::TooMany);
        }
        let kept = if is_look && is_ok { text } else { text.get(..TEXT_MAX).unwrap_or(text) };
        let report = StepRow { name: name.to_owned(), is_ok, text: kept.to_vec(), at: self.now() };
        Repeat::run(|| self.keep_report(&run, &setup, &report, remote_ip)).await?;
        if !is_ok {
            tracing::info!(setup = %setup.id, step = name, said = shown(text), "a step of a router's set-up failed");
        }
        Ok(())
    }

    /// Keeps a report, and what follows from it, in one transaction.
    async fn keep_report(
        &self,
        run: &Run,
        setup: &SetupRow,
        report: &StepRow,
        remote_ip: Option<IpAddr>,
    ) -> Result<(), RouterSideError> {
        let mut transaction = self.pool().begin().await.map_err(StoreError::from)?;
        // Two pastes, one of them interrupted, report at once.
        router_setups::lock_setup(&mut transaction, setup.id).await?;
        router_setups::upsert_step(&mut *transaction, setup.id, &run.nonce, report).await?;
        if report.name == "look" && report.is_ok && !run.is_undo {
            let mut facts = Facts::default();
            facts.read(&report.text);
            let key = facts.router_key().ok_or(RouterSideError::Garbage)?;
            let ip = remote_ip.map(|ip| ip.to_canonical().to_string());
            router_setups::bind_run(&mut *transaction, setup.id, &run.nonce, &key, ip).await?;
        }
        if report.name == Step::Tunnel.as_str() && report.is_ok {
            let found = super::finish::values(&report.text);
            let key = found.iter().find(|(name, _)| name == "key").map(|(_, key)| key.as_str());
            let key = key.filter(|key| is_key(key)).ok_or(RouterSideError::Garbage)?;
            router_tunnels::save_tunnel(&mut *transaction, setup.id, key, None).await?;
        }
        Ok(transaction.commit().await.map_err(StoreError::from)?)
    }
}
