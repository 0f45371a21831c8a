//! `vmatrix-agent run`.

use crate::agent::{Home, Server, run};
use crate::facts;
use crate::images::Fetcher;
use crate::net::{HostNet, HostNetConfig, USER_NETWORK};
use crate::vm::Vms;
use clap::Args;
use vmatrix_wire::Network;

#[derive(Debug, Args)]
pub(super) struct Run {
    #[command(flatten)]
    data: super::Data,
}

impl Run {
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
        tokio::select! {
            done = run(home, joined.host, server, facts, machines) => done?,
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
