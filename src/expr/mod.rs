//! The mapping language: how the value of a target attribute is written in terms of a person's attributes.
//!
//! It is the expression language of Microsoft Entra provisioning, read and
//! checked once, when the configuration is read. What is left to go wrong later
//! depends on the person alone ([`EvaluateError`]). Nothing here knows the time,
//! chance, or a target.

mod check;
mod compare;
mod datum;
mod evaluate;
mod functions;
mod lex;
mod node;
mod parse;
mod tree;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::model::{Attributes, Diagnostic, InstallationKey, Path, Span, Timestamp, Value};

pub use tree::{Tree, TreeParameter, TreeType};

pub use functions::{Beyond, Example, Function, Kind, Need, Parameter, Sample, functions};

use evaluate::{Manner, Run};
use node::Node;

/// Characters of one expression, as many as Entra admits ("Known issues for provisioning").
pub const EXPRESSION_CHARACTERS_MAX: usize = 10_000;

/// Calls inside calls. Far above what people write, far below what a thread's stack bears.
pub const DEPTH_MAX: usize = 64;

/// Bytes of one text that an expression puts together. The longest directory attributes
/// are a tenth of it; without a bound a few `Replace` inside each other make gigabytes.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;

/// Bytes of all that the parts of an expression give while it is evaluated once. Going through them takes some
/// hundredths of a second; without a bound a thousand calls on one long text take seconds, for each person.
pub const WORK_BYTES_MAX: usize = 8 * 1024 * 1024;

/// An expression that was understood: `Join("", "OU=", [department], ",DC=contoso,DC=com")`.
///
/// Two are equal when they are written with the same words, whatever the space
/// between them. Printed, it has one space behind each comma, as Entra prints it.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    root: Node,
}

/// What an expression is evaluated with.
///
/// Time and chance are here as data, so that the same inputs give the same value, always.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// What is held of the person.
    pub attributes: &'a Attributes,
    /// What `Now` gives.
    pub now: Timestamp,
    /// What `Guid` and `RandomString` are made from.
    pub seed: Seed<'a>,
    /// What `DefaultDomain` gives; `None` where the target has said none.
    pub default_domain: Option<&'a str>,
}

/// What chance is made from: the same for the same installation, person and attribute.
#[derive(Debug, Clone, Copy)]
pub struct Seed<'a> {
    /// The installation's own, so that nobody else can guess.
    pub key: &'a InstallationKey,
    /// The person's anchor.
    pub anchor: &'a str,
    /// The target attribute whose value it becomes.
    pub attribute: &'a str,
}

impl<'a> Inputs<'a> {
    /// A person alone, for expressions that reach for [nothing beyond](Beyond) them: `Now` is 1970, chance is fixed.
    pub fn of(attributes: &'a Attributes) -> Self {
        let seed = Seed { key: &InstallationKey::NONE, anchor: "", attribute: "" };
        Self { attributes, now: Timestamp(0), seed, default_domain: None }
    }
}

/// What an expression comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Evaluated {
    /// This value; [`Value::Null`] where it gives none.
    Value(Value),
    /// `IgnoreFlowIfNullOrEmpty` had nothing: the attribute is not spoken of.
    Dropped,
    /// `SelectUniqueValue`: the first of these that nobody else has, in this order. Never empty; none repeats.
    OneOf(Vec<String>),
}

/// Why an expression has no value for this person. Another person may have one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EvaluateError {
    /// What is wrong, in one sentence without a full stop. It tells nothing of the person's data.
    pub message: String,
    /// Which part of the expression, in bytes of its text.
    pub span: Span,
}

/// The function of that name, whatever the case of its letters.
///
/// # Errors
/// A [`Diagnostic`] that says there is none, with the one that may be meant.
pub fn function(name: &str) -> Result<&'static Function, Diagnostic> {
    let known = functions().iter().find(|function| function.name.eq_ignore_ascii_case(name));
    known.map_or_else(|| check::function(name, &(0..name.len())), |function| Ok(function))
}

impl Expression {
    /// Reads and checks an expression; `parse_path` reads what stands between `[` and `]`.
    ///
    /// # Errors
    /// The first mistake: in the writing, in a function's name, or in the number
    /// or kind of its arguments. Its span is in bytes of `text`.
    pub fn parse(text: &str, parse_path: &dyn Fn(&str) -> Result<Path, Diagnostic>) -> Result<Self, Diagnostic> {
        Ok(Self { root: parse::parse(text, parse_path)? })
    }

    /// Every attribute it speaks of, in reading order, and where.
    pub fn attributes(&self) -> impl Iterator<Item = (&Path, &Span)> {
        self.root.attributes()
    }

    /// What its functions reach for beyond the person's attributes, and where each such call stands.
    pub fn reaches(&self) -> impl Iterator<Item = (Beyond, &Span)> {
        self.root
            .calls()
            .map(|(call, span)| (call.function.beyond, span))
            .filter(|(beyond, _)| *beyond != Beyond::Nothing)
    }

    /// Whether any of it is written and never shown.
    pub fn is_secret(&self) -> bool {
        self.reaches().any(|(beyond, _)| beyond == Beyond::Secrecy)
    }

    /// The attributes that stand inside calls whose value is never shown.
    pub fn secret_attributes(&self) -> impl Iterator<Item = &Path> {
        let secret = self.root.calls().filter(|(call, _)| call.function.beyond == Beyond::Secrecy);
        secret.flat_map(|(call, _)| &call.arguments).flat_map(Node::attributes).map(|(path, _)| path)
    }

    /// What it comes to. Values keep their type.
    ///
    /// # Errors
    /// [`EvaluateError`] where the person's data does not fit, e.g. a text where a number must stand.
    pub fn evaluate(&self, inputs: &Inputs<'_>) -> Result<Evaluated, EvaluateError> {
        let run = Run::new(inputs);
        let flow = evaluate::evaluate(&self.root, &run, Manner::Plain)?;
        Ok(flow.datum.into_evaluated())
    }

    /// The same, to be read as a distinguished name: what comes from the person is
    /// escaped, so that it can name a part of the path but never add one.
    ///
    /// Texts written in the expression stay as they are. `Join`, `Append` and `Replace`
    /// escape the parts that come from the person; the result of any other function is
    /// escaped as a whole if it comes from the person. Comparisons see the bare text.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    pub fn evaluate_for_dn(&self, person: &Attributes) -> Result<Value, EvaluateError> {
        let inputs = Inputs::of(person);
        let run = Run::new(&inputs);
        let flow = evaluate::evaluate(&self.root, &run, Manner::ForDn)?;
        let value = flow.datum.into_value();
        Ok(if flow.from_person { evaluate::escaped(value) } else { value })
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.fmt(f)
    }
}
