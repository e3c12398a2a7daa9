//! The three ledgers, read side by side: what M-Pesa charged, what the database says, what the routers have.

use std::collections::{BTreeMap, HashMap};

use domain::access::Tag;
use simulators::daraja::{Charge, Delivery, Prompt};
use sqlx::{MySqlPool, Row as _, mysql::MySqlRow};
use uuid::Uuid;

use crate::world::World;

/// A row of `payments`.
#[derive(Debug, Clone)]
pub(crate) struct Payment {
    pub(crate) id: Uuid,
    pub(crate) account_reference: String,
    pub(crate) state: String,
    pub(crate) review_reason: Option<String>,
    pub(crate) receipt: Option<String>,
    pub(crate) result_code: Option<String>,
    pub(crate) checkout: Option<String>,
    pub(crate) amount_kes: u32,
    pub(crate) duration_minutes: u32,
    pub(crate) alerts: i64,
}

/// A row of `sessions`.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) id: Uuid,
    pub(crate) payment_id: Option<Uuid>,
    pub(crate) mac: String,
    pub(crate) duration_secs: u64,
    pub(crate) carried_secs: u64,
    pub(crate) is_over: bool,
}

/// A row of `session_devices`.
#[derive(Debug, Clone)]
pub(crate) struct Device {
    pub(crate) session_id: Uuid,
    pub(crate) router: usize,
    pub(crate) mac: String,
    pub(crate) is_on: bool,
    pub(crate) is_applied: bool,
    pub(crate) last_error: Option<String>,
}

/// A row of ours in a router's list of users.
#[derive(Debug, Clone)]
pub(crate) struct RouterUser {
    pub(crate) name: String,
    pub(crate) comment: String,
    pub(crate) session_id: Option<Uuid>,
    pub(crate) is_active: bool,
}

/// Everything, as it stands.
#[derive(Debug)]
pub(crate) struct Books {
    pub(crate) charges: Vec<Charge>,
    pub(crate) prompts: Vec<Prompt>,
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) payments: Vec<Payment>,
    /// Receipt to payment, amount and state.
    pub(crate) receipts: HashMap<String, (Option<Uuid>, u32, String)>,
    pub(crate) sessions: Vec<Session>,
    pub(crate) devices: Vec<Device>,
    /// By router.
    pub(crate) users: Vec<Vec<RouterUser>>,
}

impl Books {
    pub(crate) async fn read(world: &World, pool: &MySqlPool) -> Result<Self, sqlx::Error> {
        let slugs = rows(pool, "select id, slug from routers").await?;
        let slugs: BTreeMap<Uuid, String> = slugs.iter().map(|row| (row.get(0), row.get(1))).collect();
        let number = |id: Uuid| slugs.get(&id).and_then(|slug| slug.get(1..)?.parse().ok()).unwrap_or(usize::MAX);
        let payments = "select p.id, account_reference, state, review_reason, receipt, checkout_request_id, amount_kes,
                               duration_minutes, (select count(*) from notifications n where n.subject = lower(insert(insert(
                               insert(insert(hex(p.id), 9, 0, '-'), 14, 0, '-'), 19, 0, '-'), 24, 0, '-'))),
                               result_code from payments p";
        let sessions = "select id, payment_id, hex(mac), duration_secs, carried_secs,
                               ended_at is not null or coalesce(ends_at <= utc_timestamp(6), false) from sessions";
        let devices =
            "select session_id, router_id, hex(mac), intended = 'on', applied_generation = generation, last_error
                       from session_devices";
        Ok(Self {
            // Read first: what is charged now is in the database, or is found missing, a moment later.
            charges: world.mpesa.control().charges(),
            prompts: world.mpesa.control().prompts(),
            deliveries: world.mpesa.control().deliveries(),
            payments: rows(pool, payments).await?.iter().map(payment).collect(),
            receipts: rows(pool, "select receipt, payment_id, amount_kes, state from receipts")
                .await?
                .iter()
                .map(|row| (row.get(0), (row.get(1), row.get(2), row.get(3))))
                .collect(),
            sessions: rows(pool, sessions).await?.iter().map(session).collect(),
            devices: rows(pool, devices).await?.iter().map(|row| device(row, number(row.get(1)))).collect(),
            users: world.routers.iter().map(|router| router_users(&router.users(), &router.active())).collect(),
        })
    }

