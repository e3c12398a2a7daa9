//! One proof: a world of its own, one customer, one death.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use sqlx::MySqlPool;

use super::cases::{Case, Course};
use crate::{
    books::Books,
    database::Database,
    process::{Server, client, done},
    run::audit,
    verdict,
    wait::is_so_within,
    world::{World, router_slug, stock},
};

const PHONE: &str = "254712345678";
/// A number that got a prompt that was not answered, or perhaps one, gets no other for a minute; the customer has two.
const OTHER_PHONE: &str = "254712345679";
const MAC: &str = "A4:CF:12:00:00:01";
/// A schedule whose end is near: nothing else breaks here.
const QUERY_DELAYS: &str = "1,2,3,4,5,6,8,10,12";
const PATIENCE: Duration = Duration::from_secs(60);

/// # Errors
/// What is not as it must be.
pub(super) async fn prove(database: &Database, number: usize, case: &'static Case) -> Result<(), String> {
    let url = database.create(&format!("point_{number}")).await;
    let world = Arc::new(World::start(1).await);
    let mut settings = world.settings(&url, if case.course == Course::LastTurn { "2" } else { QUERY_DELAYS });
    settings.push(("BANDO_PUSH_LOST_SECS".to_owned(), "5".to_owned()));
    done(&settings, &["migrate"]).await;
    world.add_routers(&settings).await;
    let packages = stock(&settings).await;
    world.routers[0].join(MAC).unwrap();
    if matches!(case.course, Course::Unreported | Course::LastTurn) {
        world.mpesa.control().set_scenario(Some(PHONE), Some("callback_lost")).unwrap();
    }
    let log = std::env::temp_dir().join(format!("bando-chaos-{}-point-{number}.log", std::process::id()));
    let server = Server::new(&settings, &log);
    server.start(Some(case.at)).await;
    world.front.add(server.port());
    server.until_ready().await;
    let pool = MySqlPool::connect(&url).await.unwrap();

    let customer = tokio::spawn(customer(Arc::clone(&world), case.course, packages[0].clone()));
    let phone = tokio::spawn(phone(Arc::clone(&world), case.course));
    if case.course == Course::RunsOut {
        run_out(&pool).await?;
    }
    if !server.has_ended_within(PATIENCE).await {
        return Err(format!("the server never came to {}", case.at));
    }
    server.start(None).await;
    server.until_ready().await;
    let customer = customer.await.map_err(|error| error.to_string())?;
    customer?;
    let fault = settled(&world, &pool, case.course).await;
    phone.abort();
    server.kill().await;
    fault?;
    let found = audit(&settings, &pool).await;
    if !found.is_empty() {
        return Err(found.join("\n"));
    }
    drop(std::fs::remove_file(&log));
    Ok(())
}

/// Waits until everything fits, and there is as much of it as there must be.
async fn settled(world: &World, pool: &MySqlPool, course: Course) -> Result<(), String> {
    let mut fault = String::new();
    let began = std::time::Instant::now();
    while began.elapsed() < PATIENCE {
        let books = Books::read(world, pool).await.map_err(|error| error.to_string())?;
        fault = verdict::compare(&books).join("\n");
        let is_paid = course != Course::Leaves;
        let is_on = course != Course::Leaves && course != Course::RunsOut;
        let wanted = (usize::from(is_paid), usize::from(is_paid), usize::from(is_on));
        let users = books.users.iter().flatten().filter(|user| user.is_active).count();
        let found = (books.charges.len(), books.sessions.len(), users);
        if fault.is_empty() && found == wanted {
            return Ok(());
        }
        if found != wanted {
            fault +=
                &format!("charges, sessions, devices online: {found:?} instead of {wanted:?}; {:?}", books.payments);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Err(fault)
}

/// A person with a browser, until the page says online.
async fn customer(world: Arc<World>, course: Course, package: String) -> Result<(), String> {
    let client = client();
    let began = std::time::Instant::now();
    let mut intent = 0;
    'intent: while began.elapsed() < PATIENCE {
        let phone = if intent == 0 { PHONE } else { OTHER_PHONE };
        let body = json!({"package_id": package, "phone": phone, "mac": MAC, "router": router_slug(0)});
        let request =
            client.post(format!("{}/api/pay", world.front.url)).header("Idempotency-Key", format!("k{intent}"));
        let answer = request.json(&body).send().await;
        if course == Course::Leaves {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        let Ok(answer) = answer else { continue };
        let Ok(body) = answer.json::<Value>().await else { continue };
        let Some(id) = body["payment_id"].as_str() else { continue };
        while began.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let url = format!("{}/api/user/status?payment={id}", world.front.url);
            let Ok(answer) = client.get(url).send().await else { continue };
            let Ok(status) = answer.json::<Value>().await else { continue };
            match status["status"].as_str() {
                Some("online") => return Ok(()),
                Some("expired") if course == Course::RunsOut => return Ok(()),
                Some("failed" | "expired") => {
                    intent += 1;
                    continue 'intent;
                }
                _ => {}
            }
        }
    }
    Err("the customer never got online".to_owned())
}

/// Answers prompts as soon as there is a server to hear of it.
async fn phone(world: Arc<World>, course: Course) {
    let client = client();
    loop {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let open = world.mpesa.control().prompts().into_iter().find(|prompt| prompt.state.is_on_screen());
        let Some(prompt) = open.filter(|_| course != Course::Leaves) else { continue };
        tokio::time::sleep(Duration::from_millis(300)).await;
        let answer = client.get(format!("{}/readyz", world.front.url)).send().await;
        if answer.is_ok_and(|answer| answer.status() == 200) {
            drop(world.mpesa.control().approve(prompt.id, "1234"));
        }
    }
}

/// Lets most of the minute that was paid for pass, once the router has let the device on.
async fn run_out(pool: &MySqlPool) -> Result<(), String> {
    let began = is_so_within(PATIENCE, || async {
        let rows = sqlx::query_scalar::<_, i64>(
            "select count(*) from session_devices where is_online = 1 and applied_generation = generation",
        );
        rows.fetch_one(pool).await.is_ok_and(|rows| rows == 1)
    });
    if !began.await {
        return Err("the device was never online".to_owned());
    }
    let earlier =
        "update sessions set starts_at = starts_at - interval 55 second, ends_at = ends_at - interval 55 second";
    sqlx::query(earlier).execute(pool).await.map(drop).map_err(|error| error.to_string())
}
