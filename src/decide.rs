//! The one decision: what shall become of a person at every target, and why.
//!
//! Production, a dry run, `explain` and rule tests all call [`decide`], so none of them can say something else.

mod apps;
mod concealment;
mod job;
mod membership;
mod trace;

use crate::model::{
    ACCOUNT_ENABLED, Desired, Dn, HoldReason, Known, Outcome, Person, Placement, Reason, Situation, TargetId, Value,
    Verdict, Wanted,
};

pub use concealment::{CONCEALED, Concealment, Secrets};
pub use job::{DamageLimit, DamageLimits, Job, Leaver, PlacementChange, Policy, Target, TargetKind};
pub use membership::{
    GROUP_BYTES_MAX, GroupName, GroupsAt, Joining, MEMBERSHIPS_MAX, MEMBERSHIPS_OF_PERSON_MAX, Membership,
    flaw_of_group,
};
pub use trace::{AskedClause, AskedMembership, AskedRule, Computed, MappedAttribute, Trace, trace};

/// What shall become of a person, everywhere, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Whether the job is about the person.
    pub admitted: Admission,
    /// Where they live; `None` where that was not asked.
    pub verdict: Option<Verdict>,
    /// What is asked of each target; of the others, nothing.
    pub targets: Vec<AtTarget>,
    /// The groups the person's accounts shall be in, for every target where that is settled; in no others of those that
    /// muster put them in. At other targets memberships stay as they are.
    pub groups: Vec<GroupsAt>,
    /// How the operation ends, where no target is to be brought to anything.
    pub outcome: Option<Outcome>,
}

impl Decision {
    /// Where it places the person, in a word.
    pub fn placement_word(&self) -> &'static str {
        match (&self.admitted, self.verdict.as_ref().map(|verdict| &verdict.placement)) {
            (Admission::Deleted, _) => "deleted",
            (Admission::OutOfScope { .. }, _) => "out-of-scope",
            (Admission::Admitted, Some(Placement::Cloud { .. })) => "cloud",
            (Admission::Admitted, Some(Placement::OnPremises { .. })) => "on-premises",
            (Admission::Admitted, Some(Placement::Nowhere)) => "nowhere",
            (Admission::Admitted, Some(Placement::Held(_)) | None) => "held",
        }
    }

    /// Why it cannot be said of some target what it shall hold; other targets may be brought to something all the same.
    pub fn failure(&self) -> Option<&Reason> {
        self.targets.iter().find_map(|at| match &at.ask {
            Ask::Fail(reason) => Some(reason),
            Ask::Bring(_) | Ask::Hold(_) | Ask::Skip(_) => None,
        })
    }
}

/// Whether the job is about a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// It is.
    Admitted,
    /// The scope does not hold.
    OutOfScope {
        /// The first clause of it that does not.
        clause: String,
    },
    /// The source deleted the person.
    Deleted,
}

/// What is asked of one target.
#[derive(Debug, Clone, PartialEq)]
pub struct AtTarget {
    /// Which one.
    pub target: TargetId,
    /// How person, link and target stand to each other, as far as is known without looking.
    pub situation: Situation,
    /// What is asked.
    pub ask: Ask,
}

/// What is asked of a target.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// To be brought to this.
    Bring(Wanted),
    /// Nothing until somebody has looked.
    Hold(Reason),
    /// Nothing, and that is right.
    Skip(Reason),
    /// Nothing, because what it shall hold cannot be said.
    Fail(Reason),
}

/// Decides what shall become of a person at every target. `links` are the accounts the person is known to have.
///
/// Total: it cannot fail, only say why nothing is done. A link to a target the job no longer has is passed over.
pub fn decide(job: &Job, person: &Person, links: &[(TargetId, Known)]) -> Decision {
    let mut decision = judge(job, person, links);
    // A job without memberships says so of every account: whom an earlier job file put into a group is taken out.
    decision.groups = membership::groups(job, person, links, &decision);
    let has_reason = decision.outcome.is_some() || decision.targets.iter().any(|at| !matches!(at.ask, Ask::Bring(_)));
    if has_reason && job.has_secrets() {
        // Reasons are kept, logged and shown; a secret must not get into one.
        Concealment::of(job).secrets(job, person, links).reasons(&mut decision);
    }
    decision
}

fn judge(job: &Job, person: &Person, links: &[(TargetId, Known)]) -> Decision {
    let case = Case { job, person, links };
    if person.deleted {
        return case.of_deleted();
    }
    if let Some(words) = job.scope.refuses(&person.attributes) {
        return case.of_out_of_scope(words);
    }
    case.of_placed(job.ruleset.place(&person.attributes))
}

