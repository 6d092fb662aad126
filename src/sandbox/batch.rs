//! `$batch`, read and checked (`facts/graph_users.md` §8): up to twenty requests in one, and what waits for what.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::Refusal;
use super::asked::{self, Asked};
use super::dice::Dice;
use crate::model::Timestamp;

/// Most requests in a batch.
const REQUESTS_MAX: usize = 20;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    requests: Vec<Written<'a>>,
}

#[derive(Deserialize)]
struct Written<'a> {
    id: String,
    method: String,
    url: String,
    headers: Option<BTreeMap<String, String>>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
    #[serde(rename = "dependsOn")]
    depends_on: Option<Vec<String>>,
}

/// A batch that may be carried out.
#[derive(Debug)]
pub(super) struct Batch<'a> {
    pub(super) parts: Vec<Part<'a>>,
}

/// One request of a batch.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub(super) id: String,
    method: String,
    url: String,
    eventual: bool,
    is_json: bool,
    body: Option<&'a str>,
    /// The places of those it waits for.
    pub(super) after: Vec<usize>,
}

impl<'a> Batch<'a> {
    /// Reads a batch; what is malformed is refused whole, in the words of Graph.
    pub(super) fn read(body: &'a [u8]) -> Result<Self, Refusal> {
        let envelope: Envelope<'a> = serde_json::from_slice(body).map_err(|_| Refusal::batch(FORMAT))?;
        if envelope.requests.is_empty() {
            return Err(Refusal::batch(FORMAT));
        }
        if envelope.requests.len() > REQUESTS_MAX {
            return Err(Refusal::batch("Number of requests inside batch exceeds the limit."));
        }
        let mut places = HashMap::new();
        for (at, written) in envelope.requests.iter().enumerate() {
            if written.id.is_empty() {
                return Err(Refusal::batch(FORMAT));
            }
            if places.insert(written.id.to_lowercase(), at).is_some() {
                return Err(Refusal::batch(format!("Request Id {} has to be unique in a batch.", written.id)));
            }
        }
        let parts = envelope.requests.into_iter().map(|written| part(written, &places)).collect::<Result<_, _>>()?;
        let batch = Self { parts };
        if batch.order(&mut Dice::new(0)).len() == batch.parts.len() { Ok(batch) } else { Err(Refusal::batch(FORMAT)) }
    }

    /// An order in which the parts may be carried out: any, but that each comes after what it waits for. Parts that
    /// wait for each other are left out.
    pub(super) fn order(&self, dice: &mut Dice) -> Vec<usize> {
        let mut waiting: Vec<usize> = (0..self.parts.len()).collect();
        dice.shuffle(&mut waiting);
        let mut order: Vec<usize> = Vec::with_capacity(waiting.len());
        loop {
            let is_ready = |at: &usize| self.parts[*at].after.iter().all(|before| order.contains(before));
            let ready: Vec<usize> = waiting.iter().copied().filter(is_ready).collect();
            if ready.is_empty() {
                return order;
            }
            waiting.retain(|at| !ready.contains(at));
            order.extend(ready);
        }
    }
}

const FORMAT: &str = "Invalid batch payload format.";

fn part<'a>(written: Written<'a>, places: &HashMap<String, usize>) -> Result<Part<'a>, Refusal> {
    let path = written.url.split(['?', '#']).next().unwrap_or_default();
    let is_relative = !path.contains("://") && !path.starts_with("//") && !path.trim_matches('/').is_empty();
    if !is_relative || written.method.is_empty() {
        return Err(Refusal::batch(FORMAT));
    }
    let header = |name: &str| {
        let mut headers = written.headers.iter().flatten();
        headers.find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    };
    let kind = header("content-type");
    let body = written.body.map(RawValue::get).filter(|body| *body != "null");
    let method = written.method.to_ascii_uppercase();
    let needs_both = matches!(method.as_str(), "POST" | "PUT" | "PATCH");
    if (needs_both || body.is_some()) && (kind.is_none() || body.is_none()) {
        let words = format!("Write request id : {} does not contain Content-Type header or body.", written.id);
        return Err(Refusal::batch(words));
    }
    let place = |id: &String| places.get(&id.to_lowercase()).copied();
    let after = written.depends_on.iter().flatten().map(place).collect::<Option<Vec<usize>>>();
    Ok(Part {
        eventual: header("consistencylevel").is_some_and(|level| level.eq_ignore_ascii_case("eventual")),
        is_json: kind.is_some_and(asked::is_json),
        after: after.ok_or_else(|| Refusal::batch(FORMAT))?,
        id: written.id,
        url: written.url,
        method,
        body,
    })
}

