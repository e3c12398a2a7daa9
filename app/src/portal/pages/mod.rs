//! The pages, one file each.

mod by_hand;
mod delivering;
mod devices;
mod failure;
mod no_device;
mod online;
mod pass;
mod shop;
mod waiting;

use leptos::prelude::*;

use super::model::{Device, Page};

/// The content of `main`. `here` is the path of the page itself.
pub(super) fn show(page: &Page, here: &str) -> AnyView {
    match page {
        Page::Shop(shop) => shop::page(shop).into_any(),
        Page::Waiting(waiting) => waiting::page(waiting, here).into_any(),
        Page::Delivering(delivering) => delivering::page(delivering, here).into_any(),
        Page::Online(online) => online::page(online, here).into_any(),
        Page::Pass(pass) => pass::page(pass).into_any(),
        Page::Devices(devices) => devices::page(devices).into_any(),
        Page::Removing(removing) => devices::removing(removing).into_any(),
        Page::PassKept(kept) => pass::kept(kept).into_any(),
        Page::NoDevice => no_device::page().into_any(),
        Page::Failure(failure) => failure::page(failure).into_any(),
    }
}

/// The hidden fields that say which device a form is about.
fn device_fields(device: &Device) -> impl IntoView + use<> {
    let fields = [
        ("mac", Some(device.mac.to_string())),
        ("ip", device.ip.clone()),
        ("router", Some(device.router.clone())),
        ("dst", device.dst.clone()),
    ];
    fields
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| view! { <input type="hidden" name=name value=value /> }))
        .collect_view()
}

/// What a page that waits tells its island, as attributes of `#live`.
struct Live {
    status: &'static str,
    seconds: u64,
    /// Where the state is asked for.
    ask: String,
    /// Where events come from; none for a voucher or a grant.
    events: Option<String>,
    here: String,
    /// Whether the page already offers to start again.
    retry: Option<&'static str>,
    /// Whether a person has to look at the payment.
    review: Option<&'static str>,
    /// Whether a code that the customer showed is being looked into.
    claim: Option<&'static str>,
    /// What the server says now; the page loads again when that changes.
    said: Option<String>,
}

impl Live {
    fn new(status: &'static str, seconds: u64, here: &str, of: (&Device, Option<domain::PaymentId>)) -> Self {
        let (device, payment) = of;
        Self {
            status,
            seconds,
            ask: payment.map_or_else(
                || format!("/api/user/status?mac={}", device.mac),
                |id| format!("/api/user/status?payment={id}"),
            ),
            events: payment.map(|id| format!("/api/user/events?payment={id}")),
            here: here.to_owned(),
            retry: None,
            review: None,
            claim: None,
            said: None,
        }
    }

    /// Puts the island into the element it reads from.
    fn around(self, island: impl IntoView) -> impl IntoView {
        view! {
            <div
                id="live"
                data-status=self.status
                data-seconds=self.seconds.to_string()
                data-ask=self.ask
                data-events=self.events
                data-here=self.here
                data-retry=self.retry
                data-review=self.review
                data-claim=self.claim
                data-said=self.said
            >
                {island}
            </div>
        }
    }
}
