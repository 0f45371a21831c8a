//! A whole vMatrix in a world: the server in the root namespace, the directory and an agent per host in theirs.

mod api;
mod game;
mod options;
mod patience;
mod people;
mod programs;
mod relay;

pub use api::{Api, Refused, number, text};
pub use game::Ready;
pub use options::Options;
pub use patience::{run, wait};
pub use people::{Account, Clan, Player};

use crate::{
    authority::Authority,
    name_servers,
    turn::Turn,
    up::{CONTROL, Running},
    world::World,
};
use anyhow::{Result, ensure};
use programs::program;
use serde_json::json;
use std::{
    collections::HashMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Mutex,
    time::Duration,
};
use vmatrix_wire::quake3;

/// Port of the website on the emulated internet.
pub(crate) const HTTPS: u16 = 443;

/// A fleet that is up. Dropping it removes everything.
pub struct Fleet {
    /// The API as the operator.
    pub operator: Api,
    /// The operator's name and password.
    pub account: Account,
    programs: Vec<(String, Child)>,
    /// How much of each match's story has been told.
    told: Mutex<HashMap<String, usize>>,
    _relay: relay::Relay,
    /// Vouches for the website on the emulated internet.
    pub authority: Authority,
    /// Goes after the programs in it.
    pub running: Running,
    options: Options,
    dir: tempfile::TempDir,
}

impl Fleet {
    /// Starts world, server, directory and agents, and fills the nest. `say` is told of the steps.
    pub async fn up(options: Options, say: &dyn Fn(&str)) -> Result<Self> {
        fs::create_dir_all(&options.logs)?;
        let world = World::load(&options.world)?;
        let running = Running::start_in(Turn::come(say).await?, world)?;
        let world = running.world();
        let cities: Vec<&str> = world.hosts.iter().map(|host| host.city.as_str()).collect();
        let (cities, players) = (cities.join(", "), world.players.len());
        say(&format!(
            "a world is up: hosts in {cities}, and {players} players"
        ));
        // Not in /tmp, which may be memory; and not below target/, as paths of unix sockets are short.
        let dir = tempfile::Builder::new()
            .prefix("vmatrix-world.")
            .tempdir_in("/var/tmp")?;
        let base = format!("http://127.0.0.1:{}", options.port);
        let operator = Api::new(&base, "")?;
        let relay = relay::Relay::start(options.port)?;
        let website = running.address(&running.world().website.name)?;
        let website6 = running.address6(&running.world().website.name)?;
        let addresses = [website.into(), website6.into()];
        let authority = Authority::make(&dir.path().join("authority"), &addresses)?;
        let account = Account {
            name: "olga".into(),
            password: String::new(),
        };
        let mut fleet = Self {
            operator,
            account,
            programs: Vec::new(),
            told: Mutex::default(),
            _relay: relay,
            authority,
            running,
            options,
            dir,
        };
        fleet.account = fleet.admin_user("olga", &["--role", "operator"])?;
        let token = fleet.admin(&["token", "olga"])?;
        fleet.operator = fleet.operator.as_user(&token);
        let zones = fleet.dir.path().join("zones");
        let named = name_servers::start(&fleet.running, &zones, &fleet.options.logs)?;
        fleet.programs.extend(named);
        fleet.start_server().await?;
        fleet.start_directory()?;
        fleet.enrol_all().await?;
        for host in fleet.hosts() {
            fleet.start_agent(&host)?;
        }
        say("server, directory and agents are up; filling the nest");
        for snapshot in fleet.options.snapshots.clone() {
            fleet.push(&snapshot, &token)?;
        }
        fleet.wait_for_hosts().await?;
        Ok(fleet)
    }

    /// Where players reach the website, with a certificate by [`Fleet::authority`].
    pub fn website(&self) -> Result<SocketAddr> {
        let name = &self.running.world().website.name;
        Ok(SocketAddr::from((self.running.address(name)?, HTTPS)))
    }

