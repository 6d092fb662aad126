//! A practice Entra tenant: as strict as Microsoft Graph where people are provisioned, on this machine only, in memory
//! and, when asked, in a file.
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
mod settings;
mod shelf;
mod tenant;
mod user;
mod view;

use std::fmt;
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::web::ServiceConfig;
use actix_web::{App, HttpServer};
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
use self::keep::Keeper;
pub use self::settings::{SandboxError, SandboxSettings, SandboxUser};
use self::tenant::Tenant;
use self::user::Stored;
use crate::clock::Clock;
use crate::model::Timestamp;

/// Threads that serve a sandbox. Its state stands behind one lock, so more would only wait.
const SERVER_THREADS: usize = 2;

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
    keeper: Option<Keeper>,
}

impl Sandbox {
    /// A practice tenant whose tokens, windows and bin go by `clock`.
    ///
    /// # Errors
    /// [`SandboxError::NoDomain`] and [`SandboxError::User`]: the settings make no tenant.
    pub fn new(settings: SandboxSettings, clock: Arc<dyn Clock>) -> Result<Self, SandboxError> {
        Self::start(settings, clock, None)
    }

    /// The same, kept in `file`: what is there is read first (its tenant id is the tenant's), and what is answered has
    /// been written there before, so that the death of this process loses nothing. A power cut may lose what came since
    /// the start.
    ///
    /// # Errors
    /// Those of [`Sandbox::new`]; and [`SandboxError::File`], [`SandboxError::FileInUse`], [`SandboxError::FileDamaged`].
    pub fn kept(settings: SandboxSettings, clock: Arc<dyn Clock>, file: &Path) -> Result<Self, SandboxError> {
        Self::start(settings, clock, Some(file))
    }

    fn start(settings: SandboxSettings, clock: Arc<dyn Clock>, file: Option<&Path>) -> Result<Self, SandboxError> {
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
        let mut keeper = file.map(|file| Keeper::open(file, &mut tenant)).transpose()?;
        for (at, user) in settings.users.iter().enumerate() {
            let seeded = tenant.seed(user, clock.now());
            seeded.map_err(|fault| SandboxError::User { place: at + 1, why: fault.message })?;
        }
        if let (Some(keeper), Some(path)) = (&mut keeper, file) {
            let kept = keeper.keep(&mut tenant);
            kept.map_err(|source| SandboxError::File { path: path.to_owned(), source })?;
        }
        let tenant_id = tenant.id.clone();
        let state = State {
            tenant,
            guard: Guard::default(),
            meter: Meter::new(Budget { writes: settings.throttle, ..Budget::default() }),
            faults: Faults::default(),
            requests: Requests::default(),
            waits: Waits::default(),
            keeper,
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
        let mut state = self.inner.state();
        let id = state.tenant.seed_group(group, now).map_err(|refusal| refusal.message)?;
        state.keep().map_err(|refusal| refusal.message)?;
        Ok(id)
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

    /// Writes its file anew and to the disk, where it has one: to be called at the end.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn close(&self) -> std::io::Result<()> {
        let mut state = self.inner.state();
        let State { keeper, tenant, .. } = &mut *state;
        keeper.as_mut().map_or(Ok(()), |keeper| keeper.renew(tenant))
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
        let Some(keeper) = &mut self.keeper else { return Ok(()) };
        keeper.keep(&mut self.tenant).map_err(|error| {
            tracing::error!(%error, "the practice tenant's file cannot be written");
            Refusal::internal()
        })
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
