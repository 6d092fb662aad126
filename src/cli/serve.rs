//! `muster serve`: takes uploads over HTTP, decides on them, and brings the directories to that, until told to stop.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use serde_json::json;

use super::Globals;
use super::jobs::{WriteTimeout, load_job, warn_of_lost_targets};
use super::screen::{is_colourful, note, say, say_json};
use super::stop::StopSignals;
use super::test::refuse_unproven;
use crate::api::{self, ApiSettings, JobLimits, ServeError, TlsFiles};
use crate::app::{ActiveTarget, App, Hands};
use crate::clock::SystemClock;
use crate::config::{JobMeant, load_server_queue};
use crate::model::TargetId;
use crate::pipeline::schedule::Shutdown;
use crate::queue::Transport;
use crate::store::{Access, Store};

/// Threads that decide and deliver; the doors have their own.
const RUNTIME_THREADS: usize = 2;
const MIB: usize = 1024 * 1024;

/// Serve jobs: take uploads over HTTP, decide, and bring the directories to that, until SIGINT or SIGTERM.
///
/// Exit code 0: told to stop, and everything under way was finished; 1: an error; 130: told a second time, and not
/// waited for.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A job file; may be said several times.
    #[arg(long = "job", required = true, value_name = "FILE")]
    jobs: Vec<PathBuf>,
    /// The address to listen on. Without TLS it must be one of this very machine.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// The certificate for TLS with those that lead to its authority, in PEM.
    #[arg(long, requires = "tls_key", value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// Its private key, in PEM.
    #[arg(long, requires = "tls_cert", value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// How others reach this server, where that is not the address it listens on: behind a proxy, or by name.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Offer the work of some targets to their agents through NATS, as this file says.
    #[arg(long, value_name = "FILE")]
    queue: Option<PathBuf>,
    /// Take no more than Microsoft's service does: 50 operations in an upload.
    #[arg(long)]
    strict: bool,
    /// Let clients call as often as they like, in place of 40 times in 5 seconds.
    #[arg(long)]
    no_rate_limit: bool,
    #[command(flatten)]
    write: WriteTimeout,
}

