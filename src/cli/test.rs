//! `muster test`: does the job do what its own tests say?

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::json;

use super::Globals;
use super::jobs::load_job;
use super::junit;
use super::screen::{counted, note, say, say_json};
use super::trace::{inputs_line, trace_json, why_lines};
use crate::config::JobMeant;
use crate::plain::plain;
use crate::proof::{Difference, Of, Proof, prove};

/// Some tests fail.
const FAILURES: u8 = 2;

/// Run the tests of job files: people, and what shall become of them. No data folder and no directory is touched.
///
/// Exit code 0: all pass; 1: a job file has mistakes; 2: some fail.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Job files.
    #[arg(required = true, value_name = "JOB")]
    jobs: Vec<PathBuf>,
    /// Write the results as JUnit XML, too.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

pub(super) fn run(args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let mut suites = Vec::with_capacity(args.jobs.len());
    let mut all_readable = true;
    for path in &args.jobs {
        // What is wrong with the file has been shown; the other files' tests are run all the same.
        let Ok(job) = load_job(path) else {
            all_readable = false;
            if globals.json {
                say_json(&json!({ "file": path, "error": "the job file cannot be used; `muster check` says why" }));
            }
            continue;
        };
        let proofs = prove(&job.job, &job.tests);
        if globals.json {
            say_json(&suite_json(path, &job, &proofs));
        } else {
            summary_lines(path, &proofs).iter().for_each(say);
        }
        suites.push((path.display().to_string(), proofs));
    }
    if let Some(file) = &args.junit {
        std::fs::write(file, junit::document(&suites)).with_context(|| format!("cannot write {}", file.display()))?;
    }
    if !all_readable {
        return Ok(ExitCode::FAILURE);
    }
    let all_pass = suites.iter().all(|(_, proofs)| proofs.iter().all(Proof::passes));
    Ok(if all_pass { ExitCode::SUCCESS } else { ExitCode::from(FAILURES) })
}

/// Refuses a job whose tests fail, and shows why.
pub(super) fn refuse_unproven(path: &Path, job: &JobMeant) -> anyhow::Result<()> {
    let proofs = prove(&job.job, &job.tests);
    if proofs.iter().all(Proof::passes) {
        return Ok(());
    }
    summary_lines(path, &proofs).iter().for_each(note);
    anyhow::bail!("the job `{}` fails its own tests, so nothing was done; correct the job, or its tests", job.job.id)
}

/// How many pass; and of each that fails, what is not as expected and why.
pub(super) fn summary_lines(path: &Path, proofs: &[Proof]) -> Vec<String> {
    let failing = proofs.iter().filter(|proof| !proof.passes());
    let fail = failing.clone().count() as u64;
    let pass = proofs.len() as u64 - fail;
    let file = plain(&path.display().to_string()).into_owned();
    let mut lines = vec![match (pass, fail) {
        (0, 0) => format!("{file}: there are no tests; add a `[[test]]` with `name`, `person` and `placement`"),
        (_, 0) => format!("{file}: {}", counted(pass, "test passes", "tests pass")),
        _ => format!("{file}: {}, {}", counted(pass, "test passes", "tests pass"), counted(fail, "fails", "fail")),
    }];
    lines.extend(failing.flat_map(failure_lines));
    lines
}

/// What is not as expected, and how it came about.
pub(super) fn failure_lines(proof: &Proof) -> Vec<String> {
    let mut lines = vec![String::new(), format!("fails: {}", plain(&proof.name))];
    for difference in &proof.differences {
        let Difference { of, expected, got } = difference;
        lines.push(format!("  {of}: expected {}, got {}", plain(expected), plain(got)));
        if let Of::Attribute(name) = of
            && let Some(mapped) = proof.trace.mapped.iter().find(|mapped| mapped.attribute == *name)
        {
            lines.push(format!("    ← {}", plain(&mapped.computed.from)));
            lines.extend(inputs_line(&mapped.computed).map(|line| format!("    {line}")));
        }
    }
    if proof.differences.iter().any(|difference| !matches!(difference.of, Of::Attribute(_))) {
        lines.extend(why_lines(&proof.trace, true).iter().map(|line| format!("  {line}")));
    }
    lines
}

fn suite_json(path: &Path, job: &JobMeant, proofs: &[Proof]) -> serde_json::Value {
    let failing = proofs.iter().filter(|proof| !proof.passes()).count();
    json!({
        "file": path,
        "job": job.job.id.as_str(),
        "passed": proofs.len() - failing,
        "failed": failing,
        "tests": proofs.iter().map(proof_json).collect::<Vec<_>>(),
    })
}

fn proof_json(proof: &Proof) -> serde_json::Value {
    let differences = proof.differences.iter().map(
        |difference| json!({ "of": difference.of.to_string(), "expected": difference.expected, "got": difference.got }),
    );
    json!({
        "name": proof.name,
        "passes": proof.passes(),
        "differences": differences.collect::<Vec<_>>(),
        "trace": (!proof.passes()).then(|| trace_json(&proof.trace)),
    })
}
