//! Job files, read and refused.

use std::path::PathBuf;

use super::*;
use crate::decide::{Leaver, PlacementChange, TargetKind};
use crate::golden;
use crate::model::{Placement, Value};
use crate::source::ColumnTarget;

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

/// What is said of every broken job file stands beside it.
#[test]
fn everything_wrong_with_a_job_file_is_said_in_one_go() {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(samples().join("broken")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    assert!(files.len() >= 15);
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let report = match check_text(name, &text) {
            Ok(meant) => meant.warnings,
            Err(report) => report,
        };
        assert!(!report.findings().is_empty(), "{name} is broken, and nobody says so");
        golden::check(&format!("samples/broken/{name}.expected"), &format!("{report}\n"));
    }
}

#[test]
fn the_sample_job_is_right_and_there_is_nothing_to_warn_of() {
    let meant = load(&samples().join("contoso/job.toml")).unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(meant.warnings.to_string(), "");
    assert_eq!(meant.job.ruleset.rules.len(), 5);
    assert_eq!((meant.job.policy.nowhere, meant.job.policy.placement_change), (Leaver::Disable, PlacementChange::Hold));
    let kinds: Vec<(&str, TargetKind)> =
        meant.job.targets.iter().map(|target| (target.id.as_str(), target.kind)).collect();
    assert_eq!(kinds, [("entra", TargetKind::Cloud), ("hq", TargetKind::OnPremises)]);
    assert_eq!(meant.job.targets[0].limits.delete.count, 5);
    let Connection::Ldif { folder, naming } = &meant.connections[1].1 else { panic!("hq is a folder") };
    assert_eq!((folder, naming.as_str()), (&samples().join("contoso/ldif"), "CN"));
    let SourceMeant::Csv(settings) = &meant.source else { panic!("the source is a file") };
    assert_eq!(settings.columns.iter().filter(|column| column.to == ColumnTarget::Anchor).count(), 1);
    assert_eq!((settings.columns.len(), settings.delimiter), (24, None));
}

#[test]
fn a_directory_that_agents_write_to_is_one_for_every_job_that_names_it() {
    let job = |domain: &str, kind: &str| {
        let text = format!(
            r#"
name = "hr"
source.kind = "api"
rule = [{{ id = "all", place = "on-premises", target = "hq" }}]
[target.hq]
kind = "{kind}"
domain = "{domain}"
container = "OU=People,DC=contoso,DC=example"
map = [{{ to = "employeeID", direct = "externalId", match = 1 }}, {{ to = "uid", direct = "userName" }},
  {{ to = "displayName", direct = "displayName" }}]
"#
        );
        let mut meant = check_text("job.toml", &text).unwrap_or_else(|report| panic!("{report}"));
        let (_, connection) = meant.connections.remove(0);
        assert!(connection.is_left_to_agents());
        connection
    };
    let here = job("Contoso.Example", "active-directory");
    assert_eq!(here.directory(), job("contoso.example", "active-directory").directory());
    assert_ne!(here.directory(), job("fabrikam.example", "active-directory").directory());
    let Connection::Directory { naming, .. } = job("contoso.example", "ldap") else { panic!("a directory") };
    assert_eq!(naming.as_str(), "uid");
}

#[test]
fn the_schema_beside_the_code_is_that_of_the_types() {
    let schema = serde_json::to_string_pretty(&job_schema()).unwrap();
    golden::check("schemas/job.schema.json", &format!("{schema}\n"));
}

#[test]
fn the_sample_job_follows_the_schema() {
    let text = std::fs::read_to_string(samples().join("contoso/job.toml")).unwrap();
    let job: Json = toml::from_str(&text).unwrap();
    let validator = jsonschema::validator_for(&job_schema()).unwrap();
    let mistakes: Vec<String> = validator.iter_errors(&job).map(|error| error.to_string()).collect();
    assert_eq!(mistakes, [""; 0]);
}

#[test]
fn no_report_shows_a_secret() {
    let text = std::fs::read_to_string(samples().join("broken/secret-in-file.toml")).unwrap();
    let report = check_text("job.toml", &text).unwrap_err();
    assert!(text.contains("hunter2") && !report.to_string().contains("hunter2"));
    assert!(!format!("{report:?}").contains("hunter2"));
}

