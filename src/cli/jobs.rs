//! Job files as the commands use them: loaded, joined with a store, found again by name.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;

use super::screen::{counted, is_colourful, note};
use crate::app::LeaseTimes;
use crate::config::{self, JobMeant, SourceMeant};
use crate::model::{JobId, Outcome};
use crate::source::CsvSettings;
use crate::store::{JobState, Store, StoreError};

/// How long a directory may take to answer.
#[derive(Debug, clap::Args)]
pub(super) struct WriteTimeout {
    /// Seconds a single call to a directory may take. Work is leased for three times as long, and after a crash
    /// taken up again when lease and call are surely over.
    #[arg(long, value_name = "SECONDS", default_value_t = NonZeroU32::MIN.saturating_add(29))]
    write_timeout: NonZeroU32,
}

impl WriteTimeout {
    pub(super) fn lease_times(&self) -> LeaseTimes {
        LeaseTimes::for_timeout(Duration::from_secs(self.write_timeout.get().into()))
    }
}

/// A mistake that has been shown already; only the exit code is left to give.
#[derive(Debug, thiserror::Error)]
#[error("the job file has mistakes")]
pub(super) struct Shown;

/// Loads a job file, or shows everything that is wrong with it.
pub(super) fn load_job(path: &Path) -> anyhow::Result<JobMeant> {
    match config::load(path) {
        Ok(job) => Ok(job),
        Err(report) => {
            note(report.render(is_colourful()));
            Err(Shown.into())
        }
    }
}

/// Tells of targets that the job file does not have any more, although accounts are linked there. Links go by the
/// target's name: under a new name, the same accounts would be somebody else's.
pub(super) fn warn_of_lost_targets(store: &Store, job: &JobMeant) -> anyhow::Result<()> {
    let Some(state) = store.job(&job.job.id)? else { return Ok(()) };
    for (id, key) in &state.targets {
        let is_there = job.job.targets.iter().any(|target| target.id == *id);
        let people = if is_there { 0 } else { store.target_state(id, *key)?.people };
        if people > 0 {
            let accounts = counted(people, "account is", "accounts are");
            note(format!(
                "warning: the job file has no target `{id}` any more, where {accounts} linked; nothing is written there \
                 now. If it was renamed, give it its old name back: accounts are known by it"
            ));
        }
    }
    Ok(())
}

/// How the job's exports are read.
pub(super) fn csv_settings(job: &JobMeant) -> anyhow::Result<&CsvSettings> {
    match &job.source {
        SourceMeant::Csv(settings) => Ok(settings),
        SourceMeant::Api => anyhow::bail!(
            "job `{}` takes bulk uploads only: its [source] has no columns; add `kind = \"csv\"` and [source.columns]",
            job.job.id
        ),
    }
}

/// The job of that name in the store, or the only one there is.
pub(super) fn stored_job(store: &Store, name: Option<&str>) -> anyhow::Result<JobState> {
    let jobs = store.jobs()?;
    let id = match (name, jobs.as_slice()) {
        (Some(name), _) => JobId::new(name),
        (None, [only]) => only.clone(),
        (None, []) => anyhow::bail!("no job has run in {} yet", store.folder().display()),
        (None, several) => {
            let names: Vec<_> = several.iter().map(JobId::as_str).collect();
            anyhow::bail!("say which job with --job: there are {}", names.join(", "))
        }
    };
    store.job(&id)?.with_context(|| format!("there is no job `{id}` in {}", store.folder().display()))
}

/// The job as it last ran in the data folder; `None` where it ran before job files were kept.
pub(super) fn running_job(store: &Store, state: &JobState) -> anyhow::Result<Option<JobMeant>> {
    let Some(text) = store.job_file(state)? else { return Ok(None) };
    let name = format!("the job file of `{}` as it last ran", state.id);
    match config::check_text(&name, &text) {
        Ok(job) => Ok(Some(job)),
        Err(report) => {
            note(report.render(is_colourful()));
            note("hint: this muster reads it otherwise than the one that ran it; run the job with a mended file");
            Err(Shown.into())
        }
    }
}

/// The store of a folder that must be there.
pub(super) fn open_store(folder: &Path, access: crate::store::Access) -> anyhow::Result<Store> {
    anyhow::ensure!(
        Store::is_there(folder) || !folder.is_dir(),
        "the folder {} has no data of muster's; say where it is with --data",
        folder.display()
    );
    anyhow::ensure!(
        Store::is_there(folder),
        "there is no data folder {}; say where it is with --data",
        PathBuf::from(folder).display()
    );
    Store::open(folder, access).with_context(|| format!("the data folder {} cannot be opened", folder.display()))
}

/// What to do when another process has the folder.
pub(super) fn hint_in_use(error: StoreError) -> anyhow::Error {
    let in_use = matches!(error, StoreError::InUse { .. });
    let error = anyhow::Error::from(error);
    if in_use {
        error.context("a `muster serve` is running here; send the export to it with --server URL")
    } else {
        error
    }
}

/// An outcome for machines.
pub(super) fn outcome_json(outcome: &Outcome) -> serde_json::Value {
    let mut json = json!({ "outcome": outcome.word() });
    if let Some(reason) = outcome.reason() {
        json["reason"] = json!({ "code": reason.code, "message": reason.detail });
    }
    if let Outcome::Superseded { by } = outcome {
        json["supersededBy"] = json!({ "upload": by.upload.0, "index": by.index });
    }
    json
}

/// The word for what separates cells.
pub(super) fn delimiter_word(delimiter: u8) -> &'static str {
    match delimiter {
        b',' => "commas",
        b';' => "semicolons",
        b'\t' => "tabs",
        b'|' => "bars",
        _ => "another character",
    }
}
