//! What is held of a person after one more statement: absent is left alone, empty clears only where that is allowed.
//!
//! Nothing is thrown away because it was not said again; sending the same statement twice changes nothing.

use std::collections::BTreeMap;

use crate::model::{Anchor, Attributes, Generation, Name, Path, Person, Record, Statement, Timestamp, Value};

/// The attribute under which filters and expressions see the anchor (RFC 7643 §3.1).
const ANCHOR_ATTRIBUTE: &str = "externalId";

/// The sub-attribute that tells the values of a multi-valued attribute apart (RFC 7643 §2.4).
const ELEMENT_KEY: &str = "type";

/// Longest list whose values are merged one by one; a longer one is taken whole. SCIM's canonical types are fewer
/// than ten per attribute, and the work grows with the square of the length.
const MERGED_ELEMENTS_MAX: usize = 64;

/// The source's half of the null-flow gate: the paths at which "empty" is taken at its word.
///
/// A path without a sub-attribute opens everything inside the attribute; one without a selector, every value of it.
/// Everywhere else `null` and `""` say nothing (`facts/entra.md` §1.7).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NullFlow(pub Vec<Path>);

impl NullFlow {
    fn is_open(&self, place: &At<'_>) -> bool {
        self.0.iter().any(|gate| {
            gate.schema.as_ref() == place.schema
                && gate.attribute == *place.attribute
                && gate.selector.as_ref().is_none_or(|selector| {
                    selector.sub == *ELEMENT_KEY && place.kind.is_some_and(|k| k.eq_ignore_ascii_case(&selector.value))
                })
                && gate.sub.as_ref().is_none_or(|sub| place.sub == Some(sub))
        })
    }
}

/// What a statement did to what is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overlaid {
    /// Nothing: all of it was known already.
    Unchanged,
    /// This is the person now, one generation further.
    Changed(Person),
}

/// Lays a statement over what is held of its person; `before` is `None` for somebody never heard of.
///
/// A deletion keeps the attributes, and a later statement brings the person back. The generation grows by one, and
/// `accepted_at` is taken, only where something changed. Which moments the person keeps is for the mappings to say.
pub fn overlay(
    before: Option<&Person>,
    statement: Statement,
    null_flow: &NullFlow,
    accepted_at: Timestamp,
) -> Overlaid {
    let (anchor, said) = match (before, statement) {
        (None, Statement::Upsert(record)) => return Overlaid::Changed(introduce(record, null_flow, accepted_at)),
        (_, Statement::Upsert(Record { anchor, attributes })) => (anchor, Some(attributes)),
        (_, Statement::Delete(anchor)) => (anchor, None),
    };
    let deleted = said.is_none();
    let news = news(before, said.unwrap_or_default());
    if let Some(held) = before
        && news.is_empty()
        && held.deleted == deleted
    {
        return Overlaid::Unchanged;
    }
    let mut attributes = before.map_or_else(|| only_anchor(&anchor), |person| person.attributes.clone());
    merge_attributes(&mut attributes, news, null_flow);
    match before {
        Some(held) if held.deleted == deleted && held.attributes == attributes => Overlaid::Unchanged,
        _ => Overlaid::Changed(Person {
            anchor,
            generation: Generation(before.map_or(0, |held| held.generation.0) + 1),
            attributes,
            deleted,
            accepted_at,
            moments: BTreeMap::new(),
        }),
    }
}

/// Somebody never heard of, by the first thing that is said of them.
pub fn introduce(record: Record, null_flow: &NullFlow, accepted_at: Timestamp) -> Person {
    let Record { anchor, attributes: said } = record;
    let mut attributes = only_anchor(&anchor);
    merge_attributes(&mut attributes, said, null_flow);
    Person { anchor, generation: Generation(1), attributes, deleted: false, accepted_at, moments: BTreeMap::new() }
}

/// What was said that is not held in the same words already. A source that sends everything mostly says nothing new.
fn news(before: Option<&Person>, said: Attributes) -> Vec<(Name, Value)> {
    let is_held =
        |name: &Name, value: &Value| before.is_some_and(|person| person.attributes.get(name.as_str()) == Some(value));
    said.into_iter().filter(|(name, value)| !is_held(name, value)).collect()
}

