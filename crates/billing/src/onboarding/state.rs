//! How a set-up stands. Nothing of it is stored beside the reports: it follows from them.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    facts::Facts,
    findings::{self, Finding, Preflight},
    keys::Run,
    plan::{Plan, Step},
    scripts::{LOOK_PAGE, LOOKS},
    site::{SetupReach, Site},
    undo::PageBefore,
    words,
};
use crate::{
    Billing,
    db::{
        StoreError,
        router_setups::{self, SetupRow, StepRow},
    },
};

/// The longest text of a router that is shown.
const SHOWN_MAX: usize = 400;
/// The step in which the server tries the new connection itself.
pub(super) const CONNECTION: &str = "connection";

/// One step, for the owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepView {
    /// When it was reported.
    pub at: DateTime<Utc>,
    /// For people.
    pub title: &'static str,
    /// `ok`, `warning` or `wrong`.
    pub state: &'static str,
    /// What was done, or went wrong and what to do.
    pub text: String,
}

/// A set-up, for the owner.
#[derive(Debug, Clone)]
pub struct SetupView {
    /// The key.
    pub id: Uuid,
    /// The owner's name for the router.
    pub name: String,
    /// How it is reached.
    pub reach: SetupReach,
    /// The line to paste; only where it was made.
    pub command: Option<String>,
    /// When the line ends.
    pub expires_at: DateTime<Utc>,
    /// `waiting`, `looking`, `asking`, `working`, `done`, `failed` or `expired`.
    pub state: &'static str,
    /// Words about it.
    pub message: String,
    /// What was found.
    pub checks: Vec<Finding>,
    /// What is there.
    pub existing: Vec<String>,
    /// What would be changed.
    pub planned: Vec<String>,
    /// What was done.
    pub steps: Vec<StepView>,
    /// For the server's WireGuard.
    pub tunnel_config: Option<String>,
    /// The router.
    pub router_id: Option<Uuid>,
    /// The line that takes it back.
    pub undo_command: Option<String>,
}

/// What one run has reported, and what follows from it.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    pub facts: Facts,
    pub plan: Plan,
    pub reports: Vec<StepRow>,
    pub findings: Vec<Finding>,
    pub planned: Vec<String>,
    pub zone: String,
    pub is_checked: bool,
}

impl Standing {
    pub(super) fn report(&self, name: &str) -> Option<&StepRow> {
        self.reports.iter().find(|report| report.name == name)
    }

    /// The next thing to look at; `None` when all was.
    pub(super) fn next_look(&self) -> Option<String> {
        let missing = LOOKS.into_iter().find(|name| self.report(name).is_none());
        missing.map(str::to_owned).or_else(|| {
            // Where nothing can be set up, nothing is kept.
            let pages = if self.blocked().is_some() { 0 } else { self.plan.pages().len() };
            (0..pages).map(|number| format!("{LOOK_PAGE}{number}")).find(|name| self.report(name).is_none())
        })
    }

    /// What makes a set-up impossible.
    pub(super) fn blocked(&self) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.is_wrong())
    }

    /// The step to do next; `None` when all were done.
    pub(super) fn next_step(&self) -> Option<Step> {
        self.plan.steps.iter().copied().find(|step| self.report(step.as_str()).is_none())
    }

    /// A step without which the rest is of no use, and which did not work.
    pub(super) fn failed_step(&self) -> Option<Step> {
        let failed = |step: &Step| step.is_needed() && self.report(step.as_str()).is_some_and(|report| !report.is_ok);
        self.plan.steps.iter().copied().find(failed)
    }

    /// What became of a login page as it was, by its number.
    pub(super) fn page_before(&self, number: usize) -> PageBefore {
        match self.report(&format!("{LOOK_PAGE}{number}")) {
            Some(report) if report.is_ok && report.text.is_empty() => PageBefore::None,
            Some(report) if report.is_ok => PageBefore::Kept,
            _ => PageBefore::Lost,
        }
    }

    /// Login pages that were looked at and could not be kept.
    fn lost_pages(&self) -> Vec<String> {
        let is_lost = |number: usize| {
            self.report(&format!("{LOOK_PAGE}{number}")).is_some() && self.page_before(number) == PageBefore::Lost
        };
        let pages = self.plan.pages().into_iter().enumerate();
        pages.filter(|(number, _)| is_lost(*number)).map(|(_, page)| page.to_owned()).collect()
    }

    fn is_changed(&self) -> bool {
        self.plan.steps.iter().any(|step| self.report(step.as_str()).is_some())
    }
}

