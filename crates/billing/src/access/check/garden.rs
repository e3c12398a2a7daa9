//! The walled garden: whether a device that has not paid yet reaches our page. HTTPS is decided by addresses, plain
//! HTTP by names; both are needed.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use routeros_api::{RouterOsError, system::GardenRule};

use super::{Check, Portal, line, line::Line, readings::Readings, unread};

/// Finding out addresses may take this long.
const LOOKUP_MAX: Duration = Duration::from_secs(3);

pub(super) async fn judge(readings: &Readings, portal: &Portal) -> Vec<Check> {
    let addresses = addresses(portal).await;
    vec![
        one(&line::GARDEN_IP, &readings.garden_ip, portal, &addresses, true),
        one(&line::GARDEN, &readings.garden, portal, &addresses, false),
    ]
}

/// The portal's addresses as the server sees them; none when its name cannot be found out.
async fn addresses(portal: &Portal) -> Vec<IpAddr> {
    if let Ok(address) = portal.host.parse() {
        return vec![address];
    }
    let found = tokio::net::lookup_host((portal.host.as_str(), portal.port));
    match tokio::time::timeout(LOOKUP_MAX, found).await {
        Ok(Ok(found)) => found.map(|found| found.ip()).collect(),
        _ => Vec::new(),
    }
}

fn one(
    line: &Line,
    rules: &Result<Vec<GardenRule>, RouterOsError>,
    portal: &Portal,
    addresses: &[IpAddr],
    is_ip: bool,
) -> Check {
    let rules = match rules {
        Ok(rules) => rules,
        Err(error) => return unread(line, error),
    };
    let host = &portal.host;
    let deciding =
        rules.iter().filter(|rule| !rule.is_off && !rule.is_narrow).find(|rule| fits(rule, portal, addresses));
    let add = add_command(portal, addresses, is_ip);
    match deciding {
        Some(rule) if matches!(rule.action.as_str(), "accept" | "allow" | "") => {
            line.ok(format!("{host} may be reached before paying."))
        }
        Some(_) => line.wrong(
            format!("A rule in the walled garden keeps {host} closed."),
            format!("Put a rule in front that opens it:\n{add} place-before=0"),
        ),
        None => line
            .wrong(format!("{host} cannot be reached before paying, so nobody sees our page."), format!("Run:\n{add}")),
    }
}

fn add_command(portal: &Portal, addresses: &[IpAddr], is_ip: bool) -> String {
    let host = &portal.host;
    match (is_ip, host.parse::<Ipv4Addr>(), addresses) {
        (false, ..) => format!("/ip hotspot walled-garden add action=allow dst-host={host} comment=bando:portal"),
        (true, Ok(address), _) => {
            format!("/ip hotspot walled-garden ip add action=accept dst-address={address} comment=bando:portal")
        }
        (true, Err(_), _) => {
            format!("/ip hotspot walled-garden ip add action=accept dst-host={host} comment=bando:portal")
        }
    }
}

/// Whether a rule is about the portal: every condition that it has is met.
fn fits(rule: &GardenRule, portal: &Portal, addresses: &[IpAddr]) -> bool {
    let is_host = rule.dst_host.is_empty() || matches(&rule.dst_host, &portal.host);
    let is_address = rule.dst_address.is_empty()
        || addresses.iter().any(|address| matches!(address, IpAddr::V4(ip) if contains(&rule.dst_address, *ip)));
    let is_port = rule.dst_port.is_empty() || rule.dst_port.split(',').any(|ports| has_port(ports, portal.port));
    // A rule for one path opens only that.
    let is_path = matches!(rule.path.as_str(), "" | "*" | "/*");
    is_host && is_address && is_port && is_path
}

fn has_port(ports: &str, port: u16) -> bool {
    let (from, to) = ports.split_once('-').unwrap_or((ports, ports));
    matches!((from.trim().parse::<u16>(), to.trim().parse::<u16>()), (Ok(from), Ok(to)) if (from..=to).contains(&port))
}

/// An address, a prefix such as `10.0.0.0/8`, or a range such as `10.0.0.1-10.0.0.9`.
fn contains(range: &str, address: Ipv4Addr) -> bool {
    if let Some((from, to)) = range.split_once('-') {
        return matches!((from.parse::<Ipv4Addr>(), to.parse::<Ipv4Addr>()), (Ok(from), Ok(to)) if (from..=to).contains(&address));
    }
    let (network, length) = range.split_once('/').unwrap_or((range, "32"));
    let (Ok(network), Ok(length)) = (network.parse::<Ipv4Addr>(), length.parse::<u32>()) else { return false };
    let Some(host_bits) = 32_u32.checked_sub(length) else { return false };
    let mask = u32::MAX.checked_shl(host_bits).unwrap_or(0);
    (network.to_bits() & mask) == (address.to_bits() & mask)
}

/// The whole text, with `*` and `?`, as documented. Expressions (after a colon) are not followed: they do not count.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    // `ends` are the lengths of the text that the pattern so far may have taken.
    let mut ends = vec![false; text.len() + 1];
    if let Some(first) = ends.first_mut() {
        *first = true;
    }
    for wanted in pattern {
        let mut next = vec![false; text.len() + 1];
        let mut is_any_before = false;
        for (at, is_end) in ends.iter().copied().enumerate() {
            is_any_before |= is_end;
            if wanted == '*' {
                if let Some(slot) = next.get_mut(at) {
                    *slot = is_any_before;
                }
            } else if is_end
                && text.get(at).is_some_and(|found| wanted == '?' || wanted == *found)
                && let Some(slot) = next.get_mut(at + 1)
            {
                *slot = true;
            }
        }
        ends = next;
    }
    ends.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_as_a_whole() {
        for (pattern, host, is_match) in [
            ("wifi.example.com", "wifi.example.com", true),
            ("WIFI.example.com", "wifi.Example.com", true),
            ("*.example.com", "wifi.example.com", true),
            ("*example*", "wifi.example.com", true),
            ("wifi?example.com", "wifi.example.com", true),
            ("*", "", true),
            ("example.com", "wifi.example.com", false),
            ("*.example.com", "example.com", false),
            ("", "wifi", false),
        ] {
            assert_eq!(matches(pattern, host), is_match, "{pattern} {host}");
        }
    }

    #[test]
    fn addresses_lie_in_prefixes_and_ranges() {
        let address = Ipv4Addr::new(10, 1, 2, 3);
        for (range, is_in) in [
            ("10.1.2.3", true),
            ("10.1.2.0/24", true),
            ("0.0.0.0/0", true),
            ("10.1.2.1-10.1.2.9", true),
            ("10.1.2.4", false),
            ("10.1.3.0/24", false),
            ("10.1.2.0/33", false),
            ("nonsense", false),
        ] {
            assert_eq!(contains(range, address), is_in, "{range}");
        }
        assert!(has_port("443", 443) && has_port("80-8080", 443) && !has_port("80", 443) && !has_port("x", 443));
    }
}
