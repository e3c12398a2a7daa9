//! The one place that says how large the portal may become.

use crate::{error::Error, output::Output};

/// Bytes of the portal's wasm and glue together, with brotli: about a second and a half on the slow 3G that a
/// customer may have before paying.
const PORTAL_BROTLI_BYTES: usize = 130_000;

fn portal_bytes(output: &Output) -> usize {
    output
        .files()
        .filter(|file| matches!(file.key.as_str(), "portal.js" | "portal.wasm"))
        .map(|file| file.brotli_bytes)
        .sum()
}

/// The budget as a line of the report.
pub(crate) fn line(output: &Output) -> String {
    format!("portal wasm + glue: {} of {PORTAL_BROTLI_BYTES} bytes with brotli\n", portal_bytes(output))
}

/// Refuses a portal that is over its budget.
pub(crate) fn check(output: &Output) -> Result<(), Error> {
    let actual = portal_bytes(output);
    if actual > PORTAL_BROTLI_BYTES {
        return Err(Error::OverBudget { actual, budget: PORTAL_BROTLI_BYTES });
    }
    Ok(())
}
