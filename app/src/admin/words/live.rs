//! Words for devices on the network.

use domain::DataSize;

use super::Tone;
use crate::api::LiveRow;

/// The state of devices that are on the list no more.
pub(crate) const GONE: &str = "gone";
/// The state of devices that are on without paid time.
pub(crate) const GHOST: &str = "ghost";

/// How a device stands. A state this version does not know is shown as the server wrote it.
pub(crate) fn state(state: &str) -> (Tone, String) {
    let (tone, words) = match state {
        "online" => (Tone::Good, "On now"),
        "away" => (Tone::Quiet, "Away"),
        "waiting" => (Tone::Busy, "Connecting"),
        "paused" => (Tone::Warn, "Paused"),
        GHOST => (Tone::Bad, "On without paying"),
        GONE => (Tone::Quiet, "Ended"),
        other => (Tone::Quiet, other),
    };
    (tone, words.to_owned())
}

/// `3 days 4 h`, `2 h 5 min`, `4 min 9 s`, `45 s`: a length of time in the two units that matter.
pub(crate) fn span(secs: u64) -> String {
    let (days, hours, minutes, secs) = (secs / 86_400, secs / 3600 % 24, secs / 60 % 60, secs % 60);
    let plural = if days == 1 { "day" } else { "days" };
    match (days, hours, minutes, secs) {
        (0, 0, 0, secs) => format!("{secs} s"),
        (0, 0, minutes, 0) => format!("{minutes} min"),
        (0, 0, minutes, secs) => format!("{minutes} min {secs} s"),
        (0, hours, 0, _) => format!("{hours} h"),
        (0, hours, minutes, _) => format!("{hours} h {minutes} min"),
        (days, 0, ..) => format!("{days} {plural}"),
        (days, hours, ..) => format!("{days} {plural} {hours} h"),
    }
}

/// A length of time to the minute, where seconds are of no interest: `2 h 5 min`, `4 min`, `under a minute`.
pub(crate) fn about_span(secs: u64) -> String {
    if secs < 60 { "under a minute".to_owned() } else { span(secs / 60 * 60) }
}

/// `1.5 GB`.
pub(crate) fn data(bytes: u64) -> String {
    DataSize::from_bytes(bytes).to_string()
}

/// `2 of 3 devices`: what is on under one purchase; `None` where there is only ever one.
pub(crate) fn devices(row: &LiveRow) -> Option<String> {
    (row.devices_max > 1).then(|| format!("{} of {} devices", row.devices, row.devices_max))
}

/// Puts a live row in place of its older self; those that are gone leave. Rows that are not on the screen are left to
/// the next reading, which knows where they belong. Returns whether the list changed.
pub(crate) fn put(rows: &mut Vec<LiveRow>, row: &LiveRow, wanted: &str) -> bool {
    let Some(at) = rows.iter().position(|known| known.id == row.id) else { return false };
    if row.state == GONE || !(wanted.is_empty() || row.state == wanted) {
        rows.remove(at);
        return true;
    }
    let is_new = rows[at] != *row;
    if is_new {
        rows[at].clone_from(row);
    }
    is_new
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(id: &str, state: &str) -> LiveRow {
        LiveRow {
            id: id.to_owned(),
            session_id: None,
            payment_id: None,
            router_id: uuid::Uuid::nil(),
            router: "Main".to_owned(),
            mac: "A4:CF:12:0F:00:01".to_owned(),
            ip: None,
            phone: None,
            package: None,
            state: state.to_owned(),
            text: String::new(),
            starts_at: None,
            ends_at: None,
            seconds_remaining: None,
            used_secs: 0,
            used_bytes: 0,
            bytes_remaining: None,
            devices: 1,
            devices_max: 1,
            actions: vec!["kick".to_owned()],
        }
    }

    #[test]
    fn spans_have_the_two_units_that_matter() {
        for (secs, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (249, "4 min 9 s"),
            (3600, "1 h"),
            (7500, "2 h 5 min"),
            (86_400, "1 day"),
            (273_600, "3 days 4 h"),
        ] {
            assert_eq!(span(secs), text);
        }
        assert_eq!((about_span(59), about_span(249)), ("under a minute".to_owned(), "4 min".to_owned()));
    }

    #[test]
    fn a_live_row_changes_in_place_and_leaves_when_it_is_gone() {
        let mut rows = vec![sample("a", "online"), sample("b", "waiting")];
        assert!(!put(&mut rows, &sample("c", "online"), ""), "the next reading knows where it belongs");
        assert!(put(&mut rows, &sample("b", "online"), ""));
        assert!(!put(&mut rows, &sample("b", "online"), ""));
        assert_eq!(rows, [sample("a", "online"), sample("b", "online")]);
        assert!(put(&mut rows, &sample("a", GONE), ""));
        assert_eq!(rows, [sample("b", "online")]);
        assert!(put(&mut rows, &sample("b", "away"), "online"), "it no longer fits the filter");
        assert_eq!(rows, []);
    }

    #[test]
    fn devices_are_counted_where_several_may_share() {
        assert_eq!(devices(&sample("a", "online")), None);
        let shared = LiveRow { devices: 2, devices_max: 3, ..sample("a", "online") };
        assert_eq!(devices(&shared), Some("2 of 3 devices".to_owned()));
        assert_eq!(data(350_000_000), "350 MB");
    }

    #[test]
    fn those_who_have_not_paid_look_different_from_those_who_have() {
        assert_eq!(state("online"), (Tone::Good, "On now".to_owned()));
        assert_eq!(state(GHOST).0, Tone::Bad);
        assert_eq!(state("from_a_newer_version").1, "from_a_newer_version");
    }
}
