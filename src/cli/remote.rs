//! `muster import --server`: an export, sent to a server as bulk uploads; and how it ended there.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;
use url::Url;

use super::Globals;
use super::import::{print_outcomes, print_scan, scan_json};
use super::jobs::csv_settings;
use super::screen::{Progress, counted, grouped, note, say, say_json};
use crate::clock::SystemClock;
use crate::config::{JobMeant, SecretSource};
use crate::decide::Concealment;
use crate::pipeline::conceal::conceal_faults;
use crate::pipeline::send::{
    BODY_BYTES_MAX, Destination, Followed, PACE_DEFAULT, Pace, SendError, SendLimits, SendProgress, Sender, Sent, Told,
    Wait, said_by,
};
use crate::plain::plain;
use crate::source::{Rows, Scan, scan};

/// Where the secret is read unless a file is named.
pub(super) const CLIENT_SECRET_VARIABLE: &str = "MUSTER_CLIENT_SECRET";
/// What Microsoft's token service wants to hear; muster's own takes anything.
const SCOPE: &str = "https://graph.microsoft.com/.default";
/// Longest certificate file, in bytes. A whole machine's authorities are a quarter of a megabyte.
const CA_BYTES_MAX: u64 = 1024 * 1024;
/// Held and failed rows shown; `--json` has more.
const TOLD_SHOWN_MAX: usize = 20;
/// Pauses that are told of. Shorter ones are over before they are read.
const PAUSE_TOLD: Duration = Duration::from_secs(5);
/// Some rows are held or failed.
const NOT_ALL: u8 = 3;

/// Where an export is sent.
#[derive(Debug, clap::Args)]
#[group(id = "remote")]
#[command(next_help_heading = "Through a server")]
pub(super) struct Args {
    /// Send the export to this server, in place of importing it here. The address without the version:
    /// `https://muster.example`, or `https://graph.microsoft.com` for Microsoft's own service.
    #[arg(long, value_name = "URL", requires = "client_id")]
    pub(super) server: Option<Url>,
    /// The job's id on the server [default: the job's name].
    #[arg(long, value_name = "ID", requires = "server")]
    job_id: Option<String>,
    /// The application that has the job (Microsoft: the object id of its service principal).
    #[arg(long, value_name = "ID", requires = "server", default_value = "muster")]
    service_principal: String,
    /// Who gives tokens [default: the server, at /muster/oauth2/v2.0/token].
    #[arg(long, value_name = "URL", requires = "server")]
    token_url: Option<Url>,
    /// What a token is asked for.
    #[arg(long, requires = "server", default_value = SCOPE)]
    scope: String,
    /// The client that sends. Its secret is read from MUSTER_CLIENT_SECRET, or from a file.
    #[arg(long, value_name = "ID", requires = "server")]
    client_id: Option<String>,
    /// The file with the client's secret.
    #[arg(long, value_name = "FILE", requires = "server")]
    client_secret_file: Option<PathBuf>,
    /// Certificates (PEM) to trust besides the machine's own.
    #[arg(long, value_name = "FILE", requires = "server")]
    ca: Option<PathBuf>,
    /// Operations in one request. Microsoft's service takes 50.
    #[arg(long, value_name = "COUNT", requires = "server", default_value = "1000")]
    chunk: NonZeroU32,
    /// Requests in five seconds.
    #[arg(long, value_name = "COUNT", requires = "server", default_value = "40")]
    rate: NonZeroU32,
    /// Seconds to wait until it is known how all rows ended; 0 does not ask.
    #[arg(long, value_name = "SECONDS", requires = "server", default_value = "300")]
    wait: u32,
}

/// What came of it.
struct Done {
    scan: Scan,
    sent: Sent,
    /// Nothing, where nobody was asked.
    followed: Option<Followed>,
}

