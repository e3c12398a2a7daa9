//! On the network: time left, and the way to where the customer was going.

use chrono::{DateTime, Days, FixedOffset};
use leptos::prelude::*;

use super::Live;
use crate::portal::{
    islands::{Start, countdown::Countdown},
    model::{Online, Sharing},
};

pub(super) fn page(online: &Online, here: &str) -> impl IntoView + use<> {
    let mut live = Live::new("online", online.seconds_remaining, here, (&online.device, online.payment));
    // Of the device, not of its payment: the time may go on on another device.
    live.ask = online.device.status_path();
    provide_context(Start { seconds: online.seconds_remaining, status: "online".to_owned(), ..Start::default() });
    let data = online.data_remaining.map_or_else(|| "Unlimited".to_owned(), |data| format!("{data} left"));
    let go = online.device.destination().map(|destination| {
        view! {
            <a class="button primary" href=destination.to_owned() rel="noreferrer">
                "Continue to " {host(destination)}
            </a>
        }
    });
    let credit = online.credit.clone().map(|words| view! { <p class="notice good">{words}</p> });
    let sharing = online.sharing.as_ref();
    let in_use = sharing.map(|sharing| format!("{} of {} in use", sharing.in_use, sharing.places));
    let in_use = in_use.map(|words| view! { <div><dt>"Devices"</dt><dd>{words}</dd></div> });
    let code = sharing.map(|sharing| sharing.code.to_string());
    let code = code.map(|code| view! { <div><dt>"Your pass"</dt><dd class="code">{code}</dd></div> });
    let about =
        sharing.map(|_| view! { <p class="fine">"Type your pass on another device to use your time there."</p> });
    let devices = match sharing {
        Some(Sharing { places: 2.., .. }) => "Add or remove devices",
        _ => "Use my time on another device",
    };
    view! {
        <section class="online">
            <h1>"You are online"</h1>
            <p class="lead">"Time left"</p>
            {live.around(view! { <Countdown /> })}
        </section>
        {credit}
        <dl class="facts">
            <div><dt>"Package"</dt><dd>{online.package.clone()}</dd></div>
            <div><dt>"Ends"</dt><dd>{clock(online.ends_at, online.now)}</dd></div>
            <div><dt>"Data"</dt><dd>{data}</dd></div>
            {in_use}
            {code}
        </dl>
        {about}
        {go}
        <a class="button" href=online.device.shop_path()>"Buy more time"</a>
        <a class="button" href=online.device.devices_path()>{devices}</a>
    }
}

/// The host of a destination that has been checked, for the label of the link.
fn host(destination: &str) -> String {
    let after_scheme = destination.split_once("://").map_or(destination, |(_, rest)| rest);
    let authority = after_scheme.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    host.chars().take(40).collect()
}

/// `today at 14:35`, `tomorrow at 08:00`, `Tue 24 Nov at 14:35`.
fn clock(at: DateTime<FixedOffset>, now: DateTime<FixedOffset>) -> String {
    let (day, today) = (at.date_naive(), now.date_naive());
    if day == today {
        at.format("today at %H:%M").to_string()
    } else if Some(day) == today.checked_add_days(Days::new(1)) {
        at.format("tomorrow at %H:%M").to_string()
    } else {
        at.format("%a %-d %b at %H:%M").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_said_as_people_say_it() {
        let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap();
        let now = at("2026-11-22T23:30:00+03:00");
        for (end, words) in [
            ("2026-11-22T23:59:00+03:00", "today at 23:59"),
            ("2026-11-23T00:05:00+03:00", "tomorrow at 00:05"),
            ("2026-11-24T14:35:00+03:00", "Tue 24 Nov at 14:35"),
        ] {
            assert_eq!(clock(at(end), now), words);
        }
    }

    #[test]
    fn the_label_names_the_real_host() {
        for (destination, label) in [
            ("https://example.com/a?b", "example.com"),
            ("http://bank.co.ke@evil.example/", "evil.example"),
            ("http://10.5.50.1:8080/x", "10.5.50.1:8080"),
        ] {
            assert_eq!(host(destination), label);
        }
    }
}
