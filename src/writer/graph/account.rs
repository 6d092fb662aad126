//! The body that makes a new account: what is asked of us, what Graph requires besides, and a first password.

use serde_json::{Map, Value as Json, json};

use super::refusal::{later, refused};
use super::shape;
use crate::chance;
use crate::model::Attributes;
use crate::writer::WriteError;

/// Without these Graph makes no account (`facts/graph_users.md` §3); the others it requires are given here.
const REQUIRED: [&str; 3] = ["displayName", "userPrincipalName", "mailNickname"];

/// Longest `mailNickname` (`facts/graph_users.md` §4.1).
const MAIL_NICKNAME_CHARS_MAX: usize = 64;

/// How often a password is drawn until it is complex enough. One draw in a thousand is not.
const PASSWORD_DRAWS_MAX: u32 = 16;

/// The body of the POST that makes the account.
///
/// # Errors
/// [`WriteError::Refused`] names a required property that nothing gives; nothing was sent.
pub(super) fn new_account(set: &Attributes) -> Result<Map<String, Json>, WriteError> {
    let mut body = shape::body(set, &[]);
    // Nothing is there yet, so there is nothing to clear.
    body.retain(|_, value| !value.is_null());
    if is_empty(&body, "mailNickname")
        && let Some(nickname) = nickname(&body)
    {
        body.insert("mailNickname".to_owned(), Json::String(nickname));
    }
    if let Some(missing) = REQUIRED.iter().find(|name| is_empty(&body, name)) {
        return Err(refused("required_missing", format!("an account needs `{missing}`, and no mapping gives it")));
    }
    if is_empty(&body, "accountEnabled") {
        body.insert("accountEnabled".to_owned(), Json::Bool(true));
    }
    if is_empty(&body, shape::PASSWORD) {
        let password = password()?;
        body.insert(shape::PASSWORD.to_owned(), json!({ "password": password, "forceChangePasswordNextSignIn": true }));
    }
    Ok(body)
}

fn is_empty(body: &Map<String, Json>, property: &str) -> bool {
    match shape::member_of(body, property) {
        None | Some(Json::Null) => true,
        Some(Json::String(text)) => text.is_empty(),
        Some(_) => false,
    }
}

/// The local part of the user principal name.
fn nickname(body: &Map<String, Json>) -> Option<String> {
    let name = shape::member_of(body, "userPrincipalName")?.as_str()?;
    let local = name.split('@').next().unwrap_or_default();
    Some(local.chars().take(MAIL_NICKNAME_CHARS_MAX).collect())
}

/// A random password nobody knows: its owner sets another at the first sign-in, or signs in without one.
///
/// 256 random bits as 43 characters; three of the four kinds are in it, as `facts/graph_users.md` §3 asks.
fn password() -> Result<String, WriteError> {
    for _ in 0..PASSWORD_DRAWS_MAX {
        let drawn = chance::token().map_err(|error| later(None, error.to_string()))?;
        let has = |kind: fn(&char) -> bool| drawn.chars().any(|c| kind(&c));
        if has(char::is_ascii_lowercase) && has(char::is_ascii_uppercase) && has(char::is_ascii_digit) {
            return Ok(drawn);
        }
    }
    Err(later(None, chance::NoChance.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Name, Value};

    fn account(set: &[(&str, Value)]) -> Result<Map<String, Json>, WriteError> {
        new_account(&set.iter().map(|(name, value)| (Name::new(name), value.clone())).collect())
    }

    #[test]
    fn what_graph_requires_is_completed() {
        let name = Value::text("anna.berg@contoso.example");
        let body = account(&[("displayName", Value::text("Anna")), ("UserPrincipalName", name), ("city", Value::Null)]);
        let body = body.unwrap();
        assert_eq!(body["mailNickname"], "anna.berg");
        assert_eq!(body["accountEnabled"], true);
        assert_eq!(body["passwordProfile"]["forceChangePasswordNextSignIn"], true);
        assert_eq!(body["passwordProfile"]["password"].as_str().unwrap().len(), 43);
        assert!(!body.contains_key("city"));
    }

    #[test]
    fn what_a_mapping_gives_is_left_as_it_is() {
        let body = account(&[
            ("displayName", Value::text("Anna")),
            ("userPrincipalName", Value::text("anna@contoso.example")),
            ("mailNickname", Value::text("ab")),
            ("accountEnabled", Value::Boolean(false)),
            ("passwordProfile.password", Value::text("given")),
        ]);
        let body = body.unwrap();
        assert_eq!(body["mailNickname"], "ab");
        assert_eq!(body["accountEnabled"], false);
        assert_eq!(body["passwordProfile"], json!({ "password": "given" }));
    }

    #[test]
    fn a_missing_required_property_is_named_before_anything_is_sent() {
        let error = account(&[("userPrincipalName", Value::text("anna@contoso.example"))]).unwrap_err();
        let WriteError::Refused { code, cause } = error else { panic!("{error}") };
        assert_eq!(code, "required_missing");
        assert_eq!(cause.0, "an account needs `displayName`, and no mapping gives it");
    }

    #[test]
    fn no_two_passwords_are_the_same() {
        assert_ne!(password().unwrap(), password().unwrap());
    }
}
