//! One work item carried, through good and bad answers.

use std::collections::VecDeque;
use std::sync::Mutex;

use async_trait::async_trait;

use super::*;
use crate::model::{Anchor, Desired, Generation, JobId, LeaseId, TargetId, Timestamp, UniqueName};
use crate::writer::{Cause, Group, Membership};

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const TIMEOUT: Duration = Duration::from_secs(10);

/// Stands still at [`NOW`].
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        NOW
    }
}

/// Answers what it is told to, in turn, and remembers what it was asked.
#[derive(Default)]
struct Scripted {
    finds: Mutex<VecDeque<Result<Found, WriteError>>>,
    writes: Mutex<VecDeque<Result<Option<Known>, WriteError>>>,
    asked: Mutex<Vec<String>>,
}

impl Scripted {
    fn find_gives(self, found: Result<Found, WriteError>) -> Self {
        self.finds.lock().unwrap().push_back(found);
        self
    }

    fn write_gives(self, receipt: Result<Option<Known>, WriteError>) -> Self {
        self.writes.lock().unwrap().push_back(receipt);
        self
    }

    fn note(&self, asked: String) {
        self.asked.lock().unwrap().push(asked);
    }

    fn asked(&self) -> String {
        self.asked.lock().unwrap().join(", ")
    }
}

#[async_trait]
impl Writer for Scripted {
    async fn find(&self, search: &Search) -> Result<Found, WriteError> {
        self.note(match &search.object {
            Some(object) => format!("find {object}"),
            None => "find by keys".to_owned(),
        });
        self.finds.lock().unwrap().pop_front().unwrap()
    }

    async fn write(&self, _errand: &Errand<'_>, change: &Change) -> Result<Option<Known>, WriteError> {
        self.note(change.kind.word().to_owned());
        self.writes.lock().unwrap().pop_front().unwrap()
    }

    async fn set_manager(
        &self,
        _errand: &Errand<'_>,
        object: &ObjectId,
        manager: Option<&ObjectId>,
    ) -> Result<(), WriteError> {
        self.note(format!("manager of {object}: {manager:?}"));
        self.writes.lock().unwrap().pop_front().unwrap().map(drop)
    }

    async fn set_member(
        &self,
        _errand: &Errand<'_>,
        group: &Group,
        object: &ObjectId,
        is_member: bool,
    ) -> Result<Membership, WriteError> {
        self.note(format!("{object} in {}: {is_member}", group.name));
        self.writes.lock().unwrap().pop_front().unwrap().map(|_| Membership::Changed)
    }

    fn timeout(&self) -> Duration {
        TIMEOUT
    }
}

fn cause() -> Cause {
    Cause("the sea is rough".to_owned())
}

fn later(seconds: u64) -> WriteError {
    WriteError::Later { after: Some(Duration::from_secs(seconds)), cause: cause() }
}

fn attributes(pairs: &[(&str, &str)]) -> Attributes {
    pairs.iter().map(|(name, value)| (Name::new(name), Value::text(*value))).collect()
}

fn known(pairs: &[(&str, &str)]) -> Known {
    Known { object: ObjectId::new("o1"), attributes: attributes(pairs), container: None, synced: false }
}

fn present(pairs: &[(&str, &str)]) -> Task {
    Task::Account(Wanted::Present(Desired {
        attributes: attributes(pairs),
        keys: MatchKeys(vec![(Name::new("employeeId"), "701984".to_owned())]),
        ..Desired::default()
    }))
}

fn item(task: Task, known: Option<Known>) -> WorkItem {
    WorkItem {
        job: JobId::new("hr"),
        anchor: Anchor::parse("701984").unwrap(),
        target: TargetId::new("cloud"),
        generation: Generation(4),
        sequence: 1,
        lease: LeaseId::new("l"),
        ends: NOW.plus(Duration::from_secs(60)),
        attempt: 0,
        task,
        known,
        look: false,
    }
}

