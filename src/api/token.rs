//! The token endpoint: a client's id and secret for a token that lives an hour (`facts/graph_users.md` §1).

use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::json;

use super::auth::{CallerName, sha256};
use super::error::{ApiError, TokenFault};
use super::limits::network;
use super::{Api, blocking, body};
use crate::chance;
use crate::store::{Client, StoreError};

/// How long a token lives. Entra's live for about an hour, too; clients renew them by themselves.
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(3600);
/// Longest form. Ids, secret and scope are a few hundred bytes.
const FORM_BYTES_MAX: usize = 16 * 1024;

/// What a client says of itself.
struct Credentials {
    id: String,
    secret: String,
}

/// `POST /{tenant}/oauth2/v2.0/token`. Any tenant will do: there is only one.
pub(super) async fn post(api: web::Data<Api>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    admit(&api, &request)?;
    let credentials = credentials(&api, &request).await?;
    let given = blocking(&api, move |api| give(api, &credentials)).await?;
    let (client, token) = given.map_err(|error| ApiError::store(&error))?.ok_or(ApiError::Token(TokenFault::Client))?;
    request.extensions_mut().insert(CallerName(client.name));
    let expires_in = TOKEN_LIFETIME.as_secs() - 1;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).insert_header((header::PRAGMA, "no-cache")).json(
        json!({ "token_type": "Bearer", "expires_in": expires_in, "ext_expires_in": expires_in, "access_token": token }),
    ))
}

/// Counts the call by the address it comes from, before anything is looked up. Behind a proxy that is the proxy's:
/// what a request says of itself would be believed by nobody who guesses secrets.
fn admit(api: &Api, request: &HttpRequest) -> Result<(), ApiError> {
    let Some(address) = request.peer_addr() else { return Ok(()) };
    api.token_callers.admit(&network(address.ip())).map_err(|wait| {
        ApiError::TooMany("too many token requests from this address; keep a token for its hour".to_owned(), wait)
    })
}

async fn credentials(api: &web::Data<Api>, request: &HttpRequest) -> Result<Credentials, ApiError> {
    if !request.content_type().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(ApiError::Token(TokenFault::NoForm));
    }
    let form = body::read(api, request, FORM_BYTES_MAX).await?;
    let field = |name: &str| {
        url::form_urlencoded::parse(&form.bytes).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    let missing = |name| ApiError::Token(TokenFault::Missing(name));
    match field("grant_type").as_deref() {
        Some("client_credentials") => {}
        Some(_) => return Err(ApiError::Token(TokenFault::GrantType)),
        None => return Err(missing("grant_type")),
    }
    if let Some(credentials) = basic(request) {
        return Ok(credentials);
    }
    let id = field("client_id").ok_or_else(|| missing("client_id"))?;
    let secret = field("client_secret").ok_or_else(|| missing("client_secret"))?;
    Ok(Credentials { id, secret })
}

/// Id and secret from a Basic header, each encoded as in a form (RFC 6749 §2.3.1).
fn basic(request: &HttpRequest) -> Option<Credentials> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decoded = |text: &str| Some(percent_decode_str(text).decode_utf8().ok()?.into_owned());
    Some(Credentials { id: decoded(id)?, secret: decoded(secret)? })
}

/// A token for whoever these credentials belong to; `None` for nobody. It takes as long for an unknown client as for
/// a wrong secret, so that ids cannot be sought by the clock.
fn give(api: &Api, credentials: &Credentials) -> Result<Option<(Client, String)>, StoreError> {
    let (store, now) = (&api.app.store, api.app.clock.now());
    let said = sha256(credentials.secret.as_bytes());
    let (client, held) = match store.client_with_secret(&credentials.id)? {
        Some((client, held)) => (Some(client), held),
        None => (None, vec![0; said.len()]),
    };
    let is_right = verify_slices_are_equal(&said, &held).is_ok();
    let Some(client) = client.filter(|_| is_right) else { return Ok(None) };
    let token = chance::token().map_err(|error| StoreError::Broken(error.to_string()))?;
    store.add_token(sha256(token.as_bytes()), &client.id, now, TOKEN_LIFETIME)?;
    Ok(Some((client, token)))
}
