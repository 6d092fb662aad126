//! A change as the operations of a PATCH (RFC 7644 §3.5.2): only what changed, each at its own path.

use serde_json::{Map, Value as Json, json};

use super::address::written;
use super::resource::{Resource, has_chosen, path_of, put};
use crate::model::{Change, Name, Path};
use crate::scim::json::value_to_json;
use crate::writer::WriteError;

/// The message schema of a PATCH.
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// What a change does to one path: `None` takes the value away.
pub(super) type Edit = (Path, Option<Json>);

/// The edits of a change, in the order of the attributes' names.
///
/// # Errors
/// [`WriteError::Refused`] for a name that is no path.
pub(super) fn edits(change: &Change) -> Result<Vec<Edit>, WriteError> {
    let set = change.set.iter().map(|(name, value)| (name, (!value.is_empty()).then(|| value_to_json(value))));
    let cleared = change.clear.iter().map(|name| (name, None));
    let edit = |(name, value): (&Name, Option<Json>)| path_of(name).map(|path| (path, value));
    set.chain(cleared).map(edit).collect()
}

/// Whether it must be known what is there, to say how it is changed: one of several values is replaced where it is
/// there, and added where it is not.
pub(super) fn needs_to_look(edits: &[Edit]) -> bool {
    edits.iter().any(|(path, _)| path.selector.is_some())
}

/// The body of the PATCH; `None` where nothing is to be done. `there` is the resource, where it was looked at.
pub(super) fn body(edits: &[Edit], there: Option<&Resource>) -> Option<Map<String, Json>> {
    let mut operations = Vec::new();
    for (at, (path, value)) in edits.iter().enumerate() {
        let is_first = edits[..at].iter().all(|(earlier, _)| !is_same_element(earlier, path));
        match (&path.selector, value) {
            (None, Some(value)) => operations.push(replace(path, value)),
            (None, None) if there.is_none_or(|there| has_chosen(there, path)) => operations.push(remove(path)),
            (Some(_), _) if is_first => operations.extend(of_element(path, edits, there)),
            _ => {}
        }
    }
    (!operations.is_empty()).then(|| {
        let operations = Json::Array(operations);
        Map::from_iter([("schemas".to_owned(), json!([PATCH_OP])), ("Operations".to_owned(), operations)])
    })
}

/// The body of a PATCH with these operations.
pub(super) fn body_of(operations: Vec<Json>) -> Map<String, Json> {
    Map::from_iter([("schemas".to_owned(), json!([PATCH_OP])), ("Operations".to_owned(), Json::Array(operations))])
}

/// Everything that is done to one of several values.
fn of_element(path: &Path, edits: &[Edit], there: Option<&Resource>) -> Vec<Json> {
    let parts: Vec<&Edit> = edits.iter().filter(|(other, _)| is_same_element(other, path)).collect();
    let whole = Path { selector: None, sub: None, ..path.clone() };
    if !there.is_some_and(|there| has_chosen(there, path)) {
        let mut made = Resource::new();
        let local = |path: &Path| Path { schema: None, ..path.clone() };
        parts.iter().filter(|(_, value)| value.is_some()).for_each(|(path, value)| {
            put(&mut made, &local(path), value.clone());
        });
        let elements = made.remove(path.attribute.as_str());
        return elements
            .map(|elements| json!({ "op": "add", "path": written(&whole), "value": elements }))
            .into_iter()
            .collect();
    }
    let mut after = there.cloned().unwrap_or_default();
    parts.iter().for_each(|(path, value)| put(&mut after, path, value.clone()));
    if !has_chosen(&after, path) {
        return vec![remove(&Path { sub: None, ..path.clone() })];
    }
    let operation = |(path, value): &&Edit| match value {
        Some(value) => replace(path, value),
        None => remove(path),
    };
    parts.iter().map(operation).collect()
}

fn is_same_element(one: &Path, other: &Path) -> bool {
    one.schema == other.schema && one.attribute == other.attribute && one.selector == other.selector
}

fn replace(path: &Path, value: &Json) -> Json {
    json!({ "op": "replace", "path": written(path), "value": value })
}

fn remove(path: &Path) -> Json {
    json!({ "op": "remove", "path": written(path) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::parse_path;

    /// `there`, the paths with what they get, and the operations that come of it.
    fn check(there: Option<Json>, edits: &[(&str, Option<Json>)], expected: Json) {
        let edits: Vec<Edit> = edits.iter().map(|(path, value)| (parse_path(path).unwrap(), value.clone())).collect();
        assert_eq!(needs_to_look(&edits), there.is_some());
        let there = there.map(|there| there.as_object().unwrap().clone());
        let body = body(&edits, there.as_ref());
        let operations = body.map_or(json!([]), |body| body["Operations"].clone());
        assert_eq!(operations, expected);
    }

    #[test]
    fn what_has_one_place_is_replaced_or_removed_there() {
        let department = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";
        check(
            None,
            &[
                ("name.givenName", Some(json!("A"))),
                (department, Some(json!("IT"))),
                ("title", None),
                ("active", Some(json!(false))),
            ],
            json!([
                { "op": "replace", "path": "name.givenName", "value": "A" },
                { "op": "replace", "path": department, "value": "IT" },
                { "op": "remove", "path": "title" },
                { "op": "replace", "path": "active", "value": false },
            ]),
        );
    }

    #[test]
    fn one_of_several_values_is_added_replaced_or_removed_as_a_whole() {
        let (work, city, street) = (
            r#"emails[type eq "work"].value"#,
            r#"addresses[type eq "work"].locality"#,
            r#"addresses[type eq "work"].streetAddress"#,
        );
        let there = json!({ "emails": [{ "type": "work", "value": "w" }, { "type": "home", "value": "h" }] });
        check(
            Some(there.clone()),
            &[(city, Some(json!("Oslo"))), (work, Some(json!("x"))), (street, Some(json!("1")))],
            json!([
                { "op": "add", "path": "addresses", "value": [{ "type": "work", "locality": "Oslo", "streetAddress": "1" }] },
                { "op": "replace", "path": work, "value": "x" },
            ]),
        );
        check(
            Some(there),
            &[(work, None), (city, None)],
            json!([{ "op": "remove", "path": r#"emails[type eq "work"]"# }]),
        );
        let address = json!({ "addresses": [{ "type": "work", "locality": "Oslo", "country": "NO" }] });
        check(Some(address), &[(city, None)], json!([{ "op": "remove", "path": city }]));
        check(Some(json!({})), &[(work, None)], json!([]));
    }

    #[test]
    fn an_extension_with_several_values_keeps_its_schema() {
        let seat = r#"urn:x:y:seats[type eq "desk"].value"#;
        check(
            Some(json!({})),
            &[(seat, Some(json!(7)))],
            json!([{ "op": "add", "path": "urn:x:y:seats", "value": [{ "type": "desk", "value": 7 }] }]),
        );
    }
}
