//! `muster agent`: carries work inside the network, fetched from a server outside.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use serde_json::json;
use url::Url;

use super::Globals;
use super::screen::{counted, say, say_json};
use super::stop::StopSignals;
use crate::app::{self, AgentLogin};
use crate::clock::{Clock, SteadyClock};
use crate::config::{SecretSource, load_agent_queue};
use crate::model::TargetId;
use crate::pipeline::agent::Agent;

/// Where the secret is read unless a file is named.
const SECRET_VARIABLE: &str = "MUSTER_CLIENT_SECRET";
/// Longest certificate file, in bytes. A whole machine's authorities are a quarter of a megabyte.
const CA_BYTES_MAX: u64 = 1024 * 1024;

/// Carry work for a target inside the network: fetch it from a server, write it, report it; until SIGINT or SIGTERM.
///
/// Exit code 0: told to stop, or (with --once) nothing was due any more; 3: some work was carried and could not be
/// reported, so the server will give it out again; 1: an error.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The server, e.g. https://muster.contoso.example.
    #[arg(long, value_name = "URL")]
    server: Url,
    /// Its client id here, from `muster client add NAME --role Muster.Agent --target T`.
    #[arg(long, value_name = "ID")]
    client_id: String,
    /// A file with the client's secret; else it is read from the environment variable MUSTER_CLIENT_SECRET.
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
    /// The target to work for.
    #[arg(long)]
    target: String,
    /// The folder in which change files (LDIF) for it are put; it must exist.
    #[arg(long, value_name = "DIR")]
    ldif: PathBuf,
    /// PEM certificates trusted besides the machine's own.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Get the work through NATS, as this file says; it also names the server's key.
    #[arg(long, value_name = "FILE")]
    queue: Option<PathBuf>,
    /// Leave when nothing is due, in place of waiting for more.
    #[arg(long)]
    once: bool,
}

/// Some work could not be reported.
const NOT_ALL: u8 = 3;

pub(super) fn run(args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let is_there = args.ldif.is_dir();
    anyhow::ensure!(is_there, "there is no folder {}; make it, or mount its disk", args.ldif.display());
    let agent = Arc::new(agent(args)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let tally = runtime.block_on(async {
        let signals = StopSignals::listen().context("signals cannot be heard")?;
        agent.run(signals.asked()).await.context("the agent leaves")
    })?;
    if globals.json {
        say_json(&json!({ "settled": tally.settled, "unreported": tally.unreported }));
    } else {
        say(format!(
            "{} carried and reported, {} carried and not reported",
            counted(tally.settled, "piece of work", "pieces of work"),
            tally.unreported
        ));
    }
    Ok(if tally.unreported > 0 { ExitCode::from(NOT_ALL) } else { ExitCode::SUCCESS })
}

fn agent(args: &Args) -> anyhow::Result<Agent> {
    let secret = match &args.client_secret_file {
        Some(file) => SecretSource::File(file.clone()),
        None => SecretSource::Env(SECRET_VARIABLE.to_owned()),
    };
    let login = AgentLogin {
        server: args.server.clone(),
        client_id: args.client_id.clone(),
        client_secret: secret.read()?,
        ca: args.ca.as_deref().map(read_ca).transpose()?,
        nats: args.queue.as_deref().map(load_agent_queue).transpose().context("the queue cannot be set up")?,
        name: host_name(),
    };
    let folders = BTreeMap::from([(TargetId::new(&args.target), args.ldif.clone())]);
    let clock: Arc<dyn Clock> = Arc::new(SteadyClock::new());
    Ok(app::agent(&login, folders, &clock, args.once)?)
}

fn read_ca(path: &std::path::Path) -> anyhow::Result<Vec<u8>> {
    use std::io::Read as _;

    let open = || format!("{} cannot be read", path.display());
    let mut bytes = Vec::new();
    std::fs::File::open(path).with_context(open)?.take(CA_BYTES_MAX).read_to_end(&mut bytes).with_context(open)?;
    Ok(bytes)
}

/// The machine's name, as Linux tells it.
fn host_name() -> String {
    let told = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    told.trim().to_owned()
}
