//! Talks to a guest from the inside: waits for its first answer, configures a game by rcon, sees a frame pass, registers,
//! says farewell.
//!
//! A game of this family answers a source address ten times in a burst and then once a second, and all addresses
//! together ten times a second. So questions are few, and rcon comes from an address of its own.

use crate::net::SlotNet;
use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use tokio::{
    net::UdpSocket,
    time::{Instant, sleep, timeout},
};
use vmatrix_wire::{
    Game, MatchSettings, Secret,
    quake3::{Info, Packet, Status, cvar_in},
};

/// An answer that has not come by then is lost.
const PATIENCE: Duration = Duration::from_millis(700);
/// How long a game may take to load its map and go on.
const CONFIGURE_LIMIT: Duration = Duration::from_secs(30);
/// How long a guest may take to answer after it runs.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(60);
/// Questions in the first burst after `cont`, and the pause between them; then slower.
const BURST: u32 = 7;
const BURST_PAUSE: Duration = Duration::from_millis(40);
const SLOW_PAUSE: Duration = Duration::from_millis(1_100);

/// Why a guest is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GameError {
    /// It does not answer.
    #[error("no answer within {within:?} {when}")]
    Silent {
        /// After what.
        when: &'static str,
        /// How long was waited.
        within: Duration,
    },
    /// It takes neither the frozen rcon password nor the match's.
    #[error("the game takes no rcon password that we know")]
    Rcon,
    /// It answers, but its frames have stopped: nobody could play.
    #[error(
        "the game answers but its frames do not pass: its clock may have been stepped, or its snapshot is too old"
    )]
    Stalled,
    /// A setting that would be read as something else by the game's console.
    #[error("setting {field} cannot be given to the game")]
    Unsafe {
        /// Which.
        field: &'static str,
    },
    /// A socket could not be made.
    #[error("no socket towards the guest: {0}")]
    Socket(String),
}

/// Where a guest's game is reached from the inside.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inside {
    to: SocketAddr,
    poll_from: IpAddr,
    rcon_from: IpAddr,
}

impl Inside {
    pub(super) fn of(slot: &SlotNet) -> Self {
        Self {
            to: slot.inside(),
            poll_from: slot.poll_from(),
            rcon_from: slot.rcon_from(),
        }
    }

    #[cfg(test)]
    pub(super) fn at(to: SocketAddr, from: IpAddr) -> Self {
        Self {
            to,
            poll_from: from,
            rcon_from: from,
        }
    }

    /// A question on its way before the guest runs waits in its network card, and is answered first of all.
    pub(super) async fn ask_ahead(&self) -> Result<Question, GameError> {
        let socket = connected(self.poll_from, self.to).await?;
        let challenge = format!("{:08x}", rand::random::<u32>());
        let question = Question { socket, challenge };
        question.send().await;
        Ok(question)
    }

    /// One `getinfo`. `None` if no answer came.
    pub(super) async fn info(&self) -> Option<Info> {
        let question = self.ask_ahead().await.ok()?;
        timeout(PATIENCE, question.answer()).await.ok()
    }

    /// One `getstatus`. `None` if no answer came.
    pub(super) async fn status(&self) -> Option<Status> {
        let socket = connected(self.poll_from, self.to).await.ok()?;
        let challenge = format!("{:08x}", rand::random::<u32>());
        let question = Packet::GetStatus {
            challenge: challenge.clone(),
        };
        socket.send(&question.encode()).await.ok()?;
        let answer = async {
            loop {
                match receive(&socket).await {
                    Some(Packet::Status(status)) if status.vars.get("challenge") == Some(&challenge) => {
                        return status;
                    }
                    Some(_) => {}
                    None => sleep(Duration::from_millis(5)).await,
                }
            }
        };
        timeout(PATIENCE, answer).await.ok()
    }

    /// Sends one console command and gives what the console printed.
    async fn rcon(&self, password: &Secret, command: &str) -> Result<Option<String>, GameError> {
        let socket = connected(self.rcon_from, self.to).await?;
        let packet = Packet::Rcon {
            password: password.clone(),
            command: command.to_owned(),
        }
        .encode();
        // A lost packet shows as silence below.
        let _ = socket.send(&packet).await;
        let printed = async {
            loop {
                if let Some(Packet::Print(text)) = receive(&socket).await {
                    return text;
                }
            }
        };
        Ok(timeout(PATIENCE, printed).await.ok())
    }

    /// Makes the game what the booking says: passwords, name and map, and sees that its frames go on. Done again, it is the
    /// same as once: a command whose answer was lost may have been obeyed.
    pub(super) async fn configure(&self, game: &Game, settings: &MatchSettings) -> Result<Info, GameError> {
        check(settings)?;
        let deadline = Instant::now() + CONFIGURE_LIMIT;
        let frame = format!("{:08x}", rand::random::<u32>());
        self.script(&game.boot_rcon, settings, &script(settings, &frame), deadline)
            .await?;
        let mut frames_pass = false;
        let mut pause = Duration::from_millis(100);
        loop {
            // The map takes its time, and each question that comes too early is one fewer to ask later.
            sleep(pause).await;
            pause = (pause * 2).min(SLOW_PAUSE);
            if !frames_pass {
                let printed = self.rcon(&settings.rcon, "vmx_frame").await?;
                frames_pass = printed.is_some_and(|text| cvar_in(&text, "vmx_frame") == Some(frame.as_str()));
            }
            let plays = |info: &Info| is_as_ordered(info, settings) && info.mapname == settings.map;
            if frames_pass && let Some(info) = self.info().await.filter(plays) {
                return Ok(info);
            }
            if Instant::now() > deadline {
                let within = CONFIGURE_LIMIT;
                return Err(match frames_pass {
                    false => GameError::Stalled,
                    true => GameError::Silent {
                        when: "after the map was ordered",
                        within,
                    },
                });
            }
        }
    }

