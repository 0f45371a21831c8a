//! People at their browsers.

use super::client;
use reqwest::{Client, Method, Response, header};

/// A browser, as far as cookies go: keeps the one of the last answer.
pub struct Browser {
    client: Client,
    pub url: String,
    pub cookie: Option<String>,
}

impl Browser {
    pub fn new(url: &str) -> Self {
        Self {
            client: client(),
            url: url.to_owned(),
            cookie: None,
        }
    }

    pub async fn send(&mut self, method: Method, path: &str, form: &[(&str, &str)]) -> Response {
        let mut request = self.client.request(method.clone(), format!("{}{path}", self.url));
        if method == Method::POST {
            let body = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(form)
                .finish();
            request = request
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(body);
            request = request.header("sec-fetch-site", "same-origin");
        }
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let response = request.send().await.unwrap();
        if let Some(set) = response.headers().get(header::SET_COOKIE) {
            self.cookie = set.to_str().unwrap().split(';').next().map(str::to_owned);
        }
        response
    }

    pub async fn get(&mut self, path: &str) -> Response {
        self.send(Method::GET, path, &[]).await
    }

    pub async fn sign_in(&mut self, name: &str, password: &str) -> Response {
        self.send(
            Method::POST,
            "/sign-in",
            &[("user", name), ("password", password)],
        )
        .await
    }
}
