//! What a filter asks, one condition at a time, and what each of them sees: for whoever wants to know why it holds.

use super::hold::Scope;
use super::{Operand, Predicate, print};
use crate::model::{Attributes, Path, Value};

/// One condition of a filter, asked of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// As the filter prints it; under a `not`, with it.
    pub words: String,
    /// What it asks about, and what the person has there; null where that is nothing.
    pub seen: Vec<(Path, Value)>,
    /// Whether it holds.
    pub holds: bool,
}

/// Puts every condition of a predicate behind those in `asked`. Whether the predicate holds follows from them: `not`
/// before a group is said of each of its conditions.
pub(super) fn push_conditions(
    predicate: &Predicate,
    is_negated: bool,
    person: &Attributes,
    asked: &mut Vec<Condition>,
) {
    match predicate {
        Predicate::And(all) | Predicate::Or(all) => {
            all.iter().for_each(|inner| push_conditions(inner, is_negated, person, asked));
        }
        Predicate::Not(inner) => push_conditions(inner, !is_negated, person, asked),
        Predicate::Present(operand) | Predicate::Compare(operand, ..) | Predicate::Within(operand, _) => {
            let holds = predicate.holds(Scope::Person(person)) != is_negated;
            asked.push(Condition { words: words(predicate, is_negated), seen: seen(operand, person), holds });
        }
    }
}

fn seen(operand: &Operand, person: &Attributes) -> Vec<(Path, Value)> {
    vec![(operand.path.clone(), operand.path.reached(person))]
}

fn words(predicate: &Predicate, is_negated: bool) -> String {
    let mut words = String::new();
    print::push_predicate(&mut words, predicate, false);
    if is_negated { format!("not ({words})") } else { words }
}
