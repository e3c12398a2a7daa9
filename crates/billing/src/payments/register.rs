//! Telling Safaricom where payments made by hand are to be announced.

use std::net::IpAddr;

use daraja::{
    CallbackUrl, InvalidCallbackUrl,
    c2b::{RegisterOutcome, RegisterUrls, ResponseType},
};

use crate::{
    Billing,
    db::{
        StoreError,
        logs::{self, NewLog},
        settings,
    },
    settings::PAY_BY_HAND,
};

/// Remembers the addresses that M-Pesa took, so that a second try can tell ours from somebody else's.
const REGISTERED: &str = "c2b_registered";

/// What became of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// M-Pesa reports payments by hand to us from now on.
    Registered,
    /// M-Pesa has had these very addresses since before.
    AlreadyOurs,
    /// M-Pesa has addresses for this shortcode, and we do not know whether they are ours.
    AlreadyRegistered,
}

impl Registration {
    /// The word in the JSON of the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::AlreadyOurs => "already_ours",
            Self::AlreadyRegistered => "already_registered",
        }
    }

    /// What it means, for the owner.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::Registered => {
                "M-Pesa reports payments made by hand to Bando from now on, and the portal offers paying by hand."
            }
            Self::AlreadyOurs => "M-Pesa has these addresses already. The portal offers paying by hand.",
            Self::AlreadyRegistered => {
                "M-Pesa already has addresses for this shortcode and takes others only once. If they are not Bando's, \
                 delete them on developer.safaricom.co.ke under Self Services, URL Management (or ask \
                 apisupport@safaricom.co.ke), then register again. If they are, run: bando settings set pay_by_hand on"
            }
        }
    }
}

/// Why nothing was registered. The texts are for the owner.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The public address cannot be used.
    #[error("MPESA_CALLBACK_URL (or PUBLIC_URL) cannot be used for this: {0}.")]
    Address(#[from] InvalidCallbackUrl),
    /// M-Pesa refused.
    #[error("M-Pesa refused: {0}")]
    Refused(String),
    /// The answer was lost or made no sense.
    #[error("M-Pesa's answer was lost or not understood. Wait a minute and try again; trying twice does no harm.")]
    Unknown,
    /// The database.
    #[error("The database cannot be reached.")]
    Store(#[from] StoreError),
}

/// The public address of this server, as M-Pesa reaches it: the callback address without its own path.
pub(crate) fn public_base(callback_base: &str) -> &str {
    let base = callback_base.trim_end_matches('/');
    let known = ["/api/pay/hook", "/api/mpesa/callback"].into_iter().find_map(|path| base.strip_suffix(path));
    let origin = || {
        let host = base.find("://").map_or(0, |at| at + 3);
        base.get(host..).and_then(|rest| rest.find('/')).and_then(|at| base.get(..host + at)).unwrap_or(base)
    };
    known.unwrap_or_else(origin)
}

impl Billing {
    /// Registers our addresses for payments made by hand, and switches them on in the portal when M-Pesa took them.
    ///
    /// # Errors
    /// [`RegisterError`].
    pub async fn register_c2b_urls(
        &self,
        actor: &str,
        remote_ip: Option<IpAddr>,
    ) -> Result<Registration, RegisterError> {
        let environment = self.mpesa().config().environment;
        let (base, token) = (public_base(&self.options().callback_base), self.inner.deps.secret.c2b_token());
        let urls = RegisterUrls {
            confirmation_url: CallbackUrl::c2b(&format!("{base}/api/pay/c2b/confirm/{token}"), environment)?,
            validation_url: CallbackUrl::c2b(&format!("{base}/api/pay/c2b/validate/{token}"), environment)?,
            response_type: ResponseType::Completed,
        };
        let reply = self.mpesa().register_c2b_urls(&urls).await;
        let registration = match reply.outcome {
            RegisterOutcome::Registered { .. } => Registration::Registered,
            RegisterOutcome::AlreadyRegistered => {
                let known = settings::list_settings(self.pool()).await?;
                let is_ours = known.iter().any(|(name, value)| name == REGISTERED && value == base);
                if is_ours { Registration::AlreadyOurs } else { Registration::AlreadyRegistered }
            }
            RegisterOutcome::Refused(refusal) => {
                return Err(RegisterError::Refused(
                    refusal.owner_advice().map_or_else(|| refusal.message.clone(), ToOwned::to_owned),
                ));
            }
            RegisterOutcome::Unknown { .. } => return Err(RegisterError::Unknown),
        };
        let now = self.now();
        if registration != Registration::AlreadyRegistered {
            settings::upsert_setting(self.pool(), REGISTERED, base, now).await?;
            settings::upsert_setting(self.pool(), PAY_BY_HAND, "on", now).await?;
            self.inner.kept.forget_settings();
        }
        let log = NewLog {
            actor,
            action: "mpesa.register_urls",
            subject: Some(registration.as_str()),
            detail: Some(base),
            remote_ip,
            at: now,
        };
        logs::insert_log(self.pool(), &log).await?;
        Ok(registration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_address_is_the_callback_address_without_its_path() {
        for (callback, base) in [
            ("https://wifi.example.co.ke/api/pay/hook", "https://wifi.example.co.ke"),
            ("https://wifi.example.co.ke/api/mpesa/callback/", "https://wifi.example.co.ke"),
            ("https://wifi.example.co.ke/bando/api/pay/hook", "https://wifi.example.co.ke/bando"),
            ("http://127.0.0.1:8080/hook", "http://127.0.0.1:8080"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("", ""),
        ] {
            assert_eq!(public_base(callback), base, "{callback}");
        }
    }
}
