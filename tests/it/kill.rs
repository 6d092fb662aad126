//! A crash at any instruction loses nothing and doubles nothing (promise 5): the real process, really killed.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use muster::clock::SystemClock;
use muster::sandbox::{Sandbox, SandboxSettings};
use secrecy::SecretString;
use serde_json::{Value as Json, json};

/// Kills of a serving process; `MUSTER_KILLS` asks for more.
const KILLS: u32 = 50;
/// Kills of an importing process.
const IMPORT_KILLS: u32 = 10;
const PEOPLE: u32 = 60;
const OPERATIONS: u32 = 10;
/// The longest a process lives before it is killed.
const LIFE_MAX_MILLIS: u64 = 400;
const SETTLE_MAX: Duration = Duration::from_secs(60);
const TENANT: &str = "contoso.example";

/// Chance that repeats (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// A folder with a job, and the practice tenant it writes to; the tenant lives in this process and is never killed.
pub(crate) struct Yard {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) sandbox: Sandbox,
    /// Where the practice tenant is.
    pub(crate) graph: String,
}

impl Yard {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = SandboxSettings {
            tenant: TENANT.to_owned(),
            domains: vec![TENANT.to_owned()],
            client_id: "muster".to_owned(),
            client_secret: SecretString::from("practice"),
            users: Vec::new(),
            throttle: None,
            latency: Some(Duration::from_millis(3)),
        };
        let sandbox = Sandbox::new(settings, Arc::new(SystemClock)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (server, _) = sandbox.serve(listener).unwrap();
        tokio::spawn(server);
        std::fs::write(folder.path().join("secret"), "practice").unwrap();
        std::fs::write(folder.path().join("job.toml"), job(&url)).unwrap();
        Self { folder, sandbox, graph: url }
    }

    /// The job writes to the practice tenant by way of somebody in between.
    pub(crate) fn by_way_of(&self, graph: &str) {
        std::fs::write(self.folder.path().join("job.toml"), job(graph)).unwrap();
    }

    /// The job says this of its target, and that besides.
    pub(crate) fn says(&self, of_target: &str, besides: &str) {
        let kind = "kind = \"graph\"";
        let job = job(&self.graph).replace(kind, &format!("{kind}\n{of_target}"));
        std::fs::write(self.folder.path().join("job.toml"), format!("{job}{besides}")).unwrap();
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
        command.args(words).arg("--data").arg(self.data()).stdout(Stdio::piped()).stderr(Stdio::null());
        command
    }

    fn job(&self) -> String {
        self.folder.path().join("job.toml").display().to_string()
    }

    /// Starts serving; gives the process and where it listens, once it does.
    pub(crate) fn serve(&self) -> (Child, String) {
        self.serve_with(|_| {})
    }

    pub(crate) fn serve_with(&self, change: impl FnOnce(&mut Command)) -> (Child, String) {
        let job = self.job();
        let words =
            ["serve", "--json", "--listen", "127.0.0.1:0", "--no-rate-limit", "--write-timeout", "1", "--job", &job];
        let mut command = self.command(&words);
        change(&mut command);
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: Json = serde_json::from_str(&line).unwrap();
        (child, told["url"].as_str().unwrap().to_owned())
    }

    pub(crate) fn fsck(&self) {
        // Killed before it made anything: there is nothing to be wrong.
        if !self.data().join("muster.db").exists() {
            return;
        }
        let checked = self.command(&["fsck", "--json"]).output().unwrap();
        let told = String::from_utf8(checked.stdout).unwrap();
        assert!(checked.status.success(), "{told}");
    }

    /// The store is as it must be, and the tenant as the store knows it: so many accounts.
    pub(crate) fn fsck_and_look(&self, accounts: usize) {
        let checked = self.command(&["fsck", "--json", "--look", "--job", &self.job()]).output().unwrap();
        let told = String::from_utf8(checked.stdout).unwrap();
        assert!(checked.status.success() && told.contains(&format!("\"right\":{accounts},")), "{told}");
    }

