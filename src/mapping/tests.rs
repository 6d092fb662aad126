//! What mappings give.

use super::*;
use crate::sample::{direct, function, key, person};

fn mapping(attributes: Vec<AttributeMapping>) -> Mapping {
    Mapping::new(attributes.into_iter().chain([key("employeeId", "externalId")]).collect())
}

fn anna() -> Person {
    person(&[
        ("userName", Value::text("anna")),
        ("active", Value::Boolean(true)),
        ("title", Value::Null),
        ("emails[type eq \"work\"].value", Value::text("anna@contoso.com")),
        ("emails[type eq \"home\"].value", Value::text("a@home")),
    ])
}

/// What one attribute mapping gives: kept always, and said on creation only.
fn check(attribute: AttributeMapping, always: Option<Value>, on_create: Option<Value>) {
    let name = attribute.attribute.clone();
    let desired = mapping(vec![attribute]).desired(&anna(), None).unwrap();
    assert_eq!(desired.attributes.get(name.as_str()), always.as_ref());
    assert_eq!(desired.on_create.get(name.as_str()), on_create.as_ref());
}

#[test]
fn a_value_comes_directly_from_a_constant_or_from_an_expression() {
    check(direct("mail", "emails[type eq \"work\"].value"), Some(Value::text("anna@contoso.com")), None);
    let constant = MappingSource::Constant(Value::text("NO"));
    check(AttributeMapping { source: constant, ..direct("usageLocation", "userName") }, Some(Value::text("NO")), None);
    check(function("userPrincipalName", "Append([userName], \"@x\")"), Some(Value::text("anna@x")), None);
}

#[test]
fn what_the_source_does_not_say_is_left_alone() {
    check(direct("department", "displayName"), None, None);
}

#[test]
fn empty_flows_only_where_the_target_lets_it_too() {
    check(direct("jobTitle", "title"), None, None);
    check(AttributeMapping { flow_null: true, ..direct("jobTitle", "title") }, Some(Value::Null), None);
    check(
        AttributeMapping { flow_null: true, ..function("jobTitle", "StripSpaces([title])") },
        Some(Value::Null),
        None,
    );
    check(AttributeMapping { flow_null: true, ..direct("jobTitle", "displayName") }, None, None);
}

#[test]
fn a_default_fills_a_new_account_only() {
    let default = Some(Value::text("Staff"));
    check(AttributeMapping { default: default.clone(), ..direct("jobTitle", "title") }, None, default.clone());
    let both = AttributeMapping { default: default.clone(), flow_null: true, ..direct("jobTitle", "title") };
    check(both, Some(Value::Null), default);
}

#[test]
fn some_values_are_said_only_when_the_account_is_made() {
    let nickname = AttributeMapping { apply: Apply::OnlyOnCreate, ..direct("mailNickname", "userName") };
    check(nickname, None, Some(Value::text("anna")));
}

#[test]
fn values_are_brought_into_the_shape_the_target_holds() {
    let shaped = |shape, path| AttributeMapping { shape, ..direct("x", path) };
    let list = |texts: &[&str]| Some(Value::Many(texts.iter().map(|text| Value::text(*text)).collect()));
    check(shaped(Shape::List, "userName"), list(&["anna"]), None);
    check(shaped(Shape::List, "emails.value"), list(&["anna@contoso.com", "a@home"]), None);
    check(shaped(Shape::Text, "emails.value"), Some(Value::text("anna@contoso.com")), None);
    check(shaped(Shape::Boolean, "active"), Some(Value::Boolean(true)), None);
    let bring = |shape: Shape, text: &str| shape.bring(Value::text(text));
    assert_eq!(bring(Shape::Boolean, "False"), Ok(Value::Boolean(false)));
    assert_eq!(bring(Shape::Moment, "2026-01-31"), Ok(Value::text("2026-01-31T00:00:00Z")));
    assert_eq!(bring(Shape::Moment, "12/31/9999 8:05:00 PM"), Ok(Value::text("9999-12-31T20:05:00Z")));
    assert_eq!(bring(Shape::Moment, "2026-01-31T08:00:00+01:00"), Ok(Value::text("2026-01-31T07:00:00Z")));
    assert_eq!(bring(Shape::Moment, "2012-03-16-07:00"), Ok(Value::text("2012-03-16T07:00:00Z")));
    assert_eq!(bring(Shape::Moment, "2026-01-31T08:00:00.25"), Ok(Value::text("2026-01-31T08:00:00.25Z")));
    assert_eq!(bring(Shape::Moment, "1/31/2026"), Ok(Value::text("2026-01-31T00:00:00Z")));
    for none in ["soon", "2026-13-45", "31.01.2026"] {
        assert!(bring(Shape::Moment, none).is_err_and(|why| why.contains("FormatDateTime")), "{none}");
    }
    assert!(bring(Shape::Boolean, "Terminated").is_err());
    assert_eq!(bring(Shape::EntryName, "\u{a0} Anna  Berg "), Ok(Value::text("Anna  Berg")));
    check(shaped(Shape::EntryName, "userName"), Some(Value::text("anna")), None);
}

#[test]
fn what_does_not_fit_names_the_attribute_the_person_and_why() {
    let wrong = AttributeMapping { shape: Shape::Boolean, ..direct("accountEnabled", "userName") };
    let reason = mapping(vec![wrong]).desired(&anna(), None).unwrap_err();
    assert_eq!(
        reason.to_string(),
        "mapping: `accountEnabled` of 701984 cannot be computed: the target holds true or false there; correct the \
         value in the source, or the mapping"
    );
}

#[test]
fn the_manager_is_a_reference_by_anchor() {
    let path = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value";
    let of = |manager: Value| {
        let person = person(&[(path, manager)]);
        let attribute = AttributeMapping { flow_null: true, ..direct("manager", path) };
        mapping(vec![attribute]).desired(&person, None).map(|desired| (desired.manager, desired.attributes.len()))
    };
    assert_eq!(of(Value::text("701000")), Ok((Some(Manager::Is(Anchor::parse("701000").unwrap())), 1)));
    assert_eq!(of(Value::Null), Ok((Some(Manager::Nobody), 1)));
    assert_eq!(of(Value::text(" 7")).unwrap_err().code, "mapping");
    assert_eq!(mapping(vec![direct("manager", path)]).desired(&anna(), None).unwrap().manager, None);
}

#[test]
fn match_keys_go_by_precedence_and_one_must_have_a_value() {
    let second = AttributeMapping { match_precedence: Some(2), ..direct("aaa", "userName") };
    let desired = mapping(vec![second]).desired(&anna(), None).unwrap();
    let names: Vec<&str> = desired.keys.0.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["employeeId", "aaa"]);

    let nothing = Mapping::new(vec![key("employeeId", "displayName")]).desired(&anna(), None).unwrap_err();
    assert_eq!(nothing.code, "no_match_key");
    assert!(nothing.detail.contains("(employeeId)"));
}
