//! Whatever a router sends, whole, cut, or not its language at all: every command ends, and nothing is taken for an
//! answer that is none.
#![expect(clippy::expect_used, reason = "tests")]

mod support;

use std::{future::Future, time::Duration};

use proptest::prelude::*;
use routeros_api::{Answer, Command, Connection, RouterOsError};
use support::{Router, credentials, settings};
use tokio::io::{DuplexStream, duplex};

/// Far beyond every limit of the client, in time that does not pass.
const FOREVER: Duration = Duration::from_secs(24 * 3600);

fn on_virtual_time<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.expect("a runtime").block_on(test)
}

async fn pair() -> (Connection, Router<DuplexStream>) {
    let (ours, theirs) = duplex(1 << 16);
    let mut router = Router::new(theirs);
    let login = credentials();
    let (connection, ()) = tokio::join!(Connection::over(ours, &login, settings()), router.accept_login());
    (connection.expect("logs in"), router)
}

/// A command whose tag the bytes may use, and what becomes of it when the router sends them and falls silent or goes.
async fn asked(bytes: impl FnOnce(&str) -> Vec<u8>, goes: bool) -> (Result<Answer, RouterOsError>, bool) {
    let (connection, mut router) = pair().await;
    let command = {
        let connection = connection.clone();
        tokio::spawn(async move { connection.run(Command::new("/ip/hotspot/user/print")).await })
    };
    let tag = router.expect(&["/ip/hotspot/user/print"]).await;
    router.raw(&bytes(&tag)).await;
    let silent = if goes { None } else { Some(router) };
    let answer = tokio::time::timeout(FOREVER, command).await.expect("it ends").expect("without a panic");
    // The next one ends as well.
    let next = connection.run(Command::new("/system/identity/print"));
    let next = tokio::time::timeout(FOREVER, next).await.expect("the next one ends");
    drop(silent);
    (answer, next.is_ok())
}

fn sentence(words: &[String]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in words {
        bytes.push(u8::try_from(word.len()).expect("a short word"));
        bytes.extend_from_slice(word.as_bytes());
    }
    bytes.push(0);
    bytes
}

/// One thing that a router, or what has taken its place, may send. `TAG` stands for the tag of the command.
fn piece() -> impl Strategy<Value = Vec<String>> {
    let word = prop_oneof![
        Just("!re".to_owned()),
        Just("!done".to_owned()),
        Just("!trap".to_owned()),
        Just("!empty".to_owned()),
        Just("!later".to_owned()),
        Just("TAG".to_owned()),
        Just(".tag=nobody".to_owned()),
        Just("=message=failure".to_owned()),
        Just("=ret=*2F".to_owned()),
        Just("=name=A4:CF:12:00:00:01".to_owned()),
        "[ -~]{0,40}",
    ];
    prop::collection::vec(word, 0..6)
}

fn tagged(words: &[String], tag: &str) -> Vec<u8> {
    let words: Vec<String> =
        words.iter().map(|word| if word == "TAG" { tag.to_owned() } else { word.clone() }).collect();
    sentence(&words)
}

/// A whole answer: rows, and its end.
fn answer(tag: &str, rows: usize) -> Vec<u8> {
    let row = |at: usize| sentence(&["!re".to_owned(), tag.to_owned(), format!("=name=user-{at}")]);
    let end = sentence(&["!done".to_owned(), tag.to_owned()]);
    (0..rows).flat_map(row).chain(end).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn an_answer_that_is_cut_anywhere_is_no_answer(rows in 0_usize..4, cut in any::<prop::sample::Index>(), goes: bool) {
        let (result, _) = on_virtual_time(asked(
            |tag| {
                let whole = answer(tag, rows);
                whole[..cut.index(whole.len())].to_vec()
            },
            goes,
        ));
        let error = result.expect_err("it was cut");
        prop_assert!(error.is_outcome_unknown(), "{error:?}");
        let (result, _) = on_virtual_time(asked(|tag| answer(tag, rows), goes));
        prop_assert_eq!(result.expect("it is whole").rows.len(), rows);
    }

    #[test]
    fn any_bytes_end_every_command(bytes in prop::collection::vec(any::<u8>(), 0..200), goes: bool) {
        let (result, is_next_well) = on_virtual_time(asked(|_| bytes.clone(), goes));
        // Bytes that know nothing of the tag are no answer to it.
        prop_assert!(result.is_err() && !is_next_well, "{result:?}");
    }

    #[test]
    fn bytes_behind_rows_that_were_right_are_no_end_of_them(rows in 1_usize..4, first in 0xf1_u8.., goes: bool) {
        let (result, _) = on_virtual_time(asked(
            |tag| {
                let whole = answer(tag, rows);
                let end = sentence(&["!done".to_owned(), tag.to_owned()]).len();
                let mut bytes = whole[..whole.len() - end].to_vec();
                bytes.push(first);
                bytes.extend(answer(tag, 0));
                bytes
            },
            goes,
        ));
        prop_assert!(result.expect_err("not after garbage").is_outcome_unknown());
    }

    #[test]
    fn sentences_in_any_order_end_every_command(pieces in prop::collection::vec(piece(), 0..12), goes: bool) {
        let is_done = |words: &[String]| {
            let is_ended = words.first().is_some_and(|word| word == "!done");
            is_ended && words.iter().any(|word| word == "TAG")
        };
        // An empty word ends a sentence, so that the words behind it are one of their own.
        let may_be_done = pieces.iter().any(|words| words.split(String::is_empty).any(is_done));
        let (result, _) =
            on_virtual_time(asked(|tag| pieces.iter().flat_map(|words| tagged(words, tag)).collect(), goes));
        prop_assert!(may_be_done || result.is_err(), "{result:?} from {pieces:?}");
    }
}
