//! Accounts made through Microsoft Graph, at a practice tenant in this process: as fast as it goes, and at the pace that
//! a budget allows.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use muster::clock::SystemClock;
use muster::sandbox::{Sandbox, SandboxSettings, Throttle};
use muster::writer::graph::{GraphSettings, GraphWriter, WriteBudget};
use serde_json::{Value as Json, json};
use tokio::task::JoinSet;
use url::Url;

use crate::deliver::Bench;
use crate::figure::{Figure, grouped};

const PEOPLE: usize = 20_000;
/// People made within the budget: with the first bucket, some seconds of it.
const PEOPLE_PACED: usize = 12_000;
/// A budget of Graph's shape in a shorter time, so that a run takes seconds: 20 a second are 3,000 in 150 seconds.
const BUDGET: WriteBudget = WriteBudget { writes: 1_000, per: Duration::from_secs(2) };
/// Requests in a batch.
const BATCH: usize = 20;
/// Batches under way at once, where they are sent bare.
const AT_ONCE: usize = 8;
const TIMEOUT: Duration = Duration::from_secs(30);
const TENANT: &str = "contoso.example";
const CLIENT: &str = "bench";
const SECRET: &str = "bench-secret";

pub(crate) fn figures(size: u32) -> Vec<Figure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let of = |people: usize| (people * size as usize / 100).max(100);
    vec![unpaced(&runtime, of(PEOPLE)), paced(&runtime, of(PEOPLE_PACED))]
}

fn unpaced(runtime: &tokio::runtime::Runtime, people: usize) -> Figure {
    let bench = Bench::new(people, false);
    let seconds = runtime.block_on(async {
        let tenant = Tenant::start(None);
        let seconds =
            bench.deliver(Arc::new(tenant.writer(WriteBudget { writes: u32::MAX, per: Duration::from_secs(1) }))).await;
        assert_eq!(tenant.sandbox.user_count(), people, "one account each");
        seconds
    });
    let bare = runtime.block_on(async { bare(&Tenant::start(None), people).await });
    let (reached, ceiling) = (people as f64 / seconds, people as f64 / bare);
    Figure {
        work: "accounts made through Graph (looked for, made, recorded; without managers), no budget",
        reached: format!("{} users/s", grouped(reached)),
        must: "≥ 3 000 users/s",
        ceiling: format!("{} users/s (as many looks and creations, in bare `$batch` requests)", grouped(ceiling)),
        holds: reached >= 3_000.0,
    }
}

fn paced(runtime: &tokio::runtime::Runtime, people: usize) -> Figure {
    let bench = Bench::new(people, false);
    let (seconds, inside) = runtime.block_on(async {
        let tenant = Tenant::start(Some(Throttle { writes: BUDGET.writes, per: BUDGET.per }));
        let seconds = bench.deliver(Arc::new(tenant.writer(BUDGET))).await;
        assert_eq!(tenant.sandbox.user_count(), people, "one account each");
        (seconds, tenant.sandbox.requests().inside_retry_after)
    });
    assert_eq!(inside, 0, "nothing may be begun while the tenant asks for patience");
    // What the budget allows within that time: a full bucket, and what flows into it.
    let allowed = f64::from(BUDGET.writes) * (1.0 + seconds / BUDGET.per.as_secs_f64());
    let share = people as f64 / allowed * 100.0;
    Figure {
        work: "the same under a budget of 1 000 writes in 2 s",
        reached: format!("{share:.1} % of the budget used, no request inside a `Retry-After`"),
        must: "≥ 95 % of the budget",
        ceiling: format!("{} writes, which the budget allows in {seconds:.1} s", grouped(allowed)),
        holds: share >= 95.0,
    }
}

/// A practice tenant on a free port.
struct Tenant {
    sandbox: Sandbox,
    address: String,
    handle: actix_web::dev::ServerHandle,
}

