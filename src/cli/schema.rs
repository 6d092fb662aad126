//! `muster schema`: job files and Microsoft Graph's synchronization schemas, one from the other.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Value as Json, json};

use super::Globals;
use super::jobs::load_job;
use super::paper::read;
use super::screen::{counted, is_colourful, note, say, say_json};
use crate::config::{self, ImportError};
use crate::graph_schema::{Loss, SCHEMA_BYTES_MAX};
use crate::plain::plain;

/// Turn a job file into Microsoft Graph's synchronizationSchema, or a schema into a job file.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    way: Way,
}

#[derive(Debug, clap::Subcommand)]
enum Way {
    Export(ExportArgs),
    Import(ImportArgs),
}

/// A job file as synchronizationSchema, in JSON.
///
/// What Graph has no words for stands in the schema's metadata, so that importing it gives the same job again. No
/// secret stands in a job file, and so none in the schema.
#[derive(Debug, clap::Args)]
struct ExportArgs {
    /// The job file.
    #[arg(value_name = "JOB")]
    job: PathBuf,
    /// Where the schema is written; standard output where nothing is said. A file that is there is not written over.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// A synchronizationSchema, as Entra exports it, as a job file that `muster check` accepts.
///
/// What of the schema has no counterpart is named on standard error, with its place, and in the file. A schema does
/// not say how directories are reached: what is to be filled in is marked in the file.
///
/// Exit code 0: a job file; 1: none.
#[derive(Debug, clap::Args)]
struct ImportArgs {
    /// The schema, as Entra exports it; `-` reads standard input.
    #[arg(value_name = "SCHEMA")]
    schema: PathBuf,
    /// Where the job file is written; standard output where nothing is said. A file that is there is not written over.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write nothing where something has no counterpart.
    #[arg(long)]
    strict: bool,
}

pub(super) fn run(args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    match &args.way {
        Way::Export(args) => export(args),
        Way::Import(args) => import(args, globals),
    }
}

fn export(args: &ExportArgs) -> anyhow::Result<ExitCode> {
    spare(args.output.as_deref())?;
    let job = load_job(&args.job)?;
    put(args.output.as_deref(), &serde_json::to_string_pretty(&job.schema())?)?;
    Ok(ExitCode::SUCCESS)
}

fn import(args: &ImportArgs, globals: &Globals) -> anyhow::Result<ExitCode> {
    spare(args.output.as_deref())?;
    let name = plain(&args.schema.display().to_string()).into_owned();
    let imported = match config::import_schema(&read(&args.schema, SCHEMA_BYTES_MAX)?) {
        Ok(imported) => imported,
        Err(ImportError::Nothing { losses }) => {
            tell("error", &losses);
            return Err(anyhow::Error::from(ImportError::Nothing { losses: Vec::new() }).context(name));
        }
        Err(ImportError::Unsound { report, losses }) => {
            tell("warning", &losses);
            note(report.render(is_colourful()));
            return Err(anyhow::anyhow!(
                "the job file that would come of {name} is not sound; correct the schema there"
            ));
        }
        Err(error) => return Err(anyhow::Error::from(error).context(name)),
    };
    let is_refused = args.strict && !imported.losses.is_empty();
    tell(if is_refused { "error" } else { "warning" }, &imported.losses);
    if globals.json {
        say_json(&json!({ "ok": !is_refused, "losses": listed(&imported.losses), "job": imported.text }));
    }
    if is_refused {
        let lost = counted(imported.losses.len() as u64, "part", "parts");
        note(format!("error: {lost} of {name} have no counterpart, so nothing was written (--strict)"));
        return Ok(ExitCode::FAILURE);
    }
    if args.output.is_some() || !globals.json {
        put(args.output.as_deref(), imported.text.trim_end())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(severity: &str, losses: &[Loss]) {
    for loss in losses {
        note(format!("{severity}: {}: {}", plain(&loss.place), plain(&loss.why)));
    }
}

fn listed(losses: &[Loss]) -> Vec<Json> {
    losses.iter().map(|loss| json!({ "place": loss.place, "why": loss.why })).collect()
}

/// Refuses to write over a file: a job file that is kept by hand has comments and tests that no schema has.
fn spare(output: Option<&Path>) -> anyhow::Result<()> {
    match output.filter(|file| file.is_file()) {
        Some(file) => anyhow::bail!("{} is there already; name another file with --output", file.display()),
        None => Ok(()),
    }
}

fn put(output: Option<&Path>, text: &str) -> anyhow::Result<()> {
    match output {
        Some(file) => {
            let cannot = || format!("{} cannot be written", file.display());
            let mut new = fs::File::create_new(file).with_context(cannot)?;
            let written = new.write_all(format!("{text}\n").as_bytes()).and_then(|()| new.sync_all());
            if written.is_err() {
                // Half a job file would be taken for a whole one.
                let _ = fs::remove_file(file);
            }
            written.with_context(cannot)
        }
        None => {
            say(text);
            Ok(())
        }
    }
}