fn only_anchor(anchor: &Anchor) -> Attributes {
    let mut attributes = Attributes::new();
    attributes.set(Name::new(ANCHOR_ATTRIBUTE), Value::text(anchor.as_str()));
    attributes
}

/// Where in a person a value stands, as far as null-flow gates tell places apart.
#[derive(Clone, Copy)]
struct At<'a> {
    schema: Option<&'a Name>,
    attribute: &'a Name,
    /// The `type` of the element it stands in.
    kind: Option<&'a str>,
    sub: Option<&'a Name>,
}

fn merge_attributes(held: &mut Attributes, said: impl IntoIterator<Item = (Name, Value)>, gates: &NullFlow) {
    for (name, value) in said {
        match value {
            // The anchor is who the person is; a statement cannot change it.
            _ if name == *ANCHOR_ATTRIBUTE => {}
            value if is_urn(&name) => {
                let mut extension = complex_or_none(held.remove(name.as_str()));
                merge_extension(&mut extension, &name, value, gates);
                if !extension.is_empty() {
                    held.set(name, Value::Complex(extension));
                }
            }
            value => merge_one(held, None, name, value, gates),
        }
    }
}

fn is_urn(name: &Name) -> bool {
    name.as_str().get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"))
}

fn merge_extension(held: &mut Attributes, urn: &Name, said: Value, gates: &NullFlow) {
    match said {
        Value::Complex(said) => {
            for (name, value) in said {
                merge_one(held, Some(urn), name, value, gates);
            }
        }
        empty if says_empty(&empty) => {
            let names: Vec<Name> = held.iter().map(|(name, _)| name.clone()).collect();
            for name in names {
                merge_one(held, Some(urn), name, Value::Null, gates);
            }
        }
        // An extension is an object (RFC 7643 §3.3); anything else says nothing that can be kept.
        _ => {}
    }
}

fn merge_one(held: &mut Attributes, schema: Option<&Name>, name: Name, said: Value, gates: &NullFlow) {
    let place = At { schema, attribute: &name, kind: None, sub: None };
    let before = held.remove(name.as_str());
    let after = if says_empty(&said) {
        cleared(before, place, gates)
    } else {
        match (before, said) {
            (before @ Some(Value::Many(_)), said @ Value::Complex(_)) => {
                merged_elements(before, vec![said], place, gates)
            }
            (before, Value::Complex(parts)) => {
                merge_parts(complex_or_none(before), parts, place, gates).map(Value::Complex)
            }
            (before, Value::Many(elements)) => merged_elements(before, elements, place, gates),
            (_, single) => Some(single),
        }
    };
    if let Some(after) = after {
        held.set(name, after);
    }
}

/// Null, an empty text and an empty list state the same: nothing is there (RFC 7643 §2.5).
fn says_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Text(text) => text.is_empty(),
        Value::Many(elements) => elements.iter().all(says_empty),
        Value::Complex(_) | Value::Boolean(_) | Value::Integer(_) => false,
    }
}

/// What is left of a value that was stated to be empty: null where a gate is open, itself where none is.
///
/// Values with parts keep them as nulls, so that a path into them still finds that they were emptied on purpose.
fn cleared(before: Option<Value>, place: At<'_>, gates: &NullFlow) -> Option<Value> {
    match before {
        Some(Value::Complex(parts)) => Some(Value::Complex(cleared_parts(parts, place, gates))),
        Some(Value::Many(elements)) if elements.iter().any(|element| matches!(element, Value::Complex(_))) => {
            let elements = elements.into_iter().filter_map(|element| {
                let kind = kind_of(&element).map(str::to_owned);
                cleared_element(element, At { kind: kind.as_deref(), ..place }, gates)
            });
            Some(Value::Many(elements.collect()))
        }
        _ if gates.is_open(&place) => Some(Value::Null),
        before => before,
    }
}

fn cleared_element(element: Value, place: At<'_>, gates: &NullFlow) -> Option<Value> {
    match element {
        Value::Complex(parts) => Some(Value::Complex(cleared_parts(parts, place, gates))),
        bare => (!gates.is_open(&place)).then_some(bare),
    }
}

