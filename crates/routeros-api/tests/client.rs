//! The client against a router played by hand.
#![expect(clippy::expect_used, reason = "tests")]

mod support;

use std::{sync::Arc, time::Duration};

use routeros_api::{
    CloseReason, Command, Connection, Link, Phase, RouterOsError, Security, Settings, Target, TlsFailure, TrapKind,
    tls::fingerprint,
};
use sha2::{Digest, Sha256};
use support::{Router, credentials, settings};
use tokio::{
    io::{DuplexStream, duplex},
    net::TcpListener,
};

/// A logged-in pair.
async fn pair(settings: Settings) -> (Connection, Router<DuplexStream>) {
    let (ours, theirs) = duplex(4096);
    let mut router = Router::new(theirs);
    let login = credentials();
    let (connection, ()) = tokio::join!(Connection::over(ours, &login, settings), router.accept_login());
    (connection.expect("logs in"), router)
}

fn spawn(
    connection: &Connection,
    command: Command,
) -> tokio::task::JoinHandle<Result<routeros_api::Answer, RouterOsError>> {
    let connection = connection.clone();
    tokio::spawn(async move { connection.run(command).await })
}

#[tokio::test]
async fn commands_run_at_once_and_answers_find_their_callers() {
    let (connection, mut router) = pair(settings()).await;
    let first = spawn(&connection, Command::new("/ip/hotspot/user/print").proplist(&["name"]));
    let one = router.expect(&["/ip/hotspot/user/print", "=.proplist=name"]).await;
    let second = spawn(&connection, Command::new("/ip/hotspot/user/add").attr("name", "x"));
    let two = router.expect(&["/ip/hotspot/user/add", "=name=x"]).await;
    assert_ne!(one, two);
    router
        .send(&[
            &["!re", "=name=stray"],
            &["!re", &one, "=name=a"],
            &["!done", "=ret=*2F", &two],
            &["!brandnew", &one],
            &["!re", "=name=b=c", &one],
            &["!re", &one],
            &["!re", ".tag=nobody", "=name=x"],
            &["!done", &one],
        ])
        .await;
    let rows = first.await.unwrap().unwrap().rows;
    let names: Vec<_> = rows.iter().map(|row| row.get("name")).collect();
    assert_eq!(names, [Some("a"), Some("b=c"), None]);
    assert_eq!(second.await.unwrap().unwrap().ret.as_deref(), Some("*2F"));
}

#[tokio::test]
async fn no_rows_come_with_and_without_empty() {
    let (connection, mut router) = pair(settings()).await;
    for replies in [&["!empty", "!done"][..], &["!done"]] {
        let printing = spawn(&connection, Command::new("/ip/hotspot/user/print").equals("name", "nobody"));
        let tag = router.expect(&["/ip/hotspot/user/print", "?name=nobody"]).await;
        for word in replies {
            assert!(!printing.is_finished(), "only !done ends a command");
            router.send(&[&[word, &tag]]).await;
        }
        assert!(printing.await.unwrap().unwrap().rows.is_empty());
    }
}

#[tokio::test]
async fn every_trap_is_kept_and_done_ends_the_command() {
    let (connection, mut router) = pair(settings()).await;
    let setting = spawn(&connection, Command::new("/ip/hotspot/user/set").attr(".id", "*FF"));
    let tag = router.expect(&["/ip/hotspot/user/set", "=.id=*FF"]).await;
    router.send(&[&["!trap", &tag, "=message=odd", "=extra=1"], &["!trap", &tag, "=message=no such item (4)"]]).await;
    assert!(!setting.is_finished());
    router.send(&[&["!done", &tag]]).await;
    let error = setting.await.unwrap().unwrap_err();
    assert_eq!(error.trap_kind(), Some(&TrapKind::NoSuchItem));
    assert_eq!(error.to_string(), "odd; no such item (4)");
    assert!(!error.is_outcome_unknown() && !error.is_link_fault());
}