/// Sends the export at `source` for `job`; exit codes as for an import here.
pub(super) fn import(source: &Path, job: &JobMeant, args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let settings = csv_settings(job)?;
    let sender = sender(job, args)?;
    let bar = Progress::new("looking", std::fs::metadata(source).map_or(0, |held| held.len()), true);
    let mut scan = scan(source, settings, &mut |bytes| bar.at(bytes))?;
    conceal_faults(&Concealment::of(&job.job), settings, &mut scan);
    bar.end();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(send_and_follow(source, scan, &sender, args))?;
    let outcomes = outcomes(&done);
    if globals.json {
        say_json(&done_json(&done, &outcomes));
    } else {
        print_done(&done, &outcomes);
    }
    let all = outcomes.iter().all(|(word, count)| *count == 0 || !matches!(*word, "held" | "failed"));
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::from(NOT_ALL) })
}

fn sender(job: &JobMeant, args: &Args) -> anyhow::Result<Sender> {
    let server = args.server.clone().context("there is no server to send to; name it with --server")?;
    anyhow::ensure!(
        !["/v1.0", "/beta"].iter().any(|version| server.path().trim_end_matches('/').ends_with(version)),
        "--server takes the address without the version; leave out what follows the host's name"
    );
    let secret = match &args.client_secret_file {
        Some(file) => SecretSource::File(file.clone()),
        None => SecretSource::Env(CLIENT_SECRET_VARIABLE.to_owned()),
    };
    let destination = Destination {
        token_url: args.token_url.clone().map_or_else(|| own_token_url(&server), Ok)?,
        server,
        service_principal: args.service_principal.clone(),
        job: args.job_id.clone().unwrap_or_else(|| job.job.id.as_str().to_owned()),
        scope: args.scope.clone(),
        client_id: args.client_id.clone().context("say who sends, with --client-id")?,
        client_secret: secret.read()?,
        extra_ca: args.ca.as_deref().map(certificates).transpose()?,
    };
    let pace = Pace { requests: args.rate, per: PACE_DEFAULT.per };
    let limits = SendLimits { operations_max: args.chunk, bytes_max: BODY_BYTES_MAX, pace };
    let wait: Wait = Arc::new(|pause| Box::pin(tokio::time::sleep(pause)));
    Ok(Sender::new(&destination, limits, Arc::new(SystemClock), wait)?)
}

pub(super) fn own_token_url(server: &Url) -> anyhow::Result<Url> {
    let mut url = server.clone();
    match url.path_segments_mut() {
        Ok(mut segments) => segments.pop_if_empty().extend(["muster", "oauth2", "v2.0", "token"]),
        Err(()) => anyhow::bail!("--server is no address of a web service"),
    };
    Ok(url)
}

