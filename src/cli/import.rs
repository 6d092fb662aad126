//! `muster import`: an export in, decided and delivered; in this process, or through a server.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;
use tokio::task::JoinSet;

use super::Globals;
use super::jobs::{csv_settings, delimiter_word, hint_in_use, load_job, warn_of_lost_targets};
use super::screen::{Progress, counted, grouped, note, say, say_json, table};
use super::test::refuse_unproven;
use crate::app::{App, Hands};
use crate::clock::{Clock, SystemClock};
use crate::config::JobMeant;
use crate::model::UploadId;
use crate::pipeline::deliver::OnError;
use crate::pipeline::import::{ImportProgress, Imported, import};
use crate::pipeline::schedule::Shutdown;
use crate::plain::plain;
use crate::source::Scan;
use crate::store::{Access, OperationState, Standing, Store, TargetState};

/// How long an import stays for work that a target has asked to bring later. What is due after that is carried by
/// `muster serve`, or by the next import.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it looks whether that work is due.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// So often in a row nothing is under way and nothing is due soon before it is over: what one target settled just now
/// may be due at another.
const QUIET_LOOKS: u32 = 2;
/// The bar moves every so many looks: what waits has to be counted for it.
const LOOKS_PER_BAR: u32 = 10;
/// Faults shown in full.
const FAULTS_SHOWN_MAX: usize = 20;

/// Import an export: decide on everybody in it, and bring the directories to that.
///
/// Exit code 0: every row ended applied, unchanged, skipped or superseded, or waits for an agent; 3: some are held or
/// failed; 1: an error, nothing or only part was imported.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The export.
    source: PathBuf,
    /// The job file.
    #[arg(long)]
    job: PathBuf,
    /// Only decide: no target is spoken to.
    #[arg(long, conflicts_with = "server")]
    decide_only: bool,
    #[command(flatten)]
    write: super::jobs::WriteTimeout,
    #[command(flatten)]
    remote: super::remote::Args,
}

/// Some rows are held or failed.
const NOT_ALL: u8 = 3;

pub(super) fn run(args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let job = load_job(&args.job)?;
    if args.remote.server.is_some() {
        return super::remote::import(&args.source, &job, &args.remote, globals);
    }
    let settings = csv_settings(&job)?;
    refuse_unproven(&args.job, &job)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let store = Arc::new(Store::open(&globals.data, Access::Alone).map_err(hint_in_use)?);
    warn_of_lost_targets(&store, &job)?;
    let is_job_new_to_them = is_job_changed(&store, &job)?;
    let mut app = App::new(store, Arc::clone(&clock), args.write.lease_times());
    let active = app.activate(&job, !args.decide_only)?;

    let decider = app.decider(&active);
    while decider.decide_waiting(&|| false).context("what was accepted earlier could not be decided")? {}
    let bar = Progress::new("looking", std::fs::metadata(&args.source).map_or(0, |held| held.len()), true);
    let recording = Progress::new("deciding", 0, false);
    let imported =
        import(&app.store, &active.core, &active.state, (&args.source, settings), clock.now(), &mut |at| match at {
            ImportProgress::Looking(bytes) => bar.at(bytes),
            ImportProgress::Recording(done, total) => {
                recording.of(total);
                recording.at(done);
            }
        })?;
    bar.end();
    recording.end();
    if !args.decide_only {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(deliver_all(&app, &active))?;
    }
    if is_job_new_to_them && !globals.json {
        tell_of_new_job(&app, &active)?;
    }
    report(&app, &active, &imported, globals)
}

/// Whether people are in the store who were decided with another job file.
fn is_job_changed(store: &Store, job: &JobMeant) -> anyhow::Result<bool> {
    let state = store.job(&job.job.id)?;
    Ok(state.map(|state| store.is_decided_with(&state, &job.hash)).transpose()?.is_some_and(|is_same| !is_same))
}

/// A changed job file moves people whose rows say nothing new, so the outcomes of the rows do not tell.
fn tell_of_new_job(app: &App, job: &crate::app::ActiveJob) -> anyhow::Result<()> {
    let standings = app.store.standings(&job.state)?;
    let held: u64 = standings.iter().filter(|(at, ..)| *at == Standing::Held).map(|(.., count)| count).sum();
    say(format!(
        "the job file has changed, so everybody was decided again; {} held now: `muster explain ANCHOR` says why",
        counted(held, "person is", "people are")
    ));
    Ok(())
}

