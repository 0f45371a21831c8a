//! Who plays for whom.

use super::*;

#[test]
fn teams_are_a_and_b_and_everybody_is_in_one() {
    let told = [
        "",
        "A",
        "A=p1,p2",
        "A=p1;B=p2;C=p3",
        "Reds=p1;Blues=p2",
        "A=p1;A=p2",
        "A=p1;B=",
        "A=p1,,p2;B=p3",
        "A=p1;B=p2;;",
        "A=p1,p2;B=p2,p3",
        "A=p1,p1;B=p2",
        "A=p1,p2;B=p9",
        "A=p1;B=p3",
    ]
    .map(|text| {
        let mut table = table("1,2,3\n").unwrap();
        let bad = text.parse().and_then(|teams: Teams| table.set_teams(&teams));
        format!("{text:?}: {}", bad.unwrap_err())
    });
    insta::assert_snapshot!(told.join("\n"));
    let mut table = table("1,2,3\n").unwrap();
    table
        .set_teams(&" A = p1 , p3 ; B=p2; ".parse().unwrap())
        .unwrap();
    let matrix = table.into_matrix().unwrap();
    let sides: Vec<_> = matrix.players().iter().filter_map(|player| player.side).collect();
    assert_eq!(sides, [Side::A, Side::B, Side::A]);
}
