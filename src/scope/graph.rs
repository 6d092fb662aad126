//! Scoping filters as Graph's JSON has them: the `scope` of an object mapping (`filter`, `filterGroup`, `filterClause`).

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value as Json;

use super::groups::{CLAUSES_MAX, Clause, ClauseFault, ClauseWords, GROUPS_MAX, Group, Part, ReadPath, ScopingFilter};
use crate::model::Diagnostic;
use crate::scim::nearest::clipped;

/// Longest JSON of a filter, in bytes. A group of ten clauses has about two thousand.
pub(super) const GRAPH_BYTES_MAX: usize = 256 * 1024;

/// Graph's `filter`. Absent and null lists are empty; annotations (`@odata.type`) are passed over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GraphFilter {
    /// Groups of another use, without a counterpart here.
    #[serde(deserialize_with = "list")]
    pub category_filter_groups: Vec<FilterGroup>,
    /// The groups, one of which must hold.
    #[serde(deserialize_with = "list")]
    pub groups: Vec<FilterGroup>,
    /// Groups of another use, without a counterpart here.
    #[serde(deserialize_with = "list")]
    pub input_filter_groups: Vec<FilterGroup>,
}

/// Graph's `filterGroup`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FilterGroup {
    /// The clauses, all of which must hold.
    #[serde(deserialize_with = "list")]
    pub clauses: Vec<FilterClause>,
    /// What the group is called.
    pub name: Option<String>,
}

/// Graph's `filterClause`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FilterClause {
    /// The operator.
    pub operator_name: Option<String>,
    /// The attribute.
    pub source_operand_name: Option<String>,
    /// What it is compared with.
    pub target_operand: Option<FilterOperand>,
}

/// Graph's `filterOperand`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FilterOperand {
    /// The values.
    #[serde(deserialize_with = "list")]
    pub values: Vec<String>,
}

fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A mistake in Graph's JSON, and the text it stands in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {diagnostic}")]
pub struct GraphFault {
    /// Which clause of which group, in words.
    pub place: String,
    /// The text of the JSON that is wrong; empty where something is missing.
    pub written: String,
    /// What is wrong, in bytes of that text.
    pub diagnostic: Box<Diagnostic>,
}

impl ScopingFilter {
    /// Reads the filter from Graph's JSON that was read.
    ///
    /// # Errors
    /// Every mistake, and by name what has no counterpart here.
    pub fn from_graph(filter: &GraphFilter, read_path: ReadPath<'_>) -> Result<Self, Vec<GraphFault>> {
        let mut faults = Vec::new();
        for (name, groups) in [
            ("inputFilterGroups", &filter.input_filter_groups),
            ("categoryFilterGroups", &filter.category_filter_groups),
        ] {
            if !groups.is_empty() {
                faults.push(
                    fault(name, name, format!("`{name}` has no counterpart"), "nothing here is meant by it")
                        .with_hint("take it out, or make it `groups`"),
                );
            }
        }
        if filter.groups.len() > GROUPS_MAX {
            faults.push(fault("groups", "groups", format!("a filter has at most {GROUPS_MAX} groups"), "too many"));
        }
        let numbered = filter.groups.iter().enumerate().take(GROUPS_MAX);
        let groups = numbered.map(|(at, group)| read_group(at, group, read_path, &mut faults)).collect();
        if faults.is_empty() { Ok(Self::new(groups)) } else { Err(faults) }
    }

    /// Reads the filter from Graph's JSON.
    ///
    /// # Errors
    /// Every mistake, in bytes of `text`.
    pub fn parse_graph(text: &str, read_path: ReadPath<'_>) -> Result<Self, Vec<Diagnostic>> {
        if text.len() > GRAPH_BYTES_MAX {
            let message = format!("the filter is longer than {GRAPH_BYTES_MAX} bytes");
            return Err(vec![Diagnostic::new(message, 0..text.len(), "too long")]);
        }
        let json: Json = serde_json::from_str(text).map_err(|error| vec![no_filter(text, &error)])?;
        let strangers = strangers(&json);
        if !strangers.is_empty() {
            return Err(strangers.iter().map(|fault| fault.within(text)).collect());
        }
        let filter: Option<GraphFilter> = serde_json::from_str(text).map_err(|error| vec![no_filter(text, &error)])?;
        let filter = filter.unwrap_or_default();
        Self::from_graph(&filter, read_path).map_err(|faults| faults.iter().map(|fault| fault.within(text)).collect())
    }

    /// The filter as Graph's JSON has it.
    pub fn to_graph(&self) -> GraphFilter {
        let groups = self.groups().iter().map(|group| FilterGroup {
            name: Some(group.name.clone()),
            clauses: group.clauses.iter().map(graph_clause).collect(),
        });
        GraphFilter { groups: groups.collect(), ..GraphFilter::default() }
    }
}

fn graph_clause(clause: &Clause) -> FilterClause {
    FilterClause {
        operator_name: Some(clause.operator().name.to_owned()),
        source_operand_name: Some(clause.path().to_string()),
        target_operand: Some(FilterOperand { values: clause.values().to_vec() }),
    }
}

fn fault(place: &str, written: &str, message: String, label: &str) -> GraphFault {
    let diagnostic = Box::new(Diagnostic::new(message, 0..written.len(), label));
    GraphFault { place: place.to_owned(), written: written.to_owned(), diagnostic }
}

