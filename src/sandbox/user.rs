//! One user of a practice tenant as it is kept: what was said of them, and nothing for what never was.

use serde_json::{Map, Value as Json};

use super::property::{self, PROPERTIES, Property};

/// A user as it is kept.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    /// Its place in lists: the order in which users were made.
    pub(super) number: u64,
    pub(super) id: String,
    pub(super) properties: Properties,
    pub(super) manager: Option<String>,
}

/// What a request says, each value under its property; null is said, too.
pub(super) type Said = Vec<(&'static Property, Json)>;

/// The properties that hold something, under the names of the table. A hundred thousand users hold ten each, and
/// could hold forty.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Properties(Vec<(&'static str, Json)>);

impl Properties {
    pub(super) fn get(&self, name: &str) -> Option<&Json> {
        self.0.iter().find(|(held, _)| *held == name).map(|(_, value)| value)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Json::as_str)
    }

    /// Sets a property; null empties it.
    pub(super) fn set(&mut self, property: &'static Property, value: Json) {
        self.0.retain(|(held, _)| *held != property.name);
        if !value.is_null() {
            self.0.push((property.name, value));
        }
    }

    /// Sets the property of that name; a name that is none is let go.
    pub(super) fn put(&mut self, name: &str, value: Json) {
        if let Some(property) = property::find(name) {
            self.set(property, value);
        }
    }

    /// What is shown under a property.
    pub(super) fn shown(&self, property: &Property) -> Json {
        self.get(property.name).cloned().unwrap_or_else(|| property::unsaid(property))
    }

    /// All properties, those that were never said included.
    pub(super) fn full(&self) -> Map<String, Json> {
        PROPERTIES.iter().map(|property| (property.name.to_owned(), self.shown(property))).collect()
    }
}