/// Delivers until nothing is due soon, at all targets side by side.
async fn deliver_all(app: &App, job: &crate::app::ActiveJob) -> anyhow::Result<()> {
    let bar = Progress::new("delivering", 0, false);
    let (switch, shutdown) = Shutdown::new();
    let deliverers = app.deliverers(job);
    let mut running = JoinSet::new();
    for deliverer in &deliverers {
        running.spawn(Arc::clone(deliverer).run(app.work.listen(), shutdown.clone(), OnError::Stop));
    }
    let (mut quiet_looks, mut looks) = (0, 0_u32);
    while quiet_looks < QUIET_LOOKS {
        tokio::select! {
            Some(ended) = running.join_next() => ended??,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        let is_quiet = !deliverers.iter().any(|deliverer| deliverer.is_busy()) && !is_due_soon(app, job)?;
        quiet_looks = if is_quiet { quiet_looks + 1 } else { 0 };
        looks += 1;
        if looks % LOOKS_PER_BAR == 1 {
            let done: u64 = deliverers.iter().map(|deliverer| deliverer.ended()).sum();
            bar.of(done + waiting(app, job)?);
            bar.at(done);
        }
    }
    switch.send_replace(true);
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    bar.end();
    Ok(())
}

/// Whether anything is due within an import's patience at a target that this process writes to.
fn is_due_soon(app: &App, job: &crate::app::ActiveJob) -> anyhow::Result<bool> {
    for target in job.targets.iter().filter(|target| matches!(target.hands, Hands::Embedded(_))) {
        let key = job.state.target(&target.id).context("a target that is not registered")?;
        let due = app.store.next_due(key)?;
        if due.is_some_and(|due| due.since(app.clock.now()) < PATIENCE) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn waiting(app: &App, job: &crate::app::ActiveJob) -> anyhow::Result<u64> {
    let targets = job.state.targets.iter().filter(|(id, _)| {
        job.targets.iter().any(|target| target.id == *id && matches!(target.hands, Hands::Embedded(_)))
    });
    targets.map(|(id, key)| Ok(app.store.target_state(id, *key)?.waiting)).sum()
}

fn report(app: &App, job: &crate::app::ActiveJob, imported: &Imported, globals: &Globals) -> anyhow::Result<ExitCode> {
    let outcomes = app.store.outcomes(imported.upload)?;
    let held_or_failed: u64 =
        outcomes.iter().filter(|(word, _)| matches!(*word, "held" | "failed")).map(|(_, count)| count).sum();
    let targets =
        job.state.targets.iter().map(|(id, key)| app.store.target_state(id, *key)).collect::<Result<Vec<_>, _>>()?;
    if globals.json {
        say_json(&json!({
            "upload": imported.upload.0,
            "source": scan_json(&imported.scan),
            "unchanged": imported.unchanged,
            "outcomes": outcomes.iter().map(|(word, count)| ((*word).to_owned(), json!(count))).collect::<serde_json::Map<_, _>>(),
            "targets": targets.iter().map(|target| json!({
                "target": target.id.as_str(), "people": target.people, "waiting": target.waiting, "held": target.held,
            })).collect::<Vec<_>>(),
        }));
    } else {
        print_scan(&imported.scan);
        print_outcomes(&outcomes, imported.unchanged);
        for target in &targets {
            say(format!(
                "{}: {} linked, {} waiting, {} held",
                target.id,
                counted(target.people, "account", "accounts"),
                counted(target.waiting, "piece of work", "pieces of work"),
                grouped(target.held)
            ));
        }
        print_who_carries(job, &targets);
        print_held(&app.store, imported.upload, held_or_failed)?;
    }
    Ok(if held_or_failed > 0 { ExitCode::from(NOT_ALL) } else { ExitCode::SUCCESS })
}

/// Says who brings the work that is left to its target: this command cannot.
fn print_who_carries(job: &crate::app::ActiveJob, targets: &[TargetState]) {
    for state in targets.iter().filter(|state| state.waiting > 0) {
        let Some(target) = job.targets.iter().find(|target| target.id == state.id) else { continue };
        let who = match target.hands {
            Hands::Agent => "`muster serve` gives it out, and `muster agent` carries it",
            Hands::Embedded(_) => "`muster serve` carries it, or the next import",
        };
        say(format!("work for {} waits: {who}", state.id));
    }
}

/// What the file looked like, and what was wrong with it.
pub(super) fn print_scan(scan: &Scan) {
    let sniffed = &scan.sniffed;
    say(format!(
        "{}, {}, separated by {}{}",
        counted(scan.total_rows, "row", "rows"),
        counted(sniffed.columns.len() as u64, "column", "columns"),
        delimiter_word(sniffed.delimiter),
        if sniffed.bom { ", with a byte order mark" } else { "" },
    ));
    if !sniffed.ignored_columns.is_empty() {
        let ignored: Vec<_> = sniffed.ignored_columns.iter().map(|name| plain(name).into_owned()).collect();
        say(format!("columns the job does not use: {}", ignored.join(", ")));
    }
    if scan.repeats > 0 {
        let repeats = counted(scan.repeats as u64, "row repeats", "rows repeat");
        say(format!("{repeats} another one word for word; the person counts once"));
    }
    for row in scan.faults.iter().take(FAULTS_SHOWN_MAX) {
        note(plain(&row.to_string()));
    }
    for duplicate in scan.duplicates.iter().take(FAULTS_SHOWN_MAX) {
        let lines: Vec<_> = duplicate.lines.iter().map(u32::to_string).collect();
        note(format!(
            "lines {} say different things of {}: none is taken",
            lines.join(" and "),
            plain(&duplicate.anchor)
        ));
    }
    let more =
        scan.faults.len().saturating_sub(FAULTS_SHOWN_MAX) + scan.duplicates.len().saturating_sub(FAULTS_SHOWN_MAX);
    if more > 0 {
        note(format!("and {} more", grouped(more as u64)));
    }
}

/// The same for machines.
pub(super) fn scan_json(scan: &Scan) -> serde_json::Value {
    json!({
        "rows": scan.total_rows,
        "delimiter": delimiter_word(scan.sniffed.delimiter),
        "byteOrderMark": scan.sniffed.bom,
        "ignoredColumns": scan.sniffed.ignored_columns,
        "repeats": scan.repeats,
        "faults": scan.faults.iter().map(|row| json!({
            "line": row.line, "externalId": row.anchor, "code": row.fault.code(), "message": row.fault.to_string(),
        })).collect::<Vec<_>>(),
        "duplicates": scan.duplicates.iter().map(|duplicate| json!({
            "externalId": duplicate.anchor, "lines": duplicate.lines,
        })).collect::<Vec<_>>(),
    })
}

/// How operations ended, counted.
pub(super) fn print_outcomes(outcomes: &[(&'static str, u64)], seen_unchanged: u64) {
    let mut rows = table(["people", "outcome"]);
    for (word, count) in outcomes {
        rows.add_row([grouped(*count), (*word).to_owned()]);
    }
    if seen_unchanged > 0 {
        rows.add_row([grouped(seen_unchanged), "unchanged (same row as last time)".to_owned()]);
    }
    say(rows.trim_fmt());
}

fn print_held(store: &Store, upload: UploadId, held_or_failed: u64) -> anyhow::Result<()> {
    if held_or_failed == 0 {
        return Ok(());
    }
    say("Held and failed:");
    let mut first = 0;
    let mut shown = 0;
    loop {
        let page = store.operations(upload, first, 1000)?;
        let Some(last) = page.last() else { break };
        first = last.id.index + 1;
        for operation in &page {
            if shown < FAULTS_SHOWN_MAX && print_if_held(operation) {
                shown += 1;
            }
        }
        if shown == FAULTS_SHOWN_MAX {
            break;
        }
    }
    let more = held_or_failed.saturating_sub(shown as u64);
    if more > 0 {
        say(format!("  and {} more; `muster explain ANCHOR` tells of each", grouped(more)));
    }
    Ok(())
}

fn print_if_held(operation: &OperationState) -> bool {
    let Some(outcome) = operation.outcome.as_ref().filter(|outcome| matches!(outcome.word(), "held" | "failed")) else {
        return false;
    };
    let reason = outcome.reason().map(ToString::to_string).unwrap_or_default();
    let whom = operation.anchor.as_deref().unwrap_or("?");
    say(format!("  {} {}: {}", plain(whom), outcome.word(), plain(&reason)));
    true
}
