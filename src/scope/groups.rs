//! Entra's scoping filters: groups of clauses; within a group all must hold, and one group is enough.

use std::fmt;

use super::operator::{Arity, Kind, Operator, find};
use crate::dotnet::regex::Pattern;
use crate::model::{Attributes, Diagnostic, Path};
use crate::predicate::{Condition, Demand, Literal, Operand, Predicate, Test, is_number};
use crate::scim::{Kind as AttributeKind, Type};

/// Groups of one filter. Entra's portal shows them one below the other.
pub const GROUPS_MAX: usize = 100;
/// Clauses of one group.
pub const CLAUSES_MAX: usize = 100;
/// Values of one clause.
pub const VALUES_MAX: usize = 1_000;

/// A scoping filter that has been understood. Without a group it holds for everybody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopingFilter {
    groups: Vec<Group>,
}

/// Clauses that must all hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What it is called; may be empty.
    pub name: String,
    /// One or more.
    pub clauses: Vec<Clause>,
}

/// One condition on one attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    operator: &'static Operator,
    values: Vec<String>,
    predicate: Predicate,
    path: Path,
}

/// A clause as somebody wrote it.
#[derive(Debug, Clone, Copy)]
pub struct ClauseWords<'a> {
    /// The attribute's path.
    pub attribute: &'a str,
    /// The operator's name.
    pub operator: &'a str,
    /// What it is compared with.
    pub values: &'a [&'a str],
}

/// A mistake in a clause: in which of its words, in bytes of that word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClauseFault {
    /// The word.
    pub part: Part,
    /// What is wrong with it.
    pub diagnostic: Diagnostic,
}

/// A word of a clause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The attribute.
    Attribute,
    /// The operator.
    Operator,
    /// The value at that place, from 0.
    Value(usize),
}

/// Reads an attribute's path, and says what stands there.
pub type ReadPath<'a> = &'a dyn Fn(&str) -> Result<(Path, AttributeKind), Diagnostic>;

impl ScopingFilter {
    /// The filter of these groups.
    pub fn new(groups: Vec<Group>) -> Self {
        Self { groups }
    }

    /// Its groups.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Whether it holds for a person.
    pub fn holds(&self, person: &Attributes) -> bool {
        self.groups.is_empty() || self.groups.iter().any(|group| group.holds(person))
    }

    /// What it asks, in no notation; `None` where it asks nothing.
    pub fn predicate(&self) -> Option<Predicate> {
        let groups = self.groups.iter().map(|group| {
            let clauses = group.clauses.iter().map(|clause| clause.predicate.clone());
            one_or(clauses.collect(), Predicate::And)
        });
        (!self.groups.is_empty()).then(|| one_or(groups.collect(), Predicate::Or))
    }
}

fn one_or(mut parts: Vec<Predicate>, join: fn(Vec<Predicate>) -> Predicate) -> Predicate {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            join(parts)
        }
    }
}

impl Group {
    /// Whether it holds for a person.
    pub fn holds(&self, person: &Attributes) -> bool {
        self.clauses.iter().all(|clause| clause.holds(person))
    }
}

impl Clause {
    /// Reads a clause.
    ///
    /// # Errors
    /// The first of its words that makes no sense.
    pub fn read(words: ClauseWords<'_>, read_path: ReadPath<'_>) -> Result<Self, ClauseFault> {
        let at = |part: Part| move |diagnostic: Diagnostic| ClauseFault { part, diagnostic };
        let (path, kind) = read_path(words.attribute).map_err(at(Part::Attribute))?;
        let operator = find(words.operator).map_err(at(Part::Operator))?;
        check_type(operator, &path, kind).map_err(|diagnostic| {
            let span = 0..words.operator.len();
            ClauseFault { part: Part::Operator, diagnostic: Diagnostic { span, ..diagnostic } }
        })?;
        check_count(operator, &words)?;
        let test = test(operator, &words, kind)?;
        let operand = Operand { path: path.clone(), span: 0..words.attribute.len(), case_exact: true };
        Ok(Self {
            operator,
            values: words.values.iter().map(|value| (*value).to_owned()).collect(),
            predicate: Predicate::Every(operand, Demand { test, negated: operator.negated }),
            path,
        })
    }

    /// The attribute it asks about.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How it asks.
    pub fn operator(&self) -> &'static Operator {
        self.operator
    }

    /// What it compares with.
    pub fn values(&self) -> &[String] {
        &self.values
    }

    /// Whether it holds for a person.
    pub fn holds(&self, person: &Attributes) -> bool {
        self.predicate.holds(person)
    }

    /// Itself, with the values it saw.
    pub fn conditions(&self, person: &Attributes) -> Vec<Condition> {
        self.predicate.conditions(person, &|_| self.to_string())
    }
}

/// In words: `department EQUALS "Sales" or "Marketing"`.
impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path, self.operator.name)?;
        for (at, value) in self.values.iter().enumerate() {
            let or = if at > 0 { " or " } else { " " };
            write!(f, "{or}\"{}\"", value.escape_debug())?;
        }
        Ok(())
    }
}

