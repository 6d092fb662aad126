//! Graph's own limits of values (`facts/graph_users.md` §4.1): what does not fit is told before anything is sent.
//!
//! What Microsoft does not publish is not checked here; Graph says it.

use super::refusal::refused;
use super::shape;
use crate::model::{Anchor, Attributes, Change, ChangeKind, Name, Value};
use crate::writer::WriteError;

/// A value that Graph would refuse.
pub(super) const DOES_NOT_FIT: &str = "value_does_not_fit";

/// A property that Graph does not let go of.
pub(super) const CANNOT_BE_EMPTIED: &str = "cannot_be_emptied";

/// Longest value that is quoted in an error. It is quoted whole or not at all: what is concealed is found by its whole.
const QUOTED_CHARS_MAX: usize = 80;

/// How many faults of one change are told.
const FAULTS_MAX: usize = 5;

/// What a property takes.
#[derive(Debug, Clone, Copy)]
enum Limit {
    /// A text of at most so many characters.
    Chars(usize),
    /// One of these words.
    Words(&'static [&'static str]),
    /// At most so many texts of at most so many characters.
    Texts(usize, usize),
    /// A user principal name.
    PrincipalName,
    /// An e-mail address.
    Mail,
    /// A text without `$` and `_`.
    ImmutableId,
    /// A country's two letters.
    Country,
    /// A date with its time and zone.
    Moment,
    /// True or false.
    Truth,
    /// A password. It is never quoted.
    Password,
}

/// Longest local part and domain of a user principal name.
const LOCAL_CHARS_MAX: usize = 64;
const DOMAIN_CHARS_MAX: usize = 48;

/// Bounds of a password, and how many kinds of characters it must have.
const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 8..=256;
const PASSWORD_KINDS_MIN: usize = 3;

const LIMITS: &[(&str, Limit)] = &[
    ("accountEnabled", Limit::Truth),
    ("ageGroup", Limit::Words(&["Minor", "NotAdult", "Adult"])),
    ("businessPhones", Limit::Texts(1, usize::MAX)),
    ("city", Limit::Chars(128)),
    ("companyName", Limit::Chars(64)),
    ("consentProvidedForMinor", Limit::Words(&["Granted", "Denied", "NotRequired"])),
    ("country", Limit::Chars(128)),
    ("department", Limit::Chars(64)),
    ("displayName", Limit::Chars(256)),
    ("employeeHireDate", Limit::Moment),
    ("employeeId", Limit::Chars(16)),
    ("employeeLeaveDateTime", Limit::Moment),
    ("givenName", Limit::Chars(64)),
    ("jobTitle", Limit::Chars(128)),
    ("mail", Limit::Mail),
    ("mailNickname", Limit::Chars(64)),
    ("mobilePhone", Limit::Chars(64)),
    ("onPremisesExtensionAttributes", Limit::Chars(1_024)),
    ("onPremisesImmutableId", Limit::ImmutableId),
    ("otherMails", Limit::Texts(250, 250)),
    ("passwordProfile.password", Limit::Password),
    ("postalCode", Limit::Chars(40)),
    ("showInAddressList", Limit::Truth),
    ("state", Limit::Chars(128)),
    ("streetAddress", Limit::Chars(1_024)),
    ("surname", Limit::Chars(64)),
    ("usageLocation", Limit::Country),
    ("userPrincipalName", Limit::PrincipalName),
    ("userType", Limit::Words(&["Member", "Guest"])),
];

/// What Graph does not let go of (`facts/graph_users.md` §4.2).
const KEPT: [&str; 6] = ["accountEnabled", "displayName", "mail", "mailNickname", "usageLocation", "userPrincipalName"];

