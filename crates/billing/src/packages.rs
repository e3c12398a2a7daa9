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
