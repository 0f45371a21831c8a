//! A clan's players. Their addresses are shown to nobody but their own clan.

use super::ActionError;
use crate::{
    app::App,
    domain::{ClanId, Name, Player, PlayerAddress, PlayerId, User, limits::PLAYERS_OF_A_CLAN},
    resolve::{AddressError, is_somebodys},
    store::{clans, players},
};

/// A player as entered, not yet checked.
#[derive(Debug, Clone)]
pub struct NewPlayer {
    /// Name.
    pub name: String,
    /// Address or host name.
    pub address: String,
}

/// A player as this user may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlayerSeen {
    /// Its id.
    pub id: PlayerId,
    /// Its name.
    pub name: Name,
    /// As entered; present for the own clan's admins only.
    pub address: Option<String>,
}

/// Enters a player of a clan. A host name must have an address now.
///
/// # Errors
/// `Forbidden` for another clan's admin; `NotFound`; `Invalid` with each field that is wrong; `Full`.
pub async fn add_player(
    app: &App,
    by: &User,
    clan: ClanId,
    new: NewPlayer,
) -> Result<PlayerSeen, ActionError> {
    may_manage(by, clan)?;
    let player = check(app, PlayerId(app.new_id()), clan, &new).await?;
    let mut tx = app.db.begin().await?;
    if !clans::lock(&mut tx, clan).await? {
        return Err(ActionError::not_found("clan", clan));
    }
    let have = players::list(&mut tx, clan).await?.len();
    if have >= PLAYERS_OF_A_CLAN {
        let way = "remove one first";
        return Err(ActionError::full(
            "name",
            have,
            PLAYERS_OF_A_CLAN,
            "players of a clan",
            way,
        ));
    }
    players::insert(&mut tx, &player, app.now())
        .await
        .map_err(super::users::name_taken(&player.name))?;
    tx.commit().await?;
    app.changed();
    Ok(seen_by(by, player))
}

/// Changes a player's name and address.
///
/// # Errors
/// As [`add_player`].
pub async fn change_player(
    app: &App,
    by: &User,
    clan: ClanId,
    id: PlayerId,
    new: NewPlayer,
) -> Result<PlayerSeen, ActionError> {
    may_manage(by, clan)?;
    let player = check(app, id, clan, &new).await?;
    let mut tx = app.db.begin().await?;
    let found = players::update(&mut tx, &player)
        .await
        .map_err(super::users::name_taken(&player.name))?;
    if !found {
        return Err(ActionError::not_found("player", id));
    }
    tx.commit().await?;
    app.changed();
    Ok(seen_by(by, player))
}

/// Removes a player; its address is forgotten.
///
/// # Errors
/// `Forbidden` for another clan's admin; `NotFound`.
pub async fn remove_player(app: &App, by: &User, clan: ClanId, id: PlayerId) -> Result<(), ActionError> {
    may_manage(by, clan)?;
    let mut tx = app.db.begin().await?;
    if !players::remove(&mut tx, id, clan, app.now()).await? {
        return Err(ActionError::not_found("player", id));
    }
    tx.commit().await?;
    app.changed();
    Ok(())
}

/// A clan's players by name.
///
/// # Errors
/// `Forbidden` for another clan's admin.
pub async fn list_players(app: &App, by: &User, clan: ClanId) -> Result<Vec<PlayerSeen>, ActionError> {
    may_manage(by, clan)?;
    let mut tx = app.db.read().await?;
    if clans::get(&mut tx, clan).await?.is_none() {
        return Err(ActionError::not_found("clan", clan));
    }
    let all = players::list(&mut tx, clan).await?;
    Ok(all.into_iter().map(|player| seen_by(by, player)).collect())
}

/// Staff, and the clan's own admins.
fn may_manage(by: &User, clan: ClanId) -> Result<(), ActionError> {
    if by.role.is_staff() || by.role.clan() == Some(clan) {
        Ok(())
    } else {
        Err(ActionError::Forbidden(
            "Another clan's players are not yours to see or change.".into(),
        ))
    }
}

fn seen_by(by: &User, player: Player) -> PlayerSeen {
    PlayerSeen {
        id: player.id,
        name: player.name,
        address: (by.role.clan() == Some(player.clan)).then(|| player.address.reveal()),
    }
}

async fn check(app: &App, id: PlayerId, clan: ClanId, new: &NewPlayer) -> Result<Player, ActionError> {
    let mut refusals = Vec::new();
    let name = super::users::parse_name("name", &new.name).map_err(|error| refusals.extend(error.refusals()));
    let address = new
        .address
        .parse::<PlayerAddress>()
        .map_err(|refusal| refusals.push(refusal));
    // A name server is asked only if the rest is right.
    if let (Ok(name), Ok(address)) = (name, address) {
        return match app.resolver.resolve(&address).await {
            Ok(_) => Ok(Player {
                id,
                clan,
                name,
                address,
            }),
            Err(error) => Err(ActionError::invalid("address", &new.address, expected(&error))),
        };
    }
    Err(ActionError::Invalid(refusals))
}

fn expected(error: &AddressError) -> String {
    match error {
        AddressError::Unknown(_) => "a host name that has an address: this one has none".into(),
        AddressError::NoAnswer(_) => {
            "a host name that can be looked up: the name servers do not answer for this one".into()
        }
        // What the operator could allow, and what nobody could play from.
        AddressError::NotPublic(ip) if is_somebodys(*ip) => {
            "an address of a player on the internet; for a league on a LAN the operator serves with \
             --allow-private-addresses"
                .into()
        }
        AddressError::NotPublic(_) => {
            "an address of a player: this one is the server's own, of many at once, or of nobody".into()
        }
        AddressError::Ipv6(_) => "an IPv4 address, or a host name that has one: players play by IPv4".into(),
    }
}
