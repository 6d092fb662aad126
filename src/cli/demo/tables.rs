//! What the demo shows, as tables, and what must come out.

use serde_json::json;

use super::scene::{Scene, Told};
use crate::cli::screen::{grouped, table};
use crate::pipeline::plan::Plan;
use crate::store::Standing;

/// How the operations of the three sendings must end. It follows from the samples, not from a run: see
/// `tests/support/contoso.rs`, which makes them, and `samples/contoso/job.toml`, which places them.
pub(super) const EXPECTED: [&[(&str, u64)]; 3] = [&[], &[], &[]];

pub(super) fn groups(plan: &Plan) -> String {
    let mut rows = table(["people", "placement", "target", "what would happen"]);
    for ((placement, target, action), count) in &plan.groups {
        rows.add_row([grouped(*count), (*placement).to_owned(), target.clone(), (*action).to_owned()]);
    }
    rows.to_string()
}

pub(super) fn told(told: &Told) -> String {
    let mut rows = table(["operations", "outcome"]);
    for (word, count) in &told.outcomes {
        rows.add_row([grouped(*count), (*word).to_owned()]);
    }
    format!(
        "   {}: {} rows, {} of them contradict each other; {} requests\n{rows}\n   {} writes to the cloud, {} change files",
        told.file,
        grouped(told.rows),
        told.contradicting,
        told.requests,
        grouped(told.cloud_writes),
        grouped(told.change_files as u64),
    )
}

pub(super) fn standings(standings: &[(Standing, Option<String>, u64)]) -> String {
    let mut rows = table(["people", "stand", "by rule"]);
    for (standing, rule, count) in standings {
        let stand = crate::cli::explain::standing_words(standing);
        rows.add_row([grouped(*count), stand, rule.clone().unwrap_or_else(|| "none".to_owned())]);
    }
    rows.to_string()
}

pub(super) fn json(told: &[Told], faults: &[String], scene: &Scene) -> serde_json::Value {
    let sendings = told.iter().map(|told| {
        json!({
            "file": told.file,
            "rows": told.rows,
            "contradicting": told.contradicting,
            "outcomes": told.outcomes.iter().map(|(word, count)| ((*word).to_owned(), json!(count))).collect::<serde_json::Map<_, _>>(),
            "cloudWrites": told.cloud_writes,
            "changeFiles": told.change_files,
        })
    });
    json!({ "sendings": sendings.collect::<Vec<_>>(), "faults": faults, "files": scene.files() })
}
