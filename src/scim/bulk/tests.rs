//! Sentences about bulk requests.

use proptest::prelude::*;

use super::*;
use crate::model::{Attributes, Record, Value};
use crate::scim::samples::user_attributes;

const NEW_HIRES: &str = include_str!("../../../samples/contoso/bulk-new-hires.json");
const LEAVERS: &str = include_str!("../../../samples/contoso/bulk-leavers.json");
const MISTAKES: &str = include_str!("../../../samples/contoso/bulk-mistakes.json");

fn understood(body: &str) -> Vec<Understood> {
    operations(body.as_bytes()).expect("is a bulk request").map(|(_, understood)| understood).collect()
}

/// One operation as one line.
fn line(operation: &Understood) -> String {
    let bulk_id = operation.bulk_id.as_deref().unwrap_or("-");
    let anchor = |anchor: &Option<Anchor>| anchor.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
    match &operation.said {
        Ok(Statement::Upsert(record)) => format!("{bulk_id}: upsert {} ({})", record.anchor, record.attributes.len()),
        Ok(Statement::Delete(anchor)) => format!("{bulk_id}: delete {anchor}"),
        Err(fault) => format!("{bulk_id}: {} of {}", fault.reason(), anchor(&fault.anchor)),
    }
}

fn lines(body: &str) -> Vec<String> {
    understood(body).iter().map(line).collect()
}