impl Billing {
    /// What a run of a set-up has reported.
    pub(super) async fn standing(
        &self,
        setup: &SetupRow,
        run: Option<&[u8]>,
        site: &Site,
    ) -> Result<Standing, StoreError> {
        let reports = match run {
            Some(run) => router_setups::list_steps(self.pool(), setup.id, run).await?,
            None => Vec::new(),
        };
        let is_checked = run.is_none_or(Run::is_checked);
        let zone = self.zone().await?.name().to_owned();
        let reach = reach_of(setup)?;
        let mut facts = Facts::default();
        for report in reports.iter().filter(|report| report.is_ok && LOOKS.contains(&report.name.as_str())) {
            facts.read(&report.text);
        }
        facts.has_hotspot = reports.iter().any(|report| report.name == "look-hotspot" && report.is_ok);
        let plan = Plan::new(&facts, reach, site);
        let looked_at = reports.iter().find(|report| report.name == "look").map_or(self.now(), |report| report.at);
        let are_all_in = LOOKS.into_iter().all(|name| reports.iter().any(|report| report.name == name));
        let connected_as = match facts.router_key() {
            Some(key) if are_all_in => router_setups::find_connected_as(self.pool(), &key, setup).await?,
            _ => None,
        };
        let preflight = Preflight {
            facts: &facts,
            plan: &plan,
            reach,
            site,
            zone: &zone,
            reported_at: looked_at,
            is_checked,
            connected_as: connected_as.as_deref(),
        };
        let (findings, planned) = match are_all_in {
            true => (findings::findings(&preflight), words::planned(&preflight)),
            false => (Vec::new(), Vec::new()),
        };
        Ok(Standing { facts, plan, reports, findings, planned, zone, is_checked })
    }

    /// What the router said before the first change; `None` when nothing was changed.
    pub(super) async fn standing_before(&self, setup: &SetupRow, site: &Site) -> Result<Option<Standing>, StoreError> {
        let (Some(id), Some(run)) = (setup.before_setup_id, &setup.before_run) else { return Ok(None) };
        match router_setups::find_setup(self.pool(), id).await? {
            Some(first) => self.standing(&first, Some(run), site).await.map(Some),
            None => Ok(None),
        }
    }

    /// A set-up as the owner sees it, without the lines to paste.
    pub(super) async fn setup_view(&self, setup: &SetupRow, site: &Site) -> Result<SetupView, StoreError> {
        let standing = self.standing(setup, setup.run.as_deref(), site).await?;
        let (state, mut message) = self.setup_state(setup, &standing);
        if setup.undone_at.is_some() {
            let lost = self.standing_before(setup, site).await?.map(|before| before.lost_pages()).unwrap_or_default();
            message = words::undone(&lost);
        }
        if state == "waiting" && is_this_machine(&site.host) {
            message.push_str(&format!(
                " The line leads to {}, which only this computer can reach: set PUBLIC_URL to the address that routers \
                 reach this server at, start it again, and begin anew.",
                site.host
            ));
        }
        let lost = standing.lost_pages();
        let is_known = !standing.findings.is_empty();
        Ok(SetupView {
            id: setup.id,
            name: setup.name.clone(),
            reach: reach_of(setup)?,
            command: None,
            expires_at: setup.expires_at,
            state,
            message,
            existing: if is_known { words::existing(&standing.facts, &standing.plan, &lost) } else { Vec::new() },
            planned: standing.planned.clone(),
            steps: steps(&standing, reach_of(setup)?, site),
            checks: standing.findings,
            tunnel_config: self.tunnel_config(setup).await?,
            router_id: setup.router_id,
            undo_command: None,
        })
    }

