//! `muster fsck`: whether the store is as it must be.

use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::json;

use super::Globals;
use super::jobs::open_store;
use super::screen::{say, say_json};
use crate::plain::plain;
use crate::store::Access;

/// Check the data folder: every rule that must hold between its rows.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let store = open_store(&globals.data, Access::Beside)?;
    let faults = store.fsck().context("the data folder cannot be checked")?;
    if globals.json {
        let faults: Vec<_> =
            faults.iter().map(|fault| json!({ "rule": fault.rule, "examples": fault.examples })).collect();
        say_json(&json!({ "ok": faults.is_empty(), "faults": faults }));
    } else if faults.is_empty() {
        say(format!("{}: everything is as it must be", plain(&globals.data.display().to_string())));
    } else {
        for fault in &faults {
            say(format!("must hold, and does not: {}", fault.rule));
            for example in &fault.examples {
                say(format!("  {}", plain(example)));
            }
        }
    }
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
