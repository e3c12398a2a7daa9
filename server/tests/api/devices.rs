//! Passes over HTTP: several devices under one paid time, and time that goes on on another device, by forms alone and
//! by the API.

use domain::{Kes, PackageTerms};
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use sqlx::MySqlPool;

use crate::support::{MAC, MSISDN, PHONE, Stack, client, error_of, text_of, until};

const OTHER: &str = "A4:CF:12:00:00:02";
const TV: &str = "A4:CF:12:00:00:77";

/// A browser on one device.
struct Browser<'a> {
    stack: &'a Stack,
    client: Client,
    mac: String,
}

impl<'a> Browser<'a> {
    fn new(stack: &'a Stack, mac: &str) -> Self {
        let _ = stack.world.router.join(mac);
        Self { stack, client: client(), mac: mac.into() }
    }

    fn path(&self, more: &str) -> String {
        format!("/w/main?mac={}{more}", self.mac)
    }

    async fn get(&self, path: &str) -> String {
        self.client.get(self.stack.at(path)).send().await.unwrap().text().await.unwrap()
    }

    /// The page the router sends this device to.
    async fn page(&self, more: &str) -> String {
        self.get(&self.path(more)).await
    }

    async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let device = [("mac", self.mac.as_str()), ("router", "main")];
        let fields: Vec<_> = fields.iter().chain(&device).copied().collect();
        self.client.post(self.stack.at(path)).form(&fields).send().await.unwrap()
    }

    /// Submits a form that leads on, and gives the page it leads to.
    async fn follow(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let answer = self.submit(path, fields).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{path}");
        self.get(&text_of(answer.headers(), "location")).await
    }

    async fn pays(&self, package: &str) {
        let answer = self.submit("/pay", &[("package_id", package), ("phone", PHONE)]).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        self.stack.world.approve(MSISDN).await;
        self.is_online().await;
    }

    async fn is_online(&self) {
        until("the page says online", async || self.page("").await.contains("You are online")).await;
    }
}

async fn shared_package(stack: &Stack, devices: u8) -> String {
    let terms = PackageTerms {
        name: "Family hour".to_owned(),
        duration_minutes: 60,
        down: None,
        up: None,
        data: None,
        devices,
    };
    stack.billing.add_package(terms, Kes::new(50).unwrap()).await.unwrap().id.to_string()
}

/// The code on a page, as it is shown.
fn code_on(page: &str) -> String {
    let shown = |at: usize| {
        let text = page.get(at.checked_sub(4)?..at + 10)?;
        let code: domain::PassCode = text.parse().ok()?;
        (code.to_string() == text).then(|| text.to_owned())
    };
    let found = page.match_indices('-').find_map(|(at, _)| shown(at));
    found.unwrap_or_else(|| panic!("no code on {page}"))
}

/// The value of the first field with this name.
fn field(page: &str, name: &str) -> String {
    let from = format!("name=\"{name}\" value=\"");
    let rest = page.split_once(&from).unwrap_or_else(|| panic!("no {name} on {page}")).1;
    rest.split('"').next().unwrap().to_owned()
}

fn is_on(stack: &Stack, mac: &str) -> bool {
    stack.world.router.active().iter().any(|row| row.iter().any(|(key, value)| key == "user" && value == mac))
}

