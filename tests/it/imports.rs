//! Imports of a CSV: what was seen, what changed, what broke off.

use std::path::PathBuf;

use muster::source::CsvSettings;
use muster::store::PersonState;

use super::hearth::{Hearth, changed, gone, refused, says};

const CSV: &str = r#"[source]
kind = "csv"
rows_lost_percent_max = 100 # files of two or three rows lose a third of them with one
flow_null = ["title"]
[source.columns]
id = "externalId"
user = "userName"
name = "displayName"
type = "userType"
title = "title"
"#;

const HEADER: &str = "id,user,name,type,title\n";

fn house() -> Hearth {
    let api = super::hearth::JOB.lines().find(|line| line.starts_with("source =")).unwrap();
    let mut job = changed(&[(api, CSV)]);
    for unfilled in ["{ to = \"usageLocation\"", "{ to = \"accountEnabled\"", "{ to = \"manager\""] {
        job = job.lines().filter(|line| !line.trim().starts_with(unfilled)).collect::<Vec<_>>().join("\n");
    }
    Hearth::with(&[&job])
}

fn settings(house: &Hearth) -> CsvSettings {
    house.csv().expect("the job reads a CSV")
}

fn write(house: &Hearth, rows: &[&str]) -> PathBuf {
    let path = house.folder().join("people.csv");
    std::fs::write(&path, format!("{HEADER}{}\n", rows.join("\n"))).unwrap();
    path
}

/// Imports these rows, and delivers; the upload's outcomes, and how many rows were as last time.
async fn import(house: &Hearth, rows: &[&str]) -> (Vec<String>, u64) {
    let path = write(house, rows);
    let imported = house.import(&path, &settings(house)).unwrap();
    house.settle().await;
    (house.outcomes(imported.upload), imported.unchanged)
}

fn seen(person: &PersonState) -> Option<i64> {
    person.last_seen.map(|(upload, _)| upload.0)
}

const ANNA: &str = "1,anna,Anna,Employee,Clerk";
const BEN: &str = "2,ben,Ben,Employee,Clerk";

#[tokio::test]
async fn the_same_file_again_is_seen_and_nothing_else() {
    let house = house();
    assert_eq!(import(&house, &[ANNA, BEN]).await, (vec!["applied".to_owned(), "applied".to_owned()], 0));
    assert_eq!(import(&house, &[ANNA, BEN]).await, (vec![], 2));
    assert_eq!(seen(&house.person("1")), Some(2));
    assert_eq!(house.written("cloud").len(), 2);
    assert_eq!(import(&house, &[ANNA, "2,ben,Ben,Employee,Boss"]).await, (vec!["applied".to_owned()], 1));
    assert_eq!(house.holds("cloud", "2", "jobTitle"), "Boss");
}

#[tokio::test]
async fn what_an_upload_changed_is_set_right_by_the_next_import() {
    let house = house();
    import(&house, &[ANNA, BEN]).await;
    house.say(&[says("1", &[("title", "Boss")])]).await;
    house.say(&[gone("2")]).await;
    assert_eq!(house.holds("cloud", "1", "jobTitle"), "Boss");
    let (outcomes, unchanged) = import(&house, &[ANNA, BEN]).await;
    assert_eq!((outcomes.len(), unchanged), (2, 0));
    assert_eq!(house.holds("cloud", "1", "jobTitle"), "Clerk");
    assert!(!house.person("2").stored.person.deleted);
}

#[tokio::test]
async fn what_was_accepted_before_an_import_does_not_come_after_it() {
    let house = house();
    let upload = house.upload(&[says("1", &[("userName", "anna"), ("userType", "Employee"), ("title", "Old")])]);
    import(&house, &[ANNA]).await;
    assert_eq!(house.holds("cloud", "1", "jobTitle"), "Clerk");
    assert_eq!(house.outcome(upload), "superseded by 2#0");
}

#[tokio::test]
async fn an_import_that_died_half_way_is_run_again() {
    let mut house = house();
    let settings = settings(&house);
    // As many as are recorded in one transaction, and some more that are not.
    let many: Vec<String> = (1..=100_500).map(|number| format!("{number},u{number},N,Robot,Clerk")).collect();
    let path = write(&house, &many.iter().map(String::as_str).collect::<Vec<_>>());
    let died = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let job = house.job();
        let mut progress = |at| {
            if let muster::pipeline::import::ImportProgress::Recording(recorded, _) = at {
                assert!(recorded <= 100_000, "the machine loses its power");
            }
        };
        let file = (path.as_path(), &settings);
        let _ =
            muster::pipeline::import::import(house.store(), &job.core, &job.state, file, house.now(), &mut progress);
    }));
    assert!(died.is_err());
    house.restart();
    assert_eq!(house.faults(), Vec::<String>::new());
    let imported = house.import(&path, &settings).unwrap();
    assert_eq!((imported.unchanged, imported.tally.new), (100_000, 500));
}

#[tokio::test]
async fn rows_that_contradict_each_other_are_held_and_both_lines_named() {
    let house = house();
    let (outcomes, _) = import(&house, &[ANNA, "1,anna,Anna,Employee,Boss", BEN]).await;
    assert_eq!(outcomes, ["held contradicting_rows", "held contradicting_rows", "applied"]);
    let operations = house.store().operations(muster::model::UploadId(1), 0, 2).unwrap();
    for operation in operations {
        let detail = operation.outcome.unwrap().reason().unwrap().detail.clone();
        assert!(detail.contains("lines 2 and 3"), "{detail}");
        assert_eq!(operation.anchor.as_deref(), Some("1"));
    }
    assert!(house.accounts("cloud", "1").is_empty());
    let (outcomes, _) = import(&house, &[ANNA, BEN]).await;
    assert_eq!(outcomes, ["applied"]);
}

#[tokio::test]
async fn whoever_failed_is_tried_again_by_the_next_import() {
    let house = house();
    house.directory("cloud").fail_next_write(refused());
    assert_eq!(import(&house, &[ANNA]).await.0, ["failed refused"]);
    assert_eq!(import(&house, &[ANNA]).await.0, ["applied"]);
    assert_eq!(import(&house, &[ANNA]).await, (vec![], 1));
}

#[tokio::test]
async fn an_empty_cell_says_nothing() {
    let house = house();
    import(&house, &[ANNA]).await;
    let (outcomes, _) = import(&house, &["1,anna,,Employee,"]).await;
    assert_eq!(outcomes, ["unchanged"]);
    assert_eq!(house.holds("cloud", "1", "jobTitle"), "Clerk");
}
