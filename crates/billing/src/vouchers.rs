//! Prepaid codes: made by the owner, redeemed by a customer for one device.

use std::net::IpAddr;

use domain::{MacAddr, PackageId, RouterId, SessionId, VoucherId};

use crate::{
    Billing,
    db::{
        AsStoreError, Repeat, StoreError,
        logs::{self, NewLog},
        packages,
        sessions::Origin,
        vouchers::{self, NewVoucher},
    },
    random,
    sessions::{Right, create_sessions},
};

/// Most vouchers made at once.
pub const MAX_BATCH: u32 = 500;
/// Wrong codes a device may try in the window before it has to wait.
const MAX_WRONG_CODES: i64 = 10;
const WRONG_CODE_WINDOW_SECS: i64 = 900;

/// Why no vouchers were made.
#[derive(Debug, thiserror::Error)]
pub enum CreateVouchersError {
    /// No such package.
    #[error("there is no package with this id; `bando package list` shows them all")]
    UnknownPackage,
    /// None, or more than [`MAX_BATCH`].
    #[error("the number of vouchers must be between 1 and {MAX_BATCH}")]
    Count,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a voucher was not redeemed. The texts are for the customer.
#[derive(Debug, thiserror::Error)]
pub enum RedeemError {
    /// No such code, or used, or over: one text for all, so that codes cannot be probed.
    #[error("This code is not valid or has been used. Check it and type it again.")]
    NotValid,
    /// This hotspot is not known.
    #[error("This hotspot is not known. Disconnect from the WiFi and join it again.")]
    UnknownRouter,
    /// The owner keeps this device out. The code can be used on another.
    #[error("{}", crate::live::BLOCKED)]
    Blocked,
    /// Too many wrong codes from this device.
    #[error("Too many wrong codes. Wait 15 minutes and try again.")]
    TooMany {
        /// When to come back.
        retry_after_secs: u64,
    },
    /// The database.
    #[error("We cannot check the code right now. Try again in a moment; your code is safe.")]
    Store(#[from] StoreError),
}

impl AsStoreError for RedeemError {
    fn as_store_error(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) => Some(error),
            _ => None,
        }
    }
}

impl Billing {
    /// Makes `count` vouchers for a package and returns their codes, which are shown this once only.
    ///
    /// # Errors
    /// [`CreateVouchersError`].
    pub async fn create_vouchers(
        &self,
        package_id: PackageId,
        count: u32,
        created_by: &str,
    ) -> Result<Vec<String>, CreateVouchersError> {
        if !(1..=MAX_BATCH).contains(&count) {
            return Err(CreateVouchersError::Count);
        }
        packages::find_active_package(self.pool(), package_id).await?.ok_or(CreateVouchersError::UnknownPackage)?;
        let mut codes = Vec::new();
        for _ in 0..count {
            let code = random::voucher_code();
            let now = self.now();
            let new = NewVoucher {
                id: VoucherId::from_uuid(random::uuid(now)),
                code_hash: hash(&code),
                hint: &code[code.len() - 4..],
                package_id,
                created_by,
                expires_at: None,
                created_at: now,
            };
            vouchers::insert_voucher(self.pool(), &new).await?;
            codes.push(code);
        }
        Ok(codes)
    }

    /// Redeems a code, once, for one device.
    ///
    /// # Errors
    /// [`RedeemError`].
    pub async fn redeem_voucher(
        &self,
        code: &str,
        router_slug: Option<&str>,
        mac: MacAddr,
        ip: Option<IpAddr>,
    ) -> Result<SessionId, RedeemError> {
        let subject = mac.to_string();
        self.refuse_guessing(&subject).await?;
        let router_id = self.router_for_sale(router_slug).await?.ok_or(RedeemError::UnknownRouter)?;
        if self.is_blocked(mac).await? {
            return Err(RedeemError::Blocked);
        }
        let redeemed = Repeat::run(|| self.redeem_once(code, router_id, mac, ip)).await;
        match &redeemed {
            Ok(_) => self.wake_router(router_id),
            Err(RedeemError::NotValid) => self.note_wrong_code(&subject).await?,
            Err(_) => {}
        }
        redeemed
    }

    async fn redeem_once(
        &self,
        code: &str,
        router_id: RouterId,
        mac: MacAddr,
        ip: Option<IpAddr>,
    ) -> Result<SessionId, RedeemError> {
        let now = self.now();
        let voucher = vouchers::find_voucher(self.pool(), hash(code)).await?.ok_or(RedeemError::NotValid)?;
        let package = packages::find_package(self.pool(), voucher.package_id.into())
            .await?
            .ok_or_else(|| StoreError::inconsistent("vouchers", "package_id", voucher.id))?;
        let mut tx = self.pool().begin().await.map_err(StoreError::from)?;
        if !vouchers::redeem_voucher(&mut tx, voucher.id.into(), now).await? {
            return Err(RedeemError::NotValid);
        }
        let right = Right {
            origin: Origin::Voucher(voucher.id.into()),
            user_id: None,
            router_id,
            mac,
            ip,
            package_id: package.id,
            package_revision: package.revision,
            terms: &package.terms,
        };
        let sessions = create_sessions(&mut tx, std::slice::from_ref(&right), now).await?;
        tx.commit().await.map_err(StoreError::from)?;
        let wrong = || StoreError::RowCount { what: "make a session", expected: 1, actual: 0 };
        Ok(sessions.first().copied().ok_or_else(wrong)?)
    }

    async fn refuse_guessing(&self, subject: &str) -> Result<(), RedeemError> {
        let since = self.now() - chrono::TimeDelta::seconds(WRONG_CODE_WINDOW_SECS);
        let wrong = logs::count_by_subject(self.pool(), "voucher.wrong", subject, since).await?;
        if wrong >= MAX_WRONG_CODES {
            return Err(RedeemError::TooMany { retry_after_secs: WRONG_CODE_WINDOW_SECS.unsigned_abs() });
        }
        Ok(())
    }

    async fn note_wrong_code(&self, subject: &str) -> Result<(), StoreError> {
        let log = NewLog {
            actor: "customer",
            action: "voucher.wrong",
            subject: Some(subject),
            detail: None,
            remote_ip: None,
            at: self.now(),
        };
        logs::insert_log(self.pool(), &log).await
    }
}

/// The hash a code is kept as; case, spaces and dashes do not matter.
fn hash(code: &str) -> [u8; 32] {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase();
    random::digest(&[b"voucher", plain.as_bytes()])
}
