//! What people ask of a person: where they stand, why, what was said and done.

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::agents::{is_here, last_asked};
use super::link::OFFERED;
use super::names::Names;
use super::read::{OPERATION, OperationState, operation};
use super::record::{person_row, stored_person};
use super::{JobState, Store, StoreError, StoredPerson, codec, manager, member, record, reserve, words};
use crate::model::{
    Change, Generation, Known, LeaseId, Outcome, Part, PersonId, Reason, Situation, TargetId, Timestamp, UploadId,
};

/// Operations and journal entries of a person that are shown, the newest.
const HISTORY_MAX: usize = 200;

/// Nobody has asked for the work of a target lately.
const NO_AGENT: &str = "no_agent";

/// Where a person stands, by the last decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// At home at this target.
    At(TargetId),
    /// Nowhere, on purpose.
    Nowhere,
    /// Nowhere yet.
    Held,
    /// The job is not about them.
    OutOfScope,
    /// The source has deleted them.
    Deleted,
}

/// All there is to say about a person.
#[derive(Debug, Clone)]
pub struct PersonState {
    /// The person, and their accounts.
    pub stored: StoredPerson,
    /// Where they stand.
    pub standing: Standing,
    /// The rule that decided.
    pub rule: Option<String>,
    /// What is left to do, and what was done last, at each target.
    pub links: Vec<LinkState>,
    /// What was said of them, newest first.
    pub operations: Vec<OperationState>,
    /// What was done, newest first.
    pub history: Vec<HistoryEntry>,
    /// The names that are theirs, and nobody else's.
    pub names: Vec<OwnName>,
    /// The newest import that saw them unchanged.
    pub last_seen: Option<(UploadId, Timestamp)>,
}

/// A name that a person has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnName {
    /// Where nobody else may have it.
    pub namespace: String,
    /// The attribute it was taken for.
    pub attribute: String,
    /// The name.
    pub value: String,
}

/// A person at a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkState {
    /// Which target.
    pub target: TargetId,
    /// The account, or its manager.
    pub part: Part,
    /// How things stood when last looked at.
    pub situation: Option<Situation>,
    /// The state to be brought there.
    pub generation: Generation,
    /// The last one that ended.
    pub settled: Generation,
    /// How it ended; or, while it is not ended, why it waits.
    pub outcome: Option<Outcome>,
    /// Why it waits, when it has been tried.
    pub waits: Option<Reason>,
    /// When it is due; `None` when there is nothing to do.
    pub due: Option<Timestamp>,
    /// Who carries it now.
    pub holder: Option<String>,
    /// The manager it is about.
    pub manager: Option<String>,
    /// The membership it is about.
    pub member: Option<MemberState>,
    /// When an agent last asked for work of the target; `None` where none ever has, as where the server itself writes.
    pub agent_asked_at: Option<Timestamp>,
}

/// A membership of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberState {
    /// Of which group.
    pub group: String,
    /// Whether the account shall be a member, or was last asked to be.
    pub is_wanted: bool,
    /// Whether it is known to be one, and then whether muster made it one: only those are taken out again.
    pub is_ours: Option<bool>,
}

impl LinkState {
    /// Says so where it could be carried now, and there is no agent at the target that would. Of targets that are left
    /// to agents only.
    pub fn tell_of_missing_agent(&mut self, now: Timestamp) {
        // What somebody holds is due when their lease is surely over; what lies in a queue is held by nobody yet.
        let is_offered = self.holder.as_deref() == Some(OFFERED);
        if self.due.is_none_or(|due| due > now && !is_offered)
            || self.agent_asked_at.is_some_and(|asked| is_here(asked, now))
        {
            return;
        }
        let since = match self.agent_asked_at {
            Some(at) => format!("none has asked for work since {at}"),
            None => "none has ever asked for work".to_owned(),
        };
        let missing = format!("it waits for an agent of {}: {since}", self.target);
        self.waits = Some(match self.waits.take() {
            Some(why) => Reason { detail: format!("{}; and {missing}", why.detail), ..why },
            None => Reason::new(NO_AGENT, missing),
        });
    }
}

/// One thing that was done, or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// When.
    pub at: Timestamp,
    /// Where.
    pub target: TargetId,
    /// The account, or its manager.
    pub part: Part,
    /// Which state of the person.
    pub generation: Generation,
    /// How things stood.
    pub situation: Option<Situation>,
    /// How it ended; `None` where it is tried again.
    pub outcome: Option<Outcome>,
    /// Why it was tried again.
    pub why: Option<Reason>,
    /// What was written.
    pub change: Option<Change>,
}

