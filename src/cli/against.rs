//! `muster plan --against`: what a changed job file would change for everybody there is.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::json;

use super::Globals;
use super::check::count_failing;
use super::jobs::{load_job, open_store, running_job, stored_job};
use super::plan::{CHANGES, NOTHING};
use super::screen::{Progress, counted, grouped, note, say, say_json, shown, table};
use crate::config::JobMeant;
use crate::model::Value;
use crate::pipeline::against::{Home, Place, Shift, ShiftAt, Shifts, compare};
use crate::plain::plain;
use crate::scim::json::value_to_json;
use crate::store::{Access, JobState, Store};

/// The word for the job file that last ran in the data folder.
const RUNNING: &str = "running";

/// Compares the job file with another, or with the one that last ran, over the people in the data folder.
pub(super) fn run(mut job: JobMeant, against: &Path, show: usize, globals: &Globals) -> anyhow::Result<ExitCode> {
    let store = open_store(&globals.data, Access::Beside)?;
    let (mut old, state) = old_job(&store, &job, against)?;
    warn(&old, &job);
    let key = store.installation_key()?;
    job.job.set_key(&key);
    old.job.set_key(&key);
    let bar = Progress::new("comparing", store.people_count(&state)?, false);
    let mut left = show;
    let shifts = compare(
        (&old.job, &job.job),
        (&store, &state),
        &mut |shift| {
            if globals.json {
                say_json(&shift_json(&shift));
            } else if left > 0 {
                left -= 1;
                shift_lines(&shift).iter().for_each(say);
            }
        },
        &mut |people| bar.at(people),
    )?;
    bar.end();
    if globals.json {
        say_json(&json!({ "summary": shifts_json(&shifts) }));
    } else {
        print(&shifts, show);
    }
    Ok(ExitCode::from(if shifts.different > 0 { CHANGES } else { NOTHING }))
}

/// The job file to compare with, and the job whose people are asked about.
fn old_job(store: &Store, job: &JobMeant, against: &Path) -> anyhow::Result<(JobMeant, JobState)> {
    if against.as_os_str() != RUNNING {
        let old = load_job(against)?;
        let state = stored_job(store, Some(old.job.id.as_str()))?;
        return Ok((old, state));
    }
    let state = stored_job(store, Some(job.job.id.as_str()))?;
    let old = running_job(store, &state)?.context(
        "the data folder has kept no job file of this job; it does from the next import or serve on. \
         Name the old file: --against old.toml",
    )?;
    Ok((old, state))
}

/// Says what would keep the job file from doing what the comparison shows.
fn warn(old: &JobMeant, job: &JobMeant) {
    if old.job.id != job.job.id {
        note(format!(
            "warning: the new file is of the job `{}`, the people are of `{}`; run under another name, it would begin \
             anew, with nobody in it",
            job.job.id, old.job.id
        ));
    }
    let failing = count_failing(job);
    if failing > 0 {
        let tests = counted(failing as u64, "test of the new file fails", "tests of the new file fail");
        note(format!("warning: {tests}; until it is mended, `import` and `serve` refuse it"));
    }
}

fn shift_lines(shift: &Shift) -> Vec<String> {
    let anchor = plain(shift.anchor.as_str());
    let mut lines = vec![if shift.is_move() {
        format!("{anchor}: {} → {}", home_words(&shift.before), home_words(&shift.after))
    } else {
        format!("{anchor}: {}", home_words(&shift.after))
    }];
    for at in &shift.targets {
        lines.extend(at_lines(at));
    }
    if let Some(why) = &shift.why {
        lines.push(format!("  {}", plain(&why.to_string())));
    }
    lines
}

fn at_lines(at: &ShiftAt) -> Vec<String> {
    let mut lines = vec![if at.before == at.after {
        format!("  at {}", at.target)
    } else {
        format!("  at {}: {} → {}", at.target, at.before.word(), at.after.word())
    }];
    for (name, before, after) in &at.attributes {
        lines.push(format!("    {name}: {} → {}", value_words(before.as_ref()), value_words(after.as_ref())));
    }
    for (group, joins) in &at.groups {
        lines.push(format!("    {} {}", if *joins { "join" } else { "leave" }, plain(group)));
    }
    lines
}

fn home_words(home: &Home) -> String {
    let target = home.target.as_ref().map(|target| format!(" at {target}")).unwrap_or_default();
    let container = home.container.as_ref().map(|dn| format!(" in {}", plain(dn.as_str()))).unwrap_or_default();
    let rule = home.rule.as_ref().map(|rule| format!(" by rule `{}`", plain(rule.as_str()))).unwrap_or_default();
    format!("{}{target}{container}{rule}", home.placement)
}

