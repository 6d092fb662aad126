//! Tokens: who gets one, who does not, and how long it holds.

use std::time::Duration;

use muster::api::{Rate, Role};
use reqwest::{Method, Response, StatusCode};
use serde_json::Value as Json;

use super::house::{House, bulk};

async fn fault(answer: Response) -> (u16, String, Json) {
    let status = answer.status().as_u16();
    let body: Json = answer.json().await.unwrap();
    let description = body["error_description"].as_str().unwrap();
    let number = body["error_codes"][0].as_u64().unwrap();
    assert!(description.starts_with(&format!("AADSTS{number}: ")), "{description}");
    for field in ["timestamp", "trace_id", "correlation_id"] {
        assert!(body[field].is_string(), "{body}");
    }
    (status, body["error"].as_str().unwrap().to_owned(), body)
}

#[tokio::test]
async fn a_token_holds_for_an_hour() {
    let house = House::open();
    let (id, secret) = house.client("payroll", &[Role::Upload], &[]);
    let answer = house.ask_token(&[("client_id", &id), ("client_secret", &secret)]).await;
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let body: Json = answer.json().await.unwrap();
    assert_eq!((&body["token_type"], &body["expires_in"]), (&Json::from("Bearer"), &Json::from(3599)));
    let token = body["access_token"].as_str().unwrap();
    house.clock.pass(Duration::from_secs(3599));
    house.accepted(token, bulk(&[])).await;
    house.clock.pass(Duration::from_secs(1));
    assert_eq!(house.upload(token, bulk(&[])).send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn id_and_secret_may_come_in_a_basic_header() {
    let house = House::open();
    let (id, secret) = house.client("payroll", &[Role::Upload], &[]);
    let ask = |id: &str, secret: &str| {
        let form = [("grant_type", "client_credentials")];
        house.request(Method::POST, "/any/oauth2/v2.0/token").basic_auth(id, Some(secret)).form(&form).send()
    };
    assert_eq!(ask(&id, &secret).await.unwrap().status(), StatusCode::OK);
    assert_eq!(ask(&id.replace('-', "%2D"), &secret).await.unwrap().status(), StatusCode::OK);
    assert_eq!(fault(ask(&id, "wrong").await.unwrap()).await.0, 401);
}

#[tokio::test]
async fn a_wrong_secret_an_unknown_client_and_a_disabled_one_look_the_same() {
    let house = House::open();
    let (id, secret) = house.client("payroll", &[Role::Upload], &[]);
    let (gone, gone_secret) = house.client("gone", &[Role::Upload], &[]);
    assert!(house.app.store.disable_client("gone", house.now()).unwrap());
    for (id, secret) in [(&id, "wrong"), (&"nobody".to_owned(), secret.as_str()), (&gone, &gone_secret), (&id, "")] {
        let answer = house.ask_token(&[("client_id", id), ("client_secret", secret)]).await;
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let (status, error, body) = fault(answer).await;
        assert_eq!((status, error.as_str(), &body["error_codes"][0]), (401, "invalid_client", &Json::from(7_000_215)));
    }
}

#[tokio::test]
async fn what_is_no_token_request_is_told_so() {
    let house = House::open();
    let ask = async |form: &[(&str, &str)]| {
        house.request(Method::POST, "/any/oauth2/v2.0/token").form(form).send().await.unwrap()
    };
    let (status, error, _) = fault(ask(&[("grant_type", "password")]).await).await;
    assert_eq!((status, error.as_str()), (400, "unsupported_grant_type"));
    for form in [&[("client_id", "a")][..], &[("grant_type", "client_credentials"), ("client_id", "a")], &[]] {
        let (status, error, _) = fault(ask(form).await).await;
        assert_eq!((status, error.as_str()), (400, "invalid_request"));
    }
    let answer = house.request(Method::POST, "/any/oauth2/v2.0/token").json(&Json::Null).send().await.unwrap();
    assert_eq!(fault(answer).await.1, "invalid_request");
}

#[tokio::test]
async fn disabling_a_client_ends_its_tokens_at_once() {
    let house = House::open();
    let token = house.uploader().await;
    house.accepted(&token, bulk(&[])).await;
    assert!(house.app.store.disable_client("payroll", house.now()).unwrap());
    assert_eq!(house.upload(&token, bulk(&[])).send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn secrets_cannot_be_guessed_by_asking_often() {
    let house = House::with(|settings| settings.token_rate = Some(Rate::new(3, Duration::from_secs(300))));
    let (id, secret) = house.client("payroll", &[Role::Upload], &[]);
    for _ in 0..3 {
        let answer = house.ask_token(&[("client_id", &id), ("client_secret", "guess")]).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    }
    // Not even the right one is looked at now.
    let answer = house.ask_token(&[("client_id", &id), ("client_secret", &secret)]).await;
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.headers().contains_key("retry-after"));
}

#[tokio::test]
async fn health_needs_no_token() {
    let house = House::open();
    let answer = house.request(Method::GET, "/health").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.json::<Json>().await.unwrap()["status"], "ok");
}
