//! Every page as the server would send it: complete without JavaScript, safe with hostile words, small.

mod devices;
mod samples;

use domain::DataSize;
use samples::{delivering, device, every_page, html, online, refused, shop, view, waiting};
use uuid::Uuid;

use super::{
    model::{Failure, Field, FieldError, Notice, Online, Page, Shop, Theme, Waiting},
    render,
};

/// What people try to get into a page.
const HOSTILE: [&str; 6] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "{{7*7}} &lt;b&gt; \u{202e}",
];

#[track_caller]
fn has(html: &str, parts: &[&str]) {
    for part in parts {
        assert!(html.contains(part), "{part} is missing in {html}");
    }
}

#[test]
fn the_shop_works_by_forms_alone() {
    let html = html(Page::Shop(shop()));
    has(
        &html,
        &[
            "<form method=\"post\" action=\"/pay\"",
            "<form method=\"post\" action=\"/voucher\"",
            "<form method=\"post\" action=\"/theme\"",
            "name=\"phone\"",
            "name=\"code\"",
            "name=\"back\" value=\"/w/main?mac=A4%3ACF%3A12%3A00%3A00%3A01&amp;ip=10.5.50.20",
            "Pay with M-Pesa",
            "KES 1,000",
            "1.5\u{a0}GB",
            "2\u{a0}devices",
        ],
    );
    for hidden in [
        "mac\" value=\"A4:CF:12:00:00:01",
        "ip\" value=\"10.5.50.20",
        "router\" value=\"main",
        "dst\" value=\"https://example.com/news?id=1",
    ] {
        assert_eq!(html.matches(&format!("type=\"hidden\" name=\"{hidden}\"")).count(), 3, "{hidden}");
    }
    assert_eq!(html.matches("type=\"radio\"").count(), 4);
    assert_eq!(html.matches(" checked").count(), 1);
    assert!(!html.contains("http-equiv=\"refresh\""), "nobody's typing is thrown away");
}

#[test]
fn a_refused_form_keeps_what_was_typed_and_says_where() {
    let html = html(refused());
    has(
        &html,
        &[
            "value=\"0812 345 678\"",
            "aria-invalid=\"true\"",
            "class=\"hint error\">That is not a Kenyan mobile number.",
            "value=\"00000000-0000-0000-0000-000000000002\" checked",
        ],
    );
}

#[test]
fn paying_by_hand_says_number_account_and_amount() {
    let short = html(samples::short());
    has(
        &short,
        &[
            "We received KES 15 of KES 50",
            "174379",
            "<dd>WF7K2M9P</dd>",
            "<dd>KES 35</dd>",
            "&amp;view=paid",
            "Pay Bill",
        ],
    );
    assert!(!short.contains("action=\"/recover\""), "this page loads again by itself: nobody types in it");
    let till = html(samples::failed_by_hand());
    has(&till, &["Till number", "Buy Goods", "action=\"/recover\"", "There is no M-Pesa code", "value=\"hello\""]);
    assert!(!till.contains("Account number"));
    assert!(!html(waiting(12, false)).contains("view=paid"), "in the first seconds the phone is what to look at");
}

#[test]
fn a_claim_is_waited_for_without_paying_again() {
    let claimed = html(samples::claimed());
    has(&claimed, &["We are looking for your payment", "no need to pay again", "data-claim=\"yes\""]);
    assert!(!claimed.contains("class=\"pulse\"") && !claimed.contains("Enter it on your phone"), "{claimed}");
    let choosing = html(samples::choosing());
    has(&choosing, &["<select id=\"paid-package\"", "name=\"phone\"", "value=\"UKM4T8IYOU\"", "1 hour, KES 20"]);
    assert!(choosing.find("action=\"/recover\"").unwrap() < choosing.find("action=\"/pay\"").unwrap());
}

#[test]
fn a_package_that_is_gone_is_not_chosen_silently() {
    let page = Page::Shop(Shop { chosen: Some(Uuid::from_u128(99).into()), ..shop() });
    has(&html(page), &["value=\"00000000-0000-0000-0000-000000000001\" checked"]);
}

#[test]
fn a_payment_in_review_is_not_said_to_wait_for_a_pin() {
    let Page::Waiting(open) = waiting(12, false) else { panic!("not a waiting page") };
    let review = html(Page::Waiting(Waiting { is_in_review: true, ..open }));
    has(&review, &["<h1>Your payment is being checked", "Do not pay again", "data-review=\"yes\""]);
    assert!(!review.contains("Check your phone</h1>") && !review.contains("class=\"pulse\""), "{review}");
}

