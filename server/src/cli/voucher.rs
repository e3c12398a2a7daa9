//! `bando voucher`.

use billing::{Billing, vouchers::CreateVouchersError};
use clap::Subcommand;

use super::{
    Failure,
    text::{json_line, say},
};

#[derive(Debug, Subcommand)]
pub(super) enum VoucherCommand {
    /// Make codes and print them. They are shown this once only.
    Create {
        /// The package's id; see: bando package list.
        #[arg(long)]
        package: String,
        /// How many.
        #[arg(long, default_value_t = 1)]
        count: u32,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(command: VoucherCommand, billing: &Billing) -> Result<(), Failure> {
    let VoucherCommand::Create { package, count, json } = command;
    let package = package.parse().map_err(|_| Failure::from(CreateVouchersError::UnknownPackage))?;
    let codes = billing.create_vouchers(package, count, "cli").await?;
    if json {
        json_line(&codes);
    } else {
        codes.iter().for_each(|code| say(code));
    }
    Ok(())
}

impl From<CreateVouchersError> for Failure {
    fn from(error: CreateVouchersError) -> Self {
        match error {
            CreateVouchersError::Store(error) => error.into(),
            CreateVouchersError::UnknownPackage | CreateVouchersError::Count => Self::usage(error.to_string()),
        }
    }
}
