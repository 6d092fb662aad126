//! A value of a job file, with the place where it stands.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use crate::model::Span;

/// A value and where it stands, in bytes of the file. Equal and ordered by the value alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot<T>(Spanned<T>);

impl<T> Spot<T> {
    /// What stands there.
    pub(super) fn value(&self) -> &T {
        self.0.get_ref()
    }

    /// Where.
    pub(super) fn span(&self) -> Span {
        self.0.span()
    }
}

impl<T> Spot<T> {
    /// A value that was found at `span`.
    pub(super) fn at(span: Span, value: T) -> Self {
        Self(Spanned::new(span, value))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Spot<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::deserialize(deserializer).map(Self)
    }
}

/// To a schema a place is invisible.
impl<T: JsonSchema> JsonSchema for Spot<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// Where a part of a text value stands in the file.
///
/// Between quotes a text stands byte for byte, unless something in it is escaped; then the place is the whole value.
pub(super) fn within(file: &str, text: &Spot<String>, part: &Span) -> Span {
    match begin_of(file, text) {
        Some(begin) => begin + part.start..begin + part.end.max(part.start),
        None => text.span(),
    }
}

fn begin_of(file: &str, text: &Spot<String>) -> Option<usize> {
    let span = text.span();
    let written = file.get(span.clone())?;
    let delimiter = ["'''", "\"\"\"", "'", "\""].into_iter().find(|quotes| written.starts_with(quotes))?;
    let mut inside = written.strip_prefix(delimiter)?.strip_suffix(delimiter)?;
    if delimiter.len() == 3 {
        // A line break right behind the opening quotes is not part of the text (TOML 1.0, multi-line strings).
        inside = inside.strip_prefix("\r\n").or_else(|| inside.strip_prefix('\n')).unwrap_or(inside);
    }
    (inside == text.value()).then(|| span.end - delimiter.len() - inside.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(written: &str, part: Span, expected: &str) {
        #[derive(Deserialize)]
        struct File {
            x: Spot<String>,
        }
        let file = format!("x = {written}\n");
        let read: File = toml::from_str(&file).unwrap();
        assert_eq!(&file[within(&file, &read.x, &part)], expected);
    }

    #[test]
    fn a_part_of_a_text_is_found_between_the_quotes() {
        check("'ab cd'", 3..5, "cd");
        check("\"ab cd\"", 3..5, "cd");
        check("'''\nab cd'''", 3..5, "cd");
        check("\"\"\"ab cd\"\"\"", 0..2, "ab");
    }

    #[test]
    fn where_something_is_escaped_the_whole_value_is_meant() {
        check("\"a\\\"b cd\"", 4..6, "\"a\\\"b cd\"");
    }
}
