//! Who lives where, what becomes of those who move or leave, who reports to whom, and how much of it may happen in a day.

use std::time::Duration;

use muster::model::{ChangeKind, Damage, UploadId};
use muster::store::Standing;

use super::hearth::{Hearth, changed, employee, gone, person, refused, says, unknown};
use super::practice::attributes;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn contractor(anchor: &str) -> muster::model::Statement {
    person(anchor, "Contractor", &[])
}

fn moves_home(anchor: &str) -> muster::model::Statement {
    says(anchor, &[("userType", "Contractor")])
}

// --- Where people live ----------------------------------------------------------------------------------------------

#[tokio::test]
async fn everybody_has_an_account_at_home_and_nowhere_else() {
    let house = Hearth::open();
    let upload =
        house.say(&[employee("1"), contractor("2"), person("3", "Board", &[]), person("4", "Robot", &[])]).await;
    assert_eq!(house.outcomes(upload), ["applied", "applied", "skipped placed_nowhere", "held no_rule_spoke"]);
    assert_eq!(house.directory("cloud").accounts().len(), 1);
    assert_eq!(house.directory("hq").accounts().len(), 1);
    assert_eq!(house.person("3").standing, Standing::Nowhere);
}

#[tokio::test]
async fn a_changed_home_waits_for_somebody_to_look() {
    let house = Hearth::open();
    house.say(&[employee("1")]).await;
    let upload = house.say(&[moves_home("1")]).await;
    assert_eq!(house.outcome(upload), "held placement_changed");
    assert!(house.directory("hq").accounts().is_empty());
    let back = house.say(&[says("1", &[("userType", "Employee"), ("title", "Boss")])]).await;
    assert_eq!(house.outcome(upload), format!("superseded by {back}#0"));
    assert_eq!(house.outcome(back), "applied");
}

#[tokio::test]
async fn a_migration_locks_the_old_account_only_after_the_new_one_is_there() {
    let house = Hearth::changed(&[("placement_change = \"hold\"", "placement_change = \"migrate\"")]);
    house.say(&[employee("1")]).await;
    house.directory("hq").fail_next_write(refused());
    let failed = house.say(&[moves_home("1")]).await;
    house.settle().await;
    assert_eq!(house.outcome(failed), "failed refused");
    assert_eq!(house.holds("cloud", "1", "accountEnabled"), "true");

    let upload = house.say(&[says("1", &[("title", "Boss")])]).await;
    assert_eq!(house.outcome(upload), "applied");
    assert_eq!(house.outcome(failed), format!("superseded by {upload}#0"));
    assert_eq!(house.directory("hq").accounts().len(), 1);
    assert_eq!(house.holds("cloud", "1", "accountEnabled"), "false");
    assert_eq!(house.holds("cloud", "1", "jobTitle"), "Clerk", "nothing else is written where they do not live");
}

#[tokio::test]
async fn a_migration_is_not_over_while_a_limit_holds_its_second_half() {
    let none = "placement_change = \"migrate\"";
    let house = Hearth::changed(&[
        ("placement_change = \"hold\"", none),
        ("kind = \"graph\"", "kind = \"graph\"\nlimits = { disable = { count = 0, percent = 0 } }"),
    ]);
    house.say(&[employee("1")]).await;
    let upload = house.say(&[moves_home("1")]).await;
    assert_eq!(house.outcome(upload), "held limit_disable");
    assert_eq!(house.directory("hq").accounts().len(), 1);
    house.release(Some("1"));
    house.work().await;
    assert_eq!(house.outcome(upload), "applied");
    assert_eq!(house.holds("cloud", "1", "accountEnabled"), "false");
}

#[tokio::test]
async fn a_move_from_an_account_that_is_locked_already_is_applied_all_the_same() {
    let house = Hearth::changed(&[("placement_change = \"hold\"", "placement_change = \"migrate\"")]);
    house.say(&[person("1", "Employee", &[("active", "false")])]).await;
    let upload = house.say(&[says("1", &[("userType", "Contractor"), ("active", "true")])]).await;
    assert_eq!(house.accounts("hq", "1").len(), 1);
    assert_eq!(house.outcome(upload), "applied");
}

