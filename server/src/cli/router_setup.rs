//! `bando router setup`: prints the line to paste, then follows the router in the terminal.

use std::{
    io::{BufRead as _, IsTerminal as _, Write as _},
    time::Duration,
};

use billing::onboarding::{By, Finding, SetupAsked, SetupError, SetupReach, SetupView, Site};
use clap::{Args, ValueEnum};

use super::{Failure, text::say};
use crate::application::Engine;

/// How often the router is looked after.
const EVERY: Duration = Duration::from_secs(2);

/// What a router has to be allowed by somebody who stands beside it, from RouterOS 7.17 on.
const DEVICE_MODE: &str = "\
If the router answers \"not allowed by device-mode\", paste this line first, press the router's button shortly within
five minutes, and paste the line above again once it has restarted:

/system device-mode update fetch=yes hotspot=yes scheduler=yes
";

#[derive(Debug, Args)]
pub(super) struct SetupRouter {
    /// Your name for it, such as "Main cafe".
    #[arg(long, required_unless_present = "router")]
    name: Option<String>,
    /// How the server and the router come together.
    #[arg(long, value_enum, default_value = "direct")]
    reach: ReachName,
    /// Set this router up anew; its public name, see: bando router list.
    #[arg(long)]
    router: Option<String>,
    /// Approve without asking. For scripts; otherwise look at what will be changed first.
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ReachName {
    /// The server connects to the router's address.
    Direct,
    /// Through a WireGuard tunnel.
    Tunnel,
    /// The router asks the server.
    Pull,
}

pub(super) async fn run(args: SetupRouter, engine: &Engine, site: &Site) -> Result<(), Failure> {
    let billing = &engine.billing;
    let by = By { admin: None, remote_ip: None };
    let router_id = match &args.router {
        Some(slug) => {
            let found = billing.find_router(slug).await?;
            let words = "there is no router with this name; `bando router list` shows them all";
            Some(found.ok_or_else(|| Failure::usage(words))?.id.as_uuid())
        }
        None => None,
    };
    let reach = match args.reach {
        ReachName::Direct => SetupReach::Direct,
        ReachName::Tunnel => SetupReach::Tunnel,
        ReachName::Pull => SetupReach::Pull,
    };
    let asked = SetupAsked { name: args.name.unwrap_or_default(), reach, router_id };
    let mut view = billing.begin_setup(by, &asked, site).await?;
    say("Paste this line into the router's terminal (New Terminal in WinBox or WebFig):\n");
    say(view.command.as_deref().unwrap_or_default());
    say(&format!(
        "\nIt works once, until {}. Leave this running: it shows how it goes on.",
        view.expires_at.format("%F %T UTC")
    ));
    say(DEVICE_MODE);
    let mut follower = Follower::default();
    loop {
        follower.show(&view);
        match view.state {
            "done" if !follower.is_settled() => {}
            "done" => {
                follower.last_words(&view);
                return Ok(());
            }
            "expired" => return Err(Failure::new(view.message)),
            "asking" if args.yes || is_approved()? => {
                view = billing.approve_setup(by, view.id, site).await?;
                continue;
            }
            "asking" => return Err(Failure::new("nothing was changed on the router")),
            _ => {}
        }
        tokio::time::sleep(EVERY).await;
        let words = "the set-up is not there any more";
        view = billing.setup(by, view.id, site).await?.ok_or_else(|| Failure::new(words))?;
    }
}

/// What was shown already.
#[derive(Debug, Default)]
struct Follower {
    message: String,
    has_plan: bool,
    steps: usize,
    rounds_done: usize,
}

impl Follower {
    fn show(&mut self, view: &SetupView) {
        if view.state == "asking" && !self.has_plan {
            view.checks.iter().for_each(|finding| say(&line(finding)));
            list("\nOn the router now:", &view.existing);
            list("\nWhat will be changed:", &view.planned);
            self.has_plan = true;
        }
        for step in view.steps.iter().skip(self.steps) {
            say(&format!("{:<8} {:<24} {}", step.state, step.title, step.text));
        }
        // A run that is repeated begins anew.
        self.steps = view.steps.len();
        if view.message != self.message {
            say(&format!("\n{}", view.message));
            self.message.clone_from(&view.message);
        }
        if view.state == "failed" {
            view.checks.iter().filter(|finding| finding.is_wrong()).for_each(|finding| say(&line(finding)));
        }
        if view.state == "done" {
            self.rounds_done += 1;
        }
    }

    /// Whether the server has had time to try the connection itself.
    const fn is_settled(&self) -> bool {
        self.rounds_done > 5
    }

    fn last_words(&self, view: &SetupView) {
        if let Some(config) = &view.tunnel_config {
            say(&format!("\nAdd this to the server's WireGuard configuration:\n\n{config}"));
        }
        if let Some(command) = &view.undo_command {
            say(&format!("\nThis line takes everything back:\n\n{command}"));
        }
    }
}

fn line(finding: &Finding) -> String {
    let todo = finding.todo.as_ref().map(|todo| format!("\n         {}", todo.replace('\n', "\n         ")));
    format!("{:<8} {:<24} {}{}", finding.state, finding.title, finding.text, todo.unwrap_or_default())
}

fn list(heading: &str, lines: &[String]) {
    say(heading);
    lines.iter().for_each(|line| say(&format!("  - {line}")));
}

/// Asks the person at the terminal.
fn is_approved() -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage("approve in the admin app, or run this in a terminal or with --yes"));
    }
    let failed = |error: std::io::Error| Failure::new(format!("the terminal cannot be read: {error}"));
    let mut out = std::io::stdout();
    write!(out, "\nDo it? [y/N] ").and_then(|()| out.flush()).map_err(failed)?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(failed)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

impl From<SetupError> for Failure {
    fn from(error: SetupError) -> Self {
        match error {
            SetupError::Store(error) => error.into(),
            SetupError::Name | SetupError::UnknownRouter | SetupError::Unknown | SetupError::NoTunnel => {
                Self::usage(error.to_string())
            }
            _ => Self::new(error.to_string()),
        }
    }
}
