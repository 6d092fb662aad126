//! A job file taken apart, so that a schema can be worked into it, and put together again.

use toml::{Table, Value};

use super::layout::Draft;

/// The parts of a job file that a schema speaks of, and the rest.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Everything else at the top.
    pub(super) rest: Table,
    /// `[source]`, without what follows.
    pub(super) source: Table,
    /// `[source.attributes]`.
    pub(super) declared: Table,
    /// `source.flow_null`.
    pub(super) gates: Vec<String>,
    /// `[[rule]]`.
    pub(super) rules: Vec<Value>,
    /// `[target.…]`.
    pub(super) targets: Table,
    /// What was there, even if it is empty.
    was_there: Vec<&'static str>,
}

impl Parts {
    /// Takes a job file apart.
    pub(super) fn of(mut table: Table) -> Self {
        let mut source = take_table(&mut table, "source");
        let was_there = ["attributes", "flow_null"].into_iter().filter(|key| source.contains_key(*key)).collect();
        let gates = take_list(&mut source, "flow_null");
        Self {
            declared: take_table(&mut source, "attributes"),
            gates: gates.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            rules: take_list(&mut table, "rule"),
            targets: take_table(&mut table, "target"),
            rest: table,
            source,
            was_there,
        }
    }

    /// Puts it together again, into `draft`.
    pub(super) fn join(mut self, draft: &mut Draft) {
        let gates = self.gates.into_iter().map(Value::String).collect::<Vec<_>>();
        if !gates.is_empty() || self.was_there.contains(&"flow_null") {
            self.source.insert("flow_null".to_owned(), Value::Array(gates));
        }
        if !self.declared.is_empty() || self.was_there.contains(&"attributes") {
            self.source.insert("attributes".to_owned(), Value::Table(self.declared));
        }
        let parts = [
            ("source", Value::Table(self.source)),
            ("rule", Value::Array(self.rules)),
            ("target", Value::Table(self.targets)),
        ];
        draft.table = self.rest;
        for (key, part) in parts {
            let is_empty = part.as_table().is_some_and(Table::is_empty) || part.as_array().is_some_and(Vec::is_empty);
            if !is_empty {
                draft.table.insert(key.to_owned(), part);
            }
        }
    }
}

/// Takes a table out of another; what is none is an empty one.
pub(super) fn take_table(table: &mut Table, key: &str) -> Table {
    match table.remove(key) {
        Some(Value::Table(taken)) => taken,
        _ => Table::new(),
    }
}

/// Takes a list out of a table; what is none is an empty one.
pub(super) fn take_list(table: &mut Table, key: &str) -> Vec<Value> {
    match table.remove(key) {
        Some(Value::Array(taken)) => taken,
        _ => Vec::new(),
    }
}