impl Part<'_> {
    /// The part as the request it is.
    pub(super) fn asked<'b>(&'b self, base: &'b str, now: Timestamp) -> Result<Asked<'b>, Refusal> {
        let url = self.url.split('#').next().unwrap_or_default();
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let segments = asked::segments(path)?;
        if segments.first().is_some_and(|first| first == "$batch") {
            return Err(Refusal::batch("A batch cannot stand in a batch."));
        }
        let body = self.body.unwrap_or_default().as_bytes();
        Ok(Asked {
            method: &self.method,
            segments,
            query: asked::query(query),
            eventual: self.eventual,
            body: (self.is_json || body.is_empty()).then_some(body),
            base,
            now,
            lag: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> String {
        Batch::read(body.as_bytes()).map_or_else(|refusal| refusal.message, |batch| format!("{}", batch.parts.len()))
    }

    #[test]
    fn a_malformed_batch_is_refused_in_graphs_words() {
        for body in [
            "",
            "{}",
            r#"{"requests": []}"#,
            r#"{"requests": [{"id": 1, "method": "GET", "url": "/users"}]}"#,
            r#"{"requests": [{"method": "GET", "url": "/users"}]}"#,
            r#"{"requests": [{"id": "1", "method": "GET"}]}"#,
            r#"{"requests": [{"id": "1", "method": "GET", "url": "https://graph.microsoft.com/v1.0/users"}]}"#,
            r#"{"requests": [{"id": "1", "method": "GET", "url": "/users", "dependsOn": ["2"]}]}"#,
            r#"{"requests": [{"id": "1", "method": "GET", "url": "/users", "dependsOn": ["1"]}]}"#,
        ] {
            assert_eq!(refused(body), FORMAT, "{body}");
        }
        let twice = r#"{"requests": [{"id": "a", "method": "GET", "url": "users"}, {"id": "A", "method": "GET", "url": "users"}]}"#;
        assert_eq!(refused(twice), "Request Id A has to be unique in a batch.");
        let silent = "Write request id : 1 does not contain Content-Type header or body.";
        for rest in [r#""body": {}"#, r#""headers": {"Content-Type": "application/json"}"#, r#""headers": null"#] {
            let body = format!(r#"{{"requests": [{{"id": "1", "method": "patch", "url": "/users/1", {rest}}}]}}"#);
            assert_eq!(refused(&body), silent, "{body}");
        }
        assert_eq!(refused(r#"{"requests": [{"id": "1", "method": "DELETE", "url": "/users/1"}]}"#), "1");
    }

    #[test]
    fn what_depends_on_another_comes_after_it() {
        let of = |id: usize| {
            let before = if id > 0 { format!(r#", "dependsOn": ["{}"]"#, id - 1) } else { String::new() };
            format!(r#"{{"id": "{id}", "method": "GET", "url": "/users"{before}}}"#)
        };
        let parts: Vec<String> = (0..20).map(of).collect();
        let body = format!(r#"{{"requests": [{}]}}"#, parts.join(","));
        let batch = Batch::read(body.as_bytes()).unwrap();
        assert_eq!(batch.order(&mut Dice::new(3)), (0..20).collect::<Vec<_>>());
    }
}
