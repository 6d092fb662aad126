//! What stands on both sides of a job: the attributes a source may say, and those a target is given.

use std::collections::BTreeMap;

use super::export::attribute_name;
use super::{API_DIRECTORY, AttributeDefinition, Declared, Directory, ObjectDefinition, ReferencedObject, USER};
use crate::decide::{Job, Target, TargetKind};
use crate::mapping::Shape;
use crate::model::{MANAGER, Path};
use crate::scim::Type;
use crate::scim::schema::{kind_of, paths};

/// The attribute by which the source names people.
const ANCHOR: &str = "externalId";

/// The source: SCIM's own attributes, those the job declares, and those its mappings speak of.
pub(super) fn source_directory(job: &Job, declared: &[Declared]) -> Directory {
    let known = paths().filter(|path| kind_of(path).is_some_and(|kind| kind.what != Type::Complex));
    let declared_paths = declared.iter().map(|declared| declared.path.clone());
    let mapped = job
        .targets
        .iter()
        .flat_map(|target| target.mapping.attributes())
        .flat_map(|mapping| mapping.source.paths())
        .cloned();
    let gates = job.null_flow.0.iter().cloned();
    let mut names: BTreeMap<String, Path> = BTreeMap::new();
    let mut order = Vec::new();
    let asked = job.scope.paths().into_iter().cloned();
    for path in known.chain(declared_paths).chain(mapped).chain(gates).chain(asked) {
        let name = path.to_string();
        if names.insert(name.to_ascii_lowercase(), path.clone()).is_none() {
            order.push(path);
        }
    }
    let attributes = order.iter().map(|path| source_attribute(path, job, declared)).collect();
    Directory {
        id: "source".to_owned(),
        name: API_DIRECTORY.to_owned(),
        objects: vec![ObjectDefinition { name: USER.to_owned(), attributes, metadata: Vec::new() }],
        read_only: true,
    }
}

fn source_attribute(path: &Path, job: &Job, declared: &[Declared]) -> AttributeDefinition {
    let known = kind_of(path);
    let is_manager = path.schema.is_some() && path.attribute == *MANAGER && known.is_some();
    let kind = known.or_else(|| declared.iter().find(|declared| declared.path == *path).map(|declared| declared.kind));
    let is_reference = is_manager && path.sub.as_ref().is_none_or(|sub| *sub == *"value");
    let what = match kind.map(|kind| kind.what) {
        _ if is_reference => "Reference",
        Some(Type::Boolean) => "Boolean",
        Some(Type::Integer) => "Integer",
        Some(Type::DateTime) => "DateTime",
        Some(Type::Binary) => "Binary",
        _ => "String",
    };
    let is_anchor = *path == Path::simple(ANCHOR);
    AttributeDefinition {
        anchor: is_anchor,
        required: is_anchor,
        case_exact: kind.is_some_and(|kind| kind.case_exact),
        multivalued: kind.is_some_and(|kind| kind.many),
        flow_null_values: job.null_flow.0.contains(path),
        referenced_objects: if is_reference { references() } else { Vec::new() },
        ..plain(&path.to_string(), what)
    }
}

/// What a target is given, behind the identifier it gives its objects itself.
pub(super) fn target_attributes(target: &Target) -> Vec<AttributeDefinition> {
    let (anchor, required): (_, &[&str]) = match target.kind {
        TargetKind::Cloud => ("objectId", &["userPrincipalName", "displayName"]),
        TargetKind::OnPremises => ("objectGUID", &["cn"]),
        TargetKind::App => ("id", &["userName"]),
    };
    let anchor = AttributeDefinition { anchor: true, mutability: "ReadOnly".to_owned(), ..plain(anchor, "String") };
    let mapped = target.mapping.attributes().iter().map(|mapping| {
        let name = &attribute_name(target.kind, &mapping.attribute);
        let is_manager = mapping.attribute == *MANAGER;
        let what = match mapping.shape {
            _ if is_manager => "Reference",
            Shape::Boolean => "Boolean",
            Shape::Moment => "DateTime",
            Shape::AsItComes | Shape::EntryName | Shape::Text | Shape::List => "String",
        };
        AttributeDefinition {
            multivalued: mapping.shape == Shape::List,
            flow_null_values: mapping.flow_null,
            required: required.iter().any(|required| required.eq_ignore_ascii_case(name)),
            referenced_objects: if is_manager { references() } else { Vec::new() },
            ..plain(name, what)
        }
    });
    std::iter::once(anchor).chain(mapped).collect()
}

fn references() -> Vec<ReferencedObject> {
    vec![ReferencedObject { referenced_object_name: USER.to_owned(), referenced_property: None }]
}

fn plain(name: &str, what: &str) -> AttributeDefinition {
    AttributeDefinition {
        name: name.to_owned(),
        r#type: what.to_owned(),
        mutability: "ReadWrite".to_owned(),
        ..AttributeDefinition::default()
    }
}
