//! Agents in processes of their own that are killed, stopped, or cut off from the server: the others go on, and every
//! person ends with what they shall have, once. And what an agent's own file allows holds whatever it is asked for.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::samba::{self, Samba};

/// The longest anything is waited for.
const PATIENCE: Duration = Duration::from_secs(90);
/// How often it is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// An agent's lease (its writes take a second at most), and the second that a write begun in it may still take.
const LEASE_AND_GRACE: Duration = Duration::from_secs(4);
const PEOPLE: usize = 400;
/// People whose accounts are made in a real domain.
const IN_DOMAIN: usize = 120;

const JOB: &str = r#"
name = "hr"
source = { kind = "api" }
[[rule]]
id = "everybody"
place = "on-premises"
container = '"OU=Staff,DC=example,DC=test"'
[target.hq]
{TARGET}
limits = { disable = { count = 10000 }, delete = { count = 10000 }, move = { count = 10000 } }
map = [
  { to = "employeeID", direct = "externalId", match = 1 },
  { to = "cn", direct = "externalId" },
  { to = "sAMAccountName", direct = "userName" },
  { to = "displayName", direct = "displayName" },
  { to = "accountEnabled", direct = "active" },
]
"#;

/// What the target of the job is: change files, or a domain.
const CHANGE_FILES: &str = "kind = \"ldif\"\nfolder = \"ldif\"";
const DOMAIN: &str = "kind = \"active-directory\"\ndomain = \"example.test\"";

/// A process that is killed when nobody has it any more.
struct Process(Child);

impl Process {
    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.0.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A server in a process of its own, a folder for change files, and whoever sends uploads.
struct Site {
    folder: tempfile::TempDir,
    url: String,
    token: String,
    http: reqwest::Client,
    _server: Process,
}

fn muster(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
    command.args(words).arg("--data").arg(folder.join("data")).current_dir(folder).stderr(Stdio::null());
    command
}

/// An agent knows nothing but its own file.
fn agent(folder: &Path, file: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
    command.args(["agent", "--config"]).arg(file).current_dir(folder);
    command
}

fn added(folder: &Path, words: &[&str]) -> (String, String) {
    let output = muster(folder, &[&["client", "add", "--json"], words].concat()).output().unwrap();
    let client: Json = serde_json::from_slice(&output.stdout).unwrap();
    (client["clientId"].as_str().unwrap().to_owned(), client["clientSecret"].as_str().unwrap().to_owned())
}

impl Site {
    async fn open(target: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        fs::write(at.join("job.toml"), JOB.replace("{TARGET}", target)).unwrap();
        fs::create_dir(at.join("ldif")).unwrap();
        let words = ["serve", "--json", "--listen", "127.0.0.1:0", "--no-rate-limit", "--job", "job.toml"];
        let mut server = muster(at, &words).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: Json = serde_json::from_str(&line).unwrap();
        let url = told["url"].as_str().unwrap().to_owned();
        let roles = ["hr", "--role", "SynchronizationData-User.Upload", "--role", "ProvisioningLog.Read.All"];
        let (id, secret) = added(at, &roles);
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let form = [("grant_type", "client_credentials"), ("client_id", &id), ("client_secret", &secret)];
        let answer = http.post(format!("{url}/x/oauth2/v2.0/token")).form(&form).send().await.unwrap();
        let token = answer.json::<Json>().await.unwrap()["access_token"].as_str().unwrap().to_owned();
        Self { folder, url, token, http, _server: Process(server) }
    }

    fn at(&self) -> &Path {
        self.folder.path()
    }

    /// An agent's own file, at a server that is reached so; what it may disable in an hour.
    fn agent_file(&self, name: &str, server: &str, disable: u32) -> PathBuf {
        let (id, secret) = added(self.at(), &[name, "--role", "Muster.Agent", "--target", "hq"]);
        fs::write(self.at().join(format!("{name}-secret")), secret).unwrap();
        let text = format!(
            "server = \"{server}\"\nclient_id = \"{id}\"\nclient_secret = {{ file = \"{name}-secret\" }}\nname = \"{name}\"\n\
             [target.hq]\nkind = \"ldif\"\nfolder = \"ldif\"\nlog = \"{name}.log\"\ntimeout_seconds = 1\n\
             limits = {{ disable = {disable} }}\n"
        );
        let file = self.at().join(format!("{name}.toml"));
        fs::write(&file, text).unwrap();
        file
    }

