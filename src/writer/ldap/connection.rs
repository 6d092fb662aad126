//! The way to a directory: which of its servers, over TLS, bound, and a time-out on everything.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ldap3::{Ldap, LdapConnAsync, LdapConnSettings};
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls_platform_verifier::Verifier;
use secrecy::ExposeSecret as _;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::LdapSettings;
use super::answer::{PASSES, Trouble, bind_words, words};
use super::held::Held;
use crate::writer::until::Until;

/// How long one server may take to be connected to and bound at, TLS included, before the next is tried.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long servers that failed are passed over while another serves.
const PASSED_OVER: Duration = Duration::from_secs(60);
/// How long nobody binds after the directory refused our name or password: more tries would lock the account.
const REFUSED: Duration = Duration::from_secs(30);
/// How long one server that refused our name or password is not asked while others serve: as long as wrong passwords are
/// usually counted before an account is locked.
const REFUSED_BY_ONE: Duration = Duration::from_secs(30 * 60);
/// A connection that was idle for longer is not used: firewalls forget it without a word.
const IDLE_MAX: Duration = Duration::from_secs(60);

/// Why there can be no connection to a directory: all of it is for whoever wrote the settings.
#[derive(Debug, thiserror::Error)]
pub enum LdapSettingsError {
    /// No server.
    #[error("no server is named")]
    NoServer,
    /// Neither ldap nor ldaps.
    #[error("`{0}` is no address of a directory; write `ldaps://host` or, with StartTLS, `ldap://host`")]
    NoLdapAddress(String),
    /// The certificates cannot be read.
    #[error("the certificate authority cannot be read as PEM")]
    Certificate(#[source] rustls::pki_types::pem::Error),
    /// The TLS library refused its settings.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
}

/// Why a server gave no connection: another may, or none would.
enum Unconnected {
    Unreachable(String),
    NotLetIn(String),
}

/// Connections to one directory: opened when they are needed, kept while they do not err.
pub(super) struct Pool {
    settings: Arc<LdapSettings>,
    servers: Vec<Url>,
    tls: Arc<ClientConfig>,
    permits: Semaphore,
    idle: Mutex<Vec<Idle>>,
    /// Until when nobody binds, and why.
    refused: Mutex<Option<(Instant, String)>>,
    /// The server that serves, and until when those before it are passed over.
    serving: Mutex<(usize, Option<Instant>)>,
    /// Until when each is not asked besides the one that serves, and why: it said nothing, or does not let us in.
    passed_over: Mutex<Vec<Option<(Instant, String)>>>,
}

/// A connection that nobody uses.
struct Idle {
    ldap: Ldap,
    at: usize,
    since: Instant,
}

impl Pool {
    /// Connections to `servers`, none of which is spoken to yet.
    ///
    /// # Errors
    /// [`LdapSettingsError`]: an address or the certificates are wrong.
    pub(super) fn new(settings: &Arc<LdapSettings>, servers: &[Url]) -> Result<Self, LdapSettingsError> {
        if servers.is_empty() {
            return Err(LdapSettingsError::NoServer);
        }
        if let Some(other) = servers.iter().find(|url| !matches!(url.scheme(), "ldap" | "ldaps") || !url.has_host()) {
            return Err(LdapSettingsError::NoLdapAddress(other.to_string()));
        }
        Ok(Self {
            settings: Arc::clone(settings),
            servers: servers.to_vec(),
            tls: Arc::new(tls(settings.extra_ca.as_deref())?),
            permits: Semaphore::new(settings.connections.max(1)),
            idle: Mutex::default(),
            refused: Mutex::default(),
            serving: Mutex::new((0, None)),
            passed_over: Mutex::new(vec![None; servers.len()]),
        })
    }

