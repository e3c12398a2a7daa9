//! What the list costs.

use std::sync::Arc;

use billing::{admins::Role, clock::ManualClock, live::LiveFilter, routers::NewRouter};
use domain::live::LiveState;
use secrecy::SecretString;
use sqlx::{MySqlPool, mysql::MySqlPoolOptions};

use crate::{engine, start_of_time};

#[sqlx::test(migrations = "../../migrations")]
async fn a_long_history_costs_the_list_nothing(pool: MySqlPool) {
    // One connection, so that what it read can be counted.
    let options = MySqlPoolOptions::new().max_connections(1);
    let single = options.connect_with((*pool.connect_options()).clone()).await.unwrap();
    let clock = Arc::new(ManualClock::new(start_of_time()));
    let billing = engine(single.clone(), clock);
    let new = NewRouter {
        name: "main".into(),
        host: "127.0.0.1".into(),
        port: 1,
        username: "admin".into(),
        password: SecretString::from("bando"),
        tls_pin: None,
    };
    let router = billing.add_router(&new).await.unwrap();
    let fill = "
        insert into packages (id, name, duration_minutes, price_kes, created_at, updated_at)
        values (unhex(lpad('1', 32, '0')), '1 hour', 60, 20, '2026-01-01', '2026-01-01');
        insert into admin_users (id, username, password_hash, role, created_at, updated_at)
        values (unhex(lpad('1', 32, '0')), 'owner', 'x', 'owner', '2026-01-01', '2026-01-01');
        create table digits (d int); insert into digits values (0),(1),(2),(3),(4),(5),(6),(7),(8),(9);
        create table numbers as
            select a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d as n
            from digits a, digits b, digits c, digits e, digits f;
        insert into sessions (id, granted_by, grant_reason, router_id, mac, package_id, package_name, package_revision,
                              duration_secs, devices, starts_at, ends_at, ended_at, end_reason, created_at, updated_at)
            select unhex(lpad(hex(n), 32, '0')), unhex(lpad('1', 32, '0')), 'a test', (select id from routers),
                   unhex(concat('02', lpad(hex(n), 10, '0'))), unhex(lpad('1', 32, '0')), '1 hour', 1, 3600, 1, '2026-01-01',
                   if(n % 100 = 0, '2096-01-01', '2026-01-01 01:00:00'), if(n % 100 = 0, null, '2026-01-01 01:00:00'),
                   if(n % 100 = 0, null, 'expired'), '2026-01-01', '2026-01-01'
            from numbers;
        insert into session_devices (id, session_id, router_id, mac, intended, applied, applied_generation, is_online,
                                     created_at, updated_at)
            select id, id, router_id, mac, if(ended_at is null, 'on', 'off'), if(ended_at is null, 'on', 'off'), 1,
                   ended_at is null, created_at, updated_at
            from sessions;
        update sessions set paused_at = '2026-01-01', starts_at = null, ends_at = null
            where ended_at is null order by id limit 5;
        update session_devices d join sessions s on s.id = d.session_id set d.intended = 'off' where s.paused_at is not null;
        analyze table sessions, session_devices";
    sqlx::raw_sql(fill).execute(&single).await.unwrap();
    let read = async || -> i64 {
        let rows: Vec<(String, String)> =
            sqlx::query_as("show session status like 'Handler_read%'").fetch_all(&single).await.unwrap();
        rows.iter().map(|(_, value)| value.parse::<i64>().unwrap()).sum()
    };
    let mut after = None;
    let mut seen = std::collections::BTreeSet::new();
    loop {
        let before = read().await;
        let page = billing.list_live(&LiveFilter::default(), after, 51, Role::Owner).await.unwrap();
        let rows_read = read().await - before;
        assert!(rows_read < 6000, "{rows_read} rows were read for a page of 51");
        let is_last = page.len() < 51;
        for row in page.into_iter().take(50) {
            after = Some(row.id);
            assert!(seen.insert(row.id), "no row twice");
        }
        if is_last {
            break;
        }
    }
    assert_eq!(seen.len(), 1000, "every row of those that are live, and no other");
    let before = read().await;
    let counts = billing.count_live(Some(router.id)).await.unwrap();
    assert_eq!((counts.away + counts.online + counts.waiting, counts.paused), (995, 5));
    let rows_read = read().await - before;
    assert!(rows_read < 10_000, "{rows_read} rows were read to count a thousand");
    for (filter, found) in [
        (LiveFilter { state: Some(LiveState::Paused), ..LiveFilter::default() }, 5),
        (LiveFilter { query: Some("02:00:00:00:00:64".into()), ..LiveFilter::default() }, 1),
        (LiveFilter { query: Some("0712 345 678".into()), ..LiveFilter::default() }, 0),
        (LiveFilter { query: Some("%".into()), ..LiveFilter::default() }, 0),
        (LiveFilter { query: Some("1 ho".into()), ..LiveFilter::default() }, 51),
    ] {
        let before = read().await;
        assert_eq!(billing.list_live(&filter, None, 51, Role::Owner).await.unwrap().len(), found, "{filter:?}");
        let rows_read = read().await - before;
        assert!(rows_read < 10_000, "{rows_read} rows were read for {filter:?}");
    }
}
