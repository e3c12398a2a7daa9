//! The audit, what it tells the owner and for how long, and the alarm when sales stop.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod support;

use billing::notifications::NotificationRecord;
use domain::PaymentState;
use sqlx::MySqlPool;
use support::World;

impl World {
    async fn run(&self, query: &str) {
        sqlx::raw_sql(query).execute(self.billing.pool()).await.unwrap();
    }

    async fn broken(&self) -> Vec<&'static str> {
        let now = chrono::DateTime::from_timestamp(4_000_000_000, 0).unwrap();
        let findings = billing::audit::run(self.billing.pool(), now).await.unwrap();
        findings.iter().filter(|finding| finding.is_broken()).map(|finding| finding.id).collect()
    }

    async fn unread(&self, kind: &str) -> Vec<NotificationRecord> {
        let all = self.billing.list_notifications().await.unwrap();
        all.into_iter().filter(|one| one.kind == kind && one.read_at.is_none()).collect()
    }
}

/// Two paid payments, one of a second customer.
async fn sold(pool: MySqlPool) -> World {
    let world = World::new(pool).await;
    for number in 1..=2 {
        let id = world.pay_from("success", &format!("071200010{number}"), &format!("A4:CF:12:00:00:0{number}")).await;
        world.reaches(id, PaymentState::Succeeded).await;
    }
    assert_eq!(world.broken().await, Vec::<&str>::new());
    world
}

