//! The same work through an agent whose writer takes no time: over the embedded queue, and over NATS JetStream.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use muster::api::{self, ApiSettings, Role};
use muster::app::{ActiveTarget, App, Hands, LeaseTimes};
use muster::clock::{Clock as _, SystemClock};
use muster::config;
use muster::model::TargetId;
use muster::pipeline::agent::{Agent, AgentSettings, Carrier};
use muster::pipeline::ingest::{BulkUpload, IngestLimits, ingest};
use muster::pipeline::schedule::Shutdown;
use muster::queue::envelope::{PinnedKeys, Signer};
use muster::queue::nats::work::NatsQueue;
use muster::queue::nats::{NatsLogin, NatsSettings};
use muster::queue::remote::{BearerSource, RemoteQueue};
use muster::queue::{OfferSettings, Queue, Transport};
use muster::store::{Access, Client, NewClient, Store};
use muster::writer::Writer;
use secrecy::SecretString;
use serde_json::json;

use crate::deliver::AtOnce;
use crate::figure::{Figure, grouped};
use crate::nats::Nats;

/// Pieces of work.
const PIECES: u32 = 20_000;
/// People in one upload.
const OPERATIONS: u32 = 1_000;
/// Work items carried side by side: as many as a directory's agent has connections.
const CONCURRENCY: u32 = 8;
/// How much longer it may take over NATS.
const ADDED_PERCENT_MAX: f64 = 20.0;
const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/services/bin/nats-server");
const JOB: &str = r#"
name = "hr"
source.kind = "api"
[[rule]]
id = "everybody"
place = "on-premises"
[target.hq]
kind = "ldif"
folder = "ldif"
container = "OU=Staff,DC=contoso"
map = [
  { to = "employeeID", direct = "externalId", match = 1 },
  { to = "cn", direct = "externalId" },
  { to = "sAMAccountName", direct = "externalId" },
]
"#;

pub(crate) fn figure(size: u32) -> Option<Figure> {
    if !Path::new(PROGRAM).exists() {
        println!("the queue is not measured: there is no {PROGRAM}; tests/services/install.sh gets it\n");
        return None;
    }
    let pieces = (PIECES * size / 100).max(100);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let nats = Nats::single("127.0.6.61");
    // Each once before, so that neither pays for what is first; then the better of two, as other figures have it.
    let best = |over: Option<&Nats>| {
        let once = || runtime.block_on(run(pieces, over)).as_secs_f64();
        once().min(once())
    };
    let (embedded, through) = (best(None), best(Some(&nats)));
    let added = (through / embedded - 1.0) * 100.0;
    let rate = |seconds: f64| grouped(f64::from(pieces) / seconds);
    Some(Figure {
        work: "work through an agent whose writer takes no time, over JetStream (one node, each message synced)",
        reached: format!("{} pieces/s, {added:+.0} % time", rate(through)),
        must: "≤ +20 % of the embedded queue's time",
        ceiling: format!("{} pieces/s (embedded queue)", rate(embedded)),
        holds: added <= ADDED_PERCENT_MAX,
    })
}

