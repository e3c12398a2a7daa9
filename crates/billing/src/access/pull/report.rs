//! What a router sends when it asks: lines of fields joined by `;`, read here and in `report/fields.rs` and nowhere else.
//!
//! ```text
//! bando1;<nonce>;<ticket or ->;<part from 0>;<more|last>
//! user;<id>;<name>;<mac>;<profile>;<limit-uptime>;<limit-bytes-total>;<uptime>;<bytes-in>;<bytes-out>;<disabled>;<comment>
//! login;<id>;<mac>;<address>;<uptime>;<bytes-in>;<bytes-out>;<user>
//! host;<id>;<mac>;<address>;<authorized>;<bypassed>
//! profile;<id>;<name>;<rate-limit>;<shared-users>;<add-mac-cookie>
//! binding;<id>;<mac>;<type>;<disabled>;<comment>
//! failed;<verb>;<mac, name or id>
//! router;<unix seconds>;<uptime>;<digest 1|0>;<reaper 1|0>;<version>;<board>;<identity>
//! agent;<version of the script>;<licence level>
//! end;<lines of tables in all parts>
//! ```
//!
//! The last field of `user`, `login`, `binding` and `router` is the rest of the line: a comment of ours has `;` inside,
//! and what others have named may have. Of bindings only ours are told. Lines of another kind are for a later version and skipped; a line of a known kind that cannot be read makes the whole report
//! worthless, because a row that is missing would look like a row that is to be made.

mod fields;

use domain::{MacAddr, live::BindingRow};
use routeros_api::hotspot::RouterState;

/// Longest request, in bytes; RouterOS sends 64 KB at most.
pub(super) const BODY_MAX: usize = 64 * 1024;
/// Most parts of one report: 2 MB in all.
pub(super) const PARTS_MAX: u16 = 64;

/// A request that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the report cannot be read: {0}")]
pub(super) struct Unreadable(&'static str);

/// The first line of a request, and the rest of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Poll<'a> {
    /// Comes back in the answer, so that the router takes no other for it.
    pub nonce: &'a str,
    /// What the last answer asked back; `None` when the router only asks.
    pub ticket: Option<&'a str>,
    /// Which part of the report this is, from 0.
    pub part: u16,
    /// Whether it is the last.
    pub is_last: bool,
    /// The lines after the first.
    pub lines: &'a str,
}

impl<'a> Poll<'a> {
    pub(super) fn parse(body: &'a str) -> Result<Self, Unreadable> {
        let (head, lines) = body.split_once('\n').ok_or(Unreadable("no first line"))?;
        let fields: Vec<&str> = head.split(';').collect();
        let &[mark, nonce, ticket, part, last] = fields.as_slice() else {
            return Err(Unreadable("the first line has not five fields"));
        };
        let is_plain = |text: &str, most: usize| {
            (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"')
        };
        if mark != "bando1" || !is_plain(nonce, 80) || !is_plain(ticket, 32) {
            return Err(Unreadable("the first line is not ours"));
        }
        let part = part.parse().ok().filter(|part| *part < PARTS_MAX).ok_or(Unreadable("part"))?;
        let is_last = match last {
            "last" => true,
            "more" => false,
            _ => return Err(Unreadable("neither more nor last")),
        };
        let ticket = Some(ticket).filter(|ticket| *ticket != "-");
        if ticket.is_none() && (part > 0 || !is_last) {
            return Err(Unreadable("parts without a ticket"));
        }
        Ok(Self { nonce, ticket, part, is_last, lines })
    }
}

/// What a router says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct About {
    /// Its clock, unix seconds; `None` when it could not tell.
    pub clock_secs: Option<i64>,
    /// Seconds since its start.
    pub uptime_secs: Option<u64>,
    /// Whether it checks a digest of the answers.
    pub is_digesting: bool,
    /// Whether its clean-up script is scheduled.
    pub has_reaper: bool,
    /// RouterOS release.
    pub version: String,
    /// Model.
    pub board: String,
    /// Its name for itself.
    pub identity: String,
    /// Version of its script; 0 for one that says none, which knows nothing of bindings.
    pub agent: u32,
    /// Licence level; empty when it could not tell.
    pub license: String,
}

/// A command that the router could not carry out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failed {
    /// The verb.
    pub verb: String,
    /// The device, if it was about one.
    pub mac: Option<MacAddr>,
    /// What it was about, as written.
    pub about: String,
}

