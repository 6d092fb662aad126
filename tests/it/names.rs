//! Names that nobody else may have: the first that is free, and one person's from then on.

use muster::model::{ChangeKind, Settlement, Statement, Value};
use muster::pipeline::carry::carry;
use muster::writer::Writer as _;

use super::hearth::{Hearth, changed, employee, gone, person, says, taken};
use super::practice::{Practice, attributes, change, errand};

const NICKNAME: &str = r#"{ to = "mailNickname", direct = "userName", apply = "create" },"#;
const ACCOUNT_NAME: &str = r#"{ to = "sAMAccountName", direct = "userName" },"#;
const CANDIDATES: &str = r#"SelectUniqueValue(ToLower(Join(".", Left([name.givenName], 1), [name.familyName])), ToLower(Join(".", Left([name.givenName], 2), [name.familyName])))"#;

/// A house whose accounts get addresses `j.smith` or `jo.smith`; on the premises the same, in the same namespace.
fn house(more: &[(&str, &str)]) -> Hearth {
    Hearth::with(&[&job(more)])
}

fn job(more: &[(&str, &str)]) -> String {
    let address = format!("{NICKNAME}\n{{ to = \"mail\", expression = '{CANDIDATES}', unique_in = \"login\" }},");
    let login = format!("{{ to = \"sAMAccountName\", expression = '{CANDIDATES}', unique_in = \"login\" }},");
    let mut changes = vec![(NICKNAME, address.as_str()), (ACCOUNT_NAME, login.as_str())];
    changes.extend(more);
    changed(&changes)
}

fn smith(anchor: &str, given_name: &str) -> Statement {
    person(anchor, "Employee", &[("name.givenName", given_name), ("name.familyName", "Smith")])
}

#[tokio::test]
async fn two_people_of_one_name_get_two_names_whoever_comes_first() {
    for (first, second) in [("1", "2"), ("2", "1")] {
        let house = house(&[]);
        let upload = house.upload(&[smith(first, "John"), smith(second, "Joan")]);
        house.settle().await;
        assert_eq!(house.outcomes(upload), ["applied", "applied"]);
        assert_eq!(house.holds("cloud", first, "mail"), "j.smith");
        assert_eq!(house.holds("cloud", second, "mail"), "jo.smith");
        let names = house.person(second).names;
        assert_eq!(names.len(), 1);
        assert_eq!((names[0].namespace.as_str(), names[0].value.as_str()), ("login", "jo.smith"));
    }
}

#[tokio::test]
async fn people_who_may_get_the_same_name_are_seen_to_one_after_the_other() {
    let house = house(&[]);
    house.upload(&[smith("1", "John"), smith("2", "Joan"), says("3", &[]), employee("3")]);
    house.decide();
    let leased: Vec<_> = house.lease("cloud").iter().map(|item| item.anchor.to_string()).collect();
    assert_eq!(leased, ["1", "3"]);
    let waits = house.person("2").links[0].waits.clone().unwrap();
    assert_eq!(waits.code, "name_is_offered");
    house.clock.pass(std::time::Duration::from_secs(3600));
    house.settle().await;
    assert_eq!(house.holds("cloud", "2", "mail"), "jo.smith");
}

#[tokio::test]
async fn a_name_that_somebody_else_has_there_is_passed_over() {
    let house = house(&[]);
    house.directory("cloud").insert(attributes(&[("mail", "J.SMITH")]), None, false);
    let upload = house.say(&[smith("1", "John")]).await;
    assert_eq!(house.outcome(upload), "applied");
    assert_eq!(house.holds("cloud", "1", "mail"), "jo.smith");
}

