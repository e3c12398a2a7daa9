//! What the owner may change without a restart.

use crate::{
    Billing,
    db::{StoreError, settings},
};

/// One setting: its name, what it is for, its default and what it accepts.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The name.
    pub name: &'static str,
    /// What it is for.
    pub help: &'static str,
    /// Used until it is set.
    pub default: &'static str,
    /// The most characters it may have.
    pub max_chars: usize,
}

/// Every setting there is.
pub const SETTINGS: [Setting; 3] = [
    Setting {
        name: "business_name",
        help: "the name customers see on the portal",
        default: "Bando WiFi",
        max_chars: 40,
    },
    Setting {
        name: "support_phone",
        help: "the number customers may call for help; empty shows none",
        default: "",
        max_chars: 20,
    },
    Setting {
        name: "time_zone",
        help: "the zone in which times are shown, such as Africa/Nairobi",
        default: "Africa/Nairobi",
        max_chars: 40,
    },
];

/// Why a setting was not changed. The texts are for the owner.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    /// No such setting.
    #[error("there is no setting with this name; `bando settings list` shows them all")]
    Unknown,
    /// Too long, or with control characters.
    #[error("this value is too long or has characters that cannot be shown")]
    Value,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Billing {
    /// Every setting with its value or default.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list_settings(&self) -> Result<Vec<(Setting, String)>, StoreError> {
        let stored = settings::list_settings(self.pool()).await?;
        let value = |setting: &Setting| {
            let found = stored.iter().find(|(name, _)| name == setting.name);
            found.map_or_else(|| setting.default.to_owned(), |(_, value)| value.clone())
        };
        Ok(SETTINGS.iter().map(|setting| (*setting, value(setting))).collect())
    }

    /// Changes one.
    ///
    /// # Errors
    /// [`SettingError`].
    pub async fn set_setting(&self, name: &str, value: &str) -> Result<(), SettingError> {
        let setting = SETTINGS.iter().find(|setting| setting.name == name).ok_or(SettingError::Unknown)?;
        let value = value.trim();
        if value.chars().count() > setting.max_chars || value.chars().any(char::is_control) {
            return Err(SettingError::Value);
        }
        settings::upsert_setting(self.pool(), name, value, self.now()).await?;
        Ok(())
    }
}