#[tokio::test]
async fn only_so_many_commands_are_under_way() {
    let (connection, mut router) = pair(Settings { in_flight: 2, ..settings() }).await;
    let all: Vec<_> = (0..3).map(|n| spawn(&connection, Command::new("/x").attr("n", n.to_string()))).collect();
    let (first, _) = router.command().await.unwrap();
    let (second, _) = router.command().await.unwrap();
    let third = tokio::time::timeout(Duration::from_millis(100), router.command()).await;
    assert!(third.is_err(), "the third waits");
    router.send(&[&["!done", &second]]).await;
    let (third, _) = router.command().await.unwrap();
    router.send(&[&["!done", &first], &["!done", &third]]).await;
    for command in all {
        command.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_without_answer_is_cancelled_and_its_late_answer_dropped() {
    let (connection, mut router) = pair(Settings::default()).await;
    let slow = spawn(&connection, Command::new("/slow"));
    let tag = router.expect(&["/slow"]).await;
    let number = tag.trim_start_matches(".tag=").to_owned();
    let cancel = router.expect(&["/cancel", &format!("=tag={number}")]).await;
    let error = slow.await.unwrap().unwrap_err();
    assert_eq!(error, RouterOsError::Timeout { phase: Phase::Command });
    assert!(error.is_outcome_unknown());
    router
        .send(&[
            &["!trap", &tag, "=category=2", "=message=interrupted"],
            &["!done", &cancel],
            &["!done", &tag, "=ret=late"],
        ])
        .await;
    let next = spawn(&connection, Command::new("/next"));
    let tag = router.expect(&["/next"]).await;
    router.send(&[&["!done", &tag, "=ret=fresh"]]).await;
    assert_eq!(next.await.unwrap().unwrap().ret.as_deref(), Some("fresh"));
}

#[tokio::test(start_paused = true)]
async fn a_router_that_says_nothing_at_all_is_given_up() {
    let (connection, mut router) = pair(Settings::default()).await;
    let slow = spawn(&connection, Command::new("/slow"));
    router.expect(&["/slow"]).await;
    assert_eq!(slow.await.unwrap().unwrap_err(), RouterOsError::Timeout { phase: Phase::Command });
    assert_eq!(connection.closed().await, CloseReason::Silent);
    assert_eq!(connection.run(Command::new("/x")).await.unwrap_err(), RouterOsError::Closed(CloseReason::Silent));
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_kept_alive() {
    let (connection, mut router) = pair(Settings::default()).await;
    for _ in 0..2 {
        let tag = router.expect(&["/system/identity/print", "=.proplist=name"]).await;
        router.send(&[&["!re", &tag, "=name=MikroTik"], &["!done", &tag]]).await;
    }
    assert!(!connection.is_closed());
}

#[tokio::test]
async fn the_end_of_a_connection_reaches_every_waiter_with_its_reason() {
    for (bytes, reason) in [
        (&b""[..], CloseReason::EndOfStream),
        (b"\x05!do", CloseReason::CutInsideSentence),
        (
            b"\x06!fatal\x1dsession terminated on request\x00",
            CloseReason::Fatal("session terminated on request".into()),
        ),
        (b"\xff", CloseReason::Wire(routeros_api::wire::WireError::ControlByte(0xff))),
        (
            b"\xf0\x7f\xff\xff\xff",
            CloseReason::Wire(routeros_api::wire::WireError::WordTooLong { bytes: 0x7fff_ffff, limit: 1 << 20 }),
        ),
    ] {
        let (connection, mut router) = pair(Settings { in_flight: 1, ..settings() }).await;
        let waiting: Vec<_> = (0..3).map(|_| spawn(&connection, Command::new("/x"))).collect();
        router.command().await.unwrap();
        router.raw(bytes).await;
        if matches!(reason, CloseReason::EndOfStream | CloseReason::CutInsideSentence) {
            drop(router);
        }
        for command in waiting {
            assert_eq!(command.await.unwrap().unwrap_err(), RouterOsError::Closed(reason.clone()));
        }
        assert_eq!(connection.closed().await, reason);
        assert!(connection.is_closed());
    }
}

#[tokio::test]
async fn dropping_the_last_handle_closes_the_connection() {
    let (connection, mut router) = pair(settings()).await;
    drop(connection);
    assert_eq!(router.read().await, None);
}

/// Plays one login against `answers` and returns what the client makes of it.
async fn login(answers: &[u8], is_legacy_login_allowed: bool) -> (Result<Connection, RouterOsError>, Vec<String>) {
    let (ours, theirs) = duplex(4096);
    let mut router = Router::new(theirs);
    let settings = Settings { is_legacy_login_allowed, ..settings() };
    let login = credentials();
    let played = async {
        let first = router.read().await.expect("a login");
        router.raw(answers).await;
        if is_legacy_login_allowed {
            let second = router.read().await.expect("a second login");
            router.send(&[&["!done"]]).await;
            return second;
        }
        drop(router);
        first
    };
    tokio::join!(Connection::over(ours, &login, settings), played)
}

#[tokio::test]
async fn logins_that_fail_say_why() {
    let challenge = b"\x05!done\x25=ret=000102030405060708090a0b0c0d0e0f\x00";
    let wrong = b"\x05!trap\x2a=message=invalid user name or password (6)\x00\x05!done\x00";
    let old = b"\x05!trap\x16=message=cannot log in\x00\x05!done\x00";
    let booting = b"\x05!trap\x1b=message=system is starting\x00\x05!done\x00";
    assert_eq!(login(wrong, false).await.0.unwrap_err(), RouterOsError::AuthFailed);
    assert_eq!(login(old, false).await.0.unwrap_err(), RouterOsError::AuthFailed);
    assert_eq!(login(challenge, false).await.0.unwrap_err(), RouterOsError::LegacyLoginRequired);
    assert_eq!(login(booting, false).await.0.unwrap_err(), RouterOsError::NotReady("system is starting".into()));
    assert_eq!(login(b"", false).await.0.unwrap_err(), RouterOsError::Closed(CloseReason::EndOfStream));
    let (connection, words) = login(challenge, true).await;
    assert!(connection.is_ok());
    assert_eq!(words[..2], ["/login", "=name=admin"]);
    // MD5 of 00, "s3cret" and the challenge, computed with another tool.
    assert_eq!(words[2], "=response=004f77d7743a6acd7f5bfba1740b7221e4");
}

#[tokio::test]
async fn a_stranger_cannot_make_us_take_much_before_the_login() {
    let mut flood = Vec::new();
    for _ in 0..2000 {
        flood.extend_from_slice(b"\x03!re\x0a=name=aaaa\x00");
    }
    let (ours, theirs) = duplex(64 << 10);
    let mut router = Router::new(theirs);
    router.raw(&flood).await;
    let error = Connection::over(ours, &credentials(), settings()).await.unwrap_err();
    assert_eq!(error, RouterOsError::Unexpected("too much before the login was answered"));
}

#[tokio::test(start_paused = true)]
async fn a_login_without_answer_times_out() {
    let (ours, _theirs) = duplex(4096);
    let error = Connection::over(ours, &credentials(), Settings::default()).await.unwrap_err();
    assert_eq!(error, RouterOsError::Timeout { phase: Phase::Login });
}

fn target(port: u16, security: Security) -> Target {
    Target { host: "127.0.0.1".into(), port, security }
}

#[tokio::test]
async fn a_link_reconnects_and_takes_a_refused_password_after_an_outage_for_a_start() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let link = Link::new(target(port, Security::Plain), credentials(), settings(), 1);
    let accept = || async { Router::new(listener.accept().await.unwrap().0) };

    let (first, router) = tokio::join!(link.connection(), async {
        let mut router = accept().await;
        router.accept_login().await;
        router
    });
    let first = first.unwrap();
    drop(router);
    first.closed().await;

    let (refused, ()) = tokio::join!(link.connection(), async {
        let mut router = accept().await;
        router.read().await.unwrap();
        router.send(&[&["!trap", "=message=invalid user name or password (6)"], &["!done"]]).await;
    });
    assert!(matches!(refused.unwrap_err(), RouterOsError::NotReady(_)));

    let (second, _router) = tokio::join!(link.connection(), async {
        let mut router = accept().await;
        router.accept_login().await;
        router
    });
    assert!(!second.unwrap().is_closed());
    assert_eq!(link.retry_in().await, None);
}

#[tokio::test]
async fn a_wrong_password_from_the_start_is_just_that() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let link = Link::new(target(port, Security::Plain), credentials(), settings(), 1);
    let (refused, ()) = tokio::join!(link.connection(), async {
        let mut router = Router::new(listener.accept().await.unwrap().0);
        router.read().await.unwrap();
        router.send(&[&["!trap", "=message=invalid user name or password (6)"], &["!done"]]).await;
    });
    assert_eq!(refused.unwrap_err(), RouterOsError::AuthFailed);
}

#[tokio::test]
async fn after_three_failures_callers_are_refused_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let link = Link::new(target(port, Security::Plain), credentials(), settings(), 1);
    for _ in 0..3 {
        assert_eq!(link.connection().await.unwrap_err(), RouterOsError::Connect(std::io::ErrorKind::ConnectionRefused));
    }
    let RouterOsError::CircuitOpen { cause, .. } = link.connection().await.unwrap_err() else {
        panic!("refused at once")
    };
    assert_eq!(*cause, RouterOsError::Connect(std::io::ErrorKind::ConnectionRefused));
    assert!(link.retry_in().await.is_some());
}