    fn setup_state(&self, setup: &SetupRow, standing: &Standing) -> (&'static str, String) {
        if setup.undone_at.is_some() {
            return ("done", words::undone(&[]));
        }
        if setup.undo_at.is_some() {
            return ("working", "The router is being put back as it was before.".to_owned());
        }
        if setup.done_at.is_some() {
            return ("done", done_message(setup, standing));
        }
        if self.now() >= setup.expires_at {
            let rest = if setup.approved_at.is_some() { "Not everything was set up." } else { "Nothing was changed." };
            return ("expired", format!("The line has expired. {rest} Begin again to get a new one."));
        }
        if let Some(step) = standing.failed_step() {
            let (title, todo) = words::of_step(step);
            return ("failed", format!("{title}: this step did not work. {todo}"));
        }
        if setup.approved_at.is_some() && standing.blocked().is_none() {
            let again = if standing.next_look().is_some() { " If nothing happens, paste the line again." } else { "" };
            return ("working", format!("The router is being set up. This takes a minute or two.{again}"));
        }
        if let Some(finding) = standing.blocked() {
            return (
                "failed",
                format!("{}: {} Put it right, then paste the same line again.", finding.title, finding.text),
            );
        }
        if setup.run.is_some() && standing.next_look().is_none() {
            let message = "Nothing was changed yet. Look at what was found and what will be changed, then approve it.";
            return ("asking", message.to_owned());
        }
        if setup.fetched_at.is_some() {
            return (
                "looking",
                "The router has fetched the script and is being looked at. Nothing is changed.".to_owned(),
            );
        }
        ("waiting", "Nothing has been heard of the router yet.".to_owned())
    }
}

/// Whether an address means whoever asks.
fn is_this_machine(host: &str) -> bool {
    let plain = host.trim_start_matches('[').trim_end_matches(']');
    plain == "localhost" || plain.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What became of it, in one sentence.
fn done_message(setup: &SetupRow, standing: &Standing) -> String {
    let connection = standing.report(CONNECTION);
    match (setup.reach.as_str(), connection) {
        ("tunnel", Some(report)) if !report.is_ok => {
            "The router is ready. Last step: add the lines below to the server's WireGuard configuration.".to_owned()
        }
        (_, Some(report)) if !report.is_ok => {
            "The router is set up, but this server could not connect to it yet; see the last step.".to_owned()
        }
        _ => "The router is connected.".to_owned(),
    }
}

/// The reach of a set-up.
pub(super) fn reach_of(setup: &SetupRow) -> Result<SetupReach, StoreError> {
    SetupReach::read(&setup.reach).ok_or_else(|| StoreError::inconsistent("router_setups", "reach", setup.id))
}

fn steps(standing: &Standing, reach: SetupReach, site: &Site) -> Vec<StepView> {
    let preflight = Preflight {
        facts: &standing.facts,
        plan: &standing.plan,
        reach,
        site,
        zone: &standing.zone,
        reported_at: DateTime::default(),
        is_checked: true,
        connected_as: None,
    };
    let mut views: Vec<StepView> = Vec::new();
    for report in &standing.reports {
        if let Some(step) = Step::read(&report.name) {
            let (title, todo) = words::of_step(step);
            let (state, text) = match (report.is_ok, step.is_needed()) {
                (true, _) => ("ok", words::done(step, &preflight)),
                (false, is_needed) => {
                    let text = format!("The router said: {} {todo}", sentence(&report.text));
                    (if is_needed { "wrong" } else { "warning" }, text)
                }
            };
            views.push(StepView { at: report.at, title, state, text });
        } else if report.name == CONNECTION {
            let text = shown(&report.text);
            let state = if report.is_ok { "ok" } else { "warning" };
            views.push(StepView { at: report.at, title: "Connection from this server", state, text });
        }
    }
    if standing.is_changed() { views } else { Vec::new() }
}

/// What a router said, short and without anything that cannot be shown.
pub(super) fn shown(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN_MAX).collect();
    plain.trim().to_owned()
}

fn sentence(text: &[u8]) -> String {
    let text = shown(text);
    match text.chars().last() {
        None => "nothing.".to_owned(),
        Some('.' | '!' | '?') => text,
        Some(_) => format!("{text}."),
    }
}
