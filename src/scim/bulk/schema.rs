//! The JSON Schema of a bulk request: for editors and for clients that check before they send.
//!
//! Stricter than the reader where a writer should be: names in the schema's spelling, known methods only.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value};

use crate::scim::schema::{Attribute, BULK_REQUEST, CORE, ENTERPRISE, Keeping, Type};

/// A SCIM bulk request (RFC 7644 §3.7) as muster takes it.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "only its schema is asked for")]
pub struct BulkRequestSchema {
    /// Says that this is a bulk request.
    schemas: BulkSchemas,
    /// What is said of people, in order: of two about one person the later counts.
    #[schemars(rename = "Operations")]
    operations: Vec<Operation>,
    /// Taken and not used: operations never depend on each other.
    #[schemars(rename = "failOnErrors")]
    fail_on_errors: Option<u32>,
}

/// One statement about one person.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "only its schema is asked for")]
struct Operation {
    /// `POST`: this is what is known of the person. `DELETE`: the source no longer has the person.
    method: Method,
    /// The client's own name for the operation; results can be found by it.
    #[schemars(rename = "bulkId")]
    bulk_id: Option<String>,
    /// `/Users` to post, `/Users/{externalId}` (percent-encoded) to delete.
    #[schemars(regex(pattern = r"^/[Uu]sers(/[^/?#]+)?$"))]
    path: String,
    /// The user; only with `POST`.
    data: Option<User>,
}

#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "UPPERCASE")]
#[expect(dead_code, reason = "only its schema is asked for")]
enum Method {
    Post,
    Delete,
}

#[derive(Debug)]
struct BulkSchemas;

impl JsonSchema for BulkSchemas {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "BulkSchemas".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "items": { "type": "string" }, "contains": { "const": BULK_REQUEST } })
    }
}

#[derive(Debug)]
struct User;

impl JsonSchema for User {
    fn schema_name() -> Cow<'static, str> {
        "User".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut properties = properties(&CORE.attributes);
        properties.insert(ENTERPRISE.urn.to_string(), object(&ENTERPRISE.attributes));
        json_schema!({
            "description": "A SCIM user. Attributes that are absent are left alone.",
            "type": "object",
            "required": ["externalId"],
            "properties": properties,
            "patternProperties": { "^urn:": { "type": ["object", "null"] } },
            "additionalProperties": false,
        })
    }
}

fn properties(attributes: &[Attribute]) -> Map<String, Value> {
    attributes.iter().map(|attribute| (attribute.name.to_string(), of_attribute(attribute))).collect()
}

fn of_attribute(attribute: &Attribute) -> Value {
    match attribute.keeping {
        Keeping::Dropped => serde_json::json!({ "description": "Passed over." }),
        Keeping::Anchor => {
            let description = "The source's own identifier of the person.";
            serde_json::json!({ "type": "string", "minLength": 1, "description": description })
        }
        Keeping::Kept if attribute.kind.many => {
            serde_json::json!({ "type": ["array", "null"], "items": single(attribute) })
        }
        Keeping::Kept => single(attribute),
    }
}

/// What one value may be; null everywhere, because it says "empty".
fn single(attribute: &Attribute) -> Value {
    let what = match attribute.kind.what {
        Type::Boolean => "boolean",
        Type::Integer => "integer",
        Type::Complex => return object(&attribute.parts),
        Type::Text | Type::DateTime | Type::Reference | Type::Binary => "string",
    };
    serde_json::json!({ "type": [what, "null"] })
}

fn object(parts: &[Attribute]) -> Value {
    serde_json::json!({
        "type": ["object", "null"],
        "properties": properties(parts),
        "additionalProperties": false,
    })
}
