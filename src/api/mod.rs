//! The HTTP doors: bulk uploads, tokens, agents, and what became of it all. Handlers parse, call and render.

mod agent;
mod agents;
mod auth;
mod body;
mod bulk;
mod claim;
mod error;
mod ids;
mod incoming;
mod limits;
mod metrics;
mod passage;
mod people;
mod role;
mod schema;
mod serve;
mod settings;
mod show;
mod status;
#[cfg(test)]
mod tests;
mod token;
mod uploads;

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::{HttpResponse, Resource, web};

use self::error::ApiError;
use self::limits::{Limiter, Room};
use crate::app::{ActiveJob, App};
use crate::pipeline::schedule::Shutdown;

pub use auth::sha256;
pub use role::{Role, UnknownRole};
pub use serve::{ServeError, Serving, listen, serve};
pub use settings::{ApiSettings, JobLimits, Rate, STRICT_OPERATIONS_MAX, TlsFiles};
pub use status::{
    AgentWire, By, CountWire, JobWire, PaceWire, PutOffWire, StatusWire, TargetWire, WhoWrites, Written, status,
};
pub use token::TOKEN_LIFETIME;

/// Jobs that are named when somebody asks for one that is not there.
const JOBS_NAMED_MAX: usize = 10;

/// Everything the doors share.
struct Api {
    app: Arc<App>,
    settings: ApiSettings,
    /// How others reach this server.
    base_url: String,
    /// By client id.
    callers: Limiter<String>,
    /// Agents, by client id.
    agents: Limiter<String>,
    /// By network, at the token endpoint.
    token_callers: Limiter<IpAddr>,
    room: Room,
    shutdown: Shutdown,
}

impl Api {
    fn new(app: Arc<App>, settings: ApiSettings, base_url: String, shutdown: Shutdown) -> Self {
        Self {
            callers: Limiter::new(settings.rate),
            agents: Limiter::new(settings.agent_rate),
            token_callers: Limiter::new(settings.token_rate),
            room: Room::new(settings.in_flight_bytes_max, settings.room_wait_max),
            app,
            settings,
            base_url,
            shutdown,
        }
    }
}

/// All routes.
fn routes(config: &mut web::ServiceConfig) {
    const JOB: &str = "/{version:v1\\.0|beta}/servicePrincipals/{principal}/synchronization/jobs/{job}";
    config
        .service(only("POST", &format!("{JOB}/bulkUpload")).route(web::post().to(bulk::post)))
        .service(only("PUT", &format!("{JOB}/bulkUpload/$value")).route(web::put().to(bulk::put)))
        .service(only("GET", &format!("{JOB}/schema")).route(web::get().to(schema::get)))
        .service(only("GET", &format!("{JOB}/schema/functions")).route(web::get().to(schema::get_functions)))
        .service(
            only("GET", &format!("{JOB}/schema/filterOperators")).route(web::get().to(schema::get_filter_operators)),
        )
        .service(only("POST", &format!("{JOB}/schema/parseExpression")).route(web::post().to(schema::parse_expression)))
        .service(only("POST", "/{tenant}/oauth2/v2.0/token").route(web::post().to(token::post)))
        .service(only("GET", "/muster/v1/uploads/{upload}").route(web::get().to(uploads::get)))
        .service(only("GET", "/muster/v1/jobs/{job}/people/{anchor}").route(web::get().to(people::get)))
        .service(only("POST", "/muster/v1/agent/lease").route(web::post().to(agent::lease)))
        .service(only("POST", "/muster/v1/agent/claim").route(web::post().to(claim::claim)))
        .service(only("POST", "/muster/v1/agent/settle").route(web::post().to(agent::settle)))
        .service(only("GET", "/muster/v1/agents").route(web::get().to(agents::get)))
        .service(only("GET", "/muster/v1/status").route(web::get().to(status::get)))
        .service(only("GET", "/metrics").route(web::get().to(metrics::get)))
        .service(only("GET", "/health").route(web::get().to(health)));
}

/// A route that answers other methods with 405.
fn only(allow: &'static str, path: &str) -> Resource {
    let refuse = move || async move { Err::<HttpResponse, _>(ApiError::MethodNotAllowed { allow }) };
    web::resource(path.to_owned()).default_service(web::to(refuse))
}

/// `GET /health`: whether the store can be read. For whoever watches over the process, so without a token.
async fn health(api: web::Data<Api>) -> Result<HttpResponse, ApiError> {
    let read = blocking(&api, |api| api.app.store.backlog()).await?;
    read.map_err(|error| ApiError::store(&error))?;
    Ok(HttpResponse::Ok().json(serde_json::json!({ "status": "ok" })))
}

fn job_named<'a>(api: &'a Api, id: &str) -> Result<&'a Arc<ActiveJob>, ApiError> {
    api.app.job(id).ok_or_else(|| {
        let jobs = api.app.jobs.iter().take(JOBS_NAMED_MAX).map(|job| format!("`{}`", job.core.id));
        let jobs: Vec<_> = jobs.collect();
        ApiError::NotFound(format!("no job of this name is served here; jobs that are: {}", jobs.join(", ")))
    })
}

/// Runs what may wait for the disk where waiting is allowed.
async fn blocking<T: Send + 'static>(
    api: &web::Data<Api>,
    work: impl FnOnce(&Api) -> T + Send + 'static,
) -> Result<T, ApiError> {
    let api = api.clone();
    web::block(move || work(&api)).await.map_err(|_| ApiError::Broken)
}
