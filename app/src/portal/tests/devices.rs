//! Pages about passes and devices.

use super::{
    has,
    samples::{devices, html, nearby, offer, online, own, pass, shop, tv},
};
use crate::portal::model::{Devices, Offer, Page, PassPage, Picking, Removing, Shop};

#[test]
fn a_pass_says_what_happens_before_it_is_used() {
    let one = html(Page::Pass(PassPage { offer: Offer { can_add: false, ..offer(&["Phone"]) }, ..pass(&[]) }));
    has(
        &one,
        &[
            "<h1>Use your time here?</h1>",
            "You have 43 min 00 s left of 1 day.",
            "Continue on this device",
            "It stops on Phone. You can do this 2 more times today.",
            "type=\"hidden\" name=\"from\" value=\"00000000-0000-0000-0000-000000000001\"",
            "action=\"/pass\"",
        ],
    );
    assert!(!one.contains("value=\"add\"") && !one.contains("http-equiv=\"refresh\""), "{one}");
    let shared = html(Page::Pass(pass(&["Phone"])));
    has(&shared, &["Use it on this device too", "1 of 3 devices in use. The others go on.", "value=\"move\""]);
    let full = html(Page::Pass(pass(&["Phone", "TV", "Laptop"])));
    assert_eq!((full.matches("type=\"radio\"").count(), full.matches(" checked").count()), (3, 1));
    assert!(!full.contains("value=\"add\""));
    let refused = Offer { refusal: Some("This time is paused.".into()), ..offer(&["Phone"]) };
    let refused = html(Page::Pass(PassPage { offer: refused, ..pass(&[]) }));
    has(&refused, &["This time is paused."]);
    assert!(!refused.contains("action=\"/pass\""), "no button that only leads to a refusal");
}

#[test]
fn the_time_of_another_device_stands_before_the_packages() {
    let html = html(Page::Shop(Shop { offer: Some(offer(&["Phone"])), ..shop() }));
    has(&html, &["Continue on this device"]);
    assert!(html.find("action=\"/pass\"").unwrap() < html.find("action=\"/pay\"").unwrap());
}

#[test]
fn a_tv_is_confirmed_with_exactly_what_will_be_let_on() {
    let html = html(Page::Pass(PassPage { target: Some(tv()), ..pass(&["This device"]) }));
    has(
        &html,
        &[
            "Let this device on?",
            "Living room TV",
            "10.5.50.31, ends in 3F:A2",
            "name=\"pick\" value=\"0123456789abcdef\"",
            "name=\"label\" value=\"Living room TV\"",
            "Let it on",
        ],
    );
}

#[test]
fn devices_are_listed_with_a_way_to_remove_them_and_to_add_one() {
    let page = html(Page::Devices(devices(Picking::Closed)));
    has(
        &page,
        &[
            "2 of 3 in use",
            "aria-label=\"Remove TV\"",
            "ABCD-EFGH-JKMN",
            "wifi.example/p/ABCD-EFGH-JKMN",
            "A4:CF:12:00:00:01",
            "&amp;near=1#screen",
            "action=\"/devices/add\"",
        ],
    );
    let alone = html(Page::Devices(Devices { offer: Some(offer(&["This device"])), ..devices(Picking::Closed) }));
    assert!(!alone.contains("/devices/remove"), "the only device cannot be removed");
    let list = html(Page::Devices(devices(nearby())));
    has(&list, &["10.5.50.31", "Address ends in 3F:1F", "type=\"radio\" name=\"pick\""]);
    has(&html(Page::Devices(devices(Picking::Open(vec![])))), &["Connect the TV to the WiFi first"]);
    has(&html(Page::Devices(devices(Picking::Unavailable))), &["Type the address instead"]);
}

#[test]
fn a_browser_without_the_pass_learns_nothing() {
    let stranger = Devices { offer: None, code: None, link: None, ..devices(Picking::Closed) };
    let page = html(Page::Devices(stranger));
    has(&page, &["Only the browser that paid", "view=paid"]);
    assert!(!page.contains("ABCD-") && !page.contains("/devices/add"), "{page}");
    let Page::Online(mut online) = online(None) else { panic!("not the page of a device that is online") };
    has(&html(Page::Online(online.clone())), &["1 of 3 in use", "ABCD-EFGH-JKMN", "Add or remove devices"]);
    has(&html(Page::Online(online.clone())), &["data-ask=\"/api/user/status?mac=A4:CF:12:00:00:01&amp;router=main\""]);
    online.sharing = None;
    let page = html(Page::Online(online));
    assert!(!page.contains("in use") && !page.contains("ABCD-"), "{page}");
    has(&page, &["&amp;view=devices"]);
}

#[test]
fn removing_asks_first() {
    let ask = |own| html(Page::Removing(Removing { device: super::device(), own, refusal: None }));
    has(&ask(own(2, "TV")), &["Remove TV?", "TV goes off the internet at once", "name=\"confirm\" value=\"yes\""]);
    has(&ask(own(1, "This device")), &["This is the device you are using now."]);
    let refusal = Some("This is the only device on this time.".into());
    let refused = html(Page::Removing(Removing { device: super::device(), own: own(1, "This device"), refusal }));
    assert!(refused.contains("only device") && !refused.contains("name=\"confirm\""), "{refused}");
}
