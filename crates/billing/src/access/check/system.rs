//! The router itself: speed, software, what its board allows, space.

use domain::DataSize;

use super::{Check, line, readings::Readings, unread};

/// A router that answers later makes customers wait: each is let on in about five round trips.
const SLOW_MS: u128 = 400;
/// Less than this and RouterOS may fail to save its own set-up.
const SPACE_WRONG: u64 = 256 << 10;
/// Less than this is worth knowing.
const SPACE_LOW: u64 = 2 << 20;

pub(super) fn judge(readings: &Readings) -> Vec<Check> {
    vec![round_trip(readings), version(readings), device_mode(readings), storage(readings)]
}

fn round_trip(readings: &Readings) -> Check {
    match (&readings.identity, readings.round_trip) {
        (Err(error), _) => unread(&line::ROUND_TRIP, error),
        (Ok(_), None) => line::ROUND_TRIP.unknown("The time was not taken."),
        (Ok(name), Some(took)) if took.as_millis() > SLOW_MS => line::ROUND_TRIP.warning(
            format!(
                "{name} answers within {} ms. Customers wait about five times that after paying.",
                took.as_millis()
            ),
            "Look at the router's load (/tool profile) and at its line to this server.",
        ),
        (Ok(name), Some(took)) => line::ROUND_TRIP.ok(format!("{name} answers within {} ms.", took.as_millis())),
    }
}

fn version(readings: &Readings) -> Check {
    let resource = match &readings.resource {
        Ok(resource) => resource,
        Err(error) => return unread(&line::VERSION, error),
    };
    let board = if resource.board.is_empty() { "MikroTik" } else { &resource.board };
    let found = format!("{board} with RouterOS {}.", resource.version);
    let update = "Update it, at a quiet hour:\n/system package update install";
    match readings.release() {
        None => line::VERSION.unknown(found),
        Some((0..=5, _) | (6, 0..=48)) => line::VERSION.wrong(
            format!("{found} This is too old: it has known ways in for attackers, and was never tried."),
            update,
        ),
        Some((6, _)) => line::VERSION.warning(
            format!("{found} Customers get on, but the script that ends paid time without this server needs 7.10."),
            update,
        ),
        Some((7, 0..=9)) => line::VERSION.warning(
            format!("{found} Before 7.10 scripts cannot read the time reliably, so paid time ends late without us."),
            update,
        ),
        Some(_) => line::VERSION.ok(found),
    }
}

fn device_mode(readings: &Readings) -> Check {
    let mode = match &readings.device_mode {
        Ok(Some(mode)) => mode,
        Ok(None) => return line::DEVICE_MODE.ok("This release has no device-mode: everything is allowed."),
        Err(error) => return unread(&line::DEVICE_MODE, error),
    };
    let forbidden: Vec<&str> =
        [("hotspot", mode.may_hotspot), ("scheduler", mode.may_schedule), ("fetch", mode.may_fetch)]
            .into_iter()
            .filter(|(_, may)| *may == Some(false))
            .map(|(name, _)| name)
            .collect();
    if forbidden.is_empty() {
        return line::DEVICE_MODE.ok(format!("Its device-mode {} allows hotspot and scheduler.", mode.mode));
    }
    let switches = forbidden.iter().map(|name| format!("{name}=yes")).collect::<Vec<_>>().join(" ");
    let found = format!("Its device-mode {} forbids {}.", mode.mode, forbidden.join(", "));
    let todo = format!(
        "Somebody has to be at the router: run this, then press its reset button shortly, or unplug it, within five \
         minutes:\n/system device-mode update {switches}"
    );
    if forbidden == ["fetch"] {
        // Needed only to be set up, or to ask the server.
        return line::DEVICE_MODE.warning(found, todo);
    }
    line::DEVICE_MODE.wrong(found, todo)
}

fn storage(readings: &Readings) -> Check {
    let free = match readings.resource.as_ref().map(|resource| resource.free_storage) {
        Ok(Some(free)) => free,
        Ok(None) => return line::STORAGE.unknown("It does not say how much space is free."),
        Err(error) => return unread(&line::STORAGE, error),
    };
    let found = format!("{} are free.", DataSize::from_bytes(free));
    let todo = "Look at its files, and remove old backups and logs:\n/file print";
    match free {
        0..SPACE_WRONG => line::STORAGE.wrong(format!("{found} New customers may not be saved."), todo),
        SPACE_WRONG..SPACE_LOW => line::STORAGE.warning(found, todo),
        _ => line::STORAGE.ok(found),
    }
}
