//! An agent, joined: its queue at a server, its token, its writers.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::clock::{Clock, PatientClock, SteadyClock, SystemClock};
use crate::config::{AgentMeant, AgentTarget, DirectoryMeant, LDIF, Reached, SecretError};
use crate::http_client::{self, HttpClientError};
use crate::model::TargetId;
use crate::pipeline::agent::{Agent, AgentSettings, Carrier};
use crate::queue::Queue;
use crate::queue::envelope::PinnedKeys;
use crate::queue::nats::NatsSettings;
use crate::queue::nats::work::NatsQueue;
use crate::queue::remote::{BearerSource, RemoteQueue, ServerUrlError};
use crate::queue::wire::AgentWire;
use crate::token::TokenSource;
use crate::writer::Writer;
use crate::writer::ldap::{LdapSettings, LdapSettingsError, LdapWriter};
use crate::writer::ldif::{LdifSettings, LdifWriter};
use crate::writer::limited::{Begun, LimitLog, Limited, LogError};

/// What a token is asked for; muster's own token endpoint takes anything.
const SCOPE: &str = "https://graph.microsoft.com/.default";
/// How long a token request may take. A question for work has a longer time of its own.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long a question is kept open; the server closes it after as long.
const WAIT: Duration = Duration::from_secs(30);
/// Work items carried at once. Each is a file to be synced, which a disk does some hundred times a second.
const CONCURRENCY_MAX: u32 = 8;
/// Work items carried at once for each connection to a directory: those that wait for one are looked for together.
const HANDS_PER_CONNECTION: u32 = 4;

/// Longest certificate file, in bytes. A whole machine's authorities are a quarter of a megabyte.
const CA_BYTES_MAX: u64 = 1024 * 1024;

/// Where an agent gets its work, and who it is there.
#[derive(Debug)]
pub struct AgentLogin {
    /// The server.
    pub server: Url,
    /// Its client id there.
    pub client_id: String,
    /// Its secret there.
    pub client_secret: SecretString,
    /// PEM certificates trusted besides the machine's own.
    pub ca: Option<Vec<u8>>,
    /// What it calls itself, for people to see.
    pub name: String,
    /// Through what its work comes, where it does not ask the server for all of it; and the server's keys.
    pub nats: Option<(NatsSettings, PinnedKeys)>,
}

