//! Holds a public port while it leads to a guest, so that no program on the host takes it, and one that already has it
//! is noticed.

use super::{NetError, Transport};
use socket2::{Domain, SockAddr, Socket, Type};
use std::net::{Ipv4Addr, SocketAddr};

/// A bound socket that nothing reads: packets for the port go to the guest before they get here.
pub(super) struct Guard {
    port: u16,
    transport: Transport,
    _socket: Socket,
}

impl Guard {
    pub(super) fn take(port: u16, transport: Transport) -> Result<Self, NetError> {
        let kind = match transport {
            Transport::Udp => Type::DGRAM,
            Transport::Tcp => Type::STREAM,
        };
        let bind = || {
            let socket = Socket::new(Domain::IPV4, kind, None)?;
            socket.bind(&SockAddr::from(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))))?;
            Ok(socket)
        };
        match bind() {
            Ok(socket) => Ok(Self {
                port,
                transport,
                _socket: socket,
            }),
            Err(error) if is_taken(&error) => Err(NetError::PortTaken(port)),
            Err(source) => Err(NetError::Io {
                what: format!("binding port {port}"),
                source,
            }),
        }
    }

    pub(super) fn holds(&self, port: u16, transport: Transport) -> bool {
        self.port == port && self.transport == transport
    }
}

fn is_taken(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::AddrInUse
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_another_socket_has_is_taken() {
        let other = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
        let port = other.local_addr().unwrap().port();
        assert!(matches!(Guard::take(port, Transport::Udp), Err(NetError::PortTaken(p)) if p == port));
        drop(other);
        let guard = Guard::take(port, Transport::Udp).unwrap();
        assert!(guard.holds(port, Transport::Udp) && !guard.holds(port, Transport::Tcp));
        assert!(std::net::UdpSocket::bind(("0.0.0.0", port)).is_err());
    }
}
