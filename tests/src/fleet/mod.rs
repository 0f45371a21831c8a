//! A whole vMatrix in a world: the server in the root namespace, the directory and an agent per host in theirs.

mod api;
mod people;
mod relay;

pub use api::{Api, Refused, number, text};
pub use people::{Account, Clan, Player};

use crate::{
    up::{CONTROL, Running},
    world::World,
};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::{
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use vmatrix_wire::quake3;

/// What a fleet is made of.
#[derive(Debug, Clone)]
pub struct Options {
    /// A file of `tests/worlds`.
    pub world: PathBuf,
    /// Port of the website, on loopback and on the management network.
    pub port: u16,
    /// Snapshots that go into the nest.
    pub snapshots: Vec<PathBuf>,
    /// URL of a PostgreSQL database instead of SQLite.
    pub database: Option<String>,
    /// More arguments for `vmatrix serve`.
    pub serve: Vec<String>,
    /// Words before `vmatrix-agent run`, such as `faketime`.
    pub agent: Vec<String>,
    /// Where the output of all programs goes.
    pub logs: PathBuf,
}

impl Options {
    /// For a test of the project: with the snapshots that `./run test` has made. Without them, or without root, it
    /// says that the test is skipped.
    #[must_use]
    pub fn for_test(name: &str) -> Option<Self> {
        let snapshots = std::env::var_os("VMATRIX_SNAPSHOTS").map(PathBuf::from);
        let (Some(snapshots), true) = (snapshots, nix::unistd::geteuid().is_root()) else {
            eprintln!("skipped {name}: it needs root and real snapshots: ./run test");
            return None;
        };
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        Some(Self {
            world: project.join("worlds/atlantic.toml"),
            port: 8093,
            snapshots: vec![snapshots.join("openarena")],
            database: None,
            serve: Vec::new(),
            agent: Vec::new(),
            logs: project.join("../target/test-logs").join(name),
        })
    }
}

/// A fleet that is up. Dropping it removes everything.
pub struct Fleet {
    /// The API as the operator.
    pub operator: Api,
    /// The operator's name and password.
    pub account: Account,
    programs: Vec<(String, Child)>,
    _relay: relay::Relay,
    /// Goes after the programs in it.
    pub running: Running,
    options: Options,
    dir: tempfile::TempDir,
}

/// Set for all that a world starts, so that `clean.sh` finds what is left of it: guests outlive their agents by design.
const MARK: (&str, &str) = ("VMATRIX_IN_WORLD", "1");

impl Fleet {
    /// Starts world, server, directory and agents, and fills the nest. `say` is told of the steps.
    pub async fn up(options: Options, say: &dyn Fn(&str)) -> Result<Self> {
        fs::create_dir_all(&options.logs)?;
        let running = Running::start(World::load(&options.world)?)?;
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
        let relay = relay::Relay::start(options.port).await?;
        let account = Account {
            name: "olga".into(),
            password: String::new(),
        };
        let mut fleet = Self {
            operator,
            account,
            programs: Vec::new(),
            _relay: relay,
            running,
            options,
            dir,
        };
        fleet.account = fleet.admin_user("olga", &["--role", "operator"])?;
        let token = fleet.admin(&["token", "olga"])?;
        fleet.operator = fleet.operator.as_user(&token);
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

    /// Where the server keeps its data.
    #[must_use]
    pub fn server_data(&self) -> PathBuf {
        self.dir.path().join("server")
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

    /// Starts the server, which must not run, and waits until it is ready.
    pub async fn start_server(&mut self) -> Result<()> {
        let mut command = self.vmatrix(&["serve"])?;
        let port = self.options.port;
        command.args([
            "--listen",
            &format!("{CONTROL}:{port}"),
            "--public-url",
            self.operator.base(),
        ]);
        command.args([
            "--masters",
            &self.master()?.to_string(),
            "--allow-private-addresses",
        ]);
        command.args(&self.options.serve);
        self.log_to(&mut command, "server")?;
        self.programs
            .push(("server".into(), command.spawn().context("starting the server")?));
        self.operator.wait_until_ready(Duration::from_secs(30)).await
    }

    /// Starts a host's agent, which must not run.
    pub fn start_agent(&mut self, host: &str) -> Result<()> {
        let mut words = self
            .options
            .agent
            .iter()
            .map(PathBuf::from)
            .chain([program("vmatrix-agent")?]);
        let mut command = Command::new(words.next().context("no program")?);
        command
            .args(words)
            .arg("run")
            .arg("--data")
            .arg(self.agent_data(host));
        self.log_to(&mut command, host)?;
        let child = self.running.spawn_in(host, &mut command)?;
        self.programs.push((host.to_owned(), child));
        Ok(())
    }

    /// Kills the server (`server`) or a host's agent by SIGKILL.
    pub fn kill(&mut self, name: &str) -> Result<()> {
        let at = self.programs.iter().position(|(own, _)| own == name);
        let (_, mut child) = self
            .programs
            .swap_remove(at.with_context(|| format!("no program {name} runs"))?);
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Process ids of all guests, those of killed agents too.
    pub fn guests(&self) -> Result<Vec<u32>> {
        let dir = self.dir.path().to_string_lossy();
        let mut guests = Vec::new();
        for entry in fs::read_dir("/proc")?.flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            // A process may end while we look.
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line);
            if line
                .split('\0')
                .next()
                .is_some_and(|name| name.contains("qemu-system"))
                && line.contains(&*dir)
            {
                guests.push(pid);
            }
        }
        Ok(guests)
    }

    /// Makes an organiser and gives the API as they use it, with their account.
    pub fn organiser(&self, name: &str) -> Result<(Api, Account)> {
        let account = self.admin_user(name, &["--role", "organiser"])?;
        Ok((self.operator.as_user(&self.admin(&["token", name])?), account))
    }

    fn start_directory(&mut self) -> Result<()> {
        let name = self.running.world().directory.name.clone();
        let mut command = Command::new(program("vmatrix-agent")?);
        command.args(["directory", "--listen", &self.master()?.to_string()]);
        self.log_to(&mut command, &name)?;
        let child = self.running.spawn_in(&name, &mut command)?;
        self.programs.push((name, child));
        Ok(())
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

    fn vmatrix(&self, words: &[&str]) -> Result<Command> {
        let mut command = Command::new(program("vmatrix")?);
        command
            .env(MARK.0, MARK.1)
            .args(words)
            .arg("--data")
            .arg(self.server_data());
        if let Some(database) = &self.options.database {
            command.args(["--database", database]);
        }
        Ok(command)
    }

    fn log_to(&self, command: &mut Command, name: &str) -> Result<()> {
        let path = self.options.logs.join(format!("{name}.log"));
        let log = File::options()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(|| path.display().to_string())?;
        command
            .env(MARK.0, MARK.1)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        Ok(())
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for (_, child) in &mut self.programs {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A program of this workspace: beside the running one, or beside the folder of the running test.
fn program(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folders = own.ancestors().skip(1).take(2);
    let found = folders
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    found.with_context(|| format!("{name} is not built: cargo build --workspace --bins"))
}

/// Asks again and again until the answer is `Ok(Ok(value))`; says what was last seen if it takes too long.
pub async fn wait<T>(
    limit: Duration,
    what: &str,
    mut ask: impl AsyncFnMut() -> Result<Result<T, Value>>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        match ask().await? {
            Ok(value) => return Ok(value),
            Err(seen) if start.elapsed() > limit => {
                bail!(
                    "waited {} s in vain until {what}; last seen: {seen}",
                    limit.as_secs()
                )
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

/// Runs a program to its end and gives what it printed.
pub fn run(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{:?}", command.get_program()))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{:?} failed: {complaint}",
        command.get_program()
    );
    Ok(String::from_utf8(output.stdout)?)
}
