//! A decision with everything that led to it, for `explain` and for tests that fail.

use super::{Ask, Decision, Job, decide};
use crate::mapping::{Given, MappingSource};
use crate::model::{Attributes, Known, Name, Path, Person, Reason, TargetId, Value, Wanted};
use crate::predicate::Condition;
use crate::rules::{Container, Place};

/// A decision, and what was asked on the way to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// Every clause of the scope; empty where everybody is admitted.
    pub scope: Vec<AskedClause>,
    /// The rules that were asked, in order; the last is the one that held, if any did.
    pub rules: Vec<AskedRule>,
    /// How the container came about, where the rule that held computes one.
    pub container: Option<Computed>,
    /// What the mapping of each target gives that is brought to something, attribute by attribute.
    pub mapped: Vec<MappedAttribute>,
    /// The memberships that were asked of each target that is brought to an account.
    pub memberships: Vec<AskedMembership>,
    /// The decision itself.
    pub decision: Decision,
}

/// A clause of the scope, and whether it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedClause {
    /// In the author's language.
    pub words: String,
    /// What it asks, one by one.
    pub conditions: Vec<Condition>,
    /// Whether it holds.
    pub holds: bool,
}

/// A rule that was asked, and whether it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedRule {
    /// Which one.
    pub id: Name,
    /// What it asks; `None` where it holds for everybody.
    pub when: Option<String>,
    /// The same, one by one.
    pub conditions: Vec<Condition>,
    /// Whether it holds.
    pub holds: bool,
}

/// A membership that was asked, and whether it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedMembership {
    /// At which target.
    pub target: TargetId,
    /// What it is called.
    pub word: String,
    /// What it asks; `None` where it holds for everybody.
    pub when: Option<String>,
    /// The same, one by one.
    pub conditions: Vec<Condition>,
    /// Whether it holds.
    pub holds: bool,
    /// Where the group comes from.
    pub computed: Computed,
    /// The groups it means, or why they cannot be told.
    pub groups: Result<Vec<String>, Reason>,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Computed {
    /// The path, constant or expression.
    pub from: String,
    /// The attributes that stand in it, and what the person has there; null where that is nothing.
    pub inputs: Vec<(Path, Value)>,
}

/// What one attribute of one target gets, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedAttribute {
    /// At which target.
    pub target: TargetId,
    /// Its attribute.
    pub attribute: Name,
    /// Where it comes from.
    pub computed: Computed,
    /// What it gets, or why that cannot be said.
    pub gives: Result<Given, Reason>,
}

/// Decides as [`decide`] does, and tells what was asked on the way.
pub fn trace(job: &Job, person: &Person, links: &[(TargetId, Known)]) -> Trace {
    let decision = decide(job, person, links);
    let scope = job.scope.clauses().iter().map(|clause| AskedClause {
        words: clause.words.clone(),
        conditions: clause.conditions(&person.attributes),
        holds: clause.holds(&person.attributes),
    });
    Trace {
        scope: scope.collect(),
        rules: asked_rules(job, person, &decision),
        container: container(job, person, &decision),
        mapped: mapped(job, person, &decision),
        memberships: memberships(job, person, &decision),
        decision,
    }
}

fn asked_rules(job: &Job, person: &Person, decision: &Decision) -> Vec<AskedRule> {
    let Some(verdict) = &decision.verdict else { return Vec::new() };
    let rules = &job.ruleset.rules;
    let decided = rules.iter().position(|rule| verdict.by.as_ref() == Some(&rule.id));
    let asked = rules.iter().take(decided.map_or(rules.len(), |at| at + 1));
    asked
        .map(|rule| AskedRule {
            id: rule.id.clone(),
            when: rule.when.as_ref().map(ToString::to_string),
            conditions: rule.when.as_ref().map_or_else(Vec::new, |when| when.conditions(&person.attributes)),
            holds: rule.holds(&person.attributes),
        })
        .collect()
}

fn container(job: &Job, person: &Person, decision: &Decision) -> Option<Computed> {
    let by = decision.verdict.as_ref()?.by.as_ref()?;
    match &job.ruleset.rules.iter().find(|rule| rule.id == *by)?.place {
        Place::OnPremises { container: Container::Computed(expression), .. } => Some(Computed {
            from: expression.to_string(),
            inputs: inputs(expression.attributes().map(|(path, _)| path), &person.attributes),
        }),
        _ => None,
    }
}

fn mapped(job: &Job, person: &Person, decision: &Decision) -> Vec<MappedAttribute> {
    let maps = |ask: &Ask| matches!(ask, Ask::Bring(Wanted::Present(_)) | Ask::Fail(_));
    let targets = decision.targets.iter().filter(|at| maps(&at.ask)).filter_map(|at| job.target(&at.target));
    targets
        .flat_map(|target| target.mapping.attributes().iter().map(move |attribute| (target, attribute)))
        .map(|(target, attribute)| MappedAttribute {
            target: target.id.clone(),
            attribute: attribute.attribute.clone(),
            computed: computed(&attribute.source, &person.attributes),
            gives: target.mapping.give(attribute, person),
        })
        .collect()
}

fn memberships(job: &Job, person: &Person, decision: &Decision) -> Vec<AskedMembership> {
    let asks = |ask: &Ask| matches!(ask, Ask::Bring(Wanted::Present(_)) | Ask::Fail(_));
    let is_asked = |target: &TargetId| decision.targets.iter().any(|at| at.target == *target && asks(&at.ask));
    let asked = job.memberships.iter().filter(|membership| is_asked(&membership.target));
    asked
        .map(|membership| AskedMembership {
            target: membership.target.clone(),
            word: membership.word(),
            when: membership.when.as_ref().map(ToString::to_string),
            conditions: membership.conditions(&person.attributes),
            holds: membership.holds(&person.attributes),
            computed: Computed {
                from: membership.group.to_string(),
                inputs: inputs(membership.paths(), &person.attributes),
            },
            groups: membership.groups(&person.attributes),
        })
        .collect()
}

fn computed(source: &MappingSource, person: &Attributes) -> Computed {
    Computed { from: source.to_string(), inputs: inputs(source.paths(), person) }
}

/// Each attribute once, in reading order, with what the person has there.
fn inputs<'a>(paths: impl Iterator<Item = &'a Path>, person: &Attributes) -> Vec<(Path, Value)> {
    let mut inputs: Vec<(Path, Value)> = Vec::new();
    for path in paths {
        if !inputs.iter().any(|(seen, _)| seen == path) {
            inputs.push((path.clone(), path.reached(person)));
        }
    }
    inputs
}
