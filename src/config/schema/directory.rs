//! What a schema says of the source's attributes, brought into `[source]`.

use toml::{Table, Value};

use super::import::Importer;
use super::probe;
use crate::graph_schema::AttributeDefinition;
use crate::model::Path;
use crate::scim::parse_path;
use crate::scim::schema::{CORE_USER, ENTERPRISE_USER, attribute_of};

/// Names that are listed in one message.
const NAMED_MAX: usize = 8;

/// Attributes that every directory of Entra's has and no source says.
const THEIR_OWN: [&str; 4] = ["IsSoftDeleted", "id", "objectId", "password"];

impl Importer<'_> {
    /// Takes over the attributes of the source that differ from those of the job file that was kept.
    pub(super) fn source_attributes(
        &mut self,
        place: &str,
        now: &[AttributeDefinition],
        before: &[AttributeDefinition],
    ) {
        let mut strangers = Vec::new();
        for (at, attribute) in now.iter().enumerate() {
            let known = before.iter().find(|known| known.name == attribute.name);
            if known != Some(attribute) && !self.source_attribute(&format!("{place}[{at}]"), attribute, known) {
                strangers.push(format!("`{}`", attribute.name));
            }
        }
        let gone = before.iter().filter(|known| !now.iter().any(|attribute| attribute.name == known.name));
        gone.for_each(|known| self.forget(&known.name));
        if !strangers.is_empty() {
            let names = strangers[..strangers.len().min(NAMED_MAX)].join(", ");
            let others = if strangers.len() > NAMED_MAX { " and others" } else { "" };
            self.lose(place, format!("neither SCIM nor a URN has {names}{others}; left out"));
        }
    }

    /// Whether muster can hold such an attribute.
    fn source_attribute(
        &mut self,
        place: &str,
        attribute: &AttributeDefinition,
        known: Option<&AttributeDefinition>,
    ) -> bool {
        let name = attribute.name.as_str();
        let path = match parse_path(name) {
            Ok(path) if path.schema.is_some() || attribute_of(&path).is_some() => path,
            _ => return THEIR_OWN.contains(&name),
        };
        if is_own(&path) && known.is_none_or(|known| declares(known) != declares(attribute)) {
            self.declare(place, attribute);
        }
        if attribute.default_value.as_ref().is_some_and(|default| !default.is_empty()) {
            self.lose(place, format!("`{name}` has a default value; give the mappings a `default` instead"));
        }
        if attribute.anchor && path != Path::simple("externalId") {
            self.lose(place, format!("`{name}` is the anchor; here it is always `externalId`"));
        }
        let was_open = known.is_some_and(|known| known.flow_null_values);
        if attribute.flow_null_values != was_open {
            self.gate(place, name, attribute.flow_null_values);
        }
        true
    }

    fn declare(&mut self, place: &str, attribute: &AttributeDefinition) {
        let name = attribute.name.as_str();
        let what = match attribute.r#type.to_ascii_lowercase().as_str() {
            "string" | "datetime" => "text",
            "integer" => "integer",
            "boolean" => "boolean",
            other => {
                self.lose(place, format!("`{name}` is of type `{other}`; taken as a text"));
                "text"
            }
        };
        match probe::declaration_fault(name, what) {
            Some(fault) => self.lose(place, format!("`{name}` cannot be declared: {fault}")),
            None => {
                self.job.declared.insert(name.to_owned(), declaration(attribute, what));
            }
        }
    }

    fn gate(&mut self, place: &str, name: &str, is_open: bool) {
        if is_open && let Some(fault) = probe::gate_fault(&self.declaration(name), name) {
            return self.lose(place, format!("empty values of `{name}` cannot flow: {fault}"));
        }
        self.job.gates.retain(|gate| gate != name);
        if is_open {
            self.job.gates.push(name.to_owned());
        }
    }

    /// What the job declares under a name.
    fn declaration(&self, name: &str) -> Table {
        self.job.declared.get(name).map(|what| (name.to_owned(), what.clone())).into_iter().collect()
    }

    fn forget(&mut self, name: &str) {
        self.job.declared.remove(name);
        self.gate("", name, false);
    }
}

/// What a declaration says of an attribute.
fn declares(attribute: &AttributeDefinition) -> (&str, bool, bool) {
    (&attribute.r#type, attribute.multivalued, attribute.case_exact)
}

/// As a job file declares it: a word, or a table where there is more to say.
fn declaration(attribute: &AttributeDefinition, what: &str) -> Value {
    let kind = Value::String(what.to_owned());
    let more = [("case_exact", attribute.case_exact), ("multi_valued", attribute.multivalued)];
    let more = more.into_iter().filter(|(_, said)| *said).map(|(key, _)| (key.to_owned(), Value::Boolean(true)));
    let mut table: toml::Table = more.collect();
    if table.is_empty() {
        return kind;
    }
    table.insert("type".to_owned(), kind);
    Value::Table(table)
}

fn is_own(path: &Path) -> bool {
    path.schema.as_ref().is_some_and(|schema| *schema != *CORE_USER && *schema != *ENTERPRISE_USER)
}
