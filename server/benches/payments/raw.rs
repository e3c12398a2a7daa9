//! The ceiling: the statements that beginning and settling one payment take, in one transaction for each, straight to
//! the database from as many connections. No HTTP, no JSON, no rules.

use std::time::Duration;

use billing::clock::SystemClock;
use domain::Clock as _;
use sqlx::{MySqlConnection, MySqlPool, Row as _};
use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    Outcome,
    measure::{Load, together},
    rows::{Payment, Shop, Waiting},
};

/// Settles waiting payments.
pub(crate) async fn settle(
    pool: &MySqlPool,
    shop: &Shop,
    waiting: &Waiting,
    connections: usize,
    lasting: Duration,
) -> Outcome<Load> {
    let mut callers = Vec::new();
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(pool.acquire().await?);
    }
    let started = Instant::now();
    for mut connection in open {
        let (waiting, shop) = (waiting.clone(), shop.clone());
        callers.push(async move {
            let mut times = Vec::new();
            while started.elapsed() < lasting {
                let Some(payment) = waiting.next() else { return Err("the payments ran out".into()) };
                let before = Instant::now();
                settle_one(&mut connection, &shop, payment).await?;
                times.push(before.elapsed());
            }
            Ok(times)
        });
    }
    together(callers, started).await
}

async fn settle_one(connection: &mut MySqlConnection, shop: &Shop, payment: Payment) -> Outcome<()> {
    let (receipt, session_id, device_id) = (payment.receipt(), new_id(), new_id());
    let phone = format!("phone:25470{:07}", payment.0 % 10_000_000);
    sqlx::query("begin").execute(&mut *connection).await?;
    let id: Uuid = sqlx::query_scalar("select id from payments where callback_token_hash = ?")
        .bind(payment.token_hash().to_vec())
        .fetch_one(&mut *connection)
        .await?;
    let row = sqlx::query(
        "select p.user_id, p.mac, (select u.msisdn from users u where u.id = p.user_id), p.amount_kes, p.state,
                p.package_id, p.package_name, p.duration_minutes, p.checkout_request_id, p.merchant_request_id, p.receipt
         from payments p where p.id = ? for update",
    )
    .bind(id)
    .fetch_one(&mut *connection)
    .await?;
    let (user_id, mac): (Uuid, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
    sqlx::query("select payment_id from receipts where receipt = ? for update")
        .bind(&receipt)
        .fetch_optional(&mut *connection)
        .await?;
    sqlx::query("delete from prompt_slots where slot in (?, ?) and payment_id = ?")
        .bind(phone)
        .bind(format!("mac:{}", hex::encode(&mac)))
        .bind(id)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "update payments set state = 'succeeded', receipt = ?, result_code = '0', result_desc = 'ok',
                settled_at = utc_timestamp(6), next_query_at = null, updated_at = utc_timestamp(6)
         where id = ? and state = 'pending'",
    )
    .bind(&receipt)
    .bind(id)
    .execute(&mut *connection)
    .await?;
    sqlx::query("insert into receipts (receipt, payment_id, source, amount_kes, created_at) values (?, ?, 'callback', 20, utc_timestamp(6))")
        .bind(&receipt)
        .bind(id)
        .execute(&mut *connection)
        .await?;
    sqlx::query("select session_id from session_devices where router_id = ? and mac = ? for update")
        .bind(shop.router_id)
        .bind(&mac)
        .fetch_optional(&mut *connection)
        .await?;
    sqlx::query(
        "insert into sessions (id, payment_id, user_id, router_id, mac, package_id, package_name, package_revision,
                               duration_secs, devices, created_at, updated_at)
         values (?, ?, ?, ?, ?, ?, '1 hour', 1, 3600, 1, utc_timestamp(6), utc_timestamp(6))",
    )
    .bind(session_id)
    .bind(id)
    .bind(user_id)
    .bind(shop.router_id)
    .bind(&mac)
    .bind(shop.package_id)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "insert into session_devices (id, session_id, router_id, mac, intended, next_try_at, created_at, updated_at)
         values (?, ?, ?, ?, 'on', utc_timestamp(6), utc_timestamp(6), utc_timestamp(6))",
    )
    .bind(device_id)
    .bind(session_id)
    .bind(shop.router_id)
    .bind(&mac)
    .execute(&mut *connection)
    .await?;
    sqlx::query("update users set payments_count = payments_count + 1, paid_kes = paid_kes + 20 where id = ?")
        .bind(user_id)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "insert into payment_events (payment_id, source, outcome, state_before, state_after, body, remote_ip, received_at)
         values (?, 'callback', 'settled', 'pending', 'succeeded', ?, '127.0.0.1', utc_timestamp(6))",
    )
    .bind(id)
    .bind(payment.callback().into_bytes())
    .execute(&mut *connection)
    .await?;
    sqlx::query("commit").execute(&mut *connection).await?;
    Ok(())
}

