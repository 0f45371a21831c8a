//! `vmatrix-agent leave`.

use crate::agent::{Home, HomeError, Told, leave};
use clap::Args;

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
        let (joined, told) = leave(&home, self.force).await?;
        let (name, server) = (&joined.name, &joined.server);
        match told {
            Told::Yes => println!("{name} has left {server}."),
            Told::Unknown => println!("{server} does not know {name} any more."),
            Told::No(error) => println!(
                "{server} was not told: {error}. It takes {name} for a host that is gone; what it holds there is freed when that is over."
            ),
        }
        println!(
            "Its VMs, their networks and rules, and {} are removed.",
            home.dir().display()
        );
        println!("If systemd starts the agent: systemctl disable vmatrix-agent");
        Ok(())
    }
}
