//! The HTML document around a page.

use leptos::prelude::*;

use super::{
    address::local_path,
    model::{Page, PortalView, Shell, Theme},
    pages,
};

/// The whole HTML document of one page, ready to send. Pure: the same view gives the same bytes.
///
/// There is no inline script; the only inline style is [`inline_css`](super::model::Assets::inline_css).
#[must_use]
pub fn render(view: &PortalView) -> String {
    let owner = Owner::new_root(None);
    let html = owner.with(|| document(view).to_html());
    owner.unset_with_forced_cleanup();
    format!("<!DOCTYPE html>{html}")
}

fn document(view: &PortalView) -> impl IntoView + use<> {
    let PortalView { shell, page } = view;
    let title = format!("{} · {}", page.title(), shell.business_name);
    let theme = (shell.theme != Theme::System).then(|| shell.theme.as_str());
    view! {
        <html lang="en-KE" data-theme=theme>
            {head(shell, title, page.refresh_secs())}
            <body>
                {header(&shell.business_name)}
                <main>{pages::show(page, local_path(&shell.here))}</main>
                {footer(shell)}
            </body>
        </html>
    }
}

fn head(shell: &Shell, title: String, refresh_secs: Option<u32>) -> impl IntoView + use<> {
    let assets = &shell.assets;
    // Without JavaScript the page asks again by itself. With JavaScript the islands do, and browsers that
    // cannot run them have the plain script.
    let refresh = refresh_secs.map(|secs| {
        let content = format!("{secs};url={}", local_path(&shell.here));
        view! { <noscript><meta http-equiv="refresh" content=content /></noscript> }
    });
    let icon = assets.icon_url.as_ref().map(|url| view! { <link rel="icon" href=url.to_string() /> });
    let islands = assets.islands.as_ref().map(|islands| {
        view! {
            <script
                type="module"
                src=islands.boot_url.to_string()
                data-glue=islands.glue_url.to_string()
                data-refresh=refresh_secs
            ></script>
            <script nomodule defer src=islands.refresh_url.to_string() data-refresh=refresh_secs></script>
        }
    });
    view! {
        <head>
            <meta charset="utf-8" />
            <meta name="viewport" content="width=device-width, initial-scale=1" />
            <meta name="color-scheme" content="light dark" />
            <meta name="robots" content="noindex" />
            <meta name="format-detection" content="telephone=no" />
            <title>{title}</title>
            {icon}
            <style inner_html=assets.inline_css.to_string()></style>
            {refresh}
            {islands}
        </head>
    }
}

fn header(business_name: &str) -> impl IntoView + use<> {
    let name = business_name.to_owned();
    view! {
        <header>
            <svg viewBox="0 0 24 24" width="28" height="28" aria-hidden="true" focusable="false">
                <path d="M2.5 9a14 14 0 0 1 19 0M5.8 12.6a9 9 0 0 1 12.4 0M9 16.2a4.3 4.3 0 0 1 6 0"></path>
                <circle cx="12" cy="19.6" r="1.6"></circle>
            </svg>
            <p>{name}</p>
        </header>
    }
}

fn footer(shell: &Shell) -> impl IntoView + use<> {
    let help = shell.support_phone.as_ref().map(|phone| {
        let digits: String = phone.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
        view! { <p>"Need help? Call " <a href=format!("tel:{digits}")>{phone.clone()}</a></p> }
    });
    let here = local_path(&shell.here).to_owned();
    let choices = Theme::ALL
        .map(|theme| {
            let label = match theme {
                Theme::System => "Auto",
                Theme::Light => "Light",
                Theme::Dark => "Dark",
            };
            let pressed = if theme == shell.theme { "true" } else { "false" };
            view! {
                <button name="theme" value=theme.as_str() aria-pressed=pressed>
                    {label}
                </button>
            }
        })
        .collect_view();
    view! {
        <footer>
            {help}
            <form method="post" action="/theme">
                <input type="hidden" name="back" value=here />
                <div class="theme" role="group" aria-label="Colours">{choices}</div>
            </form>
        </footer>
    }
}

impl Page {
    /// What the browser's title bar says.
    const fn title(&self) -> &'static str {
        match self {
            Self::Shop(_) => "Get online",
            Self::Waiting(waiting) if waiting.is_in_review => "Your payment is being checked",
            Self::Waiting(_) => "Check your phone",
            Self::Delivering(_) => "Connecting",
            Self::Online(_) => "You are online",
            Self::Pass(_) => "Use your time",
            Self::Devices(_) => "Your devices",
            Self::Removing(_) => "Remove a device",
            Self::PassKept(_) => "Your pass",
            Self::NoDevice => "Join the WiFi",
            Self::Failure(_) => "Something went wrong",
        }
    }

    /// How soon a page that waits asks again, in seconds. Pages that somebody types in never do.
    const fn refresh_secs(&self) -> Option<u32> {
        match self {
            Self::Waiting(waiting) if waiting.elapsed_secs < 180 => Some(4),
            Self::Waiting(_) => Some(10),
            Self::Delivering(_) => Some(3),
            Self::Online(_) => Some(60),
            Self::Shop(_)
            | Self::Pass(_)
            | Self::Devices(_)
            | Self::Removing(_)
            | Self::PassKept(_)
            | Self::NoDevice
            | Self::Failure(_) => None,
        }
    }
}
