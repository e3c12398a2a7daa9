//! What customers do: press pay, enter the PIN, look whether they are online.

use std::{collections::BTreeMap, time::Duration};

use axum::http::StatusCode;
use futures::future::try_join_all;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use url::Url;

use crate::{
    Outcome,
    line::{Answer, Line},
    rows,
    world::{Customer, ROUTER, World},
};

/// How long a customer looks at the prompt; long enough for the server to have noted the push. Not counted.
const LOOK: Duration = Duration::from_millis(100);
/// The pause between two looks at the status.
const GLANCE: Duration = Duration::from_millis(2);
const PATIENCE: Duration = Duration::from_secs(20);

/// How long each part took for one customer.
pub(crate) struct Served {
    pub(crate) intake: Duration,
    pub(crate) prompted: Duration,
    pub(crate) settled: Duration,
    pub(crate) granted: Duration,
    pub(crate) shown: Duration,
    pub(crate) online: Duration,
    /// What the router was told meanwhile.
    pub(crate) commands: Vec<String>,
}

/// Takes one customer from pay to online. The callback is M-Pesa's own, sent from here so that its answer is
/// timed where it arrives.
pub(crate) async fn serve(world: &mut World) -> Outcome<Served> {
    let customer = world.next_customer()?;
    let (mut page, mut safaricom) = (Line::open(world.address).await?, Line::open(world.address).await?);
    world.router.clear_log();
    let pressed = Instant::now();
    let accepted = pay(&mut page, world, &customer).await?;
    let prompt = world.mpesa.control().open_prompt(&customer.msisdn).await?;
    let prompted = pressed.elapsed();

    sleep(LOOK).await;
    let mpesa = world.mpesa.control();
    mpesa.drop_callback(&prompt.checkout_request_id)?;
    mpesa.approve(prompt.id, "1234")?;
    mpesa.settle().await?;
    let deliveries = mpesa.deliveries();
    let held = deliveries.iter().rev().find(|delivery| delivery.about == prompt.checkout_request_id);
    let held = held.ok_or("M-Pesa has no callback for the payment")?;
    let callback_path = Url::parse(&held.url)?.path().to_owned();

    let called = Instant::now();
    let callback = safaricom.post(&callback_path, held.body.clone()).await?.wanted(StatusCode::OK)?;
    until_online(&mut page, &customer).await?;
    let after_callback = called.elapsed();
    let commands = world.router.log().iter().filter_map(|sentence| sentence.words.first().cloned()).collect();
    let payment_id = text(&accepted.json()?, "payment_id")?;
    let granted = rows::list_grants(&world.pool, &[payment_id]).await?;
    Ok(Served {
        intake: accepted.took,
        prompted,
        settled: callback.took,
        granted: *granted.first().ok_or("the payment was not granted")?,
        shown: after_callback.saturating_sub(callback.took),
        online: prompted.saturating_add(after_callback),
        commands,
    })
}

/// Many customers at once.
pub(crate) struct Burst {
    pub(crate) intakes: Vec<Duration>,
    pub(crate) granted: Vec<Duration>,
    pub(crate) whole: Duration,
}

/// Lets `count` customers press pay together and then approve together.
pub(crate) async fn serve_together(world: &mut World, count: u32) -> Outcome<Burst> {
    let customers = (0..count).map(|_| world.next_customer()).collect::<Outcome<Vec<_>>>()?;
    let presses = customers.iter().map(async |customer| {
        let mut page = Line::open(world.address).await?;
        pay(&mut page, world, customer).await
    });
    let accepted = try_join_all(presses).await?;
    let ids = accepted.iter().map(|answer| text(&answer.json()?, "payment_id")).collect::<Outcome<Vec<_>>>()?;
    let mpesa = world.mpesa.control();
    let mut prompts = BTreeMap::new();
    for customer in &customers {
        prompts.insert(&customer.msisdn, mpesa.open_prompt(&customer.msisdn).await?.id);
    }
    sleep(LOOK).await;
    let started = Instant::now();
    for prompt in prompts.values() {
        mpesa.approve(*prompt, "1234")?;
    }
    loop {
        let granted = rows::list_grants(&world.pool, &ids).await?;
        let whole = started.elapsed();
        if granted.len() == ids.len() {
            return Ok(Burst { intakes: accepted.iter().map(|answer| answer.took).collect(), granted, whole });
        }
        if whole > PATIENCE {
            return Err(format!("{} of {} customers came online", granted.len(), ids.len()).into());
        }
        sleep(Duration::from_millis(20)).await;
    }
}

async fn pay(page: &mut Line, world: &World, customer: &Customer) -> Outcome<Answer> {
    let body = json!({
        "package_id": world.package_id, "phone": customer.msisdn, "mac": customer.mac, "router": ROUTER
    });
    page.post("/api/pay", body.to_string()).await?.wanted(StatusCode::ACCEPTED)
}

async fn until_online(page: &mut Line, customer: &Customer) -> Outcome<()> {
    let path = format!("/api/user/status?router={ROUTER}&mac={}", customer.mac);
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        let status = page.get(&path).await?.wanted(StatusCode::OK)?.json()?;
        if status.get("status").and_then(Value::as_str) == Some("online") {
            return Ok(());
        }
        sleep(GLANCE).await;
    }
    Err(format!("{} did not come online", customer.mac).into())
}

fn text(value: &Value, name: &str) -> Outcome<String> {
    Ok(value.get(name).and_then(Value::as_str).ok_or_else(|| format!("the answer has no {name}"))?.to_owned())
}
