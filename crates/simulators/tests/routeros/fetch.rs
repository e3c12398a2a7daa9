//! `/tool/fetch`: real HTTP and HTTPS, and certificates as the router trusts them.

use std::{net::SocketAddr, sync::Arc};

use simulators::routeros::{Options, RosVersion, Sim, Unconfirmed};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::support::{Api, router, secs, value};

/// A server that answers each request with what `answer` makes of its head and body.
async fn server(answer: fn(&str, &str) -> String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(talk(stream, answer));
        }
    });
    addr
}

async fn talk<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(
    mut stream: S,
    answer: fn(&str, &str) -> String,
) {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let (head, body) = loop {
        let Ok(count) = stream.read(&mut buffer).await else { return };
        if count == 0 {
            return;
        }
        bytes.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")?.parse().ok()).unwrap_or(0);
        if body.len() >= length {
            break (head.to_owned(), body.to_owned());
        }
    };
    let _ = stream.write_all(answer(&head, &body).as_bytes()).await;
    let _ = stream.shutdown().await;
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn echo(head: &str, body: &str) -> String {
    match head.split(' ').nth(1).unwrap() {
        "/missing" => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
        "/moved" => "HTTP/1.1 302 Found\r\nLocation: /hello\r\nContent-Length: 0\r\n\r\n".to_owned(),
        "/chunked" => {
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n".to_owned()
        }
        "/big" => ok(&"x".repeat(70_000)),
        "/script.rsc" => ok(":global fetched yes\n/ip hotspot user add name=fetched\n"),
        "/hello" => ok("hello"),
        _ => ok(&format!("{head}\n--\n{body}")),
    }
}

#[tokio::test]
async fn http_is_spoken_for_real() {
    let sim = router().await;
    let addr = server(echo).await;
    sim.put_on_internet("portal.example", addr);
    let seen = sim
        .paste(
            ":put ([/tool fetch url=\"http://portal.example/x?a=1&b=2\" http-method=post http-data=\"a=b\\nc\" \
             http-header-field=\"X-One: 1,X-Two: 2\" user=u password=p output=user as-value]->\"data\")",
        )
        .await;
    assert_eq!(seen.error(), None, "{}", seen.screen());
    let text = seen.output();
    for part in [
        "POST /x?a=1&b=2 HTTP/1.1",
        "Host: portal.example",
        "X-One: 1",
        "X-Two: 2",
        "Authorization: Basic dTpw",
        "Content-Length: 5",
        "--\na=b\nc",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let base = format!("http://{addr}");
    let value_of = |path: &str| format!(":put ([/tool fetch url=\"{base}/{path}\" output=user as-value]->\"data\")");
    assert_eq!(sim.paste(&value_of("chunked")).await.output(), "abcde\n");
    assert_eq!(sim.paste(&value_of("big")).await.error(), Some("failure: too much data for output=user"));
    for (path, expected) in
        [("missing", "failure: Fetch failed with status 404"), ("moved", "failure: Fetch failed with status 302")]
    {
        assert_eq!(sim.paste(&value_of(path)).await.error(), Some(expected));
    }
    let followed =
        format!(":put ([/tool fetch url=\"{base}/moved\" http-max-redirect-count=1 output=user as-value]->\"data\")");
    assert_eq!(sim.paste(&followed).await.output(), "hello\n");
    // Into a file, and from there run.
    let seen = sim.paste(&format!("/tool fetch url=\"{base}/script.rsc\" dst-path=bando.rsc; /import bando.rsc")).await;
    assert_eq!(seen.error(), None);
    assert!(seen.output().contains("status: finished") && seen.output().contains("loaded and executed"));
    assert_eq!(value(&sim.users()[1], "name"), "fetched");
    assert_eq!(sim.paste(&format!("/tool fetch url=\"{base}/big\"")).await.error(), None);
    assert_eq!(sim.file("big").unwrap().len(), 70_000);
    // What is too long for `contents` is not shown.
    assert_eq!(sim.paste(":put [:typeof [/file get big contents]]").await.output(), "nothing\n");
}

#[tokio::test]
async fn what_cannot_be_reached_is_said_in_the_routers_words() {
    let sim = router().await;
    let addr = server(echo).await;
    sim.put_on_internet("portal.example", addr);
    let fetch = |url: &str| format!("/tool fetch url=\"{url}\" output=none");
    for (url, expected) in [
        ("http://nowhere.example/", "failure: resolving error"),
        ("http://192.0.2.1/", "failure: connection timeout"),
        ("http://127.0.0.1:1/", "failure: closing connection: <connection failed> 127.0.0.1:1 (4)"),
        ("ftp://portal.example/", "failure: invalid URL protocol"),
    ] {
        assert_eq!(sim.paste(&fetch(url)).await.error(), Some(expected));
    }
    sim.set_internet(false);
    assert_eq!(sim.paste(&fetch("http://portal.example/")).await.error(), Some("failure: resolving error"));
    sim.set_internet(true);
    assert_eq!(sim.paste(&fetch("http://portal.example/")).await.error(), None);
    assert_eq!(
        sim.paste("/tool fetch url=x bogus=1").await.error(),
        Some("expected end of command (line 1 column 19)")
    );
    let old = Sim::start(Options { ros: RosVersion::V7_10, ..Options::default() }).await.unwrap();
    let seen = old.paste(&fetch(&format!("http://{addr}/missing"))).await;
    assert_eq!(seen.error(), Some(format!("failure: closing connection: <404 Not Found> {addr} (4)").as_str()));
    // Caught like any error, and over the API it is a trap.
    let caught = format!(":do {{ {} }} on-error={{ :put caught }}", fetch("http://nowhere.example/"));
    assert!(sim.paste(&caught).await.output().contains("caught"));
    let mut api = Api::login(&sim).await;
    let url = format!("=url=http://{addr}/hello");
    let rows = api.rows(&["/tool/fetch", &url, "=output=user", "=as-value="]).await;
    assert!(rows[0].contains(&"=data=hello".to_owned()), "{rows:?}");
    assert_eq!(api.refused(&["/tool/fetch", "=url=http://nowhere.example/"]).await, "failure: resolving error");
}

/// A server with a certificate by an authority of its own, and that authority in PEM.
async fn tls_server(name: &str) -> (SocketAddr, String) {
    let mut params = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, "Test CA");
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2027, 12, 31);
    let ca_key = rcgen::KeyPair::generate().unwrap();
    let ca = params.self_signed(&ca_key).unwrap();
    let mut leaf = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    leaf.not_before = rcgen::date_time_ymd(2026, 1, 1);
    leaf.not_after = rcgen::date_time_ymd(2027, 6, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    let cert = leaf.signed_by(&key, &rcgen::Issuer::new(params, ca_key)).unwrap();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der());
    let config = rustls::ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into())
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                tokio::spawn(talk(stream, echo));
            }
        }
    });
    (addr, ca.pem())
}

