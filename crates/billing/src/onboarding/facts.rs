//! What a router says about itself before anything is changed. Reports are the router's word, so nothing in them is
//! trusted to be there, to be whole or to be text; what cannot be read is not known.

use std::{collections::BTreeMap, net::Ipv4Addr};

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

/// Longest value that is looked at, in characters. Names in RouterOS are far shorter.
const VALUE_MAX: usize = 500;
/// Most rows of one kind that are looked at.
const ROWS_MAX: usize = 64;

/// One hotspot server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its name.
    pub name: String,
    /// The interface it is on.
    pub interface: String,
    /// The server profile it uses.
    pub profile: String,
    /// Whether it is switched off.
    pub is_disabled: bool,
    /// `addresses-per-mac`.
    pub addresses_per_mac: String,
    /// `login-timeout`.
    pub login_timeout: String,
}

/// One server profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// `login-by`, in the router's order.
    pub login_by: Vec<String>,
    /// `mac-auth-mode`.
    pub mac_auth_mode: String,
    /// `html-directory`.
    pub directory: String,
    /// `use-radius`.
    pub uses_radius: bool,
}

/// An address of the router itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The address.
    pub ip: Ipv4Addr,
    /// How many leading bits name its network.
    pub prefix: u8,
    /// The interface.
    pub interface: String,
}

impl Address {
    /// Whether another address is in the same network.
    #[must_use]
    pub fn is_beside(&self, other: Ipv4Addr) -> bool {
        let mask = u32::MAX.checked_shl(32_u32.saturating_sub(u32::from(self.prefix))).unwrap_or(0);
        u32::from(self.ip) & mask == u32::from(other) & mask
    }
}

/// A network in which the router gives out addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dhcp {
    /// The interface.
    pub interface: String,
    /// The pool the addresses come from.
    pub pool: String,
    /// Whether it is switched off.
    pub is_disabled: bool,
}

/// Everything a router said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    values: BTreeMap<String, String>,
    /// Hotspot servers.
    pub servers: Vec<Server>,
    /// Server profiles.
    pub profiles: Vec<Profile>,
    /// Addresses.
    pub addresses: Vec<Address>,
    /// Networks with addresses to give out.
    pub dhcp: Vec<Dhcp>,
    /// Whether the hotspot's menus are there at all.
    pub has_hotspot: bool,
}

impl Facts {
    /// Reads a report into what is known so far: `key=value` a line, fields of a row separated by tabs.
    pub fn read(&mut self, report: &[u8]) {
        for line in String::from_utf8_lossy(report).lines() {
            let Some((key, value)) = line.trim_end_matches('\r').split_once('=') else { continue };
            if value.chars().count() > VALUE_MAX || key.chars().count() > VALUE_MAX || value.contains('\0') {
                continue;
            }
            let fields: Vec<&str> = value.split('\t').collect();
            match (key, fields.as_slice()) {
                ("server", [name, interface, profile, disabled, addresses, timeout]) => push(
                    &mut self.servers,
                    Server {
                        name: (*name).to_owned(),
                        interface: (*interface).to_owned(),
                        profile: (*profile).to_owned(),
                        is_disabled: is_yes(disabled),
                        addresses_per_mac: (*addresses).to_owned(),
                        login_timeout: (*timeout).to_owned(),
                    },
                ),
                ("profile", [name, login_by, mode, directory, radius]) => push(
                    &mut self.profiles,
                    Profile {
                        name: (*name).to_owned(),
                        login_by: words(login_by),
                        mac_auth_mode: (*mode).to_owned(),
                        directory: directory.trim_matches('/').to_owned(),
                        uses_radius: is_yes(radius),
                    },
                ),
                ("address", [address, interface]) => {
                    if let Some(address) = read_address(address, interface) {
                        push(&mut self.addresses, address);
                    }
                }
                ("dhcp", [_, interface, pool, disabled]) => push(
                    &mut self.dhcp,
                    Dhcp {
                        interface: (*interface).to_owned(),
                        pool: (*pool).to_owned(),
                        is_disabled: is_yes(disabled),
                    },
                ),
                _ if value != "?" && self.values.len() < ROWS_MAX * 8 => {
                    self.values.insert(key.to_owned(), value.to_owned());
                }
                _ => {}
            }
        }
    }

    /// One value; `None` when this release does not know it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// One value, with nothing for what is not known.
    #[must_use]
    pub fn text(&self, key: &str) -> &str {
        self.get(key).unwrap_or_default()
    }

    /// One value that is a number.
    #[must_use]
    pub fn number(&self, key: &str) -> Option<u64> {
        self.get(key)?.parse().ok()
    }

    /// One switch.
    #[must_use]
    pub fn is_on(&self, key: &str) -> Option<bool> {
        self.get(key).map(is_yes)
    }

