//! `muster demo`: the whole way, on one machine, in one process, with practice directories.
//!
//! A practice tenant, a server and an agent on free ports of this machine; the people of Contoso sent as bulk uploads
//! over HTTP, placed, written, and explained. Then the same export again, and the one of the week after.

mod directory;
mod person;
mod props;
mod reasons;
mod scene;
mod tables;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;

use super::Globals;
use super::screen::{say, say_json};
use scene::{Export, Scene};

/// Show the whole way from an HR export into directories, with practice directories on this machine.
///
/// Exit code 0 only when every operation ended as it must; 130: --active-directory was told to stop before its end; 1
/// otherwise.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where its files go; what an earlier demo left there is removed.
    #[arg(long, default_value = "muster-demo", value_name = "DIR")]
    folder: PathBuf,
    /// Show the way into a Samba domain in place of practice directories: it is made in the folder, served on an
    /// address of this machine, and taken down in the end. Needs Samba, and root.
    #[arg(long)]
    active_directory: bool,
    /// Leave the server, the tenant and the agent running until Ctrl-C.
    #[arg(long)]
    keep: bool,
}

/// Whom the demo explains: one in the cloud, one on the premises, one who is held.
const EXPLAINED: [(&str, &str); 3] = [
    ("701984", "an employee, in the cloud"),
    ("701017", "a contractor, on the premises"),
    ("701012", "a service account, held until somebody has looked"),
];

pub(super) fn run(args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        if args.active_directory { directory::play(args, globals).await } else { play(args, globals).await }
    })
}

async fn play(args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let quiet = globals.json;
    let tell = |line: String| {
        if !quiet {
            say(line)
        }
    };
    let scene = Scene::open(&args.folder).await.context("the demo could not be set up")?;
    tell(format!("1. A practice tenant, a server and an agent are running\n{}", scene.places()));

    tell("\n2. Plan: what would the export do? Nothing is written".to_owned());
    let planned = scene.plan()?;
    tell(tables::groups(&planned));

    tell("\n3. The export, as SCIM bulk uploads over HTTP, with a token".to_owned());
    let first = scene.send(Export::First).await?;
    tell(tables::told(&first));

    tell("\n4. The same export again: nothing is doubled".to_owned());
    let again = scene.send(Export::First).await?;
    tell(tables::told(&again));

    tell("\n5. The export of the week after: changes, new hires, leavers".to_owned());
    let later = scene.send(Export::Later).await?;
    tell(tables::told(&later));

    tell("\n6. Who is where, and why".to_owned());
    tell(tables::standings(&scene.standings()?));
    if !quiet {
        for (anchor, who) in EXPLAINED {
            scene.explain(anchor, who)?;
        }
    }

    tell(format!("\nEverybody else, and all of it: muster explain ANCHOR --data {}", scene.data().display()));
    let faults = scene.check(&[first.clone(), again.clone(), later.clone()])?;
    if quiet {
        say_json(&tables::json(&[first, again, later], &faults, &scene));
    } else {
        end(&scene, &faults);
    }
    if args.keep {
        tell("\nEverything stays up until Ctrl-C.".to_owned());
        tokio::signal::ctrl_c().await?;
    }
    scene.close().await?;
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn end(scene: &Scene, faults: &[String]) {
    say(format!("\n7. Where things are\n{}", scene.files()));
    if faults.is_empty() {
        say("\nEvery operation ended as it must, and the store is as it must be.");
        return;
    }
    say("\nNot as it must be:");
    for fault in faults {
        say(format!("  {fault}"));
    }
}
