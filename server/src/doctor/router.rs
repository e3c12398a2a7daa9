//! The routers: everything that access depends on, looked at one by one.

use billing::{
    access::{self, CheckState, Portal, Tested},
    routers::RouterRecord,
};

use super::Check;
use crate::application::Engine;

/// Checks of every router, in the short form: only what is not as it should be has a line of its own.
pub(super) async fn examine(engine: &Engine, portal: &Portal) -> Vec<Check> {
    let routers = match engine.billing.list_routers().await {
        Ok(routers) => routers,
        Err(error) => {
            return vec![Check::problem("routers", crate::database::chain(&error), crate::database::advice(&error))];
        }
    };
    if routers.is_empty() {
        let todo = "add one with: bando router add";
        return vec![Check::problem("routers", "there is no router, so nobody can be let on", todo)];
    }
    let mut checks = Vec::with_capacity(routers.len());
    for router in &routers {
        let subject = subject(router);
        match engine.billing.test_router(router, portal.clone()).await {
            Ok(tested) => checks.extend(in_short(&subject, &tested)),
            Err(error) => {
                checks.push(Check::problem(subject, crate::database::chain(&error), crate::database::advice(&error)));
            }
        }
    }
    checks
}

fn subject(router: &RouterRecord) -> String {
    format!("router {}", router.slug)
}

fn in_short(subject: &str, tested: &Tested) -> Vec<Check> {
    let troubles = tested.checks.iter().filter(|check| matches!(check.state, CheckState::Warning | CheckState::Wrong));
    let mut lines: Vec<Check> = troubles.map(|check| line(subject, check)).collect();
    if !lines.iter().any(Check::is_problem) {
        let time = tested.round_trip.map_or(String::new(), |time| format!(" within {} ms", time.as_millis()));
        lines.insert(0, Check::ok(subject, format!("answers{time}, and lets paid devices on")));
    }
    lines
}

/// Every line of a test.
pub(crate) fn in_full(router: &RouterRecord, tested: &Tested) -> Vec<Check> {
    let subject = subject(router);
    tested.checks.iter().map(|check| line(&subject, check)).collect()
}

fn line(subject: &str, check: &access::Check) -> Check {
    let message = format!("{}: {}", check.name, check.text);
    let todo = check.todo.clone().unwrap_or_default();
    match check.state {
        CheckState::Ok => Check::ok(subject, message),
        CheckState::Warning => Check::hint(subject, message, todo),
        CheckState::Wrong => Check::problem(subject, message, todo),
        CheckState::Unknown => Check::unknown(subject, message),
    }
}
