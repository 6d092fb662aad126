//! The one question about a person that can be answered yes or no, whichever notation it was written in.
//!
//! SCIM filters ([`scim::Filter`](crate::scim::Filter)) and Entra's scoping filters ([`scope`](crate::scope)) are two
//! notations of it. Each reads and prints its own; scope, rules and their tests ask this. Asking cannot fail: what
//! cannot be compared does not hold.

mod condition;
mod demand;
mod hold;
mod literal;

use crate::model::{Path, Span};

pub use condition::Condition;
pub use demand::{Demand, Test};
pub use literal::{Literal, TextLiteral, is_number};

/// A question about a person. Two are equal when they ask the same in the same order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Predicate {
    /// Two or more, all of which must hold.
    And(Vec<Predicate>),
    /// Two or more, one of which must hold.
    Or(Vec<Predicate>),
    /// It must not hold.
    Not(Box<Predicate>),
    /// One value of the attribute says something.
    Present(Operand),
    /// One value of the attribute compares so (RFC 7644 §3.4.2.2).
    Compare(Operand, Operator, Literal),
    /// One value of the attribute must satisfy it; the operands within name sub-attributes.
    Within(Operand, Box<Predicate>),
    /// Every value of the attribute satisfies it (Entra's scoping filters).
    Every(Operand, Demand),
}

impl Predicate {
    /// Every attribute it names, in the order they are written.
    pub fn operands(&self) -> Vec<&Operand> {
        let mut named = Vec::new();
        self.collect(&mut named);
        named
    }

    fn collect<'a>(&'a self, named: &mut Vec<&'a Operand>) {
        match self {
            Self::And(all) | Self::Or(all) => all.iter().for_each(|predicate| predicate.collect(named)),
            Self::Not(inner) => inner.collect(named),
            Self::Present(operand) | Self::Compare(operand, ..) | Self::Every(operand, _) => named.push(operand),
            Self::Within(operand, inner) => {
                named.push(operand);
                inner.collect(named);
            }
        }
    }

    /// Changes every operand, where it stands.
    pub fn each_operand(&mut self, change: &mut dyn FnMut(&mut Operand)) {
        match self {
            Self::And(all) | Self::Or(all) => all.iter_mut().for_each(|predicate| predicate.each_operand(change)),
            Self::Not(inner) => inner.each_operand(change),
            Self::Present(operand) | Self::Compare(operand, ..) | Self::Every(operand, _) => change(operand),
            Self::Within(operand, inner) => {
                change(operand);
                inner.each_operand(change);
            }
        }
    }
}

/// An attribute that is asked about.
#[derive(Debug, Clone)]
pub struct Operand {
    /// Which; inside a value path in full: `emails.type`.
    pub path: Path,
    /// Where it is named, in bytes of the text; says nothing about what is asked.
    pub span: Span,
    /// Whether texts that differ in case differ (`caseExact`, RFC 7643 §2.2).
    pub case_exact: bool,
}

impl PartialEq for Operand {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path
    }
}

impl Eq for Operand {}

/// How a value and a literal are compared (RFC 7644 §3.4.2.2, table 3; `pr` stands alone).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Contains.
    Co,
    /// Starts with.
    Sw,
    /// Ends with.
    Ew,
    /// Greater than.
    Gt,
    /// Greater than or equal.
    Ge,
    /// Less than.
    Lt,
    /// Less than or equal.
    Le,
}

#[cfg(test)]
mod tests;
