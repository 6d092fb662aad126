//! What a target holds under an attribute, and how a value is brought into that shape.

use crate::dotnet::date;
use crate::model::Value;

/// What a target holds under an attribute; what comes from the person is brought into that shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shape {
    /// Whatever comes.
    #[default]
    AsItComes,
    /// One text; numbers and truth values are written out.
    Text,
    /// True or false; the texts `true` and `false`, in any case of letters, are read.
    Boolean,
    /// A moment, in UTC as RFC 3339 (`Edm.DateTimeOffset`). Dates are read as `CDate` reads them: one without a time
    /// is its midnight, and one without a zone is in UTC.
    Moment,
    /// The name of an entry in a directory: a text without blanks at its edges, which are no part of a name there.
    EntryName,
    /// A list; a single value is a list of one.
    List,
}

impl Shape {
    /// Whether the value is in that shape already, as most are.
    #[inline]
    pub fn is_of(self, value: &Value) -> bool {
        matches!(
            (self, value),
            (Self::AsItComes, _)
                | (Self::Text, Value::Text(_))
                | (Self::Boolean, Value::Boolean(_))
                | (Self::List, Value::Many(_))
        )
    }

    /// The value as the target holds it, or why it cannot.
    ///
    /// # Errors
    /// What the target holds there, in a sentence's words.
    pub fn bring(self, value: Value) -> Result<Value, &'static str> {
        match (self, value) {
            (Self::EntryName, Value::Text(text)) => Ok(Value::text(text.trim())),
            (Self::EntryName, value) => Ok(value),
            (shape, value) if shape.is_of(&value) => Ok(value),
            (Self::List, single) => Ok(Value::Many(vec![single])),
            (_, Value::Many(_)) => Err("it has several values, and the target holds one"),
            (Self::Text, Value::Integer(number)) => Ok(Value::Text(number.to_string())),
            (Self::Text, Value::Boolean(truth)) => Ok(Value::text(if truth { "True" } else { "False" })),
            (Self::Boolean, Value::Text(text)) if text.eq_ignore_ascii_case("true") => Ok(Value::Boolean(true)),
            (Self::Boolean, Value::Text(text)) if text.eq_ignore_ascii_case("false") => Ok(Value::Boolean(false)),
            (Self::Boolean, _) => Err("the target holds true or false there"),
            (Self::Moment, Value::Text(text)) => match date::read(&text) {
                Ok(moment) => Ok(Value::Text(format!("{moment}Z"))),
                Err(_) => Err("the target holds a date there; `FormatDateTime` reads dates in other forms"),
            },
            (Self::Text, _) => Err("the target holds a text there"),
            (Self::Moment, _) => Err("the target holds a date there"),
            (Self::AsItComes, value) => Ok(value),
        }
    }
}
