//! What every request passes through: its ids, its log line, and a net below for whatever falls.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpResponse, ResponseError, web};

use super::Api;
use super::auth::CallerName;
use super::error::ApiError;
use super::ids::{CLIENT_REQUEST_ID, Ids, REQUEST_ID};
use super::incoming::{Incoming, Unread};
use crate::model::Timestamp;

/// Characters of an address that is nowhere shown in the log.
const PATH_CHARACTERS_MAX: usize = 120;

/// Gives the request its ids, answers whatever goes wrong as Graph would, and logs that it was here.
///
/// Never logged: tokens, bodies, queries, the addresses of people (only the pattern of a route is).
pub(super) async fn passage(
    api: web::Data<Api>,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let began = Instant::now();
    let (ids, fault) = Ids::read(request.headers());
    request.extensions_mut().insert(ids.clone());
    let incoming = Incoming::take(&mut request);
    let response = match fault {
        Some(fault) => request.error_response(fault),
        None => match unharmed(next.call(request)).await {
            Ok(response) => response,
            Err(error) => return Err(fallen(&error, ids, &api)),
        },
    };
    let mut response = render(response, &ids, &api, incoming);
    put_ids(response.headers_mut(), &ids);
    log(&response, &ids, began.elapsed());
    Ok(response)
}

/// Runs a handler; one that panics has failed, and the server has not.
async fn unharmed<B: MessageBody + 'static>(
    handling: impl Future<Output = Result<ServiceResponse<B>, Error>>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let mut handling = pin!(handling);
    let handled =
        std::future::poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| handling.as_mut().poll(context))) {
            Ok(poll) => poll,
            Err(_) => std::task::Poll::Ready(Err(ApiError::Broken.into())),
        })
        .await;
    handled.map(ServiceResponse::map_into_boxed_body)
}

/// A request that is lost with its handler.
#[derive(Debug, thiserror::Error)]
#[error("{}", ApiError::Broken)]
struct Fallen {
    ids: Ids,
    at: Timestamp,
}

impl ResponseError for Fallen {
    fn error_response(&self) -> HttpResponse {
        let mut response = ApiError::Broken.answer(&self.ids, self.at);
        put_ids(response.headers_mut(), &self.ids);
        response
    }
}

/// Puts the Graph error object into an answer that tells of a failure.
fn render(response: ServiceResponse, ids: &Ids, api: &Api, incoming: Incoming) -> ServiceResponse {
    let status = response.status();
    let ours = response.response().error().and_then(|error| error.as_error::<ApiError>());
    let answer = match ours {
        Some(error) => error.answer(ids, api.app.clock.now()),
        None if status.is_client_error() || status.is_server_error() => {
            ApiError::of_status(status).answer(ids, api.app.clock.now())
        }
        None => return response,
    };
    response.into_response(answer.map_body(|_, body| BoxBody::new(Unread { body, _rest: incoming })))
}

/// The answer to a request that is lost with its handler. Whatever is known of the cause has been said already.
fn fallen(error: &Error, ids: Ids, api: &Api) -> Error {
    tracing::error!(request_id = ids.request, %error, "a request broke off");
    Fallen { ids, at: api.app.clock.now() }.into()
}

/// Signs an answer with the ids of its request.
fn put_ids(headers: &mut HeaderMap, ids: &Ids) {
    let mut put = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    put(REQUEST_ID, &ids.request);
    if let Some(client) = &ids.client {
        put(CLIENT_REQUEST_ID, client);
    }
}

fn log(response: &ServiceResponse, ids: &Ids, took: Duration) {
    let request = response.request();
    let route = request.match_pattern().unwrap_or_else(|| nowhere(request.path()));
    let extensions = request.extensions();
    let client = extensions.get::<CallerName>().map_or("", |caller| &caller.0);
    tracing::info!(
        method = request.method().as_str(),
        route,
        status = response.status().as_u16(),
        milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        request_id = ids.request,
        client,
        "request"
    );
}

/// An address that is no route, fit for a log.
fn nowhere(path: &str) -> String {
    path.escape_debug().take(PATH_CHARACTERS_MAX).collect()
}
