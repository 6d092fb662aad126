//! Who is calling, and whether they may.

use actix_web::http::header;
use actix_web::{HttpMessage as _, HttpRequest, web};
use aws_lc_rs::digest::{SHA256, digest};

use super::error::ApiError;
use super::role::Role;
use super::{Api, blocking};
use crate::store::Client;

/// Longest token that is looked at; ours have 43 characters.
const TOKEN_BYTES_MAX: usize = 4096;

/// The caller's name, left on the request for its log line.
pub(super) struct CallerName(pub(super) String);

/// Who is calling: looked up anew for every request, so that disabling a client ends its tokens at once.
///
/// # Errors
/// 401 when nobody is, 403 when they have none of these roles, 429 when they call too often.
pub(super) async fn caller(api: &web::Data<Api>, request: &HttpRequest, needed: &[Role]) -> Result<Client, ApiError> {
    let hash = sha256(bearer(request)?.as_bytes());
    let found = blocking(api, move |api| api.app.store.client_of_token(hash, api.app.clock.now())).await?;
    let client = found.map_err(|error| ApiError::store(&error))?;
    let client = client.ok_or(ApiError::NotAuthenticated(
        "the access token has expired, is unknown, or its client was disabled; ask for a new one at /{tenant}/oauth2/v2.0/token",
    ))?;
    request.extensions_mut().insert(CallerName(client.name.clone()));
    if !needed.iter().any(|role| has(&client, *role)) {
        return Err(ApiError::role_missing(&client.name, needed));
    }
    let limiter = if needed == [Role::Agent] { &api.agents } else { &api.callers };
    limiter.admit(&client.id).map_err(|wait| {
        let words = format!("client `{}` calls too often; wait as long as Retry-After says", client.name);
        ApiError::TooMany(words, wait)
    })?;
    Ok(client)
}

/// Whether the client has the role.
pub(super) fn has(client: &Client, role: Role) -> bool {
    client.roles.iter().any(|held| held.eq_ignore_ascii_case(role.name()))
}

/// SHA-256: of secrets that are as random as it is long, so that no slow hash is needed.
pub fn sha256(secret: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, secret).as_ref());
    hash
}

fn bearer(request: &HttpRequest) -> Result<&str, ApiError> {
    let missing = ApiError::NotAuthenticated("the access token is empty; send it as `Authorization: Bearer …`");
    let Some(value) = request.headers().get(header::AUTHORIZATION) else { return Err(missing) };
    let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).unwrap_or_default();
    let token = token.trim();
    if scheme.eq_ignore_ascii_case("Bearer") && !token.is_empty() && token.len() <= TOKEN_BYTES_MAX {
        Ok(token)
    } else {
        Err(missing)
    }
}