    /// Two packets: one that writes the script into a variable, one that runs it.
    async fn script(
        &self,
        boot: &Secret,
        settings: &MatchSettings,
        script: &str,
        deadline: Instant,
    ) -> Result<(), GameError> {
        let mut passwords = [boot, &settings.rcon].into_iter().cycle();
        let mut password = boot;
        let mut refused = 0;
        while Instant::now() < deadline {
            match self
                .rcon(password, &format!("set vmx_script \"{script}\""))
                .await?
            {
                Some(text) if text.contains("Bad rconpassword") => {
                    refused += 1;
                    if refused > 4 {
                        return Err(GameError::Rcon);
                    }
                    password = passwords
                        .by_ref()
                        .find(|other| *other != password)
                        .unwrap_or(boot);
                    sleep(SLOW_PAUSE).await;
                }
                Some(_) => {
                    // If this answer is lost the script may have run all the same: what it did is looked at next.
                    self.rcon(password, "vstr vmx_script").await?;
                    return Ok(());
                }
                None => sleep(Duration::from_millis(200)).await,
            }
        }
        Err(GameError::Silent {
            when: "to rcon",
            within: CONFIGURE_LIMIT,
        })
    }

    /// Has the game itself tell its masters that it is there: from its own socket, as they list what a heartbeat comes from.
    pub(super) async fn register(&self, settings: &MatchSettings) -> Result<(), GameError> {
        if settings.masters.is_empty() {
            return Ok(());
        }
        let names = settings.masters.iter().take(5).enumerate();
        let set: String = names
            .map(|(at, master)| format!("set sv_master{} {master};", at + 1))
            .collect();
        self.rcon(&settings.rcon, &format!("set vmx_script \"{set}heartbeat\""))
            .await?;
        self.rcon(&settings.rcon, "vstr vmx_script").await?;
        Ok(())
    }

    /// Has the game send another heartbeat.
    pub(super) async fn heartbeat(&self, settings: &MatchSettings) {
        if !settings.masters.is_empty() {
            let _ = self.rcon(&settings.rcon, "heartbeat").await;
        }
    }

    /// Tells the players why they are thrown out.
    pub(super) async fn farewell(&self, settings: &MatchSettings) {
        let _ = self
            .rcon(&settings.rcon, &format!("say {}", settings.farewell))
            .await;
    }
}

/// A question that waits for its answer.
pub(super) struct Question {
    socket: UdpSocket,
    challenge: String,
}

impl Question {
    async fn send(&self) {
        let packet = Packet::GetInfo {
            challenge: self.challenge.clone(),
        }
        .encode();
        let _ = self.socket.send(&packet).await;
    }

    /// The answer; asks again, in a short burst and then as often as the game answers.
    pub(super) async fn answer_soon(self) -> Result<Info, GameError> {
        let deadline = Instant::now() + ANSWER_LIMIT;
        for asked in 0.. {
            let pause = if asked < BURST { BURST_PAUSE } else { SLOW_PAUSE };
            if let Ok(info) = timeout(pause, self.answer()).await {
                return Ok(info);
            }
            if Instant::now() > deadline {
                break;
            }
            self.send().await;
        }
        Err(GameError::Silent {
            when: "after the resume",
            within: ANSWER_LIMIT,
        })
    }

    async fn answer(&self) -> Info {
        loop {
            match receive(&self.socket).await {
                Some(Packet::Info(info)) if info.challenge == self.challenge => return info,
                Some(_) => {}
                // The way is not there yet, or nothing listens behind it: not at once again.
                None => sleep(Duration::from_millis(5)).await,
            }
        }
    }
}

/// Whether a game shows the settings of its match. A game that was restarted inside its guest does not. Its map is the players'
/// own affair once they play.
pub(super) fn is_as_ordered(info: &Info, settings: &MatchSettings) -> bool {
    info.needs_password && info.hostname == settings.server_name
}

fn script(settings: &MatchSettings, frame: &str) -> String {
    let MatchSettings {
        server_name,
        password,
        rcon,
        map,
        ..
    } = settings;
    // The map comes last of the settings: it starts the match with them. Two frames later the mark is set: a game whose frames
    // have stopped still obeys rcon and answers queries, but never gets there.
    format!(
        "set rconPassword {};set g_password {};set sv_hostname {server_name};map {map};wait 2;set vmx_frame {frame}",
        rcon.reveal(),
        password.reveal(),
    )
}

fn check(settings: &MatchSettings) -> Result<(), GameError> {
    let word = |text: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
    };
    let line = |text: &str| vmatrix_wire::quake3::rcon_safe(text).is_ok();
    for (field, fine) in [
        ("rcon", word(settings.rcon.reveal())),
        ("password", word(settings.password.reveal())),
        ("map", word(&settings.map)),
        ("server_name", line(&settings.server_name)),
        ("farewell", line(&settings.farewell)),
    ] {
        if !fine {
            return Err(GameError::Unsafe { field });
        }
    }
    Ok(())
}

async fn connected(from: IpAddr, to: SocketAddr) -> Result<UdpSocket, GameError> {
    let socket = async {
        let socket = UdpSocket::bind((from, 0)).await?;
        socket.connect(to).await?;
        Ok::<_, std::io::Error>(socket)
    };
    socket.await.map_err(|error| GameError::Socket(error.to_string()))
}

async fn receive(socket: &UdpSocket) -> Option<Packet> {
    let mut buffer = vec![0; vmatrix_wire::quake3::MAX_PACKET];
    let length = socket.recv(&mut buffer).await.ok()?;
    Packet::parse(&buffer[..length]).ok()
}
