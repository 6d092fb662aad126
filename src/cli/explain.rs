//! `muster explain`: where is this person's account, and why?

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::json;

use super::Globals;
use super::jobs::{load_job, open_store, outcome_json, running_job, stored_job};
use super::paper::read;
use super::plan::{change_json, print_change};
use super::screen::{say, say_json, shown};
use super::trace::{mapped_lines, trace_json, why_lines};
use crate::clock::{Clock as _, SystemClock};
use crate::config::JobMeant;
use crate::decide::{Concealment, Secrets, Trace, trace};
use crate::model::{Outcome, Part, Record, Timestamp, Value};
use crate::overlay::introduce;
use crate::pipeline::conceal::{conceal_person, secrets_of};
use crate::plain::plain;
use crate::scim::json::value_to_json;
use crate::scim::{read_user, user_to_json};
use crate::store::{Access, HistoryEntry, LinkState, OFFERED, OperationState, PersonState, Standing};

/// Operations and history entries shown; `--json` has more.
const SHOWN_MAX: usize = 10;

/// Longest `--record` file, in bytes. A person is a few kilobytes.
const RECORD_BYTES_MAX: usize = 1024 * 1024;

/// Tell everything about one person: what came in, which rule spoke, what was written, what it waits for.
///
/// How each rule and each mapping sees the person is told by the job file that last ran in the data folder, unless
/// another is named. With --record, it is told of somebody who need not be there.
///
/// Exit code 0: told; 1: an error; 4: nobody by that anchor.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The person's anchor (externalId).
    #[arg(required_unless_present = "record")]
    anchor: Option<String>,
    /// The job's name; may be left out where the data folder has only one.
    #[arg(long)]
    job: Option<String>,
    /// A job file, in place of the one that last ran.
    #[arg(long, value_name = "FILE")]
    job_file: Option<PathBuf>,
    /// A SCIM user in JSON, as an upload would bring it: what would become of somebody who is new; `-`
    /// reads standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "anchor")]
    record: Option<PathBuf>,
}

/// The job has never heard of the anchor.
const NOBODY: u8 = 4;

pub(super) fn run(args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let named = args.job_file.as_deref().map(load_job).transpose()?;
    if let Some(file) = &args.record {
        return of_record(file, args, named, globals);
    }
    let anchor = args.anchor.as_deref().unwrap_or_default();
    let store = open_store(&globals.data, Access::Beside)?;
    let job = stored_job(&store, job_name(args, named.as_ref()))?;
    let Some(mut person) = store.person(&job, anchor)? else {
        let refused = store.operations_about(&job, anchor)?;
        return Ok(nobody(anchor, &refused, globals));
    };
    let mut running = running_job(&store, &job)?;
    let mut meant = named.or_else(|| running.clone());
    let key = store.installation_key()?;
    meant.iter_mut().chain(&mut running).for_each(|job| job.job.set_key(&key));
    let traced = conceal_all(&mut person, meant.as_ref(), running.as_ref());
    tell_of_missing_agents(&mut person, meant.as_ref(), SystemClock.now());
    if globals.json {
        say_json(&person_json(&person, traced.as_ref()));
    } else {
        say(format!("{} in job {}", plain(anchor), job.id));
        print_person(&person, traced.as_ref(), SystemClock.now(), Detail::Full);
    }
    Ok(ExitCode::SUCCESS)
}

/// Says of what waits for an agent that none is there.
pub(super) fn tell_of_missing_agents(person: &mut PersonState, job: Option<&JobMeant>, now: Timestamp) {
    let connections = || job.into_iter().flat_map(|job| &job.connections);
    for link in &mut person.links {
        let is_left =
            connections().any(|(target, connection)| *target == link.target && connection.is_left_to_agents());
        if is_left {
            link.tell_of_missing_agent(now);
        }
    }
}

