//! How the admin app says what the API's words mean. Every state has words of its own and a tone for its
//! colour, so that nothing depends on seeing the colour.

pub(crate) mod live;
pub(crate) mod money;
pub(crate) mod routers;

use domain::PaymentState;

use crate::api::{NotificationRow, PaymentRow};

/// The colour of a badge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Busy,
    Warn,
    Bad,
    Quiet,
}

impl Tone {
    /// The class of the badge.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Good => "badge good",
            Self::Busy => "badge busy",
            Self::Warn => "badge warn",
            Self::Bad => "badge bad",
            Self::Quiet => "badge",
        }
    }
}

/// How a payment stands. A state this version does not know is shown as the server wrote it.
pub(crate) fn payment(row: &PaymentRow) -> (Tone, String) {
    let (tone, words) = match row.state.parse() {
        Ok(PaymentState::Created) => (Tone::Busy, "Sending request"),
        Ok(PaymentState::Pending) => (Tone::Busy, "Waiting for PIN"),
        Ok(PaymentState::Unknown) => (Tone::Busy, "Checking with M-Pesa"),
        Ok(PaymentState::Rejected) => (Tone::Bad, "Not sent"),
        Ok(PaymentState::Failed) => (Tone::Bad, "Failed"),
        Ok(PaymentState::Expired) => (Tone::Quiet, "No answer"),
        Ok(PaymentState::Succeeded) => (Tone::Good, "Paid"),
        Ok(PaymentState::Review) => (Tone::Warn, "Needs you"),
        Ok(PaymentState::Refunded) => (Tone::Quiet, "Refunded"),
        Err(_) => return (Tone::Quiet, row.status.clone()),
    };
    (tone, words.to_owned())
}

/// How delivery stands; `None` when there is nothing to deliver.
pub(crate) fn delivery(row: &PaymentRow) -> Option<(Tone, String)> {
    let (tone, words) = match row.delivery.as_str() {
        "none" => return None,
        "waiting" => (Tone::Busy, "Connecting"),
        "paused" => (Tone::Warn, "Paused"),
        "online" => (Tone::Good, "Online"),
        "offline" => (Tone::Quiet, "Not on the WiFi"),
        "ended" => (Tone::Quiet, "Ended"),
        other => (Tone::Quiet, other),
    };
    Some((tone, words.to_owned()))
}

/// How urgent a notification is.
pub(crate) fn severity(row: &NotificationRow) -> (Tone, &'static str) {
    match row.severity.as_str() {
        "critical" => (Tone::Bad, "Urgent"),
        "warning" => (Tone::Warn, "Warning"),
        _ => (Tone::Quiet, "For information"),
    }
}

/// `KES 1,234,567`.
pub(crate) fn kes(shillings: u64) -> String {
    let digits = shillings.to_string();
    let mut grouped = String::from("KES ");
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shillings_are_grouped() {
        for (shillings, text) in [
            (0, "KES 0"),
            (999, "KES 999"),
            (1000, "KES 1,000"),
            (250_000, "KES 250,000"),
            (1_234_567, "KES 1,234,567"),
        ] {
            assert_eq!(kes(shillings), text);
        }
    }

    #[test]
    fn every_state_has_words_and_none_is_taken_for_another() {
        let row = |state: &str| PaymentRow { state: state.to_owned(), ..crate::admin::merge::sample(1) };
        let mut seen: Vec<String> = PaymentState::ALL.iter().map(|state| payment(&row(state.as_str())).1).collect();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), PaymentState::ALL.len());
        assert_eq!(payment(&row("from_a_newer_version")).1, "Pending");
    }

    #[test]
    fn nothing_is_said_about_delivery_where_there_is_none() {
        let row = |delivery: &str| PaymentRow { delivery: delivery.to_owned(), ..crate::admin::merge::sample(1) };
        assert_eq!(delivery(&row("none")), None);
        assert_eq!(delivery(&row("online")), Some((Tone::Good, "Online".to_owned())));
    }

    #[test]
    fn what_is_urgent_looks_urgent() {
        let row = |severity: &str| NotificationRow {
            id: uuid::Uuid::nil(),
            severity: severity.to_owned(),
            kind: String::new(),
            message: String::new(),
            created_at: chrono::DateTime::UNIX_EPOCH,
            is_read: false,
        };
        for (word, class, words) in [
            ("critical", "badge bad", "Urgent"),
            ("warning", "badge warn", "Warning"),
            ("info", "badge", "For information"),
            ("from_a_newer_version", "badge", "For information"),
        ] {
            let (tone, said) = severity(&row(word));
            assert_eq!((tone.class(), said), (class, words));
        }
    }
}
