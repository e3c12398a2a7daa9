//! The scenarios: how a payment goes wrong (or right), each selectable by number, amount, reference or order.
//!
//! Every scenario has a two-digit number `NN`. A push follows the first of these that applies:
//!
//! 1. the scenario set for its MSISDN, 2. the scenario set for everybody (both through the control plane),
//! 3. an `AccountReference` beginning with `SIMNN`, 4. an amount of `700NN`, 5. an MSISDN ending in `99NN`,
//! 6. the sandbox test number 254708374149, which never answers, 7. success.
//!
//! In manual mode a scenario that follows a PIN waits for a person to enter it; one in which the network or
//! an absent customer decides runs by itself.
//!
//! | NN | name | NN | name | NN | name |
//! |---|---|---|---|---|---|
//! | 00 | `success` | 14 | `unknown_code` | 28 | `amount_one_decimal` |
//! | 01 | `insufficient` | 15 | `submit_timeout` | 29 | `amount_integer` |
//! | 02 | `cancelled` | 16 | `submit_500` | 30 | `amount_string` |
//! | 03 | `unanswered` | 17 | `submit_html` | 31 | `code_as_string` |
//! | 04 | `wrong_pin` | 18 | `callback_lost` | 32 | `extra_items` |
//! | 05 | `expired` | 19 | `callback_first` | 33 | `query_failure_then_success` |
//! | 06 | `busy` | 20 | `callback_delayed` | 34 | `query_flaps` |
//! | 07 | `push_error` | 21 | `callback_duplicate` | 35 | `query_throttled` |
//! | 08 | `push_error_9999` | 22 | `failure_then_success` | 36 | `token_revoked` |
//! | 09 | `rule_limited` | 23 | `wrong_amount` | 37 | `unreachable` |
//! | 10 | `daily_limit` | 24 | `reused_receipt` | 38 | `not_registered` |
//! | 11 | `pin_locked` | 25 | `metadata_null` | 39 | `system_busy` |
//! | 12 | `product_mismatch` | 26 | `balance_packed` | 40 | `success_without_metadata` |
//! | 13 | `no_operator` | 27 | `balance_absent` | | |
//!
//! The control plane also takes `code:<lexeme>`, which ends any payment with that result code.

use std::time::Duration;

use serde::Serialize;

use super::{
    behaviour::Evidence::{self, Documented, Modelled, Observed},
    outcome::Code,
};

/// A row of the scenario table, as `GET /__sim/scenarios` and the phone page show it.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ScenarioInfo {
    /// The number `NN` of the selectors.
    pub number: u32,
    /// The name the control plane takes.
    pub name: &'static str,
    /// What happens, in a sentence.
    pub does: &'static str,
    /// How the real service is known to do it.
    pub evidence: Evidence,
}

const fn row(number: u32, name: &'static str, evidence: Evidence, does: &'static str) -> ScenarioInfo {
    ScenarioInfo { number, name, does, evidence }
}

