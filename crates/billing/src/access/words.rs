//! Failures of a router in words for its owner: what is wrong and what to do.

use routeros_api::{CloseReason, HotspotRefusal, Phase, RouterOsError, TlsFailure, TrapKind};

/// `routers.last_error` and `session_devices.last_error` hold this much.
const LONGEST: usize = 255;

/// Says what is wrong and what to do about it, in at most 255 characters.
#[must_use]
pub fn for_owner(error: &RouterOsError) -> String {
    let text = match error {
        RouterOsError::CircuitOpen { cause, .. } => return for_owner(cause),
        RouterOsError::Connect(std::io::ErrorKind::ConnectionRefused) => {
            "The router refuses the connection. Switch on its API service (/ip service enable api) and check the port."
                .to_owned()
        }
        RouterOsError::Connect(_) | RouterOsError::Timeout { phase: Phase::Connect } => {
            "The router cannot be reached. Check its power, its cable or tunnel, and the address and port.".to_owned()
        }
        RouterOsError::UnknownName => "The router's host name is not known. Check the spelling.".to_owned(),
        RouterOsError::Timeout { phase: Phase::Login } => {
            "The router takes the connection but does not answer the login. Is this the API port (8728 or 8729)?"
                .to_owned()
        }
        RouterOsError::Timeout { phase: Phase::Command } => {
            "The router did not answer in time. It is tried again by itself.".to_owned()
        }
        RouterOsError::Tls(TlsFailure::WrongPin { seen }) => format!(
            "The router shows another certificate than before and was refused. Was that you? Compare with \
             /certificate print detail, then enter this SHA-256 under Change: {seen}"
        ),
        RouterOsError::Tls(TlsFailure::Handshake(_)) => {
            "No secure connection. Give the router's api-ssl service a certificate, or use the plain API port."
                .to_owned()
        }
        RouterOsError::AuthFailed => {
            "The router refuses the user name or password. Check both, and that the user's group may use the API."
                .to_owned()
        }
        RouterOsError::NotReady(_) => "The router is starting. It is tried again by itself.".to_owned(),
        RouterOsError::LegacyLoginRequired => {
            "The router's software is older than RouterOS 6.43. Update it.".to_owned()
        }
        RouterOsError::NotOurs { name } => format!(
            "The router has a hotspot user {name} that somebody made by hand. Remove it there, then access follows."
        ),
        RouterOsError::Closed(CloseReason::Wire(_)) => {
            "What answers there is not the RouterOS API. Check the port (8728, or 8729 with TLS).".to_owned()
        }
        RouterOsError::Closed(reason) => format!("The connection was lost: {reason}. It is tried again by itself."),
        RouterOsError::Trap(traps) => trap(&traps.telling().kind, traps),
        RouterOsError::AnswerTooLarge { .. } | RouterOsError::Unsendable(_) | RouterOsError::Unexpected(_) => {
            format!("The router answered in an unexpected way: {error}.")
        }
    };
    text.chars().take(LONGEST).collect()
}

fn trap(kind: &TrapKind, said: &impl std::fmt::Display) -> String {
    match kind {
        TrapKind::Permission => "The router's user may not do this. Its group needs the policies read, write, api and test.",
        TrapKind::NoSuchCommand => "The router has no hotspot. Install the hotspot package, or set a hotspot up on it.",
        TrapKind::DeviceMode => {
            "The router's device-mode forbids the hotspot. Run /system/device-mode/update hotspot=yes and press its button."
        }
        TrapKind::BadCredentials => "The router refuses the user name or password. Check both.",
        TrapKind::Hotspot(refusal) => return hotspot(*refusal),
        TrapKind::UnknownParameter { name } => {
            return format!("The router's software does not know \"{name}\". Update it: /system package update install.");
        }
        TrapKind::InvalidValue { arg } if !arg.is_empty() => {
            return format!(
                "The router does not take the \"{arg}\" that this package needs. Check the package's speed and time, and \
                 update the router's software."
            );
        }
        TrapKind::InvalidValue { .. } => {
            "The router does not take what this package needs. Check its speed and time, and update the router's software."
        }
        TrapKind::NoSuchItem | TrapKind::Duplicate => {
            "Somebody else was changing the router's hotspot at the same moment. It is tried again by itself."
        }
        TrapKind::Interrupted | TrapKind::Busy => "The router was too busy for it. It is tried again by itself.",
        TrapKind::Other => {
            return format!("The router refused, and is asked again by itself. Its own words: {said}");
        }
    }
    .to_owned()
}

