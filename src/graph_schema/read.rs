//! A synchronization schema, read from whatever JSON claims to be one.
//!
//! Files of this kind are exported, mended by hand and made by scripts. Whatever can be understood is; what cannot is
//! named with its place, never dropped in silence. Elements keep their places, so that a place can be named later.

use serde_json::{Map, Value as Json};

use super::{
    AttributeDefinition, AttributeMapping, Directory, KeyValue, ObjectDefinition, ObjectMapping, ReferencedObject,
    Rule, Schema,
};
use crate::expr::{DEPTH_MAX, Tree, TreeParameter, TreeType};

/// Longest schema, in bytes. A directory with thousands of attributes has two megabytes.
pub const SCHEMA_BYTES_MAX: usize = 16 * 1024 * 1024;

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

/// A schema that was read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Read {
    /// What it says.
    pub schema: Schema,
    /// What of it was not understood.
    pub losses: Vec<Loss>,
}

/// Why there is no schema to speak of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is too long.
    #[error("the schema is longer than {SCHEMA_BYTES_MAX} bytes")]
    TooLong,
    /// It is no JSON.
    #[error("the schema is not JSON: {0}")]
    NotJson(String),
    /// It is some other JSON.
    #[error("this is not a synchronization schema: it has no list `synchronizationRules`")]
    NotASchema,
}

/// Reads a schema.
///
/// # Errors
/// [`Unreadable`], where it is none at all.
pub fn read(text: &str) -> Result<Read, Unreadable> {
    if text.len() > SCHEMA_BYTES_MAX {
        return Err(Unreadable::TooLong);
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let json: Json = serde_json::from_str(text).map_err(|error| Unreadable::NotJson(error.to_string()))?;
    // Some clients wrap what they were answered.
    let (place, root) = match json.get("value") {
        Some(value) if json.get("synchronizationRules").is_none() => ("value", value),
        _ => ("", &json),
    };
    let Some(members) = root.as_object() else { return Err(Unreadable::NotASchema) };
    if !members.get("synchronizationRules").is_some_and(Json::is_array) {
        return Err(Unreadable::NotASchema);
    }
    let mut reader = Reader::default();
    let schema = reader.schema(&Object { place: place.to_owned(), members });
    Ok(Read { schema, losses: reader.losses })
}

/// An object, and where it stands.
struct Object<'a> {
    place: String,
    members: &'a Map<String, Json>,
}

impl Object<'_> {
    fn within(&self, name: &str) -> String {
        if self.place.is_empty() { name.to_owned() } else { format!("{}.{name}", self.place) }
    }
}

#[derive(Default)]
struct Reader {
    losses: Vec<Loss>,
}

impl Reader {
    fn lose(&mut self, place: String, why: impl Into<String>) {
        if self.losses.len() < LOSSES_MAX {
            self.losses.push(Loss { place, why: why.into() });
        }
    }

    fn schema(&mut self, object: &Object<'_>) -> Schema {
        self.strangers(object, &["id", "version", "synchronizationRules", "directories", "provisioningTaskIdentifier"]);
        Schema {
            id: self.text(object, "id").unwrap_or_default(),
            version: self.text(object, "version").unwrap_or_default(),
            synchronization_rules: self.list(object, "synchronizationRules", Self::rule),
            directories: self.list(object, "directories", Self::directory),
        }
    }

    fn rule(&mut self, object: &Object<'_>) -> Rule {
        const KNOWN: [&str; 10] = [
            "id",
            "name",
            "editable",
            "priority",
            "sourceDirectoryName",
            "targetDirectoryName",
            "containerFilter",
            "groupFilter",
            "metadata",
            "objectMappings",
        ];
        self.strangers(object, &KNOWN);
        Rule {
            id: self.text(object, "id").unwrap_or_default(),
            name: self.text(object, "name").unwrap_or_default(),
            editable: self.truth(object, "editable").unwrap_or(true),
            priority: self.number(object, "priority").unwrap_or(0),
            source_directory_name: self.text(object, "sourceDirectoryName").unwrap_or_default(),
            target_directory_name: self.text(object, "targetDirectoryName").unwrap_or_default(),
            container_filter: json(object, "containerFilter"),
            group_filter: json(object, "groupFilter"),
            metadata: self.list(object, "metadata", Self::key_value),
            object_mappings: self.list(object, "objectMappings", Self::object_mapping),
        }
    }

    fn key_value(&mut self, object: &Object<'_>) -> KeyValue {
        KeyValue {
            key: self.text(object, "key").unwrap_or_default(),
            value: self.text(object, "value").unwrap_or_default(),
        }
    }

