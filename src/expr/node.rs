//! The tree an expression is: its parts, how they print, and which attributes stand in it.

use std::fmt::{self, Write as _};

use crate::dotnet::regex::Pattern;
use crate::model::{Path, Span};

use super::functions::{Function, pattern_of};

/// A part of an expression, and where it stands. Where does not count when two are compared.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) term: Term,
    pub(super) span: Span,
}

/// What a part is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Term {
    /// An argument left out: nothing between two commas.
    Empty,
    /// `"text"`.
    Text(String),
    /// `-5`, or `&HF`.
    Integer { value: i64, hexadecimal: bool },
    /// `True`, `False`.
    Boolean(bool),
    /// A word that stands bare, `UTF8`, where a function admits it.
    Word(&'static str),
    /// `[attribute]`.
    Attribute(Path),
    /// `Function(argument, argument)`.
    Call(Call),
    /// `left = right`.
    Comparison(Box<Comparison>),
}

/// A function and what it is given. The number and the kinds of arguments have been checked.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) function: &'static Function,
    pub(super) arguments: Vec<Node>,
    /// The regular expression among them, read once.
    pub(super) pattern: Option<Box<Pattern>>,
    /// How many calls of chance stand before it, so that no two give the same.
    pub(super) chances_before: u32,
}

impl Call {
    /// A call whose arguments have been checked.
    pub(super) fn new(function: &'static Function, arguments: Vec<Node>, chances_before: u32) -> Self {
        let pattern = pattern_of(function, &arguments).map(Box::new);
        Self { function, arguments, pattern, chances_before }
    }
}

/// Two parts, compared.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Comparison {
    pub(super) left: Node,
    pub(super) operator: Operator,
    pub(super) right: Node,
}

/// How two parts are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl Operator {
    /// As it is written.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
        }
    }
}

impl Node {
    /// Every attribute in it, in reading order.
    pub(super) fn attributes(&self) -> impl Iterator<Item = (&Path, &Span)> {
        let mut ahead = vec![self];
        std::iter::from_fn(move || {
            while let Some(node) = ahead.pop() {
                match &node.term {
                    Term::Attribute(path) => return Some((path, &node.span)),
                    Term::Call(call) => ahead.extend(call.arguments.iter().rev()),
                    Term::Comparison(comparison) => ahead.extend([&comparison.right, &comparison.left]),
                    Term::Empty | Term::Text(_) | Term::Integer { .. } | Term::Boolean(_) | Term::Word(_) => {}
                }
            }
            None
        })
    }
}

impl Node {
    /// Every call in it, and where it stands, in reading order.
    pub(super) fn calls(&self) -> impl Iterator<Item = (&Call, &Span)> {
        let mut ahead = vec![self];
        std::iter::from_fn(move || {
            while let Some(node) = ahead.pop() {
                match &node.term {
                    Term::Call(call) => {
                        ahead.extend(call.arguments.iter().rev());
                        return Some((call, &node.span));
                    }
                    Term::Comparison(comparison) => ahead.extend([&comparison.right, &comparison.left]),
                    Term::Attribute(_) | Term::Empty | Term::Text(_) | Term::Word(_) => {}
                    Term::Integer { .. } | Term::Boolean(_) => {}
                }
            }
            None
        })
    }
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.term == other.term
    }
}

impl PartialEq for Call {
    fn eq(&self, other: &Self) -> bool {
        self.function.name == other.function.name && self.arguments == other.arguments
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.term {
            Term::Empty => Ok(()),
            Term::Text(text) => write_quoted(text, f),
            Term::Integer { value, hexadecimal: false } => write!(f, "{value}"),
            Term::Integer { value, hexadecimal: true } => write!(f, "&H{value:X}"),
            Term::Boolean(true) => f.write_str("True"),
            Term::Boolean(false) => f.write_str("False"),
            Term::Word(word) => f.write_str(word),
            Term::Attribute(path) => write!(f, "[{path}]"),
            Term::Call(call) => call.fmt(f),
            Term::Comparison(comparison) => {
                let Comparison { left, operator, right } = comparison.as_ref();
                write!(f, "{left} {} {right}", operator.as_str())
            }
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.function.stands_bare() {
            return f.write_str(self.function.name);
        }
        write!(f, "{}(", self.function.name)?;
        for (at, argument) in self.arguments.iter().enumerate() {
            if at > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{argument}")?;
        }
        f.write_char(')')
    }
}

/// A text as it is written: in quotes, with escapes.
pub(super) fn quoted(text: &str) -> String {
    Node { term: Term::Text(text.to_owned()), span: 0..0 }.to_string()
}

fn write_quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            f.write_char('\\')?;
        }
        f.write_char(c)?;
    }
    f.write_char('"')
}
