//! Customers: their browsers, which repeat what was not answered, and their phones, on which the prompts appear.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use reqwest::{Client, StatusCode, header};
use serde_json::{Value, json};
use simulators::daraja::{Control, Prompt};

use crate::{
    plan::Visit,
    process::client,
    story::{Report, Story},
    world::{World, router_slug},
};

/// How long a customer keeps trying to begin, and then keeps looking at the page.
const TRIES: usize = 40;
const PAUSE: Duration = Duration::from_millis(400);

/// What customers were told, and what they did.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Payments the server acknowledged: it may never forget one of them.
    pub(crate) acknowledged: Mutex<HashSet<String>>,
    pub(crate) repeated: AtomicUsize,
    pub(crate) refused: AtomicUsize,
    pub(crate) gave_up: AtomicUsize,
    /// One key answered with two payments: never.
    pub(crate) contradictions: Mutex<Vec<String>>,
}

/// One visit in a browser: presses pay until it is answered, then looks at the status for a while.
pub(crate) async fn visit(world: Arc<World>, told: Arc<Told>, visit: Visit, packages: Arc<Vec<String>>, key: String) {
    let client = client();
    world.mpesa.control().set_scenario(Some(&visit.phone), Some(visit.story.scenario)).unwrap();
    world.gateway.prepare(&visit.phone, visit.story.push, visit.story.odd_answers);
    let package = &packages[visit.package];
    let mut presses = Vec::new();
    for _ in 0..visit.presses {
        presses.push(async {
            if visit.by_form {
                press_form(&client, &world, &told, &visit, package).await
            } else {
                press(&client, &world, &told, &visit, package, &key).await
            }
        });
    }
    let ids: HashSet<String> = futures::future::join_all(presses).await.into_iter().flatten().collect();
    if ids.len() > 1 && !visit.by_form {
        told.contradictions.lock().unwrap().push(format!("{} pressed pay once and got {ids:?}", visit.phone));
    }
    told.acknowledged.lock().unwrap().extend(ids.iter().cloned());
    if let Some(id) = ids.iter().next() {
        watch(&client, &world, id).await;
    }
}

/// `POST /api/pay` with a key, again and again until something answers.
async fn press(client: &Client, world: &World, told: &Told, visit: &Visit, package: &str, key: &str) -> Option<String> {
    let body = json!({
        "package_id": package, "phone": visit.phone, "mac": visit.mac, "router": router_slug(visit.router)
    });
    for turn in 0..TRIES {
        if turn > 0 {
            told.repeated.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(PAUSE).await;
        }
        let request = client.post(format!("{}/api/pay", world.front.url)).header("Idempotency-Key", key).json(&body);
        let Ok(answer) = request.send().await else { continue };
        let status = answer.status();
        let Ok(body) = answer.json::<Value>().await else { continue };
        match status {
            StatusCode::ACCEPTED => return body["payment_id"].as_str().map(str::to_owned),
            // Somebody else is paying with this phone or device just now, or too many were: the person leaves.
            StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS => {
                told.refused.fetch_add(1, Ordering::Relaxed);
                return None;
            }
            status if status.is_server_error() => {}
            status => {
                let what = format!("{} was answered {status}: {body}", visit.phone);
                told.contradictions.lock().unwrap().push(what);
                return None;
            }
        }
    }
    told.gave_up.fetch_add(1, Ordering::Relaxed);
    None
}

/// The portal's form. Without a key, a person whose page did not load looks before pressing again.
async fn press_form(client: &Client, world: &World, told: &Told, visit: &Visit, package: &str) -> Option<String> {
    let router = router_slug(visit.router);
    let fields = [("package_id", package), ("phone", &visit.phone), ("mac", &visit.mac), ("router", &router)];
    for turn in 0..TRIES {
        if turn > 0 {
            told.repeated.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(PAUSE).await;
            let url = format!("{}/api/user/status?mac={}&router={router}", world.front.url, visit.mac);
            let Ok(answer) = client.get(url).send().await else { continue };
            let Ok(status) = answer.json::<Value>().await else { continue };
            match status["status"].as_str() {
                Some("none" | "expired" | "failed") => {}
                Some(_) => return status["payment_id"].as_str().map(str::to_owned),
                None => continue,
            }
        }
        let Ok(answer) = client.post(format!("{}/pay", world.front.url)).form(&fields).send().await else { continue };
        match answer.status() {
            StatusCode::SEE_OTHER => {
                let target = answer.headers().get(header::LOCATION)?.to_str().ok()?.to_owned();
                let id = target.split_once("payment=")?.1.split(['&', '#']).next()?;
                return Some(id.to_owned());
            }
            status if status.is_server_error() => {}
            _ => {
                told.refused.fetch_add(1, Ordering::Relaxed);
                return None;
            }
        }
    }
    told.gave_up.fetch_add(1, Ordering::Relaxed);
    None
}

/// Keeps the page open until it says how it ended, or until the customer has had enough.
async fn watch(client: &Client, world: &World, id: &str) {
    for _ in 0..15 {
        tokio::time::sleep(Duration::from_millis(900)).await;
        let url = format!("{}/api/user/status?payment={id}", world.front.url);
        let Ok(answer) = client.get(url).send().await else { continue };
        let Ok(status) = answer.json::<Value>().await else { continue };
        if matches!(status["status"].as_str(), Some("online" | "failed" | "expired")) {
            return;
        }
    }
}

/// The phones: each prompt is seen once and answered after the customer has thought, as the story goes.
pub(crate) async fn phones(world: Arc<World>, visits: Vec<Visit>) {
    let mut by_phone: HashMap<&str, Vec<&Visit>> = HashMap::new();
    for visit in &visits {
        by_phone.entry(&visit.phone).or_default().push(visit);
    }
    let mut seen = HashSet::new();
    loop {
        tokio::time::sleep(Duration::from_millis(40)).await;
        for prompt in world.mpesa.control().prompts() {
            if !seen.insert(prompt.id) {
                continue;
            }
            // The simulator knows by which scenario the prompt came; of the visits of this phone, that one.
            let of_phone = by_phone.get(prompt.msisdn.as_str()).map(Vec::as_slice).unwrap_or_default();
            let visit = of_phone.iter().find(|visit| visit.story.scenario == prompt.scenario).or(of_phone.first());
            let Some(visit) = visit else { continue };
            let control = world.mpesa.control().clone();
            tokio::spawn(answer(control, prompt, visit.story, visit.thinks));
        }
    }
}

async fn answer(control: Control, prompt: Prompt, story: &'static Story, thinks: Duration) {
    let checkout = &prompt.checkout_request_id;
    match story.report {
        Report::Comes => {}
        Report::Lost => drop(control.drop_callback(checkout)),
        Report::Copies(extra) => drop(control.duplicate_callback(checkout, extra)),
        Report::Late(secs) => drop(control.delay_callback(checkout, Duration::from_secs(secs))),
    }
    tokio::time::sleep(thinks).await;
    let pin = if story.scenario == "wrong_pin" { "0000" } else { "1234" };
    // Prompts that end by themselves are not on the screen any more.
    if story.pays || !matches!(story.scenario, "cancelled" | "unanswered" | "metadata_null") {
        drop(control.approve(prompt.id, pin));
    }
}
