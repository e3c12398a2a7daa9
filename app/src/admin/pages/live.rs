//! Who is on the network now: every device with paid time, and every device that gets through without any.

mod actions;
pub(in crate::admin) mod blocked;
mod row;

use std::time::Duration;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use self::row::Row;
use crate::{
    admin::{
        desk::Desk,
        feed::{Feed, News},
        later::Later,
        pager::{Pager, encoded},
        parts::{
            clock::Clock,
            list_state::ListState,
            search::{Search, submit},
        },
        reader::Reader,
        routes::{BLOCKED, LIVE},
        words,
    },
    api::{LiveCounts, LiveList, LiveRow, RouterList},
};

/// How soon after news the counts, and rows that are not on the screen, are read again.
const SOON: Duration = Duration::from_secs(2);
/// How often in any case: what was used is not news.
const EVERY: Duration = Duration::from_secs(20);

/// What the list on the screen shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Filter {
    state: String,
    router: String,
    search: String,
}

impl Filter {
    fn path(&self) -> String {
        let mut path = format!("/api/admin/live?q={}", encoded(&self.search));
        for (field, value) in [("state", &self.state), ("router", &self.router)] {
            if !value.is_empty() {
                path.push_str(&format!("&{field}={}", encoded(value)));
            }
        }
        path
    }
}

/// The list with its filter, which is in the address, so that a reload or a link keeps it.
#[component]
pub(in crate::admin) fn Live() -> impl IntoView {
    let query = use_query_map();
    let filter = Memo::new(move |_| {
        let field = |name: &str| query.with(|query| query.get(name).unwrap_or_default());
        Filter { state: field("state"), router: field("router"), search: field("q") }
    });
    let pager = Pager::<LiveList>::new(Memo::new(move |_| filter.with(Filter::path)));
    let clock = Clock::start();
    keep_live(pager, filter, clock);
    let empty = Signal::derive(move || {
        if filter.with(|filter| *filter == Filter::default()) {
            "Nobody has paid time now. Devices appear here as soon as somebody has paid."
        } else {
            "No device fits. Try fewer digits, another state or all routers."
        }
    });
    let ids = Memo::new(move |_| pager.rows.with(|rows| rows.iter().map(|row| row.id.clone()).collect::<Vec<_>>()));
    view! {
        <div class="title">
            <h1>"On now"</h1>
            <a class="button" href=BLOCKED>"Blocked devices"</a>
        </div>
        <FilterForm filter pager />
        <ListState pager empty>
            <div class="scroll">
                <table class="rows devices" role="table">
                    <thead role="rowgroup">
                        <tr role="row">
                            {["Device", "State", "Time left", "Used", "Package", "Router"]
                                .map(|name| view! { <th role="columnheader" scope="col">{name}</th> })
                                .into_iter()
                                .collect_view()}
                            <th role="columnheader" scope="col"><span class="sr-only">"Actions"</span></th>
                        </tr>
                    </thead>
                    <tbody role="rowgroup">
                        <For each=move || ids.get() key=String::clone let:id>
                            <Row id rows=pager.rows clock />
                        </For>
                    </tbody>
                </table>
            </div>
        </ListState>
    }
}

/// Rows on the screen change as news come in; everything else follows a little later.
fn keep_live(pager: Pager<LiveList>, filter: Memo<Filter>, clock: Clock) {
    let later = Later::new();
    Feed::here().listen(move |news| match news {
        News::Live(row) => {
            pager.rows.maybe_update(|rows| words::live::put(rows, row, &filter.with_untracked(|f| f.state.clone())));
            later.run(SOON, move || pager.again());
        }
        News::Reset => pager.again(),
        News::Payment(_) | News::Notification(_) => {}
    });
    Desk::here().listen(move || pager.again());
    let every = set_interval_with_handle(move || pager.again(), EVERY).ok();
    on_cleanup(move || {
        if let Some(every) = every {
            every.clear();
        }
    });
    // Whatever was read last says what the server's clock shows.
    Effect::new(move |_| {
        let running = |row: &LiveRow| row.ends_at.zip(row.seconds_remaining).filter(|(_, left)| *left > 0);
        if let Some((ends_at, left)) = pager.rows.with(|rows| rows.iter().find_map(running)) {
            clock.set_by(ends_at, left);
        }
    });
}

/// Some of the devices.
struct Group {
    /// The word in the API; empty for all.
    key: &'static str,
    /// What the owner calls it.
    name: &'static str,
    /// How many there are.
    count: fn(&LiveCounts) -> u32,
}

const GROUPS: [Group; 6] = [
    Group { key: "", name: "All", count: all },
    Group { key: "online", name: "On now", count: |counts| counts.online },
    Group { key: "away", name: "Away", count: |counts| counts.away },
    Group { key: "waiting", name: "Connecting", count: |counts| counts.waiting },
    Group { key: "paused", name: "Paused", count: |counts| counts.paused },
    Group { key: words::live::GHOST, name: "Without paying", count: |counts| counts.ghost },
];

fn all(counts: &LiveCounts) -> u32 {
    [counts.online, counts.away, counts.waiting, counts.paused, counts.ghost].into_iter().fold(0, u32::saturating_add)
}

#[component]
fn FilterForm(filter: Memo<Filter>, pager: Pager<LiveList>) -> impl IntoView {
    let options = GROUPS.map(|Group { key: value, name: label, count }| {
        let is_chosen = move || filter.with(|filter| filter.state == value);
        let count = Memo::new(move |_| pager.beside.with(|counts| counts.as_ref().map(count)));
        let is_alarming = move || value == words::live::GHOST && count.get().is_some_and(|count| count > 0);
        view! {
            <label>
                <input type="radio" name="state" value=value prop:checked=is_chosen on:change=submit />
                <span class:alarming=is_alarming>{label}" "<small class="number">{move || count.get()}</small></span>
            </label>
        }
    });
    view! {
        <Search page=LIVE>
            <fieldset class="choice">
                <legend class="sr-only">"State"</legend>
                {options.into_iter().collect_view()}
            </fieldset>
            <RouterField filter />
            <label class="sr-only" for="q">"Phone or device"</label>
            <input
                id="q"
                name="q"
                type="search"
                maxlength="40"
                placeholder="Phone or device"
                prop:value=move || filter.with(|filter| filter.search.clone())
            />
            <button>"Search"</button>
        </Search>
    }
}

/// One router or all, where there are several.
#[component]
fn RouterField(filter: Memo<Filter>) -> impl IntoView {
    let reader = Reader::<RouterList>::of("/api/admin/routers");
    let routers = Memo::new(move |_| {
        let named = |list: RouterList| list.routers.into_iter().map(|router| (router.id.to_string(), router.name));
        reader.value.get().map(|list| named(list).collect::<Vec<_>>()).unwrap_or_default()
    });
    let chosen = Memo::new(move |_| filter.with(|filter| filter.router.clone()));
    move || {
        let routers = routers.get();
        if routers.len() < 2 {
            return view! { <input type="hidden" name="router" prop:value=move || chosen.get() /> }.into_any();
        }
        let options = routers.into_iter().map(|(id, name)| {
            let value = id.clone();
            view! { <option value=value prop:selected=move || chosen.with(|chosen| *chosen == id)>{name}</option> }
        });
        view! {
            <label class="sr-only" for="router">"Router"</label>
            <select id="router" name="router" on:change=submit>
                <option value="" prop:selected=move || chosen.with(String::is_empty)>"All routers"</option>
                {options.collect_view()}
            </select>
        }
        .into_any()
    }
}
