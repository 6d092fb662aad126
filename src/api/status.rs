//! How things stand: every job, every target, its work and pace, its agents, and when its queue will be empty.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::auth::caller;
use super::error::ApiError;
use super::role::Role;
use super::{Api, blocking};
use crate::app::{App, Hands};
use crate::model::{TargetId, Timestamp};
use crate::pipeline::status::empty_in;
use crate::store::{AgentState, JobState, PutOff, Store, StoreError, TargetWork};
use crate::writer::Pace;

/// Who writes to a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum By {
    /// The process that is asked.
    Server,
    /// An agent, which fetches its work.
    Agent,
    /// It is not known: nobody serves the job now.
    Unknown,
}

/// How things stand, as it is told to people and machines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusWire {
    /// When this was so.
    pub at: String,
    /// Operations that are accepted and not decided yet, of all jobs.
    pub to_decide: u64,
    /// The jobs.
    pub jobs: Vec<JobWire>,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobWire {
    /// Its name.
    pub job: String,
    /// Its targets, in the order of the job file.
    pub targets: Vec<TargetWire>,
}

/// A target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetWire {
    /// Its name.
    pub target: String,
    /// Who writes there.
    pub by: By,
    /// The kind that it must be of in an agent's file; nothing, where no agent writes there or it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Linked accounts.
    pub linked: u64,
    /// Pieces of work that may be taken up at once.
    pub due: u64,
    /// Pieces of work that somebody carries.
    pub under_way: u64,
    /// Of all that is not done, how much is about people who leave.
    pub leavers: u64,
    /// Work that was put off.
    pub put_off: Vec<PutOffWire>,
    /// Work that is held until somebody has looked.
    pub held: Vec<CountWire>,
    /// Work that has failed.
    pub failed: Vec<CountWire>,
    /// Changes written in a second, over the last minute.
    pub written_per_second: f64,
    /// How fast the target may be written to; nothing, where nobody set a pace or the process that has it was not asked.
    pub pace: Option<PaceWire>,
    /// In how many seconds the queue will be empty, if nothing new comes; nothing, where that cannot be said.
    pub empty_in_seconds: Option<u64>,
    /// The agents that have asked for its work.
    pub agents: Vec<AgentWire>,
}

impl TargetWire {
    /// Whether an agent's target is of the same kind; one that is not is given no work.
    pub fn fits(&self, agent: &AgentWire) -> bool {
        is_alike(self.kind.as_deref(), agent)
    }
}

/// Where nobody says of which kind a target is, it is taken to be of the same.
fn is_alike(kind: Option<&str>, agent: &AgentWire) -> bool {
    kind.zip(agent.kind.as_deref()).is_none_or(|(kind, said)| kind == said)
}

/// Why, and how much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CountWire {
    /// The word for why.
    pub why: String,
    /// How much.
    pub count: u64,
}

/// Work that was put off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PutOffWire {
    /// The word for why.
    pub why: String,
    /// How much.
    pub count: u64,
    /// When the first of it is due.
    pub until: String,
}

/// How fast a target may be written to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaceWire {
    /// Writes it takes …
    pub writes: u32,
    /// … within so many seconds.
    pub per_seconds: f64,
    /// What is left of them now.
    pub left: u32,
    /// Seconds for which it still asks for patience.
    pub closed_for_seconds: f64,
    /// Requests that may be under way at once, as its answers have it now.
    pub concurrency: usize,
}

/// An agent that has asked for a target's work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentWire {
    /// What it calls itself.
    pub name: String,
    /// The version of muster it is.
    pub version: String,
    /// Of which kind the target is by its own file; nothing, where it did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// When it last asked.
    pub last_seen_at: String,
    /// How many seconds ago that is.
    pub last_seen_seconds: u64,
    /// Whether it counts as there.
    pub is_here: bool,
    /// Pieces of work it holds.
    pub holds: u64,
}

/// `GET /muster/v1/status`.
pub(super) async fn get(api: web::Data<Api>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    caller(&api, &request, &[Role::ReadLogs]).await?;
    let status = blocking(&api, |api| of_app(&api.app)).await?;
    Ok(HttpResponse::Ok().json(status.map_err(|error| ApiError::store(&error))?))
}

