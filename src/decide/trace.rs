//! A decision with everything that led to it, for `explain`.

use super::{Decision, Job, decide};
use crate::mapping::Given;
use crate::model::{Known, Name, Person, Reason, TargetId};

/// A decision, and what was asked on the way to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// Every clause of the scope; empty where everybody is admitted.
    pub scope: Vec<AskedClause>,
    /// The rules that were asked, in order; the last is the one that held, if any did.
    pub rules: Vec<AskedRule>,
    /// What the mapping of each target gives that is brought to something, attribute by attribute.
    pub mapped: Vec<MappedAttribute>,
    /// The decision itself.
    pub decision: Decision,
}

/// A clause of the scope, and whether it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedClause {
    /// In the author's language.
    pub words: String,
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
    /// Whether it holds.
    pub holds: bool,
}

/// What one attribute of one target gets, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedAttribute {
    /// At which target.
    pub target: TargetId,
    /// Its attribute.
    pub attribute: Name,
    /// The path, constant or expression it comes from.
    pub from: String,
    /// What it gets, or why that cannot be said.
    pub gives: Result<Given, Reason>,
}

/// Decides as [`decide`] does, and tells what was asked on the way.
pub fn trace(job: &Job, person: &Person, links: &[(TargetId, Known)]) -> Trace {
    let decision = decide(job, person, links);
    let scope = job.scope.clauses().iter().map(|clause| {
        let holds = clause.holds(&person.attributes);
        AskedClause { words: clause.words.clone(), holds }
    });
    Trace {
        scope: scope.collect(),
        rules: asked_rules(job, person, &decision),
        mapped: mapped(job, person, &decision),
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
            holds: rule.holds(&person.attributes),
        })
        .collect()
}

fn mapped(job: &Job, person: &Person, decision: &Decision) -> Vec<MappedAttribute> {
    use super::Ask;
    use crate::model::Wanted;

    let maps = |ask: &Ask| matches!(ask, Ask::Bring(Wanted::Present(_)) | Ask::Fail(_));
    let targets = decision.targets.iter().filter(|at| maps(&at.ask)).filter_map(|at| job.target(&at.target));
    targets
        .flat_map(|target| target.mapping.attributes().iter().map(move |attribute| (target, attribute)))
        .map(|(target, attribute)| MappedAttribute {
            target: target.id.clone(),
            attribute: attribute.attribute.clone(),
            from: attribute.source.to_string(),
            gives: target.mapping.give(attribute, person),
        })
        .collect()
}
