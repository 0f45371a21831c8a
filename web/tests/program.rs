//! The program itself, as an operator starts it.
#![allow(clippy::unwrap_used)]

mod common;

use common::program::{printed, run, serve};
use std::{io::Read, os::unix::fs::PermissionsExt, process::Command};

#[tokio::test]
async fn the_first_admins_link_is_in_a_file_for_its_owner_alone() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let serving = serve(&data);
    let path = data.join("first-admin-link");
    assert!(
        serving
            .said
            .iter()
            .any(|line| line.contains(path.to_str().unwrap())),
        "{:?}",
        serving.said
    );
    assert!(
        !serving.said.iter().any(|line| line.contains("vml_")),
        "{:?}",
        serving.said
    );
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let link = std::fs::read_to_string(&path).unwrap();
    assert!(link.starts_with(&format!("{}/join/vml_", serving.url)), "{link}");
    let answer = common::client().get(link.trim()).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_second_server_on_one_data_directory_is_told_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let _serving = serve(dir.path());
    let second = run(dir.path(), &["serve", "--listen", "127.0.0.1:0"]);
    let told = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(1), "{told}");
    let data = format!("--data {}", dir.path().display());
    for part in [data.as_str(), "another vmatrix serves", "a directory of its own"] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
    assert!(!told.contains("would block"), "{told}");
}

#[tokio::test]
async fn an_operator_makes_users_and_tokens_while_it_runs() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let serving = serve(data);
    let password = printed(&run(data, &["admin", "user", "ada", "--role", "operator"]));
    assert_eq!(password.len(), 20);
    let clan_admin = ["admin", "user", "bob", "--role", "clan_admin", "--clan", "Reds"];
    printed(&run(data, &clan_admin));
    let token = printed(&run(data, &["admin", "token", "ada"]));
    assert!(printed(&run(data, &["admin", "join-token"])).starts_with("vmj_"));
    let clans = common::client()
        .get(format!("{}/api/v1/clans", serving.url))
        .bearer_auth(token);
    assert!(clans.send().await.unwrap().text().await.unwrap().contains("Reds"));
    let nothing = run(data, &["admin", "remove-host", "mad-1"]);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("there is no host mad-1"));
    let twice = run(data, &clan_admin);
    assert_eq!(twice.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&twice.stderr).contains("bob"));
}

#[test]
fn a_token_from_a_wrong_directory_makes_no_database_there() {
    let dir = tempfile::tempdir().unwrap();
    let wrong = dir.path().join("wrong");
    for words in [
        &["admin", "token", "ada"][..],
        &["admin", "join-token"],
        &["admin", "remove-host", "mad-1"],
    ] {
        let refused = run(&wrong, words);
        assert_eq!(refused.status.code(), Some(1), "{words:?}");
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(
            said.contains("no database here") && said.contains("--data"),
            "{said}"
        );
        assert!(!wrong.exists(), "{words:?} made it");
    }
}

#[test]
fn once_there_is_a_user_no_first_link_is_offered() {
    let dir = tempfile::tempdir().unwrap();
    drop(serve(dir.path()));
    assert!(dir.path().join("first-admin-link").exists());
    printed(&run(dir.path(), &["admin", "user", "ada", "--role", "operator"]));
    let serving = serve(dir.path());
    assert_eq!(serving.said.len(), 1, "{:?}", serving.said);
    assert!(!dir.path().join("first-admin-link").exists());
}

#[test]
fn a_second_server_on_the_same_directory_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let _first = serve(dir.path());
    let second = run(dir.path(), &["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains("another vmatrix"));
}

#[test]
fn it_stops_when_it_is_told_to() {
    let dir = tempfile::tempdir().unwrap();
    let mut serving = serve(dir.path());
    let told = Command::new("kill")
        .arg(serving.child.id().to_string())
        .status()
        .unwrap();
    assert!(told.success());
    assert!(serving.child.wait().unwrap().success());
}

#[test]
fn what_is_asked_for_in_a_wrong_way_exits_with_two() {
    let dir = tempfile::tempdir().unwrap();
    for words in [
        &["dance"][..],
        &["serve", "--public-url", "https://example.org/below"],
        &["admin", "user", "bob", "--role", "king"],
        &["admin", "user", "bob", "--role", "clan_admin"],
    ] {
        let output = run(dir.path(), words);
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(!output.stderr.is_empty(), "{words:?}");
    }
}

#[test]
fn migrating_twice_is_the_same_as_once() {
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        printed(&run(dir.path(), &["migrate"]));
    }
    let mut head = [0; 15];
    std::fs::File::open(dir.path().join("vmatrix.db"))
        .unwrap()
        .read_exact(&mut head)
        .unwrap();
    assert_eq!(&head, b"SQLite format 3");
}
