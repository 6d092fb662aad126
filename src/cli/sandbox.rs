//! `muster sandbox`: a practice Entra tenant on this machine.

use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;

use super::Globals;
use super::screen::{say, say_json};
use super::stop::StopSignals;
use crate::chance;
use crate::clock::SystemClock;
use crate::config::SecretSource;
use crate::sandbox::{Sandbox, SandboxSettings, Throttle};

/// Where the secret is read, if it is set.
const SECRET_VARIABLE: &str = "MUSTER_ENTRA_SECRET";

/// Run a practice Entra tenant: enough of Microsoft Graph to provision against, in memory, until SIGINT or SIGTERM.
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
    /// How long it takes to answer, in milliseconds.
    #[arg(long, default_value_t = 0, value_name = "MS")]
    latency_ms: u64,
}

pub(super) fn run(args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let secret = match SecretSource::Env(SECRET_VARIABLE.to_owned()).read() {
        Ok(secret) => secret,
        Err(_) => chance::token()?.into(),
    };
    let settings = SandboxSettings {
        tenant: chance::uuid()?,
        domains: args.domains.clone(),
        client_id: args.client_id.clone(),
        client_secret: secret.clone(),
        users: Vec::new(),
        throttle: args
            .throttle
            .map(|writes| Throttle { writes, per: Duration::from_secs(args.throttle_seconds.get().into()) }),
        latency: (args.latency_ms > 0).then(|| Duration::from_millis(args.latency_ms)),
    };
    let sandbox = Sandbox::new(settings, Arc::new(SystemClock))?;
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
    Ok(ExitCode::SUCCESS)
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
