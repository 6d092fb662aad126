//! Since when that has stood which an expression that tells the time is computed from.
//!
//! `Now` is the time at which the newest statement was accepted that changed any of an expression's inputs. A
//! statement about something else does not make it tell another time, so it does not make work either.

use crate::expr::{Beyond, Expression};
use crate::model::{Name, Path, Person, Timestamp, Value};

/// What an expression that tells the time is computed from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimedInputs {
    name: Name,
    paths: Vec<Path>,
}

impl TimedInputs {
    /// The inputs of an expression; `None` where it does not tell the time.
    pub(super) fn of(expression: &Expression) -> Option<Self> {
        let tells_time = expression.reaches().any(|(beyond, _)| beyond == Beyond::Time);
        tells_time.then(|| {
            let paths = paths(expression);
            Self { name: name(&paths), paths }
        })
    }

    /// Since when they have stood in `after`, who was `before` until now; `None` where that is since `after` was
    /// accepted.
    pub fn moment(&self, before: &Person, after: &Person) -> Option<(Name, Timestamp)> {
        let stands = self.paths.iter().all(|path| values(path, before) == values(path, after));
        let since = before.moment(&self.name);
        (stands && since != after.accepted_at).then(|| (self.name.clone(), since))
    }
}

/// The time an expression tells for this person, if it tells any.
pub(super) fn now(expression: &Expression, person: &Person) -> Timestamp {
    if person.moments.is_empty() {
        return person.accepted_at;
    }
    person.moment(&name(&paths(expression)))
}

fn paths(expression: &Expression) -> Vec<Path> {
    let mut paths: Vec<Path> = expression.attributes().map(|(path, _)| path.clone()).collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}

/// Two expressions that are computed from the same tell the same time.
fn name(paths: &[Path]) -> Name {
    let words: Vec<String> = paths.iter().map(ToString::to_string).collect();
    Name::new(&words.join(", "))
}

fn values<'a>(path: &Path, person: &'a Person) -> Vec<&'a Value> {
    let mut values = Vec::new();
    path.visit(&person.attributes, &mut |value| values.push(value));
    values
}
