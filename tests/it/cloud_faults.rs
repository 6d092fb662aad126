//! A bad day in the cloud, with real processes: a server, and a practice tenant that refuses, fails, breaks off, dawdles,
//! hides whom it made, and is killed. After each, everybody is as desired, in exactly one account.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::kill::{Sender, Yard, sender, settle};

/// People there are, and how many an upload speaks of (as in `kill.rs`).
const PEOPLE: usize = 60;
const UPLOADS: usize = 6;
const SECRET: &str = "practice";

/// How often either process is killed.
const KILLS: usize = 6;

/// A practice tenant in a process of its own, kept in a file.
struct Tenant {
    child: Child,
    file: PathBuf,
    address: String,
    http: reqwest::Client,
}

impl Tenant {
    fn start(yard: &Yard, words: &[&str]) -> Self {
        let file = yard.folder.path().join("tenant.jsonl");
        let (child, address) = spawn(&file, "127.0.1.1:0", words);
        yard.by_way_of(&address);
        Self { child, file, address, http: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    /// Ends it as a power cut would, and starts it again where it was.
    fn kill_and_restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let listen = self.address.strip_prefix("http://").unwrap().to_owned();
        (self.child, _) = spawn(&self.file, &listen, &[]);
    }

    async fn control(&self, method: reqwest::Method, what: &str, body: Option<Json>) -> Json {
        let mut request = self.http.request(method, format!("{}/sandbox/{what}", self.address)).bearer_auth(SECRET);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
        let text = answer.text().await.unwrap();
        serde_json::from_str(&text).unwrap_or_default()
    }

    async fn order(&self, faults: Json) {
        self.control(reqwest::Method::POST, "faults", Some(faults)).await;
    }

    async fn clear(&self) {
        self.control(reqwest::Method::DELETE, "faults", None).await;
    }

    /// The titles of all accounts, by employee id.
    async fn accounts(&self) -> BTreeMap<String, Vec<Json>> {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", "muster"),
            ("client_secret", SECRET),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        let url = format!("{}/contoso.example/oauth2/v2.0/token", self.address);
        let token: Json = self.http.post(url).form(&form).send().await.unwrap().json().await.unwrap();
        let url = format!("{}/v1.0/users?$select=employeeId,jobTitle&$top=999", self.address);
        let request = self.http.get(url).bearer_auth(token["access_token"].as_str().unwrap());
        let page: Json = request.send().await.unwrap().json().await.unwrap();
        let mut accounts = BTreeMap::<String, Vec<Json>>::new();
        for user in page["value"].as_array().unwrap() {
            let anchor = user["employeeId"].as_str().unwrap().to_owned();
            accounts.entry(anchor).or_default().push(user["jobTitle"].clone());
        }
        accounts
    }
}

impl Drop for Tenant {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(file: &std::path::Path, listen: &str, words: &[&str]) -> (Child, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
    command
        .args(["sandbox", "--json", "--listen", listen, "--client-id", "muster", "--latency-ms", "2", "--file"])
        .arg(file)
        .args(words)
        .env("MUSTER_ENTRA_SECRET", SECRET);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let told: Json = serde_json::from_str(&line).unwrap();
    (child, told["authority"].as_str().unwrap().to_owned())
}

/// A server that is killed when this is dropped.
pub(crate) struct Served(Child, pub(crate) String);

impl Served {
    pub(crate) fn start(yard: &Yard) -> Self {
        let (child, url) = yard.serve();
        Self(child, url)
    }

    fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn everybody(sender: &mut Sender, url: &str) {
    for _ in 0..UPLOADS {
        assert!(sender.send(url).await);
    }
}

async fn all_is_well(yard: &Yard, tenant: &Tenant, sender: &Sender) {
    let accounts = tenant.accounts().await;
    assert_eq!(accounts.len(), PEOPLE);
    for (person, said) in sender.said.iter().enumerate() {
        let titles = &accounts[&format!("p{person}")];
        assert_eq!(titles, &[json!(said)], "person {person} has exactly one account, and the newest word holds");
    }
    let facts = tenant.control(reqwest::Method::GET, "facts", None).await;
    // Without batches each change goes alone, and does not know what the others were told: then only later.
    if facts["requests"]["batches"].as_u64() > Some(0) {
        assert_eq!(facts["requests"]["insideRetryAfter"], 0, "the tenant was left alone when it said so: {facts}");
    }
    yard.fsck_and_look(PEOPLE);
}

/// People come, and change, while the tenant has a bad day.
async fn a_bad_day(faults: Json) {
    let yard = Yard::new().await;
    let tenant = Tenant::start(&yard, &[]);
    tenant.order(faults).await;
    let mut served = Served::start(&yard);
    let mut sender = sender(&yard, &served.1).await;
    everybody(&mut sender, &served.1).await;
    settle(&sender, &served.1).await;
    everybody(&mut sender, &served.1).await;
    settle(&sender, &served.1).await;
    let facts = tenant.control(reqwest::Method::GET, "facts", None).await;
    assert!(facts["requests"]["faults"].as_u64() > Some(0), "the day was bad: {facts}");
    tenant.clear().await;
    served.kill();
    all_is_well(&yard, &tenant, &sender).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_throttled_is_done_when_the_tenant_lets_it() {
    a_bad_day(json!([
        { "fault": "throttled", "of": "writes", "share": 0.1, "next": 6, "seconds": 1.128 },
        { "fault": "throttled", "of": "reads", "share": 0.1, "next": 2 },
        { "fault": "throttled", "of": "batches", "share": 0.1, "next": 2 },
    ]))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_before_it_was_done_is_done_later() {
    a_bad_day(json!([
        { "fault": "failed-before", "share": 0.1, "next": 20 },
        { "fault": "concurrency", "of": "writes", "share": 0.1, "seed": 3, "next": 5 },
        { "fault": "unauthorized", "share": 0.05, "seed": 4, "next": 3 },
    ]))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_done_though_its_answer_says_otherwise_is_not_done_again() {
    a_bad_day(json!([{ "fault": "failed-after", "of": "writes", "share": 0.3, "next": 25 }])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_done_without_an_answer_is_not_done_again() {
    a_bad_day(json!([
        { "fault": "reset-after", "of": "writes", "share": 0.2, "next": 15 },
        { "fault": "reset-after", "of": "batches", "share": 0.2, "next": 3 },
    ]))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_made_slowly_or_seen_late_is_waited_for() {
    a_bad_day(json!([
        { "fault": "late", "share": 0.3, "seconds": 2, "next": 20 },
        { "fault": "slow", "of": "creates", "share": 0.1, "seconds": 1.5, "next": 3 },
        { "fault": "failed-after", "of": "creates", "share": 0.2, "seed": 5, "next": 5 },
    ]))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_and_a_server_that_are_killed_in_turn_agree_in_the_end() {
    let yard = Yard::new().await;
    let mut tenant = Tenant::start(&yard, &["--fault", "reset-after of=writes share=0.1 next=10"]);
    let mut served = Served::start(&yard);
    let mut sender = sender(&yard, &served.1).await;
    for turn in 0..KILLS {
        assert!(sender.send(&served.1).await);
        let begun = Instant::now();
        // Some of it is under way when the process ends; how much differs from turn to turn.
        while begun.elapsed() < Duration::from_millis(60 * (turn as u64 + 1)) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        if turn % 2 == 0 {
            tenant.kill_and_restart();
        } else {
            served.kill();
            served = Served::start(&yard);
        }
    }
    everybody(&mut sender, &served.1).await;
    settle(&sender, &served.1).await;
    served.kill();
    all_is_well(&yard, &tenant, &sender).await;
}
