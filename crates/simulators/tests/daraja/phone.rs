//! The virtual phone through its forms, as a browser without JavaScript uses it.

use serde_json::json;
use simulators::daraja::PromptState;

use crate::support::{Bench, PHONE};

#[tokio::test]
async fn a_person_pays_with_the_forms_alone() {
    let bench = Bench::manual().await;
    let empty = bench.get("/phone").await;
    assert!(empty.text.contains("No request has come in yet."), "{}", empty.text);
    bench.pushed(json!({})).await;
    // Nobody chose a number: the phone that rings is shown.
    let page = bench.get("/phone").await;
    for part in
        ["Ksh20.00", "BANDO WIFI", "WF7K3Q9X", "0712 345 678", "/phone/prompts/1/approve", "/phone/prompts/1/cancel"]
    {
        assert!(page.text.contains(part), "{part} is missing");
    }
    assert!(!page.text.contains("<script"));
    let send = bench.http.post(bench.url("/phone/prompts/1/approve")).form(&[("pin", "1234")]);
    let sent = send.send().await.unwrap();
    assert_eq!(sent.status(), 303);
    assert_eq!(sent.headers()["location"], format!("/phone?number={PHONE}"));
    bench.pass(1).await;
    assert_eq!(bench.charges().len(), 1);
    let page = bench.get(&format!("/phone?number={PHONE}")).await;
    assert!(page.text.contains(&format!("{} Confirmed. Ksh20.00", bench.charges()[0].receipt)));
}

#[tokio::test]
async fn a_person_cancels_or_enters_the_wrong_pin() {
    let bench = Bench::manual().await;
    bench.pushed(json!({})).await;
    let cancel = bench.send(bench.http.post(bench.url("/phone/prompts/1/cancel"))).await;
    assert_eq!(cancel.status, 303);
    assert_eq!(bench.sim.control().prompts()[0].state, PromptState::Cancelled);
    bench.pushed(json!({})).await;
    let short = bench.http.post(bench.url("/phone/prompts/2/approve")).form(&[("pin", "12")]);
    let short = short.send().await.unwrap();
    let page = bench.get(short.headers()["location"].to_str().unwrap()).await;
    assert!(page.text.contains("a PIN has four digits"), "{}", page.text);
    bench.send(bench.http.post(bench.url("/phone/prompts/2/approve")).form(&[("pin", "0000")])).await;
    bench.pass(1).await;
    let page = bench.get("/phone").await;
    assert!(page.text.contains("You have entered the wrong M-PESA PIN"));
    assert!(bench.charges().is_empty());
}

#[tokio::test]
async fn the_page_renews_itself_but_not_under_a_half_typed_pin() {
    let bench = Bench::manual().await;
    let refresh = async |path: &str| {
        let response = bench.http.get(bench.url(path)).send().await.unwrap();
        response.headers().get("refresh").map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(refresh("/phone").await.as_deref(), Some("2"));
    for still in
        ["/phone?refresh=off", "/phone?panel=number", "/phone?number=0712345678&panel=pay", "/phone?panel=scenarios"]
    {
        assert_eq!(refresh(still).await, None, "{still}: a form must not be wiped while it is filled in");
    }
    bench.sim.control().set_speed(0.5);
    bench.pushed(json!({})).await;
    let open: u64 = refresh("/phone").await.unwrap().parse().unwrap();
    assert!(open > 60, "{open} s: until the prompt has ended by itself, at half speed");
}

#[tokio::test]
async fn numbers_and_names_are_shown_as_text() {
    let bench = Bench::manual().await;
    bench.pushed(json!({ "AccountReference": "<b>x</b>" })).await;
    let page = bench.get("/phone").await;
    assert!(page.text.contains("&lt;b&gt;x&lt;/b&gt;") && !page.text.contains("<b>x"));
    let wrong = bench.get("/phone?number=%3Cscript%3E").await;
    assert!(wrong.text.contains("not a Kenyan mobile number") && !wrong.text.contains("<script"));
}

#[tokio::test]
async fn a_person_pays_by_hand() {
    let bench = Bench::manual().await;
    let page = bench.get("/phone?number=0712345678&panel=pay").await;
    assert!(page.text.contains(r#"action="/phone/pay""#), "{}", page.text);
    assert!(page.text.contains("Lipa na M-PESA") && page.text.contains(r#"value="174379""#), "{}", page.text);
    let form = [("msisdn", "0712345678"), ("number", "174379"), ("amount", "50"), ("account", "WF7K3Q9X")];
    let paid = bench.http.post(bench.url("/phone/pay")).form(&form);
    assert_eq!(bench.send(paid).await.status, 303);
    let charges = bench.charges();
    assert_eq!((charges[0].amount, charges[0].account_reference.as_str()), (50, "WF7K3Q9X"));
    assert_eq!(charges[0].checkout_request_id, None);
    let wrong = bench.http.post(bench.url("/phone/pay")).form(&[("msisdn", PHONE), ("number", "1"), ("amount", "5")]);
    let wrong = wrong.send().await.unwrap();
    let page = bench.get(wrong.headers()["location"].to_str().unwrap()).await;
    assert!(page.text.contains("nobody can be paid under that number"));
}