fn value_words(value: Option<&Value>) -> String {
    match value {
        None => "(left alone)".to_owned(),
        Some(Value::Null) => "(cleared)".to_owned(),
        Some(value) => shown(value),
    }
}

fn print(shifts: &Shifts, show: usize) {
    if !shifts.moves.is_empty() {
        let mut rows = table(["people", "live now", "would live"]);
        for ((before, after), count) in &shifts.moves {
            let would = if before == after { "there, in another container".to_owned() } else { place_words(after) };
            rows.add_row([grouped(*count), place_words(before), would]);
        }
        say(rows.trim_fmt());
    }
    if !shifts.asked.is_empty() {
        let mut rows = table(["people", "target", "asked now", "would be asked"]);
        for ((target, before, after), count) in &shifts.asked {
            rows.add_row([&grouped(*count), target.as_str(), before.word(), after.word()]);
        }
        say(rows.trim_fmt());
    }
    if !shifts.attributes.is_empty() {
        let mut rows = table(["people", "target", "attribute that would change"]);
        for ((target, name), count) in &shifts.attributes {
            rows.add_row([&grouped(*count), target.as_str(), name.as_str()]);
        }
        say(rows.trim_fmt());
    }
    if !shifts.groups.is_empty() {
        let mut rows = table(["people", "target", "would", "group"]);
        for ((target, group, joins), count) in &shifts.groups {
            let would = if *joins { "join" } else { "leave" };
            rows.add_row([grouped(*count), target.to_string(), would.to_owned(), plain(group).into_owned()]);
        }
        say(rows.trim_fmt());
    }
    let people = counted(shifts.people, "person was", "people were");
    let hidden = shifts.different.saturating_sub(show as u64);
    let hidden = if hidden > 0 { format!(", {} of them not shown here", grouped(hidden)) } else { String::new() };
    let differ = if shifts.different == 1 { "differs" } else { "differ" };
    say(format!("{people} asked about; {} {differ}{hidden}. Nothing was written.", grouped(shifts.different)));
}

fn place_words((placement, target): &Place) -> String {
    target.as_ref().map_or_else(|| (*placement).to_owned(), |target| format!("{placement} at {target}"))
}

fn shift_json(shift: &Shift) -> serde_json::Value {
    json!({
        "anchor": shift.anchor.as_str(),
        "moves": shift.is_move(),
        "before": home_json(&shift.before),
        "after": home_json(&shift.after),
        "targets": shift.targets.iter().map(at_json).collect::<Vec<_>>(),
        "reason": shift.why.as_ref().map(|why| json!({ "code": why.code, "message": why.detail })),
    })
}

fn home_json(home: &Home) -> serde_json::Value {
    json!({
        "placement": home.placement,
        "target": home.target.as_ref().map(ToString::to_string),
        "container": home.container.as_ref().map(ToString::to_string),
        "rule": home.rule.as_ref().map(ToString::to_string),
    })
}

/// What is left alone has no value; what is cleared has null.
fn at_json(at: &ShiftAt) -> serde_json::Value {
    let attributes = at.attributes.iter().map(|(name, before, after)| {
        let mut json = json!({ "name": name.as_str() });
        for (side, value) in [("before", before), ("after", after)] {
            if let Some(value) = value {
                json[side] = value_to_json(value);
            }
        }
        json
    });
    let of = |wanted: bool| -> Vec<&str> {
        at.groups.iter().filter(|(_, joins)| *joins == wanted).map(|(group, _)| group.as_str()).collect()
    };
    json!({
        "target": at.target.as_str(),
        "before": at.before.word(),
        "after": at.after.word(),
        "attributes": attributes.collect::<Vec<_>>(),
        "joins": of(true),
        "leaves": of(false),
    })
}

fn shifts_json(shifts: &Shifts) -> serde_json::Value {
    let place = |(placement, target): &Place| json!({ "placement": placement, "target": target.as_ref().map(ToString::to_string) });
    let moves = shifts
        .moves
        .iter()
        .map(|((before, after), count)| json!({ "before": place(before), "after": place(after), "people": count }));
    let asked = shifts.asked.iter().map(|((target, before, after), count)| {
        json!({ "target": target.as_str(), "before": before.word(), "after": after.word(), "people": count })
    });
    let groups = shifts.groups.iter().map(|((target, group, joins), count)| {
        json!({ "target": target.as_str(), "group": group, "joins": joins, "people": count })
    });
    let attributes = shifts.attributes.iter().map(
        |((target, name), count)| json!({ "target": target.as_str(), "attribute": name.as_str(), "people": count }),
    );
    json!({
        "people": shifts.people,
        "different": shifts.different,
        "moves": moves.collect::<Vec<_>>(),
        "asked": asked.collect::<Vec<_>>(),
        "groups": groups.collect::<Vec<_>>(),
        "attributes": attributes.collect::<Vec<_>>(),
    })
}
