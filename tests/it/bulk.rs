//! Uploads and tokens: what is asked at the doors, and what they answer.

use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use muster::api::{Rate, Role};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value as Json, json};

use super::house::{BULK_UPLOAD, House, bulk, person};

const NEW_HIRES: &str = include_str!("../../samples/contoso/bulk-new-hires.json");
const LEAVERS: &str = include_str!("../../samples/contoso/bulk-leavers.json");
const MISTAKES: &str = include_str!("../../samples/contoso/bulk-mistakes.json");

/// The status, and the code and message of the Graph error object; which must be whole.
async fn refusal(answer: Response) -> (u16, String, String) {
    let status = answer.status().as_u16();
    let id = answer.headers()["request-id"].to_str().unwrap().to_owned();
    let body: Json = answer.json().await.unwrap();
    let error = &body["error"];
    assert_eq!(error["innerError"]["request-id"], id.as_str());
    assert!(error["innerError"]["date"].as_str().unwrap().ends_with('Z'));
    let text = |name: &str| error[name].as_str().unwrap().to_owned();
    (status, text("code"), text("message"))
}

async fn check(answer: Response, status: u16, code: &str, words: &str) {
    let (was, said, message) = refusal(answer).await;
    assert_eq!((was, said.as_str()), (status, code), "{message}");
    assert!(message.contains(words), "{message}");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn an_upload_is_answered_as_microsofts_service_answers_it() {
    let house = House::open();
    let token = house.uploader().await;
    let answer = house.upload(&token, NEW_HIRES).header("client-request-id", "my-id").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    let logs = format!("{}/v1.0/auditLogs/provisioning/?$filter=jobid%20eq%20'hr'", house.url);
    assert_eq!(header("location"), logs);
    assert_eq!(header("client-request-id"), "my-id");
    assert_eq!(header("request-id").len(), 36);
    assert_eq!(header("content-length"), "0");
    assert_eq!(header("muster-upload-id"), "1");
    assert_eq!(answer.text().await.unwrap(), "");
    house.leaves_work();
}

#[tokio::test]
async fn what_became_of_every_operation_can_be_asked_for() {
    let house = House::open();
    let token = house.uploader().await;
    let operations = [person("1", "Employee", "Cook"), person("2", "Board", "Chair"), json!({ "method": "PATCH" })];
    let id = house.accepted(&token, bulk(&operations)).await;
    let path = format!("/muster/v1/uploads/{id}");
    let before = house.get(&token, &path).await;
    assert_eq!(before["outcomes"], json!({ "pending": 3 }));
    assert_eq!(before["operations"][2], json!({ "upload": id, "index": 2, "outcome": "pending" }));
    house.work().await;
    let after = house.get(&token, &path).await;
    assert_eq!(after["outcomes"], json!({ "applied": 1, "held": 1, "failed": 1 }));
    let operations = &after["operations"];
    assert_eq!((&operations[0]["outcome"], &operations[0]["bulkId"]), (&json!("applied"), &json!("b-1")));
    assert_eq!(operations[0]["externalId"], "1");
    assert_eq!(operations[1]["reason"]["code"], "no_rule_spoke");
    assert_eq!(operations[2]["reason"]["code"], "method");
    assert_eq!(after["nextLink"], Json::Null);
    assert_eq!(house.cloud.accounts().len(), 1);
}

#[tokio::test]
async fn outcomes_come_page_by_page_decided_or_not() {
    let house = House::open();
    let token = house.uploader().await;
    let people: Vec<_> = (0..7).map(|at| person(&at.to_string(), "Board", "")).collect();
    let id = house.accepted(&token, bulk(&people)).await;
    for is_decided in [false, true] {
        if is_decided {
            house.work().await;
        }
        let (mut seen, mut next) = (Vec::new(), Some(format!("{}/muster/v1/uploads/{id}?top=3", house.url)));
        while let Some(link) = next {
            let page = house.get(&token, link.strip_prefix(&house.url).unwrap()).await;
            seen.extend(page["operations"].as_array().unwrap().iter().map(|one| one["index"].as_u64().unwrap()));
            next = page["nextLink"].as_str().map(str::to_owned);
        }
        assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6]);
    }
    let answer = house.request(Method::GET, &format!("/muster/v1/uploads/{id}?top=0")).bearer_auth(&token).send();
    check(answer.await.unwrap(), 400, "BadRequest", "from 1 to 1000").await;
}

