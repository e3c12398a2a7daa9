//! `/login` on a connection: plain, or by challenge on old releases.

use md5::{Digest, Md5};

use super::{
    connection::Connection,
    fault::Fault,
    options::RosVersion,
    reply::Reply,
    router::{ApiSession, Router},
    sentence::Command,
    trap::Trap,
};

impl Connection {
    /// Answers `/login`. A refused login leaves the connection open for another try (observed).
    pub(super) fn log_in(&mut self, command: &Command, faults: &[Fault]) -> Vec<Reply> {
        let tag = command.tag.clone();
        let tag = tag.as_deref();
        let shared = std::sync::Arc::clone(&self.shared);
        shared.with_router(|router| {
            let refused = faults.iter().find_map(|fault| match fault {
                Fault::WrongPassword => Some(router.bad_login()),
                other => other.refusal(),
            });
            let result = refused.map_or_else(|| self.check(router, command), Err);
            match result {
                Ok(None) => vec![Reply::done_with(tag, self.challenge.map(hex::encode).unwrap_or_default())],
                Ok(Some(login)) => {
                    self.remember(router, &login.name);
                    self.login = Some(login);
                    vec![Reply::done(tag)]
                }
                Err(trap) => vec![Reply::trap(tag, &trap), Reply::done(tag)],
            }
        })
    }

    /// Who it is; nobody yet when a challenge has to be answered first.
    fn check(&mut self, router: &Router, command: &Command) -> Result<Option<super::account::Login>, Trap> {
        let old = router.options.ros == RosVersion::V6_42;
        let name = command.text("name").unwrap_or_default();
        if let Some(response) = command.text("response").filter(|_| old || self.challenge.is_some()) {
            // A challenge is good for one answer.
            let challenge = self.challenge.take().ok_or_else(|| router.bad_login())?;
            return router.login_response(&name, &response, &challenge, self.peer.ip()).map(Some);
        }
        let bare = !command.has("name") && router.options.unconfirmed.bare_login_challenges;
        if old || bare {
            // Unlike any other of this simulator, which is all that a challenge needs to be here.
            self.challenge = Some(Md5::digest(format!("challenge {} {}", self.number, router.now_ms)).into());
            return Ok(None);
        }
        let password = command.text("password").unwrap_or_default();
        router.login_plain(&name, &password, self.peer.ip()).map(Some)
    }

    fn remember(&self, router: &mut Router, name: &str) {
        let (connection, address) = (self.number, self.peer.ip().to_string());
        router.api_sessions.retain(|session| session.connection != connection);
        let since_ms = router.now_ms;
        router.api_sessions.push(ApiSession { connection, name: name.to_owned(), address: address.clone(), since_ms });
        router.note("system,info,account", &format!("user {name} logged in from {address} via api"));
    }
}
