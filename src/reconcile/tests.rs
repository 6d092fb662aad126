//! Every meeting of wanted, known and found.

use super::*;
use proptest::prelude::*;

use crate::model::{Dn, MatchKeys, UniqueName};

fn known(object: &str, attributes: &[(&str, Value)]) -> Known {
    Known {
        object: ObjectId::new(object),
        attributes: attributes.iter().map(|(name, value)| (Name::new(name), value.clone())).collect(),
        container: Some(Dn::parse("OU=Staff,DC=contoso").unwrap()),
        synced: false,
    }
}

fn live() -> Known {
    known("a1", &[("accountEnabled", Value::Boolean(true)), ("jobTitle", Value::text("Clerk"))])
}

fn disabled() -> Known {
    known("a1", &[("accountEnabled", Value::Boolean(false)), ("jobTitle", Value::text("Clerk"))])
}

fn synced() -> Known {
    Known { synced: true, ..live() }
}

fn desired(attributes: &[(&str, Value)]) -> Desired {
    Desired {
        attributes: attributes.iter().map(|(name, value)| (Name::new(name), value.clone())).collect(),
        on_create: [(Name::new("mailNickname"), Value::text("anna"))].into_iter().collect(),
        container: Some(Dn::parse("ou=Staff, DC=contoso").unwrap()),
        manager: None,
        keys: MatchKeys(vec![(Name::new("employeeId"), "701984".into())]),
        unique: Vec::new(),
    }
}

fn clerk() -> Desired {
    desired(&[("accountEnabled", Value::Boolean(true)), ("jobTitle", Value::text("Clerk"))])
}

fn word(step: &Step) -> String {
    match step {
        Step::Nothing => "nothing".into(),
        Step::Write(change) => format!("write {}", change.kind.word()),
        Step::Link(known) => format!("link {}", known.object),
        Step::Hold(reason) => format!("hold {}", reason.code),
        Step::Refuse(reason) => format!("refuse {}", reason.code),
        Step::Skip(reason) => format!("skip {}", reason.code),
    }
}

/// Every way in which wanted, link and found can meet. The file is read by people: it is the specification.
#[test]
fn every_meeting_of_wanted_link_and_found_has_its_situation_and_step() {
    let wanted = [("present", Wanted::Present(clerk())), ("disabled", Wanted::Disabled), ("deleted", Wanted::Deleted)];
    let links = [("none", None), ("live", Some(live())), ("locked", Some(disabled())), ("synced", Some(synced()))];
    let two = Found::Several(vec![ObjectId::new("a1"), ObjectId::new("a2")]);
    let founds = [
        ("not looked", None),
        ("cannot look", Some(Found::CannotLook)),
        ("nobody", Some(Found::Nobody)),
        ("live", Some(Found::One(live()))),
        ("locked", Some(Found::One(disabled()))),
        ("synced", Some(Found::One(synced()))),
        ("another", Some(Found::One(Known { object: ObjectId::new("z9"), ..live() }))),
        ("several", Some(two)),
        ("deleted", Some(Found::Deleted(live()))),
    ];
    let mut table = String::from("wanted    link    found        situation        step\n");
    for (wanted_name, wanted) in &wanted {
        for (link_name, link) in &links {
            for (found_name, found) in &founds {
                let (situation, step) = reconcile(wanted, link.as_ref(), found.as_ref());
                let step = word(&step);
                table += &format!("{wanted_name:<9} {link_name:<7} {found_name:<12} {:<16} {step}\n", situation.word());
            }
        }
    }
    crate::golden::check("tests/cases/situations.txt", &table);
}

fn change(desired: &Desired, known: &Known) -> Option<Change> {
    match reconcile(&Wanted::Present(desired.clone()), Some(known), None).1 {
        Step::Write(change) => Some(change),
        _ => None,
    }
}

#[test]
fn only_attributes_a_mapping_speaks_of_are_compared() {
    assert_eq!(change(&clerk(), &live()), None);
    assert_eq!(change(&desired(&[]), &live()), None);
}

#[test]
fn a_change_says_what_was_there_before() {
    let promoted = desired(&[("jobTitle", Value::text("clerk")), ("city", Value::text("Oslo"))]);
    let change = change(&promoted, &live()).unwrap();
    assert_eq!(change.kind, ChangeKind::Update);
    assert_eq!(change.before.get("jobTitle"), Some(&Value::text("Clerk")));
    assert_eq!((change.set.len(), change.before.len()), (2, 1));
    assert_eq!(change.object, Some(ObjectId::new("a1")));
}

#[test]
fn null_clears_where_something_is_or_may_be() {
    let emptied = desired(&[("jobTitle", Value::Null), ("city", Value::Null), ("country", Value::Null)]);
    let mut held = live();
    held.attributes.set(Name::new("country"), Value::Null);
    let change = change(&emptied, &held).unwrap();
    assert_eq!(change.clear, [Name::new("city"), Name::new("jobTitle")]);
    assert!(change.set.is_empty());
}