    /// A bound connection to the server that serves, to be used until then.
    ///
    /// # Errors
    /// [`Trouble::NotSent`]: no server can be reached, or none takes us.
    pub(super) async fn take(&self, until: Until) -> Result<Held<'_>, Trouble> {
        let permit = self.permit(until).await?;
        let at = self.serving();
        let (ldap, at) = match self.kept(at) {
            Some(ldap) => (ldap, at),
            None => self.connect(until.end).await?,
        };
        Ok(Held::new(ldap, at, self, until, permit))
    }

    /// A bound connection to this server and no other.
    ///
    /// # Errors
    /// [`Trouble::NotSent`]: it cannot be reached, or does not take us.
    pub(super) async fn take_at(&self, at: usize, until: Until) -> Result<Held<'_>, Trouble> {
        let permit = self.permit(until).await?;
        let ldap = match self.kept(at) {
            Some(ldap) => ldap,
            None => self.connect_at(at, until.end).await?,
        };
        Ok(Held::new(ldap, at, self, until, permit))
    }

    /// All servers but these, by their places in the list.
    pub(super) fn others(&self, but: &[usize]) -> Vec<usize> {
        (0..self.servers.len()).filter(|at| !but.contains(at)).collect()
    }

    /// The address of a server, for people.
    pub(super) fn name_of(&self, at: usize) -> String {
        self.servers.get(at).map(shown).unwrap_or_default()
    }

    /// A connection that went well is kept.
    pub(super) fn give_back(&self, ldap: Ldap, at: usize) {
        unpoisoned(&self.idle).push(Idle { ldap, at, since: Instant::now() });
    }

    async fn permit(&self, until: Until) -> Result<SemaphorePermit<'_>, Trouble> {
        let too_late = || Trouble::NotSent("all connections were in use for too long".to_owned());
        timeout_at(until.end, self.permits.acquire()).await.map_err(|_| too_late())?.map_err(|_| too_late())
    }

    /// The server that serves; after a while the first again.
    fn serving(&self) -> usize {
        let mut serving = unpoisoned(&self.serving);
        if serving.1.is_some_and(|until| until <= Instant::now()) {
            *serving = (0, None);
        }
        serving.0
    }

    /// A connection to that server that was kept. One that the server has closed meanwhile is let go.
    fn kept(&self, at: usize) -> Option<Ldap> {
        let mut idle = unpoisoned(&self.idle);
        idle.retain_mut(|idle| !idle.ldap.is_closed() && idle.since.elapsed() < IDLE_MAX);
        let last = idle.iter().rposition(|idle| idle.at == at)?;
        Some(idle.swap_remove(last).ldap)
    }

    /// One that said nothing, or did not let us in, is passed over for a while.
    async fn connect_at(&self, at: usize, deadline: Instant) -> Result<Ldap, Trouble> {
        let over = unpoisoned(&self.passed_over).get(at).cloned().flatten();
        if let Some((until, why)) = over
            && until > Instant::now()
        {
            return Err(Trouble::NotSent(why));
        }
        let until = deadline.min(Instant::now() + CONNECT_TIMEOUT);
        match timeout_at(until, self.connect_to(&self.servers[at])).await {
            Ok(Ok(ldap)) => Ok(ldap),
            Ok(Err(Unconnected::Unreachable(why))) => Err(Trouble::NotSent(why)),
            Ok(Err(Unconnected::NotLetIn(why))) => Err(self.pass_over(at, REFUSED_BY_ONE, why)),
            Err(_) => Err(self.pass_over(at, PASSED_OVER, "no answer in time".to_owned())),
        }
    }

    fn pass_over(&self, at: usize, span: Duration, why: String) -> Trouble {
        tracing::warn!(server = self.name_of(at), why, "a server of the directory cannot be asked");
        if let Some(over) = unpoisoned(&self.passed_over).get_mut(at) {
            *over = Some((Instant::now() + span, why.clone()));
        }
        Trouble::NotSent(why)
    }

    /// Tries the servers in turn, from the one that serves; after a while from the first again.
    async fn connect(&self, deadline: Instant) -> Result<(Ldap, usize), Trouble> {
        if let Some((until, why)) = unpoisoned(&self.refused).clone()
            && until > Instant::now()
        {
            return Err(Trouble::NotSent(why));
        }
        let first = unpoisoned(&self.serving).0;
        let mut said = Vec::new();
        for turn in 0..self.servers.len() {
            let at = (first + turn) % self.servers.len();
            let until = deadline.min(Instant::now() + CONNECT_TIMEOUT);
            match timeout_at(until, self.connect_to(&self.servers[at])).await {
                Ok(Ok(ldap)) => {
                    if turn > 0 {
                        let passed_over = (at > 0).then(|| Instant::now() + PASSED_OVER);
                        *unpoisoned(&self.serving) = (at, passed_over);
                    }
                    return Ok((ldap, at));
                }
                Ok(Err(Unconnected::NotLetIn(why))) => {
                    tracing::warn!(server = shown(&self.servers[at]), why, "the directory does not let the agent in");
                    *unpoisoned(&self.refused) = Some((Instant::now() + REFUSED, why.clone()));
                    return Err(Trouble::NotSent(why));
                }
                Ok(Err(Unconnected::Unreachable(why))) => said.push(format!("{}: {why}", shown(&self.servers[at]))),
                Err(_) => {
                    let why = "no answer in time".to_owned();
                    said.push(format!("{}: {why}", shown(&self.servers[at])));
                    drop(self.pass_over(at, PASSED_OVER, why));
                }
            }
        }
        tracing::warn!(servers = said.join("; "), "no server of the directory can be used");
        Err(Trouble::NotSent(format!("no server of the directory can be used ({})", said.join("; "))))
    }

    /// Nothing is sent before TLS stands: neither a name nor a password.
    async fn connect_to(&self, server: &Url) -> Result<Ldap, Unconnected> {
        let settings = LdapConnSettings::new()
            .set_conn_timeout(CONNECT_TIMEOUT)
            .set_config(Arc::clone(&self.tls))
            .set_starttls(server.scheme() == "ldap");
        let connected = LdapConnAsync::from_url_with_settings(settings, server).await;
        let (driver, mut ldap) = connected.map_err(|error| Unconnected::Unreachable(error.to_string()))?;
        tokio::spawn(async move {
            if let Err(error) = driver.drive().await {
                tracing::debug!(%error, "a connection to the directory ended");
            }
        });
        let password = self.settings.password.expose_secret();
        // An empty password would be taken for an anonymous bind (RFC 4513 §5.1.2).
        if password.is_empty() {
            return Err(Unconnected::NotLetIn("the password is empty".to_owned()));
        }
        let bound = ldap.simple_bind(&self.settings.bind, password).await;
        let bound = bound.map_err(|error| Unconnected::Unreachable(error.to_string()))?;
        match bound.rc {
            0 => Ok(ldap),
            // Its own trouble, and not our name or password.
            rc if PASSES.contains(&rc) => Err(Unconnected::Unreachable(words(&bound))),
            _ => Err(Unconnected::NotLetIn(bind_words(&bound))),
        }
    }
}

/// TLS that verifies the server by the machine's own authorities and those of `extra_ca`.
fn tls(extra_ca: Option<&[u8]>) -> Result<ClientConfig, LdapSettingsError> {
    let extra = CertificateDer::pem_slice_iter(extra_ca.unwrap_or_default()).collect::<Result<Vec<_>, _>>();
    let extra = extra.map_err(LdapSettingsError::Certificate)?;
    if extra_ca.is_some() && extra.is_empty() {
        return Err(LdapSettingsError::Certificate(rustls::pki_types::pem::Error::NoItemsFound));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = Verifier::new_with_extra_roots(extra, Arc::clone(&provider)).map_err(LdapSettingsError::Tls)?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(LdapSettingsError::Tls)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(config)
}

/// The address without the parts in which people leave passwords.
fn shown(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
}

fn unpoisoned<T>(locked: &Mutex<T>) -> MutexGuard<'_, T> {
    locked.lock().unwrap_or_else(PoisonError::into_inner)
}
