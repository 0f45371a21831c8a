//! All SQL. One text for SQLite and PostgreSQL: ids TEXT, times BIGINT milliseconds UTC, `$1` placeholders.
//!
//! One file per noun; in each: plain functions over a [`Tx`], flat row structs, one checked conversion to the domain
//! type. Ids and times are passed in. An absent thing is `None`, an affected row is counted, what is not as it should
//! be in a row is [`StoreError::Corrupt`] with table and id. Nothing here decides.
//!
//! ```ignore
//! let mut tx = app.db.begin().await?;            // or `read()` if nothing will be written
//! clans::insert(&mut tx, &clan, now).await?;
//! tx.commit().await?;                            // dropped without: rolled back
//! app.changed();                                 // after the commit
//! ```

use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};
use std::str::FromStr;

/// The database: one of two typed pools.
#[derive(Debug, Clone)]
pub enum Db {
    /// The default: a file.
    Sqlite(SqlitePool),
    /// For who keeps their data there already. One server at a time: the nest is still a directory of that server.
    Postgres(PgPool),
}

/// A transaction. Rolled back if dropped without [`Tx::commit`].
pub enum Tx {
    /// On SQLite.
    Sqlite(Transaction<'static, Sqlite>),
    /// On PostgreSQL.
    Postgres(Transaction<'static, Postgres>),
}

/// What goes wrong in the store. Not for people: the edge says "something went wrong" and logs this.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or could not be reached.
    #[error("database: {0}")]
    Sql(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("migration: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A stored value that cannot be read.
    #[error("table {table}, row {id}: column {column} holds {value:?}: {why}")]
    Corrupt {
        /// Which table.
        table: &'static str,
        /// Which row.
        id: String,
        /// Which column.
        column: &'static str,
        /// The value, cut to 80 characters.
        value: String,
        /// What is wrong with it.
        why: String,
    },
    /// A database URL of another kind.
    #[error("database {0:?}: it should be sqlite:PATH or postgres://USER@HOST/NAME")]
    Url(String),
}

impl StoreError {
    /// Whether a row was refused because another has the same unique value.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        matches!(self, Self::Sql(sqlx::Error::Database(error)) if error.is_unique_violation())
    }
}

impl Db {
    /// Opens `sqlite:PATH` (made if absent; WAL, a busy timeout, foreign keys) or `postgres://…`, and brings its
    /// schema up to date.
    ///
    /// # Errors
    /// If it cannot be opened or migrated.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let db = Self::connect(url).await?;
        match &db {
            Self::Sqlite(pool) => MIGRATIONS.run(pool).await?,
            Self::Postgres(pool) => MIGRATIONS.run(pool).await?,
        }
        let mut tx = db.begin().await?;
        names::complete(&mut tx).await?;
        tx.commit().await?;
        Ok(db)
    }

    async fn connect(url: &str) -> Result<Self, StoreError> {
        use sqlx::{postgres, sqlite};
        if url.starts_with("sqlite:") {
            let options = sqlite::SqliteConnectOptions::from_str(url)?
                .create_if_missing(true)
                .journal_mode(sqlite::SqliteJournalMode::Wal)
                .synchronous(sqlite::SqliteSynchronous::Normal)
                .busy_timeout(std::time::Duration::from_secs(10))
                .foreign_keys(true);
            let pool = sqlite::SqlitePoolOptions::new()
                .max_connections(8)
                .connect_with(options)
                .await?;
            return Ok(Self::Sqlite(pool));
        }
        if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            let options = postgres::PgConnectOptions::from_str(url)?;
            let pool = postgres::PgPoolOptions::new()
                .max_connections(16)
                .connect_with(options)
                .await?;
            return Ok(Self::Postgres(pool));
        }
        // The rest of a misspelt URL may hold a password.
        Err(StoreError::Url(
            url.split(':')
                .next()
                .unwrap_or_default()
                .chars()
                .take(20)
                .collect(),
        ))
    }

    /// A transaction that writes. On SQLite it takes the writer's lock at once (`begin immediate`), so that what it
    /// reads cannot change until it commits; on PostgreSQL guarded updates see to that.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite(pool) => Tx::Sqlite(pool.begin_with("begin immediate").await?),
            Self::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// A transaction that only reads: one moment's view of everything.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite(pool) => Tx::Sqlite(pool.begin().await?),
            Self::Postgres(pool) => Tx::Postgres(
                pool.begin_with("begin isolation level repeatable read read only")
                    .await?,
            ),
        })
    }

    /// Closes all connections.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    /// Makes it so.
    ///
    /// # Errors
    /// If the database refuses; then nothing is done.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// Runs one SQL text on whichever database a [`Tx`] is of.