    /// How many of something there are, as far as is known.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.number(key).is_some_and(|count| count > 0)
    }

    /// RouterOS release, such as 7 and 22; nothing known is 0.
    #[must_use]
    pub fn version(&self) -> (u32, u32) {
        let mut parts = self.text("version").split(|c: char| !c.is_ascii_digit());
        let mut next = || parts.next().and_then(|part| part.parse().ok()).unwrap_or(0);
        (next(), next())
    }

    /// What the router is known by, so that a line serves one router only.
    #[must_use]
    pub fn router_key(&self) -> Option<String> {
        let key = ["serial", "system-id", "software-id", "mac"]
            .into_iter()
            .find_map(|key| self.get(key).map(str::trim).filter(|value| !value.is_empty()))?;
        let key: String = key.chars().filter(char::is_ascii_graphic).take(64).collect();
        (!key.is_empty()).then_some(key)
    }

    /// What the router's clock says; `None` when it cannot be read.
    #[must_use]
    pub fn clock(&self) -> Option<DateTime<Utc>> {
        if let Some(epoch) = self.number("epoch") {
            return DateTime::from_timestamp(i64::try_from(epoch).ok()?, 0);
        }
        let date = self.text("date");
        let date = NaiveDate::parse_from_str(date, "%Y-%m-%d")
            .or_else(|_| NaiveDate::parse_from_str(date, "%b/%d/%Y"))
            .ok()?;
        let time = NaiveTime::parse_from_str(self.text("time"), "%H:%M:%S").ok()?;
        Some(date.and_time(time).and_utc() - offset(self.text("offset"))?)
    }

    /// A server profile by its name.
    #[must_use]
    pub fn profile(&self, name: &str) -> Option<&Profile> {
        self.profiles.iter().find(|profile| profile.name == name)
    }
}

fn push<T>(rows: &mut Vec<T>, row: T) {
    if rows.len() < ROWS_MAX {
        rows.push(row);
    }
}

/// Lists are written with `;` or `,` between, depending on the release.
pub(super) fn words(list: &str) -> Vec<String> {
    list.split([',', ';']).map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn is_yes(text: &str) -> bool {
    matches!(text, "true" | "yes")
}

fn read_address(text: &str, interface: &str) -> Option<Address> {
    let (ip, prefix) = text.split_once('/')?;
    let prefix = prefix.parse().ok().filter(|prefix| *prefix <= 32)?;
    Some(Address { ip: ip.parse().ok()?, prefix, interface: interface.to_owned() })
}

/// `+03:00`, `-03:30`, `03:00:00` or `10800` seconds.
fn offset(text: &str) -> Option<TimeDelta> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let parts: Vec<i64> = digits.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let secs = match parts.as_slice() {
        [secs] => *secs,
        [hours, minutes] | [hours, minutes, _] => hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?,
        _ => return None,
    };
    TimeDelta::try_seconds(secs.checked_mul(sign)?).filter(|delta| delta.abs() <= TimeDelta::hours(15))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn facts(report: &str) -> Facts {
        let mut facts = Facts::default();
        facts.read(report.as_bytes());
        facts
    }

    #[test]
    fn a_report_is_read_line_by_line() {
        let facts = facts(
            "version=7.22.1 (stable)\nmode-hotspot=?\nserial= \nsoftware-id=ABCD-1234\nepoch=1795327200\n\
             server=hs\tbridge\tprof\tfalse\t2\tnone\nprofile=prof\tcookie;http-chap\tmac-as-username\thotspot\tfalse\n\
             address=192.168.88.1/24\tbridge\ndhcp=defconf\tbridge\tpool\tfalse\nrubbish\nserver=too\tfew\n",
        );
        assert_eq!(facts.version(), (7, 22));
        assert_eq!(facts.get("mode-hotspot"), None);
        assert_eq!(facts.router_key().as_deref(), Some("ABCD-1234"));
        assert_eq!(facts.servers.len(), 1);
        assert_eq!(facts.profile("prof").unwrap().login_by, ["cookie", "http-chap"]);
        assert!(facts.addresses[0].is_beside(Ipv4Addr::new(192, 168, 88, 7)));
        assert!(!facts.addresses[0].is_beside(Ipv4Addr::new(192, 168, 89, 7)));
        assert_eq!(facts.clock().unwrap().timestamp(), 1_795_327_200);
    }

    #[test]
    fn every_release_writes_the_time_its_own_way() {
        for (date, offset) in [("2026-11-22", "+03:00"), ("nov/22/2026", "03:00:00"), ("Nov/22/2026", "10800")] {
            let facts = facts(&format!("date={date}\ntime=09:00:00\noffset={offset}\n"));
            assert_eq!(facts.clock().map(|at| at.timestamp()), Some(1_795_327_200), "{date} {offset}");
        }
        assert_eq!(facts("date=soon\ntime=09:00:00\noffset=0\n").clock(), None);
    }

    proptest! {
        /// Whatever is reported, reading ends, and what is kept is bounded.
        #[test]
        fn nothing_in_a_report_does_harm(report in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let mut facts = Facts::default();
            facts.read(&report);
            let _ = (facts.version(), facts.clock(), facts.router_key());
            prop_assert!(facts.servers.len() <= ROWS_MAX);
        }

        #[test]
        fn rows_are_bounded(count in 0_usize..300) {
            let facts = facts(&"address=10.0.0.1/8\tether1\n".repeat(count));
            prop_assert!(facts.addresses.len() <= ROWS_MAX);
        }
    }
}
