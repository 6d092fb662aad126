//! Attributes and users of every shape, for property tests.

use proptest::prelude::*;

use super::schema::{Attribute, CORE, ENTERPRISE, Keeping, Type};
use crate::model::{Attributes, Name, Value};

/// Any attributes at all.
pub(crate) fn any_attributes() -> impl Strategy<Value = Attributes> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Boolean),
        any::<i64>().prop_map(Value::Integer),
        any::<String>().prop_map(Value::Text),
    ];
    let value = leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Many),
            prop::collection::vec((any::<String>(), inner), 0..4).prop_map(|pairs| Value::Complex(named(pairs))),
        ]
    });
    prop::collection::vec((any::<String>(), value), 0..6).prop_map(named)
}

fn named(pairs: Vec<(String, Value)>) -> Attributes {
    pairs.into_iter().map(|(name, value)| (Name::new(&name), value)).collect()
}

/// The attributes of a user that the known schemas admit, with one extension of our own.
pub(crate) fn user_attributes() -> impl Strategy<Value = Attributes> {
    let custom = prop::collection::vec(("[A-Za-z][A-Za-z0-9_-]{0,8}", "\\PC{0,12}"), 0..3);
    (some_of(&CORE.attributes), some_of(&ENTERPRISE.attributes), custom).prop_map(|(mut core, enterprise, custom)| {
        core.set(ENTERPRISE.urn.clone(), Value::Complex(enterprise));
        let custom = custom.into_iter().map(|(name, text)| (Name::new(&name), Value::Text(text))).collect();
        core.set(Name::new("urn:contoso:employee"), Value::Complex(custom));
        core
    })
}

fn some_of(attributes: &'static [Attribute]) -> BoxedStrategy<Attributes> {
    let kept: Vec<&Attribute> = attributes.iter().filter(|attribute| attribute.keeping == Keeping::Kept).collect();
    let count = kept.len().min(5);
    prop::sample::subsequence(kept, 0..=count)
        .prop_flat_map(|chosen| {
            chosen.into_iter().map(|one| (Just(one.name.clone()), value_of(one))).collect::<Vec<_>>()
        })
        .prop_map(Attributes::from_iter)
        .boxed()
}

fn value_of(attribute: &'static Attribute) -> BoxedStrategy<Value> {
    let single = match attribute.kind.what {
        Type::Complex => some_of(&attribute.parts).prop_map(Value::Complex).boxed(),
        Type::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        _ => any::<String>().prop_map(Value::Text).boxed(),
    };
    if attribute.kind.many {
        prop::collection::vec(single, 0..3).prop_map(Value::Many).boxed()
    } else {
        prop_oneof![4 => single, 1 => Just(Value::Null)].boxed()
    }
}