#[tokio::test]
async fn a_name_that_is_taken_in_the_practice_tenant_is_passed_over() {
    let practice = Practice::start();
    let writer = practice.writer();
    let taken = [("displayName", "Jane"), ("userPrincipalName", "j.smith@contoso.example"), ("employeeId", "9")];
    writer.write(&errand(), &change(ChangeKind::Create, None, &taken, &[])).await.unwrap();
    let house = Hearth::with(&[&job(&[(
        r#"{ to = "userPrincipalName", expression = 'Append([userName], "@contoso.example")', match = 2 },"#,
        r#"{ to = "userPrincipalName", expression = 'SelectUniqueValue("J.Smith@contoso.example", "jo.smith@contoso.example")' },"#,
    )])]);
    house.upload(&[person("1", "Employee", &[])]);
    house.decide();
    let item = house.lease("cloud").remove(0);
    let carried = carry(&writer, &item, house.clock.as_ref()).await;
    let Settlement::Applied { known: Some(known) } = &carried.settlement else { panic!("{carried:?}") };
    assert_eq!(known.attributes.get("userPrincipalName"), Some(&Value::text("jo.smith@contoso.example")));
    house.report(&item.lease, carried);
    assert_eq!(house.person("1").names[0].value, "jo.smith@contoso.example");
}

/// `1` is hired again: their account, which was called `old`, is in the bin, and those who are called like `others` are
/// there. What it is called in the end, nothing where it is still in the bin; and how the first piece of work ended.
async fn hired_again(old: &str, others: &[&str], job: &str, user_name: &str) -> (String, Settlement) {
    let practice = Practice::start();
    let writer = practice.writer();
    let make = |name: String, id: String| {
        let set = [("displayName", "Somebody"), ("userPrincipalName", name.as_str()), ("employeeId", id.as_str())];
        change(ChangeKind::Create, None, &set, &[])
    };
    let at = |name: &str| format!("{name}@contoso.example");
    let made = writer.write(&errand(), &make(at(old), "1".to_owned())).await.unwrap().unwrap().object;
    writer.write(&errand(), &change(ChangeKind::Delete, Some(&made), &[], &[])).await.unwrap();
    for (number, other) in others.iter().enumerate() {
        writer.write(&errand(), &make(at(other), format!("9{number}"))).await.unwrap();
    }
    let house = Hearth::with(&[job]);
    house.upload(&[person("1", "Employee", &[("userName", user_name)])]);
    house.decide();
    let mut settled = Vec::new();
    while let Some(item) = house.lease("cloud").pop() {
        let carried = carry(&writer, &item, house.clock.as_ref()).await;
        settled.push(carried.settlement.clone());
        assert!(house.report(&item.lease, carried).is_taken());
    }
    if let Settlement::Linked { known } = &settled[0] {
        assert_eq!(known.object, made, "it is the old account");
        assert!(matches!(settled[1..], [Settlement::Applied { .. }]), "what else differs comes after it: {settled:?}");
    }
    let name = practice.sandbox.user(made.as_str()).map(|user| user.properties["userPrincipalName"].clone());
    (name.map_or_else(String::new, |name| name.as_str().unwrap().to_owned()), settled.remove(0))
}

const PLAIN_NAME: &str =
    r#"{ to = "userPrincipalName", expression = 'Append([userName], "@contoso.example")', match = 2 },"#;

#[tokio::test]
async fn who_is_hired_again_gets_the_old_account_under_a_name_that_is_free() {
    let unique = changed(&[(
        PLAIN_NAME,
        r#"{ to = "userPrincipalName", expression = 'SelectUniqueValue("j.smith@contoso.example", "jo.smith@contoso.example")' },"#,
    )]);
    for (old, others, expected) in [
        ("j.smith", &["jane"][..], "j.smith@contoso.example"),
        ("j.smith", &["j.smith"], "jo.smith@contoso.example"),
        ("smith", &["smith", "j.smith"], "jo.smith@contoso.example"),
        // It comes back as it was, whoever has the names that a new account would get.
        ("smith", &["j.smith", "jo.smith"], "smith@contoso.example"),
    ] {
        let (name, settlement) = hired_again(old, others, &unique, "anna").await;
        let Settlement::Linked { known } = settlement else { panic!("{settlement:?}") };
        assert_eq!(name, expected, "{old} among {others:?}");
        assert_eq!(known.attributes.get("userPrincipalName"), Some(&Value::text(expected)));
    }
    let (name, settlement) = hired_again("smith", &["smith", "j.smith", "jo.smith"], &unique, "anna").await;
    let Settlement::Failed(why) = settlement else { panic!("{settlement:?}") };
    assert_eq!((name.as_str(), why.code.as_ref()), ("", "names_taken"), "{why:?}");
}

