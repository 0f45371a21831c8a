//! Pushing snapshots, and what becomes bookable by it.
#![allow(clippy::unwrap_used)]

mod common;

use common::{digest, manifest, openarena, publish, put_chunk, put_manifest, report, send, world};
use reqwest::Method;
use serde_json::json;
use vmatrix_web::store::hosts;
use vmatrix_wire::Manifest;

#[tokio::test]
async fn a_corrupt_chunk_is_refused_with_both_digests() {
    let world = world().await;
    let operator = world.operator().await;
    let (right, wrong) = (digest(b"right"), digest(b"wrong"));
    let answer = put_chunk(
        &world,
        &operator,
        right,
        zstd::encode_all(&b"wrong"[..], 1).unwrap(),
    )
    .await;
    assert_eq!(answer.refused_fields(), ["chunk"]);
    assert!(
        answer.text.contains(&right.to_string()) && answer.text.contains(&wrong.to_string()),
        "{}",
        answer.text
    );
    let missing = world
        .post(&operator, "/nest/missing", json!({"chunks": [right, wrong]}))
        .await
        .expect(200);
    assert_eq!(missing, json!({"missing": [right, wrong]}));
}

#[tokio::test]
async fn a_chunk_that_the_disk_spoilt_is_asked_for_again_by_the_next_push() {
    let world = world().await;
    let operator = world.operator().await;
    let chunk = b"memory";
    let manifest = manifest("openarena", openarena(), chunk);
    publish(&world, &operator, &manifest, chunk).await.expect(201);
    let agent = world.host("mad-1").await;
    let name = digest(chunk).to_string();
    let fetched = async || {
        send(world.agent(&agent, Method::GET, &format!("/chunks/{name}")))
            .await
            .text
    };
    let whole = fetched().await;
    let (first, file) = (&name[..2], format!("{name}.zst"));
    let path = world.dir.path().join("nest/chunks").join(first).join(file);
    std::fs::write(&path, "rotten").unwrap();
    assert_eq!(fetched().await, "rotten");

    let missing = async || {
        let asked = json!({ "chunks": [name] });
        world.post(&operator, "/nest/missing", asked).await.expect(200)
    };
    assert_eq!(missing().await, json!({ "missing": [name] }));
    publish(&world, &operator, &manifest, chunk).await.expect(201);
    assert_eq!(missing().await, json!({ "missing": [] }));
    assert_eq!(fetched().await, whole);
}

#[tokio::test]
async fn a_chunk_that_is_no_zstd_or_too_large_is_refused() {
    let world = world().await;
    let operator = world.operator().await;
    let name = digest(b"x");
    assert_eq!(
        put_chunk(&world, &operator, name, b"x".to_vec())
            .await
            .refused_fields(),
        ["chunk"]
    );
    let bomb = zstd::encode_all(&vec![0; Manifest::CHUNK as usize + 1][..], 1).unwrap();
    assert_eq!(
        put_chunk(&world, &operator, name, bomb).await.refused_fields(),
        ["chunk"]
    );
    assert_eq!(
        put_chunk(&world, &operator, name, vec![0; 2 << 20]).await.status,
        413
    );
}

#[tokio::test]
async fn a_snapshot_is_published_when_all_its_chunks_are_there() {
    let world = world().await;
    let operator = world.operator().await;
    let chunk = b"memory";
    let manifest = manifest("openarena", openarena(), chunk);
    let bytes = serde_json::to_vec(&manifest).unwrap();
    let early = put_manifest(&world, &operator, digest(&bytes), bytes.clone()).await;
    assert_eq!(early.status, 409, "{}", early.text);
    assert!(early.text.contains(&digest(chunk).to_string()), "{}", early.text);
    let published = publish(&world, &operator, &manifest, chunk).await.expect(201);
    assert_eq!(published["snapshot"], digest(&bytes).to_string());
    // Twice is once.
    publish(&world, &operator, &manifest, chunk).await.expect(201);
    let images = world.get(&operator, "/images").await;
    assert!(!images.text.contains("frozen-rcon-password"), "{}", images.text);
    let images = images.expect(200);
    assert_eq!(images.as_array().unwrap().len(), 1);
    assert_eq!(
        (&images[0]["name"], &images[0]["kind"]),
        (&json!("openarena"), &json!("game"))
    );

    let agent = world.host("mad-1").await;
    let got = send(world.agent(&agent, Method::GET, &format!("/manifests/{}", digest(&bytes)))).await;
    assert_eq!(got.text.as_bytes(), bytes);
}

