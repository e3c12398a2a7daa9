//! The virtual phone: a page on which a person sees the M-Pesa prompt and enters a PIN. Plain forms, no script.

use axum::{
    Form, Router,
    extract::{Path, Query, State},
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Deserialize;

use super::{
    control::{Control, ControlError},
    ledger::{Message, Prompt},
    push::prompt_text,
    scenario::SCENARIOS,
    wire::is_msisdn,
};

const STYLE: &str = include_str!("phone.css");
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

struct View<'a> {
    control: &'a Control,
    number: Option<&'a str>,
    prompts: &'a [Prompt],
    /// The unresolved prompt of this phone, on the screen or not.
    prompt: Option<&'a Prompt>,
    renews: bool,
    panel: Option<Panel>,
    error: Option<String>,
}

impl View<'_> {
    fn page(&self) -> Markup {
        let title = self.number.map_or_else(|| "Virtual phone".to_owned(), |n| format!("Virtual phone {}", local(n)));
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (title) }
                    link rel="icon" href="data:,";
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    main {
                        header {
                            h1 { "Virtual phone" }
                            p.soft { "Stands in for a customer's phone and for M-Pesa. No real money moves." }
                            @if let Some(error) = &self.error { p.error role="alert" { (error) } }
                        }
                        (self.handset())
                        div.side {
                            (self.phones())
                            @match (self.panel, self.number) {
                                (Some(Panel::Number), _) => (other_number()),
                                (Some(Panel::Pay), Some(number)) => (by_hand(number)),
                                (Some(Panel::Scenarios), _) => (scenarios()),
                                _ => {}
                            }
                            (self.renewal())
                        }
                    }
                }
            }
        }
    }

    fn handset(&self) -> Markup {
        let clock = self.control.shared.clock.wall_eat();
        html! {
            section.shell aria-label="Phone" {
                div.screen {
                    div.bar {
                        span { (clock.format("%H:%M")) }
                        span { (self.number.map_or_else(|| "No phone yet".to_owned(), local)) }
                    }
                    @match (self.number, self.prompt) {
                        (None, _) => p { "Pay on the portal with any Safaricom number: the request appears here." },
                        (Some(_), Some(prompt)) if prompt.state.is_on_screen() => (dialog(prompt)),
                        (Some(_), Some(prompt)) if prompt.state == super::PromptState::Processing => {
                            div.dialog role="status" { "M-PESA: please wait…" }
                        }
                        _ => {}
                    }
                    @if let Some(number) = self.number { (messages(&self.control.messages(number))) }
                }
            }
        }
    }

    fn phones(&self) -> Markup {
        let ringing = |number: &str| self.prompts.iter().any(|p| p.msisdn == number && p.state.is_on_screen());
        let phones = self.control.phones();
        html! {
            section.panel {
                h2 { "Phones" }
                @if phones.is_empty() { p { "No request has come in yet." } }
                @else {
                    ul.numbers {
                        @for number in &phones {
                            li {
                                a href={ "/phone?number=" (number) } aria-current=[(Some(number.as_str()) == self.number).then_some("page")] {
                                    (local(number)) @if ringing(number) { " (asks for the PIN)" }
                                }
                            }
                        }
                    }
                }
                ul.numbers.more {
                    li { (self.link(Panel::Number, "panel=number", "Use another number")) }
                    @if self.number.is_some() { li { (self.link(Panel::Pay, "panel=pay", "Pay by hand")) } }
                    li { (self.link(Panel::Scenarios, "panel=scenarios", "Try what can go wrong")) }
                }
            }
        }
    }

    /// Opens a panel, or closes it when it is open.
    fn link(&self, panel: Panel, query: &str, label: &str) -> Markup {
        let open = self.panel == Some(panel);
        let query = if open { "" } else { query };
        html! {
            a href={ "/phone?number=" (self.number.unwrap_or_default()) "&" (query) } aria-current=[open.then_some("true")] {
                @if open { "Close: " } (label)
            }
        }
    }

    fn renewal(&self) -> Markup {
        let number = self.number.unwrap_or_default();
        html! {
            p.soft {
                @if self.panel.is_some() {
                    "This page does not renew itself while a panel is open."
                } @else if !self.renews {
                    "This page does not renew itself. "
                    a href={ "/phone?number=" (number) } { "Renew it every two seconds" }
                } @else if self.prompt.is_some_and(|prompt| prompt.state.is_on_screen()) {
                    "This page renews itself when the request ends."
                } @else {
                    "This page looks for new requests every two seconds. "
                    a href={ "/phone?number=" (number) "&refresh=off" } { "Stop that" }
                }
            }
        }
    }
}

