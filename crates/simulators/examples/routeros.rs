//! A simulated router by itself, for client libraries to be tried on: `--ros 6.42|6.49|7.16|7.22`.
//!
//! Prints one line of JSON with its addresses and runs until standard input ends.

use std::{
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr},
};

use simulators::{
    gateway::{self, Gateway},
    routeros::{Account, Options, RosVersion, Sim},
};

#[tokio::main]
async fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--ros").skip(1);
    let ros = match arguments.next() {
        Some(text) => RosVersion::parse(&text).ok_or_else(|| io::Error::other(format!("unknown release {text}")))?,
        None => RosVersion::default(),
    };
    let mut options = Options { ros, tls: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))), ..Options::default() };
    let reader = Account { name: "reader".into(), password: "reader".into(), group: "read".into() };
    options.accounts.push(reader);
    let router = Sim::start(options).await?;
    let gateway = Gateway::start(gateway::Options::default(), router.control()).await?;
    let ready = serde_json::json!({
        "api": router.addr().port(), "tls": router.tls_addr().map(|addr| addr.port()), "control": gateway.base_url(),
    });
    writeln!(io::stdout(), "{ready}")?;
    io::stdout().flush()?;
    tokio::task::spawn_blocking(|| io::copy(&mut io::stdin(), &mut io::sink())).await?.map(drop)
}
