//! Whom a job is about: everybody a SCIM filter holds for, or one of the groups of a scoping filter as Entra writes them.

mod graph;
mod groups;
mod operator;
mod written;

use std::fmt;

use crate::model::{Attributes, Path};
use crate::predicate::Condition;
use crate::scim::Filter;

pub use graph::{FilterClause, FilterGroup, FilterOperand, GraphFault, GraphFilter};
pub use groups::{
    CLAUSES_MAX, Clause as GroupClause, ClauseFault, ClauseWords, GROUPS_MAX, Group, Part, ReadPath, ScopingFilter,
    VALUES_MAX,
};
pub use operator::{Arity, AttributeType, MULTIVALUED_COMPARISON, Operator, operators};

/// Whom a job is about. Read and checked with the job, so that asking it about a person cannot fail.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    notation: Notation,
    clauses: Vec<Clause>,
}

/// How somebody wrote it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Notation {
    /// Not at all: everybody.
    #[default]
    Nothing,
    /// As a SCIM filter (RFC 7644).
    Filter(Filter),
    /// As groups of clauses, as Entra does.
    Groups(ScopingFilter),
}

/// One of the conditions that must all hold in a group. A filter is one group.
#[derive(Debug, Clone)]
pub struct Clause {
    /// In the author's language; with the name of its group, where there are several.
    pub words: String,
    /// Which group, from 0.
    pub group: usize,
    asks: Asks,
}

#[derive(Debug, Clone)]
enum Asks {
    Filter(Filter),
    Clause(GroupClause),
}

impl Clause {
    /// Every condition of it, the values it saw, and whether it holds for the person.
    pub fn conditions(&self, person: &Attributes) -> Vec<Condition> {
        match &self.asks {
            Asks::Filter(filter) => filter.conditions(person),
            Asks::Clause(clause) => clause.conditions(person),
        }
    }

    /// Whether it holds for a person.
    pub fn holds(&self, person: &Attributes) -> bool {
        match &self.asks {
            Asks::Filter(filter) => filter.holds(person),
            Asks::Clause(clause) => clause.holds(person),
        }
    }
}

impl Scope {
    /// Everybody.
    pub fn everybody() -> Self {
        Self::default()
    }

    /// Those the filter holds for. What it joins by `and` is asked one by one, so that a refusal can name its cause.
    pub fn new(filter: &Filter) -> Self {
        let clause = |filter: Filter| Clause { words: filter.to_string(), group: 0, asks: Asks::Filter(filter) };
        let clauses = filter.clauses().into_iter().map(clause).collect();
        Self { notation: Notation::Filter(filter.clone()), clauses }
    }

    /// Those one of the groups holds for.
    pub fn of_groups(filter: ScopingFilter) -> Self {
        let several = filter.groups().len() > 1;
        let clauses = filter.groups().iter().enumerate().flat_map(|(group, asked)| {
            asked.clauses.iter().map(move |clause| {
                let words = if several { format!("{}: {clause}", title(group, asked)) } else { clause.to_string() };
                Clause { words, group, asks: Asks::Clause(clause.clone()) }
            })
        });
        let clauses = clauses.collect();
        Self { notation: Notation::Groups(filter), clauses }
    }

    /// Whether it admits a person.
    pub fn admits(&self, person: &Attributes) -> bool {
        self.clauses.is_empty() || self.groups().any(|group| group.iter().all(|clause| clause.holds(person)))
    }

    /// What does not hold for the person: of each group the first clause that does not; `None` where the person is
    /// admitted.
    pub fn refuses(&self, person: &Attributes) -> Option<String> {
        if self.admits(person) {
            return None;
        }
        let failing = self.groups().filter_map(|group| group.iter().find(|clause| !clause.holds(person)));
        let words: Vec<&str> = failing.map(|clause| clause.words.as_str()).collect();
        Some(words.join(" or "))
    }

    /// All its clauses, group by group; none admit everybody.
    pub fn clauses(&self) -> &[Clause] {
        &self.clauses
    }

    /// How it is written.
    pub fn notation(&self) -> &Notation {
        &self.notation
    }

    /// The attributes it asks about.
    pub fn paths(&self) -> Vec<&Path> {
        match &self.notation {
            Notation::Nothing => Vec::new(),
            Notation::Filter(filter) => filter.attributes().map(|(path, _)| path).collect(),
            Notation::Groups(groups) => {
                groups.groups().iter().flat_map(|group| &group.clauses).map(GroupClause::path).collect()
            }
        }
    }

    fn groups(&self) -> impl Iterator<Item = &[Clause]> {
        self.clauses.chunk_by(|left, right| left.group == right.group)
    }
}

fn title(at: usize, group: &Group) -> String {
    if group.name.is_empty() { format!("group {}", at + 1) } else { group.name.clone() }
}

/// In its own notation, as it stands in a job file; nothing for everybody.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.notation {
            Notation::Nothing => Ok(()),
            Notation::Filter(filter) => fmt::Display::fmt(filter, f),
            Notation::Groups(groups) => fmt::Display::fmt(groups, f),
        }
    }
}

#[cfg(test)]
mod tests;
