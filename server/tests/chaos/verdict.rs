//! Compares the ledgers line by line. A line that does not fit is a shilling lost, doubled or given away.

use std::collections::HashMap;

use simulators::daraja::Charge;
use uuid::Uuid;

use crate::books::{Books, Device, Payment, RouterUser, Session};

/// What does not fit, a line each. Empty means that the run has passed.
pub(crate) fn compare(books: &Books) -> Vec<String> {
    let mut lines = Vec::new();
    for charge in &books.charges {
        lines.extend(of_charge(books, charge));
    }
    for payment in &books.payments {
        lines.extend(of_payment(books, payment));
    }
    for session in &books.sessions {
        lines.extend(of_session(books, session));
    }
    for device in &books.devices {
        lines.extend(of_device(books, device));
    }
    for (router, users) in books.users.iter().enumerate() {
        lines.extend(users.iter().filter_map(|user| of_router_user(books, router, user)));
    }
    lines
}

/// Money that M-Pesa took: a session, or a person's queue with all there is to know.
fn of_charge(books: &Books, charge: &Charge) -> Vec<String> {
    let name = format!("{} of KES {} for {}", charge.receipt, charge.amount, charge.account_reference);
    let Some(payment) = books.payment_of(charge) else {
        return vec![format!("LOST    {name}: no payment of that reference exists")];
    };
    let scenario = scenario_of(books, charge);
    let sessions = books.sessions.iter().filter(|session| session.payment_id == Some(payment.id)).count();
    let mut lines = Vec::new();
    match payment.state.as_str() {
        "succeeded" if sessions == 1 => {}
        "succeeded" => lines.push(format!("LOST    {name}: succeeded with {sessions} sessions")),
        // Less than the price: held for the payment until the rest is paid.
        "expired" | "failed" if is_part(books, charge, payment) => {}
        "expired" | "failed" if is_named_twice(books, charge, payment) => {}
        "review" if payment.alerts > 0 && payment.review_reason.is_some() && sessions == 0 => {}
        "review" => lines.push(format!(
            "LOST    {name}: in review ({:?}) with {} alerts and {sessions} sessions",
            payment.review_reason, payment.alerts
        )),
        state => lines.push(format!(
            "LOST    {name}: {state}, {scenario}, checkout {}, reported {}",
            if payment.checkout.is_some() { "known" } else { "unknown" },
            charge.checkout_request_id.as_ref().is_some_and(|checkout| books.was_reported(checkout)),
        )),
    }
    // What does not fit must have reached a person: as review, or as an alert on what is settled.
    let was_reported = charge.checkout_request_id.as_ref().is_some_and(|checkout| books.was_reported(checkout));
    let is_unreadable = scenario == "success_without_metadata" && payment.state != "succeeded";
    let is_conflict = charge.amount != payment.amount_kes || is_unreadable;
    if is_conflict && was_reported && payment.alerts == 0 {
        lines.push(format!("SILENT  {name}: {scenario}, price KES {}, and nobody was told", payment.amount_kes));
    }
    lines.extend(of_receipt(books, charge, payment));
    lines
}

fn is_part(books: &Books, charge: &Charge, payment: &Payment) -> bool {
    let kept = books.receipts.get(&charge.receipt);
    kept.is_some_and(|(owner, amount_kes, state)| {
        *owner == Some(payment.id)
            && *amount_kes == charge.amount
            && charge.amount < payment.amount_kes
            && state == "part"
    })
}

/// The simulator's M-Pesa can name one receipt for two payments, which the real one does not do. When the report that
/// comes second is the right one, and is lost, nothing but the statement's account number tells.
fn is_named_twice(books: &Books, charge: &Charge, payment: &Payment) -> bool {
    let Some((Some(owner), ..)) = books.receipts.get(&charge.receipt) else { return false };
    let Some(owner) = books.payments.iter().find(|other| other.id == *owner && other.id != payment.id) else {
        return false;
    };
    let named = books.prompts.iter().find(|prompt| Some(&prompt.checkout_request_id) == owner.checkout.as_ref());
    named.is_some_and(|prompt| prompt.scenario == "reused_receipt")
}

/// A receipt is credited once, to the payment it was given for, or the owner knows better.
fn of_receipt(books: &Books, charge: &Charge, payment: &Payment) -> Option<String> {
    let (owner, amount_kes, _) = books.receipts.get(&charge.receipt)?;
    let name = &charge.receipt;
    let owner = owner.and_then(|owner| books.payments.iter().find(|payment| payment.id == owner))?;
    // M-Pesa itself named this receipt for another payment: whoever came second is with a person.
    let is_told = payment.alerts > 0 || owner.alerts > 0;
    let is_named_for = |payment: &Payment| {
        books.deliveries.iter().any(|delivery| {
            Some(&delivery.about) == payment.checkout.as_ref() && delivery.body.contains(charge.receipt.as_str())
        })
    };
    if owner.id != payment.id && !is_named_for(owner) {
        return Some(format!(
            "DOUBLE  {name}: paid {}, credited to {}",
            payment.account_reference, owner.account_reference
        ));
    }
    if owner.id == payment.id && *amount_kes != charge.amount {
        return Some(format!("AMOUNT  {name}: took KES {}, entered as KES {amount_kes}", charge.amount));
    }
    // Without the true payment's own report, or when that names yet another receipt, there is nothing to conflict with.
    let was_reported = charge.checkout_request_id.as_ref().is_some_and(|checkout| books.was_reported(checkout));
    (owner.id != payment.id && was_reported && is_named_for(payment) && !is_told).then(|| {
        format!(
            "SILENT  {name}: named for {} and {}, and nobody was told",
            payment.account_reference, owner.account_reference
        )
    })
}

