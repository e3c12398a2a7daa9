//! The page that the router shows to devices that have not paid.

use super::{Check, Portal, line, readings::Readings, unread};

pub(super) fn judge(readings: &Readings, portal: &Portal, slug: &str) -> Check {
    if readings.running().is_empty() {
        return line::PAGE.unknown("This is known once the hotspot is on.");
    }
    let (path, text) = match &readings.page {
        Ok(page) => page,
        Err(error) => return unread(&line::PAGE, error),
    };
    let todo = "Set the router up again under Routers: it writes the page.";
    let Some(text) = text else {
        return line::PAGE.wrong(format!("There is no file {path}: customers see nothing, or an error."), todo);
    };
    if text.is_empty() {
        return line::PAGE.unknown(format!("{path} is there; the router does not show what is in it."));
    }
    let url = &portal.url;
    let ours = format!("{url}/w/{slug}");
    // Another router may have a name that begins like this one's.
    let is_ours = |at: usize| !text.get(at + ours.len()..).is_some_and(|rest| rest.starts_with(is_slug));
    if text.match_indices(&ours).any(|(at, _)| is_ours(at)) {
        return line::PAGE.ok(format!("{path} leads to {ours}."));
    }
    if text.contains(&format!("{url}/w/")) {
        return line::PAGE.wrong(format!("{path} leads to our page under another router's name."), todo);
    }
    if text.contains("/w/") && text.contains("mac=") {
        return line::PAGE.wrong(format!("{path} leads to a portal, but not to {url}."), todo);
    }
    line::PAGE.wrong(format!("{path} is not ours: customers see another page and cannot pay."), todo)
}

const fn is_slug(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-'
}
