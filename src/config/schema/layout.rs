//! A job file written anew: its tables in the order people read them, with comments where there is something to say.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use toml::{Table, Value};

/// The order of settings, wherever they stand; others follow by their names.
const ORDER: [&str; 43] = [
    "name",
    "id",
    "when",
    "place",
    "kind",
    "delimiter",
    "rows_lost_percent_max",
    "filter",
    "out_of_scope",
    "nowhere",
    "placement_change",
    "columns",
    "attributes",
    "source",
    "scope",
    "policy",
    "rule",
    "membership",
    "test",
    "target",
    "group",
    "create",
    "base_url",
    "authority",
    "tenant",
    "client_id",
    "client_secret",
    "folder",
    "naming",
    "container",
    "on_delete",
    "to",
    "direct",
    "constant",
    "expression",
    "match",
    "apply",
    "default",
    "flow_null",
    "count",
    "percent",
    "limits",
    "map",
];

/// Settings whose texts are filters and expressions: in single quotes nothing in them needs escaping.
const LANGUAGE: [&str; 4] = ["when", "filter", "expression", "container"];

/// A place in a job file: keys, and numbers of elements as text.
pub(super) type Place = Vec<String>;

/// A job file that is being written.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// What it says.
    pub(super) table: Table,
    /// What stands above it.
    pub(super) opening: Vec<String>,
    /// What stands above a setting or a table, by its place.
    pub(super) comments: BTreeMap<Place, Vec<String>>,
    /// The targets, in order: the first is the one people think of.
    pub(super) targets: Vec<String>,
}

impl Draft {
    /// A comment above the setting or table at `place`.
    pub(super) fn remark(&mut self, place: &[&str], words: impl Into<String>) {
        let place = place.iter().map(|key| (*key).to_owned()).collect();
        self.comments.entry(place).or_default().push(words.into());
    }

    /// The file.
    pub(super) fn text(&self) -> String {
        let mut out = Out { draft: self, text: String::new() };
        out.comment(&self.opening);
        out.table(&mut Vec::new(), &self.table);
        out.text
    }
}

/// A table as it stands, without comments.
pub(super) fn bare(table: &Table, targets: Vec<String>) -> String {
    Draft { table: table.clone(), targets, ..Draft::default() }.text()
}

struct Out<'a> {
    draft: &'a Draft,
    text: String,
}

impl Out<'_> {
    fn comment(&mut self, lines: &[String]) {
        for line in lines.iter().flat_map(|line| line.split('\n')) {
            let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            self.text.push_str(format!("# {line}").trim_end());
            self.text.push('\n');
        }
    }

    fn remarks(&mut self, place: &Place) {
        if let Some(lines) = self.draft.comments.get(place) {
            self.comment(lines);
        }
    }

    /// What a table holds: first what stands on one line, then what has a heading of its own.
    fn table(&mut self, place: &mut Place, table: &Table) {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| self.rank(place, key));
        let (below, inline): (Vec<_>, Vec<_>) = entries.into_iter().partition(|(key, value)| heads(place, key, value));
        for (key, value) in inline {
            place.push(key.clone());
            self.remarks(place);
            let _ = writeln!(self.text, "{} = {}", bare_key(key), setting(key, value));
            place.pop();
        }
        for (key, value) in below {
            place.push(key.clone());
            match value {
                Value::Table(table) => self.headed(place, table, ("[", "]")),
                Value::Array(elements) => self.elements(place, elements),
                _ => {}
            }
            place.pop();
        }
    }

    fn elements(&mut self, place: &mut Place, elements: &[Value]) {
        for (at, element) in elements.iter().enumerate() {
            place.push(at.to_string());
            if let Value::Table(table) = element {
                self.headed(place, table, ("[[", "]]"));
            }
            place.pop();
        }
    }

    fn headed(&mut self, place: &mut Place, table: &Table, (open, close): (&str, &str)) {
        let is_element = open == "[[";
        let holds_only_tables = !table.is_empty() && table.iter().all(|(key, value)| heads(place, key, value));
        if is_element || !holds_only_tables {
            if !self.text.is_empty() {
                self.text.push('\n');
            }
            self.remarks(place);
            let named = if is_element { &place[..place.len() - 1] } else { place.as_slice() };
            let keys: Vec<String> = named.iter().map(|key| bare_key(key)).collect();
            let _ = writeln!(self.text, "{open}{}{close}", keys.join("."));
        }
        self.table(place, table);
    }

    /// Where a setting stands among its neighbours.
    fn rank(&self, place: &Place, key: &str) -> (usize, usize) {
        let of_target = self.draft.targets.iter().position(|target| target == key);
        match of_target {
            Some(at) if place.len() == 1 && place[0] == "target" => (0, at),
            _ => (1, order(key)),
        }
    }
}

