//! Filters: a question about a person's attributes that can be answered yes or no (RFC 7644 §3.4.2.2).
//!
//! A filter is parsed once and can then not fail. What it means where the RFC leaves room:
//!
//! - An attribute with several values holds when **any** of them does. So `ne` on several values
//!   means "one of them differs"; "none of them is" is written `not (emails.value eq "…")`.
//! - `ne` on an absent attribute holds: what is not there is not equal. All others but
//!   `eq null` do not hold.
//! - `eq null` holds when nothing but null is there; an empty text is a value (`pr` tells it from one).
//! - Texts compare without regard to case, unless the schema says `caseExact` (`id`, `externalId`,
//!   references, what the job declares so).
//! - Two texts that both read as dates (RFC 3339, or a date alone: midnight UTC; without an offset: UTC)
//!   compare as moments. A number compares as a number with a number, and with a text that reads as one.
//! - A complex value stands for its `value`.
//! - Beyond the grammar, `emails[type eq "work"].value` may stand where an attribute may, because
//!   mappings name attributes so.

mod check;
mod lexer;
mod parser;
mod print;

use std::fmt;

use crate::model::{Attributes, Diagnostic, Path, Span};
use crate::predicate::{Condition, Operator, Predicate};
use crate::scim::schema::Kind;

/// Longest filter, in bytes; as long as the longest expression (`facts/entra.md` §4.1).
pub const FILTER_BYTES_MAX: usize = 10_000;
/// Deepest nesting of parentheses, `not` and brackets. People lose count at five; the stack holds far more.
pub const FILTER_DEPTH_MAX: usize = 32;

/// A filter that has been understood. Filters are equal when they ask the same in the same order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    predicate: Predicate,
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// A [`Diagnostic`] that says where it stops making sense, and what to write instead. Whether
    /// the attributes exist is for [`Filter::checked`] to say.
    pub fn parse(text: &str) -> Result<Self, Diagnostic> {
        parser::parse(text).map(|predicate| Self { predicate })
    }

    /// Checks that every attribute it asks about exists and can be compared as it is; texts compare with regard to
    /// case from then on where the attribute's kind says so.
    ///
    /// # Errors
    /// Every mistake, in bytes of the filter's text.
    pub fn checked(mut self, kind_of: &dyn Fn(&Path) -> Result<Kind, Diagnostic>) -> Result<Self, Vec<Diagnostic>> {
        let mut wrong = Vec::new();
        self.predicate.each_operand(&mut |operand| match kind_of(&operand.path) {
            Ok(kind) => operand.case_exact = kind.case_exact,
            Err(diagnostic) => wrong.push(Diagnostic { span: operand.span.clone(), ..diagnostic }),
        });
        check::comparisons(&self.predicate, kind_of, &mut wrong);
        if wrong.is_empty() { Ok(self) } else { Err(wrong) }
    }

    /// Whether it holds for a person.
    ///
    /// `externalId` is seen only where the caller has put the anchor among the attributes.
    pub fn holds(&self, person: &Attributes) -> bool {
        self.predicate.holds(person)
    }

    /// The filters it joins by `and`, all of which must hold; itself, where it joins none.
    pub fn clauses(&self) -> Vec<Self> {
        match &self.predicate {
            Predicate::And(all) => all.iter().map(|predicate| Self { predicate: predicate.clone() }).collect(),
            _ => vec![self.clone()],
        }
    }

    /// The attributes it asks about, and where in its text each is named.
    ///
    /// Inside a value path (`emails[type eq "work"]`) the names are given in full: `emails.type`.
    pub fn attributes(&self) -> impl Iterator<Item = (&Path, &Span)> {
        self.predicate.operands().into_iter().map(|operand| (&operand.path, &operand.span))
    }

    /// Every condition of it with its own words, the values it saw, and whether it holds for the person.
    pub fn conditions(&self, person: &Attributes) -> Vec<Condition> {
        self.predicate.conditions(person, &|predicate| print::printed(predicate))
    }

    /// What it asks, in no notation.
    pub fn predicate(&self) -> &Predicate {
        &self.predicate
    }
}

/// Prints it as the RFC writes it; reading that gives the same filter.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print::printed(&self.predicate))
    }
}

impl Operator {
    const ALL: [Self; 9] = [Self::Eq, Self::Ne, Self::Co, Self::Sw, Self::Ew, Self::Gt, Self::Ge, Self::Lt, Self::Le];

    /// As a filter writes it.
    fn word(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Co => "co",
            Self::Sw => "sw",
            Self::Ew => "ew",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
        }
    }
}

#[cfg(test)]
mod tests;
