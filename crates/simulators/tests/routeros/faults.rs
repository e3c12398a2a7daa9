//! Everything that can be made to go wrong.

use serde_json::json;
use simulators::routeros::{Fault, FaultRule, Options, Sim};
use tokio::io::AsyncReadExt;

use crate::support::{Api, Closed, router};

const ADD: &str = "/ip/hotspot/user/add";

fn count(sim: &Sim) -> usize {
    sim.users().len()
}

#[tokio::test]
async fn connections_break_before_or_after_a_command_ran() {
    for (fault, users) in [(Fault::DropBefore, 1), (Fault::DropAfter, 2)] {
        let sim = router().await;
        let mut api = Api::login(&sim).await;
        sim.inject(FaultRule::at(ADD, fault)).unwrap();
        api.does(&["/system/identity/set", "=name=x"]).await;
        api.say(&[ADD, "=name=a"]).await;
        assert_eq!(api.hear().await, Err(Closed));
        assert_eq!(count(&sim), users);
        // Once means once.
        Api::login(&sim).await.add(&[ADD, "=name=b"]).await;
    }
}

#[tokio::test]
async fn the_nth_command_and_as_often_as_told() {
    let sim = router().await;
    let mut api = Api::login(&sim).await;
    sim.inject(FaultRule::at(ADD, Fault::PermissionDenied).nth(2).times(2)).unwrap();
    let mut answers = Vec::new();
    for name in ["a", "b", "c", "d"] {
        answers.push(api.ask(&[ADD, &format!("=name={name}")]).await[0][0].clone());
    }
    assert_eq!(answers, ["!done", "!trap", "!trap", "!done"]);
    let text = json!({ "fault": "trap", "message": "std failure: timeout (13)", "command": "/ip", "times": 0 });
    sim.inject(serde_json::from_value(text).unwrap()).unwrap();
    for _ in 0..3 {
        assert_eq!(api.refused(&["/ip/hotspot/user/print"]).await, "std failure: timeout (13)");
    }
    sim.clear_faults();
    assert_eq!(api.rows(&["/ip/hotspot/user/print"]).await.len(), 3);
}

#[tokio::test]
async fn silence_before_and_after_while_others_are_answered() {
    for (fault, users) in [(Fault::HangBefore, 1), (Fault::Hang, 2)] {
        let sim = router().await;
        let mut api = Api::login(&sim).await;
        sim.inject(FaultRule::at(ADD, fault)).unwrap();
        api.say(&[ADD, "=name=a", ".tag=1"]).await;
        assert_eq!(api.ask(&["/system/identity/print", ".tag=2"]).await[0], ["!re", ".tag=2", "=name=MikroTik"]);
        assert_eq!(count(&sim), users);
    }
}

#[tokio::test]
async fn a_delayed_answer_comes_after_later_ones_and_can_be_cancelled() {
    let sim = router().await;
    let mut api = Api::login(&sim).await;
    sim.inject(FaultRule::at(ADD, Fault::Delay { millis: 1 })).unwrap();
    assert_eq!(api.ask(&[ADD, "=name=a", ".tag=0"]).await, [["!done", ".tag=0", "=ret=*1"]]);
    sim.inject(FaultRule::at(ADD, Fault::Delay { millis: 600_000 })).unwrap();
    api.say(&[ADD, "=name=b", ".tag=1"]).await;
    api.say(&["/system/identity/set", "=name=x", ".tag=2"]).await;
    assert_eq!(api.hear().await.unwrap(), ["!done", ".tag=2"]);
    api.say(&["/cancel", "=tag=1", ".tag=3"]).await;
    assert_eq!(api.hear().await.unwrap(), ["!trap", ".tag=1", "=category=2", "=message=interrupted"]);
    assert_eq!(api.hear().await.unwrap(), ["!done", ".tag=3"]);
    assert_eq!(api.hear().await.unwrap(), ["!done", ".tag=1"]);
}

