//! Addresses, paths and filters, as a SCIM service wants them written (RFC 7644 §3.4.2, §3.10).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::refusal::refused;
use crate::model::{Name, Path, Selector};
use crate::writer::WriteError;

/// What need not be encoded in a path segment or a query value (RFC 3986, unreserved).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The address of an endpoint, such as `/Users`.
pub(super) fn endpoint(base: &Url, endpoint: &str) -> String {
    format!("{}/{}", base.as_str().trim_end_matches('/'), endpoint.trim_start_matches('/'))
}

/// The address of one resource.
///
/// # Errors
/// [`WriteError::Refused`] for an identifier that would be read as another address: a delete would go to the endpoint.
pub(super) fn resource(endpoint: &str, id: &str) -> Result<String, WriteError> {
    if ["", ".", ".."].contains(&id) {
        return Err(refused("bad_id", format!("`{id}` cannot be the identifier of anything at a SCIM service")));
    }
    Ok(format!("{endpoint}/{}", utf8_percent_encode(id, ENCODED)))
}

/// An address with a query.
pub(super) fn with_query(address: &str, pairs: &[(&str, &str)]) -> String {
    let pairs = pairs.iter().map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, ENCODED)));
    format!("{address}?{}", pairs.collect::<Vec<_>>().join("&"))
}

/// The filter that finds who holds `value` at `path`.
pub(super) fn filter(path: &Path, value: &str) -> String {
    let literal = literal(value);
    match &path.selector {
        None => format!("{} eq {literal}", written(path)),
        Some(selector) => {
            let whole = Path { selector: None, sub: None, ..path.clone() };
            let sub = path.sub.as_ref().map_or("value", Name::as_str);
            format!("{}[{} and {sub} eq {literal}]", written(&whole), condition(selector))
        }
    }
}

/// A text in a filter: a JSON string, so nothing in it ends it (RFC 7644 §3.4.2.2).
pub(super) fn literal(value: &str) -> String {
    serde_json::Value::from(value).to_string()
}

/// The path of a PATCH operation.
pub(super) fn written(path: &Path) -> String {
    let Some(selector) = &path.selector else { return path.to_string() };
    let whole = Path { selector: None, sub: None, ..path.clone() };
    let sub = path.sub.as_ref().map(|sub| format!(".{sub}")).unwrap_or_default();
    format!("{whole}[{}]{sub}", condition(selector))
}

fn condition(Selector { sub, value }: &Selector) -> String {
    let is_truth = *sub == *"primary" && ["true", "false"].contains(&value.as_str());
    let literal = if is_truth { value.clone() } else { literal(value) };
    format!("{sub} eq {literal}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::parse_path;

    fn check(path: &str, value: &str, expected: &str) {
        assert_eq!(filter(&parse_path(path).unwrap(), value), expected);
    }

    #[test]
    fn a_value_never_ends_its_filter() {
        check("userName", r#"a" or userName pr or "x\"#, r#"userName eq "a\" or userName pr or \"x\\""#);
        check("externalId", "7\n\u{1F600}*)", "externalId eq \"7\\n\u{1F600}*)\"");
        let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber";
        check(enterprise, "7", &format!("{enterprise} eq \"7\""));
        check("name.familyName", "Ó'Neil", "name.familyName eq \"Ó'Neil\"");
    }

    #[test]
    fn one_of_several_values_is_chosen_inside_brackets() {
        check(r#"emails[type eq "work"].value"#, "a@b", r#"emails[type eq "work" and value eq "a@b"]"#);
        check("roles[primary eq true].value", "x", r#"roles[primary eq true and value eq "x"]"#);
        let path = parse_path(r#"emails[type eq "a\"b"].value"#).unwrap();
        assert_eq!(written(&path), r#"emails[type eq "a\"b"].value"#);
    }

    #[test]
    fn an_identifier_is_one_segment_or_nothing() {
        let users = endpoint(&Url::parse("https://app.example/scim/v2/").unwrap(), "/Users");
        assert_eq!(users, "https://app.example/scim/v2/Users");
        assert_eq!(resource(&users, "a/../b?c").unwrap(), format!("{users}/a%2F..%2Fb%3Fc"));
        for id in ["", ".", ".."] {
            assert!(resource(&users, id).is_err(), "`{id}`");
        }
    }
}