/// The trace by the job file in question. What that one, or the one that last ran, keeps secret is concealed in all.
fn conceal_all(person: &mut PersonState, meant: Option<&JobMeant>, running: Option<&JobMeant>) -> Option<Trace> {
    let jobs = || meant.into_iter().chain(running).map(|meant| &meant.job);
    let concealment = jobs().map(Concealment::of).fold(Concealment::default(), Concealment::and);
    let secrets =
        jobs().map(|job| secrets_of(&concealment, job, &person.stored)).fold(Secrets::default(), Secrets::and);
    let mut traced = meant.map(|meant| trace(&meant.job, &person.stored.person, &person.stored.links));
    traced.iter_mut().for_each(|traced| concealment.trace(traced, &secrets));
    conceal_person(&concealment, &secrets, person);
    traced
}

fn job_name<'a>(args: &'a Args, named: Option<&'a JobMeant>) -> Option<&'a str> {
    args.job.as_deref().or(named.map(|named| named.job.id.as_str()))
}

/// Tells what would become of somebody the job has not heard of.
fn of_record(file: &Path, args: &Args, named: Option<JobMeant>, globals: &Globals) -> anyhow::Result<ExitCode> {
    let meant = match named {
        Some(named) => named,
        None => {
            let store = open_store(&globals.data, Access::Beside)?;
            let state = stored_job(&store, args.job.as_deref())?;
            running_job(&store, &state)?.context("the data folder has kept no job file; name one with --job-file")?
        }
    };
    let shown_file = file.display();
    let text = read(file, RECORD_BYTES_MAX)?;
    let user = read_user(&text).with_context(|| format!("{shown_file} is no SCIM user that an upload could bring"))?;
    let anchor = user.anchor.with_context(|| format!("the user in {shown_file} has no externalId"))?;
    let record = Record { anchor, attributes: user.attributes };
    let mut person = introduce(record, &meant.job.null_flow, SystemClock.now());
    let mut traced = trace(&meant.job, &person, &[]);
    let concealment = Concealment::of(&meant.job);
    let secrets = concealment.secrets(&meant.job, &person, &[]);
    concealment.trace(&mut traced, &secrets);
    concealment.person(&mut person.attributes, &secrets);
    if globals.json {
        let user = user_to_json(&person.attributes, Some(&person.anchor));
        say_json(&json!({ "externalId": person.anchor.as_str(), "person": user, "trace": trace_json(&traced) }));
    } else {
        let decision = &traced.decision;
        let home = decision.verdict.as_ref().and_then(|verdict| verdict.placement.home());
        let home = home.map(|home| format!(" at {home}")).unwrap_or_default();
        let also = decision.verdict.iter().flat_map(|verdict| &verdict.also);
        let also: String = also.map(|app| format!(", also at {app}")).collect();
        let anchor = plain(person.anchor.as_str());
        say(format!("{anchor} in job {}, if they were new: {}{home}{also}", meant.job.id, decision.placement_word()));
        print_why(&traced, Detail::Full);
        print_mapped(&traced);
    }
    Ok(ExitCode::SUCCESS)
}

fn nobody(anchor: &str, refused: &[OperationState], globals: &Globals) -> ExitCode {
    if globals.json {
        let operations: Vec<_> = refused.iter().map(operation_json).collect();
        say_json(&json!({ "externalId": anchor, "person": null, "operations": operations }));
    } else if refused.is_empty() {
        say(format!("nobody is called `{}`: no upload or import has ever named them", plain(anchor)));
    } else {
        say(format!("there is no person `{}`: what was said of them could not be taken", plain(anchor)));
        refused.iter().take(SHOWN_MAX).for_each(print_operation);
    }
    ExitCode::from(NOBODY)
}

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// Everything.
    Full,
    /// Where and why; not what each attribute holds.
    Short,
}

