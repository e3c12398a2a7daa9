//! `bando secret`.

use billing::{Billing, seal::SealedUnder, secrets::RotateError};
use clap::Subcommand;

use super::{
    Failure,
    text::{json_line, say},
};

/// What depends on the secret beside what is sealed in the database, and what to do about it.
const REST: &str = "\
Beside these, APP_SECRET makes things that are not in the database:
- The addresses to which M-Pesa reports payments made by hand. The old ones count for as long as APP_SECRET_OLD is set.
  Run `bando mpesa register-urls` to give M-Pesa the new ones. In production M-Pesa takes them only once: ask Safaricom to
  delete the old ones first, and keep APP_SECRET_OLD until they have changed.
- Passes with which customers take their time to another device. Those handed out before do not count any more; a
  customer gets a new one on the page that shows the time left.
- The line with which a router is being connected right now: begin that anew.
- Nothing else: people stay logged in, and payments under way go on.
When this is done, remove APP_SECRET_OLD and start every server again.";

#[derive(Debug, Subcommand)]
pub(super) enum SecretCommand {
    /// Change APP_SECRET: seal everything anew that is sealed in the database.
    ///
    /// First set APP_SECRET to the new secret and APP_SECRET_OLD to the one used until now, and start every server
    /// again: with both, everything goes on working. Then run this, as often as you like.
    Rotate {
        /// Only say what would be sealed anew.
        #[arg(long)]
        dry_run: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(command: SecretCommand, billing: &Billing) -> Result<(), Failure> {
    match command {
        SecretCommand::Rotate { dry_run: true, json } => look(billing, json).await,
        SecretCommand::Rotate { dry_run: false, json } => rotate(billing, json).await,
    }
}

async fn look(billing: &Billing, json: bool) -> Result<(), Failure> {
    let rows = billing.list_sealed().await?;
    let word = |under| match under {
        SealedUnder::Current => "done",
        SealedUnder::Old => "to do",
        SealedUnder::Unknown => "LOST",
    };
    if json {
        let list: Vec<_> = rows
            .iter()
            .map(|row| serde_json::json!({"name": row.name, "state": word(row.under).to_lowercase()}))
            .collect();
        json_line(&list);
    } else {
        rows.iter().for_each(|row| say(&format!("{:<6} {}", word(row.under), row.name)));
        say(REST);
    }
    let lost = rows.iter().filter(|row| row.under == SealedUnder::Unknown).count();
    if lost > 0 {
        return Err(Failure::new(format!("{lost} of these open with neither APP_SECRET nor APP_SECRET_OLD")));
    }
    Ok(())
}

async fn rotate(billing: &Billing, json: bool) -> Result<(), Failure> {
    let rotated = billing.rotate_secret("cli").await?;
    if json {
        json_line(&serde_json::json!({"resealed": rotated.resealed, "unchanged": rotated.unchanged}));
        return Ok(());
    }
    say(&format!(
        "{} sealed anew, {} were so already; everything opens with APP_SECRET",
        rotated.resealed, rotated.unchanged
    ));
    say(REST);
    Ok(())
}

impl From<RotateError> for Failure {
    fn from(error: RotateError) -> Self {
        match error {
            RotateError::Store(error) => error.into(),
            RotateError::NoOld => Self::usage(error.to_string()),
            RotateError::Unopened(_) | RotateError::Meanwhile(_) | RotateError::Seal(_) => Self::new(error.to_string()),
        }
    }
}