/// Looks whether Graph would take what a change writes.
///
/// # Errors
/// [`WriteError::Refused`] names each attribute, of whom, what it is and what would fit.
pub(super) fn check(change: &Change, anchor: &Anchor) -> Result<(), WriteError> {
    // Nothing is there yet that could be emptied.
    if change.kind != ChangeKind::Create {
        check_kept(change, anchor)?;
    }
    let faults: Vec<String> = faults(&change.set, anchor).take(FAULTS_MAX).collect();
    if faults.is_empty() { Ok(()) } else { Err(refused(DOES_NOT_FIT, faults.join("; "))) }
}

fn check_kept(change: &Change, anchor: &Anchor) -> Result<(), WriteError> {
    let emptied = change.set.iter().filter(|(_, value)| value.is_empty()).map(|(name, _)| name);
    let kept = |name: &&Name| KEPT.iter().any(|kept| **name == **kept);
    match change.clear.iter().chain(emptied).find(kept) {
        None => Ok(()),
        Some(name) => {
            let why =
                format!("`{name}` of {anchor} cannot be emptied at Entra; give it another value, or leave it alone");
            Err(refused(CANNOT_BE_EMPTIED, why))
        }
    }
}

fn faults<'a>(set: &'a Attributes, anchor: &'a Anchor) -> impl Iterator<Item = String> + 'a {
    set.iter().filter(|(_, value)| !value.is_empty()).filter_map(move |(name, value)| {
        let limit = limit(name)?;
        let wanted = fault(limit, value)?;
        Some(match quoted(limit, value) {
            Some(value) => format!("`{name}` of {anchor} is \"{value}\"; {wanted}"),
            None => format!("`{name}` of {anchor} does not fit; {wanted}"),
        })
    })
}

/// By the whole name, or by the property it is a member of.
fn limit(name: &Name) -> Option<Limit> {
    let by = |wanted: &str| LIMITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, limit)| *limit);
    by(name.as_str()).or_else(|| by(shape::property(name)))
}

fn quoted(limit: Limit, value: &Value) -> Option<&str> {
    let text = value.as_text().filter(|_| !matches!(limit, Limit::Password))?;
    let is_plain = text.chars().count() <= QUOTED_CHARS_MAX && !text.contains(char::is_control);
    is_plain.then_some(text)
}

/// What would fit, where the value does not.
fn fault(limit: Limit, value: &Value) -> Option<String> {
    let texts: Vec<&str> = match value {
        Value::Text(text) => vec![text],
        Value::Many(values) => values.iter().filter_map(Value::as_text).collect(),
        Value::Boolean(_) | Value::Integer(_) | Value::Null | Value::Complex(_) => return None,
    };
    match limit {
        Limit::Texts(count, _) if texts.len() > count => {
            Some(format!("there are {} values, and Entra takes at most {count}", texts.len()))
        }
        Limit::Texts(_, chars) => texts.into_iter().find_map(|text| too_long(text, chars)),
        _ if texts.len() > 1 => Some("Entra takes one value there".to_owned()),
        _ => texts.first().and_then(|text| fault_of_text(limit, text)),
    }
}

fn too_long(text: &str, most: usize) -> Option<String> {
    let chars = text.chars().count();
    (chars > most).then(|| format!("it has {chars} characters, and Entra takes at most {most}"))
}

fn fault_of_text(limit: Limit, text: &str) -> Option<String> {
    let unless = |is_good: bool, wanted: &str| (!is_good).then(|| wanted.to_owned());
    match limit {
        Limit::Chars(most) | Limit::Texts(_, most) => too_long(text, most),
        Limit::Words(words) => {
            let is_one = words.iter().any(|word| word.eq_ignore_ascii_case(text));
            (!is_one).then(|| format!("Entra takes one of {}", words.join(", ")))
        }
        Limit::PrincipalName => fault_of_name(text),
        Limit::Mail => unless(is_address(text), "Entra takes an e-mail address in letters without marks, name@domain"),
        Limit::ImmutableId => unless(!text.contains(['$', '_']), "Entra takes no `$` and no `_` there"),
        Limit::Country => {
            let is_two = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
            unless(is_two, "Entra takes a country's two letters (ISO 3166), e.g. DE")
        }
        Limit::Moment => unless(
            text.parse::<jiff::Timestamp>().is_ok(),
            "Entra takes a date with its time and zone, e.g. 2026-03-01T00:00:00Z",
        ),
        Limit::Truth => {
            let is_truth = ["true", "false"].iter().any(|word| word.eq_ignore_ascii_case(text));
            unless(is_truth, "Entra takes true or false")
        }
        Limit::Password => unless(
            is_password(text),
            "Entra takes 8 to 256 characters without marks, of three of the kinds lower case, upper case, digit, symbol",
        ),
    }
}

