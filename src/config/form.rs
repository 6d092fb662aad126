//! The form of a job file against its schema: unknown settings, missing ones, values of another type, all at once.
//!
//! The schema is made from the types of `written`, so there is one list of settings and not two.

use serde_json::Value as Json;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::finding::Findings;
use super::nearest::{hint, nearest};
use crate::model::{Diagnostic, Span};

/// Whether what was checked can be read into its types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// It can; unknown settings have been taken out, and those that were only misspelled are spelled.
    Fits,
    /// It cannot; why is among the findings.
    Misfit,
}

/// Checks a file's root table, and mends misspelled settings so that the rest can be checked as it was meant.
/// `place` is how messages name the whole file.
pub(super) fn check(root: &mut DeTable<'_>, span: Span, schema: &Json, place: &str, findings: &mut Findings) -> Form {
    let mut checker = Checker { findings, form: Form::Fits };
    checker.table(root, span, schema, place);
    checker.form
}

struct Checker<'a> {
    findings: &'a mut Findings,
    form: Form,
}

impl Checker<'_> {
    fn misfit(&mut self, diagnostic: Diagnostic) {
        self.form = Form::Misfit;
        self.findings.error(diagnostic);
    }

    fn table(&mut self, table: &mut DeTable<'_>, span: Span, schema: &Json, place: &str) {
        if let Some(known) = schema.get("properties").and_then(Json::as_object) {
            let names: Vec<&str> = known.keys().map(String::as_str).collect();
            self.mend_names(table, &names, place);
            self.require(table, &span, schema, place);
            for (key, value) in table.iter_mut() {
                if let Some(schema) = known.get(key.get_ref().as_ref()) {
                    self.value(value, schema, &inside(place, key.get_ref()));
                }
            }
        } else if let Some(schema) = schema.get("additionalProperties") {
            for (key, value) in table.iter_mut() {
                self.value(value, schema, &inside(place, key.get_ref()));
            }
        }
    }

    /// Reports names the table does not have, and puts what they hold under the name that was meant.
    fn mend_names(&mut self, table: &mut DeTable<'_>, names: &[&str], place: &str) {
        let unknown: Vec<_> = table.keys().filter(|key| !names.contains(&key.get_ref().as_ref())).cloned().collect();
        for key in unknown {
            let message = format!("{place} has no setting `{}`", key.get_ref());
            let hint = hint(key.get_ref(), names.iter().copied());
            self.findings.error(Diagnostic::new(message, key.span(), "unknown setting").with_hint(hint));
            let meant = nearest(key.get_ref(), names.iter().copied());
            let (Some(value), Some(meant)) = (table.remove(&key), meant) else { continue };
            let meant = Spanned::new(key.span(), meant.to_owned().into());
            if !table.contains_key(&meant) {
                table.insert(meant, value);
            }
        }
    }

    fn require(&mut self, table: &DeTable<'_>, span: &Span, schema: &Json, place: &str) {
        let required = schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
        for name in required {
            if !table.keys().any(|key| key.get_ref() == name) {
                let message = format!("{place} does not say its `{name}`");
                let says = schema.pointer(&format!("/properties/{name}/description")).and_then(Json::as_str);
                let diagnostic = Diagnostic::new(message, span.clone(), format!("`{name}` is missing"));
                self.misfit(match says.and_then(|says| says.lines().next()) {
                    Some(says) => diagnostic.with_hint(format!("`{name}`: {}", says.trim_end_matches('.'))),
                    None => diagnostic,
                });
            }
        }
    }

    fn value(&mut self, value: &mut Spanned<DeValue<'_>>, schema: &Json, place: &str) {
        let kinds = alternatives(schema);
        let may_be_table = kinds.iter().any(|kind| takes(kind, value.get_ref()));
        if let Some(words) = words_of(&kinds).filter(|_| !(may_be_table && value.get_ref().is_table())) {
            return self.word(value, &words, place);
        }
        let Some(schema) = kinds.iter().find(|kind| takes(kind, value.get_ref())) else {
            if kinds.iter().any(|kind| kind.get("writeOnly") == Some(&Json::Bool(true))) {
                return self.secret(value, place);
            }
            return self.misfit(wrong_type(value, &kinds, place));
        };
        let span = value.span();
        match value.get_mut() {
            DeValue::Table(table) => self.table(table, span, schema, place),
            DeValue::Array(elements) => {
                if let Some(items) = schema.get("items") {
                    let one = element_place(place);
                    elements.iter_mut().for_each(|element| self.value(element, items, &one));
                }
            }
            _ => {}
        }
    }

    /// Checks one of several words, and spells it where it was only misspelled.
    fn word(&mut self, value: &mut Spanned<DeValue<'_>>, words: &[&str], place: &str) {
        let Some(said) = value.get_ref().as_str() else {
            let message = format!("{place} must be a text");
            let hint = hint("", words.iter().copied());
            return self.misfit(Diagnostic::new(message, value.span(), "this is none").with_hint(hint));
        };
        if words.contains(&said) {
            return;
        }
        let message = format!("{place} cannot be `{}`", said.escape_debug());
        let diagnostic = Diagnostic::new(message, value.span(), "unknown word");
        let diagnostic = diagnostic.with_hint(hint(said, words.iter().copied()));
        match nearest(said, words.iter().copied()) {
            Some(meant) => {
                self.findings.error(diagnostic);
                *value.get_mut() = DeValue::String(meant.to_owned().into());
            }
            None => self.misfit(diagnostic),
        }
    }

    /// Reports a secret that stands in the file, and goes on as if it were read somewhere.
    fn secret(&mut self, value: &mut Spanned<DeValue<'_>>, place: &str) {
        let message = format!("{place} is a secret and stands in the file");
        self.findings.error(Diagnostic::new(message, value.span(), "not here").with_hint(
            "say where it is read: `{ env = \"NAME\" }` or `{ file = \"path\" }`; and change the secret, it has been seen",
        ));
        let span = value.span();
        let somewhere = Spanned::new(span.clone(), DeValue::String("elsewhere".into()));
        let table = [(Spanned::new(span, "env".into()), somewhere)].into_iter().collect();
        *value.get_mut() = DeValue::Table(table);
    }
}

