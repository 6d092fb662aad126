//! `muster plan`: what an import would do, and nothing written anywhere.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use super::Globals;
use super::jobs::{csv_settings, load_job, open_store, outcome_json, warn_of_lost_targets};
use super::screen::{counted, grouped, note, say, say_json, shown, table};
use crate::clock::{Clock as _, SystemClock};
use crate::config::JobMeant;
use crate::mapping::Given;
use crate::model::{Change, ChangeKind, Value};
use crate::pipeline::plan::{Action, Plan, Planned, PlannedAt, differences, plan};
use crate::plain::plain;
use crate::scim::json::value_to_json;
use crate::store::{Access, JobState, Store};

/// People shown in full; the table counts all. `--json` shows all.
const SHOWN_DEFAULT: usize = 20;
/// Nothing would be changed.
pub(super) const NOTHING: u8 = 0;
/// Something would.
pub(super) const CHANGES: u8 = 2;

/// Say what an import would do; or, with --against, what a changed job file would change for everybody there is.
///
/// Exit code 0: nothing; 2: changes; 1: an error.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The export.
    #[arg(required_unless_present = "against")]
    source: Option<PathBuf>,
    /// The job file.
    #[arg(long)]
    job: PathBuf,
    /// The job file to compare with, over the people in the data folder; `running`: the one that last ran there.
    #[arg(long, value_name = "JOB", conflicts_with = "source")]
    against: Option<PathBuf>,
    /// How many people to show in full.
    #[arg(long, default_value_t = SHOWN_DEFAULT, value_name = "COUNT")]
    show: usize,
}

pub(super) fn run(args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let mut job = load_job(&args.job)?;
    if let Some(against) = &args.against {
        return super::against::run(job, against, args.show, globals);
    }
    let source = args.source.as_deref().unwrap_or(Path::new(""));
    let store = store_if_there(&globals.data)?;
    if let Some(store) = &store {
        job.job.set_key(&store.installation_key()?);
    }
    let state = match &store {
        Some(store) => store.job(&job.job.id)?,
        None => None,
    };
    let known = store.as_ref().zip(state.as_ref());
    if let Some((store, _)) = known {
        warn_of_lost_targets(store, &job)?;
    }
    let planned = make(source, args.show, &job, known, globals.json)?;
    if globals.json {
        say_json(&summary(&planned));
    } else {
        print(source, args, globals, &planned);
    }
    Ok(ExitCode::from(if planned.has_changes() { CHANGES } else { NOTHING }))
}

fn make(
    source: &Path,
    show: usize,
    job: &JobMeant,
    known: Option<(&Store, &JobState)>,
    all_as_json: bool,
) -> anyhow::Result<Plan> {
    let same_job = match known {
        Some((store, state)) => store.is_decided_with(state, &job.hash)?,
        None => false,
    };
    let file: (&Path, _) = (source, csv_settings(job)?);
    let mut left = show;
    let plan = plan(&job.job, known, same_job, file, SystemClock.now(), &mut |person| {
        if all_as_json {
            say_json(&person_json(&person));
        } else if left > 0 && (person.targets.iter().any(|at| at.action.is_change()) || !person.members.is_empty()) {
            left -= 1;
            print_person(&person);
        }
    })?;
    Ok(plan)
}

fn print_person(person: &Planned) {
    let rule = person.rule.as_ref().map(|rule| format!(" by rule `{rule}`")).unwrap_or_default();
    say(format!("{} (line {}): {}{rule}", plain(person.anchor.as_str()), person.line, person.placement));
    for at in &person.targets {
        say(format!("  {} at {} [{}]", at.action.word(), at.target, at.situation.word()));
        match &at.action {
            Action::CreateOrLink(change) | Action::Write(change) => print_change(change),
            Action::Hold(reason) | Action::Skip(reason) | Action::Fail(reason) => {
                say(format!("    {}", plain(&reason.to_string())))
            }
        }
        for name in &at.unique {
            let given = Given::OneOf(name.candidates.clone());
            say(format!("    {}: {}", name.attribute, plain(&given.to_string())));
        }
    }
    for member in &person.members {
        say(format!("  {} {} at {}", member.word(), plain(&member.group), member.target));
    }
}

