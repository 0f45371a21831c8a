//! Roles and own caps on the page of a match, and playing it again.

use super::{
    tests::{card, id, page, players, view},
    *,
};
use crate::domain::{MatchId, view::ReusedView};

#[test]
fn roles_and_own_caps_stand_beside_the_players_and_in_the_form() {
    let mut reserved = view("reserved");
    reserved.rosters[1].players[1].role = "coach";
    reserved.rosters[1].players[1].cap_ms = Some(80.5);
    let role = Role::ClanAdmin(ClanId(id(12)));
    let html = page(role, reserved, &[Choice::default(), players()])
        .live()
        .unwrap();
    let owls = card(&html, "roster-2-card");
    assert!(
        owls.contains("Dov <span class=\"tag\">coach</span> <span class=\"soft own\">own cap 80.5 ms</span>"),
        "{owls}"
    );
    let dov = PlayerId(id(1201));
    for there in [
        format!("name=\"players\" value=\"{dov}\" checked"),
        format!("name=\"cap_{dov}\" value=\"80.5\""),
        "<option value=\"coach\" selected>".to_owned(),
        "id=\"seats-2\" open".to_owned(),
    ] {
        assert!(owls.contains(&there), "{there}: {owls}");
    }
}

#[test]
fn who_all_plays_as_usual_has_roles_folded() {
    let html = page(Role::Organiser, view("reserved"), &[players(), players()])
        .live()
        .unwrap();
    assert!(
        html.contains("id=\"seats-2\">") && !html.contains("class=\"tag\""),
        "{html}"
    );
}

#[test]
fn a_match_that_has_begun_can_be_played_again() {
    for state in ["gathering", "probing", "reserved", "waking", "unplaced"] {
        let html = page(Role::Organiser, view(state), &[]).live().unwrap();
        assert!(!html.contains("/rematch\""), "{state}");
    }
    for state in ["ready", "over"] {
        let html = page(Role::Organiser, view(state), &[]).live().unwrap();
        assert!(
            html.contains("/rematch\"") && html.contains("Play again"),
            "{state}: {html}"
        );
        let html = page(Role::Organiser, view(state), &[])
            .without_forms()
            .live()
            .unwrap();
        assert!(!html.contains("<form"), "{state}: {html}");
    }
}

#[test]
fn a_rematch_says_whose_and_how_old_its_values_are() {
    let mut again = view("reserved");
    again.booked.rematch_of = Some(MatchId(id(6)));
    again.reused = Some(ReusedView {
        from_match: MatchId(id(6)),
        age_s: 754,
    });
    let html = page(Role::Organiser, again, &[]).live().unwrap();
    assert!(
        html.contains(&format!("A rematch of <a href=\"/matches/{}\">", id(6))),
        "{html}"
    );
    let chosen = card(&html, "chosen-card");
    assert!(
        chosen.contains("taken over from the match before, and were 12 min 34 s old"),
        "{chosen}"
    );
}

#[test]
fn the_other_captain_finds_the_roster_of_the_match_before_ticked() {
    let mut gathering = view("gathering");
    let before = gathering.rosters[1].players.split_off(1);
    gathering.rosters[1].players.clear();
    let role = Role::ClanAdmin(ClanId(id(12)));
    let own = [Choice::default(), Choice { before, ..players() }];
    let page = page(role, gathering, &own);
    let ticked: Vec<_> = page.sides[1]
        .picks
        .iter()
        .filter(|pick| pick.picked)
        .map(|pick| pick.name.as_str())
        .collect();
    assert_eq!(ticked, ["Dov"]);
}
