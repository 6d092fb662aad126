//! Users as SCIM writes them: for answers, and for the bodies that clients send.

use crate::model::{Anchor, Attributes};
use crate::scim::json::{attributes_to_json, push_pairs};
use crate::scim::schema::CORE_USER;
use crate::scim::text::push_string;

/// The user as a JSON tree; `schemas` names the core and every extension that is there.
pub fn user_to_json(attributes: &Attributes, anchor: Option<&Anchor>) -> serde_json::Value {
    let mut user = serde_json::Map::new();
    user.insert("schemas".to_owned(), schemas(attributes).collect());
    if let Some(anchor) = anchor {
        user.insert("externalId".to_owned(), anchor.as_str().into());
    }
    for (name, value) in attributes_to_json(attributes) {
        if !name.eq_ignore_ascii_case("externalId") || anchor.is_none() {
            user.insert(name, value);
        }
    }
    user.into()
}

/// Writes the user as JSON text at the end of `out`: the same as [`user_to_json`], without the tree.
pub fn push_user(out: &mut String, attributes: &Attributes, anchor: Option<&Anchor>) {
    out.push_str("{\"schemas\":[");
    for (at, urn) in schemas(attributes).enumerate() {
        if at > 0 {
            out.push(',');
        }
        push_string(out, urn);
    }
    out.push(']');
    if let Some(anchor) = anchor {
        out.push_str(",\"externalId\":");
        push_string(out, anchor.as_str());
    }
    let mut rest = attributes.iter().filter(|(name, _)| **name != *"externalId" || anchor.is_none()).peekable();
    if rest.peek().is_some() {
        out.push(',');
    }
    push_pairs(out, rest);
    out.push('}');
}

fn schemas(attributes: &Attributes) -> impl Iterator<Item = &str> {
    let extensions = attributes.iter().map(|(name, _)| name.as_str()).filter(|name| name.contains(':'));
    std::iter::once(CORE_USER).chain(extensions)
}
