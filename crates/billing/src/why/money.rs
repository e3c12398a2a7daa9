//! The station where the money is.

use domain::PaymentState;

use super::{
    decide::{ago, is_open},
    facts::{PaymentFact, Question, ReceiptFact},
    way::{End, StepState, Way},
};
use crate::db::receipts::ReceiptState;

/// The payment, and the money that was asked for. Goes on when it is paid, or when something else paid.
pub(super) fn payment(way: &mut Way<'_>) -> End {
    let facts = way.facts;
    if let Some(receipt) = facts.receipt {
        code(way, receipt)?;
    } else if matches!(facts.question, Question::Receipt(_)) && facts.payment.is_none() {
        return unknown_code(way);
    }
    let Some(payment) = &facts.payment else { return Ok(()) };
    match payment.state {
        PaymentState::Succeeded => {
            let text = format!("{} paid KES {}, {} ago.", payment.phone, payment.amount_kes, ago(facts, payment));
            way.step("payment", StepState::Ok, text);
            Ok(())
        }
        // What runs was bought otherwise; an attempt that failed since does not matter.
        _ if facts.session.is_some() => Ok(()),
        state => unpaid(way, payment, state),
    }
}

fn unpaid(way: &mut Way<'_>, payment: &PaymentFact, state: PaymentState) -> End {
    let begun =
        format!("{} pressed pay {} ago, for KES {}.", payment.phone, ago(way.facts, payment), payment.amount_kes);
    if payment.is_claimed {
        return way.stop(
            "payment",
            format!("{begun} The customer says that it is paid, and has shown a code."),
            "The customer's M-Pesa code waits for a person.",
            "Look at it under To do: Customers who say they have paid.",
        );
    }
    if payment.held_kes > 0 {
        let missing = u64::from(payment.amount_kes).saturating_sub(payment.held_kes);
        return way.stop(
            "payment",
            format!("{begun} KES {} came in by hand and are held.", payment.held_kes),
            format!("Part of the price is missing: KES {missing}."),
            "The customer can pay the rest to the same account number, or you decide under To do.",
        );
    }
    match state {
        _ if is_open(state) => way.wait(
            "payment",
            format!("{begun} M-Pesa has not said yet whether it was paid."),
            "The payment is not finished.",
            Some("Let the customer enter the PIN. M-Pesa is asked again by itself."),
        ),
        PaymentState::Review => way.stop(
            "payment",
            format!("{begun} What M-Pesa says does not fit."),
            "The payment waits for a person.",
            "Decide it under To do.",
        ),
        PaymentState::Refunded => way.stop(
            "payment",
            format!("{begun} It was given back."),
            "The payment was given back.",
            "The customer has to buy again.",
        ),
        PaymentState::Rejected => way.stop(
            "payment",
            format!("{begun} M-Pesa took no request, so no prompt came to the phone."),
            "No payment request reached the phone, so nothing was paid.",
            "Let the customer try again. If it happens often, run: bando doctor",
        ),
        _ => {
            let why = payment.failure.clone().unwrap_or_else(|| "M-Pesa did not say why.".to_owned());
            way.stop(
                "payment",
                format!("{begun} It was not paid. {why}"),
                format!("Not paid. {why}"),
                "Let the customer try again. Who was charged all the same shows the M-Pesa message: \"I have paid\".",
            )
        }
    }
}

/// The money of a code: gone on with when it pays for something.
fn code(way: &mut Way<'_>, receipt: ReceiptFact) -> End {
    let kes = receipt.amount_kes;
    match receipt.state {
        ReceiptState::Credited | ReceiptState::Part => Ok(()),
        ReceiptState::Unmatched => way.stop(
            "payment",
            format!("KES {kes} came in under this code, and it is not known whose they are."),
            "The money is here, but nobody knows whose it is.",
            "Assign it under To do: Unmatched money.",
        ),
        ReceiptState::Credit => way.stop(
            "payment",
            format!("KES {kes} came in under this code and are the customer's credit."),
            "The money is the customer's credit: it was more than a price, or paid twice.",
            "Let the customer choose a package with the same phone: the credit pays first.",
        ),
        ReceiptState::Dismissed => way.stop(
            "payment",
            format!("KES {kes} came in under this code; an admin said that it was not meant for the WiFi."),
            "An admin said that this money was not meant for the WiFi.",
            "Ask whoever decided it.",
        ),
        ReceiptState::Reversed => way.stop(
            "payment",
            format!("KES {kes} came in under this code and were given back."),
            "The money was given back.",
            "The customer has to buy again.",
        ),
    }
}

fn unknown_code(way: &mut Way<'_>) -> End {
    if way.facts.is_code_claimed {
        return way.stop(
            "payment",
            "A customer has shown this code; M-Pesa has not told us of it.",
            "This code waits for a person.",
            "Look at it under To do: Customers who say they have paid.",
        );
    }
    way.stop(
        "payment",
        "No money has come in under this code.",
        "This M-Pesa code is not known here.",
        "Compare it with the customer's message, letter by letter. Was it paid to your number? Import the M-Pesa \
         statement of that day under Check with M-Pesa.",
    )
}

/// Nothing was bought at all.
pub(super) fn nothing(way: &mut Way<'_>) -> End {
    if way.facts.payment.is_some() {
        return way.wait(
            "session",
            "The paid time is being made.",
            "Paid a moment ago.",
            Some("Look again in a few seconds. If it stays, run: bando audit"),
        );
    }
    let (text, todo) = match way.facts.question {
        Question::Mac(_) => (
            "This device has bought nothing.",
            "If the customer has paid, ask for the phone number or the M-Pesa code: the phone may have had another address.",
        ),
        _ => (
            "This phone has bought nothing.",
            "If the customer has paid, ask for the M-Pesa code: it may have been paid with another phone.",
        ),
    };
    way.stop("payment", text, text, todo)
}
