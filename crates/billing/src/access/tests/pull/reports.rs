//! Who may ask, and reports that are long, cut, old, of others' rows or of an earlier script.

use chrono::TimeDelta;
use domain::MacAddr;
use sqlx::MySqlPool;

use super::{MAC, Row, asked, deps};
use crate::{
    access::pull::{self, Pace, PollError, PullKey},
    db::{
        blocks::{self, BlockRecord},
        router_strangers, session_devices,
    },
    random,
};

const OTHER: &str = "A4:CF:12:00:00:02";

#[sqlx::test(migrations = "../../migrations")]
async fn a_wrong_key_learns_nothing_and_a_new_key_counts_once_it_is_shown(pool: MySqlPool) {
    let (world, router, mut hand) = asked(pool).await;
    let old = hand.key.clone();
    let direct = world.router("direct", 1, "x").await;
    hand.ask().await;
    let body = format!("bando1;n;-;0;last\n{}", hand.about(0));
    let ask = |slug: &'static str, shown: String| {
        let (deps, pace, body) = (deps(&world), Pace::default(), body.clone());
        async move { pull::answer(&deps, &pace, slug, &shown, &body).await }
    };
    let foreign = PullKey::open_for_test(&"0".repeat(64));
    for (slug, shown) in [
        ("main", String::new()),
        ("main", foreign.poll_secret()),
        ("main", old.answer_secret()),
        ("main", old.poll_secret().to_uppercase()),
        ("nobody", old.poll_secret()),
        (direct.slug.clone().leak(), old.poll_secret()),
        ("ma\u{ef}n", old.poll_secret()),
    ] {
        assert!(matches!(ask(slug, shown).await, Err(PollError::Unknown)), "{slug}");
    }
    // A new key is made; the old one counts until the router has the new script.
    let new = pull::make_key(&deps(&world), router.id).await.unwrap();
    assert!(ask("main", old.poll_secret()).await.is_ok());
    assert!(ask("main", new.poll_secret()).await.is_ok());
    assert!(matches!(ask("main", old.poll_secret()).await, Err(PollError::Unknown)));
    assert!(ask("main", new.poll_secret()).await.is_ok());
}

