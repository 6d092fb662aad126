//! The SCIM writer against services that answer what they are told, and against a real one.

use std::time::Duration;

use muster::clock::Deadline;
use muster::model::{ChangeKind, Found, Name, ObjectId, Value};
use muster::writer::scim::{ScimLogin, ScimSettings, ScimWriter};
use muster::writer::{Errand, Group, Membership, Room, WriteError, Writer};
use serde_json::Value as Json;
use url::Url;

use crate::conformance::{Names, conformance};
use crate::practice::{Act, HandClock, Scripted, by_keys, by_object, change, errand, install_tls};
use crate::scim2::{Scim2, TOKEN};

const DEPARTMENT: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";
const EMAIL: &str = r#"emails[type eq "work"].value"#;

const SCIM: Names = Names {
    id: "externalId",
    display: "displayName",
    unique: "userName",
    department: DEPARTMENT,
    title: "title",
    container: None,
    besides: |name| vec![(EMAIL, format!("{name}@mail.example")), ("name.familyName", "Berg".to_owned())],
    group: Some("Everybody"),
};

fn writer_with(url: &str, login: ScimLogin, timeout: Duration) -> ScimWriter {
    install_tls();
    let settings = ScimSettings { base_url: Url::parse(url).unwrap(), login, timeout, extra_ca: None };
    ScimWriter::new(&settings, HandClock::new()).unwrap()
}

fn writer(url: &str) -> ScimWriter {
    writer_with(url, ScimLogin::Token(TOKEN.into()), Duration::from_secs(20))
}

/// What is announced and kept to, with one thing changed.
fn config(change: impl FnOnce(&mut Json)) -> String {
    let mut config: Json = serde_json::from_str(
        r#"{ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
            "patch": { "supported": true }, "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
            "filter": { "supported": true, "maxResults": 200 }, "changePassword": { "supported": false },
            "sort": { "supported": false }, "etag": { "supported": true }, "authenticationSchemes": [] }"#,
    )
    .unwrap();
    change(&mut config);
    config.to_string()
}

#[tokio::test]
#[ignore = "needs scim2-server; tests/all.sh runs it"]
async fn the_scim_writer_does_what_every_writer_owes() {
    let service = Scim2::start("127.0.3.1", None);
    conformance(&writer(&service.url), &SCIM).await;
    assert!(!service.log().contains("\"PUT "), "only what changed is sent: {}", service.log());
}

#[tokio::test]
#[ignore = "needs scim2-server; tests/all.sh runs it"]
async fn a_service_without_patch_is_written_whole() {
    let service = Scim2::start("127.0.3.2", Some(&config(|config| config["patch"]["supported"] = false.into())));
    conformance(&writer(&service.url), &SCIM).await;
    assert!(!service.log().contains("\"PATCH "), "{}", service.log());
}

#[tokio::test]
#[ignore = "needs scim2-server; tests/all.sh runs it"]
async fn a_service_without_filters_is_looked_through() {
    let service = Scim2::start("127.0.3.3", Some(&config(|config| config["filter"]["supported"] = false.into())));
    conformance(&writer(&service.url), &SCIM).await;
    assert!(!service.log().contains("filter="), "{}", service.log());
}

/// The three documents of a service that tells nothing of itself.
fn silent() -> Vec<Act> {
    (0..3).map(|_| Act::Answer(404, "", "")).collect()
}

/// A service that tells nothing of itself, and then does what it is told.
async fn scripted(acts: impl IntoIterator<Item = Act>) -> (Scripted, ScimWriter) {
    let service = Scripted::start(silent().into_iter().chain(acts)).await;
    let writer = writer(&format!("{}/scim", service.address));
    (service, writer)
}

/// What was asked after the three documents, first lines only.
fn asked(service: &Scripted) -> Vec<String> {
    let requests = service.requests();
    let lines = requests.iter().skip(3).map(|request| request.lines().next().unwrap_or_default());
    lines.map(|line| line.trim_end_matches(" HTTP/1.1").replace("/scim", "")).collect()
}

