//! The books through the control handle: who paid, what was sent back, the logs, and paying by hand.

use chrono::{DateTime, Utc};

use super::{Control, ControlError};
use crate::daraja::{
    c2b,
    ledger::{Charge, Delivery, Message, Payout, RequestRecord, Reversal},
    statement,
    wire::is_msisdn,
};

impl Control {
    /// The ledger of money really moved from customers.
    #[must_use]
    pub fn charges(&self) -> Vec<Charge> {
        self.shared.world().charges.clone()
    }

    /// Money really sent back to customers who had paid.
    #[must_use]
    pub fn reversals(&self) -> Vec<Reversal> {
        self.shared.world().reversals.clone()
    }

    /// Money really sent to customers.
    #[must_use]
    pub fn payouts(&self) -> Vec<Payout> {
        self.shared.world().payouts.clone()
    }

    /// Requests received on the Daraja paths, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.shared.world().requests.iter().cloned().collect()
    }

    /// What was sent to the merchant's server and what it answered, oldest first.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.shared.world().deliveries.iter().cloned().collect()
    }

    /// The text messages of a phone, oldest first.
    #[must_use]
    pub fn messages(&self, msisdn: &str) -> Vec<Message> {
        self.shared.world().messages.get(msisdn).into_iter().flatten().cloned().collect()
    }

    /// The numbers of the phones seen so far.
    #[must_use]
    pub fn phones(&self) -> Vec<String> {
        self.shared.world().messages.keys().cloned().collect()
    }

    /// A customer pays a pay bill or till by hand, with any right PIN. Gives the receipt under which the money moves; with
    /// validation on it moves only if the merchant's server agrees.
    ///
    /// # Errors
    /// [`ControlError::NoMerchant`], [`ControlError::Amount`], [`ControlError::Payer`].
    pub fn pay_by_hand(&self, msisdn: &str, number: &str, amount: u32, account: &str) -> Result<String, ControlError> {
        let merchant = self.shared.options.payable(number).ok_or(ControlError::NoMerchant)?;
        if !(1..=250_000).contains(&amount) {
            return Err(ControlError::Amount);
        }
        if !is_msisdn(msisdn) {
            return Err(ControlError::Payer);
        }
        let account: String = account.chars().take(20).collect();
        Ok(c2b::pay(&self.shared, merchant, msisdn, amount, &account))
    }

    /// The statement of a short code as the organisation portal exports it, CSV; without a short code that of the
    /// first merchant, without dates everything so far.
    ///
    /// # Errors
    /// [`ControlError::NoMerchant`].
    pub fn statement(
        &self,
        shortcode: Option<&str>,
        from: Option<DateTime<Utc>>,
        to: Option<DateTime<Utc>>,
    ) -> Result<String, ControlError> {
        let options = &self.shared.options;
        let merchant = match shortcode {
            Some(shortcode) => options.merchant(shortcode),
            None => options.merchants.first(),
        };
        let merchant = merchant.ok_or(ControlError::NoMerchant)?;
        Ok(statement::csv(&self.shared, merchant, from, to))
    }
}
