//! `bando mpesa`.

use billing::{
    Billing,
    books::{PULL_HOURS_MAX, PullError},
    payments::{RegisterError, Registration},
};
use clap::Subcommand;

use super::{
    Failure, statement,
    text::{json_line, say},
};
use crate::http::statement_report;

#[derive(Debug, Subcommand)]
pub(super) enum MpesaCommand {
    /// Tell M-Pesa to report payments made by hand to this server, and offer paying by hand in the portal.
    /// In production M-Pesa takes the addresses only once.
    RegisterUrls {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Ask M-Pesa for what was paid lately, settle what bears a payment's account number, and compare the rest.
    Pull {
        /// How many hours back, at most 48.
        #[arg(long, default_value_t = PULL_HOURS_MAX, value_parser = clap::value_parser!(u32).range(1..=48))]
        hours: u32,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Register the shortcode for Pull Transactions, once, after Safaricom has switched them on for it.
    RegisterPull {
        /// The phone number that was named to Safaricom for it.
        #[arg(long)]
        phone: String,
    },
}

pub(super) async fn run(command: MpesaCommand, billing: &Billing) -> Result<(), Failure> {
    match command {
        MpesaCommand::RegisterUrls { json } => register_urls(billing, json).await,
        MpesaCommand::Pull { hours, json } => pull(billing, hours, json).await,
        MpesaCommand::RegisterPull { phone } => register_pull(billing, &phone).await,
    }
}

async fn pull(billing: &Billing, hours: u32, json: bool) -> Result<(), Failure> {
    let pulled = billing.pull_transactions(hours).await?;
    let report = pulled.report.as_ref().map(statement_report);
    if json {
        json_line(&serde_json::json!({
            "lines": pulled.lines, "unreadable": pulled.unreadable, "settled": pulled.settled, "queued": pulled.queued,
            "report": report
        }));
        return Ok(());
    }
    say(&format!(
        "{} transactions pulled, {} could not be read; {} settled, {} put under unmatched money",
        pulled.lines, pulled.unreadable, pulled.settled, pulled.queued
    ));
    if let Some(report) = &report {
        statement::print(report, false);
    }
    Ok(())
}

async fn register_pull(billing: &Billing, phone: &str) -> Result<(), Failure> {
    let phone =
        phone.parse().map_err(|_| Failure::usage("--phone is not a Kenyan mobile number such as 0712345678"))?;
    let was_registered = billing.register_pull(&phone).await?;
    say(if was_registered { "the shortcode was registered before" } else { "the shortcode is registered" });
    Ok(())
}

async fn register_urls(billing: &Billing, json: bool) -> Result<(), Failure> {
    let registration = billing.register_c2b_urls("cli", None).await?;
    if json {
        json_line(&serde_json::json!({"outcome": registration.as_str(), "message": registration.message()}));
    } else if registration != Registration::AlreadyRegistered {
        say(registration.message());
    }
    match registration {
        Registration::Registered | Registration::AlreadyOurs => Ok(()),
        Registration::AlreadyRegistered => Err(Failure::new(registration.message())),
    }
}

impl From<PullError> for Failure {
    fn from(error: PullError) -> Self {
        match error {
            PullError::Store(error) => error.into(),
            PullError::Address(_) => Self::usage(error.to_string()),
            PullError::Refused(_) | PullError::Lost(_) => Self::new(error.to_string()),
        }
    }
}

impl From<RegisterError> for Failure {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Store(error) => error.into(),
            RegisterError::Address(_) => Self::usage(error.to_string()),
            RegisterError::Refused(_) | RegisterError::Unknown => Self::new(error.to_string()),
        }
    }
}
