//! Statements laid over what is held of a person.

use proptest::prelude::*;

use super::*;

fn gates(paths: &[(&str, Option<&str>)]) -> NullFlow {
    let gate = |(attribute, sub): &(&str, Option<&str>)| Path { sub: sub.map(Name::new), ..Path::simple(attribute) };
    NullFlow(paths.iter().map(gate).collect())
}

fn complex(parts: &[(&str, Value)]) -> Value {
    Value::Complex(parts.iter().map(|(name, value)| (Name::new(name), value.clone())).collect())
}

fn email(kind: &str, value: &str) -> Value {
    complex(&[("type", Value::text(kind)), ("value", Value::text(value))])
}

fn upsert(said: &[(&str, Value)]) -> Statement {
    let attributes = said.iter().map(|(name, value)| (Name::new(name), value.clone())).collect();
    Statement::Upsert(Record { anchor: Anchor::parse("701984").unwrap(), attributes })
}

fn after(before: Option<&Person>, statement: Statement, null_flow: &NullFlow) -> Person {
    match overlay(before, statement, null_flow, Timestamp(before.map_or(1, |p| p.accepted_at.0 + 1))) {
        Overlaid::Changed(person) => person,
        Overlaid::Unchanged => before.expect("somebody unheard of is always a change").clone(),
    }
}

/// What is held under `name` after the statements, one after the other.
fn check(null_flow: &NullFlow, said: &[Value], name: &str, expected: Option<Value>) {
    let mut person = None;
    for value in said {
        person = Some(after(person.as_ref(), upsert(&[(name, value.clone())]), null_flow));
    }
    assert_eq!(person.unwrap().attributes.get(name), expected.as_ref());
}

#[test]
fn what_is_not_said_again_is_left_alone_active_included() {
    let first =
        after(None, upsert(&[("active", Value::Boolean(true)), ("title", Value::text("Clerk"))]), &NullFlow::default());
    let second = after(Some(&first), upsert(&[("title", Value::text("Chief"))]), &NullFlow::default());
    assert_eq!(second.attributes.get("active"), Some(&Value::Boolean(true)));
    assert_eq!(second.attributes.get("title"), Some(&Value::text("Chief")));
    assert_eq!(second.generation, Generation(2));
}

#[test]
fn filters_and_expressions_see_the_anchor_as_external_id() {
    let person = after(None, upsert(&[]), &NullFlow::default());
    assert_eq!(person.attributes.get("externalId"), Some(&Value::text("701984")));
    let renamed = upsert(&[("externalId", Value::text("another"))]);
    assert_eq!(overlay(Some(&person), renamed, &NullFlow::default(), Timestamp(9)), Overlaid::Unchanged);
}

#[test]
fn empty_says_nothing_unless_the_gate_is_open() {
    let clerk = Value::text("Clerk");
    for empty in [Value::Null, Value::text(""), Value::Many(vec![])] {
        check(&gates(&[]), &[clerk.clone(), empty.clone()], "title", Some(clerk.clone()));
        check(&gates(&[("title", None)]), &[clerk.clone(), empty], "title", Some(Value::Null));
    }
}

#[test]
fn a_complex_value_is_merged_part_by_part() {
    let full = complex(&[("givenName", Value::text("Anna")), ("familyName", Value::text("Berg"))]);
    let married = complex(&[("givenName", Value::text("")), ("familyName", Value::text("Lund"))]);
    let merged = complex(&[("givenName", Value::text("Anna")), ("familyName", Value::text("Lund"))]);
    check(&gates(&[]), &[full.clone(), married.clone()], "name", Some(merged));
    let emptied = complex(&[("givenName", Value::Null), ("familyName", Value::text("Lund"))]);
    check(&gates(&[("name", Some("givenName"))]), &[full.clone(), married], "name", Some(emptied));
    let both = complex(&[("givenName", Value::Null), ("familyName", Value::Null)]);
    check(&gates(&[("name", None)]), &[full, Value::Null], "name", Some(both));
}

#[test]
fn values_of_other_types_are_left_alone() {
    let two = Value::Many(vec![email("work", "a@x"), email("home", "h@x")]);
    let work = Value::Many(vec![email("Work", "b@x")]);
    let merged = Value::Many(vec![email("Work", "b@x"), email("home", "h@x")]);
    check(&gates(&[]), &[two, work], "emails", Some(merged));
}