impl GraphFault {
    fn with_hint(self, hint: &str) -> Self {
        Self { diagnostic: Box::new(self.diagnostic.with_hint(hint)), ..self }
    }

    /// The same in bytes of the JSON: where its text first stands; the whole where it is nowhere as it is.
    fn within(&self, text: &str) -> Diagnostic {
        let quoted = serde_json::Value::from(self.written.as_str()).to_string();
        let found = text.find(&quoted).filter(|_| !self.written.is_empty());
        let span = match found {
            Some(at) if quoted.len() == self.written.len() + 2 => {
                at + 1 + self.diagnostic.span.start..at + 1 + self.diagnostic.span.end
            }
            Some(at) => at..at + quoted.len(),
            None => 0..text.len(),
        };
        let message = if self.place.is_empty() { self.diagnostic.message.clone() } else { self.to_string() };
        Diagnostic { message, span, ..*self.diagnostic.clone() }
    }
}

fn read_group(at: usize, group: &FilterGroup, read_path: ReadPath<'_>, faults: &mut Vec<GraphFault>) -> Group {
    let name = group.name.clone().unwrap_or_default();
    let place = if name.is_empty() { format!("group {}", at + 1) } else { format!("the group `{name}`") };
    match group.clauses.len() {
        0 => faults.push(
            fault(&place, &name, "it has no clause, so it would hold for everybody".to_owned(), "empty")
                .with_hint("add a clause, or take the group out"),
        ),
        more if more > CLAUSES_MAX => {
            faults.push(fault(&place, &name, format!("a group has at most {CLAUSES_MAX} clauses"), "too many"));
        }
        _ => {}
    }
    let numbered = group.clauses.iter().enumerate().take(CLAUSES_MAX);
    let clauses = numbered.filter_map(|(at, clause)| {
        let read = read_clause(clause, read_path);
        read.map_err(|fault| faults.push(GraphFault { place: format!("clause {} of {place}", at + 1), ..fault })).ok()
    });
    Group { name, clauses: clauses.collect() }
}

fn read_clause(clause: &FilterClause, read_path: ReadPath<'_>) -> Result<Clause, GraphFault> {
    let missing = |name: &str| fault("", "", format!("it does not say its `{name}`"), "incomplete");
    let attribute = clause.source_operand_name.as_deref().ok_or_else(|| missing("sourceOperandName"))?;
    let operator = clause.operator_name.as_deref().ok_or_else(|| missing("operatorName"))?;
    let values = clause.target_operand.as_ref().map_or(&[][..], |operand| &operand.values);
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    Clause::read(ClauseWords { attribute, operator, values: &values }, read_path).map_err(
        |ClauseFault { part, diagnostic }| {
            let written = match part {
                Part::Attribute => attribute,
                Part::Operator => operator,
                Part::Value(at) => values.get(at).copied().unwrap_or_default(),
            };
            GraphFault { place: String::new(), written: written.to_owned(), diagnostic: Box::new(diagnostic) }
        },
    )
}

/// What to do about a text that is JSON, but no filter.
const PASTE: &str = "paste the `scope` of an object mapping: `{\"groups\": [{\"name\": …, \"clauses\": […]}]}`";

/// Members that a filter, its groups and its clauses do not have. A filter whose `groups` are misspelt, or that was
/// pasted with too much or too little around it, would hold for everybody.
fn strangers(json: &Json) -> Vec<GraphFault> {
    let mut faults = Vec::new();
    if !(json.is_object() || json.is_null()) {
        faults.push(fault("", "", "this is no filter of Graph's".to_owned(), "not an object").with_hint(PASTE));
    }
    note_strangers(json, "a filter", &["categoryFilterGroups", "groups", "inputFilterGroups"], &mut faults);
    for group in elements(json, "groups") {
        note_strangers(group, "a group", &["clauses", "name"], &mut faults);
        for clause in elements(group, "clauses") {
            let known = ["operatorName", "sourceOperandName", "targetOperand"];
            note_strangers(clause, "a clause", &known, &mut faults);
        }
    }
    faults
}

fn elements<'a>(json: &'a Json, name: &str) -> impl Iterator<Item = &'a Json> {
    json.get(name).and_then(Json::as_array).into_iter().flatten().take(GROUPS_MAX.max(CLAUSES_MAX))
}

fn note_strangers(json: &Json, of: &str, known: &[&str], faults: &mut Vec<GraphFault>) {
    let members = json.as_object().into_iter().flatten();
    for (name, _) in members.filter(|(name, value)| is_stranger(name, value, known)) {
        let message = format!("{of} has no `{}`", clipped(name));
        faults.push(fault("", name, message, "not a part of it").with_hint(PASTE));
    }
}

fn is_stranger(name: &str, value: &Json, known: &[&str]) -> bool {
    !value.is_null() && !name.contains('@') && !known.contains(&name)
}

/// Text that is no filter, where it stops being one.
fn no_filter(text: &str, error: &serde_json::Error) -> Diagnostic {
    let before: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let mut at = (before + error.column().saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let end = at + text[at..].chars().next().map_or(0, char::len_utf8);
    let message = if error.is_data() { "this is no filter of Graph's" } else { "this is no JSON" };
    let said = error.to_string();
    let label = said.split(" at line ").next().unwrap_or_default();
    Diagnostic::new(message, at..end, label).with_hint(PASTE)
}