///
/// ```ignore
/// let rows: u64 = sql!(tx, execute "delete from links where expires_at < $1", now.millis())?;
/// let row: Option<Row> = sql!(tx, optional Row "select … where id = $1", id.to_string())?;
/// let rows: Vec<Row> = sql!(tx, all Row "select … order by id")?;
/// ```
macro_rules! sql {
    ($tx:expr, execute $text:expr $(, $bind:expr)* $(,)?) => {{
        #[cfg(test)]
        $crate::store::testing::count_statement();
        match $tx {
            $crate::store::Tx::Sqlite(tx) => {
                sqlx::query($text)$(.bind($bind))*.execute(&mut **tx).await.map(|done| done.rows_affected())
            }
            $crate::store::Tx::Postgres(tx) => {
                sqlx::query($text)$(.bind($bind))*.execute(&mut **tx).await.map(|done| done.rows_affected())
            }
        }
        .map_err($crate::store::StoreError::from)
    }};
    ($tx:expr, optional $row:ty, $text:expr $(, $bind:expr)* $(,)?) => {
        sql!(@fetch fetch_optional, $tx, $row, $text $(, $bind)*)
    };
    ($tx:expr, all $row:ty, $text:expr $(, $bind:expr)* $(,)?) => {
        sql!(@fetch fetch_all, $tx, $row, $text $(, $bind)*)
    };
    ($tx:expr, one $row:ty, $text:expr $(, $bind:expr)* $(,)?) => {
        sql!(@fetch fetch_one, $tx, $row, $text $(, $bind)*)
    };
    (@fetch $fetch:ident, $tx:expr, $row:ty, $text:expr $(, $bind:expr)*) => {{
        #[cfg(test)]
        $crate::store::testing::count_statement();
        match $tx {
            $crate::store::Tx::Sqlite(tx) => {
                sqlx::query_as::<_, $row>($text)$(.bind($bind))*.$fetch(&mut **tx).await
            }
            $crate::store::Tx::Postgres(tx) => {
                sqlx::query_as::<_, $row>($text)$(.bind($bind))*.$fetch(&mut **tx).await
            }
        }
        .map_err($crate::store::StoreError::from)
    }};
}

/// Reads one stored value into its type, or says exactly which one is wrong.
fn parsed<T: FromStr>(
    table: &'static str,
    id: &str,
    column: &'static str,
    value: &str,
) -> Result<T, StoreError>
where
    T::Err: std::fmt::Display,
{
    value
        .parse()
        .map_err(|why: T::Err| corrupt(table, id, column, value, why))
}

/// As [`parsed`], for JSON. The value is left out of the error: it may hold secrets.
fn from_json<T: serde::de::DeserializeOwned>(
    table: &'static str,
    id: &str,
    column: &'static str,
    value: &str,
) -> Result<T, StoreError> {
    serde_json::from_str(value).map_err(|why| corrupt(table, id, column, "JSON", why))
}

/// As [`from_json`], for what is soon written anew: what cannot be read, as after an upgrade, is something else.
fn or_else<T: serde::de::DeserializeOwned>(
    table: &'static str,
    id: &str,
    column: &'static str,
    value: &str,
    otherwise: impl FnOnce() -> T,
) -> T {
    from_json(table, id, column, value).unwrap_or_else(|error| {
        tracing::warn!(%error, "taken for absent");
        otherwise()
    })
}

fn to_json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Sql(sqlx::Error::Encode(Box::new(error))))
}

fn corrupt(
    table: &'static str,
    id: &str,
    column: &'static str,
    value: &str,
    why: impl ToString,
) -> StoreError {
    StoreError::Corrupt {
        table,
        id: id.to_owned(),
        column,
        value: value.chars().take(80).collect(),
        why: why.to_string(),
    }
}

pub mod choices;
pub mod clans;
pub mod declined;
pub mod frozen_sides;
pub mod hosts;
#[cfg(test)]
mod life_tests;
pub mod links;
pub mod matches;
pub mod mesh;
pub mod name_servers;
mod names;
pub mod open_rounds;
pub mod player_links;
pub mod players;
pub mod probes_sent;
pub mod readings;
pub mod rematches;
pub mod reservations;
pub mod rosters;
pub mod rounds;
pub mod services;
pub mod sessions;
pub mod sites;
pub mod snapshots;
pub mod story;
#[cfg(test)]
pub(crate) mod testing;
pub mod tokens;
pub mod truth;
pub mod turns;
pub mod users;
pub mod visits;
pub mod vms;
#[cfg(test)]
mod vms_tests;