fn of_payment(books: &Books, payment: &Payment) -> Vec<String> {
    let name = &payment.account_reference;
    let charges = books.charges_of(payment);
    let mut lines = Vec::new();
    if charges.len() > 1 {
        lines.push(format!("DOUBLE  {name}: the customer was charged {} times", charges.len()));
    }
    let prompts = books.prompts.iter().filter(|prompt| prompt.account_reference == *name).count();
    if prompts > 1 {
        lines.push(format!("DOUBLE  {name}: the customer was prompted {prompts} times"));
    }
    match payment.state.as_str() {
        "created" | "pending" | "unknown" => lines.push(format!("STUCK   {name}: {}", payment.state)),
        "succeeded" if charges.is_empty() => lines.push(format!("FREE    {name}: succeeded, nothing was charged")),
        "review" if charges.is_empty() => lines.push(format!("FREE    {name}: in review, nothing was charged")),
        _ => {}
    }
    if let Some(receipt) = &payment.receipt
        && !books.charges.iter().any(|charge| charge.receipt == *receipt)
        // What the simulator invents when there is no earlier receipt to repeat.
        && receipt != "UKM4T8IYOU"
    {
        lines.push(format!("FREE    {name}: has receipt {receipt}, which M-Pesa never gave"));
    }
    lines
}

fn of_session(books: &Books, session: &Session) -> Option<String> {
    let payment = session.payment_id.and_then(|id| books.payments.iter().find(|payment| payment.id == id));
    let Some(payment) = payment else { return Some(format!("FREE    session {}: without a payment", session.id)) };
    let name = &payment.account_reference;
    if books.charges_of(payment).is_empty() {
        return Some(format!("FREE    session {} of {name}: nothing was charged", session.id));
    }
    let bought_secs = u64::from(payment.duration_minutes) * 60;
    if session.duration_secs != bought_secs + session.carried_secs {
        return Some(format!(
            "DOUBLE  session {} of {name}: {} s for {bought_secs} s bought and {} s carried over",
            session.id, session.duration_secs, session.carried_secs
        ));
    }
    let before = books.sessions.iter().filter(|other| other.mac == session.mac && other.id < session.id);
    let most = before.map(|other| other.duration_secs).max().unwrap_or(0);
    (session.carried_secs > most)
        .then(|| format!("DOUBLE  session {} of {name}: carried over {} s", session.id, session.carried_secs))
}

/// What the database wants a router to have, it has.
fn of_device(books: &Books, device: &Device) -> Option<String> {
    let session = books.sessions.iter().find(|session| session.id == device.session_id)?;
    let name = format!("{} on router {}", device.mac, device.router);
    if !device.is_applied {
        return Some(format!(
            "STUCK   {name}: delivery is owed ({})",
            device.last_error.as_deref().unwrap_or("no error")
        ));
    }
    let users = books.users.get(device.router)?;
    let has = users.iter().filter(|user| user.name == device.mac).collect::<Vec<_>>();
    match (device.is_on && !session.is_over, has.as_slice()) {
        (true, [user]) if user.session_id == Some(session.id) && user.is_active => None,
        (true, [user]) if user.session_id == Some(session.id) => {
            Some(format!("LOST    {name}: let on, but not online"))
        }
        (true, [user]) => Some(format!("LOST    {name}: the router has {}, not session {}", user.comment, session.id)),
        (true, []) => Some(format!("LOST    {name}: paid, and the router knows nothing of it")),
        (_, [_, _, ..]) => Some(format!("DOUBLE  {name}: {} users on the router", has.len())),
        (false, [user]) => Some(format!("FREE    {name}: over, and the router still has {}", user.comment)),
        (false, []) => None,
    }
}

/// What a router has, somebody paid for.
fn of_router_user(books: &Books, router: usize, user: &RouterUser) -> Option<String> {
    let name = format!("{} on router {router}", user.name);
    let wanted = books.devices.iter().any(|device| device.router == router && device.mac == user.name);
    if !wanted {
        return Some(format!("FREE    {name}: {} is in no list", user.comment));
    }
    let is_known = |id: Uuid| books.sessions.iter().any(|session| session.id == id);
    (!user.session_id.is_some_and(is_known)).then(|| format!("FREE    {name}: {} is no session", user.comment))
}

fn scenario_of<'a>(books: &'a Books, charge: &Charge) -> &'a str {
    let prompt =
        books.prompts.iter().find(|prompt| Some(&prompt.checkout_request_id) == charge.checkout_request_id.as_ref());
    prompt.map_or("paid by hand", |prompt| prompt.scenario.as_str())
}

/// How many payments are in each state.
pub(crate) fn count_states(books: &Books) -> Vec<(String, usize)> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for payment in &books.payments {
        *counts.entry(&payment.state).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().map(|(state, count)| (state.to_owned(), count)).collect();
    counts.sort();
    counts
}