async fn run(pieces: u32, over: Option<&Nats>) -> Duration {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(folder.path(), Access::Alone).unwrap());
    let mut app = App::new(Arc::clone(&store), Arc::new(SystemClock), LeaseTimes::default());
    let hq = TargetId::new("hq");
    let nats = over.map(|nats| settings(nats, folder.path()));
    if let Some(nats) = &nats {
        let offers = OfferSettings { targets: vec![hq.clone()], ..OfferSettings::default() };
        app.transport = Some(Arc::new(Transport::connect(nats, offers).await.unwrap()));
    }
    let job = config::check_text("hr.toml", JOB).unwrap_or_else(|report| panic!("{}", report.render(false))).job;
    let target = ActiveTarget { id: hq.clone(), directory: "hq".to_owned(), kind: None, hands: Hands::Agent };
    let job = app.join(job, b"1", vec![target]).unwrap();
    fill(&app, pieces);
    let app = Arc::new(app);
    let settings = ApiSettings { token_rate: None, agent_rate: None, ..ApiSettings::default() };
    let (switch, shutdown) = Shutdown::new();
    let listener = api::listen("127.0.0.1:0".parse().unwrap(), &settings).unwrap();
    let serving = api::serve(listener, Arc::clone(&app), settings, shutdown.clone()).unwrap();
    let remote = remote(&serving.url, &store);
    let server = tokio::spawn(serving.run());
    let queue: Arc<dyn Queue> = match nats {
        None => Arc::new(remote),
        Some(nats) => {
            let key = Signer::of_seed(&store.signing_seeds().unwrap().current).unwrap().public_key();
            let keys = PinnedKeys::parse([key.as_str()]).unwrap();
            Arc::new(NatsQueue::new(remote, nats, keys, Arc::new(SystemClock)))
        }
    };
    let hands = Arc::new(AtOnce::default());
    let carrier = Carrier { writer: Arc::clone(&hands) as Arc<dyn Writer>, concurrency_max: CONCURRENCY };
    let agent = Agent {
        queue,
        carriers: BTreeMap::from([(hq.clone(), carrier)]),
        clock: Arc::new(SystemClock),
        settings: AgentSettings { wait: Duration::from_secs(5), once: false },
    };
    let began = Instant::now();
    let working = tokio::spawn({
        let (app, shutdown) = (Arc::clone(&app), shutdown.clone());
        async move { app.run(shutdown).await }
    });
    let mut stop = shutdown.clone();
    let carrying = tokio::spawn(Arc::new(agent).run(async move { stop.asked().await }));
    let key = job.state.target(&hq).unwrap();
    while store.next_due(key).unwrap().is_some() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let took = began.elapsed();
    switch.send_replace(true);
    let _ = (carrying.await, working.await, server.await);
    assert_eq!(hands.made(), u64::from(pieces), "everybody has one account");
    assert_eq!(store.fsck().unwrap(), []);
    took
}

/// A stream of its own for each run.
fn settings(nats: &Nats, folder: &Path) -> NatsSettings {
    let name = folder.file_name().unwrap().to_str().unwrap();
    NatsSettings {
        servers: nats.urls().iter().map(|url| url.parse().unwrap()).collect(),
        ca: None,
        client_certificate: None,
        login: NatsLogin::Nobody,
        stream: name.chars().filter(char::is_ascii_alphanumeric).collect(),
    }
}

/// Uploads people, and decides on them.
fn fill(app: &App, pieces: u32) {
    let job = &app.jobs[0];
    for first in (0..pieces).step_by(OPERATIONS as usize) {
        let people = first..(first + OPERATIONS).min(pieces);
        let operations: Vec<_> = people
            .map(|at| {
                json!({ "method": "POST", "bulkId": format!("b{at}"), "path": "/Users", "data": {
                    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "externalId": format!("p{at}") } })
            })
            .collect();
        let schemas = ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"];
        let body = json!({ "schemas": schemas, "Operations": operations }).to_string();
        let upload = BulkUpload { client: "hr", request_id: None, body: body.as_bytes(), at: SystemClock.now() };
        let limits = IngestLimits { operations_max: 10_000, staged_operations_max: 100_000, staged_bytes_max: 1 << 30 };
        ingest(&app.store, job.state.key, &upload, &limits).unwrap();
    }
    let decider = app.decider(job);
    while decider.decide_waiting(&|| false).unwrap() {}
}

fn remote(url: &str, store: &Store) -> RemoteQueue {
    let now = SystemClock.now();
    let client = Client {
        id: "agent".to_owned(),
        name: "agent".to_owned(),
        roles: vec![Role::Agent.to_string()],
        targets: vec!["hq".to_owned()],
        created_at: now,
        disabled_at: None,
    };
    assert!(store.add_client(&NewClient { client, secret_hash: [0; 32] }).unwrap());
    store.add_token(api::sha256(b"token"), "agent", now, Duration::from_secs(3_600)).unwrap();
    let bearer: BearerSource = Arc::new(|_| Box::pin(async { Ok(SecretString::from("token")) }));
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    RemoteQueue::new(http, &url.parse().unwrap(), bearer, Arc::new(SystemClock)).unwrap()
}
