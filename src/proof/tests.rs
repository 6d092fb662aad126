//! Tests that pass, and tests that fail.

use super::*;
use crate::decide::{DamageLimits, Leaver, Policy, Target, TargetKind};
use crate::mapping::Mapping;
use crate::model::{JobId, ObjectId};
use crate::overlay::NullFlow;
use crate::rules::{Container, Place, Rule, Ruleset};
use crate::sample::{direct, filter, function, key, person};
use crate::scope::Scope;

fn job() -> Job {
    let mut title = direct("title", "title");
    title.default = Some(Value::text("Guest"));
    title.flow_null = true;
    let mut nickname = direct("mailNickname", "userName");
    nickname.apply = Apply::OnlyOnCreate;
    let upper = function("cn", "ToUpper([displayName])");
    let attributes = vec![key("employeeID", "externalId"), title, nickname, upper];
    let hq = TargetId::new("hq");
    let container = Container::Fixed(Dn::parse("OU=Guests,DC=contoso").unwrap());
    let rule =
        |id: &str, when: &str, place| Rule { id: Name::new(id), when: Some(filter(when)), place, also: Vec::new() };
    Job {
        id: JobId::new("hr"),
        scope: Scope::everybody(),
        ruleset: Ruleset {
            rules: vec![
                rule("guests", "userType eq \"Guest\"", Place::OnPremises { target: hq.clone(), container }),
                rule("board", "userType eq \"Board\"", Place::Nowhere),
            ],
        },
        targets: vec![Target {
            id: hq,
            kind: TargetKind::OnPremises,
            mapping: Mapping::new(attributes),
            on_delete: Leaver::Disable,
            limits: DamageLimits::default(),
        }],
        policy: Policy::default(),
        memberships: Vec::new(),
        null_flow: NullFlow::default(),
    }
}

fn guest(more: &[(&str, Value)]) -> Person {
    let usual = [("userType", Value::text("Guest")), ("userName", Value::text("anna"))];
    person(&usual.into_iter().chain(more.iter().cloned()).collect::<Vec<_>>())
}

fn account() -> (TargetId, Known) {
    let known = Known {
        object: ObjectId::new("1"),
        attributes: crate::model::Attributes::new(),
        container: None,
        synced: false,
    };
    (TargetId::new("hq"), known)
}

/// What differs, a line each; empty where the test passes.
fn differences(person: Person, links: Vec<(TargetId, Known)>, expected: Expected) -> String {
    let test = Test { name: "a test".to_owned(), person, links, expected };
    let [proof] = prove(&job(), &[test]).try_into().unwrap();
    assert_eq!(proof.passes(), proof.differences.is_empty());
    let lines = proof.differences.iter().map(|found| format!("{}: {} / {}", found.of, found.expected, found.got));
    lines.collect::<Vec<_>>().join("\n")
}

fn check(person: Person, expected: Expected, differs: &str) {
    assert_eq!(differences(person, Vec::new(), expected), differs);
}

fn attribute(name: &str, value: Value) -> Expected {
    Expected { attributes: vec![(Name::new(name), value)], ..Expected::default() }
}

fn absent(name: &str) -> Expected {
    Expected { absent: vec![Name::new(name)], ..Expected::default() }
}

#[test]
fn a_test_passes_where_everything_it_names_is_so() {
    let expected = Expected {
        also: None,
        placement: Some("on-premises"),
        target: Some(TargetId::new("hq")),
        rule: Some(Name::new("guests")),
        container: Some(Dn::parse("ou=guests, dc=contoso").unwrap()),
        reason: None,
        attributes: vec![(Name::new("CN"), Value::text("ANNA")), (Name::new("employeeID"), Value::Integer(701_984))],
        absent: Vec::new(),
    };
    check(guest(&[("displayName", Value::text("Anna"))]), expected, "");
}

#[test]
fn what_differs_is_told_with_what_was_expected() {
    let expected = Expected {
        placement: Some("cloud"),
        target: Some(TargetId::new("entra")),
        rule: Some(Name::new("board")),
        container: Some(Dn::parse("OU=Staff,DC=contoso").unwrap()),
        reason: Some("no_rule_spoke".to_owned()),
        ..attribute("cn", Value::text("BO"))
    };
    check(
        guest(&[("displayName", Value::text("Anna"))]),
        expected,
        "placement: cloud / on-premises\ntarget: entra / hq\nrule: board / guests\n\
         container: OU=Staff,DC=contoso / OU=Guests,DC=contoso\nreason: no_rule_spoke / an account\n\
         cn: \"BO\" / \"ANNA\"",
    );
}

#[test]
fn case_counts_in_the_value_of_an_attribute() {
    let anna = guest(&[("displayName", Value::text("Anna"))]);
    check(anna, attribute("cn", Value::text("Anna")), "cn: \"Anna\" / \"ANNA\"");
}

#[test]
fn left_alone_cleared_and_given_by_default_are_three_things() {
    check(guest(&[]), absent("cn"), "");
    check(guest(&[]), attribute("title", Value::text("Guest")), "");
    check(guest(&[]), absent("title"), "title: left alone / \"Guest\"");
    let emptied = || guest(&[("title", Value::Null)]);
    assert_eq!(differences(emptied(), vec![account()], attribute("title", Value::text(""))), "");
    assert_eq!(differences(emptied(), vec![account()], absent("title")), "title: left alone / cleared");
    assert_eq!(differences(guest(&[]), vec![account()], absent("title")), "");
}

#[test]
fn what_is_written_once_is_left_alone_in_an_account_that_is_there() {
    check(guest(&[]), attribute("mailNickname", Value::text("anna")), "");
    assert_eq!(differences(guest(&[]), vec![account()], absent("mailNickname")), "");
}

#[test]
fn a_person_who_has_a_home_must_get_their_account_unless_the_test_says_why_not() {
    let mut nameless = guest(&[]);
    nameless.attributes.remove("externalId");
    let home = || Expected { placement: Some("on-premises"), ..Expected::default() };
    let why = differences(nameless.clone(), Vec::new(), home());
    assert!(why.starts_with("reason: an account / failed, no_match_key: "), "{why}");
    check(nameless, Expected { reason: Some("no_match_key".to_owned()), ..home() }, "");
}

#[test]
fn an_attribute_of_nobody_is_no_attribute() {
    let board = person(&[("userType", Value::text("Board"))]);
    check(board, absent("cn"), "cn: left alone / no account is brought there");
}