/// The whole table.
pub const SCENARIOS: &[ScenarioInfo] = &[
    row(0, "success", Observed, "paid a few seconds after the prompt"),
    row(1, "insufficient", Documented, "result 1, the balance is too low"),
    row(2, "cancelled", Observed, "result 1032, cancelled by the customer"),
    row(3, "unanswered", Observed, "result 1037, nobody answered"),
    row(4, "wrong_pin", Documented, "result 2001, wrong PIN"),
    row(5, "expired", Documented, "result 1019, the transaction expired"),
    row(6, "busy", Documented, "result 1001, another M-Pesa request is open"),
    row(7, "push_error", Documented, "result 1025, the prompt could not be sent"),
    row(8, "push_error_9999", Documented, "result 9999, the prompt could not be sent"),
    row(9, "rule_limited", Documented, "result 17, same amount again too soon"),
    row(10, "daily_limit", Documented, "result 4, the customer's daily limit"),
    row(11, "pin_locked", Documented, "result 8006, the PIN is locked"),
    row(12, "product_mismatch", Documented, "result 2028, wrong kind of short code"),
    row(13, "no_operator", Observed, "result \"SFC_IC0003\", a string inside the callback"),
    row(14, "unknown_code", Modelled, "result 7777, which no document lists"),
    row(15, "submit_timeout", Modelled, "accepted and shown, but the answer to the push takes 90 s"),
    row(16, "submit_500", Modelled, "the push gets HTTP 500 and was not accepted"),
    row(17, "submit_html", Modelled, "the push gets an HTML page with HTTP 200 and was not accepted"),
    row(18, "callback_lost", Observed, "paid, but no callback ever comes"),
    row(19, "callback_first", Modelled, "paid at once; the callback comes before the answer to the push"),
    row(20, "callback_delayed", Modelled, "paid, the callback comes five minutes later"),
    row(21, "callback_duplicate", Modelled, "paid, the same callback comes three times"),
    row(22, "failure_then_success", Modelled, "paid; a callback with 1037 comes first, success 20 s later"),
    row(23, "wrong_amount", Modelled, "paid, with another amount than asked for"),
    row(24, "reused_receipt", Modelled, "paid, but the callback repeats an earlier receipt"),
    row(25, "metadata_null", Modelled, "cancelled, with CallbackMetadata null instead of absent"),
    row(26, "balance_packed", Observed, "paid, Balance is a packed string"),
    row(27, "balance_absent", Documented, "paid, without the Balance item"),
    row(28, "amount_one_decimal", Observed, "paid, Amount written 20.0"),
    row(29, "amount_integer", Observed, "paid, Amount written 20"),
    row(30, "amount_string", Modelled, "paid, Amount written \"20\""),
    row(31, "code_as_string", Modelled, "paid, ResultCode written \"0\""),
    row(32, "extra_items", Modelled, "paid, with unknown items and another order"),
    row(33, "query_failure_then_success", Observed, "the query says 1037, then the callback says 0"),
    row(34, "query_flaps", Observed, "paid, no callback, every other query says 500.001.1001"),
    row(35, "query_throttled", Observed, "paid, no callback, the first three queries get HTTP 429"),
    row(36, "token_revoked", Modelled, "paid, no callback, and the access token dies after the push"),
    row(37, "unreachable", Documented, "result 1036, the handset could not be reached"),
    row(38, "not_registered", Documented, "result 2040, the number has no M-Pesa"),
    row(39, "system_busy", Documented, "result 26, M-Pesa is busy"),
    row(40, "success_without_metadata", Modelled, "paid, but CallbackMetadata is missing from the callback"),
];

/// A chosen scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// A row of [`SCENARIOS`].
    Listed(u32),
    /// `code:<lexeme>`.
    Ends(Code),
}

impl Scenario {
    /// Reads a name of the table or `code:<lexeme>` (up to 20 visible ASCII characters).
    pub(crate) fn parse(name: &str) -> Option<Self> {
        if let Some(code) = name.strip_prefix("code:") {
            let fits = (1..=20).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_graphic());
            return fits.then(|| Self::Ends(Code::new(code)));
        }
        SCENARIOS.iter().find(|row| row.name == name).map(|row| Self::Listed(row.number))
    }

    pub(crate) fn name(&self) -> String {
        match self {
            Self::Listed(number) => {
                SCENARIOS.iter().find(|row| row.number == *number).map_or("success", |row| row.name).to_owned()
            }
            Self::Ends(code) => format!("code:{}", code.0),
        }
    }

    /// The scenario hidden in a request, if any.
    pub(crate) fn implied(msisdn: &str, amount: u32, account_reference: &str) -> Option<Self> {
        let by_reference = account_reference.strip_prefix("SIM").and_then(|rest| rest.get(..2));
        let by_amount = (70_000..70_100).contains(&amount).then(|| format!("{:02}", amount.saturating_sub(70_000)));
        let by_msisdn = msisdn.len().checked_sub(4).and_then(|at| msisdn.get(at..)).and_then(|t| t.strip_prefix("99"));
        [by_reference, by_amount.as_deref(), by_msisdn]
            .into_iter()
            .flatten()
            .filter_map(|digits| digits.parse::<u32>().ok())
            .find(|number| SCENARIOS.iter().any(|row| row.number == *number))
            .map(Self::Listed)
            .or_else(|| (msisdn == "254708374149").then_some(Self::Listed(3)))
    }
}