pub(super) fn run(args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let jobs = load_all(args)?;
    let settings = settings(args, &jobs);
    // Before anything else is touched: an address that is taken is the commonest mistake.
    let listener = api::listen(args.listen, &settings).map_err(hint)?;
    let store = Arc::new(Store::open(&globals.data, Access::Alone)?);
    let mut app = App::new(store, Arc::new(SystemClock), args.write.lease_times());
    for job in &jobs {
        warn_of_lost_targets(&app.store, job)?;
        app.activate(job, true)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(RUNTIME_THREADS).enable_all().build()?;
    if let Some(file) = &args.queue {
        app.transport = Some(Arc::new(runtime.block_on(transport(file, &app))?));
    }
    let app = Arc::new(app);
    runtime.block_on(async {
        let (switch, shutdown) = Shutdown::new();
        let signals = StopSignals::listen().context("signals cannot be heard")?;
        let serving = api::serve(listener, Arc::clone(&app), settings, shutdown.clone()).map_err(hint)?;
        tell(&app, &serving, globals)?;
        tokio::spawn(async move {
            signals.asked().await;
            tracing::info!("stopping; what is under way is finished first");
            switch.send_replace(true);
        });
        let working = tokio::spawn({
            let app = Arc::clone(&app);
            async move { app.run(shutdown).await }
        });
        serving.run().await.context("the server ended")?;
        working.await.context("deciding and delivering broke off")
    })?;
    Ok(ExitCode::SUCCESS)
}

/// What brings work to agents. Where NATS is away for now, it is connected to later.
async fn transport(file: &Path, app: &App) -> anyhow::Result<Transport> {
    let wrong = || format!("the queue cannot be set up by {}", file.display());
    let (nats, offers) = load_server_queue(file).with_context(wrong)?;
    let is_left = |target: &TargetId| {
        let mut all = app.jobs.iter().flat_map(|job| &job.targets);
        all.any(|held| held.id == *target && matches!(held.hands, Hands::Agent))
    };
    if let Some(idle) = offers.targets.iter().find(|target| !is_left(target)) {
        anyhow::bail!("{} names the target `{idle}`, and no job leaves one of that name to agents", file.display());
    }
    Transport::connect(&nats, offers).await.with_context(wrong)
}

/// All job files; what is wrong with any is shown before anything is given up.
fn load_all(args: &Args) -> anyhow::Result<Vec<JobMeant>> {
    let loaded: Vec<_> = args.jobs.iter().map(|path| load_job(path)).collect();
    let jobs = loaded.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    for (at, (job, path)) in jobs.iter().zip(&args.jobs).enumerate() {
        refuse_unproven(path, job)?;
        if !job.warnings.findings().is_empty() {
            note(job.warnings.render(is_colourful()));
        }
        let name = &job.job.id;
        let is_twice = jobs[..at].iter().any(|other| other.job.id == *name);
        anyhow::ensure!(!is_twice, "two job files are called `{name}`: uploads could not tell them apart");
    }
    Ok(jobs)
}

fn settings(args: &Args, jobs: &[JobMeant]) -> ApiSettings {
    let defaults = ApiSettings::default();
    let limits = |job: &JobMeant| JobLimits {
        operations_max: job.limits.operations_max as usize,
        body_bytes_max: (job.limits.body_mib_max as usize).saturating_mul(MIB),
        staged_operations_max: job.limits.waiting_operations_max.into(),
    };
    let jobs: std::collections::BTreeMap<_, _> = jobs.iter().map(|job| (job.job.id.clone(), limits(job))).collect();
    // One gzip body at least must find room: as it came, and inflated.
    let largest = jobs.values().map(|limits| limits.body_bytes_max).max().unwrap_or_default();
    let tls = args.tls_cert.clone().zip(args.tls_key.clone());
    ApiSettings {
        strict: args.strict,
        in_flight_bytes_max: defaults.in_flight_bytes_max.max(largest.saturating_mul(2)),
        rate: defaults.rate.filter(|_| !args.no_rate_limit),
        agent_rate: defaults.agent_rate.filter(|_| !args.no_rate_limit),
        public_base_url: args.public_url.clone(),
        jobs,
        tls: tls.map(|(certificates, key)| TlsFiles { certificates, key }),
        ..defaults
    }
}

fn hint(error: ServeError) -> anyhow::Error {
    let hint = match &error {
        ServeError::InTheClear(_) => {
            Some("give --tls-cert and --tls-key, or listen on 127.0.0.1 behind a proxy that has them")
        }
        ServeError::Listen { .. } => Some("choose another address with --listen"),
        ServeError::Pem { .. } | ServeError::Tls(_) => None,
    };
    let error = anyhow::Error::from(error);
    match hint {
        Some(hint) => error.context(hint),
        None => error,
    }
}

/// Says where it listens, and what it serves.
fn tell(app: &App, serving: &api::Serving, globals: &Globals) -> anyhow::Result<()> {
    let url = &serving.url;
    let upload = |job: &str| {
        format!(
            "{url}/v1.0/servicePrincipals/00000000-0000-0000-0000-000000000000/synchronization/jobs/{job}/bulkUpload"
        )
    };
    let offered = app.transport.as_ref().map(|transport| transport.settings().targets.as_slice()).unwrap_or_default();
    let by = |target: &ActiveTarget| match &target.hands {
        Hands::Agent if offered.contains(&target.id) => "an agent, by NATS or not",
        Hands::Embedded(_) => "this process",
        Hands::Agent => "an agent",
    };
    if globals.json {
        let jobs = app.jobs.iter().map(|job| {
            let targets = job.targets.iter().map(|target| json!({ "target": target.id.as_str(), "by": by(target) }));
            json!({
                "job": job.core.id.as_str(),
                "bulkUpload": upload(job.core.id.as_str()),
                "targets": targets.collect::<Vec<_>>(),
            })
        });
        say_json(&json!({ "listening": serving.address.to_string(), "url": url, "jobs": jobs.collect::<Vec<_>>() }));
        return Ok(());
    }
    let reach = if url.starts_with("https:") { "" } else { ", for this machine only: there is no TLS" };
    say(format!("listening on {}{reach}", serving.address));
    for job in &app.jobs {
        say(format!("job {}: POST {}", job.core.id, upload(job.core.id.as_str())));
        for target in &job.targets {
            say(format!("  {} is written to by {}", target.id, by(target)));
        }
    }
    if app.store.clients()?.is_empty() {
        say("nobody may upload yet: add a client with `muster client add NAME --role SynchronizationData-User.Upload`");
    }
    Ok(())
}