impl Tenant {
    fn start(throttle: Option<Throttle>) -> Self {
        let settings = SandboxSettings {
            tenant: TENANT.to_owned(),
            domains: vec![TENANT.to_owned()],
            client_id: CLIENT.to_owned(),
            client_secret: SECRET.into(),
            users: Vec::new(),
            throttle,
            latency: None,
        };
        let sandbox = Sandbox::new(settings, Arc::new(SystemClock)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (server, handle) = sandbox.serve(listener).unwrap();
        tokio::spawn(server);
        Self { sandbox, address, handle }
    }

    fn writer(&self, budget: WriteBudget) -> GraphWriter {
        let settings = GraphSettings {
            base_url: Url::parse(&format!("{}/v1.0", self.address)).unwrap(),
            authority: Url::parse(&self.address).unwrap(),
            tenant: TENANT.to_owned(),
            client_id: CLIENT.to_owned(),
            client_secret: SECRET.into(),
            timeout: TIMEOUT,
            extra_ca: None,
            budget,
        };
        GraphWriter::new(&settings, Arc::new(SystemClock)).unwrap()
    }

    async fn token(&self, http: &reqwest::Client) -> String {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", CLIENT),
            ("client_secret", SECRET),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        let answer =
            http.post(format!("{}/{TENANT}/oauth2/v2.0/token", self.address)).form(&form).send().await.unwrap();
        let answer: Json = answer.json().await.unwrap();
        answer["access_token"].as_str().unwrap().to_owned()
    }
}

impl Drop for Tenant {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

/// The same looks and creations, sent as fast as the tenant takes them, with nothing thought or kept. Gives the seconds.
async fn bare(tenant: &Tenant, people: usize) -> f64 {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let token = tenant.token(&http).await;
    let bodies: Vec<_> =
        (0..people).collect::<Vec<_>>().chunks(BATCH).map(|some| (looks(some), creations(some))).collect();
    let url = format!("{}/v1.0/$batch", tenant.address);
    let began = Instant::now();
    let mut under_way = JoinSet::new();
    for (looks, creations) in bodies {
        if under_way.len() == AT_ONCE {
            under_way.join_next().await.unwrap().unwrap();
        }
        let (http, url, token) = (http.clone(), url.clone(), token.clone());
        under_way.spawn(async move {
            for body in [looks, creations] {
                let request = http.post(&url).bearer_auth(&token).header("content-type", "application/json").body(body);
                let answer = request.send().await.unwrap();
                assert_eq!(answer.status().as_u16(), 200);
                std::hint::black_box(answer.json::<Json>().await.unwrap());
            }
        });
    }
    while let Some(done) = under_way.join_next().await {
        done.unwrap();
    }
    let seconds = began.elapsed().as_secs_f64();
    assert_eq!(tenant.sandbox.user_count(), people);
    seconds
}

fn looks(some: &[usize]) -> String {
    let requests = some.iter().map(|n| {
        let url =
            format!("/users?$filter=employeeId%20eq%20'{n}'&$select=id,employeeId,displayName,accountEnabled&$top=3");
        json!({ "id": n.to_string(), "method": "GET", "url": url })
    });
    json!({ "requests": requests.collect::<Vec<_>>() }).to_string()
}

fn creations(some: &[usize]) -> String {
    let requests = some.iter().map(|n| {
        let user = json!({
            "employeeId": n.to_string(), "userPrincipalName": format!("user{n}@{TENANT}"), "mailNickname": format!("user{n}"),
            "displayName": format!("Given{n} Family{n}"), "givenName": format!("Given{n}"), "surname": format!("Family{n}"),
            "jobTitle": "Clerk of the second class", "department": "Department", "accountEnabled": true,
            "passwordProfile": { "password": format!("Bench-{n}-Password!"), "forceChangePasswordNextSignIn": true },
        });
        let headers = json!({ "content-type": "application/json" });
        json!({ "id": n.to_string(), "method": "POST", "url": "/users", "headers": headers, "body": user })
    });
    json!({ "requests": requests.collect::<Vec<_>>() }).to_string()
}