#[tokio::test]
async fn a_kept_home_is_kept_up_to_date() {
    let house = Hearth::changed(&[("placement_change = \"hold\"", "placement_change = \"keep\"")]);
    house.say(&[employee("1")]).await;
    let upload = house.say(&[says("1", &[("userType", "Contractor"), ("title", "Boss")])]).await;
    assert_eq!(house.outcome(upload), "applied");
    assert_eq!(house.holds("cloud", "1", "jobTitle"), "Boss");
    assert!(house.directory("hq").accounts().is_empty());
}

#[tokio::test]
async fn a_kept_home_is_kept_while_its_owner_is_on_leave() {
    let house = Hearth::changed(&[("placement_change = \"hold\"", "placement_change = \"keep\"")]);
    house.say(&[employee("1")]).await;
    house.say(&[says("1", &[("userType", "Contractor"), ("active", "false")])]).await;
    house.say(&[says("1", &[("active", "true")])]).await;
    assert_eq!(house.holds("cloud", "1", "accountEnabled"), "true");
    assert!(house.directory("hq").accounts().is_empty());
}

#[tokio::test]
async fn who_waits_because_of_another_account_moves_on_when_that_is_released() {
    let house = Hearth::open();
    house.say(&[employee("1")]).await;
    house.directory("cloud").remove(&house.account("cloud", "1").object);
    house.say(&[says("1", &[("title", "Boss")])]).await;
    let upload = house.say(&[moves_home("1")]).await;
    assert_eq!(house.outcome(upload), "held placement_changed");
    house.release(None);
    house.work().await;
    assert_eq!(house.outcome(upload), "applied");
    assert_eq!(house.accounts("hq", "1").len(), 1);

    let house = Hearth::changed(&[("placement_change = \"hold\"", "placement_change = \"keep\"")]);
    house.say(&[employee("1")]).await;
    house.directory("cloud").remove(&house.account("cloud", "1").object);
    let upload = house.say(&[says("1", &[("userType", "Contractor"), ("title", "Boss")])]).await;
    assert_eq!(house.outcome(upload), "held missing");
    house.release(None);
    house.work().await;
    assert_eq!(house.outcome(upload), "applied");
    assert_eq!(house.accounts("hq", "1").len(), 1);
}

#[tokio::test]
async fn nobody_gets_a_second_home_while_the_first_is_in_the_making() {
    let house = Hearth::open();
    let first = house.upload(&[employee("1")]);
    house.decide();
    let item = house.lease("cloud").remove(0);
    let second = house.upload(&[moves_home("1")]);
    house.work().await;
    assert!(house.directory("hq").accounts().is_empty());
    let carried = house.carry(&item).await;
    house.report(&item.lease, carried);
    house.settle().await;
    assert_eq!(house.outcome(first), "applied");
    assert_eq!(house.outcome(second), "held placement_changed", "{}", house.tell("1"));
    assert!(house.directory("hq").accounts().is_empty());
}

#[tokio::test]
async fn nobody_gets_a_second_home_while_it_is_not_known_whether_there_is_a_first() {
    for written in [true, false] {
        let house = Hearth::open();
        match written {
            true => house.directory("cloud").lose_next_answer(unknown()),
            false => house.directory("cloud").fail_next_write(unknown()),
        }
        house.say(&[employee("1")]).await;
        let upload = house.say(&[moves_home("1")]).await;
        house.settle().await;
        let homes = ["cloud", "hq"].map(|directory| house.directory(directory).accounts().len());
        let outcome = house.outcome(upload);
        let (expected, at) = if written { ("held placement_changed", [1, 0]) } else { ("applied", [0, 1]) };
        assert_eq!((outcome.as_str(), homes), (expected, at));
    }
}

