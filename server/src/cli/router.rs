//! `bando router`.

use billing::{
    Billing,
    routers::{AddRouterError, NewRouter, RouterRecord},
};
use clap::{Args, Subcommand};

use super::{
    Failure,
    admin::PasswordSource,
    text::{json_line, say, table},
};
use crate::{application::Engine, config, doctor::router::test_router};

#[derive(Debug, Subcommand)]
pub(super) enum RouterCommand {
    /// Add a router.
    Add(AddRouter),
    /// Show every router.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Log in to one router, or to all, and say what came of it.
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

pub(super) async fn run(command: RouterCommand, engine: &Engine) -> Result<(), Failure> {
    match command {
        RouterCommand::Add(new) => add(new, &engine.billing).await,
        RouterCommand::List { json } => list(&engine.billing, json).await,
        RouterCommand::Test { router, json } => test(engine, router, json).await,
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
    let added = billing.add_router(&router).await?;
    say(&format!("{} was added; its portal is at /w/{}", added.name, added.slug));
    Ok(())
}

async fn list(billing: &Billing, json: bool) -> Result<(), Failure> {
    let routers = billing.list_routers().await?;
    if json {
        json_line(&routers.iter().map(row_json).collect::<Vec<_>>());
        return Ok(());
    }
    let rows: Vec<Vec<String>> = routers
        .iter()
        .map(|router| {
            let seen = router.last_seen_at.map_or("never".to_owned(), |at| at.format("%F %T UTC").to_string());
            let trouble = router.last_error.clone().unwrap_or_default();
            let tls = if router.tls_pin.is_some() { "pinned" } else { "off" };
            let address = format!("{}:{}", router.host, router.port);
            vec![
                router.slug.clone(),
                router.name.clone(),
                address,
                router.username.clone(),
                tls.to_owned(),
                seen,
                trouble,
            ]
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

async fn test(engine: &Engine, slug: Option<String>, json: bool) -> Result<(), Failure> {
    let mut routers = engine.billing.list_routers().await?;
    if let Some(slug) = slug {
        routers.retain(|router| router.slug == slug);
        if routers.is_empty() {
            return Err(Failure::usage("there is no router with this name; `bando router list` shows them all"));
        }
    }
    let mut checks = Vec::new();
    for router in &routers {
        checks.extend(test_router(engine, router).await);
    }
    if json {
        json_line(&checks);
    } else {
        checks.iter().for_each(|check| say(&check.to_string()));
    }
    match checks.iter().filter(|check| check.is_problem()).count() {
        0 if checks.is_empty() => Err(Failure::new("there is no router yet: add one with `bando router add`")),
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
