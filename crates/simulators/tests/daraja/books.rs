//! The ledger in its three forms: JSON, the portal's statement, and what is left on the account.

use daraja::statement::{self, LineKind, Statement};
use serde_json::json;
use simulators::daraja::{C2bNumbers, Options};

use crate::support::{Bench, PHONE, still};

impl Bench {
    async fn books() -> Self {
        Self::start(still(Options { opening_balance: 1_000, fee_basis_points: 55, ..Options::auto() })).await
    }

    /// The statement as a portal user would download it, read by the reader of the product.
    async fn statement(&self, query: &str) -> Statement {
        let answer = self.get(&format!("/__sim/statement.csv{query}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let statement = statement::parse(answer.text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {answer:?}"));
        assert_eq!(statement.unreadable, [], "{}", answer.text);
        statement
    }

    fn by_hand(&self, amount: u32, account: &str) -> String {
        self.sim.control().pay_by_hand(PHONE, "174379", amount, account).unwrap()
    }

    async fn reverse(&self, receipt: &str, amount: u32) {
        let body = json!({ "Initiator": "testapi", "SecurityCredential": "c2VjcmV0", "CommandID": "TransactionReversal",
            "TransactionID": receipt, "Amount": amount, "ReceiverParty": "174379", "RecieverIdentifierType": "11",
            "ResultURL": self.callback_url, "QueueTimeOutURL": self.callback_url, "Remarks": "refund" });
        assert_eq!(self.post("/mpesa/reversal/v1/request", &body).await.status, 200);
        self.pass(2).await;
    }
}

fn kinds(statement: &Statement) -> Vec<(LineKind, u64, u64)> {
    statement.lines.iter().map(|line| (line.kind, line.paid_in_cents, line.withdrawn_cents)).collect()
}

#[tokio::test]
async fn ledger_and_statement_agree_on_every_kind_of_money() {
    let bench = Bench::books().await;
    bench.pushed(json!({ "Amount": 1_500 })).await;
    bench.pass(6).await;
    let by_hand = bench.by_hand(2_000, "a, \"b\" & c");
    bench.pass(60).await;
    bench.reverse(&by_hand, 2_000).await;
    let ledger = bench.get("/__sim/charges").await.json();
    let (stk, hand, back) = (&ledger["charges"][0], &ledger["charges"][1], &ledger["reversals"][0]);
    assert_eq!((&stk["amount"], &stk["channel"], &stk["reversed"]), (&json!(1_500), &json!("stk"), &json!(false)));
    assert_eq!((&hand["amount"], &hand["channel"], &hand["reversed"]), (&json!(2_000), &json!("c2b"), &json!(true)));
    assert_eq!((&back["original_receipt"], &back["amount"]), (&hand["receipt"], &json!(2_000)));
    assert!(back["receipt"] != hand["receipt"] && back["msisdn"] == PHONE);

    let statement = bench.statement("").await;
    assert_eq!(statement.shortcode.as_deref(), Some("174379"));
    let expected = [
        (LineKind::Payment, 150_000, 0),
        (LineKind::Charge, 0, 825),
        (LineKind::Payment, 200_000, 0),
        (LineKind::Charge, 0, 1_100),
        (LineKind::Reversal, 0, 200_000),
    ];
    assert_eq!(kinds(&statement), expected);
    let line = |at: usize| &statement.lines[at];
    for (at, entry) in [(0, stk), (1, stk), (2, hand), (3, hand), (4, back)] {
        assert_eq!(json!(line(at).receipt.as_str()), entry["receipt"], "line {at}");
    }
    assert_eq!(line(0).completed_at.to_rfc3339(), "2026-11-22T05:30:06+00:00");
    assert_eq!(line(0).account_reference.as_deref(), Some("WF7K3Q9X"));
    assert_eq!(line(2).account_reference.as_deref(), Some("a, \"b\" & c"));
    assert_eq!(json!(line(4).linked_receipt), hand["receipt"]);
    let payer = line(0).payer.as_ref().unwrap();
    assert!(payer.could_be(&PHONE.parse().unwrap()) && !payer.could_be(&"0799999999".parse().unwrap()));
    let text = bench.get("/__sim/statement.csv").await.text;
    assert!(!text.contains(PHONE), "masked unless asked otherwise");
    let ends: Vec<&str> = text.lines().filter(|line| line.contains("Completed")).collect();
    // 1,000 at first; 1,500 in, 8.25 kept; 2,000 in, 11.00 kept; 2,000 back.
    for (line, balance) in ends.iter().zip(["2,500.00", "2,491.75", "4,491.75", "4,480.75", "2,480.75"]) {
        assert!(line.contains(&format!("\"{balance}\"")), "{line}");
    }
    assert_eq!(bench.sim.control().messages(PHONE).len(), 3, "two payments and the money back");
}

#[tokio::test]
async fn a_period_is_given_in_nairobi_time() {
    let bench = Bench::books().await;
    let first = bench.by_hand(20, "A");
    bench.pass(3 * 3600).await;
    let second = bench.by_hand(30, "B");
    let receipts = async |query: &str| -> Vec<String> {
        let lines = bench.statement(query).await.lines;
        lines
            .iter()
            .filter(|line| line.kind == LineKind::Payment)
            .map(|line| line.receipt.as_str().to_owned())
            .collect()
    };
    assert_eq!(receipts("?from=2026-11-22&to=2026-11-22").await, [first.clone(), second.clone()]);
    assert_eq!(receipts("?to=2026-11-22%2008:30:00").await, std::slice::from_ref(&first));
    assert_eq!(receipts("?from=2026-11-22%2008:30:01").await, std::slice::from_ref(&second));
    assert_eq!(receipts("?from=2026-11-22T08:30:00Z&to=").await, [second]);
    assert_eq!(receipts("?from=2026-11-21&to=2026-11-21").await, Vec::<String>::new());
    assert_eq!(receipts("?shortcode=600984").await, Vec::<String>::new());
    assert_eq!(bench.get("/__sim/statement.csv?from=yesterday").await.status, 422);
    assert_eq!(bench.get("/__sim/statement.csv?shortcode=1").await.status, 422);
}

#[tokio::test]
async fn only_what_is_there_goes_back() {
    let bench = Bench::start(still(Options { fee_basis_points: 55, ..Options::auto() })).await;
    let receipt = bench.by_hand(100, "A");
    bench.reverse(&receipt, 100).await;
    let result = bench.received().last().unwrap().json();
    assert_eq!(result["Result"]["ResultCode"], "1", "the charge has eaten 55 cents of it");
    assert!(bench.sim.control().reversals().is_empty() && !bench.charges()[0].reversed);
    bench.by_hand(10, "B");
    bench.reverse(&receipt, 100).await;
    assert_eq!(bench.sim.control().reversals()[0].original_receipt, receipt);
}

#[tokio::test]
async fn numbers_are_shown_as_the_settings_say() {
    let bench = Bench::auto().await;
    bench.by_hand(20, "A");
    let change = bench.control("/__sim/settings", &json!({ "c2b_numbers": "plain" })).await;
    assert_eq!(change.json()["c2b_numbers"], "plain");
    assert_eq!(bench.sim.control().settings().c2b_numbers, C2bNumbers::Plain);
    assert!(bench.get("/__sim/statement.csv").await.text.contains(PHONE));
}
