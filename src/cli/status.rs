//! `muster status`: how things stand, and when the queues will be empty.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use url::Url;

use super::Globals;
use super::jobs::{open_store, running_job};
use super::remote::{CLIENT_SECRET_VARIABLE, certificates, own_token_url};
use super::screen::{grouped, say, say_json, table};
use crate::api::{AgentWire, By, CountWire, PaceWire, StatusWire, TargetWire, Written, status};
use crate::clock::{Clock as _, SystemClock};
use crate::config::{JobMeant, SecretSource};
use crate::http_client;
use crate::model::{JobId, TargetId};
use crate::plain::plain;
use crate::store::{Access, JobState, Store};
use crate::token::TokenSource;

/// How long a server may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Reasons shown of one kind; `--json` has all.
const REASONS_MAX: usize = 5;

/// Tell how things stand: work that is due, under way, put off, held and failed at each target, its pace, its agents, and
/// when its queue will be empty. A running server knows its pace, so ask it with --server; the data folder does not.
///
/// Exit code 0: it was told; 1: an error.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only of this job.
    #[arg(long, value_name = "NAME")]
    job: Option<String>,
    /// Ask this server, in place of the data folder. The address without the version: `https://muster.example`.
    #[arg(long, value_name = "URL", requires = "client_id")]
    server: Option<Url>,
    /// The client that asks; it needs the role ProvisioningLog.Read.All. Its secret is read from MUSTER_CLIENT_SECRET, or
    /// from a file.
    #[arg(long, value_name = "ID", requires = "server")]
    client_id: Option<String>,
    /// The file with the client's secret.
    #[arg(long, value_name = "FILE", requires = "server")]
    client_secret_file: Option<PathBuf>,
    /// Certificates (PEM) to trust besides the machine's own.
    #[arg(long, value_name = "FILE", requires = "server")]
    ca: Option<PathBuf>,
}

pub(super) fn run(args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let mut status = match &args.server {
        Some(server) => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(ask(server, args))?
        }
        None => of_folder(&open_store(&globals.data, Access::Beside)?)?,
    };
    if let Some(name) = &args.job {
        status.jobs.retain(|job| job.job == *name);
        anyhow::ensure!(!status.jobs.is_empty(), "there is no job `{name}`");
    }
    if globals.json {
        say_json(&serde_json::to_value(&status)?);
    } else {
        print(&status);
    }
    Ok(ExitCode::SUCCESS)
}

async fn ask(server: &Url, args: &Args) -> anyhow::Result<StatusWire> {
    let secret = match &args.client_secret_file {
        Some(file) => SecretSource::File(file.clone()),
        None => SecretSource::Env(CLIENT_SECRET_VARIABLE.to_owned()),
    };
    let client_id = args.client_id.as_deref().context("say who asks, with --client-id")?;
    let extra_ca = args.ca.as_deref().map(certificates).transpose()?;
    let http = http_client::build(server, ANSWER_TIMEOUT, extra_ca.as_deref())?;
    let clock = Arc::new(SystemClock);
    let tokens = TokenSource::new(&own_token_url(server)?, client_id, &secret.read()?, "muster", http.clone(), clock);
    let mut url = server.clone();
    match url.path_segments_mut() {
        Ok(mut segments) => segments.pop_if_empty().extend(["muster", "v1", "status"]),
        Err(()) => anyhow::bail!("--server is no address of a web service"),
    };
    let token = tokens.bearer().await?;
    let request = http.get(url).bearer_auth(secrecy::ExposeSecret::expose_secret(&token));
    let response = request.send().await.map_err(http_client::why).map_err(anyhow::Error::msg)?;
    let code = response.status();
    let body = http_client::read_answer(response).await?;
    match code.as_u16() {
        200 => {
            serde_json::from_slice(&body).context("the server's answer is not understood; is it of another version?")
        }
        401 | 403 => {
            anyhow::bail!("the server does not let this client ask ({code}); it needs ProvisioningLog.Read.All")
        }
        _ => anyhow::bail!("the server answers {code}"),
    }
}

/// How things stand by what is in the data folder: who writes is known by the job file that last ran.
fn of_folder(store: &Store) -> anyhow::Result<StatusWire> {
    let states = store.jobs()?.iter().map(|id: &JobId| store.job(id)).collect::<Result<Vec<_>, _>>()?;
    let states: Vec<JobState> = states.into_iter().flatten().collect();
    let files: Vec<Option<JobMeant>> = states.iter().map(|state| running_job(store, state).unwrap_or(None)).collect();
    let by = |state: &JobState, target: &TargetId| {
        let file = states.iter().position(|held| held.key == state.key).and_then(|at| files[at].as_ref());
        let connection = file.and_then(|file| file.connections.iter().find(|(id, _)| id == target));
        let kind = connection.and_then(|(_, connection)| connection.kind_at_agents());
        let by = match connection {
            Some(_) if kind.is_some() => By::Agent,
            Some(_) => By::Server,
            None => By::Unknown,
        };
        Written { by, pace: None, kind }
    };
    Ok(status(store, &states.iter().collect::<Vec<_>>(), SystemClock.now(), &by)?)
}

