//! The product's own client against the simulator: ask, be acknowledged, read what comes later.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use daraja::{
    CallbackUrl, Client, Config, Environment, Initiator, RequestOutcome, ReversalRequest, StatusRequest,
    pull::{PullOutcome, PullRegisterOutcome},
    result::{self, ReversalOutcome, StatusUnread, TransactionState},
};
use domain::Kes;
use serde_json::json;
use simulators::daraja::{Options, ResultDelivery, SettingsChange, SimClock};

use crate::support::{Bench, PHONE, still};

#[derive(Debug)]
struct Still(SimClock);

impl domain::Clock for Still {
    fn now(&self) -> DateTime<Utc> {
        self.0.wall()
    }
}

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

impl Bench {
    fn client(&self, initiator: &str) -> Client {
        let config = Config {
            base_url: Some(self.sim.base_url()),
            initiator: Some(Initiator { name: initiator.to_owned(), security_credential: "c2VjcmV0".into() }),
            ..Config::sandbox("demo".into(), "demo".into())
        };
        Client::new(config, Arc::new(Still(SimClock::new(Some(at("2026-11-22T05:30:00Z")), 0.0)))).unwrap()
    }

    fn address(&self, path: &str) -> CallbackUrl {
        let base = self.callback_url.trim_end_matches("/hook/5f0c");
        CallbackUrl::c2b(&format!("{base}/{path}/0a1b"), Environment::Sandbox).unwrap()
    }

    fn status_of(&self, receipt: &str) -> StatusRequest {
        let (result_url, timeout_url) = (self.address("result"), self.address("timeout"));
        StatusRequest { receipt: receipt.parse().unwrap(), result_url, timeout_url }
    }

    fn reversal_of(&self, receipt: &str, shillings: u32) -> ReversalRequest {
        ReversalRequest {
            receipt: receipt.parse().unwrap(),
            amount: Kes::new(shillings).unwrap(),
            remarks: "Customer paid twice".to_owned(),
            result_url: self.address("result"),
            timeout_url: self.address("timeout"),
        }
    }

    /// The last thing that arrived, at this path, and that it belongs to this acknowledgement.
    async fn result_of(&self, outcome: &RequestOutcome, path: &str) -> result::ResultMessage {
        let RequestOutcome::Accepted { conversation_id, originator_conversation_id } = outcome else {
            panic!("{outcome:?}")
        };
        self.pass(30).await;
        let received = self.received().pop().unwrap();
        assert_eq!(received.path, format!("/api/pay/{path}/0a1b"));
        let message = result::decode(received.text.as_bytes()).unwrap();
        assert_eq!(message.conversation_id.as_ref(), Some(conversation_id));
        assert_eq!(message.originator_conversation_id.as_ref(), Some(originator_conversation_id));
        message
    }

    fn deliver(&self, delivery: ResultDelivery) {
        self.sim.control().change_settings(&SettingsChange { result_delivery: Some(delivery), ..Default::default() });
    }
}

#[tokio::test]
async fn a_receipt_is_looked_up() {
    let bench = Bench::auto().await;
    let client = bench.client("testapi");
    let control = bench.sim.control();
    let ours = control.pay_by_hand(PHONE, "174379", 20, "WF7K3Q9X").unwrap();
    let theirs = control.pay_by_hand(PHONE, "600984", 30, "X").unwrap();
    for (receipt, shillings, shortcode) in [(&ours, 20, "174379"), (&theirs, 30, "600984")] {
        let reply = client.transaction_status(&bench.status_of(receipt)).await;
        let status = bench.result_of(&reply.outcome, "result").await.as_status().unwrap();
        assert_eq!((status.state.clone(), status.receipt.as_str()), (TransactionState::Completed, receipt.as_str()));
        assert_eq!((status.amount.shillings(), status.credited()), (shillings, Some(shortcode)));
        assert!(status.debit_party.unwrap().number.unwrap().could_be(&PHONE.parse().unwrap()));
        assert_eq!(status.finalised_at, Some(at("2026-11-22T05:30:00Z")));
    }
    let reply = client.transaction_status(&bench.status_of("UKM0000000")).await;
    let unknown = bench.result_of(&reply.outcome, "result").await;
    assert!(matches!(unknown.as_status(), Err(StatusUnread::Failed(code)) if code.as_str() == "2032"));
    let reply = bench.client("stranger").transaction_status(&bench.status_of(&ours)).await;
    let refused = bench.result_of(&reply.outcome, "result").await;
    assert!(matches!(refused.as_status(), Err(StatusUnread::Failed(code)) if code.as_str() == "21"));
}

