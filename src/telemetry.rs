//! Log lines: how they are written, and which.

use std::io;

use tracing_subscriber::EnvFilter;

/// The web server's own lines about its threads, which say nothing that ours do not.
const QUIET: &str = "actix_server=warn";

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// Writes log lines to standard error from now on: those `RUST_LOG` asks for, or else those of `level` and above.
///
/// Only the first call does anything.
pub fn init(format: LogFormat, level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(format!("{level},{QUIET}")));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // Who set a subscriber before us keeps it.
    let _ = match format {
        LogFormat::Human => lines.with_ansi(is_watched()).with_target(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).try_init(),
    };
}

fn is_watched() -> bool {
    anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never
}
