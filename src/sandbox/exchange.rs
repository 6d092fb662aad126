//! One HTTP request to the practice tenant, from its arrival to its answer: token, faults, budget; alone or a batch.

use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use super::answer::{Refusal, Reply};
use super::asked::Asked;
use super::batch::{Batch, Part};
use super::budget::{Charge, Overdrawn};
use super::dice::Dice;
use super::fault::{FaultKind, Strike};
use super::{Inner, State, moment};

/// What Graph says its bodies are.
const CONTENT_TYPE: &str = "application/json;odata.metadata=minimal;odata.streaming=true;charset=utf-8";

/// An answer, ready to be written down.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Option<Json>,
    /// The longest time it asks its caller to wait, in its own head or in one of a batch.
    wait: Option<Duration>,
}

impl Answer {
    pub(super) fn wait(&self) -> Option<Duration> {
        self.wait
    }
}

/// How a request ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// Nothing, where the connection is to be closed instead.
    pub(super) answer: Option<Answer>,
    /// How long the answer is kept back.
    pub(super) slow: Duration,
}

/// What every answer to a request bears.
struct Ids {
    date: String,
    request: String,
    client: String,
}

impl Inner {
    /// Does what was asked, as far as budget and faults let it.
    pub(super) fn attend(
        &self,
        asked: Result<Asked<'_>, Refusal>,
        authorization: Option<&str>,
        client_request_id: String,
    ) -> Ended {
        let request = self.next_request_id();
        let client = if client_request_id.is_empty() { request.clone() } else { client_request_id };
        let ids = Ids { date: moment(self.clock.now()), request, client };
        let mut state = self.state();
        let checked = asked.and_then(|asked| {
            let checked = state.guard.check_token(authorization, asked.now);
            if let (Err(_), false) = (&checked, is_batch(&asked)) {
                state.count(&asked);
            }
            checked.map(|()| asked)
        });
        let mut ended = match checked {
            Ok(asked) if is_batch(&asked) => self.attend_batch(&mut state, &asked, &ids),
            Ok(asked) => self.attend_one(&mut state, asked, &ids),
            Err(refusal) => Ended { answer: Some(refused(&refusal, &ids)), slow: Duration::ZERO },
        };
        if let Err(refusal) = state.keep() {
            ended.answer = Some(refused(&refusal, &ids));
        }
        if let Some(answer) = &mut ended.answer {
            answer.headers.push(("request-id", ids.request));
            answer.headers.push(("client-request-id", ids.client));
        }
        ended
    }

    /// A request, alone or of a batch.
    fn attend_one(&self, state: &mut State, mut asked: Asked<'_>, ids: &Ids) -> Ended {
        state.count(&asked);
        let strike = state.faults.strike(&asked);
        state.requests.faults += u64::from(strike.is_some());
        if let Some(refusal) = strike.and_then(|strike| self.struck_before(strike)) {
            state.requests.throttled += u64::from(refusal.status == 429);
            return Ended { answer: Some(refused(&refusal, ids)), slow: Duration::ZERO };
        }
        let charge = match state.meter.charge(&asked) {
            Ok(charge) => charge,
            Err(overdrawn) => {
                state.requests.throttled += 1;
                let refusal = self.overdrawn(&overdrawn, &state.tenant.id);
                return Ended { answer: Some(refused(&refusal, ids)), slow: Duration::ZERO };
            }
        };
        state.requests.writes += u64::from(asked.writes());
        asked.lag = strike.filter(|strike| strike.kind == FaultKind::Late).map(|strike| strike.time);
        let mut answer = match state.tenant.answer(&asked) {
            Ok(reply) => answered(reply),
            Err(refusal) => refused(&refusal, ids),
        };
        charged(&mut answer, &charge);
        struck_after(strike, answer, ids)
    }

    fn attend_batch(&self, state: &mut State, asked: &Asked<'_>, ids: &Ids) -> Ended {
        state.requests.batches += 1;
        let whole = |refusal: &Refusal| Ended { answer: Some(refused(refusal, ids)), slow: Duration::ZERO };
        let strike = state.faults.strike_batch();
        state.requests.faults += u64::from(strike.is_some());
        if let Some(refusal) = strike.and_then(|strike| self.struck_before(strike)) {
            state.requests.throttled += u64::from(refusal.status == 429);
            return whole(&refusal);
        }
        if asked.method != "POST" {
            return whole(&Refusal::method());
        }
        let batch = match asked.body.ok_or_else(Refusal::payload).and_then(Batch::read) {
            Ok(batch) => batch,
            Err(refusal) => return whole(&refusal),
        };
        let mut dice = Dice::new(state.requests.batches);
        let mut told = Told { parts: Vec::new(), slow: Duration::ZERO, wait: None };
        let mut failed = vec![false; batch.parts.len()];
        for at in batch.order(&mut dice) {
            let Some(part) = batch.parts.get(at) else { continue };
            let depends_on_failed = part.after.iter().any(|before| failed.get(*before) == Some(&true));
            let ended = self.attend_part(state, part, depends_on_failed, asked, ids);
            let Some(answer) = ended.answer else { return Ended { answer: None, slow: ended.slow } };
            if let Some(failed) = failed.get_mut(at) {
                *failed = answer.status >= 400;
            }
            told.tell(part, answer, ended.slow);
        }
        dice.shuffle(&mut told.parts);
        let (slow, answer) = (told.slow, told.answer());
        let mut ended = struck_after(strike, answer, ids);
        ended.slow = ended.slow.max(slow);
        ended
    }

