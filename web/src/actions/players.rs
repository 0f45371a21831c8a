//! A clan's players. Their addresses are shown to nobody but their own clan.

use super::ActionError;
use crate::{
    app::App,
    domain::{
        ClanId, Consent, EnteredAddress, Name, Player, PlayerAddress, PlayerId, PlayerIpv6, User,
        limits::PLAYERS_OF_A_CLAN, reveal_both,
    },
    resolve::{AddressError, is_somebodys},
    store::{clans, declined, players},
};
use std::net::IpAddr;

/// A player as entered, not yet checked.
#[derive(Debug, Clone)]
pub struct NewPlayer {
    /// Name.
    pub name: String,
    /// An IPv4 address or host name, an IPv6 address, or one of each with a space between.
    pub address: String,
}

/// A player as this user may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlayerSeen {
    /// Its id.
    pub id: PlayerId,
    /// Its name.
    pub name: Name,
    /// As it could be entered; present for the own clan's admins only, until it is deleted.
    pub address: Option<String>,
    /// Whose word it is that this address is theirs; of two, that of IPv4.
    pub consent: Consent,
    /// Whose word it is that their IPv6 address is theirs, if it stands beside another.
    pub ipv6: Option<Consent>,
}

impl PlayerSeen {
    /// In words for people, of each address that there is.
    #[must_use]
    pub fn words(&self) -> String {
        match self.ipv6.filter(|ipv6| ipv6.words() != self.consent.words()) {
            None => self.consent.words().to_owned(),
            Some(ipv6) => format!("IPv4: {}; IPv6: {}", self.consent.words(), ipv6.words()),
        }
    }

