//! What is said of people reaches their accounts: once, in order, and every operation says how it ended.

use std::time::Duration;

use muster::model::{Attributes, ChangeKind, Dn, Part, Value};

use super::hearth::{CHAT, Hearth, JOB, changed, employee, gone, later, person, refused, says, unknown};
use super::practice::attributes;

#[tokio::test]
async fn a_new_person_gets_an_account() {
    let house = Hearth::open();
    let upload = house.say(&[employee("1")]).await;
    assert_eq!(house.outcome(upload), "applied");
    assert_eq!(house.holds("cloud", "1", "displayName"), "Person 1");
    assert_eq!(house.holds("cloud", "1", "accountEnabled"), "true");
}

#[tokio::test]
async fn what_is_not_said_is_left_alone() {
    let house = Hearth::open();
    house.say(&[person("1", "Employee", &[("active", "false")])]).await;
    house.say(&[says("1", &[("displayName", "Anna")])]).await;
    assert_eq!(house.holds("cloud", "1", "displayName"), "Anna");
    assert_eq!(house.holds("cloud", "1", "jobTitle"), "Clerk");
    assert_eq!(house.holds("cloud", "1", "accountEnabled"), "false");
}

#[tokio::test]
async fn empty_clears_only_where_both_gates_are_open() {
    let house = Hearth::open();
    house.say(&[person("1", "Employee", &[("preferredLanguage", "DE")])]).await;
    // `displayName` has no gate, `preferredLanguage` only the target's.
    let said = says("1", &[("title", "null"), ("displayName", "null"), ("preferredLanguage", "null")]);
    let upload = house.say(&[said]).await;
    assert_eq!(house.outcome(upload), "applied");
    assert_eq!(house.holds("cloud", "1", "jobTitle"), "nothing");
    assert_eq!(house.holds("cloud", "1", "displayName"), "Person 1");
    assert_eq!(house.holds("cloud", "1", "usageLocation"), "DE");
}

#[tokio::test]
async fn the_same_said_twice_is_unchanged() {
    let house = Hearth::open();
    house.say(&[employee("1")]).await;
    let again = house.say(&[employee("1")]).await;
    assert_eq!(house.outcome(again), "unchanged");
    assert_eq!(house.written("cloud").len(), 1);
}

#[tokio::test]
async fn what_no_account_holds_changes_the_person_and_nothing_else() {
    let house = Hearth::open();
    house.say(&[employee("2"), person("1", "Employee", &[("manager", "2")])]).await;
    let upload = house.say(&[says("1", &[("nickName", "Annie")])]).await;
    assert_eq!(house.outcome(upload), "unchanged");
}

#[tokio::test]
async fn three_updates_while_the_target_asks_for_patience_become_one_write() {
    let house = Hearth::open();
    house.say(&[employee("1")]).await;
    house.directory("cloud").fail_next_write(later(600));
    let first = house.say(&[says("1", &[("title", "a")])]).await;
    let second = house.say(&[says("1", &[("title", "b")])]).await;
    let third = house.say(&[says("1", &[("title", "c")])]).await;
    // It asked for ten minutes, and newer news is no reason to come earlier.
    assert_eq!(house.holds("cloud", "1", "jobTitle"), "Clerk");
    assert_eq!(house.outcomes(first), ["pending"]);
    house.settle().await;
    assert_eq!(house.outcome(first), format!("superseded by {third}#0"));
    assert_eq!(house.outcome(second), format!("superseded by {third}#0"));
    assert_eq!(house.outcome(third), "applied");
    assert_eq!(house.holds("cloud", "1", "jobTitle"), "c");
    assert_eq!(house.written("cloud").len(), 2);
}

#[tokio::test]
async fn what_is_said_during_a_lease_is_delivered_after_it() {
    let house = Hearth::open();
    let first = house.upload(&[employee("1")]);
    house.decide();
    let item = house.lease("cloud").remove(0);
    let second = house.upload(&[says("1", &[("title", "Boss")])]);
    house.decide();
    assert!(house.lease("cloud").is_empty(), "one at a time for one person");
    let carried = house.carry(&item).await;
    assert!(house.report(&item.lease, carried.clone()).is_taken());
    assert_eq!(house.outcome(first), "applied");
    assert_eq!(house.outcome(second), "pending");
    house.work().await;
    assert_eq!(house.outcome(second), "applied");
    assert_eq!(house.holds("cloud", "1", "jobTitle"), "Boss");
    // Only once.
    assert!(!house.report(&item.lease, carried).is_taken());
}

