//! People who may log in to the admin app.

use std::net::IpAddr;

use argon2::{
    Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier,
    password_hash::{Error as HashError, SaltString},
};
use chrono::TimeDelta;
use domain::AdminId;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::{
    Billing,
    db::{
        StoreError,
        admin_users::{self, AdminRecord},
        logs::{self, NewLog},
    },
    random,
};

/// What an admin may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Owner,
    /// Everything but money going out and other admins.
    Cashier,
}

impl Role {
    /// The word in the database and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Cashier => "cashier",
        }
    }

    fn read(text: &str) -> Option<Self> {
        [Self::Owner, Self::Cashier].into_iter().find(|role| role.as_str() == text)
    }
}

/// A logged-in admin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// The key.
    pub id: AdminId,
    /// The name.
    pub username: String,
    /// What they may do.
    pub role: Role,
    /// Goes up when the password changes; a login made under an older one is over.
    pub login_epoch: u32,
}

/// Why a login was refused.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Wrong name or password: one answer for both.
    #[error("wrong user name or password")]
    BadCredentials,
    /// Too many failures for this name or from this address.
    #[error("too many failed logins")]
    TooMany {
        /// When to come back.
        retry_after_secs: u64,
    },
    /// The password could not be checked.
    #[error("the password could not be checked")]
    Hash,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why an admin was not added or changed. The texts are for the owner.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// Not a usable name.
    #[error("A user name has 3 to 64 of a-z, 0-9, dot, dash, underscore and @.")]
    Username,
    /// Not a usable password.
    #[error("A password needs at least 10 and at most 200 characters.")]
    Password,
    /// The name is taken.
    #[error("There is already an admin with this name.")]
    Taken,
    /// No such admin.
    #[error("There is no admin with this name.")]
    Unknown,
    /// The password could not be hashed.
    #[error("the password could not be hashed")]
    Hash,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

const MAX_FAILURES: i64 = 5;
const MAX_FAILURES_OF_ADDRESS: i64 = 20;
const FAILURE_WINDOW_SECS: i64 = 900;

/// At most two hashes at a time: each takes 19 MiB and a core.
static HASHING: Semaphore = Semaphore::const_new(2);

impl Billing {
    /// Checks a name and password. Failures are counted in the audit log, so the limit holds over restarts
    /// and over all processes.
    ///
    /// # Errors
    /// [`LoginError`].
    pub async fn log_in(
        &self,
        username: &str,
        password: SecretString,
        remote_ip: Option<IpAddr>,
    ) -> Result<Admin, LoginError> {
        let name = username.trim().to_ascii_lowercase();
        self.refuse_brute_force(&name, remote_ip).await?;
        let found = admin_users::find_by_username(self.pool(), &name).await?;
        let found = found.filter(|admin| !admin.is_disabled);
        // An unknown name costs the same hash as a known one, so that time tells nothing.
        let hash = found.as_ref().map(|admin| admin.password_hash.clone());
        let matches = verify(hash, password).await.map_err(|_| LoginError::Hash)?;
        let (action, admin) = match found.filter(|_| matches) {
            Some(admin) => ("login.ok", Some(admin)),
            None => ("login.failed", None),
        };
        let log = NewLog { actor: &name, action, subject: Some(&name), detail: None, remote_ip, at: self.now() };
        logs::insert_log(self.pool(), &log).await?;
        let admin = admin.ok_or(LoginError::BadCredentials)?;
        Ok(read_admin(admin)?)
    }

