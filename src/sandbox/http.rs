//! The practice tenant's HTTP: reads a request, asks the tenant, writes the answer with Graph's headers.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, RETRY_AFTER};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use serde_json::json;
use url::form_urlencoded;

use super::answer::Refusal;
use super::asked::{self, Asked};
use super::exchange::{Answer, seconds};
use super::fault::FaultKind;
use super::guard::{TOKEN_LIFETIME, TokenFault, TokenRequest};
use super::{Inner, moment};
use crate::chance;
use crate::model::Timestamp;

/// Longest body that is read. Graph takes 4 MB; a user is a few KB.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// Longest token request: a form of four fields.
const FORM_BYTES_MAX: usize = 16 * 1024;

/// Longest address with its query (`facts/graph_users.md` §5); what stands in a batch may be longer.
const ADDRESS_BYTES_MAX: usize = 2048;

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
    let _under_way = inner.arrived();
    if let Some(latency) = inner.latency {
        tokio::time::sleep(latency).await;
    }
    let connection = request.connection_info().clone();
    let base = format!("{}://{}/{}", connection.scheme(), connection.host(), version(&request));
    let asked = body.map_err(|_| Refusal::too_large());
    let asked = asked.as_ref().map_err(Refusal::clone).and_then(|body| read(&request, body, &base, inner.clock.now()));
    let client_request_id = header(&request, "client-request-id").unwrap_or_default();
    let client_request_id: String = client_request_id.chars().take(REQUEST_ID_CHARS_MAX).collect();
    let ended = inner.attend(asked, header(&request, "authorization"), client_request_id);
    if !ended.slow.is_zero() {
        tokio::time::sleep(ended.slow).await;
    }
    if let Some(wait) = ended.answer.as_ref().and_then(Answer::wait) {
        inner.told_to_wait(wait);
    }
    ended.answer.map_or_else(hang_up, render)
}

/// The version in a path: the first part of it.
fn version(request: &HttpRequest) -> &str {
    request.path().split('/').nth(1).unwrap_or_default()
}

/// Breaks the connection off: a body that fails before its first byte takes the head with it.
fn hang_up() -> HttpResponse {
    HttpResponse::Ok().body(Broken)
}

/// A body that fails.
struct Broken;

impl MessageBody for Broken {
    type Error = std::io::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<web::Bytes, Self::Error>>> {
        Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionReset.into())))
    }
}

fn render(answer: Answer) -> HttpResponse {
    let mut response = builder(answer.status);
    for (name, value) in answer.headers {
        response.insert_header((name, value));
    }
    response.insert_header((CACHE_CONTROL, "no-cache"));
    match answer.body {
        Some(body) => response.body(body.to_string()),
        None => response.finish(),
    }
}

fn builder(status: u16) -> HttpResponseBuilder {
    HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
}

fn read<'a>(request: &'a HttpRequest, body: &'a [u8], base: &'a str, now: Timestamp) -> Result<Asked<'a>, Refusal> {
    if request.uri().path_and_query().is_some_and(|address| address.as_str().len() > ADDRESS_BYTES_MAX) {
        return Err(Refusal::address_too_long());
    }
    let path = request.uri().path().trim_start_matches('/');
    let path = path.strip_prefix(version(request)).unwrap_or(path);
    let is_json = header(request, "content-type").is_some_and(asked::is_json);
    Ok(Asked {
        method: request.method().as_str(),
        segments: asked::segments(path)?,
        query: asked::query(request.query_string()),
        eventual: header(request, "consistencylevel").is_some_and(|level| level.eq_ignore_ascii_case("eventual")),
        body: (is_json || body.is_empty()).then_some(body),
        base,
        now,
        lag: None,
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
    let strike = inner.state().faults.strike_token();
    if let Some(strike) = strike.filter(|strike| strike.kind == FaultKind::Slow) {
        tokio::time::sleep(strike.time).await;
    }
    let fault = strike.and_then(|strike| match strike.kind {
        FaultKind::Slow => None,
        FaultKind::Throttled => Some(TokenFault::too_many(strike.time)),
        FaultKind::Unauthorized => Some(TokenFault::bad_secret()),
        _ => Some(TokenFault::unavailable()),
    });
    let new = fault.map_or_else(|| chance::token().map_err(|_| TokenFault::unavailable()), Err);
    match new.and_then(|new| inner.give_token(&tenant, &given, new)) {
        Ok(token) => {
            let seconds = TOKEN_LIFETIME.as_secs();
            let body = json!({ "token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds,
                "access_token": token });
            HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(body)
        }
        Err(fault) => {
            let (trace, correlation) = (inner.next_request_id(), inner.next_request_id());
            let mut response = builder(fault.status);
            if let Some(after) = fault.retry_after {
                response.insert_header((RETRY_AFTER, seconds(after)));
            }
            response.json(fault.body(&moment(now), &trace, &correlation))
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