#[tokio::test]
async fn a_lease_that_ran_out_is_leased_again_and_looks_first() {
    let mut house = Hearth::open();
    let upload = house.upload(&[employee("1")]);
    house.decide();
    let item = house.lease("cloud").remove(0);
    let carried = house.carry(&item).await;
    // The worker is gone before it can report.
    house.restart();
    house.work().await;
    assert_eq!(house.outcome(upload), "pending");
    house.settle().await;
    assert_eq!(house.outcome(upload), "applied");
    assert_eq!(house.accounts("cloud", "1").len(), 1);
    assert_eq!(house.written("cloud").len(), 1);
    assert!(!house.report(&item.lease, carried).is_taken());
}

#[tokio::test]
async fn a_create_whose_answer_was_lost_makes_no_second_account() {
    let house = Hearth::open();
    house.directory("cloud").lose_next_answer(unknown());
    let upload = house.say(&[employee("1")]).await;
    assert_eq!(house.outcome(upload), "pending");
    house.settle().await;
    assert_eq!(house.outcome(upload), "applied");
    assert_eq!(house.accounts("cloud", "1").len(), 1);
}

#[tokio::test]
async fn a_leaver_whose_account_was_being_made_does_not_keep_it() {
    let house = Hearth::open();
    let joined = house.upload(&[employee("1")]);
    house.decide();
    let item = house.lease("cloud").remove(0);
    let left = house.upload(&[gone("1")]);
    house.decide();
    assert_eq!(house.outcome(left), "pending", "it is not known yet what there is to take away");
    let carried = house.carry(&item).await;
    house.report(&item.lease, carried);
    assert_eq!(house.outcome(joined), "applied");
    house.settle().await;
    assert_eq!(house.outcome(left), "applied");
    assert_eq!(house.holds("cloud", "1", "accountEnabled"), "false");
}

#[tokio::test]
async fn a_leaver_whose_account_was_made_without_telling_does_not_keep_it() {
    for crashes in [true, false] {
        let mut house = Hearth::open();
        if crashes {
            house.upload(&[employee("1")]);
            house.decide();
            let item = house.lease("cloud").remove(0);
            house.carry(&item).await;
            house.restart();
        } else {
            house.directory("cloud").lose_next_answer(unknown());
            house.say(&[employee("1")]).await;
        }
        let left = house.say(&[gone("1")]).await;
        house.settle().await;
        assert_eq!(house.holds("cloud", "1", "accountEnabled"), "false", "{}", house.tell("1"));
        assert_eq!(house.outcome(left), "applied");
    }
}

#[tokio::test]
async fn a_leaver_whose_account_was_never_made_has_nothing_to_lose() {
    let house = Hearth::open();
    house.directory("cloud").fail_next_write(unknown());
    let joined = house.say(&[employee("1")]).await;
    let left = house.say(&[gone("1")]).await;
    house.settle().await;
    assert_eq!(house.outcome(joined), format!("superseded by {left}#0"));
    assert_eq!(house.outcome(left), "skipped all_gone");
    assert!(house.accounts("cloud", "1").is_empty());
}

#[tokio::test]
async fn who_came_back_while_being_locked_out_without_telling_is_let_in() {
    let house = Hearth::open();
    house.say(&[employee("1")]).await;
    house.directory("cloud").lose_next_answer(unknown());
    house.say(&[says("1", &[("active", "false")])]).await;
    let back = house.say(&[says("1", &[("active", "true")])]).await;
    house.settle().await;
    assert_eq!(house.holds("cloud", "1", "accountEnabled"), "true");
    assert_eq!(house.outcome(back), "applied");
}

#[tokio::test]
async fn who_is_there_already_is_linked_first_and_updated_next() {
    let house = Hearth::open();
    let there = attributes(&[("employeeId", "1"), ("displayName", "Old"), ("userPrincipalName", "u1@contoso.example")]);
    let object = house.directory("cloud").insert(there, None, false);
    let upload = house.upload(&[employee("1")]);
    house.decide();
    house.deliver_once().await;
    assert_eq!(house.person("1").stored.links[0].1.object, object);
    assert!(house.written("cloud").is_empty());
    house.work().await;
    assert_eq!(house.outcome(upload), "applied");
    assert_eq!(house.account("cloud", "1").object, object);
    assert_eq!(house.holds("cloud", "1", "displayName"), "Person 1");
}

