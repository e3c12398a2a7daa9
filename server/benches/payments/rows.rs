//! Payments made by the thousand, straight in the database, as pressing pay would have left them.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use sha2::{Digest, Sha256};
use sqlx::MySqlPool;
use uuid::Uuid;

use crate::Outcome;

/// Most rows in one statement.
const CHUNK: u32 = 20_000;

/// A database with nothing in it: this makes payments, so it must never meet an owner's.
pub(crate) async fn connect(url: &str) -> Outcome<MySqlPool> {
    let pool = billing::db::connect_lazy(url, 260)?;
    let tables: i64 =
        sqlx::query_scalar("select count(*) from information_schema.tables where table_schema = database()")
            .fetch_one(&pool)
            .await?;
    if tables == 0 { Ok(pool) } else { Err("the database of DATABASE_URL must be empty".into()) }
}

pub(crate) async fn describe(pool: &MySqlPool) -> Outcome<()> {
    let (version, flush): (String, i64) =
        sqlx::query_as("select version(), cast(@@innodb_flush_log_at_trx_commit as signed)").fetch_one(pool).await?;
    println!(
        "database: {version}, innodb_flush_log_at_trx_commit={flush}; callers, server and database share this machine"
    );
    println!("raw: the same statements, one transaction for each, without a server");
    Ok(())
}

/// What is sold where, and the next number of a payment.
#[derive(Clone)]
pub(crate) struct Shop {
    pub(crate) package_id: Uuid,
    pub(crate) router_id: Uuid,
    next: Arc<AtomicU32>,
    customers: Arc<AtomicU32>,
}

impl Shop {
    pub(crate) async fn open(pool: &MySqlPool, package_id: &str) -> Outcome<Self> {
        let router_id: Uuid = sqlx::query_scalar("select id from routers").fetch_one(pool).await?;
        sqlx::query("create table bench_digits (d int unsigned not null primary key)").execute(pool).await?;
        sqlx::query("insert into bench_digits values (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)").execute(pool).await?;
        Ok(Self { package_id: package_id.parse()?, router_id, next: Arc::default(), customers: Arc::default() })
    }

    /// A phone and a device nobody had before.
    pub(crate) fn next_customer(&self) -> (String, String) {
        let n = self.customers.fetch_add(1, Ordering::Relaxed);
        let [a, b, c, d] = n.to_be_bytes();
        (format!("25411{:07}", n % 10_000_000), format!("a4:cf:{a:02x}:{b:02x}:{c:02x}:{d:02x}"))
    }
}

/// A payment that waits for its callback: everything about it follows from its number.
#[derive(Clone, Copy)]
pub(crate) struct Payment(pub(crate) u32);

impl Payment {
    pub(crate) fn token(self) -> String {
        hex::encode(Sha256::digest(format!("token {}", self.0)))
    }

    /// As the program keeps a token.
    pub(crate) fn token_hash(self) -> [u8; 32] {
        billing::random::digest(&[self.token().as_bytes()])
    }

    pub(crate) fn receipt(self) -> String {
        format!("U{:09}", self.0)
    }

    pub(crate) fn callback(self) -> String {
        format!(
            r#"{{"Body":{{"stkCallback":{{"MerchantRequestID":"7a31-{0}","CheckoutRequestID":"ws_CO_{0}","ResultCode":0,"ResultDesc":"The service request is processed successfully.","CallbackMetadata":{{"Item":[{{"Name":"Amount","Value":20.00}},{{"Name":"MpesaReceiptNumber","Value":"{1}"}},{{"Name":"Balance"}},{{"Name":"TransactionDate","Value":20261122083018}},{{"Name":"PhoneNumber","Value":25470{2:07}}}]}}}}}}}}"#,
            self.0,
            self.receipt(),
            self.0 % 10_000_000
        )
    }
}

/// The payments that wait, handed out one after another.
#[derive(Clone)]
pub(crate) struct Waiting {
    next: Arc<AtomicU32>,
    end: u32,
}

