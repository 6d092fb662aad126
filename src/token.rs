//! Bearer tokens for machines (OAuth 2 client credentials), kept until shortly before they end.
//!
//! It does not judge what the token is good for: whoever is refused with one calls [`TokenSource::forget`].

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use oauth2::basic::{BasicClient, BasicErrorResponse};
use oauth2::{
    AsyncHttpClient, AuthType, ClientId, ClientSecret, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse,
    RequestTokenError, Scope, TokenResponse, TokenUrl,
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::clock::Clock;
use crate::http_client;
use crate::model::Timestamp;

/// How long before its end a token is renewed: longer than any call that carries it, and than clocks differ.
pub const RENEW_BEFORE: Duration = Duration::from_secs(300);

/// How long a token is trusted that comes without an end. Entra's live for an hour.
pub const LIFETIME_UNSAID: Duration = Duration::from_secs(600);

/// Longest text of a refusal that is kept. The rest of Entra's is trace ids and advice.
const REFUSAL_CHARS_MAX: usize = 300;

/// Why there is no token: what the caller must tell apart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The token service cannot be reached, or asks us to wait.
    #[error("the token service cannot be asked now: {why}")]
    Later {
        /// Not before this has passed, where it said so.
        after: Option<Duration>,
        /// What happened. No secret in it.
        why: String,
    },
    /// It will not give one until somebody has changed something: a wrong or expired secret, an unknown tenant.
    #[error("the token service refuses ({code}): {why}")]
    Refused {
        /// Its own word, e.g. `invalid_client`.
        code: String,
        /// Its own sentence. No secret in it.
        why: String,
    },
}

/// Gives the current token, and fetches a new one when that is needed: once, however many ask.
pub struct TokenSource {
    client: BasicClient<EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>,
    scope: Scope,
    http: TokenHttp,
    clock: Arc<dyn Clock>,
    kept: Mutex<Option<Kept>>,
    /// Held by the one who fetches; the others wait and find the token kept.
    fetching: tokio::sync::Mutex<()>,
}

struct Kept {
    token: SecretString,
    renew_at: Timestamp,
}

impl std::fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenSource")
            .field("token_url", &self.client.token_uri().as_str())
            .field("client_id", &self.client.client_id().as_str())
            .finish_non_exhaustive()
    }
}

impl TokenSource {
    /// Tokens from `token_url` for the application `client_id`, good for `scope`; where that is empty, none is
    /// asked for. Nothing is fetched yet.
    ///
    /// `http` is made by [`http_client::build`] for the same address.
    pub fn new(
        token_url: &Url,
        client_id: &str,
        secret: &SecretString,
        scope: &str,
        http: reqwest::Client,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let client = BasicClient::new(ClientId::new(client_id.to_owned()))
            .set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()))
            // Entra takes both; the form is what its own documentation shows (`facts/graph_users.md` §1).
            .set_auth_type(AuthType::RequestBody)
            .set_token_uri(TokenUrl::from_url(token_url.clone()));
        Self {
            client,
            scope: Scope::new(scope.to_owned()),
            http: TokenHttp(http),
            clock,
            kept: Mutex::new(None),
            fetching: tokio::sync::Mutex::new(()),
        }
    }

    /// A token that holds for at least as long as a call takes.
    ///
    /// # Errors
    /// [`TokenError`]: come back later, or somebody must mend the configuration.
    pub async fn bearer(&self) -> Result<SecretString, TokenError> {
        if let Some(token) = self.current() {
            return Ok(token);
        }
        let _one_at_a_time = self.fetching.lock().await;
        // Whoever held the lock before us has probably fetched it.
        if let Some(token) = self.current() {
            return Ok(token);
        }
        let kept = self.fetch().await?;
        let token = kept.token.clone();
        *self.kept() = Some(kept);
        Ok(token)
    }

    /// Lets go of a token that was refused, so that the next call fetches a new one.
    ///
    /// Of `refused` only: when several calls are refused with one token, the first of them renews it for all.
    pub fn forget(&self, refused: &SecretString) {
        let mut kept = self.kept();
        if kept.as_ref().is_some_and(|held| held.token.expose_secret() == refused.expose_secret()) {
            *kept = None;
        }
    }

    fn current(&self) -> Option<SecretString> {
        let now = self.clock.now();
        self.kept().as_ref().filter(|kept| now < kept.renew_at).map(|kept| kept.token.clone())
    }

    fn kept(&self) -> MutexGuard<'_, Option<Kept>> {
        // Nothing can panic while it is held; if something did, the token in it is still a token.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn fetch(&self) -> Result<Kept, TokenError> {
        // Counted from before the request, so that a slow answer makes the token older, not younger.
        let asked_at = self.clock.now();
        let mut request = self.client.exchange_client_credentials();
        if !self.scope.is_empty() {
            request = request.add_scope(self.scope.clone());
        }
        let answer = request.request_async(&self.http).await.map_err(token_error)?;
        let lifetime = answer.expires_in().unwrap_or(LIFETIME_UNSAID);
        tracing::debug!(lifetime_seconds = lifetime.as_secs(), "a new token");
        Ok(Kept {
            token: SecretString::from(answer.access_token().secret().as_str()),
            renew_at: asked_at.plus(lifetime - RENEW_BEFORE.min(lifetime / 2)),
        })
    }
}

fn token_error(error: RequestTokenError<TokenHttpError, BasicErrorResponse>) -> TokenError {
    match error {
        RequestTokenError::ServerResponse(answer) => TokenError::Refused {
            code: answer.error().as_ref().to_owned(),
            why: first_line(answer.error_description().map_or("no reason given", String::as_str)),
        },
        RequestTokenError::Request(TokenHttpError { after, why }) => TokenError::Later { after, why },
        // The text of these errors may quote the answer, and with it the token.
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            TokenError::Later { after: None, why: "its answer is no token".to_owned() }
        }
    }
}

fn first_line(text: &str) -> String {
    text.chars().take_while(|c| !c.is_control()).take(REFUSAL_CHARS_MAX).collect()
}

/// Carries a token request over our own client: `oauth2` brings an older one.
struct TokenHttp(reqwest::Client);

/// The token service gave nothing that could be read as yes or no.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
struct TokenHttpError {
    after: Option<Duration>,
    why: String,
}

impl<'c> AsyncHttpClient<'c> for TokenHttp {
    type Error = TokenHttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, TokenHttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let lost = |error| TokenHttpError { after: None, why: http_client::why(error) };
            let request = reqwest::Request::try_from(request).map_err(lost)?;
            let answer = self.0.execute(request).await.map_err(lost)?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            if status.is_server_error() || status == reqwest::StatusCode::TOO_MANY_REQUESTS {
                let after = http_client::retry_after(&headers);
                return Err(TokenHttpError { after, why: format!("it answers {status}") });
            }
            let body = http_client::read_answer(answer).await;
            let body = body.map_err(|error| TokenHttpError { after: None, why: error.to_string() })?;
            let mut response = HttpResponse::new(body);
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            Ok(response)
        })
    }
}
