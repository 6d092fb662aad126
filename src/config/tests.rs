use std::path::PathBuf;

use super::*;
use crate::decide::{Leaver, PlacementChange, TargetKind};
use crate::golden;
use crate::source::ColumnTarget;

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

/// What is said of every broken job file stands beside it.
#[test]
fn everything_wrong_with_a_job_file_is_said_in_one_go() {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(samples().join("broken")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    assert!(files.len() >= 15);
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let report = match check_text(name, &text) {
            Ok(meant) => meant.warnings,
            Err(report) => report,
        };
        assert!(!report.findings().is_empty(), "{name} is broken, and nobody says so");
        golden::check(&format!("samples/broken/{name}.expected"), &format!("{report}\n"));
    }
}

#[test]
fn the_sample_job_is_right_and_there_is_nothing_to_warn_of() {
    let meant = load(&samples().join("contoso/job.toml")).unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(meant.warnings.to_string(), "");
    assert_eq!(meant.job.ruleset.rules.len(), 5);
    assert_eq!((meant.job.policy.nowhere, meant.job.policy.placement_change), (Leaver::Disable, PlacementChange::Hold));
    let kinds: Vec<(&str, TargetKind)> =
        meant.job.targets.iter().map(|target| (target.id.as_str(), target.kind)).collect();
    assert_eq!(kinds, [("entra", TargetKind::Cloud), ("hq", TargetKind::OnPremises)]);
    assert_eq!(meant.job.targets[0].limits.delete.count, 5);
    let Connection::Ldif { folder, naming } = &meant.connections[1].1 else { panic!("hq is a folder") };
    assert_eq!((folder, naming.as_str()), (&samples().join("contoso/ldif"), "CN"));
    let SourceMeant::Csv(settings) = &meant.source else { panic!("the source is a file") };
    assert_eq!(settings.columns.iter().filter(|column| column.to == ColumnTarget::Anchor).count(), 1);
    assert_eq!((settings.columns.len(), settings.delimiter), (24, None));
}

#[test]
fn the_schema_beside_the_code_is_that_of_the_types() {
    let schema = serde_json::to_string_pretty(&job_schema()).unwrap();
    golden::check("schemas/job.schema.json", &format!("{schema}\n"));
}

#[test]
fn the_sample_job_follows_the_schema() {
    let text = std::fs::read_to_string(samples().join("contoso/job.toml")).unwrap();
    let job: Json = toml::from_str(&text).unwrap();
    let validator = jsonschema::validator_for(&job_schema()).unwrap();
    let mistakes: Vec<String> = validator.iter_errors(&job).map(|error| error.to_string()).collect();
    assert_eq!(mistakes, [""; 0]);
}

#[test]
fn no_report_shows_a_secret() {
    let text = std::fs::read_to_string(samples().join("broken/secret-in-file.toml")).unwrap();
    let report = check_text("job.toml", &text).unwrap_err();
    assert!(text.contains("hunter2") && !report.to_string().contains("hunter2"));
    assert!(!format!("{report:?}").contains("hunter2"));
}

#[test]
fn a_file_that_is_not_there_is_reported() {
    let report = load(&samples().join("none.toml")).unwrap_err();
    assert!(report.to_string().contains("none.toml cannot be read"));
}

#[test]
fn colour_changes_nothing_but_colour() {
    let report = check_text("job.toml", "name = 1").unwrap_err();
    assert!(report.render(true).contains("\u{1b}["));
    assert!(!report.render(false).contains("\u{1b}["));
}
