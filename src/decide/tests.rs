//! Decisions, case by case.

use super::*;
use crate::mapping::Mapping;
use crate::model::{Attributes, JobId, Name, ObjectId};
use crate::overlay::NullFlow;
use crate::rules::{Container, Place, Rule, Ruleset};
use crate::sample::{direct, expression, filter, key, person};
use crate::scope::Scope;

fn target(id: &str, kind: TargetKind, on_delete: Leaver) -> Target {
    let mapping = Mapping::new(vec![key("employeeId", "externalId"), direct("displayName", "displayName")]);
    Target { id: TargetId::new(id), kind, mapping, on_delete, limits: DamageLimits::default() }
}

fn job(policy: Policy) -> Job {
    let rule =
        |id: &str, when: &str, place| Rule { id: Name::new(id), when: Some(filter(when)), place, also: Vec::new() };
    let hq = TargetId::new("hq");
    let container = Container::Fixed(Dn::parse("OU=Guests,DC=contoso").unwrap());
    Job {
        id: JobId::new("hr"),
        scope: Scope::new(&filter("userType pr and not (userType eq \"Alumni\")")),
        ruleset: Ruleset {
            rules: vec![
                rule("contractors", "userType eq \"Contractor\"", Place::OnPremises { target: hq, container }),
                rule("employees", "userType eq \"Employee\"", Place::Cloud { target: TargetId::new("entra") }),
                rule("board", "userType eq \"Board\"", Place::Nowhere),
                rule("service", "userType eq \"Service\"", Place::Hold),
            ],
        },
        targets: vec![
            target("entra", TargetKind::Cloud, Leaver::Delete),
            target("hq", TargetKind::OnPremises, Leaver::Disable),
        ],
        policy,
        memberships: Vec::new(),
        null_flow: NullFlow::default(),
    }
}

fn of_type(user_type: &str) -> Person {
    person(&[("userType", Value::text(user_type)), ("displayName", Value::text("Anna"))])
}

fn link(target: &str, enabled: bool) -> (TargetId, Known) {
    let attributes: Attributes = [(Name::new("accountEnabled"), Value::Boolean(enabled))].into_iter().collect();
    let object = ObjectId::new(&format!("{target}-1"));
    (TargetId::new(target), Known { object, attributes, container: None, synced: false })
}

fn word(decision: &Decision) -> String {
    let asks = decision.targets.iter().map(|at| {
        let ask = match &at.ask {
            Ask::Bring(Wanted::Present(_)) => "present".to_owned(),
            Ask::Bring(Wanted::Disabled) => "disabled".to_owned(),
            Ask::Bring(Wanted::Deleted) => "deleted".to_owned(),
            Ask::Hold(reason) | Ask::Skip(reason) | Ask::Fail(reason) => reason.code.to_string(),
        };
        format!("{} {} {ask}", at.target, at.situation.word())
    });
    let outcome = decision.outcome.as_ref().map(|outcome| {
        let code = outcome.reason().map_or("", |reason| &reason.code);
        format!("-> {} {code}", outcome.word())
    });
    asks.chain(outcome).collect::<Vec<_>>().join("; ")
}

fn check(policy: Policy, person: &Person, links: &[(TargetId, Known)], expected: &str) {
    let decision = decide(&job(policy), person, links);
    assert_eq!(word(&decision), expected);
    assert_eq!(decision.outcome.is_none(), decision.targets.iter().any(|at| matches!(at.ask, Ask::Bring(_))));
}

fn with(placement_change: PlacementChange) -> Policy {
    Policy { placement_change, ..Policy::default() }
}

#[test]
fn a_new_person_is_brought_to_their_home() {
    check(Policy::default(), &of_type("Employee"), &[], "entra ABSENT present");
    check(Policy::default(), &of_type("Contractor"), &[], "hq ABSENT present");
    check(Policy::default(), &of_type("Employee"), &[link("entra", false)], "entra CONFIRMED present");
}

#[test]
fn nobody_is_placed_outside_the_scope_and_the_clause_is_named() {
    let alumna = of_type("Alumni");
    check(Policy::default(), &alumna, &[], "-> skipped out_of_scope");
    check(Policy::default(), &alumna, &[link("hq", true)], "hq UNQUALIFIED unqualified; -> held unqualified");
    let disabling = Policy { out_of_scope: Leaver::Disable, ..Policy::default() };
    check(disabling, &alumna, &[link("hq", true)], "hq UNQUALIFIED disabled");
    let Admission::OutOfScope { clause } = decide(&job(Policy::default()), &alumna, &[]).admitted else {
        panic!("out of scope")
    };
    assert_eq!(clause, "not (userType eq \"Alumni\")");
}

