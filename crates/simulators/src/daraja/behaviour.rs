//! What is known about the real Daraja, and how well: the source table behind every simulated behaviour.

use serde::Serialize;

/// How a behaviour is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Evidence {
    /// Somebody publicly recorded the real service doing it.
    Observed,
    /// Safaricom's developer portal says so.
    Documented,
    /// Our model: plausible, convenient or from community reports; not proven.
    Modelled,
}

/// One behaviour of the simulator and where it comes from.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Behaviour {
    /// The area, such as `oauth` or `callback`.
    pub area: &'static str,
    /// What the simulator does.
    pub does: &'static str,
    /// How the real service is known to do it.
    pub evidence: Evidence,
}

const fn row(area: &'static str, evidence: Evidence, does: &'static str) -> Behaviour {
    Behaviour { area, does, evidence }
}

use Evidence::{Documented, Modelled, Observed};

/// Every behaviour that is not a scenario (those carry their own label), served at `GET /__sim/behaviours`.
pub const BEHAVIOURS: &[Behaviour] = &[
    row("oauth", Documented, "a new access token makes the previous one invalid"),
    row("oauth", Observed, "expires_in is the string \"3599\" (switch: the number 3599)"),
    row("oauth", Observed, "wrong key or secret: HTTP 400 with an empty body (switch: 400.008.01)"),
    row("oauth", Documented, "not Basic: 400.008.01; other grant type: 400.008.02"),
    row("token", Documented, "STK and reversal answer a bad token with HTTP 404 and 404.001.03"),
    row("token", Documented, "C2B and transaction status answer a bad token with HTTP 400 and 400.003.01"),
    row("token", Documented, "balance and B2C answer a bad token with HTTP 401 and 401.002.01"),
    row("gateway", Documented, "unknown path: 404.001.01; wrong method: 405.001"),
    row("gateway", Observed, "spike arrest: HTTP 429 with Apigee's fault body (switch: 500.003.02)"),
    row("push", Documented, "a form body is refused as \"Bad Request - Invalid BusinessShortCode\""),
    row("push", Documented, "broken JSON is refused with 400.002.05"),
    row(
        "push",
        Modelled,
        "the order of checks: token, body, fields, merchant, password, spike arrest, subscriber lock",
    ),
    row("push", Documented, "numeric fields may be strings or numbers"),
    row("push", Documented, "amounts are whole shillings from 1 to 250,000"),
    row("push", Modelled, "AccountReference over 12 and TransactionDesc over 13 characters are refused (switch)"),
    row("push", Observed, "an upper-case host in CallBackURL is refused"),
    row("push", Documented, "unknown short code: \"Merchant does not exist\"; wrong password: \"Wrong credentials\""),
    row("push", Documented, "a second push to a number with an open prompt under 60 s: \"Unable to lock subscriber\""),
    row("push", Modelled, "a Timestamp away from East Africa Time is refused (switch, off)"),
    row("push", Observed, "CheckoutRequestID holds the EAT time and the payer's nine digits"),
    row("push", Observed, "no idempotency: the same push twice makes two prompts"),
    row("push", Documented, "till and pay bill mix-ups are accepted and fail later with 2028 or \"SFC_IC0003\""),
    row("push", Documented, "a prompt text over 182 characters fails with 1025"),
    row("push", Documented, "rule 17: same amount from the same customer within two minutes fails with 17"),
    row("push", Modelled, "rule 17 counts payments that took money, not attempts"),
    row("prompt", Observed, "254708374149 never answers: 1037 after 26 s"),
    row("prompt", Modelled, "a prompt lives 60 s on the phone, then 1037"),
    row("prompt", Documented, "a wrong PIN ends in 2001"),
    row("query", Observed, "result codes are strings, the description is spelt \"successsfully\""),
    row("query", Observed, "pending: 4999 with HTTP 200, or 500.001.1001 with HTTP 500 or 200, text or empty"),
    row("query", Observed, "unknown CheckoutRequestID: HTTP 500, 500.001.1001 \"The transaction does not Exist\""),
    row("query", Observed, "no receipt, amount or phone is returned"),
    row("query", Observed, "the sandbox allows 5 queries a minute, burst 1"),
    row("query", Observed, "wording differs from the callback's for the same code"),
    row("callback", Observed, "delivered once; neither an error nor silence causes a second try (switch: 3 retries)"),
    row("callback", Observed, "headers Content-Type: application/json;charset=UTF-8 and BusinessShortCode"),
    row("callback", Documented, "result code is a number, CallbackMetadata is absent on failure"),
    row("callback", Observed, "Amount is a decimal, Balance may lack its Value"),
    row("callback", Documented, "TransactionDate is a number in East Africa Time"),
    row("callback", Modelled, "a receiver has 10 s to answer"),
    row("c2b", Documented, "the reply to registration spells OriginatorCoversationID"),
    row("c2b", Documented, "URLs with mpesa, safaricom, exe, cmd, sql, query are refused"),
    row("c2b", Documented, "production registers URLs once, the sandbox freely"),
    row("c2b", Documented, "payer numbers arrive masked (v2) or hashed with SHA-256 (v1)"),
    row("c2b", Documented, "validation is off unless asked for; its refusal stops the payment"),
    row("c2b", Modelled, "an STK payment also confirms to registered C2B URLs, with the same receipt"),
    row("status", Documented, "asynchronous: acknowledged at once, the Result is posted to ResultURL"),
    row("c2b", Modelled, "some confirmations are never sent (switch): the sandbox is reported to lose many"),
    row("status", Modelled, "known receipts are Completed, sent back or not; unknown ones fail with 2032"),
    row("status", Documented, "keys repeat and entries lack values in ResultParameters"),
    row("result", Modelled, "the result may go to QueueTimeOutURL without an outcome, or be lost (switch)"),
    row("reversal", Documented, "R000001 already reversed, R000002 unknown receipt, 21 wrong initiator"),
    row("reversal", Documented, "the whole amount goes back, once; 1 when the balance is too low"),
    row("reversal", Documented, "result codes are strings, success included"),
    row("balance", Documented, "accounts are packed as Name|KES|…&Name|KES|…"),
    row("b2c", Documented, "a repeated OriginatorConversationID is refused with 500.002.1001"),
    row("pull", Documented, "codes 1000 and 1001; Response is an array of arrays with lower-case keys"),
    row("statement", Documented, "the columns of the organisation portal's CSV"),
    row("statement", Modelled, "wording of the details; the charge of a payment carries the payment's receipt"),
    row("qr", Documented, "ResponseCode is \"00\", QRCode is a base64 PNG"),
    row("qr", Modelled, "the text inside the QR code"),
    row("phone", Modelled, "the wording and look of the prompt and of the messages"),
];
