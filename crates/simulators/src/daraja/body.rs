//! Bodies sent to the merchant's server. Written as text, because how a number is written is part of it.

use std::fmt::Write;

use chrono::{DateTime, FixedOffset};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    ledger::Charge,
    options::C2bNumbers,
    outcome::Code,
    scenario::{AmountForm, BalanceForm, Shape},
    world::Transaction,
};

/// The facts a success callback reports.
#[derive(Debug)]
pub(crate) struct Paid {
    pub(crate) receipt: String,
    pub(crate) amount: u32,
    pub(crate) at: DateTime<FixedOffset>,
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// The STK callback: metadata only on success, numbers as numbers.
pub(crate) fn stk_callback(of: &Transaction, code: &Code, paid: Option<&Paid>) -> String {
    let shape = of.plan.shape;
    let result = if shape.code_as_string { quoted(&code.0) } else { code.callback_json() };
    let mut body = format!(
        r#"{{"Body":{{"stkCallback":{{"MerchantRequestID":{},"CheckoutRequestID":{},"ResultCode":{result},"ResultDesc":{}"#,
        quoted(&of.prompt.merchant_request_id),
        quoted(&of.prompt.checkout_request_id),
        quoted(code.callback_desc()),
    );
    match paid {
        Some(paid) if !shape.no_metadata => {
            body += r#","CallbackMetadata":{"Item":["#;
            body += &items(shape, paid, &of.prompt.msisdn).join(",");
            body += "]}";
        }
        None if shape.null_metadata => body += r#","CallbackMetadata":null"#,
        _ => {}
    }
    body + "}}}"
}

fn items(shape: Shape, paid: &Paid, msisdn: &str) -> Vec<String> {
    let item = |name: &str, value: &str| format!(r#"{{"Name":"{name}","Value":{value}}}"#);
    let amount = match shape.amount {
        AmountForm::TwoDecimals => format!("{}.00", paid.amount),
        AmountForm::OneDecimal => format!("{}.0", paid.amount),
        AmountForm::Integer => paid.amount.to_string(),
        AmountForm::Text => format!("\"{}\"", paid.amount),
    };
    let mut items = vec![item("Amount", &amount), item("MpesaReceiptNumber", &quoted(&paid.receipt))];
    match shape.balance {
        BalanceForm::NoValue => items.push(r#"{"Name":"Balance"}"#.to_owned()),
        BalanceForm::Packed => {
            items.push(item("Balance", &quoted("{Amount={CurrencyCode=KES, MinimumAmount=48000, BasicAmount=480.00}}")))
        }
        BalanceForm::Absent => {}
    }
    items.push(item("TransactionDate", &paid.at.format("%Y%m%d%H%M%S").to_string()));
    items.push(item("PhoneNumber", msisdn));
    if shape.extra_items {
        items.reverse();
        items.insert(0, item("LoyaltyPoints", "7"));
        items.push(r#"{"Name":"Note","Value":null}"#.to_owned());
        items.push(r#"{"Name":"Nested","Value":{"a":[1,2]}}"#.to_owned());
    }
    items
}

/// The facts of a C2B validation or confirmation.
#[derive(Debug)]
pub(crate) struct Confirmation<'a> {
    pub(crate) charge: &'a Charge,
    pub(crate) till: bool,
    pub(crate) third_party: &'a str,
    /// Empty on validation.
    pub(crate) balance: &'a str,
    pub(crate) numbers: C2bNumbers,
    pub(crate) at: DateTime<FixedOffset>,
}

/// C2B validation and confirmation: one shape, all strings.
pub(crate) fn c2b(of: &Confirmation<'_>) -> String {
    let charge = of.charge;
    json!({
        "TransactionType": if of.till { "Buy Goods" } else { "Pay Bill" },
        "TransID": charge.receipt,
        "TransTime": of.at.format("%Y%m%d%H%M%S").to_string(),
        "TransAmount": format!("{}.00", charge.amount),
        "BusinessShortCode": charge.shortcode,
        "BillRefNumber": if of.till { "" } else { charge.account_reference.as_str() },
        "InvoiceNumber": "",
        "OrgAccountBalance": of.balance,
        "ThirdPartyTransID": of.third_party,
        "MSISDN": payer(&charge.msisdn, of.numbers),
        "FirstName": "JANE",
        "MiddleName": "",
        "LastName": ""
    })
    .to_string()
}

/// A payer number in one of its forms.
pub(crate) fn payer(msisdn: &str, form: C2bNumbers) -> String {
    match form {
        C2bNumbers::Plain => msisdn.to_owned(),
        C2bNumbers::Hashed => {
            Sha256::digest(msisdn).iter().fold(String::new(), |mut hex, byte| {
                // Writing to a String cannot fail.
                let _ = write!(hex, "{byte:02x}");
                hex
            })
        }
        C2bNumbers::Masked | C2bNumbers::ByVersion => {
            let tail = msisdn.len().saturating_sub(3);
            format!("{}*****{}", msisdn.get(..4).unwrap_or_default(), msisdn.get(tail..).unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payer_numbers_take_their_three_forms() {
        assert_eq!(payer("254712345678", C2bNumbers::Masked), "2547*****678");
        assert_eq!(payer("254712345678", C2bNumbers::Plain), "254712345678");
        assert_eq!(
            payer("254712345678", C2bNumbers::Hashed),
            "7132104d6aae9c3fac82095a42c2817952bca48e09d98d5bf4ac08218982fb90"
        );
    }
}
