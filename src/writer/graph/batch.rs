//! The envelope of a batch: calls as one body, and one body as answers (`facts/graph_users.md` §8).

use std::time::Duration;

use reqwest::Method;
use serde_json::{Map, Value as Json, json};

use super::call::{Answer, Call, SHARE_HEADER};
use crate::http_client::RETRY_AFTER_MAX;

/// Most calls in one batch.
pub(super) const BATCH_MAX: usize = 20;

/// The request that carries all `calls`. Each is called by its place, from 1.
pub(super) fn envelope<'a>(calls: impl Iterator<Item = &'a Call>) -> Call {
    let requests: Vec<Json> = calls.enumerate().map(|(at, call)| request(at + 1, call)).collect();
    let body = Map::from_iter([("requests".to_owned(), Json::Array(requests))]);
    Call::write(Method::POST, "/$batch".to_owned(), Some(body))
}

fn request(id: usize, call: &Call) -> Json {
    let mut headers = Map::new();
    if call.body.is_some() {
        headers.insert("Content-Type".to_owned(), json!("application/json"));
    }
    if call.advanced {
        headers.insert("ConsistencyLevel".to_owned(), json!("eventual"));
    }
    let mut request = Map::from_iter([
        ("id".to_owned(), json!(id.to_string())),
        ("method".to_owned(), json!(call.method.as_str())),
        ("url".to_owned(), json!(call.path)),
    ]);
    if !headers.is_empty() {
        request.insert("headers".to_owned(), Json::Object(headers));
    }
    if let Some(body) = &call.body {
        request.insert("body".to_owned(), Json::Object(body.clone()));
    }
    Json::Object(request)
}

/// The answers in a body, by the places of their calls; `None` where there is none, or two that differ.
///
/// `None` as a whole: the body is no answer to a batch.
pub(super) fn answers(body: &Map<String, Json>, count: usize) -> Option<Vec<Option<Answer>>> {
    let responses = body.get("responses")?.as_array()?;
    let mut answers: Vec<Option<Answer>> = vec![None; count];
    let mut is_told = vec![false; count];
    for response in responses.iter().filter_map(Json::as_object) {
        let Some(at) = place(response).filter(|at| *at < count) else { continue };
        // Of two answers to one call, which is true?
        answers[at] = if is_told[at] { None } else { answer(response) };
        is_told[at] = true;
    }
    Some(answers)
}

fn place(response: &Map<String, Json>) -> Option<usize> {
    let place: usize = match response.get("id")? {
        Json::String(id) => id.trim().parse().ok()?,
        Json::Number(id) => usize::try_from(id.as_u64()?).ok()?,
        _ => return None,
    };
    place.checked_sub(1)
}

fn answer(response: &Map<String, Json>) -> Option<Answer> {
    let status = response.get("status")?;
    let status = status.as_u64().or_else(|| status.as_str()?.parse().ok())?;
    let number = |name: &str| header(response, name)?.parse::<f64>().ok();
    Some(Answer {
        status: u16::try_from(status).ok()?,
        after: number("retry-after").and_then(patience),
        share: number(SHARE_HEADER),
        body: response.get("body").and_then(Json::as_object).cloned().unwrap_or_default(),
    })
}

/// A fraction of a second counts as a whole one.
fn patience(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds.ceil()).ok().map(|asked| asked.min(RETRY_AFTER_MAX))
}

fn header(response: &Map<String, Json>, name: &str) -> Option<String> {
    let headers = response.get("headers")?.as_object()?;
    match headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name))?.1 {
        Json::String(text) => Some(text.trim().to_owned()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::writer::graph::query::Query;

    #[test]
    fn calls_stand_in_the_envelope_as_graph_wants_them() {
        let find = Call::get(Query { path: "/users?$count=true".to_owned(), advanced: true });
        let body = json!({ "city": "Ulm" }).as_object().cloned();
        let update = Call::write(Method::PATCH, "/users/a".to_owned(), body);
        let delete = Call::write(Method::DELETE, "/users/b".to_owned(), None);
        let envelope = envelope([&find, &update, &delete].into_iter());
        assert_eq!(envelope.path, "/$batch");
        let expected = json!({ "requests": [
            { "id": "1", "method": "GET", "url": "/users?$count=true", "headers": { "ConsistencyLevel": "eventual" } },
            { "id": "2", "method": "PATCH", "url": "/users/a", "headers": { "Content-Type": "application/json" },
              "body": { "city": "Ulm" } },
            { "id": "3", "method": "DELETE", "url": "/users/b" },
        ] });
        assert_eq!(Json::Object(envelope.body.unwrap()), expected);
    }

    /// Status and patience.
    type Shown = Option<(u16, Option<u64>)>;

    fn read(body: Json, count: usize) -> Option<Vec<Shown>> {
        let answers = answers(body.as_object().unwrap(), count)?;
        let seconds = |answer: Answer| (answer.status, answer.after.map(|after| after.as_secs()));
        Some(answers.into_iter().map(|answer| answer.map(seconds)).collect())
    }

    #[test]
    fn answers_come_in_any_order_each_with_its_own_patience() {
        let body = json!({ "responses": [
            { "id": "3", "status": 204 },
            { "id": "1", "status": 429, "headers": { "Retry-After": "2.128" } },
            { "id": 2, "status": "429", "headers": { "retry-after": 7 }, "body": "text" },
        ] });
        assert_eq!(read(body, 3), Some(vec![Some((429, Some(3))), Some((429, Some(7))), Some((204, None))]));
    }

    #[test]
    fn what_is_missing_or_told_twice_is_no_answer() {
        let body = json!({ "responses": [
            { "id": "1", "status": 204 }, { "id": "1", "status": 400 }, { "id": "9", "status": 204 },
            { "id": "3" }, { "status": 204 }, "nonsense", { "id": "0", "status": 204 }, { "id": "4", "status": 99999 },
        ] });
        assert_eq!(read(body, 4), Some(vec![None, None, None, None]));
        assert_eq!(read(json!({ "responses": "no" }), 1), None);
        assert_eq!(read(json!({ "error": {} }), 1), None);
    }
}