    /// The admin behind a login, unless disabled since.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_admin(&self, id: AdminId) -> Result<Option<Admin>, StoreError> {
        let found = admin_users::find_admin(self.pool(), id).await?;
        found.filter(|admin| !admin.is_disabled).map(read_admin).transpose()
    }

    /// Adds an admin.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn add_admin(&self, username: &str, password: SecretString, role: Role) -> Result<(), AdminError> {
        if self.insert_admin(username, password, role, false).await? { Ok(()) } else { Err(AdminError::Taken) }
    }

    /// Makes the first owner when there is no admin at all; `false` if there is one.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn ensure_first_owner(&self, username: &str, password: SecretString) -> Result<bool, AdminError> {
        if admin_users::any_admin(self.pool()).await? {
            return Ok(false);
        }
        self.insert_admin(username, password, Role::Owner, true).await
    }

    /// Whether anybody can log in.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn has_admin(&self) -> Result<bool, StoreError> {
        admin_users::any_admin(self.pool()).await
    }

    /// Sets a new password, which ends every login made before.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn reset_admin_password(&self, username: &str, password: SecretString) -> Result<(), AdminError> {
        let name = parse_username(username)?;
        let hash = hash(password).await?;
        let now = self.now();
        if !admin_users::update_password(self.pool(), &name, &hash, now).await? {
            return Err(AdminError::Unknown);
        }
        self.log_admin_change("admin.reset", &name).await
    }

    async fn insert_admin(
        &self,
        username: &str,
        password: SecretString,
        role: Role,
        only_first: bool,
    ) -> Result<bool, AdminError> {
        let name = parse_username(username)?;
        let hash = hash(password).await?;
        let now = self.now();
        let id = AdminId::from_uuid(random::uuid(now));
        let added = admin_users::insert_admin(self.pool(), id, &name, &hash, role.as_str(), only_first, now).await?;
        if added {
            self.log_admin_change("admin.added", &name).await?;
        }
        Ok(added)
    }

    async fn log_admin_change(&self, action: &str, name: &str) -> Result<(), AdminError> {
        let log = NewLog { actor: "cli", action, subject: Some(name), detail: None, remote_ip: None, at: self.now() };
        Ok(logs::insert_log(self.pool(), &log).await?)
    }

    async fn refuse_brute_force(&self, name: &str, remote_ip: Option<IpAddr>) -> Result<(), LoginError> {
        let since = self.now() - TimeDelta::seconds(FAILURE_WINDOW_SECS);
        let of_name = logs::count_by_subject(self.pool(), "login.failed", name, since).await?;
        let of_address = match remote_ip {
            Some(ip) => logs::count_by_remote(self.pool(), "login.failed", ip, since).await?,
            None => 0,
        };
        if of_name >= MAX_FAILURES || of_address >= MAX_FAILURES_OF_ADDRESS {
            return Err(LoginError::TooMany { retry_after_secs: FAILURE_WINDOW_SECS.unsigned_abs() });
        }
        Ok(())
    }
}

fn read_admin(record: AdminRecord) -> Result<Admin, StoreError> {
    let role = Role::read(&record.role).ok_or_else(|| StoreError::inconsistent("admin_users", "role", record.id))?;
    Ok(Admin { id: record.id, username: record.username, role, login_epoch: record.login_epoch })
}

fn parse_username(text: &str) -> Result<String, AdminError> {
    let name = text.trim().to_ascii_lowercase();
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_@".contains(&byte);
    if (3..=64).contains(&name.len()) && name.bytes().all(plain) { Ok(name) } else { Err(AdminError::Username) }
}

/// Argon2id with 19 MiB, two passes, one lane: the least that OWASP's verification standard accepts, so
/// that a login does not need more memory than the whole idle server.
fn argon2() -> Result<Argon2<'static>, HashError> {
    let params = Params::new(19 * 1024, 2, 1, None)?;
    Ok(Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params))
}

async fn hash(password: SecretString) -> Result<String, AdminError> {
    if !(10..=200).contains(&password.expose_secret().chars().count()) {
        return Err(AdminError::Password);
    }
    let work = move || {
        let mut salt = [0; 16];
        random::fill(&mut salt);
        let salt = SaltString::encode_b64(&salt)?;
        Ok::<_, HashError>(argon2()?.hash_password(password.expose_secret().as_bytes(), &salt)?.to_string())
    };
    let _permit = HASHING.acquire().await.map_err(|_| AdminError::Hash)?;
    tokio::task::spawn_blocking(work).await.map_err(|_| AdminError::Hash)?.map_err(|_| AdminError::Hash)
}

async fn verify(hash: Option<String>, password: SecretString) -> Result<bool, HashError> {
    let work = move || -> Result<bool, HashError> {
        let Some(hash) = hash else {
            let salt = SaltString::encode_b64(&[0; 16])?;
            argon2()?.hash_password(password.expose_secret().as_bytes(), &salt)?;
            return Ok(false);
        };
        let hash = PasswordHash::new(&hash)?;
        match argon2()?.verify_password(password.expose_secret().as_bytes(), &hash) {
            Ok(()) => Ok(true),
            Err(HashError::Password) => Ok(false),
            Err(error) => Err(error),
        }
    };
    let _permit = HASHING.acquire().await.map_err(|_| HashError::Crypto)?;
    tokio::task::spawn_blocking(work).await.map_err(|_| HashError::Crypto)?
}
