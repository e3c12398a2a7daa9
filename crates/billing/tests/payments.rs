//! Payments from pressing pay to settled, against a real database and the Daraja simulator.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod support;

use std::{future::Future, time::Duration};

use billing::{
    CallbackIps,
    payments::{BeginError, Phase},
};
use domain::{Kes, PaymentState};
use simulators::daraja::Outage;
use sqlx::MySqlPool;
use support::{Setup, World, eventually, mac, terms};

const PHONE: &str = "0712000100";
const DEVICE: &str = "A4:CF:12:00:00:01";

#[sqlx::test(migrations = "../../migrations")]
async fn an_approved_payment_is_one_receipt_one_session_one_intent(pool: MySqlPool) {
    let world = World::new(pool).await;
    let id = world.pay("success").await;
    world.reaches(id, PaymentState::Succeeded).await;

    let listed = world.billing.find_listed_payment(id).await.unwrap().unwrap();
    let charges = world.daraja.control().charges();
    assert_eq!(charges.len(), 1);
    assert_eq!(listed.receipt.unwrap().as_str(), charges[0].receipt);
    assert_eq!(world.count("select count(*) from sessions where starts_at is null and duration_secs = 3600").await, 1);
    assert_eq!(
        world.count("select count(*) from session_devices where intended = 'on' and applied_generation = 0").await,
        1
    );
    assert_eq!(world.count("select count(*) from users where payments_count = 1 and paid_kes = 20").await, 1);
    let status = world.billing.payment_status(id).await.unwrap().unwrap();
    assert_eq!((status.phase, status.seconds_remaining), (Phase::Paid, Some(3600)));
    assert_eq!(world.billing.device_status(None, mac(DEVICE)).await.unwrap().phase, Phase::Paid);
    world.holds_the_invariants().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_cancelled_payment_is_failed_in_words_and_may_be_tried_again_at_once(pool: MySqlPool) {
    let world = World::new(pool).await;
    let id = world.pay("cancelled").await;
    world.reaches(id, PaymentState::Failed).await;

    let status = world.billing.device_status(None, mac(DEVICE)).await.unwrap();
    assert_eq!((status.phase, status.can_retry), (Phase::Failed, true));
    assert_eq!(status.message, "Payment cancelled. Tap Pay to try again.");
    assert_eq!(world.count("select count(*) from sessions").await, 0);
    let again = world.pay("success").await;
    world.reaches(again, PaymentState::Succeeded).await;
    world.holds_the_invariants().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_same_intent_is_one_payment_however_often_it_is_sent(pool: MySqlPool) {
    let world = World::new(pool).await;
    let mut request = world.request(PHONE, DEVICE);
    request.idempotency_key = Some("tap".into());
    let taps = (0..10).map(|_| world.billing.begin_payment(request.clone()));
    let begun = futures_join(taps).await;
    let first = begun[0].as_ref().unwrap().payment_id;
    assert!(begun.iter().all(|begun| begun.as_ref().unwrap().payment_id == first));
    assert_eq!(begun.iter().filter(|begun| begun.as_ref().unwrap().is_new).count(), 1);
    world.reaches(first, PaymentState::Succeeded).await;
    assert_eq!(world.daraja.control().charges().len(), 1);

    request.msisdn = "0712000200".parse().unwrap();
    assert!(matches!(world.billing.begin_payment(request).await, Err(BeginError::KeyReused)));
}

#[sqlx::test(migrations = "../../migrations")]
async fn one_prompt_a_phone_and_a_device_at_a_time(pool: MySqlPool) {
    let setup = Setup { daraja: simulators::daraja::Options::manual(), ..Setup::default() };
    let world = World::with(pool, setup).await;
    let first = world.billing.begin_payment(world.request(PHONE, DEVICE)).await.unwrap().payment_id;

    let other_device = world.billing.begin_payment(world.request(PHONE, "A4:CF:12:00:00:02")).await;
    assert!(matches!(other_device, Err(BeginError::PromptOpen { payment_id: None, .. })), "{other_device:?}");
    let other_phone = world.billing.begin_payment(world.request("0712000200", DEVICE)).await;
    assert!(
        matches!(other_phone, Err(BeginError::PromptOpen { payment_id: Some(id), retry_after_secs: 1..=75 }) if id == first),
        "{other_phone:?}"
    );
    world.reaches(first, PaymentState::Pending).await;
    assert_eq!(world.daraja.control().prompts().len(), 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_browser_that_goes_away_at_any_moment_leaves_no_payment_without_its_prompt(pool: MySqlPool) {
    const BROWSERS: i64 = 30;
    let setup = Setup { daraja: simulators::daraja::Options::manual(), ..Setup::default() };
    let world = World::with(pool, setup).await;
    for looks in 1..=BROWSERS {
        let request = world.request(&format!("07120003{looks:02}"), &format!("A4:CF:12:00:02:{looks:02X}"));
        let mut begun = std::pin::pin!(world.billing.begin_payment(request));
        let mut left = looks;
        // Dropped when it has been polled so many times.
        std::future::poll_fn(|context| {
            left -= 1;
            if left < 0 { std::task::Poll::Ready(()) } else { begun.as_mut().poll(context).map(drop) }
        })
        .await;
    }
    eventually("every payment has its prompt", || async {
        world.count("select count(*) from payments where state = 'pending'").await == BROWSERS
    })
    .await;
    assert_eq!(world.daraja.control().prompts().len(), usize::try_from(BROWSERS).unwrap());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_portal_cannot_be_used_to_pester_a_phone(pool: MySqlPool) {
    let world = World::new(pool).await;
    for device in 1..=5 {
        let id = world.pay_from("cancelled", PHONE, &format!("A4:CF:12:00:01:{device:02X}")).await;
        world.reaches(id, PaymentState::Failed).await;
    }
    let sixth = world.billing.begin_payment(world.request(PHONE, "A4:CF:12:00:01:06")).await;
    assert!(matches!(sixth, Err(BeginError::TooMany { .. })), "{sixth:?}");
    // Somebody else is not concerned.
    let other = world.pay_from("success", "0712000300", "A4:CF:12:00:01:07").await;
    world.reaches(other, PaymentState::Succeeded).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_callback_repeated_fifty_times_at_once_settles_once(pool: MySqlPool) {
    let setup = Setup { callbacks_arrive: false, ..Setup::default() };
    let world = World::with(pool, setup).await;
    let id = world.pay("success").await;
    let (token, body) = delivered(&world).await;

    let repeats = (0..50).map(|_| world.billing.receive_callback(&token, &body, None));
    for answer in futures_join(repeats).await {
        answer.unwrap();
    }
    assert_eq!(world.state(id).await, PaymentState::Succeeded);
    assert_eq!(world.count("select count(*) from sessions").await, 1);
    assert_eq!(world.count("select count(*) from receipts").await, 1);
    assert_eq!(world.count("select count(*) from payment_events where source = 'callback'").await, 50);
    assert_eq!(world.count("select cast(sum(paid_kes) as signed) from users").await, 20);
    world.holds_the_invariants().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn success_wins_over_an_earlier_failure(pool: MySqlPool) {
    let setup = Setup::default();
    let world =
        World::with(pool, Setup { daraja: simulators::daraja::Options { speed: 40.0, ..setup.daraja }, ..setup }).await;
    let id = world.pay("failure_then_success").await;
    world.reaches(id, PaymentState::Succeeded).await;
    // The half second in which it had failed may have gone by unseen; what was written of it has not.
    let failed = "select count(*) from payment_events where outcome = 'failed' and state_after = 'failed'";
    assert_eq!(world.count(failed).await, 1);
    world.holds_the_invariants().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn another_amount_goes_to_a_person_and_never_to_a_grant(pool: MySqlPool) {
    let world = World::new(pool).await;
    let id = world.pay("wrong_amount").await;
    world.reaches(id, PaymentState::Review).await;
    assert_eq!(world.count("select count(*) from sessions").await, 0);
    assert_eq!(world.count("select count(*) from receipts").await, 1);
    let raised = world.billing.list_notifications().await.unwrap();
    assert_eq!(raised.iter().map(|n| n.kind.as_str()).collect::<Vec<_>>(), ["payment_conflict"]);
    assert_eq!(world.billing.device_status(None, mac(DEVICE)).await.unwrap().phase, Phase::Pending);
}

#[sqlx::test(migrations = "../../migrations")]
async fn every_way_daraja_writes_a_success_settles(pool: MySqlPool) {
    let world = World::new(pool).await;
    let spellings = [
        "balance_packed",
        "balance_absent",
        "amount_one_decimal",
        "amount_integer",
        "amount_string",
        "code_as_string",
        "extra_items",
        "callback_first",
        "callback_duplicate",
    ];
    for (number, scenario) in spellings.into_iter().enumerate() {
        let id =
            world.pay_from(scenario, &format!("07120002{number:02}"), &format!("A4:CF:12:00:02:{number:02X}")).await;
        eventually(scenario, async || world.state(id).await == PaymentState::Succeeded).await;
    }
    assert_eq!(world.daraja.control().charges().len(), spellings.len());
    assert_eq!(world.count("select count(*) from sessions").await, i64::try_from(spellings.len()).unwrap());
    world.holds_the_invariants().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_lost_callback_is_found_by_query(pool: MySqlPool) {
    let world = World::with(pool, Setup { query_delays_secs: vec![1, 2, 3, 6, 12, 24], ..Setup::default() }).await;
    let id = world.pay("callback_lost").await;
    world.reaches(id, PaymentState::Succeeded).await;
    let listed = world.billing.find_listed_payment(id).await.unwrap().unwrap();
    assert_eq!(listed.receipt, None, "a query carries no receipt");
    assert_eq!(world.count("select count(*) from sessions").await, 1);
    world.holds_the_invariants().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_callback_without_a_token_only_makes_us_ask(pool: MySqlPool) {
    let setup = Setup { callbacks_arrive: false, ..Setup::default() };
    let world = World::with(pool, setup).await;
    let id = world.pay("success").await;
    world.reaches(id, PaymentState::Pending).await;
    let (_, body) = delivered(&world).await;

    let forged = String::from_utf8(body.clone()).unwrap().replace("\"ResultCode\":0", "\"ResultCode\":1032");
    world.billing.receive_hint(forged.as_bytes(), None).await.unwrap();
    world.reaches(id, PaymentState::Succeeded).await;

    assert!(matches!(
        world.billing.receive_callback(&"0".repeat(64), &body, None).await,
        Err(billing::payments::CallbackError::UnknownToken)
    ));
    world.holds_the_invariants().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_receipt_that_came_without_a_token_is_nobodys(pool: MySqlPool) {
    let setup = Setup { callbacks_arrive: false, ..Setup::default() };
    let world = World::with(pool, setup).await;
    let id = world.pay("success").await;
    world.reaches(id, PaymentState::Pending).await;
    let (_, body) = delivered(&world).await;
    let charge = world.daraja.control().charges().pop().unwrap();

    // Somebody who knows the CheckoutRequestID, in which only three digits are secret.
    let forged = String::from_utf8(body).unwrap().replace(&charge.receipt, "FORGED0001");
    world.billing.receive_hint(forged.as_bytes(), None).await.unwrap();
    world.reaches(id, PaymentState::Succeeded).await;
    world.billing.receive_hint(forged.as_bytes(), None).await.unwrap();
    assert_eq!(world.count("select count(*) from payment_events where source = 'hint'").await, 2);
    let listed = world.billing.find_listed_payment(id).await.unwrap().unwrap();
    assert_eq!(listed.receipt, None, "a made-up receipt was believed");
    assert_eq!(world.count("select count(*) from receipts").await, 0);
    world.holds_the_invariants().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_success_from_a_strange_address_is_verified_and_keeps_its_receipt(pool: MySqlPool) {
    let world = World::with(pool, Setup { callback_ips: CallbackIps::Verify, ..Setup::default() }).await;
    let id = world.pay("success").await;
    world.reaches(id, PaymentState::Succeeded).await;
    eventually("the receipt of the hint", async || {
        world.billing.find_listed_payment(id).await.unwrap().unwrap().receipt.is_some()
    })
    .await;
    assert_eq!(world.count("select count(*) from payment_events where source = 'callback'").await, 0);
    world.holds_the_invariants().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_callback_that_names_another_push_settles_nothing(pool: MySqlPool) {
    let setup = Setup { callbacks_arrive: false, ..Setup::default() };
    let world = World::with(pool, setup).await;
    let id = world.pay("cancelled").await;
    world.reaches(id, PaymentState::Pending).await;
    let (token, _) = delivered(&world).await;
    let forged = br#"{"Body":{"stkCallback":{"MerchantRequestID":"x-1","CheckoutRequestID":"ws_CO_000000000000000000712000100","ResultCode":0,"ResultDesc":"ok","CallbackMetadata":{"Item":[{"Name":"Amount","Value":20.00},{"Name":"MpesaReceiptNumber","Value":"UKM4T8IYOU"},{"Name":"TransactionDate","Value":20261122083018},{"Name":"PhoneNumber","Value":254712000100}]}}}}"#;
    world.billing.receive_callback(&token, forged, None).await.unwrap();
    assert_ne!(world.state(id).await, PaymentState::Succeeded);
    assert_eq!(world.count("select count(*) from payment_events where source = 'hint'").await, 1);
    assert_eq!(world.count("select count(*) from sessions").await, 0);
}

#[sqlx::test(migrations = "../../migrations")]
async fn garbage_is_kept_and_credits_nothing(pool: MySqlPool) {
    let setup = Setup { callbacks_arrive: false, ..Setup::default() };
    let world = World::with(pool, setup).await;
    let id = world.pay("cancelled").await;
    world.reaches(id, PaymentState::Pending).await;
    let (token, _) = delivered(&world).await;
    let nested = "[".repeat(60_000);
    for body in [&b""[..], b"null", b"<html>", b"{\"Body\":{}}", b"\xff\xfe\x00", nested.as_bytes()] {
        world.billing.receive_callback(&token, body, None).await.unwrap();
    }
    assert_eq!(world.count("select count(*) from payment_events where source = 'hint' and body is not null").await, 6);
    assert_eq!(world.count("select count(*) from sessions").await, 0);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_push_whose_answer_is_lost_is_never_sent_again_and_still_settles(pool: MySqlPool) {
    let world = World::new(pool).await;
    // Accepted and prompted, but the answer makes no sense to us; the callback brings the ids.
    let id = world.pay("submit_timeout").await;
    world.reaches(id, PaymentState::Succeeded).await;
    assert_eq!(world.daraja.control().charges().len(), 1);
    world.holds_the_invariants().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn nonsense_in_answer_to_a_push_is_unknown_not_failed(pool: MySqlPool) {
    let world = World::new(pool).await;
    let html = world.pay_from("submit_html", PHONE, DEVICE).await;
    world.reaches(html, PaymentState::Unknown).await;
    let error = world.pay_from("submit_500", "0712000200", "A4:CF:12:00:00:02").await;
    eventually("an answer", async || world.state(error).await != PaymentState::Created).await;
    assert_ne!(world.state(error).await, PaymentState::Failed);
    assert_eq!(world.billing.device_status(None, mac(DEVICE)).await.unwrap().phase, Phase::Pending);
}

#[sqlx::test(migrations = "../../migrations")]
async fn silence_for_the_whole_schedule_expires_and_a_late_callback_still_settles(pool: MySqlPool) {
    let daraja = simulators::daraja::Options { settle_after: Duration::ZERO, ..simulators::daraja::Options::manual() };
    let world =
        World::with(pool, Setup { daraja, callbacks_arrive: false, query_delays_secs: vec![1, 2], ..Setup::default() })
            .await;
    let id = world.billing.begin_payment(world.request(PHONE, DEVICE)).await.unwrap().payment_id;
    world.reaches(id, PaymentState::Pending).await;
    world.daraja.control().set_outage(Some(Outage::Html));
    world.reaches(id, PaymentState::Expired).await;

    let prompt = world.daraja.control().prompts().remove(0);
    world.daraja.control().approve(prompt.id, "1234").unwrap();
    let (token, body) = delivered(&world).await;
    world.billing.receive_callback(&token, &body, None).await.unwrap();
    assert_eq!(world.state(id).await, PaymentState::Succeeded);
    world.holds_the_invariants().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn buying_again_adds_to_what_is_left(pool: MySqlPool) {
    let world = World::new(pool).await;
    let first = world.pay("success").await;
    world.reaches(first, PaymentState::Succeeded).await;
    let second = world.pay("success").await;
    world.reaches(second, PaymentState::Succeeded).await;

    let status = world.billing.device_status(None, mac(DEVICE)).await.unwrap();
    assert_eq!((status.phase, status.seconds_remaining), (Phase::Paid, Some(7200)));
    assert_eq!(world.count("select count(*) from sessions where end_reason = 'extended'").await, 1);
    assert_eq!(world.count("select count(*) from session_devices").await, 1);
    assert_eq!(world.count("select cast(generation as signed) from session_devices").await, 3);
    world.holds_the_invariants().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_voucher_is_good_once(pool: MySqlPool) {
    let world = World::new(pool).await;
    let package = world.billing.add_package(terms("Day", 1440), Kes::new(50).unwrap()).await.unwrap();
    let code = world.billing.create_vouchers(package.id, 1, "test").await.unwrap().remove(0);
    let typed = code.to_lowercase().replace('-', " ");
    let devices = ["A4:CF:12:00:00:0A", "A4:CF:12:00:00:0B"];
    let races = devices.map(|device| world.billing.redeem_voucher(&typed, Some("main"), mac(device), None));
    let redeemed = futures_join(races.into_iter()).await;
    assert_eq!(redeemed.iter().filter(|result| result.is_ok()).count(), 1);
    assert_eq!(world.count("select count(*) from sessions where duration_secs = 86400").await, 1);
    for _ in 0..10 {
        world.billing.redeem_voucher("ABCD-EFGH-JKMNP", Some("main"), mac(DEVICE), None).await.unwrap_err();
    }
    let guessed = world.billing.redeem_voucher(&code, Some("main"), mac(DEVICE), None).await;
    assert!(matches!(guessed, Err(billing::vouchers::RedeemError::TooMany { .. })), "{guessed:?}");
    world.holds_the_invariants().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn two_processes_ask_about_a_payment_once_a_turn(pool: MySqlPool) {
    // A turn that comes only after the next one was due is not made up for, so there is time between them.
    let setup = Setup { callbacks_arrive: false, query_delays_secs: vec![1, 12, 3600], ..Setup::default() };
    let world = World::with(pool.clone(), Setup { daraja: simulators::daraja::Options::manual(), ..setup }).await;
    let setup = Setup { query_delays_secs: vec![1, 12, 3600], ..Setup::default() };
    let second = support::engine(pool, &world.daraja, world.callbacks, &setup);
    let stop = tokio_util::sync::CancellationToken::new();
    second.spawn_tasks(&stop);
    let id = world.billing.begin_payment(world.request(PHONE, DEVICE)).await.unwrap().payment_id;
    eventually("both turns", async || world.count("select cast(query_attempts as signed) from payments").await == 2)
        .await;
    eventually("both answers", async || {
        world.count("select count(*) from payment_events where source = 'query'").await == 2
    })
    .await;
    assert_eq!(world.state(id).await, PaymentState::Pending);
    stop.cancel();
    assert!(second.finish(Duration::from_secs(10)).await);
}

/// The token and body of the callback that the simulator tried to deliver.
async fn delivered(world: &World) -> (String, Vec<u8>) {
    eventually("a callback", async || !world.daraja.control().deliveries().is_empty()).await;
    let delivery = world.daraja.control().deliveries().remove(0);
    let token = delivery.url.rsplit('/').next().unwrap().to_owned();
    (token, delivery.body.into_bytes())
}

async fn futures_join<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    futures::future::join_all(futures).await
}