#[test]
fn a_person_placed_nowhere_keeps_no_account_unless_somebody_looks() {
    check(Policy::default(), &of_type("Board"), &[], "-> skipped placed_nowhere");
    check(
        Policy::default(),
        &of_type("Board"),
        &[link("entra", true)],
        "entra UNQUALIFIED unqualified; -> held unqualified",
    );
    let deleting = Policy { nowhere: Leaver::Delete, ..Policy::default() };
    check(deleting, &of_type("Board"), &[link("entra", true)], "entra UNQUALIFIED deleted");
}

#[test]
fn a_held_person_is_not_written_anywhere() {
    check(Policy::default(), &of_type("Service"), &[link("hq", true)], "-> held rule_holds");
    check(Policy::default(), &of_type("Visitor"), &[link("hq", true)], "-> held no_rule_spoke");
}

#[test]
fn a_deleted_person_leaves_each_target_as_it_says() {
    let gone = Person { deleted: true, ..of_type("Employee") };
    check(Policy::default(), &gone, &[], "-> skipped all_gone");
    let both = [link("entra", true), link("hq", true)];
    check(Policy::default(), &gone, &both, "entra SOURCE_MISSING deleted; hq SOURCE_MISSING disabled");
}

#[test]
fn a_changed_placement_waits_for_somebody_to_look() {
    let held = "hq PLACEMENT_CHANGED placement_changed; -> held placement_changed";
    check(Policy::default(), &of_type("Contractor"), &[link("entra", true)], held);
    check(Policy::default(), &of_type("Contractor"), &[link("entra", false)], "hq ABSENT present");
    check(Policy::default(), &of_type("Contractor"), &[link("entra", true), link("hq", true)], "hq CONFIRMED present");
}

#[test]
fn a_migration_closes_the_old_home_only_when_the_new_one_stands() {
    let policy = with(PlacementChange::Migrate);
    check(policy, &of_type("Contractor"), &[link("entra", true)], "hq PLACEMENT_CHANGED present");
    let both = [link("entra", true), link("hq", true)];
    check(policy, &of_type("Contractor"), &both, "hq CONFIRMED present; entra PLACEMENT_CHANGED disabled");
    let done = [link("entra", false), link("hq", true)];
    check(policy, &of_type("Contractor"), &done, "hq CONFIRMED present");
}

#[test]
fn a_kept_home_is_kept_up_to_date() {
    let policy = with(PlacementChange::Keep);
    check(policy, &of_type("Contractor"), &[link("entra", true)], "entra PLACEMENT_CHANGED present");
    // Also while its owner is on leave.
    check(policy, &of_type("Contractor"), &[link("entra", false)], "entra PLACEMENT_CHANGED present");
}

#[test]
fn a_synced_account_in_the_cloud_is_no_other_home() {
    let mut synced = link("entra", true);
    synced.1.synced = true;
    check(with(PlacementChange::Migrate), &of_type("Contractor"), &[synced.clone()], "hq ABSENT present");
    let both = [synced, link("hq", true)];
    check(with(PlacementChange::Migrate), &of_type("Contractor"), &both, "hq CONFIRMED present");
}

#[test]
fn what_cannot_be_mapped_fails_with_the_reason() {
    let mut job = job(Policy::default());
    job.targets[0].mapping = Mapping::new(vec![key("employeeId", "userName")]);
    assert_eq!(word(&decide(&job, &of_type("Employee"), &[])), "entra ABSENT no_match_key; -> failed no_match_key");
}

#[test]
fn a_link_to_a_target_the_job_no_longer_has_is_passed_over() {
    check(Policy::default(), &of_type("Board"), &[link("old", true)], "-> skipped placed_nowhere");
}

#[test]
fn the_trace_tells_clauses_rules_and_attributes() {
    let traced = trace(&job(Policy::default()), &of_type("Employee"), &[]);
    let rules: Vec<(&str, bool)> = traced.rules.iter().map(|rule| (rule.id.as_str(), rule.holds)).collect();
    assert_eq!(rules, [("contractors", false), ("employees", true)]);
    assert_eq!(traced.scope.iter().filter(|clause| clause.holds).count(), 2);
    let mapped: Vec<(&str, &str)> =
        traced.mapped.iter().map(|mapped| (mapped.attribute.as_str(), mapped.computed.from.as_str())).collect();
    assert_eq!(mapped, [("displayName", "displayName"), ("employeeId", "externalId")]);
    assert_eq!(traced.decision, decide(&job(Policy::default()), &of_type("Employee"), &[]));
}

#[test]
fn every_reason_says_who_and_what_to_do() {
    let decision = decide(&job(Policy::default()), &of_type("Contractor"), &[link("entra", true)]);
    let reason = decision.outcome.unwrap().reason().unwrap().to_string();
    assert_eq!(
        reason,
        "placement_changed: 701984 now belongs at hq, but has the account entra-1 at entra; decide which it shall be, \
         then move it by hand, or set `policy.placement_change` to migrate or keep"
    );
}

