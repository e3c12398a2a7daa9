//! The HTML document that the admin app starts in.

use std::sync::Arc;

use leptos::prelude::*;

use crate::portal::model::Theme;

/// Addresses of the admin app's files, as the manifest of the browser build names them. All on this host.
#[derive(Debug, Clone)]
pub struct AdminAssets {
    /// The style sheet (`admin.css`).
    pub css_url: Arc<str>,
    /// The module that starts the app (`boot.js`).
    pub boot_url: Arc<str>,
    /// The generated module that loads the wasm beside it (`admin.js`).
    pub glue_url: Arc<str>,
    /// The icon (`icon.svg`).
    pub icon_url: Arc<str>,
}

/// The document for every address under `/admin`. `theme` is the `theme` cookie, put on the document here so
/// that the first paint has the right colours without a script; `zone` is the owner's time zone, such as
/// `Africa/Nairobi`, in which the app shows times.
#[must_use]
pub fn admin_shell(assets: &AdminAssets, theme: Theme, zone: &str) -> String {
    let owner = Owner::new_root(None);
    let html = owner.with(|| document(assets, theme, zone).to_html());
    owner.unset_with_forced_cleanup();
    format!("<!DOCTYPE html>{html}")
}

fn document(assets: &AdminAssets, theme: Theme, zone: &str) -> impl IntoView + use<> {
    let theme = (theme != Theme::System).then(|| theme.as_str());
    let zone = zone.to_owned();
    view! {
        <html lang="en-KE" data-theme=theme data-zone=zone>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <meta name="robots" content="noindex" />
                <title>"Bando admin"</title>
                <link rel="icon" href=assets.icon_url.to_string() />
                <link rel="stylesheet" href=assets.css_url.to_string() />
                <link rel="modulepreload" href=assets.glue_url.to_string() />
                <script
                    type="module"
                    src=assets.boot_url.to_string()
                    data-glue=assets.glue_url.to_string()
                    data-when="now"
                ></script>
            </head>
            <body>
                <div id="app">
                    <p class="starting" role="status">"Opening…"</p>
                    <noscript><p class="starting">"The admin app needs JavaScript. The customers’ portal does not."</p></noscript>
                </div>
            </body>
        </html>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_its_files_its_theme_and_no_inline_script() {
        let assets = AdminAssets {
            css_url: Arc::from("/assets/admin.1.css"),
            boot_url: Arc::from("/assets/boot.js"),
            glue_url: Arc::from("/assets/admin.1.js"),
            icon_url: Arc::from("/assets/icon.svg"),
        };
        let html = admin_shell(&assets, Theme::Dark, "\"><script>alert(1)</script>");
        for part in [
            "<!DOCTYPE html>",
            "data-theme=\"dark\"",
            "href=\"/assets/admin.1.css\"",
            "data-glue=\"/assets/admin.1.js\"",
        ] {
            assert!(html.contains(part), "{part} is missing in {html}");
        }
        assert_eq!(html.matches("<script").count(), 1, "{html}");
        assert!(!html.contains("\"><script>alert"), "{html}");
    }
}
