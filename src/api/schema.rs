//! A job's schema, and the language of mappings: what Graph answers below `…/jobs/{job}/schema`.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value as Json, json};

use super::auth::caller;
use super::error::ApiError;
use super::role::Role;
use super::{Api, blocking, body, job_named};
use crate::app::ActiveJob;
use crate::expr::{Evaluated, Expression, Inputs, Seed};
use crate::graph_schema::{filter_operators, functions};
use crate::model::{Attributes, Diagnostic, InstallationKey, Timestamp, Value};
use crate::scim::json::value_to_json;
use crate::scim::loose::{loose_attributes, loose_path};

/// Longest question about an expression, in bytes: the longest expression, and a person of many attributes.
const QUESTION_BYTES_MAX: usize = 1024 * 1024;

/// Version, service principal, job.
type JobPath = web::Path<(String, String, String)>;

/// `GET …/schema`: the job as `synchronizationSchema`.
pub(super) async fn get(api: web::Data<Api>, request: HttpRequest, path: JobPath) -> Result<HttpResponse, ApiError> {
    let job = admitted(&api, &request, &path).await?;
    Ok(HttpResponse::Ok().json(&job.schema))
}

/// `GET …/schema/functions`.
pub(super) async fn get_functions(
    api: web::Data<Api>,
    request: HttpRequest,
    path: JobPath,
) -> Result<HttpResponse, ApiError> {
    admitted(&api, &request, &path).await?;
    Ok(HttpResponse::Ok().json(json!({ "value": functions() })))
}

/// `GET …/schema/filterOperators`.
pub(super) async fn get_filter_operators(
    api: web::Data<Api>,
    request: HttpRequest,
    path: JobPath,
) -> Result<HttpResponse, ApiError> {
    admitted(&api, &request, &path).await?;
    Ok(HttpResponse::Ok().json(json!({ "value": filter_operators() })))
}

/// `POST …/schema/parseExpression`: the tree of an expression, and what it gives for a person.
pub(super) async fn parse_expression(
    api: web::Data<Api>,
    request: HttpRequest,
    path: JobPath,
) -> Result<HttpResponse, ApiError> {
    admitted(&api, &request, &path).await?;
    let body = body::read(&api, &request, QUESTION_BYTES_MAX).await?;
    let answer = blocking(&api, move |api| {
        let (bytes, _room) = body.split();
        let question = Question::read(&bytes, api.app.clock.now())?;
        Ok::<_, ApiError>(question.answer())
    });
    Ok(HttpResponse::Ok().json(answer.await??))
}

async fn admitted(api: &web::Data<Api>, request: &HttpRequest, path: &JobPath) -> Result<Arc<ActiveJob>, ApiError> {
    caller(api, request, &[Role::ReadLogs]).await?;
    Ok(Arc::clone(job_named(api, &path.2)?))
}

/// What is asked about an expression.
struct Question {
    expression: String,
    person: Attributes,
    now: Timestamp,
}

impl Question {
    fn read(bytes: &[u8], now: Timestamp) -> Result<Self, ApiError> {
        let wrong = |why: String| ApiError::BadRequest(why);
        let json: Json =
            serde_json::from_slice(bytes).map_err(|error| wrong(format!("the body is not JSON: {error}")))?;
        let expression = json.get("expression").and_then(Json::as_str);
        let expression = expression.ok_or_else(|| wrong("the body has no text `expression`".to_owned()))?;
        let properties = match json.pointer("/testInputObject/properties") {
            None | Some(Json::Null) => Map::new(),
            Some(Json::Array(properties)) => properties.iter().filter_map(property).collect(),
            Some(_) => return Err(wrong("`testInputObject.properties` is a list of `key` and `value`".to_owned())),
        };
        Ok(Self { expression: expression.to_owned(), person: loose_attributes(&properties), now })
    }

    /// As `parseExpressionResponse`.
    fn answer(&self) -> Json {
        let parsed = match Expression::parse(&self.expression, &|path| loose_path(path, &self.person)) {
            Ok(parsed) => parsed,
            Err(wrong) => return response(None, Err(public_error("ParseError", &described(&wrong)))),
        };
        let anchor = self.person.get("externalId").and_then(Value::as_text).unwrap_or_default();
        let seed = Seed { key: &InstallationKey::NONE, anchor, attribute: "" };
        let inputs = Inputs { attributes: &self.person, now: self.now, seed, default_domain: None };
        let evaluated = parsed.evaluate(&inputs).map(texts);
        response(Some(&parsed), evaluated.map_err(|wrong| public_error("EvaluationError", &wrong.message)))
    }
}

/// A key and its value; what has no key says nothing.
fn property(pair: &Json) -> Option<(String, Json)> {
    let key = pair.get("key")?.as_str()?;
    Some((key.to_owned(), pair.get("value").cloned().unwrap_or(Json::Null)))
}

/// What came of it, each value as a text. Of candidates all are told: which is free, the target alone knows.
fn texts(evaluated: Evaluated) -> Vec<String> {
    match evaluated {
        Evaluated::Dropped => Vec::new(),
        Evaluated::OneOf(candidates) => candidates,
        Evaluated::Value(Value::Many(values)) => values.iter().filter_map(text).collect(),
        Evaluated::Value(value) => text(&value).into_iter().collect(),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Text(text) => Some(text.clone()),
        Value::Boolean(truth) => Some(if *truth { "True" } else { "False" }.to_owned()),
        Value::Integer(number) => Some(number.to_string()),
        value @ (Value::Many(_) | Value::Complex(_)) => Some(value_to_json(value).to_string()),
    }
}

fn response(parsed: Option<&Expression>, evaluated: Result<Vec<String>, Json>) -> Json {
    let (result, error) = match evaluated {
        Ok(result) => (Some(result), Json::Null),
        Err(error) => (None, error),
    };
    json!({
        "error": error,
        "parsingSucceeded": parsed.is_some(),
        "evaluationSucceeded": result.is_some(),
        "evaluationResult": result.unwrap_or_default(),
        "parsedExpression": parsed.map(Expression::tree),
    })
}

fn described(wrong: &Diagnostic) -> String {
    let hint = wrong.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    format!("{}, at byte {}{hint}", wrong.message, wrong.span.start)
}

fn public_error(code: &str, message: &str) -> Json {
    json!({ "code": code, "message": message, "target": "expression", "details": [], "innerError": null })
}
