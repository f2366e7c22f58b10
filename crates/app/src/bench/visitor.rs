//! Someone who visits the pages over a real socket: signed in as a browser, or a program with a token.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, SET_COOKIE};
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// What a visitor shows at the door.
#[derive(Debug, Clone)]
enum Pass {
    None,
    Token(String),
    Session(String),
}

/// A visitor with a connection of their own.
#[derive(Debug)]
pub(crate) struct Visitor {
    client: Client<HttpConnector, Full<Bytes>>,
    pages: SocketAddr,
    pass: Pass,
}

/// A page that goes on telling.
#[derive(Debug)]
pub(crate) struct Stream {
    _visitor: Visitor,
    _body: Incoming,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    cookies: Vec<String>,
    pub(crate) body: Bytes,
    /// From the request's first byte to the answer's last.
    pub(crate) took: Duration,
}

impl Visitor {
    /// Returns a program that asks with a token.
    pub(crate) fn with_token(pages: SocketAddr, token: &str) -> Self {
        Self::new(pages, Pass::Token(token.to_owned()))
    }

    /// Returns a person who has signed in.
    pub(crate) async fn signed_in(pages: SocketAddr, login: &str, password: &str) -> Result<Self> {
        let mut visitor = Self::new(pages, Pass::None);
        let form = format!("login={login}&password={password}");
        let kind = "application/x-www-form-urlencoded";
        let answer = visitor.ask(Method::POST, "/sign-in", (kind, form.into())).await?;
        if answer.status != StatusCode::SEE_OTHER {
            bail!("signing in was answered {}", answer.status);
        }
        visitor.pass = Pass::Session(answer.cookies.join("; "));
        Ok(visitor)
    }

    fn new(pages: SocketAddr, pass: Pass) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { client, pages, pass }
    }

    /// Opens a page.
    pub(crate) async fn get(&self, path: &str) -> Result<Answer> {
        self.ask(Method::GET, path, ("", Bytes::new())).await
    }

    /// Sends something to an address.
    pub(crate) async fn post(&self, path: &str, kind: &str, body: Bytes) -> Result<Answer> {
        self.ask(Method::POST, path, (kind, body)).await
    }

    /// Returns what the API tells of an address.
    pub(crate) async fn read(&self, path: &str) -> Result<Value> {
        let answer = self.get(path).await?;
        if answer.status != StatusCode::OK {
            bail!("{path} was answered {}: {}", answer.status, answer.text());
        }
        serde_json::from_slice(&answer.body).with_context(|| format!("reading {path}"))
    }

    /// Opens a page that goes on telling; it stays open as long as what is returned is kept.
    pub(crate) async fn listen(self, path: &str) -> Result<Stream> {
        let request = self.request(Method::GET, path, ("", Bytes::new()))?;
        let answer = self.client.request(request).await.with_context(|| path.to_owned())?;
        if answer.status() != StatusCode::OK {
            bail!("{path} was answered {}", answer.status());
        }
        Ok(Stream { _visitor: self, _body: answer.into_body() })
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        (kind, body): (&str, Bytes),
    ) -> Result<Request<Full<Bytes>>> {
        let uri = format!("http://{}{path}", self.pages);
        let mut request = Request::builder().method(method).uri(uri);
        if !kind.is_empty() {
            request = request.header(CONTENT_TYPE, kind);
        }
        request = match &self.pass {
            Pass::None => request,
            Pass::Token(token) => request
                .header(AUTHORIZATION, format!("Bearer {token}"))
                .header(ACCEPT, "application/json"),
            Pass::Session(cookies) => request.header(COOKIE, cookies).header(ACCEPT, "text/html"),
        };
        request.body(Full::new(body)).context("making a request")
    }

    async fn ask(&self, method: Method, path: &str, (kind, body): (&str, Bytes)) -> Result<Answer> {
        let request = self.request(method, path, (kind, body))?;
        let began = Instant::now();
        let answer = self.client.request(request).await.with_context(|| path.to_owned())?;
        let cookies = answer.headers().get_all(SET_COOKIE).iter();
        let pair = |value: &str| value.split(';').next().unwrap_or_default().to_owned();
        let cookies = cookies.filter_map(|value| value.to_str().ok()).map(pair).collect();
        let status = answer.status();
        let body = answer.into_body().collect().await.with_context(|| path.to_owned())?.to_bytes();
        Ok(Answer { status, cookies, body, took: began.elapsed() })
    }
}

impl Answer {
    /// Returns the beginning of what was said, for a message.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).chars().take(300).collect()
    }
}
