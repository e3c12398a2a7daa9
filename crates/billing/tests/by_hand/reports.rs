//! M-Pesa's reports of money that no prompt of ours brought: whose it is, and what is no report.

use billing::{
    CallbackIps,
    db::receipts::ReceiptState,
    payments::{CallbackError, RecoveryOutcome},
};
use domain::PaymentState;
use serde_json::Value;
use sqlx::MySqlPool;

use crate::{
    DEVICE, MSISDN, OTHER_DEVICE, PHONE, SAFARICOM, hashed, notice, quiet,
    support::{Setup, World, eventually},
    token,
};

#[sqlx::test(migrations = "../../migrations")]
async fn the_account_number_settles_however_it_is_typed(pool: MySqlPool) {
    let world = World::new(pool).await;
    let id = world.cancelled(PHONE, DEVICE).await;
    let typed = world.reference(id).await.to_lowercase();
    let typed = format!(" {}-{} ", &typed[..4], &typed[4..]);
    world.confirm(&notice("UKM4T8IYOU", "20.00", &typed, "2547*****999")).await;
    assert_eq!(world.state(id).await, PaymentState::Succeeded);
    assert_eq!(world.sessions().await, 1);
    assert_eq!(
        world
            .count("select count(*) from receipts where state = 'credited' and payer_name = 'JANE' and source = 'c2b'")
            .await,
        1
    );
    // A thousand repeats, a part of them at once, change nothing.
    let body = notice("UKM4T8IYOU", "20.00", &typed, "2547*****999");
    let token = token();
    let repeats = (0..100).map(|_| world.billing.receive_c2b_confirmation(&token, &body, None));
    futures::future::join_all(repeats).await.into_iter().for_each(|done| done.unwrap());
    assert_eq!((world.sessions().await, world.count("select count(*) from receipts").await), (1, 1));
    assert_eq!(
        world.count("select count(*) from payment_events where source = 'c2b'").await,
        101,
        "all evidence is kept"
    );
    world.holds_the_invariants().await;
}

/// Field: PayBill money while the router is offline must be kept and delivered later.
#[sqlx::test(migrations = "../../migrations")]
async fn paybill_money_with_the_router_offline_is_kept_and_owed(pool: MySqlPool) {
    // The router of this world never answers.
    let world = World::new(pool).await;
    let id = world.cancelled(PHONE, DEVICE).await;
    world.confirm(&notice("UKM4T8IYOU", "20.00", &world.reference(id).await, MSISDN)).await;
    assert_eq!(world.state(id).await, PaymentState::Succeeded);
    assert_eq!(
        world.count("select count(*) from session_devices where intended = 'on' and applied_generation = 0").await,
        1,
        "the router owes it"
    );
    assert_eq!(world.count("select count(*) from sessions where starts_at is null").await, 1, "no time runs meanwhile");
}

/// Field: a prompt's success and its C2B echo under one receipt are one payment.
#[sqlx::test(migrations = "../../migrations")]
async fn a_prompt_and_its_echo_are_one_payment_in_either_order_and_at_once(pool: MySqlPool) {
    let world = World::with(pool, Setup { callbacks_arrive: false, ..Setup::default() }).await;
    for order in 0..3 {
        let (phone, device) = (format!("07120003{order:02}"), format!("A4:CF:12:00:03:{order:02X}"));
        let id = world.pay_from("success", &phone, &device).await;
        let charged = || world.daraja.control().charges().into_iter().nth(order);
        eventually("the charge", async || charged().is_some()).await;
        eventually("the callback", async || world.daraja.control().deliveries().len() > order).await;
        let delivery = world.daraja.control().deliveries().remove(order);
        let callback_token = delivery.url.rsplit('/').next().unwrap().to_owned();
        let charge = charged().unwrap();
        let echo = notice(&charge.receipt, "20.00", &charge.account_reference, "2547*****000");
        let callback = world.billing.receive_callback(&callback_token, delivery.body.as_bytes(), Some(SAFARICOM));
        match order {
            0 => {
                callback.await.unwrap();
                world.confirm(&echo).await;
            }
            1 => {
                world.confirm(&echo).await;
                callback.await.unwrap();
            }
            _ => {
                let (first, ()) = tokio::join!(callback, world.confirm(&echo));
                first.unwrap();
            }
        }
        assert_eq!(world.state(id).await, PaymentState::Succeeded);
    }
    assert_eq!((world.sessions().await, world.count("select count(*) from receipts").await), (3, 3));
    assert_eq!(world.count("select count(*) from users where credit_kes > 0").await, 0);
    assert_eq!(world.count("select count(*) from notifications").await, 0);
    world.holds_the_invariants().await;
}

