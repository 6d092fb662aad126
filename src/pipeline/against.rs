//! *Against*: what another job file would change, over everybody there is. Both are asked the one question, and
//! nothing is written anywhere.

use std::collections::BTreeMap;

use super::conceal::{conceal_shift, secrets_of};
use crate::decide::{self, Ask, AtTarget, Concealment, Decision, Joining, decide};
use crate::model::{
    Anchor, Attributes, Desired, Dn, Known, MANAGER, Manager, Name, Outcome, PersonId, Placement, Reason, TargetId,
    Value, Wanted,
};
use crate::store::{JobState, Store, StoreError, StoredPerson};

/// People that are read together; what is in memory does not grow with how many there are.
const BATCH_PEOPLE: usize = 1_000;

/// One person whom the two job files mean differently.
#[derive(Debug, Clone, PartialEq)]
pub struct Shift {
    /// Who.
    pub anchor: Anchor,
    /// Where they live by the old file.
    pub before: Home,
    /// Where they live by the new one.
    pub after: Home,
    /// What differs at each target.
    pub targets: Vec<ShiftAt>,
    /// Why nothing is done by the new file, where nothing is.
    pub why: Option<Reason>,
}

impl Shift {
    /// Whether they live elsewhere: at another target, or in another container.
    pub fn is_move(&self) -> bool {
        !self.before.is_same_place(&self.after)
    }
}

/// Where a person lives, and by which rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// In a word, as [`Decision::placement_word`] has it.
    pub placement: &'static str,
    /// The target.
    pub target: Option<TargetId>,
    /// Where inside it.
    pub container: Option<Dn>,
    /// The rule that says so. Another rule that says the same is no difference.
    pub rule: Option<Name>,
}

impl Home {
    fn of(decision: &Decision) -> Self {
        let placement = decision.verdict.as_ref().map(|verdict| &verdict.placement);
        Self {
            placement: decision.placement_word(),
            target: placement.and_then(Placement::home).cloned(),
            container: placement.and_then(Placement::container).cloned(),
            rule: decision.verdict.as_ref().and_then(|verdict| verdict.by.clone()),
        }
    }

    fn is_same_place(&self, other: &Self) -> bool {
        let is_same_entry = match (&self.container, &other.container) {
            (Some(one), Some(other)) => one.names_same_entry(other),
            (one, other) => one == other,
        };
        self.placement == other.placement && self.target == other.target && is_same_entry
    }
}

/// What differs at one target.
#[derive(Debug, Clone, PartialEq)]
pub struct ShiftAt {
    /// Which.
    pub target: TargetId,
    /// What the old file asks of it.
    pub before: Asked,
    /// What the new one asks.
    pub after: Asked,
    /// What an account would be given that is wanted by both: attribute, old value, new value. Without a value it is
    /// left alone; with null it is cleared.
    pub attributes: Vec<(Name, Option<Value>, Option<Value>)>,
    /// Groups the account would be in by one of the two only: by the new one where `true`.
    pub groups: Vec<(String, bool)>,
}

/// What is asked of a target, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asked {
    /// Nothing at all.
    Nothing,
    /// An account.
    Account,
    /// That the account is disabled.
    Disabled,
    /// That the account is deleted.
    Deleted,
    /// Nothing until somebody has looked.
    Held,
    /// Rightly nothing.
    Skipped,
    /// What cannot be said.
    Failed,
}

impl Asked {
    fn of(at: Option<&AtTarget>) -> Self {
        match at.map(|at| &at.ask) {
            None => Self::Nothing,
            Some(Ask::Bring(Wanted::Present(_))) => Self::Account,
            Some(Ask::Bring(Wanted::Disabled)) => Self::Disabled,
            Some(Ask::Bring(Wanted::Deleted)) => Self::Deleted,
            Some(Ask::Hold(_)) => Self::Held,
            Some(Ask::Skip(_)) => Self::Skipped,
            Some(Ask::Fail(_)) => Self::Failed,
        }
    }

    /// The word for it in tables and answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Account => "account",
            Self::Disabled => "disabled",
            Self::Deleted => "deleted",
            Self::Held => "held",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }
}

