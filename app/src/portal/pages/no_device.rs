//! Somebody without a device address: explains how to join instead of failing.

use leptos::prelude::*;

pub(super) fn page() -> impl IntoView {
    view! {
        <h1>"Join the WiFi first"</h1>
        <p class="lead">"This page works on the hotspot itself, so that we know which device to connect."</p>
        <ol class="steps">
            <li><span>"Open the WiFi settings of your phone or computer and choose this hotspot."</span></li>
            <li><span>"Wait for the sign-in page. If none opens, visit " <b>"neverssl.com"</b> " in your browser."</span></li>
            <li><span>"Choose a package and pay with M-Pesa. You are connected by itself."</span></li>
        </ol>
        <p class="fine">
            "Using mobile data or a VPN at the same time? Turn it off while you sign in."
        </p>
    }
}
