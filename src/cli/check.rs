//! `muster check`: finds every mistake in a job file before anything runs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use super::Globals;
use super::screen::{counted, is_colourful, note, say, say_json};
use crate::app::looker_of;
use crate::config::{self, AgentMeant, AgentTarget, JobMeant, Report};
use crate::model::TargetId;
use crate::pipeline::schedule::chain;
use crate::plain::plain;
use crate::proof::prove;
use crate::writer::Missing;

/// Check job files, and agents' files: every mistake, with its place and a hint.
///
/// Exit code 0: all are sound; 1: some are not, or, with --look, a directory does not have what its agent's file names,
/// or could not be asked.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Job files.
    #[arg(required_unless_present_any = ["agents", "look"], value_name = "JOB")]
    jobs: Vec<PathBuf>,
    /// An agent's own file. Neither its secrets nor its directories are asked, but with --look.
    #[arg(long = "agent", value_name = "FILE")]
    agents: Vec<PathBuf>,
    /// Also ask the directories of the agents' files for every container, protected account and protected group that
    /// stands there: a misspelt one protects nobody.
    #[arg(long, requires = "agents")]
    look: bool,
}

pub(super) fn run(args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let mut sound = true;
    for path in &args.jobs {
        let checked = config::load(path);
        let failing = checked.as_ref().map_or(0, count_failing);
        sound &= checked.is_ok() && failing == 0;
        let report = match &checked {
            Ok(job) => &job.warnings,
            Err(report) => report,
        };
        if globals.json {
            say_json(
                &json!({ "file": path, "ok": checked.is_ok() && failing == 0, "findings": findings(report), "failingTests": failing }),
            );
            continue;
        }
        if !report.findings().is_empty() {
            note(report.render(is_colourful()));
        }
        if let Ok(job) = &checked {
            let file = plain(&path.display().to_string()).into_owned();
            if failing == 0 {
                say(format!("{file}: {}", summary(job)));
            } else {
                let of = counted(job.tests.len() as u64, "test", "tests");
                let fail = if failing == 1 { "fails" } else { "fail" };
                note(format!("error: {failing} of {of} in {file} {fail}; `muster test {file}` says why"));
            }
        }
    }
    for path in &args.agents {
        sound &= check_agent(path, args.look, globals)?;
    }
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether an agent's file is sound; and, where it is asked, its directories have what it names.
fn check_agent(path: &Path, look: bool, globals: &Globals) -> anyhow::Result<bool> {
    let checked = config::load_agent(path);
    let report = checked.as_ref().map_or_else(|report| report, |agent| &agent.warnings);
    if globals.json {
        let looked = looked(checked.as_ref().ok().filter(|_| look))?;
        let is_sound = checked.is_ok() && looked.iter().all(Looked::is_right);
        let mut answer = json!({ "file": path, "ok": is_sound, "findings": findings(report) });
        if look {
            answer["looked"] = looked.iter().map(looked_json).collect();
        }
        say_json(&answer);
        return Ok(is_sound);
    }
    if !report.findings().is_empty() {
        note(report.render(is_colourful()));
    }
    if let Ok(agent) = &checked {
        let targets: Vec<_> = agent.targets.iter().map(agent_target).collect();
        let (file, targets) = (plain(&path.display().to_string()).into_owned(), targets.join(", "));
        say(format!("{file}: the agent's file is sound; it writes to {targets}"));
    }
    let looked = looked(checked.as_ref().ok().filter(|_| look))?;
    looked.iter().for_each(|looked| print_looked(looked, &plain(&path.display().to_string())));
    Ok(checked.is_ok() && looked.iter().all(Looked::is_right))
}

/// What a directory does not have of what its agent's file names, or why it could not be asked.
struct Looked {
    target: TargetId,
    missing: Result<Vec<Missing>, String>,
}

impl Looked {
    fn is_right(&self) -> bool {
        self.missing.as_ref().is_ok_and(Vec::is_empty)
    }
}

/// Asks the directories of an agent, one after another. Folders of change files have nothing that could be asked.
fn looked(agent: Option<&AgentMeant>) -> anyhow::Result<Vec<Looked>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut looked = Vec::new();
    for target in agent.into_iter().flat_map(|agent| &agent.targets) {
        let missing = match looker_of(target) {
            Ok(None) => continue,
            Ok(Some(looker)) => runtime.block_on(looker.missing()).map_err(|error| chain(&error)),
            Err(error) => Err(chain(&error)),
        };
        looked.push(Looked { target: target.id.clone(), missing });
    }
    Ok(looked)
}

fn print_looked(looked: &Looked, file: &str) {
    match &looked.missing {
        Ok(missing) if missing.is_empty() => {
            say(format!("{file}: {}: the directory has everything that the file names", looked.target));
        }
        Ok(missing) => missing.iter().for_each(|missing| {
            note(format!("error: {file}: {}: {}", looked.target, plain(&missing.to_string())));
        }),
        Err(why) => note(format!("error: {file}: {}: the directory cannot be asked: {}", looked.target, plain(why))),
    }
}

fn looked_json(looked: &Looked) -> serde_json::Value {
    let missing = looked.missing.iter().flatten().map(|missing| {
        let (setting, name) = missing.parts();
        json!({ "setting": setting, "name": name })
    });
    json!({
        "target": looked.target.as_str(),
        "missing": missing.collect::<Vec<_>>(),
        "notAsked": looked.missing.as_ref().err(),
    })
}

fn agent_target(target: &AgentTarget) -> String {
    let limits = &target.limits;
    format!(
        "{} (in an hour {} disabled, {} deleted, {} moved at most)",
        target.id, limits.disable, limits.delete, limits.r#move
    )
}

/// How many of its tests fail.
pub(super) fn count_failing(job: &JobMeant) -> usize {
    prove(&job.job, &job.tests).iter().filter(|proof| !proof.passes()).count()
}

fn summary(job: &JobMeant) -> String {
    let tests = match job.tests.len() as u64 {
        0 => String::new(),
        count => format!("; {}", counted(count, "test passes", "tests pass")),
    };
    let job = &job.job;
    let targets: Vec<_> = job.targets.iter().map(|target| format!("{} ({})", target.id, target.kind.word())).collect();
    let mapped: usize = job.targets.iter().map(|target| target.mapping.attributes().len()).sum();
    format!(
        "job `{}` is sound: {}, {}, {} {}{tests}",
        job.id,
        counted(job.ruleset.rules.len() as u64, "rule", "rules"),
        counted(mapped as u64, "mapped attribute", "mapped attributes"),
        if targets.len() == 1 { "target" } else { "targets" },
        targets.join(", ")
    )
}

fn findings(report: &Report) -> Vec<serde_json::Value> {
    let findings = report.findings().iter().map(|finding| {
        let diagnostic = &finding.diagnostic;
        let (line, column) = report.position(diagnostic.span.start);
        json!({
            "severity": finding.severity.word(),
            "message": diagnostic.message,
            "line": line,
            "column": column,
            "label": diagnostic.label,
            "hint": diagnostic.hint,
        })
    });
    findings.collect()
}
