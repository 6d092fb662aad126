//! The agents' door: work is leased to them, and they say how it went.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::{HttpRequest, HttpResponse, web};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::auth::caller;
use super::error::ApiError;
use super::role::Role;
use super::{Api, blocking, body};
use crate::app::{ActiveJob, Hands};
use crate::meter::{self, Counter};
use crate::model::{Carried, LeaseId, TargetId, WorkItem, WorkerId};
use crate::pipeline::conceal::conceal_carried;
use crate::pipeline::deliver;
use crate::queue::remote::{LEASE_ITEMS_MAX, SETTLE_ITEMS_MAX};
use crate::queue::wire::{
    AgentWire, LeaseAnswerWire, LeaseRequestWire, Reported, SettleAnswerWire, SettleRequestWire, SettledWire,
    WIRE_VERSION, WireError,
};
use crate::store::{AgentSeen, Client, Settled, StoreError};

/// The longest a question is kept open. Proxies commonly close what is silent for 60 seconds.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// How often work is looked for while a question is open and no bell rings: work that was put off falls due silently.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Longest question or report. A person with everything that is known of them is some tens of kilobytes, and agents
/// keep a report of several within a megabyte.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Bytes of what an agent says of itself, which is kept while its question is open: a few names and the kinds of many
/// targets fit.
const AGENT_BYTES_MAX: usize = 64 * 1024;

/// Characters of a kind that an agent says that are repeated to it.
const KIND_CHARACTERS_MAX: usize = 40;

/// What an agent asks for.
pub(super) struct Asked {
    pub(super) client: WorkerId,
    pub(super) targets: Vec<TargetId>,
    max: usize,
    /// Who asks, where they say so.
    agent: Option<AgentWire>,
}

impl Asked {
    /// How long its writes take, where it says so.
    pub(super) fn timeout(&self) -> Option<Duration> {
        self.agent.as_ref().map(AgentWire::timeout)
    }

    /// Whether the target of this job is of the kind that it is of in the agent's own file; where nobody says, it is
    /// taken to be.
    fn fits(&self, job: &ActiveJob, target: &TargetId) -> bool {
        let said = self.agent.as_ref().and_then(|agent| agent.kind_of(target));
        kind_in(job, target).zip(said).is_none_or(|(kind, said)| kind == said)
    }

    /// The jobs that leave this target to an agent like this.
    pub(super) fn served<'a>(&'a self, api: &'a Api, target: &'a TargetId) -> impl Iterator<Item = &'a Arc<ActiveJob>> {
        served(api, target).filter(|job| self.fits(job, target))
    }
}

/// `POST /muster/v1/agent/lease`: waits until there is work, or the time is up.
pub(super) async fn lease(api: web::Data<Api>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let client = caller(&api, &request, &[Role::Agent]).await?;
    let question: LeaseRequestWire = json_body(&api, &request).await?;
    let wait = Duration::from_secs(question.wait_seconds.into()).min(WAIT_MAX);
    let asked = Arc::new(check(&api, &client, question)?);
    note(&api, &request, &asked).await?;
    let began = Instant::now();
    let mut bell = api.app.work.listen();
    let mut shutdown = api.shutdown.clone();
    loop {
        let items = lease_now(&api, &asked).await?;
        let left = wait.saturating_sub(began.elapsed());
        if !items.is_empty() || left.is_zero() || shutdown.is_asked() {
            let answer = LeaseAnswerWire::new(&items, began.elapsed(), api.app.clock.now());
            return Ok(HttpResponse::Ok().json(answer));
        }
        tokio::select! {
            () = bell.wait(left.min(LOOK_EVERY)) => {}
            () = shutdown.asked() => {}
        }
    }
}