/// Why there can be no such agent.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The address or the certificates.
    #[error("the server cannot be spoken to")]
    Http(#[from] HttpClientError),
    /// The address.
    #[error("the server cannot be asked for work")]
    Server(#[from] ServerUrlError),
    /// A secret is not where the file says.
    #[error("the secret of {whose} cannot be read")]
    Secret {
        /// Whose it is.
        whose: String,
        /// Why.
        #[source]
        source: SecretError,
    },
    /// A file of certificates.
    #[error("the certificates in {} cannot be read", path.display())]
    Certificates {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The log of damage.
    #[error("nothing may be written without a log of what is disabled, deleted and moved")]
    Log(#[from] LogError),
    /// A directory's address or certificates.
    #[error("target `{target}` cannot be reached")]
    Ldap {
        /// Which target.
        target: TargetId,
        /// Why.
        #[source]
        source: LdapSettingsError,
    },
}

/// An agent that puts change files for each target into its folder. With `once` it leaves when nothing is due.
///
/// # Errors
/// [`AgentError`]: the server's address or the certificates are wrong.
pub fn agent(
    login: &AgentLogin,
    folders: BTreeMap<TargetId, PathBuf>,
    clock: &Arc<dyn Clock>,
    once: bool,
) -> Result<Agent, AgentError> {
    let carrier = |folder| Carrier { writer: change_files(folder), concurrency_max: CONCURRENCY_MAX };
    let carriers: BTreeMap<_, _> = folders.into_iter().map(|(target, folder)| (target, carrier(folder))).collect();
    let agent = introduction(&login.name, &carriers);
    let agent = agent.with_kinds(carriers.keys().map(|target| (target, LDIF)));
    join(login, agent, carriers, clock, once)
}

/// An agent as its own file means it: each target within the limits that stand there.
///
/// # Errors
/// [`AgentError`] names the target whose password, certificates, address or log is wrong.
pub fn agent_of_file(
    meant: &AgentMeant,
    name: String,
    nats: Option<(NatsSettings, PinnedKeys)>,
    once: bool,
) -> Result<Agent, AgentError> {
    let secret = |source| AgentError::Secret { whose: "the client".to_owned(), source };
    let login = AgentLogin {
        server: meant.server.clone(),
        client_id: meant.client_id.clone(),
        client_secret: meant.client_secret.read().map_err(secret)?,
        ca: meant.ca.as_deref().map(certificates).transpose()?,
        nats,
        name,
    };
    let mut carriers = BTreeMap::new();
    for target in &meant.targets {
        carriers.insert(target.id.clone(), carrier(target)?);
    }
    let clock: Arc<dyn Clock> = Arc::new(SteadyClock::new());
    let agent = introduction(&login.name, &carriers);
    let agent = agent.with_kinds(meant.targets.iter().map(|target| (&target.id, target.reached.kind())));
    join(&login, agent, carriers, &clock, once)
}

/// Who asks for work.
fn introduction(name: &str, carriers: &BTreeMap<TargetId, Carrier>) -> AgentWire {
    let timeout = carriers.values().map(|carrier| carrier.writer.timeout()).max().unwrap_or(TIMEOUT);
    AgentWire::new(name, timeout)
}

/// A person answers for the hour before the logs of these targets.
///
/// # Errors
/// [`LogError`] where an agent runs that counts in one, or none can be begun.
pub fn vouch(target: &AgentTarget) -> Result<Begun, LogError> {
    LimitLog::vouch(&target.log, Arc::new(SystemClock), Arc::new(PatientClock::new()))
}

/// What looks at a target as an agent's file reaches it; `None` where there is nothing to look at but change files. It is
/// to be asked only: nothing counts what it would write.
///
/// # Errors
/// [`AgentError`] where the target's password, certificates or address are wrong.
pub fn looker_of(target: &AgentTarget) -> Result<Option<Arc<dyn Writer>>, AgentError> {
    match &target.reached {
        Reached::Ldif { .. } => Ok(None),
        Reached::Ldap(directory) => Ok(Some(Arc::new(ldap_writer(&target.id, directory)?))),
    }
}

fn carrier(target: &AgentTarget) -> Result<Carrier, AgentError> {
    let (writer, concurrency_max) = match &target.reached {
        Reached::Ldif { folder, timeout } => {
            let settings = LdifSettings { timeout: *timeout, ..LdifSettings::new(folder.clone()) };
            (Arc::new(LdifWriter::new(settings)) as Arc<dyn Writer>, CONCURRENCY_MAX)
        }
        Reached::Ldap(directory) => {
            let connections = u32::try_from(directory.connections).unwrap_or(CONCURRENCY_MAX);
            (Arc::new(ldap_writer(&target.id, directory)?) as Arc<dyn Writer>, connections * HANDS_PER_CONNECTION)
        }
    };
    let log = LimitLog::open(&target.log, Arc::new(SystemClock), Arc::new(PatientClock::new()))?;
    let limited = Limited::new(writer, log, target.limits, Arc::new(SystemClock));
    Ok(Carrier { writer: Arc::new(limited), concurrency_max })
}

fn ldap_writer(target: &TargetId, directory: &DirectoryMeant) -> Result<LdapWriter, AgentError> {
    let wrong = |source| AgentError::Ldap { target: target.clone(), source };
    LdapWriter::new(ldap_settings(target, directory)?).map_err(wrong)
}

fn ldap_settings(target: &TargetId, directory: &DirectoryMeant) -> Result<LdapSettings, AgentError> {
    let secret = |source| AgentError::Secret { whose: format!("the directory account of `{target}`"), source };
    Ok(LdapSettings {
        kind: directory.kind,
        servers: directory.servers.clone(),
        extra_ca: directory.ca.as_deref().map(certificates).transpose()?,
        bind: directory.bind.clone(),
        password: directory.password.read().map_err(secret)?,
        base: directory.base.clone(),
        global_catalogue: directory.global_catalogue.clone(),
        naming: directory.naming.clone(),
        containers: directory.containers.clone(),
        protected_accounts: directory.protected_accounts.clone(),
        protected_groups: directory.protected_groups.clone(),
        password_chars: directory.password_chars,
        timeout: directory.timeout,
        connections: directory.connections,
    })
}

fn change_files(folder: PathBuf) -> Arc<dyn Writer> {
    Arc::new(LdifWriter::new(LdifSettings::new(folder)))
}

/// PEM certificates from a file.
///
/// # Errors
/// [`AgentError::Certificates`] where it cannot be read.
pub fn certificates(path: &Path) -> Result<Vec<u8>, AgentError> {
    let unreadable = |source| AgentError::Certificates { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(CA_BYTES_MAX).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

fn join(
    login: &AgentLogin,
    agent: AgentWire,
    carriers: BTreeMap<TargetId, Carrier>,
    clock: &Arc<dyn Clock>,
    once: bool,
) -> Result<Agent, AgentError> {
    let client = http_client::build(&login.server, TIMEOUT, login.ca.as_deref())?;
    let bearer = bearer(login, client.clone(), Arc::clone(clock))?;
    let queue = RemoteQueue::new(client, &login.server, bearer, Arc::clone(clock))?;
    let queue = queue.introduced(agent);
    let settings = AgentSettings { wait: WAIT, once };
    let queue: Arc<dyn Queue> = match &login.nats {
        Some((nats, keys)) => Arc::new(NatsQueue::new(queue, nats.clone(), keys.clone(), Arc::clone(clock))),
        None => Arc::new(queue),
    };
    Ok(Agent { queue, carriers, clock: Arc::clone(clock), settings })
}

fn bearer(login: &AgentLogin, http: reqwest::Client, clock: Arc<dyn Clock>) -> Result<BearerSource, ServerUrlError> {
    let mut url = login.server.clone();
    url.path_segments_mut()
        .map_err(|()| ServerUrlError::NoBase)?
        .pop_if_empty()
        .extend(["muster", "oauth2", "v2.0", "token"]);
    let tokens = Arc::new(TokenSource::new(&url, &login.client_id, &login.client_secret, SCOPE, http, clock));
    Ok(Arc::new(move |refused| {
        let tokens = Arc::clone(&tokens);
        Box::pin(async move {
            if let Some(refused) = refused {
                tokens.forget(&refused);
            }
            tokens.bearer().await
        })
    }))
}