#[tokio::test]
async fn an_account_is_not_taken_for_two_people_not_even_by_two_jobs() {
    let other = changed(&[("name = \"hr\"", "name = \"students\"")]);
    let house = Hearth::with(&[super::hearth::JOB, &other]);
    house.say(&[employee("1")]).await;
    let upload = house.upload_to(1, &[employee("1")]);
    house.work().await;
    assert_eq!(house.outcome(upload), "failed found_already_linked");
    assert_eq!(house.accounts("cloud", "1").len(), 1);
    assert_eq!(house.written("cloud").len(), 1);
}

#[tokio::test]
async fn several_matches_fail_and_name_themselves() {
    let house = Hearth::open();
    for name in ["a", "b"] {
        house.directory("cloud").insert(attributes(&[("employeeId", "1"), ("displayName", name)]), None, false);
    }
    let upload = house.say(&[employee("1")]).await;
    assert_eq!(house.outcome(upload), "failed ambiguous");
    let operation = house.store().operations(upload, 0, 1).unwrap().remove(0);
    let detail = operation.outcome.unwrap().reason().unwrap().detail.clone();
    assert!(detail.contains("sim-000001") && detail.contains("sim-000002"), "{detail}");
    assert!(house.written("cloud").is_empty());
}

#[tokio::test]
async fn a_synced_account_is_linked_and_never_written() {
    let house = Hearth::open();
    house.directory("cloud").insert(attributes(&[("employeeId", "1"), ("displayName", "Old")]), None, true);
    let upload = house.say(&[employee("1")]).await;
    assert_eq!(house.outcome(upload), "skipped synced_from_on_premises");
    let left = house.say(&[gone("1")]).await;
    assert_eq!(house.outcome(left), "skipped synced_from_on_premises");
    assert!(house.written("cloud").is_empty());
}

#[tokio::test]
async fn of_two_statements_in_one_upload_the_later_wins() {
    let house = Hearth::open();
    let upload = house.say(&[employee("1"), says("1", &[("title", "Boss")])]).await;
    assert_eq!(house.outcomes(upload), [format!("superseded by {upload}#1"), "applied".to_owned()]);
    assert_eq!(house.holds("cloud", "1", "jobTitle"), "Boss");
    assert_eq!(house.written("cloud").len(), 1);
}

#[tokio::test]
async fn deleted_and_hired_in_one_upload_stays() {
    let house = Hearth::open();
    house.say(&[employee("1")]).await;
    let upload = house.say(&[gone("1"), person("1", "Employee", &[("title", "Boss")])]).await;
    assert_eq!(house.outcomes(upload), [format!("superseded by {upload}#1"), "applied".to_owned()]);
    assert_eq!(house.holds("cloud", "1", "accountEnabled"), "true");
    assert!(house.written("cloud").iter().all(|wrote| wrote.damages.is_empty()));
}

#[tokio::test]
async fn leavers_go_before_joiners() {
    let house = Hearth::open();
    house.say(&[employee("1"), employee("2")]).await;
    house.say(&[employee("3"), gone("1"), employee("4"), says("2", &[("active", "false")])]).await;
    let order: Vec<_> = house.written("cloud").iter().skip(2).map(|wrote| wrote.anchor.clone()).collect();
    assert_eq!(order, ["1", "2", "3", "4"]);
}

#[tokio::test]
async fn who_is_hired_again_after_a_deletion_gets_the_old_account_back() {
    let house = Hearth::changed(&[("kind = \"graph\"", "kind = \"graph\"\non_delete = \"delete\"")]);
    house.say(&[employee("2"), person("1", "Employee", &[("manager", "2")])]).await;
    let before = house.account("cloud", "1").object;
    let left = house.say(&[gone("1")]).await;
    assert_eq!(house.outcome(left), "applied");
    assert!(house.accounts("cloud", "1").is_empty());
    let back = house.say(&[says("1", &[("userType", "Employee"), ("title", "Boss")])]).await;
    assert_eq!(house.outcome(back), "applied");
    assert_eq!(house.account("cloud", "1").object, before);
    assert_eq!(house.holds("cloud", "1", "jobTitle"), "Boss", "what differs is written after it came back");
    assert!(house.written("cloud").iter().any(|wrote| wrote.kind == ChangeKind::Restore));
    assert!(house.directory("cloud").deleted().is_empty());
}