    fn object_mapping(&mut self, object: &Object<'_>) -> ObjectMapping {
        const KNOWN: [&str; 8] = [
            "name",
            "enabled",
            "flowTypes",
            "sourceObjectName",
            "targetObjectName",
            "attributeMappings",
            "scope",
            "metadata",
        ];
        self.strangers(object, &KNOWN);
        ObjectMapping {
            name: self.text(object, "name").unwrap_or_default(),
            enabled: self.truth(object, "enabled").unwrap_or(true),
            flow_types: self.text(object, "flowTypes").unwrap_or_else(|| "Add, Update, Delete".to_owned()),
            source_object_name: self.text(object, "sourceObjectName").unwrap_or_default(),
            target_object_name: self.text(object, "targetObjectName").unwrap_or_default(),
            attribute_mappings: self.list(object, "attributeMappings", Self::attribute_mapping),
            scope: json(object, "scope"),
            metadata: self.list(object, "metadata", Self::key_value),
        }
    }

    fn attribute_mapping(&mut self, object: &Object<'_>) -> AttributeMapping {
        const KNOWN: [&str; 7] = [
            "targetAttributeName",
            "source",
            "matchingPriority",
            "defaultValue",
            "flowType",
            "flowBehavior",
            "exportMissingReferences",
        ];
        self.strangers(object, &KNOWN);
        AttributeMapping {
            target_attribute_name: self.text(object, "targetAttributeName").unwrap_or_default(),
            source: self.object(object, "source").map(|source| self.tree(&source, 0)),
            matching_priority: self.number(object, "matchingPriority").unwrap_or(0),
            default_value: self.text(object, "defaultValue"),
            flow_type: self.text(object, "flowType").unwrap_or_else(|| "Always".to_owned()),
            flow_behavior: self.text(object, "flowBehavior").unwrap_or_else(|| "FlowWhenChanged".to_owned()),
            export_missing_references: self.truth(object, "exportMissingReferences").unwrap_or(false),
        }
    }

    fn tree(&mut self, object: &Object<'_>, depth: usize) -> Tree {
        self.strangers(object, &["type", "name", "expression", "parameters"]);
        let what = match self.text(object, "type").as_deref().map(str::to_ascii_lowercase).as_deref() {
            None | Some("attribute") => TreeType::Attribute,
            Some("constant") => TreeType::Constant,
            Some("function") => TreeType::Function,
            Some(other) => {
                self.lose(object.within("type"), format!("`{other}` is no type of source; taken as an attribute"));
                TreeType::Attribute
            }
        };
        let parameters = if depth > DEPTH_MAX {
            self.lose(object.within("parameters"), format!("calls stand more than {DEPTH_MAX} deep in each other"));
            Vec::new()
        } else {
            self.list(object, "parameters", |reader, parameter| {
                reader.strangers(parameter, &["key", "value"]);
                let value = reader.object(parameter, "value").map(|value| reader.tree(&value, depth + 1));
                TreeParameter {
                    key: reader.text(parameter, "key").unwrap_or_default(),
                    value: value.unwrap_or_default(),
                }
            })
        };
        Tree {
            expression: self.text(object, "expression").unwrap_or_default(),
            name: self.text(object, "name").unwrap_or_default(),
            parameters,
            what,
        }
    }

    fn directory(&mut self, object: &Object<'_>) -> Directory {
        self.strangers(
            object,
            &["id", "name", "objects", "readOnly", "version", "discoverabilities", "discoveryDateTime"],
        );
        Directory {
            id: self.text(object, "id").unwrap_or_default(),
            name: self.text(object, "name").unwrap_or_default(),
            objects: self.list(object, "objects", Self::object_definition),
            read_only: self.truth(object, "readOnly").unwrap_or(false),
        }
    }

    fn object_definition(&mut self, object: &Object<'_>) -> ObjectDefinition {
        self.strangers(object, &["name", "attributes", "metadata", "supportedApis"]);
        ObjectDefinition {
            name: self.text(object, "name").unwrap_or_default(),
            attributes: self.list(object, "attributes", Self::attribute_definition),
            metadata: self.list(object, "metadata", Self::key_value),
        }
    }

