//! Where a person stands: what was said of them, which rule spoke, what was written, what it waits for.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value as Json, json};

use super::auth::caller;
use super::error::ApiError;
use super::role::Role;
use super::{Api, blocking, job_named, show};
use crate::app::{ActiveJob, Hands};
use crate::decide::Concealment;
use crate::model::{TargetId, Timestamp};
use crate::pipeline::conceal::{conceal_person, secrets_of};
use crate::store::{Store, StoreError};

/// `GET /muster/v1/jobs/{job}/people/{anchor}`.
pub(super) async fn get(
    api: web::Data<Api>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    caller(&api, &request, &[Role::ReadLogs]).await?;
    let (job, anchor) = path.into_inner();
    let job = Arc::clone(job_named(&api, &job)?);
    let found = blocking(&api, move |api| find(&api.app.store, &job, &anchor, api.app.clock.now())).await?;
    match found.map_err(|error| ApiError::store(&error))? {
        Some(person) => Ok(HttpResponse::Ok().json(person)),
        None => Err(ApiError::NotFound(
            "the job has never heard of this person; ask for them by externalId, byte for byte, percent-encoded"
                .to_owned(),
        )),
    }
}

fn find(store: &Store, job: &ActiveJob, anchor: &str, now: Timestamp) -> Result<Option<Json>, StoreError> {
    if let Some(mut state) = store.person(&job.state, anchor)? {
        let concealment = Concealment::of(&job.core);
        conceal_person(&concealment, &secrets_of(&concealment, &job.core, &state.stored), &mut state);
        let by_agents = |target: &TargetId| {
            job.targets.iter().any(|active| active.id == *target && matches!(active.hands, Hands::Agent))
        };
        state.links.iter_mut().filter(|link| by_agents(&link.target)).for_each(|link| link.tell_of_missing_agent(now));
        return Ok(Some(show::person(&state)));
    }
    let operations = store.operations_about(&job.state, anchor)?;
    if operations.is_empty() {
        return Ok(None);
    }
    // Spoken of, and never understood: there is no person, but there is something to see.
    let operations: Vec<_> = operations.iter().map(show::operation).collect();
    Ok(Some(json!({ "externalId": anchor, "standing": "unknown", "operations": operations })))
}