impl Waiting {
    /// Those that [`prepare`] made last.
    pub(crate) fn new(shop: &Shop) -> Self {
        let end = shop.next.load(Ordering::Relaxed);
        Self { next: Arc::new(AtomicU32::new(end.saturating_sub(crate::WAITING))), end }
    }

    pub(crate) fn next(&self) -> Option<Payment> {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        (n < self.end).then_some(Payment(n))
    }
}

/// Makes `count` payments that wait for their callback.
pub(crate) async fn prepare(pool: &MySqlPool, shop: &Shop, count: u32) -> Outcome<()> {
    let from = shop.next.fetch_add(count, Ordering::Relaxed);
    insert(pool, shop, from, count, "pending").await?;
    sqlx::query("analyze table payments").fetch_all(pool).await?;
    Ok(())
}

/// Stores payments that are over, as years of trade leave them.
pub(crate) async fn store(pool: &MySqlPool, shop: &Shop, count: u32) -> Outcome<()> {
    eprintln!("storing {count} payments");
    let from = shop.next.fetch_add(count, Ordering::Relaxed);
    insert(pool, shop, from, count, "failed").await?;
    sqlx::query("analyze table payments").fetch_all(pool).await?;
    Ok(())
}

async fn insert(pool: &MySqlPool, shop: &Shop, from: u32, count: u32, state: &str) -> Outcome<()> {
    let mut done = 0;
    while done < count {
        let size = CHUNK.min(count - done);
        insert_chunk(pool, shop, from + done, size, state).await?;
        done += size;
    }
    Ok(())
}

/// `n` runs from `from`; ids grow with it as real ones do, everything else is spread.
async fn insert_chunk(pool: &MySqlPool, shop: &Shop, from: u32, size: u32, state: &str) -> Outcome<()> {
    let numbers = "(select ? + a.d + b.d * 10 + c.d * 100 + e.d * 1000 + f.d * 10000 as n
                    from bench_digits a, bench_digits b, bench_digits c, bench_digits e, bench_digits f) as numbers";
    let mut tx = pool.begin().await?;
    sqlx::query(&format!(
        "insert ignore into users (id, msisdn, msisdn_sha256, created_at, last_seen_at)
         select unhex(md5(concat('user ', n))), concat('25470', lpad(n % 10000000, 7, '0')),
                unhex(sha2(concat('25470', lpad(n % 10000000, 7, '0')), 256)), utc_timestamp(6), utc_timestamp(6)
         from {numbers} where n < ?"
    ))
    .bind(from)
    .bind(from + size)
    .execute(&mut *tx)
    .await?;
    sqlx::query(&format!(
        "insert into payments (id, user_id, package_id, router_id, mac, amount_kes, package_name, package_revision,
                               duration_minutes, devices, state, account_reference, callback_token_hash,
                               checkout_request_id, merchant_request_id, request_hash, request_id, submitted_at,
                               next_query_at, created_at, updated_at)
         select unhex(concat(lpad(hex(1700000000000 + n), 12, '0'), '7', substr(md5(concat('id ', n)), 1, 19))),
                unhex(md5(concat('user ', n))), ?, ?, unhex(concat('02', lpad(hex(n), 10, '0'))), 20, '1 hour', 1, 60, 1,
                ?, concat('R', n), unhex(sha2(concat('64:', sha2(concat('token ', n), 256)), 256)),
                concat('ws_CO_', n), concat('7a31-', n), unhex(repeat('00', 32)), 'bench', utc_timestamp(6),
                if(? = 'pending', utc_timestamp(6) + interval 1 day, null), utc_timestamp(6),
                utc_timestamp(6) - interval if(? = 'pending', 0, 100) day
         from {numbers} where n < ?"
    ))
    .bind(shop.package_id)
    .bind(shop.router_id)
    .bind(state)
    .bind(state)
    .bind(state)
    .bind(from)
    .bind(from + size)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}