/// Field: hashed payers. At a till there is no account number; the number itself, plain or hashed, finds the payment.
#[sqlx::test(migrations = "../../migrations")]
async fn plain_and_hashed_payers_find_their_payment_and_masked_ones_only_suggest_it(pool: MySqlPool) {
    let world = World::new(pool).await;
    let plain = world.cancelled("0712000101", "A4:CF:12:00:00:11").await;
    let by_hash = world.cancelled("0712000102", "A4:CF:12:00:00:12").await;
    let masked = world.cancelled("0712000103", "A4:CF:12:00:00:13").await;
    world.confirm(&notice("UKM4T8IY01", "20.00", "", "254712000101")).await;
    world.confirm(&notice("UKM4T8IY02", "20", "", &hashed("254712000102"))).await;
    world.confirm(&notice("UKM4T8IY03", "20.0", "", "2547*****103")).await;
    assert_eq!(world.state(plain).await, PaymentState::Succeeded);
    assert_eq!(world.state(by_hash).await, PaymentState::Succeeded);
    assert_eq!(world.state(masked).await, PaymentState::Failed, "a masked number proves nobody");
    let queue = world.billing.list_receipts(ReceiptState::Unmatched, None, 10).await.unwrap();
    assert_eq!(queue.len(), 1);
    assert_eq!(queue[0].payment_id, Some(masked), "but it suggests whose it is");
    assert_eq!(world.billing.list_notifications().await.unwrap()[0].kind, "unmatched_money");
    world.holds_the_invariants().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn money_that_fits_two_payments_is_nobodys_until_a_person_says(pool: MySqlPool) {
    let world = World::new(pool).await;
    let here = world.cancelled(PHONE, DEVICE).await;
    let there = world.cancelled(PHONE, OTHER_DEVICE).await;
    world.confirm(&notice("UKM4T8IYOU", "20.00", "", MSISDN)).await;
    assert_eq!((world.state(here).await, world.state(there).await), (PaymentState::Failed, PaymentState::Failed));
    assert_eq!(world.count("select count(*) from receipts where state = 'unmatched'").await, 1);
    assert_eq!(world.sessions().await, 0);
}

#[sqlx::test(migrations = "../../migrations")]
async fn less_is_held_until_the_rest_comes_and_more_becomes_credit_that_pays_next_time(pool: MySqlPool) {
    let world = World::new(pool).await;
    world.billing.set_setting("pay_by_hand", "on").await.unwrap();
    let id = world.cancelled(PHONE, DEVICE).await;
    let reference = world.reference(id).await;
    world.confirm(&notice("UKM4T8IY01", "15.00", &reference, MSISDN)).await;
    assert_eq!(world.state(id).await, PaymentState::Failed);
    let status = world.billing.payment_status(id).await.unwrap().unwrap();
    assert_eq!(
        status.message,
        format!("We received KES 15 of KES 20. Pay KES 5 more to paybill 174379, account {reference}.")
    );
    assert_eq!(status.pay_by_hand.unwrap().amount_kes, 5);
    assert_eq!(world.sessions().await, 0);

    world.confirm(&notice("UKM4T8IY02", "30.00", &reference, MSISDN)).await;
    assert_eq!(world.state(id).await, PaymentState::Succeeded);
    let status = world.billing.payment_status(id).await.unwrap().unwrap();
    assert!(status.message.contains("KES 25 is kept as your credit."), "{}", status.message);
    assert_eq!(world.count("select cast(credit_kes as signed) from users").await, 25);
    assert_eq!(world.sessions().await, 1);

    // Another device that knows the number gets a prompt, not the credit.
    let stranger = world.pay_from("cancelled", PHONE, OTHER_DEVICE).await;
    world.reaches(stranger, PaymentState::Failed).await;
    assert_eq!(world.count("select cast(credit_kes as signed) from users").await, 25);

    let prompts = world.daraja.control().prompts().len();
    let begun = world.billing.begin_payment(world.request(PHONE, DEVICE)).await.unwrap();
    assert_eq!(begun.state, PaymentState::Succeeded);
    assert_eq!(world.daraja.control().prompts().len(), prompts, "no prompt was sent");
    assert_eq!(world.count("select cast(credit_kes as signed) from users").await, 5);
    let status = world.billing.payment_status(begun.payment_id).await.unwrap().unwrap();
    assert!(status.message.contains("KES 20 of your credit was used."), "{}", status.message);
    world.holds_the_invariants().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_till_without_account_numbers_waits_for_one_open_prompt_only(pool: MySqlPool) {
    let world = quiet(pool).await;
    let id = world.billing.begin_payment(world.request(PHONE, DEVICE)).await.unwrap().payment_id;
    world.reaches(id, PaymentState::Pending).await;
    // Its own echo with a masked number, before its callback: nobody is called for it.
    world.confirm(&notice("UKM4T8IYOU", "20.00", "", "2547*****100")).await;
    assert_eq!(world.count("select count(*) from receipts where state = 'unmatched'").await, 1);
    assert!(world.billing.list_notifications().await.unwrap().is_empty());
    world.confirm(&notice("UKM4T8IY02", "20.00", "", MSISDN)).await;
    assert_eq!(world.state(id).await, PaymentState::Succeeded);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_report_from_a_strange_address_waits_unverified_until_safaricom_says_it(pool: MySqlPool) {
    let world = World::with(pool, Setup { callback_ips: CallbackIps::Verify, ..Setup::default() }).await;
    let id = world.billing.begin_payment(world.request(PHONE, DEVICE)).await.unwrap().payment_id;
    let reference = world.reference(id).await;
    let body = notice("UKM4T8IYOU", "20.00", &reference, MSISDN);
    let strange = Some("203.0.113.9".parse().unwrap());
    world.billing.receive_c2b_confirmation(&token(), &body, strange).await.unwrap();
    assert_eq!(world.count("select count(*) from receipts where state = 'unmatched' and source = 'hint'").await, 1);
    assert!(matches!(
        world.recover("UKM4T8IYOU", OTHER_DEVICE).await.0,
        RecoveryOutcome::Choose | RecoveryOutcome::Queued
    ));
    assert_eq!(
        world
            .count(
                "select count(*) from sessions s join payments p on p.id = s.payment_id and p.receipt = 'UKM4T8IYOU'"
            )
            .await,
        0
    );
    world.confirm(&body).await;
    assert_eq!(
        world
            .count("select count(*) from receipts where receipt = 'UKM4T8IYOU' and state in ('credited', 'credit')")
            .await,
        1
    );
    assert!(matches!(
        world.billing.receive_c2b_confirmation(&"0".repeat(64), &body, Some(SAFARICOM)).await,
        Err(CallbackError::UnknownToken)
    ));
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_address_that_must_be_safaricoms_is_refused_and_still_kept(pool: MySqlPool) {
    let world = World::with(pool, Setup { callback_ips: CallbackIps::Enforce, ..Setup::default() }).await;
    let body = notice("UKM4T8IYOU", "20.00", "WF7K3Q9X", MSISDN);
    let refused = world.billing.receive_c2b_confirmation(&token(), &body, None).await;
    assert!(matches!(refused, Err(CallbackError::Address)));
    assert_eq!(world.count("select count(*) from receipts").await, 0);
    assert_eq!(world.count("select count(*) from payment_events where body is not null").await, 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn nonsense_is_kept_and_credits_nothing(pool: MySqlPool) {
    let world = World::new(pool).await;
    let id = world.cancelled(PHONE, DEVICE).await;
    let reference = world.reference(id).await;
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(10_000));
    let bodies = [
        Vec::new(),
        b"null".to_vec(),
        b"{\"TransID\":null,\"TransAmount\":\"NaN\"}".to_vec(),
        notice("UKM4T8IYOU", "20.50", &reference, MSISDN),
        notice("UKM4T8IYOU", "-20", &reference, MSISDN),
        notice("UKM4T8IYOU", "1e3", &reference, MSISDN),
        notice("UKM4T8IYOU", "9999999999999999999999", &reference, MSISDN),
        notice("", "20.00", &reference, MSISDN),
        String::from_utf8(notice("UKM4T8IYOU", "20.00", &reference, MSISDN))
            .unwrap()
            .replace("174379", "999999")
            .into_bytes(),
        b"\xff\xfe{}".to_vec(),
        deep.into_bytes(),
    ];
    for body in &bodies {
        world.confirm(body).await;
    }
    assert_eq!((world.sessions().await, world.count("select count(*) from receipts").await), (0, 0));
    let kept = world.count("select count(*) from payment_events where source = 'c2b'").await;
    assert_eq!(kept, i64::try_from(bodies.len()).unwrap());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_validation_refuses_only_what_is_provably_wrong(pool: MySqlPool) {
    let world = World::new(pool.clone()).await;
    let id = world.cancelled(PHONE, DEVICE).await;
    let known = notice("UKM4T8IYOU", "20.00", &world.reference(id).await, MSISDN);
    let unknown = notice("UKM4T8IYOU", "20.00", "RENT HOUSE 4", MSISDN);
    let verdict = async |body: &[u8]| {
        let verdict = world.billing.validate_c2b(&token(), body, Some(SAFARICOM)).await.unwrap();
        serde_json::to_value(daraja::c2b::ValidationReply::new(verdict, None)).unwrap()["ResultCode"].clone()
    };
    assert_eq!(verdict(&unknown).await, "0", "the paybill may be used for other things");
    world.billing.set_setting("paybill_only_wifi", "on").await.unwrap();
    assert_eq!((verdict(&known).await, verdict(&unknown).await), (Value::from("0"), Value::from("C2B00012")));
    assert_eq!(verdict(b"garbage").await, "0");
    assert!(matches!(world.billing.validate_c2b("wrong", &known, None).await, Err(CallbackError::UnknownToken)));
    assert_eq!(world.count("select count(*) from receipts").await, 0, "an announcement is no money");
    pool.close().await;
    assert_eq!(verdict(&unknown).await, "0", "without a database no sale is refused");
}
