//! The way to a directory: which of its servers, over TLS, bound, and a time-out on everything.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ldap3::controls::RawControl;
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapResult, Mod, Scope, SearchOptions};
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
use super::read::{Entry, read};
use crate::clock::Deadline;

/// How long one server may take to be connected to and bound at, TLS included, before the next is tried.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long servers that failed are passed over while another serves.
const PASSED_OVER: Duration = Duration::from_secs(60);
/// How long nobody binds after the directory refused our name or password: more tries would lock the account.
const REFUSED: Duration = Duration::from_secs(30);
/// A connection that was idle for longer is not used: firewalls forget it without a word.
const IDLE_MAX: Duration = Duration::from_secs(60);
/// Entries one search may answer. Two are enough to know that it is not one; some more, to name them.
const ENTRIES_MAX: i32 = 10;
/// Entries a list may have: groups somebody is in. More is no list of groups.
const LIST_MAX: i32 = 1_000;
/// A search found more than it may answer (RFC 4511 §4.1.9): what came is enough.
const SIZE_LIMIT_EXCEEDED: u32 = 4;
/// Shows what was deleted and is not gone yet ([MS-ADTS] 3.1.1.3.4.1.14, LDAP_SERVER_SHOW_DELETED_OID).
const SHOW_DELETED: &str = "1.2.840.113556.1.4.417";

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

/// By when a verb must have ended, and after when nothing of it may be begun.
#[derive(Debug, Clone, Copy)]
pub(super) struct Until {
    /// The verb's time is over.
    pub(super) end: Instant,
    /// The errand's ([`Errand::begin_before`](crate::writer::Errand::begin_before)).
    pub(super) begin_before: Option<Deadline>,
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
    idle: Mutex<Vec<(Ldap, Instant)>>,
    /// Until when nobody binds, and why.
    refused: Mutex<Option<(Instant, String)>>,
    /// The server that serves, and until when those before it are passed over.
    serving: Mutex<(usize, Option<Instant>)>,
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
        })
    }

    /// A bound connection, to be used until then.
    ///
    /// # Errors
    /// [`Trouble::NotSent`]: no server can be reached, or none takes us.
    pub(super) async fn take(&self, until: Until) -> Result<Held<'_>, Trouble> {
        let too_late = || Trouble::NotSent("all connections were in use for too long".to_owned());
        let permit = timeout_at(until.end, self.permits.acquire()).await;
        let permit = permit.map_err(|_| too_late())?.map_err(|_| too_late())?;
        let ldap = match self.kept() {
            Some(ldap) => ldap,
            None => self.connect(until.end).await?,
        };
        Ok(Held { ldap: Some(ldap), pool: self, until, wrote: false, _permit: permit })
    }

    /// A connection that was kept. One that the server has closed meanwhile is let go, and all are when the first
    /// server is to be tried again.
    fn kept(&self) -> Option<Ldap> {
        let mut serving = unpoisoned(&self.serving);
        let mut idle = unpoisoned(&self.idle);
        if serving.1.is_some_and(|until| until <= Instant::now()) {
            *serving = (0, None);
            idle.clear();
        }
        while let Some((mut ldap, since)) = idle.pop() {
            if !ldap.is_closed() && since.elapsed() < IDLE_MAX {
                return Some(ldap);
            }
        }
        None
    }

    /// Tries the servers in turn, from the one that serves; after a while from the first again.
    async fn connect(&self, deadline: Instant) -> Result<Ldap, Trouble> {
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
                    return Ok(ldap);
                }
                Ok(Err(Unconnected::NotLetIn(why))) => {
                    tracing::warn!(server = shown(&self.servers[at]), why, "the directory does not let the agent in");
                    *unpoisoned(&self.refused) = Some((Instant::now() + REFUSED, why.clone()));
                    return Err(Trouble::NotSent(why));
                }
                Ok(Err(Unconnected::Unreachable(why))) => said.push(format!("{}: {why}", shown(&self.servers[at]))),
                Err(_) => said.push(format!("{}: no answer in time", shown(&self.servers[at]))),
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

/// A connection in use. It goes back to the others only while nothing went wrong on it.
pub(super) struct Held<'a> {
    ldap: Option<Ldap>,
    pool: &'a Pool,
    until: Until,
    /// Something was written already, so whatever fails from now on may not say that nothing was.
    wrote: bool,
    _permit: SemaphorePermit<'a>,
}

/// Attributes and their values, as the directory takes them.
pub(super) type Values = Vec<(Vec<u8>, HashSet<Vec<u8>>)>;

