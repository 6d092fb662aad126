//! The JSON Schemas in `schemas/` are those of the types. `MUSTER_BLESS=1` writes them anew.

use std::fs;
use std::path::Path;

use muster::queue::envelope::EnvelopeWire;
use muster::queue::wire::WorkItemWire;
use muster::scim::bulk::BulkRequestSchema;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value as Json;

fn schema_of<T: JsonSchema>() -> Json {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value()
}

fn check(name: &str, schema: &Json) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas").join(name);
    let text = format!("{schema:#}\n");
    if std::env::var_os("MUSTER_BLESS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == text,
        "schemas/{name} is not that of the types; MUSTER_BLESS=1 cargo test --test it schemas writes it"
    );
}

#[test]
fn the_bulk_request_is_described() {
    check("bulk-request.schema.json", &schema_of::<BulkRequestSchema>());
}

#[test]
fn the_work_item_is_described() {
    check("work-item.schema.json", &schema_of::<WorkItemWire>());
}

#[test]
fn the_envelope_is_described_and_the_sample_fits() {
    let schema = schema_of::<EnvelopeWire>();
    check("work-envelope.schema.json", &schema);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/queue/envelope-1.json");
    let envelope: Json = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&envelope));
    let item: Json = serde_json::from_str(envelope["item"].as_str().unwrap()).unwrap();
    assert!(jsonschema::validator_for(&schema_of::<WorkItemWire>()).unwrap().is_valid(&item));
}

#[test]
fn the_sample_uploads_fit_their_description() {
    let validator = jsonschema::validator_for(&schema_of::<BulkRequestSchema>()).unwrap();
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/contoso/bulk-leavers.json")).unwrap();
    let body: Json = serde_json::from_str(&text).unwrap();
    assert!(validator.is_valid(&body));
}

#[test]
fn the_sample_work_items_fit_their_description() {
    let validator = jsonschema::validator_for(&schema_of::<WorkItemWire>()).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/queue/lease-answer-1.json");
    let answer: Json = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let items = answer["items"].as_array().unwrap();
    assert!(!items.is_empty(), "the sample has work in it");
    for item in items {
        assert!(validator.is_valid(item), "{item}");
    }
}
