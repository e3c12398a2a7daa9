//! The address a request really comes from.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use ipnet::IpNet;

/// The right-most hop that is not a trusted proxy. `X-Forwarded-For` is only looked at when the peer itself
/// is trusted, and only from the right, because everything further left may be invented by the client.
#[must_use]
pub(crate) fn client_ip(peer: SocketAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let peer = peer.ip().to_canonical();
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    if !is_trusted(peer) {
        return peer;
    }
    let hops: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    let mut nearest = peer;
    for hop in hops.into_iter().rev() {
        // Garbage ends the chain of trust: the last hop known for sure is the answer.
        let Some(address) = parse_hop(hop) else { return nearest };
        nearest = address;
        if !is_trusted(address) {
            break;
        }
    }
    nearest
}

/// `1.2.3.4`, `1.2.3.4:567`, `::1` or `[::1]:567`.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let address = hop.parse::<IpAddr>().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|socket| socket.ip()))?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_hops_are_believed() {
        let trusted: Vec<IpNet> = vec!["127.0.0.0/8".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
        let cases: &[(&str, &[&str], &str)] = &[
            ("203.0.113.9:1", &["196.201.212.69"], "203.0.113.9"),
            ("127.0.0.1:1", &[], "127.0.0.1"),
            ("127.0.0.1:1", &["196.201.212.69"], "196.201.212.69"),
            ("127.0.0.1:1", &["196.201.212.69, 203.0.113.9"], "203.0.113.9"),
            ("127.0.0.1:1", &["196.201.212.69, 203.0.113.9, 10.1.1.1"], "203.0.113.9"),
            ("127.0.0.1:1", &["196.201.212.69", "203.0.113.9"], "203.0.113.9"),
            ("127.0.0.1:1", &["203.0.113.9, <script>"], "127.0.0.1"),
            ("127.0.0.1:1", &["[2001:db8::1]:443"], "2001:db8::1"),
            ("127.0.0.1:1", &["10.0.0.1"], "10.0.0.1"),
            ("[::ffff:127.0.0.1]:1", &["203.0.113.9"], "203.0.113.9"),
        ];
        for (peer, forwarded, expected) in cases {
            let mut headers = HeaderMap::new();
            for value in *forwarded {
                headers.append("x-forwarded-for", value.parse().unwrap());
            }
            let found = client_ip(peer.parse().unwrap(), &headers, &trusted);
            assert_eq!(found.to_string(), *expected, "{peer} {forwarded:?}");
        }
    }
}
