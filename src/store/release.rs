//! *Release*: what was held is let go, because somebody has looked.

use rusqlite::{ToSql, Transaction, params};

use super::{JobState, Store, StoreError, member};
use crate::model::{TargetId, Timestamp};

/// What was let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Released {
    /// Held by a limit: carried now.
    pub limits: usize,
    /// Held because the account had vanished: made again.
    pub missing: usize,
    /// Held because whoever had them was never heard of again: carried once more.
    pub dead_letters: usize,
}

impl Store {
    /// Lets held work go: of one person, or of everybody; at one target, or at all of the job.
    ///
    /// Work whose workers were lost is carried again, and the target is looked at first.
    /// Work held by a limit is carried although it is beyond it. An account that had vanished is forgotten, so
    /// that it is looked for and made again. What a rule or a policy holds is not touched: that is for the job file.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the disk refuses.
    pub fn release(
        &self,
        job: &JobState,
        target: Option<&TargetId>,
        anchor: Option<&str>,
        now: Timestamp,
    ) -> Result<Released, StoreError> {
        let chosen: Vec<i64> = job
            .targets
            .iter()
            .filter(|(id, _)| target.is_none_or(|wanted| wanted == id))
            .map(|(_, key)| key.0)
            .collect();
        self.write(|on| {
            let mut released = Released::default();
            for target in chosen {
                let to_whom: &[&dyn ToSql] = params![target, anchor, job.key.0, now.0];
                released.limits += on.execute(
                    "UPDATE link SET released = generation, due = ?4, settled = 0, outcome = NULL
                     WHERE target = ?1 AND outcome = 4 AND code LIKE 'limit!_%' ESCAPE '!' AND lease IS NULL
                     AND (?2 IS NULL OR person = (SELECT person FROM anchor WHERE job = ?3 AND anchor = ?2))",
                    to_whom,
                )?;
                let missing = forget_missing(on, target, now, to_whom)?;
                released.missing += missing;
                released.dead_letters += on.execute(
                    "UPDATE link SET due = ?4, settled = 0, outcome = NULL
                     WHERE target = ?1 AND outcome = 4 AND code = 'dead_letter' AND lease IS NULL
                     AND (?2 IS NULL OR person = (SELECT person FROM anchor WHERE job = ?3 AND anchor = ?2))",
                    to_whom,
                )?;
            }
            Ok(released)
        })
    }
}

/// Forgets accounts that have vanished, whichever piece of work met that, so that they are looked for and made again.
fn forget_missing(
    on: &Transaction<'_>,
    target: i64,
    now: Timestamp,
    to_whom: &[&dyn ToSql],
) -> Result<usize, StoreError> {
    let mut statement = on.prepare_cached(
        "UPDATE link SET due = ?4, settled = 0, outcome = NULL, look = 0, object = NULL, known = NULL
         WHERE target = ?1 AND part = 0 AND object IS NOT NULL AND lease IS NULL AND person IN
           (SELECT person FROM link WHERE target = ?1 AND outcome = 4 AND code = 'missing')
         AND (?2 IS NULL OR person = (SELECT person FROM anchor WHERE job = ?3 AND anchor = ?2)) RETURNING person",
    )?;
    let people: Vec<i64> = statement.query_map(to_whom, |row| row.get(0))?.collect::<Result<_, _>>()?;
    for person in &people {
        member::count_untold(on, (*person, target), now)?;
        // What was written of the manager and of memberships was written to the account that is gone.
        on.prepare_cached("DELETE FROM link WHERE person = ?1 AND target = ?2 AND part <> 0")?
            .execute(params![person, to_whom[0]])?;
    }
    on.execute("UPDATE target SET people = people - ?2 WHERE id = ?1", params![to_whom[0], people.len()])?;
    Ok(people.len())
}
