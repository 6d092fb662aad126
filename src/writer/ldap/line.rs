//! Connections to a directory: kept, bounded, and moved to the next server when one does not answer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ldap3::{Ldap, LdapConnAsync, LdapConnSettings};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use url::Url;

use super::answer::{bind_refusal, later, told};
use super::settings::{LdapSettings, LdapSettingsError};
use crate::writer::WriteError;

/// How long one server may take to be connected and bound to before the next is tried.
const CONNECT_SECONDS_MAX: u64 = 5;
/// How long another server is used before the first is tried again.
const AWAY_SECONDS: u64 = 60;
/// A connection that was idle for longer is not used: servers and firewalls close them without a word.
const IDLE_SECONDS_MAX: u64 = 60;
/// How long nobody binds after a server refused our credentials: more tries would lock the account.
const REFUSED_SECONDS: u64 = 30;

/// The connections to one set of servers.
pub(super) struct Lines {
    servers: Vec<Url>,
    tls: Arc<ClientConfig>,
    bind: String,
    password: SecretString,
    slots: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    idle: Vec<(Ldap, Instant)>,
    /// The server in use.
    server: usize,
    /// When the first is tried again.
    back: Option<Instant>,
    /// Until when nobody binds, and why.
    refused: Option<(Instant, String)>,
}

/// One connection in use. Dropped, it is closed; only what is given back is used again.
pub(super) struct Line {
    pub(super) ldap: Ldap,
    _slot: OwnedSemaphorePermit,
}

impl Lines {
    pub(super) fn new(settings: &LdapSettings, servers: Vec<Url>) -> Result<Self, LdapSettingsError> {
        Ok(Self {
            servers,
            tls: tls(settings.extra_ca.as_deref())?,
            bind: settings.bind.clone(),
            password: settings.password.clone(),
            slots: Arc::new(Semaphore::new(settings.connections)),
            state: Mutex::default(),
        })
    }

    /// A connection that is bound, before `deadline`.
    pub(super) async fn take(&self, deadline: Instant) -> Result<Line, WriteError> {
        let waiting = tokio::time::timeout_at(deadline, Arc::clone(&self.slots).acquire_owned());
        let Ok(Ok(slot)) = waiting.await else { return Err(later("every connection to the directory is in use")) };
        if let Some(ldap) = self.idle() {
            return Ok(Line { ldap, _slot: slot });
        }
        let ldap = self.open(deadline).await?;
        Ok(Line { ldap, _slot: slot })
    }

    /// Keeps a connection for the next who needs one.
    pub(super) fn give_back(&self, line: Line) {
        self.state().idle.push((line.ldap, Instant::now()));
    }

    fn idle(&self) -> Option<Ldap> {
        let mut state = self.state();
        if state.back.is_some_and(|back| back <= Instant::now()) {
            state.back = None;
            state.server = 0;
            state.idle.clear();
        }
        while let Some((mut ldap, since)) = state.idle.pop() {
            if since.elapsed() < Duration::from_secs(IDLE_SECONDS_MAX) && !ldap.is_closed() {
                return Some(ldap);
            }
        }
        None
    }

    async fn open(&self, deadline: Instant) -> Result<Ldap, WriteError> {
        let begin = {
            let state = self.state();
            match &state.refused {
                Some((until, why)) if *until > Instant::now() => {
                    let after = Some(until.duration_since(Instant::now()));
                    return Err(WriteError::Later { after, cause: crate::writer::Cause(why.clone()) });
                }
                _ => state.server,
            }
        };
        let mut why = Vec::new();
        for step in 0..self.servers.len() {
            let at = (begin + step) % self.servers.len();
            let Some(server) = self.servers.get(at) else { continue };
            let until = deadline.min(Instant::now() + Duration::from_secs(CONNECT_SECONDS_MAX));
            match tokio::time::timeout_at(until, self.bound(server)).await {
                Ok(Ok(ldap)) => {
                    self.settle_on(at);
                    return Ok(ldap);
                }
                Ok(Err(OpenError::Bind(error))) => return Err(error),
                Ok(Err(OpenError::Connect(cause))) => why.push(format!("{server}: {cause}")),
                Err(_) => why.push(format!("{server}: it took too long")),
            }
        }
        Err(later(&format!("no server of the directory could be reached ({})", why.join("; "))))
    }

    fn settle_on(&self, server: usize) {
        let mut state = self.state();
        state.refused = None;
        if server != state.server {
            state.server = server;
            state.back = (server != 0).then(|| Instant::now() + Duration::from_secs(AWAY_SECONDS));
        }
    }

    async fn bound(&self, server: &Url) -> Result<Ldap, OpenError> {
        let connect = |error: ldap3::LdapError| OpenError::Connect(told(&error));
        // `ldap://` begins in the clear and is never bound to before TLS is up.
        let settings = LdapConnSettings::new().set_starttls(true).set_config(Arc::clone(&self.tls));
        let (connection, mut ldap) = LdapConnAsync::from_url_with_settings(settings, server).await.map_err(connect)?;
        tokio::spawn(async move {
            if let Err(error) = connection.drive().await {
                tracing::debug!(error = %told(&error), "a connection to a directory ended");
            }
        });
        let answer = ldap.simple_bind(&self.bind, self.password.expose_secret()).await.map_err(connect)?;
        if answer.rc == 0 {
            return Ok(ldap);
        }
        if matches!(answer.rc, 51 | 52) {
            return Err(OpenError::Connect(format!("the server is busy ({})", answer.text)));
        }
        let why = bind_refusal(&self.bind, &answer);
        let until = Instant::now() + Duration::from_secs(REFUSED_SECONDS);
        self.state().refused = Some((until, why.clone()));
        Err(OpenError::Bind(later(&why)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a server cannot be used: the next may be, or none need be asked.
enum OpenError {
    Connect(String),
    Bind(WriteError),
}

/// The machine's own authorities, and those of the settings. Certificates are always verified.
fn tls(extra_ca: Option<&[u8]>) -> Result<Arc<ClientConfig>, LdapSettingsError> {
    let bad = |why: String| LdapSettingsError::Certificates(why);
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(pem) = extra_ca {
        let mut none = true;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| bad(error.to_string()))?;
            roots.add(certificate).map_err(|error| bad(error.to_string()))?;
            none = false;
        }
        if none {
            return Err(bad("there is no certificate in the file".to_owned()));
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| bad(error.to_string()))?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}
