//! One sample of every page.

use std::sync::Arc;

use chrono::DateTime;
use domain::{DataSize, Kes, Package, PackageTerms, PassCode, PaymentId, Rate};
use uuid::Uuid;

use crate::{
    api::PayByHand,
    portal::{
        model::{
            Assets, Choose, Delivering, Device, Devices, Ended, Failure, Field, FieldError, Islands, Nearby, Notice,
            Offer, Online, OwnDevice, Page, PassKept, PassPage, Picking, PortalView, Recovering, Removing, Sharing,
            Shell, Shop, Target, Theme, Waiting,
        },
        render,
    },
};

pub(super) fn device() -> Device {
    Device {
        router: "main".into(),
        mac: "A4:CF:12:00:00:01".parse().unwrap(),
        ip: Some("10.5.50.20".into()),
        dst: Some("https://example.com/news?id=1".into()),
    }
}

pub(super) fn package(number: u128, name: &str, minutes: u32, price: u32) -> Package {
    let limited = number.is_multiple_of(2);
    Package {
        id: Uuid::from_u128(number).into(),
        revision: 1,
        price: Kes::new(price).unwrap(),
        terms: PackageTerms {
            name: name.into(),
            duration_minutes: minutes,
            down: limited.then(|| Rate::from_kbps(5000)),
            up: limited.then(|| Rate::from_kbps(2000)),
            data: limited.then(|| DataSize::from_mb(1500)),
            devices: if number == 3 { 2 } else { 1 },
        },
    }
}

pub(super) fn shop() -> Shop {
    Shop {
        device: device(),
        packages: vec![
            package(1, "1 hour", 60, 20),
            package(2, "1 day", 1440, 50),
            package(3, "1 week", 10_080, 300),
            package(4, "1 month", 43_200, 1000),
        ],
        chosen: None,
        phone: String::new(),
        voucher: String::new(),
        field_error: None,
        notice: None,
        pay_by_hand: None,
        recovering: Recovering::default(),
        offer: None,
    }
}

pub(super) fn payment() -> PaymentId {
    Uuid::from_u128(7).into()
}

pub(super) fn waiting(elapsed_secs: u64, may_start_again: bool) -> Page {
    Page::Waiting(Waiting {
        device: device(),
        payment: payment(),
        package: "1 day".into(),
        amount: Kes::new(50).unwrap(),
        account_reference: "WF7K2M9P".parse().unwrap(),
        phone: "0712***678".into(),
        elapsed_secs,
        may_start_again,
        is_in_review: false,
        is_claimed: false,
        received: None,
        pay_by_hand: None,
        message: "Check your phone and enter your M-Pesa PIN.".into(),
    })
}

pub(super) fn by_hand(kind: &str) -> PayByHand {
    PayByHand {
        kind: kind.into(),
        number: "174379".into(),
        account: (kind == "paybill").then(|| "WF7K2M9P".into()),
        amount_kes: 35,
    }
}

/// Part of the money came by hand, and the rest can be paid.
pub(super) fn short() -> Page {
    let Page::Waiting(open) = waiting(40, false) else { panic!("not a waiting page") };
    Page::Waiting(Waiting {
        received: Some("We received KES 15 of KES 50. Pay KES 35 more to paybill 174379, account WF7K2M9P.".into()),
        pay_by_hand: Some(by_hand("paybill")),
        ..open
    })
}

pub(super) fn claimed() -> Page {
    let Page::Waiting(open) = waiting(40, true) else { panic!("not a waiting page") };
    Page::Waiting(Waiting { is_claimed: true, ..open })
}

/// A code was shown and nobody knows what was bought.
pub(super) fn choosing() -> Page {
    let choose = Choose { packages: shop().packages, phone: "0712 345 678".into() };
    let recovering = Recovering { text: "UKM4T8IYOU".into(), choose: Some(choose), ..Recovering::default() };
    Page::Shop(Shop { recovering, ..shop() })
}

