//! HTTP as `/tool/fetch` speaks it: over real sockets, outside the router's lock.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::Engine;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use url::Url;

use super::{options::RosVersion, router::Router, trust};

/// Longest answer that is read.
const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// What came of a request: the answer, or the router's words.
pub(crate) type Fetched = Result<Response, String>;

/// An answer with a good status.
#[derive(Debug, Clone, Default)]
pub(crate) struct Response {
    pub(crate) body: Vec<u8>,
}

/// A request under way: who waits for it, and where the answer goes.
#[derive(Debug)]
pub(crate) struct NetworkTask {
    pub(crate) job: u32,
    pub(crate) request: Request,
    pub(crate) cell: Arc<Mutex<Option<Fetched>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Put,
    Delete,
    Head,
    Patch,
}

impl Method {
    pub(crate) fn parse(word: &str) -> Option<Self> {
        match word {
            "get" => Some(Self::Get),
            "post" => Some(Self::Post),
            "put" => Some(Self::Put),
            "delete" => Some(Self::Delete),
            "head" => Some(Self::Head),
            "patch" => Some(Self::Patch),
            _ => None,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Head => "HEAD",
            Self::Patch => "PATCH",
        }
    }
}

/// `check-certificate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// `no`.
    Anything,
    /// `yes-without-crl`.
    Chain,
    /// `yes`.
    WithRevocation,
}

/// One request, with what it needs to know of the router.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) url: Url,
    pub(crate) method: Method,
    pub(crate) data: Vec<u8>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) trust: Trust,
    pub(crate) credentials: Option<(String, String)>,
    pub(crate) redirects: u8,
    pub(crate) ros: RosVersion,
    pub(crate) internet: Internet,
    /// Certificates in `/certificate` that are trusted.
    pub(crate) roots: Vec<Vec<u8>>,
    /// What the router believes the time is.
    pub(crate) epoch_secs: i64,
    pub(crate) revocation_lists: bool,
    pub(crate) patience: Duration,
}

impl Request {
    /// A plain `get`.
    pub(crate) fn new(url: Url) -> Self {
        Self {
            url,
            method: Method::Get,
            data: Vec::new(),
            headers: Vec::new(),
            trust: Trust::Anything,
            credentials: None,
            redirects: 0,
            ros: RosVersion::default(),
            internet: Internet::default(),
            roots: Vec::new(),
            epoch_secs: 0,
            revocation_lists: false,
            patience: Duration::from_secs(10),
        }
    }
}

/// What the router can reach. Nothing beyond this machine, unless told.
#[derive(Debug, Clone)]
pub(crate) struct Internet {
    /// Names, and addresses that stand for another.
    pub(crate) places: BTreeMap<String, SocketAddr>,
    /// Whether the line to the outside works.
    pub(crate) up: bool,
    /// Whether addresses beyond this machine may be asked.
    pub(crate) anywhere: bool,
}

impl Default for Internet {
    fn default() -> Self {
        Self { places: BTreeMap::new(), up: true, anywhere: false }
    }
}

impl Internet {
    /// What DNS says.
    pub(crate) fn resolve(&self, name: &str) -> Option<Ipv4Addr> {
        if let Ok(ip) = name.parse() {
            return Some(ip);
        }
        if !self.up {
            return None;
        }
        match self.places.get(&name.to_ascii_lowercase()).map(SocketAddr::ip) {
            Some(IpAddr::V4(ip)) => Some(ip),
            _ if name.eq_ignore_ascii_case("localhost") => Some(Ipv4Addr::LOCALHOST),
            _ => None,
        }
    }

    async fn dial(&self, host: &str, port: u16) -> Result<SocketAddr, String> {
        let is_name = host.parse::<IpAddr>().is_err();
        if !self.up {
            return Err(if is_name { "failure: resolving error" } else { "failure: connection timeout" }.to_owned());
        }
        if let Some(place) = self.places.get(&host.to_ascii_lowercase()) {
            return Ok(if place.port() == 0 { SocketAddr::new(place.ip(), port) } else { *place });
        }
        match (host.parse::<IpAddr>(), self.resolve(host)) {
            (Ok(ip), _) if ip.is_loopback() || self.anywhere => Ok(SocketAddr::new(ip, port)),
            (Ok(_), _) => Err("failure: connection timeout".to_owned()),
            (Err(_), Some(ip)) => Ok(SocketAddr::new(ip.into(), port)),
            (Err(_), None) if self.anywhere => {
                let mut found = tokio::net::lookup_host((host, port)).await.map_err(|_| "failure: resolving error")?;
                found.next().ok_or_else(|| "failure: resolving error".to_owned())
            }
            (Err(_), None) => Err("failure: resolving error".to_owned()),
        }
    }
}

impl Router {
    /// Gives a request what it must know of the router.
    pub(crate) fn prepare(&self, request: &mut Request) {
        request.ros = self.options.ros;
        request.internet = self.internet.clone();
        request.roots = self.trusted_roots();
        request.epoch_secs = self.epoch_secs();
        request.revocation_lists = !self.options.unconfirmed.crl_missing_fails;
        request.patience = self.options.fetch_patience;
    }
}

/// Makes the request.
pub(crate) async fn perform(mut request: Request) -> Fetched {
    for _ in 0..=request.redirects {
        let host = request.url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = request.url.port_or_known_default().unwrap_or(80);
        let addr = request.internet.dial(&host, port).await?;
        let patience = request.patience;
        let answer = timeout(patience, exchange(&request, &host, addr)).await;
        let (status, reason, location, body) = answer.map_err(|_| "failure: connection timeout".to_owned())??;
        match status {
            200..=299 => return Ok(Response { body }),
            300..=399 if request.redirects > 0 => {
                let next = location.and_then(|location| request.url.join(&location).ok());
                request.url = next.ok_or_else(|| status_error(&request, status, &reason, addr))?;
            }
            _ => return Err(status_error(&request, status, &reason, addr)),
        }
    }
    Err("failure: too many redirects".to_owned())
}

