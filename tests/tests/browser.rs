//! Two captains and a league, each clicking through the website in a real browser.

use anyhow::{Context, Result, ensure};
use std::{path::Path, time::Duration};
use vmatrix_tests::{
    browser::Browser,
    demo::answers,
    fleet::{Fleet, Options},
};

/// Shows the roles and caps below a roster.
const UNFOLD: &str = "document.querySelectorAll('details.seats').forEach(fold => fold.open = true)";
const PASSWORD: &str = "correct horse battery";

#[tokio::test]
async fn two_captains_play_a_match_that_was_booked_by_clicking() -> Result<()> {
    let Some(options) = Options::for_test("browser") else {
        return Ok(());
    };
    let mut fleet = Fleet::up(options, &|line| println!("{line}")).await?;
    let pictures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/pictures");
    let browser = Browser::start(fleet.operator.base(), pictures).await?;
    browser.open("/").await?;
    browser.picture("visitor").await?;
    browser.open("/sign-in").await?;
    browser.picture("sign-in").await?;

    let players = &fleet.running.world().players;
    let mut clans: Vec<String> = Vec::new();
    for player in players {
        if !clans.contains(&player.clan) {
            clans.push(player.clan.clone());
        }
    }
    let [home, away] = clans.as_slice() else {
        anyhow::bail!("two clans are expected: {clans:?}")
    };
    let (_, account) = fleet.organiser("otto")?;
    browser.sign_in(&account.name, &account.password).await?;
    let links = [invite(&browser, home).await?, invite(&browser, away).await?];
    browser.picture("organise").await?;
    browser.sign_out().await?;
    for (clan, link) in [home, away].into_iter().zip(&links) {
        become_captain(&browser, &fleet, clan, link).await?;
    }

    browser.sign_in(&captain(home), PASSWORD).await?;
    challenge(&browser, away).await?;
    let page = browser.path().await?;
    browser.sign_out().await?;

    browser.sign_in(&captain(away), PASSWORD).await?;
    browser.open("/").await?;
    ensure!(
        browser.text().await?.contains(&format!("{home} challenges you")),
        "{}",
        browser.text().await?
    );
    browser.picture("challenged").await?;
    browser.click("Look at it, and choose your roster").await?;
    browser.find("details.seats").await?;
    browser.run(UNFOLD).await?;
    browser.picture("roster").await?;
    browser.mark().await?;
    browser.click("Play with these").await?;
    while browser.is_marked().await? {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    browser.mark().await?;
    let line = browser
        .text_within("#connect-line", Duration::from_secs(180))
        .await?;
    ensure!(
        browser.is_marked().await?,
        "the page was loaded anew: it should have updated itself"
    );
    check_connect_line(&fleet, &line)?;
    browser.picture("match").await?;
    secrets_are_kept(&browser, &fleet, home).await?;

    for path in ["/matches", "/clan", "/account", "/matches/new"] {
        browser.open(path).await?;
        browser
            .picture(path.trim_start_matches('/').replace('/', "-").as_str())
            .await?;
    }
    browser.sign_out().await?;
    browser
        .sign_in(&fleet.account.name, &fleet.account.password)
        .await?;
    browser.open("/ops").await?;
    browser.picture("ops").await?;
    browser.sign_out().await?;

    browser.sign_in(&captain(home), PASSWORD).await?;
    browser.open(&page).await?;
    browser.click_on("form[action$='/end'] button").await?;
    let limit = std::time::Instant::now() + Duration::from_secs(60);
    while !fleet.guests()?.is_empty() {
        ensure!(
            std::time::Instant::now() < limit,
            "the guest still runs a minute after the match was ended"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    play_again(&browser, &page).await?;
    browser.open("/clan").await?;
    browser.click_on("a[href^='/clan/players/']").await?;
    browser.find("form[action^='/clan/players/']").await?;
    browser.picture("player").await?;
    browser.sign_out().await?;
    remove_a_silent_host(&browser, &mut fleet).await?;
    browser.close().await
}

/// An operator removes a host that does not report any more.
async fn remove_a_silent_host(browser: &Browser, fleet: &mut Fleet) -> Result<()> {
    let host = "prague";
    fleet.kill(host)?;
    browser
        .sign_in(&fleet.account.name, &fleet.account.password)
        .await?;
    let button = "form[action^='/ops/hosts/'] button";
    let limit = std::time::Instant::now() + Duration::from_secs(60);
    loop {
        browser.open("/ops").await?;
        if browser.source().await?.contains("action=\"/ops/hosts/") {
            break;
        }
        ensure!(std::time::Instant::now() < limit, "{host} is not taken for gone");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    browser.picture("ops-gone").await?;
    browser.click_on(button).await?;
    let limit = std::time::Instant::now() + Duration::from_secs(20);
    while browser.source().await?.contains("action=\"/ops/hosts/") {
        ensure!(std::time::Instant::now() < limit, "{host} is still to be removed");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    browser.picture("ops-removed").await
}

/// Offered once the match is over; one click books the same clans anew.
async fn play_again(browser: &Browser, page: &str) -> Result<()> {
    browser.open(page).await?;
    browser.find("#rematch-card").await?;
    browser.picture("over").await?;
    browser.click_on("#rematch-card button").await?;
    let limit = std::time::Instant::now() + Duration::from_secs(60);
    while browser.path().await? == page {
        ensure!(
            std::time::Instant::now() < limit,
            "a minute after the click it is still the old match"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    browser.find("section[aria-label='State']").await?;
    browser.picture("rematch").await
}

fn captain(clan: &str) -> String {
    format!("captain-{}", clan.to_lowercase())
}

/// The organiser adds a clan, and gets the link for its captain.
async fn invite(browser: &Browser, clan: &str) -> Result<String> {
    browser.open("/organise").await?;
    browser.fill("name", clan).await?;
    browser.click("Add").await?;
    browser.find("form[action$='/players']").await?;
    browser.open("/organise").await?;
    browser.click(&format!("Invite a captain for {clan}")).await?;
    browser.text_of("#invite-link").await
}

/// The captain opens the link, makes an account, and enters the clan's players.
async fn become_captain(browser: &Browser, fleet: &Fleet, clan: &str, link: &str) -> Result<()> {
    browser.open(link).await?;
    browser.picture("join").await?;
    browser.fill("user", &captain(clan)).await?;
    browser.fill("new_password", PASSWORD).await?;
    browser.click("Create my account").await?;
    browser.find("form[action='/sign-out']").await?;
    for player in fleet
        .running
        .world()
        .players
        .iter()
        .filter(|player| player.clan == clan)
    {
        browser.open("/clan").await?;
        browser.fill("name", &player.name).await?;
        browser
            .fill("address", &fleet.running.address(&player.name)?.to_string())
            .await?;
        browser.click("Add").await?;
        browser.find("form[action$='/remove']").await?;
    }
    browser.sign_out().await
}

/// The captain challenges the other clan, to play now.
async fn challenge(browser: &Browser, away: &str) -> Result<()> {
    browser.open("/matches/new").await?;
    browser.choose("away", away).await?;
    browser.fill("length_minutes", "30").await?;
    browser.picture("book").await?;
    browser.run(UNFOLD).await?;
    browser.picture("book-seats").await?;
    browser.click("Send the challenge").await?;
    browser.find("section[aria-label='State']").await.map(drop)
}

/// What players paste connects them.
fn check_connect_line(fleet: &Fleet, line: &str) -> Result<()> {
    let address = line.split([' ', ';']).find_map(|word| word.parse().ok());
    let server = address.with_context(|| format!("no address in {line:?}"))?;
    let player = &fleet.running.world().players.first().context("no players")?.name;
    ensure!(
        answers(&fleet.running, player, server, 5)?,
        "{server} does not answer {player}"
    );
    Ok(())
}

/// Of the other clan no address and no name is on the page.
async fn secrets_are_kept(browser: &Browser, fleet: &Fleet, other: &str) -> Result<()> {
    let source = browser.source().await?;
    for player in fleet
        .running
        .world()
        .players
        .iter()
        .filter(|player| player.clan == other)
    {
        let address = fleet.running.address(&player.name)?.to_string();
        ensure!(
            !source.contains(&address),
            "the address of {} of the other clan is on the page",
            player.name
        );
        ensure!(
            !source.contains(&format!(">{}<", player.name)),
            "{} of the other clan is named",
            player.name
        );
    }
    Ok(())
}