    pub(crate) fn account(&self, anchor: &str) -> Vec<Json> {
        let users = self.sandbox.users().into_iter();
        let users = users.map(|user| Json::Object(user.properties));
        users.filter(|user| user["employeeId"] == anchor).collect()
    }
}

fn job(graph: &str) -> String {
    format!(
        r#"
name = "kill"
[source]
kind = "csv"
[source.columns]
id = "externalId"
user = "userName"
title = "title"
[[rule]]
id = "everybody"
place = "cloud"
[target.entra]
kind = "graph"
base_url = "{graph}/v1.0"
authority = "{graph}"
tenant = "{TENANT}"
client_id = "muster"
client_secret = {{ file = "secret" }}
[[target.entra.map]]
to = "employeeId"
direct = "externalId"
match = 1
[[target.entra.map]]
to = "userPrincipalName"
expression = 'Append([userName], "@{TENANT}")'
[[target.entra.map]]
to = "displayName"
direct = "userName"
[[target.entra.map]]
to = "jobTitle"
direct = "title"
"#
    )
}

/// One sender, which sends one upload after the other, and each until it is accepted.
pub(crate) struct Sender {
    http: reqwest::Client,
    pub(crate) token: String,
    pub(crate) secret: String,
    /// What is said next, and of whom.
    round: u32,
    /// Uploads that were accepted.
    accepted: Vec<u64>,
    /// The newest accepted title of each person.
    pub(crate) said: Vec<Option<String>>,
}

impl Sender {
    fn body(&self) -> (Vec<usize>, Json) {
        let first = self.round * OPERATIONS;
        let people: Vec<usize> = (first..first + OPERATIONS).map(|at| (at % PEOPLE) as usize).collect();
        let operations = people.iter().map(|person| {
            json!({
                "method": "POST",
                "path": "/Users",
                "bulkId": person.to_string(),
                "data": {
                    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                    "externalId": format!("p{person}"),
                    "userName": format!("person{person}"),
                    "title": self.title(),
                },
            })
        });
        let operations: Vec<Json> = operations.collect();
        let schemas = ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"];
        (people, json!({ "schemas": schemas, "Operations": operations }))
    }

    fn title(&self) -> String {
        format!("Title {}", self.round)
    }

    /// Sends until `until`. What got no answer by then is sent again, with the same id, to the next process.
    async fn send_until(&mut self, url: &str, until: Instant) {
        while Instant::now() < until {
            let left = until.saturating_duration_since(Instant::now());
            let sent = tokio::time::timeout(left, self.send(url)).await;
            if !matches!(sent, Ok(true)) {
                return;
            }
        }
    }

    /// Sends the next upload; whether it was accepted.
    pub(crate) async fn send(&mut self, url: &str) -> bool {
        let (people, body) = self.body();
        let request = self
            .http
            .post(format!("{url}/v1.0/servicePrincipals/x/synchronization/jobs/kill/bulkUpload"))
            .bearer_auth(&self.token)
            .header("content-type", "application/scim+json")
            .header("client-request-id", format!("round-{}", self.round))
            .body(body.to_string());
        let Ok(answer) = request.send().await else { return false };
        assert_eq!(answer.status().as_u16(), 202);
        self.accepted.push(answer.headers()["muster-upload-id"].to_str().unwrap().parse().unwrap());
        for person in people {
            self.said[person] = Some(self.title());
        }
        self.round += 1;
        true
    }

    async fn upload(&self, url: &str, upload: u64) -> Json {
        let request = self.http.get(format!("{url}/muster/v1/uploads/{upload}")).bearer_auth(&self.token);
        request.send().await.unwrap().json().await.unwrap()
    }
}

