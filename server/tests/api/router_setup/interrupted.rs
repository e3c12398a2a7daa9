//! Pastes that end in the middle: the power goes, two of them speak at once, the server is away for a moment.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Router, extract::Path, http::StatusCode as Status, response::IntoResponse as _, routing::any};
use reqwest::StatusCode;
use serde_json::json;
use simulators::routeros::{Reboot, RosVersion};
use sqlx::MySqlPool;

use super::{
    by_hand::{FACTS, Hand},
    id_of,
    pasted::{LIVED_IN, MENUS, export, is_set_up, options, paste, quiet, router},
    path_of,
};
use crate::support::{Stack, until};

#[sqlx::test(migrations = "../migrations")]
async fn a_paste_that_was_interrupted_is_pasted_again(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    stack.log_in().await;
    let sim = router(options(RosVersion::V7_22)).await;
    quiet(&sim.paste(LIVED_IN).await);
    let before = export(&sim);
    let setup = stack.begin_setup("Site 7", "direct").await;
    let id = id_of(&setup);
    // The power goes while the router is looked at.
    let first = paste(&sim, &setup["command"]);
    stack.until_setup(&id, "asking").await;
    sim.reboot(Reboot::PowerCut);
    first.await.unwrap();
    let mut pasted = paste(&sim, &setup["command"]);
    // What the first paste saw does not count any more as soon as the second one looks.
    let approve = format!("/api/admin/routers/setups/{id}/approve");
    until("it is approved", async || stack.change(&approve, &json!({})).await.status() == StatusCode::OK).await;
    // And again after every few steps.
    for steps in 1..=6 {
        until("some steps are done", async || {
            let setup = stack.setup(&id).await;
            setup["state"] == "done" || setup["steps"].as_array().unwrap().len() >= steps
        })
        .await;
        if stack.setup(&id).await["state"] == "done" {
            break;
        }
        sim.reboot(Reboot::PowerCut);
        pasted.await.unwrap();
        pasted = paste(&sim, &setup["command"]);
    }
    let transcript = pasted.await.unwrap();
    let done = stack.setup(&id).await;
    assert_eq!(done["state"], "done", "{done:#}\n{}", transcript.screen());
    is_set_up(&sim, RosVersion::V7_22, &stack.url);
    quiet(&sim.paste(done["undo_command"].as_str().unwrap()).await);
    // Its time client has found the time again since the power was back.
    sim.ntp();
    let after = export(&sim);
    for path in MENUS {
        assert_eq!(after[path], before[path], "{path}");
    }
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_an_interrupted_paste_said_may_come_late(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    stack.log_in().await;
    let path = path_of(&stack.begin_setup("Main cafe", "direct").await["command"]);
    let first = Hand::paste(&stack, &path).await;
    let second = Hand::paste(&stack, &path).await;
    second.look().await;
    assert!(second.next().await.starts_with("wait|-|"));
    first.report("look", FACTS).await;
    assert!(second.next().await.starts_with("wait|-|"), "the later paste is the one that counts");
    assert!(first.next().await.starts_with("stop|-|"));
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn two_pastes_that_speak_at_once_both_get_answers(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    stack.log_in().await;
    for round in 0..8 {
        let path = path_of(&stack.begin_setup(&format!("Cafe {round}"), "direct").await["command"]);
        let (first, second) = (Hand::paste(&stack, &path).await, Hand::paste(&stack, &path).await);
        let third = async { stack.get(&path).await.status() };
        let ((), (), status) = tokio::join!(first.report("look", FACTS), second.report("look", FACTS), third);
        assert_eq!(status, StatusCode::OK);
        assert!(second.next().await.starts_with("step|look-network|"), "the later paste is the one that counts");
    }
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_an_interrupted_run_left_is_taken_away_by_the_next_paste(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    stack.log_in().await;
    let sim = router(options(RosVersion::V7_22)).await;
    quiet(&sim.paste(LIVED_IN).await);
    let setup = stack.begin_setup("Site 7", "direct").await;
    let pasted = paste(&sim, &setup["command"]);
    stack.until_setup(&id_of(&setup), "asking").await;
    stack.approve_setup(&id_of(&setup)).await;
    quiet(&pasted.await.unwrap());
    // As if the power had gone at the very end.
    for name in ["bando.rsc", "bando-step.rsc"] {
        sim.put_file(name, "/user add name=bando password=secret");
    }
    let transcript = paste(&sim, &setup["command"]).await.unwrap();
    assert!(transcript.screen().contains("This line has been used"), "{}", transcript.screen());
    is_set_up(&sim, RosVersion::V7_22, &stack.url);
    stack.stop().await;
}

/// A server that answers as Bando does when it is started anew in the middle of a set-up.
async fn starting_anew(refusals: usize, asked: Arc<AtomicUsize>) -> String {
    let is_over = Arc::new(AtomicUsize::new(0));
    let answer = move |Path(path): Path<String>| {
        let count = if path.starts_with("do/") { asked.fetch_add(1, Ordering::SeqCst) } else { 0 };
        let reports = if path == "next" { 0 } else { usize::from(!path.starts_with("do/")) };
        let is_over = is_over.fetch_add(reports, Ordering::SeqCst) > 0;
        async move {
            match path.as_str() {
                "next" if is_over => "done|-|Done.".into_response(),
                "next" => "step|user|API user".into_response(),
                "do/user" if count < refusals => Status::SERVICE_UNAVAILABLE.into_response(),
                "do/user" => "/ip hotspot user add name=stepped".into_response(),
                said => said.to_owned().into_response(),
            }
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/{*path}", any(answer))).await });
    url
}

#[sqlx::test(migrations = "../migrations")]
async fn a_step_is_asked_for_again_while_the_server_starts_anew(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    stack.log_in().await;
    let path = path_of(&stack.begin_setup("Site 7", "direct").await["command"]);
    let script = stack.get_text(&path).await;
    let base = script.split_once(":local base \"").unwrap().1.split('"').next().unwrap();
    let sim = router(options(RosVersion::V7_22)).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let url = starting_anew(1, Arc::clone(&asked)).await;
    sim.put_file("bando.rsc", &script.replace(base, &url));
    let transcript = sim.paste("/import bando.rsc").await;
    assert!(transcript.screen().contains("trying again"), "{}", transcript.screen());
    assert!(!transcript.screen().contains("did not work"), "{}", transcript.screen());
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    assert!(sim.users().iter().any(|user| user.iter().any(|(_, value)| value == "stepped")));
    assert!(sim.file("bando.rsc").is_none() && sim.file("bando-step.rsc").is_none());
    stack.stop().await;
}
