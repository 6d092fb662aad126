//! *Meter*: what has happened in this process, counted. Whoever does something counts it here; `GET /metrics` shows it.
//!
//! Counters only, and few: what stands at the moment (work due, a budget) is asked where it stands when it is shown.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Most series that are kept. Labels are names of targets, statuses and words for outcomes; more would be a mistake.
const SERIES_MAX: usize = 2_000;

/// A counter. Its name and what it counts are part of what others build on: they are not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counter {
    /// Uploads that were accepted.
    Uploads,
    /// Operations in them.
    Operations,
    /// Work items that were leased; by target.
    Leased,
    /// Work items that ended, or were put off; by target and `settlement`.
    Settled,
    /// Reports that came too late: the lease was somebody else's by then; by who reported (`by`).
    LeasesLost,
    /// Answers of other services over HTTP, a batch as one; by `host` and `status`.
    Answers,
    /// Answers in batches, each by itself; by `host` and `status`.
    AnswersInBatches,
}

impl Counter {
    const ALL: [Self; 7] = [
        Self::Uploads,
        Self::Operations,
        Self::Leased,
        Self::Settled,
        Self::LeasesLost,
        Self::Answers,
        Self::AnswersInBatches,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uploads => "muster_uploads_accepted_total",
            Self::Operations => "muster_operations_accepted_total",
            Self::Leased => "muster_work_leased_total",
            Self::Settled => "muster_work_settled_total",
            Self::LeasesLost => "muster_leases_lost_total",
            Self::Answers => "muster_target_answers_total",
            Self::AnswersInBatches => "muster_target_answers_in_batches_total",
        }
    }

    /// What it counts.
    pub fn help(self) -> &'static str {
        match self {
            Self::Uploads => "Uploads that were accepted.",
            Self::Operations => "Operations in accepted uploads.",
            Self::Leased => "Work items that were leased, by target.",
            Self::Settled => "Work items that were settled, by target and how.",
            Self::LeasesLost => "Reports of work whose lease was somebody else's by then, by who reported.",
            Self::Answers => "Answers of directories and token services over HTTP, a batch as one, by host and status.",
            Self::AnswersInBatches => "Answers in batches, each by itself, by host and status.",
        }
    }
}

/// A counter's labels with their values.
type Labels = Vec<(&'static str, String)>;

static COUNTS: Mutex<BTreeMap<(Counter, Labels), u64>> = Mutex::new(BTreeMap::new());

/// Counts something.
pub fn count(counter: Counter, labels: &[(&'static str, &str)], by: u64) {
    let labels: Labels = labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let mut counts = counts();
    if counts.len() < SERIES_MAX || counts.contains_key(&(counter, labels.clone())) {
        *counts.entry((counter, labels)).or_default() += by;
    }
}

/// Everything that was counted, as Prometheus reads it.
pub fn shown() -> String {
    let counts = counts();
    let mut text = String::new();
    for counter in Counter::ALL {
        let of = counts.iter().filter(|((of, _), _)| *of == counter);
        let series = of.map(|((_, labels), count)| (labels.clone(), *count as f64)).collect();
        Family { name: counter.name(), help: counter.help(), kind: "counter", series }.write(&mut text);
    }
    text
}

/// What is called by one name.
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub help: &'static str,
    /// `counter` or `gauge`.
    pub kind: &'static str,
    /// Its values, by their labels.
    pub series: Vec<(Vec<(&'static str, String)>, f64)>,
}

impl Family {
    /// Writes it as Prometheus reads it (text format 0.0.4).
    pub fn write(&self, to: &mut String) {
        let Self { name, help, kind, series } = self;
        // Writing to a String cannot fail.
        let _ = write!(to, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        for (labels, value) in series {
            let labels: Vec<_> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let _ = writeln!(to, "{name}{labels} {value}");
        }
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn counts() -> MutexGuard<'static, BTreeMap<(Counter, Labels), u64>> {
    COUNTS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_shown_as_prometheus_reads_it() {
        count(Counter::Settled, &[("target", "a\"b\\c\nd"), ("settlement", "applied")], 2);
        count(Counter::Settled, &[("target", "a\"b\\c\nd"), ("settlement", "applied")], 3);
        let text = shown();
        assert!(text.contains("# TYPE muster_work_settled_total counter\n"), "{text}");
        let line = r#"muster_work_settled_total{target="a\"b\\c\nd",settlement="applied"} 5"#;
        assert!(text.lines().any(|shown| shown == line), "{text}");
    }
}
