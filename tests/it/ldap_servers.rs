//! Several servers of one directory, which do not tell each other at once: two OpenLDAPs that never do stand for them.

use std::time::Duration;

use muster::clock::{Clock as _, SystemClock};
use muster::model::{
    Anchor, Carried, ChangeKind, Desired, Dn, Found, Generation, JobId, Known, LeaseId, MatchKeys, Name, ObjectId,
    Settlement, TargetId, Task, Value, Wanted, WorkItem,
};
use muster::pipeline::carry::{TARGET_BUSY, carry};
use muster::writer::ldap::{LdapSettings, LdapWriter};
use muster::writer::{Group, Membership, WriteError, Writer as _};

use super::ldap_services::slapd_settings;
use super::practice::{attributes, by_keys, by_object, change, errand};
use super::slapd::Slapd;

const PEOPLE: &str = "ou=people,dc=example,dc=test";

/// A piece of work: this person shall have an account.
fn work(anchor: &str, wanted: Wanted, known: Option<Known>, look: bool) -> WorkItem {
    WorkItem {
        job: JobId::new("hr"),
        anchor: Anchor::parse(anchor).unwrap(),
        target: TargetId::new("hq"),
        generation: Generation(1),
        sequence: 1,
        lease: LeaseId::new("lease"),
        ends: SystemClock.now().plus(Duration::from_secs(600)),
        attempt: 0,
        task: Task::Account(wanted),
        known,
        look,
    }
}

fn present(number: &str) -> Wanted {
    let uid = format!("u{number}");
    Wanted::Present(Desired {
        attributes: attributes(&[("employeeNumber", number), ("uid", &uid), ("cn", &uid), ("sn", "Larsen")]),
        container: Some(Dn::parse(PEOPLE).unwrap()),
        keys: MatchKeys(vec![(Name::new("employeeNumber"), number.to_owned())]),
        ..Desired::default()
    })
}

/// A piece of work: what has an earlier try left of this person?
fn looking(number: &str) -> WorkItem {
    let keys = MatchKeys(vec![(Name::new("employeeNumber"), number.to_owned())]);
    let task = Task::Look { keys, attributes: Vec::new() };
    WorkItem { task, ..work(number, Wanted::Disabled, None, true) }
}

async fn bring(writer: &LdapWriter, number: &str, look: bool) -> Carried {
    carry(writer, &work(number, present(number), None, look), &SystemClock).await
}

/// The account that was made, or found.
fn account(carried: &Carried) -> Known {
    match &carried.settlement {
        Settlement::Applied { known: Some(known) } | Settlement::Linked { known } => known.clone(),
        other => panic!("{other:?}"),
    }
}

/// Why it goes on later.
fn why_later(carried: &Carried) -> &str {
    match &carried.settlement {
        Settlement::Again { why, .. } if why.code == TARGET_BUSY => &why.detail,
        other => panic!("{other:?}"),
    }
}

fn why(error: WriteError) -> String {
    match error {
        WriteError::Later { cause, .. } => cause.0,
        other => panic!("{other:?}"),
    }
}

fn has(slapd: &Slapd, uid: &str) -> bool {
    slapd.search(&format!("(uid={uid})")).contains("dn: ")
}

fn two_servers(first: &'static str, second: &'static str) -> (Slapd, Slapd, LdapSettings) {
    let (first, second) = (Slapd::start(first), Slapd::start(second));
    let settings = slapd_settings(&[&first, &second]);
    (first, second, settings)
}

#[tokio::test]
#[ignore = "needs OpenLDAP; tests/all.sh runs it"]
async fn who_was_made_at_a_server_that_is_down_is_not_made_again_at_another() {
    let (mut first, second, settings) = two_servers("127.0.8.21", "127.0.8.22");
    let writer = LdapWriter::new(settings.clone()).unwrap();
    let made = account(&bring(&writer, "1", false).await);
    assert!(has(&first, "u1") && !has(&second, "u1"));
    let dog = Group { name: "Dogs".to_owned(), create: true };
    assert_eq!(writer.set_member(&errand(), &dog, &made.object, true).await.unwrap(), Membership::Changed);

    first.stop();
    // A connection that was kept is found to be broken; that alone says nothing.
    drop(writer.find(&by_keys(&[("employeeNumber", "1")], &[])).await);
    // The settlement was lost, so the server leases it again; or it was never told what the try had done.
    for look in [false, true] {
        let again = bring(&writer, "1", look).await;
        let why = why_later(&again);
        assert!(why.contains("127.0.8.21:6360") && why.contains("a second one must not be made"), "{why}");
    }
    assert!(!has(&second, "u1"));
    // Whoever has nothing there is made at the server that is left.
    let other = account(&bring(&writer, "2", false).await);
    assert!(has(&second, "u2"));
    // Who is linked is not called gone, nor taken to be gone because they shall be.
    for wanted in [present("1"), Wanted::Disabled, Wanted::Deleted] {
        let mut wanted = wanted;
        if let Wanted::Present(desired) = &mut wanted {
            desired.attributes.set(Name::new("title"), Value::text("Clerk"));
        }
        for look in [false, true] {
            let carried = carry(&writer, &work("1", wanted.clone(), Some(made.clone()), look), &SystemClock).await;
            assert!(why_later(&carried).contains("127.0.8.21:6360"), "{carried:?}");
        }
    }
    assert!(why(writer.find(&by_object(&made.object, &[])).await.unwrap_err()).contains("written lately"));
    // A manager or a group that only the other server has is waited for.
    let error = writer.set_manager(&errand(), &other.object, Some(&made.object)).await.unwrap_err();
    assert!(why(error).contains("does not have it yet"));
    let error = writer.set_member(&errand(), &dog, &other.object, true).await.unwrap_err();
    assert!(why(error).contains("does not have it yet"));

    first.start_again();
    assert_eq!(account(&bring(&writer, "1", true).await).object, made.object);
    let found = writer.find(&by_object(&made.object, &["uid"])).await.unwrap();
    assert!(matches!(&found, Found::One(known) if known.object == made.object), "{found:?}");
    // It is written where it is, and so is who was made elsewhere meanwhile.
    for known in [&made, &other] {
        let titled = change(ChangeKind::Update, Some(&known.object), &[("title", "Clerk")], &[]);
        writer.write(&errand(), &titled).await.unwrap();
    }
    assert!(first.search("(uid=u1)").contains("title: Clerk") && second.search("(uid=u2)").contains("title: Clerk"));
    assert!(!has(&second, "u1") && !has(&first, "u2"));
}

