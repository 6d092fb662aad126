//! *Due*: which work waits at a target, and from when on.

use rusqlite::{Transaction, params};

use super::lease::LeaseTerms;
use super::{Store, StoreError, TargetKey};
use crate::model::Timestamp;

/// Rows looked at for one leased item: most that need nothing are ended on the way.
const ROWS_PER_ITEM_MAX: usize = 8;

impl Store {
    /// When the next piece of work at any target of `job` is due; `None` when none is.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn next_due(&self, target: TargetKey) -> Result<Option<Timestamp>, StoreError> {
        self.read(|on| {
            let due: Option<i64> = on
                .prepare_cached(
                    "SELECT min(due) FROM (
                       SELECT min(due) AS due FROM link WHERE target = ?1 AND class = 0 AND due IS NOT NULL
                       UNION ALL SELECT min(due) FROM link WHERE target = ?1 AND class = 1 AND due IS NOT NULL)",
                )?
                .query_row([target.0], |row| row.get(0))?;
            Ok(due.map(Timestamp))
        })
    }

    pub(super) fn is_due(&self, target: TargetKey, now: Timestamp) -> Result<bool, StoreError> {
        self.read(|on| {
            Ok(on
                .prepare_cached(
                    "SELECT EXISTS (SELECT 1 FROM link WHERE target = ?1 AND class IN (0, 1) AND due <= ?2)",
                )?
                .query_row(params![target.0, now.0], |row| row.get(0))?)
        })
    }
}

/// The rows that are due: leavers first, then by how long they have been.
pub(super) fn due_rows(
    on: &Transaction<'_>,
    target: TargetKey,
    terms: &LeaseTerms<'_>,
) -> Result<Vec<i64>, StoreError> {
    let mut rows = Vec::new();
    let most = terms.count.saturating_mul(ROWS_PER_ITEM_MAX);
    let classes: &[i64] = if terms.only_leavers { &[0] } else { &[0, 1] };
    for class in classes {
        let left = most - rows.len().min(most);
        let mut statement = on.prepare_cached(
            "SELECT id FROM link WHERE target = ?1 AND class = ?2 AND due <= ?3 ORDER BY due, id LIMIT ?4",
        )?;
        let ids = statement.query_map(params![target.0, class, terms.now.0, left], |row| row.get::<_, i64>(0))?;
        for id in ids {
            rows.push(id?);
        }
    }
    Ok(rows)
}
