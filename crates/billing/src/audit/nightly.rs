//! The audit every night: findings are kept with their age and said to the owner until they are gone.

use chrono::{DateTime, TimeDelta, Utc};
use domain::NotificationId;

use super::{RULES, Rule, Weight, ask};
use crate::{
    Billing,
    db::{
        StoreError, audit_findings,
        notifications::{self, NewNotification, Severity},
    },
    random,
};

/// Rows of one rule that are kept. If there are more, none is resolved, because not all were seen.
const KEPT: u32 = 1_000;

impl Billing {
    /// Asks every question, notes what is found with its age, and tells the owner. Safe to run at any time and
    /// as often as wanted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn audit_and_tell(&self) -> Result<(), StoreError> {
        let now = self.now();
        for rule in &RULES {
            self.audit_rule(rule, now).await?;
        }
        self.wake_feed();
        Ok(())
    }

    async fn audit_rule(&self, rule: &Rule, now: DateTime<Utc>) -> Result<(), StoreError> {
        let rows = ask(self.pool(), rule, now, KEPT).await?;
        for row in &rows {
            audit_findings::note_finding(self.pool(), rule.id, row, now).await?;
        }
        if u32::try_from(rows.len()).is_ok_and(|count| count < KEPT) {
            audit_findings::resolve_unseen(self.pool(), rule.id, now).await?;
        }
        let key = format!("audit:{}", rule.id);
        let Some((count, since)) = audit_findings::open_findings(self.pool(), rule.id).await? else {
            notifications::resolve(self.pool(), &key, now).await?;
            return Ok(());
        };
        let message = words(rule, count, now - since);
        let new = NewNotification {
            id: NotificationId::from_uuid(random::uuid(now)),
            severity: match rule.weight {
                Weight::Invariant => Severity::Critical,
                Weight::Work => Severity::Warning,
            },
            kind: "audit",
            message: &message,
            subject: Some(rule.id.to_owned()),
            dedupe_key: Some(&key),
            created_at: now,
        };
        notifications::raise_or_renew(self.pool(), &new).await
    }
}

/// What is wrong, how often, for how long, and what to do.
fn words(rule: &Rule, count: i64, age: TimeDelta) -> String {
    let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
    let age = match age.num_days() {
        0 => "new since last night".to_owned(),
        1 => "for 1 day".to_owned(),
        days => format!("for {days} days"),
    };
    format!("This does not hold, {times}, {age}: {}. {}", rule.title, rule.todo)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_is_said_in_words() {
        let rule = RULES.iter().find(|rule| rule.id == "unmatched_waiting").unwrap();
        for (hours, count, expected) in [
            (0, 1, "This does not hold, once, new since last night: No money has been"),
            (26, 2, "This does not hold, 2 times, for 1 day: No money has been"),
            (80, 2, "This does not hold, 2 times, for 3 days: No money has been"),
        ] {
            let text = words(rule, count, TimeDelta::hours(hours));
            assert!(text.starts_with(expected), "{text}");
            assert!(text.ends_with("Assign or dismiss it under Unmatched money."), "{text}");
        }
    }

    #[test]
    fn rules_have_names_of_their_own() {
        let mut ids: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), RULES.len());
        assert!(RULES.iter().all(|rule| rule.id.len() <= 48 && rule.query.matches('?').count() == 1));
    }
}
