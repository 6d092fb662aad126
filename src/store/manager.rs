//! The manager reference: a small piece of work of its own, for when the manager's account is there.

use std::collections::HashMap;

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::link::{Conclusion, LinkRow};
use super::person::HistoryEntry;
use super::settle::Settler;
use super::words;
use super::{JobState, StoreError};
use crate::model::{
    Anchor, ChangeKind, Generation, MANAGER, Manager, Name, ObjectId, Part, Reason, Situation, TargetId, Value,
};

/// Whether the reference to a manager can be written.
pub(super) enum Standing {
    /// It can: to this object, or to nobody.
    Ready(Option<ObjectId>),
    /// Nobody here is called so; whether the target knows them is to be looked for there.
    Sought(Anchor),
    /// It cannot yet.
    Waits(Reason),
    /// It never can.
    Never(Reason),
}

/// The column's word for a wish: an anchor, or nothing for nobody.
pub(super) fn text(manager: &Manager) -> &str {
    match manager {
        Manager::Nobody => "",
        Manager::Is(anchor) => anchor.as_str(),
    }
}

/// Whether `anchor` can be given the manager `wanted` at a target now.
pub(super) fn standing(
    on: &Transaction<'_>,
    job: &JobState,
    target: i64,
    anchor: &Anchor,
    wanted: &str,
) -> Result<Standing, StoreError> {
    if wanted.is_empty() {
        return Ok(Standing::Ready(None));
    }
    if wanted == anchor.as_str() {
        let why = format!("{anchor} is named as their own manager; nothing is written");
        return Ok(Standing::Never(Reason::new("manager_is_self", why)));
    }
    let manager: Option<(i64, Option<String>, bool)> = on
        .prepare_cached(
            "SELECT person.placed, link.object, link.id IS NOT NULL FROM anchor JOIN person ON person.id = anchor.person
             LEFT JOIN link ON link.person = anchor.person AND link.target = ?3 AND link.part = 0
             WHERE anchor.job = ?1 AND anchor.anchor = ?2",
        )?
        .query_row(params![job.key.0, wanted, target], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    Ok(match manager {
        Some((_, Some(object), _)) => Standing::Ready(Some(ObjectId::new(&object))),
        // At an app, who was never to have an account has none; where one is made after all, this is seen to again.
        Some((placed, None, is_asked)) if job.is_app(target) && placed != target && !is_asked => {
            let app = job.target_named(target).map_or("the app", |id| id.as_str());
            let why = format!("the manager {wanted} of {anchor} has no account at `{app}`, so nothing can refer to it");
            Standing::Never(Reason::new("manager_elsewhere", why))
        }
        Some((placed, None, _)) if placed > 0 && placed != target && !job.is_app(target) => {
            let home = job.target_named(placed).map_or("another target", |id| id.as_str());
            let why = format!("the manager {wanted} of {anchor} lives at `{home}`, so the reference cannot exist here");
            Standing::Never(Reason::new("manager_elsewhere", why))
        }
        Some(_) => Standing::Waits(manager_pending(wanted)),
        None => match Anchor::parse(wanted) {
            Ok(manager) => Standing::Sought(manager),
            Err(_) => Standing::Waits(manager_pending(wanted)),
        },
    })
}

/// Nobody can be referred to yet.
pub fn manager_pending(manager: &str) -> Reason {
    let why = format!("the account waits for its manager {manager}, who has no account there yet");
    Reason::new("manager_pending", why)
}

/// What stands in the row of a manager reference.
struct Held {
    manager: Option<String>,
    outcome: Option<i64>,
    is_due: bool,
}

impl Settler<'_, '_> {
    /// Makes the manager reference a piece of work, once the account is there.
    pub(super) fn keep_manager(&mut self, row: &LinkRow, anchor: &Anchor, end: &Conclusion) -> Result<(), StoreError> {
        let Some(wanted) = end.manager.as_ref().map(text) else { return self.forget_unwritten_manager(row) };
        let is_new = end.change.as_ref().is_some_and(|change| change.kind == ChangeKind::Create);
        let is_so_already = match self.held_manager(row)? {
            Some(held) if held.manager.as_deref() != Some(wanted) => false,
            Some(held) if held.is_due => return Ok(()),
            Some(held) => matches!(held.outcome, Some(words::APPLIED | words::UNCHANGED)),
            // A new account reports to nobody.
            None => wanted.is_empty() && is_new,
        };
        let standing = match is_so_already {
            true => None,
            false => Some(standing(self.on, self.job, row.target, anchor, wanted)?),
        };
        self.write_manager(row, end.generation, wanted, standing.as_ref())
    }

    /// A reference that nobody asks for any more, and that was not written, is nobody's failure and waits for nothing.
    fn forget_unwritten_manager(&self, row: &LinkRow) -> Result<(), StoreError> {
        self.on
            .prepare_cached(
                "DELETE FROM link WHERE person = ?1 AND target = ?2 AND part = 1 AND outcome IN (4, 5) AND due IS NULL
                   AND lease IS NULL",
            )?
            .execute([row.person, row.target])?;
        Ok(())
    }

    fn held_manager(&self, row: &LinkRow) -> Result<Option<Held>, StoreError> {
        Ok(self
            .on
            .prepare_cached(
                "SELECT manager, outcome, due IS NOT NULL FROM link WHERE person = ?1 AND target = ?2 AND part = 1",
            )?
            .query_row([row.person, row.target], |row| {
                Ok(Held { manager: row.get(0)?, outcome: row.get(1)?, is_due: row.get(2)? })
            })
            .optional()?)
    }

    fn write_manager(
        &mut self,
        row: &LinkRow,
        generation: Generation,
        wanted: &str,
        standing: Option<&Standing>,
    ) -> Result<(), StoreError> {
        let (due, outcome, reason) = match standing {
            None => (None, Some(words::UNCHANGED), None),
            Some(Standing::Ready(_) | Standing::Sought(_)) => (Some(self.now.0), None, None),
            Some(Standing::Waits(reason)) => (None, Some(words::HELD), Some(reason)),
            Some(Standing::Never(reason)) => (None, Some(words::SKIPPED), Some(reason)),
        };
        self.on
            .prepare_cached(
                "INSERT INTO link (person, target, part, directory, generation, manager, due, outcome, code, detail, situation, settled)
                 VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, iif(?6 IS NULL, ?4, 0))
                 ON CONFLICT (person, target, part) DO UPDATE SET
                   generation = max(generation, excluded.generation), manager = excluded.manager,
                   outdated = lease IS NOT NULL, due = CASE WHEN lease IS NOT NULL THEN due
                     WHEN attempt > 0 AND due > excluded.due THEN due ELSE excluded.due END,
                   attempt = iif(due IS NULL, 0, attempt),
                   outcome = iif(excluded.outcome = 2 AND outcome = 1 AND settled = excluded.generation, 1, excluded.outcome), code = excluded.code,
                   detail = excluded.detail, situation = excluded.situation,
                   settled = iif(excluded.settled = 0 OR lease IS NOT NULL, 0, max(generation, excluded.generation))",
            )?
            .execute(params![
                row.person,
                row.target,
                row.directory,
                generation.0,
                wanted,
                due,
                outcome,
                reason.map(|reason| reason.code.as_ref()),
                reason.map(|reason| reason.detail.as_str()),
                words::situation_number(Situation::ReferencePending),
            ])?;
        Ok(())
    }

    /// Who waits for this person as their manager, or had another account of theirs, is looked at again.
    pub(super) fn wake_reports(&self, row: &LinkRow, anchor: &Anchor) -> Result<(), StoreError> {
        self.on
            .prepare_cached(
                "UPDATE link SET due = iif(lease IS NULL, ?3, due), outdated = lease IS NOT NULL, settled = 0
                 WHERE target = ?1 AND manager = ?2 AND part = 1",
            )?
            .execute(params![row.target, anchor.as_str(), self.now.0])?;
        Ok(())
    }

    /// The person's account is gone: who could not be told to report to it, or is being told so at this moment, is looked
    /// at again. They wait for another account of theirs.
    pub(super) fn wake_failed_reports(&self, row: &LinkRow) -> Result<(), StoreError> {
        self.on
            .prepare_cached(
                "UPDATE link SET due = iif(lease IS NULL, ?3, due), outdated = lease IS NOT NULL, settled = 0, outcome = NULL
                 WHERE target = ?1 AND manager = (SELECT anchor FROM person WHERE id = ?2) AND part = 1
                   AND (lease IS NOT NULL OR (outcome = 5 AND due IS NULL))",
            )?
            .execute(params![row.target, row.person, self.now.0])?;
        Ok(())
    }
}

