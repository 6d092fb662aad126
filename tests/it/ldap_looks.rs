//! `muster fsck --look --agent`: what the store knows, beside what an agent's directory holds (OpenLDAP).

use std::process::Command;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value as Json;

use super::commands::Site;
use super::house::{bulk, person};
use super::slapd::{self, Slapd};

pub(crate) const JOB: &str = r#"
name = "hr"
source.kind = "api"

[[rule]]
id = "all"
place = "on-premises"
target = "hq"

[target.hq]
kind = "ldap"
domain = "example.test"
container = "ou=people,dc=example,dc=test"
map = [
  { to = "employeeNumber", direct = "externalId", match = 1 },
  { to = "uid", direct = "externalId" },
  { to = "cn", direct = "displayName" },
  { to = "sn", constant = "Larsen" },
  { to = "title", constant = "Clerk" },
]

[target.files]
kind = "ldif"
folder = "."
container = "OU=People,DC=contoso"
map = [{ to = "employeeID", direct = "externalId", match = 1 }, { to = "cn", direct = "displayName" }]
"#;

pub(crate) fn agent_file(server: &str, client: &str, slapd: &Slapd, target: &str) -> String {
    format!(
        r#"
server = "{server}"
client_id = "{client}"
client_secret = {{ file = "client-secret" }}

[target.{target}]
kind = "ldap"
servers = ["ldaps://{}:6360"]
ca = "{}"
bind = "{}"
password = {{ file = "ldap-password" }}
base = "{}"
containers = ["ou=people,dc=example,dc=test"]
log = "{target}.log"
"#,
        slapd.address(),
        slapd.certificate().display(),
        slapd::ADMIN,
        slapd::BASE
    )
}

/// The exit code, and what was said for people.
pub(crate) fn told(site: &Site, words: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
    command.arg("--data").arg(site.path("data")).args(words).current_dir(site.path(""));
    let output = command.output().unwrap();
    let (said, noted) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), format!("{said}{noted}"))
}

/// A server's site whose agent has made people 1 to 5 in the directory, and all that both have logged; they have ended.
pub(crate) async fn with_people(slapd: &Slapd) -> (Site, String) {
    let site = Site::with(JOB);
    let (id, secret) = site.client("payroll", &["--role", "SynchronizationData-User.Upload"]);
    let (agent, agent_secret) = site.client("agent", &["--role", "Muster.Agent", "--target", "hq"]);
    let served = site.serve(&[]);
    for (name, text) in [("client-secret", agent_secret.as_str()), ("ldap-password", slapd::PASSWORD)] {
        std::fs::write(site.path(name), text).unwrap();
    }
    std::fs::write(site.path("agent.toml"), agent_file(&served.url, &agent, slapd, "hq")).unwrap();
    std::fs::write(site.path("other.toml"), agent_file(&served.url, &agent, slapd, "elsewhere")).unwrap();
    let token = served.token(&id, &secret).await;
    let people: Vec<_> = ["1", "2", "3", "4", "5"].map(|id| person(id, "Employee", "")).into();
    assert_eq!(served.upload(&token, bulk(&people)).await, StatusCode::ACCEPTED);
    let mut logged = String::new();
    // What was accepted is decided soon, but not before an agent can ask.
    for _ in 0..50 {
        let mut agent = site.command(&[], &["agent", "--config", "agent.toml", "--once"]);
        let output = agent.env("RUST_LOG", "trace").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        logged.push_str(&String::from_utf8_lossy(&output.stdout));
        logged.push_str(&String::from_utf8_lossy(&output.stderr));
        if slapd.search("(employeeNumber=*)").matches("dn: ").count() == 5 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (code, log) = served.stop();
    assert_eq!(code, Some(0), "{log}");
    (site, logged + &log)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs OpenLDAP; tests/all.sh runs it"]
async fn the_command_compares_the_data_folder_with_an_agents_directory() {
    let slapd = Slapd::start("127.0.8.31");
    let (site, _) = with_people(&slapd).await;
    let look = ["fsck", "--look", "--job", "hr.toml"];
    let with = |agent: &'static str| [&look[..], &["--agent", agent]].concat();

    let (code, said) = told(&site, &look);
    assert!(code == Some(0) && said.contains("hq: not asked; it is reached through an agent; --agent names"), "{said}");
    let (code, said) = told(&site, &with("agent.toml"));
    assert!(code == Some(0) && said.contains("hq: 5 accounts as known, nobody differs; 0 under way"), "{said}");
    assert!(said.contains("files: not asked; it gets change files"), "{said}");

    let own = std::fs::read_to_string(site.path("agent.toml")).unwrap();
    std::fs::write(site.path("unlike.toml"), own.replacen("kind = \"ldap\"", "kind = \"active-directory\"", 1))
        .unwrap();
    let (code, said) = told(&site, &with("unlike.toml"));
    assert!(
        code == Some(1) && said.contains("`hq` is of kind `active-directory` in unlike.toml, and of kind `ldap`"),
        "{said}"
    );

    // Behind muster's back: one is deleted, one changed, one moved, one made twice.
    let before = slapd.search("(objectClass=*)");
    slapd.change(
        "dn: uid=1,ou=people,dc=example,dc=test\nchangetype: delete\n\n\
         dn: uid=2,ou=people,dc=example,dc=test\nchangetype: modify\nreplace: title\ntitle: Boss\n-\n\n\
         dn: uid=3,ou=people,dc=example,dc=test\nchangetype: moddn\nnewrdn: uid=3\ndeleteoldrdn: 0\n\
         newsuperior: ou=left,ou=people,dc=example,dc=test\n\n\
         dn: uid=twin,ou=people,dc=example,dc=test\nchangetype: add\nobjectClass: inetOrgPerson\ncn: Twin\nsn: Twin\n\
         employeeNumber: 4\n",
    );
    let changed = slapd.search("(objectClass=*)");
    assert_ne!(before, changed);
    let (code, said) = told(&site, &with("agent.toml"));
    assert_eq!(code, Some(1), "{said}");
    for sentence in [
        "hq: 1 account as known, 4 people differ; 0 under way, 0 held or failed",
        "  1: the linked account ",
        r#"  2: title is known to be "Clerk", and is "Boss""#,
        "  3: is known to stand in ou=people,dc=example,dc=test, and stands in ou=left,ou=people,dc=example,dc=test",
        "  4: several accounts match: ",
    ] {
        assert!(said.contains(sentence), "{sentence}\n{said}");
    }
    let output = site.run(&with("agent.toml"));
    let answer: Json = serde_json::from_slice(&output.stdout).unwrap();
    let hq = answer["targets"].as_array().unwrap().iter().find(|target| target["target"] == "hq").unwrap();
    let what: Vec<_> = hq["differences"].as_array().unwrap().iter().map(|found| found["what"].clone()).collect();
    assert_eq!(what, ["missing", "attribute", "container", "several"], "{answer}");
    assert_eq!((output.status.code(), &answer["ok"], &hq["right"]), (Some(1), &false.into(), &1.into()));
    assert_eq!(slapd.search("(objectClass=*)"), changed, "it only reads");

    // An agent's file of another directory is no answer.
    let (code, said) = told(&site, &with("other.toml"));
    assert!(code == Some(1) && said.contains("other.toml names no directory of job `hr`"), "{said}");
}
