//! What passes through `Redact` is written at the target, and shown nowhere.

use std::fmt::Write as _;
use std::process::Command;

use muster::decide::Concealment;
use muster::pipeline::conceal::{conceal_person, secrets_of};
use muster::writer::{Cause, WriteError};

use super::commands::{Served, Site};
use super::hearth::{Hearth, person};

/// The values that must not be seen, as they came first and as they are later.
const SECRETS: [&str; 3] = ["19640412-7777", "19640412-8888", "pin-of-eve"];

const JOB: &str = r#"
name = "hr"

[source]
kind = "csv"
[source.columns]
id = "externalId"
name = "displayName"
nick = "nickName"
kind = "userType"
ssn = "urn:example:1.0:User:nationalId"
pin = { to = "urn:example:1.0:User:pin", kind = "integer" }

[[rule]]
id = "numbered"
when = 'urn:example:1.0:User:nationalId sw "1964" and userType eq "Employee"'
place = "on-premises"

[target.hq]
kind = "ldif"
folder = "."
container = "OU=People,DC=contoso"
map = [
  { to = "employeeID", direct = "externalId", match = 1 },
  { to = "cn", direct = "displayName" },
  { to = "sAMAccountName", direct = "externalId" },
  { to = "employeeNumber", expression = 'Redact([urn:example:1.0:User:nationalId])' },
  { to = "comment", expression = 'Append("No. ", [urn:example:1.0:User:nationalId])' },
  { to = "info", direct = "nickName" },
  { to = "pager", expression = 'Redact([urn:example:1.0:User:pin])' },
]

[[test]]
name = "it is numbered"
person = { externalId = "9", displayName = "Eve", userType = "Employee", "urn:example:1.0:User:nationalId" = "19640412-7777" }
attributes = { employeeNumber = "19640412-7777", comment = "No. 19640412-7777" }
"#;

fn csv(ssn: &str) -> String {
    format!(
        "id,name,nick,kind,ssn,pin\n1,Anna,a {ssn} z,Employee,{ssn},4711\n2,Bo,,Visitor,{ssn},\n3,Eve,,Employee,x,{}\n",
        SECRETS[2]
    )
}

/// Everything that was said, of whatever kind; the same command also without `--json`.
fn say(site: &Site, said: &mut String, words: &[&str]) {
    let plain = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
        command.arg("--data").arg(site.path("data")).args(words).current_dir(site.path("."));
        command.output().unwrap()
    };
    for output in [site.run(words), plain()] {
        let _ = write!(said, "$ {words:?}\n{}", String::from_utf8(output.stdout).unwrap());
        said.push_str(&String::from_utf8(output.stderr).unwrap());
    }
}

fn carry(site: &Site, served: &Served, (agent, secret): &(String, String), said: &mut String) {
    let words = ["agent", "--server", &served.url, "--client-id", agent, "--target", "hq", "--ldif", "ldif", "--once"];
    let output = site.command(&[], &words).env("MUSTER_CLIENT_SECRET", secret).output().unwrap();
    assert!(output.status.success());
    said.push_str(&String::from_utf8(output.stderr).unwrap());
}

async fn ask(served: &Served, token: &str, path: &str, said: &mut String) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http.get(format!("{}/muster/v1/{path}", served.url)).bearer_auth(token).send().await.unwrap();
    assert!(answer.status().is_success(), "{path}");
    said.push_str(&answer.text().await.unwrap());
}

