//! What may be changed while the simulator runs.

use super::Control;
use crate::daraja::{
    options::{C2bNumbers, Mode, PendingStyle, RateLimit, ResultDelivery, ThrottleStyle},
    world::Settings,
};

/// The changes `POST /__sim/rate-limit` and `POST /__sim/settings` make: what is absent stays.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingsChange {
    /// Who answers prompts.
    pub mode: Option<Mode>,
    /// The query's answer while pending.
    pub pending_style: Option<PendingStyle>,
    /// Queries a minute; 0 lifts the limit.
    pub query_per_minute: Option<u32>,
    /// Queries that may come together.
    pub query_burst: Option<u32>,
    /// Pushes a minute; 0 lifts the limit.
    pub push_per_minute: Option<u32>,
    /// Pushes that may come together.
    pub push_burst: Option<u32>,
    /// The form of a throttled answer.
    pub throttle_style: Option<ThrottleStyle>,
    /// Whether C2B payments ask the validation URL first.
    pub c2b_validation: Option<bool>,
    /// Whether an STK payment also confirms to registered C2B URLs.
    pub c2b_for_stk: Option<bool>,
    /// How payer numbers look.
    pub c2b_numbers: Option<C2bNumbers>,
    /// Of a hundred C2B confirmations, how many are never sent.
    pub c2b_loss_percent: Option<u32>,
    /// What comes after the asynchronous APIs have acknowledged.
    pub result_delivery: Option<ResultDelivery>,
}

impl Control {
    /// What may be changed while running, as it stands.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.shared.world().settings
    }

    /// Changes settings; what is absent stays.
    pub fn change_settings(&self, change: &SettingsChange) -> Settings {
        let limit = |now: Option<RateLimit>, per_minute: Option<u32>, burst: Option<u32>| {
            let per_minute = per_minute.or(now.map(|limit| limit.per_minute)).filter(|rate| *rate > 0)?;
            Some(RateLimit { per_minute, burst: burst.or(now.map(|limit| limit.burst)).unwrap_or(1) })
        };
        self.change(|world| {
            let set = &mut world.settings;
            set.mode = change.mode.unwrap_or(set.mode);
            set.pending_style = change.pending_style.unwrap_or(set.pending_style);
            set.throttle_style = change.throttle_style.unwrap_or(set.throttle_style);
            set.query_limit = limit(set.query_limit, change.query_per_minute, change.query_burst);
            set.push_limit = limit(set.push_limit, change.push_per_minute, change.push_burst);
            set.c2b_validation = change.c2b_validation.unwrap_or(set.c2b_validation);
            set.c2b_for_stk = change.c2b_for_stk.unwrap_or(set.c2b_for_stk);
            set.c2b_numbers = change.c2b_numbers.unwrap_or(set.c2b_numbers);
            set.c2b_loss_percent = change.c2b_loss_percent.unwrap_or(set.c2b_loss_percent).min(100);
            set.result_delivery = change.result_delivery.unwrap_or(set.result_delivery);
            world.settings
        })
    }
}