fn order(key: &str) -> usize {
    ORDER.iter().position(|known| *known == key).unwrap_or(ORDER.len())
}

/// Whether a setting has a heading of its own.
fn heads(place: &Place, key: &str, value: &Value) -> bool {
    let place: Vec<&str> = place.iter().map(String::as_str).collect();
    match value {
        Value::Table(_) => matches!(
            (place.as_slice(), key),
            ([], _) | (["source"], "columns" | "attributes") | (["target"], _) | (["target", _], "limits")
        ),
        Value::Array(elements) => {
            let are_tables = !elements.is_empty() && elements.iter().all(Value::is_table);
            are_tables && matches!((place.as_slice(), key), ([], _) | (["scope"], _) | (["target", _], "map"))
        }
        _ => false,
    }
}

fn bare_key(key: &str) -> String {
    let is_bare = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if is_bare { key.to_owned() } else { quoted(key, false) }
}

/// What stands behind a setting's name: on one line, but for lists of tables.
fn setting(key: &str, value: &Value) -> String {
    match value {
        Value::Array(elements) if elements.len() > 1 && elements.iter().all(Value::is_table) => {
            let lines = elements.iter().map(|element| format!("  {},\n", inline_value(key, element)));
            format!("[\n{}]", lines.collect::<String>())
        }
        value => inline_value(key, value),
    }
}

fn inline_value(key: &str, value: &Value) -> String {
    match value {
        Value::String(text) if text.contains('\n') && is_plain_block(text) => format!("'''\n{text}'''"),
        Value::String(text) => quoted(text, LANGUAGE.contains(&key)),
        Value::Array(elements) => {
            let elements: Vec<String> = elements.iter().map(|element| inline_value(key, element)).collect();
            format!("[{}]", elements.join(", "))
        }
        Value::Table(table) if table.is_empty() => "{}".to_owned(),
        Value::Table(table) => {
            let mut entries: Vec<_> = table.iter().collect();
            entries.sort_by_key(|(key, _)| order(key));
            let entries =
                entries.iter().map(|(key, value)| format!("{} = {}", bare_key(key), inline_value(key, value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// Whether a text of several lines can stand between `'''` as it is.
fn is_plain_block(text: &str) -> bool {
    !text.contains("''") && !text.ends_with('\'') && !text.chars().any(|c| c.is_control() && c != '\n' && c != '\t')
}

/// A text in quotes: in single ones where nothing else would need escaping, or where they are preferred.
fn quoted(text: &str, prefers_single: bool) -> String {
    let can_be_single = !text.contains('\'') && !text.chars().any(|c| c.is_control() && c != '\t');
    if can_be_single && (prefers_single || text.contains(['"', '\\'])) {
        return format!("'{text}'");
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        let text = prop_oneof!["[ -~]{0,12}", "\\PC{0,6}", "[\"'\\\\\n\t\r\u{7f}\u{1}a]{0,8}"];
        let leaf = prop_oneof![
            text.prop_map(Value::String),
            any::<i64>().prop_map(Value::Integer),
            any::<bool>().prop_map(Value::Boolean),
            (-1.0e6..1.0e6).prop_map(Value::Float),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            let key = prop_oneof!["[a-z]{1,5}", "\\PC{0,4}", Just("rule".to_owned()), Just("map".to_owned())];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                prop::collection::btree_map(key, inner, 0..4).prop_map(|map| Value::Table(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            entries in prop::collection::btree_map("source|target|rule|scope|name|[a-z']{1,6}", value(), 0..6)
        ) {
            let table: Table = entries.into_iter().collect();
            let text = bare(&table, vec!["map".to_owned()]);
            prop_assert_eq!(text.parse::<Table>().map_err(|error| format!("{error}\n{text}")), Ok(table));
        }
    }
}
