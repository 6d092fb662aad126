//! Bulk uploads over HTTP: accepted durably, and decided.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::{App as Web, HttpResponse, HttpServer, web};
use muster::api::{self, ApiSettings};
use muster::app::{ActiveTarget, App, Hands, LeaseTimes};
use muster::clock::SystemClock;
use muster::model::Statement;
use muster::pipeline::schedule::Shutdown;
use muster::scim::bulk_request;
use muster::store::{Access, Store};
use tokio::task::JoinSet;

use crate::figure::{Figure, grouped};
use crate::{people, sample};

/// Bodies of 1 000 operations, sent once for each measure.
const BODIES: u32 = 300;
const OPERATIONS: usize = 1_000;
/// Requests under way at once: enough for commits to be shared.
const AT_ONCE: usize = 8;
/// Text added to each user, so that a body is about a megabyte, as bodies of real exports are.
const PADDING: usize = 260;

pub(crate) fn figures(size: u32) -> Vec<Figure> {
    let bodies = bodies((BODIES * size / 100).max(2));
    let operations = (bodies.len() * OPERATIONS) as f64;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let ceiling = operations / runtime.block_on(parse_and_drop(&bodies));
    let accepted = operations / runtime.block_on(accept_only(&bodies));
    let sustained = operations / runtime.block_on(accept_and_decide(&bodies));
    let share = accepted / ceiling * 100.0;
    let megabytes = bodies[0].len() as f64 / 1e6;
    vec![
        Figure {
            work: "HTTP accept, 1 000-operation bodies of about 1 MB, durable, limiter off",
            reached: format!("{} operations/s, {share:.0} % ({megabytes:.2} MB a body)", grouped(accepted)),
            must: "≥ 40 % of the ceiling",
            ceiling: format!("{} operations/s (actix-web parses to `Value` and drops)", grouped(ceiling)),
            holds: share >= 40.0,
        },
        Figure {
            work: "accept and process together, sustained",
            reached: format!("{} operations/s", grouped(sustained)),
            must: "≥ 40 000 operations/s",
            ceiling: format!("{} operations/s (accepted only)", grouped(accepted)),
            holds: sustained >= 40_000.0,
        },
    ]
}

fn bodies(count: u32) -> Vec<web::Bytes> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.csv");
    people::write_export(&path, u64::from(count) * OPERATIONS as u64, 3, true).unwrap();
    let job = sample::job();
    let mut records = sample::records(&path, sample::settings(&job));
    for record in &mut records {
        record.attributes.set("nickName".into(), muster::model::Value::Text("n".repeat(PADDING)));
    }
    let statements: Vec<(Statement, String)> = records
        .into_iter()
        .map(|record| {
            let name = record.anchor.to_string();
            (Statement::Upsert(record), name)
        })
        .collect();
    let body = |some: &[(Statement, String)]| bulk_request(some.iter().map(|(said, name)| (said, name.as_str())));
    statements.chunks(OPERATIONS).map(|some| web::Bytes::from(body(some))).collect()
}

/// The most any server of this kind could do: the body parsed, and dropped.
async fn parse_and_drop(bodies: &[web::Bytes]) -> f64 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let parse = |body: web::Bytes| async move {
        let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
        std::hint::black_box(&value);
        HttpResponse::Accepted().finish()
    };
    let routes = move || Web::new().app_data(web::PayloadConfig::new(64 << 20)).route("/", web::post().to(parse));
    let server = HttpServer::new(routes).workers(2).disable_signals().listen(listener).unwrap().run();
    let handle = server.handle();
    let running = tokio::spawn(server);
    let seconds = send(&url, "", bodies).await;
    handle.stop(true).await;
    running.await.unwrap().unwrap();
    seconds
}

async fn accept_only(bodies: &[web::Bytes]) -> f64 {
    let house = House::new();
    let seconds = house.send(bodies).await;
    assert_eq!(house.app.store.backlog().unwrap().uploads, bodies.len() as u64, "each must be on the disk");
    house.close().await;
    seconds
}

async fn accept_and_decide(bodies: &[web::Bytes]) -> f64 {
    let house = House::new();
    let decider = house.app.decider(&house.app.jobs[0]);
    let deciding = tokio::spawn(decider.run(house.app.accepted.listen(), house.shutdown.clone()));
    let began = Instant::now();
    house.send(bodies).await;
    while house.app.store.backlog().unwrap().uploads > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let seconds = began.elapsed().as_secs_f64();
    let people: u64 =
        house.app.store.standings(&house.app.jobs[0].state).unwrap().iter().map(|(_, _, count)| count).sum();
    assert_eq!(people, (bodies.len() * OPERATIONS) as u64, "everybody must be decided on");
    house.close().await;
    deciding.await.unwrap();
    seconds
}

/// A server with the sample job, whose targets nobody works at.
struct House {
    app: Arc<App>,
    url: String,
    token: String,
    shutdown: Shutdown,
    switch: tokio::sync::watch::Sender<bool>,
    running: tokio::task::JoinHandle<std::io::Result<()>>,
    _folder: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(folder.path(), Access::Alone).unwrap());
        let job = sample::job();
        let mut app = App::new(store, Arc::new(SystemClock), LeaseTimes::default());
        let targets = job.job.targets.iter().map(|target| ActiveTarget {
            id: target.id.clone(),
            directory: target.id.to_string(),
            kind: None,
            hands: Hands::Agent,
        });
        let targets = targets.collect();
        let name = job.job.id.to_string();
        app.join(job.job, &job.hash, targets).unwrap();
        let app = Arc::new(app);
        let token = crate::client::token(&app.store);
        let (switch, shutdown) = Shutdown::new();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let settings = ApiSettings { rate: None, ..ApiSettings::default() };
        let serving = api::serve(listener, Arc::clone(&app), settings, shutdown.clone()).unwrap();
        let url = format!("{}/v1.0/servicePrincipals/muster/synchronization/jobs/{name}/bulkUpload", serving.url);
        let running = tokio::spawn(serving.run());
        Self { app, url, token, shutdown, switch, running, _folder: folder }
    }

    async fn send(&self, bodies: &[web::Bytes]) -> f64 {
        send(&self.url, &self.token, bodies).await
    }

    async fn close(&self) {
        self.switch.send_replace(true);
        while !self.running.is_finished() {
            tokio::task::yield_now().await;
        }
        assert_eq!(self.app.store.fsck().unwrap(), [], "the store must be as it must be");
    }
}

/// Sends the bodies over kept connections, several at once; every answer must be 202. Gives the seconds it took.
async fn send(url: &str, token: &str, bodies: &[web::Bytes]) -> f64 {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let began = Instant::now();
    let mut under_way = JoinSet::new();
    for body in bodies {
        if under_way.len() == AT_ONCE {
            under_way.join_next().await.unwrap().unwrap();
        }
        let request = client
            .post(url)
            .bearer_auth(token)
            .header("content-type", "application/scim+json")
            .body(reqwest::Body::from(body.to_vec()));
        under_way.spawn(async move {
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status().as_u16(), 202);
        });
    }
    while let Some(done) = under_way.join_next().await {
        done.unwrap();
    }
    began.elapsed().as_secs_f64()
}
