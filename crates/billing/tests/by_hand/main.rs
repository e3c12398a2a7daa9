//! Money paid by hand, its echoes, and codes that customers show, against a real database and the Daraja simulator.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod codes;
mod people;
mod reports;
#[path = "../support/mod.rs"]
mod support;

use std::net::IpAddr;

use billing::{
    payments::{Recover, RecoveryOutcome},
    seal::AppSecret,
};
use domain::{PaymentId, PaymentState};
use secrecy::SecretString;
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::MySqlPool;
use support::{Setup, World, mac};

const PHONE: &str = "0712000100";
const MSISDN: &str = "254712000100";
const DEVICE: &str = "A4:CF:12:00:00:01";
const OTHER_DEVICE: &str = "A4:CF:12:00:00:02";
const SAFARICOM: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(196, 201, 214, 200));

fn token() -> String {
    AppSecret::new(&SecretString::from("a secret only for tests, long enough")).unwrap().c2b_token()
}

fn notice(receipt: &str, amount: &str, account: &str, msisdn: &str) -> Vec<u8> {
    json!({
        "TransactionType": "Pay Bill", "TransID": receipt, "TransTime": "20261122083500", "TransAmount": amount,
        "BusinessShortCode": "174379", "BillRefNumber": account, "InvoiceNumber": "", "OrgAccountBalance": "4120.00",
        "ThirdPartyTransID": "", "MSISDN": msisdn, "FirstName": "JANE", "MiddleName": "", "LastName": ""
    })
    .to_string()
    .into_bytes()
}

fn hashed(msisdn: &str) -> String {
    hex::encode(Sha256::digest(msisdn))
}

/// A world in which prompts are never answered and callbacks never come.
async fn quiet(pool: MySqlPool) -> World {
    let setup = Setup { daraja: simulators::daraja::Options::manual(), callbacks_arrive: false, ..Setup::default() };
    World::with(pool, setup).await
}

impl World {
    /// A payment whose prompt the customer cancelled, so that it is over.
    async fn cancelled(&self, phone: &str, device: &str) -> PaymentId {
        let id = self.pay_from("cancelled", phone, device).await;
        self.reaches(id, PaymentState::Failed).await;
        id
    }

    async fn reference(&self, id: PaymentId) -> String {
        self.billing.find_listed_payment(id).await.unwrap().unwrap().account_reference
    }

    async fn confirm(&self, body: &[u8]) {
        self.billing.receive_c2b_confirmation(&token(), body, Some(SAFARICOM)).await.unwrap();
    }

    fn shows(&self, text: &str, device: &str) -> Recover {
        Recover {
            text: text.to_owned(),
            mac: mac(device),
            ip: None,
            router_slug: None,
            package_id: None,
            msisdn: None,
            request_id: "test".into(),
            remote_ip: Some("10.5.50.7".parse().unwrap()),
        }
    }

    async fn recover(&self, text: &str, device: &str) -> (RecoveryOutcome, String) {
        let recovery = self.billing.recover(self.shows(text, device)).await.unwrap();
        (recovery.outcome, recovery.message)
    }

    async fn sessions(&self) -> i64 {
        self.count("select count(*) from sessions").await
    }
}
