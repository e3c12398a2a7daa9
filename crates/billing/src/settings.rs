//! What the owner may change without a restart.

use chrono_tz::Tz;

use crate::{
    Billing,
    db::{StoreError, settings},
    silence,
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
pub const SETTINGS: &[Setting] = &[
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
    Setting {
        name: "alarm_hours",
        help: "after so many daytime hours without a sale, where sales are usual, you are told; 0 for never",
        default: "3",
        max_chars: 2,
    },
    Setting {
        name: "alarm_day",
        help: "the hours of the day in which you expect sales, such as 8-21",
        default: "8-21",
        max_chars: 5,
    },
    Setting {
        name: "alarm_usual_sales",
        help: "sales are usual when the same hours of the last 7 days had at least so many together",
        default: "7",
        max_chars: 6,
    },
    Setting {
        name: MOVES_PER_DAY,
        help: "how often a customer may move paid time to another device in a day, from 0 to 50",
        default: "3",
        max_chars: 2,
    },
    Setting {
        name: PAY_BY_HAND,
        help: "on offers paying by hand to your paybill or till; set by `bando mpesa register-urls`",
        default: "off",
        max_chars: 3,
    },
    Setting {
        name: PAYBILL_ONLY_WIFI,
        help: "on refuses payments by hand with an unknown account number; only if the paybill is used for nothing else",
        default: "off",
        max_chars: 3,
    },
    Setting {
        name: OUTAGE_CREDIT,
        help: "on gives customers back by itself what they lost while a router was without power or internet",
        default: "off",
        max_chars: 3,
    },
    Setting {
        name: OUTAGE_CREDIT_MIN,
        help: "only for outages of at least so many minutes; 1 to 1440",
        default: "10",
        max_chars: 4,
    },
];

/// How often paid time may go to another device in a day.
pub const MOVES_PER_DAY: &str = "moves_per_day";
/// Whether customers are told where to pay by hand.
pub const PAY_BY_HAND: &str = "pay_by_hand";
/// Whether the paybill takes money for nothing but this.
pub const PAYBILL_ONLY_WIFI: &str = "paybill_only_wifi";

/// Whether what customers lose in an outage is given back by itself.
pub const OUTAGE_CREDIT: &str = "outage_credit_automatic";
/// How long an outage has to be for that, in minutes.
pub const OUTAGE_CREDIT_MIN: &str = "outage_credit_min_minutes";

/// Whether a setting takes this value, beside its length.
fn is_sound(name: &str, value: &str) -> bool {
    match name {
        "time_zone" => value.parse::<chrono_tz::Tz>().is_ok(),
        "alarm_hours" => value.parse::<u32>().is_ok_and(|hours| hours <= 24),
        "alarm_day" => silence::day_hours(value).is_some(),
        "alarm_usual_sales" => value.parse::<u32>().is_ok_and(|sales| sales > 0),
        MOVES_PER_DAY => value.parse::<u32>().is_ok_and(|moves| moves <= 50),
        OUTAGE_CREDIT_MIN => value.parse::<u32>().is_ok_and(|minutes| (1..=1440).contains(&minutes)),
        PAY_BY_HAND | PAYBILL_ONLY_WIFI | OUTAGE_CREDIT => matches!(value, "on" | "off"),
        _ => true,
    }
}

/// Why a setting was not changed. The texts are for the owner.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    /// No such setting.
    #[error("there is no setting with this name; `bando settings list` shows them all")]
    Unknown,
    /// Too long, or with control characters.
    #[error("this value is too long or has characters that cannot be shown")]
    Value,
    /// Not in the form its help shows.
    #[error("this value is not understood; `bando settings list` shows what each setting takes")]
    Form,
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

    /// One setting's value or default.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn setting(&self, name: &str) -> Result<String, StoreError> {
        let found = self.list_settings().await?.into_iter().find(|(setting, _)| setting.name == name);
        Ok(found.map(|(_, value)| value).unwrap_or_default())
    }

    /// The owner's time zone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn zone(&self) -> Result<Tz, StoreError> {
        Ok(self.setting("time_zone").await?.parse().unwrap_or(Tz::Africa__Nairobi))
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
        if !is_sound(name, value) {
            return Err(SettingError::Form);
        }
        settings::upsert_setting(self.pool(), name, value, self.now()).await?;
        self.inner.kept.forget_settings();
        Ok(())
    }

    /// Whether a switch is on, as of a few seconds ago.
    pub(crate) async fn is_on(&self, name: &str) -> Result<bool, StoreError> {
        let values = match self.inner.kept.settings() {
            Some(values) => values,
            None => self.inner.kept.keep_settings(settings::list_settings(self.pool()).await?),
        };
        Ok(values.iter().any(|(own, value)| own == name && value == "on"))
    }
}