    pub(crate) fn payment_of(&self, charge: &Charge) -> Option<&Payment> {
        self.payments.iter().find(|payment| payment.account_reference == charge.account_reference)
    }

    pub(crate) fn charges_of(&self, payment: &Payment) -> Vec<&Charge> {
        self.charges.iter().filter(|charge| charge.account_reference == payment.account_reference).collect()
    }

    /// Whether a report of this payment ever found somebody who took it.
    pub(crate) fn was_reported(&self, checkout: &str) -> bool {
        let is_taken = |delivery: &Delivery| delivery.status.is_some_and(|status| (200..300).contains(&status));
        self.deliveries.iter().any(|delivery| delivery.about == checkout && is_taken(delivery))
    }

    /// Whether a report that says so was taken, or may have been.
    pub(crate) fn was_reported_as(&self, checkout: &str, is_paid: bool) -> bool {
        let says = |delivery: &Delivery| {
            let body: serde_json::Value = serde_json::from_str(&delivery.body).unwrap_or_default();
            let code = &body["Body"]["stkCallback"]["ResultCode"];
            (code == 0 || code == "0") == is_paid
        };
        let is_taken = |delivery: &Delivery| delivery.status.is_some_and(|status| (200..300).contains(&status));
        // A failure whose answer was lost on the way back may have been taken all the same.
        self.deliveries
            .iter()
            .any(|delivery| delivery.about == checkout && says(delivery) && (!is_paid || is_taken(delivery)))
    }

    /// Reports on the way that have not been sent yet.
    pub(crate) fn awaited_reports(&self) -> usize {
        self.prompts.iter().filter(|prompt| self.sent_of(prompt) < expected_reports(&prompt.scenario)).count()
    }

    fn sent_of(&self, prompt: &Prompt) -> usize {
        self.deliveries.iter().filter(|delivery| delivery.about == prompt.checkout_request_id).count()
    }
}

/// How many reports the simulator sends at least.
fn expected_reports(scenario: &str) -> usize {
    match scenario {
        "callback_lost" | "query_flaps" | "query_throttled" | "token_revoked" => 0,
        "failure_then_success" => 2,
        "callback_duplicate" => 3,
        _ => 1,
    }
}

async fn rows(pool: &MySqlPool, query: &str) -> Result<Vec<MySqlRow>, sqlx::Error> {
    sqlx::query(query).fetch_all(pool).await
}

fn payment(row: &MySqlRow) -> Payment {
    Payment {
        id: row.get(0),
        account_reference: row.get(1),
        state: row.get(2),
        review_reason: row.get(3),
        receipt: row.get(4),
        result_code: row.get(9),
        checkout: row.get(5),
        amount_kes: row.get(6),
        duration_minutes: row.get(7),
        alerts: row.get(8),
    }
}

fn session(row: &MySqlRow) -> Session {
    Session {
        id: row.get(0),
        payment_id: row.get(1),
        mac: row.get(2),
        duration_secs: row.get(3),
        carried_secs: row.get(4),
        is_over: row.get::<i64, _>(5) != 0,
    }
}

fn device(row: &MySqlRow, router: usize) -> Device {
    Device {
        session_id: row.get(0),
        router,
        mac: row.get::<String, _>(2),
        is_on: row.get::<i64, _>(3) != 0,
        is_applied: row.get::<i64, _>(4) != 0,
        last_error: row.get(5),
    }
}

type Record = Vec<(String, String)>;

fn router_users(users: &[Record], active: &[Record]) -> Vec<RouterUser> {
    let of = |record: &Record, name: &str| {
        record.iter().find(|(field, _)| field == name).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let ours = users.iter().filter(|user| of(user, "comment").starts_with(domain::access::MARK));
    ours.map(|user| {
        let (name, comment) = (of(user, "name"), of(user, "comment"));
        let session_id = comment.parse::<Tag>().ok().map(|tag| tag.session_id.as_uuid());
        let is_active = active.iter().any(|active| of(active, "user") == name);
        RouterUser { name: name.replace(':', ""), comment, session_id, is_active }
    })
    .collect()
}
