//! One attribute mapping of a schema as one `[[target.X.map]]` of a job file.

use toml::{Table, Value};

use super::names::{ACCOUNT_DISABLED, IS_SOFT_DELETED, target_attribute};
use super::probe;
use crate::decide::TargetKind;
use crate::expr::{Evaluated, Expression, Inputs, Tree, TreeType};
use crate::graph_schema::AttributeMapping;
use crate::model::{self, ACCOUNT_ENABLED, Attributes, Name, Path};
use crate::scim::parse_path;

use super::super::graph_properties::{Property, property};
use crate::mapping::Shape;

/// The attribute by which a source says whether a person's account shall be open.
const ACTIVE: &str = "active";

/// A mapping, converted.
#[derive(Debug)]
pub(super) struct Converted {
    /// What stands in the job file.
    pub(super) entry: Table,
    /// What of the mapping has no counterpart.
    pub(super) notes: Vec<String>,
    /// What to say of it beside.
    pub(super) remark: Option<String>,
}

/// Converts mappings of one target.
pub(super) struct Converter<'a> {
    /// The kind of the target.
    pub(super) kind: TargetKind,
    /// Attributes that the job declares itself; what mappings speak of is added.
    pub(super) declared: &'a mut Table,
    /// Source attributes whose empty values flow.
    pub(super) gates: &'a [String],
}