    /// The same, for an agent that writes to a domain.
    fn domain_agent_file(&self, name: &str, samba: &Samba, address: &str) -> PathBuf {
        let file = self.agent_file(name, &self.url, 1_000);
        let text = fs::read_to_string(&file).unwrap();
        let (server, _) = text.split_once("[target.hq]").unwrap();
        fs::write(self.at().join("ad-password"), "Passw0rd.Test1").unwrap();
        let (ca, base) = (samba.certificate(), samba::BASE);
        let target = format!(
            "[target.hq]\nkind = \"active-directory\"\nservers = [\"ldaps://{address}\"]\nca = {ca:?}\n\
             bind = \"Administrator@EXAMPLE.TEST\"\npassword = {{ file = \"ad-password\" }}\nbase = \"{base}\"\n\
             containers = [\"OU=Staff,{base}\"]\ntimeout_seconds = 2\nlog = \"{name}.log\"\n\
             limits = {{ disable = 1000 }}\n"
        );
        fs::write(&file, format!("{server}{target}")).unwrap();
        file
    }

    fn agent(&self, file: &Path) -> Process {
        Process(agent(self.at(), file).stdout(Stdio::null()).spawn().unwrap())
    }

    fn begin_log(&self, file: &Path) -> String {
        let output = agent(self.at(), file).arg("--begin-log").output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    async fn upload(&self, people: std::ops::Range<usize>, active: bool) -> String {
        let operations: Vec<Json> = people
            .map(|at| {
                json!({ "method": "POST", "path": "/Users", "bulkId": at.to_string(), "data": {
                    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                    "externalId": format!("p{at}"), "userName": format!("user{at}"),
                    "displayName": format!("Person {at}"), "active": active,
                } })
            })
            .collect();
        let body =
            json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations });
        let answer = self
            .http
            .post(format!("{}/v1.0/servicePrincipals/x/synchronization/jobs/hr/bulkUpload", self.url))
            .bearer_auth(&self.token)
            .header("content-type", "application/scim+json")
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), 202);
        answer.headers()["muster-upload-id"].to_str().unwrap().to_owned()
    }

    async fn get(&self, path: &str) -> Json {
        let answer = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.token).send().await.unwrap();
        answer.json().await.unwrap()
    }

    async fn until_applied(&self, upload: &str, count: usize) {
        let began = Instant::now();
        loop {
            let told = self.get(&format!("/muster/v1/uploads/{upload}")).await;
            if told["outcomes"] == json!({ "applied": count }) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "upload {upload} does not end: {}", told["outcomes"]);
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn files(&self) -> Vec<String> {
        let names = fs::read_dir(self.at().join("ldif")).unwrap().map(|entry| entry.unwrap().file_name());
        names.map(|name| name.into_string().unwrap()).filter(|name| name.ends_with(".ldif")).collect()
    }

    async fn until_files(&self, count: usize) {
        let began = Instant::now();
        while self.files().len() < count {
            assert!(began.elapsed() < PATIENCE, "there are no {count} files");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Everybody's account is made once, and the store is as it must be.
    fn everybody_has_one_account(&self) {
        let mut made: Vec<String> = Vec::new();
        for name in self.files() {
            let text = fs::read_to_string(self.at().join("ldif").join(name)).unwrap();
            let anchors = text.lines().filter_map(|line| line.strip_prefix("employeeID: "));
            made.extend(anchors.map(str::to_owned));
        }
        made.sort();
        let mut expected: Vec<String> = (0..PEOPLE).map(|at| format!("p{at}")).collect();
        expected.sort();
        assert_eq!(made, expected);
        let checked = muster(self.at(), &["fsck", "--json"]).output().unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    }

    /// How many an agent has counted as disabled.
    fn counted(&self, agent: &str) -> usize {
        let log = fs::read_to_string(self.at().join(format!("{agent}.log"))).unwrap();
        log.lines().filter(|line| line.contains(r#"{"counted":{"damage":"disable""#)).count()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "processes that are killed; tests/all.sh runs it"]
async fn an_agent_that_is_killed_loses_its_leases_and_the_other_goes_on() {
    let site = Site::open(CHANGE_FILES).await;
    let (one, two) = (site.agent_file("one", &site.url, 100), site.agent_file("two", &site.url, 100));
    assert!(site.begin_log(&one).contains("is begun (there was none)"));
    assert!(site.begin_log(&two).contains("is begun"));
    let upload = site.upload(0..PEOPLE, true).await;
    let (first, _second) = (site.agent(&one), site.agent(&two));
    site.until_files(30).await;
    first.kill();
    site.until_applied(&upload, PEOPLE).await;
    site.everybody_has_one_account();

    // The same while it does damage: killed between the line in its log and the write, and started again.
    let first = site.agent(&one);
    let upload = site.upload(0..60, false).await;
    site.until_files(PEOPLE + 10).await;
    first.kill();
    let _first = site.agent(&one);
    site.until_applied(&upload, 60).await;
    let (one, two) = (site.counted("one"), site.counted("two"));
    assert!(one <= 100 && two <= 100 && one + two >= 60, "{one} and {two}");
    let agents = site.get("/muster/v1/agents").await["agents"].clone();
    let names: Vec<_> = agents.as_array().unwrap().iter().map(|agent| agent["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["one", "two"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "processes that are stopped; tests/all.sh runs it"]
async fn an_agent_that_was_stopped_past_its_leases_begins_nothing_of_them_any_more() {
    let site = Site::open(CHANGE_FILES).await;
    let (one, two) = (site.agent_file("one", &site.url, 0), site.agent_file("two", &site.url, 0));
    let upload = site.upload(0..PEOPLE, true).await;
    let first = site.agent(&one);
    site.until_files(10).await;
    first.signal("-STOP");
    let stopped = Instant::now();
    let _second = site.agent(&two);
    site.until_applied(&upload, PEOPLE).await;
    assert!(stopped.elapsed() > Duration::from_secs(2), "the other waited for the leases to end");
    let mut before = site.files();
    first.signal("-CONT");
    tokio::time::sleep(LEASE_AND_GRACE).await;
    let mut after = site.files();
    before.sort();
    after.sort();
    assert_eq!(before, after);
    site.everybody_has_one_account();
}

/// Somebody between agent and server, who can be told to pass on nothing more.
async fn between(server: &str) -> (String, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (server, is_cut) = (server.strip_prefix("http://").unwrap().to_owned(), Arc::new(AtomicBool::new(false)));
    let cut = Arc::clone(&is_cut);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(pass(stream, server.clone(), Arc::clone(&cut)));
        }
    });
    (url, is_cut)
}

async fn pass(mut client: TcpStream, server: String, is_cut: Arc<AtomicBool>) {
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        let (count, is_asked) = tokio::select! {
            read = client.read(&mut asked) => (read.unwrap_or(0), true),
            read = server.read(&mut answered) => (read.unwrap_or(0), false),
        };
        while is_cut.load(Ordering::SeqCst) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let passed = match (count, is_asked) {
            (0, _) => return,
            (count, true) => server.write_all(&asked[..count]).await,
            (count, false) => client.write_all(&answered[..count]).await,
        };
        if passed.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "processes that are cut off; tests/all.sh runs it"]
async fn an_agent_that_is_cut_off_from_the_server_doubles_nothing_when_it_comes_back() {
    let site = Site::open(CHANGE_FILES).await;
    let (way, is_cut) = between(&site.url).await;
    let (one, two) = (site.agent_file("one", &way, 0), site.agent_file("two", &site.url, 0));
    let upload = site.upload(0..PEOPLE, true).await;
    let _first = site.agent(&one);
    site.until_files(10).await;
    is_cut.store(true, Ordering::SeqCst);
    let _second = site.agent(&two);
    site.until_applied(&upload, PEOPLE).await;
    is_cut.store(false, Ordering::SeqCst);
    tokio::time::sleep(LEASE_AND_GRACE).await;
    site.everybody_has_one_account();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "processes of their own; tests/all.sh runs it"]
async fn an_agent_holds_its_own_limits_whatever_it_is_asked_for_and_people_see_why() {
    let site = Site::open(CHANGE_FILES).await;
    let one = site.agent_file("one", &site.url, 2);
    let upload = site.upload(0..10, true).await;
    let first = site.agent(&one);
    site.until_applied(&upload, 10).await;
    // Its log was begun by itself: nobody knows what it did before.
    site.upload(0..5, false).await;
    let reasons = async |code: &str, count: usize| {
        let began = Instant::now();
        loop {
            let mut waiting = 0;
            for at in 0..5 {
                let person = site.get(&format!("/muster/v1/jobs/hr/people/p{at}")).await;
                waiting += usize::from(person["accounts"][0]["reason"]["code"] == code);
            }
            if waiting == count {
                return;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "{waiting} wait for {code}, and not {count}: {}",
                site.get("/muster/v1/jobs/hr/people/p0").await
            );
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    reasons("agent_limit_log", 5).await;
    assert_eq!((site.files().len(), site.counted("one")), (10, 0));
    // Nobody vouches while it runs.
    let refused = agent(site.at(), &one).arg("--begin-log").output().unwrap();
    assert!(!refused.status.success());
    let second = agent(site.at(), &one).output().unwrap();
    assert!(!second.status.success(), "two agents count in one log");
    first.kill();
    assert!(site.begin_log(&one).contains("does not wait any more"));
    // HR says it again, so that they are tried at once.
    let _first = site.agent(&one);
    for (at, title) in (0..5).zip(["A", "B", "C", "D", "E"]) {
        site.say_again(at, title).await;
    }
    reasons("agent_limit_disable", 3).await;
    assert_eq!(site.counted("one"), 2);
    let explained = muster(site.at(), &["explain", "p0"]).output().unwrap();
    assert!(explained.status.success());
}

/// How many accounts of people the domain has.
fn accounts(samba: &Samba) -> usize {
    samba.search("(employeeID=p*)").lines().filter(|line| line.starts_with("employeeID: ")).count()
}

async fn until_accounts(samba: &Samba, count: usize) {
    let began = Instant::now();
    while accounts(samba) < count {
        assert!(began.elapsed() < PATIENCE, "there are no {count} accounts");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs root and samba, which tests/all.sh installs; takes about a minute"]
async fn a_domain_that_is_stopped_and_killed_while_agents_die_has_everybody_once() {
    let mut samba = Samba::start("127.0.5.11");
    let made =
        samba.apply(&format!("dn: OU=Staff,{}\nchangetype: add\nobjectClass: organizationalUnit\n", samba::BASE));
    assert!(made.status.success(), "{made:?}");
    let site = Site::open(DOMAIN).await;
    let one = site.domain_agent_file("one", &samba, "127.0.5.11");
    let two = site.domain_agent_file("two", &samba, "127.0.5.11");
    for file in [&one, &two] {
        site.begin_log(file);
    }
    let upload = site.upload(0..IN_DOMAIN, true).await;
    let (first, _second) = (site.agent(&one), site.agent(&two));
    until_accounts(&samba, 10).await;
    first.kill();
    samba.signal("STOP");
    tokio::time::sleep(Duration::from_secs(3)).await;
    samba.signal("CONT");
    let _first = site.agent(&one);
    samba.kill_and_start();
    site.until_applied(&upload, IN_DOMAIN).await;

    // Half of them leave, and the domain is killed once more.
    let upload = site.upload(0..IN_DOMAIN / 2, false).await;
    samba.kill_and_start();
    site.until_applied(&upload, IN_DOMAIN / 2).await;
    let told = samba.search("(employeeID=p*)");
    let mut anchors: Vec<&str> = told.lines().filter_map(|line| line.strip_prefix("employeeID: ")).collect();
    anchors.sort_unstable();
    let mut expected: Vec<String> = (0..IN_DOMAIN).map(|at| format!("p{at}")).collect();
    expected.sort();
    assert_eq!(anchors, expected);
    let open = told.lines().filter(|line| *line == "userAccountControl: 512").count();
    let closed = told.lines().filter(|line| *line == "userAccountControl: 514").count();
    assert_eq!((open, closed), (IN_DOMAIN - IN_DOMAIN / 2, IN_DOMAIN / 2));
    assert!(site.counted("one") + site.counted("two") >= IN_DOMAIN / 2);
    let words = ["fsck", "--json", "--look", "--job", "job.toml", "--agent"];
    let checked = muster(site.at(), &[&words[..], &[one.to_str().unwrap()]].concat()).output().unwrap();
    let told = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success() && told.contains(&format!("\"right\":{IN_DOMAIN},")), "{told}");
}

impl Site {
    async fn say_again(&self, at: usize, name: &str) {
        let operation = json!({ "method": "POST", "path": "/Users", "bulkId": "1", "data": {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "externalId": format!("p{at}"),
            "displayName": name,
        } });
        let body =
            json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [operation] });
        let request = self
            .http
            .post(format!("{}/v1.0/servicePrincipals/x/synchronization/jobs/hr/bulkUpload", self.url))
            .bearer_auth(&self.token)
            .header("content-type", "application/scim+json");
        assert_eq!(request.body(body.to_string()).send().await.unwrap().status().as_u16(), 202);
    }
}
