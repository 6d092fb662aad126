//! Addresses and filters, as Microsoft Graph wants them written.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::shape;
use crate::model::{Name, ObjectId};

/// How many users a search by key asks for: the second is enough to know that it is not one.
const FOUND_MAX: u32 = 2;

/// What need not be encoded in a path segment or a query value (RFC 3986, unreserved).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Read of every account besides what is asked for: who it is, and whose.
const ALWAYS: [&str; 2] = ["id", "onPremisesSyncEnabled"];

/// A question to Graph: an address, and whether it is an advanced query.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) url: String,
    pub(super) advanced: bool,
}

/// One user, all that is asked for.
pub(super) fn one(base: &Url, object: &ObjectId, attributes: &[Name]) -> Query {
    Query { url: format!("{}?$select={}", user(base, object), select(attributes)), advanced: false }
}

/// The users under whom a key stands.
pub(super) fn by_key(base: &Url, key: &Name, value: &str, attributes: &[Name]) -> Query {
    let advanced = shape::needs_advanced_query(shape::property(key));
    let filter = utf8_percent_encode(&filter(key, value), ENCODED).to_string();
    let mut url = format!("{}?$filter={filter}&$top={FOUND_MAX}&$select={}", users(base), select(attributes));
    if advanced {
        url.push_str("&$count=true");
    }
    Query { url, advanced }
}

/// All users.
pub(super) fn users(base: &Url) -> String {
    format!("{}/users", base.as_str().trim_end_matches('/'))
}

/// One user.
pub(super) fn user(base: &Url, object: &ObjectId) -> String {
    format!("{}/{}", users(base), utf8_percent_encode(object.as_str(), ENCODED))
}

/// The reference to a user's manager.
pub(super) fn manager(base: &Url, object: &ObjectId) -> String {
    format!("{}/manager/$ref", user(base, object))
}

fn filter(key: &Name, value: &str) -> String {
    let path = key.as_str().replace('.', "/");
    let literal = value.replace('\'', "''");
    if shape::is_collection(key.as_str()) {
        format!("{path}/any(x:x eq '{literal}')")
    } else {
        format!("{path} eq '{literal}'")
    }
}

fn select(attributes: &[Name]) -> String {
    let mut properties: Vec<&str> = ALWAYS.to_vec();
    for attribute in attributes.iter().filter(|name| !shape::is_password(name)) {
        let property = shape::property(attribute);
        if !properties.iter().any(|held| held.eq_ignore_ascii_case(property)) {
            properties.push(property);
        }
    }
    let encoded: Vec<String> = properties.iter().map(|name| utf8_percent_encode(name, ENCODED).to_string()).collect();
    encoded.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: &str, value: &str, attributes: &[&str], expected: &str) {
        let base = Url::parse("https://graph.example/v1.0/").unwrap();
        let attributes: Vec<Name> = attributes.iter().map(|name| Name::new(name)).collect();
        let query = by_key(&base, &Name::new(key), value, &attributes);
        assert_eq!(query.url, format!("https://graph.example/v1.0/users?{expected}"));
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
        let base = Url::parse("https://graph.example/v1.0").unwrap();
        let object = ObjectId::new("../groups?x");
        assert_eq!(user(&base, &object), "https://graph.example/v1.0/users/..%2Fgroups%3Fx");
    }
}
