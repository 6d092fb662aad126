//! Where the parts are chosen and joined: the only place that knows them all.

mod remote_agent;

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::config::{self, Connection, GraphConnection, JobMeant, ScimConnection, SecretError, SecretSource};
use crate::decide;
use crate::graph_schema::{Schema, export};
use crate::http_client::HttpClientError;
use crate::model::{TargetId, WorkerId};
use crate::pipeline::deliver::{Deliverer, Flowing, LeaseSettings, OnError};
use crate::pipeline::dispatch::{Dispatcher, LOST_MAX, hear_dead_letters};
use crate::pipeline::schedule::{Bell, Decider, Shutdown};
use crate::queue::Transport;
use crate::store::{JobState, Store, StoreError, Whose};
use crate::writer::Writer;
use crate::writer::graph::{GraphSettings, GraphWriter, TIMEOUT_DEFAULT, Tenants};
use crate::writer::scim::{ScimLogin, ScimSettings, ScimWriter};

pub use remote_agent::{AgentError, AgentLogin, agent, agent_of_file, certificates, looker_of, vouch};

/// Items leased and carried where it is done once, by hand. Whoever delivers for long asks the writer how much it has
/// room for.
const EMBEDDED_ITEMS: usize = 16;

/// The shortest time-out of an agent's writes that its leases are made for: clocks and networks are not finer.
const AGENT_TIMEOUT_MIN: Duration = Duration::from_secs(1);
/// The longest: an agent that dies keeps its work from others for four times this.
const AGENT_TIMEOUT_MAX: Duration = Duration::from_secs(120);

/// Who brings a target to the state it shall have.
#[derive(Clone)]
pub enum Hands {
    /// A writer in this process.
    Embedded(Arc<dyn Writer>),
    /// An agent inside the network, which fetches its work.
    Agent,
}

/// A target that is served.
#[derive(Clone)]
pub struct ActiveTarget {
    /// Which.
    pub id: TargetId,
    /// The directory behind it, the same for every job that writes to it.
    pub directory: String,
    /// The kind that it must be of in the file of an agent that writes there; `None` where that is not asked.
    pub kind: Option<&'static str>,
    /// Who writes there.
    pub hands: Hands,
}

/// A job that is served.
pub struct ActiveJob {
    /// As the core sees it.
    pub core: Arc<decide::Job>,
    /// As the store has it.
    pub state: Arc<JobState>,
    /// Its targets.
    pub targets: Vec<ActiveTarget>,
    /// The same in the words of Microsoft Graph.
    pub schema: Schema,
}

/// Everything that runs, joined.
pub struct App {
    /// The truth.
    pub store: Arc<Store>,
    /// The jobs that are served.
    pub jobs: Vec<Arc<ActiveJob>>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Rung when an upload was accepted.
    pub accepted: Bell,
    /// Rung when there is work to carry.
    pub work: Bell,
    /// How long work may be held.
    pub lease: LeaseTimes,
    /// The paces of the cloud tenants that are written to.
    tenants: Tenants,
    /// What brings work to agents, where they do not all ask for it.
    pub transport: Option<Arc<Transport>>,
}

/// How long work may be held by whoever carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseTimes {
    /// The lease itself.
    pub lasts: Duration,
    /// What a write begun in it may still take.
    pub grace: Duration,
}

impl LeaseTimes {
    /// Leases for writers whose calls take up to `timeout`: a look and a write fit into one, and there is room.
    pub fn for_timeout(timeout: Duration) -> Self {
        Self { lasts: timeout * 3, grace: timeout }
    }
}

impl Default for LeaseTimes {
    fn default() -> Self {
        Self::for_timeout(TIMEOUT_DEFAULT)
    }
}

/// Why a job cannot be made to run.
#[derive(Debug, thiserror::Error)]
pub enum ActivateError {
    /// A target's secret is not where the job file says.
    #[error("target `{target}` cannot be reached without its secret")]
    Secret {
        /// Which target.
        target: TargetId,
        /// Why.
        #[source]
        source: SecretError,
    },
    /// A target's address is not one.
    #[error("target `{target}` cannot be reached")]
    Address {
        /// Which target.
        target: TargetId,
        /// Why.
        #[source]
        source: HttpClientError,
    },
    /// The store refuses.
    #[error("the job cannot be made known to the store")]
    Store(#[from] StoreError),
}

impl App {
    /// Joins a store and a clock; jobs are added by [`App::activate`] and [`App::join`].
    pub fn new(store: Arc<Store>, clock: Arc<dyn Clock>, lease: LeaseTimes) -> Self {
        Self {
            store,
            jobs: Vec::new(),
            clock,
            accepted: Bell::default(),
            work: Bell::default(),
            lease,
            tenants: Tenants::default(),
            transport: None,
        }
    }