#[tokio::test]
async fn a_payment_goes_back_once_and_the_books_show_it() {
    let bench = Bench::auto().await;
    let client = bench.client("testapi");
    let receipt = bench.sim.control().pay_by_hand(PHONE, "174379", 20, "WF7K3Q9X").unwrap();
    let reply = client.reverse(&bench.reversal_of(&receipt, 20)).await;
    let done = bench.result_of(&reply.outcome, "result").await.as_reversal();
    assert_eq!((done.outcome, done.amount), (ReversalOutcome::Reversed, Kes::new(20).ok()));
    assert_eq!(done.original_receipt.unwrap().as_str(), receipt);
    let own = done.reversal_receipt.unwrap();
    assert_eq!(own.as_str(), bench.sim.control().reversals()[0].receipt);
    let reply = client.reverse(&bench.reversal_of(&receipt, 20)).await;
    let again = bench.result_of(&reply.outcome, "result").await.as_reversal();
    assert_eq!(again.outcome, ReversalOutcome::AlreadyReversed);
    assert_eq!(bench.sim.control().reversals().len(), 1);
    // The reversal is a transaction too, but nobody can pass it off as a payment to us.
    let reply = client.transaction_status(&bench.status_of(own.as_str())).await;
    let status = bench.result_of(&reply.outcome, "result").await.as_status().unwrap();
    assert_eq!(status.credited(), Some(PHONE));
}

#[tokio::test]
async fn a_result_may_time_out_or_be_lost_although_the_money_moved() {
    let bench = Bench::auto().await;
    let client = bench.client("testapi");
    let control = bench.sim.control();
    let receipt = control.pay_by_hand(PHONE, "174379", 20, "A").unwrap();
    bench.deliver(ResultDelivery::Timeout);
    let reply = client.reverse(&bench.reversal_of(&receipt, 20)).await;
    bench.result_of(&reply.outcome, "timeout").await;
    assert_eq!((bench.received().len(), control.reversals().len()), (1, 1));
    bench.deliver(ResultDelivery::Lost);
    let second = control.pay_by_hand(PHONE, "174379", 30, "B").unwrap();
    let reply = client.reverse(&bench.reversal_of(&second, 30)).await;
    assert!(matches!(reply.outcome, RequestOutcome::Accepted { .. }), "{reply:?}");
    bench.pass(3600).await;
    assert_eq!((bench.received().len(), control.reversals().len()), (1, 2));
}

#[tokio::test]
async fn what_was_paid_is_pulled_page_by_page() {
    let bench = Bench::start(still(Options { speed: 0.0, ..Options::auto() })).await;
    let client = bench.client("testapi");
    let nominated = PHONE.parse().unwrap();
    let register = async || client.register_pull(&nominated, &bench.address("pulled")).await.outcome;
    assert_eq!(register().await, PullRegisterOutcome::Registered);
    assert_eq!(register().await, PullRegisterOutcome::AlreadyRegistered);
    bench.pushed(json!({})).await;
    bench.pass(6).await;
    bench.sim.control().pay_by_hand(PHONE, "174379", 30, "").unwrap();
    let pull = async |offset| match client
        .pull(at("2026-11-22T05:00:00Z"), at("2026-11-22T06:00:00Z"), offset)
        .await
        .outcome
    {
        PullOutcome::Page(page) => page,
        other => panic!("{other:?}"),
    };
    let page = pull(0).await;
    assert_eq!((page.rows(), page.unreadable.len()), (2, 0));
    for (line, charge) in page.lines.iter().zip(bench.charges()) {
        assert_eq!(
            (line.receipt.as_str(), line.amount.shillings(), line.at),
            (charge.receipt.as_str(), charge.amount, charge.at)
        );
        assert!(line.payer.as_ref().unwrap().could_be(&nominated));
    }
    let references: Vec<Option<&str>> = page.lines.iter().map(|line| line.account_reference.as_deref()).collect();
    assert_eq!(references, [Some("WF7K3Q9X"), None]);
    assert_eq!(pull(1).await.rows(), 1);
    assert_eq!(pull(2).await.rows(), 0);
}
