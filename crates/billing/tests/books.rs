//! M-Pesa's own books, imported and pulled, against a real database and the Daraja simulator.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod support;

use billing::{
    admins::{Admin, Role},
    books::{
        ImportError, ReportLine, SettleLineError, StatementReport,
        compare::{Class, Total},
    },
    random,
};
use domain::{AdminId, PaymentId, PaymentState};
use simulators::daraja::{C2bNumbers, ResultDelivery, SettingsChange};
use sqlx::MySqlPool;
use support::{Setup, World, eventually};
use uuid::Uuid;

const WHY: &str = "it is on the statement";

fn admin(role: Role) -> Admin {
    let id = AdminId::from_uuid(random::uuid(chrono::DateTime::UNIX_EPOCH));
    Admin { id, username: "jane".into(), role, login_epoch: 0 }
}

/// A world in which no callback ever arrives and no query is due.
async fn deaf(pool: MySqlPool) -> World {
    World::with(pool, Setup { callbacks_arrive: false, ..Setup::default() }).await
}

impl World {
    /// Pays by prompt and waits until the money has moved.
    async fn charged(&self, number: u32) -> PaymentId {
        let before = self.daraja.control().charges().len();
        let id =
            self.pay_from("success", &format!("07120001{number:02}"), &format!("A4:CF:12:00:00:{number:02X}")).await;
        eventually("the money moved", async || self.daraja.control().charges().len() > before).await;
        self.reaches(id, PaymentState::Pending).await;
        id
    }

    async fn by_hand(&self, amount: u32, account: &str) -> String {
        self.daraja.control().pay_by_hand("254712000777", "174379", amount, account).unwrap()
    }

    fn statement(&self) -> String {
        self.daraja.control().statement(None, None, None).unwrap()
    }

    async fn import(&self) -> StatementReport {
        self.import_file(&self.statement()).await.unwrap()
    }

    async fn import_file(&self, file: &str) -> Result<StatementReport, ImportError> {
        self.billing.import_statement("november.csv", file.as_bytes().to_vec(), "jane", None).await
    }

    async fn lines(&self, id: Uuid, class: Class) -> Vec<ReportLine> {
        self.billing.list_statement_lines(id, class, None, 500).await.unwrap().unwrap()
    }

    async fn settle(&self, id: Uuid, receipt: &str) -> String {
        let receipt = receipt.parse().unwrap();
        self.billing.settle_line(id, &receipt, &admin(Role::Owner), WHY, None).await.unwrap()
    }

    async fn run(&self, query: &str) {
        sqlx::query(query).execute(self.billing.pool()).await.unwrap();
    }
}

fn total(report: &StatementReport, class: Class) -> (u64, i64) {
    let Total { count, cents } = report.class(class);
    (count, cents)
}

/// The parts add up to all money in.
fn adds_up(report: &StatementReport) {
    let parts = Class::ALL.into_iter().filter(|class| class.is_paid_in()).map(|class| report.class(class));
    let (count, cents) = parts.fold((0, 0), |sum, part| (sum.0 + part.count, sum.1 + part.cents));
    assert_eq!((count, cents), (report.paid_in.count, report.paid_in.cents));
}

