//! What the demo's scene is set with: a folder, a practice tenant, an agent, a sender.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::task::JoinHandle;
use url::Url;

use crate::api::Role;
use crate::app::{AgentLogin, App, agent};
use crate::chance;
use crate::cli::client::add_client;
use crate::clock::Clock;
use crate::config::{Connection, JobMeant, SecretSource};
use crate::model::TargetId;
use crate::pipeline::schedule::Shutdown;
use crate::pipeline::send::{Destination, SendLimits, Sender};
use crate::sandbox::{Sandbox, SandboxSettings};

/// In a folder that a demo may empty.
const MARK: &str = ".muster-demo";

/// Makes the folder anew; one that no demo has made is left alone.
pub(super) fn empty(folder: &Path) -> anyhow::Result<()> {
    let unusable = || format!("the folder {} cannot be made anew", folder.display());
    if folder.exists() {
        let is_ours = folder.join(MARK).exists() || fs::read_dir(folder).with_context(unusable)?.next().is_none();
        anyhow::ensure!(
            is_ours,
            "{} is there already and was not made by a demo; name another with --folder",
            folder.display()
        );
        fs::remove_dir_all(folder).with_context(unusable)?;
    }
    if let Some(above) = folder.parent() {
        fs::create_dir_all(above).with_context(unusable)?;
    }
    // Ours and nobody else's: who had made it meanwhile could lay a link where secrets are written.
    DirBuilder::new().mode(0o700).create(folder).with_context(unusable)?;
    fs::write(folder.join(MARK), "").with_context(unusable)?;
    Ok(())
}

pub(super) fn practice_tenant(job: &JobMeant, clock: &Arc<dyn Clock>) -> anyhow::Result<(Sandbox, SecretString)> {
    let graph = job.connections.iter().find_map(|(_, connection)| match connection {
        Connection::Graph(graph) => Some(graph),
        _ => None,
    });
    let graph = graph.context("the sample job has no cloud target")?;
    let secret = SecretString::from(chance::token()?);
    let settings = SandboxSettings {
        tenant: graph.tenant.clone(),
        domains: vec![graph.tenant.clone()],
        client_id: graph.client_id.clone(),
        client_secret: secret.clone(),
        users: Vec::new(),
        throttle: None,
        latency: None,
    };
    Ok((Sandbox::new(settings, Arc::clone(clock))?, secret))
}

/// Writes a file that only its owner may read.
pub(super) fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;

    fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)?.write_all(text.as_bytes())
}

/// Turns the job's cloud target to the practice tenant.
pub(super) fn point_at(job: &mut JobMeant, folder: &Path, sandbox: &str, secret: &SecretString) -> anyhow::Result<()> {
    let secret_file = folder.join("entra-secret");
    write_private(&secret_file, secret.expose_secret())?;
    for (_, connection) in &mut job.connections {
        if let Connection::Graph(graph) = connection {
            graph.base_url = Url::parse(&format!("{sandbox}/v1.0"))?;
            graph.authority = Url::parse(sandbox)?;
            graph.client_secret = SecretSource::File(secret_file.clone());
        }
    }
    Ok(())
}

pub(super) fn agent_for(
    app: &App,
    job: &JobMeant,
    server: &str,
    clock: &Arc<dyn Clock>,
    mut shutdown: Shutdown,
) -> anyhow::Result<JoinHandle<anyhow::Result<()>>> {
    let folders = job.connections.iter().filter_map(|(id, connection)| match connection {
        Connection::Ldif { folder, .. } => Some((id.clone(), folder.clone())),
        _ => None,
    });
    let folders: BTreeMap<TargetId, PathBuf> = folders.collect();
    let targets: Vec<String> = folders.keys().map(ToString::to_string).collect();
    let (client_id, client_secret) = add_client(&app.store, "demo-agent", &[Role::Agent], &targets)?;
    let login = AgentLogin {
        server: Url::parse(server)?,
        client_id,
        client_secret,
        ca: None,
        name: "demo".to_owned(),
        nats: None,
    };
    let agent = Arc::new(agent(&login, folders, clock, false)?);
    Ok(tokio::spawn(async move {
        agent.run(async move { shutdown.asked().await }).await?;
        Ok(())
    }))
}

pub(super) fn sender_for(app: &App, job: &JobMeant, server: &str, clock: &Arc<dyn Clock>) -> anyhow::Result<Sender> {
    let (client_id, client_secret) = add_client(&app.store, "demo-hr", &[Role::Upload], &[])?;
    let destination = Destination {
        server: Url::parse(server)?,
        service_principal: "muster".to_owned(),
        job: job.job.id.to_string(),
        token_url: Url::parse(&format!("{server}/muster/oauth2/v2.0/token"))?,
        scope: "https://graph.microsoft.com/.default".to_owned(),
        client_id,
        client_secret,
        extra_ca: None,
    };
    let wait = Arc::new(|pause| Box::pin(tokio::time::sleep(pause)) as _);
    Ok(Sender::new(&destination, SendLimits::default(), Arc::clone(clock), wait)?)
}