pub(super) fn failed_by_hand() -> Page {
    let notice = Notice::PaymentFailed { message: "No response from your phone.".into() };
    let recovering = Recovering {
        is_open: true,
        text: "hello".into(),
        error: Some("There is no M-Pesa code in this text.".into()),
        choose: None,
    };
    Page::Shop(Shop { notice: Some(notice), pay_by_hand: Some(by_hand("till")), recovering, ..shop() })
}

pub(super) fn delivering(waiting_secs: u64) -> Page {
    Page::Delivering(Delivering {
        device: device(),
        payment: Some(payment()),
        package: "1 day".into(),
        receipt: Some("UKM4T8IYOU".parse().unwrap()),
        waiting_secs,
        credit: None,
    })
}

pub(super) fn online(data_remaining: Option<DataSize>) -> Page {
    Page::Online(Online {
        device: device(),
        payment: Some(payment()),
        package: "1 day".into(),
        seconds_remaining: 83_000,
        data_remaining,
        ends_at: DateTime::parse_from_rfc3339("2026-11-23T08:15:00+03:00").unwrap(),
        now: DateTime::parse_from_rfc3339("2026-11-22T09:12:00+03:00").unwrap(),
        credit: None,
        sharing: Some(Sharing { in_use: 1, places: 3, code: code() }),
    })
}

pub(super) fn code() -> PassCode {
    "ABCD-EFGH-JKMN".parse().unwrap()
}

pub(super) fn own(number: u128, name: &str) -> OwnDevice {
    OwnDevice {
        id: Uuid::from_u128(number).into(),
        label: (name != "This device").then(|| name.into()),
        ip: Some(format!("10.5.50.{number}")),
        tail: format!("00:0{number}"),
        is_this: name == "This device",
        is_online: true,
    }
}

pub(super) fn offer(devices: &[&str]) -> Offer {
    let own = |(at, name): (usize, &&str)| own(u128::try_from(at).unwrap() + 1, name);
    Offer {
        package: "1 day".into(),
        seconds_remaining: 2580,
        places: 3,
        devices: devices.iter().enumerate().map(own).collect(),
        can_add: devices.len() < 3,
        can_move: true,
        moves_left: 2,
        refusal: None,
        code: None,
    }
}

pub(super) fn pass(devices: &[&str]) -> PassPage {
    PassPage { device: device(), offer: offer(devices), target: None }
}

pub(super) fn tv() -> Target {
    Target {
        field: "pick",
        value: "0123456789abcdef".into(),
        label: "Living room TV".into(),
        detail: "10.5.50.31, ends in 3F:A2".into(),
        is_seen: true,
    }
}

pub(super) fn devices(picking: Picking) -> Devices {
    Devices {
        device: device(),
        offer: Some(offer(&["This device", "TV"])),
        code: Some(code()),
        link: Some("wifi.example/p/ABCD-EFGH-JKMN".into()),
        picking,
        typed: String::new(),
        label: String::new(),
        error: None,
    }
}

pub(super) fn nearby() -> Picking {
    let one = |number: u8| Nearby {
        handle: format!("{number:016x}"),
        ip: format!("10.5.50.{number}"),
        tail: format!("3F:{number:02X}"),
    };
    Picking::Open(vec![one(31), one(32)])
}

pub(super) fn refused() -> Page {
    Page::Shop(Shop {
        phone: "0812 345 678".into(),
        chosen: Some(Uuid::from_u128(2).into()),
        field_error: Some(FieldError {
            field: Field::Phone,
            message: "That is not a Kenyan mobile number. It should start with 07 or 01.".into(),
        }),
        ..shop()
    })
}

pub(super) fn noticed(notice: Notice) -> Page {
    Page::Shop(Shop { notice: Some(notice), ..shop() })
}