    fn attend_part(
        &self,
        state: &mut State,
        part: &Part<'_>,
        depends_on_failed: bool,
        whole: &Asked<'_>,
        ids: &Ids,
    ) -> Ended {
        state.requests.in_batches += 1;
        let asked = match part.asked(whole.base, whole.now) {
            Ok(_) if depends_on_failed => Err(Refusal::failed_dependency()),
            asked => asked,
        };
        match asked {
            Ok(asked) => self.attend_one(state, asked, ids),
            Err(refusal) => Ended { answer: Some(refused(&refusal, ids)), slow: Duration::ZERO },
        }
    }

    /// The refusal of a request that a fault strikes before anything is done.
    fn struck_before(&self, strike: Strike) -> Option<Refusal> {
        match strike.kind {
            FaultKind::Throttled => Some(Refusal::throttled(&self.application.client_id, strike.time)),
            FaultKind::FailedBefore => Some(Refusal::internal()),
            FaultKind::Unauthorized => Some(Refusal::token("Lifetime validation failed, the token is expired.")),
            FaultKind::Concurrency => Some(Refusal::concurrency()),
            FaultKind::FailedAfter | FaultKind::ResetAfter | FaultKind::Slow | FaultKind::Late => None,
        }
    }

    fn overdrawn(&self, overdrawn: &Overdrawn, tenant: &str) -> Refusal {
        let application = &self.application.client_id;
        let mut refusal = Refusal::throttled(application, overdrawn.after);
        let scope = format!("Tenant_Application/ReadWrite/{application}/{tenant}");
        refusal.headers.push(("x-ms-throttle-scope", scope));
        refusal.headers.push(("x-ms-throttle-information", overdrawn.what.to_owned()));
        refusal.headers.push(("x-ms-throttle-limit-percentage", format!("{:.2}", overdrawn.share_used)));
        refusal
    }
}

/// What a batch answers so far.
struct Told {
    parts: Vec<Json>,
    slow: Duration,
    wait: Option<Duration>,
}

impl Told {
    fn tell(&mut self, part: &Part<'_>, answer: Answer, slow: Duration) {
        let headers: Map<String, Json> =
            answer.headers.into_iter().map(|(name, value)| (titled(name), Json::String(value))).collect();
        let mut told = Map::new();
        told.insert("id".to_owned(), json!(part.id));
        told.insert("status".to_owned(), json!(answer.status));
        told.insert("headers".to_owned(), Json::Object(headers));
        if let Some(body) = answer.body {
            told.insert("body".to_owned(), body);
        }
        self.parts.push(Json::Object(told));
        self.slow = self.slow.max(slow);
        self.wait = self.wait.max(answer.wait);
    }

    fn answer(self) -> Answer {
        let body = Map::from_iter([("responses".to_owned(), Json::Array(self.parts))]);
        let headers = vec![("content-type", CONTENT_TYPE.to_owned())];
        Answer { status: 200, headers, body: Some(Json::Object(body)), wait: self.wait }
    }
}

/// In the JSON of a batch, Graph spells the well-known headers with capitals.
fn titled(name: &str) -> String {
    match name {
        "content-type" => "Content-Type".to_owned(),
        "retry-after" => "Retry-After".to_owned(),
        "location" => "Location".to_owned(),
        name => name.to_owned(),
    }
}

fn is_batch(asked: &Asked<'_>) -> bool {
    asked.segments.len() == 1 && asked.segments.iter().any(|segment| segment == "$batch")
}

fn answered(reply: Reply) -> Answer {
    let mut headers = Vec::new();
    if reply.body.is_some() {
        headers.push(("content-type", CONTENT_TYPE.to_owned()));
    }
    headers.extend(reply.location.map(|location| ("location", location)));
    Answer { status: reply.status, headers, body: reply.body, wait: None }
}

fn refused(refusal: &Refusal, ids: &Ids) -> Answer {
    let mut headers = vec![("content-type", CONTENT_TYPE.to_owned())];
    headers.extend(refusal.retry_after.map(|after| ("retry-after", seconds(after))));
    headers.extend(refusal.headers.iter().cloned());
    let body = refusal.body(&ids.date, &ids.request, &ids.client);
    Answer { status: refusal.status, headers, body: Some(body), wait: refusal.retry_after }
}

fn charged(answer: &mut Answer, charge: &Charge) {
    answer.headers.push(("x-ms-resource-unit", charge.units.to_string()));
    if let Some(share) = charge.share_used {
        answer.headers.push(("x-ms-throttle-limit-percentage", format!("{share:.2}")));
    }
}

fn struck_after(strike: Option<Strike>, answer: Answer, ids: &Ids) -> Ended {
    let (answer, slow) = match strike {
        Some(Strike { kind: FaultKind::FailedAfter, .. }) => (Some(refused(&Refusal::internal(), ids)), Duration::ZERO),
        Some(Strike { kind: FaultKind::ResetAfter, .. }) => (None, Duration::ZERO),
        Some(Strike { kind: FaultKind::Slow, time }) => (Some(answer), time),
        _ => (Some(answer), Duration::ZERO),
    };
    Ended { answer, slow }
}

/// Seconds as `Retry-After` has them: whole, or with the fraction there is.
pub(super) fn seconds(time: Duration) -> String {
    match time.subsec_millis() {
        0 => time.as_secs().to_string(),
        _ => format!("{:.3}", time.as_secs_f64()),
    }
}