#[tokio::test]
async fn who_is_hired_again_and_has_one_name_only_gets_it_or_hears_who_has_it() {
    let plain = changed(&[(PLAIN_NAME, &PLAIN_NAME.replace(", match = 2", ""))]);
    let (name, settlement) = hired_again("smith", &["smith"], &plain, "anna").await;
    assert!(matches!(settlement, Settlement::Linked { .. }), "{settlement:?}");
    assert_eq!(name, "anna@contoso.example");
    let (name, settlement) = hired_again("anna", &["anna"], &plain, "anna").await;
    let Settlement::Failed(why) = settlement else { panic!("{settlement:?}") };
    assert_eq!((name.as_str(), why.code.as_ref()), ("", "taken"));
    let told = "somebody else holds the value of userPrincipalName: anna@contoso.example (";
    assert!(why.detail.starts_with(told) && why.detail.contains(") has it: 400"), "{}", why.detail);
}

#[tokio::test]
async fn a_name_that_is_taken_between_look_and_write_is_passed_over() {
    let house = house(&[]);
    house.directory("cloud").fail_next_write(taken("mail"));
    let upload = house.say(&[smith("1", "John")]).await;
    assert_eq!(house.outcome(upload), "applied");
    assert_eq!(house.holds("cloud", "1", "mail"), "jo.smith");
    // What was passed over is still free for others.
    house.say(&[smith("2", "Joan")]).await;
    assert_eq!(house.holds("cloud", "2", "mail"), "j.smith");
}

#[tokio::test]
async fn a_crash_between_making_an_account_and_reporting_it_takes_no_second_name() {
    let mut house = house(&[]);
    let upload = house.upload(&[smith("1", "John"), smith("2", "Joan")]);
    house.decide();
    let item = house.lease("cloud").remove(0);
    house.carry(&item).await;
    house.restart();
    house.settle().await;
    assert_eq!(house.outcomes(upload), ["applied", "applied"]);
    assert_eq!(house.holds("cloud", "1", "mail"), "j.smith");
    assert_eq!(house.holds("cloud", "2", "mail"), "jo.smith");
}

#[tokio::test]
async fn a_directory_that_cannot_be_asked_is_told_the_same_name_again() {
    let mut house = house(&[("userType eq \"Contractor\"", "userType eq \"Employee\" or userType eq \"Contractor\"")]);
    house.upload(&[smith("1", "John"), smith("2", "Joan")]);
    house.decide();
    let first = house.lease("hq").remove(0);
    house.restart();
    house.clock.pass(std::time::Duration::from_secs(3600));
    let again = house.lease("hq").into_iter().find(|item| item.anchor == first.anchor).unwrap();
    assert_eq!(first.task, again.task);
    assert_eq!(house.lease("hq"), []);
    house.clock.pass(std::time::Duration::from_secs(3600));
    house.settle().await;
}

#[tokio::test]
async fn that_every_name_is_taken_is_told_and_mended_when_one_is_free() {
    let house = house(&[("kind = \"graph\"", "kind = \"graph\"\non_delete = \"delete\"")]);
    let upload = house.upload(&[smith("1", "John"), smith("2", "Joan"), smith("3", "Joel")]);
    house.settle().await;
    assert_eq!(house.outcomes(upload), ["applied", "applied", "failed names_taken"]);
    let told = house.tell("3");
    assert!(told.contains("every name for `mail` (j.smith, jo.smith) is somebody else's"), "{told}");
    assert!(house.accounts("cloud", "3").is_empty());
    house.say(&[gone("1")]).await;
    let again = house.say(&[smith("3", "Joel")]).await;
    assert_eq!(house.outcome(again), "applied");
    assert_eq!(house.holds("cloud", "3", "mail"), "j.smith");
}

#[tokio::test]
async fn every_name_that_is_taken_at_the_directory_is_told_too() {
    let house = house(&[]);
    for name in ["j.smith", "jo.smith"] {
        house.directory("cloud").insert(attributes(&[("mail", name)]), None, false);
    }
    let upload = house.say(&[smith("1", "John")]).await;
    assert_eq!(house.outcome(upload), "failed names_taken");
    assert!(house.accounts("cloud", "1").is_empty());
}