#[tokio::test]
async fn a_manifest_that_is_not_what_its_name_says_is_refused() {
    let world = world().await;
    let operator = world.operator().await;
    let mut short = manifest("openarena", openarena(), b"memory");
    short.files.pop();
    for bytes in [
        b"{}".to_vec(),
        b"\xff".to_vec(),
        serde_json::to_vec(&short).unwrap(),
    ] {
        let answer = put_manifest(&world, &operator, digest(&bytes), bytes.clone()).await;
        assert_eq!(answer.refused_fields(), ["manifest"]);
        let renamed = put_manifest(&world, &operator, digest(b"other"), bytes.clone()).await;
        assert!(
            renamed.text.contains(&digest(&bytes).to_string()),
            "{}",
            renamed.text
        );
    }
    assert_eq!(world.get(&operator, "/images").await.expect(200), json!([]));
}

#[tokio::test]
async fn a_service_takes_a_slot_and_gives_its_name_back() {
    let world = world().await;
    let operator = world.operator().await;
    let agent = world.host("mad-1").await;
    publish(&world, &operator, &manifest("wiki", None, b"wiki"), b"wiki")
        .await
        .expect(201);
    publish(
        &world,
        &operator,
        &manifest("openarena", openarena(), b"game"),
        b"game",
    )
    .await
    .expect(201);
    let put = async |name: &str, image: &str, host: &str| {
        world
            .post(
                &operator,
                "/services",
                json!({"name": name, "image": image, "host": host}),
            )
            .await
    };
    assert_eq!(
        put("wiki", "openarena", "mad-1").await.refused_fields(),
        ["image"]
    );
    assert_eq!(put("wiki", "wiki", "mad-2").await.refused_fields(), ["host"]);
    let early = put("wiki", "wiki", "mad-1").await;
    assert_eq!(early.status, 409, "{}", early.text);
    assert!(
        early
            .text
            .contains("host mad-1 cannot run wiki: its agent has not reported yet"),
        "{}",
        early.text
    );
    send(world.agent(&agent, Method::POST, "/report").json(&report(1, 1)))
        .await
        .expect(200);
    let mut tx = world.app.db.begin().await.unwrap();
    let host = hosts::list(&mut tx).await.unwrap().remove(0).host.id;
    hosts::set_reached(
        &mut tx,
        host,
        vmatrix_web::domain::Onlooker::Server,
        world.app.now(),
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let service = put("wiki", "wiki", "mad-1").await.expect(201);
    assert_eq!(
        (&service["goal"], &service["host"]),
        (&json!("open"), &json!("mad-1"))
    );
    let full = put("wiki two", "wiki", "mad-1").await;
    assert_eq!(full.status, 409, "{}", full.text);
    assert!(full.text.contains("mad-1"), "{}", full.text);
    assert_eq!(put("wiki", "wiki", "mad-1").await.refused_fields(), ["name"]);

    let one = format!("/services/{}", service["id"].as_str().unwrap());
    for (verb, goal) in [
        ("suspend", "suspended"),
        ("suspend", "suspended"),
        ("wake", "open"),
    ] {
        let answer = world
            .api(&operator, Method::POST, &format!("{one}/{verb}"), None)
            .await;
        assert_eq!(answer.expect(200)["goal"], goal);
    }
    world.api(&operator, Method::DELETE, &one, None).await.expect(204);
    assert_eq!(world.get(&operator, &one).await.status, 404);
    assert_eq!(world.get(&operator, "/services").await.expect(200), json!([]));
}
