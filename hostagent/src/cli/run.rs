//! `vmatrix-agent run`.

use crate::agent::{Home, Machines, Server, run};
use crate::facts;
use crate::net::{HostNet, HostNetConfig};
use clap::Args;
use vmatrix_wire::{VmOrder, VmReport};

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
        let facts = facts::find(home.dir(), network).await?;
        let net = HostNet::prepare(HostNetConfig {
            host: joined.host,
            slots: joined.slots,
            public_address: joined.public_address,
            state: home.dir().join("net"),
            network,
        })
        .await?;
        let machines = NoneYet {
            _net: net,
            changed: tokio::sync::watch::Sender::new(0),
        };
        tokio::select! {
            done = run(home, joined.host, server, facts, machines) => done?,
            () = super::stopped() => tracing::info!("stopped; VMs go on"),
        }
        Ok(())
    }
}

/// Until the VMs' own part is joined to this one.
struct NoneYet {
    _net: HostNet,
    changed: tokio::sync::watch::Sender<u64>,
}

impl Machines for NoneYet {
    fn intend(&self, orders: &[VmOrder]) {
        tracing::warn!(orders = orders.len(), "this agent runs no VMs yet");
    }

    fn observe(&self) -> Vec<VmReport> {
        Vec::new()
    }

    fn changed(&self) -> tokio::sync::watch::Receiver<u64> {
        self.changed.subscribe()
    }
}
