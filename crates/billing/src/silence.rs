//! The silence alarm: a shop that usually sells and has stopped, or whose every prompt fails because of its
//! own set-up. Both are judged by pure functions; what is said once is not said again until sales return.

use chrono::{Days, NaiveDateTime, NaiveTime, TimeDelta, Timelike as _};
use chrono_tz::Tz;
use domain::{NotificationId, PaymentState, ResultCode, mpesa::ResultMeaning, result_text};

use crate::{
    Billing,
    db::{
        StoreError,
        notifications::{self, NewNotification, Severity},
        payments::sales,
    },
    random,
};

/// Days before today that are looked at for what is usual.
const USUAL_DAYS: u64 = 7;
/// Sales must have happened on so many of them.
const USUAL_ON_DAYS: usize = 4;
/// Prompts in a row that failed because of the set-up.
const FAILED_PROMPTS: usize = 5;

/// When to worry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// Daytime hours without a sale; 0 for never.
    pub hours: u32,
    /// First and last hour of the day in which sales are expected: from, until before.
    pub day: (u32, u32),
    /// Sales in the same hours of the last seven days together that make them usual.
    pub usual_sales: usize,
}

/// How sales go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// It is night, or nobody wants to be told.
    Resting,
    /// There was a sale not long ago.
    Selling,
    /// No sale, but there are not usually any.
    AsUsual,
    /// Sales are usual at these hours, and there are none.
    Silent,
}

/// Reads `8-21`: two hours of the day, the first before the second.
#[must_use]
pub fn day_hours(text: &str) -> Option<(u32, u32)> {
    let (from, until) = text.split_once('-')?;
    let (from, until) = (from.trim().parse().ok()?, until.trim().parse().ok()?);
    (from < until && until <= 24).then_some((from, until))
}

/// The newest `hours` of daytime before `now`, newest part first, each with its start and end.
#[must_use]
pub fn daytime(now: NaiveDateTime, hours: u32, day: (u32, u32)) -> Vec<(NaiveDateTime, NaiveDateTime)> {
    let mut left = TimeDelta::hours(i64::from(hours));
    let mut parts = Vec::new();
    // No day is shorter than an hour, so this many days hold any number of hours that is asked for.
    for back in 0..=u64::from(hours) + 1 {
        let Some(date) = now.date().checked_sub_days(Days::new(back)) else { break };
        let midnight = date.and_time(NaiveTime::MIN);
        let start = midnight + TimeDelta::hours(i64::from(day.0));
        let end = now.min(midnight + TimeDelta::hours(i64::from(day.1)));
        let length = (end - start).min(left);
        if length > TimeDelta::zero() {
            parts.push((end - length, end));
            left -= length;
        }
        if left <= TimeDelta::zero() {
            break;
        }
    }
    parts
}

/// Judges the sales of the last eight days, given in the owner's time, at `now`.
#[must_use]
pub fn judge(now: NaiveDateTime, sales: &[NaiveDateTime], thresholds: &Thresholds) -> Mood {
    if thresholds.hours == 0 || !(thresholds.day.0..thresholds.day.1).contains(&now.hour()) {
        return Mood::Resting;
    }
    let parts = daytime(now, thresholds.hours, thresholds.day);
    let Some((since, _)) = parts.last() else { return Mood::Resting };
    if sales.iter().any(|sale| sale > since) {
        return Mood::Selling;
    }
    let on_day = |back: u64| {
        let shift = Days::new(back);
        let within = |sale: &NaiveDateTime, (start, end): &(NaiveDateTime, NaiveDateTime)| {
            let shifted = |at: &NaiveDateTime| at.checked_sub_days(shift);
            shifted(start).is_some_and(|start| *sale > start) && shifted(end).is_some_and(|end| *sale <= end)
        };
        sales.iter().filter(|sale| parts.iter().any(|part| within(sale, part))).count()
    };
    let days: Vec<usize> = (1..=USUAL_DAYS).map(on_day).collect();
    let is_usual = days.iter().sum::<usize>() >= thresholds.usual_sales
        && days.iter().filter(|count| **count > 0).count() >= USUAL_ON_DAYS;
    if is_usual { Mood::Silent } else { Mood::AsUsual }
}

/// How the prompts of the last hour ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompts {
    /// One of the last five was paid.
    Working,
    /// The last five or more all failed because of the set-up.
    Failing,
    /// Neither can be said.
    Unclear,
}

/// Judges the prompts of the last hour that ended, newest first: state and M-Pesa's code.
#[must_use]
pub fn judge_prompts(ended: &[(PaymentState, Option<ResultCode>)]) -> Prompts {
    let newest = || ended.iter().take(FAILED_PROMPTS);
    let failed = newest().filter(|(state, code)| is_setup_fault(*state, code.as_ref())).count();
    if failed == FAILED_PROMPTS {
        Prompts::Failing
    } else if newest().any(|(state, _)| *state == PaymentState::Succeeded) {
        Prompts::Working
    } else {
        Prompts::Unclear
    }
}

