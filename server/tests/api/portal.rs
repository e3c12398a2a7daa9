//! The portal as a mini-browser without JavaScript uses it.

use reqwest::StatusCode;
use sqlx::MySqlPool;

use crate::support::{MAC, MSISDN, PHONE, Stack, text_of, until};

const PAGE: &str = "/w/main?mac=A4:CF:12:00:00:01&ip=10.5.50.10&dst=http://example.com/";

#[sqlx::test(migrations = "../migrations")]
async fn from_the_redirect_to_online_with_forms_alone(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let package = stack.sell_an_hour().await;
    let shop = stack.get_text(PAGE).await;
    assert!(shop.contains("1 hour") && shop.contains("action=\"/pay\"") && shop.contains(&package), "{shop}");

    let fields = [
        ("package_id", package.as_str()),
        ("phone", PHONE),
        ("mac", MAC),
        ("ip", "10.5.50.10"),
        ("router", "main"),
        ("dst", "http://example.com/"),
    ];
    let answer = stack.submit("/pay", &fields).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let waiting_page = text_of(answer.headers(), "location");
    assert!(waiting_page.starts_with("/w/main?mac=A4%3ACF%3A12%3A00%3A00%3A01") && waiting_page.contains("&payment="));

    let again = stack.submit("/pay", &fields).await;
    assert_eq!(text_of(again.headers(), "location"), waiting_page, "pressing twice is the same prompt");

    let waiting = stack.get_text(&waiting_page).await;
    assert!(waiting.contains("http-equiv=\"refresh\"") && waiting.contains("0712***678"), "{waiting}");
    assert!(!waiting.contains("712345678") && !waiting.contains(PHONE));
    assert!(stack.get_text(PAGE).await.contains("0712***678"), "the state is found again without the payment's id");

    stack.world.approve(MSISDN).await;
    until("the page says online", async || stack.get_text(PAGE).await.contains("You are online")).await;
    let online = stack.get_text(PAGE).await;
    assert!(online.contains("http://example.com/"), "{online}");
    let more = stack.get_text(&format!("{PAGE}&view=shop")).await;
    assert!(more.contains("action=\"/pay\""), "more can be bought while online");
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_refused_is_shown_with_what_was_typed(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let package = stack.sell_an_hour().await;
    let fields = |phone: &'static str| {
        [
            ("package_id", package.clone()),
            ("phone", phone.to_owned()),
            ("mac", MAC.to_owned()),
            ("router", "main".to_owned()),
        ]
    };
    for (phone, words) in [("12345", "not complete"), ("", "Enter your M-Pesa phone number"), ("07abc", "digits only")]
    {
        let form = fields(phone);
        let answer = stack.client.post(stack.at("/pay")).form(&form).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let page = answer.text().await.unwrap();
        assert!(page.contains(words) && page.contains("aria-invalid=\"true\""), "{page}");
        assert!(phone.is_empty() || page.contains(&format!("value=\"{phone}\"")), "{page}");
    }
    let unsold = [("package_id", "x"), ("phone", PHONE), ("mac", MAC), ("router", "main")];
    assert_eq!(stack.submit("/pay", &unsold).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let voucher = [("code", "WRONG-CODE"), ("mac", MAC), ("router", "main")];
    let answer = stack.submit("/voucher", &voucher).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text().await.unwrap().contains("This code is not valid"));
    assert!(stack.world.mpesa.control().prompts().is_empty());
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_voucher_lets_a_device_on_once(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let package = stack.sell_an_hour().await;
    let codes = stack.billing.create_vouchers(package.parse().unwrap(), 1, "test").await.unwrap();
    let fields = [("code", codes[0].as_str()), ("mac", MAC), ("router", "main")];
    let answer = stack.submit("/voucher", &fields).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    until("the page says online", async || stack.get_text(PAGE).await.contains("You are online")).await;
    assert_eq!(stack.submit("/voucher", &fields).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn without_a_device_it_explains(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    for path in ["/", "/w/main", "/w/main?mac=", "/?mac=FF:FF:FF:FF:FF:FF", "/?mac=%00%ff", "/w/none"] {
        let answer = stack.get(path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        assert!(answer.text().await.unwrap().contains("Join the WiFi"), "{path}");
    }
    let unnamed = stack.get_text(&format!("/?mac={MAC}")).await;
    assert!(unnamed.contains("Get online"), "the only router needs no name: {unnamed}");
    let unknown = stack.get(&format!("/w/none?mac={MAC}")).await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    assert!(unknown.text().await.unwrap().contains("hotspot is not known"));
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn nothing_in_an_address_or_a_form_becomes_markup(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    stack.sell_an_hour().await;
    let corpus = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "'><svg/onload=alert(1)>",
        "javascript:alert(1)",
        "</title><script>alert(1)</script>",
        "</style><script>alert(1)</script>",
        "<!--<script>",
        "{{7*7}}${7*7}",
        "\u{202e}<b>",
        "%3Cscript%3Ealert(1)%3C/script%3E",
        "\r\nSet-Cookie: a=b",
        "data:text/html,<script>alert(1)</script>",
        "&lt;script&gt;",
        "' or 1=1 --",
        "\0<script>",
    ];
    for text in corpus {
        for name in ["err", "error", "dst", "ip", "lo", "payment", "view", "mac", "x"] {
            let mut url: reqwest::Url = stack.at("/w/main").parse().unwrap();
            url.query_pairs_mut().append_pair("mac", MAC).append_pair(name, text);
            check_page(&stack, stack.client.get(url).send().await.unwrap(), text).await;
        }
        for name in ["phone", "package_id", "ip", "dst", "code", "router"] {
            for path in ["/pay", "/voucher"] {
                let router = if name == "router" { text } else { "main" };
                let fields = [("mac", MAC), (name, text), ("router", router)];
                check_page(&stack, stack.submit(path, &fields).await, text).await;
            }
        }
    }
    stack.stop().await;
}

async fn check_page(stack: &Stack, answer: reqwest::Response, text: &str) {
    assert!(answer.status().as_u16() < 500, "{text}: {}", answer.status());
    assert!(answer.headers().get_all("set-cookie").iter().next().is_none(), "{text}");
    let page = answer.text().await.unwrap();
    for markup in
        ["<script>", "<img", "onerror=alert(1)>", "<svg/", "href=\"javascript:", "href=\"data:", "<b>\u{202e}"]
    {
        assert!(!page.contains(markup), "{text} became markup at {}: {page}", stack.url);
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn colours_are_kept_and_back_leads_nowhere_else(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let answer = stack.submit("/theme", &[("theme", "dark"), ("back", PAGE)]).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(text_of(answer.headers(), "location"), PAGE);
    let cookie = text_of(answer.headers(), "set-cookie");
    assert!(cookie.starts_with("theme=dark; Path=/;") && cookie.contains("SameSite=Lax"), "{cookie}");
    assert!(stack.get_text("/").await.contains("data-theme=\"dark\""));
    for back in ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", ""] {
        let answer = stack.submit("/theme", &[("theme", "<script>"), ("back", back)]).await;
        assert_eq!(text_of(answer.headers(), "location"), "/", "{back}");
    }
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_owner_names_the_place(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    stack.billing.set_setting("business_name", "Mama <Njeri> WiFi").await.unwrap();
    stack.billing.set_setting("support_phone", "0700 111 222").await.unwrap();
    until("the page has the new name", async || stack.get_text("/").await.contains("Mama &lt;Njeri&gt; WiFi")).await;
    assert!(stack.get_text("/").await.contains("tel:0700111222"));
    stack.stop().await;
}
