//! A job as a synchronization schema.

use super::directories::{source_directory, target_attributes};
use super::{
    API_DIRECTORY, AttributeMapping, Directory, KeyValue, ObjectDefinition, ObjectMapping, Rule, Schema, USER,
};
use crate::decide::{Job, Leaver, Target, TargetKind};
use crate::expr::{Tree, TreeType};
use crate::mapping::{self, Apply, MappingSource};
use crate::model::{Name, Path, Value};
use crate::scim::{Kind, target};
use crate::scope::{Notation, Scope};

/// Deepest tree that is written out. Readers of JSON commonly stop at 128 levels, and each of a tree takes three; what
/// is deeper stands in the text of the part above it.
const TREE_DEPTH_MAX: usize = 30;

/// An attribute that a job declares itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Its schema and name.
    pub path: Path,
    /// What a source says there.
    pub kind: Kind,
}

/// A job in Graph's words. What Graph has no words for is not in it; see [`JOB_KEY`](super::JOB_KEY).
pub fn export(job: &Job, declared: &[Declared], version: &str) -> Schema {
    let mut directories = vec![source_directory(job, declared)];
    directories.extend(job.targets.iter().map(|target| Directory {
        id: target.id.to_string(),
        name: directory_name(job, target),
        objects: vec![ObjectDefinition {
            name: USER.to_owned(),
            attributes: target_attributes(target),
            metadata: Vec::new(),
        }],
        read_only: false,
    }));
    let rules = job.targets.iter().zip(0..).map(|(target, priority)| rule(job, target, priority));
    Schema { id: job.id.to_string(), version: version.to_owned(), synchronization_rules: rules.collect(), directories }
}

/// What Graph calls a directory of this kind.
pub fn target_directory(kind: TargetKind) -> &'static str {
    match kind {
        TargetKind::Cloud => "Azure Active Directory",
        TargetKind::OnPremises => "Active Directory",
        TargetKind::App => "SCIM",
    }
}

/// Two directories of a schema never share a name.
fn directory_name(job: &Job, target: &Target) -> String {
    let name = target_directory(target.kind);
    let of_kind = job.targets.iter().filter(|other| other.kind == target.kind).count();
    if of_kind > 1 { format!("{name} ({})", target.id) } else { name.to_owned() }
}

/// What the target calls an attribute: for an app, the path where it stands.
pub(super) fn attribute_name(kind: TargetKind, name: &Name) -> String {
    match (kind, target::path_of(name.as_str())) {
        (TargetKind::App, Ok(path)) => path.to_string(),
        _ => name.to_string(),
    }
}

fn rule(job: &Job, target: &Target, priority: i64) -> Rule {
    let directory = directory_name(job, target);
    let mapping = ObjectMapping {
        name: format!("Synchronize {API_DIRECTORY} users to {directory}"),
        enabled: true,
        flow_types: flow_types(target.on_delete).to_owned(),
        source_object_name: USER.to_owned(),
        target_object_name: USER.to_owned(),
        attribute_mappings: target.mapping.attributes().iter().map(|mapping| attribute(target.kind, mapping)).collect(),
        scope: scope(&job.scope),
        metadata: Vec::new(),
    };
    Rule {
        id: format!("{}.{}", job.id, target.id),
        name: target.id.to_string(),
        editable: true,
        priority,
        source_directory_name: API_DIRECTORY.to_owned(),
        target_directory_name: directory,
        container_filter: None,
        group_filter: None,
        metadata: Vec::new(),
        object_mappings: vec![mapping],
    }
}

/// Groups as Graph has them; a SCIM filter has no words there.
fn scope(scope: &Scope) -> Option<serde_json::Value> {
    match scope.notation() {
        Notation::Groups(groups) => serde_json::to_value(groups.to_graph()).ok(),
        Notation::Nothing | Notation::Filter(_) => None,
    }
}

fn flow_types(on_delete: Leaver) -> &'static str {
    match on_delete {
        Leaver::Delete => "Add, Update, Delete",
        Leaver::Disable | Leaver::Hold => "Add, Update",
    }
}

fn attribute(kind: TargetKind, mapping: &mapping::AttributeMapping) -> AttributeMapping {
    let flow_type = match mapping.apply {
        Apply::Always => "Always",
        Apply::OnlyOnCreate => "ObjectAddOnly",
    };
    AttributeMapping {
        target_attribute_name: attribute_name(kind, &mapping.attribute),
        source: Some(pruned(source(&mapping.source), 0)),
        matching_priority: mapping.match_precedence.map_or(0, i64::from),
        default_value: mapping.default.as_ref().map(text),
        flow_type: flow_type.to_owned(),
        flow_behavior: "FlowWhenChanged".to_owned(),
        export_missing_references: false,
    }
}

fn source(source: &MappingSource) -> Tree {
    match source {
        MappingSource::Direct(path) => Tree::leaf(TreeType::Attribute, path.to_string()),
        MappingSource::Constant(value) => Tree::leaf(TreeType::Constant, text(value)),
        MappingSource::Function(expression) => expression.tree(),
    }
}

fn pruned(tree: Tree, depth: usize) -> Tree {
    if depth >= TREE_DEPTH_MAX {
        return Tree { parameters: Vec::new(), ..tree };
    }
    let mut tree = tree;
    for parameter in &mut tree.parameters {
        parameter.value = pruned(std::mem::take(&mut parameter.value), depth + 1);
    }
    tree
}

/// A value as Graph writes it: truth values as .NET does, several as a list in JSON.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Text(text) => text.clone(),
        Value::Boolean(true) => "True".to_owned(),
        Value::Boolean(false) => "False".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Many(_) | Value::Complex(_) => crate::scim::json::value_to_json(value).to_string(),
    }
}

impl Schema {
    /// The same, with the whole job file in the metadata of its first rule.
    pub fn keeping(mut self, job: String) -> Self {
        if self.synchronization_rules.is_empty() {
            let source_directory_name = API_DIRECTORY.to_owned();
            self.synchronization_rules.push(Rule { source_directory_name, editable: true, ..Rule::default() });
        }
        if let Some(first) = self.synchronization_rules.first_mut() {
            first.metadata.push(KeyValue { key: super::JOB_KEY.to_owned(), value: job });
        }
        self
    }
}