#[tokio::test]
async fn the_samples_are_taken_and_every_mistake_is_told() {
    let house = House::unlimited();
    let token = house.uploader().await;
    let hires = house.accepted(&token, NEW_HIRES).await;
    let mistakes = house.accepted(&token, MISTAKES).await;
    let leavers = house.accepted(&token, LEAVERS).await;
    house.work().await;
    let hires = house.get(&token, &format!("/muster/v1/uploads/{hires}")).await;
    assert_eq!(hires["operationCount"], 2);
    let mistakes = house.get(&token, &format!("/muster/v1/uploads/{mistakes}")).await;
    for operation in mistakes["operations"].as_array().unwrap() {
        assert_ne!(operation["outcome"], "pending", "{operation}");
    }
    let leavers = house.get(&token, &format!("/muster/v1/uploads/{leavers}")).await;
    assert_eq!(leavers["complete"], true);
    house.leaves_work();
}

#[tokio::test]
async fn the_doors_of_microsofts_sdks_are_open_too() {
    let house = House::open();
    let token = house.uploader().await;
    let value = format!("{}/$value", BULK_UPLOAD.replace("v1.0", "beta"));
    let put = |media: &'static str| {
        house.request(Method::PUT, &value).bearer_auth(&token).header("content-type", media).body(bulk(&[])).send()
    };
    let answer = put("application/octet-stream").await.unwrap();
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    assert!(answer.headers()["location"].to_str().unwrap().contains("/beta/auditLogs/"));
    check(put("text/plain").await.unwrap(), 415, "UnsupportedMediaType", "application/scim+json").await;
    for media in ["application/json", "application/SCIM+json; charset=utf-8"] {
        let answer = house.request(Method::POST, BULK_UPLOAD).bearer_auth(&token).header("content-type", media);
        assert_eq!(answer.body(bulk(&[])).send().await.unwrap().status(), StatusCode::ACCEPTED, "{media}");
    }
}

#[tokio::test]
async fn whoever_is_not_known_or_not_allowed_is_told_what_is_missing() {
    let house = House::open();
    let answer = house.request(Method::POST, BULK_UPLOAD).body("{}").send().await.unwrap();
    assert_eq!(answer.headers()["www-authenticate"], "Bearer");
    check(answer, 401, "InvalidAuthenticationToken", "Bearer").await;
    let answer = house.upload("stolen", bulk(&[])).send().await.unwrap();
    check(answer, 401, "InvalidAuthenticationToken", "ask for a new one").await;
    let reader = house.token("auditor", &[Role::ReadLogs], &[]).await;
    let answer = house.upload(&reader, bulk(&[])).send().await.unwrap();
    check(answer, 403, "Authorization_RequestDenied", "SynchronizationData-User.Upload").await;
    let owner = house.token("owner", &[Role::UploadOwnedBy], &[]).await;
    house.accepted(&owner, bulk(&[])).await;
    let people = house.request(Method::GET, "/muster/v1/jobs/hr/people/1").bearer_auth(&owner).send().await.unwrap();
    check(people, 403, "Authorization_RequestDenied", "ProvisioningLog.Read.All").await;
}

#[tokio::test]
async fn an_upload_is_shown_to_its_sender_and_to_whoever_reads_all_logs() {
    let house = House::open();
    let mine = house.token("mine", &[Role::Upload], &[]).await;
    let other = house.token("other", &[Role::Upload], &[]).await;
    let auditor = house.token("auditor", &[Role::ReadLogs], &[]).await;
    let path = format!("/muster/v1/uploads/{}", house.accepted(&mine, bulk(&[])).await);
    house.get(&mine, &path).await;
    house.get(&auditor, &path).await;
    let answer = house.request(Method::GET, &path).bearer_auth(&other).send().await.unwrap();
    check(answer, 404, "ResourceNotFound", "not yours").await;
}

