//! Job files as the commands use them: loaded, joined with a store, found again by name.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use serde_json::json;

use super::screen::{is_colourful, note};
use crate::app::{ActiveJob, ActiveTarget, App, Hands};
use crate::config::{self, Connection, GraphConnection, JobMeant, SourceMeant};
use crate::model::{JobId, Outcome};
use crate::source::CsvSettings;
use crate::store::{JobState, Store, StoreError};
use crate::writer::graph::{GraphSettings, GraphWriter, TIMEOUT_DEFAULT};

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

/// Makes a job run: its targets get their hands, the store gets to know them.
///
/// `without_hands` is for commands that only decide: no secret is read, no target is spoken to.
pub(super) fn activate(app: &mut App, job: &JobMeant, without_hands: bool) -> anyhow::Result<Arc<ActiveJob>> {
    let mut targets = Vec::with_capacity(job.connections.len());
    for (id, connection) in &job.connections {
        let hands = match connection {
            Connection::Graph(_) if without_hands => Hands::Agent,
            Connection::Graph(graph) => {
                Hands::Embedded(Arc::new(graph_writer(graph, app).with_context(|| format!("target `{id}`"))?))
            }
            Connection::Ldif { .. } => Hands::Agent,
        };
        targets.push(ActiveTarget { id: id.clone(), directory: directory(connection), hands });
    }
    Ok(app.activate(job.job.clone(), &job.hash, targets)?)
}

/// One name for one directory, whichever job writes to it.
fn directory(connection: &Connection) -> String {
    match connection {
        Connection::Graph(graph) => {
            format!("graph:{}/{}", graph.base_url.host_str().unwrap_or_default(), graph.tenant.to_ascii_lowercase())
        }
        Connection::Ldif { folder, .. } => format!("ldif:{}", folder.display()),
    }
}

fn graph_writer(graph: &GraphConnection, app: &App) -> anyhow::Result<GraphWriter> {
    let settings = GraphSettings {
        base_url: graph.base_url.clone(),
        authority: graph.authority.clone(),
        tenant: graph.tenant.clone(),
        client_id: graph.client_id.clone(),
        client_secret: graph.client_secret.read()?,
        timeout: TIMEOUT_DEFAULT,
        extra_ca: None,
    };
    Ok(GraphWriter::new(&settings, Arc::clone(&app.clock))?)
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

/// The store of a folder that must be there.
pub(super) fn open_store(folder: &Path, access: crate::store::Access) -> anyhow::Result<Store> {
    anyhow::ensure!(
        Store::is_there(folder),
        "there is no data folder {}; say where it is with --data",
        PathBuf::from(folder).display()
    );
    Ok(Store::open(folder, access)?)
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
