//! NATS of three nodes that are killed one after another, agents that are killed, a server that is: real processes.
//! Afterwards everybody is as desired, once, and the store is as it must be.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::nats::Nats;

/// People in one upload.
const PEOPLE: usize = 40;
/// A lease of an agent that was killed must run out, twice at most: an agent's LDIF writer has half a minute for a write.
const PATIENCE: Duration = Duration::from_secs(400);
/// How long a quorum is away: long enough that everybody notices.
const AWAY: Duration = Duration::from_secs(3);
const TENANT: &str = "contoso.example";

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

/// A server and two agents in processes of their own, around a cluster.
struct Camp {
    folder: TempDir,
    nats: Nats,
    http: reqwest::Client,
    /// Agents: id and secret.
    logins: Vec<(String, String)>,
    uploader: (String, String),
    uploads: Vec<u64>,
}

impl Camp {
    fn new(addresses: [&str; 3]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("ldif")).unwrap();
        fs::write(folder.path().join("job.toml"), JOB).unwrap();
        let nats = Nats::cluster(addresses);
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let nobody = (String::new(), String::new());
        let mut camp = Self { folder, nats, http, logins: Vec::new(), uploader: nobody, uploads: Vec::new() };
        camp.uploader =
            camp.client("hr", &["--role", "SynchronizationData-User.Upload", "--role", "ProvisioningLog.Read.All"]);
        for name in ["one", "two"] {
            let login = camp.client(name, &["--role", "Muster.Agent", "--target", "hq"]);
            camp.logins.push(login);
        }
        let servers = format!("[nats]\nservers = {:?}\n", camp.nats.urls());
        let key = String::from_utf8(camp.command(&["key"]).output().unwrap().stdout).unwrap();
        fs::write(camp.path("agent-queue.toml"), format!("{key}{servers}")).unwrap();
        let text = format!("targets = [\"hq\"]\nreplicas = 3\noffer_seconds = 60\n{servers}");
        fs::write(camp.path("server-queue.toml"), text).unwrap();
        camp
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
        command.args(words).arg("--data").arg(self.path("data")).current_dir(self.folder.path());
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        command
    }

    fn client(&self, name: &str, words: &[&str]) -> (String, String) {
        let words = [&["client", "add", name, "--json"], words].concat();
        let told: Json = serde_json::from_slice(&self.command(&words).output().unwrap().stdout).unwrap();
        (told["clientId"].as_str().unwrap().to_owned(), told["clientSecret"].as_str().unwrap().to_owned())
    }

    /// Starts the server where it was before, or anywhere.
    fn serve(&self, listen: &str) -> (Child, String) {
        let words = [
            "serve",
            "--json",
            "--listen",
            listen,
            "--no-rate-limit",
            "--job",
            "job.toml",
            "--queue",
            "server-queue.toml",
        ];
        let mut child = self.command(&words).stderr(self.log("serve")).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: Json = serde_json::from_str(&line).unwrap_or_else(|_| panic!("it does not serve: {line}"));
        (child, told["url"].as_str().unwrap().to_owned())
    }

    fn log(&self, name: &str) -> fs::File {
        fs::File::options().create(true).append(true).open(self.path(&format!("{name}.log"))).unwrap()
    }

    fn agent(&self, at: usize, url: &str) -> Child {
        let (id, secret) = &self.logins[at];
        let words = [
            "agent",
            "--server",
            url,
            "--client-id",
            id,
            "--target",
            "hq",
            "--ldif",
            "ldif",
            "--queue",
            "agent-queue.toml",
        ];
        let mut command = self.command(&words);
        command.env("MUSTER_CLIENT_SECRET", secret).stdout(Stdio::null()).stderr(self.log(&format!("agent-{at}")));
        command.spawn().unwrap()
    }

    async fn token(&self, url: &str) -> String {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", self.uploader.0.as_str()),
            ("client_secret", self.uploader.1.as_str()),
        ];
        let answer = self.http.post(format!("{url}/{TENANT}/oauth2/v2.0/token")).form(&form).send().await.unwrap();
        answer.json::<Json>().await.unwrap()["access_token"].as_str().unwrap().to_owned()
    }

    /// Uploads people that nobody has heard of before.
    async fn upload(&mut self, url: &str) {
        let first = self.uploads.len() * PEOPLE;
        let operations: Vec<Json> = (first..first + PEOPLE)
            .map(|at| {
                json!({ "method": "POST", "bulkId": format!("b{at}"), "path": "/Users", "data": {
                    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "externalId": format!("p{at}") } })
            })
            .collect();
        let schemas = ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"];
        let answer = self
            .http
            .post(format!("{url}/v1.0/servicePrincipals/x/synchronization/jobs/hr/bulkUpload"))
            .bearer_auth(self.token(url).await)
            .header("content-type", "application/scim+json")
            .body(json!({ "schemas": schemas, "Operations": operations }).to_string())
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), 202, "NATS or not, uploads are accepted");
        self.uploads.push(answer.headers()["muster-upload-id"].to_str().unwrap().parse().unwrap());
    }

    /// Waits until so many change files are there.
    async fn until_files(&self, count: usize) {
        let began = Instant::now();
        while self.files().len() < count {
            assert!(began.elapsed() < PATIENCE, "{} of {count} files are there; {}", self.files().len(), self.logs());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn files(&self) -> BTreeMap<String, String> {
        let entries = fs::read_dir(self.path("ldif")).unwrap().map(Result::unwrap);
        let named = entries.map(|entry| (entry.file_name().into_string().unwrap(), entry.path()));
        let whole = named.filter(|(name, _)| name.ends_with(".ldif"));
        whole.map(|(name, path)| (name, fs::read_to_string(path).unwrap())).collect()
    }

    fn logs(&self) -> String {
        let tail = |name: &str| {
            let text = fs::read_to_string(self.path(name)).unwrap_or_default();
            let lines: Vec<&str> =
                text.lines().filter(|line| !line.contains("request{") && !line.contains(" request ")).collect();
            lines[lines.len().saturating_sub(15)..].join("\n")
        };
        format!("serve:\n{}\none:\n{}\ntwo:\n{}", tail("serve.log"), tail("agent-0.log"), tail("agent-1.log"))
    }

    /// Waits until every operation has ended, and well.
    async fn settle(&self, url: &str) {
        let (began, token) = (Instant::now(), self.token(url).await);
        for upload in &self.uploads {
            loop {
                let request = self.http.get(format!("{url}/muster/v1/uploads/{upload}")).bearer_auth(&token);
                let told: Json = request.send().await.unwrap().json().await.unwrap();
                if told["outcomes"] == json!({ "applied": PEOPLE }) {
                    break;
                }
                assert!(
                    began.elapsed() < PATIENCE,
                    "upload {upload} does not end: {}; {}",
                    told["outcomes"],
                    self.logs()
                );
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

fn end(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nats-server"]
async fn nodes_agents_and_the_server_are_killed_and_everybody_is_there_once() {
    let mut camp = Camp::new(["127.0.6.21", "127.0.6.22", "127.0.6.23"]);
    let (server, url) = camp.serve("127.0.0.1:0");
    let listen = url.strip_prefix("http://").unwrap().to_owned();
    let (one, two) = (camp.agent(0, &url), camp.agent(1, &url));
    camp.upload(&url).await;
    camp.until_files(PEOPLE / 2).await;

    // One node after another, each while work is under way.
    for node in 0..3 {
        camp.nats.kill(node);
        camp.upload(&url).await;
        camp.until_files((node + 1) * PEOPLE + 5).await;
        camp.nats.restart(node);
    }
    // No quorum for a while.
    camp.nats.kill(0);
    camp.nats.kill(1);
    camp.upload(&url).await;
    tokio::time::sleep(AWAY).await;
    camp.nats.restart(0);
    camp.nats.restart(1);
    // An agent, in the middle of its work; then the other, and the server with it.
    camp.upload(&url).await;
    camp.until_files(4 * PEOPLE + 3).await;
    end(one);
    let one = camp.agent(0, &url);
    camp.upload(&url).await;
    end(server);
    end(two);
    let (server, url) = camp.serve(&listen);
    let two = camp.agent(1, &url);
    camp.upload(&url).await;
    camp.settle(&url).await;

    let files = camp.files();
    let people = camp.uploads.len() * PEOPLE;
    for at in 0..people {
        let line = format!("employeeID: p{at}\n");
        let named = files.values().filter(|text| text.replace('\r', "").contains(&line)).count();
        assert_eq!(named, 1, "p{at} has one change file");
    }
    assert_eq!(files.len(), people);
    [server, one, two].into_iter().for_each(end);
    let checked = camp.command(&["fsck", "--json"]).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}