#[tokio::test]
async fn a_name_without_address_is_said_so() {
    let target = Target { host: "router.invalid".into(), port: 8728, security: Security::Plain };
    let error = Connection::open(&target, &credentials(), settings()).await.unwrap_err();
    assert_eq!(error, RouterOsError::UnknownName);
}

#[tokio::test]
async fn tls_goes_to_the_pinned_certificate_and_to_no_other() {
    let made = rcgen::generate_simple_self_signed(vec!["router".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let pin: [u8; 32] = Sha256::digest(&certificate).into();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(stream) = acceptor.accept(stream).await {
                let mut router = Router::new(stream);
                if let Some(words) = router.read().await {
                    assert_eq!(words[0], "/login");
                    router.send(&[&["!done"]]).await;
                    let (tag, _) = router.command().await.unwrap();
                    router.send(&[&["!re", &tag, "=name=secured"], &["!done", &tag]]).await;
                }
            }
        }
    });
    let open = |security| async move { Connection::open(&target(port, security), &credentials(), settings()).await };

    assert_eq!(
        open(Security::Pinned([7; 32])).await.unwrap_err(),
        RouterOsError::Tls(TlsFailure::WrongPin { seen: hex::encode(pin) })
    );
    assert_eq!(fingerprint(&target(port, Security::Plain), settings()).await, Ok(pin));
    let connection = open(Security::Pinned(pin)).await.unwrap();
    let answer = connection.run(Command::new("/system/identity/print")).await.unwrap();
    assert_eq!(answer.rows[0].get("name"), Some("secured"));
}

#[tokio::test]
async fn tls_to_a_port_without_tls_fails_as_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        Router::new(stream).raw(b"\x06!fatal\x0dnot logged in\x00").await;
    });
    let error = Connection::open(&target(port, Security::Pinned([0; 32])), &credentials(), settings()).await;
    assert!(matches!(error.unwrap_err(), RouterOsError::Tls(TlsFailure::Handshake(_))));
}