#[tokio::test]
async fn who_falls_out_of_scope_is_held_disabled_or_deleted() {
    for (policy, outcome, enabled) in
        [("hold", "held unqualified", Some("true")), ("disable", "applied", Some("false")), ("delete", "applied", None)]
    {
        let house = Hearth::changed(&[("out_of_scope = \"hold\"", &format!("out_of_scope = \"{policy}\""))]);
        house.say(&[employee("1")]).await;
        let upload = house.say(&[says("1", &[("userType", "Alumni")])]).await;
        assert_eq!(house.outcome(upload), outcome);
        match enabled {
            Some(enabled) => assert_eq!(house.holds("cloud", "1", "accountEnabled"), enabled),
            None => assert!(house.accounts("cloud", "1").is_empty()),
        }
        let back = house.say(&[employee("1")]).await;
        assert_eq!(house.outcome(back), if policy == "hold" { "unchanged" } else { "applied" });
        assert_eq!(house.holds("cloud", "1", "accountEnabled"), "true");
    }
}

#[tokio::test]
async fn who_is_placed_nowhere_is_held_disabled_or_deleted() {
    for (policy, outcome, enabled) in
        [("hold", "held unqualified", Some("true")), ("disable", "applied", Some("false")), ("delete", "applied", None)]
    {
        let house = Hearth::changed(&[("nowhere = \"hold\"", &format!("nowhere = \"{policy}\""))]);
        house.say(&[employee("1")]).await;
        let upload = house.say(&[says("1", &[("userType", "Board")])]).await;
        assert_eq!(house.outcome(upload), outcome);
        match enabled {
            Some(enabled) => assert_eq!(house.holds("cloud", "1", "accountEnabled"), enabled),
            None => assert!(house.accounts("cloud", "1").is_empty()),
        }
    }
}

#[tokio::test]
async fn whom_the_source_deletes_leaves_as_the_target_says() {
    for (policy, outcome) in [("hold", "held source_missing"), ("disable", "applied"), ("delete", "applied")] {
        let house = Hearth::changed(&[("kind = \"graph\"", &format!("kind = \"graph\"\non_delete = \"{policy}\""))]);
        house.say(&[employee("1")]).await;
        let upload = house.say(&[gone("1")]).await;
        assert_eq!(house.outcome(upload), outcome);
        let again = house.say(&[gone("1")]).await;
        assert_eq!(house.outcome(again), "unchanged");
        assert_eq!(house.accounts("cloud", "1").len(), usize::from(policy != "delete"));
    }
}

#[tokio::test]
async fn work_that_waits_is_taken_back_when_the_person_does_not_belong_there_any_more() {
    let house = Hearth::open();
    house.say(&[employee("1")]).await;
    house.directory("cloud").fail_next_write(super::hearth::later(600));
    let first = house.say(&[says("1", &[("title", "Boss")])]).await;
    let second = house.say(&[says("1", &[("userType", "Robot")])]).await;
    house.settle().await;
    assert_eq!(house.outcome(first), format!("superseded by {second}#0"));
    assert_eq!(house.outcome(second), "held no_rule_spoke");
    assert_eq!(house.holds("cloud", "1", "jobTitle"), "Clerk");
}

#[tokio::test]
async fn what_is_under_way_when_the_person_is_held_ends_as_it_ends() {
    let house = Hearth::open();
    house.say(&[employee("1")]).await;
    let first = house.upload(&[says("1", &[("title", "Boss")])]);
    house.decide();
    let item = house.lease("cloud").remove(0);
    let second = house.upload(&[says("1", &[("userType", "Robot")])]);
    house.decide();
    let carried = house.carry(&item).await;
    house.report(&item.lease, carried);
    house.settle().await;
    assert_eq!(house.outcome(first), "applied");
    assert_eq!(house.outcome(second), "held no_rule_spoke");
}

// --- The job file changes -------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_changed_job_decides_everybody_again() {
    let mut house = Hearth::open();
    let upload = house.say(&[person("1", "Robot", &[]), employee("2")]).await;
    assert_eq!(house.outcomes(upload), ["held no_rule_spoke", "applied"]);
    let more = "[[rule]]\nid = \"robots\"\nwhen = 'userType eq \"Robot\"'\nplace = \"cloud\"\n\n[target.cloud]";
    house.restart_with(&changed(&[
        ("[target.cloud]", more),
        ("{ to = \"displayName\", direct = \"displayName\" }", "{ to = \"displayName\", direct = \"userName\" }"),
    ]));
    house.work().await;
    assert_eq!(house.outcomes(upload), ["applied", "applied"]);
    assert_eq!(house.holds("cloud", "1", "displayName"), "u1");
    assert_eq!(house.holds("cloud", "2", "displayName"), "u2");
    assert_eq!(house.written("cloud").len(), 3);
}

