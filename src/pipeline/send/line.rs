//! One request, asked until there is an answer to it: token, pace, pauses, and when to give up.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Method, StatusCode};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use url::Url;

use super::pace::{Gate, Wait};
use super::{Refusal, SendError};
use crate::http_client;
use crate::pipeline::backoff::backoff;
use crate::token::{TokenError, TokenSource};

/// How often a request is tried that meets with no answer, or with an error that passes. With the pauses between,
/// about four minutes: a server that is being restarted is back by then.
const TRIES_MAX: u32 = 9;
/// The shortest pause before a repeat, whatever the server asks for: one that says "0" would be asked without end.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// How much of what the server says of an error is kept.
const MESSAGE_CHARS_MAX: usize = 500;
/// The type of a bulk request (`facts/entra.md` §1.1).
const SCIM_JSON: &str = "application/scim+json";

/// What is asked.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) url: Url,
    /// Names it: the same for each try, so that the server recognises a repeat.
    pub(super) id: String,
    pub(super) body: Option<Vec<u8>>,
    /// How long it may wait in all because the server asks for it.
    pub(super) waited_max: Duration,
}

/// What was answered.
pub(super) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// The way to a server.
pub(super) struct Line {
    pub(super) http: reqwest::Client,
    pub(super) tokens: TokenSource,
    pub(super) gate: Gate,
    pub(super) wait: Wait,
}

/// What came of one try.
enum Tried {
    Answered(Answer),
    /// The token is not taken any more.
    Unknown(Answer),
    /// It will pass.
    Again {
        after: Option<Duration>,
        why: String,
    },
}

impl Line {
    /// Asks until there is an answer, and one with `expected` as its status. `pausing` hears of every pause.
    ///
    /// # Errors
    /// See [`SendError`]: the server, or the token service, refuses, or gives no answer for too long.
    pub(super) async fn call(
        &self,
        call: &Call,
        expected: StatusCode,
        pausing: &mut dyn FnMut(Duration),
    ) -> Result<Answer, SendError> {
        let mut patience = Patience { tries: 0, waited: Duration::ZERO, waited_max: call.waited_max };
        let mut renewed = false;
        loop {
            let (after, why) = match self.once(call).await? {
                Tried::Answered(answer) => return answer.expect(expected),
                // Tokens that were still valid have been refused (`facts/graph_users.md` §1): a new one, once.
                Tried::Unknown(_) if !renewed => {
                    renewed = true;
                    continue;
                }
                Tried::Unknown(answer) => return answer.expect(expected),
                Tried::Again { after, why } => (after, why),
            };
            let pause = patience.pause(after, &call.id).ok_or(SendError::NoAnswer { why })?;
            pausing(pause);
            (self.wait)(pause).await;
        }
    }

    async fn once(&self, call: &Call) -> Result<Tried, SendError> {
        let token = match self.tokens.bearer().await {
            Ok(token) => token,
            Err(TokenError::Later { after, why }) => {
                return Ok(Tried::Again { after, why: format!("no token: {why}") });
            }
            Err(refused @ TokenError::Refused { .. }) => return Err(SendError::NoToken(refused)),
        };
        self.gate.pass(&self.wait).await;
        let mut request = self.http.request(call.method.clone(), call.url.clone());
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, SCIM_JSON).body(body.clone());
        }
        let request = request.bearer_auth(token.expose_secret()).header("client-request-id", &call.id);
        let tried = match request.send().await {
            Ok(response) => read(response).await,
            Err(error) => Tried::Again { after: None, why: http_client::why(error) },
        };
        if matches!(tried, Tried::Unknown(_)) {
            self.tokens.forget(&token);
        }
        tried.log(call);
        Ok(tried)
    }
}

async fn read(response: reqwest::Response) -> Tried {
    let (status, headers) = (response.status(), response.headers().clone());
    let passes =
        status.is_server_error() || [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status);
    let body = match http_client::read_answer(response).await {
        Ok(body) => body,
        // What it answered is not known; asked again it will say so again.
        Err(error) => return Tried::Again { after: None, why: error.to_string() },
    };
    let answer = Answer { status, headers, body };
    if passes {
        Tried::Again { after: http_client::retry_after(&answer.headers), why: answer.refusal().to_string() }
    } else if status == StatusCode::UNAUTHORIZED {
        Tried::Unknown(answer)
    } else {
        Tried::Answered(answer)
    }
}

impl Tried {
    fn log(&self, call: &Call) {
        let (path, id) = (call.url.path(), call.id.as_str());
        match self {
            Self::Answered(answer) | Self::Unknown(answer) => {
                let status = answer.status.as_u16();
                tracing::debug!(method = %call.method, path, status, client_request_id = id, "the server answered");
            }
            Self::Again { why, .. } => {
                tracing::debug!(method = %call.method, path, why, client_request_id = id, "asking again");
            }
        }
    }
}

impl Answer {
    /// A header, as text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body, as what it should be.
    ///
    /// # Errors
    /// [`SendError::Unreadable`] when it is something else.
    pub(super) fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, SendError> {
        serde_json::from_slice(&self.body).map_err(SendError::Unreadable)
    }

    /// Itself, when it is a yes. Any other success is none: it is a sign-in page, or somebody else's address.
    fn expect(self, expected: StatusCode) -> Result<Self, SendError> {
        if self.status == expected { Ok(self) } else { Err(SendError::Refused(self.refusal())) }
    }

    /// What it says of why not: Graph's error object, if it is one.
    fn refusal(&self) -> Refusal {
        #[derive(Default, Deserialize)]
        struct Body {
            error: Option<Words>,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Words {
            code: String,
            message: String,
        }
        let body: Body = serde_json::from_slice(&self.body).unwrap_or_default();
        let Words { code, message } = body.error.unwrap_or_default();
        let cut = |text: &str| text.chars().take(MESSAGE_CHARS_MAX).collect();
        Refusal {
            status: self.status.as_u16(),
            code: cut(&code),
            message: cut(&message),
            request_id: self.header("request-id").map(cut),
        }
    }
}

/// How long a request is still asked again.
struct Patience {
    tries: u32,
    waited: Duration,
    waited_max: Duration,
}

impl Patience {
    /// The pause before the next try; `None` when there is none.
    fn pause(&mut self, asked: Option<Duration>, who: &str) -> Option<Duration> {
        if let Some(asked) = asked {
            let pause = asked.max(PAUSE_MIN);
            self.waited += pause;
            return (self.waited <= self.waited_max).then_some(pause);
        }
        let pause = backoff(self.tries, who);
        self.tries += 1;
        (self.tries < TRIES_MAX).then_some(pause)
    }
}