/// How things stand in a process that serves.
pub(super) fn of_app(app: &App) -> Result<StatusWire, StoreError> {
    let jobs: Vec<_> = app.jobs.iter().map(|job| &*job.state).collect();
    status(&app.store, &jobs, app.clock.now(), &|job, target| {
        let active = app.job(job.id.as_str()).and_then(|job| job.targets.iter().find(|held| held.id == *target));
        match active.map(|target| (&target.hands, target.kind)) {
            Some((Hands::Embedded(writer), _)) => Written { by: By::Server, pace: writer.pace(), kind: None },
            Some((Hands::Agent, kind)) => Written { by: By::Agent, pace: None, kind },
            None => Written { by: By::Unknown, pace: None, kind: None },
        }
    })
}

/// How a target is written to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Written {
    /// By whom.
    pub by: By,
    /// At what pace, where that is known.
    pub pace: Option<Pace>,
    /// The kind that it must be of in an agent's file.
    pub kind: Option<&'static str>,
}

/// Says how a target of a job is written to.
pub type WhoWrites<'a> = dyn Fn(&JobState, &TargetId) -> Written + 'a;

/// How things stand with these jobs; `hands` says how a target is written to.
///
/// # Errors
/// [`StoreError::Unavailable`] when nothing can be read.
pub fn status(
    store: &Store,
    jobs: &[&JobState],
    now: Timestamp,
    hands: &WhoWrites<'_>,
) -> Result<StatusWire, StoreError> {
    let mut agents: BTreeMap<TargetId, Vec<AgentWire>> = BTreeMap::new();
    for agent in store.agents()? {
        agents.entry(agent.agent.target.clone()).or_default().push(agent_wire(&agent, now));
    }
    let target = |job: &JobState, id: &TargetId, key| {
        let written = hands(job, id);
        let agents = if written.by == By::Server { None } else { agents.get(id).cloned() };
        Ok(target_wire(id, written, &store.target_work(key, now)?, agents.unwrap_or_default(), now))
    };
    let job = |job: &&JobState| {
        let targets = job.targets.iter().map(|(id, key)| target(job, id, *key));
        Ok(JobWire { job: job.id.to_string(), targets: targets.collect::<Result<_, StoreError>>()? })
    };
    Ok(StatusWire {
        at: now.to_string(),
        to_decide: store.backlog()?.operations,
        jobs: jobs.iter().map(job).collect::<Result<_, StoreError>>()?,
    })
}

fn target_wire(
    id: &TargetId,
    Written { by, pace, kind }: Written,
    work: &TargetWork,
    agents: Vec<AgentWire>,
    now: Timestamp,
) -> TargetWire {
    let counts = |codes: &[(String, u64)]| {
        codes.iter().map(|(why, count)| CountWire { why: why.clone(), count: *count }).collect()
    };
    // Nobody is there who could empty it.
    let stands_still = by == By::Agent && !agents.iter().any(|agent| agent.is_here && is_alike(kind, agent));
    let estimate = empty_in(work, pace.as_ref(), now).filter(|time| time.is_zero() || !stands_still);
    TargetWire {
        target: id.to_string(),
        by,
        kind: kind.map(str::to_owned),
        linked: work.linked,
        due: work.due,
        under_way: work.under_way,
        leavers: work.leavers,
        put_off: work.put_off.iter().map(put_off_wire).collect(),
        held: counts(&work.held),
        failed: counts(&work.failed),
        written_per_second: (work.rate.per_second() * 100.0).round() / 100.0,
        pace: pace.map(pace_wire),
        empty_in_seconds: estimate.map(|time| time.as_secs() + u64::from(time.subsec_nanos() > 0)),
        agents,
    }
}

fn put_off_wire(put_off: &PutOff) -> PutOffWire {
    PutOffWire { why: put_off.why.clone(), count: put_off.count, until: put_off.first.to_string() }
}

fn pace_wire(pace: Pace) -> PaceWire {
    PaceWire {
        writes: pace.writes,
        per_seconds: pace.per.as_secs_f64(),
        left: pace.left,
        closed_for_seconds: pace.closed_for.as_secs_f64(),
        concurrency: pace.concurrency,
    }
}

fn agent_wire(state: &AgentState, now: Timestamp) -> AgentWire {
    AgentWire {
        name: state.agent.name.clone(),
        version: state.agent.version.clone(),
        kind: Some(state.agent.kind.clone()).filter(|kind| !kind.is_empty()),
        last_seen_at: state.seen_at.to_string(),
        last_seen_seconds: now.since(state.seen_at).as_secs(),
        is_here: state.is_here(now),
        holds: state.holds,
    }
}
