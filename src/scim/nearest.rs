//! "Did you mean": the known path that lies nearest to a mistaken one.

use std::sync::LazyLock;

use super::schema;
use crate::model::Path;

/// Longest text a suggestion is sought for, in bytes: comparing costs length times length.
const SUGGEST_BYTES_MAX: usize = 200;
/// How alike two names must be, from 0 to 1, before one is offered for the other. Below it guesses mislead.
const LIKENESS_MIN: f64 = 0.85;

/// Every known path and its last name. Printed once: a body may hold thousands of mistakes.
static KNOWN: LazyLock<Vec<(String, String)>> =
    LazyLock::new(|| schema::paths().map(|path| (last_name(&path), path.to_string())).collect());

/// The known path that was probably meant.
pub(super) fn nearest_path(text: &str) -> Option<&'static str> {
    let whole = KNOWN.iter().map(|(_, path)| (path.as_str(), path.as_str()));
    let by_last_name = KNOWN.iter().map(|(name, path)| (name.as_str(), path.as_str()));
    let last = text.rsplit([':', '.']).next().unwrap_or(text);
    best(text, whole.chain(by_last_name.clone())).or_else(|| best(last, by_last_name))
}

/// Whether the URN before an attribute may be a misspelling of the other: a schema of one's own is none of another.
pub(super) fn is_near_urn(text: &str, near: &str) -> bool {
    const SLIPS_MAX: usize = 3;
    let urn = |text: &str| text.rsplit_once(':').map(|(urn, _)| urn.to_ascii_lowercase());
    match (urn(text), urn(near)) {
        (Some(written), Some(known)) => strsim::levenshtein(&written, &known) <= SLIPS_MAX,
        _ => true,
    }
}

/// The one of `names` that was probably meant.
pub(crate) fn nearest_name<'a>(text: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    best(text, names.map(|name| (name, name)))
}

/// The text, cut so that a message stays readable whatever a sender put in it.
pub(crate) fn clipped(text: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 80;
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

fn last_name(path: &Path) -> String {
    path.sub.as_ref().unwrap_or(&path.attribute).to_string()
}

/// The answer whose name is most like `text`; the first of equals.
fn best<'a>(text: &str, candidates: impl Iterator<Item = (&'a str, &'a str)>) -> Option<&'a str> {
    if text.len() > SUGGEST_BYTES_MAX {
        return None;
    }
    let text = text.to_ascii_lowercase();
    let mut best: Option<(f64, &str)> = None;
    for (name, answer) in candidates {
        let likeness = strsim::jaro_winkler(&text, &name.to_ascii_lowercase());
        if likeness >= LIKENESS_MIN && best.is_none_or(|(most, _)| likeness > most) {
            best = Some((likeness, answer));
        }
    }
    best.map(|(_, answer)| answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_finds_its_attribute() {
        assert_eq!(nearest_path("usrName"), Some("userName"));
        assert_eq!(nearest_path("name.givnName"), Some("name.givenName"));
    }

    #[test]
    fn a_bare_name_finds_the_extension_it_lives_in() {
        let department = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";
        assert_eq!(nearest_path("department"), Some(department));
        assert!(is_near_urn("urn:ietf:params:scim:schemas:extension:enterprise:2.0:Usr:department", department));
        assert!(!is_near_urn("urn:ietf:params:scim:schemas:extension:contoso:1.0:User:Foo", department));
        assert!(is_near_urn("departmnt", department));
    }

    #[test]
    fn a_name_like_no_other_is_not_guessed_at() {
        assert_eq!(nearest_path("shoeSize"), None);
        assert_eq!(nearest_path(&"x".repeat(1_000_000)), None);
    }
}