/// A whole report: all parts of it together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Report {
    pub about: About,
    pub failed: Vec<Failed>,
    pub state: RouterState,
    /// Bindings of ours.
    pub bindings: Vec<BindingRow>,
}

impl Report {
    /// Reads the lines of all parts, in order.
    pub(super) fn parse(lines: &str) -> Result<Self, Unreadable> {
        let mut report = Self::default();
        let mut rows: usize = 0;
        let mut is_introduced = false;
        let mut is_ended = false;
        for line in lines.lines().filter(|line| !line.is_empty()) {
            if is_ended {
                return Err(Unreadable("something follows the end"));
            }
            let (kind, rest) = line.split_once(';').ok_or(Unreadable("a line without fields"))?;
            match kind {
                "user" => report.state.users.push(fields::user(rest).ok_or(Unreadable("user"))?),
                "login" => report.state.active.push(fields::login(rest).ok_or(Unreadable("login"))?),
                "host" => report.state.hosts.extend(fields::host(rest).ok_or(Unreadable("host"))?),
                "profile" => report.state.profiles.push(fields::profile(rest).ok_or(Unreadable("profile"))?),
                "binding" => report.bindings.push(fields::binding(rest).ok_or(Unreadable("binding"))?),
                "failed" => report.failed.push(fields::failed(rest).ok_or(Unreadable("failed"))?),
                "router" => {
                    let About { agent, license, .. } = report.about;
                    report.about = About { agent, license, ..fields::about(rest).ok_or(Unreadable("router"))? };
                    is_introduced = true;
                }
                "agent" => {
                    let [version, license] = fields::split::<2>(rest).ok_or(Unreadable("agent"))?;
                    report.about.agent = version.parse().map_err(|_| Unreadable("agent"))?;
                    report.about.license = license.trim().to_lowercase().chars().take(16).collect();
                }
                "end" if rest.parse() == Ok(rows) => is_ended = true,
                "end" => return Err(Unreadable("rows are missing")),
                _ => {}
            }
            rows += usize::from(matches!(kind, "user" | "login" | "host" | "profile" | "binding"));
        }
        if is_ended && is_introduced { Ok(report) } else { Err(Unreadable("it was cut")) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const USER: &str = "user;*2F;A4:CF:12:00:00:01;A4:CF:12:00:00:01;bando-p0a0b0c0d-v1;01:00:00;1073741824;00:02:05;10;20;false;bando1;g=018f6b1c-0000-7000-8000-000000000001;e=1795324800\n";
    const REST: &str = "login;*C0A80A08;A4:CF:12:00:00:01;10.5.50.23;1d02:00:00;5;6;A4:CF:12:00:00:01\nhost;*3;A4:CF:12:00:00:01;10.5.50.23;true;false\nprofile;*4;bando-p0a0b0c0d-v1;512k/2M;2;false\nbinding;*5;A4:CF:12:00:00:02;blocked;false;bando:block\nfailed;login;A4:CF:12:00:00:01\nrouter;1795321200;00:10:00;1;1;7.18.2 (stable);hAP ax2;Cafe; upstairs\nagent;2;P-unlimited\nend;5\n";

    #[test]
    fn a_report_is_read() {
        let body = format!("bando1;7-9;0123456789abcdef;0;last\n{USER}{REST}");
        let poll = Poll::parse(&body).unwrap();
        assert_eq!((poll.nonce, poll.ticket, poll.part, poll.is_last), ("7-9", Some("0123456789abcdef"), 0, true));
        let report = Report::parse(poll.lines).unwrap();
        let user = &report.state.users[0];
        assert_eq!(user.comment, "bando1;g=018f6b1c-0000-7000-8000-000000000001;e=1795324800");
        assert_eq!((user.limit_uptime.unwrap().as_secs(), user.uptime.as_secs()), (3600, 125));
        assert_eq!((user.limit_bytes_total, user.bytes_in, user.bytes_out), (Some(1_073_741_824), 10, 20));
        assert_eq!(report.state.active[0].uptime.as_secs(), 93_600);
        assert!(report.state.hosts[0].is_authorized && !report.state.hosts[0].is_bypassed);
        assert_eq!(report.state.profiles[0].rate_limit, "512k/2M");
        assert!(report.bindings[0].is_blocking && report.bindings[0].comment == "bando:block");
        assert_eq!((report.about.agent, report.about.license.as_str()), (2, "p-unlimited"));
        assert_eq!(report.failed[0].verb, "login");
        assert_eq!(report.about.clock_secs, Some(1_795_321_200));
        assert_eq!((report.about.uptime_secs, report.about.is_digesting), (Some(600), true));
        assert_eq!((report.about.has_reaper, report.about.identity.as_str()), (true, "Cafe; upstairs"));
    }

    #[test]
    fn what_a_router_leaves_out_is_absent() {
        let lines = "user;*1;A4:CF:12:00:00:01;;;;;;;;;\nrouter;;;0;0;;;\nend;1\n";
        let report = Report::parse(lines).unwrap();
        let user = &report.state.users[0];
        assert_eq!((user.mac, user.limit_uptime, user.limit_bytes_total), (None, None, None));
        assert_eq!(report.about, About::default());
    }

    #[test]
    fn lines_of_a_later_version_are_skipped_and_broken_ones_are_not() {
        assert!(Report::parse("radar;on\nrouter;1;1s;0;1;7;x;y\nend;0\n").is_ok());
        for broken in [
            "user;*1;A4\nrouter;1;1s;0;1;7;x;y\nend;1\n",
            "user;2F;A4:CF:12:00:00:01;;;;;;;;;\nrouter;1;1s;0;1;7;x;y\nend;1\n",
            "user;*1;A4:CF:12:00:00:01;;;soon;;;;;;\nrouter;1;1s;0;1;7;x;y\nend;1\n",
            "login;*1;a;b;c;1s;1\nrouter;1;1s;0;1;7;x;y\nend;1\n",
            "router;1;1s;0;1;7;x;y\nend;1\n",
            "router;1;1s;0;1;7;x;y\n",
            "router;1;1s;2;1;7;x;y\nend;0\n",
            "router;1;1s;0;1;7;x;y\nagent;new;\nend;0\n",
            "binding;*1;;blocked\nrouter;1;1s;0;1;7;x;y\nend;1\n",
            "end;0\n",
            "router;1;1s;0;1;7;x;y\nend;0\nuser;*1;A4:CF:12:00:00:01;;;;;;;;;\n",
            "nothing\n",
        ] {
            assert!(Report::parse(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_first_line_that_is_not_ours_is_refused() {
        for wrong in [
            "",
            "bando1;1;-;0;last",
            "bando2;1;-;0;last\n",
            "bando1;;-;0;last\n",
            "bando1;1 2;-;0;last\n",
            "bando1;1;-;1;last\n",
            "bando1;1;-;0;more\n",
            "bando1;1;t;64;last\n",
            "bando1;1;t;-1;last\n",
            "bando1;1;t;0;now\n",
            "bando1;1;t;0;last;\n",
        ] {
            assert!(Poll::parse(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(body in "(bando1|user|host|login|profile|binding|router|agent|end|failed|[*;\n0-9A-F:/.kM-]){0,60}") {
            if let Ok(poll) = Poll::parse(&body) {
                let _ = Report::parse(poll.lines);
            }
            let _ = Report::parse(&body);
        }

        #[test]
        fn a_report_that_was_cut_anywhere_is_refused(at in 0_usize..1000) {
            let whole = format!("{USER}{REST}");
            let cut = whole.get(..at.min(whole.len())).unwrap();
            // Without its last line break nothing is missing.
            prop_assert_eq!(Report::parse(cut).is_ok(), cut.len() + 1 >= whole.len());
        }

        #[test]
        fn what_is_written_is_read(used in 0_u64..10_000_000, limit in 1_u64..10_000_000, bytes in any::<u64>(), comment in "[ -~]{0,40}") {
            let uptime = routeros_api::value::format_duration(std::time::Duration::from_secs(used));
            let lines = format!("user;*1;A4:CF:12:00:00:01;;p;{limit};{bytes};{uptime};0;{bytes};true;{comment}\nrouter;1;1s;0;1;7;x;y\nend;1\n");
            let user = Report::parse(&lines).unwrap().state.users.remove(0);
            prop_assert_eq!(user.uptime.as_secs(), used);
            prop_assert_eq!(user.limit_uptime.unwrap().as_secs(), limit);
            prop_assert_eq!((user.bytes_out, user.is_disabled, user.comment), (bytes, true, comment));
        }
    }
}
