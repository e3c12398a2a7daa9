//! The router's side: the script, what to do next, what came of it. Whoever has the address of a run may speak for
//! its router; what is said is bounded, and changes nothing but the set-up it belongs to.

use secrecy::ExposeSecret as _;

use super::{
    finish::is_finished,
    keys::{self, Run},
    plan::Step,
    scripts::{self, Extra, Kit, LOOK_PAGE, LOOKS},
    site::Site,
    state::Standing,
    template::TemplateError,
    undo::{PageBefore, UNDO_STEPS},
    words,
};
use crate::{
    Billing,
    db::{
        StoreError,
        router_setups::{self, SetupRow},
    },
    random,
    seal::SealError,
};

/// Most login pages that are kept.
const PAGES_MAX: usize = 8;

/// What a router gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A script, or words.
    Text(String),
    /// A page.
    Page(Vec<u8>),
}

/// Why a router gets no answer.
#[derive(Debug, thiserror::Error)]
pub enum RouterSideError {
    /// Nothing is known under this address.
    #[error("there is nothing here")]
    Unknown,
    /// This is no report.
    #[error("this is not a report")]
    Garbage,
    /// It reports without end.
    #[error("too many reports")]
    TooMany,
    /// It is not this run's turn to do that.
    #[error("this is not to be done now")]
    NotNow,
    /// A script could not be made.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A secret could not be made or opened.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Billing {
    /// The agent that a pasted line fetches. A line that is over gets a script that says so.
    ///
    /// # Errors
    /// [`RouterSideError`].
    pub async fn setup_script(&self, token: &str, is_checked: bool, site: &Site) -> Result<String, RouterSideError> {
        let secret = &self.inner.deps.secret;
        if let Some(id) = keys::read_undo_token(token, secret) {
            let setup = router_setups::find_setup(self.pool(), id).await?.ok_or(RouterSideError::Unknown)?;
            if setup.undone_at.is_some() {
                return Ok(scripts::say("Everything was taken back already. Nothing is left to do.")?);
            }
            let base = base(site, &Run::new(id, true, is_checked, self.now()).write(secret)?);
            let intro = format!("This takes back what was set up for {}.", setup.name);
            return Ok(scripts::agent(&intro, &base, is_checked)?);
        }
        let hash = random::digest(&[token.as_bytes()]);
        let id = router_setups::find_by_token(self.pool(), &hash).await?.ok_or(RouterSideError::Unknown)?;
        let setup = router_setups::find_setup(self.pool(), id).await?.ok_or(RouterSideError::Unknown)?;
        if let Some(words) = self.over(&setup) {
            return Ok(scripts::say(words)?);
        }
        if setup.fetched_at.is_none() {
            router_setups::record_fetched(self.pool(), id, self.now()).await?;
        }
        let base = base(site, &Run::new(id, false, is_checked, self.now()).write(secret)?);
        let intro = format!("This connects the router as {}. Nothing is changed before you approve it.", setup.name);
        Ok(scripts::agent(&intro, &base, is_checked)?)
    }

