//! `muster key`: the key with which the server signs work that travels through NATS, for the agents' files.

use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::json;

use super::Globals;
use super::jobs::open_store;
use super::screen::{say, say_json};
use crate::queue::envelope::Signer;
use crate::store::Access;

/// Show the key with which this server signs work for its agents; an agent's file names it as `server_key`.
///
/// To change it: make the next one (--prepare), add it to every agent's file as `server_key_next`, and then let it sign
/// (--rotate). A running server takes notice at once.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Make the key that will sign next, unless there is one, and show both.
    #[arg(long, conflicts_with = "rotate")]
    prepare: bool,
    /// From now on the next key signs; the one before is forgotten.
    #[arg(long)]
    rotate: bool,
}

pub(super) fn run(args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let store = open_store(&globals.data, Access::Beside)?;
    if args.prepare {
        store.prepare_signing_key()?;
    }
    if args.rotate {
        let is_done = store.rotate_signing_key()?;
        anyhow::ensure!(is_done, "there is no next key; make one with --prepare, and let every agent know it first");
    }
    let seeds = store.signing_seeds()?;
    let public = |seed: &[u8; 32]| Signer::of_seed(seed).map(|signer| signer.public_key()).context("no signing key");
    let current = public(&seeds.current)?;
    let next = seeds.next.as_ref().map(public).transpose()?;
    if globals.json {
        say_json(&json!({ "serverKey": current, "serverKeyNext": next }));
        return Ok(ExitCode::SUCCESS);
    }
    say(format!("server_key = \"{current}\""));
    if let Some(next) = next {
        say(format!("server_key_next = \"{next}\""));
    }
    Ok(ExitCode::SUCCESS)
}