    /// Adds a job as its file means it: its targets get their hands, the store gets to know them.
    ///
    /// `with_hands` is off for what only decides: then no secret is read, and no target is spoken to.
    ///
    /// # Errors
    /// [`ActivateError`] names the target whose secret or address is wrong.
    pub fn activate(&mut self, job: &JobMeant, with_hands: bool) -> Result<Arc<ActiveJob>, ActivateError> {
        let targets = job.connections.iter().map(|(id, connection)| {
            let hands = if with_hands { self.hands(id, connection)? } else { Hands::Agent };
            Ok(ActiveTarget {
                id: id.clone(),
                directory: connection.directory(),
                kind: connection.kind_at_agents(),
                hands,
            })
        });
        let targets = targets.collect::<Result<Vec<_>, ActivateError>>()?;
        let active = self.add(job.job.clone(), &job.hash, targets, job.schema())?;
        self.store.keep_job_file(&active.state, &job.text)?;
        Ok(active)
    }

    /// Who brings a target to its state: a writer in this process, or an agent.
    ///
    /// # Errors
    /// [`ActivateError`] when the target's secret or address is wrong.
    pub fn hands(&self, target: &TargetId, connection: &Connection) -> Result<Hands, ActivateError> {
        match connection {
            Connection::Graph(graph) => self.graph_hands(target, graph),
            Connection::Scim(scim) => self.scim_hands(target, scim),
            Connection::Ldif { .. } | Connection::Directory { .. } => Ok(Hands::Agent),
        }
    }

    fn scim_hands(&self, target: &TargetId, scim: &ScimConnection) -> Result<Hands, ActivateError> {
        let read = |secret: &SecretSource| {
            secret.read().map_err(|source| ActivateError::Secret { target: target.clone(), source })
        };
        let login = match &scim.login {
            config::ScimLogin::Token(token) => ScimLogin::Token(read(token)?),
            config::ScimLogin::Client { token_url, client_id, client_secret, scope } => ScimLogin::Client {
                token_url: token_url.clone(),
                client_id: client_id.clone(),
                client_secret: read(client_secret)?,
                scope: scope.clone(),
            },
        };
        let base_url = scim.base_url.clone();
        let settings = ScimSettings { base_url, login, timeout: self.lease.grace, extra_ca: None };
        let writer = ScimWriter::new(&settings, Arc::clone(&self.clock));
        let writer = writer.map_err(|source| ActivateError::Address { target: target.clone(), source })?;
        Ok(Hands::Embedded(Arc::new(writer)))
    }

    fn graph_hands(&self, target: &TargetId, graph: &GraphConnection) -> Result<Hands, ActivateError> {
        let secret = |source| ActivateError::Secret { target: target.clone(), source };
        let settings = GraphSettings {
            base_url: graph.base_url.clone(),
            authority: graph.authority.clone(),
            tenant: graph.tenant.clone(),
            client_id: graph.client_id.clone(),
            client_secret: graph.client_secret.read().map_err(secret)?,
            timeout: self.lease.grace,
            extra_ca: None,
            budget: graph.budget,
        };
        let writer = GraphWriter::among(&self.tenants, &settings, Arc::clone(&self.clock));
        let writer = writer.map_err(|source| ActivateError::Address { target: target.clone(), source })?;
        Ok(Hands::Embedded(Arc::new(writer)))
    }

    /// Adds a job with hands of the caller's choice. `config_hash` is of the job file as meant.
    ///
    /// # Errors
    /// [`StoreError`] when the store refuses.
    pub fn join(
        &mut self,
        core: decide::Job,
        config_hash: &[u8],
        targets: Vec<ActiveTarget>,
    ) -> Result<Arc<ActiveJob>, StoreError> {
        let schema = export(&core, &[], "");
        self.add(core, config_hash, targets, schema)
    }

    fn add(
        &mut self,
        mut core: decide::Job,
        config_hash: &[u8],
        targets: Vec<ActiveTarget>,
        schema: Schema,
    ) -> Result<Arc<ActiveJob>, StoreError> {
        core.set_key(&self.store.installation_key()?);
        let named: Vec<_> = targets.iter().map(|target| (target.id.clone(), target.directory.clone())).collect();
        let apps = core.targets.iter().filter(|target| target.kind == decide::TargetKind::App).map(|target| &target.id);
        let state = self.store.register(&core.id, config_hash, &named)?.with_apps(apps);
        let job = Arc::new(ActiveJob { core: Arc::new(core), state: Arc::new(state), targets, schema });
        self.jobs.push(Arc::clone(&job));
        Ok(job)
    }

