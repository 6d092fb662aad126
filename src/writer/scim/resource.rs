//! A user as the service has it, as JSON: what is read of it, and how one attribute of it is changed.
//!
//! Whatever is not spoken of stays as it came, down to the digits of a number.

use serde_json::{Map, Value as Json};

use super::refusal::{later, refused};
use crate::model::{ACCOUNT_ENABLED, Attributes, Known, Name, ObjectId, Path, Selector, UniqueName, Value};
use crate::scim::json::{attributes_from_json, value_to_json};
use crate::scim::schema::{self, CORE_USER};
use crate::scim::target;
use crate::writer::WriteError;

/// What is left of a value that says nothing: which one it is, and how it is shown.
const HOLLOW: [&str; 3] = ["type", "primary", "display"];

/// A resource, by its members.
pub(super) type Resource = Map<String, Json>;

/// The path of an attribute, by the core's name for it.
///
/// # Errors
/// [`WriteError::Refused`] for a name that is no path; a checked job has none.
pub(super) fn path_of(name: &Name) -> Result<Path, WriteError> {
    target::path_of(name.as_str()).map_err(|fault| refused("bad_path", format!("`{name}`: {}", fault.message)))
}

/// The member of this name, whatever the case of its letters.
pub(super) fn member<'a>(resource: &'a Resource, name: &str) -> Option<&'a Json> {
    resource.iter().find(|(held, _)| held.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// What the service calls the resource.
pub(super) fn id_of(resource: &Resource) -> Option<&str> {
    member(resource, "id").and_then(Json::as_str).filter(|id| !id.is_empty())
}

/// What is known of an account, of what was asked for.
///
/// # Errors
/// [`WriteError::Later`] where it has no id.
pub(super) fn known(resource: &Resource, wanted: &[Name]) -> Result<Known, WriteError> {
    let Some(id) = id_of(resource) else {
        return Err(later(None, "the service answers a user without an id".to_owned()));
    };
    let held = attributes_from_json(resource);
    let mut attributes = Attributes::with_capacity(wanted.len());
    for name in wanted {
        attributes.set(name.clone(), value_at(&held, name, &path_of(name)?));
    }
    Ok(Known { object: ObjectId::new(id), attributes, container: None, synced: false })
}

fn value_at(held: &Attributes, name: &Name, path: &Path) -> Value {
    let value = match path.reached(held) {
        // A selector may reach several; as long as they agree, they are one.
        Value::Many(mut values) if path.selector.is_some() && values.windows(2).all(|two| two[0] == two[1]) => {
            values.pop().unwrap_or(Value::Null)
        }
        value => value,
    };
    match value {
        value if value.is_empty() => Value::Null,
        // Services have been seen to say it in words.
        Value::Text(word) if *name == *ACCOUNT_ENABLED && word.eq_ignore_ascii_case("true") => Value::Boolean(true),
        Value::Text(word) if *name == *ACCOUNT_ENABLED && word.eq_ignore_ascii_case("false") => Value::Boolean(false),
        value => value,
    }
}

/// Whether the resource holds `value` at `path`; `None` where the service does not tell what stands there.
pub(super) fn holds(resource: &Resource, path: &Path, value: &str) -> Option<bool> {
    let held = attributes_from_json(resource);
    let case_exact = schema::kind_of(path).is_some_and(|kind| kind.case_exact);
    let is_same = |held: &str| match case_exact {
        true => held == value,
        false => UniqueName::folded(held) == UniqueName::folded(value),
    };
    let mut found = None;
    path.visit(&held, &mut |held| {
        let same = match held {
            Value::Text(text) => is_same(text),
            Value::Integer(number) => is_same(&number.to_string()),
            _ => false,
        };
        found = Some(found.unwrap_or(false) || same);
    });
    found
}

/// The body that makes a user.
///
/// # Errors
/// [`WriteError::Refused`] where there is no `userName`; nothing was sent.
pub(super) fn new_user(set: &Attributes) -> Result<Resource, WriteError> {
    let mut user = Resource::new();
    for (name, value) in set.iter().filter(|(_, value)| !value.is_empty()) {
        put(&mut user, &path_of(name)?, Some(value_to_json(value)));
    }
    if member(&user, "userName").is_none() {
        return Err(refused("required_missing", "an account needs `userName`, and no mapping gives it".to_owned()));
    }
    name_schemas(&mut user);
    Ok(user)
}

/// Names the core and every extension that is there (RFC 7643 §3).
pub(super) fn name_schemas(user: &mut Resource) {
    let mut schemas: Vec<Json> = match member(user, "schemas") {
        Some(Json::Array(named)) => named.clone(),
        _ => vec![CORE_USER.into()],
    };
    let named = |schemas: &[Json], urn: &str| {
        schemas.iter().any(|held| held.as_str().is_some_and(|held| held.eq_ignore_ascii_case(urn)))
    };
    for urn in user.keys().filter(|name| name.contains(':')) {
        if !named(&schemas, urn) {
            schemas.push(urn.as_str().into());
        }
    }
    *entry(user, "schemas") = schemas.into();
}

/// Puts a value where the path points, making what leads there; `None` takes it away, and what it leaves empty.
pub(super) fn put(resource: &mut Resource, path: &Path, value: Option<Json>) {
    let Some(urn) = &path.schema else { return put_within(resource, path, value) };
    let Some(extension) = inside(resource, urn.as_str(), value.is_some()) else { return };
    put_within(extension, path, value);
    if extension.is_empty() {
        remove(resource, urn.as_str());
    }
}

fn put_within(within: &mut Resource, path: &Path, value: Option<Json>) {
    let attribute = path.attribute.as_str();
    match (&path.selector, &path.sub, value) {
        (None, None, Some(value)) => *entry(within, attribute) = value,
        (None, None, None) => remove(within, attribute),
        (None, Some(sub), value) => {
            let Some(parts) = inside(within, attribute, value.is_some()) else { return };
            put_member(parts, sub.as_str(), value);
            if parts.is_empty() {
                remove(within, attribute);
            }
        }
        (Some(selector), sub, value) => {
            let sub = sub.as_ref().map_or("value", Name::as_str);
            let elements = elements_mut(within, attribute);
            put_chosen(elements, selector, sub, value);
            if elements.is_empty() {
                remove(within, attribute);
            }
        }
    }
}

fn put_chosen(elements: &mut Vec<Json>, selector: &Selector, sub: &str, value: Option<Json>) {
    let Some(value) = value else {
        for element in elements.iter_mut().filter(|element| chooses(selector, element)) {
            element.as_object_mut().into_iter().for_each(|parts| remove(parts, sub));
        }
        elements.retain(|element| !(chooses(selector, element) && is_hollow(selector, element)));
        return;
    };
    let mut is_there = false;
    for parts in elements.iter_mut().filter(|element| chooses(selector, element)).filter_map(Json::as_object_mut) {
        *entry(parts, sub) = value.clone();
        is_there = true;
    }
    if !is_there {
        let mut parts = Resource::new();
        parts.insert(selector.sub.as_str().to_owned(), chosen(selector));
        *entry(&mut parts, sub) = value;
        elements.push(parts.into());
    }
}

/// Whether any value of the attribute is one that the path chooses.
pub(super) fn has_chosen(resource: &Resource, path: &Path) -> bool {
    let within = match &path.schema {
        None => Some(resource),
        Some(urn) => member(resource, urn.as_str()).and_then(Json::as_object),
    };
    let held = within.and_then(|within| member(within, path.attribute.as_str()));
    let Some(selector) = &path.selector else { return held.is_some() };
    match held {
        Some(Json::Array(elements)) => elements.iter().any(|element| chooses(selector, element)),
        Some(single) => chooses(selector, single),
        None => false,
    }
}

fn chooses(selector: &Selector, element: &Json) -> bool {
    match element.as_object().and_then(|parts| member(parts, selector.sub.as_str())) {
        Some(Json::String(text)) => text.eq_ignore_ascii_case(&selector.value),
        Some(Json::Bool(truth)) => selector.value.eq_ignore_ascii_case(if *truth { "true" } else { "false" }),
        _ => false,
    }
}

fn chosen(selector: &Selector) -> Json {
    match (selector.sub == *"primary", selector.value.as_str()) {
        (true, "true") => Json::Bool(true),
        (true, "false") => Json::Bool(false),
        (_, text) => text.into(),
    }
}

fn is_hollow(selector: &Selector, element: &Json) -> bool {
    let says_nothing = |name: &String| {
        name.eq_ignore_ascii_case(selector.sub.as_str()) || HOLLOW.iter().any(|held| name.eq_ignore_ascii_case(held))
    };
    element.as_object().is_some_and(|parts| parts.keys().all(says_nothing))
}

fn put_member(parts: &mut Resource, name: &str, value: Option<Json>) {
    match value {
        Some(value) => *entry(parts, name) = value,
        None => remove(parts, name),
    }
}

/// The member of this name, under the name it has there; null where it is new.
fn entry<'a>(resource: &'a mut Resource, name: &str) -> &'a mut Json {
    let held = resource.keys().find(|held| held.eq_ignore_ascii_case(name)).cloned();
    resource.entry(held.unwrap_or_else(|| name.to_owned())).or_insert(Json::Null)
}

