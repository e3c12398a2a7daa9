//! The owner's lists: payments and customers, newest first, by keyset pages that cost the same however
//! deep they are.

use chrono::{DateTime, Utc};
use domain::{Msisdn, PackageId, PaymentId, PaymentState, Receipt, RouterId};
use sqlx::{MySql, QueryBuilder, Row as _, mysql::MySqlRow};
use uuid::Uuid;

use crate::{
    Billing,
    db::{StoreError, users},
    random,
};

pub use crate::db::users::{UserCursor, UserRecord};

/// Which payments to list. `None` narrows nothing.
#[derive(Debug, Clone, Default)]
pub struct PaymentFilter {
    /// `Pending`, `Success` or `Failed`.
    pub status: Option<domain::payment::PaymentStatus>,
    /// The finer state.
    pub state: Option<PaymentState>,
    /// A phone number, a receipt or an account reference, whole.
    pub query: Option<String>,
    /// Begun at or after.
    pub from: Option<DateTime<Utc>>,
    /// Begun before.
    pub to: Option<DateTime<Utc>>,
    /// For this package.
    pub package_id: Option<PackageId>,
    /// At this router.
    pub router_id: Option<RouterId>,
}

/// How delivery of a payment's session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// No session.
    None,
    /// Paid, no router has confirmed it yet.
    Waiting,
    /// Its time stands still until it is let go on.
    Paused,
    /// A router lets the device on.
    Online,
    /// Time is left, but no router has the device at the moment.
    Offline,
    /// Time is over.
    Ended,
}

impl Delivery {
    /// The word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::Online => "online",
            Self::Offline => "offline",
            Self::Ended => "ended",
        }
    }
}

/// One payment as the owner sees it.
#[derive(Debug, Clone)]
pub struct PaymentListed {
    /// The key.
    pub id: PaymentId,
    /// When the customer pressed pay.
    pub created_at: DateTime<Utc>,
    /// The phone that was prompted.
    pub msisdn: Msisdn,
    /// The package's name as sold.
    pub package_name: String,
    /// The price.
    pub amount_kes: u32,
    /// The state.
    pub state: PaymentState,
    /// Daraja's result code, once there is one.
    pub result_code: Option<String>,
    /// The receipt, once there is one.
    pub receipt: Option<Receipt>,
    /// What the customer saw as account.
    pub account_reference: String,
    /// What it bought.
    pub session_id: Option<Uuid>,
    /// How delivery stands.
    pub delivery: Delivery,
}

const COLUMNS: &str = "select p.id, p.created_at, u.msisdn, p.package_name, p.amount_kes, p.state, p.result_code, \
     p.receipt, p.account_reference, s.id as session_id, s.starts_at, s.ends_at, s.ended_at, s.paused_at is not null as is_paused, \
     exists(select 1 from session_devices d where d.session_id = s.id and d.applied = 'on' \
            and d.applied_generation = d.generation) as is_delivered \
     from payments p join users u on u.id = p.user_id left join sessions s on s.payment_id = p.id where 1 = 1";

impl Billing {
    /// Payments, newest first. `after` is the last one of the page before; at most 500 at a time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list_payments(
        &self,
        filter: &PaymentFilter,
        after: Option<PaymentId>,
        limit: u32,
    ) -> Result<Vec<PaymentListed>, StoreError> {
        let mut query = QueryBuilder::<MySql>::new(COLUMNS);
        narrow(&mut query, filter);
        if let Some(after) = after {
            query.push(" and p.id < ").push_bind(after.as_uuid());
        }
        query.push(" order by p.id desc limit ").push_bind(limit.clamp(1, 500));
        let rows = query.build().fetch_all(self.pool()).await?;
        rows.iter().map(|row| read(row, self.now())).collect()
    }

    /// One payment as the lists show it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_listed_payment(&self, id: PaymentId) -> Result<Option<PaymentListed>, StoreError> {
        let mut query = QueryBuilder::<MySql>::new(COLUMNS);
        query.push(" and p.id = ").push_bind(id.as_uuid());
        let row = query.build().fetch_optional(self.pool()).await?;
        row.map(|row| read(&row, self.now())).transpose()
    }

    /// Customers, last seen first, at most 500 at a time; `query` narrows to one phone number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list_users(
        &self,
        query: Option<&str>,
        after: Option<UserCursor>,
        limit: u32,
    ) -> Result<Vec<UserRecord>, StoreError> {
        let number = match query.map(str::trim).filter(|query| !query.is_empty()) {
            None => None,
            Some(text) => match text.parse() {
                Ok(number) => Some(number),
                // Not a phone number, so it is nobody's.
                Err(_) => return Ok(Vec::new()),
            },
        };
        users::list_users(self.pool(), number, after, limit.clamp(1, 500)).await
    }
}

