//! Whom a job is about: everybody its filter holds for.

use crate::model::Attributes;
use crate::predicate::Condition;
use crate::scim::Filter;

/// Whom a job is about. Read and checked with the job, so that asking it about a person cannot fail.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    clauses: Vec<Clause>,
}

/// One of the conditions that must all hold.
#[derive(Debug, Clone)]
pub struct Clause {
    /// In the author's language.
    pub words: String,
    filter: Filter,
}

impl Clause {
    /// Its conditions, asked of a person one by one.
    pub fn conditions(&self, person: &Attributes) -> Vec<Condition> {
        self.filter.conditions(person)
    }

    /// Whether it holds for a person.
    pub fn holds(&self, person: &Attributes) -> bool {
        self.filter.holds(person)
    }
}

impl Scope {
    /// Everybody.
    pub fn everybody() -> Self {
        Self::default()
    }

    /// Those the filter holds for. What it joins by `and` is asked one by one, so that a refusal can name its cause.
    pub fn new(filter: &Filter) -> Self {
        let clauses = filter.clauses().into_iter().map(|filter| Clause { words: filter.to_string(), filter }).collect();
        Self { clauses }
    }

    /// The first clause that does not hold for the person; `None` where the person is admitted.
    pub fn refuses(&self, person: &Attributes) -> Option<&Clause> {
        self.clauses.iter().find(|clause| !clause.holds(person))
    }

    /// All its clauses; none admit everybody.
    pub fn clauses(&self) -> &[Clause] {
        &self.clauses
    }
}
