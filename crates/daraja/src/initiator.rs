//! The API operator: who may ask about transactions and send them back.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString};

use crate::config::{ConfigError, Environment};

/// The API operator in whose name Transaction Status and Reversal are asked for. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Initiator {
    /// The operator's user name in the organisation portal.
    pub name: String,
    /// `SecurityCredential`: the operator's password as encrypted by the Daraja portal, base64 (documented). It ends
    /// when the password does, every 90 days.
    pub security_credential: SecretString,
}

impl Initiator {
    /// Checks what can be checked without asking Safaricom.
    pub(crate) fn validate(&self, environment: Environment) -> Result<(), ConfigError> {
        let graphic = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if self.name.is_empty() || self.name.len() > 100 || !graphic(&self.name) {
            return Err(ConfigError::InitiatorName);
        }
        let credential = self.security_credential.expose_secret();
        let bytes = STANDARD.decode(credential).map_err(|_| ConfigError::SecurityCredential)?;
        // An RSA block is as long as its key; anything shorter in production is a password pasted by mistake.
        let least = if environment == Environment::Production { 128 } else { 1 };
        if bytes.len() < least || credential.len() > 2048 {
            return Err(ConfigError::SecurityCredential);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Environment::{Production, Sandbox},
        *,
    };

    fn check(name: &str, credential: &str, environment: Environment) -> Result<(), ConfigError> {
        Initiator { name: name.to_owned(), security_credential: SecretString::from(credential) }.validate(environment)
    }

    #[test]
    fn a_password_is_not_taken_for_a_credential() {
        let sealed = STANDARD.encode([7; 256]);
        assert_eq!(sealed.len(), 344);
        assert_eq!(check("testapi", &sealed, Production), Ok(()));
        assert_eq!(check("testapi", "c2VjcmV0", Sandbox), Ok(()));
        for (credential, environment) in [
            ("", Sandbox),
            ("Safaricom999!*!", Sandbox),
            ("c2VjcmV0", Production),
            (&format!("{sealed}\n"), Production),
            (&"A".repeat(4096), Production),
        ] {
            assert_eq!(check("testapi", credential, environment), Err(ConfigError::SecurityCredential), "{credential}");
        }
        for name in ["", "two words", &"x".repeat(101)] {
            assert_eq!(check(name, &sealed, Production), Err(ConfigError::InitiatorName), "{name}");
        }
    }

    #[test]
    fn debug_shows_no_credential() {
        let initiator = Initiator { name: "testapi".to_owned(), security_credential: SecretString::from("c2VjcmV0") };
        assert!(!format!("{initiator:?}").contains("c2VjcmV0"));
    }
}
