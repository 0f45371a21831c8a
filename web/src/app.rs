//! What every part of the server shares.

use crate::{domain::Time, limits::Limits, nest::Nest, resolve::Resolver, secrets::Passwords, store::Db};
use std::{net::SocketAddr, path::PathBuf, sync::Arc};
use tokio::sync::{Notify, watch};
use uuid::Uuid;

/// The server's state; cheap to clone. `axum` state is this.
#[derive(Clone)]
pub struct App {
    /// Where everything is written down.
    pub db: Db,
    /// What time it is.
    pub clock: Clock,
    /// What the operator decided at start.
    pub settings: Arc<Settings>,
    /// Names to addresses.
    pub resolver: Resolver,
    /// The chunks of snapshots.
    pub nest: Nest,
    /// Hashes and checks passwords, few at a time.
    pub passwords: Passwords,
    /// Bumped after every commit that people can see: pages subscribe.
    pub changes: Feed,
    /// Bumped after orders were written: agents' long polls subscribe, then read their generation again.
    pub orders: Feed,
    /// Wakes the Oracle before its timer does.
    pub nudge: Arc<Notify>,
    /// How the Oracle is doing.
    pub oracle: OracleHealth,
    /// What is counted against what anybody may ask for.
    pub limits: Limits,
}

/// What the operator decided at start, as far as actions and the Oracle need it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where files are kept: the nest, and by default the database.
    pub data: PathBuf,
    /// What people reach the website by: the start of every link that is handed out. Without a slash at its end.
    pub public_url: String,
    /// Master servers that games register with.
    pub masters: Vec<SocketAddr>,
    /// Whether players may have private addresses: for leagues on a LAN, and for tests.
    pub allow_private_addresses: bool,
    /// Whether hosts ping addresses that a captain has typed although nobody there has agreed: for leagues in which captains'
    /// word is enough.
    pub trust_captains: bool,
    /// How long before a match its players are measured again, milliseconds.
    pub recheck_ms: i64,
    /// How long before its start a match's VM is woken, milliseconds.
    pub wake_ms: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data: PathBuf::from("data"),
            public_url: "http://127.0.0.1:8080".into(),
            masters: Vec::new(),
            allow_private_addresses: false,
            trust_captains: false,
            recheck_ms: 15 * 60_000,
            wake_ms: 2 * 60_000,
        }
    }
}

impl App {
    /// An app with the system's clock.
    #[must_use]
    pub fn new(db: Db, settings: Settings, resolver: Resolver) -> Self {
        Self {
            db,
            clock: Clock::system(),
            nest: Nest::below(&settings.data),
            passwords: Passwords::default(),
            settings: Arc::new(settings),
            resolver,
            changes: Feed::default(),
            orders: Feed::default(),
            nudge: Arc::new(Notify::new()),
            oracle: OracleHealth::default(),
            limits: Limits::default(),
        }
    }

    /// The same with another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// A new id, for any noun's newtype.
    #[must_use]
    pub fn new_id(&self) -> Uuid {
        Uuid::now_v7()
    }

    /// After a commit that changed what people see: tells the pages, and wakes the Oracle.
    pub fn changed(&self) {
        self.changes.bump();
        self.nudge.notify_one();
    }
}

/// Tells the time. A function, so that a test can hold the hand of the clock.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Time + Send + Sync>);

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self::new(|| Time::from_millis(jiff::Timestamp::now().as_millisecond()))
    }

    /// Any other.
    pub fn new(now: impl Fn() -> Time + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Time {
        (self.0)()
    }
}

/// Says "look again" to any number of listeners; says it once to a slow one.
#[derive(Clone)]
pub struct Feed(Arc<watch::Sender<u64>>);

impl Default for Feed {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl Feed {
    /// Says it.
    pub fn bump(&self) {
        self.0.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Hears it: subscribe first, then read, then wait with `changed().await`.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }

    /// How many hear it at this moment.
    #[must_use]
    pub fn listeners(&self) -> usize {
        self.0.receiver_count()
    }
}

/// How the Oracle is doing: last run, last error, and its off switch.
#[derive(Clone, Default)]
pub struct OracleHealth(Arc<std::sync::Mutex<OracleStatus>>);

/// See [`OracleHealth`].
#[derive(Debug, Clone, Default)]
pub struct OracleStatus {
    /// Whether an operator has switched it off.
    pub off: bool,
    /// When it last ran to its end.
    pub ran_at: Option<Time>,
    /// How long that took, milliseconds.
    pub took_ms: f64,
    /// What went wrong last, and when; cleared by the next good run of the same part.
    pub errors: std::collections::BTreeMap<&'static str, (Time, String)>,
}

impl OracleHealth {
    /// A copy of the present status.
    #[must_use]
    pub fn status(&self) -> OracleStatus {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }

    /// Changes the status.
    pub fn update(&self, change: impl FnOnce(&mut OracleStatus)) {
        change(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}
