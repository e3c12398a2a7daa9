//! `bando package`.

use billing::{Billing, packages::AddPackageError};
use clap::{Args, Subcommand};
use domain::{DataSize, Kes, PackageTerms, Rate};

use super::{
    Failure,
    text::{json_line, say, table},
};
use crate::http::package_item;

#[derive(Debug, Subcommand)]
pub(super) enum PackageCommand {
    /// Put a package on sale.
    Add(NewPackage),
    /// Show what is on sale.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct NewPackage {
    /// Such as "1 hour".
    #[arg(long)]
    name: String,
    /// Paid time in minutes.
    #[arg(long)]
    minutes: u32,
    /// Whole shillings.
    #[arg(long)]
    price: u32,
    /// Download limit in kbit/s; no limit when left out.
    #[arg(long)]
    down_kbps: Option<u32>,
    /// Upload limit in kbit/s; no limit when left out.
    #[arg(long)]
    up_kbps: Option<u32>,
    /// Data allowance in megabytes; no limit when left out.
    #[arg(long)]
    data_mb: Option<u32>,
    /// How many devices may share it.
    #[arg(long, default_value_t = 1)]
    devices: u8,
    /// Print the package as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(command: PackageCommand, billing: &Billing) -> Result<(), Failure> {
    match command {
        PackageCommand::Add(new) => add(new, billing).await,
        PackageCommand::List { json } => list(billing, json).await,
    }
}

async fn add(new: NewPackage, billing: &Billing) -> Result<(), Failure> {
    let price = Kes::new(new.price).map_err(|error| Failure::usage(error.to_string()))?;
    let terms = PackageTerms {
        name: new.name,
        duration_minutes: new.minutes,
        down: new.down_kbps.map(Rate::from_kbps),
        up: new.up_kbps.map(Rate::from_kbps),
        data: new.data_mb.map(DataSize::from_mb),
        devices: new.devices,
    };
    let package = billing.add_package(terms, price).await?;
    if new.json {
        json_line(&package_item(&package));
    } else {
        say(&format!("{} is on sale for KES {} ({})", package.terms.name, package.price.shillings(), package.id));
    }
    Ok(())
}

async fn list(billing: &Billing, json: bool) -> Result<(), Failure> {
    let packages = billing.list_packages().await?;
    if json {
        json_line(&packages.iter().map(package_item).collect::<Vec<_>>());
        return Ok(());
    }
    let limit = |value: Option<String>| value.unwrap_or_else(|| "no limit".to_owned());
    let rows: Vec<Vec<String>> = packages
        .iter()
        .map(|package| {
            let terms = &package.terms;
            vec![
                package.id.to_string(),
                terms.name.clone(),
                terms.duration_minutes.to_string(),
                package.price.shillings().to_string(),
                limit(terms.down.map(|rate| rate.to_string())),
                limit(terms.up.map(|rate| rate.to_string())),
                limit(terms.data.map(|data| data.to_string())),
                terms.devices.to_string(),
            ]
        })
        .collect();
    table(&["id", "name", "minutes", "KES", "down", "up", "data", "devices"], &rows);
    Ok(())
}

impl From<AddPackageError> for Failure {
    fn from(error: AddPackageError) -> Self {
        match error {
            AddPackageError::Invalid(error) => Self::usage(error.to_string()),
            AddPackageError::Store(error) => error.into(),
        }
    }
}