/// As the program makes ids.
fn new_id() -> Uuid {
    billing::random::uuid(SystemClock.now())
}

/// Begins payments.
pub(crate) async fn begin(pool: &MySqlPool, shop: &Shop, connections: usize, lasting: Duration) -> Outcome<Load> {
    let mut callers = Vec::new();
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(pool.acquire().await?);
    }
    let started = Instant::now();
    for mut connection in open {
        let shop = shop.clone();
        callers.push(async move {
            let mut times = Vec::new();
            while started.elapsed() < lasting {
                let before = Instant::now();
                begin_one(&mut connection, &shop).await?;
                times.push(before.elapsed());
            }
            Ok(times)
        });
    }
    together(callers, started).await
}

async fn begin_one(connection: &mut MySqlConnection, shop: &Shop) -> Outcome<()> {
    let (phone, mac) = shop.next_customer();
    let (id, new_user) = (new_id(), new_id());
    let mac_bytes = hex::decode(mac.replace(':', ""))?;
    let reference = hex::encode_upper(&id.as_bytes()[10..]);
    sqlx::query("begin").execute(&mut *connection).await?;
    for slot in [format!("phone:{phone}"), format!("mac:{mac}")] {
        sqlx::query(
            "insert into prompt_slots (slot, payment_id, until_at) values (?, ?, utc_timestamp(6) + interval 75 second)
             on duplicate key update payment_id = if(until_at <= utc_timestamp(6), values(payment_id), payment_id)",
        )
        .bind(&slot)
        .bind(id)
        .execute(&mut *connection)
        .await?;
        sqlx::query("select payment_id, until_at from prompt_slots where slot = ?")
            .bind(&slot)
            .fetch_one(&mut *connection)
            .await?;
    }
    sqlx::query(
        "insert into users (id, msisdn, msisdn_sha256, created_at, last_seen_at)
         values (?, ?, unhex(sha2(?, 256)), utc_timestamp(6), utc_timestamp(6))
         on duplicate key update last_seen_at = values(last_seen_at)",
    )
    .bind(new_user)
    .bind(&phone)
    .bind(&phone)
    .execute(&mut *connection)
    .await?;
    let user_id: Uuid =
        sqlx::query_scalar("select id from users where msisdn = ?").bind(&phone).fetch_one(&mut *connection).await?;
    for (count, key) in [
        ("select count(*) from payments where user_id = ? and id > ?", user_id.as_bytes().to_vec()),
        ("select count(*) from payments where mac = ? and id > ?", mac_bytes.clone()),
    ] {
        let _: i64 = sqlx::query_scalar(count).bind(key).bind(Uuid::nil()).fetch_one(&mut *connection).await?;
    }
    sqlx::query(
        "insert into payments (id, user_id, package_id, router_id, mac, amount_kes, package_name, package_revision,
                               duration_minutes, devices, state, account_reference, callback_token_hash, request_hash,
                               request_id, watched_at, next_query_at, created_at, updated_at)
         values (?, ?, ?, ?, ?, 20, '1 hour', 1, 60, 1, 'created', ?, ?, ?, 'bench', utc_timestamp(6),
                 utc_timestamp(6) + interval 1 day, utc_timestamp(6), utc_timestamp(6))",
    )
    .bind(id)
    .bind(user_id)
    .bind(shop.package_id)
    .bind(shop.router_id)
    .bind(&mac_bytes)
    .bind(reference)
    .bind(billing::random::digest(&[id.as_bytes()]).to_vec())
    .bind(vec![0_u8; 32])
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "insert into payment_events (payment_id, source, outcome, remote_ip, received_at)
         values (?, 'intake', 'created', '127.0.0.1', utc_timestamp(6))",
    )
    .bind(id)
    .execute(&mut *connection)
    .await?;
    sqlx::query("commit").execute(&mut *connection).await?;
    Ok(())
}
