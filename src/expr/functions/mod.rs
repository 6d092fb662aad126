//! The functions of the mapping language, as one table: what each takes, says, and gives.

mod casing;
mod choice;
mod diacritics;
mod pattern;
mod presence;
mod replace;
mod text;

use std::fmt::Write as _;

use crate::dotnet::regex::Pattern;
use crate::model::{Diagnostic, Span, Value};

use super::EvaluateError;
use super::datum::Flow;
use super::evaluate::Given;
use super::node::Node;

/// Every function, in the order of their names.
static FUNCTIONS: &[&Function] = &[
    &text::APPEND,
    &choice::COALESCE,
    &choice::IIF,
    &presence::IS_NULL,
    &presence::IS_NULL_OR_EMPTY,
    &presence::IS_PRESENT,
    &text::JOIN,
    &text::LEFT,
    &text::MID,
    &diacritics::NORMALIZE_DIACRITICS,
    &presence::NOT,
    &replace::REPLACE,
    &text::STRIP_SPACES,
    &choice::SWITCH,
    &casing::TO_LOWER,
    &casing::TO_UPPER,
];

/// A function of the mapping language.
///
/// Every field is required: a function without words, or without an example
/// that is also its test, cannot be added.
#[derive(Debug)]
pub struct Function {
    /// Its name; upper and lower case matter.
    pub name: &'static str,
    /// What it reaches for beyond its arguments.
    pub beyond: Beyond,
    /// What it takes, in order. Those that repeat stand last, and repeat together.
    pub parameters: &'static [Parameter],
    /// What it does, in a sentence or two.
    pub description: &'static str,
    /// Examples, each of which is run as a test.
    pub examples: &'static [Example],
    /// What must be true of the arguments beside their number and kind; sees the span of the call.
    pub(super) check: fn(&[Node], &Span) -> Result<(), Diagnostic>,
    /// What it gives.
    pub(super) evaluate: for<'a> fn(&Given<'a>) -> Result<Flow<'a>, EvaluateError>,
}

/// What a function reaches for beyond its arguments, or does beside giving a value.
///
/// Where an expression stands decides what it may reach for: a container has no target attribute and no candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beyond {
    /// Nothing: the same arguments give the same value, everywhere.
    Nothing,
    /// The time of acceptance.
    Time,
    /// The seed of installation, person and attribute.
    Chance,
    /// The target's default domain.
    Domain,
    /// What others have at the target: it gives candidates, and must be the whole expression.
    Others,
    /// Silence: it may give that the attribute is not spoken of.
    Silence,
    /// Secrecy: what it gives is written, and never shown.
    Secrecy,
}

/// One of the things a function takes.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its name, as Entra's documentation has it.
    pub name: &'static str,
    /// Its name in Graph's trees and table of functions, where that is another.
    pub graph_name: &'static str,
    /// What may stand there.
    pub kind: Kind,
    /// Whether something must stand there.
    pub need: Need,
}

/// What may be written in the place of an argument. Attributes and calls may always be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any value.
    Any,
    /// A text.
    Text,
    /// A whole number.
    Integer,
    /// A comparison, or what gives true or false.
    Condition,
}

/// Whether an argument must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// It must.
    Required,
    /// Its slot may be empty; at the end it may be left out.
    Optional,
    /// It must, and may come again, with the others that repeat.
    Repeats,
}

/// A use of a function, and what comes of it.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// The expression.
    pub expression: &'static str,
    /// The attributes of the person, by their paths.
    pub person: &'static [(&'static str, Sample)],
    /// The value it gives.
    pub gives: Sample,
}

/// A value in an [`Example`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    /// No value.
    Nothing,
    /// A text.
    Text(&'static str),
    /// A whole number.
    Integer(i64),
    /// True or false.
    Boolean(bool),
    /// Several texts.
    Texts(&'static [&'static str]),
}

/// Every function, in the order of their names.
pub fn functions() -> &'static [&'static Function] {
    FUNCTIONS
}