#[tokio::test]
async fn a_request_that_cannot_be_read_is_refused_with_what_to_do() {
    let house = House::unlimited();
    let token = house.uploader().await;
    for (body, words) in [
        ("{", "cannot be read"),
        ("[]", "JSON object"),
        (r#"{"Operations":[]}"#, "schemas"),
        (r#"{"schemas":["urn:x"],"Operations":[]}"#, "BulkRequest"),
        (r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"]}"#, "Operations"),
    ] {
        let answer = house.upload(&token, body).send().await.unwrap();
        check(answer, 400, "BadRequest", words).await;
    }
    for id in ["", "two words", &"x".repeat(129)] {
        let answer = house.upload(&token, bulk(&[])).header("client-request-id", id).send().await.unwrap();
        assert!(!answer.headers().contains_key("client-request-id"));
        check(answer, 400, "BadRequest", "client-request-id").await;
    }
    let answer = house.request(Method::POST, BULK_UPLOAD).bearer_auth(&token).body(bulk(&[])).send().await.unwrap();
    check(answer, 415, "UnsupportedMediaType", "Content-Type").await;
    let elsewhere = BULK_UPLOAD.replace("/hr/", "/nobody/");
    let answer = house.request(Method::POST, &elsewhere).bearer_auth(&token).send().await.unwrap();
    check(answer, 404, "ResourceNotFound", "`hr`").await;
    let answer = house.request(Method::GET, BULK_UPLOAD).bearer_auth(&token).send().await.unwrap();
    assert_eq!(answer.headers()["allow"], "POST");
    check(answer, 405, "MethodNotAllowed", "POST").await;
    let answer = house.request(Method::GET, "/v2.0/nowhere").send().await.unwrap();
    check(answer, 404, "ResourceNotFound", "nothing at this address").await;
}

#[tokio::test]
async fn too_much_is_refused_and_the_limit_is_named() {
    let house = House::with(|settings| (settings.operations_max, settings.body_bytes_max) = (2, 2000));
    let token = house.uploader().await;
    let three = bulk(&[json!({}), json!({}), json!({})]);
    let answer = house.upload(&token, three.clone()).send().await.unwrap();
    check(answer, 413, "RequestEntityTooLarge", "3 operations, more than the 2").await;
    let long = bulk(&[person("1", "Board", &"x".repeat(2000))]);
    let answer = house.upload(&token, long.clone()).send().await.unwrap();
    check(answer, 413, "RequestEntityTooLarge", "2000 bytes").await;
    // Without a length said beforehand.
    let chunk = format!("{:x}\r\n{long}\r\n0\r\n\r\n", long.len());
    let answer = house.raw(&token, "transfer-encoding: chunked", &chunk).await;
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("2000 bytes"), "{answer}");
    let packed = gzip(long.as_bytes());
    let answer = house.upload(&token, packed).header("content-encoding", "gzip").send().await.unwrap();
    check(answer, 413, "RequestEntityTooLarge", "inflated").await;
}

#[tokio::test]
async fn a_bomb_is_not_inflated_beyond_the_limit() {
    let house = House::open();
    let token = house.uploader().await;
    let bomb = gzip(&vec![b' '; 64 * 1024 * 1024]);
    assert!(bomb.len() < 100_000);
    let answer = house.upload(&token, bomb).header("content-encoding", "gzip").send().await.unwrap();
    check(answer, 413, "RequestEntityTooLarge", "33554432 bytes, inflated").await;
}

#[tokio::test]
async fn packed_bodies_are_unpacked_and_what_is_not_gzip_is_refused() {
    let house = House::open();
    let token = house.uploader().await;
    let packed = |bytes: Vec<u8>, how: &'static str| house.upload(&token, bytes).header("content-encoding", how).send();
    let answer = packed(gzip(bulk(&[]).as_bytes()), "gzip").await.unwrap();
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    check(packed(b"plain".to_vec(), "gzip").await.unwrap(), 400, "BadRequest", "inflated").await;
    let mut cut = gzip(bulk(&[]).as_bytes());
    cut.truncate(20);
    check(packed(cut, "gzip").await.unwrap(), 400, "BadRequest", "inflated").await;
    let answer = packed(b"x".to_vec(), "br").await.unwrap();
    assert_eq!(answer.headers()["accept-encoding"], "gzip");
    check(answer, 415, "UnsupportedMediaType", "gzip").await;
}

#[tokio::test]
async fn strict_mode_takes_fifty_operations() {
    let house = House::with(|settings| settings.strict = true);
    let token = house.uploader().await;
    let many = |count| bulk(&vec![person("1", "Board", ""); count]);
    house.accepted(&token, many(50)).await;
    let answer = house.upload(&token, many(51)).send().await.unwrap();
    check(answer, 413, "RequestEntityTooLarge", "51 operations, more than the 50").await;
    house.work().await;
}

#[tokio::test]
async fn whoever_calls_too_often_waits_and_others_do_not() {
    let house = House::with(|settings| settings.rate = Some(Rate::new(40, Duration::from_secs(4000))));
    let (busy, quiet) = (house.uploader().await, house.agent("other").await);
    for _ in 0..40 {
        house.accepted(&busy, bulk(&[])).await;
    }
    let answer = house.upload(&busy, bulk(&[])).send().await.unwrap();
    let wait: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((90..=100).contains(&wait), "{wait}");
    check(answer, 429, "TooManyRequests", "Retry-After").await;
    assert_eq!(house.lease(&quiet, 1).await, Vec::<Json>::new());
}

#[tokio::test]
async fn what_waits_to_be_decided_is_bounded() {
    let house = House::with(|settings| settings.staged_operations_max = 2);
    let token = house.uploader().await;
    house.accepted(&token, bulk(&vec![person("1", "Board", ""); 2])).await;
    let answer = house.upload(&token, bulk(&[person("2", "Board", "")])).send().await.unwrap();
    assert_eq!(answer.headers()["retry-after"], "5");
    check(answer, 429, "TooManyRequests", "2 operations wait").await;
    house.work().await;
    house.accepted(&token, bulk(&[person("2", "Board", "")])).await;
    house.work().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let house = House::with(|settings| {
        settings.body_read_max = Duration::from_millis(600);
        settings.room_wait_max = Duration::from_millis(10);
        settings.in_flight_bytes_max = settings.body_bytes_max;
    });
    let token = house.uploader().await;
    let (slow, refused) = tokio::join!(house.raw(&token, "transfer-encoding: chunked", "1\r\n{\r\n"), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        house.upload(&token, bulk(&[])).send().await.unwrap()
    });
    assert!(slow.starts_with("HTTP/1.1 408 ") && slow.contains("did not arrive"), "{slow}");
    // Meanwhile it had all the room there is.
    assert!(refused.headers().contains_key("retry-after"));
    check(refused, 429, "TooManyRequests", "too many uploads").await;
    house.accepted(&token, bulk(&[])).await;
}

#[tokio::test]
async fn the_same_upload_sent_again_is_the_same_upload() {
    let house = House::unlimited();
    let (token, other) = (house.uploader().await, house.token("other", &[Role::Upload], &[]).await);
    let body = bulk(&[person("1", "Board", "")]);
    let send = async |token: &str, id: &str, body: &str| {
        let answer = house.upload(token, body.to_owned()).header("client-request-id", id).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        answer.headers()["muster-upload-id"].to_str().unwrap().to_owned()
    };
    let first = send(&token, "a", &body).await;
    assert_eq!(send(&token, "a", &body).await, first);
    assert_ne!(send(&token, "b", &body).await, first);
    assert_ne!(send(&other, "a", &body).await, first);
    assert_ne!(send(&token, "a", &bulk(&[person("1", "Board", "x")])).await, first);
    // Without an id nobody can tell a repeat from a second statement.
    assert_ne!(house.accepted(&token, body.clone()).await, house.accepted(&token, body.clone()).await);
    house.clock.pass(Duration::from_secs(25 * 60 * 60));
    let token = house.token("tomorrow", &[Role::Upload], &[]).await;
    assert_ne!(send(&token, "a", &body).await, first);
    house.work().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_uploads_at_once_are_all_kept() {
    let house = std::sync::Arc::new(House::unlimited());
    let token = house.uploader().await;
    let mut sending = tokio::task::JoinSet::new();
    for at in 0..64 {
        let (house, token) = (std::sync::Arc::clone(&house), token.clone());
        let body = bulk(&[person(&format!("p{at}"), "Employee", "")]);
        sending.spawn(async move { house.accepted(&token, body).await });
    }
    let mut numbers = sending.join_all().await;
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=64).collect::<Vec<_>>());
    house.work().await;
    assert_eq!(house.cloud.accounts().len(), 64);
}

