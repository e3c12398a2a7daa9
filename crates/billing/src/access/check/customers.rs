//! How many customers the router may have.

use routeros_api::system::License;

use super::{Check, line, readings::Readings, unread};
use crate::health::is_nearly_full;

pub(super) fn judge(readings: &Readings) -> Vec<Check> {
    vec![licence(readings)]
}

fn licence(readings: &Readings) -> Check {
    let on = match &readings.users_on {
        Ok(on) => *on,
        Err(error) => return unread(&line::LICENCE, error),
    };
    let license = match &readings.license {
        Ok(license) => license,
        Err(error) => return unread(&line::LICENCE, error),
    };
    room(on, license)
}

/// Whether there is room for more customers than are `on`.
pub(super) fn room(on: u32, license: &License) -> Check {
    let level = &license.level;
    match license.users_max() {
        None => line::LICENCE.unknown(format!("Customers on now: {on}; what its licence allows is not known.")),
        Some(None) => line::LICENCE.ok(format!("Customers on now: {on}; its licence ({level}) allows any number.")),
        Some(Some(max)) if on >= max => line::LICENCE.wrong(
            format!("{on} customers are on, which is all that level {level} allows: paid customers are kept out."),
            "Buy a higher level: 5 allows 500 customers at once, 6 any number.",
        ),
        Some(Some(max)) if is_nearly_full(on, max) => line::LICENCE.warning(
            format!("Customers on now: {on} of the {max} that level {level} allows."),
            "Buy a higher level before it is full: 5 allows 500 customers at once, 6 any number.",
        ),
        Some(Some(max)) => line::LICENCE.ok(format!("Customers on now: {on} of the {max} that level {level} allows.")),
    }
}
