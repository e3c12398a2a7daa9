//! Framing, login, tags, cancel, queries: the protocol itself.

use std::net::{Ipv4Addr, SocketAddr};

use md5::{Digest, Md5};
use simulators::routeros::{Account, Options, RosVersion, Sim, Unconfirmed};
use tokio::io::AsyncReadExt;

use crate::support::{Api, Closed, MAC, router, sentence};

const LOGIN: &[u8] = b"\x06/login\x0b=name=admin\x0f=password=bando\x00";

async fn heard(api: &mut Api, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    tokio::time::timeout(crate::support::PATIENCE, api.stream.read_exact(&mut bytes)).await.unwrap().unwrap();
    bytes
}

#[tokio::test]
async fn a_sentence_byte_by_byte_and_in_pieces() {
    let sim = router().await;
    let mut api = Api::open(&sim).await;
    for byte in LOGIN {
        api.send(&[*byte]).await;
    }
    assert_eq!(heard(&mut api, 7).await, b"\x05!done\x00");
    // Without its terminator nothing happens: the rest arrives later, then the answer comes.
    api.send(b"\x14/system/identity/set\x0a=name=").await;
    api.send(b"Cafe\x00").await;
    assert_eq!(heard(&mut api, 7).await, b"\x05!done\x00");
    assert_eq!(sim.state().identity, "Cafe");
}

#[tokio::test]
async fn replies_in_hand_written_bytes() {
    let sim = router().await;
    let mut api = Api::open(&sim).await;
    api.send(LOGIN).await;
    assert_eq!(heard(&mut api, 7).await, b"\x05!done\x00");
    api.send(b"\x16/ip/hotspot/user/print\x06.tag=7\x0c=count-only=\x00").await;
    assert_eq!(heard(&mut api, 21).await, b"\x05!done\x06.tag=7\x06=ret=1\x00");
    // A word of 0x100 bytes: its prefix 81 00 contains a zero that ends nothing.
    let comment = [b"=comment=".as_slice(), &[b'x'; 0x100 - 9]].concat();
    let bytes = [b"\x14/ip/hotspot/user/set\x09=.id=vera\x81\x00".as_slice(), &comment, b"\x00"].concat();
    api.say(&["/ip/hotspot/user/add", "=name=vera"]).await;
    assert_eq!(heard(&mut api, 15).await, b"\x05!done\x07=ret=*1\x00");
    api.send(&bytes).await;
    assert_eq!(heard(&mut api, 7).await, b"\x05!done\x00");
    api.say(&["/ip/hotspot/user/print", "=.proplist=comment", "?name=vera"]).await;
    let row = [b"\x03!re\x81\x00".as_slice(), &comment, b"\x00\x05!done\x00"].concat();
    assert_eq!(heard(&mut api, row.len()).await, row);
}

#[tokio::test]
async fn sentences_glued_and_empty() {
    let sim = router().await;
    let mut api = Api::open(&sim).await;
    let identity = sentence(&[b"/system/identity/print", b".tag=a"]);
    api.send(&[b"\0\0".as_slice(), LOGIN, b"\0", &identity, b"\0\0", &identity].concat()).await;
    assert_eq!(api.hear().await.unwrap(), ["!done"]);
    for _ in 0..2 {
        assert_eq!(api.hear().await.unwrap(), ["!re", ".tag=a", "=name=MikroTik"]);
        assert_eq!(api.hear().await.unwrap(), ["!done", ".tag=a"]);
    }
}

#[tokio::test]
async fn values_are_raw_bytes_of_any_length() {
    let sim = router().await;
    let mut api = Api::login(&sim).await;
    for (name, value) in
        [("odd", b"a=b\r\n\0\xff\xfe=".to_vec()), ("long", vec![b'y'; 20_000]), ("kilo", vec![0xc3; 0x3fff])]
    {
        let named = format!("=name={name}");
        let comment = [b"=comment=".as_slice(), &value].concat();
        api.send(&sentence(&[b"/ip/hotspot/user/add", named.as_bytes(), &comment])).await;
        assert_eq!(api.hear().await.unwrap()[0], "!done");
        api.say(&["/ip/hotspot/user/print", "=.proplist=comment", &format!("?name={name}")]).await;
        assert_eq!(api.hear_bytes().await.unwrap(), [b"!re".to_vec(), comment]);
        assert_eq!(api.hear().await.unwrap(), ["!done"]);
    }
}

#[tokio::test]
async fn reserved_and_undefined_lengths_close() {
    let sim = router().await;
    for byte in [0xf1, 0xf7, 0xf8, 0xff] {
        let mut api = Api::login(&sim).await;
        api.send(&[byte]).await;
        assert_eq!(api.hear().await, Err(Closed), "{byte:#x}");
    }
}