fn narrow(query: &mut QueryBuilder<'_, MySql>, filter: &PaymentFilter) {
    if let Some(status) = filter.status {
        query.push(" and p.status = ").push_bind(status.as_str());
    }
    if let Some(state) = filter.state {
        // The status, which follows from the state, has an index, and states that wait for a person or for M-Pesa are
        // few within theirs.
        query.push(" and p.status = ").push_bind(state.status().as_str());
        query.push(" and p.state = ").push_bind(state.as_str());
    }
    // Keys are UUIDv7, so instants become bounds on the key and the list stays in key order.
    if let Some(from) = filter.from {
        query.push(" and p.id >= ").push_bind(random::uuid_floor(from));
    }
    if let Some(to) = filter.to {
        query.push(" and p.id < ").push_bind(random::uuid_floor(to));
    }
    if let Some(package_id) = filter.package_id {
        query.push(" and p.package_id = ").push_bind(package_id.as_uuid());
    }
    if let Some(router_id) = filter.router_id {
        query.push(" and p.router_id = ").push_bind(router_id.as_uuid());
    }
    let Some(text) = filter.query.as_deref().map(str::trim).filter(|text| !text.is_empty()) else { return };
    if let Ok(msisdn) = text.parse::<Msisdn>() {
        query
            .push(" and p.user_id = (select id from users where msisdn = ")
            .push_bind(msisdn.international())
            .push(")");
    } else if !text.is_ascii() {
        // References and receipts are ASCII, and the database refuses to compare them with anything else.
        query.push(" and 1 = 0");
    } else {
        let text: String = text.chars().take(40).collect();
        query
            .push(" and (p.account_reference = ")
            .push_bind(text.clone())
            .push(" or p.receipt = ")
            .push_bind(text)
            .push(")");
    }
}

fn read(row: &MySqlRow, now: DateTime<Utc>) -> Result<PaymentListed, StoreError> {
    let id: Uuid = row.try_get("id")?;
    let wrong = |column| StoreError::inconsistent("payments", column, id);
    let state: PaymentState = row.try_get::<String, _>("state")?.parse().map_err(|_| wrong("state"))?;
    let receipt: Option<String> = row.try_get("receipt")?;
    Ok(PaymentListed {
        id: id.into(),
        created_at: row.try_get("created_at")?,
        msisdn: row.try_get::<String, _>("msisdn")?.parse().map_err(|_| wrong("user_id"))?,
        package_name: row.try_get("package_name")?,
        amount_kes: row.try_get("amount_kes")?,
        state,
        result_code: row.try_get("result_code")?,
        receipt: receipt.map(|text| text.parse()).transpose().map_err(|_| wrong("receipt"))?,
        account_reference: row.try_get("account_reference")?,
        session_id: row.try_get("session_id")?,
        delivery: delivery(row, now)?,
    })
}

fn delivery(row: &MySqlRow, now: DateTime<Utc>) -> Result<Delivery, StoreError> {
    if row.try_get::<Option<Uuid>, _>("session_id")?.is_none() {
        return Ok(Delivery::None);
    }
    let ended_at: Option<DateTime<Utc>> = row.try_get("ended_at")?;
    let ends_at: Option<DateTime<Utc>> = row.try_get("ends_at")?;
    let starts_at: Option<DateTime<Utc>> = row.try_get("starts_at")?;
    let is_delivered: bool = row.try_get("is_delivered")?;
    // Null without a session, of which there is one here.
    let is_paused: bool = row.try_get("is_paused")?;
    Ok(if ended_at.is_some() || ends_at.is_some_and(|at| at <= now) {
        Delivery::Ended
    } else if is_paused {
        Delivery::Paused
    } else if starts_at.is_none() {
        Delivery::Waiting
    } else if is_delivered {
        Delivery::Online
    } else {
        Delivery::Offline
    })
}
