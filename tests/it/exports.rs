//! The sample exports are what their generator makes, and are read as they should be.

use std::collections::HashMap;
use std::path::Path as FilePath;

use muster::model::{Path, Value};
use muster::source::{CellKind, Column, ColumnTarget, CsvSettings, Rows, Scan, SourceError, scan};

use crate::{contoso, people};

/// Set to write what is made in place of what is expected: `MUSTER_ACCEPT=1 cargo test --test it exports`.
const ACCEPT: &str = "MUSTER_ACCEPT";

/// Compares with a committed file.
fn check_file(path: &FilePath, made: &str) {
    if std::env::var_os(ACCEPT).is_some() {
        std::fs::write(path, made).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    let same = committed == made;
    assert!(same, "{} is not what is made now; {ACCEPT}=1 writes it anew. Made:\n{made}", path.display());
}

fn column(header: &str, attribute: &str) -> Column {
    Column::new(header, ColumnTarget::Attribute(Path::simple(attribute)))
}

fn status() -> Column {
    let values = [("Active", true), ("On Leave", true), ("Terminated", false)];
    let values = values.map(|(text, active)| (text.to_owned(), Value::Boolean(active)));
    Column { values: values.into(), ..column("Status", "active") }
}

fn settings(columns: impl IntoIterator<Item = Column>) -> CsvSettings {
    let anchor = Column::new("WorkerID", ColumnTarget::Anchor);
    CsvSettings { columns: std::iter::once(anchor).chain(columns).collect(), ..CsvSettings::default() }
}

/// All 24 columns, each under its own name.
fn every_column() -> CsvSettings {
    let others = people::HEADER.split(',').filter(|header| !["WorkerID", "Status"].contains(header));
    settings(others.map(|header| column(header, header)).chain([status()]))
}

fn scanned(path: &FilePath) -> Scan {
    scan(path, &every_column(), &mut |_| {}).unwrap()
}

fn assert_accounted(scan: &Scan) {
    let contradicting: usize = scan.duplicates.iter().map(|duplicate| duplicate.lines.len()).sum();
    let accounted = scan.rows.len() + scan.faults.len() + contradicting + scan.repeats;
    assert_eq!(accounted as u64, scan.total_rows);
}

#[test]
fn the_people_of_contoso_are_what_the_generator_makes() {
    check_file(FilePath::new("samples/contoso/people.csv"), &contoso::people_csv());
    check_file(FilePath::new("samples/contoso/people-next-week.csv"), &contoso::people_next_week_csv());
}

#[test]
fn the_people_of_contoso_are_read() {
    let path = FilePath::new("samples/contoso/people.csv");
    let scan = scanned(path);
    assert_accounted(&scan);
    assert_eq!((scan.faults.len(), scan.duplicates.len(), scan.repeats), (0, 1, 4));
    assert!(scan.rows.len() > 1_000);
    let mut rows = Rows::open(path, &scan).unwrap();
    let mut user_ids = HashMap::new();
    for mark in &scan.rows {
        let record = rows.read(mark).unwrap();
        let user_id = record.attributes.get("UserID").and_then(Value::as_text).unwrap().to_owned();
        assert!(
            user_id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte))
        );
        assert_eq!(user_ids.insert(user_id, record.anchor), None);
    }
    assert_eq!(user_ids["anna.mueller"].as_str(), "701984");
}

#[test]
fn a_week_changes_little() {
    let before = scanned(FilePath::new("samples/contoso/people.csv"));
    let after = scanned(FilePath::new("samples/contoso/people-next-week.csv"));
    let known: HashMap<u128, u128> = before.rows.iter().map(|row| (row.anchor, row.content)).collect();
    let now: HashMap<u128, u128> = after.rows.iter().map(|row| (row.anchor, row.content)).collect();
    let changed = now.iter().filter(|(anchor, content)| known.get(anchor).is_some_and(|was| was != *content)).count();
    let new = now.keys().filter(|anchor| !known.contains_key(anchor)).count();
    let missing = known.keys().filter(|anchor| !now.contains_key(anchor)).count();
    // Ten have come; the eleventh is the person whose rows contradicted each other.
    assert_eq!((changed, new, missing), (39, 11, 4));
    assert!(after.duplicates.is_empty());
}

#[test]
fn a_large_export_is_read_whatever_the_order_of_its_anchors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.csv");
    for in_random_order in [false, true] {
        people::write_export(&path, 5_000, 1, in_random_order).unwrap();
        let scan = scanned(&path);
        assert_eq!((scan.rows.len(), scan.faults.len(), scan.duplicates.len()), (5_000, 0, 0));
    }
}

/// What is said of a broken export, one fault a line.
fn report(path: &FilePath) -> String {
    let level = Column { kind: CellKind::Integer, ..column("Level", "level") };
    let remote = Column { kind: CellKind::Boolean, ..column("Remote", "remote") };
    let settings = settings([column("FullName", "displayName"), status(), level, remote]);
    let scan = match scan(path, &settings, &mut |_| {}) {
        Ok(scan) => scan,
        Err(error) => return format!("{}\n", with_causes(&error)),
    };
    assert_accounted(&scan);
    let faults = scan.faults.iter().map(|fault| format!("{}: {fault}\n", fault.fault.code()));
    let duplicates = scan.duplicates.iter().map(|duplicate| format!("duplicate: {duplicate}\n"));
    let lines: String = faults.chain(duplicates).collect();
    let cut = scan.cut_short.map(|line| format!(", cut short on line {line}")).unwrap_or_default();
    let absence = if scan.proves_absence() { "" } else { ", nobody can be said to be missing" };
    format!("{lines}{} of {} rows taken, {} repeated{cut}{absence}\n", scan.rows.len(), scan.total_rows, scan.repeats)
}

fn with_causes(error: &SourceError) -> String {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[test]
fn a_broken_export_is_told_what_is_wrong_with_it() {
    let mut seen = 0;
    for entry in std::fs::read_dir("samples/broken").unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "csv") {
            check_file(&path.with_extension("csv.expected"), &report(&path));
            seen += 1;
        }
    }
    assert!(seen >= 20);
}
