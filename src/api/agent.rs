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
use crate::model::{Carried, LeaseId, TargetId, WorkItem, WorkerId};
use crate::pipeline::conceal::conceal_carried;
use crate::pipeline::deliver;
use crate::queue::remote::LEASE_ITEMS_MAX;
use crate::queue::wire::{LeaseAnswerWire, LeaseRequestWire, SettleRequestWire, WIRE_VERSION};
use crate::store::{Client, Settled, StoreError};

/// The longest a question is kept open. Proxies commonly close what is silent for 60 seconds.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// How often work is looked for while a question is open and no bell rings: work that was put off falls due silently.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Longest question or report. A person with everything that is known of them is some tens of kilobytes.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// What an agent asks for.
struct Asked {
    client: WorkerId,
    targets: Vec<TargetId>,
    max: usize,
}

/// `POST /muster/v1/agent/lease`: waits until there is work, or the time is up.
pub(super) async fn lease(api: web::Data<Api>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let client = caller(&api, &request, &[Role::Agent]).await?;
    let question: LeaseRequestWire = json_body(&api, &request).await?;
    let asked = Arc::new(check(&api, &client, &question)?);
    let wait = Duration::from_secs(question.wait_seconds.into()).min(WAIT_MAX);
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

/// `POST /muster/v1/agent/settle`.
pub(super) async fn settle(api: web::Data<Api>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let client = caller(&api, &request, &[Role::Agent]).await?;
    let report: SettleRequestWire = json_body(&api, &request).await?;
    let (lease, carried) = report.read(api.app.clock.now()).map_err(|error| unreadable(&error))?;
    let settled = blocking(&api, move |api| settle_now(api, &WorkerId::new(&client.id), &lease, &carried)).await?;
    match settled.map_err(|error| ApiError::store(&error))? {
        Settled::Taken => {
            // What comes after it may be due at once: the manager, or what differs on an account that was found.
            api.app.work.ring();
            Ok(HttpResponse::Ok().json(json!({ "version": WIRE_VERSION, "settled": "taken" })))
        }
        Settled::LeaseLost => Err(ApiError::LeaseLost),
    }
}

async fn json_body<T: DeserializeOwned>(api: &web::Data<Api>, request: &HttpRequest) -> Result<T, ApiError> {
    let body = body::read(api, request, BODY_BYTES_MAX).await?;
    serde_json::from_slice(&body.bytes).map_err(|error| unreadable(&error))
}

fn unreadable(error: &(dyn std::error::Error + 'static)) -> ApiError {
    let why = crate::pipeline::schedule::chain(error);
    ApiError::BadRequest(format!("the body cannot be read: {why}; server and agent should be of one version"))
}

/// An agent speaks for its own targets only, and for those only where a job leaves them to agents.
fn check(api: &Api, client: &Client, question: &LeaseRequestWire) -> Result<Asked, ApiError> {
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
    Ok(Asked { client: WorkerId::new(&client.id), targets, max: question.max.min(LEASE_ITEMS_MAX) as usize })
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
        for job in served(api, target) {
            let left = asked.max - items.len();
            if left > 0 {
                items.extend(lease_of(api, job, target, &asked.client, left)?);
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
    client: &WorkerId,
    count: usize,
) -> Result<Vec<WorkItem>, StoreError> {
    let settings = api.app.lease_settings_of_agents(count);
    loop {
        let now = api.app.clock.now();
        let work = deliver::lease(&api.app.store, &job.core, &job.state, target, client, &settings, now)?;
        if !work.items.is_empty() || work.ended == 0 {
            return Ok(work.items);
        }
    }
}

/// A lease does not say whose job it is of: each that has agents is asked.
fn settle_now(api: &Api, holder: &WorkerId, lease: &LeaseId, carried: &Carried) -> Result<Settled, StoreError> {
    let by_agents = |job: &&Arc<ActiveJob>| job.targets.iter().any(|target| matches!(target.hands, Hands::Agent));
    for job in api.app.jobs.iter().filter(by_agents) {
        let mut carried = carried.clone();
        conceal_carried(&job.core, (&api.app.store, &job.state), lease, &mut carried)?;
        let settled = api.app.store.settle(&job.state, holder, lease, carried, api.app.clock.now())?;
        if settled == Settled::Taken {
            return Ok(Settled::Taken);
        }
    }
    Ok(Settled::LeaseLost)
}
