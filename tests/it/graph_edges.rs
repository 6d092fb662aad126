//! The Graph writer at its edges: a lease that ends, a list that does not, and answers that are lost by the dozen.

use std::collections::BTreeSet;
use std::time::Duration;

use muster::clock::Deadline;
use muster::model::{Anchor, ChangeKind, Found, ObjectId};
use muster::sandbox::FaultKind::{Concurrency, FailedAfter, FailedBefore, Late, ResetAfter, Throttled, Unauthorized};
use muster::sandbox::{Fault, FaultKind, Struck};
use muster::writer::graph::GraphWriter;
use muster::writer::{Errand, Group, Membership, WriteError, Writer};

use crate::graph::said;
use crate::graph_batches::together;
use crate::practice::{
    Act, HandClock, Practice, Scripted, batch_answer, by_keys, by_object, change, errand, settings, writer,
};

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

/// A page with those on it, and where the next one is.
fn page(on_page: &str, next: &str) -> String {
    format!(r#"{{"value": [{on_page}], "@odata.nextLink": "{next}"}}"#)
}

fn answer(body: String) -> Act {
    Act::Answer(200, "", Box::leak(body.into_boxed_str()))
}

/// What an advanced query by one key is answered: first pages of the living and of the bin.
fn first_pages(living: &str, bin: &str) -> Act {
    let part = |id: u32, body: &str| format!(r#"{{"id": "{id}", "status": 200, "body": {body}}}"#);
    batch_answer(&[&part(1, living), &part(2, bin)])
}

const NONE: &str = r#"{"value": []}"#;

#[tokio::test]
async fn an_empty_page_is_not_the_end_of_a_search() {
    let scripted = Scripted::start([]).await;
    let at = |path: &str| format!("{}/v1.0{path}", scripted.address);
    scripted.then([
        first_pages(&page("", &at("/users?$skiptoken=one")), NONE),
        answer(page("", &at("/users?$skiptoken=two"))),
        answer(r#"{"value": [{"id": "a"}]}"#.to_owned()),
    ]);
    let writer = writer(&scripted.address, &HandClock::new(), TIMEOUT);
    let found = writer.find(&by_keys(&[("companyName", "Contoso")], &[])).await.unwrap();
    assert!(matches!(&found, Found::One(known) if known.object.as_str() == "a"), "{found:?}");
    let later: Vec<String> = scripted.requests()[1..].iter().map(|request| request.to_lowercase()).collect();
    for (request, page) in later.iter().zip(["one", "two"]) {
        assert!(request.starts_with(&format!("get /v1.0/users?$skiptoken={page} ")), "{request}");
        assert!(
            request.contains("consistencylevel: eventual"),
            "what made the query advanced is said again: {request}"
        );
    }
}

#[tokio::test]
async fn two_on_two_short_pages_are_several_and_of_the_deleted_the_last_one_counts() {
    let scripted = Scripted::start([]).await;
    let at = |path: &str| format!("{}/v1.0{path}", scripted.address);
    let deleted = |id: &str, day: u32| format!(r#"{{"id": "{id}", "deletedDateTime": "2026-01-0{day}T00:00:00Z"}}"#);
    scripted.then([
        first_pages(&page(r#"{"id": "a"}"#, &at("/users?$skiptoken=one")), NONE),
        answer(page(r#"{"id": "b"}"#, &at("/users?$skiptoken=two"))),
        first_pages(NONE, &page(&deleted("c", 1), &at("/directory/deletedItems?$skiptoken=one"))),
        answer(format!(r#"{{"value": [{}]}}"#, deleted("d", 2))),
    ]);
    let writer = writer(&scripted.address, &HandClock::new(), TIMEOUT);
    let search = by_keys(&[("employeeId", "7")], &[]);
    let several = writer.find(&search).await.unwrap();
    assert_eq!(several, Found::Several(vec![ObjectId::new("a"), ObjectId::new("b")]));
    let found = writer.find(&search).await.unwrap();
    assert!(matches!(&found, Found::Deleted(known) if known.object.as_str() == "d"), "{found:?}");
    // Two are enough to know that it is not one.
    assert_eq!(scripted.requests().len(), 4);
}

#[tokio::test]
async fn a_list_that_does_not_end_or_goes_on_elsewhere_finds_not_nobody_but_later() {
    let elsewhere = Scripted::start([answer(NONE.to_owned())]).await;
    for next in [None, Some(format!("{}/v1.0/users?$skiptoken=one", elsewhere.address))] {
        let scripted = Scripted::start([]).await;
        let next = next.unwrap_or_else(|| format!("{}/v1.0/users?$skiptoken=again", scripted.address));
        scripted.then([first_pages(&page("", &next), NONE)]);
        scripted.then((0..100).map(|_| answer(page("", &next))));
        let writer = writer(&scripted.address, &HandClock::new(), TIMEOUT);
        assert_eq!(told(&writer.find(&by_keys(&[("employeeId", "7")], &[])).await), "later None");
        assert!(scripted.requests().len() <= 20, "{}", scripted.requests().len());
    }
    assert!(elsewhere.requests().is_empty(), "the token goes nowhere else");
}

#[tokio::test]
async fn a_page_that_cannot_be_had_is_told_as_any_question_is() {
    let scripted = Scripted::start([]).await;
    let next = format!("{}/v1.0/users?$skiptoken=one", scripted.address);
    scripted.then([first_pages(&page("", &next), NONE), Act::Answer(429, "Retry-After: 7\r\n", "")]);
    let writer = writer(&scripted.address, &HandClock::new(), TIMEOUT);
    assert_eq!(told(&writer.find(&by_keys(&[("employeeId", "7")], &[])).await), "later Some(7s)");
}

#[tokio::test]
async fn a_group_on_a_later_page_is_not_made_again() {
    let scripted = Scripted::start([]).await;
    let next = format!("{}/v1.0/groups?$skiptoken=one", scripted.address);
    scripted.then([
        answer(page("", &next)),
        answer(r#"{"value": [{"id": "g"}]}"#.to_owned()),
        Act::Answer(204, "", ""),
    ]);
    let writer = writer(&scripted.address, &HandClock::new(), TIMEOUT);
    let staff = Group { name: "Staff".to_owned(), create: true };
    let set = writer.set_member(&errand(), &staff, &ObjectId::new("a"), true).await.unwrap();
    assert_eq!(set, Membership::Changed);
    assert!(scripted.requests()[2].starts_with("POST /v1.0/groups/g/members/$ref "), "{}", scripted.requests()[2]);
}

#[tokio::test]
async fn a_deleted_account_whose_address_is_taken_is_refused_by_name_and_no_other_address_is_tried() {
    let conflict = r#"{"error": {"code": "Request_BadRequest", "message": "Another object has it.",
        "details": [{"code": "ObjectConflict", "target": "mail"}]}}"#;
    let holder = r#"{"value": [{"id": "b", "userPrincipalName": "ben@contoso.example"}]}"#;
    let scripted = Scripted::start([Act::Answer(400, "", conflict), Act::Answer(200, "", holder)]).await;
    let writer = writer(&scripted.address, &HandClock::new(), TIMEOUT);
    let set = [("mail", "anna@contoso.example")];
    let restore = change(ChangeKind::Restore, Some(&ObjectId::new("a")), &set, &[]);
    let WriteError::Refused { code, cause } = writer.write(&errand(), &restore).await.unwrap_err() else { panic!() };
    assert_eq!(code, "taken");
    assert!(cause.0.contains("`mail`") && cause.0.contains("ben@contoso.example (b) has it"), "{cause}");
}

/// How many answers with that status were counted, as `/metrics` shows it, from a machine that only one test asks.
fn counted(counter: &str, status: u16) -> u64 {
    let series = format!("{counter}{{host=\"localhost\",status=\"{status}\"}} ");
    let shown = muster::meter::shown();
    shown.lines().find_map(|line| line.strip_prefix(&series)).map_or(0, |count| count.parse().unwrap())
}

#[tokio::test]
async fn what_is_refused_in_a_batch_is_counted_one_by_one() {
    let scripted = Scripted::start([batch_answer(&[
        r#"{"id": "1", "status": 429, "headers": {"Retry-After": "7"}}"#,
        r#"{"id": "2", "status": 429}"#,
        r#"{"id": "3", "status": 204}"#,
    ])])
    .await;
    let mut settings = settings(&scripted.address, TIMEOUT);
    settings.base_url.set_host(Some("localhost")).unwrap();
    let writer = GraphWriter::new(&settings, HandClock::new()).unwrap();
    let objects = ["a", "b", "c"].map(ObjectId::new);
    let changes = objects.each_ref().map(|object| change(ChangeKind::Delete, Some(object), &[], &[]));
    let errand = errand();
    let answers = together(changes.iter().map(|change| writer.write(&errand, change))).await;
    assert_eq!(answers.iter().map(told).collect::<Vec<_>>(), ["later Some(7s)", "later None", "done"]);
    let each = [429, 204].map(|status| counted("muster_target_answers_in_batches_total", status));
    let whole = [429, 200].map(|status| counted("muster_target_answers_total", status));
    assert_eq!((each, whole), ([2, 1], [0, 1]));
}

/// How many are made on each bad day.
const PEOPLE: usize = 60;

/// How many creates lose their answers on all bad days, at least: more than people are made on one.
const LOST_MIN: usize = 120;

/// What goes wrong with a share of those, as a seed has it.
fn wrong(kind: FaultKind, of: Struck, share: f64, seed: u64) -> Fault {
    let seconds = if kind == Late { 0.5 } else { 0.1 };
    let times = if [FailedAfter, Late].contains(&kind) { 60 } else { 8 };
    Fault::new(kind).of(of).share(share, seed).seconds(seconds).next(times)
}

#[tokio::test]
async fn a_bad_day_makes_every_account_once() {
    let mut lost = 0;
    for faults in [
        vec![wrong(Throttled, Struck::Writes, 0.4, 7)],
        vec![wrong(FailedBefore, Struck::Creates, 0.4, 7)],
        vec![wrong(Unauthorized, Struck::Requests, 0.4, 7)],
        vec![wrong(Concurrency, Struck::Writes, 0.4, 7)],
        vec![wrong(Late, Struck::Creates, 0.4, 7)],
        // Done, and then answered 500: each by itself, and batches as such.
        vec![wrong(FailedAfter, Struck::Creates, 0.8, 7)],
        vec![wrong(FailedAfter, Struck::Batches, 0.7, 6)],
        // Done, and never answered: in the midst of a batch, and at its end.
        vec![wrong(ResetAfter, Struck::Creates, 0.1, 7)],
        vec![wrong(ResetAfter, Struck::Requests, 0.07, 5)],
        vec![wrong(ResetAfter, Struck::Batches, 0.4, 3)],
        // Done, never told, and not to be seen for a while.
        vec![wrong(FailedAfter, Struck::Batches, 0.7, 3), wrong(Late, Struck::Creates, 0.5, 7)],
    ] {
        let practice = Practice::on_the_real_clock(|_| {});
        let writer = practice.writer();
        faults.iter().for_each(|fault| practice.sandbox.order(fault.clone()).unwrap());
        let unanswered = together((0..PEOPLE).map(|at| made_in_the_end(&writer, at))).await;
        if faults.iter().any(|fault| [FailedAfter, ResetAfter].contains(&fault.fault)) {
            lost += unanswered.into_iter().sum::<usize>();
        }
        let users = practice.sandbox.users();
        let people: BTreeSet<&str> = users.iter().map(|user| user.properties["employeeId"].as_str().unwrap()).collect();
        assert_eq!((people.len(), users.len()), (PEOPLE, PEOPLE), "{faults:?}");
        assert_eq!(practice.sandbox.requests().inside_retry_after, 0, "{faults:?}");
    }
    assert!(lost >= LOST_MIN, "only {lost} answers were lost");
}

/// As a work item is carried: look, make, on no answer look again, and where the name is somebody's try the next. How
/// many creates had no answer. Gives up after a while.
async fn made_in_the_end(writer: &GraphWriter, at: usize) -> usize {
    let id = format!("e{at}");
    let search = by_keys(&[("employeeId", &id)], &[]);
    let anchor = Anchor::parse(&id).unwrap();
    let (mut unanswered, mut number) = (0, 1);
    for _ in 0..100 {
        let upn = format!("person{at}.{number}@contoso.example");
        let set = [("displayName", "Anna"), ("userPrincipalName", upn.as_str()), ("employeeId", id.as_str())];
        let errand = Errand { anchor: &anchor, again: unanswered > 0, ..errand() };
        match writer.find(&search).await {
            Ok(Found::One(_)) => return unanswered,
            Ok(Found::Nobody) => match writer.write(&errand, &change(ChangeKind::Create, None, &set, &[])).await {
                Ok(_) => return unanswered,
                Err(WriteError::Refused { code, cause }) => panic!("{code}: {cause}"),
                Err(WriteError::Unknown { .. }) => unanswered += 1,
                Err(WriteError::Taken { .. }) => number += 1,
                Err(_) => {}
            },
            Ok(other) => panic!("{other:?}"),
            Err(WriteError::Refused { code, cause }) => panic!("{code}: {cause}"),
            Err(_) => {}
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{id} was never made");
}
