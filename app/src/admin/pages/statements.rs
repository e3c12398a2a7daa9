//! The comparison with M-Pesa's own books: how to get the file, sending it, what was compared before, and the
//! set-up of payments by hand. The owner's alone.

mod by_hand;
mod import;

use leptos::prelude::*;

use self::{by_hand::ByHand, import::Import};
use crate::{
    admin::{
        parts::{owners_only::OwnersOnly, time::Time, trouble::Trouble},
        reader::Reader,
        routes::STATEMENTS,
        words,
    },
    api::{StatementList, StatementReport},
};

/// What others are told.
pub(in crate::admin) const FOR_OWNERS: &str = "Only the owner compares with M-Pesa. Ask them if a payment is missing.";

/// The page.
#[component]
pub(in crate::admin) fn Statements() -> impl IntoView {
    view! {
        <div class="title"><h1>"Check with M-Pesa"</h1></div>
        <OwnersOnly otherwise=FOR_OWNERS><Import /> <Earlier /> <ByHand /></OwnersOnly>
    }
}

/// What was compared before.
#[component]
fn Earlier() -> impl IntoView {
    let reader = Reader::<StatementList>::of("/api/admin/statements");
    let list = move || match reader.value.get().map(|list| list.statements) {
        None => reader
            .fault
            .with(Option::is_none)
            .then(|| view! { <div class="skeleton small" role="status"><span class="sr-only">"Loading"</span></div> })
            .into_any(),
        Some(statements) if statements.is_empty() => {
            view! { <p class="nothing">"Nothing yet. The first statement you send appears here."</p> }.into_any()
        }
        Some(statements) => {
            view! { <ul class="entries">{statements.into_iter().map(statement).collect_view()}</ul> }.into_any()
        }
    };
    view! {
        <section class="card" aria-labelledby="earlier">
            <h2 id="earlier">"Compared before"</h2>
            {move || reader.fault.get().map(|message| view! { <Trouble message retry=move || reader.again() /> })}
            {list}
        </section>
    }
}

fn statement(report: StatementReport) -> impl IntoView {
    let (tone, state) = words::money::report(&report);
    view! {
        <li class="task">
            <div>
                <p><a href=format!("{STATEMENTS}/{}", report.id)>{report.name.clone()}</a></p>
                {period(&report)}
                <p class="hint">"Sent by "{report.imported_by.clone()}", "<Time at=report.imported_at /></p>
            </div>
            <p class="sum">
                <b class="number">{words::money::cents(report.paid_in.cents)}</b>
                <span class=tone.class()>{state}</span>
            </p>
        </li>
    }
}

/// From when to when a statement goes.
pub(in crate::admin) fn period(report: &StatementReport) -> impl IntoView + use<> {
    report.from.zip(report.to).map(|(from, to)| {
        view! { <p>"Payments from "<Time at=from />" to "<Time at=to /></p> }
    })
}