#[tokio::test]
async fn a_value_marked_redact_is_written_and_never_shown() {
    let site = Site::new();
    std::fs::write(site.path("hr.toml"), JOB).unwrap();
    std::fs::write(site.path("people.csv"), csv(SECRETS[0])).unwrap();
    let failing =
        JOB.replace("attributes = {", "absent = [\"info\"]\ncontainer = \"OU=No\"\nattributes = { pager = \"1\",");
    std::fs::write(site.path("failing.toml"), failing.replace("No. 19640412-7777", "No. 19640412-8888")).unwrap();
    let open = JOB
        .replace("No. ", "Number ")
        .replace("'Redact([urn:example:1.0:User:pin])'", "'Append(\"x\", [displayName])'");
    std::fs::write(site.path("other.toml"), open).unwrap();
    std::fs::write(
        site.path("record.json"),
        format!(
            r#"{{"externalId":"8","userType":"Employee","urn:example:1.0:User":{{"nationalId":"{}"}}}}"#,
            SECRETS[0]
        ),
    )
    .unwrap();
    let mut said = String::new();

    say(&site, &mut said, &["test", "hr.toml", "failing.toml"]);
    say(&site, &mut said, &["check", "hr.toml"]);
    say(&site, &mut said, &["plan", "people.csv", "--job", "hr.toml"]);
    say(&site, &mut said, &["import", "people.csv", "--job", "hr.toml"]);
    let reader = site.client("reader", &["--role", "ProvisioningLog.Read.All"]);
    let agent = site.client("agent", &["--role", "Muster.Agent", "--target", "hq"]);
    for ssn in &SECRETS[..2] {
        std::fs::write(site.path("people.csv"), csv(ssn)).unwrap();
        say(&site, &mut said, &["plan", "people.csv", "--job", "hr.toml"]);
        say(&site, &mut said, &["import", "people.csv", "--job", "hr.toml"]);
        let served = site.serve(&[]);
        carry(&site, &served, &agent, &mut said);
        let token = served.token(&reader.0, &reader.1).await;
        for path in ["jobs/hr/people/1", "jobs/hr/people/2", "uploads/1"] {
            ask(&served, &token, path, &mut said).await;
        }
        said.push_str(&served.stop().1);
        for words in
            [&["explain", "1"][..], &["explain", "2"], &["explain", "3"], &["explain", "1", "--job-file", "other.toml"]]
        {
            say(&site, &mut said, words);
        }
        say(&site, &mut said, &["plan", "--job", "other.toml", "--against", "running"]);
        say(&site, &mut said, &["explain", "--record", "record.json"]);
    }

    // The tests in the job file are its author's own words, and hold a made-up number; nothing repeats it.
    for secret in SECRETS {
        let line = said.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{secret} is seen: {}", line.unwrap_or_default());
    }
    for shown in [
        "employeeNumber: \"[Redact]\"",
        "\"nationalId\":\"[Redact]\"",
        "it is \"[Redact]\"",
        "a [Redact] z",
        "comment: expected [Redact]",
    ] {
        assert!(said.contains(shown), "{shown} is in none of:\n{said}");
    }
    let files = std::fs::read_dir(site.path("ldif"))
        .unwrap()
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let written: String = files.collect();
    for secret in &SECRETS[..2] {
        assert!(written.contains(&format!("employeeNumber: {secret}")), "it is written as it is: {written}");
    }
}

#[tokio::test]
async fn a_refusal_that_quotes_a_secret_is_kept_without_it() {
    let house = Hearth::changed(&[("direct = \"displayName\"", "expression = 'Redact([displayName])'")]);
    let cause = Cause("Invalid value 'anna-the-hidden' specified for property 'displayName'".to_owned());
    house.directory("cloud").fail_next_write(WriteError::Refused { code: "bad".to_owned(), cause });
    let upload = house.say(&[person("1", "Employee", &[("displayName", "Anna-The-Hidden")])]).await;
    house.settle().await;
    let operations = house.store().operations(upload, 0, 1).unwrap();
    let outcome = operations[0].outcome.as_ref().unwrap().reason().unwrap().to_string();
    assert!(outcome.contains("Invalid value '[Redact]' specified"), "{outcome}");
}

#[tokio::test]
async fn a_name_made_of_a_secret_is_nobody_elses_and_shown_to_nobody() {
    let nickname = r#"{ to = "mailNickname", direct = "userName", apply = "create" },"#;
    let name = r#"Append([nickName], "@contoso.com")"#;
    let address = format!("{{ to = \"mail\", expression = 'SelectUniqueValue({name}, {name})' }},");
    let house = Hearth::changed(&[
        (nickname, &format!("{nickname}\n{address}")),
        ("direct = \"displayName\"", "expression = 'Redact([nickName])'"),
    ]);
    let mut told = String::new();
    for anchor in ["1", "2"] {
        let upload = house.say(&[person(anchor, "Employee", &[("nickName", "anna-the-hidden")])]).await;
        house.settle().await;
        let _ = write!(told, "{:?}", house.store().operations(upload, 0, 1).unwrap());
        let mut state = house.person(anchor);
        let concealment = Concealment::of(&house.job().core);
        let secrets = secrets_of(&concealment, &house.job().core, &state.stored);
        conceal_person(&concealment, &secrets, &mut state);
        let _ = write!(told, "{:?}", state);
    }
    assert_eq!(house.holds("cloud", "1", "mail"), "anna-the-hidden@contoso.com");
    assert!(told.contains("names_taken"), "{told}");
    let names = "value: \"[Redact]\"";
    assert!(told.contains(names) && !told.contains("anna-the-hidden"), "{told}");
}
