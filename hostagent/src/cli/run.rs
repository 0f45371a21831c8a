//! `vmatrix-agent run`.

use crate::agent::{Home, Server, run};
use crate::doors::{Doors, DoorsConfig, WebSocketConfig};
use crate::facts;
use crate::images::Fetcher;
use crate::net::{HostNet, HostNetConfig, USER_NETWORK};
use crate::vm::Vms;
use clap::Args;
use std::net::{Ipv6Addr, SocketAddr};
use url::Url;
use vmatrix_wire::Network;

#[derive(Debug, Args)]
pub(super) struct Run {
    #[command(flatten)]
    data: super::Data,
    /// UDP port by which browsers measure to this host with WebTransport; 0 for none.
    #[arg(long, value_name = "PORT", default_value_t = 27901)]
    webtransport_port: u16,
    /// UDP port by which browsers measure to this host with WebRTC; 0 for none.
    #[arg(long, value_name = "PORT", default_value_t = 27902)]
    webrtc_port: u16,
    /// Where a reverse proxy with a public certificate finds the door for browsers by WebSocket. Without it there is none.
    #[arg(long, value_name = "IP:PORT", requires = "websocket_url")]
    websocket_listen: Option<SocketAddr>,
    /// What browsers call that proxy, such as wss://play.example/host1; /measure/TICKET is added to it.
    #[arg(long, value_name = "URL", requires = "websocket_listen", value_parser = wss)]
    websocket_url: Option<Url>,
}

fn wss(text: &str) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|error| format!("{error}"))?;
    if url.scheme() != "wss" || url.query().is_some() || url.fragment().is_some() {
        return Err(
            "it must be wss://HOST[:PORT][/PATH]: browsers take nothing else from a page that came by https"
                .to_owned(),
        );
    }
    Ok(url)
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
        let facts = facts::find(home.dir(), network).await?;
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

#[cfg(test)]
mod tests {
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