#[tokio::test]
async fn nothing_but_login_before_login() {
    let sim = router().await;
    let mut api = Api::open(&sim).await;
    api.say(&["/system/identity/print", ".tag=1"]).await;
    assert_eq!(api.hear().await.unwrap(), ["!fatal", "not logged in"]);
    assert_eq!(api.hear().await, Err(Closed));

    // Refused, and the socket stays open for another try.
    let mut api = Api::open(&sim).await;
    for _ in 0..2 {
        let refused = api.refused(&["/login", "=name=admin", "=password=wrong"]).await;
        assert_eq!(refused, "invalid user name or password (6)");
    }
    assert_eq!(api.refused(&["/login"]).await, "invalid user name or password (6)");
    api.does(&["/login", "=password=bando", "=name=admin"]).await;

    let mut api = Api::open(&sim).await;
    api.send(&vec![b'a'; 20_000]).await;
    assert_eq!(api.hear().await, Err(Closed));
    assert!(!format!("{:?}", sim.log()).contains("bando"), "passwords are not logged");
}

#[tokio::test]
async fn login_by_challenge_before_6_43() {
    let sim = Sim::start(Options { ros: RosVersion::V6_42, ..Options::default() }).await.unwrap();
    let mut api = Api::open(&sim).await;
    // A current client's plain login gets a challenge as well; that is how it notices.
    for (first, password, accepted) in [
        (vec!["/login"], "wrong", false),
        (vec!["/login"], "bando", true),
        (vec!["/login", "=name=admin", "=password=bando"], "bando", true),
    ] {
        let answer = api.ask(&first).await;
        let challenge = hex::decode(answer[0][1].strip_prefix("=ret=").unwrap()).unwrap();
        assert_eq!(challenge.len(), 16);
        let digest = Md5::new().chain_update([0]).chain_update(password).chain_update(&challenge).finalize();
        let response = format!("=response=00{}", hex::encode(digest));
        let words = ["/login", "=name=admin", &response];
        if accepted {
            api.does(&words).await;
            // A challenge is good once.
            assert_eq!(api.refused(&words).await, "cannot log in");
        } else {
            assert_eq!(api.refused(&words).await, "cannot log in");
        }
    }
}

#[tokio::test]
async fn an_empty_password_is_a_password() {
    let account = Account { name: "admin".into(), password: String::new(), group: "full".into() };
    let sim = Sim::start(Options { accounts: vec![account], ..Options::default() }).await.unwrap();
    let mut api = Api::open(&sim).await;
    api.send(b"\x06/login\x0b=name=admin\x0a=password=\x00").await;
    assert_eq!(heard(&mut api, 7).await, b"\x05!done\x00");
    // `=password` without its second `=` means the same.
    let mut api = Api::open(&sim).await;
    api.does(&["/login", "=name=admin", "=password"]).await;
}

#[tokio::test]
async fn quit_is_fatal() {
    let sim = router().await;
    let mut api = Api::login(&sim).await;
    api.say(&["/quit", ".tag=9"]).await;
    assert_eq!(api.hear().await.unwrap(), ["!fatal", "session terminated on request"]);
    assert_eq!(api.hear().await, Err(Closed));
}

#[tokio::test]
async fn unknown_commands_are_traps() {
    let sim = router().await;
    let mut api = Api::login(&sim).await;
    for (command, text) in [
        ("#", "no such command"),
        ("/ip/hotspot/user/frobnicate", "no such command"),
        ("/ip/frobnicate", "no such command"),
        ("/frobnicate/print", "no such command prefix"),
        ("/ip/hotspot/nothing/print", "no such command prefix"),
        ("/system/resource/set", "no such command"),
        ("/ip/hotspot/active/add", "no such command"),
    ] {
        assert_eq!(api.refused(&[command]).await, text, "{command}");
    }
    let answer = api.ask(&["#", ".tag=ab12"]).await;
    assert_eq!(answer, [vec!["!trap", ".tag=ab12", "=message=no such command"], vec!["!done", ".tag=ab12"]]);
    api.does(&["/system/identity/set", "=name=Cafe"]).await;
}

#[tokio::test]
async fn tags_anywhere_and_first_or_last_in_replies() {
    let sim = router().await;
    let mut api = Api::login(&sim).await;
    for words in [
        ["/ip/hotspot/user/print", ".tag=x y", "=count-only=", "?name=nobody"],
        ["/ip/hotspot/user/print", "=count-only=", ".tag=x y", "?name=nobody"],
        ["/ip/hotspot/user/print", "?name=nobody", "=count-only", ".tag=x y"],
    ] {
        assert_eq!(api.ask(&words).await, [["!done", ".tag=x y", "=ret=0"]]);
    }
    let unconfirmed = Unconfirmed { tag_last: true, ..Unconfirmed::default() };
    let sim = Sim::start(Options { unconfirmed, ..Options::default() }).await.unwrap();
    let mut api = Api::login(&sim).await;
    let answer = api.ask(&["/ip/hotspot/user/print", "=count-only=", ".tag=1"]).await;
    assert_eq!(answer, [["!done", "=ret=1", ".tag=1"]]);
}