    /// The job of that name.
    pub fn job(&self, id: &str) -> Option<&Arc<ActiveJob>> {
        self.jobs.iter().find(|job| job.core.id.as_str() == id)
    }

    /// The terms on which `count` items are leased.
    pub fn lease_settings(&self, count: usize) -> LeaseSettings {
        LeaseSettings {
            lasts: self.lease.lasts,
            grace: self.lease.grace,
            count,
            lost_max: None,
            whose: Whose::Everybody,
        }
    }

    /// The same for agents, whose writers have time-outs of their own. Where an agent does not say how long, the lease is
    /// as long as any may need: one that is too short would come back again and again, and nothing would be carried.
    pub fn lease_settings_of_agents(&self, count: usize, timeout: Option<Duration>) -> LeaseSettings {
        let least = LeaseTimes::default();
        let (lasts, grace) = match timeout.map(|timeout| timeout.clamp(AGENT_TIMEOUT_MIN, AGENT_TIMEOUT_MAX)) {
            Some(timeout) => (timeout * 3, timeout),
            None => (self.lease.lasts.max(least.lasts), self.lease.grace.max(least.grace)),
        };
        LeaseSettings { lasts, grace, count, lost_max: Some(LOST_MAX), whose: Whose::Everybody }
    }

    /// What decides the uploads of a job.
    pub fn decider(&self, job: &ActiveJob) -> Decider {
        Decider {
            store: Arc::clone(&self.store),
            job: Arc::clone(&job.core),
            state: Arc::clone(&job.state),
            clock: Arc::clone(&self.clock),
            work: self.work.clone(),
        }
    }

    /// What delivers to the targets of a job whose writers are in this process.
    pub fn deliverers(&self, job: &ActiveJob) -> Vec<Arc<Deliverer>> {
        let embedded = job.targets.iter().filter_map(|target| match &target.hands {
            Hands::Embedded(writer) => Some((target, writer)),
            Hands::Agent => None,
        });
        embedded.map(|(target, writer)| self.deliverer(job, &target.id, Arc::clone(writer))).collect()
    }

    /// What delivers to a target of a job with `writer`.
    pub fn deliverer(&self, job: &ActiveJob, target: &TargetId, writer: Arc<dyn Writer>) -> Arc<Deliverer> {
        Arc::new(Deliverer {
            store: Arc::clone(&self.store),
            job: Arc::clone(&job.core),
            state: Arc::clone(&job.state),
            target: target.clone(),
            writer,
            clock: Arc::clone(&self.clock),
            holder: WorkerId::new("server"),
            settings: self.lease_settings(EMBEDDED_ITEMS),
            work: self.work.clone(),
            flowing: Flowing::default(),
        })
    }

    /// What offers the work of a job to agents, where a transport is set up for their targets.
    pub fn dispatchers(&self, job: &ActiveJob) -> Vec<Arc<Dispatcher>> {
        let Some(transport) = &self.transport else { return Vec::new() };
        let is_offered = |target: &&ActiveTarget| {
            matches!(target.hands, Hands::Agent) && transport.settings().targets.contains(&target.id)
        };
        let dispatcher = |target: &ActiveTarget| {
            Some(Arc::new(Dispatcher {
                store: Arc::clone(&self.store),
                job: Arc::clone(&job.core),
                state: Arc::clone(&job.state),
                target: target.id.clone(),
                key: job.state.target(&target.id)?,
                transport: Arc::clone(transport),
                clock: Arc::clone(&self.clock),
            }))
        };
        job.targets.iter().filter(is_offered).filter_map(dispatcher).collect()
    }

    /// Decides and delivers for all jobs until asked to stop; what is under way then is finished first.
    pub async fn run(&self, shutdown: Shutdown) {
        let mut loops = tokio::task::JoinSet::new();
        for job in &self.jobs {
            loops.spawn(self.decider(job).run(self.accepted.listen(), shutdown.clone()));
            for deliverer in self.deliverers(job) {
                let (work, shutdown) = (self.work.listen(), shutdown.clone());
                loops.spawn(async move {
                    // Where the store refuses it is told of and tried again.
                    let _ = deliverer.run(work, shutdown, OnError::Retry).await;
                });
            }
            for dispatcher in self.dispatchers(job) {
                loops.spawn(dispatcher.run(self.work.clone(), shutdown.clone()));
            }
        }
        if let Some(transport) = &self.transport {
            let store = Arc::clone(&self.store);
            let jobs = self.jobs.iter().map(|job| Arc::clone(&job.state)).collect();
            loops.spawn(hear_dead_letters(store, jobs, Arc::clone(transport), shutdown));
        }
        while loops.join_next().await.is_some() {}
    }
}