    /// Why a line is over.
    fn over(&self, setup: &SetupRow) -> Option<&'static str> {
        if setup.undo_at.is_some() || setup.undone_at.is_some() {
            return Some("This set-up was taken back. Begin a new one in the admin app.");
        }
        if setup.done_at.is_some() {
            return Some(
                "This line has been used: the router is connected. For another router, begin again in the admin app.",
            );
        }
        (self.now() >= setup.expires_at)
            .then_some("This line has expired. Begin again in the admin app to get a new one.")
    }

    /// What a run is to do next: `kind|name|words`.
    ///
    /// # Errors
    /// [`RouterSideError`].
    pub async fn setup_next(&self, run: &str, site: &Site) -> Result<String, RouterSideError> {
        let (run, setup) = self.run_of(run).await?;
        let (kind, name, words) =
            if run.is_undo { self.next_undo(&run, &setup, site).await? } else { self.next(&run, &setup, site).await? };
        let words: String = words.chars().map(|c| if c.is_control() || c == '|' { ' ' } else { c }).collect();
        Ok(format!("{kind}|{name}|{words}"))
    }

    async fn next(&self, run: &Run, setup: &SetupRow, site: &Site) -> Result<Turn, RouterSideError> {
        if setup.done_at.is_some() && setup.undo_at.is_none() {
            return Ok(turn("done", "-", "This router is connected."));
        }
        if let Some(words) = self.over(setup) {
            return Ok(turn("stop", "-", words));
        }
        let standing = self.standing(setup, Some(&run.nonce), site).await?;
        if setup.run.as_deref() != Some(&run.nonce) {
            let is_foreign = standing.facts.router_key() != setup.router_key;
            return Ok(match standing.report("look") {
                Some(report) if report.is_ok && is_foreign => turn(
                    "stop",
                    "-",
                    "This line was used on another router. Begin again in the admin app to get a new one.",
                ),
                Some(report) if report.is_ok => turn("stop", "-", "The line was pasted once more; that one goes on."),
                Some(_) => turn("stop", "-", "This router cannot be looked at. Are you logged in with full rights?"),
                None => turn("step", "look", "Looking at this router. Nothing is changed."),
            });
        }
        if let Some(name) = standing.next_look() {
            return Ok(turn("step", name, "Looking at this router. Nothing is changed."));
        }
        if let Some(found) = standing.blocked() {
            let todo = found.todo.as_deref().unwrap_or_default();
            return Ok(turn("stop", "-", format!("{}: {} {todo}", found.title, found.text)));
        }
        if setup.approved_at.is_none() {
            let words =
                format!("Waiting for your approval in the admin app: Routers, {}. Nothing is changed yet.", setup.name);
            return Ok(turn("wait", "-", words));
        }
        if let Some(step) = standing.failed_step() {
            let (title, todo) = words::of_step(step);
            return Ok(turn("stop", "-", format!("{title} did not work. {todo}")));
        }
        if let Some(step) = standing.next_step() {
            return Ok(turn("step", step.as_str(), words::of_step(step).0));
        }
        self.finish_setup(setup, &standing).await?;
        Ok(turn("done", "-", "Done. This router is connected."))
    }

    async fn next_undo(&self, run: &Run, setup: &SetupRow, site: &Site) -> Result<Turn, RouterSideError> {
        let standing = self.standing(setup, Some(&run.nonce), site).await?;
        let Some(look) = standing.report("look") else {
            return Ok(turn("step", "look", "Looking at this router."));
        };
        if !look.is_ok || standing.facts.router_key() != setup.router_key || setup.before_run.is_none() {
            return Ok(turn(
                "stop",
                "-",
                "This line takes back what was set up on another router. Nothing was changed.",
            ));
        }
        router_setups::record_undo(self.pool(), setup.id, self.now()).await?;
        if let Some(name) = UNDO_STEPS.into_iter().find(|name| standing.report(name).is_none()) {
            return Ok(turn("step", name, undo_words(name)));
        }
        let failed: Vec<&str> =
            standing.reports.iter().filter(|report| !report.is_ok).map(|report| undo_words(&report.name)).collect();
        if !failed.is_empty() {
            let words =
                format!("This could not be taken back: {}. Paste the line again, or do it by hand.", failed.join(", "));
            return Ok(turn("stop", "-", words));
        }
        if let Some(key) = &setup.router_key {
            router_setups::record_undone(self.pool(), key, self.now()).await?;
        }
        Ok(turn(
            "done",
            "-",
            "Everything was taken back. Remove the router in the admin app if you do not need it any more.",
        ))
    }

    /// The script of one step.
    ///
    /// # Errors
    /// [`RouterSideError`].
    pub async fn setup_step(&self, run_text: &str, name: &str, site: &Site) -> Result<String, RouterSideError> {
        let (run, setup) = self.run_of(run_text).await?;
        let standing = self.standing(&setup, Some(&run.nonce), site).await?;
        let base = base(site, run_text);
        if LOOKS.contains(&name) || name.starts_with(LOOK_PAGE) {
            let pages = standing.plan.pages();
            let page = page_number(name).and_then(|number| pages.get(number).copied());
            return scripts::look(name, site, page)?.ok_or(RouterSideError::Unknown);
        }
        if run.is_undo {
            return self.undo_script(&run, &setup, name, &base, site).await;
        }
        let step =
            Step::read(name).filter(|step| standing.plan.steps.contains(step)).ok_or(RouterSideError::Unknown)?;
        self.want_turn(&run, &setup)?;
        if step == Step::Pull {
            return self.pull_script(&setup, &standing, site).await;
        }
        let kit = kit(&standing, site, &base);
        match step {
            Step::User => {
                let sealed = setup.password_sealed.as_deref().ok_or(RouterSideError::NotNow)?;
                let password = self.inner.deps.secret.open(setup.id.as_bytes(), sealed)?;
                Ok(kit.step(step, Extra::Password(password.expose_secret()))?)
            }
            Step::Tunnel => {
                let tunnel = site.tunnel.as_ref().ok_or(RouterSideError::NotNow)?;
                let address = self.tunnel_address(&setup).await?.ok_or(RouterSideError::NotNow)?;
                Ok(kit.step(step, Extra::Tunnel(tunnel, address))?)
            }
            _ => Ok(kit.step(step, Extra::None)?),
        }
    }

    async fn undo_script(
        &self,
        run: &Run,
        setup: &SetupRow,
        name: &str,
        base: &str,
        site: &Site,
    ) -> Result<String, RouterSideError> {
        let before = self.before(setup, site).await?;
        let pages: Vec<PageBefore> = (0..before.plan.pages().len()).map(|number| before.page_before(number)).collect();
        let mut kit = kit(&before, site, base);
        kit.is_checked = Run::is_checked(&run.nonce);
        kit.undo(name, &pages)?.ok_or(RouterSideError::Unknown)
    }

    /// What the router said before the first change.
    async fn before(&self, setup: &SetupRow, site: &Site) -> Result<Standing, RouterSideError> {
        self.standing_before(setup, site).await?.ok_or(RouterSideError::NotNow)
    }

    /// The login page as it was before, by its number.
    ///
    /// # Errors
    /// [`RouterSideError`].
    pub async fn setup_page_before(&self, run: &str, number: &str, site: &Site) -> Result<Answer, RouterSideError> {
        let (_, setup) = self.run_of(run).await?;
        let before = self.before(&setup, site).await?;
        let name = format!("{LOOK_PAGE}{number}");
        let report = before.report(&name).filter(|report| report.is_ok && !report.text.is_empty());
        Ok(Answer::Page(report.ok_or(RouterSideError::Unknown)?.text.clone()))
    }

    /// The login page to write.
    ///
    /// # Errors
    /// [`RouterSideError`].
    pub async fn setup_login_page(&self, run: &str, site: &Site) -> Result<Answer, RouterSideError> {
        let (_, setup) = self.run_of(run).await?;
        Ok(Answer::Page(scripts::login_page(site, &setup.slug)?.into_bytes()))
    }

    /// Only the run that counts, and only after the approval, may change anything.
    pub(super) fn want_turn(&self, run: &Run, setup: &SetupRow) -> Result<(), RouterSideError> {
        let is_turn = setup.run.as_deref() == Some(&run.nonce) && setup.approved_at.is_some() && !is_finished(setup);
        if is_turn { Ok(()) } else { Err(RouterSideError::NotNow) }
    }

    pub(super) async fn run_of(&self, text: &str) -> Result<(Run, SetupRow), RouterSideError> {
        let run = Run::read(text, &self.inner.deps.secret).ok_or(RouterSideError::Unknown)?;
        let setup = router_setups::find_setup(self.pool(), run.setup_id).await?.ok_or(RouterSideError::Unknown)?;
        Ok((run, setup))
    }
}

