//! Why operations of the demo are held or failed, counted.

use std::collections::BTreeMap;

use crate::pipeline::send::Sent;
use crate::scim::user_to_json;
use crate::store::{JobState, Store};

/// Operations of an upload that are looked at: as many as one can have.
const OPERATIONS_MAX: usize = 10_000;
/// The attribute that Entra takes two letters for, as its refusals name it.
const COUNTRY_ATTRIBUTE: &str = "usageLocation";

/// Operations that are held or failed for one reason.
#[derive(Debug, Clone)]
pub(super) struct Why {
    pub(super) outcome: &'static str,
    pub(super) code: String,
    pub(super) count: u64,
    /// The reason in full, of the first of them.
    pub(super) example: String,
    /// How the country is written in the data of these people, counted; empty unless it is the country that failed.
    pub(super) countries: BTreeMap<String, u64>,
}

/// Why operations of these uploads are held or failed, counted.
pub(super) fn reasons(store: &Store, job: &JobState, sent: &Sent) -> anyhow::Result<Vec<Why>> {
    let mut reasons: BTreeMap<(&'static str, String), Why> = BTreeMap::new();
    for upload in &sent.uploads {
        for operation in store.operations(upload.id, 0, OPERATIONS_MAX)? {
            let Some(outcome) = &operation.outcome else { continue };
            let outcome_word = outcome.word();
            let Some(reason) = outcome.reason().filter(|_| matches!(outcome_word, "held" | "failed")) else {
                continue;
            };
            let anchor = operation.anchor.unwrap_or_default();
            let why = reasons.entry((outcome_word, reason.code.to_string())).or_insert_with(|| Why {
                outcome: outcome_word,
                code: reason.code.to_string(),
                count: 0,
                example: format!("{anchor}: {}", reason.detail),
                countries: BTreeMap::new(),
            });
            why.count += 1;
            if reason.detail.contains(COUNTRY_ATTRIBUTE) {
                *why.countries.entry(country(store, job, &anchor)?).or_default() += 1;
            }
        }
    }
    Ok(reasons.into_values().collect())
}

/// How the source writes the country of a person.
fn country(store: &Store, job: &JobState, anchor: &str) -> anyhow::Result<String> {
    let person = store.person(job, anchor)?;
    let user = person.map(|held| user_to_json(&held.stored.person.attributes, None)).unwrap_or_default();
    let country = user.pointer("/addresses/0/country").and_then(serde_json::Value::as_str);
    Ok(country.unwrap_or("(none)").to_owned())
}