impl Converter<'_> {
    /// The mapping as an entry; `flow_null` says whether the target takes empty values.
    ///
    /// # Errors
    /// Why it has no counterpart.
    pub(super) fn convert(&mut self, mapping: &AttributeMapping, flow_null: bool) -> Result<Converted, String> {
        let theirs = mapping.target_attribute_name.as_str();
        let to = target_attribute(self.kind, theirs);
        if let Some(fault) = probe::name_fault(self.kind, &to) {
            return Err(fault);
        }
        let mut done = Converted { entry: Table::new(), notes: Vec::new(), remark: None };
        done.entry.insert("to".to_owned(), Value::String(to.clone()));
        if to != theirs {
            done.remark = Some(format!("Entra's `{theirs}`"));
        }
        let default = mapping.default_value.as_deref().filter(|default| !default.is_empty());
        match (mapping.source.as_ref().filter(|source| **source != Tree::default()), default) {
            (Some(source), default) => {
                self.put_source(source, &to, theirs, &mut done)?;
                if let Some(default) = default {
                    done.entry.insert("default".to_owned(), self.constant(&to, default));
                }
            }
            (None, Some(default)) => {
                done.entry.insert("constant".to_owned(), self.constant(&to, default));
                done.entry.insert("apply".to_owned(), Value::String("create".to_owned()));
                done.remark = Some("a default alone, so for new accounts only".to_owned());
            }
            (None, None) => return Err(format!("`{theirs}` has neither a source nor a default")),
        }
        put_flow(mapping, &mut done);
        if flow_null && self.speaks_of_a_gate(&done.entry) {
            done.entry.insert("flow_null".to_owned(), Value::Boolean(true));
        }
        match probe::mapping_fault(self.kind, &self.declared_for(&done.entry), &done.entry) {
            Some(fault) => Err(fault),
            None => Ok(done),
        }
    }

    fn put_source(&mut self, source: &Tree, to: &str, theirs: &str, done: &mut Converted) -> Result<(), String> {
        if source.what == TreeType::Constant {
            let text = if source.name.is_empty() { source.expression.trim_matches('"') } else { &source.name };
            let value = if theirs.eq_ignore_ascii_case(ACCOUNT_DISABLED) { contrary(text) } else { text.to_owned() };
            done.entry.insert("constant".to_owned(), self.constant(to, &value));
            return Ok(());
        }
        let (key, text) = if to.eq_ignore_ascii_case(ACCOUNT_ENABLED) {
            account_state(source, theirs, done)?
        } else {
            source_text(source)?
        };
        self.declare_own(&text, key);
        done.entry.insert(key.to_owned(), Value::String(text));
        Ok(())
    }

    /// A text of a schema, as what the target holds there.
    fn constant(&self, to: &str, text: &str) -> Value {
        let shape = match self.kind {
            TargetKind::Cloud => property(to),
            TargetKind::OnPremises if to.eq_ignore_ascii_case(ACCOUNT_ENABLED) => {
                Some(Property::Writable(Shape::Boolean))
            }
            TargetKind::App if to.eq_ignore_ascii_case("active") => Some(Property::Writable(Shape::Boolean)),
            TargetKind::OnPremises | TargetKind::App => None,
        };
        let list = || serde_json::from_str::<Vec<String>>(text).ok();
        match shape {
            Some(Property::Writable(Shape::Boolean)) => match truth(text) {
                Some(truth) => Value::Boolean(truth),
                None => Value::String(text.to_owned()),
            },
            Some(Property::Writable(Shape::List)) => match list() {
                Some(list) => Value::Array(list.into_iter().map(Value::String).collect()),
                None => Value::String(text.to_owned()),
            },
            _ => Value::String(text.to_owned()),
        }
    }

    /// What a mapping speaks of under a URN of the customer's own needs a declaration, and schemas often lack it.
    pub(super) fn declare_own(&mut self, text: &str, key: &str) {
        for path in spoken_of(text, key) {
            let name = path.to_string();
            let is_known = crate::scim::schema::attribute_of(&path).is_some();
            let is_declared = self.declared.keys().any(|known| known.eq_ignore_ascii_case(&name));
            if path.schema.is_some() && !is_known && !is_declared && probe::declaration_fault(&name, "text").is_none() {
                self.declared.insert(name, Value::String("text".to_owned()));
            }
        }
    }

    /// Of what the job declares, what an entry speaks of: a probe with all of it would take its time.
    fn declared_for(&self, entry: &Table) -> Table {
        let texts = ["direct", "expression"].into_iter().filter_map(|key| Some((key, entry.get(key)?.as_str()?)));
        let spoken: Vec<String> = texts
            .flat_map(|(key, text)| spoken_of(text, key))
            .map(|path| path.to_string().to_ascii_lowercase())
            .collect();
        let of_it = |(name, _): &(&String, &Value)| spoken.contains(&name.to_ascii_lowercase());
        self.declared.iter().filter(of_it).map(|(name, what)| (name.clone(), what.clone())).collect()
    }

    fn speaks_of_a_gate(&self, entry: &Table) -> bool {
        ["direct", "expression"].into_iter().any(|key| {
            let text = entry.get(key).and_then(Value::as_str).unwrap_or_default();
            spoken_of(text, key).iter().any(|path| {
                self.gates
                    .iter()
                    .filter_map(|gate| parse_path(gate).ok())
                    .any(|gate| gate.schema == path.schema && gate.attribute == path.attribute)
            })
        })
    }
}

fn spoken_of(text: &str, key: &str) -> Vec<Path> {
    match key {
        "direct" => parse_path(text).into_iter().collect(),
        _ => Expression::parse(text, &parse_path)
            .map(|expression| expression.attributes().map(|(path, _)| path.clone()).collect())
            .unwrap_or_default(),
    }
}

fn put_flow(mapping: &AttributeMapping, done: &mut Converted) {
    let once = || Value::String("create".to_owned());
    match mapping.flow_type.as_str() {
        "Always" | "" => {}
        "ObjectAddOnly" => {
            done.entry.insert("apply".to_owned(), once());
        }
        other if other.ends_with("AddOnly") => {
            done.notes.push(format!("the flow type `{other}` has no counterpart; written to new accounts only"));
            done.entry.insert("apply".to_owned(), once());
        }
        other => done.notes.push(format!("`{other}` is no flow type; taken as `Always`")),
    }
    if mapping.flow_behavior != "FlowWhenChanged" {
        let behavior = &mapping.flow_behavior;
        done.notes.push(format!("the flow behaviour `{behavior}` has no counterpart; written where it differs"));
    }
    if mapping.export_missing_references {
        done.notes.push("references to objects that are not there are not written".to_owned());
    }
    if mapping.matching_priority > 0 {
        done.entry.insert("match".to_owned(), Value::Integer(mapping.matching_priority));
    }
}

