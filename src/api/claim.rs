//! The agents' second door: what was offered through a queue is bound to who claims it.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};

use super::agent::{Asked, check, json_body, note};
use super::auth::caller;
use super::error::ApiError;
use super::role::Role;
use super::{Api, blocking};
use crate::model::LeaseId;
use crate::queue::remote::LEASE_ITEMS_MAX;
use crate::queue::wire::{ClaimAnswerWire, ClaimRequestWire, ClaimedWire, LeaseRequestWire, WIRE_VERSION};
use crate::store::{Claim, Claimed, StoreError, TargetKey};

/// `POST /muster/v1/agent/claim`: an offer is the caller's if it is of one of their targets, and still offered.
pub(super) async fn claim(api: web::Data<Api>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let client = caller(&api, &request, &[Role::Agent]).await?;
    let wanted: ClaimRequestWire = json_body(&api, &request).await?;
    let claims = read(&wanted)?;
    let question = LeaseRequestWire {
        version: wanted.version,
        targets: wanted.targets,
        max: u32::try_from(claims.len()).unwrap_or(u32::MAX),
        wait_seconds: 0,
        agent: wanted.agent,
    };
    let asked = Arc::new(check(&api, &client, question)?);
    note(&api, &request, &asked).await?;
    let answers = blocking(&api, move |api| claim_now(api, &asked, &claims)).await?;
    let answers = answers.map_err(|error| ApiError::store(&error))?;
    // There is room to offer more; and what is gone may be due anew.
    api.app.work.ring();
    let now = api.app.clock.now();
    let answers = answers.into_iter().map(|claimed| match claimed {
        Claimed::Until(ends) => ClaimedWire::held(ends, now),
        Claimed::Gone => ClaimedWire::Gone,
    });
    Ok(HttpResponse::Ok().json(ClaimAnswerWire { version: WIRE_VERSION, answers: answers.collect() }))
}

/// Leases that agents make up are UUIDs, so that nobody's can be like another's by chance.
fn read(wanted: &ClaimRequestWire) -> Result<Vec<Claim>, ApiError> {
    let max = LEASE_ITEMS_MAX as usize;
    if wanted.claims.is_empty() || wanted.claims.len() > max {
        return Err(ApiError::BadRequest(format!("claim at least one offer, and at most {max}")));
    }
    let is_uuid = |lease: &str| uuid::Uuid::try_parse(lease).is_ok_and(|uuid| uuid.to_string() == lease);
    if let Some(wrong) = wanted.claims.iter().find(|claim| !is_uuid(&claim.lease)) {
        let lease: String = wrong.lease.escape_debug().take(40).collect();
        return Err(ApiError::BadRequest(format!("`{lease}` is no UUID; an agent makes up a new one for each claim")));
    }
    let claim = |claim: &crate::queue::wire::OfferClaimWire| Claim {
        offer: LeaseId::new(&claim.offer),
        lease: LeaseId::new(&claim.lease),
    };
    Ok(wanted.claims.iter().map(claim).collect())
}

/// An offer does not say whose job it is of: each that leaves the targets to agents is asked for what is still open.
fn claim_now(api: &Api, asked: &Asked, claims: &[Claim]) -> Result<Vec<Claimed>, StoreError> {
    let mut answers = vec![Claimed::Gone; claims.len()];
    let terms = api.app.lease_settings_of_agents(claims.len(), asked.timeout());
    for job in api.app.jobs.iter() {
        let own = asked.targets.iter().filter(|target| asked.served(api, target).any(|other| Arc::ptr_eq(other, job)));
        let targets: Vec<TargetKey> = own.filter_map(|target| job.state.target(target)).collect();
        let open: Vec<usize> = (0..claims.len()).filter(|at| answers[*at] == Claimed::Gone).collect();
        if targets.is_empty() || open.is_empty() {
            continue;
        }
        let some: Vec<Claim> = open.iter().map(|at| claims[*at].clone()).collect();
        let at = (api.app.clock.now(), terms.lasts, terms.grace);
        let claimed = api.app.store.claim(&job.state, &targets, (&asked.client, &some), at)?;
        for (place, claimed) in open.into_iter().zip(claimed) {
            answers[place] = claimed;
        }
    }
    Ok(answers)
}