/// Whether our own set-up made a prompt fail: a refusal of the request, or a result that says so.
fn is_setup_fault(state: PaymentState, code: Option<&ResultCode>) -> bool {
    let Some(code) = code else { return false };
    match state {
        PaymentState::Rejected => matches!(code.as_str(), "configuration" | "bad_field"),
        PaymentState::Failed => {
            code.meaning() == ResultMeaning::Configuration || result_text::for_result(code).alert_owner
        }
        _ => false,
    }
}

const SILENCE: &str = "sales_stopped";
const FAILING: &str = "prompts_fail";

impl Billing {
    /// Looks at how sales go, raises an alarm once when they stopped, and closes it when they return.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn watch_sales(&self) -> Result<(), StoreError> {
        let last_sale = sales::last_sale(self.pool()).await?;
        let episode = last_sale.map_or_else(|| "never".to_owned(), |id| id.to_string());
        let now = self.now();
        let ended = sales::list_ended(self.pool(), now - TimeDelta::hours(1)).await?;
        match judge_prompts(&ended) {
            Prompts::Working => drop(notifications::resolve(self.pool(), FAILING, now).await?),
            Prompts::Failing => self.alarm(FAILING, &episode, failing_words(&ended)).await?,
            Prompts::Unclear => {}
        }
        let (mood, thresholds) = self.mood().await?;
        match mood {
            Mood::Selling => drop(notifications::resolve(self.pool(), SILENCE, now).await?),
            Mood::Silent => {
                let message = format!(
                    "Nobody has bought anything for {} hours of the day, although sales are usual at this time. Try to \
                     buy yourself, look whether the routers are online, and run `bando doctor`.",
                    thresholds.hours
                );
                self.alarm(SILENCE, &episode, message).await?;
            }
            Mood::AsUsual | Mood::Resting => {}
        }
        Ok(())
    }

    async fn mood(&self) -> Result<(Mood, Thresholds), StoreError> {
        let number = async |name| Ok::<u32, StoreError>(self.setting(name).await?.parse().unwrap_or(u32::MAX));
        let thresholds = Thresholds {
            hours: number("alarm_hours").await?.min(24),
            day: day_hours(&self.setting("alarm_day").await?).unwrap_or((8, 21)),
            usual_sales: usize::try_from(number("alarm_usual_sales").await?).unwrap_or(usize::MAX),
        };
        let zone: Tz = self.zone().await?;
        let now = self.now();
        let local = |at: chrono::DateTime<chrono::Utc>| at.with_timezone(&zone).naive_local();
        // Most of the time something was sold lately, which is quickly found.
        let recent: Vec<_> =
            sales::list_sales(self.pool(), now - TimeDelta::hours(i64::from(thresholds.hours))).await?;
        let recent: Vec<_> = recent.into_iter().map(local).collect();
        if !recent.is_empty() || judge(local(now), &[], &thresholds) == Mood::Resting {
            return Ok((judge(local(now), &recent, &thresholds), thresholds));
        }
        let all = sales::list_sales(self.pool(), now - TimeDelta::days(10)).await?;
        let all: Vec<_> = all.into_iter().map(local).collect();
        Ok((judge(local(now), &all, &thresholds), thresholds))
    }

    /// Says it once for each time that sales stop.
    async fn alarm(&self, kind: &str, episode: &str, message: String) -> Result<(), StoreError> {
        if notifications::was_raised(self.pool(), kind, episode).await? {
            return Ok(());
        }
        let now = self.now();
        let new = NewNotification {
            id: NotificationId::from_uuid(random::uuid(now)),
            severity: Severity::Critical,
            kind,
            message: &message,
            subject: Some(episode.to_owned()),
            dedupe_key: Some(kind),
            created_at: now,
        };
        notifications::raise_or_renew(self.pool(), &new).await?;
        self.wake_feed();
        Ok(())
    }
}

fn failing_words(ended: &[(PaymentState, Option<ResultCode>)]) -> String {
    let code = ended.first().and_then(|(_, code)| code.as_ref()).map_or("none", ResultCode::as_str);
    format!(
        "The last {FAILED_PROMPTS} customers who tried to pay all failed because of the M-Pesa set-up (last answer: {code}). \
         Check MPESA_SHORTCODE, MPESA_PASSKEY, MPESA_TILL, MPESA_TRANSACTION_TYPE and the app's keys, and whether the \
         M-Pesa account can receive money; `bando doctor` tests them."
    )
}

#[cfg(test)]
mod tests;