fn cleared_parts(parts: Attributes, place: At<'_>, gates: &NullFlow) -> Attributes {
    parts
        .into_iter()
        .map(|(sub, value)| {
            let clears = sub != *ELEMENT_KEY && gates.is_open(&At { sub: Some(&sub), ..place });
            (sub, if clears { Value::Null } else { value })
        })
        .collect()
}

/// The parts with what was said of each; `None` where that leaves nothing.
fn merge_parts(mut held: Attributes, said: Attributes, place: At<'_>, gates: &NullFlow) -> Option<Attributes> {
    for (sub, value) in said {
        if !says_empty(&value) {
            held.set(sub, value);
        } else if sub != *ELEMENT_KEY && gates.is_open(&At { sub: Some(&sub), ..place }) {
            held.set(sub, Value::Null);
        }
    }
    (!held.is_empty()).then_some(held)
}

fn complex_or_none(value: Option<Value>) -> Attributes {
    match value {
        Some(Value::Complex(parts)) => parts,
        _ => Attributes::new(),
    }
}

fn kind_of(element: &Value) -> Option<&str> {
    match element {
        Value::Complex(parts) => parts.get(ELEMENT_KEY).and_then(Value::as_text).filter(|kind| !kind.is_empty()),
        _ => None,
    }
}

fn is_of_kind(element: &Value, kind: &str) -> bool {
    kind_of(element).is_some_and(|held| held.eq_ignore_ascii_case(kind))
}

/// A list with what was said of it: value by value where all of them have a `type`, else as a whole.
fn merged_elements(before: Option<Value>, said: Vec<Value>, place: At<'_>, gates: &NullFlow) -> Option<Value> {
    let mut held = match before {
        Some(Value::Many(elements)) => elements,
        Some(Value::Null) | None => Vec::new(),
        Some(single) => vec![single],
    };
    // Where nothing is held there is nothing to merge with.
    if held.is_empty() || said.len() > MERGED_ELEMENTS_MAX || said.iter().any(|element| kind_of(element).is_none()) {
        let whole: Vec<Value> = said.into_iter().filter_map(|element| as_new(element, place, gates)).collect();
        held = if whole.is_empty() { held } else { whole };
    } else {
        let mut rest = said;
        while let Some(kind) = rest.first().and_then(kind_of).map(str::to_owned) {
            let (group, others) = rest.into_iter().partition(|element| is_of_kind(element, &kind));
            rest = others;
            put_group(&mut held, group, At { kind: Some(&kind), ..place }, gates);
        }
    }
    (!held.is_empty()).then_some(Value::Many(held))
}

/// Puts what was said of the values of one type where those values stand.
fn put_group(held: &mut Vec<Value>, mut group: Vec<Value>, place: At<'_>, gates: &NullFlow) {
    let is_it = |element: &Value| place.kind.is_some_and(|kind| is_of_kind(element, kind));
    let at = held.iter().position(is_it).unwrap_or(held.len());
    let before: Vec<Value> = held.extract_if(.., |element| is_it(element)).collect();
    let one_of_each = before.len() == 1 && group.len() == 1;
    let after: Vec<Value> = if one_of_each {
        let said = complex_or_none(group.pop());
        let parts = complex_or_none(before.first().cloned());
        merge_parts(parts, said, place, gates).map(Value::Complex).into_iter().collect()
    } else {
        group.into_iter().filter_map(|element| as_new(element, place, gates)).collect()
    };
    let stays = if after.is_empty() { before } else { after };
    held.splice(at..at, stays);
}

/// A value as it is kept when nothing was held of it; `None` where it says nothing but its type.
fn as_new(element: Value, place: At<'_>, gates: &NullFlow) -> Option<Value> {
    let kind = kind_of(&element).map(str::to_owned);
    match element {
        Value::Complex(parts) => {
            let place = At { kind: kind.as_deref(), ..place };
            let says_all = !parts.iter().any(|(_, value)| says_empty(value));
            let parts = if says_all { parts } else { merge_parts(Attributes::new(), parts, place, gates)? };
            let says_more = parts.iter().any(|(sub, _)| *sub != *ELEMENT_KEY);
            says_more.then_some(Value::Complex(parts))
        }
        bare => (!says_empty(&bare)).then_some(bare),
    }
}

#[cfg(test)]
mod tests;
