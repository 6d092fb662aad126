//! The numbers that stand in rows for words: outcomes, situations, kinds of change, damages; and runs of people.

use super::StoreError;
use super::codec::{Bytes, broken, put_number};
use crate::model::{ChangeKind, Damage, OperationId, Outcome, PersonId, Reason, Situation};

/// Whole numbers for outcomes; 0 is "not yet ended".
pub(super) const PENDING: i64 = 0;
pub(super) const APPLIED: i64 = 1;
pub(super) const UNCHANGED: i64 = 2;
pub(super) const SKIPPED: i64 = 3;
pub(super) const HELD: i64 = 4;
pub(super) const FAILED: i64 = 5;
pub(super) const SUPERSEDED: i64 = 6;

pub(super) fn outcome_number(outcome: &Outcome) -> i64 {
    match outcome {
        Outcome::Applied => APPLIED,
        Outcome::Unchanged => UNCHANGED,
        Outcome::Skipped(_) => SKIPPED,
        Outcome::Held(_) => HELD,
        Outcome::Failed(_) => FAILED,
        Outcome::Superseded { .. } => SUPERSEDED,
    }
}

/// The outcome in a row; `None` while it is not ended.
pub(super) fn outcome(
    number: i64,
    code: Option<String>,
    detail: Option<String>,
    by: Option<OperationId>,
) -> Result<Option<Outcome>, StoreError> {
    let reason = || Reason { code: code.unwrap_or_default().into(), detail: detail.unwrap_or_default() };
    Ok(Some(match number {
        PENDING => return Ok(None),
        APPLIED => Outcome::Applied,
        UNCHANGED => Outcome::Unchanged,
        SKIPPED => Outcome::Skipped(reason()),
        HELD => Outcome::Held(reason()),
        FAILED => Outcome::Failed(reason()),
        SUPERSEDED => Outcome::Superseded { by: by.ok_or_else(|| broken("superseded by nobody"))? },
        other => return Err(StoreError::Broken(format!("an outcome {other}"))),
    }))
}

const SITUATIONS: [Situation; 13] = [
    Situation::Confirmed,
    Situation::Found,
    Situation::FoundAlreadyLinked,
    Situation::Absent,
    Situation::Ambiguous,
    Situation::Missing,
    Situation::Unqualified,
    Situation::SourceIgnored,
    Situation::SourceMissing,
    Situation::AllGone,
    Situation::PlacementChanged,
    Situation::ReferencePending,
    Situation::TargetIgnored,
];

pub(super) fn situation_number(situation: Situation) -> i64 {
    SITUATIONS.iter().position(|held| *held == situation).map_or(-1, |at| at as i64)
}

pub(super) fn situation(number: Option<i64>) -> Option<Situation> {
    SITUATIONS.get(usize::try_from(number?).ok()?).copied()
}

const KINDS: [ChangeKind; 9] = [
    ChangeKind::Create,
    ChangeKind::Update,
    ChangeKind::Enable,
    ChangeKind::Move,
    ChangeKind::Disable,
    ChangeKind::Delete,
    ChangeKind::Restore,
    ChangeKind::Join,
    ChangeKind::Leave,
];

pub(super) fn kind_number(kind: ChangeKind) -> i64 {
    KINDS.iter().position(|held| *held == kind).map_or(-1, |at| at as i64)
}

pub(super) fn kind(number: Option<i64>) -> Option<ChangeKind> {
    KINDS.get(usize::try_from(number?).ok()?).copied()
}

/// Damages as bits.
pub(super) fn damage_bits(damages: impl Iterator<Item = Damage>) -> i64 {
    damages.map(damage_bit).fold(0, |bits, bit| bits | bit)
}

pub(super) fn damage_bit(damage: Damage) -> i64 {
    match damage {
        Damage::Disable => 1,
        Damage::Delete => 2,
        Damage::Move => 4,
        Damage::Leave => 8,
    }
}

/// Rows of people as runs of neighbours: an unchanged import of a million is a few bytes.
pub(super) fn encode_runs(sorted: &[PersonId]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut last_end = 0;
    for run in sorted.chunk_by(|left, right| left.0 + 1 == right.0) {
        put_number(&mut bytes, (run[0].0 - last_end) as u64);
        put_number(&mut bytes, run.len() as u64);
        last_end = run[run.len() - 1].0;
    }
    bytes
}

/// Whether `person` is in one of the runs.
pub(super) fn runs_hold(runs: &[u8], person: i64) -> Result<bool, StoreError> {
    let mut reader = Bytes(runs);
    let mut last_end = 0_i64;
    while !reader.0.is_empty() {
        let start = last_end + reader.number()? as i64;
        let end = start + reader.number()? as i64 - 1;
        if (start..=end).contains(&person) {
            return Ok(true);
        }
        last_end = end;
    }
    Ok(false)
}

/// How many people the runs hold.
pub(super) fn runs_count(runs: &[u8]) -> Result<u64, StoreError> {
    let mut reader = Bytes(runs);
    let mut count = 0;
    while !reader.0.is_empty() {
        reader.number()?;
        count += reader.number()?;
    }
    Ok(count)
}
