//! `BANDO_ROUTER_SOURCES` and `BANDO_TUNNEL_*`: how routers that are set up in one paste are reached.

use billing::{
    access::Portal,
    onboarding::{Site, TunnelSite},
};
use ipnet::IpNet;

use super::{Config, environment::Reader, parse::networks, table};

/// How routers that are set up in one paste are reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutersConfig {
    /// `BANDO_ROUTER_SOURCES`.
    pub sources: Vec<IpNet>,
    /// `BANDO_TUNNEL_*`, when all three are set.
    pub tunnel: Option<TunnelSite>,
}

pub(super) fn read(reader: &Reader<'_>) -> Option<RoutersConfig> {
    let expected = "addresses or networks with commas between, such as 203.0.113.5";
    let sources = match reader.text(&table::BANDO_ROUTER_SOURCES) {
        Some(_) => reader.parse_with(&table::BANDO_ROUTER_SOURCES, expected, |text| {
            // The hotspot, and so everything around it, is IPv4.
            networks(text).filter(|found| found.iter().all(|network| matches!(network, IpNet::V4(_))))
        }),
        None => Some(Vec::new()),
    };
    Some(RoutersConfig { sources: sources?, tunnel: tunnel(reader)? })
}

/// All three, or none: `None` is a problem that was noted.
fn tunnel(reader: &Reader<'_>) -> Option<Option<TunnelSite>> {
    let variables = [&table::BANDO_TUNNEL_ENDPOINT, &table::BANDO_TUNNEL_PUBLIC_KEY, &table::BANDO_TUNNEL_NETWORK];
    let are_set = variables.map(|variable| reader.text(variable).is_some());
    if are_set == [false; 3] {
        return Some(None);
    }
    for (variable, is_set) in variables.into_iter().zip(are_set) {
        if !is_set {
            reader.problem(variable, "is not set", "set all three BANDO_TUNNEL settings or none");
        }
    }
    let endpoint = reader.parse_with(variables[0], "a host and a port, such as wifi.example.co.ke:51820", endpoint);
    let key = reader.parse_with(variables[1], "44 characters that end with =, as wg pubkey prints them", |text| {
        billing::onboarding::is_tunnel_key(text).then(|| text.to_owned())
    });
    let network = reader.parse_with(variables[2], "an IPv4 network from /8 to /29, such as 10.66.0.0/16", |text| {
        let network: ipnet::Ipv4Net = text.parse().ok()?;
        (8..=29).contains(&network.prefix_len()).then(|| network.trunc())
    });
    let ((host, port), key, network) = (endpoint?, key?, network?);
    Some(Some(TunnelSite {
        endpoint_host: host,
        endpoint_port: port,
        public_key: key,
        network: network.network(),
        prefix: network.prefix_len(),
    }))
}

fn endpoint(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let is_host = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'));
    let port = port.parse().ok().filter(|port| *port != 0)?;
    is_host.then(|| (host.to_owned(), port))
}

/// Where customers find the portal.
#[must_use]
pub fn portal(config: &Config) -> Portal {
    let url = &config.http.public_url;
    Portal::new(url.as_str(), url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(80))
}

/// Where routers find this server.
#[must_use]
pub fn site(config: &Config) -> Site {
    let url = &config.http.public_url;
    Site {
        public_url: url.as_str().trim_end_matches('/').to_owned(),
        host: url.host_str().unwrap_or_default().to_owned(),
        port: url.port_or_known_default().unwrap_or(80),
        sources: config.routers.sources.iter().map(ToString::to_string).collect(),
        tunnel: config.routers.tunnel.clone(),
    }
}