impl Held<'_> {
    /// The entries that a filter finds at or below `base`; [`ENTRIES_MAX`] at most.
    pub(super) async fn search(
        &mut self,
        base: &str,
        scope: Scope,
        filter: &str,
        attributes: &[&str],
    ) -> Result<Vec<Entry>, Trouble> {
        self.search_with(base, scope, filter, attributes, (ENTRIES_MAX, Vec::new())).await
    }

    /// All entries below `base` that a filter finds; refused where they are more than [`LIST_MAX`], or than the server
    /// gives.
    pub(super) async fn search_many(
        &mut self,
        base: &str,
        filter: &str,
        attributes: &[&str],
    ) -> Result<Vec<Entry>, Trouble> {
        self.search_with(base, Scope::Subtree, filter, attributes, (LIST_MAX, Vec::new())).await
    }

    /// The same among what was deleted.
    pub(super) async fn search_deleted(
        &mut self,
        base: &str,
        scope: Scope,
        filter: &str,
        attributes: &[&str],
    ) -> Result<Vec<Entry>, Trouble> {
        let show = RawControl { ctype: SHOW_DELETED.to_owned(), crit: true, val: None };
        self.search_with(base, scope, filter, attributes, (ENTRIES_MAX, vec![show])).await
    }

    async fn search_with(
        &mut self,
        base: &str,
        scope: Scope,
        filter: &str,
        attributes: &[&str],
        (entries_max, controls): (i32, Vec<RawControl>),
    ) -> Result<Vec<Entry>, Trouble> {
        let deadline = self.until.end;
        let mut ldap = self.out()?;
        ldap.with_search_options(SearchOptions::new().sizelimit(entries_max));
        if !controls.is_empty() {
            ldap.with_controls(controls);
        }
        let searched = timeout_at(deadline, ldap.search(base, scope, filter, attributes)).await;
        let found = match searched {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => return Err(self.unsent(error.to_string())),
            Err(_) => return Err(self.unsent("the directory did not answer a search in time".to_owned())),
        };
        self.ldap = Some(ldap);
        let (entries, result) = (found.0, found.1);
        match result.rc {
            0 => Ok(entries.into_iter().filter_map(read).collect()),
            // Of a look-up, what came is enough. A list that is cut off is none: whom it leaves out is not known.
            SIZE_LIMIT_EXCEEDED if entries_max == ENTRIES_MAX => Ok(entries.into_iter().filter_map(read).collect()),
            _ => Err(Trouble::Answered(result)),
        }
    }

    /// Makes an entry.
    pub(super) async fn add(&mut self, dn: &str, values: Values) -> Result<(), Trouble> {
        let deadline = self.until.end;
        let mut ldap = self.out_to_write()?;
        let added = timeout_at(deadline, ldap.add(dn, values)).await;
        self.written(ldap, added)
    }

    /// Changes an entry.
    pub(super) async fn modify(&mut self, dn: &str, changes: Vec<Mod<Vec<u8>>>) -> Result<(), Trouble> {
        let deadline = self.until.end;
        let mut ldap = self.out_to_write()?;
        let modified = timeout_at(deadline, ldap.modify(dn, changes)).await;
        self.written(ldap, modified)
    }

    /// Renames an entry, or moves it below `above`.
    pub(super) async fn rename(&mut self, dn: &str, rdn: &str, above: Option<&str>) -> Result<(), Trouble> {
        let deadline = self.until.end;
        let mut ldap = self.out_to_write()?;
        let renamed = timeout_at(deadline, ldap.modifydn(dn, rdn, true, above)).await;
        self.written(ldap, renamed)
    }

    /// Takes an entry away.
    pub(super) async fn delete(&mut self, dn: &str) -> Result<(), Trouble> {
        let deadline = self.until.end;
        let mut ldap = self.out_to_write()?;
        let deleted = timeout_at(deadline, ldap.delete(dn)).await;
        self.written(ldap, deleted)
    }

    /// The connection, out of our hands: whatever breaks off now, it does not come back.
    fn out(&mut self) -> Result<Ldap, Trouble> {
        let ldap = self.ldap.take();
        ldap.ok_or_else(|| self.unsent("the connection broke before this was sent".to_owned()))
    }

    /// The same for a write, which must be begun while it may.
    fn out_to_write(&mut self) -> Result<Ldap, Trouble> {
        if self.until.begin_before.is_some_and(|deadline| deadline.has_passed()) {
            return Err(self.unsent("the lease would have ended before the write had to".to_owned()));
        }
        self.out()
    }

    /// This was not sent; but something before it may have been.
    fn unsent(&self, why: String) -> Trouble {
        if self.wrote { Trouble::Lost(why) } else { Trouble::NotSent(why) }
    }

    fn written(
        &mut self,
        ldap: Ldap,
        answer: Result<ldap3::result::Result<LdapResult>, tokio::time::error::Elapsed>,
    ) -> Result<(), Trouble> {
        match answer {
            Ok(Ok(result)) => {
                self.ldap = Some(ldap);
                match result.rc {
                    0 => self.wrote = true,
                    rc if self.wrote && PASSES.contains(&rc) => return Err(Trouble::Lost(words(&result))),
                    _ => return Err(Trouble::Answered(result)),
                }
                Ok(())
            }
            // The request never reached the one who would have sent it.
            Ok(Err(error @ ldap3::LdapError::OpSend { .. })) => Err(self.unsent(error.to_string())),
            Ok(Err(error)) => Err(Trouble::Lost(error.to_string())),
            Err(_) => Err(Trouble::Lost("the directory did not answer in time".to_owned())),
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Some(ldap) = self.ldap.take() {
            unpoisoned(&self.pool.idle).push((ldap, Instant::now()));
        }
    }
}

/// TLS that verifies the server by the machine's own authorities and those of `extra_ca`.
fn tls(extra_ca: Option<&[u8]>) -> Result<ClientConfig, LdapSettingsError> {
    let extra = CertificateDer::pem_slice_iter(extra_ca.unwrap_or_default()).collect::<Result<Vec<_>, _>>();
    let extra = extra.map_err(LdapSettingsError::Certificate)?;
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
