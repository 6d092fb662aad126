//! `muster client`: who may speak to the server.

use std::process::ExitCode;

use anyhow::Context as _;
use comfy_table::ContentArrangement;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::Globals;
use super::jobs::open_store;
use super::screen::{say, say_json, table};
use crate::api::{Role, UnknownRole, sha256};
use crate::chance;
use crate::clock::{Clock as _, SystemClock};
use crate::store::{Access, Client, NewClient, Store};

/// Longest name of a client.
const NAME_CHARS_MAX: usize = 64;

/// Add, list and disable clients. A running server takes notice at once.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Add a client; its id and secret are shown once, and never again.
    Add {
        /// What people call it: letters, digits, `-`, `_`, `.`.
        name: String,
        /// What it may do: SynchronizationData-User.Upload, ProvisioningLog.Read.All, Muster.Agent.
        #[arg(long = "role", required = true, value_parser = role)]
        roles: Vec<Role>,
        /// A target an agent may work at.
        #[arg(long = "target")]
        targets: Vec<String>,
    },
    /// List all clients.
    List,
    /// Disable a client; its tokens end at once.
    Disable {
        /// Its name.
        name: String,
    },
}

fn role(name: &str) -> Result<Role, String> {
    Role::parse(name).map_err(|error| match error {
        UnknownRole { nearest: Some(nearest), .. } => format!("did you mean `{nearest}`?"),
        other => other.to_string(),
    })
}

pub(super) fn run(args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    match &args.what {
        What::Add { name, roles, targets } => add(name, roles, targets, globals)?,
        What::List => list(globals)?,
        What::Disable { name } => disable(name, globals)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn add(name: &str, roles: &[Role], targets: &[String], globals: &Globals) -> anyhow::Result<()> {
    anyhow::ensure!(is_name(name), "a name has 1 to {NAME_CHARS_MAX} letters, digits, `-`, `_` or `.`");
    let is_agent = roles.contains(&Role::Agent);
    anyhow::ensure!(!is_agent || !targets.is_empty(), "say with --target which targets the agent may work at");
    anyhow::ensure!(is_agent || targets.is_empty(), "--target is for agents: add --role {}", Role::Agent);
    if let Some(target) = targets.iter().find(|target| !is_name(target)) {
        anyhow::bail!("`{target}` is not what a target can be called");
    }
    // The first client may come before the first `serve`.
    let store = Store::open(&globals.data, Access::Beside)?;
    let (id, secret) = add_client(&store, name, roles, targets)?;
    let secret = secret.expose_secret();
    if globals.json {
        say_json(&json!({ "name": name, "clientId": id, "clientSecret": secret }));
    } else {
        say(format!("client_id      {id}"));
        say(format!("client_secret  {secret}"));
        say("The secret is not shown again: only its hash is kept. Tokens: POST /{any tenant}/oauth2/v2.0/token");
    }
    Ok(())
}

/// Adds a client with a new id and a new secret; the store keeps only the secret's hash.
pub(super) fn add_client(
    store: &Store,
    name: &str,
    roles: &[Role],
    targets: &[String],
) -> anyhow::Result<(String, SecretString)> {
    let (id, secret) = (chance::uuid()?, chance::token()?);
    let client = Client {
        id: id.clone(),
        name: name.to_owned(),
        roles: roles.iter().map(ToString::to_string).collect(),
        targets: targets.to_vec(),
        created_at: SystemClock.now(),
        disabled_at: None,
    };
    let added = store.add_client(&NewClient { client, secret_hash: sha256(secret.as_bytes()) })?;
    anyhow::ensure!(added, "there is a client `{name}` already; choose another name (a disabled one keeps its own)");
    Ok((id, SecretString::from(secret)))
}

fn is_name(name: &str) -> bool {
    (1..=NAME_CHARS_MAX).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

fn list(globals: &Globals) -> anyhow::Result<()> {
    let clients = open_store(&globals.data, Access::Beside)?.clients().context("clients cannot be read")?;
    if globals.json {
        let clients = clients.iter().map(|client| {
            json!({
                "name": client.name, "clientId": client.id, "roles": client.roles, "targets": client.targets,
                "createdAt": client.created_at.to_string(), "disabledAt": client.disabled_at.map(|at| at.to_string()),
            })
        });
        say_json(&clients.collect());
        return Ok(());
    }
    // An id that is broken over two lines cannot be copied.
    let mut rows = table(["name", "client_id", "may", "at", "added", "disabled"]);
    rows.set_content_arrangement(ContentArrangement::Disabled);
    for client in &clients {
        rows.add_row([
            client.name.clone(),
            client.id.clone(),
            client.roles.join(" "),
            client.targets.join(" "),
            client.created_at.to_string(),
            client.disabled_at.map(|at| at.to_string()).unwrap_or_default(),
        ]);
    }
    say(rows.trim_fmt());
    Ok(())
}

fn disable(name: &str, globals: &Globals) -> anyhow::Result<()> {
    let done = open_store(&globals.data, Access::Beside)?.disable_client(name, SystemClock.now())?;
    anyhow::ensure!(done, "there is no client `{name}`; `muster client list` shows them");
    if globals.json {
        say_json(&json!({ "name": name, "disabled": true }));
    } else {
        say(format!("client {name} is disabled, and its tokens have ended"));
    }
    Ok(())
}
