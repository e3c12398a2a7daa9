//! What the phone looks like.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Panel, local};
use crate::daraja::{
    control::Control,
    ledger::{Message, Prompt},
    outcome::PromptState,
    push::prompt_text,
    scenario::SCENARIOS,
};

const STYLE: &str = include_str!("style.css");

/// Everything the page shows.
pub(super) struct View<'a> {
    pub(super) control: &'a Control,
    pub(super) number: Option<&'a str>,
    pub(super) prompts: &'a [Prompt],
    /// The unresolved prompt of this phone, on the screen or not.
    pub(super) prompt: Option<&'a Prompt>,
    pub(super) renews: bool,
    pub(super) panel: Option<Panel>,
    pub(super) error: Option<String>,
}

impl View<'_> {
    pub(super) fn page(&self) -> Markup {
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
                                (Some(Panel::Pay), Some(number)) => (by_hand(number, self.default_number())),
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

    /// What the first merchant is paid under.
    fn default_number(&self) -> &str {
        let first = self.control.shared.options.merchants.first();
        first.map(|merchant| merchant.till.as_deref().unwrap_or(&merchant.shortcode)).unwrap_or_default()
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
                        (Some(_), Some(prompt)) if prompt.state == PromptState::Processing => {
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
                    @if self.number.is_some() { li { (self.link(Panel::Pay, "panel=pay", "Lipa na M-PESA by hand")) } }
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
fn by_hand(number: &str, pay_to: &str) -> Markup {
    let field = |name: &str, label: &str, kind: &str, value: Option<&str>, required: bool| {
        html! {
            div.field {
                label for={ "hand-" (name) } { (label) }
                input id={ "hand-" (name) } name=(name) inputmode=(kind) autocomplete="off" value=[value] required[required];
            }
        }
    };
    html! {
        section.panel {
            h2 { "Lipa na M-PESA" }
            p.soft { "Paying by hand from the phone's menu, without a request from the portal." }
            form method="post" action="/phone/pay" {
                input type="hidden" name="msisdn" value=(number);
                (field("number", "Pay bill or till number", "numeric", Some(pay_to), true))
                (field("account", "Account number (pay bill only)", "text", None, false))
                (field("amount", "Amount in shillings", "numeric", None, true))
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
