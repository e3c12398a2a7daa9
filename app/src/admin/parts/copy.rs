//! Text to be pasted elsewhere, with a button that copies it.

use leptos::{html, prelude::*};
use wasm_bindgen::JsCast;

/// How copying went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Copied {
    NotYet,
    Done,
    /// The browser does not allow it; the text is selected.
    ByHand,
}

/// The text in a field of its own.
#[component]
pub(in crate::admin) fn CopyBox(
    /// What to paste.
    #[prop(into)]
    text: String,
    /// What it is, for those who cannot see it.
    #[prop(into)]
    label: String,
) -> impl IntoView {
    let field = NodeRef::<html::Textarea>::new();
    let copied = RwSignal::new(Copied::NotYet);
    let copy = move |_| {
        if let Some(field) = field.get_untracked() {
            field.select();
            copied.set(if copy_selected() { Copied::Done } else { Copied::ByHand });
        }
    };
    let words = move || match copied.get() {
        Copied::NotYet => "",
        Copied::Done => "Copied. Now paste it.",
        Copied::ByHand => "It is selected: press Ctrl and C to copy it.",
    };
    // Long lines wrap, so this is only the least that is needed.
    let rows = text.lines().map(|line| 1 + line.len() / 60).sum::<usize>().clamp(1, 12);
    let button = format!("Copy: {label}");
    view! {
        <div class="copy">
            <textarea node_ref=field readonly rows=rows spellcheck="false" aria-label=label prop:value=text></textarea>
            <button aria-label=button on:click=copy>"Copy"</button>
            <p class="hint" role="status">{words}</p>
        </div>
    }
}

/// The way that also works where the page is not served over https, as on a local network.
fn copy_selected() -> bool {
    let page = document().dyn_into::<web_sys::HtmlDocument>();
    page.is_ok_and(|page| page.exec_command("copy").unwrap_or(false))
}
