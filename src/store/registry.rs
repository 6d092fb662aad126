//! Jobs and targets as the store numbers them.

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::{Store, StoreError};
use crate::model::{JobId, TargetId};

/// A job's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobKey(pub(super) i64);

/// A target's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TargetKey(pub(super) i64);

/// A job that the store knows, with its targets.
#[derive(Debug, Clone)]
pub struct JobState {
    /// Its row.
    pub key: JobKey,
    /// Its name.
    pub id: JobId,
    /// Its targets, in the order of the job file, with the directory each writes to.
    pub targets: Vec<(TargetId, TargetKey)>,
    pub(super) directories: Vec<i64>,
    /// Those of its targets that are apps: nobody's other home.
    pub(super) apps: Vec<i64>,
}

impl JobState {
    /// The same, with these of its targets known to be apps.
    #[must_use]
    pub fn with_apps<'a>(mut self, apps: impl Iterator<Item = &'a TargetId>) -> Self {
        self.apps = apps.filter_map(|id| self.target(id)).map(|key| key.0).collect();
        self
    }

    pub(super) fn is_app(&self, target: i64) -> bool {
        self.apps.contains(&target)
    }

    /// The row of a target of this job.
    pub fn target(&self, id: &TargetId) -> Option<TargetKey> {
        self.targets.iter().find(|(held, _)| held == id).map(|(_, key)| *key)
    }

    pub(super) fn directory(&self, key: TargetKey) -> Option<i64> {
        self.targets.iter().position(|(_, held)| *held == key).and_then(|at| self.directories.get(at).copied())
    }

    pub(super) fn target_named(&self, key: i64) -> Option<&TargetId> {
        self.targets.iter().find(|(_, held)| held.0 == key).map(|(id, _)| id)
    }
}

impl Store {
    /// Makes a job and its targets known. `targets` pairs each name with the directory it writes to: two
    /// jobs that write to one directory share its name, so that they cannot take one account for two people.
    ///
    /// When `config_hash` is not the one the people were last decided with, they are all due to be decided
    /// again, from the first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be written.
    pub fn register(
        &self,
        id: &JobId,
        config_hash: &[u8],
        targets: &[(TargetId, String)],
    ) -> Result<JobState, StoreError> {
        self.write(|on| {
            let key = job_row(on, id, config_hash)?;
            let mut rows = Vec::with_capacity(targets.len());
            let mut directories = Vec::with_capacity(targets.len());
            for (target, directory) in targets {
                let (row, directory) = target_row(on, key, target, directory)?;
                rows.push((target.clone(), TargetKey(row)));
                directories.push(directory);
            }
            Ok(JobState { key: JobKey(key), id: id.clone(), targets: rows, directories, apps: Vec::new() })
        })
    }

    /// A job that was registered before, as it is in the store; `None` when there is none of that name.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn job(&self, id: &JobId) -> Result<Option<JobState>, StoreError> {
        self.read(|on| {
            let row = on.query_row("SELECT id FROM job WHERE name = ?1", [id.as_str()], |row| row.get(0)).optional()?;
            let Some(key) = row else { return Ok(None) };
            let mut statement = on.prepare("SELECT name, id, directory FROM target WHERE job = ?1 ORDER BY id")?;
            let rows = statement.query_map([key], |row| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?)))?;
            let mut state = JobState {
                key: JobKey(key),
                id: id.clone(),
                targets: Vec::new(),
                directories: Vec::new(),
                apps: Vec::new(),
            };
            for row in rows {
                let (name, target, directory) = row?;
                state.targets.push((TargetId::new(&name), TargetKey(target)));
                state.directories.push(directory);
            }
            Ok(Some(state))
        })
    }

    /// Keeps the job file that the job runs with from now on, as it is written.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be written.
    pub fn keep_job_file(&self, job: &JobState, text: &str) -> Result<(), StoreError> {
        self.write(|on| {
            on.execute("UPDATE job SET file = ?2 WHERE id = ?1 AND file IS NOT ?2", params![job.key.0, text])?;
            Ok(())
        })
    }

    /// The job file that the job last ran with; `None` where it ran before job files were kept.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn job_file(&self, job: &JobState) -> Result<Option<String>, StoreError> {
        self.read(|on| Ok(on.query_row("SELECT file FROM job WHERE id = ?1", [job.key.0], |row| row.get(0))?))
    }

    /// Whether everybody in the store was decided with the job file of this hash.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn is_decided_with(&self, job: &JobState, config_hash: &[u8]) -> Result<bool, StoreError> {
        self.read(|on| {
            Ok(on.query_row(
                "SELECT config_hash IS ?2 AND redecide_after IS NULL FROM job WHERE id = ?1",
                params![job.key.0, config_hash],
                |row| row.get(0),
            )?)
        })
    }

    /// The names of all jobs that were ever registered.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn jobs(&self) -> Result<Vec<JobId>, StoreError> {
        self.read(|on| {
            let mut statement = on.prepare("SELECT name FROM job ORDER BY name")?;
            let names = statement.query_map([], |row| row.get::<_, String>(0))?;
            Ok(names.collect::<Result<Vec<_>, _>>()?.iter().map(|name| JobId::new(name)).collect())
        })
    }
}

fn job_row(on: &Transaction<'_>, id: &JobId, config_hash: &[u8]) -> Result<i64, StoreError> {
    let held = on
        .query_row("SELECT id, config_hash FROM job WHERE name = ?1", [id.as_str()], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Option<Vec<u8>>>(1)?))
        })
        .optional()?;
    match held {
        None => {
            on.execute("INSERT INTO job (name, config_hash) VALUES (?1, ?2)", params![id.as_str(), config_hash])?;
            Ok(on.last_insert_rowid())
        }
        Some((key, Some(hash))) if hash == config_hash => Ok(key),
        Some((key, _)) => {
            on.execute("UPDATE job SET config_hash = ?2, redecide_after = 0 WHERE id = ?1", params![key, config_hash])?;
            // What a row would say now may differ although the row does not.
            on.execute("UPDATE anchor SET fingerprint = NULL WHERE job = ?1", [key])?;
            Ok(key)
        }
    }
}

fn target_row(on: &Transaction<'_>, job: i64, target: &TargetId, directory: &str) -> Result<(i64, i64), StoreError> {
    on.execute("INSERT INTO directory (name) VALUES (?1) ON CONFLICT DO NOTHING", [directory])?;
    let directory: i64 = on.query_row("SELECT id FROM directory WHERE name = ?1", [directory], |row| row.get(0))?;
    on.execute(
        "INSERT INTO target (job, name, directory) VALUES (?1, ?2, ?3)
         ON CONFLICT (job, name) DO UPDATE SET directory = excluded.directory",
        params![job, target.as_str(), directory],
    )?;
    let row =
        on.query_row("SELECT id FROM target WHERE job = ?1 AND name = ?2", params![job, target.as_str()], |row| {
            row.get(0)
        })?;
    Ok((row, directory))
}
