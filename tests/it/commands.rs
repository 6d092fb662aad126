//! The commands that stay, as processes of their own: `serve`, `agent` and `sandbox`, and how they end.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value as Json;
use tempfile::TempDir;

use super::house::{bulk, person};
use super::ldap_looks::told as told_to_people;

/// Everybody to the premises: no secret is needed.
const JOB: &str = r#"
name = "hr"
source.kind = "api"

[[rule]]
id = "all"
place = "on-premises"

[target.hq]
kind = "ldif"
folder = "."
container = "OU=People,DC=contoso"
map = [
  { to = "employeeID", direct = "externalId", match = 1 },
  { to = "cn", direct = "displayName" },
  { to = "sAMAccountName", direct = "externalId" },
]
"#;

/// A data folder and a job file.
pub(crate) struct Site {
    folder: TempDir,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::with(JOB)
    }

    /// With another job `hr`.
    pub(crate) fn with(job: &str) -> Self {
        super::practice::install_tls();
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("hr.toml"), job).unwrap();
        std::fs::create_dir(folder.path().join("ldif")).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The command on this site's data, to be run by `before` if there is something.
    pub(crate) fn command(&self, before: &[&str], words: &[&str]) -> Command {
        let muster = env!("CARGO_BIN_EXE_muster");
        let mut command = match before.split_first() {
            None => Command::new(muster),
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(muster);
                command
            }
        };
        command.arg("--data").arg(self.path("data")).args(["--json", "--log-format", "json"]).args(words);
        command.env("RUST_LOG", "info").current_dir(self.folder.path());
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Output {
        self.command(&[], words).output().unwrap()
    }

    pub(crate) fn client(&self, name: &str, words: &[&str]) -> (String, String) {
        let output = self.run(&[&["client", "add", name], words].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said: Json = serde_json::from_slice(&output.stdout).unwrap();
        let text = |field: &str| said[field].as_str().unwrap().to_owned();
        (text("clientId"), text("clientSecret"))
    }

    pub(crate) fn serve(&self, before: &[&str]) -> Served {
        let mut command = self.command(before, &["serve", "--job", "hr.toml", "--listen", "127.0.0.1:0"]);
        Served::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }
}

/// A process that serves.
pub(crate) struct Served {
    child: Child,
    pub(crate) url: String,
    _stdout: BufReader<ChildStdout>,
    stderr: ChildStderr,
}

impl Served {
    fn start(mut child: Child) -> Self {
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut stderr = child.stderr.take().unwrap();
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let said: Json = serde_json::from_str(&line).unwrap_or_else(|_| {
            let mut told = String::new();
            stderr.read_to_string(&mut told).unwrap();
            panic!("{line}{told}");
        });
        let url = said["url"].as_str().or(said["authority"].as_str()).unwrap().to_owned();
        Self { child, url, _stdout: stdout, stderr }
    }

    /// Asks it to end, waits until it has; its exit code and what it logged.
    pub(crate) fn stop(mut self) -> (Option<i32>, String) {
        let pid = innermost(self.child.id().to_string());
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let status = self.child.wait().unwrap();
        let mut told = String::new();
        self.stderr.read_to_string(&mut told).unwrap();
        (status.code(), told)
    }

