//! What a router that asks is told: data, never code.
//!
//! ```text
//! <proof>
//! bando1;<nonce>;<rest as HH:MM:SS>;<all|none>;<ticket or ->;<commands>
//! profile;<name>;<rate-limit>
//! remove;<mac>
//! kick;<mac>
//! add;<mac>;<profile>;<limit-uptime>;<limit-bytes-total>;<session>;<end, unix seconds>
//! set;(the same)
//! login;<mac>;<address>
//! clear;<mac>
//! logout;<mac>;<address>
//! block;<mac>
//! unblock;<id of a binding>
//! end
//! ```
//!
//! The proof is the keyed digest of everything after the first line, or, for a release that cannot compute one, the
//! answer secret itself. The nonce binds an answer to one request, and the router drops it when it is older than 45
//! seconds by its own uptime, so an answer of earlier is never carried out. Each command states the whole row it
//! wants and may be carried out twice, or not at all.

use std::collections::BTreeSet;

use domain::{
    MacAddr,
    access::{Command, Profile, Tag, UserSpec},
};
use routeros_api::value::format_duration;

use super::keys::PullKey;
use crate::access::rows;

/// Longest answer, in bytes: RouterOS takes 64 KB, and some are left for what is around the commands.
pub(super) const COMMANDS_MAX: usize = 56 * 1024;

/// An answer before it is sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// When the router is to ask again, in seconds.
    pub rest_secs: u64,
    /// Set when it is to say at once all it has: what it has to show for that.
    pub ticket: Option<String>,
    /// Lines.
    pub commands: Vec<String>,
}

impl Answer {
    /// Nothing to do for so long.
    pub(super) const fn rest(rest_secs: u64) -> Self {
        Self { rest_secs, ticket: None, commands: Vec::new() }
    }

    /// The text that goes out.
    pub(super) fn render(&self, nonce: &str, key: &PullKey, is_digesting: bool) -> String {
        let (hours, minutes, seconds) = (self.rest_secs / 3600, self.rest_secs / 60 % 60, self.rest_secs % 60);
        let report = if self.ticket.is_some() { "all" } else { "none" };
        let ticket = self.ticket.as_deref().unwrap_or("-");
        let mut text =
            format!("bando1;{nonce};{hours:02}:{minutes:02}:{seconds:02};{report};{ticket};{}\n", self.commands.len());
        for command in &self.commands {
            text.push_str(command);
            text.push('\n');
        }
        text.push_str("end\n");
        let proof = if is_digesting { key.digest(&text) } else { key.answer_secret() };
        format!("{proof}\n{text}")
    }
}

/// A command of a plan as the agent reads it. What has no line is a fault of ours and said.
pub(super) fn line(command: &Command) -> Option<String> {
    Some(match command {
        Command::EnsureProfile(profile) => profile_line(profile),
        Command::RemoveUser { mac } => format!("remove;{mac}"),
        Command::AddUser(spec) => user_line("add", spec)?,
        Command::UpdateUser { spec, .. } => user_line("set", spec)?,
        Command::Kick { mac, .. } => format!("kick;{mac}"),
        Command::Login { mac, ip } => format!("login;{mac};{}", ip.parse::<std::net::IpAddr>().ok()?),
        Command::ClearStuckHost { mac, .. } => format!("clear;{mac}"),
    })
}

fn profile_line(profile: &Profile) -> String {
    let spec = rows::profile_spec(profile);
    let rate = spec.rate_limit.map(|limit| limit.to_string()).unwrap_or_default();
    format!("profile;{};{rate}", spec.name)
}

fn user_line(verb: &str, spec: &UserSpec) -> Option<String> {
    let tag: Tag = spec.comment.parse().ok()?;
    let spec = rows::user_spec(spec);
    Some(format!(
        "{verb};{};{};{};{};{};{:010}",
        spec.mac,
        spec.profile,
        format_duration(spec.limit_uptime),
        spec.limit_bytes_total.unwrap_or(0),
        tag.session_id,
        tag.ends_at_epoch_secs
    ))
}

/// The lines of a plan, without repetitions, cut so that one answer takes them beside `length` bytes of others. A
/// device's lines are kept together; which devices were left for the next answer comes along.
pub(super) fn lines(commands: &[Command], mut length: usize) -> (Vec<String>, BTreeSet<MacAddr>) {
    let mut lines: Vec<String> = Vec::new();
    let mut later = BTreeSet::new();
    let mut begun = BTreeSet::new();
    for command in commands {
        let mac = mac_of(command);
        if mac.is_some_and(|mac| later.contains(&mac)) {
            continue;
        }
        let Some(line) = line(command) else {
            tracing::error!(?mac, "a command cannot be written for a router that polls");
            continue;
        };
        let is_new = mac.is_some_and(|mac| !begun.contains(&mac));
        // A device that has begun is finished: its few lines fit into what is kept free.
        if is_new && length + line.len() > COMMANDS_MAX {
            later.extend(mac);
            continue;
        }
        begun.extend(mac);
        if lines.last() != Some(&line) {
            length += line.len() + 1;
            lines.push(line);
        }
    }
    (lines, later)
}