#[tokio::test]
async fn who_comes_back_and_nobody_hears_of_it_comes_back_once() {
    let house = Hearth::changed(&[("kind = \"graph\"", "kind = \"graph\"\non_delete = \"delete\"")]);
    house.say(&[employee("1")]).await;
    let before = house.account("cloud", "1").object;
    house.say(&[gone("1")]).await;
    house.directory("cloud").lose_next_answer(unknown());
    let back = house.say(&[employee("1")]).await;
    house.settle().await;
    assert_eq!(house.outcome(back), "applied", "{}", house.tell("1"));
    assert_eq!(house.account("cloud", "1").object, before);
    assert_eq!(house.holds("cloud", "1", "accountEnabled"), "true");
}

#[tokio::test]
async fn who_is_hired_again_while_a_deletion_told_nothing_has_one_account() {
    let house = Hearth::changed(&[("kind = \"graph\"", "kind = \"graph\"\non_delete = \"delete\"")]);
    house.say(&[employee("1")]).await;
    house.directory("cloud").lose_next_answer(unknown());
    let left = house.say(&[gone("1")]).await;
    let back = house.say(&[employee("1")]).await;
    house.settle().await;
    assert_eq!(house.outcome(left), format!("superseded by {back}#0"));
    assert_eq!(house.outcome(back), "applied", "{}", house.tell("1"));
    assert_eq!(house.holds("cloud", "1", "displayName"), "Person 1");
    assert!(house.directory("cloud").deleted().is_empty());
}

#[tokio::test]
async fn who_is_hired_again_is_let_in_again() {
    let house = Hearth::open();
    house.say(&[employee("1")]).await;
    house.say(&[gone("1")]).await;
    assert_eq!(house.holds("cloud", "1", "accountEnabled"), "false");
    let back = house.say(&[employee("1")]).await;
    assert_eq!(house.outcome(back), "applied");
    assert_eq!(house.holds("cloud", "1", "accountEnabled"), "true");
    assert_eq!(house.written("cloud").last().unwrap().kind, ChangeKind::Enable);
}

#[tokio::test]
async fn an_account_that_vanished_waits_until_it_is_released() {
    let house = Hearth::open();
    house.say(&[employee("2"), person("1", "Employee", &[("manager", "2")])]).await;
    let object = house.account("cloud", "1").object;
    house.directory("cloud").remove(&object);
    let upload = house.say(&[says("1", &[("title", "Boss")])]).await;
    assert_eq!(house.outcome(upload), "held missing");
    house.settle().await;
    assert!(house.accounts("cloud", "1").is_empty());
    assert_eq!(house.release(Some("2")).missing, 0);
    assert_eq!(house.release(Some("1")).missing, 1);
    house.work().await;
    assert_eq!(house.outcome(upload), "applied");
    assert_eq!(house.holds("cloud", "1", "jobTitle"), "Boss");
    assert_eq!(house.manager("cloud", "1").as_deref(), Some("2"), "the new account reports to the same manager");
}

#[tokio::test]
async fn a_leaver_whose_account_vanished_has_left() {
    let house = Hearth::open();
    house.say(&[employee("1")]).await;
    house.directory("cloud").remove(&house.account("cloud", "1").object);
    let left = house.say(&[gone("1")]).await;
    assert_eq!(house.outcome(left), "unchanged");
    assert!(house.person("1").stored.links.is_empty());
}