#[tokio::test]
async fn a_person_who_moves_keeps_the_name_where_it_is_shared() {
    let house = house(&[("placement_change = \"hold\"", "placement_change = \"migrate\"")]);
    house.upload(&[smith("1", "John"), smith("2", "Joan")]);
    house.settle().await;
    // The name they would be given now is another.
    let moved = says("2", &[("userType", "Contractor"), ("name.familyName", "Miller")]);
    let upload = house.say(&[moved]).await;
    assert_eq!(house.outcome(upload), "applied");
    assert_eq!(house.holds("hq", "2", "sAMAccountName"), "jo.smith");
    let upload =
        house.say(&[person("3", "Contractor", &[("name.givenName", "Joe"), ("name.familyName", "Smith")])]).await;
    assert_eq!(house.outcome(upload), "failed names_taken");
}

#[tokio::test]
async fn a_namespace_that_is_not_named_is_the_directorys_own() {
    let house = house(&[(", unique_in = \"login\"", "")]);
    house.upload(&[smith("1", "John")]);
    house.upload(&[person("2", "Contractor", &[("name.givenName", "Joe"), ("name.familyName", "Smith")])]);
    house.settle().await;
    assert_eq!(house.holds("cloud", "1", "mail"), "j.smith");
    assert_eq!(house.holds("hq", "2", "sAMAccountName"), "j.smith");
    assert_eq!(house.person("1").names[0].namespace, "cloud/mail");
}

#[tokio::test]
async fn a_name_is_given_once_and_stays() {
    let house = house(&[]);
    house.say(&[smith("1", "John")]).await;
    let upload = house.say(&[says("1", &[("name.familyName", "Miller")])]).await;
    assert_eq!(house.outcome(upload), "unchanged");
    assert_eq!(house.holds("cloud", "1", "mail"), "j.smith");
}

#[tokio::test]
async fn an_account_that_was_there_keeps_its_name_and_nobody_else_is_given_it() {
    let house = house(&[]);
    house.directory("cloud").insert(attributes(&[("employeeId", "1"), ("mail", "jo.smith")]), None, false);
    house.say(&[smith("1", "John")]).await;
    assert_eq!(house.holds("cloud", "1", "mail"), "jo.smith");
    assert_eq!(house.person("1").names[0].value, "jo.smith");
    house.say(&[smith("2", "Joan")]).await;
    let third = house.say(&[smith("3", "Joel")]).await;
    assert_eq!(house.holds("cloud", "2", "mail"), "j.smith");
    assert_eq!(house.outcome(third), "failed names_taken");
}

#[tokio::test]
async fn what_is_said_of_something_else_does_not_tell_another_time() {
    let stamp = "{ to = \"faxNumber\", expression = 'Join(\" \", [title], Now())' },";
    let house = Hearth::changed(&[(NICKNAME, &format!("{NICKNAME}\n{stamp}"))]);
    house.say(&[employee("1")]).await;
    let first = house.account("cloud", "1").attributes.get("faxNumber").and_then(Value::as_text).unwrap().to_owned();
    for said in ["Anna", "Berta"] {
        house.clock.pass(std::time::Duration::from_secs(86_400));
        house.say(&[says("1", &[("displayName", said)])]).await;
        assert_eq!(house.holds("cloud", "1", "faxNumber"), first);
        assert_eq!(house.holds("cloud", "1", "displayName"), said);
    }
    house.say(&[says("1", &[("title", "Boss")])]).await;
    let second = house.holds("cloud", "1", "faxNumber");
    let days = |text: &str| text.split_once(' ').unwrap().1.to_owned();
    assert_ne!(days(&second), days(&first));
}

#[tokio::test]
async fn an_installation_keeps_its_key_and_shares_it_with_nobody() {
    let mut house = Hearth::open();
    let key = house.store().installation_key().unwrap();
    house.restart();
    assert!(house.store().installation_key().unwrap() == key);
    assert!(Hearth::open().store().installation_key().unwrap() != key);
    assert_eq!(format!("{key:?}"), "InstallationKey(..)");
}
