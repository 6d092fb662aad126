//! What people see: tables, progress when somebody watches, plain lines when not.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use comfy_table::{ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};

use crate::model::Value;
use crate::plain::plain;

/// Widest table when nobody can tell how wide the screen is.
const WIDTH: u16 = 120;
/// How often a bar moves.
const TICK: Duration = Duration::from_millis(120);
/// Longest value shown in full.
const VALUE_CHARS_MAX: usize = 80;

/// A table without frills: a header, a line under it, and as many rows as there are.
pub(super) fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    table.set_header(header);
    table
}

/// So many of something: `1 row`, `2 rows`.
pub(super) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// Writes a line to standard output. A closed pipe is no mistake: whoever read has read enough.
pub(super) fn say(line: impl AsRef<str>) {
    let _ = writeln!(anstream::stdout(), "{}", line.as_ref());
}

/// Writes a line to standard error.
pub(super) fn note(line: impl AsRef<str>) {
    let _ = writeln!(anstream::stderr(), "{}", line.as_ref());
}

/// Writes a JSON document, alone on its line.
pub(super) fn say_json(value: &serde_json::Value) {
    say(value.to_string());
}

/// Whether standard error is a terminal that may be coloured.
pub(super) fn is_colourful() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}

/// A value as a person reads it, on one line, without anything dangerous in it.
pub(super) fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => "(empty)".to_owned(),
        Value::Text(text) => format!("\"{}\"", plain(text)),
        Value::Boolean(held) => held.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Many(values) => format!("[{}]", values.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Value::Complex(parts) => {
            let parts: Vec<_> = parts.iter().map(|(name, value)| format!("{name}: {}", shown(value))).collect();
            format!("{{{}}}", parts.join(", "))
        }
    };
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Progress of long work: a bar when standard error is a terminal, nothing when it is not.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Begins a bar of `total` steps.
    pub(super) fn new(what: &'static str, total: u64, in_bytes: bool) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new(total);
        let count = if in_bytes { "{bytes} of {total_bytes}" } else { "{human_pos} of {human_len}" };
        if let Ok(style) = ProgressStyle::with_template(&format!("{{msg:>10}} {{wide_bar}} {count}, {{eta}} left")) {
            bar.set_style(style);
        }
        bar.set_message(what);
        bar.enable_steady_tick(TICK);
        Self(bar)
    }

    /// It is here now.
    pub(super) fn at(&self, position: u64) {
        self.0.set_position(position);
    }

    /// So many steps there are.
    pub(super) fn of(&self, total: u64) {
        self.0.set_length(total);
    }

    /// It is over; the bar goes.
    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}

/// A number with its thousands apart: `1 000 000`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}
