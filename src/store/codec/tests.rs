//! Payloads, there and back.

use proptest::prelude::*;
use rusqlite::Connection;

use super::*;
use crate::model::{Anchor, ChangeKind, Generation};
use crate::store::schema::migrate;
use crate::store::words::{encode_runs, runs_count, runs_hold};

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Boolean),
        any::<i64>().prop_map(Value::Integer),
        ".{0,12}".prop_map(Value::Text),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Many),
            attributes_of(inner).prop_map(Value::Complex),
        ]
    })
}

fn attributes_of(values: impl Strategy<Value = Value>) -> impl Strategy<Value = Attributes> {
    let pairs = proptest::collection::vec(("[a-zA-Z:.$]{1,8}", values), 0..5);
    pairs.prop_map(|pairs| pairs.into_iter().map(|(name, value)| (Name::new(&name), value)).collect())
}

fn any_attributes() -> impl Strategy<Value = Attributes> {
    attributes_of(any_value())
}

fn any_moments() -> impl Strategy<Value = Moments> {
    proptest::collection::btree_map(
        "[a-z, ]{0,12}".prop_map(|name| Name::new(&name)),
        any::<i64>().prop_map(Timestamp),
        0..3,
    )
}

fn person(attributes: Attributes, moments: Moments) -> Person {
    let anchor = Anchor::parse("701984").unwrap();
    Person { anchor, generation: Generation(1), attributes, deleted: false, accepted_at: Timestamp(0), moments }
}

fn any_container() -> impl Strategy<Value = Option<Dn>> {
    proptest::option::of("OU=[A-Z]{1,5},DC=contoso".prop_map(|text| Dn::parse(&text).unwrap()))
}

fn any_change() -> impl Strategy<Value = Change> {
    let kinds = prop_oneof![
        Just(ChangeKind::Create),
        Just(ChangeKind::Update),
        Just(ChangeKind::Enable),
        Just(ChangeKind::Move),
        Just(ChangeKind::Disable),
        Just(ChangeKind::Delete),
    ];
    let object = proptest::option::of("[a-z]{1,8}".prop_map(|text| ObjectId::new(&text)));
    let clear = proptest::collection::vec("[a-zA-Z]{1,8}".prop_map(|name| Name::new(&name)), 0..4);
    (kinds, object, any_attributes(), clear, any_container(), any_attributes(), any_container()).prop_map(
        |(kind, object, set, clear, container, before, container_before)| Change {
            kind,
            object,
            set,
            clear,
            container,
            before,
            container_before,
        },
    )
}

/// Writes in one transaction, and reads with the names as another process finds them.
fn there_and_back<T>(
    write: impl FnOnce(&mut Names, &Transaction<'_>) -> Result<Vec<u8>, StoreError>,
    read: impl FnOnce(&[u8], &Names) -> T,
) -> T {
    let mut connection = Connection::open_in_memory().unwrap();
    migrate(&mut connection).unwrap();
    let transaction = connection.transaction().unwrap();
    let bytes = write(&mut Names::default(), &transaction).unwrap();
    transaction.commit().unwrap();
    read(&bytes, &Names::read(&connection).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_person_comes_back_as_they_were(attributes in any_attributes(), moments in any_moments()) {
        let person = person(attributes, moments);
        let (back, moments) = there_and_back(
            |names, on| encode_person(&person, names, on), |bytes, names| decode_person(bytes, names).unwrap(),
        );
        prop_assert_eq!(&moments, &person.moments);
        let attributes = person.attributes;
        let spelled = |attributes: &Attributes| attributes.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>();
        prop_assert_eq!(spelled(&back), spelled(&attributes));
        prop_assert_eq!(back, attributes);
    }

    #[test]
    fn what_is_known_comes_back_as_it_was(attributes in any_attributes(), container in any_container(), synced: bool) {
        let known = Known { object: ObjectId::new("o1"), attributes, container, synced };
        let back = there_and_back(
            |names, on| encode_known(&known, names, on),
            |bytes, names| decode_known("o1", bytes, names).unwrap(),
        );
        prop_assert_eq!(back, known);
    }

    #[test]
    fn a_change_comes_back_as_it_was(change in any_change()) {
        let back = there_and_back(
            |names, on| encode_change(&change, names, on),
            |bytes, names| decode_change(bytes, names).unwrap(),
        );
        prop_assert_eq!(back, change);
    }

    #[test]
    fn bytes_that_are_cut_off_or_damaged_are_an_error_and_nothing_worse(
        attributes in any_attributes(), moments in any_moments(), at in any::<prop::sample::Index>(), byte: u8,
    ) {
        there_and_back(|names, on| encode_person(&person(attributes, moments), names, on), |bytes, names| {
            let at = at.index(bytes.len());
            assert!(decode_person(&bytes[..at], names).is_err());
            let mut damaged = bytes.to_vec();
            damaged[at] = byte;
            let _ = decode_person(&damaged, names);
        });
    }

    #[test]
    fn runs_hold_exactly_whom_they_were_made_of(people in proptest::collection::btree_set(1_i64..200, 0..60), who in 0_i64..220) {
        let sorted: Vec<_> = people.iter().map(|person| crate::model::PersonId(*person)).collect();
        let runs = encode_runs(&sorted);
        prop_assert_eq!(runs_hold(&runs, who).unwrap(), people.contains(&who));
        prop_assert_eq!(runs_count(&runs).unwrap(), people.len() as u64);
    }
}

#[test]
fn what_is_nested_too_deeply_to_be_read_is_not_written() {
    let nested = |depth: u32| {
        let value = (0..depth).fold(Value::Boolean(true), |inner, _| Value::Many(vec![inner]));
        person([(Name::new("nested"), value)].into_iter().collect(), Moments::new())
    };
    let deepest = nested(DEPTH_MAX);
    let back = there_and_back(
        |names, on| encode_person(&deepest, names, on),
        |bytes, names| decode_person(bytes, names).unwrap(),
    );
    assert_eq!(back.0, deepest.attributes);
    let mut connection = Connection::open_in_memory().unwrap();
    migrate(&mut connection).unwrap();
    let transaction = connection.transaction().unwrap();
    assert!(encode_person(&nested(DEPTH_MAX + 1), &mut Names::default(), &transaction).is_err());
}

#[test]
fn a_payload_of_another_version_is_refused() {
    assert!(decode_person(&[VERSION_WITH_MOMENTS + 1, 0], &Names::default()).is_err());
}

/// Bytes that an earlier muster wrote, for names that are numbered from 1 in the order `userName`, `title`.
fn check_written(bytes: &[u8], moments: &[(&str, i64)]) {
    let mut connection = Connection::open_in_memory().unwrap();
    migrate(&mut connection).unwrap();
    let transaction = connection.transaction().unwrap();
    let mut names = Names::default();
    for (number, name) in [(1, "userName"), (2, "title")] {
        assert_eq!(names.number(&Name::new(name), &transaction).unwrap(), number);
    }
    let (attributes, held) = decode_person(bytes, &names).unwrap();
    assert_eq!(attributes.get("userName"), Some(&Value::text("anna")));
    let moments: Moments = moments.iter().map(|(name, moment)| (Name::new(name), Timestamp(*moment))).collect();
    assert_eq!(held, moments);
}

#[test]
fn people_stay_readable_as_every_version_wrote_them() {
    check_written(b"\x01\x01\x01\x01\x04anna", &[]);
    check_written(b"\x02\x01\x02\x07\0\0\0\0\0\0\0\x01\x01\x01\x04anna", &[("title", 7)]);
}
