//! `muster agent`: carries work inside the network, fetched from a server outside.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;
use url::Url;

use super::Globals;
use super::screen::{say, say_json};
use super::stop::StopSignals;
use crate::clock::{Clock, SystemClock};
use crate::config::SecretSource;
use crate::http_client;
use crate::model::TargetId;
use crate::pipeline::agent::{Agent, AgentSettings};
use crate::queue::remote::{BearerSource, RemoteQueue};
use crate::token::TokenSource;
use crate::writer::Writer;
use crate::writer::ldif::{LdifSettings, LdifWriter};

/// Where the secret is read unless a file is named.
const SECRET_VARIABLE: &str = "MUSTER_CLIENT_SECRET";
/// What Microsoft's token service wants to hear; muster's own takes anything.
const SCOPE: &str = "https://graph.microsoft.com/.default";
/// How long a token request may take. A question for work has a longer time of its own.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long a question is kept open; the server closes it after as long.
const WAIT: Duration = Duration::from_secs(30);
/// Work items carried at once. Each is a file to be synced, which a disk does some hundred times a second.
const CONCURRENCY_MAX: u32 = 8;
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
            "{} pieces of work carried and reported, {} carried and not reported",
            tally.settled, tally.unreported
        ));
    }
    Ok(if tally.unreported > 0 { ExitCode::from(NOT_ALL) } else { ExitCode::SUCCESS })
}

fn agent(args: &Args) -> anyhow::Result<Agent> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ca = args.ca.as_deref().map(read_ca).transpose()?;
    let client = http_client::build(&args.server, TIMEOUT, ca.as_deref())?;
    let bearer = bearer(args, client.clone(), Arc::clone(&clock))?;
    let queue = RemoteQueue::new(client, &args.server, bearer, Arc::clone(&clock))?;
    let writer: Arc<dyn Writer> = Arc::new(LdifWriter::new(LdifSettings::new(&args.ldif)));
    let writers = BTreeMap::from([(TargetId::new(&args.target), writer)]);
    let settings = AgentSettings { concurrency_max: CONCURRENCY_MAX, wait: WAIT, once: args.once };
    Ok(Agent { queue, writers, clock, settings })
}

fn bearer(args: &Args, http: reqwest::Client, clock: Arc<dyn Clock>) -> anyhow::Result<BearerSource> {
    let secret = match &args.client_secret_file {
        Some(file) => SecretSource::File(file.clone()),
        None => SecretSource::Env(SECRET_VARIABLE.to_owned()),
    };
    let mut url = args.server.clone();
    url.path_segments_mut()
        .map_err(|()| anyhow::anyhow!("`{}` is no address of a web service", args.server))?
        .pop_if_empty()
        .extend(["muster", "oauth2", "v2.0", "token"]);
    let tokens = Arc::new(TokenSource::new(&url, &args.client_id, &secret.read()?, SCOPE, http, clock));
    Ok(Arc::new(move || {
        let tokens = Arc::clone(&tokens);
        Box::pin(async move { tokens.bearer().await.map_err(Into::into) })
    }))
}

fn read_ca(path: &std::path::Path) -> anyhow::Result<Vec<u8>> {
    use std::io::Read as _;

    let open = || format!("{} cannot be read", path.display());
    let mut bytes = Vec::new();
    std::fs::File::open(path).with_context(open)?.take(CA_BYTES_MAX).read_to_end(&mut bytes).with_context(open)?;
    Ok(bytes)
}
