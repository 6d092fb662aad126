//! The attributes a SCIM user may have: the core User and the Enterprise extension (RFC 7643 §4.1, §4.3, §8.7.1).

use std::sync::LazyLock;

use crate::model::{Name, Path, Selector};

/// The core user's schema.
pub const CORE_USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The Enterprise extension's schema.
pub const ENTERPRISE_USER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// The message schema of a bulk request (RFC 7644 §3.7).
pub const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

/// What a value of an attribute is (RFC 7643 §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// A text.
    Text,
    /// True or false.
    Boolean,
    /// A whole number.
    Integer,
    /// A moment, written as text.
    DateTime,
    /// A URI, written as text.
    Reference,
    /// Bytes, written as base64 text.
    Binary,
    /// Sub-attributes.
    Complex,
}

/// What may stand where a path points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// What one value is.
    pub what: Type,
    /// Whether there may be several.
    pub many: bool,
    /// Whether texts that differ in case differ (`caseExact`, RFC 7643 §2.2).
    pub case_exact: bool,
}

impl Kind {
    /// What an attribute is that a job declares itself: one text, compared without regard to case
    /// (`facts/entra.md` §1.6).
    pub const CUSTOM: Self = Self { what: Type::Text, many: false, case_exact: false };
}

/// What happens to an attribute when a user is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// It becomes one of the person's attributes.
    Kept,
    /// It becomes the anchor (`externalId`).
    Anchor,
    /// It is passed over: a source cannot say it, or muster must not hold it (`password`).
    Dropped,
}

/// One attribute of a schema.
#[derive(Debug)]
pub struct Attribute {
    /// Its name, shared: values that carry it clone a pointer.
    pub name: Name,
    /// What may stand there.
    pub kind: Kind,
    /// Whether muster holds it.
    pub keeping: Keeping,
    /// Its sub-attributes, where it is complex.
    pub parts: Vec<Attribute>,
}

/// A schema that muster knows by heart.
#[derive(Debug)]
pub struct Schema {
    /// Its URN.
    pub urn: Name,
    /// Its attributes.
    pub attributes: Vec<Attribute>,
}

/// The core user.
pub static CORE: LazyLock<Schema> =
    LazyLock::new(|| Schema { urn: Name::new(CORE_USER), attributes: core_attributes() });

/// The Enterprise extension.
pub static ENTERPRISE: LazyLock<Schema> =
    LazyLock::new(|| Schema { urn: Name::new(ENTERPRISE_USER), attributes: enterprise_attributes() });

/// The schema of this URN, if muster knows it.
pub fn schema(urn: &str) -> Option<&'static Schema> {
    [&*CORE, &*ENTERPRISE].into_iter().find(|schema| schema.urn == *urn)
}

/// The attribute of this name, whatever the case it is written in.
pub fn find<'a>(among: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    among.iter().find(|attribute| attribute.name == *name)
}

/// The known attribute a path points into, without its sub-attribute.
pub fn attribute_of(path: &Path) -> Option<&'static Attribute> {
    let schema = match &path.schema {
        None => &*CORE,
        Some(urn) => schema(urn.as_str())?,
    };
    find(&schema.attributes, path.attribute.as_str())
}

/// What stands where a path points, if a known schema says so.
pub fn kind_of(path: &Path) -> Option<Kind> {
    let attribute = attribute_of(path)?;
    let many = attribute.kind.many && path.selector.is_none();
    match &path.sub {
        None => Some(Kind { many, ..attribute.kind }),
        Some(sub) => find(&attribute.parts, sub.as_str()).map(|part| Kind { many, ..part.kind }),
    }
}

/// Every path of the known schemas that muster holds, as an administrator would write it.
///
/// Multi-valued attributes appear with the `work` selector that mappings use (`facts/entra.md` §1.6).
pub fn paths() -> impl Iterator<Item = Path> {
    let core = CORE.attributes.iter().map(|attribute| (None, attribute));
    let enterprise = ENTERPRISE.attributes.iter().map(|attribute| (Some(&ENTERPRISE.urn), attribute));
    core.chain(enterprise)
        .filter(|(_, attribute)| attribute.keeping != Keeping::Dropped)
        .flat_map(|(urn, attribute)| paths_of(urn, attribute))
}

fn paths_of(urn: Option<&Name>, attribute: &'static Attribute) -> Vec<Path> {
    let whole = Path { schema: urn.cloned(), attribute: attribute.name.clone(), selector: None, sub: None };
    let chosen = find(&attribute.parts, "type").filter(|_| attribute.kind.many);
    let selector = chosen.map(|part| Selector { sub: part.name.clone(), value: "work".to_owned() });
    let within = attribute.parts.iter().map(|part| Path {
        selector: selector.clone().filter(|selector| selector.sub != part.name),
        sub: Some(part.name.clone()),
        ..whole.clone()
    });
    let mut paths: Vec<Path> = within.collect();
    paths.insert(0, whole);
    paths
}