/// Says in a person's history, newest first, whom the account reported to before each change, as far back as it goes;
/// and of managers who they are, where the account is somebody's of this job: targets only have ids for them.
pub(super) fn tell_of_managers(
    on: &Transaction<'_>,
    job: &JobState,
    history: &mut [HistoryEntry],
) -> Result<(), StoreError> {
    let mut last: HashMap<(TargetId, Option<ObjectId>), Value> = HashMap::new();
    for entry in history.iter_mut().rev().filter(|entry| entry.part == Part::Manager) {
        let Some(change) = &mut entry.change else { continue };
        let mut manager = change.set.get(MANAGER).cloned().unwrap_or(Value::Null);
        if let Some(anchor) =
            manager.as_text().map(|object| whose(on, job, &entry.target, object)).transpose()?.flatten()
        {
            manager = Value::text(anchor);
            change.set.set(Name::new(MANAGER), manager.clone());
        }
        let before = last.insert((entry.target.clone(), change.object.clone()), manager);
        if let Some(before) = before.filter(|before| !before.is_empty()) {
            change.before.set(Name::new(MANAGER), before);
        }
    }
    Ok(())
}

/// The anchor of the person whose account it is.
fn whose(on: &Transaction<'_>, job: &JobState, target: &TargetId, object: &str) -> Result<Option<String>, StoreError> {
    let Some(directory) = job.target(target).and_then(|key| job.directory(key)) else { return Ok(None) };
    Ok(on
        .prepare_cached(
            "SELECT person.anchor FROM link JOIN person ON person.id = link.person
             WHERE link.directory = ?1 AND link.object = ?2 AND person.job = ?3",
        )?
        .query_row(params![directory, object, job.key.0], |row| row.get(0))
        .optional()?)
}

/// Whom a row's text says the account shall report to.
pub(super) fn wanted_manager(text: &str) -> Result<Manager, StoreError> {
    match text {
        "" => Ok(Manager::Nobody),
        anchor => Anchor::parse(anchor).map(Manager::Is).map_err(|error| StoreError::Broken(error.to_string())),
    }
}
