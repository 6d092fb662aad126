//! What the text of a cell means under its column's settings.

use std::sync::Arc;

use super::fault::{Fault, nearest};
use super::settings::{CellKind, Column, EmptyCell};
use crate::model::Value;

/// How the cells of one column are read.
#[derive(Debug)]
pub(super) struct Reading {
    header: Arc<str>,
    /// Sorted by text.
    values: Vec<(String, Value)>,
    kind: CellKind,
    empty: EmptyCell,
    split: Option<char>,
}

/// One text, understood but not yet copied.
enum Meaning<'a> {
    Text(&'a str),
    Listed(&'a Value),
    Boolean(bool),
    Integer(i64),
}

impl Reading {
    pub(super) fn new(column: &Column) -> Self {
        let mut values = column.values.clone();
        values.sort_by(|left, right| left.0.cmp(&right.0));
        let header = Arc::from(column.header.trim());
        Self { header, values, kind: column.kind, empty: column.empty, split: column.split }
    }

    /// Whether there are texts that it cannot read.
    pub(super) fn may_refuse(&self) -> bool {
        !self.values.is_empty() || self.kind != CellKind::Text
    }

    /// Whether the text can be read, without keeping anything of it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn check(&self, text: &str) -> Result<(), Fault> {
        match self.split {
            _ if self.says_nothing(text) => Ok(()),
            None => self.one(text).map(drop),
            Some(split) => parts(text, split).try_for_each(|part| self.one(part).map(drop)),
        }
    }

    /// What the text means; `None` when it says nothing.
    ///
    /// # Errors
    /// As [`Reading::check`].
    pub(super) fn value(&self, text: &str) -> Result<Option<Value>, Fault> {
        if self.says_nothing(text) {
            return Ok((self.empty == EmptyCell::Clear).then_some(Value::Null));
        }
        let value = match self.split {
            None if !self.may_refuse() => Value::text(text),
            None => self.one(text)?.into_value(),
            Some(split) => {
                let several = parts(text, split).map(|part| Ok(self.one(part)?.into_value()));
                Value::Many(several.collect::<Result<_, Fault>>()?)
            }
        };
        Ok(Some(value))
    }

    fn says_nothing(&self, text: &str) -> bool {
        is_blank(text) && self.listed("").is_none()
    }

    fn listed(&self, text: &str) -> Option<&Value> {
        let at = self.values.binary_search_by(|(listed, _)| listed.as_str().cmp(text)).ok()?;
        self.values.get(at).map(|(_, value)| value)
    }

    fn one<'a>(&'a self, text: &'a str) -> Result<Meaning<'a>, Fault> {
        let (column, owned) = (|| Arc::clone(&self.header), || text.to_owned());
        if !self.values.is_empty() {
            // A cell of blanks is an empty one, and only comes here when the empty text is listed.
            let text = if is_blank(text) { "" } else { text };
            return self.listed(text).map(Meaning::Listed).ok_or_else(|| {
                let near = nearest(text, self.values.iter().map(|(listed, _)| listed.as_str()));
                Fault::NotListed { column: column(), text: owned(), near }
            });
        }
        match self.kind {
            CellKind::Text => Ok(Meaning::Text(text)),
            CellKind::Boolean => boolean(text.trim())
                .map(Meaning::Boolean)
                .ok_or_else(|| Fault::NotBoolean { column: column(), text: owned() }),
            CellKind::Integer => text
                .trim()
                .parse()
                .map(Meaning::Integer)
                .map_err(|_| Fault::NotInteger { column: column(), text: owned() }),
        }
    }
}

impl Meaning<'_> {
    fn into_value(self) -> Value {
        match self {
            Self::Text(text) => Value::text(text),
            Self::Listed(value) => value.clone(),
            Self::Boolean(truth) => Value::Boolean(truth),
            Self::Integer(number) => Value::Integer(number),
        }
    }
}

/// The values in one cell: white space around them is not theirs, and between two delimiters there is none.
fn parts(text: &str, split: char) -> impl Iterator<Item = &str> {
    text.split(split).map(str::trim).filter(|part| !part.is_empty())
}

fn boolean(text: &str) -> Option<bool> {
    let is = |words: [&str; 3]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is(["true", "yes", "1"]) {
        Some(true)
    } else if is(["false", "no", "0"]) {
        Some(false)
    } else {
        None
    }
}

fn is_blank(text: &str) -> bool {
    text.is_empty() || text.trim_start().is_empty()
}
