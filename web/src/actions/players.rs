//! A clan's players. Their addresses are shown to nobody but their own clan.

use super::ActionError;
use crate::{
    app::App,
    domain::{ClanId, Consent, Name, Player, PlayerAddress, PlayerId, User, limits::PLAYERS_OF_A_CLAN},
    resolve::{AddressError, is_somebodys},
    store::{clans, declined, players},
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
    /// As entered; present for the own clan's admins only, until it is deleted.
    pub address: Option<String>,
    /// Whose word it is that this address is theirs.
    pub consent: Consent,
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
    let player = check(app, by, PlayerId(app.new_id()), clan, &new).await?;
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
    let mut player = check(app, by, id, clan, &new).await?;
    let mut tx = app.db.begin().await?;
    let before = players::get(&mut tx, id)
        .await?
        .filter(|before| before.clan == clan)
        .ok_or_else(|| ActionError::not_found("player", id))?;
    // The same address again is no new word of a captain's, and takes nobody's back; nor does anybody's word count against the
    // player's own.
    let declined = matches!(before.consent, Consent::Declined { .. });
    if before.address == player.address && (declined || player.consent == Consent::Typed) {
        player.consent = before.consent;
    }
    let found = players::update(&mut tx, &player, app.now())
        .await
        .map_err(super::users::name_taken(&player.name))?;
    if !found {
        return Err(ActionError::not_found("player", id));
    }
    tx.commit().await?;
    app.changed();
    Ok(seen_by(by, player))
}

/// Stands for a player's address: hosts may ping it, on the word of this organiser or operator.
///
/// # Errors
/// `Forbidden` for a clan admin; `NotFound`; `Invalid` for a host name; `Conflict` if there is no address, or somebody came from
/// it and declined.
pub async fn vouch(app: &App, by: &User, clan: ClanId, id: PlayerId) -> Result<PlayerSeen, ActionError> {
    super::staff_only(by)?;
    let now = app.now();
    let mut tx = app.db.begin().await?;
    let mut player = players::get(&mut tx, id)
        .await?
        .filter(|player| player.clan == clan)
        .ok_or_else(|| ActionError::not_found("player", id))?;
    if player.address == PlayerAddress::Forgotten {
        return Err(ActionError::Conflict(
            "the address was deleted: enter it anew, or send the players’ link".into(),
        ));
    }
    if matches!(player.consent, Consent::Declined { .. }) {
        return Err(ActionError::Conflict(
            "the player came from this address and does not want hosts to ping it".into(),
        ));
    }
    // Who hosts may ping is said of an address; a name leads wherever its owner wants it to, also after somebody stood for it.
    let PlayerAddress::Ip(ip) = player.address else {
        let expected = "an address: a host name may lead to somebody else tomorrow; have the captain enter the address that it \
                        has, or send the players’ link";
        return Err(ActionError::invalid("address", "a host name", expected));
    };
    if declined::has(&mut tx, ip).await? {
        return Err(ActionError::Conflict(
            "somebody came from this address and does not want hosts to ping it: it takes a visit from there to change that"
                .into(),
        ));
    }
    player.consent = Consent::Vouched { by: by.id, at: now };
    players::update(&mut tx, &player, now).await?;
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
        consent: player.consent,
        address: (by.role.clan() == Some(player.clan) && player.address != PlayerAddress::Forgotten)
            .then(|| player.address.reveal()),
    }
}

async fn check(
    app: &App,
    by: &User,
    id: PlayerId,
    clan: ClanId,
    new: &NewPlayer,
) -> Result<Player, ActionError> {
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
                consent: Consent::of_typed(by, &address, app.now()),
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
        AddressError::Forgotten | AddressError::NotAsked(_) => {
            "an address, or a host name such as player.example.org".into()
        }
        AddressError::Ipv6(_) => "an IPv4 address, or a host name that has one: players play by IPv4".into(),
    }
}
