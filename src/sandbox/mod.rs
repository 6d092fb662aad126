//! A practice Entra tenant: enough of Microsoft Graph to provision against, in memory, on this machine only.
//!
//! What it answers is `facts/graph_users.md`. It knows no `$batch`, no delta, no groups; and it loses everything
//! when it ends.

mod answer;
mod directory;
mod filter;
mod guard;
mod http;
mod property;
mod tenant;
mod view;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::web::ServiceConfig;
use actix_web::{App, HttpServer};
use secrecy::SecretString;
use serde_json::{Map, Value as Json};

use self::answer::{Fault, Reply};
use self::directory::{Directory, Stored};
pub use self::guard::Throttle;
use self::guard::{Application, Guard, TokenFault, TokenRequest};
use self::tenant::{Asked, Tenant};
use crate::clock::Clock;
use crate::model::Timestamp;

/// Threads that serve a sandbox. Its state stands behind one lock, so more would only wait.
const SERVER_THREADS: usize = 2;

/// What a practice tenant is like.
#[derive(Debug, Clone)]
pub struct SandboxSettings {
    /// The tenant's id; callers may also use one of its domains.
    pub tenant: String,
    /// Its verified domains: user principal names must be in one of them.
    pub domains: Vec<String>,
    /// The application that may ask for tokens.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// Users that are there from the start. They may hold what no request can write: `id`, `onPremisesSyncEnabled`.
    pub users: Vec<Map<String, Json>>,
    /// After how many writes it answers 429; never, if not given.
    pub throttle: Option<Throttle>,
    /// How long it takes to answer.
    pub latency: Option<Duration>,
}

/// Why there is no sandbox.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// No domain, so that no user could be made.
    #[error("a practice tenant needs a verified domain")]
    NoDomain,
    /// A user to begin with would be refused by Graph, too.
    #[error("user {place} cannot be there from the start: {why}")]
    User {
        /// Its place among the users given, from 1.
        place: usize,
        /// What Graph would say.
        why: String,
    },
    /// Other machines could reach it, and its secret travels in the clear.
    #[error("a practice tenant is for this machine only, and {0} can be reached from others")]
    NotLoopback(SocketAddr),
    /// The operating system refuses the address.
    #[error("the practice tenant cannot listen")]
    Listen(#[source] std::io::Error),
}

/// A practice tenant. A clone is another handle to the same one.
#[derive(Clone)]
pub struct Sandbox {
    inner: Arc<Inner>,
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("users", &self.user_count()).finish_non_exhaustive()
    }
}

/// A user as the tenant holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct SandboxUser {
    /// Its object id.
    pub id: String,
    /// All its properties, those that were never said included (null). No password: it is not kept.
    pub properties: Map<String, Json>,
    /// The object id of its manager.
    pub manager: Option<String>,
}

/// What a tenant was asked so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requests {
    /// Requests to Graph by their method, the refused ones included.
    pub by_method: BTreeMap<String, u64>,
    /// Of these, how many were answered 429.
    pub throttled: u64,
    /// Tokens that were given.
    pub tokens: u64,
}

struct Inner {
    application: Application,
    throttle: Option<Throttle>,
    latency: Option<Duration>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    tenant: Tenant,
    guard: Guard,
    requests: Requests,
    request_ids: u64,
}

