//! `/ip/hotspot/ip-binding`: rules by device that come before any login.

use domain::MacAddr;

use super::Hotspot;
use crate::{
    error::RouterOsError,
    sentence::{Attributes, Command},
};

const MENU: &str = "/ip/hotspot/ip-binding";

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The router's id.
    pub id: String,
    /// The device, if it is about one.
    pub mac: Option<MacAddr>,
    /// `regular`, `bypassed` or `blocked`.
    pub kind: String,
    /// The comment.
    pub comment: String,
    /// Whether it is switched off.
    pub is_disabled: bool,
}

impl Binding {
    /// What [`Binding::from_row`] reads.
    pub const FIELDS: [&'static str; 5] = [".id", "mac-address", "type", "comment", "disabled"];

    /// `None` without an id.
    #[must_use]
    pub fn from_row(row: &Attributes) -> Option<Self> {
        let text = |name: &str| row.get(name).unwrap_or_default().to_owned();
        Some(Self {
            id: row.get(".id").filter(|id| !id.is_empty())?.to_owned(),
            mac: row.get("mac-address").and_then(|mac| mac.parse().ok()),
            kind: text("type"),
            comment: text("comment"),
            is_disabled: row.is_true("disabled"),
        })
    }
}

impl Hotspot {
    /// Every rule, in order.
    ///
    /// # Errors
    /// Every [`RouterOsError`].
    pub async fn bindings(&self) -> Result<Vec<Binding>, RouterOsError> {
        let rows = self.print(MENU, &Binding::FIELDS, None).await?;
        Ok(rows.iter().filter_map(Binding::from_row).collect())
    }

    /// Adds a rule that keeps a device out, at the end: rules of others that come before it stay stronger.
    ///
    /// # Errors
    /// Every [`RouterOsError`]. A second rule does no harm.
    pub async fn add_block(&self, mac: MacAddr, comment: &str) -> Result<(), RouterOsError> {
        let add = Command::new(format!("{MENU}/add"))
            .attr("mac-address", mac.to_string())
            .attr("type", "blocked")
            .attr("comment", comment);
        self.connection.run(add).await.map(drop)
    }

    /// Removes a rule; one that is not there is removed.
    ///
    /// # Errors
    /// Every [`RouterOsError`] but "no such item".
    pub async fn remove_binding(&self, id: &str) -> Result<(), RouterOsError> {
        self.remove(MENU, id).await
    }
}
