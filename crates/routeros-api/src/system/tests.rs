//! Rows as routers of several releases send them.

use super::*;

fn row(pairs: &[(&str, &str)]) -> Attributes {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn clocks_of_every_release_say_the_same_instant() {
    for (date, time, offset) in [
        ("2026-11-22", "09:00:00", "+03:00"),
        ("nov/22/2026", "09:00:00", "+03:00"),
        ("2026-11-22", "06:00:00", "+00:00"),
        ("2026-11-22", "02:30:00", "-03:30"),
        ("2026-11-22", "09:00:00", "10800"),
        ("2026-11-22", "03:00:00", "4294956496"),
    ] {
        let clock = Clock::from_row(&row(&[("date", date), ("time", time), ("gmt-offset", offset)]));
        assert_eq!(clock.epoch_secs, Some(1_795_327_200), "{date} {time} {offset}");
    }
    for (date, time, offset) in [
        ("", "", ""),
        ("2026-13-01", "09:00:00", "+03:00"),
        ("2026-11-22", "9h", "+03:00"),
        ("2026-11-22", "09:00:00", "+99:00"),
    ] {
        let clock = Clock::from_row(&row(&[("date", date), ("time", time), ("gmt-offset", offset)]));
        assert_eq!(clock.epoch_secs, None, "{date} {time} {offset}");
    }
}

#[test]
fn what_is_missing_reads_as_absent() {
    let nothing = Attributes::default();
    assert_eq!(Resource::from_row(&nothing), Resource::default());
    assert_eq!(DeviceMode::from_row(&nothing).may_hotspot, None);
    assert_eq!(License::from_row(&nothing).users_max(), None);
    assert_eq!(License::from_row(&row(&[("nlevel", "4"), ("level", "x")])).users_max(), Some(Some(200)));
    assert_eq!(License::from_row(&row(&[("level", "P-unlimited")])).users_max(), Some(None));
    let ntp = Ntp::from_row(&row(&[("enabled", "true"), ("primary-ntp", "0.0.0.0"), ("servers", "a, b")]));
    assert_eq!((ntp.is_enabled, ntp.servers), (true, vec!["a".to_owned(), "b".to_owned()]));
    assert!(HotspotServer::from_row(&nothing).is_none());
}

#[test]
fn a_rule_that_is_not_for_everybody_is_narrow() {
    let is_narrow = |pairs: &[(&str, &str)]| GardenRule::from_row(&row(pairs)).is_narrow;
    assert!(!is_narrow(&[("action", "accept"), ("dst-address", "1.2.3.4"), ("protocol", "tcp"), ("server", "all")]));
    assert!(is_narrow(&[("action", "accept"), ("protocol", "udp")]));
    assert!(is_narrow(&[("action", "allow"), ("server", "hotspot2")]));
}
