//! The operators of Entra's scoping filters, as one table: what each takes, and what it says.

use crate::model::Diagnostic;
use crate::scim::nearest::{clipped, nearest_name};

/// An operator of scoping filters.
#[derive(Debug, PartialEq, Eq)]
pub struct Operator {
    /// Its name; upper and lower case matter, as in Graph.
    pub name: &'static str,
    /// How much it takes.
    pub arity: Arity,
    /// Of which attributes it is asked.
    pub types: &'static [AttributeType],
    /// When it holds, in a sentence.
    pub description: &'static str,
    pub(super) kind: Kind,
    pub(super) negated: bool,
}

/// How much an operator takes (`scopeOperatorType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arity {
    /// The attribute alone.
    Unary,
    /// The attribute and a value.
    Binary,
}

impl Arity {
    /// Graph's word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unary => "Unary",
            Self::Binary => "Binary",
        }
    }
}

/// What an attribute holds (`attributeType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttributeType {
    /// A text.
    String,
    /// A whole number.
    Integer,
    /// Bytes.
    Binary,
    /// True or false.
    Boolean,
    /// A moment; Entra does not filter by it.
    DateTime,
}

impl AttributeType {
    /// Graph's word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::Integer => "Integer",
            Self::Binary => "Binary",
            Self::Boolean => "Boolean",
            Self::DateTime => "DateTime",
        }
    }
}

/// Graph's `multivaluedComparisonType`: every value of an attribute must satisfy what is asked, for all operators.
pub const MULTIVALUED_COMPARISON: &str = "All";

/// What is asked of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Empty,
    Is(bool),
    Equals,
    Matches,
    Exceeds { or_equal: bool },
    Includes,
    EndsWith,
    PartOf,
}

const TEXTS: &[AttributeType] = &[AttributeType::Integer, AttributeType::String];
const SIZES: &[AttributeType] = &[AttributeType::Integer, AttributeType::DateTime];
const TRUTHS: &[AttributeType] = &[AttributeType::Boolean];
const ANY: &[AttributeType] =
    &[AttributeType::Integer, AttributeType::String, AttributeType::Binary, AttributeType::Boolean];

/// Every operator, in the order of their names (`facts/entra.md` §3).
static OPERATORS: &[Operator] = &[
    binary("!&", Kind::PartOf, TEXTS, "The attribute's value does not stand in the clause's value.").but_not(),
    binary("&", Kind::PartOf, TEXTS, "The attribute's value stands in the clause's value."),
    binary("ENDS_WITH", Kind::EndsWith, TEXTS, "The attribute's value ends with the clause's value."),
    binary("EQUALS", Kind::Equals, TEXTS, "The attribute's value is the clause's value; case matters."),
    binary(
        "Greater_Than",
        Kind::Exceeds { or_equal: false },
        SIZES,
        "The attribute's value is a greater number, or a later date, than the clause's value.",
    ),
    binary(
        "Greater_Than_OR_EQUALS",
        Kind::Exceeds { or_equal: true },
        SIZES,
        "The attribute's value is at least the clause's value, as a number or a date.",
    ),
    unary("IS FALSE", Kind::Is(false), TRUTHS, "The attribute is false."),
    unary("IS NOT NULL", Kind::Empty, ANY, "The attribute has a value that is not empty.").but_not(),
    unary("IS NULL", Kind::Empty, ANY, "The attribute has no value, or an empty one."),
    unary("IS TRUE", Kind::Is(true), TRUTHS, "The attribute is true."),
    binary("Includes", Kind::Includes, TEXTS, "The clause's value stands in the attribute's value; case matters."),
    binary(
        "NOT EQUALS",
        Kind::Equals,
        TEXTS,
        "The attribute has a value, and it is not the clause's value; case matters.",
    )
    .but_not(),
    binary(
        "NOT REGEX MATCH",
        Kind::Matches,
        TEXTS,
        "The attribute has a value, and the regular expression is not found in it.",
    )
    .but_not(),
    binary("REGEX MATCH", Kind::Matches, TEXTS, "The regular expression is found in the attribute's value."),
];

const fn unary(name: &'static str, kind: Kind, types: &'static [AttributeType], description: &'static str) -> Operator {
    Operator { name, arity: Arity::Unary, types, description, kind, negated: false }
}

const fn binary(
    name: &'static str,
    kind: Kind,
    types: &'static [AttributeType],
    description: &'static str,
) -> Operator {
    Operator { arity: Arity::Binary, ..unary(name, kind, types, description) }
}

impl Operator {
    /// The same, holding where the other does not and there is a value.
    const fn but_not(self) -> Self {
        Self { negated: true, ..self }
    }
}

/// Every operator, in the order of their names.
pub fn operators() -> &'static [Operator] {
    OPERATORS
}

/// What people write in other languages, and what it is here.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("EQ", "EQUALS"),
    ("EQUAL", "EQUALS"),
    ("IN", "EQUALS"),
    ("=", "EQUALS"),
    ("==", "EQUALS"),
    ("NE", "NOT EQUALS"),
    ("!=", "NOT EQUALS"),
    ("<>", "NOT EQUALS"),
    ("GT", "Greater_Than"),
    (">", "Greater_Than"),
    ("GE", "Greater_Than_OR_EQUALS"),
    (">=", "Greater_Than_OR_EQUALS"),
    ("CO", "Includes"),
    ("CONTAINS", "Includes"),
    ("EW", "ENDS_WITH"),
    ("PR", "IS NOT NULL"),
    ("PRESENT", "IS NOT NULL"),
    ("MATCHES", "REGEX MATCH"),
    ("REGEX", "REGEX MATCH"),
    ("SW", "REGEX MATCH"),
    ("STARTSWITH", "REGEX MATCH"),
];

/// The operator of exactly that name.
///
/// # Errors
/// A [`Diagnostic`] in bytes of `name`, with the one that was meant.
pub(super) fn find(name: &str) -> Result<&'static Operator, Diagnostic> {
    if let Some(operator) = OPERATORS.iter().find(|operator| operator.name == name) {
        return Ok(operator);
    }
    let bare = bare(name);
    let wrong = |message: String, label: &str| Diagnostic::new(message, 0..name.len(), label);
    if bare == "ISMEMBEROF" {
        return Err(wrong("`IsMemberOf` is not supported, here as in Entra".to_owned(), "asks for a group").with_hint(
            "ask for an attribute that the members have in common, such as the department; or bring the membership as one",
        ));
    }
    let same =
        OPERATORS.iter().map(|operator| operator.name).find(|known| !bare.is_empty() && self::bare(known) == bare);
    let other = || OTHER_WORDS.iter().find(|(other, _)| *other == bare || *other == name).map(|(_, known)| *known);
    let near = || nearest_name(name, OPERATORS.iter().map(|operator| operator.name));
    let message = format!("there is no operator `{}`", clipped(name));
    Err(match same.or_else(other).or_else(near) {
        Some(meant) => wrong(message, "unknown operator").with_hint(format!("did you mean `{meant}`?")),
        None => {
            let known: Vec<&str> = OPERATORS.iter().map(|operator| operator.name).collect();
            wrong(message, "unknown operator").with_hint(format!("there are {}", known.join(", ")))
        }
    })
}

/// The letters of a name alone, in upper case: what is left when somebody writes it their own way.
fn bare(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_uppercase()).collect()
}
