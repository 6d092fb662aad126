//! The properties of a practice user, and what each takes (`facts/graph_users.md` §4.1).

use serde_json::{Map, Value as Json};

use super::answer::Refusal;

/// How many numbers `businessPhones` takes, though it is a collection.
const BUSINESS_PHONES_MAX: usize = 1;

/// How many addresses `otherMails` takes, and how long each may be.
const OTHER_MAILS_MAX: usize = 250;

/// For texts whose greatest length Microsoft does not publish.
const UNPUBLISHED_CHARS_MAX: usize = 1024;

/// Bounds of a password (`facts/graph_users.md` §3).
const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 8..=256;

/// Of lower case, upper case, digits and symbols, how many a password must have.
const PASSWORD_KINDS_MIN: usize = 3;

const ORG_DATA: &[&str] = &["division", "costCenter"];

const EXTENSION_ATTRIBUTES: &[&str] = &[
    "extensionAttribute1",
    "extensionAttribute2",
    "extensionAttribute3",
    "extensionAttribute4",
    "extensionAttribute5",
    "extensionAttribute6",
    "extensionAttribute7",
    "extensionAttribute8",
    "extensionAttribute9",
    "extensionAttribute10",
    "extensionAttribute11",
    "extensionAttribute12",
    "extensionAttribute13",
    "extensionAttribute14",
    "extensionAttribute15",
];

/// What a property takes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// A text of at most so many characters.
    Text(usize),
    /// One of these words.
    Word(&'static [&'static str]),
    /// True or false.
    Truth,
    /// A date with its time: a bare date is none.
    Moment,
    /// At most so many texts of at most so many characters.
    Texts(usize, usize),
    /// Texts under these names; replaced whole or member by member.
    Members { names: &'static [&'static str], whole: bool },
    /// An e-mail address; it cannot be taken away (`facts/graph_users.md` §4.2).
    Mail,
    /// A user principal name; its domain is checked where the domains are known.
    PrincipalName,
    /// A text without `$` and `_`.
    ImmutableId,
    /// Two letters; they cannot be taken away.
    Country,
    /// Checked, and not kept.
    Password,
}

/// How a property may be asked for in `$filter`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filtering {
    Plain,
    Advanced,
    Unsupported,
}

/// One property.
#[derive(Debug, Clone, Copy)]
pub(super) struct Property {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) filtering: Filtering,
    /// Answered without being asked for.
    pub(super) default: bool,
    /// Required, so it cannot be emptied.
    pub(super) kept: bool,
    pub(super) read_only: bool,
    /// May be written on a user that directory synchronisation owns (`facts/graph_users.md` §14).
    pub(super) cloud: bool,
}

const fn property(name: &'static str, kind: Kind) -> Property {
    Property { name, kind, filtering: Filtering::Plain, default: false, kept: false, read_only: false, cloud: false }
}

const fn text(name: &'static str, chars: usize) -> Property {
    property(name, Kind::Text(chars))
}

impl Property {
    const fn advanced(self) -> Self {
        Self { filtering: Filtering::Advanced, ..self }
    }

    const fn unfiltered(self) -> Self {
        Self { filtering: Filtering::Unsupported, ..self }
    }

    const fn default(self) -> Self {
        Self { default: true, ..self }
    }

    const fn kept(self) -> Self {
        Self { kept: true, ..self }
    }

    const fn read_only(self) -> Self {
        Self { read_only: true, ..self }
    }

    const fn cloud(self) -> Self {
        Self { cloud: true, ..self }
    }
}

