//! `muster fsck`: whether the store is as it must be; and, when asked to look, the directories as the store knows them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use serde_json::{Value as Json, json};

use super::Globals;
use super::agent::load_agent;
use super::jobs::{WriteTimeout, load_job, open_store};
use super::screen::{Progress, counted, grouped, note, say, say_json, shown};
use crate::app::{self, App, Hands};
use crate::clock::SystemClock;
use crate::config::{AgentTarget, Connection, JobMeant};
use crate::model::TargetId;
use crate::pipeline::look::{Difference, Looker, TargetLooked, What};
use crate::plain::plain;
use crate::scim::json::value_to_json;
use crate::store::{Access, Fault, Store};
use crate::writer::Writer;

/// Differences shown of each target; all are counted.
const SHOWN_DEFAULT: usize = 20;
/// Why a target of kind `ldif` is not asked.
const CHANGE_FILES: &str = "it gets change files, which tell nothing";

/// Check the data folder: every rule that must hold between its rows. With --look, compare it with the directories.
///
/// Exit code 0: everything is as it must be; 1: something is not, or an error. A directory that is not asked (an agent's
/// whose file is not named, or change files) is said to be so, and counts for nothing.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Ask the directories, too: every linked account is there, holds what is known, and is the only one that matches.
    /// Nothing is written.
    #[arg(long, requires = "job")]
    look: bool,
    /// The job file that says where the directories are.
    #[arg(long, value_name = "FILE", requires = "look")]
    job: Option<PathBuf>,
    /// An agent's own file, whose directories are asked, too; beside the agent that runs with it. Their managers and
    /// groups are not compared.
    #[arg(long = "agent", value_name = "FILE", requires = "look")]
    agents: Vec<PathBuf>,
    /// How many differences to show of each target.
    #[arg(long, default_value_t = SHOWN_DEFAULT, value_name = "COUNT", requires = "look")]
    show: usize,
    #[command(flatten)]
    write: WriteTimeout,
}