/// How messages name a setting: `source.delimiter`, `place` of a `[[rule]]`.
fn inside(place: &str, key: &str) -> String {
    match place.strip_prefix('`').and_then(|place| place.strip_suffix('`')) {
        Some(_) if place.contains("` of ") => format!("`{key}` in {place}"),
        Some(outer) => format!("`{outer}.{key}`"),
        None if place.starts_with("a `[[") => format!("`{key}` of {place}"),
        None => format!("`{key}`"),
    }
}

fn element_place(place: &str) -> String {
    match place {
        "`rule`" | "`test`" => format!("a `[[{}]]`", place.trim_matches('`')),
        place if place.ends_with(".map`") || place == "`scope.group`" => format!("a `[[{}]]`", place.trim_matches('`')),
        place => place.to_owned(),
    }
}

/// The schemas a value may follow: one, or several of which any does.
fn alternatives(schema: &Json) -> Vec<&Json> {
    match schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Json::as_array) {
        Some(kinds) => kinds.iter().flat_map(alternatives).collect(),
        None => vec![schema],
    }
}

/// The words a setting may be, where it is one of several words.
fn words_of<'a>(kinds: &[&'a Json]) -> Option<Vec<&'a str>> {
    let words: Vec<&str> = kinds
        .iter()
        .flat_map(|kind| {
            let listed = kind.get("enum").and_then(Json::as_array).into_iter().flatten();
            listed.chain(kind.get("const")).filter_map(Json::as_str)
        })
        .collect();
    (!words.is_empty()).then_some(words)
}

fn types(kind: &Json) -> impl Iterator<Item = &str> {
    let (one, several) = match kind.get("type") {
        Some(Json::String(one)) => (Some(one.as_str()), None),
        Some(Json::Array(several)) => (None, Some(several)),
        _ => (None, None),
    };
    one.into_iter().chain(several.into_iter().flatten().filter_map(Json::as_str)).filter(|name| *name != "null")
}

fn takes(kind: &Json, value: &DeValue<'_>) -> bool {
    types(kind).any(|name| match value {
        DeValue::String(_) => name == "string",
        DeValue::Integer(_) => name == "integer" || name == "number",
        DeValue::Float(_) => name == "number",
        DeValue::Boolean(_) => name == "boolean",
        DeValue::Array(_) => name == "array",
        DeValue::Table(_) => name == "object",
        DeValue::Datetime(_) => false,
    })
}

fn wrong_type(value: &Spanned<DeValue<'_>>, kinds: &[&Json], place: &str) -> Diagnostic {
    let named = |name: &str| match name {
        "string" => "a text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        _ => "a table",
    };
    let mut wanted: Vec<&str> = kinds.iter().flat_map(|kind| types(kind)).map(named).collect();
    wanted.dedup();
    let message = format!("{place} must be {}", wanted.join(" or "));
    let is = match value.get_ref() {
        DeValue::String(_) => "this is a text",
        DeValue::Integer(_) | DeValue::Float(_) => "this is a number",
        DeValue::Boolean(_) => "this is true or false",
        DeValue::Datetime(_) => "this is a date",
        DeValue::Array(_) => "this is a list",
        DeValue::Table(_) => "this is a table",
    };
    Diagnostic::new(message, value.span(), is)
}