pub(super) fn certificates(file: &Path) -> anyhow::Result<Vec<u8>> {
    let bytes = std::fs::metadata(file).with_context(|| format!("cannot read {}", file.display()))?.len();
    anyhow::ensure!(bytes <= CA_BYTES_MAX, "{} is too long for a file of certificates", file.display());
    std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

async fn send_and_follow(source: &Path, scan: Scan, sender: &Sender, args: &Args) -> anyhow::Result<Done> {
    let mut rows = Rows::open(source, &scan)?;
    let total = scan.rows.len() as u64;
    let mut sent = Sent::default();
    let bar = Progress::new("sending", total, false);
    let sending = sender.send(said_by(&mut rows, &scan), &mut sent, &mut |at| show(at, &bar)).await;
    bar.end();
    if let Err(error) = sending {
        note(format!(
            "{} of {} rows were accepted before that; send the export again when it is mended",
            grouped(sent.operations),
            grouped(total)
        ));
        return Err(with_hint(error));
    }
    let is_followed = args.wait > 0 && !sent.uploads.is_empty();
    let followed = if is_followed { Some(follow(sender, &sent, args.wait).await?) } else { None };
    Ok(Done { scan, sent, followed })
}

async fn follow(sender: &Sender, sent: &Sent, seconds: u32) -> anyhow::Result<Followed> {
    let bar = Progress::new("deciding", sent.operations, false);
    let wait = Duration::from_secs(seconds.into());
    let followed = sender.follow(sent, wait, &mut |at| show(at, &bar)).await;
    bar.end();
    followed.with_context(|| {
        format!("all {} rows were accepted, but how they ended is not known", grouped(sent.operations))
    })
}

fn show(at: SendProgress, bar: &Progress) {
    match at {
        SendProgress::Accepted(done) | SendProgress::Ended(done) => bar.at(done),
        SendProgress::Pausing(pause) if pause >= PAUSE_TOLD => {
            note(format!(
                "the server cannot be reached, or cannot take more now; trying again in {} s",
                pause.as_secs()
            ));
        }
        SendProgress::Pausing(_) => {}
    }
}

/// What to do about a refusal that our own words can cure.
fn with_hint(error: SendError) -> anyhow::Error {
    let hint = match &error {
        SendError::Refused(refusal) => match refusal.status {
            401 | 403 => "the server does not let this client upload; look at its roles and its secret",
            404 | 405 => "the server does not know this job; look at --server, --service-principal and --job-id",
            413 => "a request is too large for the server; send fewer rows at once with --chunk",
            _ => return error.into(),
        },
        _ => return error.into(),
    };
    anyhow::Error::from(error).context(hint)
}

/// How everybody in the file ended: those whose rows were sent, and those whose rows could not be.
fn outcomes(done: &Done) -> Vec<(&'static str, u64)> {
    let mut outcomes = match &done.followed {
        Some(followed) => followed.outcomes.clone(),
        None if done.sent.operations > 0 => vec![("accepted", done.sent.operations)],
        None => Vec::new(),
    };
    let contradicting: usize = done.scan.duplicates.iter().map(|duplicate| duplicate.lines.len()).sum();
    for (word, count) in [("held", contradicting as u64), ("failed", done.scan.faults.len() as u64)] {
        match outcomes.iter_mut().find(|(known, _)| *known == word) {
            Some((_, counted)) => *counted += count,
            None if count > 0 => outcomes.push((word, count)),
            None => {}
        }
    }
    outcomes
}

fn print_done(done: &Done, outcomes: &[(&'static str, u64)]) {
    print_scan(&done.scan);
    let Done { sent, followed, .. } = done;
    let rows = counted(sent.operations, "row", "rows");
    say(format!("{rows} accepted in {}", counted(sent.requests, "request", "requests")));
    print_outcomes(outcomes, 0);
    match followed {
        Some(followed) => print_followed(followed),
        None => print_where(sent),
    }
}

fn print_followed(followed: &Followed) {
    if !followed.told.is_empty() {
        say("Held and failed on the server:");
        followed.told.iter().take(TOLD_SHOWN_MAX).for_each(print_told);
    }
    let more = (followed.count("held") + followed.count("failed")).saturating_sub(TOLD_SHOWN_MAX as u64);
    if more > 0 {
        say(format!("  and {} more", grouped(more)));
    }
    if followed.pending() > 0 {
        say(format!("{} have not ended yet; the server goes on with them", grouped(followed.pending())));
    }
}

fn print_told(told: &Told) {
    let whom = told.anchor.as_deref().or(told.bulk_id.as_deref()).unwrap_or("?");
    say(format!("  {} {}: {}: {}", plain(whom), told.outcome, plain(&told.code), plain(&told.message)));
}

fn print_where(sent: &Sent) {
    if let Some(location) = &sent.location {
        say(format!("how they end is told at {}", plain(location)));
    }
}

fn done_json(done: &Done, outcomes: &[(&'static str, u64)]) -> serde_json::Value {
    let told = done.followed.iter().flat_map(|followed| &followed.told);
    json!({
        "uploads": done.sent.uploads.iter().map(|upload| upload.id.0).collect::<Vec<_>>(),
        "accepted": done.sent.operations,
        "requests": done.sent.requests,
        "location": done.sent.location,
        "source": scan_json(&done.scan),
        "outcomes": outcomes.iter().map(|(word, count)| ((*word).to_owned(), json!(count))).collect::<serde_json::Map<_, _>>(),
        "heldAndFailed": told.map(|told| json!({
            "externalId": told.anchor, "bulkId": told.bulk_id, "outcome": told.outcome,
            "reason": { "code": told.code, "message": told.message },
        })).collect::<Vec<_>>(),
    })
}