/// The job, with two apps: employees also have an account at `chat`, and may live at `wiki`.
fn job_with_apps(policy: Policy) -> Job {
    let mut job = job(policy);
    job.targets
        .extend([target("chat", TargetKind::App, Leaver::Delete), target("wiki", TargetKind::App, Leaver::Disable)]);
    let rules = &mut job.ruleset.rules;
    rules[1].also = vec![TargetId::new("chat")];
    let wiki = Place::Cloud { target: TargetId::new("wiki") };
    let when = Some(filter("userType eq \"Writer\""));
    rules.push(Rule { id: Name::new("writers"), when, place: wiki, also: vec![TargetId::new("chat")] });
    job
}

fn check_apps(policy: Policy, person: &Person, links: &[(TargetId, Known)], expected: &str) {
    let decision = decide(&job_with_apps(policy), person, links);
    assert_eq!(word(&decision), expected);
    assert_eq!(decision.outcome.is_none(), decision.targets.iter().any(|at| matches!(at.ask, Ask::Bring(_))));
}

#[test]
fn who_has_a_home_has_accounts_at_the_apps_of_the_rule_too() {
    check_apps(Policy::default(), &of_type("Employee"), &[], "entra ABSENT present; chat ABSENT present");
    let linked = [link("chat", true), link("entra", true)];
    check_apps(Policy::default(), &of_type("Employee"), &linked, "entra CONFIRMED present; chat CONFIRMED present");
    check_apps(Policy::default(), &of_type("Writer"), &[], "wiki ABSENT present; chat ABSENT present");
}

#[test]
fn an_account_at_an_app_is_no_other_home() {
    for change in [PlacementChange::Hold, PlacementChange::Migrate, PlacementChange::Keep] {
        let links = [link("chat", true)];
        check_apps(with(change), &of_type("Employee"), &links, "entra ABSENT present; chat CONFIRMED present");
    }
    // Not even one at an app that was their home.
    let policy = Policy { nowhere: Leaver::Delete, ..with(PlacementChange::Migrate) };
    let links = [link("wiki", true)];
    let expected = "entra ABSENT present; chat ABSENT present; wiki UNQUALIFIED deleted";
    check_apps(policy, &of_type("Employee"), &links, expected);
}

#[test]
fn an_account_at_an_app_that_is_not_asked_for_any_more_is_one_of_somebody_placed_nowhere() {
    let links = [link("hq", true), link("chat", true)];
    check_apps(Policy::default(), &of_type("Contractor"), &links, "hq CONFIRMED present; chat UNQUALIFIED unqualified");
    for (nowhere, becomes) in [(Leaver::Disable, "disabled"), (Leaver::Delete, "deleted")] {
        let policy = Policy { nowhere, ..Policy::default() };
        let expected = format!("hq CONFIRMED present; chat UNQUALIFIED {becomes}");
        check_apps(policy, &of_type("Contractor"), &links, &expected);
    }
    // Somebody has looked, and nobody gets in there any more.
    let seen_to = [link("hq", true), link("chat", false)];
    check_apps(Policy::default(), &of_type("Contractor"), &seen_to, "hq CONFIRMED present");
}

#[test]
fn who_leaves_the_job_leaves_its_apps() {
    let links = [link("entra", true), link("chat", true), link("wiki", true)];
    let gone = Person { deleted: true, ..of_type("Employee") };
    let expected = "entra SOURCE_MISSING deleted; chat SOURCE_MISSING deleted; wiki SOURCE_MISSING disabled";
    check_apps(Policy::default(), &gone, &links, expected);
    let policy = Policy { out_of_scope: Leaver::Disable, nowhere: Leaver::Delete, ..Policy::default() };
    let expected = "entra UNQUALIFIED disabled; chat UNQUALIFIED disabled; wiki UNQUALIFIED disabled";
    check_apps(policy, &of_type("Alumni"), &links, expected);
    let expected = "entra UNQUALIFIED deleted; chat UNQUALIFIED deleted; wiki UNQUALIFIED deleted";
    check_apps(policy, &of_type("Board"), &links, expected);
}

#[test]
fn apps_are_left_alone_where_the_home_is_not_settled() {
    let links = [link("entra", true), link("chat", true)];
    check_apps(Policy::default(), &of_type("Service"), &links, "-> held rule_holds");
    let held = "hq PLACEMENT_CHANGED placement_changed; -> held placement_changed";
    check_apps(Policy { nowhere: Leaver::Delete, ..Policy::default() }, &of_type("Contractor"), &links, held);
    let mut job = job_with_apps(Policy::default());
    job.targets[0].mapping = Mapping::new(vec![key("employeeId", "userName")]);
    assert_eq!(word(&decide(&job, &of_type("Employee"), &[])), "entra ABSENT no_match_key; -> failed no_match_key");
}

