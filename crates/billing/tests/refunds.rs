//! Giving money back, against a real database and the Daraja simulator.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod support;

use std::time::Duration;

use billing::{
    admins::{Admin, Role},
    random,
    refunds::{RefundError, RefundKind, RefundRecord},
};
use domain::{AdminId, PaymentId, PaymentState};
use simulators::daraja::{Outage, ResultDelivery, SettingsChange};
use sqlx::MySqlPool;
use support::{World, eventually};

const WHY: &str = "the customer's phone broke";

fn admin(role: Role) -> Admin {
    Admin {
        id: AdminId::from_uuid(random::uuid(chrono::DateTime::UNIX_EPOCH)),
        username: "jane".into(),
        role,
        login_epoch: 0,
    }
}

async fn paid(pool: MySqlPool) -> (World, PaymentId) {
    let world = World::new(pool).await;
    let id = world.pay("success").await;
    world.reaches(id, PaymentState::Succeeded).await;
    (world, id)
}

async fn last(world: &World, id: PaymentId) -> RefundRecord {
    world.billing.list_refunds(id).await.unwrap().pop().unwrap()
}

fn settings() -> SettingsChange {
    SettingsChange::default()
}

async fn ask(world: &World, id: PaymentId) -> Result<String, RefundError> {
    world.billing.ask_reversal(id, &admin(Role::Owner), WHY, None).await
}

async fn is(world: &World, id: PaymentId, state: &str) {
    eventually(&format!("the refund to be {state}"), async || last(world, id).await.state == state).await;
}

