//! Money paid by hand, its echoes, and codes that customers show, against a real database and the Daraja simulator.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod support;

use std::net::IpAddr;

use billing::{
    CallbackIps,
    admins::Role,
    db::receipts::ReceiptState,
    payments::{
        AssignTo, BeginError, CallbackError, CooldownReason, DecideError, Phase, Recover, RecoverError, RecoveryOutcome,
    },
    seal::AppSecret,
};
use domain::{Kes, PaymentId, PaymentState, Receipt};
use secrecy::SecretString;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::MySqlPool;
use support::{Setup, World, eventually, mac};

const PHONE: &str = "0712000100";
const MSISDN: &str = "254712000100";
const DEVICE: &str = "A4:CF:12:00:00:01";
const OTHER_DEVICE: &str = "A4:CF:12:00:00:02";
const SAFARICOM: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(196, 201, 214, 200));

fn token() -> String {
    AppSecret::new(&SecretString::from("a secret only for tests, long enough")).unwrap().c2b_token()
}

fn notice(receipt: &str, amount: &str, account: &str, msisdn: &str) -> Vec<u8> {
    json!({
        "TransactionType": "Pay Bill", "TransID": receipt, "TransTime": "20261122083500", "TransAmount": amount,
        "BusinessShortCode": "174379", "BillRefNumber": account, "InvoiceNumber": "", "OrgAccountBalance": "4120.00",
        "ThirdPartyTransID": "", "MSISDN": msisdn, "FirstName": "JANE", "MiddleName": "", "LastName": ""
    })
    .to_string()
    .into_bytes()
}

fn hashed(msisdn: &str) -> String {
    hex::encode(Sha256::digest(msisdn))
}

/// A world in which prompts are never answered and callbacks never come.
async fn quiet(pool: MySqlPool) -> World {
    let setup = Setup { daraja: simulators::daraja::Options::manual(), callbacks_arrive: false, ..Setup::default() };
    World::with(pool, setup).await
}

impl World {
    /// A payment whose prompt the customer cancelled, so that it is over.
    async fn cancelled(&self, phone: &str, device: &str) -> PaymentId {
        let id = self.pay_from("cancelled", phone, device).await;
        self.reaches(id, PaymentState::Failed).await;
        id
    }

    async fn reference(&self, id: PaymentId) -> String {
        self.billing.find_listed_payment(id).await.unwrap().unwrap().account_reference
    }

    async fn confirm(&self, body: &[u8]) {
        self.billing.receive_c2b_confirmation(&token(), body, Some(SAFARICOM)).await.unwrap();
    }

    fn shows(&self, text: &str, device: &str) -> Recover {
        Recover {
            text: text.to_owned(),
            mac: mac(device),
            ip: None,
            router_slug: None,
            package_id: None,
            msisdn: None,
            request_id: "test".into(),
            remote_ip: Some("10.5.50.7".parse().unwrap()),
        }
    }

    async fn recover(&self, text: &str, device: &str) -> (RecoveryOutcome, String) {
        let recovery = self.billing.recover(self.shows(text, device)).await.unwrap();
        (recovery.outcome, recovery.message)
    }

    async fn sessions(&self) -> i64 {
        self.count("select count(*) from sessions").await
    }
}

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

/// Field: pasting one's own prompt receipt must not buy a second pass.
#[sqlx::test(migrations = "../../migrations")]
async fn the_receipt_of_ones_own_prompt_buys_nothing_twice(pool: MySqlPool) {
    let world = World::new(pool).await;
    let id = world.pay("success").await;
    world.reaches(id, PaymentState::Succeeded).await;
    let receipt = world.daraja.control().charges()[0].receipt.clone();
    // An attempt that came to nothing would be there to take it.
    let other = world.cancelled(PHONE, OTHER_DEVICE).await;
    world.cancelled("0712000200", DEVICE).await;
    assert_eq!(world.recover(&receipt, DEVICE).await.0, RecoveryOutcome::Connected, "it is this device's already");
    let sms = format!("{receipt} Confirmed. Ksh20.00 sent to BANDO WIFI for account X on 22/11/26");
    let elsewhere = world.recover(&sms, OTHER_DEVICE).await;
    assert_eq!(elsewhere.0, RecoveryOutcome::Refused);
    assert_eq!(world.state(other).await, PaymentState::Failed);
    assert_eq!(world.sessions().await, 1);
    world.holds_the_invariants().await;
}