#[sqlx::test(migrations = "../../migrations")]
async fn paid_and_never_told_is_found_in_the_statement_and_settled_with_one_click(pool: MySqlPool) {
    let world = deaf(pool).await;
    let (first, second) = (world.charged(1).await, world.charged(2).await);
    let file = world.statement();
    let report = world.import().await;
    assert_eq!(total(&report, Class::MissingHere), (2, 4_000));
    assert_eq!(total(&report, Class::Matched), (0, 0));
    adds_up(&report);

    let missing = world.lines(report.id, Class::MissingHere).await;
    assert_eq!(missing.iter().map(|line| line.payment_id.unwrap()).collect::<Vec<_>>(), [first, second]);
    assert!(missing.iter().all(|line| line.can_settle && line.there_cents == Some(2_000) && line.here_kes.is_none()));
    assert!(missing[0].message.contains("Settling gives the customer what was paid for"), "{}", missing[0].message);
    let said = world.settle(report.id, &missing[0].receipt).await;
    assert!(said.contains("is settled"), "{said}");
    assert_eq!(world.state(first).await, PaymentState::Succeeded);
    assert_eq!(world.count("select count(*) from sessions").await, 1);
    assert_eq!(world.count("select count(*) from receipts where source = 'statement' and state = 'credited' and paid_at is not null").await, 1);
    // Settling again changes nothing.
    assert!(world.settle(report.id, &missing[0].receipt).await.contains("known already"));
    assert_eq!(world.count("select count(*) from sessions").await, 1);

    // The very same file, several times at once: nothing is imported, and it says so.
    let again = futures::future::join_all((0..5).map(|_| world.import_file(&file))).await;
    for again in again {
        let again = again.unwrap();
        assert_eq!((again.id, again.is_repeat), (report.id, true));
        assert_eq!((total(&again, Class::Matched), total(&again, Class::MissingHere)), ((1, 2_000), (1, 2_000)));
    }
    // A later file that has all of it and more: each movement is stored once, and each file has its own report.
    world.charged(3).await;
    let later = world.import().await;
    assert!(later.id != report.id && !later.is_repeat);
    assert_eq!((total(&later, Class::Matched), total(&later, Class::MissingHere)), ((1, 2_000), (2, 4_000)));
    assert_eq!(world.count("select count(*) from statement_lines where kind = 'payment'").await, 3);
    assert_eq!(world.count("select count(*) from statements where length(file) > 100").await, 2);
    assert_eq!(world.billing.list_statements().await.unwrap().len(), 2);
    assert_eq!(total(&world.billing.find_statement(report.id).await.unwrap().unwrap(), Class::Matched), (1, 2_000));
    world.holds_the_invariants().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn one_file_sent_many_times_at_once_is_one_statement(pool: MySqlPool) {
    let world = deaf(pool).await;
    world.charged(1).await;
    let file = world.statement();
    let all = futures::future::join_all((0..8).map(|_| world.import_file(&file))).await;
    assert_eq!(all.iter().filter(|report| !report.as_ref().unwrap().is_repeat).count(), 1);
    assert_eq!(world.count("select count(*) from statements").await, 1);
    assert_eq!(world.count("select count(*) from logs where action = 'statement.imported'").await, 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_success_learnt_by_query_gets_its_receipt_from_the_statement(pool: MySqlPool) {
    let world = World::new(pool).await;
    let id = world.pay("success").await;
    world.reaches(id, PaymentState::Succeeded).await;
    world.run("update payments set receipt = null").await;
    world.run("delete from receipts").await;
    world.run("update payment_events set source = 'query' where outcome = 'settled'").await;
    world.by_hand(5, "OTHER").await;
    let report = world.import().await;
    assert_eq!(total(&report, Class::MissingThere), (0, 0), "its money is in the statement");
    let missing = world.lines(report.id, Class::MissingHere).await;
    assert_eq!((missing[0].payment_id, missing[0].can_settle), (Some(id), true));
    assert!(missing[0].message.contains("Settling adds the receipt"), "{}", missing[0].message);
    assert!(world.settle(report.id, &missing[0].receipt).await.contains("has its receipt now"));
    assert_eq!(
        world.billing.find_listed_payment(id).await.unwrap().unwrap().receipt.unwrap().as_str(),
        missing[0].receipt
    );
    assert_eq!(total(&world.import().await, Class::Matched), (1, 2_000));
    assert_eq!(world.count("select count(*) from sessions").await, 1);
    world.holds_the_invariants().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_is_here_and_not_in_the_statement_and_what_differs_is_named(pool: MySqlPool) {
    let world = World::new(pool).await;
    let early = world.by_hand(1, "EARLY").await;
    let mut ids = Vec::new();
    for number in 1..=3 {
        let id =
            world.pay_from("success", &format!("07120001{number:02}"), &format!("A4:CF:12:00:00:{number:02X}")).await;
        world.reaches(id, PaymentState::Succeeded).await;
        ids.push(id);
    }
    let late = world.by_hand(1, "LATE").await;
    world.run("update receipts set amount_kes = 19 where payment_id = (select min(id) from payments)").await;
    // Somebody let a customer on under a code that M-Pesa never gave: it lies within the statement's time.
    world
        .run(
            "insert into receipts (receipt, payment_id, state, source, amount_kes, paid_at, created_at)
              select 'UKM0FORGED', max(id), 'credited', 'admin', 20, max(settled_at), max(settled_at) from payments",
        )
        .await;
    world
        .daraja
        .control()
        .change_settings(&SettingsChange { result_delivery: Some(ResultDelivery::Lost), ..Default::default() });
    world.billing.ask_reversal(ids[1], &admin(Role::Owner), WHY, None).await.unwrap();
    eventually("the money is back", async || world.daraja.control().reversals().len() == 1).await;
    // Seconds are all that a statement has; the span must cover what was paid in between.
    world.run("update receipts set paid_at = date_sub(paid_at, interval microsecond(paid_at) microsecond) where paid_at is not null").await;
    let report = world.import().await;
    adds_up(&report);
    assert_eq!(total(&report, Class::Differing), (1, 2_000));
    assert_eq!(total(&report, Class::Matched), (2, 4_000));
    assert_eq!(total(&report, Class::Reversal), (1, 2_000));
    let missing: Vec<String> =
        world.lines(report.id, Class::MissingHere).await.into_iter().map(|line| line.receipt).collect();
    assert_eq!(missing, [early, late]);
    let differing = &world.lines(report.id, Class::Differing).await[0];
    assert_eq!((differing.there_cents, differing.here_kes, differing.can_settle), (Some(2_000), Some(19), false));
    let reversal = &world.lines(report.id, Class::Reversal).await[0];
    assert!(reversal.message.contains("here it still counts as paid"), "{}", reversal.message);
    assert_eq!(reversal.payment_id, Some(ids[1]));
    let forged = world.lines(report.id, Class::MissingThere).await;
    assert_eq!(forged.iter().map(|line| line.receipt.as_str()).collect::<Vec<_>>(), ["UKM0FORGED"]);
    assert_eq!(
        (forged[0].there_cents, forged[0].here_kes, forged[0].payment_id),
        (None, Some(20), ids.last().copied())
    );
    assert!(forged[0].message.contains("let on for free"));
}

#[sqlx::test(migrations = "../../migrations")]
async fn money_that_names_nobody_is_kept_for_a_person(pool: MySqlPool) {
    let world = deaf(pool).await;
    for account in
        ["rent 4b", "'; drop table payments; --", "<script>alert(1)</script>", "=cmd|' /C calc'!A0", "\"a,\"\"b"]
    {
        world.by_hand(20, account).await;
    }
    let report = world.import().await;
    let missing = world.lines(report.id, Class::MissingHere).await;
    assert_eq!(missing.len(), 5);
    assert!(missing.iter().all(|line| line.payment_id.is_none() && line.can_settle));
    for line in &missing {
        assert!(world.settle(report.id, &line.receipt).await.contains("Unmatched money"));
    }
    assert_eq!(
        world.count("select count(*) from receipts where state = 'unmatched' and source = 'statement'").await,
        5
    );
    let kept: Vec<String> = sqlx::query_scalar("select account_reference from receipts order by account_reference")
        .fetch_all(world.billing.pool())
        .await
        .unwrap();
    assert!(kept.contains(&"<script>alert(1)</sc".to_owned()), "{kept:?}");
    // In both books now, and still to be given to somebody.
    let matched = world.lines(report.id, Class::Matched).await;
    assert!(matched.iter().all(|line| line.can_settle && line.message.contains("Unmatched money")));
    assert_eq!(world.count("select count(*) from payments").await, 0);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_payer_is_known_by_number_only_when_one_payment_fits(pool: MySqlPool) {
    let world = deaf(pool).await;
    world
        .daraja
        .control()
        .change_settings(&SettingsChange { c2b_numbers: Some(C2bNumbers::Plain), ..Default::default() });
    let id = world.pay_from("cancelled", "0712000777", "A4:CF:12:00:00:01").await;
    eventually("the prompt", async || world.daraja.control().prompts().len() == 1).await;
    let hand = world.by_hand(20, "my wifi").await;
    let other = world.by_hand(50, "my wifi").await;
    let report = world.import().await;
    let missing = world.lines(report.id, Class::MissingHere).await;
    let owner = |receipt: &str| missing.iter().find(|line| line.receipt == receipt).unwrap().payment_id;
    assert_eq!((owner(&hand), owner(&other)), (Some(id), None));
    assert!(world.settle(report.id, &hand).await.contains("is settled"));
    assert_eq!(world.state(id).await, PaymentState::Succeeded);
    world.holds_the_invariants().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn only_an_owner_settles_and_only_our_own_statement_is_taken(pool: MySqlPool) {
    let world = deaf(pool).await;
    world.charged(1).await;
    let report = world.import().await;
    let line = &world.lines(report.id, Class::MissingHere).await[0];
    let receipt = line.receipt.parse().unwrap();
    let settle = async |id, by: Admin, reason: &str| world.billing.settle_line(id, &receipt, &by, reason, None).await;
    assert!(matches!(settle(report.id, admin(Role::Cashier), WHY).await, Err(SettleLineError::NotOwner)));
    assert!(matches!(settle(report.id, admin(Role::Owner), " x ").await, Err(SettleLineError::Reason)));
    assert!(matches!(settle(Uuid::nil(), admin(Role::Owner), WHY).await, Err(SettleLineError::UnknownLine)));
    assert_eq!(world.count("select count(*) from sessions").await, 0);

    let other = world.statement().replace("174379", "600984");
    assert!(matches!(world.import_file(&other).await, Err(ImportError::OtherShortcode { .. })));
    for bad in ["", "a,b\n1,2\n", "<html>", "PK\u{3}\u{4}"] {
        assert!(matches!(world.import_file(bad).await, Err(ImportError::File(_))), "{bad:?}");
    }
    // A row that cannot be read is named and loses nothing but itself.
    let broken = format!("{}UKM1,yesterday,x,Completed,20.00,,,\r\n", world.statement());
    let report = world.import_file(&broken).await.unwrap();
    assert_eq!(total(&report, Class::MissingHere).0, 1);
    assert_eq!(report.unreadable.len(), 1);
    assert!(report.unreadable[0].starts_with("Row "), "{:?}", report.unreadable);
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_lines_come_in_pages_that_lose_and_double_nothing(pool: MySqlPool) {
    let world = deaf(pool).await;
    for number in 0..23 {
        world.by_hand(20 + number, "x").await;
    }
    let report = world.import().await;
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = world.billing.list_statement_lines(report.id, Class::MissingHere, after.as_ref(), 5).await;
        let page = page.unwrap().unwrap();
        let Some(last) = page.last() else { break };
        let text = last.cursor.to_string();
        after = Some(billing::books::LineCursor::read(&text).unwrap());
        seen.extend(page.into_iter().map(|line| line.receipt));
    }
    let mut distinct = seen.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!((seen.len(), distinct.len()), (23, 23));
    assert!(world.billing.list_statement_lines(Uuid::nil(), Class::Matched, None, 5).await.unwrap().is_none());
}

#[sqlx::test(migrations = "../../migrations")]
async fn lost_reports_are_swept_up_by_pulling(pool: MySqlPool) {
    let world = deaf(pool).await;
    let nothing = world.billing.pull_transactions(48).await.unwrap();
    assert_eq!((nothing.lines, nothing.report.is_none()), (0, true), "not registered yet");
    assert!(!world.billing.register_pull(&"0712000999".parse().unwrap()).await.unwrap());
    assert!(world.billing.register_pull(&"0712000999".parse().unwrap()).await.unwrap(), "registered before");

    let id = world.charged(1).await;
    world.by_hand(50, "rent").await;
    let pulled = world.billing.pull_transactions(48).await.unwrap();
    assert_eq!((pulled.lines, pulled.unreadable, pulled.settled, pulled.queued), (2, 0, 1, 0));
    assert_eq!(world.state(id).await, PaymentState::Succeeded);
    let report = pulled.report.unwrap();
    assert_eq!(report.name, "M-Pesa, pulled");
    assert_eq!((total(&report, Class::Matched), total(&report, Class::MissingHere)), ((1, 2_000), (1, 5_000)));
    assert_eq!(world.count("select count(*) from receipts").await, 1, "money for something else is left alone");

    world.billing.set_setting("paybill_only_wifi", "on").await.unwrap();
    let again = world.billing.pull_transactions(48).await.unwrap();
    assert_eq!((again.lines, again.settled, again.queued), (2, 0, 1));
    assert_eq!(again.report.unwrap().id, report.id, "one statement a day");
    let third = world.billing.pull_transactions(48).await.unwrap();
    assert_eq!((third.settled, world.count("select count(*) from receipts").await), (0, 2));
    assert_eq!(world.count("select count(*) from statement_lines").await, 2);
    assert_eq!(world.count("select count(*) from sessions").await, 1);
    world.holds_the_invariants().await;
}