    fn attribute_definition(&mut self, object: &Object<'_>) -> AttributeDefinition {
        const KNOWN: [&str; 12] = [
            "name",
            "type",
            "anchor",
            "caseExact",
            "flowNullValues",
            "multivalued",
            "mutability",
            "required",
            "defaultValue",
            "referencedObjects",
            "metadata",
            "apiExpressions",
        ];
        self.strangers(object, &KNOWN);
        AttributeDefinition {
            name: self.text(object, "name").unwrap_or_default(),
            r#type: self.text(object, "type").unwrap_or_else(|| "String".to_owned()),
            anchor: self.truth(object, "anchor").unwrap_or(false),
            case_exact: self.truth(object, "caseExact").unwrap_or(false),
            flow_null_values: self.truth(object, "flowNullValues").unwrap_or(false),
            multivalued: self.truth(object, "multivalued").unwrap_or(false),
            mutability: self.text(object, "mutability").unwrap_or_else(|| "ReadWrite".to_owned()),
            required: self.truth(object, "required").unwrap_or(false),
            default_value: self.text(object, "defaultValue"),
            referenced_objects: self.list(object, "referencedObjects", |reader, referenced| ReferencedObject {
                referenced_object_name: reader.text(referenced, "referencedObjectName").unwrap_or_default(),
                referenced_property: reader.text(referenced, "referencedProperty"),
            }),
            metadata: self.list(object, "metadata", Self::key_value),
        }
    }

    /// Names members that Graph does not have; its own annotations are none of a schema's business.
    fn strangers(&mut self, object: &Object<'_>, known: &[&str]) {
        for (name, value) in object.members {
            if !value.is_null() && !name.contains('@') && !known.contains(&name.as_str()) {
                self.lose(object.within(&clipped(name)), "a schema has no such member; left out");
            }
        }
    }

    /// A member that is a list; each element becomes something, so that places stay.
    fn list<T: Default>(
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

    fn object<'a>(&mut self, object: &Object<'a>, name: &str) -> Option<Object<'a>> {
        match object.members.get(name)? {
            Json::Null => None,
            Json::Object(members) => Some(Object { place: object.within(name), members }),
            other => {
                self.lose(object.within(name), wrong_type("an object", other));
                None
            }
        }
    }

    fn text(&mut self, object: &Object<'_>, name: &str) -> Option<String> {
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

    fn truth(&mut self, object: &Object<'_>, name: &str) -> Option<bool> {
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

    fn number(&mut self, object: &Object<'_>, name: &str) -> Option<i64> {
        let member = object.members.get(name)?;
        let number = member.as_i64().or_else(|| member.as_str().and_then(|text| text.trim().parse().ok()));
        if number.is_none() && !member.is_null() {
            self.lose(object.within(name), wrong_type("a whole number", member));
        }
        number
    }
}

fn json(object: &Object<'_>, name: &str) -> Option<Json> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn losses(text: &str) -> Vec<String> {
        read(text).unwrap().losses.iter().map(|loss| format!("{}: {}", loss.place, loss.why)).collect()
    }

    #[test]
    fn what_is_not_understood_is_named_with_its_place() {
        let text = r#"{ "synchronizationRules": [ { "objectMappings": [ 7, { "attributeMappings": [
            { "targetAttributeName": "a", "mappingType": "Direct", "matchingPriority": "x", "source": [] }
        ] } ] } ], "colour": "red", "@odata.context": "x" }"#;
        assert_eq!(
            losses(text),
            [
                "colour: a schema has no such member; left out",
                "synchronizationRules[0].objectMappings[0]: it must be an object, and is a number; left out",
                "synchronizationRules[0].objectMappings[1].attributeMappings[0].mappingType: \
                 a schema has no such member; left out",
                "synchronizationRules[0].objectMappings[1].attributeMappings[0].source: \
                 it must be an object, and is a list; left out",
                "synchronizationRules[0].objectMappings[1].attributeMappings[0].matchingPriority: \
                 it must be a whole number, and is a text; left out",
            ]
        );
    }

    #[test]
    fn nulls_and_what_is_absent_are_nothing_to_speak_of() {
        let text = r#"{ "synchronizationRules": [ { "id": null, "metadata": null, "objectMappings": [ {
            "scope": null, "attributeMappings": [ { "source": { "parameters": null, "name": null } }, {} ] } ] } ] }"#;
        assert_eq!(losses(text), [""; 0]);
    }

    #[test]
    fn what_is_no_schema_is_refused() {
        assert!(matches!(read("{"), Err(Unreadable::NotJson(_))));
        assert_eq!(read("[]"), Err(Unreadable::NotASchema));
        assert_eq!(read(r#"{ "synchronizationRules": null }"#), Err(Unreadable::NotASchema));
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(matches!(read(&deep), Err(Unreadable::NotJson(_))));
    }

    #[test]
    fn a_schema_that_came_wrapped_is_read() {
        let text = r#"{ "value": { "id": "x", "synchronizationRules": [] } }"#;
        assert_eq!(read(text).unwrap().schema.id, "x");
    }
}
