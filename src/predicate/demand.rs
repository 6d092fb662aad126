//! What Entra's scoping filters ask of an attribute: of every value it has, and with regard to case.
//!
//! Where the documentation is silent:
//!
//! - An attribute with several values holds when **every** one does (`multivaluedComparisonType: All`), none: never.
//! - What is null or an empty text satisfies nothing but `IS NULL`, not even what begins with `NOT`.
//! - Of several wanted values one is enough; where it is negated, none of them may be met.
//! - A number compares as a number where a number is wanted, and is searched as its digits. True and false read `True`
//!   and `False`, and equal themselves whatever the case. Dates compare as moments by size, and otherwise as texts.
//! - Where a regular expression takes too many steps, neither it nor its negation holds, and the condition says why.

use std::borrow::Cow;

use super::literal::{Literal, compare_numbers, moment};
use super::{Operand, hold::Asked};
use crate::dotnet::regex::{Pattern, SearchError};
use crate::model::Value;

/// What every value of an attribute must satisfy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// What is asked of one value.
    pub test: Test,
    /// Whether it must not be so.
    pub negated: bool,
}

/// What is asked of one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// It says nothing.
    Empty,
    /// It is this truth.
    Is(bool),
    /// It is one of these.
    Equals(Vec<String>),
    /// One of these is found in it.
    Matches(Vec<Pattern>),
    /// It is greater, or equal where `or_equal` says so. What it is compared with is a number or a date.
    Exceeds {
        /// What it is compared with.
        bound: Literal,
        /// Whether equal will do.
        or_equal: bool,
    },
    /// One of these stands in it.
    Includes(Vec<String>),
    /// It ends with one of these.
    EndsWith(Vec<String>),
    /// It stands in one of these.
    PartOf(Vec<String>),
}

impl Demand {
    /// Whether it holds, or why that cannot be said.
    pub(super) fn asked(&self, operand: &Operand, of: Asked<'_>) -> Result<bool, SearchError> {
        let mut every = Every { demand: self, values: 0, met: 0, trouble: None };
        of.visit(operand, &mut |value| every.ask(value));
        match (every.trouble, &self.test) {
            (Some(trouble), _) => Err(trouble),
            (None, Test::Empty) => Ok((every.met == every.values) != self.negated),
            (None, _) => Ok(every.values > 0 && every.met == every.values),
        }
    }

    fn is_met(&self, value: &Value) -> Result<bool, SearchError> {
        let value = match value {
            Value::Complex(parts) => parts.get("value").unwrap_or(value),
            simple => simple,
        };
        match &self.test {
            Test::Empty => Ok(value.is_empty()),
            _ if value.is_empty() => Ok(false),
            test => Ok(test.holds(value)? != self.negated),
        }
    }
}

/// The values asked so far, and how many satisfied what is asked.
struct Every<'a> {
    demand: &'a Demand,
    values: usize,
    met: usize,
    trouble: Option<SearchError>,
}

impl Every<'_> {
    fn ask(&mut self, value: &Value) {
        if let Value::Many(values) = value {
            return values.iter().for_each(|value| self.ask(value));
        }
        self.values += 1;
        match self.demand.is_met(value) {
            Ok(met) => self.met += usize::from(met),
            Err(trouble) => self.trouble = Some(trouble),
        }
    }
}

impl Test {
    fn holds(&self, value: &Value) -> Result<bool, SearchError> {
        let Some(text) = text_of(value) else { return Ok(false) };
        Ok(match self {
            Self::Empty => false,
            Self::Is(truth) => text.eq_ignore_ascii_case(if *truth { "true" } else { "false" }),
            Self::Equals(wanted) => wanted.iter().any(|wanted| equals(value, &text, wanted)),
            Self::Matches(patterns) => {
                for pattern in patterns {
                    if pattern.is_match(&text)? {
                        return Ok(true);
                    }
                }
                false
            }
            Self::Exceeds { bound, or_equal } => exceeds(&text, bound, *or_equal),
            Self::Includes(wanted) => wanted.iter().any(|wanted| text.contains(wanted.as_str())),
            Self::EndsWith(wanted) => wanted.iter().any(|wanted| text.ends_with(wanted.as_str())),
            Self::PartOf(wanted) => wanted.iter().any(|wanted| wanted.contains(&*text)),
        })
    }
}

fn text_of(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Text(text) => Some(Cow::Borrowed(text)),
        Value::Integer(number) => Some(Cow::Owned(number.to_string())),
        Value::Boolean(truth) => Some(Cow::Borrowed(if *truth { "True" } else { "False" })),
        Value::Null | Value::Many(_) | Value::Complex(_) => None,
    }
}

fn equals(value: &Value, text: &str, wanted: &str) -> bool {
    match value {
        Value::Boolean(_) => text.eq_ignore_ascii_case(wanted),
        Value::Integer(_) => compare_numbers(text, wanted).is_some_and(|ordering| ordering.is_eq()),
        _ => text == wanted,
    }
}

fn exceeds(text: &str, bound: &Literal, or_equal: bool) -> bool {
    let ordering = match bound {
        Literal::Number(number) => compare_numbers(text, number),
        Literal::Text(date) => date.moment.and_then(|bound| Some(moment(text)?.cmp(&bound))),
        Literal::Boolean(_) | Literal::Null => None,
    };
    ordering.is_some_and(|ordering| ordering.is_gt() || (or_equal && ordering.is_eq()))
}
