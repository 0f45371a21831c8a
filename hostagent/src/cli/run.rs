//! `vmatrix-agent run`.

use crate::agent::{Home, Server, run};
use crate::doors::{Doors, DoorsConfig, WebSocketConfig};
use crate::echo::{Door, limiter::Share};
use crate::facts;
use crate::images::Fetcher;
use crate::net::{HostNet, HostNetConfig, USER_NETWORK};
use crate::vm::Vms;
use clap::Args;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use url::Url;
use vmatrix_wire::{Network, echo};

#[derive(Debug, Args)]
pub(super) struct Run {
    #[command(flatten)]
    data: super::Data,
    /// UDP port on which players' programs measure how far this host is; 0: none.
    #[arg(long, value_name = "PORT", default_value_t = echo::PORT)]
    echo_port: u16,
    /// UDP port by which browsers measure to this host with WebTransport; 0 for none.
    #[arg(long, value_name = "PORT", default_value_t = 27901)]
    webtransport_port: u16,
    /// UDP port by which browsers measure to this host with WebRTC; 0 for none.
    #[arg(long, value_name = "PORT", default_value_t = 27902)]
    webrtc_port: u16,
    /// Where a reverse proxy with a public certificate finds the door for browsers by WebSocket. Without it there is none.
    #[arg(long, value_name = "IP:PORT", requires = "websocket_url", value_parser = super::given::address)]
    websocket_listen: Option<SocketAddr>,
    /// What browsers call that proxy, such as wss://play.example/host1; /measure/TICKET is added to it.
    #[arg(long, value_name = "URL", requires = "websocket_listen", value_parser = wss)]
    websocket_url: Option<Url>,
}

fn wss(text: &str) -> Result<Url, String> {
    let url = text.parse::<Url>().ok();
    let right = |url: &Url| url.scheme() == "wss" && url.query().is_none() && url.fragment().is_none();
    url.filter(right).ok_or_else(|| {
        "it must be wss://HOST[:PORT][/PATH]: browsers take nothing else from a page that came by https"
            .to_owned()
    })
}

impl Run {
    fn doors(&self) -> DoorsConfig {
        let any = |port: u16| (port != 0).then(|| SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)));
        let websocket = self.websocket_listen.zip(self.websocket_url.clone());
        DoorsConfig {
            webtransport: any(self.webtransport_port),
            webrtc: any(self.webrtc_port),
            websocket: websocket.map(|(listen, url)| WebSocketConfig { listen, url }),
        }
    }

    pub(super) async fn carry_out(self) -> anyhow::Result<()> {
        let home = Home::open(&self.data.dir())?;
        let _lock = home.lock()?;
        let joined = home.joined()?;
        let server = Server::new(&joined.server, joined.insecure, Some(joined.secret.clone()))?;
        let network = HostNet::detect().await;
        if network == Network::User {
            tracing::warn!("VMs run on {USER_NETWORK}");
        }
        let mut facts = facts::find(home.dir(), network).await?;
        let echo = echo_door(joined.public_address, self.echo_port);
        facts.doors.echo = echo.as_ref().map(Door::port);
        let net = HostNet::prepare(HostNetConfig {
            host: joined.host,
            slots: joined.slots,
            public_address: joined.public_address,
            state: home.dir().join("net"),
            network,
        })
        .await?;
        let fetcher = Fetcher::new(home.dir(), server.clone())?;
        let machines = Vms::start(home.dir().to_owned(), net, fetcher, facts.accelerator).await?;
        let doors = Doors::open(home.clone(), self.doors()).await;
        tokio::select! {
            done = run(home, joined.host, server, facts, machines, doors) => done?,
            () = super::stopped() => tracing::info!("stopped; VMs go on"),
        }
        Ok(())
    }
}

/// The host serves without it, too: only some players are then not measured.
fn echo_door(public: IpAddr, port: u16) -> Option<Door> {
    if port == 0 {
        return None;
    }
    match Door::open(public, port, Share::default()) {
        Ok(door) => {
            tracing::info!(port = door.port(), "door open: UDP echo");
            Some(door)
        }
        Err(error) => {
            tracing::warn!(port, %error, "no UDP echo on this port: choose another by --echo-port, or none by --echo-port 0");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_or_none_is_a_host_without_echo() {
        let loopback = IpAddr::from([127, 0, 0, 1]);
        assert!(echo_door(loopback, 0).is_none());
        let other = std::net::UdpSocket::bind((loopback, 0)).unwrap();
        assert!(echo_door(loopback, other.local_addr().unwrap().port()).is_none());
    }

    /// By default systemd ends all that a unit has started.
    #[test]
    fn the_unit_lets_guests_outlive_the_agent() {
        let unit = include_str!("../../vmatrix-agent.service");
        let lines: Vec<&str> = unit.lines().collect();
        assert!(lines.contains(&"KillMode=process"));
        assert!(
            !lines
                .iter()
                .any(|line| line.starts_with("Private") || line.starts_with("Protect"))
        );
    }
}