#[test]
fn a_password_that_is_mapped_is_not_shown() {
    for (name, count) in [("mapped-passwords.toml", 4), ("mapped-password-unclosed.toml", 1)] {
        let text = std::fs::read_to_string(samples().join("broken").join(name)).unwrap();
        assert!(text.matches("hunter2").count() >= count);
        let report = check_text(name, &text).unwrap_err();
        assert!(!report.to_string().contains("hunter2") && !format!("{report:?}").contains("hunter2"), "{report}");
    }
}

#[test]
fn a_file_that_is_not_there_is_reported() {
    let report = load(&samples().join("none.toml")).unwrap_err();
    assert!(report.to_string().contains("none.toml cannot be read"));
}

#[test]
fn what_is_no_job_file_is_told_so_in_few_words() {
    let schema =
        check_text("entra.json", "\u{feff} {\n  \"synchronizationRules\": [],\n  \"version\": 1\n}").unwrap_err();
    let said = schema.to_string();
    assert_eq!(schema.findings().len(), 1, "{said}");
    assert!(said.contains("this is JSON") && said.contains("muster schema import"), "{said}");
    let export = check_text("people.csv", &"1001,ada,Ada\n".repeat(1_000)).unwrap_err();
    assert_eq!(export.findings().len(), SYNTAX_ERRORS_MAX);
}

#[test]
fn colour_changes_nothing_but_colour() {
    let report = check_text("job.toml", "name = 1").unwrap_err();
    assert!(report.render(true).contains("\u{1b}["));
    assert!(!report.render(false).contains("\u{1b}["));
}

/// Where the sample job places a person; `more` may take back what is said before it.
fn placed(more: &[(&str, &str)]) -> String {
    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:";
    let meant = load(&samples().join("contoso/job.toml")).unwrap();
    let division = format!("{ENTERPRISE}division");
    let usual =
        [("displayName", "Anna"), ("userType", "Employee"), ("userName", "anna"), (division.as_str(), "Operations")];
    let values: Vec<(&str, Value)> = usual
        .iter()
        .chain(more)
        .map(|(path, text)| (if *path == "division" { &division } else { *path }, Value::text(*text)))
        .collect();
    let decision = crate::decide::decide(&meant.job, &crate::sample::person(&values), &[]);
    match (decision.verdict.map(|verdict| verdict.placement), decision.outcome) {
        (Some(Placement::OnPremises { container, .. }), None) => container.to_string(),
        (Some(Placement::Cloud { target }), None) => target.to_string(),
        (_, Some(outcome)) => {
            outcome.reason().map_or_else(|| outcome.word().to_owned(), |reason| reason.code.to_string())
        }
        (verdict, None) => panic!("{verdict:?} without work"),
    }
}

#[test]
fn the_sample_job_places_people_as_its_comments_say() {
    let hired = "urn:contoso:params:scim:schemas:extension:site:1.0:User:hireDate";
    let check = |more: &[(&str, &str)], expected: &str| assert_eq!(placed(more), expected);
    check(&[], "entra");
    check(&[("userType", "Contractor")], "OU=Operations,OU=Guests,DC=contoso,DC=example");
    check(&[("userType", "Intern"), ("division", "Corporate")], "OU=Guests,DC=contoso,DC=example");
    check(&[("userType", "Contractor"), ("division", "Technology")], "entra");
    check(&[("userType", "Intern"), ("division", "Technology")], "no_rule_spoke");
    check(&[("userType", "Service")], "rule_holds");
    check(&[("active", "false"), (hired, "1990-05-01")], "placed_nowhere");
    check(&[("active", "false"), (hired, "2020-05-01")], "entra");
    check(&[("displayName", "")], "out_of_scope");
}

/// The scopes of the README, each in a job of its own: what its examples say is what a job file may say.
#[test]
fn a_scope_may_be_written_in_three_notations() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let section = readme.split("## Whom a job is about").nth(1).unwrap().split("\n## ").next().unwrap();
    let examples: Vec<&str> =
        section.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let job = std::fs::read_to_string(samples().join("broken/scope-empty.toml")).unwrap();
    let admitted = |example: &str, person: &[(&str, Value)]| {
        let meant =
            check_text("job.toml", &job.replace("[scope]\n", example)).unwrap_or_else(|report| panic!("{report}"));
        meant.job.scope.admits(&crate::sample::person(person).attributes)
    };
    let staff =
        [("userType", Value::text("Employee")), ("userName", Value::text("anna")), ("active", Value::Boolean(true))];
    let service =
        [("userType", Value::text("Employee")), ("userName", Value::text("svc-a")), ("active", Value::Boolean(true))];
    let quiet = [("userType", Value::text("employee"))];
    let all = |example: &str| [&staff[..], &service, &quiet].map(|person| admitted(example, person));
    assert_eq!(
        examples.iter().map(|example| all(example)).collect::<Vec<_>>(),
        [[true, true, true], [true, false, false], [true, true, false],]
    );
}