/// The setting that says where a value comes from, and its text.
pub(super) fn source_text(source: &Tree) -> Result<(&'static str, String), String> {
    if source.what == TreeType::Attribute && !source.name.is_empty() {
        // The name is the path itself; in an expression it may stand differently.
        return Ok(("direct", parse_path(&source.name).map_or_else(|_| source.name.clone(), |path| path.to_string())));
    }
    let expression = read(source)?;
    let tree = expression.tree();
    Ok(match tree.what {
        TreeType::Attribute => ("direct", tree.name),
        TreeType::Constant => ("constant", tree.name),
        TreeType::Function => ("expression", expression.to_string()),
    })
}

fn read(source: &Tree) -> Result<Expression, String> {
    Expression::from_tree(source, &parse_path).map_err(|wrong| wrong.message)
}

/// What says whether an account is open. Entra has three words for it; muster has `active`.
fn account_state(source: &Tree, theirs: &str, done: &mut Converted) -> Result<(&'static str, String), String> {
    let is_contrary = theirs.eq_ignore_ascii_case(ACCOUNT_DISABLED);
    let expression = match source.what {
        TreeType::Attribute if !source.name.is_empty() => {
            Expression::parse(&format!("[{}]", source.name), &parse_path).map_err(|wrong| wrong.message)?
        }
        _ => read(source)?,
    };
    let speaks_of = |name: &str| expression.attributes().any(|(path, _)| *path == Path::simple(name));
    let is_alone = expression.attributes().map(|(path, _)| path).collect::<std::collections::BTreeSet<_>>().len() == 1;
    let gives = |name: &str, value: bool| {
        let person: Attributes = [(Name::new(name), model::Value::Boolean(value))].into_iter().collect();
        let Ok(Evaluated::Value(value)) = expression.evaluate(&Inputs::of(&person)) else { return None };
        let is_open = match value {
            model::Value::Boolean(truth) => truth,
            model::Value::Integer(number) => number != 0,
            model::Value::Text(text) => truth(&text)?,
            _ => return None,
        };
        Some(is_open != is_contrary)
    };
    let means = |name: &str, open: bool| {
        is_alone && speaks_of(name) && gives(name, open) == Some(true) && gives(name, !open) == Some(false)
    };
    if means(IS_SOFT_DELETED, false) {
        done.remark =
            Some(format!("Entra's `{theirs}` from {expression}: `active` and `policy.out_of_scope` say it here"));
        return Ok(("direct", ACTIVE.to_owned()));
    }
    if means(ACTIVE, true) {
        if is_contrary || !matches!(expression.tree().what, TreeType::Attribute) {
            done.remark = Some(format!("Entra's `{theirs}` from {expression}"));
        }
        return Ok(("direct", ACTIVE.to_owned()));
    }
    if speaks_of(IS_SOFT_DELETED) {
        return Err(format!("`{IS_SOFT_DELETED}` is Entra's own; map `{ACTIVE}`, and see `policy.out_of_scope`"));
    }
    if is_contrary {
        done.remark = Some(format!("the contrary of Entra's `{theirs}`"));
        let text = format!(
            "Switch({expression}, , \"True\", \"False\", \"False\", \"True\", \"1\", \"False\", \"0\", \"True\")"
        );
        return Ok(("expression", text));
    }
    source_text(source)
}

fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

fn contrary(text: &str) -> String {
    match truth(text) {
        Some(truth) => (!truth).to_string(),
        None => text.to_owned(),
    }
}