/// Prints a change, attribute by attribute: old → new.
pub(super) fn print_change(change: &Change) {
    if let Some(container) = &change.container {
        let before =
            change.container_before.as_ref().map(|before| format!("{} → ", plain(before.as_str()))).unwrap_or_default();
        say(format!("    in {before}{}", plain(container.as_str())));
    }
    for (name, before, after) in differences(change) {
        let after = after.map_or_else(|| "(cleared)".to_owned(), shown);
        match before {
            _ if change.kind == ChangeKind::Create => say(format!("    {name}: {after}")),
            before => say(format!("    {name}: {} → {after}", before.map_or_else(|| "(nothing)".to_owned(), shown))),
        }
    }
}

fn print(source: &Path, args: &Args, globals: &Globals, plan: &Plan) {
    print_scan(plan);
    if !plan.groups.is_empty() {
        let mut rows = table(["people", "placement", "target", "what would happen"]);
        for ((placement, target, action), count) in &plan.groups {
            rows.add_row([grouped(*count), (*placement).to_owned(), target.clone(), (*action).to_owned()]);
        }
        say(rows.trim_fmt());
    }
    say(format!("{} nothing new.", counted(plan.unchanged, "row says", "rows say")));
    if plan.has_changes() {
        say(format!(
            "Nothing was written. To do it: muster import {} --job {}{}",
            plain(&source.display().to_string()),
            plain(&args.job.display().to_string()),
            globals.data_words()
        ));
    } else {
        say("Nothing would be written to a directory.");
    }
}

fn print_scan(plan: &Plan) {
    super::import::print_scan(&plan.scan);
    if !plan.scan.faults.is_empty() || !plan.scan.duplicates.is_empty() {
        note("Rows with a fault would end failed or held; the others go on.");
    }
}

fn summary(plan: &Plan) -> serde_json::Value {
    let groups: Vec<_> = plan
        .groups
        .iter()
        .map(|((placement, target, action), count)| json!({ "placement": placement, "target": target, "action": action, "people": count }))
        .collect();
    json!({ "summary": { "groups": groups, "unchanged": plan.unchanged, "changes": plan.has_changes(), "source": super::import::scan_json(&plan.scan) } })
}

fn person_json(person: &Planned) -> serde_json::Value {
    json!({
        "anchor": person.anchor.as_str(),
        "line": person.line,
        "placement": person.placement,
        "rule": person.rule.as_ref().map(ToString::to_string),
        "targets": person.targets.iter().map(at_json).collect::<Vec<_>>(),
        "memberships": person.members.iter().map(|member| json!({
            "target": member.target.as_str(), "group": member.group, "action": member.word(),
        })).collect::<Vec<_>>(),
        "outcome": person.outcome.as_ref().map(outcome_json),
    })
}

fn at_json(at: &PlannedAt) -> serde_json::Value {
    let mut json =
        json!({ "target": at.target.as_str(), "situation": at.situation.word(), "action": at.action.word() });
    if !at.unique.is_empty() {
        let names =
            at.unique.iter().map(|name| json!({ "name": name.attribute.as_str(), "candidates": name.candidates }));
        json["firstFree"] = names.collect();
    }
    match &at.action {
        Action::CreateOrLink(change) | Action::Write(change) => json["change"] = change_json(change),
        Action::Hold(reason) | Action::Skip(reason) | Action::Fail(reason) => {
            json["reason"] = json!({ "code": reason.code, "message": reason.detail });
        }
    }
    json
}

/// A change for machines.
pub(super) fn change_json(change: &Change) -> serde_json::Value {
    let value = |value: Option<&Value>| value.map(value_to_json);
    let attributes: Vec<_> = differences(change)
        .into_iter()
        .map(|(name, before, after)| json!({ "name": name.as_str(), "before": value(before), "after": value(after) }))
        .collect();
    json!({
        "kind": change.kind.word(),
        "container": change.container.as_ref().map(ToString::to_string),
        "containerBefore": change.container_before.as_ref().map(ToString::to_string),
        "attributes": attributes,
    })
}

/// The data folder, beside whoever works on it, where there is one; nothing is made.
fn store_if_there(folder: &Path) -> anyhow::Result<Option<Store>> {
    if Store::is_there(folder) { open_store(folder, Access::Beside).map(Some) } else { Ok(None) }
}
