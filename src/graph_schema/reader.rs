//! What stands in a piece of JSON, taken out member by member; what does not fit is named with its place.

use serde_json::{Map, Value as Json};

/// Elements of one list that are read. Entra's own directories have some hundreds of attributes.
pub const MEMBERS_MAX: usize = 10_000;

/// Losses that are listed; a file that has more of them is not a schema.
const LOSSES_MAX: usize = 1_000;

/// Something that was left out, or taken as something else, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Where in the schema: `synchronizationRules[0].objectMappings[1]`.
    pub place: String,
    /// What about it, in one sentence without a full stop.
    pub why: String,
}

/// An object, and where it stands.
pub(super) struct Object<'a> {
    pub(super) place: String,
    pub(super) members: &'a Map<String, Json>,
}

impl Object<'_> {
    pub(super) fn within(&self, name: &str) -> String {
        if self.place.is_empty() { name.to_owned() } else { format!("{}.{name}", self.place) }
    }
}

/// What takes members out, and notes what it cannot.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) losses: Vec<Loss>,
}

impl Reader {
    pub(super) fn lose(&mut self, place: String, why: impl Into<String>) {
        if self.losses.len() < LOSSES_MAX {
            self.losses.push(Loss { place, why: why.into() });
        }
    }

    /// Names members that Graph does not have; its own annotations are none of a schema's business.
    pub(super) fn strangers(&mut self, object: &Object<'_>, known: &[&str]) {
        for (name, value) in object.members {
            if !value.is_null() && !name.contains('@') && !known.contains(&name.as_str()) {
                self.lose(object.within(&clipped(name)), "a schema has no such member; left out");
            }
        }
    }

    /// A member that is a list; each element becomes something, so that places stay.
    pub(super) fn list<T: Default>(
        &mut self,
        object: &Object<'_>,
        name: &str,
        mut element: impl FnMut(&mut Self, &Object<'_>) -> T,
    ) -> Vec<T> {
        let elements = match object.members.get(name) {
            None | Some(Json::Null) => return Vec::new(),
            Some(Json::Array(elements)) => elements,
            Some(other) => {
                self.lose(object.within(name), wrong_type("a list", other));
                return Vec::new();
            }
        };
        if elements.len() > MEMBERS_MAX {
            self.lose(object.within(name), format!("it has more than {MEMBERS_MAX} elements; the others are left out"));
        }
        let place = object.within(name);
        let read = elements.iter().take(MEMBERS_MAX).enumerate().map(|(at, json)| {
            let place = format!("{place}[{at}]");
            match json {
                Json::Object(members) => element(self, &Object { place, members }),
                other => {
                    self.lose(place, wrong_type("an object", other));
                    T::default()
                }
            }
        });
        read.collect()
    }

    pub(super) fn object<'a>(&mut self, object: &Object<'a>, name: &str) -> Option<Object<'a>> {
        match object.members.get(name)? {
            Json::Null => None,
            Json::Object(members) => Some(Object { place: object.within(name), members }),
            other => {
                self.lose(object.within(name), wrong_type("an object", other));
                None
            }
        }
    }

    pub(super) fn text(&mut self, object: &Object<'_>, name: &str) -> Option<String> {
        match object.members.get(name)? {
            Json::Null => None,
            Json::String(text) => Some(text.clone()),
            Json::Bool(true) => Some("True".to_owned()),
            Json::Bool(false) => Some("False".to_owned()),
            Json::Number(number) => Some(number.to_string()),
            other => {
                self.lose(object.within(name), wrong_type("a text", other));
                None
            }
        }
    }

    pub(super) fn truth(&mut self, object: &Object<'_>, name: &str) -> Option<bool> {
        match object.members.get(name)? {
            Json::Null => None,
            Json::Bool(truth) => Some(*truth),
            Json::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Json::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
            other => {
                self.lose(object.within(name), wrong_type("true or false", other));
                None
            }
        }
    }

    pub(super) fn number(&mut self, object: &Object<'_>, name: &str) -> Option<i64> {
        let member = object.members.get(name)?;
        let number = member.as_i64().or_else(|| member.as_str().and_then(|text| text.trim().parse().ok()));
        if number.is_none() && !member.is_null() {
            self.lose(object.within(name), wrong_type("a whole number", member));
        }
        number
    }
}

/// A member that is read elsewhere.
pub(super) fn json(object: &Object<'_>, name: &str) -> Option<Json> {
    object.members.get(name).filter(|member| !member.is_null()).cloned()
}

fn wrong_type(wanted: &str, is: &Json) -> String {
    let is = match is {
        Json::Null => "null",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    };
    format!("it must be {wanted}, and is {is}; left out")
}

/// Names in messages stay short, whatever the file says.
fn clipped(name: &str) -> String {
    const NAME_CHARACTERS_MAX: usize = 60;
    match name.char_indices().nth(NAME_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}
