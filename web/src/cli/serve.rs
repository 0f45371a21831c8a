//! `vmatrix serve`: config, data directory, database, Oracle, and only then the port.

use super::open;
use crate::{
    actions::{
        forget,
        links::{self, path_of},
    },
    app::App,
    config::Serve,
    oracle,
    resolve::Resolver,
    server::{self, Edge},
};
use anyhow::Context;
use axum_server::tls_rustls::RustlsConfig;
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{IsTerminal, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    time::Duration,
};
use tokio::{net::TcpListener, signal::unix, sync::watch};
use tracing_subscriber::{EnvFilter, layer::SubscriberExt, util::SubscriberInitExt};

const DEFAULT_LOG: &str = "info,sqlx=warn,hickory_proto=warn,hickory_resolver=warn,tower_sessions_core=error";
const SWEEP_EVERY: Duration = Duration::from_secs(60 * 60);

pub(super) async fn serve(flags: Serve) -> anyhow::Result<()> {
    start_logging(flags.log_json);
    // Contradictions are told before anything is opened; the port may still be 0.
    flags.check(flags.listen)?;
    let db = open(&flags.place).await?;
    let _lock = lock(&flags.place.data)?;
    server::collect()?;
    let listener = TcpListener::bind(flags.listen)
        .await
        .with_context(|| format!("listen on {}", flags.listen))?;
    let listening = listener.local_addr()?;
    let https = secure(&flags).await?;
    let (settings, edge) = flags.check(listening)?;
    let app = App::new(
        db,
        settings,
        Resolver::by(&flags.name_servers, flags.allow_private_addresses),
    );
    app.nest.prepare().context("nest")?;
    offer_first_link(&app).await?;

    let stop = stop_asked().context("signals")?;
    let oracle = tokio::spawn(oracle::run(app.clone()));
    let sweeper = tokio::spawn(sweep(app.clone()));
    tracing::info!(%listening, url = app.settings.public_url, "vMatrix serves");
    println!("vMatrix serves on {}", app.settings.public_url);
    let (told, stopped) = watch::channel(());
    tokio::spawn(async move {
        stop.await;
        drop(told);
    });
    let plain = server::serve(app.clone(), edge, listener, None, until(stopped.clone()));
    let served = match https {
        None => plain.await,
        Some((listener, certificate)) => {
            // Nobody stands in front of this one: what `x-forwarded-for` says there anybody may have written.
            let direct = Edge {
                behind_proxy: false,
                ..edge
            };
            let secure = server::serve(app.clone(), direct, listener, Some(certificate), until(stopped));
            tokio::try_join!(plain, secure).map(drop)
        }
    };
    // Each step of the Oracle is a transaction: it can be broken off anywhere.
    oracle.abort();
    sweeper.abort();
    app.db.close().await;
    served.context("serve")
}

/// The listener and certificate of https, if it was asked for.
async fn secure(flags: &Serve) -> anyhow::Result<Option<(TcpListener, RustlsConfig)>> {
    let Some((address, files)) = flags.https() else {
        return Ok(None);
    };
    let certificate = files.read()?;
    tokio::spawn(files.follow(certificate.clone()));
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("listen on {address}"))?;
    Ok(Some((listener, certificate)))
}

/// Comes when the other end was dropped.
async fn until(mut stopped: watch::Receiver<()>) {
    let _ = stopped.changed().await;
}

fn start_logging(json: bool) {
    let filter = EnvFilter::try_from_env("VMATRIX_LOG").unwrap_or_else(|_| EnvFilter::new(DEFAULT_LOG));
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let started = if json {
        registry.with(lines.json()).try_init()
    } else {
        registry.with(lines).try_init()
    };
    if let Err(error) = started {
        eprintln!("vmatrix: no logs: {error}");
    }
}

/// Held while the server runs. Two on one data directory would not hear each other's changes.
fn lock(data: &Path) -> anyhow::Result<File> {
    let path = data.join("lock");
    let file = File::create(&path).with_context(|| format!("{}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => anyhow::bail!(
            "--data {}: another vmatrix serves from this directory; stop that one, or give this one a directory of its own",
            data.display()
        ),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("lock {}", path.display())),
    }
}

/// Writes the first operator's link where only the owner of the data directory can read it, while nobody can sign
/// in; afterwards removes it.
async fn offer_first_link(app: &App) -> anyhow::Result<()> {
    let path = app.settings.data.join("first-admin-link");
    if let Err(error) = std::fs::remove_file(&path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        return Err(error).with_context(|| format!("{}", path.display()));
    }
    if let Some(token) = links::first_admin_link(app).await? {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("{}", path.display()))?;
        writeln!(file, "{}{}", app.settings.public_url, path_of(&token))?;
        println!(
            "Nobody can sign in yet. The link that makes the first operator is in {}",
            path.display()
        );
    }
    Ok(())
}

async fn sweep(app: App) {
    loop {
        if let Err(error) = links::sweep(&app, app.now()).await {
            tracing::warn!(%error, "expired links and sessions stay for now");
        }
        if let Err(error) = forget::sweep(&app, app.now()).await {
            tracing::warn!(%error, "what is known of players stays for now");
        }
        tokio::time::sleep(SWEEP_EVERY).await;
    }
}

/// Comes when the server is told to stop. Listens from this call on, not from the first poll.
fn stop_asked() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = unix::signal(unix::SignalKind::terminate())?;
    let mut interrupt = unix::signal(unix::SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
    })
}