#[tokio::test]
async fn of_two_statements_the_later_one_is_written() {
    let house = House::open();
    let token = house.uploader().await;
    let first = house.accepted(&token, bulk(&[person("1", "Employee", "Cook"), person("1", "Employee", "Chef")])).await;
    house.work().await;
    let upload = house.get(&token, &format!("/muster/v1/uploads/{first}")).await;
    assert_eq!(upload["outcomes"], json!({ "applied": 1, "superseded": 1 }));
    assert_eq!(upload["operations"][0]["supersededBy"], json!({ "upload": first, "index": 1 }));
    let person = house.get(&token, "/muster/v1/jobs/hr/people/1").await;
    assert_eq!(
        (&person["standing"], &person["target"], &person["rule"]),
        (&json!("placed"), &json!("cloud"), &json!("employees"))
    );
    assert_eq!(person["attributes"]["title"], "Chef");
    assert_eq!(person["accounts"][0]["outcome"], "applied");
    assert_eq!(person["history"][0]["change"]["kind"], "create");
    assert_eq!(person["operations"].as_array().unwrap().len(), 2);
    let answer = house.request(Method::GET, "/muster/v1/jobs/hr/people/2").bearer_auth(&token).send().await.unwrap();
    check(answer, 404, "ResourceNotFound", "externalId").await;
}

#[tokio::test]
async fn an_anchor_with_a_slash_is_asked_for_percent_encoded() {
    let house = House::open();
    let token = house.uploader().await;
    house.accepted(&token, bulk(&[person("a/b %", "Board", "")])).await;
    house.work().await;
    let person = house.get(&token, "/muster/v1/jobs/hr/people/a%2Fb%20%25").await;
    assert_eq!((&person["externalId"], &person["standing"]), (&json!("a/b %"), &json!("held")));
}
