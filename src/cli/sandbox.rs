//! `muster sandbox`: a practice Entra tenant on this machine.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use secrecy::SecretString;
use serde_json::json;

use super::Globals;
use super::screen::{say, say_json};
use super::stop::StopSignals;
use crate::chance;
use crate::clock::SystemClock;
use crate::config::SecretSource;
use crate::sandbox::{Budget, Fault, Sandbox, SandboxSettings, Throttle};

/// Where the secret is read, if it is set.
const SECRET_VARIABLE: &str = "MUSTER_ENTRA_SECRET";

/// Run a practice Entra tenant: as strict as Microsoft Graph where people are provisioned, until SIGINT or SIGTERM.
///
/// Exit code 0: told to stop; 1: an error.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The address to listen on; this machine's own only.
    #[arg(long, default_value = "127.0.0.1:8090", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// A verified domain of the tenant; the first also names it. May be said several times.
    #[arg(long = "domain", default_value = "contoso.example")]
    domains: Vec<String>,
    /// The application that may ask for tokens.
    #[arg(long, default_value = "practice", value_name = "ID")]
    client_id: String,
    /// Answer 429 with Retry-After beyond so many writes in a window (Microsoft: 3000 in 150 seconds) [default: never].
    #[arg(long, value_name = "WRITES")]
    throttle: Option<u32>,
    /// The window, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "150", requires = "throttle")]
    throttle_seconds: std::num::NonZeroU32,
    /// Answer 429 beyond so many resource units in ten seconds (Microsoft: 3500 to 8000) [default: never].
    #[arg(long, value_name = "UNITS")]
    units: Option<u32>,
    /// Say Retry-After with its fraction of a second, as Microsoft's example does.
    #[arg(long)]
    fraction: bool,
    /// Count what is answered 429, too.
    #[arg(long)]
    count_rejected: bool,
    /// What goes wrong: a word, and `of=`, `next=`, `share=`, `seed=`, `seconds=`. May be said several times, and
    /// over HTTP (POST /sandbox/faults).
    ///
    /// Words: throttled, failed-before, failed-after, reset-after, slow, late, unauthorized, concurrency.
    /// Of: requests, writes, reads, creates, batches, tokens. Example: "throttled of=writes share=0.05 seconds=2.5".
    #[arg(long = "fault", value_name = "FAULT", value_parser = fault)]
    faults: Vec<Fault>,
    /// Keep users and groups in this file: what was answered is there, also after kill -9.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// How long it takes to answer, in milliseconds.
    #[arg(long, default_value_t = 0, value_name = "MS")]
    latency_ms: u64,
}

pub(super) fn run(args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let secret = match SecretSource::Env(SECRET_VARIABLE.to_owned()).read() {
        Ok(secret) => secret,
        Err(_) => chance::token()?.into(),
    };
    let sandbox = tenant(args, secret.clone())?;
    let listener = TcpListener::bind(args.listen).with_context(|| format!("{} cannot be listened on", args.listen))?;
    let address = listener.local_addr()?;
    tell(args, address, secrecy::ExposeSecret::expose_secret(&secret), globals);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let signals = StopSignals::listen().context("signals cannot be heard")?;
        let (server, handle) = sandbox.serve(listener)?;
        tokio::spawn(async move {
            signals.asked().await;
            handle.stop(true).await;
        });
        server.await.context("the practice tenant ended")
    })?;
    sandbox.close().context("the practice tenant's file cannot be written")?;
    Ok(ExitCode::SUCCESS)
}

/// The tenant that was asked for.
fn tenant(args: &Args, secret: SecretString) -> anyhow::Result<Sandbox> {
    let throttle =
        args.throttle.map(|writes| Throttle { writes, per: Duration::from_secs(args.throttle_seconds.get().into()) });
    let settings = SandboxSettings {
        tenant: chance::uuid()?,
        domains: args.domains.clone(),
        client_id: args.client_id.clone(),
        client_secret: secret,
        users: Vec::new(),
        throttle,
        latency: (args.latency_ms > 0).then(|| Duration::from_millis(args.latency_ms)),
    };
    let clock = Arc::new(SystemClock);
    let sandbox = match &args.file {
        Some(file) => Sandbox::kept(settings, clock, file)?,
        None => Sandbox::new(settings, clock)?,
    };
    sandbox.set_budget(Budget {
        writes: throttle,
        units: args.units,
        fraction: args.fraction,
        rejected_count: args.count_rejected,
    });
    for fault in &args.faults {
        sandbox.order(fault.clone())?;
    }
    Ok(sandbox)
}

/// A fault in words: `throttled of=writes share=0.05 seconds=2.5`.
fn fault(words: &str) -> Result<Fault, String> {
    let mut words = words.split_whitespace();
    let mut said = serde_json::Map::new();
    said.insert("fault".to_owned(), json!(words.next().unwrap_or_default()));
    for word in words {
        let (name, value) = word.split_once('=').ok_or_else(|| format!("`{word}` is not NAME=VALUE"))?;
        let number = value.parse::<u64>().ok().map(|number| json!(number));
        let number = number.or_else(|| value.parse::<f64>().ok().map(|number| json!(number)));
        said.insert(name.to_owned(), number.unwrap_or_else(|| json!(value)));
    }
    serde_json::from_value(said.into()).map_err(|error| error.to_string())
}

/// What goes into a job file. The secret is of no worth elsewhere, and ends with the tenant.
fn tell(args: &Args, address: SocketAddr, secret: &str, globals: &Globals) {
    let tenant = args.domains.first().map_or("", String::as_str);
    if globals.json {
        say_json(&json!({
            "listening": address.to_string(), "baseUrl": format!("http://{address}/v1.0"),
            "authority": format!("http://{address}"), "tenant": tenant, "clientId": args.client_id, "clientSecret": secret,
        }));
        return;
    }
    say(format!("a practice tenant is listening on {address}; in a job file:"));
    say(format!("  base_url = \"http://{address}/v1.0\""));
    say(format!("  authority = \"http://{address}\""));
    say(format!("  tenant = \"{tenant}\""));
    say(format!("  client_id = \"{}\"", args.client_id));
    say(format!("  client_secret = {{ env = \"{SECRET_VARIABLE}\" }}    # {SECRET_VARIABLE}={secret}"));
}