#[tokio::test]
async fn no_rows_are_announced_from_7_18() {
    for (ros, expected) in [
        (RosVersion::V7_22, vec![vec!["!empty", ".tag=2"], vec!["!done", ".tag=2"]]),
        (RosVersion::V7_16, vec![vec!["!done", ".tag=2"]]),
        (RosVersion::V6_49, vec![vec!["!done", ".tag=2"]]),
    ] {
        let sim = Sim::start(Options { ros, ..Options::default() }).await.unwrap();
        let mut api = Api::login(&sim).await;
        assert_eq!(api.ask(&["/ip/hotspot/user/print", ".tag=2", "?name=nobody"]).await, expected);
    }
}

#[tokio::test]
async fn listen_until_cancelled() {
    let sim = router().await;
    let mut api = Api::login(&sim).await;
    api.add(&["/ip/hotspot/user/add", &format!("=name={MAC}")]).await;
    api.say(&["/ip/hotspot/active/listen", ".tag=6", "=.proplist=.id,user"]).await;
    api.does(&["/system/identity/set", "=name=a"]).await;
    sim.join_at(MAC, Ipv4Addr::new(10, 5, 50, 23)).unwrap();
    assert_eq!(api.hear().await.unwrap(), ["!re", ".tag=6", "=.id=*A053217", &format!("=user={MAC}")]);
    sim.browser_logout(MAC).unwrap();
    assert_eq!(api.hear().await.unwrap(), ["!re", ".tag=6", "=.id=*A053217", "=.dead=true"]);
    api.say(&["/cancel", ".tag=7", "=tag=6"]).await;
    assert_eq!(api.hear().await.unwrap(), ["!trap", ".tag=6", "=category=2", "=message=interrupted"]);
    assert_eq!(api.hear().await.unwrap(), ["!done", ".tag=7"]);
    assert_eq!(api.hear().await.unwrap(), ["!done", ".tag=6"]);
}

#[tokio::test]
async fn follow_prints_first_and_cancel_without_a_tag_ends_everything() {
    let sim = router().await;
    let mut api = Api::login(&sim).await;
    api.say(&["/system/script/print", ".tag=1", "=follow-only="]).await;
    api.say(&["/system/identity/listen", ".tag=2"]).await;
    api.say(&["/ip/hotspot/user/print", ".tag=3", "=follow=", "=.proplist=name"]).await;
    assert_eq!(api.hear().await.unwrap(), ["!re", ".tag=3", "=name=default-trial"]);
    api.say(&["/cancel"]).await;
    let mut last = Vec::new();
    for _ in 0..7 {
        last.push(api.hear().await.unwrap().join(" "));
    }
    let traps = ["1", "2", "3"].map(|tag| format!("!trap .tag={tag} =category=2 =message=interrupted"));
    assert_eq!(last[..3], traps);
    assert_eq!(last[3..], ["!done", "!done .tag=1", "!done .tag=2", "!done .tag=3"]);
}

#[tokio::test]
async fn queries_on_the_wire() {
    let sim = router().await;
    let mut api = Api::login(&sim).await;
    for (name, limit, comment) in [("ada", "1h", "x"), ("ben", "2h", ""), ("cyn", "90m", "x")] {
        let words = [format!("=name={name}"), format!("=limit-uptime={limit}"), format!("=comment={comment}")];
        api.add(&["/ip/hotspot/user/add", &words[0], &words[1], &words[2]]).await;
    }
    for (queries, names) in [
        (vec!["?name=ada"], vec!["ada"]),
        (vec!["?=name=ada"], vec!["ada"]),
        (vec!["?comment=x", "?disabled=false"], vec!["ada", "cyn"]),
        (vec!["?name=ada", "?name=ben", "?#|"], vec!["ada", "ben"]),
        (vec!["?comment=x", "?name=ada", "?#!"], vec!["cyn"]),
        (vec!["?>limit-uptime=1h"], vec!["ben", "cyn"]),
        (vec!["?<limit-uptime=2h"], vec!["ada", "cyn"]),
        (vec!["?-limit-uptime"], vec!["default-trial"]),
        (vec!["?limit-uptime", "?comment="], vec!["ben"]),
        (vec!["?.id=*2"], vec!["ben"]),
    ] {
        let words: Vec<&str> =
            ["/ip/hotspot/user/print", "=.proplist=name"].into_iter().chain(queries.iter().copied()).collect();
        let rows = api.rows(&words).await;
        let found: Vec<&str> = rows.iter().map(|row| row[0].strip_prefix("=name=").unwrap()).collect();
        assert_eq!(found, names, "{queries:?}");
    }
}

#[tokio::test]
async fn the_tls_side_changes_its_certificate() {
    let tls = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let sim = Sim::start(Options { tls, ..Options::default() }).await.unwrap();
    let pin = sim.certificate_sha256().unwrap();
    assert_eq!(crate::support::tls_certificate_sha256(&sim).await, pin);
    sim.inject(serde_json::from_value(serde_json::json!({ "fault": "tls_certificate" })).unwrap()).unwrap();
    let other = sim.certificate_sha256().unwrap();
    assert_ne!(other, pin);
    assert_eq!(crate::support::tls_certificate_sha256(&sim).await, other);
}
