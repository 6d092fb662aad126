//! `muster release`: lets go what was held, because somebody has looked.

use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::json;

use super::Globals;
use super::jobs::{open_store, stored_job};
use super::screen::{say, say_json};
use crate::clock::{Clock as _, SystemClock};
use crate::model::TargetId;
use crate::store::{Access, Released};

/// Let go what a limit, a vanished account or lost agents hold: of one person, or of everybody.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The person's anchor (externalId); without it, --all must be said.
    anchor: Option<String>,
    /// The job; may be left out where the data folder has only one.
    #[arg(long)]
    job: Option<String>,
    /// Only at this target.
    #[arg(long)]
    target: Option<String>,
    /// Everybody whose work is held.
    #[arg(long, conflicts_with = "anchor")]
    all: bool,
}

pub(super) fn run(args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(args.anchor.is_some() || args.all, "say whom: an anchor, or --all for everybody who is held");
    let store = open_store(&globals.data, Access::Beside)?;
    let job = stored_job(&store, args.job.as_deref())?;
    let target = args.target.as_deref().map(TargetId::new);
    if let Some(target) = &target {
        anyhow::ensure!(job.target(target).is_some(), "job `{}` has no target `{target}`", job.id);
    }
    let released = store
        .release(&job, target.as_ref(), args.anchor.as_deref(), SystemClock.now())
        .context("nothing was released")?;
    if globals.json {
        say_json(&json!({ "job": job.id.as_str(), "limits": released.limits, "missing": released.missing,
            "deadLetters": released.dead_letters }));
    } else if released == Released::default() {
        say("nothing was held by a limit, a vanished account or lost agents");
    } else {
        say(format!(
            "released: {} held by a limit, {} whose account had vanished, {} whose agents were lost; a running `muster serve` carries them now, \
             `muster import` with its next run",
            released.limits, released.missing, released.dead_letters
        ));
    }
    Ok(ExitCode::SUCCESS)
}
