//! Paths and filters, as Microsoft Graph wants them written.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::shape;
use crate::model::{Name, ObjectId};

/// Most values in one `in` filter (`facts/graph_users.md` §5).
pub(super) const IN_MAX: usize = 15;

/// How many users a search for one value asks for: the second is enough to know that it is not one.
pub(super) const FOUND_MAX: usize = 2;

/// How many users a search for several values asks for: Graph's own page, far more than there are values.
const FOUND_MANY_MAX: usize = 100;

/// What need not be encoded in a path segment or a query value (RFC 3986, unreserved).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Read of every account besides what is asked for: who it is, and whose.
const ALWAYS: [&str; 2] = ["id", "onPremisesSyncEnabled"];

/// All users.
pub(super) const USERS: &str = "/users";

/// All deleted users. The cast is required (`facts/graph_users.md` §11).
const BIN: &str = "/directory/deletedItems/microsoft.graph.user";

/// All groups.
pub(super) const GROUPS: &str = "/groups";

/// A question to Graph: a path behind the version, and whether it is an advanced query.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) path: String,
    pub(super) advanced: bool,
}

/// Where users are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// Among those who are there.
    Living,
    /// Among those who were deleted and can be restored.
    Bin,
}

/// One user, all that is asked for.
pub(super) fn one(object: &ObjectId, attributes: &[Name]) -> Query {
    Query { path: format!("{}?$select={}", user(object), select(attributes, &[])), advanced: false }
}

/// The users under whom one of the values stands. Attributes and the key are read of them.
pub(super) fn by_key(place: Place, key: &Name, values: &[&str], attributes: &[Name]) -> Query {
    let advanced = shape::needs_advanced_query(shape::property(key));
    let filter = utf8_percent_encode(&filter(key, values), ENCODED).to_string();
    let top = if values.len() == 1 { FOUND_MAX } else { FOUND_MANY_MAX };
    let (path, besides): (_, &[&str]) = match place {
        Place::Living => (USERS, &[]),
        Place::Bin => (BIN, &["deletedDateTime"]),
    };
    let top = if place == Place::Bin { FOUND_MANY_MAX } else { top };
    let mut path = format!("{path}?$filter={filter}&$top={top}&$select={}", select(attributes, besides));
    if advanced {
        path.push_str("&$count=true");
    }
    Query { path, advanced }
}

/// One user.
pub(super) fn user(object: &ObjectId) -> String {
    format!("{USERS}/{}", encoded(object.as_str()))
}

/// The reference to a user's manager.
pub(super) fn manager(object: &ObjectId) -> String {
    format!("{}/manager/$ref", user(object))
}

/// Where a deleted user is brought back.
pub(super) fn restore(object: &ObjectId) -> String {
    format!("/directory/deletedItems/{}/restore", encoded(object.as_str()))
}

/// What a group must tell of itself before it gets members.
const GROUP: &str = "id,displayName,groupTypes,mailEnabled,securityEnabled,onPremisesSyncEnabled";

/// One group.
pub(super) fn group(id: &str) -> Query {
    Query { path: format!("{GROUPS}/{}?$select={GROUP}", encoded(id)), advanced: false }
}

/// The groups of that display name.
pub(super) fn groups_named(name: &str) -> Query {
    let filter = encoded(&format!("displayName eq {}", literal(name)));
    Query { path: format!("{GROUPS}?$filter={filter}&$top={FOUND_MAX}&$select={GROUP}"), advanced: false }
}

/// The references to the members of a group.
pub(super) fn members(group: &str) -> String {
    format!("{GROUPS}/{}/members/$ref", encoded(group))
}

/// The reference to one member of a group.
pub(super) fn member(group: &str, object: &ObjectId) -> String {
    format!("{GROUPS}/{}/members/{}/$ref", encoded(group), encoded(object.as_str()))
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

fn literal(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

fn filter(key: &Name, values: &[&str]) -> String {
    let path = key.as_str().replace('.', "/");
    match values {
        [value] if shape::is_collection(key.as_str()) => format!("{path}/any(x:x eq {})", literal(value)),
        [value] => format!("{path} eq {}", literal(value)),
        values => {
            let literals: Vec<String> = values.iter().map(|value| literal(value)).collect();
            format!("{path} in ({})", literals.join(","))
        }
    }
}

fn select(attributes: &[Name], besides: &[&str]) -> String {
    let mut properties: Vec<&str> = ALWAYS.iter().chain(besides).copied().collect();
    for attribute in attributes.iter().filter(|name| !shape::is_password(name)) {
        let property = shape::property(attribute);
        if !properties.iter().any(|held| held.eq_ignore_ascii_case(property)) {
            properties.push(property);
        }
    }
    let encoded: Vec<String> = properties.iter().map(|name| encoded(name)).collect();
    encoded.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: &str, value: &str, attributes: &[&str], expected: &str) {
        let attributes: Vec<Name> = attributes.iter().map(|name| Name::new(name)).collect();
        let query = by_key(Place::Living, &Name::new(key), &[value], &attributes);
        assert_eq!(query.path, format!("/users?{expected}"));
    }

    #[test]
    fn several_values_stand_in_one_filter() {
        let query = by_key(Place::Bin, &Name::new("employeeId"), &["a", "o'b"], &[]);
        let expected = "/directory/deletedItems/microsoft.graph.user?$filter=employeeId%20in%20%28%27a%27%2C%27o%27%27b%27%29\
                        &$top=100&$select=id,onPremisesSyncEnabled,deletedDateTime";
        assert_eq!(query, Query { path: expected.to_owned(), advanced: false });
    }

    #[test]
    fn a_quote_in_a_value_cannot_end_the_literal() {
        check(
            "mail",
            "o'neil' or '1' eq '1",
            &[],
            "$filter=mail%20eq%20%27o%27%27neil%27%27%20or%20%27%271%27%27%20eq%20%27%271%27&$top=2&$select=id,onPremisesSyncEnabled",
        );
    }

    #[test]
    fn what_would_end_the_query_is_encoded() {
        check(
            "employeeId",
            "7&$top=999#+ü",
            &[
                "displayName",
                "employeeOrgData.division",
                "employeeOrgData.costCenter",
                "passwordProfile.password",
                "ID",
            ],
            "$filter=employeeId%20eq%20%277%26%24top%3D999%23%2B%C3%BC%27&$top=2&$select=id,onPremisesSyncEnabled,displayName,employeeOrgData",
        );
    }

    #[test]
    fn keys_outside_the_default_index_ask_for_an_advanced_query() {
        check(
            "onPremisesExtensionAttributes.extensionAttribute1",
            "7",
            &[],
            "$filter=onPremisesExtensionAttributes%2FextensionAttribute1%20eq%20%277%27&$top=2&$select=id,onPremisesSyncEnabled&$count=true",
        );
        check(
            "otherMails",
            "a@x.example",
            &[],
            "$filter=otherMails%2Fany%28x%3Ax%20eq%20%27a%40x.example%27%29&$top=2&$select=id,onPremisesSyncEnabled",
        );
    }

    #[test]
    fn an_object_cannot_climb_out_of_its_place_in_the_path() {
        let object = ObjectId::new("../groups?x");
        assert_eq!(user(&object), "/users/..%2Fgroups%3Fx");
    }
}