/// Nothing of the payment counts any more, and its devices go off.
async fn is_undone(world: &World, id: PaymentId) {
    world.reaches(id, PaymentState::Refunded).await;
    assert_eq!(world.count("select count(*) from sessions where ended_at is null").await, 0);
    assert_eq!(world.count("select count(*) from sessions where end_reason = 'refunded'").await, 1);
    assert_eq!(world.count("select count(*) from session_devices where intended <> 'off'").await, 0);
    assert_eq!(world.count("select count(*) from receipts where state = 'reversed'").await, 1);
    world.holds_the_invariants().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_refund_by_hand_ends_the_access_and_keeps_all_evidence(pool: MySqlPool) {
    let (world, id) = paid(pool).await;
    let said = world.billing.record_refund(id, &admin(Role::Owner), WHY, None).await.unwrap();
    assert!(said.starts_with("KES 20 given back by hand."), "{said}");
    is_undone(&world, id).await;
    let refund = last(&world, id).await;
    assert_eq!((refund.kind.as_str(), refund.state.as_str(), refund.amount_kes), ("manual", "done", 20));
    assert_eq!((refund.by.as_str(), refund.reason.as_str()), ("jane", WHY));
    assert_eq!(
        world.count("select count(*) from payment_events where source = 'admin' and outcome = 'refunded'").await,
        1
    );
    assert_eq!(
        world.count("select count(*) from payment_events where source = 'callback' and body is not null").await,
        1
    );
    assert_eq!(world.count("select count(*) from logs where action = 'refund.recorded' and actor = 'jane'").await, 1);

    let again = world.billing.record_refund(id, &admin(Role::Owner), WHY, None).await;
    assert!(matches!(again, Err(RefundError::WrongState(PaymentState::Refunded))), "{again:?}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn only_an_owner_with_a_reason_gives_money_back_and_only_what_was_paid(pool: MySqlPool) {
    let (world, id) = paid(pool).await;
    let cashier = admin(Role::Cashier);
    assert!(matches!(world.billing.record_refund(id, &cashier, WHY, None).await, Err(RefundError::NotOwner)));
    assert!(matches!(world.billing.ask_reversal(id, &cashier, WHY, None).await, Err(RefundError::NotOwner)));
    assert_eq!(world.billing.possible_refunds(id, Role::Cashier).await.unwrap(), []);
    assert_eq!(
        world.billing.possible_refunds(id, Role::Owner).await.unwrap(),
        [RefundKind::Manual, RefundKind::Reversal]
    );
    for reason in ["", "  ", "no", "a\nb\nc", &"x".repeat(256)] {
        let refused = world.billing.record_refund(id, &admin(Role::Owner), reason, None).await;
        assert!(matches!(refused, Err(RefundError::Reason)), "{reason:?} {refused:?}");
    }
    let failed = world.pay_from("cancelled", "0712000200", "A4:CF:12:00:00:02").await;
    world.reaches(failed, PaymentState::Failed).await;
    let refused = ask(&world, failed).await;
    assert!(matches!(refused, Err(RefundError::WrongState(PaymentState::Failed))), "{refused:?}");
    // Learnt by query: no receipt yet.
    sqlx::query("update payments set receipt = null").execute(world.billing.pool()).await.unwrap();
    sqlx::query("delete from receipts").execute(world.billing.pool()).await.unwrap();
    for refused in [ask(&world, id).await, world.billing.record_refund(id, &admin(Role::Owner), WHY, None).await] {
        assert!(matches!(refused, Err(RefundError::NoReceipt)), "{refused:?}");
    }
    let nobody = PaymentId::from_uuid(random::uuid(chrono::DateTime::UNIX_EPOCH));
    assert!(matches!(ask(&world, nobody).await, Err(RefundError::UnknownPayment)));
    assert_eq!(world.count("select count(*) from refunds").await, 0);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_reversal_gives_the_money_back_once_however_often_it_is_asked_for(pool: MySqlPool) {
    let (world, id) = paid(pool).await;
    let asks = (0..10).map(|_| ask(&world, id));
    let answers = futures::future::join_all(asks).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    assert!(answers.iter().all(|answer| matches!(answer, Ok(_) | Err(RefundError::Open | RefundError::WrongState(_)))));
    is(&world, id, "done").await;
    is_undone(&world, id).await;
    let back = world.daraja.control().reversals();
    assert_eq!((back.len(), back[0].amount), (1, 20));
    assert_eq!(world.count("select count(*) from refunds where reversal_receipt is not null").await, 1);
    assert_eq!(
        world.count("select count(*) from payment_events where outcome = 'refund_done' and body is not null").await,
        1
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_refused_reversal_leaves_the_customer_online_and_says_why(pool: MySqlPool) {
    let (world, id) = paid(pool).await;
    // Another amount than was paid, as if the statement had been wrong.
    sqlx::query("update receipts set amount_kes = 19").execute(world.billing.pool()).await.unwrap();
    ask(&world, id).await.unwrap();
    is(&world, id, "refused").await;
    assert_eq!(world.state(id).await, PaymentState::Succeeded);
    assert_eq!(world.count("select count(*) from sessions where ended_at is null").await, 1);
    let words = last(&world, id).await.message;
    assert!(words.starts_with("Not given back: ") && words.contains("code 2"), "{words}");
    assert_eq!(world.count("select count(*) from notifications where kind = 'refund'").await, 1);
    sqlx::query("update receipts set amount_kes = 20").execute(world.billing.pool()).await.unwrap();
    ask(&world, id).await.unwrap();
    is(&world, id, "done").await;
    is_undone(&world, id).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_m_pesa_has_reversed_before_counts_as_given_back(pool: MySqlPool) {
    let (world, id) = paid(pool).await;
    world
        .daraja
        .control()
        .change_settings(&SettingsChange { result_delivery: Some(ResultDelivery::Lost), ..settings() });
    ask(&world, id).await.unwrap();
    eventually("the money is back", async || world.daraja.control().reversals().len() == 1).await;
    // Its answer was lost: M-Pesa is not asked again by itself, however long it takes.
    sqlx::query("update refunds set updated_at = updated_at - interval 1 hour")
        .execute(world.billing.pool())
        .await
        .unwrap();
    world.billing.sweep_refunds().await.unwrap();
    world.billing.sweep_refunds().await.unwrap();
    let refund = last(&world, id).await;
    assert_eq!(refund.state, "unknown");
    assert!(refund.message.contains("Look in the M-Pesa portal"), "{}", refund.message);
    assert_eq!(world.count("select count(*) from notifications where kind = 'refund'").await, 1);
    assert_eq!(world.state(id).await, PaymentState::Succeeded);
    assert_eq!(reversals_asked(&world), 1);

    // A person asks again: M-Pesa itself refuses to give it back twice.
    world
        .daraja
        .control()
        .change_settings(&SettingsChange { result_delivery: Some(ResultDelivery::Result), ..settings() });
    ask(&world, id).await.unwrap();
    is(&world, id, "done").await;
    assert!(last(&world, id).await.message.contains("before"));
    assert_eq!(world.daraja.control().reversals().len(), 1);
    is_undone(&world, id).await;
}

fn reversals_asked(world: &World) -> usize {
    world.daraja.control().requests().iter().filter(|request| request.path.contains("/reversal/")).count()
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_late_answer_still_counts(pool: MySqlPool) {
    let (world, id) = paid(pool).await;
    world
        .daraja
        .control()
        .change_settings(&SettingsChange { result_delivery: Some(ResultDelivery::Lost), ..settings() });
    ask(&world, id).await.unwrap();
    let hash: Vec<u8> =
        sqlx::query_scalar("select result_token_hash from refunds").fetch_one(world.billing.pool()).await.unwrap();
    let hash: [u8; 32] = hash.try_into().unwrap();
    assert!(world.billing.receive_refund_timeout(hash, b"{}", None).await.unwrap());
    assert!(!world.billing.receive_refund_timeout([7; 32], b"{}", None).await.unwrap());
    is(&world, id, "unknown").await;
    assert_eq!(world.state(id).await, PaymentState::Succeeded);
    let conversation: String =
        sqlx::query_scalar("select conversation_id from refunds").fetch_one(world.billing.pool()).await.unwrap();
    let receipt: String =
        sqlx::query_scalar("select receipt from refunds").fetch_one(world.billing.pool()).await.unwrap();
    let result = |conversation: &str, receipt: &str| {
        format!(
            r#"{{"Result":{{"ResultCode":"0","ConversationID":"{conversation}","TransactionID":"UKM9REVERS","ResultParameters":
               {{"ResultParameter":[{{"Key":"OriginalTransactionID","Value":"{receipt}"}},{{"Key":"Amount","Value":"20.00"}}]}}}}}}"#
        )
    };
    // About another payment, about another request, and no answer at all: none is believed.
    for body in [result(&conversation, "UKM0000001"), result("AG_x", &receipt), "<html>".to_owned()] {
        assert!(world.billing.receive_refund_result(hash, body.as_bytes(), None).await.unwrap());
        assert_eq!(world.state(id).await, PaymentState::Succeeded, "{body}");
    }
    for _ in 0..3 {
        assert!(
            world.billing.receive_refund_result(hash, result(&conversation, &receipt).as_bytes(), None).await.unwrap()
        );
    }
    is(&world, id, "done").await;
    is_undone(&world, id).await;
    assert!(!world.billing.receive_refund_result([7; 32], b"{}", None).await.unwrap(), "nobody's token");
    assert_eq!(
        world.count("select count(*) from payment_events where outcome like 'refund_%' and body is not null").await,
        8
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_lost_acknowledgement_is_unknown_and_a_refusal_is_a_refusal(pool: MySqlPool) {
    let (world, id) = paid(pool).await;
    world.daraja.control().set_outage(Some(Outage::Html));
    let said = ask(&world, id).await.unwrap();
    let refund = last(&world, id).await;
    assert!(matches!(refund.state.as_str(), "unknown" | "refused"), "{refund:?}");
    assert_eq!(said, refund.message);
    assert_eq!(world.state(id).await, PaymentState::Succeeded);
    world.daraja.control().set_outage(None);
    ask(&world, id).await.unwrap();
    is(&world, id, "done").await;
    is_undone(&world, id).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_was_left_half_done_by_an_ended_process_is_finished(pool: MySqlPool) {
    let (world, id) = paid(pool).await;
    sqlx::query(
        "insert into refunds (id, payment_id, kind, state, amount_kes, message, actor, reason, created_at, updated_at)
         select id, id, 'manual', 'done', 20, 'x', 'jane', 'why not', created_at - interval 1 hour, created_at - interval 1 hour
         from payments",
    )
    .execute(world.billing.pool())
    .await
    .unwrap();
    world.billing.sweep_refunds().await.unwrap();
    is_undone(&world, id).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn surplus_goes_back_with_a_reversal_unless_it_was_spent(pool: MySqlPool) {
    let (world, id) = paid(pool).await;
    let surplus = |credit: u32| format!("update users set credit_kes = {credit}");
    let run = async |query: &str| sqlx::query(query).execute(world.billing.pool()).await.unwrap();
    run("insert into credits (user_id, amount_kes, kind, payment_id, created_at) select user_id, 5, 'overpaid', id, created_at from payments").await;
    run("update receipts set amount_kes = 25").await;
    run(&surplus(0)).await;
    let refused = ask(&world, id).await;
    assert!(matches!(refused, Err(RefundError::CreditSpent { credit_kes: 5 })), "{refused:?}");
    assert_eq!(world.count("select count(*) from refunds").await, 0);
    run(&surplus(5)).await;
    world.holds_the_invariants().await;
    // The simulator took 20, so it refuses 25: what was taken of the credit comes back.
    ask(&world, id).await.unwrap();
    is(&world, id, "refused").await;
    eventually("the credit is back", async || {
        world.count("select count(*) from users where credit_kes = 5").await == 1
    })
    .await;
    world.holds_the_invariants().await;
    tokio::time::timeout(Duration::from_secs(30), world.billing.sweep_refunds()).await.unwrap().unwrap();
}