    pub(crate) async fn token(&self, id: &str, secret: &str) -> String {
        let form = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
        let answer = http().post(format!("{}/any/oauth2/v2.0/token", self.url)).form(&form).send().await.unwrap();
        let body: Json = answer.json().await.unwrap();
        body["access_token"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
    }

    pub(crate) async fn upload(&self, token: &str, body: String) -> StatusCode {
        let url = format!("{}/v1.0/servicePrincipals/0/synchronization/jobs/hr/bulkUpload", self.url);
        let request = http().post(url).bearer_auth(token).header("content-type", "application/scim+json");
        request.body(body).send().await.unwrap().status()
    }
}

/// The process itself, where others watch over it: those pass no signals on.
fn innermost(pid: String) -> String {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    match children.split_whitespace().next() {
        Some(child) => innermost(child.to_owned()),
        None => pid,
    }
}

fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

fn files(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

#[tokio::test]
async fn an_upload_to_a_server_becomes_a_change_file_at_an_agent() {
    let site = Site::new();
    let (id, secret) = site.client("payroll", &["--role", "SynchronizationData-User.Upload"]);
    let (agent, agent_secret) = site.client("agent", &["--role", "Muster.Agent", "--target", "hq"]);
    let served = site.serve(&[]);
    let token = served.token(&id, &secret).await;
    let status = served.upload(&token, bulk(&[person("1", "Employee", ""), person("2", "Employee", "")])).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let url = served.url.clone();
    let words = ["agent", "--server", &url, "--client-id", &agent, "--target", "hq", "--ldif", "ldif", "--once"];
    // What was accepted is decided soon, but not before an agent can ask.
    for _ in 0..50 {
        let output = site.command(&[], &words).env("MUSTER_CLIENT_SECRET", &agent_secret).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        if files(&site.path("ldif")).len() >= 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(files(&site.path("ldif")).len(), 2);
    let (code, log) = served.stop();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains(r#""route":"/{version:v1\\.0|beta}/servicePrincipals/"#), "{log}");
    assert!(log.contains(r#""client":"payroll""#) && log.contains(r#""status":202"#), "{log}");
    for private in [token.as_str(), &secret, &agent_secret, "@contoso.example"] {
        assert!(!log.contains(private), "{log}");
    }
    let fsck = site.run(&["fsck"]);
    assert!(fsck.status.success(), "{}", String::from_utf8_lossy(&fsck.stdout));
}

#[test]
fn an_agent_with_a_wrong_secret_says_so_at_once() {
    let site = Site::new();
    let (agent, _) = site.client("agent", &["--role", "Muster.Agent", "--target", "hq"]);
    let served = site.serve(&[]);
    let words = ["agent", "--server", &served.url, "--client-id", &agent, "--target", "hq", "--ldif", "ldif"];
    let start = |words: &[&str]| {
        let mut command = site.command(&[], words);
        command.env("MUSTER_CLIENT_SECRET", "WRONG-SECRET").stderr(Stdio::piped()).spawn().unwrap()
    };
    let output = start(&[&words[..], &["--once"]].concat()).wait_with_output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("the server does not let the agent in") && told.contains("invalid_client"), "{told}");
    assert!(!told.contains("WRONG-SECRET"), "{told}");
    // One that stays says what to do, and goes on.
    let mut staying = start(&words);
    let mut line = String::new();
    BufReader::new(staying.stderr.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains(r#""level":"ERROR""#) && line.contains("correct `client_id` and `client_secret`"), "{line}");
    assert_eq!(staying.try_wait().unwrap(), None);
    assert!(Command::new("kill").args(["-TERM", &staying.id().to_string()]).status().unwrap().success());
    assert_eq!(staying.wait().unwrap().code(), Some(0));
    assert_eq!(served.stop().0, Some(0));
}

#[test]
fn a_directory_that_cannot_be_asked_for_its_password_or_authority_keeps_no_other_file_from_being_checked() {
    let site = Site::new();
    let directory = |ca: &str, password: &str| {
        format!(
            "server = 'https://muster.example'\nclient_id = 'x'\nclient_secret = {{ file = 'secret' }}\n\
             [target.hq]\nkind = 'ldap'\nservers = ['ldaps://127.0.0.1:1']\nca = '{ca}'\nbind = 'cn=x'\n\
             password = {{ file = '{password}' }}\nbase = 'dc=x'\ncontainers = ['dc=x']\nlog = 'hq.log'\n"
        )
    };
    for (name, text) in [("der.pem", "no PEM"), ("password", "x"), ("a.toml", &directory("ca.pem", "password"))] {
        std::fs::write(site.path(name), text).unwrap();
    }
    std::fs::write(site.path("b.toml"), directory("der.pem", "password")).unwrap();
    std::fs::write(site.path("c.toml"), directory("der.pem", "nowhere")).unwrap();
    let files = ["--agent", "a.toml", "--agent", "b.toml", "--agent", "c.toml"];
    let output = site.run(&[&["check", "--look"], &files[..]].concat());
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let told: Vec<Json> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let why = |at: usize| told[at]["looked"][0]["notAsked"].as_str().unwrap();
    assert!(why(0).starts_with("the certificates in ca.pem cannot be read"), "{said}");
    assert!(why(1).contains("the certificate authority cannot be read as PEM"), "{said}");
    assert!(why(2).contains("cannot read the secret file nowhere"), "{said}");
    let (_, said) = told_to_people(&site, &[&["check", "--look"], &files[..]].concat());
    for file in ["a.toml", "b.toml", "c.toml"] {
        assert!(said.contains(&format!("error: {file}: hq: the directory cannot be asked: ")), "{said}");
    }
}

#[test]
fn change_files_are_not_written_for_a_job_that_means_a_domain() {
    let site = Site::with(
        &JOB.replace("kind = \"ldif\"\nfolder = \".\"", "kind = \"active-directory\"\ndomain = \"contoso.example\""),
    );
    let (agent, secret) = site.client("agent", &["--role", "Muster.Agent", "--target", "hq"]);
    let served = site.serve(&[]);
    let words = ["agent", "--server", &served.url, "--client-id", &agent, "--target", "hq", "--ldif", "ldif", "--once"];
    let output = site.command(&[], &words).env("MUSTER_CLIENT_SECRET", &secret).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    let why = "`hq` is of kind `ldif` in the agent's file, and of kind `active-directory` in job `hr`; correct one";
    assert!(told.contains(r#""level":"ERROR""#) && told.contains(why), "{told}");
    assert_eq!(served.stop().0, Some(0));
    let status = Command::new(env!("CARGO_BIN_EXE_muster")).arg("--data").arg(site.path("data")).arg("status").output();
    let told = String::from_utf8(status.unwrap().stdout).unwrap();
    let why = "is given no work: in its file the target is of kind `ldif`, in the job of kind `active-directory`;";
    assert!(told.contains(why), "{told}");
}

#[tokio::test]
async fn a_client_that_is_disabled_beside_a_running_server_is_out_at_once() {
    let site = Site::new();
    let served = site.serve(&[]);
    let (id, secret) = site.client("payroll", &["--role", "SynchronizationData-User.Upload"]);
    let token = served.token(&id, &secret).await;
    assert_eq!(served.upload(&token, bulk(&[])).await, StatusCode::ACCEPTED);
    assert!(site.run(&["client", "disable", "payroll"]).status.success());
    assert_eq!(served.upload(&token, bulk(&[])).await, StatusCode::UNAUTHORIZED);
    let listed: Json = serde_json::from_slice(&site.run(&["client", "list"]).stdout).unwrap();
    assert!(listed[0]["disabledAt"].is_string());
    assert_eq!(served.stop().0, Some(0));
}

#[test]
fn clients_are_added_with_care() {
    let site = Site::new();
    let refused = |words: &[&str]| {
        let output = site.run(&[&["client", "add"], words].concat());
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let told = refused(&["payroll", "--role", "SynchronizationData-User.Uplod"]);
    assert!(told.contains("did you mean `SynchronizationData-User.Upload`?"), "{told}");
    assert!(refused(&["agent", "--role", "Muster.Agent"]).contains("--target"));
    assert!(refused(&["a b", "--role", "ProvisioningLog.Read.All"]).contains("letters"));
    site.client("twice", &["--role", "ProvisioningLog.Read.All"]);
    assert!(refused(&["twice", "--role", "ProvisioningLog.Read.All"]).contains("already"));
}

#[test]
fn a_server_says_what_keeps_it_from_serving() {
    let site = Site::new();
    let serve = |words: &[&str]| {
        let output = site.run(&[&["serve", "--job", "hr.toml"], words].concat());
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(serve(&["--listen", "0.0.0.0:0"]).contains("--tls-cert"));
    assert!(serve(&["--job", "hr.toml", "--listen", "127.0.0.1:0"]).contains("two job files"));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    assert!(serve(&["--listen", &taken.local_addr().unwrap().to_string()]).contains("--listen"));
}

#[tokio::test]
async fn the_practice_tenant_gives_tokens_and_ends_when_told() {
    let site = Site::new();
    let mut command = site.command(&[], &["sandbox", "--listen", "127.0.0.1:0"]);
    command.env("MUSTER_ENTRA_SECRET", "practice-secret").stdout(Stdio::piped()).stderr(Stdio::piped());
    let served = Served::start(command.spawn().unwrap());
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "practice"),
        ("client_secret", "practice-secret"),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    let url = format!("{}/contoso.example/oauth2/v2.0/token", served.url);
    assert_eq!(http().post(url).form(&form).send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(served.stop().0, Some(0));
}

/// What `muster check` says of a job file, for people and for machines.
#[test]
fn a_password_in_a_job_file_is_told_to_nobody() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/broken/mapped-passwords.toml");
    for words in [&["check", file][..], &["--json", "check", file]] {
        let output = Command::new(env!("CARGO_BIN_EXE_muster")).args(words).env("RUST_LOG", "trace").output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(said.contains("passwords are not mapped") && !said.contains("hunter2"), "{said}");
    }
}
