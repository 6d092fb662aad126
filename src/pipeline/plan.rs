//! *Plan*: what an import would do. The same functions as the import itself, and nothing is written anywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::conceal::{conceal_faults, conceal_planned, secrets_of};
use super::deliver::propose;
use super::import::{ImportError, compare};
use super::process::judge;
use crate::decide::{self, Ask, Concealment, decide};
use crate::model::{
    Anchor, Change, ChangeKind, Known, Name, Outcome, Reason, Situation, Step, TargetId, Timestamp, UniqueName, Value,
    Wanted,
};
use crate::reconcile::reconcile;
use crate::source::{self, CsvSettings, Rows, Scan};
use crate::store::{Decided, JobState, Proposal, Store, StoredPerson};

/// What would happen to one person.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// Who.
    pub anchor: Anchor,
    /// The line of the export that says so.
    pub line: u32,
    /// Where they shall live, in a word: `cloud`, `on-premises`, `nowhere`, `held`, `out-of-scope`, `deleted`.
    pub placement: &'static str,
    /// The rule that says so.
    pub rule: Option<Name>,
    /// What would be done at each target.
    pub targets: Vec<PlannedAt>,
    /// The groups their accounts would be put into, and taken out of.
    pub members: Vec<PlannedMember>,
    /// How the operation would end at once, when nothing would be done.
    pub outcome: Option<Outcome>,
}

/// What would be done at one target.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedAt {
    /// Which.
    pub target: TargetId,
    /// How things stand, as far as the store knows.
    pub situation: Situation,
    /// What would be done.
    pub action: Action,
    /// What a new account would be called that nobody else may be called; which of the names is free is seen when it
    /// is made.
    pub unique: Vec<UniqueName>,
}

/// A membership that would be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedMember {
    /// At which target.
    pub target: TargetId,
    /// Of which group.
    pub group: String,
    /// Whether the account would become a member; otherwise it would be one no longer.
    pub joins: bool,
}

impl PlannedMember {
    /// The word for it in groups and tables.
    pub fn word(&self) -> &'static str {
        if self.joins { ChangeKind::Join.word() } else { ChangeKind::Leave.word() }
    }
}

/// What would be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Nobody has looked at the target for this person yet: an account is made, or the one that matches is linked.
    CreateOrLink(Change),
    /// The linked account is changed so.
    Write(Change),
    /// It waits for somebody to look.
    Hold(Reason),
    /// Rightly nothing.
    Skip(Reason),
    /// It cannot be done.
    Fail(Reason),
}

impl Action {
    /// The word for it in groups and tables.
    pub fn word(&self) -> &'static str {
        match self {
            Self::CreateOrLink(_) => "create-or-link",
            Self::Write(change) => change.kind.word(),
            Self::Hold(_) => "hold",
            Self::Skip(_) => "skip",
            Self::Fail(_) => "fail",
        }
    }

    /// Whether a directory would be written to.
    pub fn is_change(&self) -> bool {
        matches!(self, Self::CreateOrLink(_) | Self::Write(_))
    }
}

/// A plan in numbers.
#[derive(Debug)]
pub struct Plan {
    /// What the file looked like, and what was wrong with it.
    pub scan: Scan,
    /// People by placement, target and action.
    pub groups: BTreeMap<(&'static str, String, &'static str), u64>,
    /// Rows that would change nothing.
    pub unchanged: u64,
}

impl Plan {
    /// Whether anything would be written to a directory.
    pub fn has_changes(&self) -> bool {
        self.groups.keys().any(|(_, _, action)| !matches!(*action, "hold" | "skip" | "fail" | "none"))
    }
}

/// Plans an import of the file at `path`; `visit` is shown every person something would happen to.
///
/// `known` is the store and the job in it; `None` when the job has never run. `same_job` says whether the people in
/// the store were decided with this very job file: only then may unchanged rows be passed over.
///
/// # Errors
/// As [`super::import::import`], before it records anything.
pub fn plan(
    job: &decide::Job,
    known: Option<(&Store, &JobState)>,
    same_job: bool,
    file: (&Path, &CsvSettings),
    now: Timestamp,
    visit: &mut dyn FnMut(Planned),
) -> Result<Plan, ImportError> {
    let (path, settings) = file;
    let concealment = Concealment::of(job);
    let mut scan = source::scan(path, settings, &mut |_| {})?;
    conceal_faults(&concealment, settings, &mut scan);
    let mut left: Vec<u32> = (0..scan.rows.len() as u32).collect();
    if let Some((store, state)) = known {
        scan.check_loss(store.rows_last(state)?)?;
        if same_job {
            left = compare(store, state, &scan)?.left;
        }
    }
    let mut groups = BTreeMap::new();
    let mut unchanged = (scan.rows.len() - left.len()) as u64;
    let mut rows = Rows::open(path, &scan)?;
    for at in &left {
        let mark = &scan.rows[*at as usize];
        let record = rows.read(mark)?;
        let stored = match known {
            Some((store, state)) => store.stored(state, record.anchor.as_str())?,
            None => None,
        };
        let statement = crate::model::Statement::Upsert(record);
        match planned(job, stored.as_ref(), statement, mark.line, now) {
            Some((mut planned, after)) => {
                count(&mut groups, &planned);
                conceal_planned(&concealment, &secrets_of(&concealment, job, &after), &mut planned);
                visit(planned);
            }
            None => unchanged += 1,
        }
    }
    Ok(Plan { scan, groups, unchanged })
}

