//! A value on its way through an expression: what it is, and whether it comes from the person.

use std::borrow::Cow;

use jiff::civil::DateTime;

use crate::dotnet::date;
use crate::model::{Attributes, Path, Span, Value};

use super::{EvaluateError, Evaluated};

/// A value on its way through an expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Datum<'a> {
    Nothing,
    Text(Cow<'a, str>),
    Integer(i64),
    Boolean(bool),
    /// A moment in UTC, up to the end of 9999. As a text it reads `M/d/yyyy h:mm:ss tt`, as Entra writes it.
    Moment(DateTime),
    Many(Vec<Datum<'a>>),
    Complex(&'a Attributes),
    /// Nothing, and the attribute shall not even be spoken of.
    Dropped,
    /// Candidates, the first of which that nobody has is taken.
    OneOf(Vec<String>),
}

/// A value, and whether any of it comes from the person and is still unescaped.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Flow<'a> {
    pub(super) datum: Datum<'a>,
    pub(super) from_person: bool,
}

/// A text, and whether any of it comes from the person and is still unescaped.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Words<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) from_person: bool,
}

impl<'a> Words<'a> {
    /// The same, changed as a whole.
    pub(super) fn map(self, change: impl FnOnce(Cow<'a, str>) -> Cow<'a, str>) -> Flow<'a> {
        Flow { datum: Datum::Text(change(self.text)), from_person: self.from_person }
    }
}

impl<'a> Flow<'a> {
    /// A value that does not come from the person.
    pub(super) fn constant(datum: Datum<'a>) -> Self {
        Self { datum, from_person: false }
    }

    /// No value.
    pub(super) fn nothing() -> Self {
        Self::constant(Datum::Nothing)
    }
}

impl<'a> From<&'a Value> for Datum<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Nothing,
            Value::Text(text) => Self::Text(Cow::Borrowed(text)),
            Value::Boolean(boolean) => Self::Boolean(*boolean),
            Value::Integer(integer) => Self::Integer(*integer),
            Value::Many(values) => Self::Many(values.iter().map(Datum::from).collect()),
            Value::Complex(attributes) => Self::Complex(attributes),
        }
    }
}

impl<'a> Datum<'a> {
    /// What a path reaches: what the attribute holds; with a selector or a sub-attribute, what they choose.
    pub(super) fn at(path: &Path, person: &'a Attributes) -> Self {
        if path.selector.is_none() && path.sub.is_none() {
            return path.held(person).map_or(Self::Nothing, Self::from);
        }
        let mut reached = Self::Nothing;
        path.visit(person, &mut |value| match &mut reached {
            Self::Nothing => reached = value.into(),
            Self::Many(all) => all.push(value.into()),
            first => reached = Self::Many(vec![std::mem::replace(first, Self::Nothing), value.into()]),
        });
        reached
    }

    pub(super) fn into_value(self) -> Value {
        match self {
            Self::Nothing => Value::Null,
            Self::Text(text) => Value::Text(text.into_owned()),
            Self::Integer(integer) => Value::Integer(integer),
            Self::Boolean(boolean) => Value::Boolean(boolean),
            Self::Many(values) => Value::Many(values.into_iter().map(Self::into_value).collect()),
            Self::Moment(moment) => Value::Text(date::text(moment)),
            Self::Complex(attributes) => Value::Complex(attributes.clone()),
            Self::Dropped => Value::Null,
            Self::OneOf(candidates) => candidates.into_iter().next().map_or(Value::Null, Value::Text),
        }
    }

    /// What the whole expression comes to.
    pub(super) fn into_evaluated(self) -> Evaluated {
        match self {
            Self::Dropped => Evaluated::Dropped,
            Self::OneOf(candidates) => Evaluated::OneOf(candidates),
            value => Evaluated::Value(value.into_value()),
        }
    }

    /// Whether there is no value at all; a list of none is none (RFC 7643 §2.5).
    pub(super) fn is_nothing(&self) -> bool {
        match self {
            Self::Nothing | Self::Dropped => true,
            Self::Many(values) => values.iter().all(Self::is_nothing),
            _ => false,
        }
    }

    /// Whether it says nothing at all, or an empty text.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Nothing | Self::Dropped => true,
            Self::Text(text) => text.is_empty(),
            Self::Many(values) => values.iter().all(Self::is_empty),
            Self::Complex(attributes) => attributes.iter().all(|(_, value)| value.is_empty()),
            Self::OneOf(candidates) => candidates.is_empty(),
            Self::Integer(_) | Self::Boolean(_) | Self::Moment(_) => false,
        }
    }

    /// Itself, or its only value.
    pub(super) fn one(self, span: &Span) -> Result<Self, EvaluateError> {
        match self {
            Self::Many(mut values) if values.len() < 2 => Ok(values.pop().unwrap_or(Self::Nothing)),
            Self::Many(_) => Err(fault("there are several values where one is expected", span)),
            single => Ok(single),
        }
    }

    /// Its text, `None` where there is nothing. Booleans read `True` and `False`.
    pub(super) fn into_text(self, span: &Span) -> Result<Option<Cow<'a, str>>, EvaluateError> {
        match self.one(span)? {
            Self::Nothing | Self::Dropped => Ok(None),
            Self::Text(text) => Ok(Some(text)),
            Self::Moment(moment) => Ok(Some(Cow::Owned(date::text(moment)))),
            Self::OneOf(candidates) => Ok(candidates.into_iter().next().map(Cow::Owned)),
            Self::Integer(integer) => Ok(Some(Cow::Owned(integer.to_string()))),
            Self::Boolean(boolean) => Ok(Some(Cow::Borrowed(if boolean { "True" } else { "False" }))),
            // A complex value stands for its `value` (RFC 7643 §2.4).
            Self::Complex(parts) => match parts.get("value") {
                Some(value) if !matches!(value, Value::Complex(_)) => Self::from(value).into_text(span),
                _ => Err(fault("there are sub-attributes where a text is expected", span)),
            },
            Self::Many(_) => Err(fault("there are lists in a list where a text is expected", span)),
        }
    }

    /// Whether it counts as true: `True`, or a number other than zero.
    pub(super) fn counts_as_true(self, span: &Span) -> Result<bool, EvaluateError> {
        match self.one(span)? {
            Self::Boolean(boolean) => Ok(boolean),
            Self::Integer(integer) => Ok(integer != 0),
            Self::Text(text) => Ok(text.eq_ignore_ascii_case("true") || text.parse().is_ok_and(|n: i64| n != 0)),
            _ => Ok(false),
        }
    }
}

pub(super) fn fault(message: &str, span: &Span) -> EvaluateError {
    EvaluateError { message: message.to_owned(), span: span.clone() }
}