impl Sandbox {
    /// A practice tenant whose tokens, windows and bin go by `clock`.
    ///
    /// # Errors
    /// [`SandboxError::NoDomain`] and [`SandboxError::User`]: the settings make no tenant.
    pub fn new(settings: SandboxSettings, clock: Arc<dyn Clock>) -> Result<Self, SandboxError> {
        if settings.domains.is_empty() {
            return Err(SandboxError::NoDomain);
        }
        let mut tenant = Tenant { id: settings.tenant, domains: settings.domains, directory: Directory::default() };
        for (at, user) in settings.users.iter().enumerate() {
            let seeded = tenant.seed(user, clock.now());
            seeded.map_err(|fault| SandboxError::User { place: at + 1, why: fault.message })?;
        }
        let state = State { tenant, guard: Guard::default(), requests: Requests::default(), request_ids: 0 };
        let inner = Inner {
            application: Application { client_id: settings.client_id, secret: settings.client_secret },
            throttle: settings.throttle,
            latency: settings.latency,
            clock,
            state: Mutex::new(state),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Its routes, for [`actix_web::App::configure`]: `/v1.0`, `/beta` and `/{tenant}/oauth2/v2.0/token`.
    pub fn routes(&self) -> impl FnOnce(&mut ServiceConfig) + Clone + Send + use<> {
        let inner = Arc::clone(&self.inner);
        move |config| http::mount(config, &inner)
    }

    /// Serves it on `listener`, until the handle is told to stop. The server must be awaited or spawned.
    ///
    /// # Errors
    /// [`SandboxError::NotLoopback`] and [`SandboxError::Listen`].
    pub fn serve(&self, listener: TcpListener) -> Result<(Server, ServerHandle), SandboxError> {
        let address = listener.local_addr().map_err(SandboxError::Listen)?;
        if !address.ip().is_loopback() {
            return Err(SandboxError::NotLoopback(address));
        }
        let sandbox = self.clone();
        let server = HttpServer::new(move || App::new().configure(sandbox.routes()))
            .workers(SERVER_THREADS)
            .disable_signals()
            .listen(listener)
            .map_err(SandboxError::Listen)?
            .run();
        let handle = server.handle();
        Ok((server, handle))
    }

    /// Everybody who is there, in the order in which they were made.
    pub fn users(&self) -> Vec<SandboxUser> {
        self.inner.state().tenant.directory.users().map(snapshot).collect()
    }

    /// How many are there.
    pub fn user_count(&self) -> usize {
        self.inner.state().tenant.directory.users().count()
    }

    /// The user of that id or user principal name.
    pub fn user(&self, name: &str) -> Option<SandboxUser> {
        self.inner.state().tenant.directory.named(name).map(snapshot)
    }

    /// Everybody in the bin.
    pub fn deleted_users(&self) -> Vec<SandboxUser> {
        self.inner.state().tenant.directory.bin_users().map(snapshot).collect()
    }

    /// What it was asked so far.
    pub fn requests(&self) -> Requests {
        self.inner.state().requests.clone()
    }

    /// Makes every token worthless, as a change of conditions in Entra may: the next call is answered 401.
    pub fn revoke_tokens(&self) {
        self.inner.state().guard.revoke_all();
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, asked: &Asked<'_>, authorization: Option<&str>) -> Result<Reply, Fault> {
        let mut state = self.state();
        *state.requests.by_method.entry(asked.method.to_owned()).or_default() += 1;
        state.guard.check_token(authorization, asked.now)?;
        if let Some(throttle) = self.throttle.filter(|_| asked.method != "GET")
            && let Err(after) = state.guard.count_write(throttle, asked.now)
        {
            state.requests.throttled += 1;
            return Err(Fault::throttled(&self.application.client_id, after));
        }
        state.tenant.answer(asked)
    }

    fn give_token(&self, tenant: &str, request: &TokenRequest, token: String) -> Result<String, TokenFault> {
        let mut state = self.state();
        let ours = &state.tenant;
        let is_ours = std::iter::once(&ours.id).chain(&ours.domains).any(|name| name.eq_ignore_ascii_case(tenant));
        if !is_ours {
            return Err(TokenFault::unknown_tenant(tenant));
        }
        self.application.check(request)?;
        state.guard.admit(token.clone(), self.clock.now());
        state.requests.tokens += 1;
        Ok(token)
    }

    fn next_request_id(&self) -> String {
        let mut state = self.state();
        state.request_ids += 1;
        guid(&state.tenant.id, "request", state.request_ids)
    }
}

fn snapshot(user: &Stored) -> SandboxUser {
    SandboxUser { id: user.id.clone(), properties: user.properties.clone(), manager: user.manager.clone() }
}

/// The nth identifier of its kind in a tenant: the same in every run, so that a rehearsal can be repeated.
fn guid(tenant: &str, kind: &str, number: u64) -> String {
    let digest = blake3::hash(format!("{tenant}\n{kind}\n{number}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_bytes()[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// A moment as Graph writes it: without a fraction.
fn moment(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).map(|moment| format!("{moment:.0}")).unwrap_or_default()
}