/// All properties, those answered by default first.
pub(super) const PROPERTIES: &[Property] = &[
    property("businessPhones", Kind::Texts(BUSINESS_PHONES_MAX, 64)).default().advanced(),
    text("displayName", 256).default().kept(),
    text("givenName", 64).default(),
    text("jobTitle", 128).default(),
    property("mail", Kind::Mail).default(),
    text("mobilePhone", 64).default().advanced(),
    text("officeLocation", 128).default().advanced(),
    text("preferredLanguage", UNPUBLISHED_CHARS_MAX).default().advanced(),
    text("surname", 64).default(),
    property("userPrincipalName", Kind::PrincipalName).default().kept(),
    text("id", 36).default().read_only(),
    property("accountEnabled", Kind::Truth).kept(),
    property("ageGroup", Kind::Word(&["Minor", "NotAdult", "Adult"])).cloud(),
    text("city", 128),
    text("companyName", 64).advanced(),
    property("consentProvidedForMinor", Kind::Word(&["Granted", "Denied", "NotRequired"])).cloud(),
    text("country", 128),
    property("createdDateTime", Kind::Moment).read_only(),
    property("deletedDateTime", Kind::Moment).read_only().unfiltered(),
    text("department", 64),
    property("employeeHireDate", Kind::Moment).advanced().cloud(),
    text("employeeId", 16),
    property("employeeLeaveDateTime", Kind::Moment).unfiltered().cloud(),
    property("employeeOrgData", Kind::Members { names: ORG_DATA, whole: true }).advanced().cloud(),
    text("employeeType", UNPUBLISHED_CHARS_MAX).advanced(),
    text("faxNumber", 64).advanced(),
    text("mailNickname", 64).kept(),
    property("onPremisesExtensionAttributes", Kind::Members { names: EXTENSION_ATTRIBUTES, whole: false }).advanced(),
    property("onPremisesImmutableId", Kind::ImmutableId),
    property("onPremisesSyncEnabled", Kind::Truth).read_only(),
    property("otherMails", Kind::Texts(OTHER_MAILS_MAX, 250)).cloud(),
    text("passwordPolicies", UNPUBLISHED_CHARS_MAX).unfiltered().cloud(),
    property("passwordProfile", Kind::Password).unfiltered(),
    text("postalCode", 40).advanced(),
    text("preferredDataLocation", UNPUBLISHED_CHARS_MAX).unfiltered().cloud(),
    property("proxyAddresses", Kind::Texts(250, 250)).read_only(),
    property("showInAddressList", Kind::Truth).advanced(),
    text("state", 128),
    text("streetAddress", 1024).advanced(),
    property("usageLocation", Kind::Country).cloud(),
    property("userType", Kind::Word(&["Member", "Guest"])).cloud(),
];

/// The property of that name, however it is spelled (`facts/graph_users.md` §4.2).
pub(super) fn find(name: &str) -> Option<&'static Property> {
    PROPERTIES.iter().find(|property| property.name.eq_ignore_ascii_case(name))
}

/// What a new user holds under a property of which nothing was said.
pub(super) fn unsaid(property: &Property) -> Json {
    match property.kind {
        Kind::Texts(..) => Json::Array(Vec::new()),
        Kind::Members { names, .. } if property.name == "onPremisesExtensionAttributes" => {
            names.iter().map(|name| ((*name).to_owned(), Json::Null)).collect::<Map<_, _>>().into()
        }
        _ => Json::Null,
    }
}

/// Takes a value for a property over what it `held`, or says why not.
pub(super) fn take(property: &Property, value: &Json, held: Option<&Json>) -> Result<Json, Refusal> {
    let invalid = || Refusal::invalid(property.name);
    match (property.kind, value) {
        (Kind::Texts(..), Json::Null) => Err(invalid()),
        (Kind::Mail | Kind::Country, Json::Null) => Err(invalid()),
        (_, Json::Null) if property.kept => Err(Refusal::required(property.name)),
        (_, Json::Null) => Ok(unsaid(property)),
        (Kind::Truth, Json::Bool(_)) => Ok(value.clone()),
        (Kind::Texts(count, chars), Json::Array(values)) => take_texts(property, values, count, chars),
        (Kind::Members { names, whole }, Json::Object(members)) => take_members(property, members, names, whole, held),
        (Kind::Password, Json::Object(profile)) => take_password(profile),
        (Kind::Truth | Kind::Texts(..) | Kind::Members { .. } | Kind::Password, _) => Err(invalid()),
        (_, Json::String(text)) => take_text(property, text).map(Json::String),
        _ => Err(invalid()),
    }
}

fn take_text(property: &Property, text: &str) -> Result<String, Refusal> {
    let name = property.name;
    let is_good = match property.kind {
        _ if text.is_empty() => return Err(Refusal::invalid(name)),
        Kind::Text(chars) if text.chars().count() > chars => return Err(Refusal::length(name)),
        Kind::Moment => return moment(text).ok_or_else(|| Refusal::invalid(name)),
        Kind::PrincipalName => return check_principal_name(text).map(|()| text.to_owned()),
        Kind::Word(words) => words.iter().any(|word| word.eq_ignore_ascii_case(text)),
        Kind::Mail => text.is_ascii() && text.split('@').filter(|part| !part.is_empty()).count() == 2,
        Kind::ImmutableId => !text.contains(['$', '_']),
        Kind::Country => text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic()),
        _ => true,
    };
    if is_good { Ok(text.to_owned()) } else { Err(Refusal::invalid(name)) }
}

/// The moment as Graph writes it, without a fraction.
fn moment(text: &str) -> Option<String> {
    let moment: jiff::Timestamp = text.parse().ok()?;
    Some(format!("{moment:.0}"))
}

fn take_texts(property: &Property, values: &[Json], count: usize, chars: usize) -> Result<Json, Refusal> {
    let is_good = |value: &Json| value.as_str().is_some_and(|text| !text.is_empty() && text.chars().count() <= chars);
    if values.len() > count || !values.iter().all(is_good) {
        return Err(Refusal::invalid(property.name));
    }
    Ok(Json::Array(values.to_vec()))
}