#[tokio::test]
async fn the_history_says_whom_somebody_reported_to_and_whom_they_do() {
    let house = Hearth::open();
    house.say(&[employee("2"), employee("3"), person("1", "Employee", &[("manager", "2")])]).await;
    for manager in ["3", "2"] {
        house.say(&[says("1", &[("manager", manager)])]).await;
    }
    let told = |house: &Hearth| -> Vec<(Option<String>, Option<String>)> {
        let text = |attributes: &Attributes| attributes.get("manager")?.as_text().map(str::to_owned);
        let changes = house.person("1").history.into_iter().filter(|entry| entry.part == Part::Manager);
        changes.filter_map(|entry| entry.change).map(|change| (text(&change.before), text(&change.set))).collect()
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(told(&house), [(some("3"), some("2")), (some("2"), some("3")), (None, some("2"))]);
    house.say(&[says("1", &[("manager", "null")])]).await;
    assert_eq!(told(&house)[0], (some("2"), None));
}

#[tokio::test]
async fn what_failed_is_tried_again_when_it_is_said_again() {
    let house = Hearth::open();
    house.directory("cloud").fail_next_write(refused());
    let first = house.say(&[employee("1")]).await;
    assert_eq!(house.outcome(first), "failed refused");
    let again = house.say(&[employee("1")]).await;
    assert_eq!(house.outcome(again), "applied");
    assert_eq!(house.outcome(first), format!("superseded by {again}#0"));
    let history = house.person("1").history;
    assert!(history.iter().any(|entry| entry.outcome.as_ref().is_some_and(|outcome| outcome.word() == "failed")));
}

#[tokio::test]
async fn a_failure_is_not_forgotten_because_something_else_ended_well() {
    let house = Hearth::open();
    house.say(&[employee("2"), person("1", "Employee", &[("manager", "2")])]).await;
    house.directory("cloud").fail_next_write(refused());
    let upload = house.say(&[says("1", &[("title", "Boss")])]).await;
    assert_eq!(house.outcome(upload), "failed refused");
    // The manager's account is another one from now on, and the reference is written again.
    let object = house.account("cloud", "2").object;
    house.directory("cloud").remove(&object);
    house.say(&[says("2", &[("title", "Boss")])]).await;
    house.release(None);
    house.work().await;
    assert_eq!(house.manager("cloud", "1").as_deref(), Some("2"));
    assert_eq!(house.outcome(upload), "failed refused");
}

#[tokio::test]
async fn no_match_key_no_account() {
    let house = Hearth::changed(&[
        ("employeeId\", direct = \"externalId\"", "employeeId\", direct = \"nickName\""),
        ("match = 2", "match = 3"),
    ]);
    let upload = house.say(&[says("1", &[("userType", "Employee")])]).await;
    assert_eq!(house.outcome(upload), "failed no_match_key");
}

#[tokio::test]
async fn a_folder_of_the_premises_moves_people() {
    let house = Hearth::open();
    house.say(&[person("1", "Contractor", &[])]).await;
    let guests = Dn::parse("OU=Guests,DC=contoso").unwrap();
    assert_eq!(house.account("hq", "1").container, Some(guests));
    let upload = house.say(&[says("1", &[("title", "Boss")])]).await;
    assert_eq!(house.outcome(upload), "applied");
    assert_eq!(house.account("hq", "1").container, Some(Dn::parse("OU=Bosses,DC=contoso").unwrap()));
}

#[tokio::test]
async fn every_operation_ends_in_one_outcome_and_says_when() {
    let house = Hearth::open();
    let body = br#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[
        {"method":"POST","bulkId":"a","path":"/Users","data":{"externalId":"1","userName":"u1","userType":"Employee"}},
        {"method":"PATCH","bulkId":"b","path":"/Users/1","data":{}},
        {"method":"POST","bulkId":"c","path":"/Users","data":{"userName":"nobody"}},
        {"method":"DELETE","bulkId":"d","path":"/Users/2"}]}"#;
    let upload = house.ingest(0, body);
    house.settle().await;
    let outcomes = house.outcomes(upload);
    assert_eq!(outcomes[0], "applied");
    assert!(outcomes[1].starts_with("failed ") && outcomes[2].starts_with("failed "), "{outcomes:?}");
    assert_eq!(outcomes[3], "skipped all_gone");
    assert!(house.store().operations(upload, 0, 10).unwrap().iter().all(|operation| operation.ended_at.is_some()));
}

#[tokio::test]
async fn a_newer_state_that_fails_does_not_undo_how_the_older_one_ended() {
    let house = Hearth::open();
    let first = house.say(&[employee("1")]).await;
    house.directory("cloud").fail_next_write(refused());
    let second = house.say(&[says("1", &[("title", "x")])]).await;
    assert_eq!(house.outcome(first), "applied");
    assert_eq!(house.outcome(second), "failed refused");
    let third = house.say(&[says("1", &[("title", "y")])]).await;
    assert_eq!(house.outcome(second), format!("superseded by {third}#0"));
    assert_eq!(house.outcome(third), "applied");
}