pub(super) fn every_page() -> Vec<(&'static str, Page)> {
    vec![
        ("shop", Page::Shop(shop())),
        ("shop-refused", refused()),
        (
            "shop-voucher",
            Page::Shop(Shop {
                voucher: "ABCD".into(),
                field_error: Some(FieldError {
                    field: Field::Voucher,
                    message: "That voucher was already used.".into(),
                }),
                ..shop()
            }),
        ),
        ("shop-empty", Page::Shop(Shop { packages: vec![], ..shop() })),
        (
            "shop-failed",
            noticed(Notice::PaymentFailed { message: "You cancelled the M-Pesa request. No money was taken.".into() }),
        ),
        ("shop-ended", noticed(Notice::Ended(Ended::Time))),
        ("shop-stopped", noticed(Notice::Ended(Ended::Stopped))),
        ("shop-paused", noticed(Notice::Paused { seconds_remaining: 1500 })),
        ("shop-more", noticed(Notice::BuyMore { seconds_remaining: 1500 })),
        ("shop-router", noticed(Notice::Router { error: "user x has reached uptime limit".into() })),
        ("waiting", waiting(12, false)),
        ("waiting-long", waiting(240, true)),
        ("waiting-short", short()),
        ("waiting-claimed", claimed()),
        ("shop-choose", choosing()),
        ("shop-by-hand", failed_by_hand()),
        ("delivering", delivering(2)),
        ("delivering-long", delivering(60)),
        ("online", online(Some(DataSize::from_mb(1240)))),
        ("online-unlimited", online(None)),
        ("shop-offer", Page::Shop(Shop { offer: Some(offer(&["10.5.50.9"])), ..shop() })),
        ("pass", Page::Pass(pass(&["Phone"]))),
        ("pass-full", Page::Pass(pass(&["Phone", "TV", "Laptop"]))),
        ("pass-tv", Page::Pass(PassPage { target: Some(tv()), ..pass(&["This device"]) })),
        (
            "pass-refused",
            Page::Pass(PassPage {
                offer: Offer {
                    can_add: false,
                    can_move: false,
                    moves_left: 0,
                    refusal: Some("This time was moved as often as it can be today.".into()),
                    ..offer(&["Phone"])
                },
                ..pass(&[])
            }),
        ),
        ("devices", Page::Devices(devices(Picking::Closed))),
        ("devices-nearby", Page::Devices(devices(nearby()))),
        ("devices-none", Page::Devices(devices(Picking::Open(vec![])))),
        (
            "devices-refused",
            Page::Devices(Devices {
                typed: "A4:CF".into(),
                error: Some("A device address looks like A4:CF:12:00:00:01.".into()),
                ..devices(Picking::Unavailable)
            }),
        ),
        (
            "devices-stranger",
            Page::Devices(Devices { offer: None, code: None, link: None, ..devices(Picking::Closed) }),
        ),
        ("removing", Page::Removing(Removing { device: device(), own: own(2, "TV"), refusal: None })),
        ("pass-kept", Page::PassKept(PassKept { code: code(), package: "1 day".into(), seconds_remaining: 2580 })),
        ("no-device", Page::NoDevice),
        (
            "failure",
            Page::Failure(Failure {
                title: "We cannot take payments right now".into(),
                message: "The WiFi system is restarting. Nothing was charged. Please try again in a minute.".into(),
                retry: Some(device().path()),
            }),
        ),
    ]
}

pub(super) fn view(page: Page) -> PortalView {
    PortalView {
        shell: Shell {
            business_name: "Mama Njeri’s WiFi".into(),
            support_phone: Some("0722 000 000".into()),
            theme: Theme::System,
            here: device().payment_path(payment()),
            assets: Assets {
                inline_css: Arc::from("body{color:red}"),
                islands: Some(Islands {
                    boot_url: Arc::from("/assets/boot.1.js"),
                    glue_url: Arc::from("/assets/portal.1.js"),
                    refresh_url: Arc::from("/assets/refresh.1.js"),
                }),
                icon_url: Some(Arc::from("/assets/icon.1.svg")),
            },
        },
        page,
    }
}

pub(super) fn html(page: Page) -> String {
    render(&view(page))
}
