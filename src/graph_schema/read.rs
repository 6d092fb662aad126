//! A synchronization schema, read from whatever JSON claims to be one.
//!
//! Files of this kind are exported, mended by hand and made by scripts. Whatever can be understood is; what cannot is
//! named with its place, never dropped in silence. Elements keep their places, so that a place can be named later.

use serde_json::Value as Json;

use super::reader::{Loss, Object, Reader, json};
use super::{
    AttributeDefinition, AttributeMapping, Directory, KeyValue, ObjectDefinition, ObjectMapping, ReferencedObject,
    Rule, Schema,
};
use crate::expr::{DEPTH_MAX, Tree, TreeParameter, TreeType};

/// Longest schema, in bytes. A directory with thousands of attributes has two megabytes.
pub const SCHEMA_BYTES_MAX: usize = 16 * 1024 * 1024;

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

impl Reader {
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
