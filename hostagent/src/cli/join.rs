//! `vmatrix-agent join`.

use crate::agent::{Home, JoinRequest, check_public_address, join};
use anyhow::Context;
use clap::{Args, ValueEnum};
use std::net::IpAddr;
use url::Url;
use vmatrix_wire::{PortRange, Role, Secret};

#[derive(Debug, Args)]
pub(super) struct Join {
    /// The server: https://…, or http:// on this machine.
    #[arg(long, value_name = "URL", value_parser = super::given::server)]
    server: Url,
    /// The join token that an operator of the server made.
    #[arg(long, value_name = "T", env = "VMATRIX_TOKEN", hide_env_values = true, value_parser = secret)]
    token: Secret,
    /// Where the host is: its data centre or city.
    #[arg(long, value_name = "NAME")]
    site: String,
    /// The address that players reach the host by; it need not be one of its interfaces' (1:1 NAT).
    #[arg(long, value_name = "ADDR", value_parser = super::given::ip)]
    public_address: IpAddr,
    /// The ports of that address that VMs may use.
    #[arg(long, value_name = "FIRST-LAST")]
    ports: PortRange,
    /// The host's name; the machine's own if it is not given.
    #[arg(long)]
    name: Option<String>,
    /// How many VMs may run at once.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    slots: u16,
    /// Whom its VMs serve.
    #[arg(long, value_enum, default_value_t = RoleWord::Production)]
    role: RoleWord,
    /// Allow plain HTTP to another machine: whoever is on the way can take over the host. Also allows a public address that is
    /// this machine's loopback.
    #[arg(long)]
    insecure: bool,
    #[command(flatten)]
    data: super::Data,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RoleWord {
    /// Users.
    Production,
    /// Their maintainers.
    Loading,
}

// Never fails: clap wants a Result.
#[allow(clippy::unnecessary_wraps, reason = "the signature is clap's")]
pub(super) fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text))
}

impl Join {
    pub(super) async fn carry_out(self) -> anyhow::Result<()> {
        if check_public_address(self.public_address, &self.server, self.insecure)? {
            eprintln!(
                "Take care: only programs on this machine reach {}; that is good for a trial.",
                self.public_address
            );
        }
        let home = Home::open(&self.data.dir())?;
        let name = match self.name {
            Some(name) => name,
            None => host_name()?,
        };
        let request = JoinRequest {
            server: self.server.clone(),
            insecure: self.insecure,
            token: self.token,
            name: name.clone(),
            site: self.site,
            public_address: self.public_address,
            ports: self.ports,
            slots: self.slots,
            role: match self.role {
                RoleWord::Production => Role::Production,
                RoleWord::Loading => Role::Loading,
            },
        };
        let host = join(&home, request)
            .await
            .with_context(|| format!("joining {}", self.server))?;
        println!("{name} has joined {} as host {host}.", self.server);
        println!("Start it:      vmatrix-agent run --data {}", home.dir().display());
        println!("or by systemd: hostagent/vmatrix-agent.service of the sources");
        println!(
            "To undo it:    vmatrix-agent leave --data {}",
            home.dir().display()
        );
        Ok(())
    }
}

/// The machine's name as a host name: what is not possible in one becomes a hyphen.
fn host_name() -> anyhow::Result<String> {
    let text =
        std::fs::read_to_string("/proc/sys/kernel/hostname").context("the machine's name; give --name")?;
    let name = as_host_name(&text);
    anyhow::ensure!(!name.is_empty(), "the machine has no usable name: give --name");
    Ok(name)
}

fn as_host_name(text: &str) -> String {
    let first = text
        .trim()
        .split('.')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let name: String = first
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(63)
        .collect();
    name.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_name_becomes_a_host_name() {
        assert_eq!(as_host_name("Prague_1.example.org\n"), "prague-1");
        assert_eq!(as_host_name("--"), "");
    }
}