    /// Whether an organiser's word would help.
    #[must_use]
    pub fn wants_a_word(&self) -> bool {
        self.consent.wants_a_word() || self.ipv6.is_some_and(Consent::wants_a_word)
    }
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
    // What somebody who comes by the link says at this moment is not lost.
    clans::lock(&mut tx, clan).await?;
    let before = players::get(&mut tx, id)
        .await?
        .filter(|before| before.clan == clan)
        .ok_or_else(|| ActionError::not_found("player", id))?;
    keep_words(&before, &mut player, by.role.is_staff());
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

/// What an entry leaves of what was there. The same address again is no new word of a captain's, and takes nobody's back; nor does
/// anybody's word count against the player's own. Staff are not shown what is there: they change the kind that they enter.
fn keep_words(before: &Player, player: &mut Player, by_staff: bool) {
    if by_staff && player.address == PlayerAddress::Nothing {
        (player.address, player.consent) = (before.address.clone(), before.consent);
    }
    if by_staff && player.ipv6.is_none() {
        player.ipv6 = before.ipv6;
    }
    let ipv6 = before.ipv6.map(|ipv6| ipv6.consent);
    let kept = |now: Consent, word: Consent| match (now, word) {
        (_, Consent::Declined { .. }) | (Consent::Typed, _) => word,
        _ => now,
    };
    if before.address == player.address && player.address != PlayerAddress::Nothing {
        player.consent = kept(player.consent, before.consent.beside(ipv6));
    }
    if let (Some(was), Some(is)) = (before.ipv6, &mut player.ipv6)
        && was.ip == is.ip
    {
        is.consent = kept(is.consent, was.consent.beside(Some(before.consent)));
    }
}

/// Stands for a player's addresses: hosts may ping them, on the word of this organiser or operator.
///
/// # Errors
/// `Forbidden` for a clan admin; `NotFound`; `Invalid` for a host name alone; `Conflict` if there is no address, or somebody came
/// from one of them and declined.
pub async fn vouch(app: &App, by: &User, clan: ClanId, id: PlayerId) -> Result<PlayerSeen, ActionError> {
    super::staff_only(by)?;
    let now = app.now();
    let mut tx = app.db.begin().await?;
    clans::lock(&mut tx, clan).await?;
    let mut player = players::get(&mut tx, id)
        .await?
        .filter(|player| player.clan == clan)
        .ok_or_else(|| ActionError::not_found("player", id))?;
    let declined = |consent| matches!(consent, Consent::Declined { .. });
    if declined(player.consent) || player.ipv6.is_some_and(|ipv6| declined(ipv6.consent)) {
        return Err(ActionError::Conflict(
            "the player came from this address and does not want hosts to ping it".into(),
        ));
    }
    let consent = Consent::Vouched { by: by.id, at: now };
    let mut vouched: Vec<IpAddr> = Vec::new();
    if let PlayerAddress::Ip(ip) = player.address {
        player.consent = consent;
        vouched.push(ip.into());
    }
    if let Some(ipv6) = &mut player.ipv6 {
        ipv6.consent = consent;
        vouched.push(ipv6.ip.into());
    }
    if vouched.is_empty() {
        return Err(nothing_to_vouch_for(&player.address));
    }
    for ip in vouched {
        if declined::has(&mut tx, ip).await? {
            return Err(ActionError::Conflict(
                "somebody came from this address and does not want hosts to ping it: it takes a visit from there to change that"
                    .into(),
            ));
        }
    }
    players::update(&mut tx, &player, now).await?;
    tx.commit().await?;
    app.changed();
    Ok(seen_by(by, player))
}

/// Who hosts may ping is said of an address; a name leads wherever its owner wants it to, also after somebody stood for it.
fn nothing_to_vouch_for(address: &PlayerAddress) -> ActionError {
    match address {
        PlayerAddress::HostName(_) => {
            let expected = "an address: a host name may lead to somebody else tomorrow; have the captain enter the address \
                            that it has, or send the players’ link";
            ActionError::invalid("address", "a host name", expected)
        }
        PlayerAddress::Ip(_) | PlayerAddress::Nothing => {
            ActionError::Conflict("the address was deleted: enter it anew, or send the players’ link".into())
        }
    }
}

/// Removes a player; their addresses are forgotten.
///
/// # Errors
/// `Forbidden` for another clan's admin; `NotFound`.
pub async fn remove_player(app: &App, by: &User, clan: ClanId, id: PlayerId) -> Result<(), ActionError> {
    may_manage(by, clan)?;
    let mut tx = app.db.begin().await?;
    clans::lock(&mut tx, clan).await?;
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
    let is_own = by.role.clan() == Some(player.clan);
    let shown = is_own.then(|| reveal_both(&player.address, player.ipv6));
    let ipv6 = player.ipv6.map(|ipv6| ipv6.consent);
    let (consent, ipv6) = match (&player.address, ipv6) {
        (PlayerAddress::Nothing, Some(ipv6)) => (ipv6, None),
        (_, ipv6) => (player.consent, ipv6),
    };
    PlayerSeen {
        id: player.id,
        name: player.name,
        consent,
        ipv6,
        address: shown.flatten(),
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
        .parse::<EnteredAddress>()
        .map_err(|refusal| refusals.push(refusal));
    let (Ok(name), Ok(EnteredAddress { address, ipv6 })) = (name, address) else {
        return Err(ActionError::Invalid(refusals));
    };
    let wrong = |error: AddressError| ActionError::invalid("address", &new.address, expected(&error));
    if let Some(ip) = ipv6 {
        app.resolver.check(ip.into()).map_err(wrong)?;
    }
    // A name server is asked only if the rest is right.
    if address != PlayerAddress::Nothing {
        app.resolver.resolve(&address).await.map_err(wrong)?;
    }
    let now = app.now();
    Ok(Player {
        id,
        clan,
        name,
        consent: Consent::of_typed(by, &address, now),
        ipv6: ipv6.map(|ip| PlayerIpv6 {
            ip,
            consent: Consent::of_typed_ip(by, now),
        }),
        address,
    })
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
    }
}