fn hotspot(refusal: HotspotRefusal) -> String {
    match refusal {
        HotspotRefusal::LicenceLimit => {
            "The router's licence allows no more hotspot users at once. Use a higher licence level."
        }
        HotspotRefusal::NoFreeAddress => "The router has no free address for the device. Enlarge its address pool.",
        HotspotRefusal::UptimeLimit | HotspotRefusal::TrafficLimit => {
            "The router counts as used up what was paid for. Its entry is put right, and it is tried again by itself."
        }
        HotspotRefusal::SessionLimit => {
            "The device is still logged in at addresses it has left. That ends within minutes; it is tried again by itself."
        }
        HotspotRefusal::WrongMac => {
            "The router takes the device for another one. Switch its WiFi off and on; it is tried again by itself."
        }
        HotspotRefusal::BadCredentials => {
            "The router's hotspot would not let the device's user in. It is tried again by itself; if it stays so, set \
             the router up again under Routers."
        }
        HotspotRefusal::UnknownHost => {
            "The router does not see the device any more. It is let on when it is back; switch its WiFi off and on."
        }
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use routeros_api::{Trap, Traps, classify};

    use super::*;

    /// What routers are known to say is never handed on as it is; what nobody knows is, marked as the router's words.
    #[test]
    fn what_routers_say_is_put_into_words() {
        for (said, part) in [
            ("invalid user name or password (6)", "user name or password"),
            ("no such command prefix", "hotspot package"),
            ("no such command or directory (hotspot)", "hotspot package"),
            ("unknown parameter limit-bytes-total", "does not know \"limit-bytes-total\""),
            ("input does not match any value of profile", "\"profile\""),
            ("ambiguous value of type, more than one possible value matches input", "\"type\""),
            ("invalid value for argument limit-uptime", "\"limit-uptime\""),
            ("invalid value of rate-limit", "\"rate-limit\""),
            ("value of shared-users expects range of integer numbers", "\"shared-users\""),
            ("invalid time value for argument limit-uptime", "\"limit-uptime\""),
            ("no such item", "same moment"),
            ("no such item (4)", "same moment"),
            ("failure: already have user with this name for this server", "same moment"),
            ("failure: already have such entry", "same moment"),
            ("failure: user profile with the same name already exists", "same moment"),
            ("not enough permissions (9)", "read, write, api and test"),
            ("failure: not allowed by device-mode", "press its button"),
            ("interrupted", "too busy"),
            ("unknown host IP 10.5.50.23", "does not see the device"),
            ("wrong MAC provided", "another one"),
            ("invalid value of mac-address, mac address required", "another one"),
            ("invalid value for argument ip", "does not see the device"),
            ("invalid username or password", "would not let"),
            ("std failure: timeout (13)", "too busy"),
            ("timeout", "too busy"),
            ("no more sessions are allowed for user X", "addresses it has left"),
            ("session limit reached (200)", "licence"),
            ("invalid username (X): this MAC address is not yours", "another one"),
            ("user X is not allowed to log in from this MAC address", "another one"),
            ("user X has reached uptime limit", "used up"),
            ("user X has reached traffic limit", "used up"),
            ("RADIUS server is not responding", "too busy"),
            ("already authorizing, retry later", "too busy"),
            ("cannot assign ip address - no more free addresses from pool", "address pool"),
            ("hotspot service is shutting down", "too busy"),
            ("you are not logged in (ip 10.5.50.23)", "does not see the device"),
            ("web browser did not send challenge response (try again)", "would not let"),
            ("this OTP token is already used", "would not let"),
            ("failure: something new", "Its own words: failure: something new"),
        ] {
            let trap = Trap { kind: classify(said, None), category: None, message: said.into() };
            let text = for_owner(&RouterOsError::Trap(Traps::new(vec![trap]).unwrap()));
            assert!(text.contains(part) && text.chars().count() <= LONGEST, "{said}: {text}");
            assert!(text.contains("own words") || !text.contains(said), "{said}: {text}");
        }
    }

    #[test]
    fn each_says_what_to_do_and_fits_its_column() {
        let refused = RouterOsError::Connect(std::io::ErrorKind::ConnectionRefused);
        let open = RouterOsError::CircuitOpen { retry_in: std::time::Duration::ZERO, cause: Box::new(refused.clone()) };
        assert_eq!(for_owner(&open), for_owner(&refused));
        for (error, part) in [
            (refused, "enable api"),
            (RouterOsError::UnknownName, "spelling"),
            (RouterOsError::AuthFailed, "user name or password"),
            (RouterOsError::Tls(TlsFailure::WrongPin { seen: "ab".repeat(32) }), "SHA-256"),
            (RouterOsError::NotOurs { name: "A4:CF:12:00:00:01".into() }, "by hand"),
            (RouterOsError::Closed(CloseReason::Fatal("x".repeat(400))), "lost"),
        ] {
            let text = for_owner(&error);
            assert!(text.contains(part) && text.chars().count() <= LONGEST, "{text}");
        }
    }
}
