//! `bando router`.

use billing::{
    Billing,
    access::Portal,
    routers::{AddRouterError, AskedBy, NewRouter, Reach, RouterChange, RouterError, RouterRecord},
};
use clap::{Args, Subcommand};

use super::{
    Failure,
    admin::PasswordSource,
    router_setup,
    text::{json_line, say, table},
};
use crate::{application::Engine, config, doctor::router::in_full};

#[derive(Debug, Subcommand)]
pub(super) enum RouterCommand {
    /// Add a router.
    Add(AddRouter),
    /// Connect a router in one paste: prints the line, shows what will be changed, and follows.
    Setup(router_setup::SetupRouter),
    /// Change a router. What is left out stays.
    Change(ChangeRouter),
    /// Take a router out of use: no sales there, and its devices are not touched any more. Its history stays.
    Remove {
        /// The router's public name; see: bando router list.
        router: String,
        /// Why.
        #[arg(long)]
        reason: String,
        /// Also when customers have paid time there, who lose it.
        #[arg(long)]
        anyway: bool,
    },
    /// Take a router back into use.
    Restore {
        /// The router's public name; see: bando router list --removed.
        router: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Show every router.
    List {
        /// Show those that were taken out of use instead.
        #[arg(long)]
        removed: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Look at everything that access depends on, on one router or on all: a line each, with what to do.
    Test {
        /// The router's public name; see: bando router list.
        router: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct AddRouter {
    /// Your name for it, such as "Main cafe".
    #[arg(long)]
    name: String,
    /// Host name or address.
    #[arg(long)]
    host: String,
    /// API port; 8728 when left out, 8729 with a pinned certificate.
    #[arg(long)]
    port: Option<u16>,
    /// A router user with the rights api, read, write.
    #[arg(long, default_value = "admin")]
    username: String,
    #[command(flatten)]
    password: PasswordSource,
    /// off, or pin: and the SHA-256 fingerprint of the router's certificate.
    #[arg(long, default_value = "off")]
    tls: String,
}

#[derive(Debug, Args)]
pub(super) struct ChangeRouter {
    /// The router's public name; see: bando router list.
    router: String,
    /// Your name for it; its public name stays.
    #[arg(long)]
    name: Option<String>,
    /// Host name or address.
    #[arg(long)]
    host: Option<String>,
    /// API port.
    #[arg(long)]
    port: Option<u16>,
    /// A router user with the rights api, read, write.
    #[arg(long)]
    username: Option<String>,
    /// A new password. Others on this machine may see it: prefer --password-stdin.
    #[arg(long)]
    password: Option<String>,
    /// Read a new password from standard input.
    #[arg(long, conflicts_with = "password")]
    password_stdin: bool,
    /// off, or pin: and the SHA-256 fingerprint of the router's certificate.
    #[arg(long)]
    tls: Option<String>,
}

const NO_ROUTER: &str =
    "there is no router yet: connect one with `bando router setup`, or with `bando router add` if it is set up already";

const CLI: AskedBy<'static> = AskedBy { actor: "cli", remote_ip: None };

pub(super) async fn run(command: RouterCommand, engine: &Engine, config: &config::Config) -> Result<(), Failure> {
    match command {
        RouterCommand::Add(new) => add(new, &engine.billing).await,
        RouterCommand::Setup(args) => router_setup::run(args, engine, &config::site(config)).await,
        RouterCommand::Change(change) => self::change(change, &engine.billing).await,
        RouterCommand::Remove { router, reason, anyway } => {
            let found = find(&engine.billing, &router, false).await?;
            let accepted = if anyway { u32::MAX } else { 0 };
            engine.billing.remove_router(found.id, &reason, accepted, CLI).await?;
            say(&format!("{} is out of use; to take it back: bando router restore {}", found.name, found.slug));
            Ok(())
        }
        RouterCommand::Restore { router, reason } => {
            let found = find(&engine.billing, &router, true).await?;
            engine.billing.restore_router(found.id, &reason, CLI).await?;
            say(&format!("{} is in use again", found.name));
            Ok(())
        }
        RouterCommand::List { removed, json } => list(&engine.billing, removed, json).await,
        RouterCommand::Test { router, json } => test(engine, &config::portal(config), router, json).await,
    }
}

async fn add(new: AddRouter, billing: &Billing) -> Result<(), Failure> {
    let tls_pin = config::tls_pin(&new.tls)
        .ok_or_else(|| Failure::usage("--tls should be off, or pin: and 64 hexadecimal digits"))?;
    let router = NewRouter {
        name: new.name,
        host: new.host,
        port: new.port.unwrap_or_else(|| config::default_api_port(tls_pin)),
        username: new.username,
        password: new.password.read(false)?,
        tls_pin,
    };
    let added = billing.add_router_as(&router, CLI).await?;
    say(&format!("{} was added; its portal is at /w/{}", added.name, added.slug));
    Ok(())
}

/// A router by its public name, among those in use or the others.
async fn find(billing: &Billing, slug: &str, is_removed: bool) -> Result<RouterRecord, Failure> {
    let routers = billing.list_routers_for_owner(is_removed).await?;
    let found = routers.into_iter().map(|listed| listed.router).find(|router| router.slug == slug);
    let list = if is_removed { "bando router list --removed" } else { "bando router list" };
    found.ok_or_else(|| Failure::usage(format!("there is no router with this name; `{list}` shows them all")))
}

async fn change(change: ChangeRouter, billing: &Billing) -> Result<(), Failure> {
    let found = find(billing, &change.router, false).await?;
    let tls_pin = change.tls.as_deref().map(|text| {
        config::tls_pin(text).ok_or_else(|| Failure::usage("--tls should be off, or pin: and 64 hexadecimal digits"))
    });
    let has_password = change.password.is_some() || change.password_stdin;
    let is_something = change.name.is_some()
        || change.host.is_some()
        || change.port.is_some()
        || change.username.is_some()
        || change.tls.is_some();
    if !is_something && !has_password {
        return Err(Failure::usage("say what to change; see: bando router change --help"));
    }
    let password = match has_password {
        true => Some(super::text::password(change.password, change.password_stdin, false)?),
        false => None,
    };
    let wanted = RouterChange {
        name: change.name,
        host: change.host,
        port: change.port,
        username: change.username,
        password,
        tls_pin: tls_pin.transpose()?,
    };
    let changed = billing.change_router(found.id, &wanted, CLI).await?;
    say(&format!("{} was changed; servers that run notice within seconds", changed.name));
    Ok(())
}

async fn list(billing: &Billing, is_removed: bool, json: bool) -> Result<(), Failure> {
    let listed = billing.list_routers_for_owner(is_removed).await?;
    let routers: Vec<RouterRecord> = listed.into_iter().map(|listed| listed.router).collect();
    if json {
        json_line(&routers.iter().map(row_json).collect::<Vec<_>>());
        return Ok(());
    }
    if routers.is_empty() {
        say(if is_removed { "every router is in use" } else { NO_ROUTER });
        return Ok(());
    }
    let rows: Vec<Vec<String>> = routers
        .iter()
        .map(|router| {
            let seen = router.last_seen_at.map_or("never".to_owned(), |at| at.format("%F %T UTC").to_string());
            let trouble = router.last_error.clone().unwrap_or_default();
            let tls = if router.tls_pin.is_some() { "pinned" } else { "off" };
            let (address, user, tls) = match router.reach {
                // Nothing to connect to: the router asks.
                Reach::Pull => ("asks this server".to_owned(), "-".to_owned(), "-"),
                Reach::Direct => (format!("{}:{}", router.host, router.port), router.username.clone(), tls),
            };
            vec![router.slug.clone(), router.name.clone(), address, user, tls.to_owned(), seen, trouble]
        })
        .collect();
    table(&["router", "name", "address", "user", "tls", "last seen", "trouble"], &rows);
    Ok(())
}

fn row_json(router: &RouterRecord) -> serde_json::Value {
    serde_json::json!({
        "router": router.slug,
        "name": router.name,
        "host": router.host,
        "port": router.port,
        "username": router.username,
        "tls_pin": router.tls_pin.as_ref().map(hex::encode),
        "last_seen_at": router.last_seen_at,
        "last_error": router.last_error,
    })
}

async fn test(engine: &Engine, portal: &Portal, slug: Option<String>, json: bool) -> Result<(), Failure> {
    let mut routers = engine.billing.list_routers().await?;
    if let Some(slug) = slug {
        routers.retain(|router| router.slug == slug);
        if routers.is_empty() {
            return Err(Failure::usage("there is no router with this name; `bando router list` shows them all"));
        }
    }
    let mut checks = Vec::new();
    for router in &routers {
        checks.extend(in_full(router, &engine.billing.test_router(router, portal.clone()).await?));
    }
    if json {
        json_line(&checks);
    } else {
        checks.iter().for_each(|check| say(&check.to_string()));
    }
    match checks.iter().filter(|check| check.is_problem()).count() {
        0 if checks.is_empty() => Err(Failure::new(NO_ROUTER)),
        0 => Ok(()),
        1 => Err(Failure::new("1 problem was found")),
        count => Err(Failure::new(format!("{count} problems were found"))),
    }
}

impl From<AddRouterError> for Failure {
    fn from(error: AddRouterError) -> Self {
        match error {
            AddRouterError::Store(error) => error.into(),
            AddRouterError::Name | AddRouterError::Host => Self::usage(error.to_string()),
            AddRouterError::Taken | AddRouterError::Seal(_) => Self::new(error.to_string()),
        }
    }
}

impl From<RouterError> for Failure {
    fn from(error: RouterError) -> Self {
        match error {
            RouterError::Add(error) => error.into(),
            RouterError::Username | RouterError::Port | RouterError::Reason => Self::usage(error.to_string()),
            RouterError::Customers(_) => Self::new(format!(
                "{error}\nWait until their time is over, or take it out of use all the same with --anyway."
            )),
            RouterError::Unknown | RouterError::Pull => Self::new(error.to_string()),
        }
    }
}
