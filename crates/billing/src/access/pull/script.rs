//! The script that a router asks with: `hotspot/bando-pull.rsc`, made for one router.

use super::keys::PullKey;
use crate::routers::RouterRecord;

const TEMPLATE: &str = include_str!("../../../../../hotspot/bando-pull.rsc");

/// The source of the system script `bando-pull` of one router, with its secrets inside. It does not print.
#[derive(Clone)]
pub struct AgentScript(String);

impl AgentScript {
    /// RouterOS script source, with line breaks and unescaped. To install it: `/system/script/add name=bando-pull
    /// policy=ftp,read,write,test source=…` and `/system/scheduler/add name=bando-pull interval=5s
    /// start-time=startup on-event=bando-pull policy=ftp,read,write,test`, as `hotspot/steps/pull.rsc` does.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for AgentScript {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AgentScript(…)")
    }
}

/// Why there is no script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// The router would send its key where anybody can read it.
    #[error("A router can only ask over https. Give the server a public https address first.")]
    NotHttps,
    /// The address cannot be written into a script.
    #[error("The server's public address cannot be used by a router.")]
    Address,
}

/// Makes the agent script of a router. `public_url` is the server's public address, such as
/// `https://wifi.example.com`; the path is added here. Plain http is taken for loopback addresses only, which is
/// where simulators are.
///
/// # Errors
/// [`ScriptError`].
pub fn agent_script(router: &RouterRecord, key: &PullKey, public_url: &str) -> Result<AgentScript, ScriptError> {
    let base = public_url.trim_end_matches('/');
    let (host, check) = if let Some(host) = base.strip_prefix("https://") {
        // The router's own store of authorities; lists of revoked certificates are too large for it.
        (host, "yes-without-crl")
    } else {
        let host = base.strip_prefix("http://").ok_or(ScriptError::Address)?;
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        if !matches!(name, "127.0.0.1" | "localhost" | "[::1]") {
            return Err(ScriptError::NotHttps);
        }
        (host, "no")
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_~:/[]".contains(&byte);
    if host.is_empty() || !host.bytes().all(is_plain) {
        return Err(ScriptError::Address);
    }
    let source = TEMPLATE
        .replace("{{URL}}", &format!("{base}/api/router/poll/{}", router.slug))
        .replace("{{CHECK}}", check)
        .replace("{{POLL_SECRET}}", &key.poll_secret())
        .replace("{{ANSWER_SECRET}}", &key.answer_secret());
    Ok(AgentScript(source))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routers::Reach;

    fn router() -> RouterRecord {
        RouterRecord {
            id: uuid::Uuid::from_u128(1).into(),
            slug: "main".into(),
            name: "Main".into(),
            reach: Reach::Pull,
            host: String::new(),
            port: 0,
            username: String::new(),
            password_sealed: Vec::new(),
            tls_pin: None,
            last_seen_at: None,
            last_error: None,
        }
    }

    #[test]
    fn the_script_bears_the_routers_secrets_and_checks_the_certificate() {
        let key = PullKey::draw();
        let script = agent_script(&router(), &key, "https://wifi.example.com/").unwrap();
        let source = script.source();
        assert!(source.contains("https://wifi.example.com/api/router/poll/main") && source.contains("yes-without-crl"));
        assert!(source.contains(&key.poll_secret()) && source.contains(&key.answer_secret()) && !source.contains("{{"));
        assert_eq!(format!("{script:?}"), "AgentScript(…)");
    }

    #[test]
    fn keys_do_not_travel_in_the_clear() {
        let key = PullKey::draw();
        for (url, expected) in [
            ("http://127.0.0.1:8080", None),
            ("http://localhost", None),
            ("http://wifi.example.com", Some(ScriptError::NotHttps)),
            ("http://127.0.0.1.example.com:80", Some(ScriptError::NotHttps)),
            ("http://10.0.0.1:8080", Some(ScriptError::NotHttps)),
            ("ftp://x", Some(ScriptError::Address)),
            ("https://", Some(ScriptError::Address)),
            ("https://a\"; /system/reboot", Some(ScriptError::Address)),
            ("https://a$b", Some(ScriptError::Address)),
        ] {
            assert_eq!(agent_script(&router(), &key, url).err(), expected, "{url}");
        }
    }

    #[test]
    fn what_the_server_sends_is_never_run() {
        // The one line that is parsed is the template's own, and no other way to run text is used.
        assert_eq!(TEMPLATE.matches(":parse").count(), 1);
        for way in [":execute", "/import", "/system/script/run", ":parse $", ":parse ("] {
            assert!(!TEMPLATE.contains(way), "{way}");
        }
    }
}