/// The device a command is about.
pub(super) const fn mac_of(command: &Command) -> Option<MacAddr> {
    match command {
        Command::EnsureProfile(_) => None,
        Command::AddUser(spec) | Command::UpdateUser { spec, .. } => Some(spec.mac),
        Command::RemoveUser { mac }
        | Command::Kick { mac, .. }
        | Command::Login { mac, .. }
        | Command::ClearStuckHost { mac, .. } => Some(*mac),
    }
}

#[cfg(test)]
mod tests {
    use domain::{PackageId, Rate, SessionId};

    use super::*;

    fn spec(last: u8) -> UserSpec {
        let session: SessionId = uuid::Uuid::from_u128(7).into();
        UserSpec {
            mac: MacAddr::from_bytes([0xA4, 0xCF, 0x12, 0, 0, last]).unwrap(),
            profile: "bando-p00000001-v1".into(),
            limit_uptime_secs: 3700,
            limit_bytes: Some(5),
            comment: format!("bando1;g={session};e=1795324800"),
        }
    }

    #[test]
    fn commands_are_whole_rows() {
        let session = uuid::Uuid::from_u128(7);
        let profile = Profile {
            package_id: PackageId::from_uuid(uuid::Uuid::from_u128(1)),
            revision: 1,
            down: Some(Rate::from_kbps(2000)),
            up: Some(Rate::from_kbps(512)),
        };
        let mac = spec(1).mac;
        for (command, expected) in [
            (Command::EnsureProfile(profile), format!("profile;{};512k/2M", profile.name())),
            (
                Command::AddUser(spec(1)),
                format!("add;A4:CF:12:00:00:01;bando-p00000001-v1;1h1m40s;5;{session};1795324800"),
            ),
            (
                Command::UpdateUser { id: "*1".into(), spec: UserSpec { limit_bytes: None, ..spec(1) } },
                format!("set;A4:CF:12:00:00:01;bando-p00000001-v1;1h1m40s;0;{session};1795324800"),
            ),
            (Command::RemoveUser { mac }, "remove;A4:CF:12:00:00:01".to_owned()),
            (Command::Kick { mac, login_id: "*9".into() }, "kick;A4:CF:12:00:00:01".to_owned()),
            (Command::Login { mac, ip: "10.5.50.9".into() }, "login;A4:CF:12:00:00:01;10.5.50.9".to_owned()),
            (Command::ClearStuckHost { mac, host_id: "*9".into() }, "clear;A4:CF:12:00:00:01".to_owned()),
        ] {
            assert_eq!(line(&command), Some(expected));
        }
        assert_eq!(line(&Command::Login { mac, ip: "1.2.3.4;remove".into() }), None, "nothing slips in");
    }

    #[test]
    fn a_long_plan_is_cut_between_devices() {
        let commands: Vec<Command> = (0..=255_u8)
            .flat_map(|last| {
                let spec = spec(last);
                let mac = spec.mac;
                let login = Command::Login { mac, ip: "10.5.50.9".into() };
                std::iter::repeat_n([Command::RemoveUser { mac }, Command::AddUser(spec), login], 3).flatten()
            })
            .collect();
        let (lines, later) = lines(&commands, 0);
        let length: usize = lines.iter().map(|line| line.len() + 1).sum();
        assert!(length <= COMMANDS_MAX + 2048 && !later.is_empty(), "{length}");
        let told = |mac: &MacAddr| lines.iter().filter(|line| line.contains(&mac.to_string())).count();
        for last in 0..=255_u8 {
            let mac = spec(last).mac;
            assert_eq!(told(&mac), if later.contains(&mac) { 0 } else { 9 });
        }
    }

    #[test]
    fn an_answer_bears_its_nonce_and_its_proof() {
        let key = PullKey::draw();
        let answer =
            Answer { rest_secs: 65, ticket: Some("ab".into()), commands: vec!["kick;A4:CF:12:00:00:01".into()] };
        let text = answer.render("n-1", &key, true);
        let (proof, rest) = text.split_once('\n').unwrap();
        assert_eq!(rest, "bando1;n-1;00:01:05;all;ab;1\nkick;A4:CF:12:00:00:01\nend\n");
        assert_eq!(proof, key.digest(rest));
        let (proof, _) = Answer::rest(30)
            .render("n-1", &key, false)
            .split_once('\n')
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .unwrap();
        assert_eq!(proof, key.answer_secret());
    }
}
