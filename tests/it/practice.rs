//! A practice tenant on a free port, a clock moved by hand, a server that answers what it is told.

use std::collections::VecDeque;
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use muster::clock::{Clock, SystemClock};
use muster::model::{
    Anchor, Attributes, Change, ChangeKind, Generation, JobId, MatchKeys, Name, ObjectId, Part, TargetId, Timestamp,
    Value,
};
use muster::sandbox::{Sandbox, SandboxSettings};
use muster::writer::graph::{GraphSettings, GraphWriter, WriteBudget};
use muster::writer::{Errand, Search};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use url::Url;

pub(crate) const TENANT: &str = "7d3f0c8e-6f0e-4a67-9a4b-2f1f3c5d7e90";
pub(crate) const CLIENT: &str = "practice-app";
pub(crate) const SECRET: &str = "a+secret&with=signs";

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub(crate) struct HandClock(AtomicI64);

impl HandClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(1_767_225_600_000)))
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.0.fetch_add(time.as_millis().try_into().unwrap(), Ordering::SeqCst);
    }

    pub(crate) fn jump_back(&self, time: Duration) {
        self.0.fetch_sub(time.as_millis().try_into().unwrap(), Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// A practice tenant that is served until this is dropped.
pub(crate) struct Practice {
    pub(crate) sandbox: Sandbox,
    pub(crate) clock: Arc<HandClock>,
    pub(crate) address: String,
    handle: ServerHandle,
}

impl Practice {
    pub(crate) fn start() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut SandboxSettings)) -> Self {
        let clock = HandClock::new();
        Self::by(clock.clone(), clock, change, None)
    }

    /// The tenant goes by the machine's clock: what it asks to be waited for passes by itself.
    pub(crate) fn on_the_real_clock(change: impl FnOnce(&mut SandboxSettings)) -> Self {
        Self::by(Arc::new(SystemClock), HandClock::new(), change, None)
    }

    /// Kept in a file.
    pub(crate) fn kept(file: &Path) -> Self {
        let clock = HandClock::new();
        Self::by(clock.clone(), clock, |_| {}, Some(file))
    }

    fn by(
        tenants: Arc<dyn Clock>,
        clock: Arc<HandClock>,
        change: impl FnOnce(&mut SandboxSettings),
        file: Option<&Path>,
    ) -> Self {
        install_tls();
        let mut settings = SandboxSettings {
            tenant: TENANT.to_owned(),
            domains: vec!["contoso.example".to_owned()],
            client_id: CLIENT.to_owned(),
            client_secret: SECRET.into(),
            users: Vec::new(),
            throttle: None,
            latency: None,
        };
        change(&mut settings);
        let sandbox = match file {
            Some(file) => Sandbox::kept(settings, tenants, file).unwrap(),
            None => Sandbox::new(settings, tenants).unwrap(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (server, handle) = sandbox.serve(listener).unwrap();
        tokio::spawn(server);
        Self { sandbox, clock, address, handle }
    }

    pub(crate) fn writer(&self) -> GraphWriter {
        writer(&self.address, &self.clock, Duration::from_secs(10))
    }
}

impl Drop for Practice {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

pub(crate) fn install_tls() {
    // Only the first of the tests does it.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

pub(crate) fn settings(address: &str, timeout: Duration) -> GraphSettings {
    GraphSettings {
        base_url: Url::parse(&format!("{address}/v1.0")).unwrap(),
        authority: Url::parse(address).unwrap(),
        tenant: TENANT.to_owned(),
        client_id: CLIENT.to_owned(),
        client_secret: SECRET.into(),
        timeout,
        extra_ca: None,
        budget: WriteBudget::default(),
    }
}

/// An answer to a batch: its parts as they are.
pub(crate) fn batch_answer(parts: &[&str]) -> Act {
    let body = format!(r#"{{"responses": [{}]}}"#, parts.join(", "));
    Act::Answer(200, "", Box::leak(body.into_boxed_str()))
}

/// Nobody is there, and nobody in the bin.
pub(crate) fn nobody() -> Act {
    batch_answer(&[
        r#"{"id": "2", "status": 200, "body": {"value": []}}"#,
        r#"{"id": "1", "status": 200, "body": {"value": []}}"#,
    ])
}

pub(crate) fn writer(address: &str, clock: &Arc<HandClock>, timeout: Duration) -> GraphWriter {
    install_tls();
    GraphWriter::new(&settings(address, timeout), clock.clone()).unwrap()
}

/// What a [`Scripted`] server does with one request to Graph.
pub(crate) enum Act {
    /// Answers status, extra header lines and body.
    Answer(u16, &'static str, &'static str),
    /// Reads the request and hangs up.
    HangUp,
    /// Reads the request and says nothing.
    Silence,
}

/// A server that gives tokens, and otherwise does what it is told, in order; then 500.
pub(crate) struct Scripted {
    pub(crate) address: String,
    /// The requests that reached Graph, head and body.
    pub(crate) seen: Arc<Mutex<Vec<String>>>,
    /// How many tokens it has given.
    pub(crate) tokens: Arc<AtomicU32>,
    acts: Arc<Mutex<VecDeque<Act>>>,
}

impl Scripted {
    pub(crate) async fn start(acts: impl IntoIterator<Item = Act>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let acts = Arc::new(Mutex::new(acts.into_iter().collect::<VecDeque<_>>()));
        let tokens = Arc::new(AtomicU32::new(0));
        let (log, given, to_do) = (seen.clone(), tokens.clone(), acts.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, to_do.clone(), log.clone(), given.clone()));
            }
        });
        Self { address, seen, tokens, acts }
    }

    /// What it does after that: for answers that say where it is.
    pub(crate) fn then(&self, acts: impl IntoIterator<Item = Act>) {
        self.acts.lock().unwrap().extend(acts);
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

async fn converse(
    mut stream: tokio::net::TcpStream,
    acts: Arc<Mutex<VecDeque<Act>>>,
    seen: Arc<Mutex<Vec<String>>>,
    tokens: Arc<AtomicU32>,
) {
    let request = read_request(&mut stream).await;
    let act = if request.starts_with(&format!("POST /{TENANT}/oauth2/v2.0/token ")) {
        tokens.fetch_add(1, Ordering::SeqCst);
        let token = r#"{"token_type": "Bearer", "expires_in": 3599, "access_token": "the-bearer-token"}"#;
        Act::Answer(200, "", token)
    } else {
        seen.lock().unwrap().push(request);
        acts.lock().unwrap().pop_front().unwrap_or(Act::Answer(500, "", ""))
    };
    match act {
        Act::Answer(status, headers, body) => {
            let head =
                format!("HTTP/1.1 {status} X\r\n{headers}content-type: application/json\r\nconnection: close\r\n");
            let answer = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        Act::HangUp => {}
        Act::Silence => tokio::time::sleep(Duration::from_secs(60)).await,
    }
}

async fn read_request(stream: &mut tokio::net::TcpStream) -> String {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .to_lowercase()
                .split_once("content-length: ")
                .map_or(0, |(_, rest)| rest.split("\r\n").next().unwrap().trim().parse().unwrap());
            if body.len() >= length {
                return text;
            }
        }
        match stream.read(&mut buffer).await.unwrap() {
            0 => return text,
            read => text.push_str(std::str::from_utf8(&buffer[..read]).unwrap()),
        }
    }
}

pub(crate) fn attributes(pairs: &[(&str, &str)]) -> Attributes {
    pairs.iter().map(|(name, value)| (Name::new(name), Value::text(*value))).collect()
}

pub(crate) fn names(names: &[&str]) -> Vec<Name> {
    names.iter().map(|name| Name::new(name)).collect()
}

/// A change of that kind to `object`, as far as texts can say it.
pub(crate) fn change(kind: ChangeKind, object: Option<&ObjectId>, set: &[(&str, &str)], clear: &[&str]) -> Change {
    Change {
        kind,
        object: object.cloned(),
        set: attributes(set),
        clear: names(clear),
        container: None,
        before: Attributes::new(),
        container_before: None,
    }
}

pub(crate) fn by_keys(keys: &[(&str, &str)], read: &[&str]) -> Search {
    let keys = keys.iter().map(|(name, value)| (Name::new(name), (*value).to_owned())).collect();
    Search { object: None, keys: MatchKeys(keys), attributes: names(read), again: false }
}

pub(crate) fn by_object(object: &ObjectId, read: &[&str]) -> Search {
    Search { object: Some(object.clone()), keys: MatchKeys::default(), attributes: names(read), again: false }
}

/// On somebody's behalf; a target that can be asked has no use for it.
pub(crate) fn errand() -> Errand<'static> {
    static WHOSE: LazyLock<(JobId, Anchor, TargetId)> =
        LazyLock::new(|| (JobId::new("hr"), Anchor::parse("701984").unwrap(), TargetId::new("entra")));
    let (job, anchor, target) = &*WHOSE;
    Errand {
        job,
        anchor,
        target,
        generation: Generation(1),
        sequence: 1,
        part: Part::Account,
        again: false,
        begin_before: None,
    }
}