impl Store {
    /// All there is to say about a person; `None` when the job has never heard of them.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn person(&self, job: &JobState, anchor: &str) -> Result<Option<PersonState>, StoreError> {
        self.read(|on| {
            let Some(row) = person_row(on, job, anchor)? else { return Ok(None) };
            // Another process may have numbered names since this one read them.
            let fresh = Names::read(on)?;
            let stored = stored_person(on, &fresh, job, row)?;
            let (placed, rule): (i64, Option<u32>) =
                on.query_row("SELECT placed, rule FROM person WHERE id = ?1", [row], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?;
            let rule = rule.map(|number| fresh.name(number).map(ToString::to_string)).transpose()?;
            Ok(Some(PersonState {
                stored,
                standing: standing(job, placed),
                rule,
                links: links(on, job, row)?,
                operations: person_operations(on, row)?,
                history: history(on, &fresh, job, row)?,
                names: reserve::taken_by(on, row)?,
                last_seen: last_seen(on, job, row)?,
            }))
        })
    }

    /// What is stored of a person; `None` when the job has never heard of them.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn stored(&self, job: &JobState, anchor: &str) -> Result<Option<StoredPerson>, StoreError> {
        self.read(|on| match person_row(on, job, anchor)? {
            Some(row) => Ok(Some(stored_person(on, &self.names(), job, row)?)),
            None => Ok(None),
        })
    }

    /// What is stored of the person whose work is leased so; `None` when nobody's is.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn leased(&self, job: &JobState, lease: &LeaseId) -> Result<Option<StoredPerson>, StoreError> {
        self.read(|on| {
            let mut statement = on.prepare_cached(
                "SELECT person.id FROM link JOIN person ON person.id = link.person WHERE lease = ?1 AND person.job = ?2",
            )?;
            let row = statement.query_row(params![lease.as_str(), job.key.0], |row| row.get(0)).optional()?;
            row.map(|row| stored_person(on, &Names::read(on)?, job, row)).transpose()
        })
    }

    /// How many people a job has.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn people_count(&self, job: &JobState) -> Result<u64, StoreError> {
        self.read(|on| Ok(on.query_row("SELECT count(*) FROM anchor WHERE job = ?1", [job.key.0], |row| row.get(0))?))
    }

    /// The people of a job behind that row, in the order of their rows, `count` at most.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn people_after(
        &self,
        job: &JobState,
        after: PersonId,
        count: usize,
    ) -> Result<Vec<(PersonId, StoredPerson)>, StoreError> {
        self.read(|on| {
            let fresh = Names::read(on)?;
            let mut statement =
                on.prepare_cached("SELECT id FROM person WHERE job = ?1 AND id > ?2 ORDER BY id LIMIT ?3")?;
            let people = statement.query_map(params![job.key.0, after.0, count], |row| row.get(0))?;
            let people: Vec<i64> = people.collect::<Result<_, _>>()?;
            people.into_iter().map(|row| Ok((PersonId(row), stored_person(on, &fresh, job, row)?))).collect()
        })
    }

    /// Operations about an anchor of whom there is no person: what was said could not be understood.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn operations_about(&self, job: &JobState, anchor: &str) -> Result<Vec<OperationState>, StoreError> {
        self.read(|on| {
            let mut statement = on.prepare_cached(&format!(
                "{OPERATION} JOIN upload ON upload.id = operation.upload
                 WHERE operation.anchor = ?1 AND upload.job = ?2 ORDER BY operation.upload DESC, operation.idx DESC LIMIT ?3"
            ))?;
            let mut rows = statement.query(params![anchor, job.key.0, HISTORY_MAX])?;
            let mut operations = Vec::new();
            while let Some(row) = rows.next()? {
                operations.push(operation(row)?);
            }
            Ok(operations)
        })
    }

    /// People by where they stand and the rule that placed them, counted.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn standings(&self, job: &JobState) -> Result<Vec<(Standing, Option<String>, u64)>, StoreError> {
        self.read(|on| {
            let fresh = Names::read(on)?;
            let mut statement = on.prepare_cached(
                "SELECT placed, rule, count(*) FROM person WHERE job = ?1 GROUP BY placed, rule ORDER BY placed DESC, rule",
            )?;
            let rows = statement.query_map([job.key.0], |row| Ok((row.get(0)?, row.get::<_, Option<u32>>(1)?, row.get(2)?)))?;
            rows.map(|row| {
                let (placed, rule, count) = row?;
                let rule = rule.map(|number| fresh.name(number).map(ToString::to_string)).transpose()?;
                Ok((standing(job, placed), rule, count))
            })
            .collect()
        })
    }
}

fn standing(job: &JobState, placed: i64) -> Standing {
    match placed {
        record::NOWHERE => Standing::Nowhere,
        record::OUT_OF_SCOPE => Standing::OutOfScope,
        record::DELETED => Standing::Deleted,
        target => job.target_named(target).map_or(Standing::Held, |id| Standing::At(id.clone())),
    }
}