/// A prompt that only a query settled has no receipt yet: whoever shows it, it has bought already.
#[sqlx::test(migrations = "../../migrations")]
async fn the_missing_receipt_of_a_queried_payment_buys_nothing_twice(pool: MySqlPool) {
    let world = World::with(pool, Setup { query_delays_secs: vec![1, 2, 3, 60], ..Setup::default() }).await;
    let failed = world.cancelled(PHONE, DEVICE).await;
    let id = world.pay("callback_lost").await;
    world.reaches(id, PaymentState::Succeeded).await;
    let receipt = world.daraja.control().charges()[0].receipt.clone();
    // The echo at a till: no account number, a masked payer.
    world.confirm(&notice(&receipt, "20.00", "", "2547*****100")).await;
    assert_eq!(world.recover(&receipt, DEVICE).await.0, RecoveryOutcome::Connected);
    assert_eq!(world.state(failed).await, PaymentState::Failed);
    assert_eq!(world.billing.find_listed_payment(id).await.unwrap().unwrap().receipt.unwrap().as_str(), receipt);
    assert_eq!(world.sessions().await, 1);
    // The same with the payer's own number.
    let second = world.pay_from("callback_lost", "0712000200", "A4:CF:12:00:00:09").await;
    world.reaches(second, PaymentState::Succeeded).await;
    let receipt = world.daraja.control().charges()[1].receipt.clone();
    world.confirm(&notice(&receipt, "20.00", "", &hashed("254712000200"))).await;
    assert_eq!(world.sessions().await, 2);
    assert_eq!(world.count("select count(*) from payments where state = 'succeeded' and receipt is null").await, 0);
    world.holds_the_invariants().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_hundred_devices_that_show_one_receipt_get_one_session(pool: MySqlPool) {
    let world = World::new(pool).await;
    let mut devices = Vec::new();
    for number in 0..100 {
        let (phone, device) = (format!("07120004{number:02}"), format!("A4:CF:12:00:04:{number:02X}"));
        world.daraja.control().set_scenario(Some(&format!("2547120004{number:02}")), Some("cancelled")).unwrap();
        world.billing.begin_payment(world.request(&phone, &device)).await.unwrap();
        devices.push(device);
    }
    eventually("all are cancelled", async || {
        world.count("select count(*) from payments where state = 'failed'").await == 100
    })
    .await;
    world.confirm(&notice("UKM4T8IYOU", "20.00", "", "")).await;
    let requests = devices.iter().enumerate().map(|(number, device)| {
        let remote_ip = Some(format!("10.5.{}.{}", number / 50, number % 50 + 1).parse().unwrap());
        world.billing.recover(Recover { remote_ip, ..world.shows("UKM4T8IYOU", device) })
    });
    let answers = futures::future::join_all(requests).await;
    let connected =
        answers.iter().filter(|answer| answer.as_ref().unwrap().outcome == RecoveryOutcome::Connected).count();
    assert_eq!((connected, world.sessions().await), (1, 1));
    let refused: std::collections::HashSet<_> = answers
        .iter()
        .map(|answer| answer.as_ref().unwrap())
        .filter(|answer| answer.payment_id.is_none())
        .map(|answer| &answer.message)
        .collect();
    assert_eq!(refused.len(), 1, "all others hear the same sentence");
    world.holds_the_invariants().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_code_that_is_shown_before_its_money_arrives_is_connected_when_it_does(pool: MySqlPool) {
    let world = World::with(pool, Setup { has_initiator: false, ..Setup::default() }).await;
    let id = world.cancelled(PHONE, DEVICE).await;
    let (outcome, words) = world.recover("ukm4t8iyou", DEVICE).await;
    assert_eq!(outcome, RecoveryOutcome::Queued);
    assert!(words.contains("Do not pay again"), "{words}");
    let status = world.billing.device_status(None, mac(DEVICE)).await.unwrap();
    assert_eq!((status.phase, status.is_claimed), (Phase::Pending, true));
    assert_eq!(world.billing.list_claims(None).await.unwrap().len(), 1);
    assert_eq!(world.billing.list_notifications().await.unwrap()[0].kind, "claim");
    world.confirm(&notice("UKM4T8IYOU", "20.00", "WRONG", "2547*****999")).await;
    assert_eq!(world.state(id).await, PaymentState::Succeeded);
    assert_eq!(world.billing.list_claims(None).await.unwrap().len(), 0);
    assert_eq!(world.sessions().await, 1);
    world.holds_the_invariants().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_device_that_never_tried_to_pay_says_what_it_bought(pool: MySqlPool) {
    let world = World::new(pool).await;
    world.confirm(&notice("UKM4T8IYOU", "20.00", "", "2547*****100")).await;
    assert_eq!(world.recover("UKM4T8IYOU", DEVICE).await.0, RecoveryOutcome::Choose);
    let request = Recover {
        package_id: Some(world.package.id),
        msisdn: Some(PHONE.parse().unwrap()),
        ..world.shows("UKM4T8IYOU", DEVICE)
    };
    let recovery = world.billing.recover(request).await.unwrap();
    assert_eq!(recovery.outcome, RecoveryOutcome::Connected);
    assert!(world.daraja.control().prompts().is_empty(), "nobody is prompted for money that is here");
    assert_eq!(world.sessions().await, 1);
    world.holds_the_invariants().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn codes_cannot_be_tried_out(pool: MySqlPool) {
    let world = World::with(pool, Setup { has_initiator: false, ..Setup::default() }).await;
    world.cancelled(PHONE, DEVICE).await;
    for number in 0..5 {
        world.recover(&format!("UKM4T8IY0{number}"), DEVICE).await;
    }
    let sixth = world.billing.recover(world.shows("UKM4T8IY09", DEVICE)).await;
    assert!(matches!(sixth, Err(RecoverError::TooMany { .. })), "{sixth:?}");
    assert!(matches!(world.billing.recover(world.shows("I have paid", DEVICE)).await, Err(RecoverError::NoCode)));
    // The same code again is no new try.
    assert_eq!(world.recover("UKM4T8IY00", DEVICE).await.0, RecoveryOutcome::Queued);
    // An address with many devices has a share of its own.
    for number in 0..55 {
        let device = format!("A4:CF:12:00:05:{number:02X}");
        world.billing.recover(world.shows("UKM4T8IY00", &device)).await.unwrap();
    }
    let over = world.billing.recover(world.shows("UKM4T8IY00", "A4:CF:12:00:05:FF")).await;
    assert!(matches!(over, Err(RecoverError::TooMany { .. })), "{over:?}");
}

/// Field: money assigned by hand, by a named admin, once.
#[sqlx::test(migrations = "../../migrations")]
async fn a_named_admin_assigns_money_once_and_it_is_written_down(pool: MySqlPool) {
    let world = World::new(pool).await;
    let id = world.cancelled(PHONE, DEVICE).await;
    for number in 1..=3 {
        world.confirm(&notice(&format!("UKM4T8IY0{number}"), "20.00", "?", "2547*****999")).await;
    }
    let receipt = |number: u8| format!("UKM4T8IY0{number}").parse::<Receipt>().unwrap();
    let to_payment = AssignTo::Payment(world.reference(id).await.parse().unwrap());
    let to_customer = AssignTo::Customer("0712000999".parse().unwrap());
    let (one, two) = (receipt(1), receipt(2));
    let clicks =
        (0..10).map(|_| world.billing.assign_receipt(&one, &to_payment, "amina", "seen on the statement", None));
    let done = futures::future::join_all(clicks).await;
    assert!(done.iter().any(Result::is_ok));
    assert_eq!((world.state(id).await, world.sessions().await), (PaymentState::Succeeded, 1));
    let clicks = (0..10).map(|_| world.billing.assign_receipt(&two, &to_customer, "amina", "they called", None));
    let done = futures::future::join_all(clicks).await;
    assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 1);
    assert!(done.iter().all(|done| matches!(done, Ok(_) | Err(DecideError::Placed))), "{done:?}");
    assert_eq!(world.count("select cast(sum(credit_kes) as signed) from users").await, 20);
    world.billing.dismiss_receipt(&receipt(3), "amina", "rent of house 4", None).await.unwrap();
    assert!(world.billing.list_receipts(ReceiptState::Unmatched, None, 10).await.unwrap().is_empty());
    assert_eq!(world.count("select count(*) from receipts where decided_by = 'amina' and reason is not null").await, 3);
    assert_eq!(world.count("select count(distinct action) from logs where actor = 'amina'").await, 2);
    assert!(world.count("select count(*) from payment_events where source = 'admin'").await >= 3);
    let detail = world.billing.payment_detail(id, Role::Cashier).await.unwrap().unwrap();
    assert_eq!(detail.receipts.len(), 1);
    assert!(detail.events.iter().any(|event| event.message.starts_with("An admin decided")), "{:?}", detail.events);
    world.holds_the_invariants().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_payment_in_review_is_decided_by_a_person(pool: MySqlPool) {
    let world = World::new(pool).await;
    let paid = world.pay_from("wrong_amount", PHONE, DEVICE).await;
    let unpaid = world.pay_from("wrong_amount", "0712000200", OTHER_DEVICE).await;
    for id in [paid, unpaid] {
        world.reaches(id, PaymentState::Review).await;
        let detail = world.billing.payment_detail(id, Role::Cashier).await.unwrap().unwrap();
        assert_eq!(detail.actions, ["decide_paid", "decide_not_paid"]);
        assert_eq!(detail.review.as_deref(), Some("amount_differs"));
    }
    world.billing.decide_payment(paid, true, "amina", "they paid the rest in cash", None).await.unwrap();
    world.billing.decide_payment(unpaid, false, "amina", "wrong amount", None).await.unwrap();
    assert_eq!((world.state(paid).await, world.state(unpaid).await), (PaymentState::Succeeded, PaymentState::Failed));
    assert_eq!(world.sessions().await, 1);
    let again = world.billing.decide_payment(paid, false, "amina", "changed my mind", None).await;
    assert!(matches!(again, Err(DecideError::NotNow)), "{again:?}");
    world.holds_the_invariants().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_claim_is_accepted_or_refused_by_a_person(pool: MySqlPool) {
    let world = World::with(pool, Setup { has_initiator: false, ..Setup::default() }).await;
    let id = world.cancelled(PHONE, DEVICE).await;
    let other = world.cancelled("0712000200", OTHER_DEVICE).await;
    world.recover("UKM4T8IYOU", DEVICE).await;
    world.recover("UKM4T8IYOU", OTHER_DEVICE).await;
    let claims = world.billing.list_claims(None).await.unwrap();
    assert_eq!(claims.len(), 2);
    let of = |id| claims.iter().find(|claim| claim.payment.as_ref().unwrap().id == id).unwrap().id;
    let kes = Kes::new(20).unwrap();
    world.billing.accept_claim(of(id), kes, "amina", "seen on the phone", None).await.unwrap();
    assert_eq!(world.state(id).await, PaymentState::Succeeded);
    assert!(world.billing.accept_claim(of(other), kes, "amina", "seen on the phone", None).await.is_err());
    assert!(world.billing.refuse_claim(of(id), "amina", "too late", None).await.is_err());
    assert_eq!((world.state(other).await, world.sessions().await), (PaymentState::Failed, 1));
    assert_eq!(world.billing.list_claims(None).await.unwrap().len(), 0);
    world.holds_the_invariants().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_phone_rests_after_result_17_and_is_told_for_how_long(pool: MySqlPool) {
    let world = World::new(pool).await;
    let id = world.pay("rule_limited").await;
    eventually("the code", async || world.count("select count(*) from payments where result_code = '17'").await == 1)
        .await;
    let status = world.billing.payment_status(id).await.unwrap().unwrap();
    assert!(status.message.contains("2 minutes"), "{}", status.message);
    sqlx::query("delete from prompt_slots").execute(world.billing.pool()).await.unwrap();
    let again = world.billing.begin_payment(world.request(PHONE, DEVICE)).await;
    assert!(
        matches!(again, Err(BeginError::Cooldown { reason: CooldownReason::SameAmount, retry_after_secs: 1..=120 })),
        "{again:?}"
    );
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

/// A payment by hand that nobody reports: M-Pesa is asked about the code.
#[sqlx::test(migrations = "../../migrations")]
async fn a_code_is_asked_about_and_connects_when_mpesas_own_books_have_it(pool: MySqlPool) {
    let world = World::new(pool).await;
    let id = world.cancelled(PHONE, DEVICE).await;
    world.daraja.control().pay_by_hand(MSISDN, "174379", 20, "").unwrap();
    let receipt = world.daraja.control().charges()[0].receipt.clone();
    assert_eq!(world.recover(&receipt, DEVICE).await.0, RecoveryOutcome::Asking);
    world.reaches(id, PaymentState::Succeeded).await;
    assert_eq!(world.count("select count(*) from receipts where source = 'status' and state = 'credited'").await, 1);
    // The echo that comes late, and the same code again.
    world.confirm(&notice(&receipt, "20.00", "", "2547*****100")).await;
    assert_eq!(world.recover(&receipt, DEVICE).await.0, RecoveryOutcome::Connected);
    assert_eq!(world.sessions().await, 1);
    assert_eq!(world.billing.list_claims(None).await.unwrap().len(), 0);
    world.holds_the_invariants().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_answer_about_somebody_elses_money_connects_nobody(pool: MySqlPool) {
    // The answers are given by the test.
    let world = quiet(pool).await;
    let id = world.billing.begin_payment(world.request(PHONE, DEVICE)).await.unwrap().payment_id;
    let answer = |receipt: &str, state: &str, credited: &str, code: i32| {
        json!({"Result": {"ResultType": 0, "ResultCode": code, "ResultDesc": "done", "ConversationID": "AG_1",
            "OriginatorConversationID": "1-1", "TransactionID": "UKM0000000", "ResultParameters": {"ResultParameter": [
                {"Key": "ReceiptNo", "Value": receipt}, {"Key": "Amount", "Value": 20.0},
                {"Key": "TransactionStatus", "Value": state}, {"Key": "CreditPartyName", "Value": credited},
                {"Key": "DebitPartyName", "Value": "254712000999 - JANE DOE"},
                {"Key": "FinalisedTime", "Value": 20_261_122_083_500_u64}]}}})
        .to_string()
        .into_bytes()
    };
    let own = "174379 - BANDO WIFI";
    for (number, (body, claim_state)) in [
        (answer("UKM4T8IY99", "Completed", own, 0), "open"),
        (answer("UKM4T8IY01", "Completed", "600000 - SOMEBODY ELSE", 0), "refused"),
        (answer("UKM4T8IY02", "Completed", "", 0), "open"),
        (answer("UKM4T8IY03", "Declined", own, 0), "refused"),
        (answer("UKM4T8IY04", "Authorized", own, 0), "open"),
    ]
    .into_iter()
    .enumerate()
    {
        let receipt = format!("UKM4T8IY0{number}");
        assert_eq!(world.recover(&receipt, DEVICE).await.0, RecoveryOutcome::Asking);
        let is_sent = || {
            world.daraja.control().requests().iter().filter(|r| r.path.contains("transactionstatus")).count() > number
        };
        eventually("the question", async || is_sent()).await;
        let question =
            world.daraja.control().requests().into_iter().rfind(|r| r.path.contains("transactionstatus")).unwrap();
        let body_sent: Value = serde_json::from_str(&question.body).unwrap();
        let token = body_sent["ResultURL"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        world.billing.receive_result(&token, &body, Some(SAFARICOM)).await.unwrap();
        let found = world
            .count(&format!("select count(*) from claims where receipt = '{receipt}' and state = '{claim_state}'"))
            .await;
        assert_eq!(found, 1, "{receipt} {claim_state}");
    }
    assert_eq!((world.sessions().await, world.count("select count(*) from receipts").await), (0, 0));
    assert_ne!(world.state(id).await, PaymentState::Succeeded);
    let unknown = world.billing.receive_result(&"0".repeat(64), b"{}", Some(SAFARICOM)).await;
    assert!(matches!(unknown, Err(CallbackError::UnknownToken)));
}

#[sqlx::test(migrations = "../../migrations")]
async fn urls_are_registered_once_and_paying_by_hand_is_offered(pool: MySqlPool) {
    let setup = Setup::default();
    let daraja =
        simulators::daraja::Options { ..setup.daraja.clone().with_profile(simulators::daraja::Profile::Production) };
    let world = World::with(pool, Setup { daraja, ..setup }).await;
    let id = world.cancelled(PHONE, DEVICE).await;
    assert_eq!(world.billing.payment_status(id).await.unwrap().unwrap().pay_by_hand, None);
    let first = world.billing.register_c2b_urls("owner", None).await.unwrap();
    let second = world.billing.register_c2b_urls("owner", None).await.unwrap();
    assert_eq!((first.as_str(), second.as_str()), ("registered", "already_ours"));
    sqlx::query("delete from settings").execute(world.billing.pool()).await.unwrap();
    let third = world.billing.register_c2b_urls("owner", None).await.unwrap();
    assert_eq!(third.as_str(), "already_registered");
    assert!(third.message().contains("URL Management"));
    world.billing.set_setting("pay_by_hand", "on").await.unwrap();
    let offered = world.billing.payment_status(id).await.unwrap().unwrap().pay_by_hand.unwrap();
    assert_eq!((offered.number.as_str(), offered.amount_kes), ("174379", 20));
    assert_eq!(offered.account.unwrap().as_str(), world.reference(id).await);
}