#[sqlx::test(migrations = "../../migrations")]
async fn every_sabotage_of_the_books_is_found_by_its_rule(pool: MySqlPool) {
    let world = sold(pool).await;
    // What to break, how to mend it, and the rules that must find it.
    let first = "(select min(id) from payments)";
    let sabotage: [(&str, String, String, &[&str]); 15] = [
        (
            "a paid payment without its session",
            format!("create table kept as select * from session_devices where session_id = (select id from sessions where payment_id = {first});
                     create table kept_session as select * from sessions where payment_id = {first};
                     delete from session_devices where session_id = (select id from kept_session);
                     delete from sessions where payment_id = {first}"),
            "insert into sessions select * from kept_session; insert into session_devices select * from kept; drop table kept; drop table kept_session".into(),
            &["success_without_session"],
        ),
        (
            "a session for a payment that failed",
            format!("update payments set state = 'failed' where id = {first}").replace(first, "(select id from (select min(id) as id from payments) x)"),
            "update payments set state = 'succeeded' where state = 'failed'".into(),
            &["session_without_success", "totals_sum"],
        ),
        (
            "less than the price",
            "update receipts set amount_kes = 19 order by receipt limit 1".into(),
            "update receipts set amount_kes = 20".into(),
            &["success_not_covered"],
        ),
        (
            "more than the price, and nobody's credit",
            "update receipts set amount_kes = 25 order by receipt limit 1".into(),
            "update receipts set amount_kes = 20".into(),
            &["surplus_not_credited"],
        ),
        (
            "a receipt that pays for nothing",
            "insert into receipts (receipt, state, source, amount_kes, created_at) select 'UKM0000001', 'credited', 'c2b', 20, created_at from payments limit 1".into(),
            "delete from receipts where receipt = 'UKM0000001'".into(),
            &["receipt_without_payment"],
        ),
        (
            "money held for a payment that is settled",
            format!("insert into receipts (receipt, payment_id, state, source, amount_kes, created_at) select 'UKM0000001', id, 'part', 'c2b', 5, created_at from payments where id = {first}"),
            "delete from receipts where receipt = 'UKM0000001'".into(),
            &["part_of_settled"],
        ),
        (
            "credit without a booking",
            "insert into receipts (receipt, state, source, amount_kes, created_at) select 'UKM0000001', 'credit', 'c2b', 5, created_at from payments limit 1".into(),
            "delete from receipts where receipt = 'UKM0000001'".into(),
            &["credit_not_booked"],
        ),
        (
            "one receipt credited to two customers",
            "insert into receipts (receipt, state, source, amount_kes, created_at) select 'UKM0000001', 'credit', 'c2b', 5, created_at from payments limit 1;
             insert into credits (user_id, amount_kes, kind, receipt, created_at) select id, 5, 'assigned', 'UKM0000001', created_at from users;
             update users set credit_kes = 5".into(),
            "delete from receipts where receipt = 'UKM0000001'; delete from credits; update users set credit_kes = 0".into(),
            &["credit_not_booked", "receipt_counted_twice"],
        ),
        (
            "credit from nowhere",
            "update users set credit_kes = 100 order by id limit 1".into(),
            "update users set credit_kes = 0".into(),
            &["credit_sum"],
        ),
        (
            "totals that are wrong",
            "update users set paid_kes = 100 order by id limit 1".into(),
            "update users set paid_kes = 20".into(),
            &["totals_sum"],
        ),
        (
            "a refunded payment whose customer is still on",
            "update payments set state = 'refunded' order by id limit 1".into(),
            "update payments set state = 'succeeded'".into(),
            &["refund_half_done"],
        ),
        (
            "an open payment that nobody asks about",
            format!("update payments set state = 'pending', next_query_at = null where id = {first}").replace(first, "(select id from (select min(id) as id from payments) x)"),
            "update payments set state = 'succeeded'".into(),
            &["session_without_success", "stuck", "totals_sum"],
        ),
        (
            "time that ends before it was used",
            "update sessions set starts_at = '2095-01-01', ends_at = '2095-01-01 00:59:00' order by id limit 1".into(),
            "update sessions set starts_at = null, ends_at = null".into(),
            &["session_span"],
        ),
        (
            "a paused customer who is still let on",
            "update sessions set paused_at = created_at order by id limit 1".into(),
            "update sessions set paused_at = null".into(),
            &["paused_but_on"],
        ),
        (
            "a blocked device that is let on",
            "insert into blocks (id, mac, active_mac, reason, blocked_by, created_at, updated_at)
             select id, mac, mac, 'why', 'x', '2090-01-01', '2090-01-01' from sessions order by id limit 1"
                .into(),
            "delete from blocks".into(),
            &["blocked_but_on"],
        ),
    ];
    for (what, sabotage, mend, found) in sabotage {
        world.run(&sabotage).await;
        let mut broken = world.broken().await;
        broken.sort_unstable();
        assert_eq!(broken, found, "{what}");
        world.run(&mend).await;
        assert_eq!(world.broken().await, Vec::<&str>::new(), "{what}, mended");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_finding_is_told_with_its_age_until_it_is_gone(pool: MySqlPool) {
    let world = sold(pool).await;
    world.billing.audit_and_tell().await.unwrap();
    assert_eq!(world.unread("audit").await.len(), 0, "nothing to tell");
    let money = "insert into receipts (receipt, state, source, amount_kes, created_at)
                 select 'UKM0000001', 'unmatched', 'c2b', 20, created_at - interval 2 day from payments limit 1";
    world.run(money).await;
    world.billing.audit_and_tell().await.unwrap();
    let told = world.unread("audit").await;
    assert_eq!((told.len(), told[0].severity.as_str()), (1, "warning"));
    assert!(told[0].message.contains("new since last night"), "{}", told[0].message);

    // The next nights: the same notification says how long, and none is added.
    world.run("update audit_findings set first_seen_at = first_seen_at - interval 3 day").await;
    world.billing.audit_and_tell().await.unwrap();
    let renewed = world.unread("audit").await;
    assert_eq!((renewed.len(), renewed[0].id), (1, told[0].id));
    assert!(renewed[0].message.contains("for 3 days"), "{}", renewed[0].message);
    // Read and still there: told again, with its age.
    assert!(world.billing.mark_notification_read(told[0].id).await.unwrap());
    world.billing.audit_and_tell().await.unwrap();
    let again = world.unread("audit").await;
    assert!(again.len() == 1 && again[0].id != told[0].id && again[0].message.contains("for 3 days"));
    // Gone: the notification closes by itself, and the finding is history.
    world.run("update receipts set state = 'dismissed' where state = 'unmatched'").await;
    world.billing.audit_and_tell().await.unwrap();
    assert_eq!(world.unread("audit").await.len(), 0);
    assert_eq!(world.count("select count(*) from audit_findings where resolved_at is not null").await, 1);
    // Back: a new finding.
    world.run("update receipts set state = 'unmatched' where state = 'dismissed'").await;
    world.billing.audit_and_tell().await.unwrap();
    assert!(world.unread("audit").await[0].message.contains("new since last night"));
    assert_eq!(world.count("select count(*) from audit_findings").await, 2);
    // An invariant is told louder than work that waits.
    world.run("update users set credit_kes = 100, created_at = created_at - interval 1 hour order by id limit 1").await;
    world.billing.audit_and_tell().await.unwrap();
    assert!(world.unread("audit").await.iter().any(|one| one.severity == "critical"));
    // The audit that a person runs changes nothing.
    let before = world.count("select count(*) from audit_findings").await;
    assert_eq!(world.broken().await, ["credit_sum"]);
    assert_eq!(world.count("select count(*) from audit_findings").await, before);
}

#[sqlx::test(migrations = "../../migrations")]
async fn five_prompts_that_fail_because_of_the_set_up_call_the_owner_once(pool: MySqlPool) {
    let world = World::new(pool).await;
    for number in 1..=6 {
        let id = world.pay_from("cancelled", &format!("071200010{number}"), &format!("A4:CF:12:00:00:0{number}")).await;
        world.reaches(id, PaymentState::Failed).await;
    }
    world.billing.watch_sales().await.unwrap();
    assert_eq!(world.unread("prompts_fail").await.len(), 0, "customers who change their minds");
    world.run("update payments set result_code = 'SFC_IC0003'").await;
    for _ in 0..3 {
        world.billing.watch_sales().await.unwrap();
    }
    let alarm = world.unread("prompts_fail").await;
    assert_eq!((alarm.len(), alarm[0].severity.as_str()), (1, "critical"));
    assert!(alarm[0].message.contains("MPESA_TILL"), "{}", alarm[0].message);
    // Read while it lasts: not said every ten minutes.
    world.billing.mark_notification_read(alarm[0].id).await.unwrap();
    world.billing.watch_sales().await.unwrap();
    assert_eq!(world.unread("prompts_fail").await.len(), 0);
    // A sale, then trouble again: that is a new alarm, which the next sale closes by itself.
    let sale = async |number: u32| {
        let id = world.pay_from("success", &format!("07120001{number}"), &format!("A4:CF:12:00:00:{number}")).await;
        world.reaches(id, PaymentState::Succeeded).await;
    };
    sale(20).await;
    world.billing.watch_sales().await.unwrap();
    for number in 21..=25 {
        let id = world.pay_from("cancelled", &format!("07120001{number}"), &format!("A4:CF:12:00:00:{number}")).await;
        world.reaches(id, PaymentState::Failed).await;
    }
    world.run("update payments set result_code = 'SFC_IC0003' where state = 'failed'").await;
    world.billing.watch_sales().await.unwrap();
    assert_eq!(world.unread("prompts_fail").await.len(), 1);
    sale(30).await;
    world.billing.watch_sales().await.unwrap();
    assert_eq!(world.unread("prompts_fail").await.len(), 0);
}

/// Copies the one sale to every daytime hour of the seven days before today.
/// Their references begin with a letter that real ones never have.
const USUAL_WEEK: &str = "
    insert into payments (id, user_id, package_id, router_id, mac, amount_kes, package_name, package_revision, duration_minutes,
        devices, state, account_reference, callback_token_hash, request_hash, request_id, settled_at, created_at, updated_at)
    select unhex(concat(lpad(hex(floor(unix_timestamp(utc_timestamp() - interval n.n hour) * 1000)), 12, '0'), '7000', '8000', lpad(hex(n.n), 12, '0'))),
        p.user_id, p.package_id, p.router_id, p.mac, p.amount_kes, p.package_name, p.package_revision, p.duration_minutes, p.devices, 'failed',
        concat('O', n.n), unhex(sha2(n.n, 256)), p.request_hash, 'x', utc_timestamp() - interval n.n hour,
        utc_timestamp() - interval n.n hour, utc_timestamp()
    from payments p join (with recursive n (n) as (select 6 union all select n + 1 from n where n < 190) select n from n) n";

#[sqlx::test(migrations = "../../migrations")]
async fn a_shop_that_usually_sells_and_stopped_calls_the_owner_once(pool: MySqlPool) {
    let world = World::new(pool).await;
    let id = world.pay("success").await;
    world.reaches(id, PaymentState::Succeeded).await;
    world.run(USUAL_WEEK).await;
    // Every hour for a week but the last six; whatever the time of day is now, it counts as day.
    world.run("update payments set state = 'succeeded' where state = 'failed'").await;
    world.run("update payments set state = 'failed' where account_reference not like 'O%'").await;
    world.billing.set_setting("alarm_day", "0-24").await.unwrap();
    for _ in 0..3 {
        world.billing.watch_sales().await.unwrap();
    }
    let alarm = world.unread("sales_stopped").await;
    assert_eq!((alarm.len(), alarm[0].severity.as_str()), (1, "critical"));
    assert!(alarm[0].message.contains("for 3 hours of the day"), "{}", alarm[0].message);
    world.billing.mark_notification_read(alarm[0].id).await.unwrap();
    world.billing.watch_sales().await.unwrap();
    assert_eq!(world.unread("sales_stopped").await.len(), 0, "said once for one silence");

    // Sales return and stop once more: a new alarm, although the old one was read.
    world.run("update payments set state = 'succeeded' where state = 'failed'").await;
    world.billing.watch_sales().await.unwrap();
    world
        .run("update payments set settled_at = settled_at - interval 5 hour where account_reference not like 'O%'")
        .await;
    world.billing.watch_sales().await.unwrap();
    assert_eq!(world.unread("sales_stopped").await.len(), 1);
    // And it closes by itself.
    world.run("update payments set settled_at = utc_timestamp() where account_reference not like 'O%'").await;
    world.billing.watch_sales().await.unwrap();
    assert_eq!(world.unread("sales_stopped").await.len(), 0);
    for (name, value) in
        [("alarm_day", "21-8"), ("alarm_hours", "25"), ("alarm_usual_sales", "0"), ("time_zone", "Mars")]
    {
        assert!(world.billing.set_setting(name, value).await.is_err(), "{name}");
    }
}
