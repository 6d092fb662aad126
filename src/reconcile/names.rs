//! What a new account is called where nobody else may be called so: the first candidate that is free.

use crate::model::{Change, Name, Reason, UniqueName, Value};

/// Candidates that a reason names. There may be hundreds, and a reason is kept for each try.
const NAMED_MAX: usize = 10;

/// The change with a value for each unique attribute: the first candidate that is not among `taken`, which pairs
/// attributes with values that somebody else has at the target.
///
/// # Errors
/// [`names_taken`] where an attribute has no candidate left.
pub fn name(mut change: Change, unique: &[UniqueName], taken: &[(Name, String)]) -> Result<Change, Reason> {
    for UniqueName { attribute, candidates, .. } in unique {
        let is_taken = |candidate: &str| {
            let folded = UniqueName::folded(candidate);
            taken.iter().any(|(of, value)| of == attribute && UniqueName::folded(value) == folded)
        };
        let free = candidates.iter().find(|candidate| !is_taken(candidate));
        let free = free.ok_or_else(|| names_taken(attribute, candidates))?;
        change.set.set(attribute.clone(), Value::text(free.as_str()));
    }
    Ok(change)
}

/// No candidate is left for an attribute.
pub fn names_taken(attribute: &Name, candidates: &[String]) -> Reason {
    let some = candidates.iter().take(NAMED_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    let tried = match candidates.len() {
        0 => String::new(),
        count if count > NAMED_MAX => format!(" ({some} and {} more)", count - NAMED_MAX),
        _ => format!(" ({some})"),
    };
    let why = format!(
        "every name for `{attribute}`{tried} is somebody else's; give its SelectUniqueValue another candidate, or free \
         one of these, then send the person again"
    );
    Reason::new("names_taken", why)
}