#[tokio::test]
#[ignore = "needs OpenLDAP; tests/all.sh runs it"]
async fn an_agent_that_begins_asks_every_server_before_it_makes_anybody() {
    let (mut first, second, settings) = two_servers("127.0.8.23", "127.0.8.24");
    let made = account(&bring(&LdapWriter::new(settings.clone()).unwrap(), "1", false).await);
    // The servers are named in another order now, and the agent remembers nothing.
    let servers = settings.servers.iter().rev().cloned().collect();
    let turned = LdapSettings { servers, ..settings.clone() };
    let linked = bring(&LdapWriter::new(turned.clone()).unwrap(), "1", false).await;
    assert!(matches!(linked.settlement, Settlement::Linked { .. }), "{linked:?}");
    assert_eq!(account(&linked).object, made.object);
    let kept = writer_keeps(&LdapWriter::new(turned.clone()).unwrap(), &made.object).await;
    assert!(kept, "what another server has is not gone");

    // What cannot be asked is not known to be empty, where an earlier try may have made somebody.
    first.stop();
    let begun = LdapWriter::new(turned).unwrap();
    assert!(why_later(&bring(&begun, "1", true).await).contains("127.0.8.23:6360"));
    let looked = carry(&begun, &looking("1"), &SystemClock).await;
    assert!(why_later(&looked).contains("nobody is found, and ldaps://127.0.8.23:6360 cannot be asked"), "{looked:?}");
    assert!(matches!(looked.settlement, Settlement::Again { look: true, .. }), "{looked:?}");
    let gone = begun.write(&errand(), &change(ChangeKind::Update, Some(&made.object), &[("title", "x")], &[])).await;
    assert!(why(gone.unwrap_err()).contains("127.0.8.23:6360"));
    assert!(!has(&second, "u1"));
    account(&bring(&begun, "3", false).await);

    // Once all answer, what the earlier try has left is found; of somebody for whom there was none, nothing is.
    first.start_again();
    assert_eq!(account(&carry(&begun, &looking("1"), &SystemClock).await).object, made.object);
    let looked = carry(&begun, &looking("4"), &SystemClock).await;
    assert!(matches!(looked.settlement, Settlement::Again { look: false, .. }), "{looked:?}");

    // Once nobody has the account, it is gone.
    let deletion = change(ChangeKind::Delete, Some(&made.object), &[], &[]);
    assert_eq!(begun.write(&errand(), &deletion).await.unwrap(), None);
    let updated = begun.write(&errand(), &change(ChangeKind::Update, Some(&made.object), &[("title", "x")], &[])).await;
    assert!(matches!(updated, Err(WriteError::Gone { .. })), "{updated:?}");
    assert_eq!(begun.find(&by_keys(&[("employeeNumber", "1")], &[])).await.unwrap(), Found::Nobody);
}

#[tokio::test]
#[ignore = "needs OpenLDAP; tests/all.sh runs it"]
async fn who_was_taken_away_is_not_found_at_a_server_that_has_not_heard_of_it() {
    let (first, second, settings) = two_servers("127.0.8.25", "127.0.8.26");
    let writer = LdapWriter::new(settings).unwrap();
    let made = account(&bring(&writer, "1", false).await);
    second.copy_of(&first.search_all("(uid=u1)"));
    let deletion = change(ChangeKind::Delete, Some(&made.object), &[], &[]);
    assert_eq!(writer.write(&errand(), &deletion).await.unwrap(), None);
    assert!(has(&second, "u1") && !has(&first, "u1"));
    assert_eq!(writer.find(&by_object(&made.object, &[])).await.unwrap(), Found::Nobody);
    assert_eq!(writer.find(&by_keys(&[("employeeNumber", "1")], &[])).await.unwrap(), Found::Nobody);
    let again = account(&bring(&writer, "1", false).await);
    assert!(again.object != made.object && has(&first, "u1"));
}

async fn writer_keeps(writer: &LdapWriter, object: &ObjectId) -> bool {
    matches!(writer.find(&by_object(object, &[])).await, Ok(Found::One(known)) if known.object == *object)
}
