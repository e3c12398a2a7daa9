//! Waiting for a condition, with patience that has an end.

use std::{future::Future, time::Duration};

/// How long a condition is waited for before the run fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// Waits until it is so.
pub(crate) async fn until<F: Future<Output = bool> + Send>(what: &str, is_so: impl FnMut() -> F + Send) {
    assert!(is_so_within(PATIENCE, is_so).await, "waited in vain until {what}");
}

/// Whether it becomes so in time.
pub(crate) async fn is_so_within<F: Future<Output = bool> + Send>(
    patience: Duration,
    mut is_so: impl FnMut() -> F + Send,
) -> bool {
    let waited = tokio::time::timeout(patience, async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    waited.await.is_ok()
}
