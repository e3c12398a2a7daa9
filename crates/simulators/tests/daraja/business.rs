//! Transaction status, reversal, balance, B2C, pull and QR.

use serde_json::{Value, json};

use base64::{Engine, engine::general_purpose::STANDARD};

use simulators::daraja::Options;

use crate::support::{Answer, Bench, PHONE, still};

impl Bench {
    fn business(&self, mut body: Value) -> Value {
        for (name, value) in [
            ("Initiator", "testapi"),
            ("InitiatorName", "testapi"),
            ("SecurityCredential", "c2VjcmV0"),
            ("Remarks", "refund"),
            ("IdentifierType", "4"),
        ] {
            if body[name].is_null() {
                body[name] = json!(value);
            }
        }
        body["ResultURL"] = json!(self.callback_url);
        body["QueueTimeOutURL"] = json!(self.callback_url);
        body
    }

    /// Calls an asynchronous API and gives its acknowledgement and its `Result`.
    async fn asynchronously(&self, path: &str, body: Value) -> (Answer, Value) {
        let ack = self.post(path, &self.business(body)).await;
        assert_eq!(ack.status, 200, "{ack:?}");
        self.pass(2).await;
        let result = self.received().last().unwrap().json()["Result"].clone();
        assert_eq!(result["ConversationID"], ack.json()["ConversationID"]);
        assert_eq!(result["OriginatorConversationID"], ack.json()["OriginatorConversationID"]);
        (ack, result)
    }

    async fn one_charge(&self) -> String {
        self.pushed(json!({})).await;
        self.pass(6).await;
        self.charges()[0].receipt.clone()
    }
}

fn parameter(result: &Value, key: &str) -> Value {
    let all = result["ResultParameters"]["ResultParameter"].as_array().unwrap();
    all.iter().find(|one| one["Key"] == key).unwrap()["Value"].clone()
}

#[tokio::test]
async fn transaction_status_knows_receipts() {
    let bench = Bench::auto().await;
    let receipt = bench.one_charge().await;
    let body = json!({ "CommandID": "TransactionStatusQuery", "TransactionID": receipt, "PartyA": "174379" });
    let (ack, result) = bench.asynchronously("/mpesa/transactionstatus/v1/query", body).await;
    assert_eq!(ack.field("ResponseDescription"), "Accept the service request successfully.");
    assert!(ack.field("ConversationID").starts_with("AG_20261122_"));
    assert_eq!(result["ResultCode"], json!(0));
    assert_eq!(parameter(&result, "TransactionStatus"), "Completed");
    assert_eq!(parameter(&result, "ReceiptNo"), json!(receipt));
    let body = json!({ "CommandID": "TransactionStatusQuery", "TransactionID": "UKM0000000", "PartyA": "174379" });
    let (_, result) = bench.asynchronously("/mpesa/transactionstatus/v1/query", body).await;
    assert_eq!(result["ResultCode"], json!(2032));
    assert_eq!(result["TransactionID"], "SKE0000000");
    assert!(result.get("ResultParameters").is_none());
}

#[tokio::test]
async fn a_reversal_happens_once() {
    let bench = Bench::auto().await;
    let receipt = bench.one_charge().await;
    let path = "/mpesa/reversal/v1/request";
    let body = json!({ "CommandID": "TransactionReversal", "TransactionID": receipt, "Amount": "20",
        "ReceiverParty": "174379", "RecieverIdentifierType": "11" });
    let mut spelt_right = bench.business(body.clone());
    spelt_right.as_object_mut().unwrap().remove("RecieverIdentifierType");
    spelt_right["ReceiverIdentifierType"] = json!("11");
    let refused = bench.post(path, &spelt_right).await;
    assert_eq!(refused.error().2, "Bad Request - Invalid RecieverIdentifierType");
    let mut stranger = body.clone();
    stranger["Initiator"] = json!("somebody");
    let (_, result) = bench.asynchronously(path, stranger).await;
    assert_eq!((result["ResultCode"].as_str(), bench.charges()[0].reversed), (Some("21"), false));
    let (_, result) = bench.asynchronously(path, body.clone()).await;
    assert_eq!((result["ResultCode"].as_str(), bench.charges()[0].reversed), (Some("0"), true));
    assert_eq!(parameter(&result, "OriginalTransactionID"), json!(receipt));
    let (_, result) = bench.asynchronously(path, body.clone()).await;
    assert_eq!(result["ResultCode"], "R000001");
    let mut unknown = body;
    unknown["TransactionID"] = json!("UKM0000000");
    assert_eq!(bench.asynchronously(path, unknown).await.1["ResultCode"], "R000002");
}

