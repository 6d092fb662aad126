//! *Conceal*: what is read in order to be shown, or kept in order to be shown later, without what is secret in it.

use super::against::Shift;
use super::plan::{Action, Planned};
use crate::decide::{self, CONCEALED, Concealment, Secrets};
use crate::model::{Carried, LeaseId, Outcome, Path, Reason, Settlement};
use crate::source::{ColumnTarget, CsvSettings, Fault, Scan};
use crate::store::{JobState, PersonState, Store, StoreError, StoredPerson};

/// The secrets of a stored person; none where the job has none.
pub fn secrets_of(concealment: &Concealment, job: &decide::Job, stored: &StoredPerson) -> Secrets {
    if concealment.is_empty() { Secrets::default() } else { concealment.secrets(job, &stored.person, &stored.links) }
}

/// Conceals all there is to say about a person.
pub fn conceal_person(concealment: &Concealment, secrets: &Secrets, state: &mut PersonState) {
    if concealment.is_empty() {
        return;
    }
    let changes = state.history.iter().filter_map(|entry| Some((&entry.target, entry.change.as_ref()?)));
    let earlier = changes.map(|(target, change)| concealment.secrets_in(target, change));
    let secrets = &earlier.fold(secrets.clone(), Secrets::and);
    concealment.person(&mut state.stored.person.attributes, secrets);
    state.stored.links.iter_mut().for_each(|(target, known)| concealment.known(target, known, secrets));
    for link in &mut state.links {
        conceal_outcome(secrets, link.outcome.as_mut());
        link.waits.iter_mut().for_each(|why| secrets.reason(why));
        link.manager.iter_mut().for_each(|manager| secrets.text(manager));
        link.member.iter_mut().for_each(|member| secrets.text(&mut member.group));
    }
    state.names.iter_mut().for_each(|name| secrets.text(&mut name.value));
    state.operations.iter_mut().for_each(|operation| conceal_outcome(secrets, operation.outcome.as_mut()));
    for entry in &mut state.history {
        conceal_outcome(secrets, entry.outcome.as_mut());
        entry.why.iter_mut().for_each(|why| secrets.reason(why));
        entry.change.iter_mut().for_each(|change| concealment.change(&entry.target, change, secrets));
    }
}

fn conceal_outcome(secrets: &Secrets, outcome: Option<&mut Outcome>) {
    outcome.into_iter().for_each(|outcome| secrets.outcome(outcome));
}

/// Conceals what would happen to a person.
pub(super) fn conceal_planned(concealment: &Concealment, secrets: &Secrets, planned: &mut Planned) {
    conceal_outcome(secrets, planned.outcome.as_mut());
    planned.members.iter_mut().for_each(|member| secrets.text(&mut member.group));
    for at in &mut planned.targets {
        match &mut at.action {
            Action::CreateOrLink(change) | Action::Write(change) => concealment.change(&at.target, change, secrets),
            Action::Hold(reason) | Action::Skip(reason) | Action::Fail(reason) => secrets.reason(reason),
        }
    }
}

/// Conceals what differs for a person.
pub(super) fn conceal_shift(concealment: &Concealment, secrets: &Secrets, shift: &mut Shift) {
    for home in [&mut shift.before, &mut shift.after] {
        home.container.iter_mut().for_each(|container| secrets.dn(container));
    }
    shift.why.iter_mut().for_each(|why| secrets.reason(why));
    for at in &mut shift.targets {
        at.groups.iter_mut().for_each(|(group, _)| secrets.text(group));
        for (name, before, after) in &mut at.attributes {
            for value in [before, after].into_iter().flatten() {
                concealment.value(&at.target, name, value, secrets);
            }
        }
    }
}

/// Conceals what faults of rows quote from columns whose attribute is secret.
pub fn conceal_faults(concealment: &Concealment, settings: &CsvSettings, scan: &mut Scan) {
    let hides = |header: &str| {
        let mut columns = settings.columns.iter().filter(|column| column.header == header);
        columns.any(|column| is_secret(concealment, &column.to))
    };
    for row in &mut scan.faults {
        match &mut row.fault {
            Fault::NotListed { column, text, near } if hides(column) => {
                CONCEALED.clone_into(text);
                *near = None;
            }
            Fault::NotBoolean { column, text } | Fault::NotInteger { column, text } if hides(column) => {
                CONCEALED.clone_into(text);
            }
            _ => {}
        }
    }
}

fn is_secret(concealment: &Concealment, to: &ColumnTarget) -> bool {
    match to {
        ColumnTarget::Anchor => concealment.hides_path(&Path::simple("externalId")),
        ColumnTarget::Attribute(path) => concealment.hides_path(path),
    }
}

/// Conceals what a target's answer quotes, before it is kept: what was sent is still known then.
///
/// # Errors
/// [`StoreError`] when the store cannot be read.
pub fn conceal_carried(
    job: &decide::Job,
    (store, state): (&Store, &JobState),
    lease: &LeaseId,
    carried: &mut Carried,
) -> Result<(), StoreError> {
    let (Settlement::Again { why: reason, .. }
    | Settlement::Held(reason)
    | Settlement::Skipped(reason)
    | Settlement::Failed(reason)) = &mut carried.settlement
    else {
        return Ok(());
    };
    if job.has_secrets()
        && let Some(stored) = store.leased(state, lease)?
    {
        conceal_reason(job, &stored, reason);
    }
    Ok(())
}

/// Conceals what a reason quotes of a person, before it is kept.
pub(super) fn conceal_reason(job: &decide::Job, stored: &StoredPerson, reason: &mut Reason) {
    if job.has_secrets() {
        Concealment::of(job).secrets(job, &stored.person, &stored.links).reason(reason);
    }
}