#[test]
fn a_list_of_one_is_its_one_value_and_several_are_a_set() {
    let phones = |numbers: &[&str]| Value::Many(numbers.iter().map(|n| Value::text(*n)).collect());
    let held = known("a1", &[("one", phones(&["1"])), ("two", phones(&["1", "2"]))]);
    assert_eq!(change(&desired(&[("one", Value::text("1")), ("two", phones(&["1", "2"]))]), &held), None);
    assert_eq!(change(&desired(&[("one", phones(&["1", "", "1"])), ("two", phones(&["2", "1"]))]), &held), None);
    for other in [phones(&["1", "3"]), phones(&["1"]), phones(&["1", "2", "3"]), Value::text("1"), Value::Integer(1)] {
        assert!(change(&desired(&[("two", other.clone())]), &held).is_some(), "{other:?}");
    }
    // What has parts is told as it was said.
    let parts = |numbers: &[&str]| {
        let part = |n: &&str| Value::Complex([(Name::new("value"), Value::text(*n))].into_iter().collect());
        Value::Many(numbers.iter().map(part).collect())
    };
    let held = known("a1", &[("mails", parts(&["1", "2"]))]);
    assert_eq!(change(&desired(&[("mails", parts(&["1", "2"]))]), &held), None);
    assert!(change(&desired(&[("mails", parts(&["2", "1"]))]), &held).is_some());
}

fn some_values() -> impl Strategy<Value = Vec<Value>> {
    let value = prop_oneof![
        "[a-c]{1,2}".prop_map(Value::text),
        (0_i64..4).prop_map(Value::Integer),
        any::<bool>().prop_map(Value::Boolean),
    ];
    prop::collection::vec(value, 1..6)
}

proptest! {
    #[test]
    fn in_whatever_order_a_target_tells_several_values_nothing_is_written_and_one_more_or_less_is(
        values in some_values(), turned in any::<prop::sample::Index>(), gone in any::<prop::sample::Index>()
    ) {
        let writes = |wanted: &[Value], held: &[Value]| {
            let held = known("a1", &[("x", Value::Many(held.to_vec()))]);
            change(&desired(&[("x", Value::Many(wanted.to_vec()))]), &held).is_some()
        };
        let mut told = values.clone();
        told.rotate_left(turned.index(values.len()));
        prop_assert!(!writes(&values, &told));
        told.reverse();
        prop_assert!(!writes(&values, &told));
        let less = &values[gone.index(values.len())];
        told.retain(|value| value != less);
        prop_assert!(writes(&values, &told) && (told.is_empty() || writes(&told, &values)));
    }
}

#[test]
fn the_gravest_effect_names_the_change_and_every_damage_is_counted() {
    let elsewhere = Desired {
        container: Some(Dn::parse("OU=Left,DC=contoso").unwrap()),
        ..desired(&[("accountEnabled", Value::Boolean(false)), ("jobTitle", Value::text("None"))])
    };
    let locked_and_moved = change(&elsewhere, &live()).unwrap();
    assert_eq!(locked_and_moved.kind, ChangeKind::Disable);
    assert_eq!(damages(&locked_and_moved).collect::<Vec<_>>(), [Damage::Disable, Damage::Move]);

    let moved = change(&elsewhere, &disabled()).unwrap();
    assert_eq!((moved.kind, moved.container_before.is_some()), (ChangeKind::Move, true));
    assert_eq!(damages(&moved).collect::<Vec<_>>(), [Damage::Move]);

    let enabled = change(&clerk(), &disabled()).unwrap();
    assert_eq!((enabled.kind, damages(&enabled).count()), (ChangeKind::Enable, 0));
}

#[test]
fn making_and_deleting_accounts_count_as_what_they_are() {
    let (_, step) = reconcile(&Wanted::Present(clerk()), None, Some(&Found::Nobody));
    let Step::Write(made) = step else { panic!("an account is made") };
    assert_eq!(made.set.get("mailNickname"), Some(&Value::text("anna")));
    assert_eq!(damages(&made).count(), 0);

    let (_, step) = reconcile(&Wanted::Deleted, Some(&live()), None);
    let Step::Write(deleted) = step else { panic!("the account is deleted") };
    assert_eq!(damages(&deleted).collect::<Vec<_>>(), [Damage::Delete]);
    assert_eq!(deleted.before, live().attributes);
}

#[test]
fn locking_an_account_of_unknown_state_counts_and_an_unknown_container_is_not_moved() {
    let unknown = Known { container: None, ..known("a1", &[]) };
    let (_, step) = reconcile(&Wanted::Disabled, Some(&unknown), None);
    let Step::Write(locked) = step else { panic!("the account is locked") };
    assert_eq!(damages(&locked).collect::<Vec<_>>(), [Damage::Disable]);
    assert_eq!(change(&desired(&[]), &unknown), None);
}

#[test]
fn a_new_account_gets_the_first_name_that_is_free() {
    let unique = |candidates: &[&str]| {
        let candidates = candidates.iter().map(ToString::to_string).collect();
        vec![UniqueName { attribute: Name::new("mail"), namespace: None, candidates }]
    };
    let taken = [(Name::new("mail"), "J.Smith".to_owned()), (Name::new("upn"), "jo.smith".to_owned())];
    let made = || match reconcile(&Wanted::Present(clerk()), None, None) {
        (_, Step::Write(change)) => change,
        other => panic!("{other:?}"),
    };
    let named = name(made(), &unique(&["j.smith", "jo.smith", "joh.smith"]), &taken).unwrap();
    assert_eq!(named.set.get("mail"), Some(&Value::text("jo.smith")));
    let why = name(made(), &unique(&["j.smith"]), &taken).unwrap_err();
    assert_eq!(why.code, "names_taken");
    assert!(why.detail.starts_with("every name for `mail` (j.smith) is somebody else's"), "{why}");
}
