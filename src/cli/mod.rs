//! The words of the command line: one command a file.

mod check;
mod explain;
mod fsck;
mod import;
mod jobs;
mod plan;
mod release;
mod remote;
mod screen;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Call people together and place them: HR data in, accounts in the right directory out.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, clap::Args)]
struct Globals {
    /// The folder with muster's data.
    #[arg(long, global = true, env = "MUSTER_DATA", default_value = "muster-data", value_name = "DIR")]
    data: PathBuf,
    /// Answer in JSON, for machines.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Args),
    Plan(plan::Args),
    Import(Box<import::Args>),
    Explain(explain::Args),
    Release(release::Args),
    Fsck(fsck::Args),
}

/// Runs the command that the words of the command line name.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let globals = &cli.globals;
    let done = match &cli.command {
        Command::Check(args) => check::run(args, globals),
        Command::Plan(args) => plan::run(args, globals),
        Command::Import(args) => import::run(args, globals),
        Command::Explain(args) => explain::run(args, globals),
        Command::Release(args) => release::run(args, globals),
        Command::Fsck(args) => fsck::run(args, globals),
    };
    done.unwrap_or_else(|error| {
        if !error.is::<jobs::Shown>() {
            screen::note(format!("error: {}", plain_chain(&error)));
        }
        ExitCode::FAILURE
    })
}

/// An error and its causes, on one line, safe for a terminal.
fn plain_chain(error: &anyhow::Error) -> String {
    let causes: Vec<_> = error.chain().map(|cause| crate::plain::plain(&cause.to_string()).into_owned()).collect();
    causes.join(": ")
}
