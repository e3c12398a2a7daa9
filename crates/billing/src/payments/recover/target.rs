//! Which payment of a device the money of a code is meant for.

use chrono::TimeDelta;
use domain::{AccountReference, MacAddr, PaymentId, ResultCode, RouterId, UserId, payment::Evidence};

use super::{BY_HAND, LACKING_SECS, Recover, RecoverError, TARGET_SECS};
use crate::{
    Billing,
    db::{
        StoreError,
        payment_events::Source,
        payments::{self, Candidate, NewPayment},
        receipts::Money,
        users,
    },
    payments::{
        place::could_be,
        record::{Claim, Testimony},
    },
    random,
};

impl Billing {
    /// Which payment of a device money is meant for: one that is paid and only lacks this receipt, else one with this
    /// price, else `preferred`, else the newest. `None` if the device has none, or if the money may be the missing
    /// receipt of somebody else's payment.
    pub(in crate::payments) async fn target_of_device(
        &self,
        router_id: RouterId,
        mac: MacAddr,
        preferred: Option<PaymentId>,
        money: &Money,
    ) -> Result<Option<PaymentId>, StoreError> {
        let own = self.attempts_of_device(router_id, mac, TARGET_SECS).await?;
        let price = money.amount.shillings();
        let fits = |candidate: &&Candidate| candidate.amount_kes == price;
        let lacking = own.iter().filter(fits).find(|candidate| candidate.lacks_receipt() && could_be(money, candidate));
        if let Some(candidate) = lacking {
            return Ok(Some(candidate.id));
        }
        if self.is_doubtful(money).await? {
            return Ok(None);
        }
        let unsettled = || own.iter().filter(|candidate| candidate.is_unsettled());
        let target = unsettled()
            .find(fits)
            .or_else(|| unsettled().find(|candidate| Some(candidate.id) == preferred))
            .or_else(|| unsettled().next());
        Ok(target.map(|candidate| candidate.id))
    }

    /// Whether this may be the receipt of a payment that a query settled without one: then it has bought already.
    pub(super) async fn is_doubtful(&self, money: &Money) -> Result<bool, StoreError> {
        let since = random::uuid_floor(self.now() - TimeDelta::seconds(LACKING_SECS));
        let lacking = payments::list_lacking_receipt(self.pool(), money.amount, since).await?;
        Ok(lacking.iter().any(|candidate| could_be(money, candidate)))
    }

    pub(super) async fn attempts_of_device(
        &self,
        router_id: RouterId,
        mac: MacAddr,
        secs: i64,
    ) -> Result<Vec<Candidate>, StoreError> {
        let since = random::uuid_floor(self.now() - TimeDelta::seconds(secs));
        payments::list_of_device(self.pool(), router_id, mac, since).await
    }

    /// A payment for money that was paid already: no prompt is ever sent for it. `None` if the customer did not say what
    /// they want and who paid.
    pub(super) async fn begin_by_hand(
        &self,
        request: &Recover,
        router_id: RouterId,
    ) -> Result<Option<PaymentId>, RecoverError> {
        let (Some(package_id), Some(msisdn)) = (request.package_id, request.msisdn) else { return Ok(None) };
        let package = self.package_on_sale(package_id).await?.ok_or(RecoverError::UnknownPackage)?;
        let now = self.now();
        let id = PaymentId::from_uuid(random::uuid(now));
        let reference: AccountReference =
            random::account_reference().ok_or_else(|| StoreError::inconsistent("payments", "account_reference", id))?;
        let token = random::callback_token();
        let mut tx = self.pool().begin().await.map_err(StoreError::from)?;
        let (user_id, _) = users::upsert_user(&mut tx, UserId::from_uuid(random::uuid(now)), msisdn, now).await?;
        let new = NewPayment {
            id,
            user_id,
            router_id,
            mac: request.mac,
            ip: request.ip,
            package: &package,
            account_reference: &reference,
            callback_token_hash: random::digest(&[token.as_bytes()]),
            idempotency_hash: None,
            request_hash: random::digest(&[BY_HAND.as_bytes(), id.as_uuid().as_bytes()]),
            request_id: &request.request_id,
            next_query_at: now,
            created_at: now,
        };
        payments::insert_payment(&mut tx, &new).await?;
        tx.commit().await.map_err(StoreError::from)?;
        // Provably no prompt: whatever comes now comes by hand.
        let testimony = Testimony {
            result: Some((ResultCode::new(BY_HAND), "paid by hand; no prompt was sent".to_owned())),
            detail: Some("begun for an M-Pesa code".to_owned()),
            remote_ip: request.remote_ip,
            ..Testimony::new(Source::Intake, Claim::Plain(Evidence::SubmitRefused))
        };
        self.record(id, testimony).await?;
        Ok(Some(id))
    }
}