/// The words for a status that is no success: two observed forms.
fn status_error(request: &Request, status: u16, reason: &str, addr: SocketAddr) -> String {
    if request.ros >= RosVersion::V7_16 {
        format!("failure: Fetch failed with status {status}")
    } else {
        format!("failure: closing connection: <{status} {reason}> {addr} (4)")
    }
}

type Answer = (u16, String, Option<String>, Vec<u8>);

async fn exchange(request: &Request, host: &str, addr: SocketAddr) -> Result<Answer, String> {
    let failed = || format!("failure: closing connection: <connection failed> {addr} (4)");
    let stream = TcpStream::connect(addr).await.map_err(|_| failed())?;
    if request.url.scheme() == "http" {
        return converse(request, stream).await.ok_or_else(failed);
    }
    let config = trust::client_config(request)?;
    let name = rustls::pki_types::ServerName::try_from(host.to_owned()).map_err(|_| failed())?;
    let stream = TlsConnector::from(config).connect(name, stream).await;
    let stream = stream.map_err(|error| trust::words(&error, request.ros))?;
    converse(request, stream).await.ok_or_else(failed)
}

/// One request and its answer on a connection that is closed afterwards.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(request: &Request, mut stream: S) -> Option<Answer> {
    stream.write_all(&head(request)).await.ok()?;
    stream.write_all(&request.data).await.ok()?;
    stream.flush().await.ok()?;
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 16 * 1024];
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        let count = stream.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(buffer.get(..count)?);
        if bytes.len() > HEAD_BYTES_MAX {
            return None;
        }
    };
    let head = String::from_utf8_lossy(bytes.get(..head_end)?).into_owned();
    let mut body = bytes.split_off(head_end + 4);
    let mut lines = head.split("\r\n");
    let mut status_line = lines.next()?.splitn(3, ' ');
    let status: u16 = status_line.nth(1)?.parse().ok()?;
    let reason = status_line.next().unwrap_or_default().to_owned();
    let fields: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let chunked = field("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked"));
    let length = field("content-length").and_then(|value| value.parse::<usize>().ok());
    let empty = request.method == Method::Head || status == 204 || status == 304;
    loop {
        let whole = match length {
            Some(length) if !chunked => body.len() >= length,
            _ => chunked && unchunked(&body).is_some(),
        };
        if empty || whole {
            break;
        }
        let count = match stream.read(&mut buffer).await {
            Ok(count) => count,
            // Servers that close without a farewell have still said everything.
            Err(_) if length.is_none() && !chunked => 0,
            Err(_) => return None,
        };
        if count == 0 {
            if length.is_some() || chunked {
                return None;
            }
            break;
        }
        body.extend_from_slice(buffer.get(..count)?);
        if body.len() > BODY_BYTES_MAX {
            return None;
        }
    }
    if chunked {
        body = unchunked(&body).unwrap_or_default();
    } else if let Some(length) = length {
        body.truncate(length);
    }
    Some((status, reason, field("location"), body))
}

fn head(request: &Request) -> Vec<u8> {
    let url = &request.url;
    let mut target = url.path().to_owned();
    if let Some(query) = url.query() {
        target.push('?');
        target.push_str(query);
    }
    let host = match url.port() {
        Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
        None => url.host_str().unwrap_or_default().to_owned(),
    };
    let version = request.ros.text().split(' ').next().unwrap_or_default();
    let mut head = format!("{} {target} HTTP/1.1\r\nHost: {host}\r\n", request.method.word());
    let given = |name: &str| request.headers.iter().any(|(key, _)| key.eq_ignore_ascii_case(name));
    if !given("user-agent") {
        head.push_str(&format!("User-Agent: Mikrotik/{} Fetch\r\n", version.split('.').next().unwrap_or("7")));
    }
    if let Some((user, password)) = &request.credentials {
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        head.push_str(&format!("Authorization: Basic {pair}\r\n"));
    }
    if !request.data.is_empty() || matches!(request.method, Method::Post | Method::Put | Method::Patch) {
        if !given("content-type") {
            head.push_str("Content-Type: application/x-www-form-urlencoded\r\n");
        }
        head.push_str(&format!("Content-Length: {}\r\n", request.data.len()));
    }
    for (name, value) in &request.headers {
        let clean = |text: &str| text.replace(['\r', '\n'], " ");
        head.push_str(&format!("{}: {}\r\n", clean(name), clean(value)));
    }
    head.push_str("Connection: close\r\n\r\n");
    head.into_bytes()
}

/// The body in chunks put together; nothing while chunks are missing.
fn unchunked(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line_end = bytes.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(bytes.get(..line_end)?).ok()?.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        let start = line_end.checked_add(2)?;
        if size == 0 {
            return Some(body);
        }
        let end = start.checked_add(size)?;
        body.extend_from_slice(bytes.get(start..end)?);
        bytes = bytes.get(end.checked_add(2)?..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_put_together() {
        assert_eq!(unchunked(b"4\r\nWiki\r\n5;x\r\npedia\r\n0\r\n\r\n").unwrap(), b"Wikipedia");
        assert_eq!(unchunked(b"4\r\nWiki\r\n"), None);
        assert_eq!(unchunked(b"zz\r\n"), None);
    }
}
