//! What is left of the limits of damage (promise 6).

use std::time::Duration;

use rusqlite::{Transaction, params};

use super::{LeaseTerms, StoreError, TargetKey, words};
use crate::model::Damage;

/// How far back damage is counted.
pub(super) const DAMAGE_WINDOW: Duration = Duration::from_secs(24 * 60 * 60);

/// What is left of each limit: counted when it is first asked for, because most work damages nothing.
pub(super) struct Budget {
    target: TargetKey,
    left: Option<[(Damage, u64, u64); 3]>,
}

impl Budget {
    pub(super) fn new(target: TargetKey) -> Self {
        Self { target, left: None }
    }

    /// Takes the damages from what is left; the first that does not fit, with its limit, is given back.
    pub(super) fn take(
        &mut self,
        on: &Transaction<'_>,
        terms: &LeaseTerms<'_>,
        damages: &[Damage],
    ) -> Result<Result<(), (Damage, u64)>, StoreError> {
        if damages.is_empty() {
            return Ok(Ok(()));
        }
        let left = match &mut self.left {
            Some(left) => left,
            none => none.insert(Self::count(on, self.target, terms)?),
        };
        let short = left.iter().find(|(damage, _, rest)| damages.contains(damage) && *rest == 0);
        if let Some((damage, allowed, _)) = short {
            return Ok(Err((*damage, *allowed)));
        }
        for (damage, _, rest) in left {
            *rest -= u64::from(damages.contains(damage));
        }
        Ok(Ok(()))
    }

    fn count(
        on: &Transaction<'_>,
        target: TargetKey,
        terms: &LeaseTerms<'_>,
    ) -> Result<[(Damage, u64, u64); 3], StoreError> {
        let people: u64 = on.query_row("SELECT people FROM target WHERE id = ?1", [target.0], |row| row.get(0))?;
        let since = terms.now.minus(DAMAGE_WINDOW);
        let mut left = Damage::ALL.map(|damage| (damage, (terms.allowed)(damage, people), 0));
        for (damage, allowed, rest) in &mut left {
            let bit = words::damage_bit(*damage);
            let done: u64 = on
                .prepare_cached(
                    "SELECT count(*) FROM journal WHERE target = ?1 AND at > ?2 AND damage <> 0 AND (damage & ?3) <> 0",
                )?
                .query_row(params![target.0, since.0, bit], |row| row.get(0))?;
            // What is leased, and what a try may have done that was not reported.
            let under_way: u64 = on
                .prepare_cached("SELECT count(*) FROM link WHERE target = ?1 AND damage <> 0 AND (damage & ?2) <> 0")?
                .query_row(params![target.0, bit], |row| row.get(0))?;
            *rest = allowed.saturating_sub(done + under_way);
        }
        Ok(left)
    }
}
