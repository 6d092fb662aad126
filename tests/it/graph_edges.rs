//! The Graph writer at its edges: a lease that ends, a list that does not, and answers that are lost by the dozen.

use std::time::Duration;

use muster::clock::Deadline;
use muster::model::{ChangeKind, Found, ObjectId};
use muster::writer::{Errand, Group, WriteError, Writer};

use crate::graph::said;
use crate::practice::{Act, HandClock, Scripted, batch_answer, by_object, change, errand, writer};

/// Longer than any test takes.
const TIMEOUT: Duration = Duration::from_secs(10);

fn told<T>(result: &Result<T, WriteError>) -> String {
    result.as_ref().map_or_else(said, |_| "done".to_owned())
}

/// An errand that may be begun for so long.
fn for_so_long(time: Duration) -> Errand<'static> {
    Errand { begin_before: Some(Deadline::within(time)), ..errand() }
}

#[tokio::test]
async fn no_write_is_begun_that_its_lease_may_not_outlive() {
    let group = r#"{"value": [{"id": "g", "displayName": "Staff"}]}"#;
    let user = r#"{"id": "a"}"#;
    let scripted = Scripted::start([Act::Answer(200, "", group), Act::Answer(200, "", user)]).await;
    let writer = writer(&scripted.address, &HandClock::new(), TIMEOUT);
    let (anna, late) = (ObjectId::new("a"), for_so_long(Duration::ZERO));
    let staff = Group { name: "Staff".to_owned(), create: false };
    let set = [("displayName", "Anna"), ("userPrincipalName", "anna@contoso.example")];
    let mut answers = vec![
        told(&writer.set_member(&late, &staff, &anna, true).await),
        told(&writer.set_manager(&late, &anna, None).await),
        told(&writer.write(&late, &change(ChangeKind::Create, None, &set, &[])).await),
    ];
    for kind in [ChangeKind::Update, ChangeKind::Disable, ChangeKind::Restore, ChangeKind::Delete] {
        answers.push(told(&writer.write(&late, &change(kind, Some(&anna), &set, &[])).await));
    }
    assert_eq!(answers, ["later None"; 7]);
    // Questions harm nobody.
    assert!(matches!(writer.find(&by_object(&anna, &[])).await.unwrap(), Found::One(_)));
    let requests = scripted.requests();
    assert!(requests.iter().all(|request| request.starts_with("GET ")) && requests.len() == 2, "{requests:?}");
}

#[tokio::test]
async fn a_write_that_has_waited_too_long_for_the_tenants_patience_is_not_begun_and_those_beside_it_are() {
    let acts = [
        Act::Answer(429, "Retry-After: 1\r\n", ""),
        batch_answer(&[r#"{"id": "1", "status": 204}"#, r#"{"id": "2", "status": 204}"#]),
    ];
    let scripted = Scripted::start(acts).await;
    let writer = writer(&scripted.address, &HandClock::new(), TIMEOUT);
    let update = |object| change(ChangeKind::Update, Some(&ObjectId::new(object)), &[("jobTitle", "x")], &[]);
    let (first, short, long, manager) = (update("a"), update("b"), update("c"), ObjectId::new("d"));
    let (fleeting, lasting) = (for_so_long(Duration::from_millis(300)), for_so_long(TIMEOUT));
    assert_eq!(told(&writer.write(&errand(), &first).await), "later Some(1s)");
    let (fleeting, lasting, free) = tokio::join!(
        writer.write(&fleeting, &short),
        writer.write(&lasting, &long),
        writer.set_manager(&lasting, &manager, None)
    );
    assert_eq!([told(&fleeting), told(&lasting), told(&free)], ["later None", "done", "done"]);
    let requests = scripted.requests();
    assert_eq!(requests.len(), 2);
    assert!(!requests[1].contains("/users/b"), "{}", requests[1]);
}
