//! The customers, last seen first.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::{
    admin::{
        feed::{Feed, News},
        pager::{Pager, encoded},
        pages::why::why_page,
        parts::{list_state::ListState, search::Search, time::Time},
        words,
    },
    api::{UserList, UserRow},
};

/// The list with its search.
#[component]
pub(in crate::admin) fn Customers() -> impl IntoView {
    let query = use_query_map();
    let search = Memo::new(move |_| query.with(|query| query.get("q").unwrap_or_default()));
    let path = Memo::new(move |_| search.with(|search| format!("/api/admin/users?q={}", encoded(search))));
    let pager = Pager::<UserList>::new(path);
    Feed::here().listen(move |news| match news {
        News::Reset => pager.again(),
        News::Payment(_) | News::Notification(_) | News::Live(_) => {}
    });
    let empty = Signal::derive(move || {
        if search.with(String::is_empty) { "No customers yet." } else { "No customer has these digits." }
    });
    view! {
        <div class="title"><h1>"Customers"</h1></div>
        <Search page="/admin/customers">
            <label class="sr-only" for="q">"Phone number"</label>
            <input
                id="q"
                name="q"
                type="search"
                maxlength="24"
                placeholder="Phone number"
                prop:value=move || search.get()
            />
            <button>"Search"</button>
        </Search>
        <ListState pager empty>
            <div class="scroll">
                <table class="rows" role="table">
                    <thead role="rowgroup">
                        <tr role="row">
                            {["Phone", "Payments", "Paid in all", "Last seen", "First seen", "Help"]
                                .map(|name| view! { <th role="columnheader" scope="col">{name}</th> })
                                .into_iter()
                                .collect_view()}
                        </tr>
                    </thead>
                    <tbody role="rowgroup">
                        <For each=move || pager.rows.get() key=UserRow::clone let:row>
                            <Row row />
                        </For>
                    </tbody>
                </table>
            </div>
        </ListState>
    }
}

#[component]
fn Row(row: UserRow) -> impl IntoView {
    view! {
        <tr role="row">
            <td role="cell" data-name="Phone"><b>{row.phone.clone()}</b></td>
            <td role="cell" data-name="Payments" class="number">{row.payments}</td>
            <td role="cell" data-name="Paid in all" class="number">{words::kes(row.paid_kes)}</td>
            <td role="cell" data-name="Last seen"><Time at=row.last_seen_at /></td>
            <td role="cell" data-name="First seen"><Time at=row.created_at /></td>
            <td role="cell" data-name="Help">
                <a href=why_page(&row.phone)>"Can’t get on?"<span class="sr-only">{format!(" {}", row.phone)}</span></a>
            </td>
        </tr>
    }
}
