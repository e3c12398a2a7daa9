//! The one place that says how large what browsers download may become.

use crate::{error::Error, output::Output};

/// What one bundle may weigh: wasm and glue together, with brotli.
struct Budget {
    bundle: &'static str,
    bytes: usize,
}

const BUDGETS: [Budget; 2] = [
    // About a second and a half on the slow 3G that a customer may have before paying.
    Budget { bundle: "portal", bytes: 130_000 },
    // About five seconds there, once a release: the owner's browser keeps it. It is there to notice what creeps in.
    Budget { bundle: "admin", bytes: 460_000 },
];

impl Budget {
    fn actual(&self, output: &Output) -> usize {
        let is_counted =
            |key: &str| key.strip_prefix(self.bundle).is_some_and(|ending| matches!(ending, ".js" | ".wasm"));
        output.files().filter(|file| is_counted(&file.key)).map(|file| file.brotli_bytes).sum()
    }
}

/// The budgets as lines of the report.
pub(crate) fn lines(output: &Output) -> String {
    let line = |budget: &Budget| {
        let Budget { bundle, bytes } = budget;
        format!("{bundle} wasm + glue: {} of {bytes} bytes with brotli\n", budget.actual(output))
    };
    BUDGETS.iter().map(line).collect()
}

/// Refuses what is over its budget.
pub(crate) fn check(output: &Output) -> Result<(), Error> {
    for budget in &BUDGETS {
        let actual = budget.actual(output);
        if actual > budget.bytes {
            return Err(Error::OverBudget { bundle: budget.bundle, actual, budget: budget.bytes });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bundle_has_a_budget_of_its_own() {
        let dir = std::env::temp_dir().join(format!("bundler-{}-budget", std::process::id()));
        // Numbers without a pattern, which compress to nothing smaller.
        let noise = |bytes: usize| -> Vec<u8> {
            let mut state = 1_u64;
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                state.to_be_bytes()[0]
            };
            std::iter::repeat_with(&mut next).take(bytes).collect()
        };
        let mut output = Output::open(&dir).unwrap();
        output.add("portal", "wasm", "one", &noise(1_000)).unwrap();
        output.add("admin", "wasm", "one", &noise(200_000)).unwrap();
        output.add("admin", "css", "one", &noise(400_000)).unwrap();
        assert!(check(&output).is_ok(), "the admin app may be larger than the portal, and styles do not count");
        output.add("admin", "js", "one", &noise(300_000)).unwrap();
        let over = check(&output);
        assert!(matches!(over, Err(Error::OverBudget { bundle: "admin", actual, .. }) if actual > 460_000));
        output.add("portal", "js", "one", &noise(140_000)).unwrap();
        assert!(matches!(check(&output), Err(Error::OverBudget { bundle: "portal", .. })));
        assert!(lines(&output).starts_with("portal wasm + glue: 14"), "{}", lines(&output));
    }
}