fn core_attributes() -> Vec<Attribute> {
    let mut attributes =
        texts(&["userName", "displayName", "nickName", "title", "userType", "preferredLanguage", "locale", "timezone"]);
    attributes.extend([
        complex("name", texts(NAME_PARTS)),
        one("active", Type::Boolean, false),
        list("emails", plural(one("value", Type::Text, false))),
        list("phoneNumbers", plural(one("value", Type::Text, false))),
        list("addresses", address_parts()),
        one("externalId", Type::Text, true).keeping(Keeping::Anchor),
        list("schemas", Vec::new()).keeping(Keeping::Dropped),
        one("id", Type::Text, true).keeping(Keeping::Dropped),
        one("password", Type::Text, true).keeping(Keeping::Dropped),
        complex("meta", meta_parts()).keeping(Keeping::Dropped),
        one("profileUrl", Type::Reference, true),
        list("ims", plural(one("value", Type::Text, false))),
        list("photos", plural(one("value", Type::Reference, true))),
        list("groups", with_reference(plural(one("value", Type::Text, false)))),
        list("entitlements", plural(one("value", Type::Text, false))),
        list("roles", plural(one("value", Type::Text, false))),
        list("x509Certificates", plural(one("value", Type::Binary, true))),
    ]);
    attributes
}

fn enterprise_attributes() -> Vec<Attribute> {
    let mut attributes = texts(&["employeeNumber", "costCenter", "organization", "division", "department"]);
    attributes.push(complex("manager", with_reference(texts(&["value", "displayName"]))));
    attributes
}

const NAME_PARTS: &[&str] =
    &["formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix"];

fn address_parts() -> Vec<Attribute> {
    let mut parts = texts(&["formatted", "streetAddress", "locality", "region", "postalCode", "country", "type"]);
    parts.push(one("primary", Type::Boolean, false));
    parts
}

fn meta_parts() -> Vec<Attribute> {
    vec![
        one("resourceType", Type::Text, true),
        one("created", Type::DateTime, false),
        one("lastModified", Type::DateTime, false),
        one("location", Type::Reference, true),
        one("version", Type::Text, true),
    ]
}

/// The sub-attributes that multi-valued attributes have in common (RFC 7643 §2.4).
fn plural(value: Attribute) -> Vec<Attribute> {
    let mut parts = texts(&["display", "type"]);
    parts.insert(0, value);
    parts.push(one("primary", Type::Boolean, false));
    parts
}

fn with_reference(mut parts: Vec<Attribute>) -> Vec<Attribute> {
    parts.push(one("$ref", Type::Reference, true));
    parts
}

fn texts(names: &[&str]) -> Vec<Attribute> {
    names.iter().map(|name| one(name, Type::Text, false)).collect()
}

fn one(name: &str, what: Type, case_exact: bool) -> Attribute {
    let kind = Kind { what, many: false, case_exact };
    Attribute { name: Name::new(name), kind, keeping: Keeping::Kept, parts: Vec::new() }
}

fn complex(name: &str, parts: Vec<Attribute>) -> Attribute {
    Attribute { parts, ..one(name, Type::Complex, false) }
}

fn list(name: &str, parts: Vec<Attribute>) -> Attribute {
    let kind = Kind { what: Type::Complex, many: true, case_exact: false };
    Attribute { kind, ..complex(name, parts) }
}

impl Attribute {
    fn keeping(self, keeping: Keeping) -> Self {
        Self { keeping, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(path: Path) -> Kind {
        kind_of(&path).expect("known")
    }

    #[test]
    fn identifiers_are_compared_with_their_case_and_names_without() {
        assert!(kind(Path::simple("externalId")).case_exact);
        assert!(kind(Path::simple("ID")).case_exact);
        assert!(!kind(Path::simple("userName")).case_exact);
    }

    #[test]
    fn one_value_is_left_of_many_when_a_selector_chooses() {
        let emails = paths().find(|path| path.to_string() == r#"emails[type eq "work"].value"#).expect("listed");
        assert!(!kind(emails).many);
        assert!(kind(Path::simple("emails")).many);
    }

    #[test]
    fn passwords_and_server_identifiers_are_never_suggested() {
        assert!(!paths().any(|path| ["password", "id", "meta", "schemas"].contains(&path.attribute.as_str())));
    }
}