fn body(request: &str) -> Json {
    serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()
}

const NOBODY: &str = r#"{"totalResults": 0, "Resources": []}"#;
const ANNA: &str = r#"{"id": "a1", "userName": "anna", "title": "Clerk", "phone": 1.50,
    "emails": [{"type": "work", "value": "a@x"}, {"type": "home", "value": "h@x"}],
    "meta": {"version": "W/\"1\""}, "groups": [{"value": "g"}]}"#;

fn anna() -> ObjectId {
    ObjectId::new("a1")
}

fn promoted() -> muster::model::Change {
    change(ChangeKind::Update, Some(&anna()), &[("title", "Boss")], &[])
}

#[tokio::test]
async fn every_call_bears_the_token_and_says_what_it_speaks() {
    let (service, writer) = scripted([Act::Answer(204, "", "")]).await;
    writer.write(&errand(), &promoted()).await.unwrap();
    let requests = service.requests();
    let documents: Vec<&str> = requests.iter().take(3).map(|request| request.lines().next().unwrap()).collect();
    let path = |name: &str| format!("GET /scim/{name} HTTP/1.1");
    assert_eq!(documents, ["ServiceProviderConfig", "ResourceTypes", "Schemas"].map(path));
    let patch = requests[3].to_lowercase();
    assert!(patch.starts_with("patch /scim/users/a1 "), "{patch}");
    assert!(patch.contains("authorization: bearer a-bearer-token\r\n"));
    assert!(patch.contains("content-type: application/scim+json\r\n"));
    let operations = &body(&requests[3])["Operations"];
    assert_eq!(*operations, serde_json::json!([{ "op": "replace", "path": "title", "value": "Boss" }]));
}