fn links(on: &Transaction<'_>, job: &JobState, person: i64) -> Result<Vec<LinkState>, StoreError> {
    let mut statement = on.prepare_cached(
        "SELECT target, part, situation, generation, settled, outcome, code, detail, due, holder, manager, member_of, wants, added
         FROM link WHERE person = ?1 AND (part < 2 OR wants OR added IS NOT NULL OR due IS NOT NULL OR outcome > 2)
         ORDER BY target, iif(part < 2, part, 2), member_of",
    )?;
    let mut rows = statement.query([person])?;
    let mut links = Vec::new();
    while let Some(row) = rows.next()? {
        let Some(target) = job.target_named(row.get(0)?) else { continue };
        let ended: Option<i64> = row.get(5)?;
        let (code, detail): (Option<String>, Option<String>) = (row.get(6)?, row.get(7)?);
        let waits = ended.is_none().then(|| reason(code.clone(), detail.clone())).flatten();
        links.push(LinkState {
            target: target.clone(),
            part: part(row.get(1)?),
            situation: words::situation(row.get(2)?),
            generation: Generation(row.get(3)?),
            settled: Generation(row.get(4)?),
            outcome: words::outcome(ended.unwrap_or(words::PENDING), code, detail, None)?,
            waits,
            due: row.get::<_, Option<i64>>(8)?.map(Timestamp),
            holder: row.get(9)?,
            manager: row.get(10)?,
            member: match row.get(11)? {
                Some(group) => Some(MemberState { group, is_wanted: row.get(12)?, is_ours: row.get(13)? }),
                None => None,
            },
            agent_asked_at: last_asked(on, target)?,
        });
    }
    Ok(links)
}

fn part(number: i64) -> Part {
    member::part(number)
}

fn reason(code: Option<String>, detail: Option<String>) -> Option<Reason> {
    Some(Reason { code: code?.into(), detail: detail.unwrap_or_default() })
}

fn person_operations(on: &Transaction<'_>, person: i64) -> Result<Vec<OperationState>, StoreError> {
    let mut statement = on.prepare_cached(&format!(
        "{OPERATION} WHERE operation.person = ?1 ORDER BY operation.upload DESC, operation.idx DESC LIMIT ?2"
    ))?;
    let mut rows = statement.query(params![person, HISTORY_MAX])?;
    let mut operations = Vec::new();
    while let Some(row) = rows.next()? {
        operations.push(operation(row)?);
    }
    Ok(operations)
}

fn history(on: &Transaction<'_>, names: &Names, job: &JobState, person: i64) -> Result<Vec<HistoryEntry>, StoreError> {
    let mut statement = on.prepare_cached(
        "SELECT at, target, part, generation, situation, outcome, code, detail, change FROM journal
         WHERE person = ?1 ORDER BY id DESC LIMIT ?2",
    )?;
    let mut rows = statement.query(params![person, HISTORY_MAX])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let Some(target) = job.target_named(row.get(1)?) else { continue };
        let change: Option<Vec<u8>> = row.get(8)?;
        let (code, detail): (Option<String>, Option<String>) = (row.get(6)?, row.get(7)?);
        let number: i64 = row.get(5)?;
        let why = (number == words::PENDING).then(|| reason(code.clone(), detail.clone())).flatten();
        entries.push(HistoryEntry {
            at: Timestamp(row.get(0)?),
            target: target.clone(),
            part: part(row.get(2)?),
            generation: Generation(row.get(3)?),
            situation: words::situation(row.get(4)?),
            outcome: words::outcome(number, code, detail, None)?,
            why,
            change: change.map(|bytes| codec::decode_change(&bytes, names)).transpose()?,
        });
    }
    manager::tell_of_managers(on, job, &mut entries)?;
    Ok(entries)
}

fn last_seen(on: &Transaction<'_>, job: &JobState, person: i64) -> Result<Option<(UploadId, Timestamp)>, StoreError> {
    let mut statement = on.prepare_cached(
        "SELECT id, accepted_at, unchanged FROM upload WHERE job = ?1 AND unchanged IS NOT NULL ORDER BY id DESC LIMIT 1",
    )?;
    let newest = statement
        .query_row([job.key.0], |row| Ok((UploadId(row.get(0)?), Timestamp(row.get(1)?), row.get::<_, Vec<u8>>(2)?)))
        .optional()?;
    match newest {
        Some((upload, at, runs)) if words::runs_hold(&runs, person)? => Ok(Some((upload, at))),
        _ => Ok(None),
    }
}

/// What is known of accounts by anchor, for a plan.
impl StoredPerson {
    /// The account at a target, if one is linked.
    pub fn known_at(&self, target: &TargetId) -> Option<&Known> {
        self.links.iter().find(|(id, _)| id == target).map(|(_, known)| known)
    }
}
