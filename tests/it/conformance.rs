//! What every writer owes, whatever the directory behind it.

use muster::model::{ChangeKind, Found, Known, Name, ObjectId, Value};
use muster::writer::simulated::SimulatedWriter;
use muster::writer::{WriteError, Writer};

use crate::practice::{Practice, by_keys, by_object, change, errand};

const READ: [&str; 4] = ["displayName", "department", "jobTitle", "accountEnabled"];

/// The whole life of two accounts. The directory must be empty, and take `contoso.example`.
async fn conformance(writer: &dyn Writer) {
    let anna = accounts_are_made_once(writer).await;
    accounts_are_found(writer, &anna).await;
    changes_may_be_carried_twice(writer, &anna).await;
    managers_come_and_go(writer, &anna).await;
    what_is_gone_is_gone(writer, &anna).await;
}

async fn make(writer: &dyn Writer, id: &str, name: &str) -> Result<Known, WriteError> {
    let upn = format!("{name}@contoso.example");
    let set = [("employeeId", id), ("displayName", name), ("userPrincipalName", &upn), ("department", "Sales")];
    writer.write(&errand(), &change(ChangeKind::Create, None, &set, &[])).await.map(|known| known.unwrap())
}

async fn read(writer: &dyn Writer, object: &ObjectId) -> Known {
    match writer.find(&by_object(object, &READ)).await.unwrap() {
        Found::One(known) => known,
        other => panic!("{other:?}"),
    }
}

async fn accounts_are_made_once(writer: &dyn Writer) -> ObjectId {
    assert_eq!(writer.find(&by_keys(&[("employeeId", "7")], &READ)).await.unwrap(), Found::Nobody);
    let made = make(writer, "7", "anna").await.unwrap();
    assert_eq!(made.attributes.get("displayName"), Some(&Value::text("anna")));
    assert!(!made.synced);

    let error = make(writer, "7", "ANNA").await.unwrap_err();
    let WriteError::Taken { attribute, .. } = error else { panic!("{error:?}") };
    assert_eq!(attribute, Name::new("userPrincipalName"));
    made.object
}

async fn accounts_are_found(writer: &dyn Writer, anna: &ObjectId) {
    let keys = [("mailNickname", ""), ("employeeId", "nobody's"), ("userPrincipalName", "Anna@Contoso.Example")];
    let Found::One(found) = writer.find(&by_keys(&keys, &READ)).await.unwrap() else { panic!("nobody") };
    assert_eq!(found.object, *anna);
    assert_eq!(found.attributes.get("department"), Some(&Value::text("Sales")));
    // It was looked at, and is empty: that is not the same as not known.
    assert_eq!(found.attributes.get("jobTitle"), Some(&Value::Null));

    let eve = make(writer, "7", "eve").await.unwrap().object;
    let several = writer.find(&by_keys(&[("employeeId", "7"), ("displayName", "anna")], &READ)).await.unwrap();
    assert_eq!(several, Found::Several(vec![anna.clone(), eve.clone()]));
    assert_eq!(writer.write(&errand(), &change(ChangeKind::Delete, Some(&eve), &[], &[])).await.unwrap(), None);
}

async fn changes_may_be_carried_twice(writer: &dyn Writer, anna: &ObjectId) {
    let set = [("jobTitle", "Buyer"), ("displayName", "Anna O'Neil")];
    let update = change(ChangeKind::Update, Some(anna), &set, &["department"]);
    let once = writer.write(&errand(), &update).await.unwrap().unwrap();
    assert_eq!(writer.write(&errand(), &update).await.unwrap(), Some(once.clone()));
    assert_eq!(once.attributes.get("department"), Some(&Value::Null));

    let held = read(writer, anna).await;
    assert_eq!(held.attributes.get("displayName"), Some(&Value::text("Anna O'Neil")));
    assert_eq!(held.attributes.get("jobTitle"), Some(&Value::text("Buyer")));
    assert_eq!(held.attributes.get("department"), Some(&Value::Null));

    for (kind, enabled) in [(ChangeKind::Disable, false), (ChangeKind::Enable, true)] {
        let mut switch = change(kind, Some(anna), &[], &[]);
        switch.set.set(Name::new("accountEnabled"), Value::Boolean(enabled));
        writer.write(&errand(), &switch).await.unwrap();
        assert_eq!(read(writer, anna).await.attributes.get("accountEnabled"), Some(&Value::Boolean(enabled)));
    }
}

async fn managers_come_and_go(writer: &dyn Writer, anna: &ObjectId) {
    let boss = make(writer, "1", "boss").await.unwrap().object;
    for manager in [Some(&boss), Some(&boss), None, None] {
        writer.set_manager(&errand(), anna, manager).await.unwrap();
    }
}

async fn what_is_gone_is_gone(writer: &dyn Writer, anna: &ObjectId) {
    for _ in 0..2 {
        assert_eq!(writer.write(&errand(), &change(ChangeKind::Delete, Some(anna), &[], &[])).await.unwrap(), None);
    }
    assert_eq!(writer.find(&by_object(anna, &READ)).await.unwrap(), Found::Nobody);
    let update = change(ChangeKind::Update, Some(anna), &[("jobTitle", "x")], &[]);
    assert!(matches!(writer.write(&errand(), &update).await, Err(WriteError::Gone { .. })));
    make(writer, "7", "anna").await.unwrap();
}

#[tokio::test]
async fn the_simulated_directory_does_what_every_writer_owes() {
    conformance(&SimulatedWriter::new()).await;
}

#[tokio::test]
async fn the_graph_writer_does_what_every_writer_owes() {
    let practice = Practice::start();
    let writer = practice.writer();
    conformance(&writer).await;
    assert_eq!(practice.sandbox.requests().tokens, 1);
}

#[tokio::test]
async fn the_simulated_directory_fails_when_it_is_told_to() {
    use muster::writer::Cause;
    let writer = SimulatedWriter::new();
    writer.lose_next_answer(WriteError::Unknown { cause: Cause("lost".to_owned()) });
    assert!(matches!(make(&writer, "7", "anna").await, Err(WriteError::Unknown { .. })));
    assert_eq!(writer.accounts().len(), 1);

    writer.fail_next_find(WriteError::Later { after: None, cause: Cause("busy".to_owned()) });
    let look = by_keys(&[("employeeId", "7")], &READ);
    assert!(matches!(writer.find(&look).await, Err(WriteError::Later { .. })));
    let Found::One(anna) = writer.find(&look).await.unwrap() else { panic!("nobody") };
    assert_eq!(writer.writes().get(&anna.object), Some(&1));
}