/// What a router is told to do: kind, name, words.
type Turn = (&'static str, String, String);

fn turn(kind: &'static str, name: impl Into<String>, words: impl Into<String>) -> Turn {
    (kind, name.into(), words.into())
}

fn base(site: &Site, run: &str) -> String {
    format!("{}/r/{run}", site.public_url)
}

fn kit<'a>(standing: &'a Standing, site: &'a Site, base: &'a str) -> Kit<'a> {
    let key = if standing.plan.steps.contains(&Step::Tunnel) { "api-port" } else { "ssl-port" };
    let default = if key == "api-port" { 8728 } else { 8729 };
    Kit {
        facts: &standing.facts,
        plan: &standing.plan,
        site,
        base,
        is_checked: standing.is_checked,
        zone: &standing.zone,
        port: standing.facts.number(key).and_then(|port| u16::try_from(port).ok()).unwrap_or(default),
    }
}

pub(super) fn page_number(name: &str) -> Option<usize> {
    name.strip_prefix(LOOK_PAGE)?.parse().ok().filter(|number| *number < PAGES_MAX)
}

fn undo_words(name: &str) -> &'static str {
    match name {
        "undo-hotspot" => "Hotspot and login page",
        "undo-customers" => "Customers and the open portal",
        "undo-system" => "Scripts, clock and API user",
        "undo-network" => "Services, firewall and tunnel",
        _ => "Looking at this router",
    }
}
