//! The synchronization schema of Microsoft Graph: what a job reads, maps and writes, in the words Entra has for it.
//!
//! Its shapes are those of `facts/entra.md` §2.2. [`export`] says a job in them, [`read`] understands whatever JSON
//! claims to be one. What becomes of it in a job file is the business of `config`.

mod directories;
mod export;
mod read;
mod reader;
mod tables;

use serde::Serialize;
use serde_json::Value as Json;

use crate::expr::Tree;

pub use export::{Declared, export, target_directory};
pub use read::{Read, SCHEMA_BYTES_MAX, Unreadable, read};
pub use reader::{Loss, MEMBERS_MAX};
pub use tables::{filter_operators, functions};

/// What Graph calls the directory of uploads.
pub const API_DIRECTORY: &str = "API";
/// What Graph calls a person, on both sides.
pub const USER: &str = "User";
/// The key of a rule's metadata under which the whole job file stands: Graph has no words for much of it.
pub const JOB_KEY: &str = "muster:job";

/// A synchronization schema (`synchronizationSchema`).
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Schema {
    /// Of the job it belongs to.
    pub id: String,
    /// Another whenever the job means something else.
    pub version: String,
    /// One for each target.
    pub synchronization_rules: Vec<Rule>,
    /// What stands on both sides.
    pub directories: Vec<Directory>,
}

/// From which directory to which (`synchronizationRule`).
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// Its identifier.
    pub id: String,
    /// Its name; in a schema of muster's own, the target's.
    pub name: String,
    /// Whether people may change it.
    pub editable: bool,
    /// The lowest goes first.
    pub priority: i64,
    /// The directory that is read.
    pub source_directory_name: String,
    /// The directory that is written.
    pub target_directory_name: String,
    /// Which containers of the source are read, where not all are.
    pub container_filter: Option<Json>,
    /// Which groups of the source are read, where not all are.
    pub group_filter: Option<Json>,
    /// What Graph has no other words for.
    pub metadata: Vec<KeyValue>,
    /// One for each kind of object.
    pub object_mappings: Vec<ObjectMapping>,
}

/// A key and its value (`stringKeyStringValuePair`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct KeyValue {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
}

/// How objects of one kind become objects of another (`objectMapping`).
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectMapping {
    /// Its name.
    pub name: String,
    /// Whether it is done.
    pub enabled: bool,
    /// What may be done to objects: `Add`, `Update` and `Delete`, with commas between them.
    pub flow_types: String,
    /// The kind of object that is read.
    pub source_object_name: String,
    /// The kind of object that is written.
    pub target_object_name: String,
    /// Attribute by attribute.
    pub attribute_mappings: Vec<AttributeMapping>,
    /// For which objects (`filter`); `None` is all of them.
    pub scope: Option<Json>,
    /// What Graph has no other words for.
    pub metadata: Vec<KeyValue>,
}

/// Where an attribute comes from (`attributeMapping`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AttributeMapping {
    /// The target's name for it.
    pub target_attribute_name: String,
    /// What gives its value; `None` where only the default does.
    pub source: Option<Tree>,
    /// Its place among the matching attributes, from 1; 0 where it is none.
    pub matching_priority: i64,
    /// Its value in a new account, where the source gives none.
    pub default_value: Option<String>,
    /// When it is written: `Always`, `ObjectAddOnly`.
    pub flow_type: String,
    /// Whether it is written when it did not change: `FlowWhenChanged`, `FlowAlways`.
    pub flow_behavior: String,
    /// Whether references are written whose object is not there.
    pub export_missing_references: bool,
}

/// A directory, and what objects in it hold (`directoryDefinition`).
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Directory {
    /// Its identifier.
    pub id: String,
    /// Its name, by which rules speak of it.
    pub name: String,
    /// Its kinds of objects.
    pub objects: Vec<ObjectDefinition>,
    /// Whether it is only read.
    pub read_only: bool,
}

/// What objects of one kind hold (`objectDefinition`).
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectDefinition {
    /// Its name.
    pub name: String,
    /// Its attributes.
    pub attributes: Vec<AttributeDefinition>,
    /// What Graph has no other words for.
    pub metadata: Vec<KeyValue>,
}

/// An attribute of a directory (`attributeDefinition`).
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AttributeDefinition {
    /// Its name.
    pub name: String,
    /// `String`, `Integer`, `Reference`, `Binary`, `Boolean` or `DateTime`.
    pub r#type: String,
    /// Whether it names the object.
    pub anchor: bool,
    /// Whether texts that differ in case differ.
    pub case_exact: bool,
    /// This side's half of the null-flow gate (`facts/entra.md` §1.7).
    pub flow_null_values: bool,
    /// Whether there may be several values.
    pub multivalued: bool,
    /// `ReadWrite`, `ReadOnly`, `Immutable` or `WriteOnly`.
    pub mutability: String,
    /// Whether no object can be made without it.
    pub required: bool,
    /// Its value where nothing gives one.
    pub default_value: Option<String>,
    /// What it refers to, where it is a reference.
    pub referenced_objects: Vec<ReferencedObject>,
    /// What Graph has no other words for.
    pub metadata: Vec<KeyValue>,
}

/// What a reference refers to (`referencedObject`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReferencedObject {
    /// The kind of object.
    pub referenced_object_name: String,
    /// Which of its attributes; `None` is its anchor.
    pub referenced_property: Option<String>,
}

impl Schema {
    /// The job file that stands in it, where muster made it.
    pub fn kept_job(&self) -> Option<&str> {
        let metadata = self.synchronization_rules.iter().flat_map(|rule| &rule.metadata);
        metadata.into_iter().find(|entry| entry.key == JOB_KEY).map(|entry| entry.value.as_str())
    }

    /// The attributes of a kind of object in a directory.
    pub fn attributes(&self, directory: &str, object: &str) -> &[AttributeDefinition] {
        let directory = self.directories.iter().find(|known| known.name == directory);
        let object = directory.and_then(|known| known.objects.iter().find(|known| known.name == object));
        object.map_or(&[], |object| &object.attributes)
    }
}

impl ObjectMapping {
    /// Whether `Add`, `Update` or `Delete` is among its flow types.
    pub fn flows(&self, word: &str) -> bool {
        self.flow_types.split(',').any(|flow| flow.trim().eq_ignore_ascii_case(word))
    }
}