#[tokio::test]
async fn answers_out_of_shape() {
    let sim = router().await;
    let mut api = Api::login(&sim).await;
    sim.inject(FaultRule::at("/system/identity", Fault::StrayRe)).unwrap();
    sim.inject(FaultRule::at("/system/identity", Fault::UnknownReply)).unwrap();
    let answer = api.ask(&["/system/identity/print", ".tag=1"]).await;
    assert_eq!(
        answer[..2],
        [vec!["!later"], vec!["!re", "=stray=true"]].map(|s| s.into_iter().map(String::from).collect::<Vec<_>>())
    );

    sim.inject(FaultRule::at("/nothing", Fault::DuplicateTrap)).unwrap();
    sim.inject(FaultRule::at("/nothing", Fault::TrapAttribute)).unwrap();
    let trap = ["!trap", ".tag=1", "=hint=unheard of", "=message=no such command prefix"];
    assert_eq!(api.ask(&["/nothing/print", ".tag=1"]).await, [&trap[..], &trap, &["!done", ".tag=1"]]);

    sim.inject(FaultRule::at("/system/identity", Fault::Fragments)).unwrap();
    assert_eq!(api.ask(&["/system/identity/print"]).await[0], ["!re", "=name=MikroTik"]);

    sim.inject(FaultRule::at("/system/identity", Fault::Glue)).unwrap();
    api.say(&["/system/identity/print", ".tag=1"]).await;
    api.say(&["/ip/hotspot/user/print", ".tag=2", "=count-only="]).await;
    let glued = b"\x03!re\x06.tag=1\x0e=name=MikroTik\x00\x05!done\x06.tag=1\x00\x05!done\x06.tag=2\x06=ret=1\x00";
    let mut bytes = vec![0; glued.len()];
    api.stream.read_exact(&mut bytes).await.unwrap();
    assert_eq!(bytes, glued);
}

#[tokio::test]
async fn bytes_that_are_not_the_protocol() {
    let sim = router().await;
    let identity = "/system/identity/print";
    for (fault, expected, closes) in [
        (Fault::GarbageLength { byte: 0xf8 }, vec![0xf8], false),
        (Fault::OversizeWord, [&[0xf0, 0x10, 0, 0, 0][..], b"!re=more and more"].concat(), false),
        // Half of 3+1 and 14+1+1 and 5+1+1 bytes.
        (Fault::HalfSentence, b"\x03!re\x0e=name=Mi".to_vec(), true),
    ] {
        let mut api = Api::login(&sim).await;
        sim.inject(FaultRule::at(identity, fault)).unwrap();
        api.say(&[identity]).await;
        let mut bytes = vec![0; expected.len()];
        api.stream.read_exact(&mut bytes).await.unwrap();
        assert_eq!(bytes, expected);
        if closes {
            assert_eq!(api.hear().await, Err(Closed));
        } else {
            sim.cut_connections();
            assert_eq!(api.hear().await, Err(Closed));
        }
    }
}

#[tokio::test]
async fn connections_and_logins_refused() {
    let sim = Sim::start(Options::default()).await.unwrap();
    let rule = json!({ "fault": "refuse_accept", "times": 2 });
    sim.inject(serde_json::from_value(rule).unwrap()).unwrap();
    for _ in 0..2 {
        assert_eq!(Api::open(&sim).await.hear().await, Err(Closed));
    }
    sim.inject(serde_json::from_value(json!({ "fault": "wrong_password" })).unwrap()).unwrap();
    let mut api = Api::open(&sim).await;
    let login = ["/login", "=name=admin", "=password=bando"];
    assert_eq!(api.refused(&login).await, "invalid user name or password (6)");
    let trap = json!({ "fault": "trap", "command": "/login", "message": "could not authenticate - radius timeout" });
    sim.inject(serde_json::from_value(trap).unwrap()).unwrap();
    assert_eq!(api.refused(&login).await, "could not authenticate - radius timeout");
    api.does(&login).await;
    let words: Vec<String> = sim.log().into_iter().flat_map(|entry| entry.words).collect();
    assert_eq!(words, ["/login", "=name=admin", "=password=***"].repeat(3));
}