/// Whether the operator is asked of such an attribute. Texts may hold anything, as sources write dates and truths so.
fn check_type(operator: &Operator, path: &Path, kind: AttributeKind) -> Result<(), Diagnostic> {
    let wrong = |label: &str, hint: &str| {
        let message = format!("`{}` cannot be asked of `{path}`", operator.name);
        Err(Diagnostic::new(message, 0..0, label).with_hint(hint))
    };
    match (operator.kind, kind.what) {
        (Kind::Is(_), Type::Integer) => wrong("it is a number", "write `EQUALS` and the number"),
        (Kind::Is(_), Type::Reference | Type::Binary) => wrong("it is a text", "write `EQUALS` and the text"),
        (Kind::Exceeds { .. } | Kind::Includes | Kind::EndsWith | Kind::PartOf | Kind::Matches, Type::Boolean) => {
            wrong("it is true or false", "write `IS TRUE` or `IS FALSE`")
        }
        _ => Ok(()),
    }
}

fn check_count(operator: &Operator, words: &ClauseWords<'_>) -> Result<(), ClauseFault> {
    let at_operator = |message: String, label: &str, hint: String| {
        let diagnostic = Diagnostic::new(message, 0..words.operator.len(), label).with_hint(hint);
        Err(ClauseFault { part: Part::Operator, diagnostic })
    };
    let name = operator.name;
    match (operator.arity, words.values) {
        (Arity::Binary, []) => {
            at_operator(format!("`{name}` needs a value"), "with what?", "add `value = \"…\"`".to_owned())
        }
        (Arity::Unary, [value, ..]) => Err(ClauseFault {
            part: Part::Value(0),
            diagnostic: Diagnostic::new(format!("`{name}` takes no value"), 0..value.len(), "no meaning here")
                .with_hint("take it out"),
        }),
        (_, values) if values.len() > VALUES_MAX => at_operator(
            format!("a clause has at most {VALUES_MAX} values"),
            "too many",
            "keep the list in an attribute of the source".to_owned(),
        ),
        (_, [_, second, ..]) if matches!(operator.kind, Kind::Exceeds { .. }) => Err(ClauseFault {
            part: Part::Value(1),
            diagnostic: Diagnostic::new(format!("`{name}` takes one value"), 0..second.len(), "one too many"),
        }),
        _ => Ok(()),
    }
}

/// What is asked of each value of the attribute.
fn test(operator: &Operator, words: &ClauseWords<'_>, kind: AttributeKind) -> Result<Test, ClauseFault> {
    for (at, value) in words.values.iter().enumerate() {
        let fault = |diagnostic: Diagnostic| ClauseFault { part: Part::Value(at), diagnostic };
        check_value(operator, value, kind).map_err(fault)?;
    }
    let texts = || words.values.iter().map(|value| (*value).to_owned()).collect();
    Ok(match operator.kind {
        Kind::Empty => Test::Empty,
        Kind::Is(truth) => Test::Is(truth),
        Kind::Equals => Test::Equals(texts()),
        Kind::Includes => Test::Includes(texts()),
        Kind::EndsWith => Test::EndsWith(texts()),
        Kind::PartOf => Test::PartOf(texts()),
        Kind::Matches => Test::Matches(patterns(words.values)?),
        Kind::Exceeds { or_equal } => {
            let value = words.values.first().copied().unwrap_or_default();
            let bound =
                if is_number(value) { Literal::Number(value.to_owned()) } else { Literal::text(value.to_owned()) };
            Test::Exceeds { bound, or_equal }
        }
    })
}

fn patterns(values: &[&str]) -> Result<Vec<Pattern>, ClauseFault> {
    let read = |(at, value): (usize, &&str)| {
        Pattern::parse(value).map_err(|diagnostic| ClauseFault { part: Part::Value(at), diagnostic })
    };
    values.iter().enumerate().map(read).collect()
}

/// Whether anything can be equal to it, or greater.
fn check_value(operator: &Operator, value: &str, kind: AttributeKind) -> Result<(), Diagnostic> {
    let wrong =
        |message: String, label: &str, hint: &str| Err(Diagnostic::new(message, 0..value.len(), label).with_hint(hint));
    let name = operator.name;
    let is_truth = value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false");
    match operator.kind {
        _ if value.is_empty() && !(operator.kind == Kind::Equals && operator.negated) => {
            wrong(format!("`{name}` is never met by an empty value"), "empty", "write `IS NULL` or `IS NOT NULL`")
        }
        Kind::Equals if kind.what == Type::Boolean && !is_truth => {
            wrong("the attribute is true or false".to_owned(), "never equals it", "write `IS TRUE` or `IS FALSE`")
        }
        Kind::Equals if kind.what == Type::Integer && !is_number(value) && !value.is_empty() => {
            wrong("the attribute is a number".to_owned(), "never equals it", "write a number, as in `\"42\"`")
        }
        Kind::Exceeds { .. } if !is_number(value) && Literal::text(value.to_owned()).as_moment().is_none() => wrong(
            format!("`{name}` compares numbers and dates"),
            "neither",
            "write a number, or a date as `2026-05-31`",
        ),
        _ => Ok(()),
    }
}