pub(super) fn run(args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let store = Arc::new(open_store(&globals.data, Access::Beside)?);
    let faults = store.fsck().context("the data folder cannot be checked")?;
    let looked = match &args.job {
        Some(job) => Some(look(args, job, &store)?),
        None => None,
    };
    let is_sound = faults.is_empty() && looked.as_ref().is_none_or(Looked::is_right);
    if globals.json {
        print_json(&faults, looked.as_ref(), is_sound);
    } else {
        print_faults(&faults, globals);
        looked.iter().for_each(print_looked);
    }
    Ok(if is_sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The directories that agents' files reach, and what asks each; `None` for change files.
type Reached = BTreeMap<TargetId, Option<Arc<dyn Writer>>>;

/// What was found in the directories.
struct Looked {
    targets: Vec<TargetLooked>,
    /// Targets this process cannot ask, and why.
    beyond: Vec<(TargetId, &'static str)>,
}

impl Looked {
    fn is_right(&self) -> bool {
        self.targets.iter().all(|target| target.differing == 0)
    }
}

fn look(args: &Args, path: &Path, store: &Arc<Store>) -> anyhow::Result<Looked> {
    let mut job = load_job(path)?;
    let state = store.job(&job.job.id)?;
    let state = state.with_context(|| format!("job `{}` has never run in this data folder", job.job.id))?;
    if !store.is_decided_with(&state, &job.hash)? {
        note("warning: people were last decided with another job file; what differs because of that is shown, too");
    }
    job.job.set_key(&store.installation_key()?);
    let app = App::new(Arc::clone(store), Arc::new(SystemClock), args.write.lease_times());
    let reached = reached_by_agents(&args.agents, &job)?;
    let (mut targets, mut beyond) = (Vec::new(), Vec::new());
    for (id, connection) in &job.connections {
        match (app.hands(id, connection)?, reached.get(id)) {
            (Hands::Embedded(writer), _) => targets.push((id.clone(), writer)),
            (Hands::Agent, Some(Some(writer))) => targets.push((id.clone(), Arc::clone(writer))),
            (Hands::Agent, Some(None)) => beyond.push((id.clone(), CHANGE_FILES)),
            (Hands::Agent, None) if matches!(connection, Connection::Ldif { .. }) => {
                beyond.push((id.clone(), CHANGE_FILES));
            }
            (Hands::Agent, None) => beyond.push((id.clone(), "it is reached through an agent; --agent names its file")),
        }
    }
    let people = store.people_count(&state)?;
    let (job, state) = (Arc::new(job.job), Arc::new(state));
    let looker = Looker { store: Arc::clone(store), job, state, targets, examples_max: args.show };
    let bar = Progress::new("looking", people, false);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let targets = runtime.block_on(Arc::new(looker).look(&mut |done| bar.at(done)))?;
    bar.end();
    Ok(Looked { targets, beyond })
}

/// What asks the targets of the job that these agents' files name.
fn reached_by_agents(files: &[PathBuf], job: &JobMeant) -> anyhow::Result<Reached> {
    let mut reached = Reached::new();
    for file in files {
        let agent = load_agent(file)?;
        let named = |target: &&AgentTarget| job.connections.iter().any(|(id, _)| *id == target.id);
        let ours: Vec<_> = agent.targets.iter().filter(named).collect();
        if ours.is_empty() {
            let file = plain(&file.display().to_string()).into_owned();
            anyhow::bail!("{file} names no directory of job `{}`; they go by the same names there", job.job.id);
        }
        for target in ours {
            must_be_alike(target, job, file)?;
            reached.insert(target.id.clone(), app::looker_of(target)?);
        }
    }
    Ok(reached)
}

/// A directory looked at as one of another kind has nobody in it: everybody would be told to be missing.
fn must_be_alike(target: &AgentTarget, job: &JobMeant, file: &Path) -> anyhow::Result<()> {
    let here = target.reached.kind();
    let connection = job.connections.iter().find(|(id, _)| *id == target.id).map(|(_, connection)| connection);
    // Where agents do not write, it is asked otherwise.
    let Some(there) = connection.and_then(Connection::kind_at_agents) else { return Ok(()) };
    let file = plain(&file.display().to_string()).into_owned();
    anyhow::ensure!(
        here == there,
        "`{}` is of kind `{here}` in {file}, and of kind `{there}` in job `{}`; correct one of the two",
        target.id,
        job.job.id
    );
    Ok(())
}

fn print_faults(faults: &[Fault], globals: &Globals) {
    if faults.is_empty() {
        say(format!("{}: everything is as it must be", plain(&globals.data.display().to_string())));
    }
    for fault in faults {
        say(format!("must hold, and does not: {}", fault.rule));
        for example in &fault.examples {
            say(format!("  {}", plain(example)));
        }
    }
}

fn print_looked(looked: &Looked) {
    for target in &looked.targets {
        let differing = match target.differing {
            0 => "nobody differs".to_owned(),
            count => counted(count, "person differs", "people differ"),
        };
        say(format!(
            "{}: {} as known, {differing}; {} under way, {} held or failed",
            target.target,
            counted(target.right, "account", "accounts"),
            grouped(target.moving),
            grouped(target.stuck),
        ));
        for difference in &target.examples {
            say(format!("  {}", plain(&sentence(difference))));
        }
        let more = target.differences.saturating_sub(target.examples.len() as u64);
        if more > 0 {
            say(format!("  and {} more; --show shows them", grouped(more)));
        }
    }
    for (target, why) in &looked.beyond {
        say(format!("{target}: not asked; {why}"));
    }
}

fn sentence(difference: &Difference) -> String {
    let anchor = &difference.anchor;
    match &difference.what {
        What::Missing(object) => format!("{anchor}: the linked account {object} is not there"),
        What::Attribute { name, known, there } => {
            let value = |value: &Option<_>| value.as_ref().map_or("nothing".to_owned(), shown);
            format!("{anchor}: {name} is known to be {}, and is {}", value(known), value(there))
        }
        What::Container { known, there } => format!("{anchor}: is known to stand in {known}, and stands in {there}"),
        What::Several(objects) => {
            let objects: Vec<_> = objects.iter().map(ToString::to_string).collect();
            format!("{anchor}: several accounts match: {}", objects.join(", "))
        }
        What::Another { linked, matches } => format!("{anchor}: {linked} is linked, and {matches} matches"),
        What::NotMatched(object) => format!("{anchor}: the linked account {object} is not found by its match keys"),
        What::Unlinked(object) => format!("{anchor}: the account {object} matches, and is linked to nobody"),
        What::NotMade => format!("{anchor}: shall have an account, has none, and nothing is under way"),
        What::NotAsked(reason) => format!("{anchor}: the target could not be asked: {reason}"),
    }
}

fn print_json(faults: &[Fault], looked: Option<&Looked>, is_sound: bool) {
    let faults: Vec<_> = faults.iter().map(|fault| json!({ "rule": fault.rule, "examples": fault.examples })).collect();
    let mut answer = json!({ "ok": is_sound, "faults": faults });
    if let Some(looked) = looked {
        let asked = looked.targets.iter().map(target_json);
        let beyond = looked.beyond.iter().map(|(target, _)| json!({ "target": target.as_str(), "asked": false }));
        answer["targets"] = asked.chain(beyond).collect();
    }
    say_json(&answer);
}

fn target_json(looked: &TargetLooked) -> Json {
    json!({
        "target": looked.target.as_str(), "asked": true, "right": looked.right, "underWay": looked.moving,
        "heldOrFailed": looked.stuck, "differing": looked.differing, "differencesCount": looked.differences,
        "differences": looked.examples.iter().map(difference_json).collect::<Vec<_>>(),
    })
}

fn difference_json(difference: &Difference) -> Json {
    let mut json = json!({ "externalId": difference.anchor.as_str(), "what": difference.what.word() });
    match &difference.what {
        What::Attribute { name, known, there } => {
            json["attribute"] = json!(name.as_str());
            json["known"] = known.as_ref().map_or(Json::Null, value_to_json);
            json["there"] = there.as_ref().map_or(Json::Null, value_to_json);
        }
        What::Container { known, there } => {
            json["known"] = json!(known);
            json["there"] = json!(there);
        }
        What::Missing(object) | What::NotMatched(object) | What::Unlinked(object) => {
            json["object"] = json!(object.as_str());
        }
        What::Several(objects) => {
            json["objects"] = objects.iter().map(|object| object.as_str()).collect();
        }
        What::Another { linked, matches } => {
            json["object"] = json!(linked.as_str());
            json["matches"] = json!(matches.as_str());
        }
        What::NotAsked(reason) => json["reason"] = json!({ "code": reason.code, "message": reason.detail }),
        What::NotMade => {}
    }
    json
}