/// Writes down that the agent has asked, for people to see; refuses one whose target is another directory than the jobs'.
pub(super) async fn note(api: &web::Data<Api>, request: &HttpRequest, asked: &Arc<Asked>) -> Result<(), ApiError> {
    let agent = asked.agent.as_ref();
    let address = request.peer_addr().map(|address| address.ip().to_string()).unwrap_or_default();
    let seen = |target: &TargetId| AgentSeen {
        client: asked.client.as_str().to_owned(),
        name: agent.map(|agent| agent.name.clone()).unwrap_or_default(),
        version: agent.map(|agent| agent.version.clone()).unwrap_or_default(),
        target: target.clone(),
        address: address.clone(),
        kind: agent.and_then(|agent| agent.kind_of(target)).unwrap_or_default().to_owned(),
        fits: asked.served(api, target).next().is_some(),
    };
    let seen: Vec<AgentSeen> = asked.targets.iter().map(seen).collect();
    let noted =
        blocking(api, move |api| seen.iter().try_for_each(|seen| api.app.store.agent_asked(seen, api.app.clock.now())));
    noted.await?.map_err(|error| ApiError::store(&error))?;
    match asked.targets.iter().find(|target| asked.served(api, target).next().is_none()) {
        Some(target) => Err(other_kind(api, asked, target)),
        None => Ok(()),
    }
}

/// Change files that nobody waits for, say, would be reported as accounts of a domain.
fn other_kind(api: &Api, asked: &Asked, target: &TargetId) -> ApiError {
    let said = asked.agent.as_ref().and_then(|agent| agent.kind_of(target)).unwrap_or_default();
    let jobs = served(api, target)
        .filter_map(|job| kind_in(job, target).map(|kind| format!("of kind `{kind}` in job `{}`", job.core.id)));
    let jobs: Vec<_> = jobs.collect();
    ApiError::OtherKind(format!(
        "the target `{target}` is of kind `{}` in the agent's file, and {}; correct one of the two. Until then it is \
         given no work",
        said.escape_debug().take(KIND_CHARACTERS_MAX).collect::<String>(),
        jobs.join(", ")
    ))
}

/// `POST /muster/v1/agent/settle`.
pub(super) async fn settle(api: web::Data<Api>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let client = caller(&api, &request, &[Role::Agent]).await?;
    let report: SettleRequestWire = json_body(&api, &request).await?;
    let reported = report.read(api.app.clock.now()).map_err(|error| unreadable(&error))?;
    let (is_one, several) = match reported {
        Reported::One(lease, carried) => (true, vec![(lease, Ok(*carried))]),
        Reported::Several(several) => (false, several),
    };
    if several.len() > SETTLE_ITEMS_MAX {
        return Err(ApiError::BadRequest(format!("one report has at most {SETTLE_ITEMS_MAX} settlements")));
    }
    let holder = WorkerId::new(&client.id);
    let answers = blocking(&api, move |api| settle_now(api, &holder, several)).await?;
    let answers = answers.map_err(|error| ApiError::store(&error))?;
    if answers.contains(&SettledWire::Taken) {
        // What comes after it may be due at once: the manager, or what differs on an account that was found.
        api.app.work.ring();
    }
    match (is_one, answers.first()) {
        (true, Some(SettledWire::Taken)) => {
            Ok(HttpResponse::Ok().json(json!({ "version": WIRE_VERSION, "settled": "taken" })))
        }
        (true, _) => Err(ApiError::LeaseLost),
        (false, _) => Ok(HttpResponse::Ok().json(SettleAnswerWire { version: WIRE_VERSION, answers })),
    }
}

pub(super) async fn json_body<T: DeserializeOwned>(api: &web::Data<Api>, request: &HttpRequest) -> Result<T, ApiError> {
    let body = body::read(api, request, BODY_BYTES_MAX).await?;
    serde_json::from_slice(&body.bytes).map_err(|error| unreadable(&error))
}

fn unreadable(error: &(dyn std::error::Error + 'static)) -> ApiError {
    let why = crate::pipeline::schedule::chain(error);
    ApiError::BadRequest(format!("the body cannot be read: {why}; server and agent should be of one version"))
}

/// An agent speaks for its own targets only, and for those only where a job leaves them to agents.
pub(super) fn check(api: &Api, client: &Client, question: LeaseRequestWire) -> Result<Asked, ApiError> {
    let mut targets = question.targets().map_err(|error| unreadable(&error))?;
    // A target that is named over and over is looked at once.
    targets.sort_unstable();
    targets.dedup();
    if let Some(foreign) = targets.iter().find(|target| !client.targets.iter().any(|own| own == target.as_str())) {
        let words = format!(
            "client `{}` was not added for the target `{foreign}`; add one with `muster client add --target {foreign}`",
            client.name
        );
        return Err(ApiError::Forbidden(words));
    }
    if let Some(idle) = targets.iter().find(|target| served(api, target).next().is_none()) {
        let words =
            format!("no job leaves a target `{idle}` to an agent; see the job files this server was started with");
        return Err(ApiError::NotFound(words));
    }
    if targets.is_empty() || question.max == 0 {
        return Err(ApiError::BadRequest("ask for at least one work item of at least one target".to_owned()));
    }
    if question.agent.as_ref().is_some_and(|agent| agent.bytes() > AGENT_BYTES_MAX) {
        return Err(ApiError::BadRequest(format!("an agent says at most {AGENT_BYTES_MAX} bytes of itself")));
    }
    let max = question.max.min(LEASE_ITEMS_MAX) as usize;
    targets.shrink_to_fit();
    Ok(Asked { client: WorkerId::new(&client.id), targets, max, agent: question.agent })
}

/// Of which kind the target must be for an agent of this job.
fn kind_in(job: &ActiveJob, target: &TargetId) -> Option<&'static str> {
    job.targets.iter().find(|held| held.id == *target).and_then(|held| held.kind)
}

