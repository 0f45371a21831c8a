//! `vmatrix-agent leave`.

use crate::agent::{Home, HomeError, Left, Told, leave};
use crate::net::Forwarding;
use clap::Args;
use std::path::Path;

#[derive(Debug, Args)]
pub(super) struct Leave {
    /// Clean up even if the server cannot be told.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    data: super::Data,
}

impl Leave {
    pub(super) async fn carry_out(self) -> anyhow::Result<()> {
        let dir = self.data.dir();
        let home = Home::find(&dir)?.ok_or_else(|| HomeError::NotJoined(dir.join("host.json")))?;
        let left = leave(&home, self.force).await?;
        for line in lines(&left, home.dir()) {
            println!("{line}");
        }
        Ok(())
    }
}

/// What was done, and only that. Pure.
fn lines(left: &Left, dir: &Path) -> Vec<String> {
    let (name, server) = (&left.joined.name, &left.joined.server);
    let mut lines = vec![match &left.told {
        Told::Yes => format!("{name} has left {server}."),
        Told::Unknown => format!("{server} does not know {name} any more."),
        Told::No(error) => format!(
            "{server} was not told: {error}. It takes {name} for a host that is gone, and keeps its name: an operator \
             removes it there, on the page Operations or by `vmatrix admin remove-host {name}`."
        ),
    }];
    lines.push(match left.vms {
        0 => "No VM was here.".to_owned(),
        1 => "1 VM was ended.".to_owned(),
        more => format!("{more} VMs were ended."),
    });
    match &left.networks {
        None => lines.push("No namespaces or firewall rules of this agent were here.".to_owned()),
        Some(removed) => {
            lines.push(format!(
                "Its firewall rules and namespaces ({} were here) are removed.",
                removed.namespaces
            ));
            lines.extend(forwarding(&removed.forwarding));
        }
    }
    lines.push(if left.others.is_empty() {
        format!("{} is removed.", dir.display())
    } else {
        let others: Vec<_> = left
            .others
            .iter()
            .map(|name| name.display().to_string())
            .collect();
        let (dir, others) = (dir.display(), others.join(", "));
        format!("What agents kept in {dir} is removed; it stays, as something else is in it: {others}.")
    });
    lines.push("If systemd starts the agent: systemctl disable vmatrix-agent".to_owned());
    lines
}

fn forwarding(now: &Forwarding) -> Option<String> {
    match now {
        Forwarding::NotOurs => None,
        Forwarding::Off => Some("net.ipv4.ip_forward, which this agent had set to 1, is 0 again.".to_owned()),
        Forwarding::Left { why, guard } => {
            let (also, drop) = match guard {
                Some(table) => (
                    format!(", and so does the table {table}, which drops all other forwarding"),
                    format!("; nft delete table ip {table}"),
                ),
                None => (String::new(), String::new()),
            };
            Some(format!(
                "net.ipv4.ip_forward, which this agent had set to 1, stays so{also}: {why}. When nobody needs it: \
                 sysctl net.ipv4.ip_forward=0{drop}"
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Joined;
    use crate::net::Removed;
    use vmatrix_wire::{HostId, Role, Secret};

    fn said(vms: usize, networks: Option<Forwarding>, others: &[&str]) -> String {
        let left = Left {
            joined: Joined {
                server: "https://play.example/".parse().unwrap(),
                insecure: false,
                host: HostId(uuid::Uuid::from_u128(1)),
                secret: Secret::new("hush"),
                name: "prague-1".into(),
                site: "Prague".into(),
                public_address: [192, 0, 2, 7].into(),
                ports: "27960-27999".parse().unwrap(),
                slots: 1,
                role: Role::Production,
            },
            told: Told::Yes,
            vms,
            networks: networks.map(|forwarding| Removed {
                namespaces: 1,
                forwarding,
            }),
            others: others.iter().map(Into::into).collect(),
        };
        lines(&left, Path::new("/data")).join("\n")
    }

    #[test]
    fn only_what_was_done_is_said() {
        let little = said(0, None, &[]);
        assert!(
            little.contains("prague-1 has left") && little.contains("No VM was here"),
            "{little}"
        );
        assert!(
            little.contains("No namespaces") && !little.contains("ip_forward"),
            "{little}"
        );
        assert!(little.contains("/data is removed."), "{little}");

        let much = said(2, Some(Forwarding::Off), &["mine", "yours"]);
        assert!(
            much.contains("2 VMs were ended") && much.contains("(1 were here)"),
            "{much}"
        );
        assert!(much.contains("is 0 again"), "{much}");
        assert!(
            much.contains("it stays, as something else is in it: mine, yours."),
            "{much}"
        );

        assert!(!said(0, Some(Forwarding::NotOurs), &[]).contains("ip_forward"));
        let left = |guard: Option<&str>| Forwarding::Left {
            why: "docker0 is here".into(),
            guard: guard.map(Into::into),
        };
        let guarded = said(0, Some(left(Some("t"))), &[]);
        assert!(
            guarded.contains("stays so, and so does the table t") && guarded.contains("docker0 is here"),
            "{guarded}"
        );
        assert!(
            guarded.contains("sysctl net.ipv4.ip_forward=0; nft delete table ip t"),
            "{guarded}"
        );
        assert!(!said(0, Some(left(None)), &[]).contains("table"));
    }
}