/// Prints what there is to say about a person.
pub(super) fn print_person(person: &PersonState, traced: Option<&Trace>, now: Timestamp, detail: Detail) {
    let rule = person.rule.as_deref().map(|rule| format!(", by rule `{rule}`")).unwrap_or_default();
    say(format!("\nStands {}{rule} (state {})", standing_words(&person.standing), person.stored.person.generation));
    if let Some((upload, at)) = person.last_seen {
        say(format!("Seen unchanged in upload {upload}, {at}"));
    }
    if let Some(traced) = traced {
        print_why(traced, detail);
    }
    for link in &person.links {
        print_link(person, link, now, detail);
    }
    if let Some(traced) = traced.filter(|_| detail == Detail::Full) {
        print_mapped(traced);
    }
    for name in &person.names {
        say(format!(
            "\nHas the name {} ({}), nobody else's in {}",
            plain(&name.value),
            plain(&name.attribute),
            plain(&name.namespace)
        ));
    }
    say("\nSaid of them, newest first");
    person.operations.iter().take(SHOWN_MAX).for_each(print_operation);
    if !person.history.is_empty() {
        say("\nDone, newest first");
        person.history.iter().take(SHOWN_MAX).for_each(|entry| print_history(entry, detail));
    }
}

pub(super) fn standing_words(standing: &Standing) -> String {
    match standing {
        Standing::At(target) => format!("at {target}"),
        Standing::Nowhere => "nowhere, on purpose".to_owned(),
        Standing::Held => "nowhere yet: held".to_owned(),
        Standing::OutOfScope => "outside the job's scope".to_owned(),
        Standing::Deleted => "nowhere: the source has deleted them".to_owned(),
    }
}

fn print_why(traced: &Trace, detail: Detail) {
    say("\nWhy");
    why_lines(traced, detail == Detail::Full).iter().for_each(|line| say(format!("  {line}")));
    if let Some(outcome) = &traced.decision.outcome {
        say(format!("  so: {}", outcome_words(outcome)));
    }
}

fn print_mapped(traced: &Trace) {
    let mut at = None;
    for mapped in &traced.mapped {
        if at != Some(&mapped.target) {
            say(format!("\nWanted at {}", mapped.target));
            at = Some(&mapped.target);
        }
        mapped_lines(mapped).iter().for_each(|line| say(format!("  {line}")));
    }
}

fn print_link(person: &PersonState, link: &LinkState, now: Timestamp, detail: Detail) {
    let what = match link.part {
        Part::Account => format!("\nAt {}", link.target),
        Part::Manager => {
            format!("  manager {}", plain(link.manager.as_deref().filter(|text| !text.is_empty()).unwrap_or("nobody")))
        }
    };
    let situation = link
        .situation
        .filter(|_| link.part == Part::Account)
        .map(|held| format!(" [{}]", held.word()))
        .unwrap_or_default();
    say(format!("{what}{situation}: {}", link_words(link, now)));
    if link.part == Part::Manager {
        return;
    }
    if let Some(known) = person.stored.known_at(&link.target) {
        say(format!("  account {}", plain(known.object.as_str())));
        if let Some(container) = &known.container {
            say(format!("  in {}", plain(container.as_str())));
        }
        let attributes = known.attributes.iter().filter(|_| detail == Detail::Full);
        for (name, value) in attributes.filter(|(_, value)| !matches!(value, Value::Null)) {
            say(format!("  {name}: {}", shown(value)));
        }
    }
}

fn link_words(link: &LinkState, now: Timestamp) -> String {
    let state = format!("state {}", link.generation);
    let is_held = link.due.is_some_and(|due| due > now);
    if let Some(holder) = link.holder.as_ref().filter(|_| is_held) {
        return match holder.as_str() {
            OFFERED => format!("{state} is offered to agents"),
            holder => format!("{state} is being carried by {holder}"),
        };
    }
    match (&link.due, &link.outcome) {
        (Some(due), _) => {
            let when = if *due <= now { "now".to_owned() } else { format!("at {due}") };
            let why =
                link.waits.as_ref().map(|why| format!(", because {}", plain(&why.to_string()))).unwrap_or_default();
            format!("{state} waits to be carried {when}{why}")
        }
        (None, Some(outcome)) => format!("{state} {}", outcome_words(outcome)),
        (None, None) => format!("{state}: nothing to do"),
    }
}

fn outcome_words(outcome: &Outcome) -> String {
    match (outcome, outcome.reason()) {
        (Outcome::Superseded { by }, _) => format!("superseded by {by}"),
        (_, Some(reason)) => format!("{}: {}", outcome.word(), plain(&reason.to_string())),
        (_, None) => outcome.word().to_owned(),
    }
}

