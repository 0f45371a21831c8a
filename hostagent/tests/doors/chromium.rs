//! Debian's Chromium, headless, measures by the scripts that players get.

use super::house::{House, TICKET};
use super::page::Website;
use super::relay::{relay, truth};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const DELAY: Duration = Duration::from_millis(20);
const ERROR_MS: f64 = 3.0;

struct Chromium {
    client: Client,
    driver: Child,
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

impl Chromium {
    /// `None` where it is not installed.
    async fn start() -> Option<Self> {
        let port = super::house::free_port();
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}"));
        let spawned = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let browser = Command::new("chromium").arg("--version").output();
        let (Ok(driver), Ok(_)) = (spawned, browser) else {
            println!("skipped: Chromium is not installed (chromium, chromium-driver)");
            return None;
        };
        let options = json!({ "goog:chromeOptions": { "args": [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--disable-background-networking", "--disable-component-update", "--no-first-run",
        ] }, "timeouts": { "script": 120_000 } });
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(options.as_object().unwrap().clone());
        for _ in 0..200 {
            if let Ok(client) = builder.connect(&format!("http://127.0.0.1:{port}")).await {
                return Some(Self { client, driver });
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("chromedriver does not answer");
    }

    async fn close(self) {
        self.client.clone().close().await.unwrap();
    }

    /// What one of the scripts' functions comes back with.
    async fn call(&self, function: &str, arguments: Value) -> Value {
        let script = format!(
            "const done = arguments[1]; {function}(...arguments[0]).then(done, (error) => done({{ error: String(error) }}));"
        );
        self.client.execute_async(&script, vec![arguments]).await.unwrap()
    }

    async fn text_when(&self, selector: &str, is: impl Fn(&str) -> bool) -> String {
        for _ in 0..600 {
            let script = "return document.querySelector(arguments[0])?.innerText ?? ''";
            let text = self.client.execute(script, vec![json!(selector)]).await.unwrap();
            let text = text.as_str().unwrap_or_default();
            if is(text) {
                return text.to_owned();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!(
            "{selector} does not read as it should: {}",
            self.client.source().await.unwrap()
        );
    }
}

/// The house as the server describes it, seen through relays.
fn host(house: &House) -> Value {
    let mut doors = serde_json::to_value(&house.open).unwrap();
    doors["webtransport"]["port"] = json!(relay(house.webtransport(), DELAY).port());
    doors["webrtc"]["port"] = json!(relay(house.webrtc(), DELAY).port());
    json!({ "id": "1", "name": "prague", "address": "127.0.0.1", "doors": doors })
}

fn min_ms(measured: &Value) -> f64 {
    let times = measured["rttsUs"].as_array().unwrap();
    times
        .iter()
        .map(|time| time.as_f64().unwrap() / 1_000.0)
        .fold(f64::INFINITY, f64::min)
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_measures_by_webtransport_and_by_webrtc_what_the_line_takes() {
    let Some(chromium) = Chromium::start().await else {
        return;
    };
    let house = House::open().await;
    let host = host(&house);
    let truth = tokio::task::spawn_blocking(|| truth(DELAY))
        .await
        .unwrap()
        .as_secs_f64()
        * 1_000.0;
    assert!(truth >= 40.0);
    let website = Website::start(json!({})).await;
    chromium.client.goto(&website.base).await.unwrap();
    for way in ["webtransport", "webrtc"] {
        let measured = chromium
            .call("measureHost", json!([host, TICKET, { "ways": [way] }]))
            .await;
        assert_eq!(measured["way"], way, "{measured}");
        assert_eq!(measured["sent"], 15, "{measured}");
        assert!(measured["rttsUs"].as_array().unwrap().len() >= 10, "{measured}");
        let error = min_ms(&measured) - truth;
        println!(
            "{way}: {:.2} ms, truth {truth:.2} ms, error {error:+.2} ms",
            min_ms(&measured)
        );
        assert!(error.abs() <= ERROR_MS, "{way}: {measured}, truth {truth} ms");
    }
    chromium.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_ticket_the_script_says_what_it_has_tried() {
    let Some(chromium) = Chromium::start().await else {
        return;
    };
    let house = House::open().await;
    house.admit(&[]);
    let website = Website::start(json!({})).await;
    chromium.client.goto(&website.base).await.unwrap();
    let measured = chromium.call("measureHost", json!([host(&house), TICKET])).await;
    assert_eq!(
        (&measured["way"], &measured["rttsUs"]),
        (&Value::Null, &json!([])),
        "{measured}"
    );
    let tried: Vec<&Value> = measured["tried"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["way"])
        .collect();
    // By wss to a port that speaks no TLS there is no door, either.
    assert_eq!(tried, ["webtransport", "webrtc", "websocket"], "{measured}");
    chromium.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_an_invite_link_measures_and_joins_and_says_what_is_wrong() {
    let Some(chromium) = Chromium::start().await else {
        return;
    };
    let house = House::open().await;
    let mut second = host(&house);
    second["id"] = json!("2");
    second["name"] = json!("nowhere");
    second["doors"] = json!({});
    let website = Website::start(json!({
        "nonce": "n", "ticket": TICKET, "samples": 15, "warm_up": 3, "interval_ms": 20, "hosts": [host(&house), second],
    }))
    .await;
    chromium
        .client
        .goto(&format!("{}/play", website.base))
        .await
        .unwrap();
    let name = chromium.client.find(Locator::Css("[name=name]")).await.unwrap();
    name.clear().await.unwrap();
    name.send_keys("taken").await.unwrap();
    chromium
        .client
        .find(Locator::Css("button"))
        .await
        .unwrap()
        .click()
        .await
        .unwrap();
    chromium
        .text_when("#progress", |text| text == "name: \"taken\" is taken")
        .await;
    name.clear().await.unwrap();
    name.send_keys("mowgli").await.unwrap();
    chromium
        .client
        .find(Locator::Css("[name=may_ping]"))
        .await
        .unwrap()
        .click()
        .await
        .unwrap();
    chromium
        .client
        .find(Locator::Css("button"))
        .await
        .unwrap()
        .click()
        .await
        .unwrap();
    let joined = chromium.text_when("#joined", |text| !text.is_empty()).await;
    assert!(
        joined.starts_with("mowgli has joined, measured to 1 of 2 hosts"),
        "{joined}"
    );
    let lines = chromium
        .text_when("#hosts", |text| text.contains("nowhere"))
        .await;
    assert!(
        lines.contains("prague: 4") && lines.contains("by WebTransport"),
        "{lines}"
    );
    assert!(lines.contains("nowhere: could not be measured"), "{lines}");
    let result = website.result.lock().unwrap().take().unwrap();
    assert_eq!(
        (&result["nonce"], &result["via"], &result["may_ping"]),
        (&json!("n"), &json!("browser"), &json!(true))
    );
    let hosts = result["hosts"].as_array().unwrap();
    assert_eq!(hosts.len(), 1);
    assert_eq!(
        (&hosts[0]["id"], &hosts[0]["way"], &hosts[0]["sent"]),
        (&json!("1"), &json!("webtransport"), &json!(15))
    );
    assert!(hosts[0]["rtts_us"].as_array().unwrap().len() >= 10);
    chromium.close().await;
}
