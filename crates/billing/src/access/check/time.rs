//! The router's clock.

use chrono::{Offset, TimeDelta};
use chrono_tz::Tz;

use super::{Check, line, readings::Readings, unread};
use crate::health::{SKEW_MAX_SECS, in_words};

const NTP_ON: &str = "Run:\n/system ntp client set enabled=yes servers=pool.ntp.org";
const NTP_ON_OLD: &str = "Run:\n/system ntp client set enabled=yes server-dns-names=pool.ntp.org";

pub(super) fn judge(readings: &Readings, zone: Tz) -> Vec<Check> {
    vec![clock(readings), time_zone(readings, zone), ntp(readings)]
}

fn switch_on(readings: &Readings) -> &'static str {
    if readings.release().is_some_and(|release| release < (7, 0)) { NTP_ON_OLD } else { NTP_ON }
}

fn clock(readings: &Readings) -> Check {
    let secs = match readings.clock.as_ref().map(|clock| clock.epoch_secs) {
        Ok(Some(secs)) => secs,
        Ok(None) => return line::CLOCK.unknown("It does not say what time it is in a way that is understood."),
        Err(error) => return unread(&line::CLOCK, error),
    };
    let skew = secs - readings.clock_at.timestamp();
    if skew.abs() <= SKEW_MAX_SECS {
        let length = in_words(TimeDelta::seconds(skew.abs()));
        return line::CLOCK.ok(format!("It differs from this server's by {length}."));
    }
    let way = if skew < 0 { "behind" } else { "ahead" };
    line::CLOCK.warning(
        format!(
            "It is {} {way}, so paid time may end at the wrong moment while this server is away.",
            in_words(TimeDelta::seconds(skew.abs()))
        ),
        switch_on(readings),
    )
}

fn time_zone(readings: &Readings, zone: Tz) -> Check {
    let clock = match &readings.clock {
        Ok(clock) => clock,
        Err(error) => return unread(&line::ZONE, error),
    };
    let ours = i64::from(readings.clock_at.with_timezone(&zone).offset().fix().local_minus_utc());
    match clock.offset_secs {
        None => line::ZONE.unknown("It does not say how far it is from world time."),
        Some(theirs) if theirs == ours => line::ZONE.ok(format!("Its zone is {}.", clock.time_zone)),
        Some(_) => line::ZONE.warning(
            format!("Its zone is {}, yours is {zone}: times in its log differ from those here.", clock.time_zone),
            format!("Run:\n/system clock set time-zone-autodetect=no time-zone-name={zone}"),
        ),
    }
}

fn ntp(readings: &Readings) -> Check {
    let ntp = match &readings.ntp {
        Ok(ntp) => ntp,
        Err(error) => return unread(&line::NTP, error),
    };
    if !ntp.is_enabled {
        return line::NTP
            .warning("Its time client is switched off: after a power cut its clock is wrong.", switch_on(readings));
    }
    if ntp.servers.is_empty() {
        return line::NTP.warning("Its time client is on, but knows no server to ask.", switch_on(readings));
    }
    let servers = ntp.servers.join(", ");
    match ntp.status.as_str() {
        "" | "synchronized" => line::NTP.ok(format!("It asks {servers}.")),
        status => line::NTP.warning(
            format!("It asks {servers}, but is {status}."),
            "Look whether the router itself reaches the internet:\n/ping pool.ntp.org count=3",
        ),
    }
}