fn one(operation: &str) -> String {
    lines(&format!(r#"{{"schemas": [], "Operations": [{operation}]}}"#)).concat()
}

#[test]
fn the_samples_are_read() {
    for (body, count) in [(NEW_HIRES, 2), (LEAVERS, 3), (MISTAKES, 6)] {
        assert_eq!(check_envelope(body.as_bytes(), 50), Ok(Envelope { operations: count }));
    }
    assert_eq!(lines(NEW_HIRES), ["2026-03-02/1: upsert 100417 (11)", "2026-03-02/2: upsert 100418 (6)"]);
    assert_eq!(
        lines(LEAVERS),
        ["leaves-on-friday: upsert 100012 (1)", "left-long-ago: delete 100003", "odd-key: delete N/42 B"]
    );
}

#[test]
fn a_bad_operation_never_sinks_the_others() {
    assert_eq!(
        lines(MISTAKES),
        [
            "good: upsert 100420 (1)",
            "misspelt: attribute: name.givnName: there is no such attribute; did you mean `name.givenName`? of 100421",
            "wrong type: type: active: expected true or false, found a text of 100422",
            "nobody: anchor: externalId: `externalId` is missing; it says who the person is of -",
            "patched: method: method: the method is POST (what is known of a person) or DELETE (the person is gone), \
             not `PATCH` of -",
            "also good: upsert 100424 (1)",
        ]
    );
}

#[test]
fn custom_attributes_are_reached_by_their_paths() {
    let Ok(Statement::Upsert(record)) = &understood(NEW_HIRES)[0].said else { panic!("an upsert") };
    let at = |path: &str| crate::scim::parse_path(path).expect("a path").first(&record.attributes).cloned();
    assert_eq!(at("urn:contoso:employee:Fte"), Some(Value::text("0.80")));
    assert_eq!(at("addresses[type eq \"work\"].locality"), Some(Value::text("Göteborg")));
    assert_eq!(
        at("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value"),
        Some(Value::text("100007"))
    );
}

#[test]
fn every_entry_that_makes_no_sense_says_why() {
    for (operation, said) in [
        (r#"5"#, "-: type: an operation is a JSON object with `method`, `path` and `data` of -"),
        (
            r#"{"bulkId": "b", "path": "/Users", "data": {"externalId": "1"}}"#,
            "b: method: method: the method is POST (what is known of a person) or DELETE (the person is gone), none is given of 1",
        ),
        (
            r#"{"method": "POST", "path": "/Groups", "data": {"externalId": "1"}}"#,
            "-: path: path: the path of a POST is /Users, not `/Groups` of 1",
        ),
        (
            r#"{"method": "POST", "path": "/Users", "data": {"externalId": "1", "active": true, "active": false}}"#,
            "-: type: active: it is there twice; say it once of 1",
        ),
        (
            r#"{"method": "POST", "path": "/Users", "data": {"externalId": "1", "externalid": "2"}}"#,
            "-: type: externalId: it is there twice; say it once of 2",
        ),
        (
            r#"{"method": "DELETE", "path": "/Users/%zz"}"#,
            "-: path: path: a `%` in the path is not followed by two hexadecimal digits of -",
        ),
        (r#"{"method": "POST", "path": 5}"#, "-: path: path: the path of a POST is /Users, none is given of -"),
        (
            r#"{"method": "POST", "path": "/Users"}"#,
            "-: data: data: the operation has no `data`; it holds the user of -",
        ),
        (
            r#"{"method": "POST", "path": "/Users", "data": null}"#,
            "-: data: data: the operation has no `data`; it holds the user of -",
        ),
        (
            r#"{"method": "POST", "path": "/Users", "data": []}"#,
            "-: type: data: expected an object of attributes, found a list of -",
        ),
        (
            r#"{"method": "POST", "path": "/Users", "data": {"externalId": ""}}"#,
            "-: anchor: externalId: the anchor (externalId) is empty of -",
        ),
        (
            r#"{"method": "DELETE", "path": "/Users"}"#,
            "-: path: path: the path of a DELETE is /Users/{externalId}, percent-encoded, not `/Users` of -",
        ),
        (
            r#"{"method": "DELETE", "path": "/Users/a/b"}"#,
            "-: path: path: the path of a DELETE is /Users/{externalId}, percent-encoded, not `/Users/a/b` of -",
        ),
        (
            r#"{"method": "DELETE", "path": "/Users/%ff"}"#,
            "-: anchor: path: the externalId in the path is not UTF-8 text of -",
        ),
        (
            r#"{"method": "DELETE", "path": "/Users/%20a"}"#,
            "-: anchor: path: the anchor has white space at its edges of -",
        ),
    ] {
        assert_eq!(one(operation), said, "{operation}");
    }
}

fn envelope(body: &str) -> String {
    check_envelope(body.as_bytes(), 2).expect_err(body).to_string()
}

#[test]
fn an_envelope_that_is_not_in_order_says_what_to_do() {
    let urn = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
    for (body, said) in [
        (
            r#"{"name":"John Doe"}"#.to_owned(),
            "the body has no `schemas`; `schemas` must be [\"urn:ietf:params:scim:api:messages:2.0:BulkRequest\"]",
        ),
        (
            r#"{"schemas": ["a"], "Operations": []}"#.to_owned(),
            "the body is not a bulk request; `schemas` must be [\"urn:ietf:params:scim:api:messages:2.0:BulkRequest\"]",
        ),
        (format!(r#"{{"schemas": ["{urn}"]}}"#), "the body has no `Operations`; send them as a list"),
        (
            format!(r#"{{"schemas": ["{urn}"], "Operations": [1, 2, 3]}}"#),
            "the request has 3 operations, more than the 2 that are taken at once; send them in parts",
        ),
        ("[]".to_owned(), "the body is not a JSON object"),
        (String::new(), "the body cannot be read: EOF while parsing a value at line 1 column 0"),
    ] {
        assert_eq!(envelope(&body), said, "{body}");
    }
    assert!(envelope(&format!(r#"{{"schemas": ["{urn}"], "Operations": {{}}}}"#)).contains("a list, even of one"));
    assert!(envelope(&format!(r#"{{"schemas": ["{urn}"], "Operations": [], "operations": []}}"#)).contains("twice"));
    assert!(envelope(&format!(r#"{{"schemas": ["{urn}"], "Operations": []}} x"#)).contains("trailing characters"));
    assert!(envelope(&"[".repeat(1_000_000)).contains("not a JSON object"));
    let deep = format!(r#"{{"schemas": ["{urn}"], "Operations": [{}"#, "[".repeat(1_000_000));
    assert!(envelope(&deep).contains("recursion limit exceeded"));
    assert!(check_envelope(b"\xff", 2).expect_err("not text").to_string().contains("not UTF-8"));
}

#[test]
fn a_byte_order_mark_and_powershells_unwrapped_schemas_are_taken() {
    let body = "\u{feff}{\"schemas\": \"urn:ietf:params:scim:api:messages:2.0:BulkRequest\", \"operations\": [{}]}";
    assert_eq!(check_envelope(body.as_bytes(), 2), Ok(Envelope { operations: 1 }));
    assert_eq!(understood(body).len(), 1);
}

#[test]
fn good_samples_are_valid_by_the_published_schema_and_mistakes_are_not() {
    let schema = serde_json::to_value(schemars::schema_for!(BulkRequestSchema)).expect("prints");
    let validator = jsonschema::validator_for(&schema).expect("is a schema");
    let valid = |body: &str| validator.is_valid(&serde_json::from_str(body).expect("is JSON"));
    assert!(valid(LEAVERS));
    assert!(!valid(MISTAKES));
    // `"True"` and a bare manager are taken from those who send them; they are not advertised.
    assert!(!valid(NEW_HIRES));
    let repaired = NEW_HIRES.replace("\"True\"", "true").replace("\"manager\": \"100417\"", "\"manager\": null");
    assert!(valid(&repaired));
}

proptest! {
    #[test]
    fn what_a_client_builds_is_understood(
        upserts in prop::collection::vec(user_attributes(), 0..3),
        gone in prop::collection::vec("[^\\s\\p{Cc}]{1,12}", 0..3),
    ) {
        let anchor = |text: &str| Anchor::parse(text).expect("is one");
        let upsert = |attributes: Attributes| Statement::Upsert(Record { anchor: anchor("7"), attributes });
        let mut said: Vec<Statement> = upserts.into_iter().map(upsert).collect();
        said.extend(gone.iter().map(|text| Statement::Delete(anchor(text))));
        let body = bulk_request(said.iter().map(|statement| (statement, "b\"1")));
        let count = u32::try_from(said.len()).expect("few");
        prop_assert_eq!(check_envelope(&body, 10), Ok(Envelope { operations: count }));
        let read: Vec<Understood> = operations(&body).expect("reads").map(|(_, one)| one).collect();
        let sent: Vec<Understood> =
            said.into_iter().map(|one| Understood { bulk_id: Some("b\"1".to_owned()), said: Ok(one) }).collect();
        prop_assert_eq!(read, sent);
    }

    #[test]
    fn any_body_ends(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = check_envelope(&body, 10);
        let _ = operations(&body).map(Iterator::count);
    }
}
