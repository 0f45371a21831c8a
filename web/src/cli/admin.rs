//! What an operator does with a shell on the server, also while it runs.

use super::app;
use crate::{
    actions::{ActionError, clans, hosts, links, tokens, users},
    app::App,
    config::Place,
    domain::{Name, Role},
};
use clap::{Subcommand, ValueEnum};

/// Make users, passwords, tokens and join tokens; remove a host that is gone.
#[derive(Debug, Subcommand)]
pub(super) enum Admin {
    /// Make a user and print their password, once
    User {
        /// What they sign in with
        #[arg(value_parser = Name::entered)]
        name: Name,
        /// What they may do
        #[arg(long)]
        role: RoleName,
        /// Name of their clan, made if there is none; for clan admins only
        #[arg(long, required_if_eq("role", "clan_admin"), value_parser = Name::entered)]
        clan: Option<Name>,
        #[command(flatten)]
        place: Place,
    },
    /// Make a token of the API for a user and print it, once
    Token {
        /// Name of the user
        user: String,
        #[command(flatten)]
        place: Place,
    },
    /// Give a user another password and print it, once; their sessions end, and their tokens are withdrawn
    Password {
        /// Name of the user
        user: String,
        #[command(flatten)]
        place: Place,
    },
    /// Make a one-time token that enrols a host within a day, and print it
    JoinToken {
        #[command(flatten)]
        place: Place,
    },
    /// Take a host out of the fleet whose agent cannot do it, by `vmatrix-agent leave`, any more; its name is free then
    RemoveHost {
        /// Name of the host
        name: String,
        /// Even if it reports, or VMs of matches or services are on it: they are given up
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(super) enum RoleName {
    /// Manages one clan: its players, and its side of matches
    ClanAdmin,
    /// Books matches for any clans
    Organiser,
    /// All that, and hosts, services and users
    Operator,
}

pub(super) async fn run(admin: Admin) -> anyhow::Result<()> {
    let (app, printed) = match admin {
        Admin::RemoveHost { name, force, place } => {
            let app = app_there(&place).await?;
            let removed = hosts::drop_host_named(&app, &name, force).await;
            app.db.close().await;
            removed.map_err(|error| with_way(error, "--force"))?;
            println!("{name} has left the fleet; its name is free.");
            return Ok(());
        }
        Admin::User {
            name,
            role,
            clan,
            place,
        } => {
            let app = app(&place).await?;
            let role = resolve_role(&app, role, clan).await?;
            let (_, password) = users::add_user(&app, name, role).await?;
            (app, password)
        }
        Admin::Token { user, place } => {
            let app = app_there(&place).await?;
            let name: Name = "command line".parse()?;
            let token = tokens::create_token_for(&app, &user, &name).await?;
            (app, token)
        }
        Admin::Password { user, place } => {
            let app = app_there(&place).await?;
            let password = users::reset_password(&app, &user).await?;
            (app, password)
        }
        Admin::JoinToken { place } => {
            let app = app_there(&place).await?;
            let token = links::add_join_token(&app).await?;
            (app, token)
        }
    };
    app.db.close().await;
    // The one place where a secret is printed: it was asked for.
    println!("{}", printed.reveal());
    Ok(())
}

/// What can be done about a refusal.
fn with_way(error: ActionError, flag: &str) -> anyhow::Error {
    match error {
        ActionError::Conflict(text) => anyhow::anyhow!("{text} ({flag} does it all the same)"),
        other => other.into(),
    }
}

/// For what wants users or a server that are there already: a wrong directory is not filled with a new database.
async fn app_there(place: &Place) -> anyhow::Result<App> {
    if let Some(file) = place.database_file()
        && !file.exists()
    {
        anyhow::bail!(
            "no database here: {} does not exist; say with --data (or --database) where the server keeps its data",
            file.display()
        );
    }
    app(place).await
}

async fn resolve_role(app: &App, role: RoleName, clan: Option<Name>) -> anyhow::Result<Role> {
    match (role, clan) {
        (RoleName::Organiser, None) => Ok(Role::Organiser),
        (RoleName::Operator, None) => Ok(Role::Operator),
        (RoleName::ClanAdmin, Some(name)) => {
            let clan = match clans::clan_by_name(app, &name).await? {
                Some(clan) => clan,
                None => clans::add_clan(app, name).await?,
            };
            Ok(Role::ClanAdmin(clan.id))
        }
        (RoleName::ClanAdmin, None) => anyhow::bail!("a clan admin needs --clan NAME"),
        (_, Some(name)) => anyhow::bail!("--clan {name}: only clan admins have a clan"),
    }
}
