//! `vmatrix-agent image`.

use crate::images::build::{Built, build};
use crate::images::freeze::freeze;
use crate::images::push::push;
use clap::{Args, Subcommand};
use std::path::PathBuf;
use url::Url;
use vmatrix_wire::Secret;

#[derive(Debug, Subcommand)]
pub(super) enum Image {
    /// Make an image of a recipe. Needs root. An image of the same recipe is left as it is.
    Build(Build),
    /// Boot an image once, wait until it answers, and freeze it.
    Snapshot(Snapshot),
    /// Bring a snapshot into the server's nest; what is there already is not sent again.
    Push(Push),
}

#[derive(Debug, Args)]
pub(super) struct Build {
    /// Directory with recipe.toml and contract.toml.
    recipe: PathBuf,
    /// Where to put the image.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Snapshot {
    /// Directory that `image build` made.
    image: PathBuf,
    /// Where to put the snapshot.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Push {
    /// Directory that `image snapshot` made.
    snapshot: PathBuf,
    /// The server.
    #[arg(long, value_name = "URL", value_parser = super::given::server)]
    server: Url,
    /// An operator's API token.
    #[arg(long, value_name = "T", env = "VMATRIX_TOKEN", hide_env_values = true, value_parser = super::join::secret)]
    token: Secret,
    /// Allow plain HTTP to another machine.
    #[arg(long)]
    insecure: bool,
}

impl Image {
    pub(super) async fn carry_out(self) -> anyhow::Result<()> {
        let say = |text: &str| eprintln!("{text}");
        match self {
            Self::Build(Build { recipe, out }) => match build(&recipe, &out, &say).await? {
                Built::Already => println!("{} is up to date", out.display()),
                Built::Now => println!("{} is made", out.display()),
            },
            Self::Snapshot(Snapshot { image, out }) => println!("{}", freeze(&image, &out, &say).await?),
            Self::Push(Push {
                snapshot,
                server,
                token,
                insecure,
            }) => println!("{}", push(&snapshot, &server, insecure, token, &say).await?),
        }
        Ok(())
    }
}
