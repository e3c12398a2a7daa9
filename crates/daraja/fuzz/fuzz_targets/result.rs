//! Any bytes: no panic, and a transaction is completed only where the body says so.
#![no_main]

use daraja::result::{ReversalOutcome, TransactionState, decode};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|body: &[u8]| {
    let Ok(message) = decode(body) else { return };
    let reversed = message.as_reversal().outcome == ReversalOutcome::Reversed;
    assert_eq!(reversed, message.result_code.as_str() == "0");
    let Ok(status) = message.as_status() else { return };
    assert!(reversed, "a status needs the code of a success");
    let _ = (status.credited(), format!("{status:?} {message:?}"));
    // The other reader also refuses half a surrogate in a place that neither of them needs.
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return };
    let text = body["Result"]["ResultParameters"].to_string();
    assert!(text.contains(status.receipt.as_str()));
    assert!(text.contains(&status.amount.shillings().to_string()));
    assert!(status.state != TransactionState::Completed || text.to_ascii_lowercase().contains("completed"));
});