/// Where somebody lives, for counting: placement and target.
pub type Place = (&'static str, Option<TargetId>);

/// All differences, in numbers.
#[derive(Debug, Default, PartialEq)]
pub struct Shifts {
    /// Everybody who was asked about.
    pub people: u64,
    /// Of them, those whom the two files mean differently.
    pub different: u64,
    /// Who would live elsewhere, by where from and where to.
    pub moves: BTreeMap<(Place, Place), u64>,
    /// What would be asked of a target, by what is asked now.
    pub asked: BTreeMap<(TargetId, Asked, Asked), u64>,
    /// Attributes of accounts that would be given something else.
    pub attributes: BTreeMap<(TargetId, Name), u64>,
    /// Groups that accounts would be put into (`true`), or taken out of.
    pub groups: BTreeMap<(TargetId, String, bool), u64>,
}

impl Shifts {
    fn count(&mut self, shift: &Shift) {
        self.different += 1;
        if shift.is_move() {
            let place = |home: &Home| (home.placement, home.target.clone());
            *self.moves.entry((place(&shift.before), place(&shift.after))).or_default() += 1;
        }
        for at in &shift.targets {
            if at.before != at.after {
                *self.asked.entry((at.target.clone(), at.before, at.after)).or_default() += 1;
            }
            for (group, joins) in &at.groups {
                *self.groups.entry((at.target.clone(), group.clone(), *joins)).or_default() += 1;
            }
            for (name, ..) in &at.attributes {
                *self.attributes.entry((at.target.clone(), name.clone())).or_default() += 1;
            }
        }
    }
}

/// Compares two job files over the people that the store has under `state`; `visit` is shown everybody who differs,
/// and `progress` how many have been asked about.
///
/// # Errors
/// [`StoreError`] when the store cannot be read.
pub fn compare(
    (old, new): (&decide::Job, &decide::Job),
    (store, state): (&Store, &JobState),
    visit: &mut dyn FnMut(Shift),
    progress: &mut dyn FnMut(u64),
) -> Result<Shifts, StoreError> {
    let concealment = Concealment::of(old).and(Concealment::of(new));
    let mut shifts = Shifts::default();
    let mut last = PersonId(0);
    loop {
        let batch = store.people_after(state, last, BATCH_PEOPLE)?;
        let Some((person, _)) = batch.last() else { return Ok(shifts) };
        last = *person;
        for (_, stored) in &batch {
            if let Some(mut shift) = shift(old, new, stored) {
                shifts.count(&shift);
                let secrets = secrets_of(&concealment, old, stored).and(secrets_of(&concealment, new, stored));
                conceal_shift(&concealment, &secrets, &mut shift);
                visit(shift);
            }
        }
        shifts.people += batch.len() as u64;
        progress(shifts.people);
    }
}

/// What differs for one person; `None` where nothing does.
fn shift(old: &decide::Job, new: &decide::Job, stored: &StoredPerson) -> Option<Shift> {
    let before = decide(old, &stored.person, &stored.links);
    let after = decide(new, &stored.person, &stored.links);
    let shift = Shift {
        anchor: stored.person.anchor.clone(),
        before: Home::of(&before),
        after: Home::of(&after),
        targets: shifts_at(&before, &after, stored),
        why: why(&after),
    };
    let has_same_ending = ending(&before) == ending(&after);
    (shift.is_move() || !shift.targets.is_empty() || !has_same_ending).then_some(shift)
}

/// How the decision ends at once, without its sentence: that may name a rule that is only called otherwise.
fn ending(decision: &Decision) -> Option<(&'static str, Option<&str>)> {
    let outcome = decision.outcome.as_ref()?;
    Some((outcome.word(), outcome.reason().map(|reason| reason.code.as_ref())))
}

fn why(decision: &Decision) -> Option<Reason> {
    decision.outcome.as_ref().and_then(Outcome::reason).or(decision.failure()).cloned()
}

fn shifts_at(before: &Decision, after: &Decision, stored: &StoredPerson) -> Vec<ShiftAt> {
    let mut targets: Vec<&TargetId> = before.targets.iter().chain(&after.targets).map(|at| &at.target).collect();
    targets.extend(before.groups.iter().chain(&after.groups).map(|at| &at.target));
    targets.sort_unstable();
    targets.dedup();
    let shifts = targets.into_iter().filter_map(|target| {
        let old = before.targets.iter().find(|at| at.target == *target);
        let new = after.targets.iter().find(|at| at.target == *target);
        let attributes = match (old.and_then(desired), new.and_then(desired)) {
            (Some(old), Some(new)) => differences(old, new, stored.known_at(target)),
            _ => Vec::new(),
        };
        let groups_by = (before, after);
        let (before, after) = (Asked::of(old), Asked::of(new));
        let groups = group_shifts(groups_by.0, groups_by.1, target, stored);
        let differs = before != after || !attributes.is_empty() || !groups.is_empty();
        differs.then(|| ShiftAt { target: target.clone(), before, after, attributes, groups })
    });
    shifts.collect()
}

/// The groups of one file and not of the other. Where a file leaves memberships alone, they are those that muster is
/// known to have made.
fn group_shifts(before: &Decision, after: &Decision, target: &TargetId, stored: &StoredPerson) -> Vec<(String, bool)> {
    let wanted = |decision: &Decision| -> Option<Vec<String>> {
        let at = decision.groups.iter().find(|at| at.target == *target)?;
        Some(at.groups.iter().map(|joining| joining.group.clone()).collect())
    };
    let ours = || stored.members.iter().filter(|member| member.target == *target && member.is_ours);
    let (old, new) = (wanted(before), wanted(after));
    let kept = || ours().map(|member| member.group.clone()).collect::<Vec<_>>();
    let (old, new) = match (old, new) {
        (None, None) => return Vec::new(),
        (old, new) => (old.unwrap_or_else(kept), new.unwrap_or_else(kept)),
    };
    let has = |groups: &[String], group: &str| groups.iter().any(|g| Joining::folded(g) == Joining::folded(group));
    let leaves = old.iter().filter(|group| !has(&new, group)).map(|group| (group.clone(), false));
    let joins = new.iter().filter(|group| !has(&old, group)).map(|group| (group.clone(), true));
    leaves.chain(joins).collect()
}

fn desired(at: &AtTarget) -> Option<&Desired> {
    match &at.ask {
        Ask::Bring(Wanted::Present(desired)) => Some(desired),
        Ask::Bring(_) | Ask::Hold(_) | Ask::Skip(_) | Ask::Fail(_) => None,
    }
}

/// What the account would be given otherwise. An attribute that only the new file speaks of has the value that is
/// known to be there.
fn differences(old: &Desired, new: &Desired, known: Option<&Known>) -> Vec<(Name, Option<Value>, Option<Value>)> {
    let (old, new) = (written(old, known.is_none()), written(new, known.is_none()));
    let mut names: Vec<&Name> = old.iter().chain(new.iter()).map(|(name, _)| name).collect();
    names.sort_unstable();
    names.dedup();
    let differing = names.into_iter().filter_map(|name| {
        let is_there = || known.and_then(|known| known.attributes.get(name.as_str()));
        let before = old.get(name.as_str()).or_else(is_there);
        let after = new.get(name.as_str());
        (before != after).then(|| (name.clone(), before.cloned(), after.cloned()))
    });
    differing.collect()
}

/// All that is written: into a new account also what is said only once, and of a name nobody else may have every
/// candidate, for which of them is free is not asked here.
fn written(desired: &Desired, is_new: bool) -> Attributes {
    let mut written = desired.attributes.clone();
    if is_new {
        desired.on_create.iter().for_each(|(name, value)| written.set(name.clone(), value.clone()));
        for name in &desired.unique {
            let candidates = name.candidates.iter().map(|text| Value::text(text.as_str()));
            written.set(name.attribute.clone(), Value::Many(candidates.collect()));
        }
    }
    let manager = desired.manager.as_ref().map(|manager| match manager {
        Manager::Is(anchor) => Value::text(anchor.as_str()),
        Manager::Nobody => Value::Null,
    });
    manager.into_iter().for_each(|manager| written.set(Name::new(MANAGER), manager));
    written
}