/// Employees live in the cloud and have an account at an app besides.
const WITH_APP: &str = r#"
name = "apps"
source = { kind = "api" }

[[rule]]
id = "writers"
when = 'userType eq "Writer"'
place = "cloud"
target = "chat"

[[rule]]
id = "employees"
place = "cloud"
also = ["chat"]

[target.entra]
kind = "graph"
tenant = "contoso.example"
client_id = "practice"
client_secret = { env = "MUSTER_ENTRA_SECRET" }
map = [
  { to = "employeeId", direct = "externalId", match = 1 },
  { to = "userPrincipalName", direct = "userName" },
  { to = "displayName", direct = "displayName" },
]

[target.chat]
kind = "scim"
base_url = "https://chat.example/scim/v2"
token_url = "https://login.example/token"
client_id = "muster"
client_secret = { env = "MUSTER_CHAT_SECRET" }
map = [
  { to = "externalId", direct = "externalId", match = 1 },
  { to = "urn:ietf:params:scim:schemas:core:2.0:User:userName", direct = "userName" },
  { to = "active", direct = "active" },
  { to = 'emails[type eq "work"].value', direct = "userName" },
  { to = "photos", direct = "photos" },
  { to = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value", direct = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value" },
  { to = "urn:chat:extension:seat", constant = 7 },
]

[[test]]
name = "an employee is at the chat"
person = { externalId = "1", userName = "ada", displayName = "Ada", active = true }
target = "entra"
also = ["chat"]
attributes = { active = true, userPrincipalName = "ada", 'emails[type eq "work"].value' = "ada", "urn:chat:extension:seat" = 7 }

[[test]]
name = "a writer lives at the chat"
person = { externalId = "2", userName = "grace", userType = "Writer" }
placement = "cloud"
target = "chat"
also = []
attributes = { userName = "grace" }
"#;

#[test]
fn an_app_is_a_target_beside_the_home_and_its_attributes_are_scim_paths() {
    let meant = check_text("job.toml", WITH_APP).unwrap_or_else(|report| panic!("{report}"));
    assert!(meant.warnings.findings().is_empty(), "{}", meant.warnings);
    let chat = &meant.job.targets[1];
    assert_eq!(chat.kind, TargetKind::App);
    let names: Vec<&str> = chat.mapping.attributes().iter().map(|mapped| mapped.attribute.as_str()).collect();
    let email = r#"emails[type eq "work"].value"#;
    let all = ["accountEnabled", email, "externalId", "manager", "photos", "urn:chat:extension:seat", "userName"];
    assert_eq!(names, all);
    assert_eq!(meant.job.ruleset.rules[1].also, std::slice::from_ref(&chat.id));
    assert!(meant.job.ruleset.rules[0].also.is_empty());
    let proofs = crate::proof::prove(&meant.job, &meant.tests);
    for proof in &proofs {
        assert!(proof.passes(), "{}: {:?}", proof.name, proof.differences);
    }
}

#[test]
fn a_test_says_which_apps_and_is_right_or_wrong_about_it() {
    let text = WITH_APP.replace("also = []", "also = [\"chat\"]");
    let meant = check_text("job.toml", &text).unwrap_or_else(|report| panic!("{report}"));
    let proofs = crate::proof::prove(&meant.job, &meant.tests);
    let difference = &proofs[1].differences[0];
    assert_eq!((difference.expected.as_str(), difference.got.as_str()), ("chat", "none"));
}

#[test]
fn a_job_with_an_app_goes_out_as_a_schema_and_comes_back() {
    let before = check_text("job.toml", WITH_APP).unwrap_or_else(|report| panic!("{report}"));
    let schema = serde_json::to_string(&before.schema()).unwrap();
    assert!(schema.contains(r#""targetAttributeName":"active""#), "{schema}");
    let imported = crate::config::import_schema(&schema).unwrap();
    assert!(imported.losses.is_empty(), "{:?}", imported.losses);
    let after = check_text("job.toml", &imported.text).unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(format!("{:?}", before.job), format!("{:?}", after.job));
}