/// `employeeOrgData` is replaced whole, the extension attributes one by one (`facts/graph_users.md` §4.2).
fn take_members(
    property: &Property,
    members: &Map<String, Json>,
    names: &[&str],
    whole: bool,
    held: Option<&Json>,
) -> Result<Json, Refusal> {
    let mut taken = match held {
        Some(Json::Object(held)) if !whole => held.clone(),
        _ => names.iter().map(|name| ((*name).to_owned(), Json::Null)).collect(),
    };
    for (given, value) in members.iter().filter(|(given, _)| !given.starts_with('@')) {
        let name = names.iter().find(|name| name.eq_ignore_ascii_case(given));
        let name = name.ok_or_else(|| Refusal::unknown_property(given))?;
        let is_good = match value {
            Json::Null => true,
            Json::String(text) => !text.is_empty() && text.chars().count() <= UNPUBLISHED_CHARS_MAX,
            _ => false,
        };
        if !is_good {
            return Err(Refusal::invalid(property.name));
        }
        taken.insert((*name).to_owned(), value.clone());
    }
    Ok(Json::Object(taken))
}

/// Looks at a password and lets go of it.
fn take_password(profile: &Map<String, Json>) -> Result<Json, Refusal> {
    let password = profile.get("password").and_then(Json::as_str).unwrap_or_default();
    let has = |kind: fn(u8) -> bool| usize::from(password.bytes().any(kind));
    let kinds = has(|byte| byte.is_ascii_lowercase())
        + has(|byte| byte.is_ascii_uppercase())
        + has(|byte| byte.is_ascii_digit())
        + has(|byte| byte.is_ascii_punctuation() || byte == b' ');
    if password.is_ascii() && PASSWORD_CHARS.contains(&password.len()) && kinds >= PASSWORD_KINDS_MIN {
        Ok(Json::Null)
    } else {
        Err(Refusal::weak_password())
    }
}

fn check_principal_name(name: &str) -> Result<(), Refusal> {
    let malformed = || Refusal::malformed("userPrincipalName");
    let (local, domain) = name.split_once('@').ok_or_else(malformed)?;
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"'.-_!#^~".contains(&byte);
    let local_is_good = !local.is_empty() && local.len() <= 64 && !local.ends_with('.') && local.bytes().all(is_good);
    let domain_is_good = !domain.is_empty() && domain.len() <= 48 && !domain.contains('@');
    if local_is_good && domain_is_good { Ok(()) } else { Err(malformed()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(name: &str, value: Json, expected: Result<Json, &str>) {
        let taken = take(find(name).unwrap(), &value, None);
        assert_eq!(taken.map_err(|fault| fault.message), expected.map_err(str::to_owned));
    }

    #[test]
    fn an_empty_text_is_refused_and_null_clears() {
        let refused = "Invalid value specified for property 'givenName' of resource 'User'.";
        check("givenName", json!(""), Err(refused));
        check("givenName", json!(null), Ok(json!(null)));
        check("businessPhones", json!([]), Ok(json!([])));
        check("displayName", json!(null), Err("Property displayName value is required but is empty or missing."));
    }

    #[test]
    fn values_are_as_long_as_the_table_says() {
        check("employeeId", json!("1234567890123456"), Ok(json!("1234567890123456")));
        check(
            "employeeId",
            json!("12345678901234567"),
            Err("Invalid value specified for property 'employeeId' of resource 'User'."),
        );
        check(
            "businessPhones",
            json!(["1", "2"]),
            Err("Invalid value specified for property 'businessPhones' of resource 'User'."),
        );
    }

    #[test]
    fn a_bare_date_is_no_moment() {
        check("employeeHireDate", json!("2014-01-01T00:00:00.5Z"), Ok(json!("2014-01-01T00:00:00Z")));
        check(
            "employeeHireDate",
            json!("2014-01-01"),
            Err("Invalid value specified for property 'employeeHireDate' of resource 'User'."),
        );
    }

    #[test]
    fn a_principal_name_has_no_accents_and_no_dot_before_the_at() {
        check("userPrincipalName", json!("o'neil_1@contoso.example"), Ok(json!("o'neil_1@contoso.example")));
        for bad in ["jürgen@contoso.example", "anna.@contoso.example", "anna", "@contoso.example", "a@b@c"] {
            check("userPrincipalName", json!(bad), Err("Property userPrincipalName is invalid."));
        }
    }

    #[test]
    fn a_weak_password_is_refused_and_a_good_one_is_not_kept() {
        check("passwordProfile", json!({ "password": "Good enough 1" }), Ok(json!(null)));
        let weak = Refusal::weak_password().message;
        for password in ["Sh0rt", "alllowercase", "Pässw0rd!!"] {
            check("passwordProfile", json!({ "password": password }), Err(&weak));
        }
    }
}