#[tokio::test]
async fn a_store_that_was_closed_between_any_two_verbs_goes_on() {
    let mut house = Hearth::open();
    let upload = house.upload(&[employee("1"), employee("2")]);
    house.restart();
    assert!(house.decide_next());
    house.restart();
    let items = house.lease("cloud");
    assert_eq!(items.len(), 2);
    let carried = house.carry(&items[0]).await;
    house.restart();
    // A worker may outlive the server: it reports to the next one.
    assert!(house.report(&items[0].lease, carried).is_taken());
    house.restart();
    house.settle().await;
    assert_eq!(house.outcomes(upload), ["applied", "applied"]);
    assert_eq!(house.directory("cloud").accounts().len(), 2);
}

#[tokio::test]
async fn a_linked_account_is_compared_before_it_is_damaged() {
    let house =
        Hearth::changed(&[("kind = \"graph\"", "kind = \"graph\"\nlimits = { disable = { count = 0, percent = 0 } }")]);
    house.say(&[person("1", "Employee", &[("active", "false")])]).await;
    // Somebody lets the person in by hand, while our next write is lost.
    house.directory("cloud").lose_next_answer(unknown());
    house.upload(&[says("1", &[("title", "Boss")])]);
    house.work().await;
    let object = house.account("cloud", "1").object;
    house.directory("cloud").edit(&object, "accountEnabled", Value::Boolean(true));
    house.settle().await;
    assert_eq!(house.holds("cloud", "1", "accountEnabled"), "true", "a limit of nothing locks nobody out");
}

#[tokio::test]
async fn who_was_deleted_before_they_were_known_may_still_come() {
    let house = Hearth::open();
    // Both wait, and are decided in one go.
    let deleted = house.upload(&[gone("7")]);
    let came = house.upload(&[employee("7"), employee("8"), employee("8")]);
    house.settle().await;
    assert_eq!(house.outcomes(deleted), ["skipped all_gone"]);
    assert_eq!(house.outcomes(came), ["applied", "applied", "unchanged"]);
}

#[tokio::test]
async fn what_was_written_at_one_target_is_not_called_unchanged_because_another_had_nothing_to_do() {
    let job = JOB
        .replace("placement_change = \"hold\"", "placement_change = \"migrate\"")
        .replace("place = \"cloud\"", "place = \"cloud\"\nalso = [\"chat\"]");
    let house = Hearth::with(&[&format!("{job}{CHAT}")]);
    house.say(&[person("1", "Employee", &[("active", "false")])]).await;
    // The title is written in the cloud, nobody hears of it, and the app has no titles. It is left alone by what comes.
    house.directory("cloud").lose_next_answer(unknown());
    let titled = house.say(&[says("1", &[("title", "Chief")])]).await;
    // The new home is made slowly; meanwhile the old one is looked at for the newer state.
    let moved = house.upload(&[says("1", &[("userType", "Contractor")])]);
    house.decide();
    let slow = house.lease("hq");
    house.clock.pass(Duration::from_secs(10));
    house.work().await;
    assert_eq!(house.outcome(titled), "pending", "{}", house.tell("1"));
    for item in slow {
        let carried = house.carry(&item).await;
        assert!(house.report(&item.lease, carried).is_taken());
    }
    house.settle().await;
    assert_eq!(house.outcome(titled), format!("superseded by {moved}#0"));
}

#[tokio::test]
async fn what_nobody_has_looked_at_is_emptied_when_the_source_says_so() {
    let house = Hearth::open();
    let found = house.directory("cloud").insert(attributes(&[("employeeId", "1"), ("jobTitle", "Old")]), None, false);
    let upload = house.say(&[says("1", &[("userType", "Employee"), ("displayName", "Person 1")])]).await;
    assert_eq!((house.outcome(upload), house.account("cloud", "1").object), ("applied".to_owned(), found));
    assert_eq!(house.holds("cloud", "1", "jobTitle"), "Old", "nothing was said of it");
    let upload = house.say(&[says("1", &[("title", "null")])]).await;
    assert_eq!(house.outcome(upload), "applied");
    assert_eq!(house.account("cloud", "1").attributes.get("jobTitle").filter(|title| !title.is_empty()), None);
    let again = house.say(&[says("1", &[("title", "null")])]).await;
    assert_eq!(house.outcome(again), "unchanged");
}
