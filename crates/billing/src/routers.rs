//! The owner's routers.

mod manage;

use domain::RouterId;
use secrecy::SecretString;

use crate::{
    Billing,
    db::{StoreError, routers},
    random,
    seal::SealError,
};

pub use manage::{AskedBy, RouterChange, RouterError, RouterListed};

pub use crate::db::routers::{Reach, RouterRecord};

/// A router to add.
#[derive(Debug)]
pub struct NewRouter {
    /// The owner's name for it, 1 to 60 characters. The public name in portal links is made from it.
    pub name: String,
    /// Host name or address.
    pub host: String,
    /// The API port, usually 8728, or 8729 with TLS.
    pub port: u16,
    /// The API user.
    pub username: String,
    /// Its password; sealed before it is stored.
    pub password: SecretString,
    /// SHA-256 of the router's certificate; `None` is plain TCP.
    pub tls_pin: Option<[u8; 32]>,
}

/// Why a router was not added. The texts are for the owner.
#[derive(Debug, thiserror::Error)]
pub enum AddRouterError {
    /// No usable name.
    #[error("Give the router a name of 1 to 60 characters with at least one letter or digit, such as Main cafe.")]
    Name,
    /// No usable address.
    #[error("Give the router's address as a host name or IP address without http://, such as 192.168.88.1.")]
    Host,
    /// The name is taken.
    #[error("There is already a router with this name. Choose another.")]
    Taken,
    /// The password could not be sealed or opened.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Billing {
    /// Adds a router.
    ///
    /// # Errors
    /// [`AddRouterError`].
    pub async fn add_router(&self, new: &NewRouter) -> Result<RouterRecord, AddRouterError> {
        let router = self.seal_router(new, slug(&new.name).ok_or(AddRouterError::Name)?)?;
        let is_added = routers::insert_router(self.pool(), &router, false, self.now()).await?;
        if is_added { Ok(router) } else { Err(AddRouterError::Taken) }
    }

    /// Adds the router of the configuration when there is none yet; `false` if there is one.
    ///
    /// # Errors
    /// [`AddRouterError`].
    pub async fn ensure_first_router(&self, new: &NewRouter) -> Result<bool, AddRouterError> {
        let router = self.seal_router(new, slug(&new.name).ok_or(AddRouterError::Name)?)?;
        Ok(routers::insert_router(self.pool(), &router, true, self.now()).await?)
    }

    /// Every active router.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list_routers(&self) -> Result<Vec<RouterRecord>, StoreError> {
        routers::list_routers(self.pool()).await
    }

    /// An active router by its public name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_router(&self, slug: &str) -> Result<Option<RouterRecord>, StoreError> {
        routers::find_by_slug(self.pool(), slug).await
    }

    /// The router a sale is for, as of a second ago. Without a name there must be exactly one.
    pub(crate) async fn router_for_sale(&self, slug: Option<&str>) -> Result<Option<RouterId>, StoreError> {
        // No router has an empty name, so it stands for "not named".
        let key = slug.unwrap_or_default();
        if let Some(id) = self.inner.kept.router(key) {
            return Ok(Some(id));
        }
        let found = match slug {
            Some(slug) => routers::find_by_slug(self.pool(), slug).await?.map(|router| router.id),
            None => match routers::list_routers(self.pool()).await?.as_slice() {
                [only] => Some(only.id),
                _ => None,
            },
        };
        if let Some(id) = found {
            self.inner.kept.keep_router(key, id);
        }
        Ok(found)
    }

    /// The password to log in to a router with.
    ///
    /// # Errors
    /// [`SealError::CannotOpen`] when `APP_SECRET` changed.
    pub fn router_password(&self, router: &RouterRecord) -> Result<SecretString, SealError> {
        self.inner.deps.secret.open(router.id.as_uuid().as_bytes(), &router.password_sealed)
    }

    fn seal_router(&self, new: &NewRouter, slug: String) -> Result<RouterRecord, AddRouterError> {
        let name = sound_name(&new.name).ok_or(AddRouterError::Name)?;
        let host = sound_host(&new.host).ok_or(AddRouterError::Host)?;
        let id = RouterId::from_uuid(random::uuid(self.now()));
        Ok(RouterRecord {
            id,
            slug,
            name,
            reach: Reach::Direct,
            host,
            port: new.port,
            username: new.username.clone(),
            password_sealed: self.inner.deps.secret.seal(id.as_uuid().as_bytes(), &new.password)?,
            tls_pin: new.tls_pin.map(|pin| pin.to_vec()),
            last_seen_at: None,
            last_error: None,
        })
    }
}

/// The owner's name for a router, trimmed; `None` if it cannot be shown.
fn sound_name(text: &str) -> Option<String> {
    let name = text.trim();
    let is_sound = !name.is_empty() && name.chars().count() <= 60 && !name.chars().any(char::is_control);
    is_sound.then(|| name.to_owned())
}

/// A host name or address, trimmed; `None` if it is neither.
fn sound_host(text: &str) -> Option<String> {
    let host = text.trim();
    let is_sound = !host.is_empty()
        && host.len() <= 253
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'_'));
    is_sound.then(|| host.to_owned())
}

/// The public name made from the owner's: lower-case letters and digits, words joined by `-`.
pub(crate) fn slug(name: &str) -> Option<String> {
    let words: Vec<String> = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    let slug: String = words.join("-").chars().take(32).collect();
    let slug = slug.trim_end_matches('-').to_owned();
    (!slug.is_empty()).then_some(slug)
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn public_names_are_plain() {
        for (name, expected) in [
            ("Main", Some("main")),
            ("  Café  No. 7 ", Some("caf-no-7")),
            ("--", None),
            ("ćafé'; drop", Some("af-drop")),
        ] {
            assert_eq!(slug(name).as_deref(), expected, "{name}");
        }
        assert_eq!(slug(&"ab ".repeat(30)).map(|s| s.len() <= 32), Some(true));
    }
}