#[tokio::test]
async fn a_job_that_changes_while_work_is_under_way_is_what_counts_in_the_end() {
    let mut house = Hearth::open();
    let upload = house.upload(&[employee("1")]);
    house.decide();
    let item = house.lease("cloud").remove(0);
    let carried = house.carry(&item).await;
    house.restart_with(&changed(&[("direct = \"displayName\" }", "direct = \"userName\" }")]));
    house.decide();
    house.report(&item.lease, carried);
    house.settle().await;
    assert_eq!(house.outcome(upload), "applied");
    assert_eq!(house.holds("cloud", "1", "displayName"), "u1");
}

#[tokio::test]
async fn work_at_a_target_that_left_the_job_does_not_keep_anybody_waiting() {
    for leased in [true, false] {
        let mut house = Hearth::open();
        let upload = house.upload(&[contractor("1")]);
        house.decide();
        if leased {
            house.lease("hq");
        }
        let hq = super::hearth::JOB.find("[target.hq]").unwrap();
        let job = super::hearth::JOB[..hq].replace("place = \"on-premises\"\n", "place = \"cloud\"\n");
        let container = job.lines().find(|line| line.starts_with("container")).unwrap().to_owned();
        house.restart_with(&job.replace(&container, ""));
        house.settle().await;
        assert_eq!(house.outcome(upload), "applied", "{}", house.tell("1"));
        assert_eq!(house.accounts("cloud", "1").len(), 1);
    }
}

#[tokio::test]
async fn what_failed_stays_failed_while_the_job_changes_until_it_has_been_tried() {
    let mut house = Hearth::open();
    house.say(&[employee("2"), person("1", "Employee", &[("manager", "2")])]).await;
    house.directory("cloud").fail_next_write(refused());
    let upload = house.say(&[says("1", &[("title", "Boss")])]).await;
    assert_eq!(house.outcome(upload), "failed refused");
    house.restart_with(&changed(&[("match = 2", "match = 3")]));
    house.decide();
    assert_eq!(house.outcome(upload), "failed refused");
    house.directory("cloud").fail_next_write(refused());
    house.work().await;
    assert_eq!(house.outcome(upload), "failed refused");
}

// --- Managers -------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_manager_who_comes_later_is_written_when_they_come() {
    let house = Hearth::open();
    let upload = house.say(&[person("1", "Employee", &[("manager", "2")])]).await;
    assert_eq!(house.outcome(upload), "held manager_pending");
    assert_eq!(house.holds("cloud", "1", "displayName"), "Person 1");
    house.say(&[employee("2")]).await;
    assert_eq!(house.outcome(upload), "applied");
    assert_eq!(house.manager("cloud", "1").as_deref(), Some("2"));
}

#[tokio::test]
async fn a_manager_whom_only_the_directory_knows_is_found_there() {
    let house = Hearth::open();
    let boss = house.directory("cloud").insert(attributes(&[("employeeId", "900")]), None, false);
    let upload = house.say(&[person("1", "Employee", &[("manager", "900")])]).await;
    assert_eq!(house.outcome(upload), "applied");
    assert_eq!(house.account("cloud", "1").manager, Some(boss.clone()));
    assert_eq!(house.directory("cloud").writes().get(&boss), None, "nothing of theirs is written");
    // Among people muster knows, they are looked for first.
    house.say(&[employee("2"), says("1", &[("manager", "2")])]).await;
    assert_eq!(house.manager("cloud", "1").as_deref(), Some("2"));
}

#[tokio::test]
async fn a_manager_whom_several_accounts_might_be_is_not_guessed() {
    let house = Hearth::open();
    for _ in 0..2 {
        house.directory("cloud").insert(attributes(&[("employeeId", "900")]), None, false);
    }
    let upload = house.say(&[person("1", "Employee", &[("manager", "900")])]).await;
    assert_eq!(house.outcome(upload), "held manager_ambiguous");
    assert_eq!(house.account("cloud", "1").manager, None);
    house.say(&[employee("2"), says("1", &[("manager", "2")])]).await;
    assert_eq!(house.manager("cloud", "1").as_deref(), Some("2"));
}