#[test]
fn a_list_without_types_is_replaced_as_a_whole() {
    let ab = Value::Many(vec![Value::text("a"), Value::text("b")]);
    let c = Value::Many(vec![Value::text("c"), Value::text("")]);
    check(&gates(&[]), &[ab, c], "otherMails", Some(Value::Many(vec![Value::text("c")])));
}

#[test]
fn a_type_said_with_no_value_is_no_value() {
    check(&gates(&[]), &[Value::Many(vec![email("work", "")])], "emails", None);
    let gate = NullFlow(vec![Path {
        selector: Some(crate::model::Selector { sub: Name::new("type"), value: "work".into() }),
        sub: Some(Name::new("value")),
        ..Path::simple("emails")
    }]);
    let emptied = complex(&[("type", Value::text("work")), ("value", Value::Null)]);
    let said = [Value::Many(vec![email("work", "a@x"), email("home", "h@x")]), Value::Null];
    check(&gate, &said, "emails", Some(Value::Many(vec![emptied, email("home", "h@x")])));
}

#[test]
fn an_extension_is_merged_as_the_core_is() {
    let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let gate = NullFlow(vec![Path { schema: Some(Name::new(urn)), ..Path::simple("department") }]);
    let full = complex(&[("department", Value::text("IT")), ("division", Value::text("North"))]);
    let emptied = complex(&[("department", Value::Null), ("division", Value::text("North"))]);
    check(&gate, &[full.clone(), complex(&[("department", Value::Null)])], urn, Some(emptied.clone()));
    check(&gate, &[full, Value::Null], urn, Some(emptied));
}

#[test]
fn a_deletion_keeps_what_was_known_and_a_later_statement_revives() {
    let anchor = Anchor::parse("701984").unwrap();
    let alive = after(None, upsert(&[("title", Value::text("Clerk"))]), &NullFlow::default());
    let gone = after(Some(&alive), Statement::Delete(anchor.clone()), &NullFlow::default());
    assert!(gone.deleted && gone.attributes == alive.attributes && gone.generation == Generation(2));
    let again = overlay(Some(&gone), Statement::Delete(anchor), &NullFlow::default(), Timestamp(9));
    assert_eq!(again, Overlaid::Unchanged);
    let back = after(Some(&gone), upsert(&[]), &NullFlow::default());
    assert!(!back.deleted && back.generation == Generation(3));
}

fn some_text() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(Value::text("")),
        "[ab]".prop_map(Value::Text),
        any::<bool>().prop_map(Value::Boolean)
    ]
}

fn some_complex() -> impl Strategy<Value = Value> {
    let part = prop_oneof![Just("type"), Just("value"), Just("display")];
    proptest::collection::vec((part, some_text()), 0..4).prop_map(|parts| complex(&parts))
}

fn some_statement() -> impl Strategy<Value = Statement> {
    let name = prop_oneof![Just("title"), Just("name"), Just("emails"), Just("urn:x")];
    let value = prop_oneof![
        some_text(),
        some_complex(),
        proptest::collection::vec(prop_oneof![some_text(), some_complex()], 0..4).prop_map(Value::Many),
    ];
    prop_oneof![
        9 => proptest::collection::vec((name, value), 0..5).prop_map(|said| upsert(&said)),
        1 => Just(Statement::Delete(Anchor::parse("701984").unwrap())),
    ]
}

fn some_gates() -> impl Strategy<Value = NullFlow> {
    let gate = prop_oneof![Just(("title", None)), Just(("name", Some("value"))), Just(("emails", None))];
    proptest::collection::vec(gate, 0..3).prop_map(|paths| gates(&paths))
}

proptest! {
    #[test]
    fn a_statement_said_twice_is_a_statement_said_once(
        history in proptest::collection::vec(some_statement(), 1..5), null_flow in some_gates()
    ) {
        let mut person: Option<Person> = None;
        for statement in history {
            let once = after(person.as_ref(), statement.clone(), &null_flow);
            let before = person.as_ref().map_or(0, |p| p.generation.0);
            prop_assert!(once.generation.0 <= before + 1);
            let twice = overlay(Some(&once), statement, &null_flow, Timestamp(99));
            prop_assert_eq!(twice, Overlaid::Unchanged);
            person = Some(once);
        }
    }
}
