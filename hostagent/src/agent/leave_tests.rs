//! Leaving, against a server on the loopback.

use super::super::super::{HomeError, LeaveError, Left, Told, join, leave};
use super::*;

const PROBLEM: &str = "application/problem+json";

/// A host that has joined the fake server.
async fn joined(fake: &mut Fake) -> (tempfile::TempDir, Home) {
    let (dir, home) = home();
    let wanted = request(fake);
    let joining = tokio::spawn({
        let (home, wanted) = (home.clone(), wanted.clone());
        async move { join(&home, wanted).await }
    });
    let enrolled = Enrolled {
        protocol: PROTOCOL,
        host: HOST,
        secret: Secret::new("hush"),
    };
    let asked = fake.next("POST /agent/v1/enrol").await;
    asked
        .answer("201 Created", &serde_json::to_string(&enrolled).unwrap())
        .await;
    joining.await.unwrap().unwrap();
    (dir, home)
}

fn leaving(home: &Home, force: bool) -> tokio::task::JoinHandle<Result<Left, LeaveError>> {
    let home = home.clone();
    tokio::spawn(async move { leave(&home, force).await })
}

#[tokio::test]
async fn only_the_servers_own_word_means_that_it_does_not_know_this_host() {
    let mut fake = Fake::start().await;
    let (_dir, home) = joined(&mut fake).await;
    let problem = r#"{"title":"Unauthorized","status":401,"detail":"Send a token that is known here."}"#;
    for (status, kind, body, told) in [
        (
            "401 Unauthorized",
            "text/html",
            "<h1>Sign in</h1>",
            "401 Unauthorized was answered",
        ),
        (
            "401 Unauthorized",
            "application/json",
            problem,
            "a proxy on the way",
        ),
        (
            "403 Forbidden",
            "text/html",
            "<h1>No</h1>",
            "403 Forbidden was answered",
        ),
        (
            "403 Forbidden",
            PROBLEM,
            r#"{"detail":"Not you."}"#,
            "refuses: Not you.",
        ),
    ] {
        let attempt = leaving(&home, false);
        let asked = fake.next("DELETE /agent/v1/enrol").await;
        asked.answer_as(status, kind, body).await;
        let refused = attempt.await.unwrap().unwrap_err();
        assert!(matches!(refused, LeaveError::Untold(_)), "{refused:?}");
        let said = refused.to_string();
        assert!(
            said.contains(told) && said.contains("Nothing was changed here"),
            "{said}"
        );
        assert!(!said.contains('<'), "{said}");
        assert_eq!(home.joined().unwrap().host, HOST, "nothing was changed");
    }
    let last = leaving(&home, false);
    let asked = fake.next("DELETE /agent/v1/enrol").await;
    asked.answer_as("401 Unauthorized", PROBLEM, problem).await;
    let left = last.await.unwrap().unwrap();
    assert!(matches!(left.told, Told::Unknown));
    assert_eq!((left.vms, left.networks, left.others.len()), (0, None, 0));
    assert!(!home.dir().exists());
    assert!(matches!(home.joined(), Err(HomeError::NotJoined(_))));
}

#[tokio::test]
async fn leaving_tells_the_server_first_and_leaves_nothing() {
    let mut fake = Fake::start().await;
    let (_dir, home) = joined(&mut fake).await;
    let running = home.lock().unwrap();
    assert!(
        matches!(leave(&home, true).await, Err(LeaveError::Home(_))),
        "an agent runs"
    );
    drop(running);
    let first = leaving(&home, false);
    let asked = fake.next("DELETE /agent/v1/enrol").await;
    assert!(asked.head.to_lowercase().contains("authorization: bearer hush"));
    asked.answer("500 Internal Server Error", "").await;
    assert!(matches!(first.await.unwrap(), Err(LeaveError::Untold(_))));
    assert_eq!(home.joined().unwrap().host, HOST, "nothing was changed");

    std::fs::create_dir_all(home.dir().join("vms/one")).unwrap();
    let busy = leave(&home, false).await;
    assert!(matches!(busy, Err(LeaveError::Busy { count: 1 })), "{busy:?}");
    std::fs::remove_dir(home.dir().join("vms/one")).unwrap();
    std::fs::write(home.dir().join("mine"), "").unwrap();
    let second = leaving(&home, false);
    fake.next("DELETE /agent/v1/enrol")
        .await
        .answer("204 No Content", "")
        .await;
    let said = second.await.unwrap().unwrap();
    assert!(matches!(said.told, Told::Yes));
    assert_eq!(
        (said.vms, said.networks, said.others),
        (0, None, vec!["mine".into()])
    );
    let left: Vec<_> = std::fs::read_dir(home.dir())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["mine"], "what is not the agent's stays");
}