#[tokio::test]
async fn a_leavers_manager_who_could_not_be_written_is_no_failure_any_more() {
    let house = Hearth::open();
    house.say(&[employee("1"), employee("2")]).await;
    house.upload(&[says("1", &[("manager", "2")])]);
    house.decide();
    house.deliver_once().await;
    house.directory("cloud").fail_next_write(refused());
    house.work().await;
    let left = house.say(&[gone("1")]).await;
    assert_eq!(house.outcome(left), "applied");
    let again = house.say(&[gone("1")]).await;
    assert_eq!(house.outcome(again), "unchanged");
}

#[tokio::test]
async fn an_operation_is_not_applied_while_its_manager_is_not() {
    let house = Hearth::open();
    house.say(&[employee("2")]).await;
    let upload = house.upload(&[person("1", "Employee", &[("manager", "2")])]);
    house.decide();
    house.deliver_once().await;
    assert_eq!(house.outcome(upload), "pending");
    house.work().await;
    assert_eq!(house.outcome(upload), "applied");
}

#[tokio::test]
async fn who_is_their_own_manager_reports_to_nobody() {
    let house = Hearth::open();
    let upload = house.say(&[person("1", "Employee", &[("manager", "1")])]).await;
    assert_eq!(house.outcome(upload), "applied");
    assert_eq!(house.manager("cloud", "1"), None);
}

#[tokio::test]
async fn a_manager_who_lives_elsewhere_is_skipped_and_never_waited_for() {
    let house = Hearth::open();
    house.say(&[contractor("2")]).await;
    let upload = house.say(&[person("1", "Employee", &[("manager", "2")])]).await;
    assert_eq!(house.outcome(upload), "applied");
    let waits = house.person("1").links.iter().find_map(|link| link.outcome.clone().filter(|o| o.reason().is_some()));
    assert_eq!(super::hearth::words(&waits.unwrap()), "skipped manager_elsewhere");
}

#[tokio::test]
async fn a_manager_who_was_waited_for_and_comes_to_live_elsewhere_is_skipped() {
    let house = Hearth::open();
    let upload = house.say(&[person("1", "Employee", &[("manager", "2")])]).await;
    assert_eq!(house.outcome(upload), "held manager_pending");
    house.say(&[contractor("2")]).await;
    assert_eq!(house.outcome(upload), "applied");
    assert_eq!(house.manager("cloud", "1"), None);
}

#[tokio::test]
async fn a_manager_who_comes_to_live_elsewhere_while_being_sought_is_skipped() {
    let house = Hearth::open();
    let upload = house.upload(&[person("1", "Employee", &[("manager", "2")])]);
    house.decide();
    house.deliver_once().await;
    let seeking = house.lease("cloud").remove(0);
    let nobody = house.carry(&seeking).await;
    house.say(&[contractor("2")]).await;
    assert!(house.report(&seeking.lease, nobody).is_taken());
    house.work().await;
    assert_eq!(house.outcome(upload), "applied");
    assert_eq!(house.manager("cloud", "1"), None);
}

#[tokio::test]
async fn a_manager_changes_and_is_taken_away() {
    let house = Hearth::open();
    house.say(&[employee("2"), employee("3"), person("1", "Employee", &[("manager", "2")])]).await;
    let upload = house.say(&[says("1", &[("manager", "3")])]).await;
    assert_eq!(house.outcome(upload), "applied");
    assert_eq!(house.manager("cloud", "1").as_deref(), Some("3"));
    let upload = house.say(&[says("1", &[("manager", "null")])]).await;
    assert_eq!(house.outcome(upload), "applied");
    assert_eq!(house.manager("cloud", "1"), None);
    let upload = house.say(&[says("1", &[("manager", "2")])]).await;
    assert_eq!(house.outcome(upload), "applied");
    assert_eq!(house.manager("cloud", "1").as_deref(), Some("2"));
}

