//! The virtual phone: a page on which a person sees the M-Pesa prompt and enters a PIN. Plain forms, no script.

mod page;

use axum::{
    Form, Router,
    extract::{Path, Query, State},
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;

use self::page::View;
use super::{
    control::{Control, ControlError},
    ledger::Prompt,
    wire::is_msisdn,
};

/// How often a phone without a prompt looks again. With a prompt it does not, or a half-typed PIN would be lost.
const LOOK_AGAIN_SECS: u64 = 2;

#[derive(Debug, Default, Deserialize)]
struct Look {
    number: Option<String>,
    /// `off` stops the page from renewing itself.
    refresh: Option<String>,
    /// A panel to open. The page does not renew itself under its forms either.
    panel: Option<Panel>,
    error: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Panel {
    Number,
    Pay,
    Scenarios,
}

#[derive(Debug, Deserialize)]
struct Pin {
    #[serde(default)]
    pin: String,
}

#[derive(Debug, Deserialize)]
struct ByHand {
    msisdn: String,
    number: String,
    amount: String,
    #[serde(default)]
    account: String,
}

/// The routes of the phone.
pub(crate) fn router(control: Control) -> Router {
    Router::new()
        .route("/", get(|| async { Redirect::to("/phone") }))
        .route("/phone", get(show))
        .route("/phone/pay", post(pay))
        .route("/phone/prompts/{id}/approve", post(approve))
        .route("/phone/prompts/{id}/cancel", post(cancel))
        .with_state(control)
}

/// `2547…` from the forms in which people write a number.
fn read_number(typed: &str) -> Option<String> {
    let digits: String = typed.chars().filter(char::is_ascii_digit).collect();
    let nine = digits.strip_prefix("254").or_else(|| digits.strip_prefix('0')).unwrap_or(&digits);
    let number = format!("254{}", nine.strip_prefix('0').unwrap_or(nine));
    is_msisdn(&number).then_some(number)
}

fn local(msisdn: &str) -> String {
    let nine = msisdn.strip_prefix("254").unwrap_or(msisdn);
    match (nine.get(..3), nine.get(3..6), nine.get(6..)) {
        (Some(a), Some(b), Some(c)) => format!("0{a} {b} {c}"),
        _ => msisdn.to_owned(),
    }
}

fn back(number: &str, error: Option<&ControlError>) -> Redirect {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("number", number)
        .extend_pairs(error.map(|error| ("error", error.to_string())))
        .finish();
    Redirect::to(&format!("/phone?{query}"))
}

fn after(control: &Control, id: u64, done: Result<(), ControlError>) -> Redirect {
    let owner = control.prompts().into_iter().find(|prompt| prompt.id == id).map(|prompt| prompt.msisdn);
    back(&owner.unwrap_or_default(), done.err().as_ref())
}

async fn approve(State(control): State<Control>, Path(id): Path<u64>, Form(given): Form<Pin>) -> Redirect {
    let done = control.approve(id, given.pin.trim());
    after(&control, id, done)
}

async fn cancel(State(control): State<Control>, Path(id): Path<u64>) -> Redirect {
    let done = control.cancel(id);
    after(&control, id, done)
}

async fn pay(State(control): State<Control>, Form(given): Form<ByHand>) -> Redirect {
    let number = read_number(&given.msisdn).unwrap_or_default();
    let amount = given.amount.trim().parse().map_err(|_| ControlError::Amount);
    let done =
        amount.and_then(|amount| control.pay_by_hand(&number, given.number.trim(), amount, given.account.trim()));
    back(&number, done.err().as_ref())
}

async fn show(State(control): State<Control>, Query(look): Query<Look>) -> Response {
    let typed = look.number.as_deref().map(str::trim).filter(|typed| !typed.is_empty());
    let prompts = control.prompts();
    let number = match typed {
        Some(typed) => read_number(typed),
        // Nobody has chosen: the phone that rings, or the one that rang last.
        None => prompts
            .iter()
            .rev()
            .find(|prompt| prompt.state.is_on_screen())
            .or(prompts.last())
            .map(|prompt| prompt.msisdn.clone()),
    };
    let error = match (typed, &number) {
        (Some(_), None) => Some("That is not a Kenyan mobile number. Type it like 0712 345 678.".to_owned()),
        _ => look.error.clone(),
    };
    let prompt =
        prompts.iter().rev().find(|prompt| Some(&prompt.msisdn) == number.as_ref() && prompt.state.is_unresolved());
    let open = prompt.filter(|prompt| prompt.state.is_on_screen());
    let again = match open {
        Some(prompt) => left_secs(&control, prompt).saturating_add(1),
        None => LOOK_AGAIN_SECS,
    };
    let renews = look.refresh.as_deref() != Some("off") && look.panel.is_none();
    let view = View {
        control: &control,
        number: number.as_deref(),
        prompts: &prompts,
        prompt,
        renews,
        panel: look.panel,
        error,
    };
    let page = view.page().into_string();
    let headers = [
        (header::CONTENT_TYPE, "text/html;charset=UTF-8"),
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'",
        ),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    let mut response = (StatusCode::OK, headers, page).into_response();
    if renews && let Ok(value) = again.to_string().parse() {
        // A header, which browsers follow like a meta refresh.
        response.headers_mut().insert(HeaderName::from_static("refresh"), value);
    }
    response
}

/// Real seconds until an open prompt ends by itself.
fn left_secs(control: &Control, prompt: &Prompt) -> u64 {
    let clock = &control.shared.clock;
    let ends = control.shared.world().ends_at(prompt.id).unwrap_or_default();
    let (left, speed) = (ends.saturating_sub(clock.elapsed()), clock.speed());
    if speed > 0.0 { left.div_f64(speed.max(0.01)).as_secs() } else { LOOK_AGAIN_SECS }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for typed in ["0712345678", "0712 345 678", "+254 712-345678", "254712345678", "712345678", "2540712345678"] {
            assert_eq!(read_number(typed).as_deref(), Some("254712345678"), "{typed}");
        }
        for typed in ["", "12345", "0812345678", "07123456789"] {
            assert_eq!(read_number(typed), None, "{typed}");
        }
        assert_eq!(local("254712345678"), "0712 345 678");
    }
}
