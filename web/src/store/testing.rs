//! Databases for tests: SQLite always, PostgreSQL if `VMATRIX_TEST_POSTGRES` names a server.

use super::Db;
use sqlx::{AssertSqlSafe, Connection};

/// An empty database, migrated. Gone when dropped (a PostgreSQL one goes with its cluster).
pub(crate) struct Base {
    pub(crate) db: Db,
    pub(crate) url: String,
    _dir: Option<tempfile::TempDir>,
}

/// A database without any table. Gone when dropped, as [`Base`].
pub(crate) struct Bare {
    pub(crate) url: String,
    dir: Option<tempfile::TempDir>,
}

impl Bare {
    async fn open(self) -> Base {
        Base {
            db: Db::open(&self.url).await.unwrap(),
            url: self.url,
            _dir: self.dir,
        }
    }
}

fn bare_sqlite() -> Bare {
    let dir = tempfile::tempdir().unwrap();
    Bare {
        url: format!("sqlite:{}", dir.path().join("test.db").display()),
        dir: Some(dir),
    }
}

/// An empty SQLite database in a file of its own.
pub(crate) async fn sqlite() -> Base {
    bare_sqlite().open().await
}

/// An empty PostgreSQL database of its own, if there is a server.
pub(crate) async fn postgres() -> Option<Base> {
    match bare_postgres().await {
        Some(bare) => Some(bare.open().await),
        None => None,
    }
}

async fn bare_postgres() -> Option<Bare> {
    let Ok(server) = std::env::var("VMATRIX_TEST_POSTGRES") else {
        eprintln!("skipped on PostgreSQL: VMATRIX_TEST_POSTGRES is not set (./run test sets it)");
        return None;
    };
    let name = format!("vmx_{}", uuid::Uuid::now_v7().simple());
    let mut admin = sqlx::PgConnection::connect(&server).await.unwrap();
    sqlx::query(AssertSqlSafe(format!("create database {name}")))
        .execute(&mut admin)
        .await
        .unwrap();
    admin.close().await.unwrap();
    let mut url = url::Url::parse(&server).unwrap();
    url.set_path(&name);
    Some(Bare {
        url: url.into(),
        dir: None,
    })
}

/// Both, without any table.
pub(crate) async fn bare_databases() -> Vec<Bare> {
    let mut all = vec![bare_sqlite()];
    all.extend(bare_postgres().await);
    all
}

/// Both.
pub(crate) async fn databases() -> Vec<Base> {
    let mut all = vec![sqlite().await];
    all.extend(postgres().await);
    all
}

/// Takes a host as seen from outside, where no other is there to see it.
pub(crate) async fn reached(db: &Db, host: crate::domain::HostId) {
    let mut tx = db.begin().await.unwrap();
    super::hosts::set_reached(
        &mut tx,
        host,
        crate::domain::Onlooker::Server,
        crate::domain::Time::from_millis(1),
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
}

/// Makes a match unreadable, as another version or a bad disk would.
pub(crate) async fn spoil_match(db: &Db, id: crate::domain::MatchId) {
    let mut tx = db.begin().await.unwrap();
    let text = "update matches set detail = '{}' where id = $1";
    sql!(&mut tx, execute text, id.to_string()).unwrap();
    tx.commit().await.unwrap();
}

/// Makes all VMs of a match unreadable.
pub(crate) async fn spoil_vms(db: &Db, of: crate::domain::MatchId) {
    let mut tx = db.begin().await.unwrap();
    let text = "update vms set goal = 'x' where match_id = $1";
    sql!(&mut tx, execute text, of.to_string()).unwrap();
    tx.commit().await.unwrap();
}

/// Makes all rounds of a match unreadable.
pub(crate) async fn spoil_rounds(db: &Db, of: crate::domain::MatchId) {
    let mut tx = db.begin().await.unwrap();
    let text = "update rounds set reason = 'x' where match_id = $1";
    sql!(&mut tx, execute text, of.to_string()).unwrap();
    tx.commit().await.unwrap();
}

/// Makes orders, facts and reports of all hosts unreadable.
pub(crate) async fn spoil_hosts(db: &Db) {
    let mut tx = db.begin().await.unwrap();
    let text = "update hosts set orders = '{}', facts = '{}', report = '{}'";
    sql!(&mut tx, execute text).unwrap();
    tx.commit().await.unwrap();
}

/// Returns when somebody waits for a lock that another transaction has, on PostgreSQL.
pub(crate) async fn waits_for_a_lock(db: &Db) {
    loop {
        let mut tx = db.read().await.unwrap();
        let text = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        let (waiting,) = sql!(&mut tx, one(i64,), text).unwrap();
        if waiting > 0 {
            return;
        }
        drop(tx);
        tokio::task::yield_now().await;
    }
}

thread_local! {
    /// Of this thread: a test of tokio's has one.
    static STATEMENTS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

pub(super) fn count_statement() {
    STATEMENTS.with(|count| count.set(count.get() + 1));
}

/// How many statements were run so far by this test.
pub(crate) fn statements() -> usize {
    STATEMENTS.with(std::cell::Cell::get)
}
