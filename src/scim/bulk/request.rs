//! Bulk requests as clients send them.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::model::Statement;
use crate::scim::schema::BULK_REQUEST;
use crate::scim::text::push_string;
use crate::scim::user::push_user;

/// What is encoded in a path segment: all but the unreserved characters (RFC 3986 §2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Bytes a user usually takes; room is made for so many.
const USUAL_BYTES: usize = 1024;

/// The body of a bulk request with these statements, each with its `bulkId`.
pub fn bulk_request<'a, I>(statements: I) -> Vec<u8>
where
    I: IntoIterator<Item = (&'a Statement, &'a str), IntoIter: ExactSizeIterator>,
{
    let statements = statements.into_iter();
    let mut out = String::with_capacity(USUAL_BYTES * statements.len());
    out.push_str("{\"schemas\":[\"");
    out.push_str(BULK_REQUEST);
    out.push_str("\"],\"Operations\":[");
    for (at, (statement, bulk_id)) in statements.enumerate() {
        if at > 0 {
            out.push(',');
        }
        push_operation(&mut out, statement, bulk_id);
    }
    out.push_str("],\"failOnErrors\":null}");
    out.into_bytes()
}

fn push_operation(out: &mut String, statement: &Statement, bulk_id: &str) {
    match statement {
        Statement::Upsert(record) => {
            out.push_str("{\"method\":\"POST\",\"bulkId\":");
            push_string(out, bulk_id);
            out.push_str(",\"path\":\"/Users\",\"data\":");
            push_user(out, &record.attributes, Some(&record.anchor));
        }
        Statement::Delete(anchor) => {
            out.push_str("{\"method\":\"DELETE\",\"bulkId\":");
            push_string(out, bulk_id);
            out.push_str(",\"path\":\"/Users/");
            out.extend(utf8_percent_encode(anchor.as_str(), SEGMENT));
            out.push('"');
        }
    }
    out.push('}');
}
