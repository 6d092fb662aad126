//! The sample job, and people for it.

use std::path::Path;

use muster::config::{self, JobMeant, SourceMeant};
use muster::model::Record;
use muster::source::{CsvSettings, Rows, scan};

const JOB: &str = include_str!("../../samples/contoso/job.toml");

pub(crate) fn job() -> JobMeant {
    config::check_text("job.toml", JOB).expect("the sample job is sound")
}

pub(crate) fn settings(job: &JobMeant) -> &CsvSettings {
    match &job.source {
        SourceMeant::Csv(settings) => settings,
        SourceMeant::Api => panic!("the sample job reads a CSV export"),
    }
}

/// The records of an export.
pub(crate) fn records(path: &Path, settings: &CsvSettings) -> Vec<Record> {
    let looked = scan(path, settings, &mut |_| {}).unwrap();
    let mut rows = Rows::open(path, &looked).unwrap();
    looked.rows.iter().map(|mark| rows.read(mark).unwrap()).collect()
}
