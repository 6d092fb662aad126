//! The scope of an object mapping as `[[scope.group]]`.

use serde_json::{Map, Value as Json};
use toml::{Table, Value};

use super::attribute::Converter;
use super::import::Importer;
use super::probe;
use super::rule::Place;
use crate::decide::TargetKind;
use crate::graph_schema::ObjectMapping;
use crate::scim::nearest::clipped;

/// Groups that are groups of another use, and what Entra uses them for.
const OTHER_USES: [&str; 2] = ["inputFilterGroups", "categoryFilterGroups"];

impl Importer<'_> {
    /// Takes over a scope; says whether the job is about the same people now.
    ///
    /// A part alone is never taken: without a clause too many people were in scope, without a group too few.
    pub(super) fn scope(&mut self, place: &Place<'_>, mapping: &ObjectMapping) -> bool {
        let at = format!("{}.scope", place.mapping);
        if let Some(first) = &self.scope {
            let is_same = *first == mapping.scope;
            if !is_same {
                self.lose(&at, "a job has one scope, and has another already; left out");
            }
            return is_same;
        }
        self.scope = Some(mapping.scope.clone());
        let groups = match &mapping.scope {
            None => Ok(Vec::new()),
            Some(scope) => self.groups(scope),
        };
        match groups {
            Ok(groups) if groups.is_empty() => {
                self.job.rest.remove("scope");
                true
            }
            Ok(groups) => {
                let scope = Table::from_iter([("group".to_owned(), Value::Array(groups))]);
                self.job.rest.insert("scope".to_owned(), Value::Table(scope));
                true
            }
            Err(faults) => {
                faults.into_iter().for_each(|(inside, why)| self.lose(&format!("{at}{inside}"), why));
                false
            }
        }
    }

    /// Takes over a scope that is another than in the job file; of several rules, from the first that was changed.
    pub(super) fn changed_scope(&mut self, place: &Place<'_>, mapping: &ObjectMapping, before: &Option<Json>) {
        if self.scope.as_ref() == Some(before) {
            self.scope = None;
        }
        if !self.scope(place, mapping) {
            self.lose(&format!("{}.scope", place.mapping), "`[scope]` stays as it was");
        }
    }

    fn groups(&mut self, scope: &Json) -> Result<Vec<Value>, Faults> {
        let mut faults = Faults::new();
        let Json::Object(scope) = scope else {
            return Err(vec![(String::new(), "it must be an object".to_owned())]);
        };
        let known = |name: &str| name == "groups" || OTHER_USES.contains(&name) || name.contains('@');
        for (name, _) in scope.iter().filter(|(name, value)| !value.is_null() && !known(name)) {
            faults.push((format!(".{}", clipped(name)), "a scope has no such member".to_owned()));
        }
        if scope.get("groups").is_some_and(|groups| !groups.is_null() && !groups.is_array()) {
            faults.push((".groups".to_owned(), "it must be a list".to_owned()));
        }
        for name in OTHER_USES {
            if !list(scope, name).is_empty() {
                faults.push((format!(".{name}"), "it has no counterpart; write it as `groups`".to_owned()));
            }
        }
        let mut groups = Vec::new();
        for (at, group) in list(scope, "groups").iter().enumerate() {
            let place = format!(".groups[{at}]");
            let group = group.as_object().map(|group| self.group(&place, group, &mut faults));
            match group {
                Some(group) => match probe::scope_fault(&self.job.declared, &group) {
                    None => groups.push(Value::Table(group)),
                    Some(fault) => faults.push((place, fault)),
                },
                None => faults.push((place, "it must be an object".to_owned())),
            }
        }
        if faults.is_empty() { Ok(groups) } else { Err(faults) }
    }

    fn group(&mut self, place: &str, group: &Map<String, Json>, faults: &mut Faults) -> Table {
        let mut table = Table::new();
        if let Some(name) = group.get("name").and_then(Json::as_str).filter(|name| !name.is_empty()) {
            table.insert("name".to_owned(), Value::String(name.to_owned()));
        }
        let clauses = list(group, "clauses").iter().enumerate().filter_map(|(at, clause)| {
            let clause = clause.as_object().and_then(|clause| self.clause(clause));
            if clause.is_none() {
                let why = "it must say `sourceOperandName`, `operatorName` and the values of its `targetOperand`";
                faults.push((format!("{place}.clauses[{at}]"), why.to_owned()));
            }
            clause.map(Value::Table)
        });
        table.insert("clauses".to_owned(), Value::Array(clauses.collect()));
        table
    }

    fn clause(&mut self, clause: &Map<String, Json>) -> Option<Table> {
        let attribute = clause.get("sourceOperandName")?.as_str()?;
        let operator = clause.get("operatorName")?.as_str()?;
        let mut converter =
            Converter { kind: TargetKind::Cloud, declared: &mut self.job.declared, gates: &self.job.gates };
        converter.declare_own(attribute, "direct");
        let operand = clause.get("targetOperand").and_then(Json::as_object);
        let values = operand.map(|operand| list(operand, "values").iter().map(text).collect::<Option<Vec<_>>>());
        let mut values = values.unwrap_or_else(|| Some(Vec::new()))?;
        let words = [("attribute", attribute), ("operator", operator)];
        let mut table: Table =
            words.into_iter().map(|(key, word)| (key.to_owned(), Value::String(word.to_owned()))).collect();
        match values.len() {
            0 => {}
            1 => table.extend(values.pop().map(|value| ("value".to_owned(), value))),
            _ => {
                table.insert("values".to_owned(), Value::Array(values));
            }
        }
        Some(table)
    }
}

/// What cannot be taken over: where inside the scope, and why.
type Faults = Vec<(String, String)>;

fn list<'a>(object: &'a Map<String, Json>, name: &str) -> &'a [Json] {
    object.get(name).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

fn text(value: &Json) -> Option<Value> {
    match value {
        Json::String(text) => Some(Value::String(text.clone())),
        Json::Number(number) => Some(Value::String(number.to_string())),
        Json::Bool(truth) => Some(Value::String(truth.to_string())),
        _ => None,
    }
}
