//! A real server on a port of its own over SQLite, and people as its clients.
#![allow(dead_code, unused_imports, clippy::unwrap_used)]

pub mod browser;
pub mod evening;
mod nest;
pub mod program;
pub mod scripted;

pub use nest::{digest, manifest, openarena, publish, publish_game, put_chunk, put_manifest};

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use sqlx::Connection;
use std::{net::SocketAddr, time::Duration};
use vmatrix_web::{
    actions::{clans, links, tokens, users},
    app::{App, Settings},
    domain::{ClanId, Name, Role},
    resolve::Resolver,
    server::{self, Edge},
    store::Db,
};
use vmatrix_wire::Secret;

/// A server that runs until it is dropped. Its Oracle does not run: nothing happens by itself.
pub struct World {
    pub app: App,
    pub url: String,
    pub dir: tempfile::TempDir,
    pub line: Line,
    serving: tokio::task::JoinHandle<()>,
}

/// A way to a server.
#[derive(Clone)]
pub struct Line {
    pub url: String,
    client: reqwest::Client,
}

impl Line {
    pub fn to(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            client: client(),
        }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub async fn api(&self, person: &Person, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = self
            .request(method, &format!("/api/v1{path}"))
            .bearer_auth(&person.token);
        send(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    pub async fn enrol(&self, body: &Value) -> Answer {
        send(self.request(Method::POST, "/agent/v1/enrol").json(body)).await
    }

    pub fn agent(&self, agent: &Person, method: Method, path: &str) -> RequestBuilder {
        self.request(method, &format!("/agent/v1{path}"))
            .bearer_auth(&agent.token)
            .header("x-vmatrix-protocol", vmatrix_wire::PROTOCOL)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub kind: String,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The body, if the status is this one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        if self.text.is_empty() {
            Value::Null
        } else {
            self.json()
        }
    }

    /// The fields that a problem names.
    #[track_caller]
    pub fn refused_fields(&self) -> Vec<String> {
        assert_eq!(self.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", self.text);
        let errors = self.json()["errors"].as_array().cloned().unwrap_or_default();
        errors
            .iter()
            .map(|error| error["field"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// Somebody with a token of the API.
#[derive(Clone)]
pub struct Person {
    token: String,
}

pub async fn world() -> World {
    world_with(Settings {
        allow_private_addresses: true,
        trust_captains: true,
        ..Settings::default()
    })
    .await
}

pub async fn world_with(settings: Settings) -> World {
    world_on(settings, None).await
}

/// A new PostgreSQL database, if there is a server: `VMATRIX_TEST_POSTGRES` names it.
pub async fn postgres() -> Option<String> {
    let Ok(server) = std::env::var("VMATRIX_TEST_POSTGRES") else {
        eprintln!("skipped on PostgreSQL: VMATRIX_TEST_POSTGRES is not set (./run test sets it)");
        return None;
    };
    let name = format!("vmx_{}", uuid::Uuid::now_v7().simple());
    let mut admin = sqlx::PgConnection::connect(&server).await.unwrap();
    let create = sqlx::AssertSqlSafe(format!("create database {name}"));
    sqlx::query(create).execute(&mut admin).await.unwrap();
    let mut url = url::Url::parse(&server).unwrap();
    url.set_path(&name);
    Some(url.into())
}

/// On this database, or on SQLite.
pub async fn world_on(settings: Settings, database: Option<String>) -> World {
    let dir = tempfile::tempdir().unwrap();
    let file = || format!("sqlite:{}", dir.path().join("test.db").display());
    let db = Db::open(&database.unwrap_or_else(file)).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let resolver = Resolver::system(settings.allow_private_addresses);
    let settings = Settings {
        data: dir.path().to_owned(),
        public_url: url.clone(),
        ..settings
    };
    let app = App::new(db, settings, resolver);
    app.nest.prepare().unwrap();
    let served = app.clone();
    let serving = tokio::spawn(async move {
        server::serve(served, Edge::default(), listener, None, std::future::pending())
            .await
            .unwrap();
    });
    World {
        line: Line::to(&url),
        app,
        url,
        dir,
        serving,
    }
}

/// A client that follows no redirect and keeps no connection to a server that may be gone.
pub fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(0)
        .timeout(Duration::from_secs(60))
        .build()
        .unwrap()
}

impl World {
    pub fn address(&self) -> SocketAddr {
        self.url.strip_prefix("http://").unwrap().parse().unwrap()
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.line.request(method, path)
    }

    /// A user of this role, by a token.
    pub async fn person(&self, name: &str, role: Role) -> Person {
        let name: Name = name.parse().unwrap();
        users::add_user(&self.app, name.clone(), role).await.unwrap();
        let token = tokens::create_token_for(&self.app, name.as_str(), &name)
            .await
            .unwrap();
        Person {
            token: token.reveal().to_owned(),
        }
    }

    pub async fn operator(&self) -> Person {
        self.person("olga", Role::Operator).await
    }

    pub async fn clan(&self, name: &str) -> ClanId {
        clans::add_clan(&self.app, name.parse().unwrap())
            .await
            .unwrap()
            .id
    }

    /// A clan and its admin.
    pub async fn clan_with_admin(&self, name: &str) -> (ClanId, Person) {
        let clan = self.clan(name).await;
        (
            clan,
            self.person(&format!("admin of {name}"), Role::ClanAdmin(clan))
                .await,
        )
    }

    pub async fn api(&self, person: &Person, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.line.api(person, method, path, body).await
    }

    pub async fn get(&self, person: &Person, path: &str) -> Answer {
        self.api(person, Method::GET, path, None).await
    }

    pub async fn post(&self, person: &Person, path: &str, body: Value) -> Answer {
        self.api(person, Method::POST, path, Some(body)).await
    }

    pub async fn join_token(&self) -> Secret {
        links::add_join_token(&self.app).await.unwrap()
    }

    /// A host of this name and its agent's secret.
    pub async fn host(&self, name: &str) -> Person {
        let token = self.join_token().await;
        let answer = self.enrol(&enrolment(name, &token)).await.expect(201);
        Person {
            token: answer["secret"].as_str().unwrap().to_owned(),
        }
    }

    pub async fn enrol(&self, body: &Value) -> Answer {
        self.line.enrol(body).await
    }

    pub fn agent(&self, agent: &Person, method: Method, path: &str) -> RequestBuilder {
        self.line.agent(agent, method, path)
    }
}

impl Person {
    pub fn with_token(token: &str) -> Self {
        Self {
            token: token.to_owned(),
        }
    }

    pub fn token(&self) -> &str {
        &self.token
    }
}

pub async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let kind = response
        .headers()
        .get("content-type")
        .map(|kind| kind.to_str().unwrap().to_owned());
    Answer {
        status: response.status(),
        kind: kind.unwrap_or_default(),
        text: response.text().await.unwrap(),
    }
}

pub fn facts() -> Value {
    json!({
        "agent_version": "0.1.0", "cores": 4, "memory_mb": 8192, "disk_free_mb": 50000, "cpu_model": "Test CPU",
        "vmm": {"name": "qemu", "version": "10.0.2"}, "accelerator": "tcg", "network": "tap", "doors": {}
    })
}

pub fn enrolment(name: &str, token: &Secret) -> Value {
    json!({
        "protocol": vmatrix_wire::PROTOCOL, "token": token.reveal(), "name": name, "site": "Madrid", "public_address": "10.77.0.1",
        "ports": "27960-27963", "slots": 1, "role": "production", "facts": facts()
    })
}

pub fn report(incarnation: u64, sequence: u64) -> Value {
    json!({
        "protocol": vmatrix_wire::PROTOCOL, "incarnation": incarnation, "sequence": sequence, "generation": 1, "facts": facts(),
        "vms": [], "probes": [], "lookouts": []
    })
}
