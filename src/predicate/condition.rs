//! What a predicate asked of a person, piece by piece: for `explain`, and for tests of rules.

use super::hold::Asked;
use super::{Operand, Predicate};
use crate::model::{Attributes, Path, Value};

/// One condition, what it saw, and whether it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The condition in its notation: `userType eq "Employee"`.
    pub words: String,
    /// The attribute it asks about.
    pub path: Path,
    /// The values it saw there, in order; none where the attribute is absent. They are the person's own.
    pub saw: Vec<Value>,
    /// Whether it holds.
    pub holds: bool,
    /// Whether it stands under a `not`: then what it joins holds only where this does not.
    pub negated: bool,
    /// Why it could not be answered, where it could not: then it does not hold.
    pub unanswered: Option<String>,
}

impl Condition {
    /// Whether it speaks for the person as it stands, its `not` included.
    pub fn speaks(&self) -> bool {
        self.holds != self.negated
    }
}

impl Predicate {
    /// Every condition of it, in the order they are written. A value path is one condition.
    ///
    /// `words` prints a condition in the notation it was written in.
    pub fn conditions(&self, person: &Attributes, words: &dyn Fn(&Self) -> String) -> Vec<Condition> {
        let mut conditions = Vec::new();
        self.ask(person, words, false, &mut conditions);
        conditions
    }

    fn ask(
        &self,
        person: &Attributes,
        words: &dyn Fn(&Self) -> String,
        negated: bool,
        conditions: &mut Vec<Condition>,
    ) {
        match self {
            Self::And(all) | Self::Or(all) => {
                all.iter().for_each(|predicate| predicate.ask(person, words, negated, conditions));
            }
            Self::Not(inner) => inner.ask(person, words, !negated, conditions),
            Self::Present(operand)
            | Self::Compare(operand, ..)
            | Self::Within(operand, _)
            | Self::Every(operand, _) => {
                conditions.push(Condition {
                    words: words(self),
                    path: operand.path.clone(),
                    saw: seen(operand, person),
                    holds: self.holds(person),
                    negated,
                    unanswered: self.unanswered(person),
                });
            }
        }
    }

    fn unanswered(&self, person: &Attributes) -> Option<String> {
        let Self::Every(operand, demand) = self else { return None };
        demand.asked(operand, Asked::Person(person)).err().map(|error| error.to_string())
    }
}

fn seen(operand: &Operand, person: &Attributes) -> Vec<Value> {
    let mut saw = Vec::new();
    Asked::Person(person).visit(operand, &mut |value| match value {
        Value::Many(values) => saw.extend(values.iter().cloned()),
        single => saw.push(single.clone()),
    });
    saw
}
