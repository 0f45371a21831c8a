//! A real browser, headless, driven like a person drives it: by what is to be read on the page.

use anyhow::{Context, Result, bail, ensure};
use fantoccini::{Client, ClientBuilder, Locator, elements::Element};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use std::{
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A phone, and a desk.
const SIZES: [(&str, u32, u32); 2] = [("phone", 390, 844), ("desktop", 1280, 900)];

/// A browser with one window.
pub struct Browser {
    client: Client,
    driver: Child,
    base: String,
    pictures: PathBuf,
}

impl Browser {
    /// Starts Chromium for the website at `base`. Pictures that are taken go to the folder `pictures`.
    pub async fn start(base: &str, pictures: PathBuf) -> Result<Self> {
        Self::start_at(base, pictures, None).await
    }

    /// The same with settings, and authorities that it trusts, in a home of its own.
    pub async fn start_at(base: &str, pictures: PathBuf, home: Option<PathBuf>) -> Result<Self> {
        std::fs::create_dir_all(&pictures)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}")).env("VMATRIX_IN_WORLD", "1");
        if let Some(home) = home {
            command.env("HOME", home);
        }
        let driver = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("chromedriver")?;
        let options = json!({ "goog:chromeOptions": { "args": [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
            "--disable-background-networking", "--disable-component-update", "--no-first-run", "--lang=en-GB",
        ] } });
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(options.as_object().cloned().unwrap_or_default());
        let mut tries = 0;
        let client = loop {
            match builder.connect(&format!("http://127.0.0.1:{port}")).await {
                Ok(client) => break client,
                Err(error) if tries == 100 => return Err(error).context("chromedriver does not answer"),
                Err(_) => tries += 1,
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        client.set_window_size(1280, 900).await?;
        Ok(Self {
            client,
            driver,
            base: base.to_owned(),
            pictures,
        })
    }

    /// Opens a page of the website by its path, or by its whole address.
    pub async fn open(&self, path: &str) -> Result<()> {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.base)
        };
        Ok(self.client.goto(&url).await?)
    }

    /// Fills the field of that name, after emptying it.
    pub async fn fill(&self, name: &str, text: &str) -> Result<()> {
        let field = self.find(&format!("[name='{name}']:not([type=hidden])")).await?;
        field.clear().await?;
        Ok(field.send_keys(text).await?)
    }

    /// Chooses an entry of the list of that name by its text.
    pub async fn choose(&self, name: &str, text: &str) -> Result<()> {
        let field = self.find(&format!("select[name='{name}']")).await?;
        field
            .select_by_label(text)
            .await
            .with_context(|| format!("no {text:?} in list {name}"))
    }

    /// Clicks the first button or link that reads so.
    pub async fn click(&self, text: &str) -> Result<()> {
        let path = format!(
            "//*[self::button or self::a][normalize-space(.)={}]",
            quoted(text)
        );
        self.press(Locator::XPath(&path), &format!("{text:?} to click"))
            .await
    }

    /// Clicks the first element of that selector.
    pub async fn click_on(&self, selector: &str) -> Result<()> {
        self.press(Locator::Css(selector), selector).await
    }

    async fn press(&self, locator: Locator<'_>, what: &str) -> Result<()> {
        // A page that updates itself, or is just being left, may take away what was found.
        for _ in 0..5 {
            let found = self
                .client
                .wait()
                .at_most(Duration::from_secs(10))
                .for_element(locator)
                .await;
            let Ok(element) = found else {
                bail!("no {what} on a page that reads:\n{}", self.text().await?)
            };
            if element.click().await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        bail!("{what} can not be clicked")
    }

    /// Waits until the page has an element of that selector.
    pub async fn find(&self, selector: &str) -> Result<Element> {
        let wait = self.client.wait().at_most(Duration::from_secs(10));
        match wait.for_element(Locator::Css(selector)).await {
            Ok(element) => Ok(element),
            Err(_) => bail!("no {selector} on a page that reads:\n{}", self.text().await?),
        }
    }

    /// All that is to be read on the page.
    pub async fn text(&self) -> Result<String> {
        self.text_of("body").await
    }

    /// What an element of the page reads, as soon as it is there.
    pub async fn text_of(&self, selector: &str) -> Result<String> {
        self.text_within(selector, Duration::from_secs(10)).await
    }

    /// As [`Browser::text_of`], with another patience.
    pub async fn text_within(&self, selector: &str, patience: Duration) -> Result<String> {
        let script = "const seen = document.querySelector(arguments[0]); return seen && seen.innerText";
        let limit = Instant::now() + patience;
        loop {
            let seen = self.client.execute(script, vec![json!(selector)]).await?;
            if let Some(text) = seen.as_str() {
                return Ok(text.to_owned());
            }
            ensure!(
                Instant::now() < limit,
                "no {selector} on {}",
                self.client.current_url().await?
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Runs a script in the page.
    pub async fn run(&self, script: &str) -> Result<()> {
        Ok(self.client.execute(script, Vec::new()).await.map(drop)?)
    }

    /// The page as it came.
    pub async fn source(&self) -> Result<String> {
        Ok(self.client.source().await?)
    }

    /// The path of the present page.
    pub async fn path(&self) -> Result<String> {
        Ok(self.client.current_url().await?.path().to_owned())
    }

    /// How often the page has been loaded anew is told by a mark that a reload loses.
    pub async fn mark(&self) -> Result<()> {
        self.client
            .execute("window.vmatrixMark = true", Vec::new())
            .await?;
        Ok(())
    }

    /// Whether the page is still the one that was marked.
    pub async fn is_marked(&self) -> Result<bool> {
        Ok(self
            .client
            .execute("return window.vmatrixMark === true", Vec::new())
            .await?
            == true)
    }

    /// Signs in by the form.
    pub async fn sign_in(&self, name: &str, password: &str) -> Result<()> {
        self.open("/sign-in").await?;
        self.fill("user", name).await?;
        self.fill("password", password).await?;
        self.click_on("main form button[type=submit]").await?;
        self.find("form[action='/sign-out']").await.map(drop)
    }

    /// Signs out by the button.
    pub async fn sign_out(&self) -> Result<()> {
        self.click("Sign out").await?;
        self.find("a[href='/sign-in']").await.map(drop)
    }

    /// Takes pictures of the page at phone and desktop width, and checks that nothing sticks out at the side.
    pub async fn picture(&self, name: &str) -> Result<()> {
        for (size, width, height) in SIZES {
            self.client.set_window_size(width, height).await?;
            let overflow =
                "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
            let wide = self
                .client
                .execute(overflow, Vec::new())
                .await?
                .as_i64()
                .unwrap_or(0);
            let height = "return document.documentElement.scrollHeight";
            let tall = self
                .client
                .execute(height, Vec::new())
                .await?
                .as_u64()
                .unwrap_or(900)
                .clamp(600, 6000);
            self.client
                .set_window_size(width, u32::try_from(tall)? + 150)
                .await?;
            let picture = self.client.screenshot().await?;
            std::fs::write(self.pictures.join(format!("{name}-{size}.png")), picture)?;
            ensure!(
                wide <= 0,
                "page {name} sticks out by {wide} pixels at {size} width"
            );
        }
        Ok(self.client.set_window_size(1280, 900).await?)
    }

    /// Ends the browser.
    pub async fn close(mut self) -> Result<()> {
        let closed = self.client.clone().close().await;
        self.driver.kill()?;
        self.driver.wait()?;
        Ok(closed?)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// As a string of XPath.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', ""))
}