#[tokio::test]
async fn a_manager_who_is_deleted_and_comes_back_is_written_again() {
    let house = Hearth::changed(&[("kind = \"graph\"", "kind = \"graph\"\non_delete = \"delete\"")]);
    house.say(&[employee("2"), person("1", "Employee", &[("manager", "2")])]).await;
    house.say(&[gone("2")]).await;
    assert_eq!(house.manager("cloud", "1").as_deref(), Some("gone"));
    let meanwhile = house.say(&[says("1", &[("title", "Boss")])]).await;
    assert_eq!(house.outcome(meanwhile), "applied");
    house.say(&[employee("2")]).await;
    assert_eq!(house.manager("cloud", "1").as_deref(), Some("2"));
}

#[tokio::test]
async fn an_account_that_was_linked_loses_the_manager_it_shall_not_have() {
    let house = Hearth::open();
    house.say(&[employee("2")]).await;
    let object = house.directory("cloud").insert(attributes(&[("employeeId", "1")]), None, false);
    let boss = house.account("cloud", "2").object;
    house.directory("cloud").report_to(&object, &boss);
    house.say(&[person("1", "Employee", &[])]).await;
    assert_eq!(house.manager("cloud", "1").as_deref(), Some("2"));
    let upload = house.say(&[says("1", &[("manager", "5")]), says("1", &[("manager", "null")])]).await;
    assert_eq!(house.outcomes(upload)[1], "applied");
    assert_eq!(house.manager("cloud", "1"), None);
}

#[tokio::test]
async fn a_reference_to_a_manager_is_not_written_for_somebody_who_left_meanwhile() {
    let house = Hearth::open();
    let first = house.say(&[person("1", "Employee", &[("manager", "2")])]).await;
    let left = house.say(&[gone("1")]).await;
    house.say(&[employee("2")]).await;
    assert_eq!(house.manager("cloud", "1"), None);
    assert_eq!(house.outcome(first), format!("superseded by {left}#0"));
    let back = house.say(&[person("1", "Employee", &[("manager", "2")])]).await;
    assert_eq!(house.outcome(back), "applied");
    assert_eq!(house.manager("cloud", "1").as_deref(), Some("2"));
}

#[tokio::test]
async fn a_manager_who_changes_before_the_first_was_written_is_not_forgotten() {
    let house = Hearth::open();
    house.say(&[employee("2")]).await;
    house.upload(&[person("1", "Employee", &[("manager", "2")])]);
    house.decide();
    house.deliver_once().await;
    let upload = house.say(&[says("1", &[("manager", "3")])]).await;
    assert_eq!(house.outcome(upload), "held manager_pending");
    house.say(&[employee("3")]).await;
    assert_eq!(house.manager("cloud", "1").as_deref(), Some("3"));
    assert_eq!(house.outcome(upload), "applied");
}

#[tokio::test]
async fn the_newest_manager_counts_whatever_is_under_way() {
    let house = Hearth::open();
    house.say(&[employee("2"), employee("3"), employee("1")]).await;
    let first = house.upload(&[says("1", &[("manager", "2")])]);
    house.decide();
    house.deliver_once().await;
    let item = house.lease("cloud").remove(0);
    let second = house.upload(&[says("1", &[("manager", "3")])]);
    house.work().await;
    let carried = house.carry(&item).await;
    house.report(&item.lease, carried);
    house.settle().await;
    assert_eq!(house.manager("cloud", "1").as_deref(), Some("3"));
    // The first was written, too: it was under way.
    assert_eq!((house.outcome(first).as_str(), house.outcome(second).as_str()), ("applied", "applied"));
}

// --- Limits of damage -----------------------------------------------------------------------------------------------

/// So many employees, by the numbers from 1.
async fn staff(house: &Hearth, count: u32) {
    let people: Vec<_> = (1..=count).map(|number| employee(&number.to_string())).collect();
    house.say(&people).await;
}

async fn all_leave(house: &Hearth, numbers: std::ops::RangeInclusive<u32>) -> UploadId {
    let leavers: Vec<_> = numbers.map(|number| says(&number.to_string(), &[("active", "false")])).collect();
    house.say(&leavers).await
}

