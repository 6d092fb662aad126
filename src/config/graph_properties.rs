//! The properties of a Graph user that a mapping may write (`facts/graph_users.md` §4.1), by their flat names.

use crate::mapping::Shape;

/// What a mapping may do with a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Property {
    /// Write it; it holds this.
    Writable(Shape),
    /// Nothing: Graph sets it itself.
    ReadOnly,
    /// Nothing: initial passwords are made by the writer and are no part of what is compared.
    Password,
    /// Nothing as a whole: its members are written one by one.
    Members(&'static str),
}

/// Without these Graph makes no account, and nothing stands in for them.
pub(super) const REQUIRED: [&str; 2] = ["userPrincipalName", "displayName"];

/// How many `extensionAttribute`s there are.
const EXTENSION_ATTRIBUTES: u32 = 15;

const TEXTS: [&str; 31] = [
    "ageGroup",
    "businessPhones",
    "city",
    "companyName",
    "consentProvidedForMinor",
    "country",
    "department",
    "displayName",
    "employeeId",
    "employeeOrgData.costCenter",
    "employeeOrgData.division",
    "employeeType",
    "faxNumber",
    "givenName",
    "jobTitle",
    "mail",
    "mailNickname",
    "manager",
    "mobilePhone",
    "officeLocation",
    "onPremisesImmutableId",
    "passwordPolicies",
    "postalCode",
    "preferredDataLocation",
    "preferredLanguage",
    "state",
    "streetAddress",
    "surname",
    "usageLocation",
    "userPrincipalName",
    "userType",
];

const OTHERS: [(&str, Property); 11] = [
    ("accountEnabled", Property::Writable(Shape::Boolean)),
    ("createdDateTime", Property::ReadOnly),
    ("employeeHireDate", Property::Writable(Shape::Moment)),
    ("employeeLeaveDateTime", Property::Writable(Shape::Moment)),
    ("employeeOrgData", Property::Members("employeeOrgData.division")),
    ("onPremisesExtensionAttributes", Property::Members("onPremisesExtensionAttributes.extensionAttribute1")),
    ("onPremisesSyncEnabled", Property::ReadOnly),
    ("otherMails", Property::Writable(Shape::List)),
    ("passwordProfile", Property::Password),
    ("proxyAddresses", Property::ReadOnly),
    ("showInAddressList", Property::Writable(Shape::Boolean)),
];

/// The property of this name, whatever the case of its letters; `None` where Graph has none.
pub(super) fn property(name: &str) -> Option<Property> {
    if let Some((_, property)) = OTHERS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
        return Some(*property);
    }
    let is_text = TEXTS.iter().any(|known| known.eq_ignore_ascii_case(name))
        || extension_attributes().any(|known| known.eq_ignore_ascii_case(name))
        || is_directory_extension(name);
    let shape = if is_directory_extension(name) { Shape::AsItComes } else { Shape::Text };
    is_text.then_some(Property::Writable(shape))
}

/// `extension_<application id without dashes>_<name>`: a property the tenant has added (directory extensions).
///
/// Only the tenant knows of what type each is, so that what the source says keeps its own.
fn is_directory_extension(name: &str) -> bool {
    let parts = name.strip_prefix("extension_").and_then(|rest| rest.split_once('_'));
    parts.is_some_and(|(id, own)| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()) && !own.is_empty())
}

fn extension_attributes() -> impl Iterator<Item = String> {
    (1..=EXTENSION_ATTRIBUTES).map(|number| format!("onPremisesExtensionAttributes.extensionAttribute{number}"))
}

/// The names that may be written, and the last part of each, which people often write alone.
pub(super) fn suggestion(name: &str) -> Option<String> {
    let all: Vec<String> = TEXTS
        .iter()
        .copied()
        .chain(OTHERS.iter().filter(|(_, kind)| matches!(kind, Property::Writable(_))).map(|(name, _)| *name))
        .map(str::to_owned)
        .chain(extension_attributes())
        .collect();
    let last = |full: &str| full.rsplit('.').next().unwrap_or_default().to_owned();
    let by_last = all.iter().find(|full| full.contains('.') && last(full).eq_ignore_ascii_case(name));
    by_last.cloned().or_else(|| super::nearest::nearest(name, all.iter().map(String::as_str)).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_known_by_their_flat_names() {
        assert_eq!(property("displayname"), Some(Property::Writable(Shape::Text)));
        assert_eq!(
            property("onPremisesExtensionAttributes.extensionAttribute15"),
            Some(Property::Writable(Shape::Text))
        );
        assert_eq!(
            property("extension_0123456789abcdef0123456789abcdef_badge"),
            Some(Property::Writable(Shape::AsItComes))
        );
        assert_eq!(property("onPremisesExtensionAttributes.extensionAttribute16"), None);
        assert_eq!(property("proxyAddresses"), Some(Property::ReadOnly));
    }

    #[test]
    fn a_slip_or_a_half_name_finds_its_property() {
        assert_eq!(suggestion("dispalyName").as_deref(), Some("displayName"));
        assert_eq!(suggestion("division").as_deref(), Some("employeeOrgData.division"));
        assert_eq!(suggestion("shoeSize"), None);
    }
}