/// The pattern of a call that was checked: `Replace` alone takes one.
pub(super) fn pattern_of(function: &Function, arguments: &[Node]) -> Option<Pattern> {
    std::ptr::eq(function, &raw const replace::REPLACE).then(|| pattern::of(arguments)).flatten()
}

/// The function of exactly that name.
pub(super) fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().copied().find(|function| function.name == name)
}

/// For functions of whose arguments nothing more must be true.
fn anything(_: &[Node], _: &Span) -> Result<(), Diagnostic> {
    Ok(())
}

const fn required(name: &'static str, kind: Kind) -> Parameter {
    Parameter { name, graph_name: name, kind, need: Need::Required }
}

const fn optional(name: &'static str, kind: Kind) -> Parameter {
    Parameter { name, graph_name: name, kind, need: Need::Optional }
}

const fn repeats(name: &'static str, kind: Kind) -> Parameter {
    Parameter { name, graph_name: name, kind, need: Need::Repeats }
}

impl Parameter {
    /// The same, called otherwise by Graph.
    const fn in_graph(self, graph_name: &'static str) -> Self {
        Self { graph_name, ..self }
    }
}

impl Function {
    /// How it is written: `Switch(source, defaultValue?, key, value, …)`.
    pub fn signature(&self) -> String {
        let mut signature = format!("{}(", self.name);
        for (at, parameter) in self.parameters.iter().enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            // Writing to a String cannot fail.
            let _ = match parameter.need {
                Need::Optional => write!(signature, "{comma}{}?", parameter.name),
                Need::Required | Need::Repeats => write!(signature, "{comma}{}", parameter.name),
            };
        }
        signature.push_str(if self.repeating().is_empty() { ")" } else { ", …)" });
        signature
    }

    fn repeating(&self) -> &'static [Parameter] {
        let fixed = self.parameters.iter().take_while(|parameter| parameter.need != Need::Repeats).count();
        &self.parameters[fixed..]
    }

    fn fixed(&self) -> usize {
        self.parameters.len() - self.repeating().len()
    }

    /// The parameter whose argument stands at that index, counted from 0. Only for functions that take so many.
    pub(super) fn parameter(&self, at: usize) -> &'static Parameter {
        match at.checked_sub(self.fixed()) {
            Some(beyond) if !self.repeating().is_empty() => &self.repeating()[beyond % self.repeating().len()],
            _ => &self.parameters[at],
        }
    }

    /// The least number of arguments.
    pub(super) fn fewest(&self) -> usize {
        if !self.repeating().is_empty() {
            return self.parameters.len();
        }
        self.parameters.iter().rposition(|parameter| parameter.need == Need::Required).map_or(0, |last| last + 1)
    }

    /// The greatest number of arguments, if there is one.
    pub(super) fn most(&self) -> Option<usize> {
        self.repeating().is_empty().then_some(self.parameters.len())
    }

    /// Whether with so many arguments those that repeat together are complete.
    pub(super) fn is_whole(&self, given: usize) -> bool {
        let repeating = self.repeating().len();
        repeating == 0 || (given - self.fixed()).is_multiple_of(repeating)
    }
}

impl Kind {
    /// Whether a text may be written there.
    pub(super) fn admits_text(self) -> bool {
        matches!(self, Self::Any | Self::Text)
    }

    /// In words, behind "must be".
    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::Any => "a value",
            Self::Text => "a text",
            Self::Integer => "a whole number",
            Self::Condition => "a condition",
        }
    }
}

impl From<Sample> for Value {
    fn from(sample: Sample) -> Self {
        match sample {
            Sample::Nothing => Self::Null,
            Sample::Text(text) => Self::text(text),
            Sample::Integer(integer) => Self::Integer(integer),
            Sample::Boolean(boolean) => Self::Boolean(boolean),
            Sample::Texts(texts) => Self::Many(texts.iter().copied().map(Self::text).collect()),
        }
    }
}