fn print_operation(operation: &OperationState) {
    let name = operation.bulk_id.as_deref().map(|name| format!(" ({})", plain(name))).unwrap_or_default();
    let ended = operation.outcome.as_ref().map_or_else(|| "pending".to_owned(), outcome_words);
    let at = operation.ended_at.map(|at| format!(", {at}")).unwrap_or_default();
    say(format!("  upload {} operation {}{name}: {ended}{at}", operation.id.upload, operation.id.index));
}

fn print_history(entry: &HistoryEntry, detail: Detail) {
    let done = match (&entry.change, &entry.outcome) {
        (Some(change), _) => change.kind.word().to_owned(),
        (None, _) if entry.part == Part::Manager => "manager".to_owned(),
        (None, _) => "looked".to_owned(),
    };
    let ended = match (&entry.outcome, &entry.why) {
        (Some(outcome), _) => outcome_words(outcome),
        (None, Some(why)) => format!("to be tried again, because {}", plain(&why.to_string())),
        (None, None) => "linked".to_owned(),
    };
    say(format!("  {} at {}, state {}: {done}: {ended}", entry.at, entry.target, entry.generation));
    if let Some(change) = entry.change.as_ref().filter(|_| detail == Detail::Full) {
        print_change(change);
    }
}

fn person_json(person: &PersonState, traced: Option<&Trace>) -> serde_json::Value {
    let stored = &person.stored.person;
    json!({
        "externalId": stored.anchor.as_str(),
        "generation": stored.generation.0,
        "standing": standing_words(&person.standing),
        "rule": person.rule,
        "person": user_to_json(&stored.attributes, Some(&stored.anchor)),
        "lastSeenUnchanged": person.last_seen.map(|(upload, at)| json!({ "upload": upload.0, "at": at.to_string() })),
        "targets": person.links.iter().map(|link| link_json(person, link)).collect::<Vec<_>>(),
        "names": person.names.iter().map(|name| json!({
            "namespace": name.namespace, "attribute": name.attribute, "value": name.value,
        })).collect::<Vec<_>>(),
        "operations": person.operations.iter().map(operation_json).collect::<Vec<_>>(),
        "history": person.history.iter().map(history_json).collect::<Vec<_>>(),
        "trace": traced.map(trace_json),
    })
}

fn link_json(person: &PersonState, link: &LinkState) -> serde_json::Value {
    let known = person.stored.known_at(&link.target).filter(|_| link.part == Part::Account);
    json!({
        "target": link.target.as_str(),
        "part": link.part.word(),
        "situation": link.situation.map(|held| held.word()),
        "generation": link.generation.0,
        "settled": link.settled.0,
        "ended": link.outcome.as_ref().map(outcome_json),
        "due": link.due.map(|due| due.to_string()),
        "waits": link.waits.as_ref().map(ToString::to_string),
        "holder": link.holder,
        "manager": link.manager,
        "account": known.map(|known| json!({
            "id": known.object.as_str(),
            "container": known.container.as_ref().map(ToString::to_string),
            "attributes": known.attributes.iter().map(|(name, value)| (name.to_string(), value_to_json(value))).collect::<serde_json::Map<_, _>>(),
        })),
    })
}

fn operation_json(operation: &OperationState) -> serde_json::Value {
    json!({
        "upload": operation.id.upload.0,
        "index": operation.id.index,
        "bulkId": operation.bulk_id,
        "generation": operation.generation.map(|generation| generation.0),
        "ended": operation.outcome.as_ref().map(outcome_json),
        "endedAt": operation.ended_at.map(|at| at.to_string()),
    })
}

fn history_json(entry: &HistoryEntry) -> serde_json::Value {
    json!({
        "at": entry.at.to_string(),
        "target": entry.target.as_str(),
        "part": entry.part.word(),
        "generation": entry.generation.0,
        "situation": entry.situation.map(|held| held.word()),
        "ended": entry.outcome.as_ref().map(outcome_json),
        "again": entry.why.as_ref().map(ToString::to_string),
        "change": entry.change.as_ref().map(change_json),
    })
}
