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
            "The router shows another certificate than the saved one. If you changed it, save its SHA-256: {seen}"
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
        TrapKind::Permission => {
            "The router's user may not do this. Its group needs the policies read, write, api and test.".to_owned()
        }
        TrapKind::NoSuchCommand => {
            "The router has no hotspot. Install the hotspot package, or set a hotspot up on it.".to_owned()
        }
        TrapKind::DeviceMode => {
            "The router's device-mode forbids the hotspot. Run /system/device-mode/update hotspot=yes and press its button."
                .to_owned()
        }
        TrapKind::Hotspot(HotspotRefusal::LicenceLimit) => {
            "The router's licence allows no more hotspot users at once. Use a higher licence level.".to_owned()
        }
        TrapKind::Hotspot(HotspotRefusal::NoFreeAddress) => {
            "The router has no free address for the device. Enlarge its address pool.".to_owned()
        }
        _ => format!("The router refused: {said}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
