//! What is wanted at a target, beside what is there: the situation, and the one step to take.
//!
//! The same function runs in the server, in the agent and in a dry run, so none of them can differ.

mod names;

use std::collections::HashSet;

use crate::model::{
    ACCOUNT_ENABLED, Attributes, Change, ChangeKind, Damage, Desired, Found, Known, Name, ObjectId, Reason, Situation,
    Step, Value, Wanted,
};

pub use names::{name, names_taken};

/// How many objects an ambiguous match names in its reason; more would only hide the sentence.
const NAMED_OBJECTS_MAX: usize = 5;

/// How person, link and target stand to each other, and what is to be done about it.
///
/// `link` is the account the person is known to have, `found` what the target said when it was asked just now; of the
/// two, `found` is the truth. Where nobody looked and nobody is linked, the answer is what would be done if nobody is
/// there. Finding an account only links it: what differs is the next piece of work, under the limits.
pub fn reconcile(wanted: &Wanted, link: Option<&Known>, found: Option<&Found>) -> (Situation, Step) {
    match (link, found) {
        (None, None | Some(Found::Nobody | Found::CannotLook)) => nothing_there(wanted),
        (None, Some(Found::One(known))) => unlinked(wanted, known),
        (None, Some(Found::Several(objects))) => several(wanted, objects),
        (None, Some(Found::Deleted(known))) => deleted(wanted, known),
        (Some(link), Some(Found::Nobody | Found::Deleted(_))) => vanished(wanted, link),
        (Some(link), Some(Found::One(known))) if known.object != link.object => replaced(link, known),
        (Some(_), Some(Found::One(known))) => linked(wanted, known),
        (Some(_), Some(Found::Several(objects))) => several(wanted, objects),
        (Some(link), None | Some(Found::CannotLook)) => linked(wanted, link),
    }
}

fn nothing_there(wanted: &Wanted) -> (Situation, Step) {
    match wanted {
        Wanted::Present(desired) => (Situation::Absent, Step::Write(creation(desired))),
        Wanted::Disabled => (Situation::SourceIgnored, Step::Nothing),
        Wanted::Deleted => (Situation::AllGone, Step::Nothing),
    }
}

fn unlinked(wanted: &Wanted, known: &Known) -> (Situation, Step) {
    if let Wanted::Present(_) = wanted {
        return (Situation::Found, Step::Link(known.clone()));
    }
    let why = format!(
        "the account {} matches a person who shall have none here, but it was never linked to them; \
         disable or delete it by hand if it is theirs",
        known.object
    );
    (Situation::Unqualified, Step::Hold(Reason::new("unqualified", why)))
}

/// Who comes back gets the account back that they had.
fn deleted(wanted: &Wanted, known: &Known) -> (Situation, Step) {
    match wanted {
        Wanted::Present(desired) => (Situation::Found, Step::Write(restoration(desired, known))),
        Wanted::Disabled => (Situation::SourceIgnored, Step::Nothing),
        Wanted::Deleted => (Situation::AllGone, Step::Nothing),
    }
}

fn several(wanted: &Wanted, objects: &[ObjectId]) -> (Situation, Step) {
    let named: Vec<&str> = objects.iter().take(NAMED_OBJECTS_MAX).map(ObjectId::as_str).collect();
    let more = if objects.len() > NAMED_OBJECTS_MAX { ", …" } else { "" };
    let why = format!(
        "{} accounts match ({}{more}); make the match key unique at the target, then try again",
        objects.len(),
        named.join(", ")
    );
    match wanted {
        Wanted::Present(_) => (Situation::Ambiguous, Step::Refuse(Reason::new("ambiguous", why))),
        Wanted::Disabled | Wanted::Deleted => (Situation::Unqualified, Step::Hold(Reason::new("unqualified", why))),
    }
}

fn vanished(wanted: &Wanted, link: &Known) -> (Situation, Step) {
    match wanted {
        Wanted::Present(_) => {
            let why = format!(
                "the linked account {} is not there any more; restore it at the target, or unlink it so that a new \
                 one is made",
                link.object
            );
            (Situation::Missing, Step::Hold(Reason::new("missing", why)))
        }
        Wanted::Disabled | Wanted::Deleted => (Situation::AllGone, Step::Nothing),
    }
}

fn replaced(link: &Known, known: &Known) -> (Situation, Step) {
    let why = format!(
        "the linked account {} was asked for and {} answered; unlink the person if that is their account now",
        link.object, known.object
    );
    (Situation::Missing, Step::Hold(Reason::new("missing", why)))
}

fn linked(wanted: &Wanted, known: &Known) -> (Situation, Step) {
    if known.synced {
        let why = format!(
            "the account {} is carried there by directory synchronisation; change it where it comes from, \
             on the premises",
            known.object
        );
        return (Situation::TargetIgnored, Step::Skip(Reason::new("synced_from_on_premises", why)));
    }
    let (situation, change) = match wanted {
        Wanted::Present(desired) => (Situation::Confirmed, difference(desired, known)),
        Wanted::Disabled => (Situation::Unqualified, disabling(known)),
        Wanted::Deleted => (Situation::SourceMissing, Some(deletion(known))),
    };
    (situation, change.map_or(Step::Nothing, Step::Write))
}

