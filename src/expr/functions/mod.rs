//! The functions of the mapping language, as one table: what each takes, says, and gives.

mod casing;
mod chance;
mod choice;
mod convert;
mod dates;
mod diacritics;
mod encode;
mod flow;
mod format;
mod lists;
mod pattern;
mod presence;
mod replace;
mod roles;
mod search;
mod text;
mod title;

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use crate::dotnet::interval::INTERVALS;
use crate::dotnet::regex::Pattern;
use crate::model::{Attributes, Diagnostic, Span, Timestamp, Value};

use super::datum::Flow;
use super::evaluate::Given;
use super::node::Node;
use super::{EvaluateError, Inputs};

/// Every function, in the order of their names.
static FUNCTIONS: &[&Function] = &[
    &text::APPEND,
    &roles::APP_ROLE_ASSIGNMENTS,
    &roles::APP_ROLE_ASSIGNMENTS_COMPLEX,
    &roles::ASSERTIVE_APP_ROLE_ASSIGNMENTS_COMPLEX,
    &convert::BIT_AND,
    &convert::C_BOOL,
    &dates::C_DATE,
    &choice::COALESCE,
    &lists::CONTAINS,
    &encode::CONVERT_FROM_BASE64,
    &encode::CONVERT_TO_BASE64,
    &encode::CONVERT_TO_UTF8_HEX,
    &lists::COUNT,
    &convert::C_REF,
    &convert::C_STR,
    &dates::DATE_ADD,
    &dates::DATE_DIFF,
    &dates::DATE_FROM_NUM,
    &flow::DEFAULT_DOMAIN,
    &convert::DN_COMPONENT,
    &flow::ERROR,
    &format::FORMAT_DATE_TIME,
    &chance::GUID,
    &flow::IGNORE_ATTRIBUTE_FLOW,
    &flow::IGNORE_FLOW_IF_NULL_OR_EMPTY,
    &choice::IIF,
    &search::IN_STR,
    &presence::IS_NOTHING,
    &presence::IS_NULL,
    &presence::IS_NULL_OR_EMPTY,
    &presence::IS_PRESENT,
    &convert::IS_STRING,
    &lists::ITEM,
    &text::JOIN,
    &text::LEFT,
    &text::MID,
    &diacritics::NORMALIZE_DIACRITICS,
    &presence::NOT,
    &dates::NOW,
    &dates::NUM_FROM_DATE,
    &title::P_CASE,
    &text::PREPEND,
    &chance::RANDOM_STRING,
    &flow::REDACT,
    &lists::REMOVE_DUPLICATES,
    &replace::REPLACE,
    &flow::SELECT_UNIQUE_VALUE,
    &roles::SINGLE_APP_ROLE_ASSIGNMENT,
    &lists::SPLIT,
    &encode::STRING_FROM_SID,
    &text::STRIP_SPACES,
    &choice::SWITCH,
    &casing::TO_LOWER,
    &casing::TO_UPPER,
    &search::TRIM,
    &search::WORD,
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
    /// A date: what gives one, or a text in one of the usual forms.
    Moment,
    /// A text that names an interval of time: `"d"`.
    Interval,
    /// One of these words, without quotes. Neither attributes nor calls may stand there.
    Word(&'static [&'static str]),
}

/// Whether an argument must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// It must.
    Required,
    /// Its slot may be empty; at the end it may be left out.
    Optional,
    /// Its slot may be empty, or left out with its comma: where one argument is missing, it is this.
    Omissible,
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
    /// Not even nothing: the attribute is not spoken of.
    Dropped,
    /// The first of these that nobody else has.
    OneOf(&'static [&'static str]),
    /// No value, for this reason.
    Refused(&'static str),
}

/// `Now`, in examples: the moment of Entra's own.
const EXAMPLE_NOW: Timestamp = Timestamp(1_625_240_018_000);
/// `DefaultDomain`, in examples.
const EXAMPLE_DOMAIN: &str = "contoso.com";

impl Example {
    /// What examples are evaluated with, beside their person.
    pub fn inputs(person: &Attributes) -> Inputs<'_> {
        Inputs { now: EXAMPLE_NOW, default_domain: Some(EXAMPLE_DOMAIN), ..Inputs::of(person) }
    }
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

const fn omissible(name: &'static str, kind: Kind) -> Parameter {
    Parameter { name, graph_name: name, kind, need: Need::Omissible }
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
    /// Whether it is written without parentheses: it takes nothing, and gives nothing.
    pub(super) fn stands_bare(&self) -> bool {
        self.parameters.is_empty() && self.beyond == Beyond::Silence
    }

    /// How it is written: `Switch(source, defaultValue?, key, value, …)`.
    pub fn signature(&self) -> String {
        if self.stands_bare() {
            return self.name.to_owned();
        }
        let mut signature = format!("{}(", self.name);
        for (at, parameter) in self.parameters.iter().enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            // Writing to a String cannot fail.
            let _ = match parameter.need {
                Need::Optional | Need::Omissible => write!(signature, "{comma}{}?", parameter.name),
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
        let last = self.parameters.iter().rposition(|parameter| parameter.need == Need::Required);
        let can_omit = self.parameters.iter().any(|parameter| parameter.need == Need::Omissible);
        last.map_or(0, |last| last + 1 - usize::from(can_omit))
    }

    /// The place of the argument that was left out, comma and all, if with so many given one was.
    pub(super) fn omitted(&self, given: usize) -> Option<usize> {
        let at = self.parameters.iter().position(|parameter| parameter.need == Need::Omissible)?;
        (given + 1 == self.parameters.len()).then_some(at)
    }

    /// Whether the slot at that index, the last of so many, may be empty although it repeats: it is passed over.
    pub(super) fn may_trail_empty(&self, at: usize, given: usize) -> bool {
        self.repeating().len() == 1 && at > self.fixed() && at + 1 == given
    }

    /// The words that may stand at that index, if only words may.
    pub(super) fn words_at(&self, at: usize) -> Option<&'static [&'static str]> {
        match self.parameters.get(at)?.kind {
            Kind::Word(words) => Some(words),
            _ => None,
        }
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
        matches!(self, Self::Any | Self::Text | Self::Moment | Self::Interval)
    }

    /// In words, behind "must be".
    pub fn describe(self) -> String {
        let listed = |words: Vec<String>| match words.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => String::new(),
        };
        match self {
            Self::Any => "a value".to_owned(),
            Self::Text => "a text".to_owned(),
            Self::Integer => "a whole number".to_owned(),
            Self::Condition => "a condition".to_owned(),
            Self::Moment => "a date".to_owned(),
            Self::Interval => listed(INTERVALS.iter().map(|(name, _)| format!("\"{name}\"")).collect()),
            Self::Word(words) => listed(words.iter().map(|word| format!("`{word}`")).collect()),
        }
    }
}

impl Need {
    /// Whether the slot may be empty.
    pub fn is_optional(self) -> bool {
        matches!(self, Self::Optional | Self::Omissible)
    }
}

impl From<Sample> for Value {
    fn from(sample: Sample) -> Self {
        match sample {
            Sample::Nothing | Sample::Dropped | Sample::OneOf(_) | Sample::Refused(_) => Self::Null,
            Sample::Text(text) => Self::text(text),
            Sample::Integer(integer) => Self::Integer(integer),
            Sample::Boolean(boolean) => Self::Boolean(boolean),
            Sample::Texts(texts) => Self::Many(texts.iter().copied().map(Self::text).collect()),
        }
    }
}