fn count(outcomes: &[String], which: &str) -> usize {
    outcomes.iter().filter(|outcome| *outcome == which).count()
}

#[tokio::test]
async fn more_leavers_in_a_day_than_the_limit_are_held() {
    let house = Hearth::open();
    staff(&house, 30).await;
    let upload = all_leave(&house, 1..=15).await;
    let outcomes = house.outcomes(upload);
    assert_eq!((count(&outcomes, "applied"), count(&outcomes, "held limit_disable")), (10, 5));
    // They are named, and one alone can be let go, or all.
    assert_eq!(house.release(Some("15")).limits, 1);
    house.work().await;
    assert_eq!(house.holds("cloud", "15", "accountEnabled"), "false");
    assert_eq!(house.release(None).limits, 4);
    house.work().await;
    assert_eq!(count(&house.outcomes(upload), "applied"), 15);
}

#[tokio::test]
async fn a_share_of_many_people_is_more_than_a_count() {
    let house = Hearth::changed(&[(
        "kind = \"graph\"",
        "kind = \"graph\"\nlimits = { disable = { count = 1, percent = 10 } }",
    )]);
    staff(&house, 50).await;
    let outcomes = house.outcomes(all_leave(&house, 1..=9).await);
    assert_eq!((count(&outcomes, "applied"), count(&outcomes, "held limit_disable")), (5, 4));
}

#[tokio::test]
async fn the_day_rolls_and_what_was_held_stays_held() {
    let house = Hearth::open();
    staff(&house, 40).await;
    let first = all_leave(&house, 1..=12).await;
    house.clock.pass(DAY - Duration::from_secs(1));
    let second = all_leave(&house, 20..=20).await;
    assert_eq!(house.outcome(second), "held limit_disable");
    house.clock.pass(Duration::from_secs(1));
    let third = all_leave(&house, 21..=30).await;
    assert_eq!(count(&house.outcomes(third), "applied"), 10);
    assert_eq!(count(&house.outcomes(first), "held limit_disable"), 2);
    house.release(None);
    house.work().await;
    assert_eq!(count(&house.outcomes(first), "applied"), 12);
}

#[tokio::test]
async fn moves_and_deletes_are_limited_too() {
    let house = Hearth::changed(&[("kind = \"ldif\"", "kind = \"ldif\"\non_delete = \"delete\"")]);
    let people: Vec<_> = (1..=30).map(|number| contractor(&number.to_string())).collect();
    house.say(&people).await;
    let moves: Vec<_> = (1..=12).map(|number| says(&number.to_string(), &[("title", "Boss")])).collect();
    let upload = house.say(&moves).await;
    assert_eq!(count(&house.outcomes(upload), "held limit_move"), 2);
    let leavers: Vec<_> = (19..=30).map(|number| gone(&number.to_string())).collect();
    let upload = house.say(&leavers).await;
    assert_eq!(count(&house.outcomes(upload), "held limit_delete"), 2);
    assert_eq!(house.directory("hq").accounts().len(), 20);
}

#[tokio::test]
async fn a_change_that_is_held_goes_when_it_does_no_damage_any_more() {
    let house =
        Hearth::changed(&[("kind = \"graph\"", "kind = \"graph\"\nlimits = { disable = { count = 0, percent = 0 } }")]);
    staff(&house, 1).await;
    let held = house.say(&[says("1", &[("active", "false"), ("title", "Boss")])]).await;
    assert_eq!(house.outcome(held), "held limit_disable");
    let back = house.say(&[says("1", &[("active", "true")])]).await;
    assert_eq!(house.outcome(back), "applied");
    assert_eq!(house.outcome(held), format!("superseded by {back}#0"));
    assert_eq!(house.holds("cloud", "1", "jobTitle"), "Boss");
}

#[tokio::test]
async fn a_release_counts_for_what_was_looked_at_and_for_nothing_later() {
    let none = "kind = \"graph\"\nlimits = { disable = { count = 0, percent = 0 } }";
    let house = Hearth::changed(&[("kind = \"graph\"", none)]);
    staff(&house, 1).await;
    house.say(&[says("1", &[("active", "false")])]).await;
    house.release(None);
    house.work().await;
    assert_eq!(house.holds("cloud", "1", "accountEnabled"), "false");
    house.say(&[says("1", &[("active", "true")])]).await;
    let again = house.say(&[says("1", &[("active", "false")])]).await;
    assert_eq!(house.outcome(again), "held limit_disable");
}

