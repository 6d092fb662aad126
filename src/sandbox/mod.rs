//! A practice Entra tenant: enough of Microsoft Graph to provision against, in memory, on this machine only.
//!
//! What it answers is `facts/graph_users.md`: users, managers, the bin, groups, `$batch`, budgets; and what goes wrong
//! with a real tenant, when it is asked to. It knows no delta.

mod answer;
mod asked;
mod batch;
mod budget;
mod control;
mod dice;
mod directory;
mod exchange;
mod facts;
mod fault;
mod filter;
mod groups;
mod guard;
mod http;
mod keep;
mod property;
mod shelf;
mod tenant;
mod user;
mod view;

use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::web::ServiceConfig;
use actix_web::{App, HttpServer};
use secrecy::SecretString;
use serde_json::{Map, Value as Json};

use self::answer::Refusal;
use self::asked::Asked;
use self::budget::Meter;
pub use self::budget::{Budget, Throttle};
use self::directory::Directory;
pub use self::facts::Requests;
use self::facts::Waits;
use self::fault::Faults;
pub use self::fault::{Fault, FaultError, FaultKind, Struck};
use self::groups::Groups;
use self::guard::{Application, Guard, TokenFault, TokenRequest};
use self::tenant::Tenant;
use self::user::Stored;
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

struct Inner {
    application: Application,
    latency: Option<Duration>,
    clock: Arc<dyn Clock>,
    under_way: AtomicU64,
    request_ids: AtomicU64,
    tenant_id: String,
    state: Mutex<State>,
}

struct State {
    tenant: Tenant,
    guard: Guard,
    meter: Meter,
    faults: Faults,
    requests: Requests,
    waits: Waits,
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
        let mut tenant = Tenant {
            id: settings.tenant,
            domains: settings.domains,
            directory: Directory::default(),
            groups: Groups::default(),
            changes: None,
        };
        for (at, user) in settings.users.iter().enumerate() {
            let seeded = tenant.seed(user, clock.now());
            seeded.map_err(|fault| SandboxError::User { place: at + 1, why: fault.message })?;
        }
        let tenant_id = tenant.id.clone();
        let state = State {
            tenant,
            guard: Guard::default(),
            meter: Meter::new(Budget { writes: settings.throttle, ..Budget::default() }),
            faults: Faults::default(),
            requests: Requests::default(),
            waits: Waits::default(),
        };
        let inner = Inner {
            application: Application { client_id: settings.client_id, secret: settings.client_secret },
            latency: settings.latency,
            clock,
            under_way: AtomicU64::new(0),
            request_ids: AtomicU64::new(0),
            tenant_id,
            state: Mutex::new(state),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Its routes, for [`actix_web::App::configure`]: `/v1.0`, `/beta`, `/{tenant}/oauth2/v2.0/token`, and
    /// `/sandbox/faults` and `/sandbox/facts` for those who practise (the client secret is their bearer token).
    pub fn routes(&self) -> impl FnOnce(&mut ServiceConfig) + Clone + Send + use<> {
        let inner = Arc::clone(&self.inner);
        move |config| {
            http::mount(config, &inner);
            control::mount(config, &inner);
        }
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
        self.inner.state().tenant.directory.user_count()
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

    /// What it takes from now on; full at first.
    pub fn set_budget(&self, budget: Budget) {
        self.inner.state().meter = Meter::new(budget);
    }

    /// Orders a fault.
    ///
    /// # Errors
    /// [`FaultError`]: the order cannot be meant.
    pub fn order(&self, fault: Fault) -> Result<(), FaultError> {
        self.inner.state().faults.order(vec![fault])
    }

    /// Calls every fault off. Users that are late stay so.
    pub fn clear_faults(&self) {
        self.inner.state().faults.clear();
    }

    /// Puts a group there, also with what no request can write (`onPremisesSyncEnabled`); gives its id.
    ///
    /// # Errors
    /// What Graph would say.
    pub fn add_group(&self, group: &Map<String, Json>) -> Result<String, String> {
        let now = self.inner.clock.now();
        self.inner.state().tenant.seed_group(group, now).map_err(|refusal| refusal.message)
    }

    /// The ids of those who are in a group, in the order in which they were made; nobody, where there is no such group.
    pub fn members(&self, group: &str) -> Vec<String> {
        let state = self.inner.state();
        let Some(group) = state.tenant.groups.named(group) else { return Vec::new() };
        state.tenant.members(group, 0).map(|user| user.id.clone()).collect()
    }

    /// Every group: its id, and what it holds.
    pub fn groups(&self) -> Vec<(String, Map<String, Json>)> {
        let state = self.inner.state();
        state.tenant.groups.iter().map(|group| (group.id.clone(), group.properties.clone())).collect()
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

    /// A request to Graph has come; it is under way until what this gives is dropped.
    fn arrived(&self) -> UnderWay<'_> {
        let under_way = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        let now = self.clock.now();
        let mut state = self.state();
        let State { waits, requests, .. } = &mut *state;
        requests.http += 1;
        requests.under_way_max = requests.under_way_max.max(under_way);
        waits.note(now, requests);
        UnderWay(&self.under_way)
    }

    /// The caller has been told to leave the tenant alone for so long.
    fn told_to_wait(&self, wait: Duration) {
        let now = self.clock.now();
        self.state().waits.begin(now, wait);
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
        guid(&self.tenant_id, "request", self.request_ids.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// A request that is under way.
struct UnderWay<'a>(&'a AtomicU64);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl State {
    fn count(&mut self, asked: &Asked<'_>) {
        match self.requests.by_method.get_mut(asked.method) {
            Some(count) => *count += 1,
            None => {
                self.requests.by_method.insert(asked.method.to_owned(), 1);
            }
        }
    }

    /// Keeps what has changed, where it is kept.
    fn keep(&mut self) -> Result<(), Refusal> {
        Ok(())
    }
}

fn snapshot(user: &Stored) -> SandboxUser {
    SandboxUser { id: user.id.clone(), properties: user.properties.full(), manager: user.manager.clone() }
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
