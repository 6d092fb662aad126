//! The agents that have asked for work: who, when last, from where.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::auth::caller;
use super::error::ApiError;
use super::role::Role;
use super::{Api, blocking};

/// `GET /muster/v1/agents`: one entry for each target of each agent.
pub(super) async fn get(api: web::Data<Api>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    caller(&api, &request, &[Role::ReadLogs]).await?;
    let agents = blocking(&api, |api| api.app.store.agents()).await?.map_err(|error| ApiError::store(&error))?;
    let now = api.app.clock.now();
    let agents = agents.iter().map(|state| {
        json!({
            "name": state.agent.name,
            "version": state.agent.version,
            "target": state.agent.target.as_str(),
            "kind": state.agent.kind,
            "fits": state.agent.fits,
            "clientId": state.agent.client,
            "clientName": state.client_name,
            "address": state.agent.address,
            "firstSeenAt": state.first_seen_at.to_string(),
            "lastSeenAt": state.seen_at.to_string(),
            "isHere": state.is_here(now),
            "holds": state.holds,
        })
    });
    Ok(HttpResponse::Ok().json(json!({ "agents": agents.collect::<Vec<_>>() })))
}
