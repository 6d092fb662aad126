//! `fsck --look`: what the store knows, beside what the directories hold.

use std::process::Command;
use std::sync::Arc;

use muster::app::Hands;
use muster::model::{Attributes, Name, Value};
use muster::pipeline::look::{Looker, TargetLooked};
use muster::writer::Writer;
use serde_json::Value as Json;

use super::hearth::{Hearth, changed, employee, gone, later, person, refused};
use super::practice::{CLIENT, Practice, SECRET, TENANT, attributes, by_keys, change, errand};

/// What a look at the `cloud` finds.
async fn look(house: &Hearth) -> TargetLooked {
    let job = house.job();
    let writers = job.targets.iter().filter_map(|target| match &target.hands {
        Hands::Embedded(writer) => Some((target.id.clone(), writer.clone())),
        Hands::Agent => None,
    });
    let looker = Looker {
        store: house.app().store.clone(),
        job: job.core.clone(),
        state: job.state.clone(),
        targets: writers.collect(),
        examples_max: 10,
    };
    let looked = Arc::new(looker).look(&mut |_| {}).await.unwrap();
    looked.into_iter().find(|looked| looked.target.as_str() == "cloud").unwrap()
}

/// The same in words.
async fn told(house: &Hearth) -> Vec<String> {
    let looked = look(house).await;
    looked.examples.iter().map(|found| format!("{} {}", found.anchor, found.what.word())).collect()
}

#[tokio::test]
async fn a_directory_that_is_as_it_is_known_says_nothing() {
    let house = Hearth::open();
    house.say(&[employee("1"), person("2", "Employee", &[("manager", "1")]), person("3", "Contractor", &[])]).await;
    house.say(&[gone("2")]).await;
    let looked = look(&house).await;
    assert_eq!((looked.right, looked.differing, looked.moving, looked.stuck), (2, 0, 0, 0));
}

#[tokio::test]
async fn what_others_did_is_told_of_each_person() {
    let house = Hearth::open();
    house.say(&["1", "2", "3", "4", "5"].map(employee)).await;
    let cloud = house.directory("cloud");
    cloud.remove(&house.account("cloud", "1").object);
    cloud.edit(&house.account("cloud", "2").object, "jobTitle", Value::text("Boss"));
    cloud.insert(attributes(&[("employeeId", "3")]), None, false);
    cloud.edit(&house.account("cloud", "4").object, "employeeId", Value::text("44"));
    assert_eq!(told(&house).await, ["1 missing", "2 attribute", "3 several", "4 attribute"]);
    assert_eq!(look(&house).await.right, 1);
}

#[tokio::test]
async fn an_account_that_was_lost_from_the_store_is_found_again() {
    let house = Hearth::open();
    house.directory("cloud").fail_next_write(refused());
    house.say(&[employee("1"), employee("2")]).await;
    let looked = look(&house).await;
    assert_eq!((looked.right, looked.stuck, looked.differing), (1, 1, 0), "what failed is known to have");
}

#[tokio::test]
async fn of_what_is_under_way_nothing_is_said() {
    let house = Hearth::open();
    house.directory("cloud").fail_next_write(later(60));
    house.say(&[employee("1")]).await;
    let looked = look(&house).await;
    assert_eq!((looked.right, looked.moving, looked.differing), (0, 1, 0));
    house.settle().await;
    assert_eq!(look(&house).await.right, 1);
}

#[tokio::test]
async fn what_is_secret_is_not_told() {
    let house = Hearth::with(&[&changed(&[(
        r#"{ to = "usageLocation", direct = "preferredLanguage", flow_null = true }"#,
        r#"{ to = "usageLocation", expression = 'Redact([preferredLanguage])', flow_null = true }"#,
    )])]);
    house.say(&[person("1", "Employee", &[("preferredLanguage", "Whistleblower")])]).await;
    house.directory("cloud").edit(&house.account("cloud", "1").object, "usageLocation", Value::text("Informant"));
    let looked = look(&house).await;
    let shown = format!("{:?}", looked.examples);
    assert!(looked.differing == 1 && !shown.contains("Whistle") && !shown.contains("Informant"), "{shown}");
}

fn job(address: &str) -> String {
    format!(
        r#"
name = "hr"

[source]
kind = "csv"
columns = {{ id = "externalId", name = "displayName", user = "userName" }}

[[rule]]
id = "all"
when = 'userName pr'
place = "cloud"

[target.cloud]
kind = "graph"
tenant = "{TENANT}"
base_url = "{address}/v1.0"
authority = "{address}"
client_id = "{CLIENT}"
client_secret = {{ env = "MUSTER_PRACTICE_SECRET" }}
map = [
  {{ to = "employeeId", direct = "externalId", match = 1 }},
  {{ to = "userPrincipalName", direct = "userName" }},
  {{ to = "displayName", direct = "displayName" }},
]
"#
    )
}

/// The command, beside a practice tenant over HTTP.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_compares_the_data_folder_with_a_tenant() {
    let practice = Practice::start();
    let folder = tempfile::TempDir::new().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("job.toml", &job(&practice.address));
    let rows = (1..=45).map(|n| format!("{n},Person {n},p{n}@contoso.example\n")).collect::<String>();
    write("people.csv", &format!("id,name,user\n{rows}"));
    let run = |words: &'static [&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
        command.args(words).current_dir(folder.path()).env("MUSTER_PRACTICE_SECRET", SECRET).env_remove("MUSTER_DATA");
        async move {
            let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
            let (said, noted) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            (output.status.code().unwrap(), format!("{said}{noted}"))
        }
    };
    let (code, said) = run(&["import", "people.csv", "--job", "job.toml"]).await;
    assert_eq!(code, 0, "{said}");
    let (code, said) = run(&["fsck", "--look", "--job", "job.toml"]).await;
    assert!(code == 0 && said.contains("cloud: 45 accounts as known, nobody differs"), "{said}");

    // Somebody changes one by hand, and makes another twice.
    let writer = practice.writer();
    let muster::model::Found::One(seven) = writer.find(&by_keys(&[("employeeId", "7")], &[])).await.unwrap() else {
        panic!("nobody")
    };
    let update = change(muster::model::ChangeKind::Update, Some(&seven.object), &[("displayName", "Changed")], &[]);
    writer.write(&errand(), &update).await.unwrap();
    let twin: Attributes =
        attributes(&[("employeeId", "8"), ("displayName", "Twin"), ("userPrincipalName", "twin@contoso.example")]);
    let mut twice = change(muster::model::ChangeKind::Create, None, &[], &[]);
    twice.set = twin;
    twice.set.set(Name::new("accountEnabled"), Value::Boolean(true));
    writer.write(&errand(), &twice).await.unwrap();

    let (code, said) = run(&["fsck", "--look", "--job", "job.toml"]).await;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("cloud: 43 accounts as known, 2 people differ"), "{said}");
    assert!(said.contains(r#"7: displayName is known to be "Person 7", and is "Changed""#), "{said}");
    assert!(said.contains("8: several accounts match:"), "{said}");
    let (code, said) = run(&["fsck", "--look", "--job", "job.toml", "--json"]).await;
    let answer: Json = serde_json::from_str(said.lines().next().unwrap()).unwrap();
    assert_eq!((code, &answer["ok"], &answer["targets"][0]["differing"]), (1, &false.into(), &2.into()), "{answer}");
}