#[sqlx::test(migrations = "../../migrations")]
async fn reports_that_are_cut_or_of_the_past_change_nothing(pool: MySqlPool) {
    let (world, router, mut hand) = asked(pool).await;
    hand.join(MAC);
    world.grant(router.id, MAC, 3600, None).await;
    hand.run().await;
    hand.advance(61);
    let ticket = hand.ask().await.ticket.unwrap();
    let (tables, rows) = hand.tables();
    let about = hand.about(rows);
    let whole = format!("{tables}{about}");
    for cut in [1, whole.len() / 4, tables.len(), whole.len() - 2] {
        let body = format!("bando1;c;{ticket};0;last\n{}", &whole[..cut]);
        assert!(matches!(hand.send(&body).await, Err(PollError::Unreadable)), "{cut}");
    }
    // A second part without its first.
    let body = format!("bando1;c;{ticket};1;last\n{about}");
    assert!(matches!(hand.send(&body).await, Err(PollError::Unreadable)));
    assert!(world.device(router.id).await.is_online);
    // Whole, it still counts; and of two at the same time one does.
    let body = |nonce: &str| format!("bando1;{nonce};{ticket};0;last\n{whole}");
    let (first, second) = (body("a"), body("b"));
    let (one, two) = tokio::join!(hand.send(&first), hand.send(&second));
    assert!(one.is_ok() && two.is_ok());
    assert!(world.device(router.id).await.is_applied);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_thousand_users_come_in_parts_and_a_thousand_purchases_are_told_in_turns(pool: MySqlPool) {
    let (world, router, mut hand) = asked(pool).await;
    let mac = |n: usize| format!("A4:CF:12:00:{:02X}:{:02X}", n >> 8, n & 255);
    let macs: Vec<MacAddr> = (0..1000).map(|n| mac(n).parse().unwrap()).collect();
    world.grant_all(router.id, &macs).await;
    let mut told = hand.ask().await;
    for turn in 0..20 {
        let Some(ticket) = told.ticket.clone() else { break };
        let nonce = format!("t{turn}");
        let (tables, rows) = hand.tables();
        let whole = format!("{tables}{}", hand.about(rows));
        let parts: Vec<&[u8]> = whole.as_bytes().chunks(30_000).collect();
        let mut answer = String::new();
        for (n, part) in parts.iter().enumerate() {
            let last = if n + 1 == parts.len() { "last" } else { "more" };
            let part = std::str::from_utf8(part).unwrap();
            answer = hand.send(&format!("bando1;{nonce};{ticket};{n};{last}\n{part}")).await.unwrap();
            assert_eq!(answer == "ok\n", last == "more");
            if last == "more" && n == 0 {
                // A part that comes twice is one part.
                let again = hand.send(&format!("bando1;{nonce};{ticket};{n};{last}\n{part}")).await;
                assert!(matches!(again, Err(PollError::Unreadable)), "{again:?}");
            }
        }
        assert!(answer.len() < 64 * 1024, "{}", answer.len());
        told = hand.read(&answer, &nonce);
        hand.obey(&told);
    }
    assert_eq!(hand.users.len(), 1000);
    let work = session_devices::list_work(&world.pool, router.id).await.unwrap();
    assert!(work.len() == 1000 && work.iter().all(session_devices::WorkRecord::is_applied));
    let kept: i64 = sqlx::query_scalar("select count(*) from router_pull_parts").fetch_one(&world.pool).await.unwrap();
    assert_eq!(kept, 0);
}

#[sqlx::test(migrations = "../../migrations")]
async fn rows_of_others_are_left_alone_and_what_cannot_be_done_is_said(pool: MySqlPool) {
    let (world, router, mut hand) = asked(pool).await;
    hand.join(MAC);
    let by_hand = Row { profile: "default".into(), comment: "the owner's own".into(), ..Row::default() };
    hand.users.insert(MAC.into(), by_hand.clone());
    world.grant(router.id, MAC, 3600, None).await;
    assert!(!hand.run().await.verbs().contains(&"add"));
    let device = world.device(router.id).await;
    assert!(device.last_error.unwrap().contains("by hand") && device.starts_at.is_none());
    assert_eq!(hand.users[MAC], by_hand);
    // It is gone: delivered as soon as the next attempt is due.
    hand.users.clear();
    hand.advance(61);
    hand.run().await;
    assert!(world.device(router.id).await.is_online);
    // A row of ours that nobody knows goes after its grace.
    let orphan = format!("bando1;g={};e=1999999999", uuid::Uuid::from_u128(9));
    hand.users.insert(OTHER.into(), Row { comment: orphan, ..Row::default() });
    hand.advance(61);
    hand.run().await;
    hand.advance(14 * 60);
    hand.run().await;
    assert!(hand.users.contains_key(OTHER));
    hand.advance(120);
    hand.run().await;
    assert!(!hand.users.contains_key(OTHER) && hand.users.contains_key(MAC));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_guest_who_comes_back_before_it_is_confirmed_is_not_logged_out_twice(pool: MySqlPool) {
    let (world, _, mut hand) = asked(pool).await;
    let mut ticket = hand.ask().await.ticket.unwrap();
    let id = async || -> uuid::Uuid {
        sqlx::query_scalar("select id from router_strangers").fetch_one(&world.pool).await.unwrap()
    };
    // Minutes of the router, seconds of the guest's login, and whether he is to be logged out.
    for (minute, secs, is_told) in [(10, 100, false), (11, 160, true), (12, 220, true), (13, 5, false), (14, 65, false)]
    {
        let nonce = format!("m{minute}");
        let body = format!(
            "bando1;{nonce};{ticket};0;last\nlogin;*1;{OTHER};10.5.50.9;{secs}s;0;0;guest\n\
             router;{};00:{minute}:00;1;1;7.22;hAP;Cafe\nagent;2;6\nend;1\n",
            world.now().timestamp()
        );
        let told = hand.read(&hand.send(&body).await.unwrap(), &nonce);
        let expected = if is_told { vec![format!("logout;{OTHER};10.5.50.9")] } else { Vec::new() };
        assert_eq!(told.commands, expected, "minute {minute}");
        if minute == 10 {
            let mut tx = world.pool.begin().await.unwrap();
            assert!(router_strangers::kick_stranger(&mut tx, id().await, world.now()).await.unwrap().is_some());
            tx.commit().await.unwrap();
        }
        world.clock.advance(TimeDelta::seconds(60));
        ticket = match told.ticket {
            Some(ticket) => ticket,
            None => hand.ask().await.ticket.unwrap(),
        };
    }
    let left: (bool, bool) =
        sqlx::query_as("select is_kicked, gone_at is null from router_strangers").fetch_one(&world.pool).await.unwrap();
    assert_eq!(left, (false, true), "still seen, and not to be logged out again");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_script_of_before_is_not_told_what_it_does_not_know(pool: MySqlPool) {
    let (world, router, mut hand) = asked(pool).await;
    hand.join(MAC);
    world.grant(router.id, MAC, 3600, None).await;
    hand.run().await;
    let block = BlockRecord {
        id: random::uuid(world.now()),
        mac: MAC.parse().unwrap(),
        reason: "a test".into(),
        blocked_by: "owner".into(),
        created_at: world.now(),
    };
    let mut connection = world.pool.acquire().await.unwrap();
    assert!(blocks::insert_block(&mut connection, &block).await.unwrap());
    drop(connection);
    // It says no version, and would do nothing about a binding: the customer is taken off all the same.
    hand.advance(10);
    let told = hand.run().await;
    assert!(told.commands.is_empty() && told.ticket.is_none(), "{told:?}");
    assert!(hand.users.is_empty() && hand.logins.is_empty() && world.device(router.id).await.applied == "off");
}