#[sqlx::test(migrations = "../migrations")]
async fn a_second_phone_joins_by_the_code_and_is_removed_again(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let package = shared_package(&stack, 2).await;
    let first = Browser::new(&stack, MAC);
    first.pays(&package).await;
    let online = first.page("").await;
    assert!(online.contains("1 of 2 in use") && online.contains("Add or remove devices"), "{online}");
    let code = code_on(&online);

    let second = Browser::new(&stack, OTHER);
    let ask = second.follow("/voucher", &[("code", &code.to_lowercase())]).await;
    assert!(ask.contains("Use your time here?") && ask.contains("Use it on this device too"), "{ask}");
    assert!(ask.contains("1 of 2 devices in use") && !ask.contains(MAC), "{ask}");
    let joined = second.submit("/pass", &[("do", "add"), ("code", &field(&ask, "code"))]).await;
    assert_eq!(joined.status(), StatusCode::SEE_OTHER);
    second.is_online().await;
    assert!(is_on(&stack, MAC) && is_on(&stack, OTHER));

    let third = Browser::new(&stack, "A4:CF:12:00:00:03");
    let full = third.follow("/voucher", &[("code", &code)]).await;
    assert!(!full.contains("value=\"add\"") && full.matches("type=\"radio\"").count() == 2, "{full}");
    let refused = third.submit("/pass", &[("do", "add"), ("code", &code)]).await;
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    assert!(refused.text().await.unwrap().contains("All devices of this package are in use."));

    let devices = first.page("&view=devices").await;
    assert!(devices.contains("2 of 2 in use") && devices.contains("Device ending in 00:02"), "{devices}");
    let ids: Vec<&str> = devices.split("name=\"id\" value=\"").skip(1).map(|rest| &rest[..36]).collect();
    let sure = first.submit("/devices/remove", &[("id", ids[1])]).await;
    assert_eq!(sure.status(), StatusCode::OK);
    assert!(sure.text().await.unwrap().contains("Remove Device ending in 00:02?"));
    assert!(is_on(&stack, OTHER), "asking removes nothing");
    let alone = first.follow("/devices/remove", &[("id", ids[1]), ("confirm", "yes")]).await;
    assert!(alone.contains("1 of 2 in use") && !alone.contains("/devices/remove"), "{alone}");
    until("the second phone is off", async || !is_on(&stack, OTHER)).await;
    assert!(is_on(&stack, MAC));
    let last = first.submit("/devices/remove", &[("id", ids[0]), ("confirm", "yes")]).await;
    assert_eq!(last.status(), StatusCode::CONFLICT);
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_phone_with_a_new_address_is_offered_its_time_at_once(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let package = shared_package(&stack, 1).await;
    let mut phone = Browser::new(&stack, MAC);
    let answer = phone.submit("/pay", &[("package_id", package.as_str()), ("phone", PHONE)]).await;
    let paid_page = text_of(answer.headers(), "location");
    let cookie = text_of(answer.headers(), "set-cookie");
    assert!(cookie.starts_with("payer=") && cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    stack.world.approve(MSISDN).await;
    phone.is_online().await;

    // The same browser, behind an address the phone has just made up.
    let new = "DA:A1:19:00:00:05";
    stack.world.router.leave(MAC).unwrap();
    stack.world.router.join(new).unwrap();
    phone.mac = new.into();
    let offered = phone.page("&ip=10.5.50.77").await;
    assert!(offered.contains("You have 59 min") || offered.contains("You have 1 h 00 min"), "{offered}");
    assert!(
        offered.contains("Continue on this device") && offered.contains("It stops on the old device."),
        "{offered}"
    );
    assert!(offered.find("action=\"/pass\"") < offered.find("action=\"/pay\""), "before anything is sold");
    let from = field(&offered, "from");
    assert_eq!(phone.submit("/pass", &[("do", "move"), ("from", &from)]).await.status(), StatusCode::SEE_OTHER);
    phone.is_online().await;
    until("the new address is on, the old one off", async || is_on(&stack, new) && !is_on(&stack, MAC)).await;
    assert!(phone.page("&view=devices").await.contains("You can do this 2 more times today."));

    // A browser on the old address does not claim to be online, not even with the address of the paid page.
    let old = Browser::new(&stack, MAC);
    assert!(old.get(&paid_page).await.contains("action=\"/pay\""));
    assert!(!old.page("").await.contains("action=\"/pass\""));
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn whoever_only_knows_the_address_of_a_device_gets_no_pass(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let package = shared_package(&stack, 2).await;
    let owner = Browser::new(&stack, MAC);
    let fields = [("package_id", package.as_str()), ("phone", PHONE)];
    owner.submit("/pay", &fields).await;
    let thief = Browser::new(&stack, MAC);
    let pressed = thief.submit("/pay", &fields).await;
    assert_eq!((pressed.status(), text_of(pressed.headers(), "set-cookie").as_str()), (StatusCode::SEE_OTHER, ""));
    stack.world.approve(MSISDN).await;
    owner.is_online().await;
    let code = code_on(&owner.page("").await);
    for page in [thief.page("").await, thief.page("&view=devices").await, thief.page("&view=pass").await] {
        assert!(
            !page.contains(&code) && !page.contains("action=\"/pass\"") && !page.contains("/devices/add"),
            "{page}"
        );
    }
    assert_eq!(error_of(thief.client.get(stack.at("/api/user/pass")).send().await.unwrap()).await.0, 404);
    let none = thief.submit("/devices/add", &[("typed", TV)]).await;
    assert_eq!(none.status(), StatusCode::SEE_OTHER, "led back to the page of the device");
    // The M-Pesa message is what only the payer has.
    let receipt = stack.world.mpesa.control().charges()[0].receipt.clone();
    let proven = thief.follow("/recover", &[("text", &receipt)]).await;
    assert!(proven.contains(&code), "{proven}");
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_tv_is_let_on_by_its_address_or_picked_from_the_list(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let package = shared_package(&stack, 3).await;
    let phone = Browser::new(&stack, MAC);
    phone.pays(&package).await;
    let wrong = phone.submit("/devices/add", &[("typed", "A4:CF"), ("label", "Bedroom")]).await;
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let page = wrong.text().await.unwrap();
    assert!(page.contains("A device address looks like") && page.contains("value=\"A4:CF\""), "{page}");
    assert!(page.contains("value=\"Bedroom\"") && page.contains("aria-invalid=\"true\""), "{page}");
    assert_eq!(phone.submit("/devices/add", &[]).await.status(), StatusCode::UNPROCESSABLE_ENTITY);

    stack.world.router.join(TV).unwrap();
    let sure = phone.submit("/devices/add", &[("typed", "a4 cf 12 00 00 77"), ("label", "Bedroom TV")]).await;
    let sure = sure.text().await.unwrap();
    for part in ["Let this device on?", "Bedroom TV", TV, "On this WiFi now", "Let it on"] {
        assert!(sure.contains(part), "{part} is missing in {sure}");
    }
    assert!(!is_on(&stack, TV), "nothing is let on before it is confirmed");
    let fields = [("do", "add"), ("typed", &field(&sure, "typed")), ("label", &field(&sure, "label"))];
    let devices = phone.follow("/pass", &fields).await;
    assert!(devices.contains("Bedroom TV") && devices.contains("2 of 3 in use"), "{devices}");
    until("the TV is on", async || is_on(&stack, TV)).await;

    let console = "A4:CF:12:00:00:78";
    stack.world.router.join(console).unwrap();
    until("the console is in the list", async || phone.page("&view=devices&near=1").await.contains("00:78")).await;
    let list = phone.page("&view=devices&near=1").await;
    assert!(!list.contains(console) && !list.contains("ends in 00:77</small></span></label>"), "{list}");
    let handle = field(&list, "pick");
    let sure = phone.submit("/devices/add", &[("pick", &handle)]).await.text().await.unwrap();
    assert!(sure.contains("ends in 00:78") && !sure.contains(console), "{sure}");
    phone.follow("/pass", &[("do", "add"), ("pick", &handle), ("label", &field(&sure, "label"))]).await;
    until("the console is on", async || is_on(&stack, console)).await;
    let gone = phone.submit("/devices/add", &[("pick", "0123456789abcdef")]).await;
    assert_eq!(gone.status(), StatusCode::UNPROCESSABLE_ENTITY);
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn programs_use_passes_too(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let package = shared_package(&stack, 2).await;
    let paid = stack.pay(&package).await;
    stack.world.approve(MSISDN).await;
    stack.until_status(paid["payment_id"].as_str().unwrap(), "online").await;
    let pass = stack.get_json("/api/user/pass").await;
    assert_eq!((&pass["places"], &pass["free_places"], &pass["moves_left"]), (&json!(2), &json!(1), &json!(3)));
    assert_eq!((&pass["package"], &pass["refusal"]), (&json!("Family hour"), &Value::Null));
    assert_eq!(pass["devices"][0]["mac_ends_in"], "00:01");
    assert!(!pass.to_string().contains("712345678") && !pass.to_string().contains(MAC), "nothing personal");
    let code = pass["code"].as_str().unwrap().to_owned();
    assert_eq!(pass["link"], format!("{}/p/{code}", stack.url));

    let stranger = client();
    let join = async |body: Value| stranger.post(stack.at("/api/user/pass/devices")).json(&body).send().await.unwrap();
    let body = |code: &str, mac: &str, action: &str| json!({"code": code, "mac": mac, "action": action});
    stack.world.router.join(OTHER).unwrap();
    assert_eq!(error_of(join(body("ABCD-EFGH-JKMN", OTHER, "add")).await).await.1, "unknown_pass");
    assert_eq!(error_of(join(body(&code, OTHER, "dance")).await).await.1, "invalid_action");
    assert_eq!(error_of(join(body(&code, "x", "add")).await).await.1, "invalid_mac");
    let added: Value = join(body(&code, OTHER, "add")).await.json().await.unwrap();
    assert_eq!(added, json!({"outcome": "added"}));
    until("the other device is on", async || is_on(&stack, OTHER)).await;
    assert_eq!(error_of(join(body(&code, TV, "add")).await).await, (409, "no_place".to_owned(), None));
    let which = error_of(join(body(&code, TV, "move")).await).await;
    assert_eq!(which, (422, "missing_field".to_owned(), Some("from".to_owned())), "there are two to stop");

    let pass = stack.get_json("/api/user/pass").await;
    let id = pass["devices"][1]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/user/pass/devices/{id}");
    let remove = async || stranger.delete(stack.at(&format!("{path}?code={code}"))).send().await.unwrap();
    assert_eq!(client().delete(stack.at(&path)).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    assert_eq!(remove().await.status(), StatusCode::NO_CONTENT);
    assert_eq!(error_of(remove().await).await.1, "unknown_device");
    until("the other device is off", async || !is_on(&stack, OTHER)).await;

    for _ in 0..9 {
        assert_eq!(error_of(join(body("ABCD-EFGH-JKMN", OTHER, "add")).await).await.0, 404);
    }
    assert_eq!(error_of(join(body("ABCD-EFGH-JKMN", OTHER, "add")).await).await.0, 429);
    let described = stack.get_json("/api/openapi.json").await;
    for path in ["/api/user/pass", "/api/user/pass/devices", "/api/user/pass/devices/{id}"] {
        assert!(described["paths"][path].is_object(), "{path}");
    }
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_short_link_leaves_the_pass_in_the_browser(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let package = shared_package(&stack, 1).await;
    let phone = Browser::new(&stack, MAC);
    phone.pays(&package).await;
    let code = code_on(&phone.page("").await);
    let laptop = Browser::new(&stack, OTHER);
    assert!(!laptop.page("").await.contains("action=\"/pass\""));
    let kept = laptop.get(&format!("/p/{}", code.to_lowercase())).await;
    assert!(kept.contains("Your pass is ready") && kept.contains(&code) && !kept.contains(MAC), "{kept}");
    // The WiFi sends the browser to the portal, which knows it now.
    let offered = laptop.page("").await;
    assert!(offered.contains("Continue on this device"), "{offered}");
    laptop.submit("/pass", &[("do", "move")]).await;
    laptop.is_online().await;
    let wrong = stack.get("/p/ABCD-EFGH-JKMN").await;
    assert_eq!(wrong.status(), StatusCode::NOT_FOUND);
    assert!(wrong.text().await.unwrap().contains("This pass does not work"));
    let typed = laptop.submit("/voucher", &[("code", "ABCD-EFGH-JKMN")]).await;
    assert_eq!(typed.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(typed.text().await.unwrap().contains("This pass is not valid"));
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_voucher_has_a_pass_too(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let package = shared_package(&stack, 2).await;
    let codes = stack.billing.create_vouchers(package.parse().unwrap(), 2, "test").await.unwrap();
    let phone = Browser::new(&stack, MAC);
    phone.follow("/voucher", &[("code", &codes[0])]).await;
    phone.is_online().await;
    let first = code_on(&phone.page("").await);
    // Whoever redeems another one for this device in this browser goes on holding it; a stranger does not get it.
    phone.follow("/voucher", &[("code", &codes[1])]).await;
    phone.is_online().await;
    let second = code_on(&phone.page("").await);
    assert_ne!(first, second);
    let stranger = Browser::new(&stack, MAC);
    assert!(!stranger.page("").await.contains(&second));
    stack.stop().await;
}
