//! What a practice tenant is told and asked by those who practise: faults and facts. Graph knows nothing like it.
//!
//! `POST /sandbox/faults` (an order, or a list of them), `GET` and `DELETE /sandbox/faults`, `GET /sandbox/facts`. The
//! client secret is the bearer token: a page in somebody's browser reaches loopback, too.

use std::sync::Arc;

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use secrecy::SecretString;
use serde_json::{Value as Json, json};

use super::{Fault, Inner};

/// Longest order: a few faults.
const ORDER_BYTES_MAX: usize = 64 * 1024;

/// Mounts `/sandbox`.
pub(super) fn mount(config: &mut ServiceConfig, inner: &Arc<Inner>) {
    config.service(
        web::resource("/sandbox/{what}")
            .app_data(web::Data::from(Arc::clone(inner)))
            .app_data(web::PayloadConfig::new(ORDER_BYTES_MAX))
            .to(control),
    );
}

async fn control(
    request: HttpRequest,
    what: web::Path<String>,
    body: web::Bytes,
    inner: web::Data<Inner>,
) -> HttpResponse {
    let given = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    if !inner.application.knows(&SecretString::from(given)) {
        return HttpResponse::Unauthorized()
            .json(json!({ "error": "the client secret is wanted as the bearer token" }));
    }
    match (request.method().as_str(), what.as_str()) {
        ("GET", "facts") => HttpResponse::Ok().json(facts(&inner)),
        ("GET", "faults") => HttpResponse::Ok().json(inner.state().faults.orders()),
        ("DELETE", "faults") => {
            inner.state().faults.clear();
            HttpResponse::NoContent().finish()
        }
        ("POST", "faults") => match order(&inner, &body) {
            Ok(()) => HttpResponse::NoContent().finish(),
            Err(why) => HttpResponse::BadRequest().json(json!({ "error": why })),
        },
        _ => HttpResponse::NotFound().json(json!({ "error": "there are /sandbox/faults and /sandbox/facts" })),
    }
}

fn facts(inner: &Inner) -> Json {
    let state = inner.state();
    let directory = &state.tenant.directory;
    json!({
        "requests": state.requests,
        "users": directory.user_count(),
        "deletedUsers": directory.bin_users().count(),
        "groups": state.tenant.groups.iter().count(),
    })
}

/// All orders of a body, or none.
fn order(inner: &Inner, body: &[u8]) -> Result<(), String> {
    let given: Json = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let list = if given.is_array() { given } else { Json::Array(vec![given]) };
    let orders: Vec<Fault> = serde_json::from_value(list).map_err(|error| error.to_string())?;
    inner.state().faults.order(orders).map_err(|error| error.to_string())
}
