//! `muster agent`: carries work inside the network, fetched from a server outside.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use serde_json::json;
use url::Url;

use super::Globals;
use super::jobs::Shown;
use super::screen::{counted, grouped, is_colourful, note, say, say_json};
use super::stop::StopSignals;
use crate::app::{self, AgentLogin};
use crate::clock::{Clock, SteadyClock};
use crate::config::{self, AgentMeant, Reached, SecretSource, load_agent_queue};
use crate::model::TargetId;
use crate::pipeline::agent::{Agent, Tally};
use crate::plain::plain;
use crate::queue::envelope::PinnedKeys;
use crate::queue::nats::NatsSettings;
use crate::writer::limited::Begun;

/// Where the secret is read unless a file is named.
const SECRET_VARIABLE: &str = "MUSTER_CLIENT_SECRET";

/// Carry work for targets inside the network: fetch it from a server, write it, report it; until SIGINT or SIGTERM.
///
/// With --config the agent's own file says all: the server, the directories, and what may be done there whatever the
/// server asks for. Without it, --server, --client-id, --target and --ldif put change files for one target into a folder.
///
/// Exit code 0: told to stop, or (with --once) nothing was due any more; 3: some work was carried and could not be
/// reported, so the server will give it out again; 1: an error, with --once also that the server does not let it in.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The agent's own file; samples/agent.toml is one.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["server", "client_id", "client_secret_file", "target", "ldif", "ca"])]
    config: Option<PathBuf>,
    /// Answer for the hour before: where a log of what was disabled, deleted and moved is missing or damaged, begin
    /// one without waiting for an hour, and leave. Stop the agent before.
    #[arg(long, requires = "config")]
    begin_log: bool,
    /// The server, e.g. https://muster.contoso.example.
    #[arg(long, value_name = "URL", required_unless_present = "config")]
    server: Option<Url>,
    /// Its client id here, from `muster client add NAME --role Muster.Agent --target T`.
    #[arg(long, value_name = "ID", required_unless_present = "config")]
    client_id: Option<String>,
    /// A file with the client's secret; else it is read from the environment variable MUSTER_CLIENT_SECRET.
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
    /// The target to work for.
    #[arg(long, required_unless_present = "config")]
    target: Option<String>,
    /// The folder in which change files (LDIF) for it are put; it must exist.
    #[arg(long, value_name = "DIR", required_unless_present = "config")]
    ldif: Option<PathBuf>,
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
    let agent = match &args.config {
        Some(file) => {
            let meant = load_agent(file)?;
            if args.begin_log {
                return begin_logs(&meant, globals);
            }
            agent_of_file(&meant, args)?
        }
        None => agent_of_words(args)?,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let tally = runtime.block_on(async {
        let signals = StopSignals::listen().context("signals cannot be heard")?;
        Arc::new(agent).run(signals.asked()).await.context("the agent leaves")
    })?;
    if globals.json {
        say_json(&tally_json(&tally));
    } else {
        say(tally_words(&tally));
    }
    Ok(if tally.unreported > 0 { ExitCode::from(NOT_ALL) } else { ExitCode::SUCCESS })
}

/// How work ends, and the words for it, in the order in which they are said.
const ENDS: [(&str, &str); 7] = [
    ("applied", "applied"),
    ("linked", "linked to an account that was there"),
    ("unchanged", "unchanged"),
    ("skipped", "skipped"),
    ("held", "held"),
    ("failed", "failed"),
    ("again", "to be tried again"),
];

fn tally_words(tally: &Tally) -> String {
    let ended = ENDS.iter().filter_map(|(word, said)| Some(format!("{} {said}", grouped(*tally.settled.get(word)?))));
    let unreported = (tally.unreported > 0)
        .then(|| format!("{} carried and not reported, so the server gives it out again", grouped(tally.unreported)));
    let told: Vec<_> = ended.chain(unreported).collect();
    let pieces = counted(tally.settled_in_all() + tally.unreported, "piece of work", "pieces of work");
    if told.is_empty() { pieces } else { format!("{pieces}: {}", told.join(", ")) }
}

fn tally_json(tally: &Tally) -> serde_json::Value {
    let mut json = json!({ "settled": tally.settled_in_all(), "unreported": tally.unreported });
    for (word, _) in ENDS {
        json[word] = json!(tally.settled.get(word).copied().unwrap_or_default());
    }
    json
}