/// Carries, and says what was asked of the writer and how it ended.
async fn run(writer: Scripted, item: &WorkItem) -> (String, Carried) {
    let carried = carry(&writer, item, &Still).await;
    (writer.asked(), carried)
}

fn code(carried: &Carried) -> &str {
    match &carried.settlement {
        Settlement::Again { why, .. } | Settlement::Held(why) | Settlement::Failed(why) | Settlement::Skipped(why) => {
            &why.code
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn whoever_is_not_linked_is_looked_for_and_then_made() {
    let writer = Scripted::default().find_gives(Ok(Found::Nobody)).write_gives(Ok(Some(known(&[("sn", "L")]))));
    let (asked, carried) = run(writer, &item(present(&[("sn", "L")]), None)).await;
    assert_eq!(asked, "find by keys, create");
    assert_eq!(carried.situation, Situation::Absent);
    assert_eq!(carried.change.unwrap().kind, ChangeKind::Create);
    assert_eq!(carried.settlement, Settlement::Applied { known: Some(known(&[("sn", "L")])) });
}

#[tokio::test]
async fn who_is_there_already_is_linked_and_nothing_is_written() {
    let writer = Scripted::default().find_gives(Ok(Found::One(known(&[("sn", "X")]))));
    let (asked, carried) = run(writer, &item(present(&[("sn", "L")]), None)).await;
    assert_eq!(asked, "find by keys");
    assert_eq!(carried.situation, Situation::Found);
    assert_eq!(carried.settlement, Settlement::Linked { known: known(&[("sn", "X")]) });
    assert_eq!(carried.change, None);
}

#[tokio::test]
async fn what_shall_be_empty_and_was_never_looked_at_is_emptied_only_where_it_is_not() {
    let emptied = present(&[("sn", "L"), ("mail", "")]);
    let there = |mail: Value| {
        let mut there = known(&[("sn", "L")]);
        there.attributes.set(Name::new("mail"), mail);
        there
    };
    let writer = Scripted::default().find_gives(Ok(Found::One(there(Value::Null))));
    let (asked, carried) = run(writer, &item(emptied.clone(), Some(known(&[("sn", "L")])))).await;
    assert_eq!((asked.as_str(), carried.change), ("find o1", None), "there are targets that refuse to empty it");
    assert_eq!(carried.settlement, Settlement::Applied { known: Some(there(Value::Null)) });

    let writer = Scripted::default().find_gives(Ok(Found::One(there(Value::text("a@x"))))).write_gives(Ok(None));
    let (asked, carried) = run(writer, &item(emptied.clone(), Some(known(&[("sn", "L")])))).await;
    assert_eq!(asked, "find o1, update");
    let change = carried.change.unwrap();
    assert_eq!((change.clear, change.before), (vec![Name::new("mail")], attributes(&[("mail", "a@x")])));

    let writer = Scripted::default().find_gives(Ok(Found::CannotLook)).write_gives(Ok(None));
    let (asked, carried) = run(writer, &item(emptied, Some(known(&[("sn", "L")])))).await;
    assert_eq!((asked.as_str(), carried.change.unwrap().clear), ("find o1, update", vec![Name::new("mail")]));
}

#[tokio::test]
async fn who_is_linked_is_written_without_looking_and_the_rest_stays_known() {
    let writer = Scripted::default().write_gives(Ok(Some(known(&[("sn", "L")]))));
    let (asked, carried) =
        run(writer, &item(present(&[("sn", "L")]), Some(known(&[("sn", "X"), ("l", "Oslo")])))).await;
    assert_eq!(asked, "update");
    assert_eq!(carried.settlement, Settlement::Applied { known: Some(known(&[("l", "Oslo"), ("sn", "L")])) });
}

#[tokio::test]
async fn after_a_try_that_told_nothing_the_target_is_looked_at_first() {
    let writer = Scripted::default().find_gives(Ok(Found::One(known(&[("sn", "L")]))));
    let look = WorkItem { look: true, ..item(present(&[("sn", "L")]), Some(known(&[("sn", "X")]))) };
    let (asked, carried) = run(writer, &look).await;
    assert_eq!(asked, "find o1");
    assert_eq!(carried.settlement, Settlement::Applied { known: Some(known(&[("sn", "L")])) });
    assert_eq!(carried.change, None);

    let look = WorkItem { known: Some(known(&[("sn", "L")])), ..look };
    let writer = Scripted::default().find_gives(Ok(Found::One(known(&[("sn", "L")]))));
    assert_eq!(run(writer, &look).await.1.settlement, Settlement::Unchanged);

    let look = WorkItem { task: Task::Account(Wanted::Deleted), ..look };
    let writer = Scripted::default().find_gives(Ok(Found::Nobody));
    assert_eq!(run(writer, &look).await.1.settlement, Settlement::Applied { known: None });
}

#[tokio::test]
async fn no_write_starts_that_would_outlive_the_lease() {
    let mut item = item(present(&[("sn", "L")]), Some(known(&[])));
    item.ends = NOW.plus(TIMEOUT).minus(Duration::from_millis(1));
    let (asked, carried) = run(Scripted::default(), &item).await;
    assert_eq!(asked, "");
    assert_eq!(code(&carried), LEASE_TOO_SHORT);
    assert!(matches!(carried.settlement, Settlement::Again { due, .. } if due == item.ends));
    item.ends = NOW.plus(TIMEOUT);
    let (asked, _) = run(Scripted::default().write_gives(Ok(Some(known(&[])))), &item).await;
    assert_eq!(asked, "update");
}

#[tokio::test]
async fn a_target_that_asks_for_patience_gets_it() {
    let linked = item(present(&[("sn", "L")]), Some(known(&[])));
    let (_, carried) = run(Scripted::default().write_gives(Err(later(90))), &linked).await;
    assert_eq!(code(&carried), TARGET_BUSY);
    assert_eq!(carried.change, None);
    let due = NOW.plus(Duration::from_secs(90));
    assert!(matches!(carried.settlement, Settlement::Again { due: when, look: false, .. } if when == due));
    // It must still be looked at, when the look itself was put off.
    let look = WorkItem { look: true, ..linked };
    let (_, carried) = run(Scripted::default().find_gives(Err(later(0))), &look).await;
    assert!(matches!(carried.settlement, Settlement::Again { due, look: true, .. } if due > NOW));
}

#[tokio::test]
async fn an_answer_that_cannot_be_trusted_asks_for_a_look() {
    let writer = Scripted::default().write_gives(Err(WriteError::Unknown { cause: cause() }));
    let (_, carried) = run(writer, &item(present(&[("sn", "L")]), Some(known(&[])))).await;
    assert_eq!(code(&carried), NO_ANSWER);
    let soon = NOW.plus(Duration::from_secs(1));
    assert!(matches!(carried.settlement, Settlement::Again { due, look: true, .. } if due > NOW && due <= soon));
}

#[tokio::test]
async fn a_refusal_keeps_the_targets_word() {
    let refused = WriteError::Refused { code: "Request_BadRequest".to_owned(), cause: cause() };
    let writer = Scripted::default().write_gives(Err(refused));
    let (_, carried) = run(writer, &item(present(&[("sn", "L")]), Some(known(&[])))).await;
    assert_eq!(code(&carried), "Request_BadRequest");
    assert!(matches!(carried.settlement, Settlement::Failed(_)));
}

#[tokio::test]
async fn a_value_that_is_taken_by_the_account_itself_links_it() {
    let taken = || WriteError::Taken { attribute: Name::new("userPrincipalName"), holder: None, cause: cause() };
    let work = item(present(&[("sn", "L")]), None);
    let one = Found::One(known(&[("sn", "L")]));
    let writer = Scripted::default().find_gives(Ok(Found::Nobody)).write_gives(Err(taken())).find_gives(Ok(one));
    let (asked, carried) = run(writer, &work).await;
    assert_eq!(asked, "find by keys, create, find by keys");
    assert_eq!(carried.settlement, Settlement::Linked { known: known(&[("sn", "L")]) });

    let writer =
        Scripted::default().find_gives(Ok(Found::Nobody)).write_gives(Err(taken())).find_gives(Ok(Found::Nobody));
    let (_, carried) = run(writer, &work).await;
    assert_eq!(code(&carried), TAKEN);
    assert_eq!(carried.situation, Situation::Absent);
}

#[tokio::test]
async fn who_holds_a_taken_value_is_looked_at_before_it_is_called_somebody_elses() {
    let taken = || WriteError::Taken {
        attribute: Name::new("userPrincipalName"),
        holder: Some(ObjectId::new("o1")),
        cause: cause(),
    };
    let Task::Account(Wanted::Present(mut desired)) = present(&[("sn", "L")]) else { panic!("nobody") };
    desired.keys = MatchKeys(vec![(Name::new("employeeId"), "701984".to_owned())]);
    let mut work = item(Task::Account(Wanted::Present(desired)), None);
    let meets = |holder: Result<Found, WriteError>| {
        let writer = Scripted::default().find_gives(Ok(Found::Nobody)).write_gives(Err(taken()));
        writer.find_gives(Ok(Found::Nobody)).find_gives(holder)
    };
    let own = known(&[("employeeId", "701984")]);
    let (asked, carried) = run(meets(Ok(Found::One(own.clone()))), &work).await;
    assert_eq!(asked, "find by keys, create, find by keys, find o1");
    assert_eq!(carried.settlement, Settlement::Linked { known: own });
    let (_, carried) = run(meets(Ok(Found::One(known(&[("employeeId", "701985")])))), &work).await;
    assert_eq!(code(&carried), TAKEN);
    // It is there, and cannot be seen: the target says to wait.
    assert_eq!(code(&run(meets(Err(later(1))), &work).await.1), TARGET_BUSY);
    // Nobody can be seen. That is the truth, unless an earlier try may have made the account.
    assert_eq!(code(&run(meets(Ok(Found::Nobody)), &work).await.1), TAKEN);
    work.look = true;
    assert_eq!(code(&run(meets(Ok(Found::Nobody)), &work).await.1), NO_ANSWER);
    work.attempt = 12;
    assert_eq!(code(&run(meets(Ok(Found::Nobody)), &work).await.1), TAKEN);
}

#[tokio::test]
async fn an_account_that_vanished_is_missing_unless_it_was_to_go() {
    let gone = || Scripted::default().write_gives(Err(WriteError::Gone { cause: cause() }));
    let (_, carried) = run(gone(), &item(present(&[("sn", "L")]), Some(known(&[])))).await;
    assert_eq!((carried.situation, code(&carried)), (Situation::Missing, MISSING));
    let (_, carried) = run(gone(), &item(Task::Account(Wanted::Deleted), Some(known(&[])))).await;
    assert_eq!(carried.settlement, Settlement::Applied { known: None });
}

#[tokio::test]
async fn the_last_try_gives_up_and_says_what_happened() {
    let mut work = item(present(&[("sn", "L")]), Some(known(&[])));
    work.attempt = ATTEMPTS_MAX - 2;
    let (_, carried) = run(Scripted::default().write_gives(Err(later(1))), &work).await;
    assert_eq!(code(&carried), TARGET_BUSY);
    work.attempt = ATTEMPTS_MAX - 1;
    let (_, carried) = run(Scripted::default().write_gives(Err(later(1))), &work).await;
    assert_eq!(code(&carried), GAVE_UP);
    assert!(matches!(&carried.settlement, Settlement::Failed(why) if why.detail.contains("the sea is rough")));
    work.ends = NOW;
    assert_eq!(code(&run(Scripted::default(), &work).await.1), LEASE_TOO_SHORT);
}

#[tokio::test]
async fn a_manager_is_set_on_the_account_and_not_counted_among_what_we_own() {
    let task = Task::Manager { manager: Some(ObjectId::new("boss")) };
    let writer = Scripted::default().write_gives(Ok(None));
    let (asked, carried) = run(writer, &item(task.clone(), Some(known(&[("sn", "L")])))).await;
    assert_eq!(asked, "manager of o1: Some(ObjectId(\"boss\"))");
    assert_eq!(carried.settlement, Settlement::Applied { known: Some(known(&[("sn", "L")])) });
    assert_eq!(carried.change.unwrap().set, attributes(&[("manager", "boss")]));
    let (asked, carried) = run(Scripted::default(), &item(task, None)).await;
    assert_eq!((asked.as_str(), code(&carried)), ("", NO_ACCOUNT));
}

#[tokio::test]
async fn who_was_never_there_is_not_looked_for_to_be_taken_away() {
    let (asked, carried) = run(Scripted::default(), &item(Task::Account(Wanted::Disabled), None)).await;
    assert_eq!(asked, "");
    assert_eq!(carried.change, None);
}

fn look(known: Option<Known>) -> WorkItem {
    let keys = MatchKeys(vec![(Name::new("employeeId"), "701984".to_owned())]);
    WorkItem { look: true, ..item(Task::Look { keys, attributes: vec![Name::new("sn")] }, known) }
}

#[tokio::test]
async fn what_an_earlier_try_has_left_is_looked_at_and_nothing_is_written() {
    let there = || known(&[("sn", "L")]);
    let writer = Scripted::default().find_gives(Ok(Found::One(there())));
    let (asked, carried) = run(writer, &look(None)).await;
    assert_eq!((asked.as_str(), carried.situation), ("find by keys", Situation::Unqualified));
    assert_eq!(carried.settlement, Settlement::Linked { known: there() });

    let writer = Scripted::default().find_gives(Ok(Found::One(there())));
    let (asked, carried) = run(writer, &look(Some(known(&[("sn", "X")])))).await;
    assert_eq!((asked.as_str(), carried.settlement), ("find o1", Settlement::Linked { known: there() }));

    for (link, found) in [(None, Found::Nobody), (Some(there()), Found::One(there()))] {
        let (_, carried) = run(Scripted::default().find_gives(Ok(found)), &look(link)).await;
        assert!(matches!(carried.settlement, Settlement::Again { due: NOW, look: false, .. }));
    }
    let (_, carried) = run(Scripted::default().find_gives(Ok(Found::Nobody)), &look(Some(there()))).await;
    assert_eq!((carried.situation, code(&carried)), (Situation::Missing, MISSING));
}

#[tokio::test]
async fn whoever_cannot_be_looked_at_waits_for_somebody_who_can() {
    let (_, carried) = run(Scripted::default().find_gives(Ok(Found::CannotLook)), &look(None)).await;
    assert!(matches!(&carried.settlement, Settlement::Held(why) if why.code == CANNOT_LOOK));
    let (_, carried) = run(Scripted::default().find_gives(Err(later(1))), &look(None)).await;
    assert!(matches!(carried.settlement, Settlement::Again { look: true, .. }));
}

#[tokio::test]
async fn damage_that_was_not_foreseen_is_not_done_before_it_is_counted() {
    let switched = |enabled: bool| Known {
        attributes: [(Name::new("accountEnabled"), Value::Boolean(enabled))].into_iter().collect(),
        ..known(&[])
    };
    let work = WorkItem { look: true, ..item(Task::Account(Wanted::Disabled), Some(switched(false))) };
    let writer = Scripted::default().find_gives(Ok(Found::One(switched(true))));
    let (asked, carried) = run(writer, &work).await;
    assert_eq!((asked.as_str(), carried.settlement), ("find o1", Settlement::Linked { known: switched(true) }));
    let foreseen = WorkItem { known: Some(switched(true)), ..work };
    let writer = Scripted::default().find_gives(Ok(Found::One(switched(true)))).write_gives(Ok(Some(switched(false))));
    assert_eq!(run(writer, &foreseen).await.0, "find o1, disable");
}

/// An account whose `mail` is the first that is free of these.
fn named(candidates: &[&str]) -> Task {
    let Task::Account(Wanted::Present(desired)) = present(&[("sn", "L")]) else { panic!("an account") };
    let candidates = candidates.iter().map(ToString::to_string).collect();
    let unique = vec![UniqueName { attribute: Name::new("mail"), namespace: None, candidates }];
    Task::Account(Wanted::Present(Desired { unique, ..desired }))
}

fn taken() -> WriteError {
    WriteError::Taken { attribute: Name::new("mail"), holder: None, cause: cause() }
}

/// What the new account is called, if one was made.
fn mail(carried: &Carried) -> Option<&str> {
    carried.change.as_ref()?.set.get("mail")?.as_text()
}

#[tokio::test]
async fn a_name_is_asked_for_before_it_is_given() {
    let writer = Scripted::default()
        .find_gives(Ok(Found::Nobody))
        .find_gives(Ok(Found::One(known(&[("mail", "a")]))))
        .find_gives(Ok(Found::Nobody))
        .write_gives(Ok(Some(known(&[]))));
    let (asked, carried) = run(writer, &item(named(&["a", "b", "c"]), None)).await;
    assert_eq!(asked, "find by keys, find by keys, find by keys, create");
    assert_eq!(mail(&carried), Some("b"));

    let writer = Scripted::default()
        .find_gives(Ok(Found::CannotLook))
        .find_gives(Ok(Found::CannotLook))
        .write_gives(Ok(Some(known(&[]))));
    assert_eq!(mail(&run(writer, &item(named(&["a", "b"]), None)).await.1), Some("a"));
}

#[tokio::test]
async fn an_account_that_is_found_by_its_name_may_be_the_persons_own() {
    let theirs = || known(&[("mail", "a"), ("employeeId", "701984")]);
    let writer = Scripted::default().find_gives(Ok(Found::Nobody)).find_gives(Ok(Found::One(theirs())));
    let (_, carried) = run(writer, &item(named(&["a", "b"]), None)).await;
    assert_eq!(carried.settlement, Settlement::Linked { known: theirs() });
}

#[tokio::test]
async fn a_name_that_an_unreported_try_may_have_taken_is_waited_for_and_no_second_is_taken() {
    let writer = || {
        let nobody = || Ok(Found::Nobody);
        Scripted::default()
            .find_gives(nobody())
            .find_gives(nobody())
            .write_gives(Err(taken()))
            .find_gives(nobody())
            .write_gives(Ok(Some(known(&[]))))
    };
    let work = item(named(&["a", "b"]), None);
    let (asked, carried) = run(writer(), &WorkItem { look: true, ..work.clone() }).await;
    assert_eq!(asked, "find by keys, find by keys, create, find by keys");
    assert!(matches!(carried.settlement, Settlement::Again { look: true, .. }));
    // Nobody has tried before, or it has been waited for long enough: it is somebody else's.
    for work in [work.clone(), WorkItem { look: true, attempt: 12, ..work }] {
        assert_eq!(mail(&run(writer(), &work).await.1), Some("b"));
    }
}

#[tokio::test]
async fn whoever_could_be_offered_no_name_comes_back_when_they_have_been_looked_for() {
    let writer = Scripted::default().find_gives(Ok(Found::Nobody));
    let (asked, carried) = run(writer, &WorkItem { look: true, ..item(named(&[]), None) }).await;
    assert_eq!(asked, "find by keys");
    assert!(matches!(carried.settlement, Settlement::Again { look: false, .. }));
}
