//! The shape of a Graph user: which properties are special, and attributes to JSON and back.
//!
//! Attribute names are flat: `employeeOrgData.division` is a member of a property. What is not
//! named here is a text, and goes through as it is.

use serde_json::{Map, Value as Json};

use crate::model::{Attributes, Name, Value};

/// Properties that hold several values: cleared with `[]`, asked for with `any`.
const COLLECTIONS: [&str; 3] = ["businessPhones", "otherMails", "proxyAddresses"];

/// Collections that hold one value at most; flat, it is a text (`facts/graph_users.md` §4.1).
const COLLECTIONS_OF_ONE: [&str; 1] = ["businessPhones"];

/// Properties that are true or false, also where a mapping gave the word for it.
const BOOLEANS: [&str; 2] = ["accountEnabled", "showInAddressList"];

/// Properties on which `eq` needs an advanced query (`facts/graph_users.md` §4.1, column "A").
const ADVANCED: [&str; 15] = [
    "businessPhones",
    "companyName",
    "employeeHireDate",
    "employeeOrgData",
    "employeeType",
    "faxNumber",
    "mobilePhone",
    "officeLocation",
    "onPremisesExtensionAttributes",
    "passwordProfile",
    "postalCode",
    "preferredLanguage",
    "showInAddressList",
    "streetAddress",
    "passwordPolicies",
];

/// Written, never read, never reported.
pub(super) const PASSWORD: &str = "passwordProfile";

/// Replaced whole by Graph: a member that is not sent becomes null (`facts/graph_users.md` §4.2).
pub(super) const ORG_DATA: &str = "employeeOrgData";

/// The members of [`ORG_DATA`].
pub(super) const ORG_DATA_MEMBERS: [&str; 2] = ["division", "costCenter"];

/// The property an attribute is, or is a member of.
pub(super) fn property(attribute: &Name) -> &str {
    split(attribute.as_str()).0
}

fn split(attribute: &str) -> (&str, Option<&str>) {
    match attribute.split_once('.') {
        Some((property, member)) => (property, Some(member)),
        None => (attribute, None),
    }
}

fn is_one_of(property: &str, list: &[&str]) -> bool {
    list.iter().any(|name| name.eq_ignore_ascii_case(property))
}

pub(super) fn is_collection(property: &str) -> bool {
    is_one_of(property, &COLLECTIONS)
}

pub(super) fn needs_advanced_query(property: &str) -> bool {
    is_one_of(property, &ADVANCED)
}

pub(super) fn is_password(attribute: &Name) -> bool {
    property(attribute).eq_ignore_ascii_case(PASSWORD)
}

/// The body that sets `set` and clears `clear`.
pub(super) fn body(set: &Attributes, clear: &[Name]) -> Map<String, Json> {
    let mut body = Map::new();
    for (name, value) in set.iter() {
        put(&mut body, name.as_str(), value);
    }
    for name in clear {
        put(&mut body, name.as_str(), &Value::Null);
    }
    body
}

/// Puts one attribute into the body, inside its property where it is a member.
fn put(body: &mut Map<String, Json>, attribute: &str, value: &Value) {
    match split(attribute) {
        (property, None) => {
            body.insert(property.to_owned(), property_json(property, value));
        }
        (property, Some(member)) => {
            // Two spellings of one property must not become two properties.
            let held = body.keys().find(|key| key.eq_ignore_ascii_case(property)).cloned();
            let within =
                body.entry(held.unwrap_or_else(|| property.to_owned())).or_insert_with(|| Json::Object(Map::new()));
            if let Json::Object(members) = within {
                members.insert(member.to_owned(), json(&emptied(value)));
            }
        }
    }
}

fn property_json(property: &str, value: &Value) -> Json {
    if is_collection(property) {
        return match value {
            empty if empty.is_empty() => Json::Array(Vec::new()),
            Value::Many(_) => json(value),
            single => Json::Array(vec![json(single)]),
        };
    }
    match value {
        Value::Text(word) if is_one_of(property, &BOOLEANS) => truth(word).map_or_else(|| json(value), Json::Bool),
        value => json(&emptied(value)),
    }
}

/// Graph refuses an empty text and clears with null (`facts/graph_users.md` §4.2).
fn emptied(value: &Value) -> Value {
    match value {
        Value::Text(text) if text.is_empty() => Value::Null,
        other => other.clone(),
    }
}

fn truth(word: &str) -> Option<bool> {
    [("true", true), ("false", false)].iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, truth)| *truth)
}

fn json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Text(text) => Json::String(text.clone()),
        Value::Boolean(truth) => Json::Bool(*truth),
        Value::Integer(number) => Json::from(*number),
        Value::Many(values) => values.iter().map(json).collect(),
        Value::Complex(parts) => parts.iter().map(|(name, value)| (name.as_str().to_owned(), json(value))).collect(),
    }
}