/// Loads an agent's file, or shows everything that is wrong with it.
pub(super) fn load_agent(file: &Path) -> anyhow::Result<AgentMeant> {
    let loaded = config::load_agent(file);
    let report = loaded.as_ref().map_or_else(|report| report, |meant| &meant.warnings);
    if !report.findings().is_empty() {
        note(report.render(is_colourful()));
    }
    loaded.map_err(|_| Shown.into())
}

fn agent_of_file(meant: &AgentMeant, args: &Args) -> anyhow::Result<Agent> {
    for target in &meant.targets {
        if let Reached::Ldif { folder, .. } = &target.reached {
            must_be_there(folder)?;
        }
    }
    let name = meant.name.clone().unwrap_or_else(host_name);
    Ok(app::agent_of_file(meant, name, nats(args)?, args.once)?)
}

/// Where the work comes from besides the server, and whose signature it has.
fn nats(args: &Args) -> anyhow::Result<Option<(NatsSettings, PinnedKeys)>> {
    args.queue.as_deref().map(load_agent_queue).transpose().context("the queue cannot be set up")
}

fn begin_logs(meant: &AgentMeant, globals: &Globals) -> anyhow::Result<ExitCode> {
    for target in &meant.targets {
        let log = plain(&target.log.display().to_string()).into_owned();
        let (word, said) = match app::vouch(target)? {
            Begun::Anew { why } => ("begun", format!("{log} is begun ({why})")),
            Begun::Vouched => ("vouched", format!("{log} was begun by the agent; it does not wait any more")),
            Begun::WasGood => ("was good", format!("{log} was good already; what it has counted counts on")),
        };
        if globals.json {
            say_json(&json!({ "target": target.id.as_str(), "log": log, "log_was": word }));
        } else {
            say(format!("{}: {said}", target.id));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn agent_of_words(args: &Args) -> anyhow::Result<Agent> {
    let missing = "name --config, or all of --server, --client-id, --target and --ldif";
    let folder = args.ldif.clone().context(missing)?;
    must_be_there(&folder)?;
    let secret = match &args.client_secret_file {
        Some(file) => SecretSource::File(file.clone()),
        None => SecretSource::Env(SECRET_VARIABLE.to_owned()),
    };
    let login = AgentLogin {
        server: args.server.clone().context(missing)?,
        client_id: args.client_id.clone().context(missing)?,
        client_secret: secret.read()?,
        ca: args.ca.as_deref().map(app::certificates).transpose()?,
        nats: nats(args)?,
        name: host_name(),
    };
    let folders = BTreeMap::from([(TargetId::new(args.target.as_deref().context(missing)?), folder)]);
    let clock: Arc<dyn Clock> = Arc::new(SteadyClock::new());
    Ok(app::agent(&login, folders, &clock, args.once)?)
}

fn must_be_there(folder: &Path) -> anyhow::Result<()> {
    anyhow::ensure!(folder.is_dir(), "there is no folder {}; make it, or mount its disk", folder.display());
    Ok(())
}

/// The machine's name, as Linux tells it.
fn host_name() -> String {
    let told = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    told.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_carried_is_told_by_how_it_ended() {
        let tally = |settled: &[(&'static str, u64)], unreported| Tally {
            settled: settled.iter().copied().collect(),
            unreported,
        };
        assert_eq!(tally_words(&tally(&[], 0)), "0 pieces of work");
        assert_eq!(tally_words(&tally(&[("applied", 1)], 0)), "1 piece of work: 1 applied");
        let all = tally(&[("again", 2), ("failed", 3), ("applied", 1_000), ("held", 1), ("unchanged", 4)], 1);
        assert_eq!(
            tally_words(&all),
            "1 011 pieces of work: 1 000 applied, 4 unchanged, 1 held, 3 failed, 2 to be tried again, \
             1 carried and not reported, so the server gives it out again"
        );
        let json = json!({ "settled": 1_010, "unreported": 1, "applied": 1_000, "linked": 0, "unchanged": 4,
            "skipped": 0, "held": 1, "failed": 3, "again": 2 });
        assert_eq!(tally_json(&all), json);
    }
}