/// The jobs that leave this target to agents.
fn served<'a>(api: &'a Api, target: &'a TargetId) -> impl Iterator<Item = &'a Arc<ActiveJob>> {
    let by_agent = move |job: &&Arc<ActiveJob>| {
        job.targets.iter().any(|held| held.id == *target && matches!(held.hands, Hands::Agent))
    };
    api.app.jobs.iter().filter(by_agent)
}

async fn lease_now(api: &web::Data<Api>, asked: &Arc<Asked>) -> Result<Vec<WorkItem>, ApiError> {
    let asked = Arc::clone(asked);
    blocking(api, move |api| lease_all(api, &asked)).await?.map_err(|error| ApiError::store(&error))
}

fn lease_all(api: &Api, asked: &Asked) -> Result<Vec<WorkItem>, StoreError> {
    let mut items = Vec::new();
    for target in &asked.targets {
        for job in asked.served(api, target) {
            let left = asked.max - items.len();
            if left > 0 {
                items.extend(lease_of(api, job, target, asked, left)?);
            }
        }
    }
    Ok(items)
}

/// Leases until there is something to carry, or nothing is due: what needs no carrying is ended on the way.
fn lease_of(
    api: &Api,
    job: &ActiveJob,
    target: &TargetId,
    asked: &Asked,
    count: usize,
) -> Result<Vec<WorkItem>, StoreError> {
    let settings = api.app.lease_settings_of_agents(count, asked.timeout());
    loop {
        let now = api.app.clock.now();
        let work = deliver::lease(&api.app.store, &job.core, &job.state, target, &asked.client, &settings, now)?;
        if work.others_woken {
            api.app.work.ring();
        }
        if !work.items.is_empty() || work.ended == 0 {
            return Ok(work.items);
        }
    }
}

/// A lease does not say whose job it is of: each that has agents is asked, until it is some one's.
fn settle_now(
    api: &Api,
    holder: &WorkerId,
    several: Vec<(LeaseId, Result<Carried, WireError>)>,
) -> Result<Vec<SettledWire>, StoreError> {
    let mut answers = Vec::with_capacity(several.len());
    let mut left = Vec::new();
    for (place, (lease, carried)) in several.into_iter().enumerate() {
        match carried {
            Ok(carried) => {
                answers.push(SettledWire::LeaseLost);
                left.push((place, lease, carried));
            }
            Err(error) => answers.push(SettledWire::Unreadable(crate::pipeline::schedule::chain(&error))),
        }
    }
    let by_agents = |job: &&Arc<ActiveJob>| job.targets.iter().any(|target| matches!(target.hands, Hands::Agent));
    for job in api.app.jobs.iter().filter(by_agents) {
        let mut of_this_job = Vec::with_capacity(left.len());
        for (_, lease, carried) in &left {
            let mut carried = carried.clone();
            conceal_carried(&job.core, (&api.app.store, &job.state), lease, &mut carried)?;
            of_this_job.push((lease.clone(), carried));
        }
        let settled = api.app.store.settle_all(&job.state, holder, &of_this_job, api.app.clock.now())?;
        let mut settled = settled.into_iter();
        left.retain(|(place, ..)| {
            let is_taken = settled.next() == Some(Settled::Taken);
            if is_taken {
                answers[*place] = SettledWire::Taken;
            }
            !is_taken
        });
    }
    meter::count(Counter::LeasesLost, &[("by", "agent")], left.len() as u64);
    Ok(answers)
}