fn creation(desired: &Desired) -> Change {
    let said = desired.attributes.iter().chain(desired.on_create.iter());
    Change {
        kind: ChangeKind::Create,
        object: None,
        set: said.filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name.clone(), value.clone())).collect(),
        clear: Vec::new(),
        container: desired.container.clone(),
        before: Attributes::new(),
        container_before: None,
    }
}

/// What differs from the account as it was is the next piece of work, under the limits.
fn restoration(desired: &Desired, known: &Known) -> Change {
    Change { container: desired.container.clone(), ..untouched(known, ChangeKind::Restore) }
}

fn untouched(known: &Known, kind: ChangeKind) -> Change {
    Change {
        kind,
        object: Some(known.object.clone()),
        set: Attributes::new(),
        clear: Vec::new(),
        container: None,
        before: Attributes::new(),
        container_before: None,
    }
}

/// What must be written so that `known` becomes `desired`; `None` where they agree.
///
/// Only attributes a mapping speaks of are compared. Of one that is not known nobody has looked whether it is empty, so
/// it is emptied where it shall be: known and empty is another thing. A container that is not known is taken to be right.
fn difference(desired: &Desired, known: &Known) -> Option<Change> {
    let mut change = untouched(known, ChangeKind::Update);
    for (name, value) in desired.attributes.iter() {
        compare(&mut change, name, value, known.attributes.get(name.as_str()));
    }
    if let (Some(wanted), Some(stands)) = (&desired.container, &known.container)
        && !wanted.names_same_entry(stands)
    {
        change.kind = change.kind.max(ChangeKind::Move);
        change.container = Some(wanted.clone());
        change.container_before = Some(stands.clone());
    }
    let they_agree = change.set.is_empty() && change.clear.is_empty() && change.container.is_none();
    (!they_agree).then_some(change)
}

fn compare(change: &mut Change, name: &Name, wanted: &Value, held: Option<&Value>) {
    let is_known = held.is_some();
    let held = held.filter(|value| !value.is_empty());
    match (wanted.is_empty(), held) {
        (true, None) if is_known => return,
        (true, _) => change.clear.push(name.clone()),
        (false, Some(value)) if same(wanted, value) => return,
        (false, held) => {
            change.set.set(name.clone(), wanted.clone());
            if *name == *ACCOUNT_ENABLED {
                change.kind = change.kind.max(kind_of_switch(wanted, held));
            }
        }
    }
    if let Some(value) = held {
        change.before.set(name.clone(), value.clone());
    }
}

/// An account whose state is not known may be in use: locking it is counted, opening it is not claimed.
fn kind_of_switch(wanted: &Value, held: Option<&Value>) -> ChangeKind {
    match (wanted, held) {
        (Value::Boolean(false), _) => ChangeKind::Disable,
        (Value::Boolean(true), Some(_)) => ChangeKind::Enable,
        _ => ChangeKind::Update,
    }
}

/// Texts exactly, numbers and truth values by type. Several values are a set (RFC 4512 §2.2): directories tell them in
/// whatever order, each once, and a single one as itself. Where they have parts, they are lists, and order counts.
fn same(wanted: &Value, held: &Value) -> bool {
    if wanted == held {
        return true;
    }
    match (wanted, held) {
        (Value::Many(_), _) | (_, Value::Many(_)) => {
            let (wanted, held) = (members(wanted), members(held));
            let have_parts =
                wanted.iter().chain(&held).any(|value| matches!(value, Value::Complex(_) | Value::Many(_)));
            let (one, other): (HashSet<&Value>, HashSet<&Value>) =
                (wanted.iter().copied().collect(), held.iter().copied().collect());
            if have_parts { wanted == held } else { one == other }
        }
        _ => false,
    }
}

/// The values that say something.
fn members(value: &Value) -> Vec<&Value> {
    match value {
        Value::Many(values) => values.iter().filter(|value| !value.is_empty()).collect(),
        single => vec![single],
    }
}

fn disabling(known: &Known) -> Option<Change> {
    let held = known.attributes.get(ACCOUNT_ENABLED);
    if held == Some(&Value::Boolean(false)) {
        return None;
    }
    let mut change = untouched(known, ChangeKind::Disable);
    change.set.set(Name::new(ACCOUNT_ENABLED), Value::Boolean(false));
    if let Some(value) = held {
        change.before.set(Name::new(ACCOUNT_ENABLED), value.clone());
    }
    Some(change)
}

fn deletion(known: &Known) -> Change {
    Change {
        before: known.attributes.clone(),
        container_before: known.container.clone(),
        ..untouched(known, ChangeKind::Delete)
    }
}

/// The effects of a change that are limited per target and day (promise 6); one change may have several.
pub fn damages(change: &Change) -> impl Iterator<Item = Damage> {
    let locks = change.set.get(ACCOUNT_ENABLED) == Some(&Value::Boolean(false))
        && change.before.get(ACCOUNT_ENABLED) != Some(&Value::Boolean(false));
    let is_old = !matches!(change.kind, ChangeKind::Create | ChangeKind::Restore | ChangeKind::Delete);
    let deletes = change.kind == ChangeKind::Delete;
    let moves = change.container.is_some();
    let leaves = change.kind == ChangeKind::Leave;
    let does = [
        (is_old && locks, Damage::Disable),
        (deletes, Damage::Delete),
        (is_old && moves, Damage::Move),
        (leaves, Damage::Leave),
    ];
    does.into_iter().filter_map(|(does, damage)| does.then_some(damage))
}

#[cfg(test)]
mod tests;
