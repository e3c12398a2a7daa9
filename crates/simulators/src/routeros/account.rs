//! Logins of the router itself: passwords, challenges, and what each group may do.

use std::net::IpAddr;

use md5::{Digest, Md5};

use super::{router::Router, trap::Trap, value};

/// Who is logged in on a connection.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    pub(crate) name: String,
    policies: Vec<String>,
}

impl Login {
    /// Somebody with these policies, joined by commas.
    pub(crate) fn new(name: &str, policy: &str) -> Self {
        Self { name: name.to_owned(), policies: policy.split(',').map(str::to_owned).collect() }
    }

    /// Takes away what is not in `policy`.
    pub(crate) fn keep_only(&mut self, policy: &str) {
        self.policies.retain(|held| policy.split(',').any(|kept| kept == held));
    }

    pub(crate) fn may(&self, policy: &str) -> bool {
        self.policies.iter().any(|held| held == policy)
    }
}

/// The policy a command needs: printing `read`, changing `write`, accounts `policy`, rebooting `reboot`.
pub(crate) fn policy_of(directory: &str, verb: &str) -> &'static str {
    let reads = matches!(verb, "print" | "getall" | "get" | "find" | "listen");
    match (directory, verb) {
        ("/system", "reboot" | "shutdown") => "reboot",
        ("/tool", _) | ("", "execute") | ("/system/script", "run") => "test",
        _ if reads => "read",
        ("/user" | "/user/group", _) => "policy",
        _ => "write",
    }
}

/// The answer to a challenge: `00` and the hex of md5(0x00, password, challenge). Releases before 6.43.
pub(crate) fn challenge_response(password: &str, challenge: &[u8; 16]) -> String {
    let digest = Md5::new().chain_update([0]).chain_update(password).chain_update(challenge).finalize();
    format!("00{}", hex::encode(digest))
}

impl Router {
    /// Checks a plain login.
    ///
    /// # Errors
    /// One text for everything that is wrong with it.
    pub(crate) fn login_plain(&self, name: &str, password: &str, from: IpAddr) -> Result<Login, Trap> {
        self.login_if(name, from, |kept| kept == password)
    }

    /// Checks the answer to a challenge.
    ///
    /// # Errors
    /// As [`Self::login_plain`].
    pub(crate) fn login_response(
        &self,
        name: &str,
        response: &str,
        challenge: &[u8; 16],
        from: IpAddr,
    ) -> Result<Login, Trap> {
        self.login_if(name, from, |kept| challenge_response(kept, challenge).eq_ignore_ascii_case(response))
    }

    fn login_if(&self, name: &str, from: IpAddr, is_password: impl Fn(&str) -> bool) -> Result<Login, Trap> {
        let user =
            self.named("/user", name).filter(|row| !row.is_true("disabled") && is_password(&row.text("password")));
        let user = user.ok_or_else(|| self.bad_login())?;
        let allowed = user.text("address");
        let inside = match from {
            IpAddr::V4(ip) => allowed.split(',').any(|range| value::address_contains(range, ip)),
            IpAddr::V6(_) => false,
        };
        let group = self.named("/user/group", &user.text("group"));
        let policy = group.map(|row| row.text("policy")).unwrap_or_default();
        let login = Login::new(name, &policy);
        if login.may("api") && (allowed.is_empty() || inside) { Ok(login) } else { Err(self.bad_login()) }
    }

    /// Somebody at the router's own terminal.
    ///
    /// # Errors
    /// When there is no such account, it is off, or its group may not use a terminal.
    pub(crate) fn login_terminal(&self, name: &str) -> Result<Login, Trap> {
        let user = self.named("/user", name).filter(|row| !row.is_true("disabled")).ok_or_else(|| self.bad_login())?;
        let group = self.named("/user/group", &user.text("group"));
        let login = Login::new(name, &group.map(|row| row.text("policy")).unwrap_or_default());
        let ways = ["local", "ssh", "telnet", "winbox", "web"];
        if ways.iter().any(|way| login.may(way)) { Ok(login) } else { Err(self.bad_login()) }
    }

    pub(crate) fn bad_login(&self) -> Trap {
        let challenged = self.options.ros == super::options::RosVersion::V6_42;
        Trap::new(if challenged { "cannot log in" } else { "invalid user name or password (6)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenge_vectors() {
        let challenge: [u8; 16] = std::array::from_fn(|i| u8::try_from(i).unwrap());
        assert_eq!(challenge_response("secret", &challenge), "00925d25da4b1ffe731237818c4e1fcd57");
        assert_eq!(challenge_response("", &challenge), "0056965570ff778b1a1ea22aad590505f8");
    }
}
