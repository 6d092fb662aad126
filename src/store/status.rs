//! *Status*: a target's work in numbers, for whoever watches.

use std::time::Duration;

use rusqlite::{Transaction, params};

use super::{Store, StoreError, TargetKey};
use crate::model::Timestamp;

/// Journal entries that are looked back at, to see how fast work goes. At several thousand a second it is some seconds
/// of them, which tell the rate as well as a minute does.
const JOURNAL_BACK: u32 = 20_000;
/// The rate is that of this time.
const RATE_OVER: Duration = Duration::from_secs(60);

/// A target's work, as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TargetWork {
    /// Linked accounts.
    pub linked: u64,
    /// Pieces of work that may be taken up at once.
    pub due: u64,
    /// Of all that is not done, how much is about people who leave.
    pub leavers: u64,
    /// Pieces of work that somebody carries.
    pub under_way: u64,
    /// Pieces of work that were put off, by the word for why.
    pub put_off: Vec<PutOff>,
    /// Pieces of work that are held until somebody has looked, by the word for why; the commonest first.
    pub held: Vec<(String, u64)>,
    /// The same of what has failed.
    pub failed: Vec<(String, u64)>,
    /// How fast changes were written lately.
    pub rate: Rate,
}

/// Work that was put off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutOff {
    /// The word for why; empty where none is known.
    pub why: String,
    /// How much.
    pub count: u64,
    /// When the first of it is due.
    pub first: Timestamp,
    /// When the last of it is.
    pub last: Timestamp,
}

/// How many changes were written within how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rate {
    /// So many.
    pub written: u64,
    /// Within so long: a minute, or less where more were written than are looked back at.
    pub within: Duration,
}

impl Rate {
    /// Changes in a second; 0 where none were.
    pub fn per_second(self) -> f64 {
        if self.within.is_zero() { 0.0 } else { self.written as f64 / self.within.as_secs_f64() }
    }
}

impl Store {
    /// A target's work, as it stands.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn target_work(&self, target: TargetKey, now: Timestamp) -> Result<TargetWork, StoreError> {
        self.read(|on| {
            let count = |query: &str| -> Result<u64, StoreError> {
                Ok(on.prepare_cached(query)?.query_row(params![target.0, now.0], |row| row.get(0))?)
            };
            Ok(TargetWork {
                linked: count("SELECT people FROM target WHERE id = ?1 AND ?2 IS NOT NULL")?,
                due: count("SELECT count(*) FROM link WHERE target = ?1 AND class IN (0, 1) AND due <= ?2")?,
                leavers: count(
                    "SELECT count(*) FROM link WHERE target = ?1 AND class = 0 AND due IS NOT NULL AND ?2 IS NOT NULL",
                )?,
                under_way: count(
                    "SELECT count(*) FROM link INDEXED BY link_lease WHERE lease IS NOT NULL AND target = ?1 AND due > ?2",
                )?,
                put_off: put_off(on, target, now)?,
                held: by_code(on, target, "SELECT code, count(*) FROM link WHERE target = ?1 AND outcome = 4 GROUP BY code")?,
                failed: by_code(on, target, "SELECT code, count(*) FROM link WHERE target = ?1 AND outcome = 5 GROUP BY code")?,
                rate: rate(on, target, now)?,
            })
        })
    }
}

fn put_off(on: &Transaction<'_>, target: TargetKey, now: Timestamp) -> Result<Vec<PutOff>, StoreError> {
    let mut statement = on.prepare_cached(
        "SELECT coalesce(code, ''), count(*), min(due), max(due) FROM link
         WHERE target = ?1 AND class IN (0, 1) AND due > ?2 AND lease IS NULL GROUP BY code ORDER BY count(*) DESC, code",
    )?;
    let rows = statement.query_map(params![target.0, now.0], |row| {
        let (first, last) = (Timestamp(row.get(2)?), Timestamp(row.get(3)?));
        Ok(PutOff { why: row.get(0)?, count: row.get(1)?, first, last })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn by_code(on: &Transaction<'_>, target: TargetKey, query: &str) -> Result<Vec<(String, u64)>, StoreError> {
    let mut statement = on.prepare_cached(query)?;
    let rows = statement.query_map([target.0], |row| {
        Ok((row.get::<_, Option<String>>(0)?.unwrap_or_default(), row.get::<_, u64>(1)?))
    })?;
    let mut codes: Vec<(String, u64)> = rows.collect::<Result<_, _>>()?;
    codes.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
    Ok(codes)
}

fn rate(on: &Transaction<'_>, target: TargetKey, now: Timestamp) -> Result<Rate, StoreError> {
    let since = now.minus(RATE_OVER);
    let mut statement = on.prepare_cached(
        "SELECT count(*), coalesce(sum(target = ?1 AND kind IS NOT NULL AND outcome <> 5), 0), min(at)
         FROM (SELECT at, target, kind, outcome FROM journal ORDER BY id DESC LIMIT ?3) WHERE at > ?2 AND at <= ?4",
    )?;
    let (seen, written, first): (u32, u64, Option<i64>) = statement
        .query_row(params![target.0, since.0, JOURNAL_BACK, now.0], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
    let within = match first {
        // There was more in the minute than was looked at.
        Some(first) if seen == JOURNAL_BACK => now.since(Timestamp(first)).max(Duration::from_secs(1)),
        _ => RATE_OVER,
    };
    Ok(Rate { written, within })
}
