//! The lines behind one total.

use std::rc::Rc;

use leptos::prelude::*;
use uuid::Uuid;

use crate::{
    admin::{
        desk::{Ask, Call, Desk, Fields, as_told},
        pager::{Pager, encoded},
        pages::payment::payment_page,
        parts::{list_state::ListState, time::Time},
        words::{self, money::Kind},
    },
    api::{ReasonRequest, StatementLine, StatementLines},
};

/// The list, page by page.
#[component]
pub(super) fn Lines(id: Uuid, kind: &'static Kind) -> impl IntoView {
    let path = Memo::new(move |_| format!("/api/admin/statements/{id}/lines?kind={}", kind.key));
    let pager = Pager::<StatementLines>::new(path);
    Desk::here().listen(move || pager.again());
    view! {
        <section class="card" aria-labelledby="lines">
            <h2 id="lines">{kind.name}</h2>
            <ListState pager empty="No lines of this kind any more.">
                <div class="scroll flat">
                    <table class="rows" role="table">
                        <thead role="rowgroup">
                            <tr role="row">
                                {["Receipt", "Time", "At M-Pesa", "Here", "Payer", "How it stands"]
                                    .map(|name| view! { <th role="columnheader" scope="col">{name}</th> })
                                    .into_iter()
                                    .collect_view()}
                            </tr>
                        </thead>
                        <tbody role="rowgroup">
                            <For each=move || pager.rows.get() key=StatementLine::clone let:line>
                                <Line id line />
                            </For>
                        </tbody>
                    </table>
                </div>
            </ListState>
        </section>
    }
}

#[component]
fn Line(id: Uuid, line: StatementLine) -> impl IntoView {
    let desk = Desk::here();
    let dash = || view! { <span class="none">"–"</span> }.into_any();
    let there = line.there_cents.map_or_else(dash, |cents| words::money::cents(cents).into_any());
    let here = line.here_kes.map_or_else(dash, |kes| words::kes(kes.into()).into_any());
    let payer = line.payer.clone().map_or_else(dash, IntoAny::into_any);
    let account = line.account_reference.clone().map(|account| view! { <small>"Account "{account}</small> });
    let settle = line.can_settle.then(|| {
        let ask = StoredValue::new_local(settle(id, &line));
        let which = line.receipt.clone();
        view! {
            <button on:click=move |_| desk.ask(ask.get_value())>"Settle"<span class="sr-only">" receipt "{which}</span></button>
        }
    });
    // A payment may have succeeded without one.
    let receipt =
        if line.receipt.is_empty() { dash() } else { view! { <b class="code">{line.receipt.clone()}</b> }.into_any() };
    let payment = line.payment_id.map(|payment| view! { <a href=payment_page(payment)>"Its payment"</a> });
    view! {
        <tr role="row">
            <td role="cell" data-name="Receipt">{receipt}</td>
            <td role="cell" data-name="Time"><Time at=line.completed_at /></td>
            <td role="cell" data-name="At M-Pesa" class="number">{there}</td>
            <td role="cell" data-name="Here" class="number">{here}</td>
            <td role="cell" data-name="Payer">{payer}{account}</td>
            <td role="cell" data-name="How it stands" class="do">
                <p>{line.message.clone()}</p>
                <p class="ways">{payment}{settle}</p>
            </td>
        </tr>
    }
}

fn settle(id: Uuid, line: &StatementLine) -> Ask {
    let receipt = line.receipt.clone();
    let amount = line.there_cents.map(words::money::cents).unwrap_or_default();
    Ask {
        title: "Settle this line?".to_owned(),
        about: format!("{amount}, receipt {receipt}. {}", line.message),
        words: "M-Pesa’s statement is taken as proof that this money came in.",
        fields: Fields::None,
        reason: Some("Such as “on the statement of today”."),
        confirm: "Settle",
        is_grave: false,
        said: as_told(),
        call: Rc::new(move |filled| {
            let path = format!("/api/admin/statements/{id}/lines/{}/settle", encoded(&receipt));
            Call::new(path, &ReasonRequest { reason: filled.reason() })
        }),
    }
}
