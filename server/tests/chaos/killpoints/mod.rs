//! Every kill point, proved: the server ends exactly there while a customer pays, goes online or runs out of time; the
//! next one is started; and in the end there is exactly one session for the money, or none for none.

mod cases;
mod proof;

use std::sync::Arc;

use billing::killpoint::POINTS;
use tokio::{sync::Semaphore, task::JoinSet};

use crate::database::Database;
use cases::{CASES, Case};

/// Proofs under way at a time: mostly they wait.
const AT_ONCE: usize = 6;
/// The test that no point lacks a case.
const COMPLETE: &str = "every_kill_point_has_a_case";

fn name(case: &Case) -> String {
    format!("killed_at::{}::{}", case.at.replace(['.', ':'], "_"), case.course.name())
}

pub(crate) fn names() -> Vec<String> {
    let mut names = vec![COMPLETE.to_owned()];
    names.extend(CASES.iter().map(name));
    names
}

pub(crate) async fn run(wanted: &[String], tell: &mut impl FnMut(String, Option<String>)) {
    let is_wanted = |name: &String| wanted.contains(name);
    if is_wanted(&COMPLETE.to_owned()) {
        tell(COMPLETE.to_owned(), without_a_case());
    }
    let cases: Vec<&'static Case> = CASES.iter().filter(|case| is_wanted(&name(case))).collect();
    if cases.is_empty() {
        return;
    }
    let database = Arc::new(Database::start().await);
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut proofs = JoinSet::new();
    for (number, case) in cases.into_iter().enumerate() {
        let (database, turns) = (Arc::clone(&database), Arc::clone(&turns));
        proofs.spawn(async move {
            let _turn = turns.acquire_owned().await;
            // A fault of one proof is told like any other, and does not end the others.
            let proof = tokio::spawn(async move { proof::prove(&database, number, case).await });
            let fault = proof.await.unwrap_or_else(|panic| Err(panic.to_string()));
            (name(case), fault.err())
        });
    }
    while let Some(proved) = proofs.join_next().await {
        let (name, fault) = proved.unwrap();
        tell(name, fault);
    }
}

/// Points nobody proves, and cases of points that are gone.
fn without_a_case() -> Option<String> {
    let point_of = |case: &Case| case.at.split(':').next().unwrap_or_default();
    let unproved = POINTS.iter().filter(|point| !CASES.iter().any(|case| point_of(case) == **point));
    let gone = CASES.iter().map(point_of).filter(|point| !POINTS.contains(point));
    let lines: Vec<String> = unproved
        .map(|point| format!("{point} has no case"))
        .chain(gone.map(|point| format!("{point} is no point")))
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}