#[test]
fn what_an_app_cannot_be_given_does_not_keep_the_home_waiting() {
    let mut job = job_with_apps(Policy::default());
    job.targets[2].mapping = Mapping::new(vec![key("userName", "userName")]);
    let decision = decide(&job, &of_type("Employee"), &[]);
    assert_eq!(word(&decision), "entra ABSENT present; chat ABSENT no_match_key");
    assert_eq!(decision.failure().unwrap().code, "no_match_key");
}

fn membership(target: &str, when: Option<&str>, group: GroupName) -> Membership {
    let has_paths = target == "hq";
    Membership { id: None, when: when.map(filter), target: TargetId::new(target), group, create: false, has_paths }
}

/// Everybody at entra is in Staff, bosses in Bosses, and in the group of their nickname.
fn job_with_groups(policy: Policy) -> Job {
    let fixed = |group: &str| GroupName::Fixed(group.to_owned());
    let memberships = vec![
        membership("entra", None, fixed("Staff")),
        membership("entra", Some("title eq \"Boss\""), fixed("Bosses")),
        membership("entra", None, GroupName::Computed(expression("[nickName]"))),
        membership("hq", None, GroupName::Computed(expression("Join(\"\", \"CN=\", [title], \",DC=contoso\")"))),
    ];
    Job { memberships, ..job(policy) }
}

fn groups(decision: &Decision) -> Vec<String> {
    let at = |at: &GroupsAt| {
        let groups: Vec<_> = at.groups.iter().map(|joining| joining.group.as_str()).collect();
        format!("{}: {}", at.target, groups.join(" + "))
    };
    decision.groups.iter().map(at).collect()
}

fn titled(user_type: &str, title: &str, nickname: &str) -> Person {
    let values = [("userType", user_type), ("title", title), ("nickName", nickname), ("displayName", "Anna")];
    person(&values.map(|(path, value)| (path, Value::text(value))))
}

#[test]
fn an_account_is_in_every_group_whose_filter_holds_and_in_none_twice() {
    let of = |person: &Person| groups(&decide(&job_with_groups(Policy::default()), person, &[]));
    assert_eq!(of(&titled("Employee", "Boss", "bosses")), ["entra: Staff + Bosses"]);
    assert_eq!(of(&titled("Employee", "Clerk", "Chess")), ["entra: Staff + Chess"]);
    assert_eq!(of(&titled("Employee", "Clerk", "")), ["entra: Staff"]);
    assert_eq!(of(&titled("Contractor", "a,OU=b", "")), ["hq: CN=a\\,OU\\=b,DC=contoso"]);
}

#[test]
fn who_is_locked_because_they_left_is_in_no_group_and_who_is_held_keeps_theirs() {
    let disabling = Policy { out_of_scope: Leaver::Disable, ..Policy::default() };
    let alumna = titled("Alumni", "Boss", "");
    let links = [link("entra", true)];
    assert_eq!(groups(&decide(&job_with_groups(disabling), &alumna, &links)), ["entra: "]);
    assert!(decide(&job_with_groups(Policy::default()), &alumna, &links).groups.is_empty());
    let migrated = [link("entra", false), link("hq", true)];
    let decision = decide(&job_with_groups(with(PlacementChange::Migrate)), &titled("Contractor", "x", ""), &migrated);
    assert_eq!(groups(&decision), ["hq: CN=x,DC=contoso", "entra: "]);
}

proptest::proptest! {
    /// Whatever the data is, every account that is brought somewhere has its groups said, each once, and each a name.
    #[test]
    fn groups_are_names_and_none_is_said_twice(title in "\\PC{0,12}", nickname in "\\PC{0,12}|CN=[a-z,=]{0,8}", is_boss: bool) {
        let who = titled(if is_boss { "Employee" } else { "Contractor" }, &title, &nickname);
        let decision = decide(&job_with_groups(Policy::default()), &who, &[]);
        let is_brought = |at: &&AtTarget| matches!(at.ask, Ask::Bring(_));
        proptest::prop_assert_eq!(decision.targets.iter().filter(is_brought).count(), decision.groups.len());
        for at in &decision.groups {
            for (number, joining) in at.groups.iter().enumerate() {
                proptest::prop_assert_eq!(flaw_of_group(&joining.group), None);
                proptest::prop_assert!(at.groups[..number].iter().all(|other| !other.is(&joining.group)));
            }
        }
        let again = decide(&job_with_groups(Policy::default()), &who, &[]);
        proptest::prop_assert_eq!(decision, again);
    }
}