/// Choosing a phone that has not rung yet.
fn other_number() -> Markup {
    html! {
        section.panel {
            h2 { "Use another number" }
            form method="get" action="/phone" {
                div.field {
                    label for="number" { "Phone number" }
                    input #number name="number" type="tel" inputmode="tel" autocomplete="off" placeholder="0712 345 678" required;
                }
                div.actions { button type="submit" { "Take this phone" } }
            }
        }
    }
}

/// The prompt as M-Pesa shows it.
fn dialog(prompt: &Prompt) -> Markup {
    html! {
        section.dialog aria-labelledby="ask" {
            h2 #ask { "M-PESA" }
            p { (prompt_text(prompt.amount, &prompt.business, &prompt.account_reference)) }
            form method="post" action={ "/phone/prompts/" (prompt.id) "/approve" } {
                label for="pin" { "M-PESA PIN" }
                input.pin #pin name="pin" type="password" inputmode="numeric" pattern="[0-9]{4}" minlength="4" maxlength="4"
                    required autocomplete="off" aria-describedby="pin-help";
                p.soft #pin-help { "Any four digits are right, except 0000, which is the wrong PIN." }
                div.actions { button type="submit" { "Send" } }
            }
            form method="post" action={ "/phone/prompts/" (prompt.id) "/cancel" } {
                div.actions { button.plain type="submit" { "Cancel" } }
            }
        }
    }
}

fn messages(messages: &[Message]) -> Markup {
    html! {
        section {
            h2 { "Messages" }
            @if messages.is_empty() { p.soft { "No messages yet." } }
            ul.list {
                @for message in messages.iter().rev().take(8) { li.sms { strong { "MPESA" } " " (message.text) } }
            }
        }
    }
}

/// Paying a pay bill or till without a prompt.
fn by_hand(number: &str) -> Markup {
    let field = |name: &str, label: &str, kind: &str, required: bool| {
        html! {
            div.field {
                label for={ "hand-" (name) } { (label) }
                input id={ "hand-" (name) } name=(name) inputmode=(kind) autocomplete="off" required[required];
            }
        }
    };
    html! {
        section.panel {
            h2 { "Pay by hand" }
            p.soft { "Lipa na M-PESA from the phone's menu, without a request from the portal." }
            form method="post" action="/phone/pay" {
                input type="hidden" name="msisdn" value=(number);
                (field("number", "Pay bill or till number", "numeric", true))
                (field("account", "Account number (pay bill only)", "text", false))
                (field("amount", "Amount in shillings", "numeric", true))
                div.actions { button type="submit" { "Pay" } }
            }
        }
    }
}

fn scenarios() -> Markup {
    html! {
        section.panel {
            h2 { "Try what can go wrong" }
            p.soft {
                "Pay with a number that ends in 99 and two digits of this table, with an amount of 700 and the two digits, "
                "or with an account that begins with SIM and the two digits. A payment that needs a PIN still waits for one."
            }
            div.scroll tabindex="0" role="region" aria-label="Table of scenarios" {
                table {
                    thead { tr { th scope="col" { "Digits" } th scope="col" { "What happens" } th scope="col" { "Known by" } } }
                    tbody {
                        @for row in SCENARIOS {
                            tr { td { (format!("{:02}", row.number)) } td { (row.does) } td { (format!("{:?}", row.evidence)) } }
                        }
                    }
                }
            }
        }
    }
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
