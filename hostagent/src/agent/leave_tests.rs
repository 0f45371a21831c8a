//! Leaving, against a server on the loopback.

use super::super::super::{LeaveError, Told, join, leave};
use super::*;

#[tokio::test]
async fn leaving_tells_the_server_first_and_leaves_nothing() {
    let (mut fake, (_dir, home)) = (Fake::start().await, home());
    let wanted = request(&fake);
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

    let running = home.lock().unwrap();
    assert!(
        matches!(leave(&home, true).await, Err(LeaveError::Home(_))),
        "an agent runs"
    );
    drop(running);
    let leaving = |force| {
        let home = home.clone();
        tokio::spawn(async move { leave(&home, force).await })
    };
    let first = leaving(false);
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
    let second = leaving(false);
    fake.next("DELETE /agent/v1/enrol")
        .await
        .answer("204 No Content", "")
        .await;
    assert!(matches!(second.await.unwrap(), Ok((_, Told::Yes))));
    let left: Vec<_> = std::fs::read_dir(home.dir())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["mine"], "what is not the agent's stays");
}
