//! The price list.

use domain::{Kes, Package, PackageId, PackageTerms, package::InvalidPackage};

use crate::{
    Billing,
    db::{StoreError, packages},
    random,
};

/// Why a package was not put on sale.
#[derive(Debug, thiserror::Error)]
pub enum AddPackageError {
    /// The terms cannot be sold; the message is for the owner.
    #[error(transparent)]
    Invalid(#[from] InvalidPackage),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Billing {
    /// What is on sale, cheapest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list_packages(&self) -> Result<Vec<Package>, StoreError> {
        packages::list_packages(self.pool(), false).await
    }

    /// One package on sale, as of a second ago.
    pub(crate) async fn package_on_sale(&self, id: PackageId) -> Result<Option<Package>, StoreError> {
        if let Some(package) = self.inner.kept.package(id) {
            return Ok(Some(package));
        }
        let found = packages::find_active_package(self.pool(), id).await?;
        if let Some(package) = &found {
            self.inner.kept.keep_package(package);
        }
        Ok(found)
    }

    /// Puts a package on sale.
    ///
    /// # Errors
    /// [`AddPackageError`].
    pub async fn add_package(&self, terms: PackageTerms, price: Kes) -> Result<Package, AddPackageError> {
        let now = self.now();
        let id = PackageId::from_uuid(random::uuid(now));
        let package = Package { id, revision: 1, price, terms: terms.validated()? };
        packages::insert_package(self.pool(), &package, now).await?;
        Ok(package)
    }
}
