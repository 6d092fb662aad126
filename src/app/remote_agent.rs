//! An agent, joined: its queue at a server, its token, its writers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::clock::Clock;
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
use crate::writer::ldif::{LdifSettings, LdifWriter};

/// What a token is asked for; muster's own token endpoint takes anything.
const SCOPE: &str = "https://graph.microsoft.com/.default";
/// How long a token request may take. A question for work has a longer time of its own.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long a question is kept open; the server closes it after as long.
const WAIT: Duration = Duration::from_secs(30);
/// Work items carried at once. Each is a file to be synced, which a disk does some hundred times a second.
const CONCURRENCY_MAX: u32 = 8;

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
    let client = http_client::build(&login.server, TIMEOUT, login.ca.as_deref())?;
    let bearer = bearer(login, client.clone(), Arc::clone(clock))?;
    let queue = RemoteQueue::new(client, &login.server, bearer, Arc::clone(clock))?;
    let writer = |folder: PathBuf| Arc::new(LdifWriter::new(LdifSettings::new(folder))) as Arc<dyn Writer>;
    let carrier = |folder| Carrier { writer: writer(folder), concurrency_max: CONCURRENCY_MAX };
    let carriers: BTreeMap<TargetId, Carrier> =
        folders.into_iter().map(|(target, folder)| (target, carrier(folder))).collect();
    let timeout = carriers.values().map(|carrier| carrier.writer.timeout()).max().unwrap_or(TIMEOUT);
    let queue = queue.introduced(AgentWire::new(&login.name, timeout));
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