#[tokio::test]
async fn certificates_are_checked_by_the_routers_store_and_clock() {
    let sim = router().await;
    let (addr, ca) = tls_server("portal.example").await;
    for name in ["portal.example", "other.example"] {
        sim.put_on_internet(name, addr);
    }
    let fetch = |host: &str, check: &str| {
        format!(
            ":put ([/tool fetch url=\"https://{host}/hello\" check-certificate={check} output=user as-value]->\"data\")"
        )
    };
    assert_eq!(sim.paste(&fetch("portal.example", "no")).await.output(), "hello\n");
    let untrusted = "failure: SSL: ssl: no trusted CA certificate found (6)";
    assert_eq!(sim.paste(&fetch("portal.example", "yes-without-crl")).await.error(), Some(untrusted));
    sim.put_file("ca.crt", &ca);
    assert_eq!(sim.paste("/certificate import file-name=ca.crt passphrase=\"\"").await.error(), None);
    let row = &sim.rows("/certificate").unwrap()[0];
    assert_eq!((value(row, "name"), value(row, "common-name"), value(row, "trusted")), ("ca.crt_0", "Test CA", "true"));
    assert_eq!(sim.paste(&fetch("portal.example", "yes-without-crl")).await.output(), "hello\n");
    let no_list = "failure: SSL: handshake failed: unable to get certificate CRL (6)";
    assert_eq!(sim.paste(&fetch("portal.example", "yes")).await.error(), Some(no_list));
    let wrong_name = "failure: SSL: ssl: certificate name does not match (6)";
    assert_eq!(sim.paste(&fetch("other.example", "yes-without-crl")).await.error(), Some(wrong_name));
    // After a reboot it is 1970, and no certificate is valid yet.
    sim.reboot(simulators::routeros::Reboot::Clean);
    let early = "failure: SSL: ssl: certificate not yet valid (6)";
    assert_eq!(sim.paste(&fetch("portal.example", "yes-without-crl")).await.error(), Some(early));
    sim.ntp();
    sim.advance(secs(3 * 365 * 86_400));
    let late = "failure: SSL: ssl: certificate has expired (6)";
    assert_eq!(sim.paste(&fetch("portal.example", "yes-without-crl")).await.error(), Some(late));
    let unconfirmed = Unconfirmed { crl_missing_fails: false, ..Unconfirmed::default() };
    let lenient = Sim::start(Options { unconfirmed, ..Options::default() }).await.unwrap();
    lenient.put_on_internet("portal.example", addr);
    lenient.put_file("ca.crt", &ca);
    assert_eq!(lenient.paste("/certificate import file-name=ca.crt").await.error(), None);
    assert_eq!(lenient.paste(&fetch("portal.example", "yes")).await.output(), "hello\n");
}

#[tokio::test]
async fn the_clock_stands_still_while_a_script_asks_the_network() {
    let sim = router().await;
    let addr = server(echo).await;
    let text = format!(
        "/system script add name=poll policy=read,write,test source={{\n\
         :global polls\n:local got [:len ([/tool fetch url=\"http://{addr}/hello\" output=user as-value]->\"data\")]\n:set polls ($polls + $got)\n}}\n\
         :global polls 0\n\
         /system scheduler add name=poll interval=10s on-event=poll policy=read,write,test\n"
    );
    assert_eq!(sim.paste(&text).await.error(), None);
    sim.advance_through(secs(60)).await;
    assert_eq!(sim.paste(":put $polls").await.output(), "30\n");
    assert_eq!(sim.state().now_ms, 60_000);
    // Without waiting the answers come when they come.
    sim.advance(secs(20));
    sim.scripts_idle().await;
    assert_eq!(sim.paste(":put $polls").await.output(), "40\n");
    // Over the API a script that asks the network holds up nobody else.
    let mut api = Api::login(&sim).await;
    api.say(&["/system/script/run", "=.id=poll", ".tag=slow"]).await;
    api.say(&["/system/identity/print", ".tag=quick"]).await;
    let mut done = Vec::new();
    while done.len() < 2 {
        let sentence = api.hear().await.unwrap();
        if sentence[0] == "!done" {
            done.push(sentence[1].clone());
        }
    }
    done.sort();
    assert_eq!(done, [".tag=quick", ".tag=slow"]);
    assert!(sim.running_scripts().is_empty());
}