/// How the push itself is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Submit {
    Accept,
    AcceptThenHang,
    AcceptAfterCallback,
    RefuseWith500,
    RefuseWithHtml,
}

/// Who ends the prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decider {
    /// A PIN on the handset: a person in manual mode, by itself in automatic mode.
    Pin,
    /// A customer who cancels or looks away, by itself in both modes; the prompt is on the screen.
    Customer,
    /// The network; no prompt appears.
    Network,
}

/// When it ends by itself, relative to the push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// The option `approve_after`.
    Approval,
    /// The option `unanswered_after`.
    Silence,
    /// A fixed time.
    Secs(u64),
}

/// How the query answers where it does not simply follow the outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    Plainly,
    SaysUnansweredMeanwhile,
    Flaps,
    ThrottledAtFirst,
}

/// How an amount is written in the callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AmountForm {
    TwoDecimals,
    OneDecimal,
    Integer,
    Text,
}

/// What the Balance item looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BalanceForm {
    NoValue,
    Packed,
    Absent,
}

/// Oddities of the callback body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) amount: AmountForm,
    pub(crate) balance: BalanceForm,
    pub(crate) wrong_amount: bool,
    pub(crate) reused_receipt: bool,
    pub(crate) null_metadata: bool,
    pub(crate) no_metadata: bool,
    pub(crate) code_as_string: bool,
    pub(crate) extra_items: bool,
}

/// One callback to deliver after the outcome; `code` overrides the true one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) after: Duration,
    pub(crate) code: Option<Code>,
}

/// Everything a scenario decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) submit: Submit,
    pub(crate) decider: Decider,
    pub(crate) after: After,
    pub(crate) code: Code,
    pub(crate) steps: Vec<Step>,
    pub(crate) shape: Shape,
    pub(crate) asked: Asked,
    pub(crate) revoke_token: bool,
}

const PLAIN: Shape = Shape {
    amount: AmountForm::TwoDecimals,
    balance: BalanceForm::NoValue,
    wrong_amount: false,
    reused_receipt: false,
    null_metadata: false,
    no_metadata: false,
    code_as_string: false,
    extra_items: false,
};

fn steps(after_secs: &[u64]) -> Vec<Step> {
    after_secs.iter().map(|secs| Step { after: Duration::from_secs(*secs), code: None }).collect()
}

impl Plan {
    fn paid() -> Self {
        Self {
            submit: Submit::Accept,
            decider: Decider::Pin,
            after: After::Approval,
            code: Code::new("0"),
            steps: steps(&[0]),
            shape: PLAIN,
            asked: Asked::Plainly,
            revoke_token: false,
        }
    }

    fn shaped(shape: Shape) -> Self {
        Self { shape, ..Self::paid() }
    }

    fn failing(code: &str) -> Self {
        Self { code: Code::new(code), ..Self::paid() }
    }

    /// Ends by itself with `code` after `after`, the prompt never reaching the handset.
    pub(crate) fn network(code: &str, after: After) -> Self {
        Self { decider: Decider::Network, after, ..Self::failing(code) }
    }

    fn customer(code: &str, after: After) -> Self {
        Self { decider: Decider::Customer, after, ..Self::failing(code) }
    }

    fn uncalled() -> Self {
        Self { steps: Vec::new(), ..Self::paid() }
    }

    /// What `scenario` decides.
    pub(crate) fn of(scenario: &Scenario) -> Self {
        let number = match scenario {
            Scenario::Ends(code) => return Self { code: code.clone(), ..Self::paid() },
            Scenario::Listed(number) => *number,
        };
        match number {
            1 => Self::failing("1"),
            2 => Self::customer("1032", After::Approval),
            3 => Self::customer("1037", After::Silence),
            4 => Self::failing("2001"),
            5 => Self::customer("1019", After::Silence),
            6 => Self::network("1001", After::Secs(2)),
            7 => Self::network("1025", After::Secs(2)),
            8 => Self::network("9999", After::Secs(2)),
            9 => Self::network("17", After::Secs(2)),
            10 => Self::failing("4"),
            11 => Self::failing("8006"),
            12 => Self::network("2028", After::Secs(2)),
            13 => Self::network("SFC_IC0003", After::Secs(2)),
            14 => Self::failing("7777"),
            37 => Self::network("1036", After::Silence),
            38 => Self::network("2040", After::Secs(2)),
            39 => Self::network("26", After::Secs(2)),
            25 => Self { shape: Shape { null_metadata: true, ..PLAIN }, ..Self::customer("1032", After::Approval) },
            15..=24 | 33..=36 => Self::of_delivery(number),
            _ => Self::of_shape(number),
        }
    }

