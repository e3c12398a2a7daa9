//! Sending a statement.

use leptos::{html, prelude::*, task::spawn_local_scoped_with_cancellation};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use web_sys::{File, SubmitEvent};

use crate::{
    admin::{
        client::Fault,
        pager::encoded,
        parts::upload::{Progress, upload},
        routes::STATEMENTS,
        session::Session,
    },
    api::StatementReport,
};

/// The largest file the server takes.
const MAX_BYTES: f64 = 8.0 * 1024.0 * 1024.0;

/// How to get the file, and the form that sends it.
#[component]
pub(super) fn Import() -> impl IntoView {
    let session = Session::here();
    let navigate = use_navigate();
    let owner = Owner::new();
    let chosen = NodeRef::<html::Input>::new();
    let progress = RwSignal::new(None::<Progress>);
    let fault = RwSignal::new(None::<String>);
    let send = move |event: SubmitEvent| {
        event.prevent_default();
        if progress.get_untracked().is_some() {
            return;
        }
        let file = match checked(chosen.get_untracked().and_then(|field| field.files()?.get(0))) {
            Ok(file) => file,
            Err(message) => return fault.set(Some(message.to_owned())),
        };
        fault.set(None);
        progress.set(Some(Progress::Sending { sent: 0.0, all: 1.0 }));
        let navigate = navigate.clone();
        owner.with(|| {
            spawn_local_scoped_with_cancellation(async move {
                let path = format!("/api/admin/statements?name={}", encoded(&file.name()));
                let now = move |now| progress.set(Some(now));
                match upload::<StatementReport>(&path, &file, "text/csv", now).await {
                    Ok(report) => {
                        let repeat = if report.is_repeat { "?repeat=1" } else { "" };
                        let options = NavigateOptions { resolve: false, ..NavigateOptions::default() };
                        navigate(&format!("{STATEMENTS}/{}{repeat}", report.id), options);
                    }
                    Err(why) => {
                        session.heed(&why);
                        progress.set(None);
                        fault.set(Some(match why {
                            Fault::Unreachable => {
                                "The file did not get through. Sending it again does no harm.".to_owned()
                            }
                            why => why.to_string(),
                        }));
                    }
                }
            });
        });
    };
    view! {
        <section class="card" aria-labelledby="import">
            <h2 id="import">"Compare a statement"</h2>
            <ol class="steps">
                <li>"Log in to the M-Pesa organisation portal at org.ke.m-pesa.com and open your organisation’s statement."</li>
                <li>"Choose the days you want to check. Leave out today: its last payments may still be on their way."</li>
                <li>"Export it as CSV, and choose that file here. Bando compares it line by line; nothing changes by that."</li>
            </ol>
            <form class="import" on:submit=send>
                <label for="file">"Statement (CSV)"</label>
                <input
                    id="file"
                    type="file"
                    accept=".csv,text/csv"
                    required
                    node_ref=chosen
                    disabled=move || progress.get().is_some()
                    on:change=move |_| fault.set(None)
                />
                <button class="primary" disabled=move || progress.get().is_some()>"Compare"</button>
                <ProgressBar progress />
                <p class="error" role="alert">{move || fault.get()}</p>
            </form>
        </section>
    }
}

/// What is wrong with the file is said before it is sent.
fn checked(file: Option<File>) -> Result<File, &'static str> {
    let file = file.ok_or("Choose a file first.")?;
    if file.size() == 0.0 {
        return Err("This file is empty. Export the statement again.");
    }
    if file.size() > MAX_BYTES {
        return Err("This file is larger than 8 MB. Export fewer days at a time.");
    }
    let name = file.name().to_lowercase();
    if [".xls", ".xlsx", ".pdf", ".zip"].iter().any(|ending| name.ends_with(ending)) {
        return Err("This is not a CSV file. Choose CSV when you export the statement.");
    }
    Ok(file)
}

#[component]
fn ProgressBar(progress: RwSignal<Option<Progress>>) -> impl IntoView {
    let is_sending = Memo::new(move |_| matches!(progress.get(), Some(Progress::Sending { .. })));
    let words = move || if is_sending.get() { "Sending…" } else { "Comparing…" };
    let value = move || match progress.get() {
        Some(Progress::Sending { sent, all }) if all > 0.0 => Some(sent / all),
        _ => None,
    };
    view! {
        <Show when=move || progress.get().is_some()>
            <p class="progress" role="status">
                <label for="progress">{words}</label>
                <progress id="progress" max="1" value=value></progress>
            </p>
        </Show>
    }
}
