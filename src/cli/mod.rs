//! The words of the command line: one command a file.

mod against;
mod agent;
mod agents;
mod check;
mod client;
mod demo;
mod explain;
mod expr;
mod fsck;
mod functions;
mod hint;
mod import;
mod jobs;
mod junit;
mod key;
mod paper;
mod plan;
mod release;
mod remote;
mod sandbox;
mod schema;
mod screen;
mod serve;
mod status;
mod stop;
mod test;
mod trace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::telemetry::{self, LogFormat};

/// The data folder, where none is named.
const DATA_DEFAULT: &str = "muster-data";

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
    #[arg(long, global = true, env = "MUSTER_DATA", default_value = DATA_DEFAULT, value_name = "DIR")]
    data: PathBuf,
    /// Answer in JSON, for machines.
    #[arg(long, global = true)]
    json: bool,
    /// How log lines are written: for people, or in JSON. What is logged, RUST_LOG says.
    #[arg(long, global = true, env = "MUSTER_LOG_FORMAT", value_enum, default_value = "human")]
    log_format: LogFormat,
}

impl Globals {
    /// The words that name the data folder again, in a command that is proposed; nothing where it is the usual one.
    fn data_words(&self) -> String {
        if self.data.as_os_str() == DATA_DEFAULT {
            return String::new();
        }
        format!(" --data {}", crate::plain::plain(&self.data.display().to_string()))
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Args),
    Check(check::Args),
    Test(test::Args),
    Plan(plan::Args),
    Import(Box<import::Args>),
    Explain(explain::Args),
    Expr(expr::Args),
    Functions(functions::Args),
    Schema(schema::Args),
    Release(release::Args),
    Fsck(fsck::Args),
    Serve(serve::Args),
    Status(status::Args),
    Client(client::Args),
    Agent(agent::Args),
    Key(key::Args),
    Agents(agents::Args),
    Sandbox(sandbox::Args),
}

impl Command {
    /// Who stays tells what they do; who is asked for one thing tells of trouble only.
    fn logs(&self) -> &'static str {
        match self {
            Self::Serve(_) | Self::Agent(_) | Self::Sandbox(_) => "info",
            _ => "warn",
        }
    }
}

/// Runs the command that the words of the command line name.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(said) => return words_not_understood(&said),
    };
    let globals = &cli.globals;
    telemetry::init(globals.log_format, cli.command.logs());
    let done = match &cli.command {
        Command::Demo(args) => demo::run(args, globals),
        Command::Check(args) => check::run(args, globals),
        Command::Test(args) => test::run(args, globals),
        Command::Plan(args) => plan::run(args, globals),
        Command::Import(args) => import::run(args, globals),
        Command::Explain(args) => explain::run(args, globals),
        Command::Expr(args) => expr::run(args, globals),
        Command::Functions(args) => functions::run(args, globals),
        Command::Schema(args) => schema::run(args, globals),
        Command::Release(args) => release::run(args, globals),
        Command::Fsck(args) => fsck::run(args, globals),
        Command::Serve(args) => serve::run(args, globals),
        Command::Status(args) => status::run(args, globals),
        Command::Client(args) => client::run(args, globals),
        Command::Agent(args) => agent::run(args, globals),
        Command::Key(args) => key::run(args, globals),
        Command::Agents(args) => agents::run(args, globals),
        Command::Sandbox(args) => sandbox::run(args, globals),
    };
    let code = done.unwrap_or_else(|error| {
        if !error.is::<jobs::Shown>() {
            screen::note(format!("error: {}", plain_chain(&error)));
            if let Some(hint) = hint::hint(&error) {
                screen::note(format!("hint: {hint}"));
            }
        }
        ExitCode::FAILURE
    });
    if screen::is_cut_off() {
        screen::note("error: standard output could not be written, so what was said is not complete");
        return ExitCode::FAILURE;
    }
    code
}

/// Help and version are no mistake. A mistake in the words ends as every other error does, with 1: clap's own 2 is
/// what `plan` says of changes.
fn words_not_understood(said: &clap::Error) -> ExitCode {
    let _ = said.print();
    if said.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// An error and its causes, on one line, safe for a terminal.
fn plain_chain(error: &anyhow::Error) -> String {
    let causes: Vec<_> = error.chain().map(|cause| crate::plain::plain(&cause.to_string()).into_owned()).collect();
    causes.join(": ")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_words_of_the_command_line_do_not_contradict_each_other() {
        super::Cli::command().debug_assert();
    }
}
