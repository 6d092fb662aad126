//! The language of mappings over HTTP: a job's schema, its functions and operators, and expressions tried out.

use muster::api::Role;
use muster::app::{App, LeaseTimes};
use muster::clock::SystemClock;
use muster::config;
use muster::graph_schema::JOB_KEY;
use muster::store::{Access, Store};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value as Json, json};

use super::house::House;

const SCHEMA: &str = "/v1.0/servicePrincipals/any/synchronization/jobs/hr/schema";

async fn reader(house: &House) -> String {
    house.token("reader", &[Role::ReadLogs], &[]).await
}

async fn ask(house: &House, token: &str, question: impl Into<reqwest::Body>) -> Response {
    let request = house.request(Method::POST, &format!("{SCHEMA}/parseExpression"));
    request.bearer_auth(token).header("content-type", "application/json").body(question).send().await.unwrap()
}

async fn told(answer: Response) -> Json {
    assert_eq!(answer.status(), StatusCode::OK);
    answer.json().await.unwrap()
}

#[tokio::test]
async fn the_schema_of_a_job_is_told_to_those_who_may_read() {
    let house = House::open();
    let token = reader(&house).await;
    for path in [SCHEMA, &SCHEMA.replace("v1.0", "beta")] {
        let schema = told(house.request(Method::GET, path).bearer_auth(&token).send().await.unwrap()).await;
        let rules = schema["synchronizationRules"].as_array().unwrap();
        let targets: Vec<&str> = rules.iter().map(|rule| rule["name"].as_str().unwrap()).collect();
        assert_eq!(targets, ["cloud", "hq"]);
        let mapping = &rules[1]["objectMappings"][0]["attributeMappings"][0];
        assert_eq!(mapping["targetAttributeName"], "cn");
        assert_eq!(mapping["source"]["name"], "Join");
    }
}

#[tokio::test]
async fn strangers_learn_nothing_of_a_schema() {
    let house = House::open();
    let uploads_only = house.token("payroll", &[Role::Upload], &[]).await;
    let get = |path: String, token: &str| house.request(Method::GET, &path).bearer_auth(token).send();
    for below in ["", "/functions", "/filterOperators"] {
        let refused = get(format!("{SCHEMA}{below}"), &uploads_only).await.unwrap();
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{below}");
        let unknown = get(format!("{SCHEMA}{below}"), "stolen").await.unwrap();
        assert_eq!(unknown.status(), StatusCode::UNAUTHORIZED, "{below}");
    }
    assert_eq!(ask(&house, &uploads_only, "{}").await.status(), StatusCode::FORBIDDEN);
    let token = reader(&house).await;
    let nowhere = get(SCHEMA.replace("/hr/", "/none/"), &token).await.unwrap();
    assert_eq!(nowhere.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn functions_and_operators_are_told_as_graph_tells_them() {
    let house = House::open();
    let token = reader(&house).await;
    let get = |below: &str| house.request(Method::GET, &format!("{SCHEMA}{below}")).bearer_auth(&token).send();
    let functions = told(get("/functions").await.unwrap()).await;
    let functions = functions["value"].as_array().unwrap();
    let replace = functions.iter().find(|function| function["name"] == "Replace").unwrap();
    let names: Vec<&str> =
        replace["parameters"].as_array().unwrap().iter().map(|given| given["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "source",
            "Find",
            "RegularExpression",
            "RegularExpressionGroupName",
            "Replacement",
            "ReplacementPropertyName",
            "Template"
        ]
    );
    assert_eq!(
        functions.iter().find(|function| function["name"] == "Join").unwrap()["parameters"][1],
        json!({ "name": "source", "type": "String", "required": true, "allowMultipleOccurrences": true })
    );
    let operators = told(get("/filterOperators").await.unwrap()).await;
    let equals = operators["value"].as_array().unwrap().iter().find(|operator| operator["name"] == "EQUALS").unwrap();
    assert_eq!(equals["arity"], "Binary");
    assert_eq!(equals["supportedAttributeTypes"], json!(["Integer", "String"]));
}

#[tokio::test]
async fn an_expression_is_tried_out_as_graph_does() {
    let house = House::open();
    let token = reader(&house).await;
    let question = json!({
        "expression": r#"Replace([preferredLanguage], "-", , , "_", ,  )"#,
        "targetAttributeDefinition": null,
        "testInputObject": { "definition": null, "properties": [
            { "key": "preferredLanguage", "value": "EN-US" },
            { "key": "appRoleAssignments", "value@odata.type": "#Collection(String)", "value": ["Default"] },
        ] },
    });
    let answer = told(ask(&house, &token, question.to_string()).await).await;
    assert_eq!(answer["error"], Json::Null);
    assert_eq!(answer["evaluationResult"], json!(["EN_US"]));
    assert_eq!((&answer["parsingSucceeded"], &answer["evaluationSucceeded"]), (&json!(true), &json!(true)));
    let parsed = &answer["parsedExpression"];
    assert_eq!(parsed["expression"], r#"Replace([preferredLanguage], "-", , , "_", , )"#);
    let keys: Vec<&str> = parsed["parameters"].as_array().unwrap().iter().map(|p| p["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["source", "Find", "Replacement"]);
}

#[tokio::test]
async fn a_mistake_in_an_expression_is_an_answer_and_not_a_failure() {
    let house = House::open();
    let token = reader(&house).await;
    let answer = told(ask(&house, &token, r#"{ "expression": "Nope([a])" }"#).await).await;
    assert_eq!(answer["parsingSucceeded"], json!(false));
    assert_eq!(answer["evaluationSucceeded"], json!(false));
    assert_eq!(answer["parsedExpression"], Json::Null);
    assert!(answer["error"]["message"].as_str().unwrap().contains("Nope"), "{answer}");
    let unfit = r#"{ "expression": "Left([a], [b])", "testInputObject": { "properties": [
        { "key": "a", "value": "x" }, { "key": "b", "value": "many" } ] } }"#;
    let answer = told(ask(&house, &token, unfit).await).await;
    assert_eq!(answer["parsingSucceeded"], json!(true));
    assert_eq!(answer["evaluationSucceeded"], json!(false));
    assert_eq!(answer["error"]["code"], "EvaluationError");
}

#[tokio::test]
async fn a_question_that_is_none_is_refused() {
    let house = House::open();
    let token = reader(&house).await;
    let badly = ["", "[]", "{}", r#"{ "expression": 7 }"#];
    for question in badly.into_iter().chain([r#"{ "expression": "[a]", "testInputObject": { "properties": 1 } }"#]) {
        assert_eq!(ask(&house, &token, question).await.status(), StatusCode::BAD_REQUEST, "{question}");
    }
    let long = format!(r#"{{ "expression": "{}" }}"#, "x".repeat(2 * 1024 * 1024));
    assert_eq!(ask(&house, &token, long).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[test]
fn the_schema_of_a_job_that_runs_is_that_of_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/contoso/job.toml");
    let job = config::load(&file).unwrap();
    let store = std::sync::Arc::new(Store::open(folder.path(), Access::Alone).unwrap());
    let mut app = App::new(store, std::sync::Arc::new(SystemClock), LeaseTimes::default());
    let active = app.activate(&job, false).unwrap();
    let told = serde_json::to_string(&active.schema).unwrap();
    assert!(told.contains(JOB_KEY));
    let again = config::import_schema(&told).unwrap();
    assert_eq!(config::check_text("job.toml", &again.text).unwrap().hash, job.hash);
}