pub(crate) async fn sender(yard: &Yard, url: &str) -> Sender {
    let words = ["client", "add", "hr", "--json", "--role", "SynchronizationData-User.Upload"];
    let added = yard.command(&words).output().unwrap();
    let client: Json = serde_json::from_slice(&added.stdout).unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client["clientId"].as_str().unwrap()),
        ("client_secret", client["clientSecret"].as_str().unwrap()),
    ];
    let answer = http.post(format!("{url}/{TENANT}/oauth2/v2.0/token")).form(&form).send().await.unwrap();
    let token: Json = answer.json().await.unwrap();
    let token = token["access_token"].as_str().unwrap().to_owned();
    let secret = client["clientSecret"].as_str().unwrap().to_owned();
    Sender { http, token, secret, round: 0, accepted: Vec::new(), said: vec![None; PEOPLE as usize] }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_at_any_moment_loses_nothing_and_doubles_nothing() {
    let more = std::env::var_os("MUSTER_KILLS").map(|kills| kills.to_str().unwrap().parse().unwrap());
    let kills: u32 = more.unwrap_or(KILLS);
    let yard = Yard::new().await;
    let mut dice = Dice(7);
    let (mut child, mut url) = yard.serve();
    let mut sender = sender(&yard, &url).await;
    for _ in 0..kills {
        let life = Duration::from_millis(dice.below(LIFE_MAX_MILLIS));
        sender.send_until(&url, Instant::now() + life).await;
        child.kill().unwrap();
        child.wait().unwrap();
        (child, url) = yard.serve();
    }
    // One more of everybody, so that everybody is known; then it may finish in peace.
    for _ in 0..PEOPLE / OPERATIONS {
        assert!(sender.send(&url).await);
    }
    settle(&sender, &url).await;
    child.kill().unwrap();
    child.wait().unwrap();

    yard.fsck();
    assert!(sender.accepted.is_sorted(), "an upload that came later has a higher number");
    for (person, said) in sender.said.iter().enumerate() {
        let accounts = yard.account(&format!("p{person}"));
        assert_eq!(accounts.len(), 1, "person {person} has exactly one account");
        assert_eq!(accounts[0]["jobTitle"].as_str(), said.as_deref(), "of person {person} the newest word holds");
    }
    assert_eq!(yard.sandbox.user_count(), PEOPLE as usize);
}

/// Waits until every operation of every accepted upload has ended, and checks that each ended well.
pub(crate) async fn settle(sender: &Sender, url: &str) {
    let began = Instant::now();
    for upload in &sender.accepted {
        loop {
            let told = sender.upload(url, *upload).await;
            let operations = told["operations"].as_array().unwrap();
            assert_eq!(operations.len(), OPERATIONS as usize, "every operation is told of: {told}");
            let ended = |operation: &Json| operation["outcome"] != "pending";
            if operations.iter().all(ended) {
                let good = |operation: &Json| {
                    ["applied", "superseded", "unchanged"].iter().any(|word| operation["outcome"] == *word)
                };
                assert!(operations.iter().all(good), "{told}");
                break;
            }
            assert!(began.elapsed() < SETTLE_MAX, "upload {upload} does not end: {told}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_is_killed_and_run_again_ends_as_if_it_had_run_once() {
    let yard = Yard::new().await;
    let people = 200;
    let export = yard.folder.path().join("people.csv");
    write_export(&export, people);
    let mut dice = Dice(11);
    let export = export.display().to_string();
    let job = yard.job();
    let words = ["import", &export, "--job", &job, "--write-timeout", "1"];
    for _ in 0..IMPORT_KILLS {
        let mut child = yard.command(&words).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(dice.below(LIFE_MAX_MILLIS))).await;
        child.kill().unwrap();
        child.wait().unwrap();
        yard.fsck();
    }
    let ended = tokio::task::block_in_place(|| yard.command(&words).output().unwrap());
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
    yard.fsck();
    for person in 0..people {
        assert_eq!(yard.account(&format!("p{person}")).len(), 1, "person {person} has exactly one account");
    }
    assert_eq!(yard.sandbox.user_count(), people);
}

fn write_export(path: &Path, people: usize) {
    let rows: Vec<String> = (0..people).map(|person| format!("p{person},person{person},Clerk\n")).collect();
    std::fs::write(path, format!("id,user,title\n{}", rows.concat())).unwrap();
}
