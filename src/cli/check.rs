//! `muster check`: finds every mistake in a job file before anything runs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use super::Globals;
use super::screen::{counted, is_colourful, note, say, say_json};
use crate::config::{self, AgentTarget, JobMeant, Report};
use crate::plain::plain;
use crate::proof::prove;

/// Check job files, and agents' files: every mistake, with its place and a hint.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Job files.
    #[arg(required_unless_present = "agents", value_name = "JOB")]
    jobs: Vec<PathBuf>,
    /// An agent's own file. Neither its secrets nor its directories are asked.
    #[arg(long = "agent", value_name = "FILE")]
    agents: Vec<PathBuf>,
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
        sound &= check_agent(path, globals);
    }
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether an agent's file is sound.
fn check_agent(path: &Path, globals: &Globals) -> bool {
    let checked = config::load_agent(path);
    let report = checked.as_ref().map_or_else(|report| report, |agent| &agent.warnings);
    if globals.json {
        say_json(&json!({ "file": path, "ok": checked.is_ok(), "findings": findings(report) }));
        return checked.is_ok();
    }
    if !report.findings().is_empty() {
        note(report.render(is_colourful()));
    }
    if let Ok(agent) = &checked {
        let targets: Vec<_> = agent.targets.iter().map(agent_target).collect();
        let (file, targets) = (plain(&path.display().to_string()).into_owned(), targets.join(", "));
        say(format!("{file}: the agent's file is sound; it writes to {targets}"));
    }
    checked.is_ok()
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