fn count(groups: &mut BTreeMap<(&'static str, String, &'static str), u64>, planned: &Planned) {
    if planned.targets.is_empty() && planned.members.is_empty() {
        let word = planned.outcome.as_ref().map_or("none", ending_word);
        *groups.entry((planned.placement, String::new(), word)).or_default() += 1;
    }
    for at in &planned.targets {
        *groups.entry((planned.placement, at.target.to_string(), at.action.word())).or_default() += 1;
    }
    // A person counts once, however many groups it is.
    let members: BTreeSet<_> = planned.members.iter().map(|at| (at.target.to_string(), at.word())).collect();
    for (target, word) in members {
        *groups.entry((planned.placement, target, word)).or_default() += 1;
    }
}

fn ending_word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Held(_) => "hold",
        Outcome::Failed(_) => "fail",
        Outcome::Skipped(_) => "skip",
        Outcome::Applied | Outcome::Unchanged | Outcome::Superseded { .. } => "none",
    }
}

/// What one statement would do, and what there is of the person then; `None` when nothing.
fn planned(
    job: &decide::Job,
    stored: Option<&StoredPerson>,
    statement: crate::model::Statement,
    line: u32,
    now: Timestamp,
) -> Option<(Planned, StoredPerson)> {
    let (person, decision) = match (judge(job, stored, statement, now), stored) {
        (Decided::Changed { person, decision }, _) => (person, decision),
        (Decided::Unchanged, Some(stored)) => (stored.person.clone(), decide(job, &stored.person, &stored.links)),
        (Decided::Unchanged, None) => return None,
    };
    let links = stored.map(|stored| stored.links.clone()).unwrap_or_default();
    let members = stored.map(|stored| stored.members.clone()).unwrap_or_default();
    let after = StoredPerson { person, links, members };
    let targets: Vec<_> = decision.targets.iter().filter_map(|at| planned_at(job, &after, at)).collect();
    let outcome = decision.outcome.clone();
    let members = planned_members(&decision, &after, &targets);
    if targets.is_empty() && members.is_empty() && outcome.is_none() {
        return None;
    }
    let rule = decision.verdict.as_ref().and_then(|verdict| verdict.by.clone());
    let anchor = after.person.anchor.clone();
    Some((Planned { anchor, line, placement: decision.placement_word(), rule, targets, members, outcome }, after))
}

/// The memberships that differ from what is known, at targets where the account is not stopped.
fn planned_members(decision: &decide::Decision, after: &StoredPerson, targets: &[PlannedAt]) -> Vec<PlannedMember> {
    let is_stopped = |target: &TargetId| targets.iter().any(|at| at.target == *target && !at.action.is_change());
    let is_synced = |target: &TargetId| after.known_at(target).is_some_and(|known| known.synced);
    let mut members = Vec::new();
    for at in decision.groups.iter().filter(|at| !is_stopped(&at.target) && !is_synced(&at.target)) {
        let known: Vec<_> = after.members.iter().filter(|member| member.target == at.target).collect();
        let planned = |group: &str, joins| PlannedMember { target: at.target.clone(), group: group.to_owned(), joins };
        let joins = at.groups.iter().filter(|joining| !known.iter().any(|member| joining.is(&member.group)));
        members.extend(joins.map(|joining| planned(&joining.group, true)));
        let leaves = known.iter().filter(|member| member.is_ours && !at.groups.iter().any(|j| j.is(&member.group)));
        members.extend(leaves.map(|member| planned(&member.group, false)));
    }
    members
}

fn planned_at(job: &decide::Job, after: &StoredPerson, at: &decide::AtTarget) -> Option<PlannedAt> {
    let action = match &at.ask {
        Ask::Hold(reason) => Action::Hold(reason.clone()),
        Ask::Skip(reason) => Action::Skip(reason.clone()),
        Ask::Fail(reason) => Action::Fail(reason.clone()),
        Ask::Bring(wanted) => bringing(wanted, after.known_at(&at.target))?,
    };
    debug_assert!(
        !action.is_change() || matches!(propose(job, &at.target, after, false), Proposal::Work { .. }),
        "a plan says what delivery does"
    );
    let unique = match (&at.ask, &action) {
        (Ask::Bring(Wanted::Present(desired)), Action::CreateOrLink(_)) => desired.unique.clone(),
        _ => Vec::new(),
    };
    Some(PlannedAt { target: at.target.clone(), situation: at.situation, action, unique })
}

fn bringing(wanted: &Wanted, known: Option<&Known>) -> Option<Action> {
    let (_, step) = reconcile(wanted, known, None);
    Some(match step {
        Step::Nothing | Step::Link(_) => return None,
        Step::Write(change) if change.kind == ChangeKind::Create => Action::CreateOrLink(change),
        Step::Write(change) => Action::Write(change),
        Step::Hold(reason) => Action::Hold(reason),
        Step::Refuse(reason) => Action::Fail(reason),
        Step::Skip(reason) => Action::Skip(reason),
    })
}

/// The attributes of a change as old → new, in the order of their names; what is cleared has no new value.
pub fn differences(change: &Change) -> Vec<(&Name, Option<&Value>, Option<&Value>)> {
    let set = change.set.iter().map(|(name, value)| (name, change.before.get(name.as_str()), Some(value)));
    let cleared = change.clear.iter().map(|name| (name, change.before.get(name.as_str()), None));
    let mut all: Vec<_> = set.chain(cleared).collect();
    all.sort_by_key(|(name, ..)| *name);
    all
}