fn remove(resource: &mut Resource, name: &str) {
    resource.retain(|held, _| !held.eq_ignore_ascii_case(name));
}

/// The object under this name; `None` where there is none and none shall be made.
fn inside<'a>(resource: &'a mut Resource, name: &str, make: bool) -> Option<&'a mut Resource> {
    if !make && !member(resource, name).is_some_and(Json::is_object) {
        return None;
    }
    let held = entry(resource, name);
    if !held.is_object() {
        *held = Resource::new().into();
    }
    held.as_object_mut()
}

/// The values under this name, as a list.
fn elements_mut<'a>(within: &'a mut Resource, name: &str) -> &'a mut Vec<Json> {
    let held = entry(within, name);
    if !held.is_array() {
        let single = held.take();
        *held = Json::Array(if single.is_null() { Vec::new() } else { vec![single] });
    }
    match held {
        Json::Array(elements) => elements,
        _ => unreachable!("made a list above"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::parse_path;

    fn check(before: Json, path: &str, value: Option<Json>, after: Json) {
        let mut resource = before.as_object().unwrap().clone();
        put(&mut resource, &parse_path(path).unwrap(), value);
        assert_eq!(Json::Object(resource), after, "{path}");
    }

    #[test]
    fn a_value_goes_where_the_path_points_and_nothing_else_moves() {
        let work = r#"emails[type eq "work"].value"#;
        check(json!({}), "name.givenName", Some(json!("A")), json!({ "name": { "givenName": "A" } }));
        check(json!({}), "urn:x:y:seat", Some(json!(7)), json!({ "urn:x:y": { "seat": 7 } }));
        check(json!({}), work, Some(json!("a@b")), json!({ "emails": [{ "type": "work", "value": "a@b" }] }));
        let both = json!({ "Emails": [{ "type": "home", "value": "h", "n": 1.50 }, { "type": "Work", "value": "w" }] });
        let changed =
            json!({ "Emails": [{ "type": "home", "value": "h", "n": 1.50 }, { "type": "Work", "value": "x" }] });
        check(both.clone(), work, Some(json!("x")), changed);
        check(both, work, None, json!({ "Emails": [{ "type": "home", "value": "h", "n": 1.50 }] }));
        let one = json!({ "emails": { "type": "work", "value": "w" } });
        check(one, work, Some(json!("x")), json!({ "emails": [{ "type": "work", "value": "x" }] }));
    }

    #[test]
    fn what_is_taken_away_leaves_nothing_hollow() {
        check(json!({ "name": { "givenName": "A" } }), "name.givenName", None, json!({}));
        check(json!({ "urn:x:y": { "seat": 7 }, "a": 1 }), "urn:x:y:seat", None, json!({ "a": 1 }));
        check(json!({ "a": 1 }), "urn:x:y:seat", None, json!({ "a": 1 }));
        let address = json!({ "addresses": [{ "type": "work", "locality": "Oslo", "country": "NO" }] });
        let left = json!({ "addresses": [{ "type": "work", "country": "NO" }] });
        check(address, r#"addresses[type eq "work"].locality"#, None, left);
        let only = json!({ "emails": [{ "type": "work", "value": "w", "primary": true }] });
        check(only, r#"emails[type eq "work"].value"#, None, json!({}));
        check(json!({}), r#"emails[type eq "work"].value"#, None, json!({}));
    }

    #[test]
    fn what_is_read_has_its_type_and_what_is_not_there_is_empty() {
        let user = json!({ "id": "1", "Active": "True", "emails": [
            { "type": "work", "value": "a" }, { "type": "work", "value": "a" }], "urn:x:y": { "seat": 7 }, "title": "" });
        let names = ["accountEnabled", r#"emails[type eq "work"].value"#, "urn:x:y:seat", "title", "nickName"];
        let known = known(user.as_object().unwrap(), &names.map(Name::new)).unwrap();
        let values: Vec<&Value> = names.iter().map(|name| known.attributes.get(name).unwrap()).collect();
        let expected = [Value::Boolean(true), Value::text("a"), Value::Integer(7), Value::Null, Value::Null];
        assert_eq!(values, expected.iter().collect::<Vec<_>>());
    }

    #[test]
    fn identifiers_are_compared_exactly_and_names_are_not() {
        let user = json!({ "userName": "Anna@X", "externalId": "Ab" });
        let holds = |path: &str, value: &str| holds(user.as_object().unwrap(), &parse_path(path).unwrap(), value);
        assert_eq!(holds("userName", "anna@x"), Some(true));
        assert_eq!(holds("externalId", "ab"), Some(false));
        assert_eq!(holds("externalId", "Ab"), Some(true));
        assert_eq!(holds("title", "x"), None);
    }
}
