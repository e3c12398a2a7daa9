//! What people decide about money, and what customers are told of paying by hand.

use billing::{
    admins::Role,
    db::receipts::ReceiptState,
    payments::{AssignTo, BeginError, CooldownReason, DecideError},
};
use domain::{Kes, PaymentState, Receipt};
use sqlx::MySqlPool;

use crate::{
    DEVICE, OTHER_DEVICE, PHONE, notice,
    support::{Setup, World, eventually},
};

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