    /// The same by IPv6.
    pub fn website6(&self) -> Result<SocketAddr> {
        let name = &self.running.world().website.name;
        Ok(SocketAddr::from((self.running.address6(name)?, HTTPS)))
    }

    /// Where the server keeps its data.
    #[must_use]
    pub fn server_data(&self) -> PathBuf {
        self.dir.path().join("server")
    }

    /// Where pictures of pages go.
    #[must_use]
    pub fn pictures(&self) -> PathBuf {
        self.options.logs.with_file_name("pictures")
    }

    /// Where a host's agent keeps its data.
    #[must_use]
    pub fn agent_data(&self, host: &str) -> PathBuf {
        self.dir.path().join(host)
    }

    /// Names of all hosts.
    #[must_use]
    pub fn hosts(&self) -> Vec<String> {
        self.running
            .world()
            .hosts
            .iter()
            .map(|host| host.name.clone())
            .collect()
    }

    /// The directory that matches are registered with.
    pub fn master(&self) -> Result<SocketAddr> {
        let name = &self.running.world().directory.name;
        Ok(SocketAddr::from((
            self.running.address(name)?,
            quake3::MASTER_PORT,
        )))
    }

    /// Makes an organiser and gives the API as they use it, with their account.
    pub fn organiser(&self, name: &str) -> Result<(Api, Account)> {
        let account = self.admin_user(name, &["--role", "organiser"])?;
        Ok((self.operator.as_user(&self.admin(&["token", name])?), account))
    }

    /// All hosts join at once, each with a token of its own.
    async fn enrol_all(&mut self) -> Result<()> {
        let mut joining = Vec::new();
        for host in self.running.world().hosts.clone() {
            let token = self.operator.post("/join-tokens", json!({})).await?;
            let mut command = Command::new(program("vmatrix-agent")?);
            command.args([
                "join",
                "--server",
                &format!("http://{CONTROL}:{}", self.options.port),
                "--insecure",
            ]);
            command.args([
                "--token",
                text(&token, "/token")?,
                "--name",
                &host.name,
                "--site",
                &host.site,
            ]);
            command.args(["--public-address", &self.running.address(&host.name)?.to_string()]);
            command
                .args(["--ports", "27960-27999", "--data"])
                .arg(self.agent_data(&host.name));
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::piped());
            joining.push((self.running.spawn_in(&host.name, &mut command)?, host.name));
        }
        for (child, name) in joining {
            let output = child.wait_with_output()?;
            let complaint = String::from_utf8_lossy(&output.stderr);
            ensure!(output.status.success(), "host {name} could not join: {complaint}");
        }
        Ok(())
    }

    fn push(&self, snapshot: &Path, token: &str) -> Result<()> {
        let mut command = Command::new(program("vmatrix-agent")?);
        command
            .args(["image", "push"])
            .arg(snapshot)
            .args(["--server", self.operator.base()]);
        run(command.args(["--token", token])).map(drop)
    }

    /// Until every host reports, and its public address has been seen from outside.
    async fn wait_for_hosts(&self) -> Result<()> {
        let expected = self.hosts().len();
        wait(Duration::from_secs(60), "all hosts are ready", async || {
            let seen = self.operator.get("/hosts").await?;
            let hosts = seen.as_array().map_or(&[][..], Vec::as_slice);
            let ready = hosts
                .iter()
                .filter(|host| host["up"] == true && !host["reached_at"].is_null())
                .count();
            Ok(if ready == expected { Ok(()) } else { Err(seen) })
        })
        .await
    }

    /// Makes a user by the server's own command and gives their name and password.
    pub fn admin_user(&self, name: &str, more: &[&str]) -> Result<Account> {
        let mut args = vec!["user", name];
        args.extend(more);
        Ok(Account {
            name: name.to_owned(),
            password: self.admin(&args)?,
        })
    }

    /// Runs `vmatrix admin` and gives the secret that it prints.
    pub fn admin(&self, args: &[&str]) -> Result<String> {
        let mut command = self.vmatrix(&[&["admin"], args].concat())?;
        Ok(run(&mut command)?.trim().to_owned())
    }
}