#[test]
fn waiting_pages_refresh_and_point_to_themselves() {
    let early = html(waiting(12, false));
    has(
        &early,
        &[
            "<noscript><meta http-equiv=\"refresh\" content=\"4;url=/w/main?mac=",
            "Check your phone",
            "KES 50",
            "WF7K2M9P",
            "0712***678",
            "data-events=\"/api/user/events?payment=00000000-0000-0000-0000-000000000007\"",
            "data-ask=\"/api/user/status?payment=00000000-0000-0000-0000-000000000007\"",
        ],
    );
    assert!(!early.contains("Start again"));
    has(&html(waiting(120, false)), &["Still confirming with M-Pesa", "do not pay again"]);
    has(&html(waiting(240, true)), &["Start again", "&amp;view=shop", "data-retry"]);
    has(&html(delivering(60)), &["http-equiv=\"refresh\"", "no need to pay again", "UKM4T8IYOU"]);
}

#[test]
fn online_says_how_much_is_left_and_where_to_go() {
    let html = html(online(Some(DataSize::from_mb(1240))));
    has(
        &html,
        &["23 h 03 min", "1.2 GB", "tomorrow at 08:15", "href=\"https://example.com/news?id=1\"", "Buy more time"],
    );
}

#[test]
fn only_web_addresses_are_linked() {
    for dst in [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "http:evil",
        "https://",
        "http:///x",
        " https://example.com",
        "https://exa mple.com",
        "https://example.com/\r\nSet-Cookie: a=b",
        "",
    ] {
        let mut page = online(None);
        if let Page::Online(online) = &mut page {
            online.device.dst = Some(dst.into());
        }
        assert!(!html(page).contains("Continue to"), "{dst:?}");
    }
}

#[test]
fn nobody_is_sent_off_this_server() {
    for here in ["//evil.example", "https://evil.example", "/\\evil.example", "", "/a\nb", "javascript:alert(1)"] {
        let mut view = view(waiting(1, false));
        view.shell.here = here.into();
        has(&render(&view), &["content=\"4;url=/\"", "name=\"back\" value=\"/\""]);
    }
}

#[test]
fn hostile_words_stay_words() {
    for text in HOSTILE {
        let mut device = device();
        device.router = text.into();
        device.ip = Some(text.into());
        device.dst = Some(format!("https://example.com/{text}"));
        let mut shop = Shop {
            device: device.clone(),
            phone: text.into(),
            voucher: text.into(),
            notice: Some(Notice::Hint { message: text.into() }),
            field_error: Some(FieldError { field: Field::Phone, message: text.into() }),
            ..shop()
        };
        shop.packages[0].terms.name = text.into();
        let Page::Online(online) = online(None) else { unreachable!() };
        let pages = [
            Page::Shop(shop),
            Page::Online(Online { device, package: text.into(), ..online }),
            Page::Failure(Failure { title: text.into(), message: text.into(), retry: Some(text.into()) }),
        ];
        for page in pages {
            let plain = tags(&html(match &page {
                Page::Failure(_) => {
                    Page::Failure(Failure { title: "x".into(), message: "x".into(), retry: Some("/".into()) })
                }
                other => other.clone(),
            }));
            let mut view = view(page);
            view.shell.business_name = text.into();
            view.shell.support_phone = Some(text.into());
            view.shell.here = format!("/{text}");
            let html = render(&view);
            assert!(!html.contains("<script>") && !html.contains("<img"), "{text}: {html}");
            assert_eq!(tags(&html), plain, "{text} opened an element or an attribute of its own");
        }
    }
}

/// Every tag with the names of its attributes, in order: what a browser's parser makes of the page.
fn tags(html: &str) -> Vec<String> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        let mut tag = String::new();
        let mut quoted = false;
        let mut end = rest.len();
        for (at, character) in rest.char_indices().skip_while(|(at, _)| *at < start) {
            match character {
                '"' => quoted = !quoted,
                '>' if !quoted => {
                    end = at;
                    break;
                }
                _ if !quoted => tag.push(character),
                _ => {}
            }
        }
        tags.push(tag);
        rest = &rest[end..];
    }
    tags
}

#[test]
fn there_is_no_inline_script_and_no_foreign_host() {
    for (name, page) in every_page() {
        let html = html(page);
        for tag in tags(&html) {
            assert!(!tag.starts_with("<script") || tag.contains("src="), "{name}: {tag}");
            assert!(!tag.contains(" on"), "{name}: {tag}");
            assert!(!tag.contains(" style="), "{name}: {tag}");
        }
        assert!(!html.contains("src=\"http") && !html.contains("href=\"//"), "{name}");
    }
}

#[test]
fn pages_stay_small() {
    for (name, page) in every_page() {
        let size = html(page).len();
        assert!(size < 9000, "{name} is {size} bytes before compression");
    }
}

#[test]
fn the_theme_is_on_the_document_only_when_chosen() {
    let mut view = view(Page::NoDevice);
    has(&render(&view), &["<html lang=\"en-KE\">", "value=\"system\" aria-pressed=\"true\""]);
    view.shell.theme = Theme::Dark;
    has(&render(&view), &["data-theme=\"dark\"", "value=\"dark\" aria-pressed=\"true\""]);
}

#[test]
fn rendering_leaves_nothing_behind() {
    let first = html(Page::Shop(shop()));
    for _ in 0..100 {
        assert_eq!(html(Page::Shop(shop())), first);
    }
}