/// What a decision is made from.
struct Case<'a> {
    job: &'a Job,
    person: &'a Person,
    links: &'a [(TargetId, Known)],
}

impl Case<'_> {
    fn of_deleted(&self) -> Decision {
        let leaving = |target: &Target| (target.on_delete, Situation::SourceMissing);
        let targets = self.leave(leaving, &|known| {
            let why = format!(
                "the source deleted {}, whose account is {}; delete or disable it by hand, or set `on_delete`",
                self.person.anchor, known.object
            );
            Reason::new("source_missing", why)
        });
        let nothing = || {
            let why = format!("the source deleted {}, and no account of theirs is linked", self.person.anchor);
            Outcome::Skipped(Reason::new("all_gone", why))
        };
        decision(Admission::Deleted, None, targets, nothing)
    }

    fn of_out_of_scope(&self, clause: String) -> Decision {
        let policy = self.job.policy.out_of_scope;
        let why = format!("{} is out of scope: `{clause}` does not hold", self.person.anchor);
        let targets = self.leave(|_| (policy, Situation::Unqualified), &|known| {
            let sentence = format!(
                "{why}, but the account {} is theirs; decide what becomes of it, or set `policy.out_of_scope`",
                known.object
            );
            Reason::new("unqualified", sentence)
        });
        let nothing = || Outcome::Skipped(Reason::new("out_of_scope", why.clone()));
        decision(Admission::OutOfScope { clause }, None, targets, nothing)
    }

    fn of_placed(&self, verdict: Verdict) -> Decision {
        let rule = verdict.by.as_ref().map_or("no rule", |id| id.as_str());
        let targets = match &verdict.placement {
            Placement::Held(reason) => {
                let held = Outcome::Held(self.held(reason, rule));
                return decision(Admission::Admitted, Some(verdict), Vec::new(), || held);
            }
            Placement::Nowhere => self.leave(|_| (self.job.policy.nowhere, Situation::Unqualified), &|known| {
                let why = format!(
                    "the rule `{rule}` places {} nowhere, but the account {} is theirs; decide what becomes of it, \
                     or set `policy.nowhere`",
                    self.person.anchor, known.object
                );
                Reason::new("unqualified", why)
            }),
            Placement::Cloud { target } => self.at_home_and_apps(target, None, &verdict, rule),
            Placement::OnPremises { target, container } => {
                self.at_home_and_apps(target, Some(container), &verdict, rule)
            }
        };
        let nothing = || {
            let why = format!("the rule `{rule}` places {} nowhere", self.person.anchor);
            Outcome::Skipped(Reason::new("placed_nowhere", why))
        };
        let nothing = nothing();
        decision(Admission::Admitted, Some(verdict), targets, || nothing)
    }

    fn held(&self, reason: &HoldReason, rule: &str) -> Reason {
        let anchor = &self.person.anchor;
        match reason {
            HoldReason::NoRuleSpoke => {
                let why = format!("no rule speaks for {anchor}; add one, or correct the data the rules ask for");
                Reason::new("no_rule_spoke", why)
            }
            HoldReason::RuleHolds => {
                let why = format!("the rule `{rule}` holds {anchor}; look at the person, then change data or rule");
                Reason::new("rule_holds", why)
            }
            HoldReason::NoContainer { gave, why } => {
                let gave = if gave.is_empty() { String::new() } else { format!(" gave `{gave}`:") };
                let sentence = format!(
                    "the container of the rule `{rule}`{gave} {why}, for {anchor}; correct the data it is made of, \
                     or the expression"
                );
                Reason::new("no_container", sentence)
            }
        }
    }

    /// What becomes of every linked account of somebody who shall have none.
    fn leave(&self, policy: impl Fn(&Target) -> (Leaver, Situation), hold: &dyn Fn(&Known) -> Reason) -> Vec<AtTarget> {
        let linked = self.links.iter().filter_map(|(id, known)| Some((self.job.target(id)?, known)));
        linked
            .map(|(target, known)| {
                let (leaver, situation) = policy(target);
                let ask = match leaver {
                    Leaver::Disable => Ask::Bring(Wanted::Disabled),
                    Leaver::Delete => Ask::Bring(Wanted::Deleted),
                    Leaver::Hold => Ask::Hold(hold(known)),
                };
                AtTarget { target: target.id.clone(), situation, ask }
            })
            .collect()
    }

    fn at_home(&self, home: &TargetId, container: Option<&Dn>) -> Vec<AtTarget> {
        let link = self.links.iter().find(|(id, _)| id == home).map(|(_, known)| known);
        let policy = self.job.policy.placement_change;
        let mut elsewhere: Vec<(&Target, &Known)> =
            self.elsewhere(home).filter(|(_, known)| !is_locked(known)).collect();
        if elsewhere.is_empty() && policy == PlacementChange::Keep {
            // Whoever is kept may be away for a while.
            elsewhere.extend(self.elsewhere(home));
        }
        let present = |situation| self.present(home, container, situation);
        match (link, elsewhere.as_slice(), policy) {
            (None, [], _) => vec![present(Situation::Absent)],
            (Some(_), old, PlacementChange::Migrate) => {
                let mut targets = vec![present(Situation::Confirmed)];
                targets.extend(old.iter().map(|(target, _)| AtTarget {
                    target: target.id.clone(),
                    situation: Situation::PlacementChanged,
                    ask: Ask::Bring(Wanted::Disabled),
                }));
                targets
            }
            (Some(_), _, PlacementChange::Hold | PlacementChange::Keep) => vec![present(Situation::Confirmed)],
            (None, _, PlacementChange::Migrate) => vec![present(Situation::PlacementChanged)],
            (None, old, PlacementChange::Keep) => {
                old.iter().map(|(target, _)| self.present(&target.id, None, Situation::PlacementChanged)).collect()
            }
            (None, old @ [(_, _), ..], PlacementChange::Hold) => vec![self.placement_changed(home, old)],
        }
    }

    /// The other homes where the person has an account. What directory synchronisation carries there is the same
    /// account seen twice, not another home; and an app is nobody's other home.
    fn elsewhere(&self, home: &TargetId) -> impl Iterator<Item = (&Target, &Known)> {
        self.links
            .iter()
            .filter(move |(id, known)| id != home && !known.synced)
            .filter_map(|(id, known)| Some((self.job.target(id)?, known)))
            .filter(|(target, _)| target.kind != TargetKind::App)
    }

    fn present(&self, at: &TargetId, container: Option<&Dn>, situation: Situation) -> AtTarget {
        let desired = self.desired(at, container);
        // Who cannot be told which groups they belong in is not half done.
        let desired = desired.and_then(|desired| membership::joins(self.job, self.person, at).map(|_| desired));
        let ask = match desired {
            Ok(desired) => Ask::Bring(Wanted::Present(desired)),
            Err(reason) => Ask::Fail(reason),
        };
        AtTarget { target: at.clone(), situation, ask }
    }

    fn desired(&self, at: &TargetId, container: Option<&Dn>) -> Result<Desired, Reason> {
        match self.job.target(at) {
            Some(target) => {
                let mut desired = target.mapping.desired(self.person, container)?;
                if self.links.iter().any(|(id, _)| id == at) {
                    // An account that is there keeps its name.
                    desired.unique.clear();
                }
                Ok(desired)
            }
            // A checked job names only targets it has; one built by hand may not.
            None => Err(Reason::new("no_target", format!("the job has no target `{at}`; add it, or change the rule"))),
        }
    }

    fn placement_changed(&self, home: &TargetId, old: &[(&Target, &Known)]) -> AtTarget {
        let accounts: Vec<String> =
            old.iter().map(|(target, known)| format!("{} at {}", known.object, target.id)).collect();
        let why = format!(
            "{} now belongs at {home}, but has the account {}; decide which it shall be, then move it by hand, or set \
             `policy.placement_change` to migrate or keep",
            self.person.anchor,
            accounts.join(" and ")
        );
        AtTarget {
            target: home.clone(),
            situation: Situation::PlacementChanged,
            ask: Ask::Hold(Reason::new("placement_changed", why)),
        }
    }
}

fn is_locked(known: &Known) -> bool {
    known.attributes.get(ACCOUNT_ENABLED) == Some(&Value::Boolean(false))
}

/// The decision with its outcome: the gravest where no target is brought to anything, `nothing` where none is asked.
fn decision(
    admitted: Admission,
    verdict: Option<Verdict>,
    targets: Vec<AtTarget>,
    nothing: impl FnOnce() -> Outcome,
) -> Decision {
    let is_work = targets.iter().any(|at| matches!(at.ask, Ask::Bring(_)));
    let outcome = (!is_work).then(|| targets.iter().filter_map(ended).max_by_key(gravity).unwrap_or_else(nothing));
    Decision { admitted, verdict, targets, groups: Vec::new(), outcome }
}

fn ended(at: &AtTarget) -> Option<Outcome> {
    match &at.ask {
        Ask::Bring(_) => None,
        Ask::Hold(reason) => Some(Outcome::Held(reason.clone())),
        Ask::Skip(reason) => Some(Outcome::Skipped(reason.clone())),
        Ask::Fail(reason) => Some(Outcome::Failed(reason.clone())),
    }
}

fn gravity(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Failed(_) => 2,
        Outcome::Held(_) => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
