//! The doors themselves: every route answers, and nothing travels in the clear that must not.

use std::net::SocketAddr;
use std::path::PathBuf;

use muster::api::{self, ApiSettings, ServeError, TlsFiles};
use reqwest::{Method, StatusCode};
use serde_json::Value as Json;

use super::house::{BULK_UPLOAD, House, bulk};

#[tokio::test]
async fn every_route_answers_and_asks_who_is_there() {
    let house = House::open();
    let value = format!("{BULK_UPLOAD}/$value");
    let job = BULK_UPLOAD.trim_end_matches("/bulkUpload");
    for (method, path) in [
        (Method::GET, format!("{job}/schema").as_str()),
        (Method::GET, format!("{job}/schema/functions").as_str()),
        (Method::GET, format!("{job}/schema/filterOperators").as_str()),
        (Method::POST, format!("{job}/schema/parseExpression").as_str()),
        (Method::POST, BULK_UPLOAD),
        (Method::PUT, value.as_str()),
        (Method::GET, "/muster/v1/uploads/1"),
        (Method::GET, "/muster/v1/jobs/hr/people/1"),
        (Method::GET, "/muster/v1/status"),
        (Method::GET, "/metrics"),
        (Method::POST, "/muster/v1/agent/lease"),
        (Method::POST, "/muster/v1/agent/settle"),
    ] {
        let answer = house.request(method, path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
        let other = house.request(Method::DELETE, path).send().await.unwrap();
        assert_eq!(other.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
    let answer = house.request(Method::POST, "/any/oauth2/v2.0/token").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert_eq!(house.request(Method::GET, "/health").send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn whoever_is_refused_and_never_ends_their_request_is_hung_up_on() {
    let house = House::open();
    // A body that is announced and never comes: by its length, and in pieces.
    for header in ["content-length: 1000", "transfer-encoding: chunked"] {
        let answer =
            tokio::time::timeout(std::time::Duration::from_secs(10), house.raw("stolen", header, "1\r\n{\r\n"));
        let answer = answer.await.expect("the connection stays open");
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    }
}

#[tokio::test]
async fn with_a_certificate_the_doors_speak_tls() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let files = tls_files(folder.path(), &made.cert.pem(), &made.signing_key.serialize_pem());
    let house = House::with(|settings| settings.tls = Some(files));
    assert!(house.url.starts_with("https://127.0.0.1:"), "{}", house.url);
    let token = house.uploader().await;
    house.accepted(&token, bulk(&[])).await;
    let plain = reqwest::Client::builder().no_proxy().build().unwrap();
    assert!(plain.get(house.url.replace("https", "http")).send().await.is_err());
}

fn tls_files(folder: &std::path::Path, certificates: &str, key: &str) -> TlsFiles {
    let put = |name: &str, text: &str| -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    TlsFiles { certificates: put("cert.pem", certificates), key: put("key.pem", key) }
}

#[tokio::test]
async fn others_are_not_let_in_without_tls() {
    let everywhere: SocketAddr = "0.0.0.0:0".parse().unwrap();
    let refused = api::listen(everywhere, &ApiSettings::default());
    assert!(matches!(refused, Err(ServeError::InTheClear(address)) if address == everywhere));
}

#[tokio::test]
async fn the_address_that_others_use_is_the_one_in_links() {
    let house = House::with(|settings| settings.public_base_url = Some("https://muster.example/".to_owned()));
    assert_eq!(house.url, "https://muster.example");
}

#[tokio::test]
async fn the_senders_id_comes_back_even_with_a_refusal() {
    let house = House::open();
    let answer = house.request(Method::GET, "/nowhere").header("client-request-id", "my-id").send().await.unwrap();
    assert_eq!(answer.headers()["client-request-id"], "my-id");
    let body: Json = answer.json().await.unwrap();
    assert_eq!(body["error"]["innerError"]["client-request-id"], "my-id");
}
