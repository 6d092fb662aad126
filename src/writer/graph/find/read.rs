//! What an answer to one question tells of each of its values.

use std::sync::Arc;

use serde_json::Value as Json;

use super::merge::{Ask, fold};
use super::{Told, User, lost};
use crate::model::{Attributes, Name, Value};
use crate::writer::WriteError;
use crate::writer::graph::call::{Answer, Lost};
use crate::writer::graph::query::Place;
use crate::writer::graph::refusal::refusal_without_object;
use crate::writer::graph::shape;

/// What was read.
#[derive(Debug)]
pub(super) enum Read {
    /// To each value, in their order, what was told of it.
    Told(Vec<Told>),
    /// It cannot be told apart, or may not be asked so: ask value by value.
    OneByOne {
        /// It may not be asked so, whoever is asked for.
        is_refused: bool,
    },
}

pub(super) fn read(ask: &Ask, answer: Result<Answer, Lost>) -> Read {
    let all = |told: Told| Read::Told(vec![told; ask.values.len()]);
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return all(lost(error)),
    };
    if answer.status != 200 {
        let may_be_the_filter = matches!(answer.status, 400 | 501) && ask.values.len() > 1;
        return if may_be_the_filter { Read::OneByOne { is_refused: true } } else { all(trouble(ask, &answer)) };
    }
    let Some(Json::Array(users)) = answer.body.get("value") else {
        return all(Told::Later(None, "the list that Graph answers has no `value`".to_owned()));
    };
    let users = users.iter().filter_map(Json::as_object).map(|user| Arc::new(user.clone()));
    if ask.values.len() == 1 {
        return all(Told::Users(users.collect()));
    }
    // More than a page: somebody's value is many users'.
    let is_whole = !answer.body.contains_key("@odata.nextLink");
    match is_whole.then(|| told_apart(ask, users)).flatten() {
        Some(told) => Read::Told(told.into_iter().map(Told::Users).collect()),
        None => Read::OneByOne { is_refused: false },
    }
}

/// To each value its users; `None` where somebody holds none of them as we compare.
fn told_apart(ask: &Ask, users: impl Iterator<Item = User>) -> Option<Vec<Vec<User>>> {
    let folds: Vec<String> = ask.values.iter().map(|value| fold(value)).collect();
    let mut told = vec![Vec::new(); folds.len()];
    for user in users {
        let held = held(&user, &ask.key)?;
        let at = folds.iter().position(|fold| *fold == held)?;
        told[at].push(user);
    }
    Some(told)
}

fn held(user: &User, key: &Name) -> Option<String> {
    match shape::attributes(user, std::slice::from_ref(key)).get(key.as_str())? {
        Value::Text(text) => Some(fold(text)),
        Value::Integer(number) => Some(number.to_string()),
        _ => None,
    }
}

fn trouble(ask: &Ask, answer: &Answer) -> Told {
    match refusal_without_object(answer, false, &Attributes::new()) {
        WriteError::Later { after, cause } => Told::Later(after, cause.0),
        WriteError::Refused { code, cause } if ask.place == Place::Bin => {
            // Who may not look into the bin makes new accounts, as if it were empty.
            tracing::warn!(code, cause = cause.0, "deleted accounts cannot be looked for");
            Told::Users(Vec::new())
        }
        WriteError::Refused { code, cause } => Told::Refused(code, cause.0),
        other => Told::Later(None, other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Whether a list of these users, asked for by two numbers, leads to asking for each alone, and for good.
    fn one_by_one(status: u16, body: &Json) -> Option<bool> {
        let values = vec!["1".to_owned(), "2".to_owned()];
        let ask = Ask { place: Place::Living, key: Name::new("employeeId"), values };
        let body = body.as_object().unwrap().clone();
        match read(&ask, Ok(Answer { status, body, ..Answer::default() })) {
            Read::Told(_) => None,
            Read::OneByOne { is_refused } => Some(is_refused),
        }
    }

    #[test]
    fn one_answer_that_cannot_be_told_apart_is_no_refusal_of_all() {
        let user = |id: &str| json!({ "id": "a", "employeeId": id });
        assert_eq!(one_by_one(200, &json!({ "value": [user("2"), user("1")] })), None);
        assert_eq!(one_by_one(200, &json!({ "value": [user("1 a")] })), Some(false));
        assert_eq!(one_by_one(200, &json!({ "value": [], "@odata.nextLink": "x" })), Some(false));
        assert_eq!(one_by_one(400, &json!({})), Some(true));
    }
}