fn print(status: &StatusWire) {
    if status.jobs.is_empty() {
        say("no job has run here yet");
    }
    if status.to_decide > 0 {
        say(format!("{} accepted and not decided yet", operations(status.to_decide)));
    }
    for job in &status.jobs {
        say(format!("job {}", plain(&job.job)));
        let mut rows = table(["target", "linked", "due", "under way", "put off", "held", "failed", "queue empty in"]);
        for at in &job.targets {
            rows.add_row([
                plain(&at.target).into_owned(),
                grouped(at.linked),
                grouped(at.due),
                grouped(at.under_way),
                grouped(at.put_off.iter().map(|put_off| put_off.count).sum()),
                total(&at.held),
                total(&at.failed),
                at.empty_in_seconds.map_or("unknown".to_owned(), time),
            ]);
        }
        say(rows.trim_fmt());
        job.targets.iter().for_each(print_target);
    }
}

fn operations(count: u64) -> String {
    super::screen::counted(count, "operation is", "operations are")
}

fn total(counts: &[CountWire]) -> String {
    grouped(counts.iter().map(|count| count.count).sum())
}

/// What there is to say besides the numbers.
fn print_target(at: &TargetWire) {
    let line = |words: String| say(format!("  {}: {}", plain(&at.target), plain(&words)));
    if at.leavers > 0 {
        line(format!("{} for people who leave, which goes first", pieces(at.leavers)));
    }
    if at.written_per_second > 0.0 {
        line(format!("{} changes a second in the last minute", at.written_per_second));
    }
    if let Some(pace) = &at.pace {
        line(pace_words(pace));
    }
    for put_off in at.put_off.iter().take(REASONS_MAX) {
        let why = if put_off.why.is_empty() { "no reason is known" } else { &put_off.why };
        line(format!("put off: {} {why}, from {} on", grouped(put_off.count), put_off.until));
    }
    for (word, counts) in [("held", &at.held), ("failed", &at.failed)] {
        for count in counts.iter().take(REASONS_MAX) {
            line(format!("{word}: {} {}", grouped(count.count), count.why));
        }
    }
    if at.by == By::Agent {
        line(agents_words(at));
    }
}

fn pieces(count: u64) -> String {
    super::screen::counted(count, "piece of work is", "pieces of work are")
}

fn pace_words(pace: &PaceWire) -> String {
    let left = format!(
        "{} of {} writes in {} s are left",
        grouped(pace.left.into()),
        grouped(pace.writes.into()),
        pace.per_seconds
    );
    match pace.closed_for_seconds.ceil() as u64 {
        0 => left,
        seconds => format!("{left}; it asks for patience for {}", time(seconds)),
    }
}

/// Which agents there are; and why work waits where none is.
fn agents_words(at: &TargetWire) -> String {
    let here: Vec<_> = at.agents.iter().filter(|agent| agent.is_here && at.fits(agent)).collect();
    if !here.is_empty() {
        let told = here
            .iter()
            .map(|agent| format!("{} ({}), asked {} ago", agent.name, agent.version, time(agent.last_seen_seconds)));
        return format!("agents: {}", told.collect::<Vec<_>>().join("; "));
    }
    let waits = if at.due + at.under_way > 0 { "work waits: " } else { "" };
    match at.agents.iter().min_by_key(|agent| agent.last_seen_seconds) {
        Some(agent) if !at.fits(agent) => format!(
            "{waits}{} asked last, {} ago, and is given no work: in its file the target is of kind `{}`, in the job of \
             kind `{}`; correct one of the two",
            name(agent),
            time(agent.last_seen_seconds),
            agent.kind.as_deref().unwrap_or_default(),
            at.kind.as_deref().unwrap_or_default(),
        ),
        Some(agent) => {
            format!("{waits}no agent is here; {} asked last, {} ago", name(agent), time(agent.last_seen_seconds))
        }
        None => format!("{waits}no agent has ever asked for it; `muster agent` does"),
    }
}

fn name(agent: &AgentWire) -> &str {
    if agent.name.is_empty() { "one" } else { &agent.name }
}

/// A time as people say it.
fn time(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds.div_ceil(60)),
        7_200..172_800 => format!("{} h", seconds.div_ceil(3_600)),
        _ => format!("{} days", seconds.div_ceil(86_400)),
    }
}
