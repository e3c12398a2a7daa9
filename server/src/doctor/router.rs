//! The routers: reached, logged in to, and with a hotspot that can let devices on.

use billing::{access, routers::RouterRecord};

use super::Check;
use crate::application::Engine;

/// Checks of every router.
pub(super) async fn examine(engine: &Engine) -> Vec<Check> {
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
        checks.extend(test_router(engine, router).await);
    }
    checks
}

/// Logs in to one router and looks at everything that access depends on; changes nothing there.
pub(crate) async fn test_router(engine: &Engine, router: &RouterRecord) -> Vec<Check> {
    let found = access::test_router(router, &engine.secret, routeros_api::Settings::default()).await;
    let subject = format!("router {}", router.slug);
    found
        .into_iter()
        .map(|check| Check::found(&subject, check.is_ok, format!("{}: {}", check.name, check.text)))
        .collect()
}
