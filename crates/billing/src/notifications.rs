//! What the owner should know.

use domain::NotificationId;

use crate::{
    Billing,
    db::{StoreError, notifications},
};

pub use crate::db::notifications::{NotificationRecord, Severity};

impl Billing {
    /// Unread first, newest first, at most 50.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list_notifications(&self) -> Result<Vec<NotificationRecord>, StoreError> {
        notifications::list_notifications(self.pool(), 50).await
    }

    /// One notification.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_notification(&self, id: NotificationId) -> Result<Option<NotificationRecord>, StoreError> {
        notifications::find_notification(self.pool(), id).await
    }

    /// Marks one as read; `false` if it was read already or never was.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn mark_notification_read(&self, id: NotificationId) -> Result<bool, StoreError> {
        notifications::mark_read(self.pool(), id, self.now()).await
    }
}
