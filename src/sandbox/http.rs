//! The practice tenant's HTTP: reads a request, asks the tenant, writes the answer with Graph's headers.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use serde_json::{Value as Json, json};
use url::form_urlencoded;

use super::answer::{Fault, Reply};
use super::guard::{TOKEN_LIFETIME, TokenFault, TokenRequest};
use super::tenant::Asked;
use super::{Inner, moment};
use crate::chance;

/// Longest body that is read. Graph takes 4 MB; a user is a few KB.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// Longest token request: a form of four fields.
const FORM_BYTES_MAX: usize = 16 * 1024;

/// Most parts of a path that are read. The longest path the tenant knows has five.
const SEGMENTS_MAX: usize = 16;

/// The longest `client-request-id` that is given back.
const REQUEST_ID_CHARS_MAX: usize = 64;

/// Mounts the tenant: `/v1.0`, `/beta`, and the token endpoint.
pub(super) fn mount(config: &mut ServiceConfig, inner: &Arc<Inner>) {
    for version in ["/v1.0", "/beta"] {
        config.service(
            web::resource(format!("{version}/{{tail:.*}}"))
                .app_data(web::Data::from(Arc::clone(inner)))
                .app_data(web::PayloadConfig::new(BODY_BYTES_MAX))
                .to(graph),
        );
    }
    config.service(
        web::resource("/{tenant}/oauth2/v2.0/token")
            .app_data(web::Data::from(Arc::clone(inner)))
            .app_data(web::PayloadConfig::new(FORM_BYTES_MAX))
            .route(web::post().to(token)),
    );
}

async fn graph(
    request: HttpRequest,
    body: Result<web::Bytes, actix_web::Error>,
    inner: web::Data<Inner>,
) -> HttpResponse {
    if let Some(latency) = inner.latency {
        tokio::time::sleep(latency).await;
    }
    let client_request_id = header(&request, "client-request-id").unwrap_or_default();
    let client_request_id: String = client_request_id.chars().take(REQUEST_ID_CHARS_MAX).collect();
    let now = inner.clock.now();
    let answer = body.map_err(|_| Fault::too_large()).and_then(|body| {
        let asked = read(&request, &body, now)?;
        inner.ask(&asked, header(&request, "authorization"))
    });
    let request_id = inner.next_request_id();
    let client_request_id = if client_request_id.is_empty() { request_id.clone() } else { client_request_id };
    let mut response = match answer {
        Ok(reply) => render(reply),
        Err(fault) => {
            let body = fault.body(&moment(now), &request_id, &client_request_id);
            let mut response = builder(fault.status);
            if let Some(after) = fault.retry_after {
                response.insert_header((RETRY_AFTER, after.as_secs().to_string()));
            }
            (response, Some(body))
        }
    };
    response.0.insert_header(("request-id", request_id));
    response.0.insert_header(("client-request-id", client_request_id));
    response.0.insert_header((CACHE_CONTROL, "no-cache"));
    finish(response)
}

fn render(reply: Reply) -> (HttpResponseBuilder, Option<Json>) {
    let mut response = builder(reply.status);
    if let Some(location) = reply.location {
        response.insert_header((LOCATION, location));
    }
    (response, reply.body)
}

fn builder(status: u16) -> HttpResponseBuilder {
    HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
}

fn finish((mut response, body): (HttpResponseBuilder, Option<Json>)) -> HttpResponse {
    match body {
        Some(body) => response
            .insert_header((CONTENT_TYPE, "application/json;odata.metadata=minimal;odata.streaming=true;charset=utf-8"))
            .body(body.to_string()),
        None => response.finish(),
    }
}

fn read<'a>(request: &'a HttpRequest, body: &'a [u8], now: crate::model::Timestamp) -> Result<Asked<'a>, Fault> {
    let mut segments = Vec::new();
    for raw in request.uri().path().split('/').filter(|segment| !segment.is_empty()).take(SEGMENTS_MAX) {
        let text = percent_decode_str(raw).decode_utf8().map_err(|_| Fault::segment(raw))?;
        match text.strip_prefix("users('").and_then(|rest| rest.strip_suffix("')")) {
            Some(name) => segments.extend(["users".to_owned(), name.replace("''", "'")]),
            None => segments.push(text.into_owned()),
        }
    }
    let version = if segments.is_empty() { String::new() } else { segments.remove(0) };
    let connection = request.connection_info();
    let is_json = header(request, "content-type").is_some_and(|kind| {
        kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
    });
    Ok(Asked {
        method: request.method().as_str(),
        segments,
        query: form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect(),
        eventual: header(request, "consistencylevel").is_some_and(|level| level.eq_ignore_ascii_case("eventual")),
        body: (is_json || body.is_empty()).then_some(body),
        base: format!("{}://{}/{version}", connection.scheme(), connection.host()),
        now,
    })
}

fn header<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}

async fn token(
    request: HttpRequest,
    tenant: web::Path<String>,
    body: web::Bytes,
    inner: web::Data<Inner>,
) -> HttpResponse {
    let now = inner.clock.now();
    let given = read_token_request(&request, &body);
    match chance::token().map_err(|_| TokenFault::unavailable()).and_then(|new| inner.give_token(&tenant, &given, new))
    {
        Ok(token) => {
            let seconds = TOKEN_LIFETIME.as_secs();
            let body = json!({ "token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds,
                "access_token": token });
            HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(body)
        }
        Err(fault) => {
            let (trace, correlation) = (inner.next_request_id(), inner.next_request_id());
            builder(fault.status).json(fault.body(&moment(now), &trace, &correlation))
        }
    }
}

/// The form; id and secret may stand in a Basic header instead (`facts/graph_users.md` §1).
fn read_token_request(request: &HttpRequest, body: &[u8]) -> TokenRequest {
    let field = |name: &str| form_urlencoded::parse(body).find(|(given, _)| given == name);
    let text = |name: &str| field(name).map(|(_, value)| value.into_owned()).unwrap_or_default();
    let (client_id, secret) =
        basic(request).unwrap_or_else(|| (text("client_id"), SecretString::from(text("client_secret"))));
    TokenRequest { grant_type: text("grant_type"), client_id, secret, scope: text("scope") }
}

fn basic(request: &HttpRequest) -> Option<(String, SecretString)> {
    let encoded = header(request, "authorization")?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(std::borrow::Cow::into_owned).ok();
    Some((decoded(id)?, SecretString::from(decoded(secret)?)))
}