/// What `user` holds under each of `wanted`. What was asked for and is empty there is null: it was looked at.
pub(super) fn attributes(user: &Map<String, Json>, wanted: &[Name]) -> Attributes {
    let readable = wanted.iter().filter(|name| !is_password(name));
    readable.map(|name| (name.clone(), flat(user, name.as_str()))).collect()
}

fn flat(user: &Map<String, Json>, attribute: &str) -> Value {
    let (property, member) = split(attribute);
    let Some(held) = member_of(user, property) else { return Value::Null };
    let held = match (member, held) {
        (None, held) => held,
        (Some(member), Json::Object(members)) => member_of(members, member).unwrap_or(&Json::Null),
        (Some(_), _) => &Json::Null,
    };
    match held {
        Json::Array(values) if is_one_of(property, &COLLECTIONS_OF_ONE) => values.first().map_or(Value::Null, value),
        Json::Array(values) if values.is_empty() => Value::Null,
        held => value(held),
    }
}

/// A member by its name, however it is spelled.
pub(super) fn member_of<'a>(object: &'a Map<String, Json>, name: &str) -> Option<&'a Json> {
    object.get(name).or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, held)| held))
}

fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::String(text) => Value::Text(text.clone()),
        Json::Bool(truth) => Value::Boolean(*truth),
        // A number with a fraction keeps its text, so that nothing is rounded.
        Json::Number(number) => number.as_i64().map_or_else(|| Value::Text(number.to_string()), Value::Integer),
        Json::Array(values) => Value::Many(values.iter().map(value).collect()),
        Json::Object(members) => {
            Value::Complex(members.iter().map(|(name, held)| (Name::new(name), value(held))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<Name> {
        list.iter().map(|name| Name::new(name)).collect()
    }

    fn check_out(set: &[(&str, Value)], clear: &[&str], expected: &str) {
        let set = set.iter().map(|(name, value)| (Name::new(name), value.clone())).collect();
        let body = Json::Object(body(&set, &names(clear)));
        assert_eq!(body, serde_json::from_str::<Json>(expected).unwrap());
    }

    fn check_in(user: &str, wanted: &str, expected: Value) {
        let user: Map<String, Json> = serde_json::from_str(user).unwrap();
        assert_eq!(attributes(&user, &names(&[wanted])).get(wanted), Some(&expected));
    }

    #[test]
    fn members_stand_inside_their_property() {
        check_out(
            &[
                ("employeeOrgData.division", Value::text("Sales")),
                ("EmployeeOrgData.costCenter", Value::text("4711")),
                ("onPremisesExtensionAttributes.extensionAttribute1", Value::text("x")),
            ],
            &["onPremisesExtensionAttributes.extensionAttribute2"],
            r#"{"EmployeeOrgData": {"division": "Sales", "costCenter": "4711"},
                "onPremisesExtensionAttributes": {"extensionAttribute1": "x", "extensionAttribute2": null}}"#,
        );
    }

    #[test]
    fn what_is_cleared_becomes_null_and_a_collection_empty() {
        check_out(&[], &["department", "businessPhones"], r#"{"department": null, "businessPhones": []}"#);
        check_out(&[("jobTitle", Value::text(""))], &[], r#"{"jobTitle": null}"#);
        check_out(&[("otherMails", Value::Null)], &[], r#"{"otherMails": []}"#);
    }

    #[test]
    fn a_single_telephone_number_becomes_a_list() {
        check_out(&[("businessPhones", Value::text("+49 1"))], &[], r#"{"businessPhones": ["+49 1"]}"#);
        let many = Value::Many(vec![Value::text("a@x.example")]);
        check_out(&[("otherMails", many)], &[], r#"{"otherMails": ["a@x.example"]}"#);
    }

    #[test]
    fn the_word_for_true_is_true() {
        check_out(&[("accountEnabled", Value::text("False"))], &[], r#"{"accountEnabled": false}"#);
        check_out(&[("department", Value::text("True"))], &[], r#"{"department": "True"}"#);
    }

    #[test]
    fn what_was_read_comes_back_flat() {
        let user = r#"{"displayName": "Anna", "department": null, "businessPhones": ["+49 1"], "otherMails": [],
            "accountEnabled": true, "employeeOrgData": {"division": "Sales", "costCenter": null}}"#;
        check_in(user, "DISPLAYNAME", Value::text("Anna"));
        check_in(user, "department", Value::Null);
        check_in(user, "businessPhones", Value::text("+49 1"));
        check_in(user, "otherMails", Value::Null);
        check_in(user, "accountEnabled", Value::Boolean(true));
        check_in(user, "employeeOrgData.division", Value::text("Sales"));
        check_in(user, "employeeOrgData.costCenter", Value::Null);
        check_in(user, "onPremisesExtensionAttributes.extensionAttribute1", Value::Null);
    }

    #[test]
    fn a_password_is_never_read() {
        let user: Map<String, Json> = serde_json::from_str(r#"{"passwordProfile": {"password": "secret"}}"#).unwrap();
        assert!(attributes(&user, &names(&["passwordProfile.password", "passwordProfile"])).is_empty());
    }
}
