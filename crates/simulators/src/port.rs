//! Ports that are kept while nobody listens on them.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};

use tokio::net::{TcpListener, TcpSocket};

/// A port that stays taken while nobody listens on it: connections to it are refused, and no other program is given
/// it. Whoever is told its number may listen there, again and again, as servers do that set `SO_REUSEADDR` (with
/// tokio's and the standard library's listeners, and in MariaDB). So whatever is to be started later, or twice, finds
/// its port free. That a socket which is bound and does not listen leaves the port to others is Linux' way; elsewhere
/// they need `SO_REUSEPORT` too.
#[derive(Debug)]
pub struct KeptPort {
    addr: SocketAddr,
    _held: TcpSocket,
}

impl KeptPort {
    /// Any free one of this machine.
    ///
    /// # Errors
    /// When none is free.
    pub fn any() -> io::Result<Self> {
        Self::at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }

    /// That of an address; port 0 takes a free one.
    ///
    /// # Errors
    /// When it is taken.
    pub fn at(addr: SocketAddr) -> io::Result<Self> {
        let held = socket_at(addr)?;
        Ok(Self { addr: held.local_addr()?, _held: held })
    }

    /// The address with the port.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The port's number.
    #[must_use]
    pub const fn number(&self) -> u16 {
        self.addr.port()
    }

    /// Listens, until the listener is dropped.
    pub(crate) fn listen(&self) -> io::Result<TcpListener> {
        socket_at(self.addr)?.listen(128)
    }
}

fn socket_at(addr: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    #[cfg(unix)]
    socket.set_reuseport(true)?;
    socket.bind(addr)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn a_kept_port_refuses_is_given_to_nobody_else_and_can_be_listened_on_again_and_again() {
        let kept = KeptPort::any().unwrap();
        for _ in 0..2 {
            let refused = TcpStream::connect(kept.addr()).await.unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
            let listener = TcpListener::bind(kept.addr()).await.unwrap();
            TcpStream::connect(kept.addr()).await.unwrap();
            drop(listener);
        }
        let others: Vec<KeptPort> = (0..200).map(|_| KeptPort::any().unwrap()).collect();
        assert!(others.iter().all(|other| other.number() != kept.number()));
    }
}
