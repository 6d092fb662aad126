//! What the demo shows, as tables, and what must come out.

use serde_json::json;

use super::reasons::Why;
use super::scene::{Scene, Told};
use crate::cli::screen::{grouped, table};
use crate::pipeline::plan::Plan;
use crate::plain::plain;
use crate::store::Standing;

/// What one sending must come to.
#[derive(Debug)]
pub(super) struct Expected {
    outcomes: &'static [(&'static str, u64)],
    cloud_writes: u64,
    change_files: usize,
}

/// What the three sendings must come to. The numbers are counted from the samples and the job file, not taken from a
/// run: `tests/support/contoso.rs` makes the people, `samples/contoso/job.toml` places them, and the test
/// `the_demo_expects_what_the_samples_say` (tests/it/screens.rs) counts them again, without muster.
///
/// *First.* 1,065 rows are 1,059 people who can be sent: four rows repeat others word for word, and the two rows of
/// 701091 contradict each other. Of the 1,059, 18 are service accounts (held), 11 interns of Technology (held: no rule
/// speaks for them), 14 left long ago (skipped); 145 go on the premises, 871 to the cloud. 31 of the 871 fail, because
/// their country is not two letters (13 `USA`, 10 `United Kingdom`, 8 `Deutschland`). 701032 has an account, and is
/// held because the manager 799999 does not exist. So 840 - 1 + 145 = 984 are applied, 18 + 11 + 1 = 30 held.
/// Writes to the cloud: 840 creations, for what would be refused is not sent, and 606 managers who live in the cloud as
/// well. Change files: 145 people, and 50 managers who live on the premises as well.
///
/// *The same again.* Nobody says anything new. Who failed is tried again, and fails again. Nothing is written.
///
/// *Next week.* 1,066 people: 39 rows changed, 11 are new (701091 among them, mended), 4 are gone, which says nothing.
/// Failed: the 31 of before (2 of them changed and do not fit again), and 702062, who is new and of `United Kingdom`.
/// Held: 701611 and 701377, changed service accounts; 702063, whose manager is 702062. Unchanged: all others who
/// did not change, and 4 of the changed, whose `Active` became `On Leave`, which is active too. So
/// 39 - 2 - 2 - 4 = 31 of the changed and 11 - 1 - 1 = 9 of the new are applied.
/// Writes to the cloud: 7 creations, 27 updates, 3 managers. Change files: 4 changed, 3 new, and
/// the one of these 3 whose manager is on the premises.
pub(super) const EXPECTED: [Expected; 3] = [
    Expected {
        outcomes: &[("applied", 984), ("failed", 31), ("held", 30), ("skipped", 14)],
        cloud_writes: 840 + 606,
        change_files: 145 + 50,
    },
    Expected { outcomes: &[("failed", 31), ("unchanged", 1_028)], cloud_writes: 0, change_files: 0 },
    Expected {
        outcomes: &[("applied", 40), ("failed", 32), ("held", 3), ("unchanged", 991)],
        cloud_writes: 7 + 27 + 3,
        change_files: 4 + 3 + 1,
    },
];

impl Expected {
    /// Where `told` is not what must be.
    pub(super) fn differences(&self, told: &Told) -> Vec<String> {
        let mut differences = Vec::new();
        let mut compare = |what: &str, must: String, is: String| {
            if must != is {
                differences.push(format!("{}: {what} must be {must}, and are {is}", told.file));
            }
        };
        compare("outcomes", format!("{:?}", self.outcomes), format!("{:?}", told.outcomes));
        compare("writes to the cloud", self.cloud_writes.to_string(), told.cloud_writes.to_string());
        compare("change files", self.change_files.to_string(), told.change_files.to_string());
        differences
    }
}

pub(super) fn groups(plan: &Plan) -> String {
    let mut rows = table(["people", "placement", "target", "what would happen"]);
    for ((placement, target, action), count) in &plan.groups {
        rows.add_row([grouped(*count), (*placement).to_owned(), target.clone(), (*action).to_owned()]);
    }
    rows.trim_fmt()
}

pub(super) fn told(told: &Told) -> String {
    let mut rows = table(["operations", "outcome"]);
    for (word, count) in &told.outcomes {
        rows.add_row([grouped(*count), (*word).to_owned()]);
    }
    format!(
        "   {}: {} rows, {} of them contradict each other; {} requests\n{}\n{}   {} writes to the cloud, {} change files",
        told.file,
        grouped(told.rows),
        told.contradicting,
        told.requests,
        rows.trim_fmt(),
        reasons(&told.reasons),
        grouped(told.cloud_writes),
        grouped(told.change_files as u64),
    )
}

/// Why operations are held or failed, counted; nothing where none is.
fn reasons(reasons: &[Why]) -> String {
    if reasons.is_empty() {
        return String::new();
    }
    let mut rows = table(["operations", "ended", "why", "for example"]);
    for why in reasons {
        let row = [grouped(why.count), why.outcome.to_owned(), why.code.clone(), why.example.clone()];
        rows.add_row(row.map(|cell| plain(&cell).into_owned()));
    }
    let countries = reasons.iter().flat_map(|why| &why.countries);
    let countries: Vec<_> = countries.map(|(written, count)| format!("{count} {}", plain(written))).collect();
    if countries.is_empty() {
        return format!("{}\n", rows.trim_fmt());
    }
    format!("{}\n   usageLocation takes two letters; HR's export says: {}\n", rows.trim_fmt(), countries.join(", "))
}

pub(super) fn standings(standings: &[(Standing, Option<String>, u64)]) -> String {
    let mut rows = table(["people", "stand", "by rule"]);
    for (standing, rule, count) in standings {
        let stand = crate::cli::explain::standing_words(standing);
        rows.add_row([grouped(*count), stand, rule.clone().unwrap_or_else(|| "none".to_owned())]);
    }
    rows.trim_fmt()
}

pub(super) fn json(told: &[Told], faults: &[String], scene: &Scene) -> serde_json::Value {
    let sendings = told.iter().map(|told| {
        json!({
            "file": told.file,
            "rows": told.rows,
            "contradicting": told.contradicting,
            "outcomes": told.outcomes.iter().map(|(word, count)| ((*word).to_owned(), json!(count))).collect::<serde_json::Map<_, _>>(),
            "reasons": told.reasons.iter().map(|why| json!({
                "outcome": why.outcome, "code": why.code, "operations": why.count, "example": why.example,
            })).collect::<Vec<_>>(),
            "cloudWrites": told.cloud_writes,
            "changeFiles": told.change_files,
        })
    });
    json!({ "sendings": sendings.collect::<Vec<_>>(), "faults": faults, "files": scene.files() })
}