    /// Scenarios about answers that come late, twice or never.
    fn of_delivery(number: u32) -> Self {
        match number {
            15 => Self { submit: Submit::AcceptThenHang, ..Self::paid() },
            16 => Self { submit: Submit::RefuseWith500, ..Self::paid() },
            17 => Self { submit: Submit::RefuseWithHtml, ..Self::paid() },
            19 => Self {
                submit: Submit::AcceptAfterCallback,
                decider: Decider::Customer,
                after: After::Secs(0),
                ..Self::paid()
            },
            20 => Self { steps: steps(&[300]), ..Self::paid() },
            21 => Self { steps: steps(&[0, 1, 2]), ..Self::paid() },
            22 => Self {
                steps: vec![
                    Step { after: Duration::ZERO, code: Some(Code::new("1037")) },
                    Step { after: Duration::from_secs(20), code: None },
                ],
                ..Self::paid()
            },
            23 => Self::shaped(Shape { wrong_amount: true, ..PLAIN }),
            24 => Self::shaped(Shape { reused_receipt: true, ..PLAIN }),
            33 => Self { asked: Asked::SaysUnansweredMeanwhile, after: After::Secs(40), ..Self::paid() },
            34 => Self { asked: Asked::Flaps, ..Self::uncalled() },
            35 => Self { asked: Asked::ThrottledAtFirst, ..Self::uncalled() },
            36 => Self { revoke_token: true, ..Self::uncalled() },
            _ => Self::uncalled(),
        }
    }

    /// Scenarios about the form of a success callback.
    fn of_shape(number: u32) -> Self {
        match number {
            26 => Self::shaped(Shape { balance: BalanceForm::Packed, ..PLAIN }),
            27 => Self::shaped(Shape { balance: BalanceForm::Absent, ..PLAIN }),
            28 => Self::shaped(Shape { amount: AmountForm::OneDecimal, ..PLAIN }),
            29 => Self::shaped(Shape { amount: AmountForm::Integer, ..PLAIN }),
            30 => Self::shaped(Shape { amount: AmountForm::Text, ..PLAIN }),
            31 => Self::shaped(Shape { code_as_string: true, ..PLAIN }),
            32 => Self::shaped(Shape { extra_items: true, ..PLAIN }),
            40 => Self::shaped(Shape { no_metadata: true, ..PLAIN }),
            _ => Self::paid(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_by_name_and_number() {
        for (at, row) in SCENARIOS.iter().enumerate() {
            assert_eq!(usize::try_from(row.number).unwrap(), at);
            let scenario = Scenario::parse(row.name).unwrap();
            assert_eq!(scenario.name(), row.name);
            if row.number > 0 {
                assert_ne!(Plan::of(&scenario), Plan::paid(), "{} does nothing special", row.name);
            }
        }
    }

    #[test]
    fn reference_beats_amount_beats_number() {
        assert_eq!(Scenario::implied("254712349902", 70_001, "SIM03X"), Some(Scenario::Listed(3)));
        assert_eq!(Scenario::implied("254712349902", 70_001, "WF12"), Some(Scenario::Listed(1)));
        assert_eq!(Scenario::implied("254712349902", 20, "WF12"), Some(Scenario::Listed(2)));
        assert_eq!(Scenario::implied("254708374149", 20, "WF12"), Some(Scenario::Listed(3)));
        assert_eq!(Scenario::implied("254712345678", 20, "WF12"), None);
        assert_eq!(Scenario::implied("254712349977", 20, "SIMPLE"), None);
        assert_eq!(Scenario::parse("nonsense"), None);
        assert_eq!(Scenario::parse("code:1036"), Some(Scenario::Ends(Code::new("1036"))));
    }
}