fn is_address(text: &str) -> bool {
    text.is_ascii()
        && matches!(text.split_once('@'), Some((local, domain)) if !local.is_empty() && !domain.is_empty() && !domain.contains('@'))
}

fn is_password(text: &str) -> bool {
    let has = |kind: fn(u8) -> bool| usize::from(text.bytes().any(kind));
    let kinds = has(|byte| byte.is_ascii_lowercase())
        + has(|byte| byte.is_ascii_uppercase())
        + has(|byte| byte.is_ascii_digit())
        + has(|byte| byte.is_ascii_punctuation() || byte == b' ');
    text.is_ascii() && PASSWORD_CHARS.contains(&text.len()) && kinds >= PASSWORD_KINDS_MIN
}

/// `A-Z a-z 0-9 ' . - _ ! # ^ ~`, no dot before the `@` (`facts/graph_users.md` §3).
fn fault_of_name(text: &str) -> Option<String> {
    let Some((local, domain)) = text.split_once('@').filter(|(local, domain)| !local.is_empty() && !domain.is_empty())
    else {
        return Some("Entra takes a name with its domain, name@domain".to_owned());
    };
    let bad = local.chars().find(|c| !(c.is_ascii_alphanumeric() || "'.-_!#^~".contains(*c)));
    if let Some(bad) = bad.or_else(|| domain.chars().find(|c| *c == '@' || c.is_whitespace())) {
        return Some(format!("Entra takes letters A to Z, digits and ' . - _ ! # ^ ~ there, and no `{bad}`"));
    }
    if local.ends_with('.') {
        return Some("Entra takes no dot before the @".to_owned());
    }
    if local.len() > LOCAL_CHARS_MAX || domain.len() > DOMAIN_CHARS_MAX {
        return Some(format!(
            "Entra takes at most {LOCAL_CHARS_MAX} characters before the @ and {DOMAIN_CHARS_MAX} behind it, and it has {} and {}",
            local.len(),
            domain.len()
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(kind: ChangeKind, set: &[(&str, Value)], clear: &[&str]) -> String {
        let change = Change {
            kind,
            object: None,
            set: set.iter().map(|(name, value)| (Name::new(name), value.clone())).collect(),
            clear: clear.iter().map(|name| Name::new(name)).collect(),
            container: None,
            before: Attributes::new(),
            container_before: None,
        };
        match check(&change, &Anchor::parse("701984").unwrap()) {
            Ok(()) => "fits".to_owned(),
            Err(WriteError::Refused { code, cause }) => format!("{code}: {cause}"),
            Err(other) => panic!("{other:?}"),
        }
    }

    fn check_value(name: &str, value: &str, expected: &str) {
        let told = told(ChangeKind::Update, &[(name, Value::text(value))], &[]);
        assert_eq!(told.strip_prefix("value_does_not_fit: ").unwrap_or(&told), expected);
    }

    #[test]
    fn values_at_the_limit_fit_and_one_more_is_told_with_what_would_fit() {
        for (name, most) in [
            ("employeeId", 16),
            ("department", 64),
            ("companyName", 64),
            ("jobTitle", 128),
            ("displayName", 256),
            ("streetAddress", 1024),
        ] {
            check_value(name, &"ü".repeat(most), "fits");
            let told = told(ChangeKind::Create, &[(name, Value::text("x".repeat(most + 1)))], &[]);
            assert!(
                told.contains(&format!("it has {} characters, and Entra takes at most {most}", most + 1)),
                "{told}"
            );
        }
        check_value(
            "EMPLOYEEID",
            "12345678901234567",
            "`EMPLOYEEID` of 701984 is \"12345678901234567\"; it has 17 characters, and Entra takes at most 16",
        );
        check_value("onPremisesExtensionAttributes.extensionAttribute3", &"x".repeat(1024), "fits");
    }

    #[test]
    fn a_country_is_two_letters_and_a_date_has_its_time() {
        check_value("usageLocation", "de", "fits");
        check_value(
            "usageLocation",
            "Deutschland",
            "`usageLocation` of 701984 is \"Deutschland\"; Entra takes a country's two letters (ISO 3166), e.g. DE",
        );
        check_value("employeeHireDate", "2026-03-01T00:00:00Z", "fits");
        check_value(
            "employeeHireDate",
            "2026-03-01",
            "`employeeHireDate` of 701984 is \"2026-03-01\"; Entra takes a date with its time and zone, e.g. 2026-03-01T00:00:00Z",
        );
    }

    #[test]
    fn a_principal_name_has_no_marks_no_dot_before_the_at_and_an_end() {
        check_value("userPrincipalName", "o'neil_1#x@contoso.example", "fits");
        for (name, wanted) in [
            ("jürgen@contoso.example", "Entra takes letters A to Z, digits and ' . - _ ! # ^ ~ there, and no `ü`"),
            ("a@b@c", "Entra takes letters A to Z, digits and ' . - _ ! # ^ ~ there, and no `@`"),
            ("anna.@contoso.example", "Entra takes no dot before the @"),
            ("anna", "Entra takes a name with its domain, name@domain"),
        ] {
            check_value("userPrincipalName", name, &format!("`userPrincipalName` of 701984 is \"{name}\"; {wanted}"));
        }
        let long = format!("{}@{}", "a".repeat(64), "b".repeat(48));
        check_value("userPrincipalName", &long, "fits");
        let told = told(ChangeKind::Create, &[("userPrincipalName", Value::text(format!("a{long}")))], &[]);
        assert!(
            told.contains("does not fit; Entra takes at most 64 characters before the @ and 48 behind it"),
            "{told}"
        );
    }

    #[test]
    fn collections_have_their_sizes() {
        let many = |count: usize| Value::Many((0..count).map(|at| Value::text(format!("a{at}@x.example"))).collect());
        assert_eq!(told(ChangeKind::Update, &[("otherMails", many(250))], &[]), "fits");
        let told = told(ChangeKind::Update, &[("otherMails", many(251)), ("businessPhones", many(2))], &[]);
        assert!(told.contains("there are 251 values, and Entra takes at most 250"), "{told}");
        assert!(told.contains("`businessPhones` of 701984 does not fit; there are 2 values"), "{told}");
    }

    #[test]
    fn a_password_is_checked_and_never_quoted() {
        check_value("passwordProfile.password", "Good enough 1", "fits");
        for weak in ["Sh0rt", "alllowercase", "Pässw0rd!!"] {
            let told = told(ChangeKind::Create, &[("passwordProfile.password", Value::text(weak))], &[]);
            assert!(told.contains("does not fit; Entra takes 8 to 256 characters") && !told.contains(weak), "{told}");
        }
    }

    #[test]
    fn what_graph_does_not_let_go_of_is_told() {
        let expected =
            "cannot_be_emptied: `mail` of 701984 cannot be emptied at Entra; give it another value, or leave it alone";
        assert_eq!(told(ChangeKind::Update, &[], &["city", "mail"]), expected);
        assert_eq!(told(ChangeKind::Update, &[("mail", Value::text(""))], &[]), expected);
        assert_eq!(told(ChangeKind::Create, &[("mail", Value::Null)], &[]), "fits");
        assert_eq!(told(ChangeKind::Update, &[("city", Value::Null)], &["jobTitle"]), "fits");
    }
}
