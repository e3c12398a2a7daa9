//! Codes that customers show: each buys at most once, and tells nothing about somebody else's.

use billing::payments::{CallbackError, Phase, Recover, RecoverError, RecoveryOutcome};
use domain::PaymentState;
use serde_json::{Value, json};
use sqlx::MySqlPool;

use crate::{
    DEVICE, MSISDN, OTHER_DEVICE, PHONE, SAFARICOM, hashed, notice, quiet,
    support::{Setup, World, eventually, mac},
};

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
    let world = World::with(pool, Setup { query_delays_secs: vec![1, 2, 3, 6, 12, 24], ..Setup::default() }).await;
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
