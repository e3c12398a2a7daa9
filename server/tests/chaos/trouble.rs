//! Carries out what a plan says should break.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use simulators::{
    daraja::Outage,
    routeros::{Fault, FaultRule, Reboot},
};
use tokio::sync::Mutex;

use crate::{
    database::Database,
    plan::Trouble,
    process::{Server, client},
    world::World,
};

/// What broke, counted.
#[derive(Debug, Default)]
pub(crate) struct Broken {
    pub(crate) server_kills: AtomicUsize,
    pub(crate) killpoints_armed: AtomicUsize,
    pub(crate) freezes: AtomicUsize,
    pub(crate) database_kills: AtomicUsize,
    pub(crate) router_faults: AtomicUsize,
    pub(crate) reboots: AtomicUsize,
    pub(crate) outages: AtomicUsize,
    pub(crate) repeats: AtomicUsize,
    pub(crate) forgeries: AtomicUsize,
}

/// The hand that breaks things.
pub(crate) struct Hand {
    pub(crate) world: Arc<World>,
    pub(crate) database: Arc<Database>,
    pub(crate) first: Server,
    pub(crate) second: Server,
    pub(crate) broken: Arc<Broken>,
    /// One trouble at a time for each of them.
    pub(crate) server_turn: Mutex<()>,
    pub(crate) second_turn: Mutex<()>,
    pub(crate) database_turn: Mutex<()>,
    pub(crate) mpesa_turn: Mutex<()>,
}

impl Hand {
    pub(crate) async fn cause(&self, trouble: Trouble) {
        let count = |counter: &AtomicUsize| counter.fetch_add(1, Ordering::Relaxed);
        match trouble {
            Trouble::KillServer { down, then_at } => {
                // On a slow machine troubles would queue up and nothing else would ever happen.
                let Ok(_turn) = self.server_turn.try_lock() else { return };
                count(&self.broken.server_kills);
                self.first.kill().await;
                tokio::time::sleep(down).await;
                self.first.start(then_at.as_deref()).await;
                if then_at.is_some() {
                    count(&self.broken.killpoints_armed);
                }
                self.first.is_ready_within(Duration::from_secs(8)).await;
            }
            Trouble::FreezeServer(how_long) => {
                count(&self.broken.freezes);
                self.first.freeze_for(how_long).await;
            }
            Trouble::SecondServer(how_long) => {
                let Ok(_turn) = self.second_turn.try_lock() else { return };
                self.second.start(None).await;
                self.world.front.add(self.second.port());
                tokio::time::sleep(how_long).await;
                count(&self.broken.server_kills);
                self.second.kill().await;
                self.world.front.remove(self.second.port());
            }
            Trouble::KillDatabase { down } => {
                let Ok(_turn) = self.database_turn.try_lock() else { return };
                count(&self.broken.database_kills);
                self.database.kill_for(down).await;
            }
            Trouble::FreezeDatabase(how_long) => {
                let Ok(_turn) = self.database_turn.try_lock() else { return };
                count(&self.broken.freezes);
                self.database.freeze_for(how_long).await;
            }
            Trouble::Reboot { router, clean, secs } => {
                count(&self.broken.reboots);
                let kind = if clean { Reboot::Clean } else { Reboot::PowerCut };
                self.world.routers[router].reboot_for(kind, secs);
            }
            Trouble::RouterHangs { router, commands, ran } => {
                self.fault(router, if ran { Fault::Hang } else { Fault::HangBefore }, commands);
            }
            Trouble::RouterDrops { router, commands, ran } => {
                self.fault(router, if ran { Fault::DropAfter } else { Fault::DropBefore }, commands);
            }
            Trouble::RouterRefuses { router, connections } => {
                self.fault(router, Fault::RefuseAccept, connections);
                self.world.routers[router].cut_connections();
            }
            Trouble::MpesaAway { how, during } => {
                let Ok(_turn) = self.mpesa_turn.try_lock() else { return };
                count(&self.broken.outages);
                let ways = [Outage::Html, Outage::Empty, Outage::Throttled, Outage::Hang];
                let way = ways[usize::try_from(how).unwrap_or(0) % ways.len()];
                self.world.mpesa.control().set_outage(Some(way));
                tokio::time::sleep(during).await;
                self.world.mpesa.control().set_outage(None);
            }
            Trouble::RevokeToken => self.world.mpesa.control().revoke_token(),
            Trouble::RepeatReports { reports, times } => self.repeat_reports(reports, times).await,
            Trouble::ForgeReports => self.forge_reports().await,
        }
    }

    fn fault(&self, router: usize, fault: Fault, times: u32) {
        self.broken.router_faults.fetch_add(1, Ordering::Relaxed);
        let rule = FaultRule { fault, command: None, nth: 1, times };
        self.world.routers[router].inject(rule).unwrap();
    }

    /// The latest reports again, all at once, exactly as M-Pesa sent them.
    pub(crate) async fn repeat_reports(&self, reports: usize, times: usize) {
        let client = client();
        let deliveries = self.world.mpesa.control().deliveries();
        let latest = deliveries.iter().rev().filter(|delivery| delivery.kind == "stk").take(reports);
        let mut posts = Vec::new();
        for delivery in latest {
            for _ in 0..times {
                posts.push(client.post(&delivery.url).body(delivery.body.clone()).send());
            }
        }
        self.broken.repeats.fetch_add(posts.len(), Ordering::Relaxed);
        futures::future::join_all(posts).await;
    }

    /// Success, says somebody who knows CheckoutRequestIDs but no token.
    async fn forge_reports(&self) {
        let client = client();
        let prompts = self.world.mpesa.control().prompts();
        let hook = format!("{}/api/pay/hook", self.world.front.url);
        for (number, prompt) in prompts.iter().rev().take(8).enumerate() {
            let body = json!({"Body": {"stkCallback": {
                "MerchantRequestID": prompt.merchant_request_id, "CheckoutRequestID": prompt.checkout_request_id,
                "ResultCode": 0, "ResultDesc": "The service request is processed successfully.",
                "CallbackMetadata": {"Item": [
                    {"Name": "Amount", "Value": prompt.amount},
                    {"Name": "MpesaReceiptNumber", "Value": format!("FORGED{number:04}")},
                    {"Name": "PhoneNumber", "Value": 254_700_000_000_u64}
                ]}
            }}});
            let made_up = format!("{hook}/{}", "a1".repeat(32));
            self.broken.forgeries.fetch_add(2, Ordering::Relaxed);
            drop(client.post(&hook).json(&body).send().await);
            drop(client.post(&made_up).json(&body).send().await);
        }
    }

    /// Ends every trouble that is still going on.
    pub(crate) async fn let_go(&self) {
        let _turns = (self.second_turn.lock().await, self.database_turn.lock().await, self.mpesa_turn.lock().await);
        self.world.mpesa.control().set_outage(None);
        self.world.gateway.be_plain();
        for router in &self.world.routers {
            router.clear_faults();
        }
        // The second process is gone without a goodbye; whatever it held must come free by itself.
        self.second.kill().await;
        let _server = self.server_turn.lock().await;
        tokio::time::sleep(Duration::ZERO).await;
        self.first.start(None).await;
    }
}