#[tokio::test]
async fn damage_whose_answer_was_lost_counts() {
    let house = Hearth::open();
    staff(&house, 40).await;
    for _ in 0..10 {
        house.directory("cloud").lose_next_answer(unknown());
    }
    let first = all_leave(&house, 1..=10).await;
    let second = all_leave(&house, 11..=20).await;
    assert_eq!(count(&house.outcomes(second), "held limit_disable"), 10);
    house.settle().await;
    assert_eq!(count(&house.outcomes(first), "applied"), 10);
    let third = all_leave(&house, 21..=30).await;
    assert_eq!(count(&house.outcomes(third), "held limit_disable"), 10);
    let damage = house.written("cloud").iter().filter(|wrote| wrote.damages.contains(&Damage::Disable)).count();
    assert_eq!(damage, 10);
}

#[tokio::test]
async fn a_lease_that_ran_out_does_not_stand_in_its_own_way() {
    let mut house =
        Hearth::changed(&[("kind = \"graph\"", "kind = \"graph\"\nlimits = { disable = { count = 1, percent = 0 } }")]);
    staff(&house, 2).await;
    let upload = house.upload(&[says("1", &[("active", "false")])]);
    house.decide();
    let item = house.lease("cloud").remove(0);
    house.carry(&item).await;
    house.restart();
    house.settle().await;
    assert_eq!(house.outcome(upload), "applied", "{}", house.tell("1"));
    // It counts all the same.
    let next = house.say(&[says("2", &[("active", "false")])]).await;
    assert_eq!(house.outcome(next), "held limit_disable");
}

#[tokio::test]
async fn who_leaves_out_of_a_migration_is_locked_out_everywhere() {
    let house = Hearth::changed(&[("placement_change = \"hold\"", "placement_change = \"migrate\"")]);
    house.say(&[employee("1")]).await;
    house.say(&[moves_home("1")]).await;
    house.say(&[gone("1")]).await;
    let kinds: Vec<_> = house.written("hq").iter().map(|wrote| wrote.kind).collect();
    assert_eq!(kinds, [ChangeKind::Create, ChangeKind::Disable]);
    assert_eq!(house.holds("cloud", "1", "accountEnabled"), "false");
}

#[tokio::test]
async fn a_manager_who_could_not_be_written_does_not_matter_once_the_account_is_left_as_it_is() {
    let house = Hearth::open();
    house.say(&[employee("1"), employee("2")]).await;
    house.upload(&[says("1", &[("manager", "2")])]);
    house.decide();
    house.deliver_once().await;
    house.directory("cloud").fail_next_write(refused());
    house.work().await;
    let left = house.say(&[says("1", &[("userType", "Alumni")])]).await;
    assert_eq!(house.outcome(left), "held unqualified");
    let again = house.say(&[says("1", &[("userType", "Alumni")])]).await;
    assert_eq!(house.outcome(again), "unchanged");
}

#[tokio::test]
async fn who_was_told_to_report_to_somebody_who_had_just_left_waits_for_them() {
    let house = Hearth::changed(&[("kind = \"graph\"", "kind = \"graph\"\non_delete = \"delete\"")]);
    house.say(&[employee("1"), employee("2")]).await;
    house.upload(&[gone("2")]);
    house.decide();
    let leaving = house.lease("cloud").remove(0);
    let left = house.carry(&leaving).await;
    // The account has gone, and nobody has said so yet.
    let upload = house.say(&[says("1", &[("manager", "2")])]).await;
    assert_eq!(house.outcome(upload), "failed manager_gone");
    assert!(house.report(&leaving.lease, left).is_taken());
    house.work().await;
    assert_eq!(house.outcome(upload), "held manager_pending");
    house.say(&[employee("2")]).await;
    assert_eq!(house.outcome(upload), "applied");
    assert_eq!(house.manager("cloud", "1").as_deref(), Some("2"));
}
