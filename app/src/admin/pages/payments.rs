//! The payments, newest first, kept live.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::{
    admin::{
        feed::{Feed, News},
        merge::{Filter, REVIEW, merge},
        pager::{Pager, encoded},
        pages::payment::payment_page,
        parts::{
            list_state::ListState,
            search::{Search, submit},
            time::Time,
        },
        words,
    },
    api::{PaymentList, PaymentRow},
};

/// The statuses of the API, as the owner calls them.
const STATUSES: [(&str, &str); 5] =
    [("", "All"), ("Success", "Paid"), ("Pending", "Open"), ("Failed", "Not paid"), (REVIEW, "Needs you")];

/// The list with its filter. Filter and search are in the address, so that a reload or a link keeps them.
#[component]
pub(in crate::admin) fn Payments() -> impl IntoView {
    let query = use_query_map();
    let filter = Memo::new(move |_| {
        query.with(|query| Filter {
            status: query.get("status").unwrap_or_default(),
            search: query.get("q").unwrap_or_default(),
        })
    });
    let search = Memo::new(move |_| {
        filter.with(|filter| {
            let field = if filter.status == REVIEW { "state" } else { "status" };
            format!("?{field}={}&q={}", encoded(&filter.status), encoded(&filter.search))
        })
    });
    let pager = Pager::<PaymentList>::new(Memo::new(move |_| format!("/api/admin/payments{}", search.get())));
    let changed = RwSignal::new(None);
    Feed::here().listen(move |news| match news {
        News::Payment(row) => {
            let mut has_changed = false;
            pager.rows.maybe_update(|rows| {
                has_changed = filter.with_untracked(|filter| merge(rows, row.clone(), filter));
                has_changed
            });
            if has_changed {
                changed.set(Some(row.id));
            }
        }
        News::Reset => pager.again(),
        News::Notification(_) | News::Live(_) => {}
    });
    let empty = Signal::derive(move || {
        if filter.with(|filter| *filter == Filter::default()) {
            "No payments yet. They appear here the moment somebody pays."
        } else {
            "No payment fits. Try fewer digits, or another status."
        }
    });
    view! {
        <div class="title">
            <h1>"Payments"</h1>
            <a class="button" href=move || format!("/api/admin/payments.csv{}", search.get()) download="payments.csv" rel="external">
                "Download CSV"
            </a>
        </div>
        <FilterForm filter />
        <ListState pager empty>
            <div class="scroll">
                <table class="rows compact" role="table">
                    <thead role="rowgroup">
                        <tr role="row">
                            {["Time", "Phone", "Package", "Amount", "Status", "Receipt", "WiFi"]
                                .map(|name| view! { <th role="columnheader" scope="col">{name}</th> })
                                .into_iter()
                                .collect_view()}
                        </tr>
                    </thead>
                    <tbody role="rowgroup">
                        <For each=move || pager.rows.get() key=PaymentRow::clone let:row>
                            <Row is_fresh=changed.get_untracked() == Some(row.id) row />
                        </For>
                    </tbody>
                </table>
            </div>
        </ListState>
    }
}

#[component]
fn FilterForm(filter: Memo<Filter>) -> impl IntoView {
    let options = move || {
        STATUSES.map(|(value, label)| {
            let is_chosen = move || filter.with(|filter| filter.status == value);
            view! {
                <label>
                    <input type="radio" name="status" value=value prop:checked=is_chosen on:change=submit />
                    <span>{label}</span>
                </label>
            }
        })
    };
    view! {
        <Search page="/admin">
            <fieldset class="choice">
                <legend class="sr-only">"Status"</legend>
                {options().into_iter().collect_view()}
            </fieldset>
            <label class="sr-only" for="q">"Phone, receipt or account"</label>
            <input
                id="q"
                name="q"
                type="search"
                maxlength="40"
                placeholder="Phone, receipt or account"
                prop:value=move || filter.with(|filter| filter.search.clone())
            />
            <button>"Search"</button>
        </Search>
    }
}

#[component]
fn Row(row: PaymentRow, is_fresh: bool) -> impl IntoView {
    let (tone, status) = words::payment(&row);
    let delivery = words::delivery(&row).map_or_else(
        || view! { <span class="none">"–"</span> }.into_any(),
        |(tone, words)| view! { <span class=tone.class()>{words}</span> }.into_any(),
    );
    let message = (!row.message.is_empty()).then(|| view! { <small>{row.message}</small> });
    let receipt = row.mpesa_receipt.map_or_else(
        || view! { <small>{row.account_reference.clone()}</small> }.into_any(),
        |receipt| view! { <b>{receipt}</b> <small>{row.account_reference.clone()}</small> }.into_any(),
    );
    view! {
        <tr role="row" class:fresh=is_fresh>
            <td role="cell" data-name="Time"><Time at=row.created_at /></td>
            <td role="cell" data-name="Phone"><a class="whole" href=payment_page(row.id)>{row.phone}</a></td>
            <td role="cell" data-name="Package">{row.package}</td>
            <td role="cell" data-name="Amount" class="number">{words::kes(row.amount_kes.into())}</td>
            <td role="cell" data-name="Status"><span class=tone.class()>{status}</span>{message}</td>
            <td role="cell" data-name="Receipt">{receipt}</td>
            <td role="cell" data-name="WiFi">{delivery}</td>
        </tr>
    }
}
