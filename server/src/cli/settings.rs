//! `bando settings`.

use billing::{Billing, settings::SettingError};
use clap::Subcommand;

use super::{
    Failure,
    text::{json_line, say, table},
};

#[derive(Debug, Subcommand)]
pub(super) enum SettingsCommand {
    /// Print one setting's value.
    Get {
        /// Its name.
        name: String,
    },
    /// Change one setting. The portal shows it within seconds.
    Set {
        /// Its name.
        name: String,
        /// Its new value; empty brings nothing back but an empty value.
        value: String,
    },
    /// Show every setting.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(command: SettingsCommand, billing: &Billing) -> Result<(), Failure> {
    match command {
        SettingsCommand::Get { name } => {
            let settings = billing.list_settings().await?;
            let found = settings.iter().find(|(setting, _)| setting.name == name);
            say(&found.ok_or_else(|| Failure::from(SettingError::Unknown))?.1);
        }
        SettingsCommand::Set { name, value } => {
            if name == "time_zone" && value.trim().parse::<chrono_tz::Tz>().is_err() {
                return Err(Failure::usage("this is not a time zone; it should look like Africa/Nairobi"));
            }
            billing.set_setting(&name, &value).await?;
        }
        SettingsCommand::List { json } => list(billing, json).await?,
    }
    Ok(())
}

async fn list(billing: &Billing, json: bool) -> Result<(), Failure> {
    let settings = billing.list_settings().await?;
    if json {
        let values: serde_json::Map<String, serde_json::Value> =
            settings.into_iter().map(|(setting, value)| (setting.name.to_owned(), value.into())).collect();
        json_line(&values);
        return Ok(());
    }
    let rows: Vec<Vec<String>> = settings
        .into_iter()
        .map(|(setting, value)| vec![setting.name.to_owned(), value, setting.help.to_owned()])
        .collect();
    table(&["name", "value", "what it is"], &rows);
    Ok(())
}

impl From<SettingError> for Failure {
    fn from(error: SettingError) -> Self {
        match error {
            SettingError::Unknown | SettingError::Value | SettingError::Form => Self::usage(error.to_string()),
            SettingError::Store(error) => error.into(),
        }
    }
}
