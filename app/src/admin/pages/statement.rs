//! One comparison: the totals, which add up, and the lines behind each.

mod lines;

use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};
use uuid::Uuid;

use self::lines::Lines;
use super::statements::{FOR_OWNERS, period};
use crate::{
    admin::{
        desk::Desk,
        pager::encoded,
        parts::{owners_only::OwnersOnly, time::Time, trouble::Trouble},
        reader::Reader,
        routes::STATEMENTS,
        words::{
            self,
            money::{BESIDE, Kind, PARTS},
        },
    },
    api::StatementReport,
};

/// The page.
#[component]
pub(in crate::admin) fn Statement() -> impl IntoView {
    view! {
        <p class="back"><a href=STATEMENTS>"All statements"</a></p>
        <OwnersOnly otherwise=FOR_OWNERS><Report /></OwnersOnly>
    }
}

#[component]
fn Report() -> impl IntoView {
    let (params, query) = (use_params_map(), use_query_map());
    let id = Memo::new(move |_| params.with(|params| params.get("id").unwrap_or_default()));
    let kind = Memo::new(move |_| query.with(|query| query.get("kind").unwrap_or_default()));
    let is_repeat = Memo::new(move |_| query.with(|query| query.get("repeat").is_some()));
    let reader =
        Reader::<StatementReport>::new(Memo::new(move |_| format!("/api/admin/statements/{}", encoded(&id.get()))));
    Desk::here().listen(move || reader.again());
    let fault = move || reader.fault.get().map(|message| view! { <Trouble message retry=move || reader.again() /> });
    let report = move || match reader.value.get() {
        Some(report) => view! { <Totals report kind /> }.into_any(),
        None => reader
            .fault
            .with(Option::is_none)
            .then(|| view! { <div class="skeleton" role="status"><span class="sr-only">"Loading"</span></div> })
            .into_any(),
    };
    let open = Memo::new(move |_| {
        let id = reader.value.with(|report| report.as_ref().map(|report| report.id));
        id.zip(kind.with(|kind| words::money::kind(kind)).map(|kind| kind.key))
    });
    let lines = move || {
        let (id, key) = open.get()?;
        words::money::kind(key).map(|kind| view! { <Lines id kind /> })
    };
    view! {
        <Show when=move || is_repeat.get()>
            <p class="lead" role="status">"You have sent this very file before. Nothing was taken in again."</p>
        </Show>
        {fault}
        {report}
        {lines}
    }
}

#[component]
fn Totals(report: StatementReport, kind: Memo<String>) -> impl IntoView {
    let (tone, state) = words::money::report(&report);
    let id = report.id;
    let parts = PARTS.iter().enumerate().map(|(place, part)| row(id, &report, part, kind, place > 0)).collect_view();
    let beside = BESIDE.iter().map(|part| row(id, &report, part, kind, false)).collect_view();
    let sum = if words::money::adds_up(&report) {
        view! { <p class="hint">"The four add up to the money in, to the cent."</p> }.into_any()
    } else {
        view! { <p class="error" role="alert">"The four do not add up to the money in. Please report this as a fault of Bando."</p> }
            .into_any()
    };
    view! {
        <div class="title">
            <h1>{report.name.clone()}</h1>
            <p><span class=tone.class()>{state}</span></p>
        </div>
        {period(&report)}
        <p class="hint stamp">"Sent by "{report.imported_by.clone()}", "<Time at=report.imported_at /></p>
        <Unreadable lines=report.unreadable.clone() />
        <div class="halves">
            <section class="card" aria-labelledby="sum">
                <h2 id="sum">"Money in"</h2>
                <ul class="totals">
                    {parts}
                    <li class="total">
                        <span>"All money in, by M-Pesa"</span>
                        <span class="amount">
                            <b class="number">{words::money::cents(report.paid_in.cents)}</b>
                            <small>{words::money::lines(report.paid_in.count)}</small>
                        </span>
                    </li>
                </ul>
                {sum}
            </section>
            <section class="card" aria-labelledby="beside">
                <h2 id="beside">"Beside that"</h2>
                <ul class="totals">{beside}</ul>
            </section>
        </div>
    }
}

/// One total; it opens its lines, if it has any.
fn row(
    id: Uuid,
    report: &StatementReport,
    part: &'static Kind,
    open: Memo<String>,
    is_added: bool,
) -> impl IntoView + use<> {
    let total = (part.total)(report);
    let name = if total.count == 0 {
        view! { <span>{part.name}</span> }.into_any()
    } else {
        let current = move || open.with(|open| (open == part.key).then_some("true"));
        view! { <a href=format!("{STATEMENTS}/{id}?kind={}", part.key) aria-current=current>{part.name}</a> }.into_any()
    };
    view! {
        <li class:look=part.is_trouble && total.count != 0>
            <span class="what">{name}<small>{part.words}</small></span>
            <span class="amount">
                <b class="number">{if is_added { "+ " } else { "" }}{words::money::cents(total.cents)}</b>
                <small>{words::money::lines(total.count)}</small>
            </span>
        </li>
    }
}

#[component]
fn Unreadable(lines: Vec<String>) -> impl IntoView {
    (!lines.is_empty()).then(|| {
        view! {
            <section class="card" aria-labelledby="unreadable">
                <h2 id="unreadable">"Rows that could not be read"</h2>
                <p>"They are not part of the totals. Look at them in the file."</p>
                <ul class="plain">{lines.into_iter().map(|line| view! { <li>{line}</li> }).collect_view()}</ul>
            </section>
        }
    })
}