#[tokio::test]
async fn entra_s_own_service_answers_204_to_a_patch_and_400_to_an_unknown_identifier() {
    let unknown = || Act::Answer(400, "", r#"{"detail": "Bad request."}"#);
    let nobody = || Act::Answer(200, "", NOBODY);
    let acts =
        [Act::Answer(204, "", ""), unknown(), unknown(), nobody(), unknown(), nobody(), unknown(), unknown(), nobody()];
    let (service, writer) = scripted(acts).await;
    let written = writer.write(&errand(), &promoted()).await.unwrap().unwrap();
    assert_eq!(written.attributes.get("title"), Some(&Value::text("Boss")));
    let error = writer.write(&errand(), &promoted()).await.unwrap_err();
    assert!(matches!(error, WriteError::Gone { .. }), "{error:?}");
    assert_eq!(writer.find(&by_object(&anna(), &["title"])).await.unwrap(), Found::Nobody);
    let deletion = change(ChangeKind::Delete, Some(&anna()), &[], &[]);
    assert_eq!(writer.write(&errand(), &deletion).await.unwrap(), None);
    assert!(asked(&service).iter().all(|line| !line.contains("/Bulk")));
    assert!(asked(&service).contains(&"GET /Users?filter=id%20eq%20%22a1%22".to_owned()), "{:?}", asked(&service));
}

#[tokio::test]
async fn a_bad_request_about_somebody_who_is_there_stays_one() {
    let refusal = r#"{"scimType": "invalidValue", "detail": "title is too long"}"#;
    let (_, writer) = scripted([Act::Answer(400, "", refusal), Act::Answer(200, "", ANNA)]).await;
    let WriteError::Refused { code, cause } = writer.write(&errand(), &promoted()).await.unwrap_err() else { panic!() };
    assert_eq!((code.as_str(), cause.0.as_str()), ("invalidValue", "400 invalidValue: title is too long"));
}

#[tokio::test]
async fn a_patch_that_is_refused_as_such_becomes_a_read_and_a_put_that_keeps_what_is_not_ours() {
    let read = || Act::Answer(200, "ETag: W/\"1\"\r\n", ANNA);
    let (service, writer) =
        scripted([Act::Answer(501, "", ""), read(), Act::Answer(200, "", ANNA), read(), Act::Answer(200, "", ANNA)])
            .await;
    let mut update = promoted();
    update.clear.push(Name::new(EMAIL));
    update.set = [(Name::new("title"), Value::text("Boss"))].into_iter().collect();
    // The first look is for the address, which is one of several.
    let (looked, writer_looked) =
        scripted([read(), Act::Answer(405, "", ""), read(), Act::Answer(200, "", ANNA)]).await;
    writer_looked.write(&errand(), &update).await.unwrap();
    assert_eq!(asked(&looked), ["GET /Users/a1", "PATCH /Users/a1", "GET /Users/a1", "PUT /Users/a1"]);
    let put = looked.requests().pop().unwrap();
    assert!(put.contains("\"phone\":1.50") || put.contains("\"phone\":1.5"), "{put}");
    let put = body(&put);
    assert_eq!(put["emails"], serde_json::json!([{ "type": "home", "value": "h@x" }]));
    assert_eq!((put["title"].as_str(), put.get("meta"), put.get("groups")), (Some("Boss"), None, None));

    writer.write(&errand(), &promoted()).await.unwrap();
    writer.write(&errand(), &promoted()).await.unwrap();
    // It is not tried in vain again.
    assert_eq!(
        asked(&service),
        ["PATCH /Users/a1", "GET /Users/a1", "PUT /Users/a1", "GET /Users/a1", "PUT /Users/a1"]
    );
}

#[tokio::test]
async fn a_version_is_kept_to_where_the_service_has_versions_and_whoever_was_quicker_is_not_overwritten() {
    let config = r#"{"etag": {"supported": true}, "bulk": {"supported": false}}"#;
    let service = Scripted::start([
        Act::Answer(200, "", config),
        Act::Answer(404, "", ""),
        Act::Answer(404, "", ""),
        Act::Answer(200, "ETag: W/\"1\"\r\n", ANNA),
        Act::Answer(412, "", ""),
    ])
    .await;
    let writer = writer(&format!("{}/scim", service.address));
    let update = change(ChangeKind::Update, Some(&anna()), &[(EMAIL, "b@x")], &[]);
    let error = writer.write(&errand(), &update).await.unwrap_err();
    assert!(matches!(error, WriteError::Later { .. }), "{error:?}");
    assert!(service.requests()[4].to_lowercase().contains("if-match: w/\"1\"\r\n"));
}

#[tokio::test]
async fn nothing_is_begun_while_the_service_asks_for_patience() {
    for status in [429, 503] {
        let (service, writer) = scripted([Act::Answer(status, "Retry-After: 7\r\n", "")]).await;
        for _ in 0..2 {
            let WriteError::Later { after: Some(after), .. } = writer.write(&errand(), &promoted()).await.unwrap_err()
            else {
                panic!("no patience")
            };
            assert!(after <= Duration::from_secs(7) && after > Duration::from_secs(5));
        }
        assert!(matches!(writer.room(), Room::ClosedFor(_)));
        assert_eq!(asked(&service), ["PATCH /Users/a1"]);
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_is_not_taken_for_a_yes_or_a_no() {
    let create = change(ChangeKind::Create, None, &[("userName", "anna"), ("externalId", "7")], &[]);
    for act in [Act::HangUp, Act::Answer(500, "", ""), Act::Answer(201, "", "<html>")] {
        let (_, writer) = scripted([act]).await;
        let error = writer.write(&errand(), &create).await.unwrap_err();
        assert!(matches!(error, WriteError::Unknown { .. }), "{error:?}");
    }
    let service = Scripted::start(silent().into_iter().chain([Act::Silence])).await;
    let login = ScimLogin::Token(TOKEN.into());
    let writer = writer_with(&format!("{}/scim", service.address), login, Duration::from_millis(600));
    let error = writer.write(&errand(), &create).await.unwrap_err();
    assert!(matches!(error, WriteError::Unknown { .. }), "{error:?}");
    let (_, writer) = scripted([Act::HangUp]).await;
    let error = writer.find(&by_object(&anna(), &[])).await.unwrap_err();
    assert!(matches!(error, WriteError::Later { .. }), "{error:?}");
}

#[tokio::test]
async fn a_new_account_without_a_body_is_called_by_its_address() {
    let create = change(ChangeKind::Create, None, &[("userName", "anna")], &[]);
    let location = "Location: https://app.example/scim/Users/a%201\r\n";
    let (_, writer) = scripted([Act::Answer(201, location, "")]).await;
    assert_eq!(writer.write(&errand(), &create).await.unwrap().unwrap().object, ObjectId::new("a 1"));
}

#[tokio::test]
async fn whose_value_is_taken_is_found_out() {
    let create = change(ChangeKind::Create, None, &[("userName", "anna"), ("externalId", "7"), ("title", "x")], &[]);
    let conflict = || Act::Answer(409, "", r#"{"detail": "already in use"}"#);
    let eve = r#"{"totalResults": 1, "Resources": [{"id": "e1", "externalId": "7"}]}"#;
    let nobody = || Act::Answer(200, "", NOBODY);
    for (acts, expected) in [
        (vec![conflict(), nobody(), Act::Answer(200, "", eve)], ("externalId", Some("e1"))),
        // Nobody that we can see: the name is what every service keeps unique.
        (vec![conflict(), nobody(), nobody()], ("userName", None)),
    ] {
        let (_, writer) = scripted(acts).await;
        let WriteError::Taken { attribute, holder, .. } = writer.write(&errand(), &create).await.unwrap_err() else {
            panic!("not taken")
        };
        assert_eq!((attribute.as_str(), holder.as_ref().map(ObjectId::as_str)), expected);
    }
}

#[tokio::test]
async fn a_service_that_passes_over_filters_links_nobody_to_somebody_else() {
    let everybody = r#"{"totalResults": 3, "Resources": [
        {"id": "e1", "externalId": "1", "userName": "eve"}, {"id": "a1", "externalId": "7", "userName": "anna"}]}"#;
    let rest = r#"{"totalResults": 3, "Resources": [{"id": "b1", "externalId": "70", "userName": "bob"}]}"#;
    let (service, writer) = scripted([Act::Answer(200, "", everybody), Act::Answer(200, "", rest)]).await;
    let Found::One(found) = writer.find(&by_keys(&[("externalId", "7")], &["userName"])).await.unwrap() else {
        panic!("not one")
    };
    assert_eq!(found.object, anna());
    assert!(asked(&service)[1].contains("startIndex=3"), "{:?}", asked(&service));
}

#[tokio::test]
async fn a_list_without_end_is_not_read_for_ever() {
    let page =
        |_| Act::Answer(200, "", r#"{"totalResults": 99999999, "Resources": [{"id": "e1", "userName": "eve"}]}"#);
    let (service, writer) = scripted((0..200).map(page)).await;
    let error = writer.find(&by_keys(&[("userName", "anna")], &[])).await.unwrap_err();
    assert!(matches!(error, WriteError::Refused { ref code, .. } if code == "cannot_look"), "{error:?}");
    assert_eq!(asked(&service).len(), 100);
}

#[tokio::test]
async fn a_token_that_is_refused_is_fetched_anew_once() {
    let token = r#"{"token_type": "Bearer", "expires_in": 3600, "access_token": "fresh"}"#;
    let tokens = Scripted::start([Act::Answer(200, "", token), Act::Answer(200, "", token)]).await;
    let acts = [Act::Answer(401, "", ""), Act::Answer(204, "", "")];
    let service = Scripted::start(silent().into_iter().chain(acts)).await;
    let login = ScimLogin::Client {
        token_url: Url::parse(&format!("{}/token", tokens.address)).unwrap(),
        client_id: "muster".to_owned(),
        client_secret: "s3cret".into(),
        scope: String::new(),
    };
    let writer = writer_with(&format!("{}/scim", service.address), login, Duration::from_secs(10));
    writer.write(&errand(), &promoted()).await.unwrap();
    assert_eq!(tokens.requests().len(), 2);
    assert!(!tokens.requests()[0].contains("scope="), "{}", tokens.requests()[0]);
    assert!(service.requests()[4].to_lowercase().contains("bearer fresh"));
}

#[tokio::test]
async fn a_group_whose_members_are_not_told_is_never_claimed_as_ours() {
    let group = r#"{"totalResults": 1, "Resources": [{"id": "g1", "displayName": "Staff"}]}"#;
    let found = || Act::Answer(200, "", group);
    // It passes over the filter on members: everybody is in, nobody too. Then the group itself is read.
    let members = r#"{"id": "g1", "displayName": "Staff", "members": [{"value": "a1"}]}"#;
    let (service, writer) = scripted([found(), found(), Act::Answer(200, "", members)]).await;
    let staff = Group { name: "Staff".to_owned(), create: false };
    assert_eq!(writer.set_member(&errand(), &staff, &anna(), true).await.unwrap(), Membership::WasSo);
    assert!(asked(&service)[0].contains("excludedAttributes=members"), "{:?}", asked(&service));

    let (_, writer) = scripted([found(), found(), Act::Answer(404, "", ""), Act::Answer(204, "", "")]).await;
    assert_eq!(writer.set_member(&errand(), &staff, &anna(), true).await.unwrap(), Membership::WasSo);
}

#[tokio::test]
async fn no_write_is_begun_that_its_lease_may_not_outlive() {
    let late = Errand { begin_before: Some(Deadline::within(Duration::ZERO)), ..errand() };
    let found = r#"{"totalResults": 1, "Resources": [{"id": "g1", "displayName": "Staff"}]}"#;
    let nobody_in = r#"{"id": "g1", "displayName": "Staff", "members": []}"#;
    let acts = [found, found, nobody_in].map(|body| Act::Answer(200, "", body));
    let (service, writer) = scripted(acts).await;
    let staff = Group { name: "Staff".to_owned(), create: false };
    let new = change(ChangeKind::Create, None, &[("userName", "anna")], &[]);
    let leave = change(ChangeKind::Delete, Some(&anna()), &[], &[]);
    let told = [
        writer.set_member(&late, &staff, &anna(), true).await.map(drop),
        writer.write(&late, &new).await.map(drop),
        writer.write(&late, &promoted()).await.map(drop),
        writer.write(&late, &leave).await.map(drop),
        writer.set_manager(&late, &anna(), Some(&ObjectId::new("b2"))).await,
    ];
    assert!(told.iter().all(|told| matches!(told, Err(WriteError::Later { after: None, .. }))), "{told:?}");
    let asked = asked(&service);
    assert!(asked.iter().all(|line| line.starts_with("GET ")), "{asked:?}");
    assert!(writer.write(&errand(), &promoted()).await.is_err(), "in time, it is asked");
    assert_eq!(service.requests().len(), asked.len() + 4);
}

#[tokio::test]
async fn an_identifier_from_a_service_never_leads_a_delete_elsewhere() {
    let (service, writer) = scripted([]).await;
    for id in ["..", ".", ""] {
        let deletion = change(ChangeKind::Delete, Some(&ObjectId::new(id)), &[], &[]);
        assert!(matches!(writer.write(&errand(), &deletion).await, Err(WriteError::Refused { .. })), "`{id}`");
    }
    assert!(asked(&service).is_empty());
}

#[tokio::test]
async fn who_is_not_known_to_be_allowed_is_tried_again_later() {
    let service = Scripted::start([Act::Answer(401, "", r#"{"detail": "token expired"}"#)]).await;
    let writer = writer(&format!("{}/scim", service.address));
    let WriteError::Later { cause, .. } = writer.write(&errand(), &promoted()).await.unwrap_err() else { panic!() };
    assert_eq!(cause.0, "401: token expired");
}
