//! A person as people write one by hand: a SCIM user, or a flat object of attribute names to values.
//!
//! For trying expressions out. Nothing is refused here that can be understood; what a source says goes through
//! [`read_user`](super::user::read_user) instead.

use serde_json::{Map, Value as Json};

use super::json::{attributes_from_json, value_from_json};
use super::path::parse_path;
use crate::model::{Attributes, Diagnostic, Name, Path};

/// The attributes of a person written by hand.
///
/// A name that is a path (`name.givenName`, `emails[type eq "work"].value`, `urn:…:User:department`) is also put where
/// the path points, so that either way of writing finds it.
pub fn loose_attributes(json: &Map<String, Json>) -> Attributes {
    let mut person = attributes_from_json(json);
    for (name, value) in json {
        if let Ok(path) = parse_path(name)
            && path != Path::simple(name)
            && path.first(&person).is_none()
        {
            path.set(&mut person, value_from_json(value));
        }
    }
    person
}

/// The attribute a name means, for a person written by hand. It keeps the spelling it is written in.
///
/// # Errors
/// A [`Diagnostic`] where a selector (`[type eq "work"]`) cannot be read.
pub fn loose_path(name: &str, person: &Attributes) -> Result<Path, Diagnostic> {
    if person.get(name).is_some() {
        return Ok(Path::simple(name));
    }
    match parse_path(name) {
        Ok(path) if path.schema.is_none() && path.selector.is_none() => Ok(spelled(name)),
        Ok(path) => Ok(path),
        Err(wrong) if name.contains('[') => Err(wrong),
        Err(_) => Ok(Path::simple(name)),
    }
}

/// The path as it is spelled, where it is one of at most two names.
fn spelled(name: &str) -> Path {
    // The core schema's own URN may stand before it.
    let name = name.rsplit_once(':').map_or(name, |(_, name)| name);
    match name.split_once('.') {
        Some((attribute, sub)) => Path { sub: Some(Name::new(sub)), ..Path::simple(attribute) },
        None => Path::simple(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Value;

    fn found(json: &Json, name: &str) -> Option<Value> {
        let person = loose_attributes(json.as_object().unwrap());
        loose_path(name, &person).unwrap().first(&person).cloned()
    }

    #[test]
    fn a_flat_object_and_a_scim_user_say_the_same() {
        let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        let flat = serde_json::json!({
            "name.givenName": "Anna", "emails[type eq \"work\"].value": "a@x", format!("{urn}:department"): "IT",
        });
        let nested = serde_json::json!({
            "name": { "givenName": "Anna" }, "emails": [{ "type": "work", "value": "a@x" }], urn: { "department": "IT" },
        });
        for name in ["name.givenName", "emails[type eq \"work\"].value", &format!("{urn}:department")] {
            assert_eq!(found(&flat, name), found(&nested, name), "{name}");
            assert!(found(&flat, name).is_some(), "{name}");
        }
        assert_eq!(found(&flat, "emails.value"), Some(Value::text("a@x")));
    }

    #[test]
    fn names_may_hold_colons_dots_and_brackets() {
        let json = serde_json::json!({ "HR:Job.Code [old]": 7, "a.b.c": "x" });
        assert_eq!(found(&json, "HR:Job.Code [old]"), Some(Value::Integer(7)));
        assert_eq!(found(&json, "a.b.c"), Some(Value::text("x")));
        assert_eq!(found(&json, "HR:Other"), None);
        assert!(loose_path("emails[type", &Attributes::new()).is_err());
    }

    #[test]
    fn a_name_keeps_its_spelling() {
        assert_eq!(loose_path("Active", &Attributes::new()).unwrap().to_string(), "Active");
        assert_eq!(loose_path("Name.Givenname", &Attributes::new()).unwrap().to_string(), "Name.Givenname");
    }
}