#[tokio::test]
async fn balance_and_payouts_add_up() {
    let bench = Bench::auto().await;
    bench.pushed(json!({ "Amount": 500 })).await;
    bench.pass(6).await;
    let b2c = json!({ "OriginatorConversationID": "refund-1", "CommandID": "BusinessPayment", "Amount": 100,
        "PartyA": "174379", "PartyB": PHONE, "Occassion": "" });
    let path = "/mpesa/b2c/v3/paymentrequest";
    let (ack, result) = bench.asynchronously(path, b2c.clone()).await;
    assert_eq!((ack.field("OriginatorConversationID"), &result["ResultCode"]), ("refund-1".to_owned(), &json!(0)));
    let again = bench.post(path, &bench.business(b2c.clone())).await.error();
    assert_eq!((again.0, again.1.as_str()), (500, "500.002.1001"));
    assert_eq!(bench.sim.control().payouts().len(), 1);
    let mut little = b2c;
    little["Amount"] = json!(9);
    assert_eq!(bench.post(path, &bench.business(little)).await.error().2, "Bad Request - Invalid Amount");
    let (_, result) = bench
        .asynchronously("/mpesa/accountbalance/v1/query", json!({ "CommandID": "AccountBalance", "PartyA": "174379" }))
        .await;
    let packed = parameter(&result, "AccountBalance");
    assert!(packed.as_str().unwrap().starts_with("Utility Account|KES|400.00|400.00|0.00|0.00&"), "{result}");
    assert_eq!(result["ReferenceData"]["ReferenceItem"]["Value"], json!(bench.callback_url));
}

#[tokio::test]
async fn a_single_parameter_may_come_without_its_array() {
    let bench = Bench::start(still(Options { bare_parameter: true, ..Options::auto() })).await;
    let (_, result) = bench
        .asynchronously("/mpesa/accountbalance/v1/query", json!({ "CommandID": "AccountBalance", "PartyA": "174379" }))
        .await;
    assert_eq!(result["ResultParameters"]["ResultParameter"]["Key"], "AccountBalance");
}

#[tokio::test]
async fn pull_gives_the_last_two_days_in_its_own_shape() {
    let bench = Bench::auto().await;
    let receipt = bench.one_charge().await;
    let register = json!({ "ShortCode": "174379", "RequestType": "Pull", "NominatedNumber": PHONE, "CallBackURL": bench.callback_url });
    let first = bench.post("/pulltransactions/v1/register", &register).await;
    assert_eq!(first.field("ResponseCode"), "1000");
    assert_eq!(bench.post("/pulltransactions/v1/register", &register).await.field("ResponseCode"), "1001");
    let query = |from: &str, offset: &str| {
        json!({ "ShortCode": "174379", "StartDate": from,
        "EndDate": "2026-11-22 09:00:00", "OffSetValue": offset })
    };
    let path = "/pulltransactions/v1/query";
    let found = bench.post(path, &query("2026-11-22 08:00:00", "0")).await.json();
    assert_eq!(found["ResponseCode"], "1000");
    let row = &found["Response"][0][0];
    assert_eq!(
        (row["transactionId"].as_str(), row["billreference"].as_str()),
        (Some(receipt.as_str()), Some("WF7K3Q9X"))
    );
    assert_eq!(row["trxDate"], "2026-11-22T05:30:06Z");
    assert_eq!(bench.post(path, &query("2026-11-22 08:00:00", "1")).await.field("ResponseCode"), "1001");
    bench.pass(49 * 3600).await;
    assert_eq!(bench.post(path, &query("2026-11-22 08:00:00", "0")).await.field("ResponseCode"), "1001");
}

#[tokio::test]
async fn a_qr_code_is_a_png() {
    let bench = Bench::auto().await;
    let body = json!({ "MerchantName": "BANDO WIFI", "RefNo": "WF7K3Q9X", "Amount": 20, "TrxCode": "PB", "CPI": "174379", "Size": "300" });
    let answer = bench.post("/mpesa/qrcode/v1/generate", &body).await;
    assert_eq!(answer.field("ResponseCode"), "00");
    let png = STANDARD.decode(answer.field("QRCode")).unwrap();
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    let width = u32::from_be_bytes(png[16..20].try_into().unwrap());
    assert!((150..=300).contains(&width), "{width}");
}
