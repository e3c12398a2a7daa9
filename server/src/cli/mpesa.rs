//! `bando mpesa`.

use billing::{
    Billing,
    payments::{RegisterError, Registration},
};
use clap::Subcommand;

use super::{
    Failure,
    text::{json_line, say},
};

#[derive(Debug, Subcommand)]
pub(super) enum MpesaCommand {
    /// Tell M-Pesa to report payments made by hand to this server, and offer paying by hand in the portal.
    /// In production M-Pesa takes the addresses only once.
    RegisterUrls {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(command: MpesaCommand, billing: &Billing) -> Result<(), Failure> {
    let MpesaCommand::RegisterUrls { json } = command;
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

impl From<RegisterError> for Failure {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Store(error) => error.into(),
            RegisterError::Address(_) => Self::usage(error.to_string()),
            RegisterError::Refused(_) | RegisterError::Unknown => Self::new(error.to_string()),
        }
    }
}
