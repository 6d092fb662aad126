//! Change files, byte for byte.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::model::{
    Anchor, Attributes, ChangeKind, Dn, Generation, JobId, LeaseId, TargetId, Task, Timestamp, Value, Wanted, WorkItem,
};

const STAFF: &str = "OU=Staff,DC=example,DC=test";
const LEAVERS: &str = "OU=Leavers,DC=example,DC=test";
const ANNA: &str = "CN=Anna Larsen,OU=Staff,DC=example,DC=test";

fn attributes(pairs: &[(&str, Value)]) -> Attributes {
    pairs.iter().map(|(name, value)| (Name::new(name), value.clone())).collect()
}

fn texts(pairs: &[(&str, &str)]) -> Attributes {
    pairs.iter().map(|(name, value)| (Name::new(name), Value::text(*value))).collect()
}

fn change(kind: ChangeKind, object: Option<&str>, set: Attributes) -> Change {
    Change {
        kind,
        object: object.map(ObjectId::new),
        set,
        clear: vec![],
        container: None,
        before: Attributes::new(),
        container_before: None,
    }
}

fn create(set: Attributes) -> Change {
    Change { container: Some(Dn::parse(STAFF).unwrap()), ..change(ChangeKind::Create, None, set) }
}

fn item(anchor: &str, sequence: i64, generation: i64) -> WorkItem {
    WorkItem {
        job: JobId::new("hr"),
        anchor: Anchor::parse(anchor).unwrap(),
        target: TargetId::new("hq"),
        generation: Generation(generation),
        sequence,
        lease: LeaseId::new("l"),
        ends: Timestamp(0),
        attempt: 0,
        task: Task::Account(Wanted::Deleted),
        known: None,
        look: false,
    }
}

/// Writes into a new folder; gives back what is in it, by name.
async fn files(item: &WorkItem, change: &Change) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    LdifWriter::new(LdifSettings::new(folder.path())).write(&Errand::of(item), change).await.unwrap();
    in_folder(folder.path())
}

fn in_folder(folder: &Path) -> Vec<(String, String)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}

#[track_caller]
fn check(actual: &str, golden: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases/ldif").join(golden);
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    if actual != expected {
        // Left beside the target, to be compared and, if right, taken over.
        let aside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/ldif-cases");
        std::fs::create_dir_all(&aside).unwrap();
        std::fs::write(aside.join(golden), actual).unwrap();
    }
    assert_eq!(actual, expected, "{}", path.display());
}

async fn written(change: &Change) -> String {
    let mut files = files(&item("701984", 123, 4), change).await;
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].0, "000000000123-701984-g4.ldif");
    files.remove(0).1
}

async fn refusal(change: &Change) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let writer = LdifWriter::new(LdifSettings::new(folder.path()));
    match writer.write(&Errand::of(&item("1", 1, 1)), change).await.unwrap_err() {
        WriteError::Refused { code, cause } => {
            assert_eq!(in_folder(folder.path()), []);
            (code, cause.0)
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_new_account_is_disabled_and_says_what_is_left_to_do() {
    let set = attributes(&[
        ("accountEnabled", Value::Boolean(true)),
        ("cn", Value::text("Łukasz Żółć, \"Lu\"")),
        ("department", Value::text("")),
        ("displayName", Value::text("Łukasz Żółć")),
        ("employeeID", Value::text("701984")),
        ("otherTelephone", Value::Many(vec![Value::text("1"), Value::text("2"), Value::text("1"), Value::text("")])),
        ("sAMAccountName", Value::text("lzolc")),
        ("streetAddress", Value::text("A very long street that goes on and on, until it meets the sea at last, 1")),
        ("userPrincipalName", Value::text("lzolc@example.test")),
    ]);
    check(&written(&create(set)).await, "create.ldif");
}

#[tokio::test]
async fn an_update_replaces_and_clears() {
    let set = attributes(&[
        ("title", Value::text("Head of <Things>")),
        ("department", Value::text("")),
        ("physicalDeliveryOfficeName", Value::text(" 4.12 ")),
    ]);
    let update = Change { clear: vec![Name::new("mobile")], ..change(ChangeKind::Update, Some(ANNA), set) };
    check(&written(&update).await, "update.ldif");
}

#[tokio::test]
async fn a_leaver_is_locked_out_before_the_account_is_moved() {
    let set = attributes(&[("accountEnabled", Value::Boolean(false)), ("description", Value::text("left"))]);
    let leaves = change(ChangeKind::Disable, Some(ANNA), set);
    check(&written(&Change { container: Some(Dn::parse(LEAVERS).unwrap()), ..leaves }).await, "disable-and-move.ldif");
}

#[tokio::test]
async fn who_comes_back_is_moved_before_the_account_is_opened() {
    let object = "CN=Anna Larsen,OU=Leavers,DC=example,DC=test";
    let returns = change(ChangeKind::Move, Some(object), attributes(&[("accountEnabled", Value::Boolean(true))]));
    check(&written(&Change { container: Some(Dn::parse(STAFF).unwrap()), ..returns }).await, "move-and-enable.ldif");
}

#[tokio::test]
async fn a_new_name_renames_the_entry() {
    let renames = change(ChangeKind::Update, Some(ANNA), texts(&[("cn", "Anna Müller"), ("sn", "Müller")]));
    check(&written(&renames).await, "rename.ldif");
}

#[tokio::test]
async fn a_delete_says_nothing_but_that() {
    check(&written(&change(ChangeKind::Delete, Some(ANNA), Attributes::new())).await, "delete.ldif");
}

#[tokio::test]
async fn a_manager_is_written_by_name_and_cleared() {
    let folder = tempfile::tempdir().unwrap();
    let writer = LdifWriter::new(LdifSettings::new(folder.path()));
    let anna = ObjectId::new(ANNA);
    let boss = ObjectId::new("CN=Żółć\\, Ł.,OU=Staff,DC=example,DC=test");
    let mut item = item("701984", 140, 4);
    item.task = Task::Manager { manager: None };
    writer.set_manager(&Errand::of(&item), &anna, Some(&boss)).await.unwrap();
    item.sequence = 141;
    writer.set_manager(&Errand::of(&item), &anna, None).await.unwrap();
    let files = in_folder(folder.path());
    assert_eq!(files[0].0, "000000000140-701984-g4-manager.ldif");
    check(&files[0].1, "manager.ldif");
    check(&files[1].1, "manager-cleared.ldif");
}

#[tokio::test]
async fn what_is_known_after_a_change_is_what_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let writer = LdifWriter::new(LdifSettings::new(folder.path()));
    let set = attributes(&[("displayName", Value::text("Anna Larsen")), ("accountEnabled", Value::Boolean(true))]);
    let known = writer.write(&Errand::of(&item("1", 1, 1)), &create(set.clone())).await.unwrap().unwrap();
    assert_eq!(known.object.as_str(), ANNA);
    assert_eq!(known.container, Some(Dn::parse(STAFF).unwrap()));
    assert_eq!(known.attributes, set);

    let moves = Change {
        container: Some(Dn::parse(LEAVERS).unwrap()),
        clear: vec![Name::new("title")],
        ..change(ChangeKind::Move, Some(ANNA), Attributes::new())
    };
    let known = writer.write(&Errand::of(&item("1", 2, 2)), &moves).await.unwrap().unwrap();
    assert_eq!(known.object.as_str(), "CN=Anna Larsen,OU=Leavers,DC=example,DC=test");
    assert_eq!(known.container, Some(Dn::parse(LEAVERS).unwrap()));
    assert_eq!(known.attributes, attributes(&[("title", Value::Null)]));
}

#[tokio::test]
async fn the_same_work_twice_is_one_file_with_the_same_bytes_that_only_its_owner_reads() {
    let folder = tempfile::tempdir().unwrap();
    let writer = LdifWriter::new(LdifSettings::new(folder.path()));
    let (item, change) = (item("701984", 1, 1), create(texts(&[("cn", "Anna")])));
    writer.write(&Errand::of(&item), &change).await.unwrap();
    let first = in_folder(folder.path());
    let again = WorkItem { look: true, attempt: 1, ..item };
    writer.write(&Errand::of(&again), &change).await.unwrap();
    assert_eq!(in_folder(folder.path()), first);
    assert_eq!(first.len(), 1);
    let mode = std::fs::metadata(folder.path().join(&first[0].0)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_newer_generation_of_work_that_was_never_reported_takes_the_older_file_away() {
    let folder = tempfile::tempdir().unwrap();
    let writer = LdifWriter::new(LdifSettings::new(folder.path()));
    let change = create(texts(&[("cn", "Anna")]));
    writer.write(&Errand::of(&item("7", 1, 1)), &change).await.unwrap();
    writer.write(&Errand::of(&item("7", 2, 1)), &change).await.unwrap();
    writer.write(&Errand::of(&item("70", 1, 1)), &change).await.unwrap();
    let newer = WorkItem { look: true, ..item("7", 1, 3) };
    writer.write(&Errand::of(&newer), &change).await.unwrap();
    let names: Vec<_> = in_folder(folder.path()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["000000000001-7-g3.ldif", "000000000001-70-g1.ldif", "000000000002-7-g1.ldif"]);
}

#[tokio::test]
async fn file_names_are_safe_and_in_the_order_of_the_work() {
    let set = create(texts(&[("cn", "x")]));
    let name = |anchor: &'static str, sequence| {
        let set = set.clone();
        async move { files(&item(anchor, sequence, 1), &set).await.remove(0).0 }
    };
    assert_eq!(name("../../etc/passwd", 9).await, "000000000009-..%2F..%2Fetc%2Fpasswd-g1.ldif");
    assert_eq!(name("a b*\u{fc}", 10).await, "000000000010-a%20b%2A%C3%BC-g1.ldif");
    let long: &'static str = "ü".repeat(128).leak();
    let longer = name(long, 11).await;
    assert!(longer.len() < 200 && longer.starts_with("000000000011-%C3%BC"), "{longer}");
    assert_ne!(longer, name(("ü".repeat(127) + "uu").leak(), 11).await);
}

#[tokio::test]
async fn what_cannot_be_said_is_refused_by_name() {
    let (code, why) = refusal(&create(texts(&[("sn", "Larsen"), ("cn", "  ")]))).await;
    assert_eq!(
        (code.as_str(), why.as_str()),
        ("no_name", "the account has no name there: map CN, displayName or sAMAccountName",)
    );
    let nowhere = Change { container: None, ..create(texts(&[("cn", "x")])) };
    assert_eq!(refusal(&nowhere).await.0, "no_container");
    assert_eq!(refusal(&change(ChangeKind::Update, None, texts(&[("sn", "x")]))).await.0, "no_object");
    assert_eq!(refusal(&change(ChangeKind::Delete, Some("3f2a"), Attributes::new())).await.0, "not_a_dn");
    assert_eq!(refusal(&create(texts(&[("cn", "Anna\nCNF:")]))).await.0, "name");
    assert_eq!(refusal(&create(texts(&[("cn", &"x".repeat(65))]))).await.0, "too_long");
    assert_eq!(refusal(&create(texts(&[("displayName", &"x".repeat(65))]))).await.0, "too_long");
    assert_eq!(refusal(&create(texts(&[("sAMAccountName", "anna.larsen.of.the.sea")]))).await.0, "too_long");
    assert_eq!(refusal(&create(texts(&[("sAMAccountName", "a*b")]))).await.0, "account_name");
    assert_eq!(refusal(&create(texts(&[("cn", "x"), ("sn\nchangetype", "x")]))).await.0, "attribute_name");
    let complex = attributes(&[("cn", Value::text("x")), ("address", Value::Complex(Attributes::new()))]);
    assert_eq!(refusal(&create(complex.clone())).await.0, "complex_value");
    let odd = attributes(&[("cn", Value::text("x")), ("accountEnabled", Value::text("maybe"))]);
    assert_eq!(refusal(&create(odd)).await.0, "account_enabled");
}

#[tokio::test]
async fn a_folder_that_is_missing_is_a_matter_of_time() {
    let folder = tempfile::tempdir().unwrap();
    let writer = LdifWriter::new(LdifSettings::new(folder.path().join("not-mounted")));
    let error = writer.write(&Errand::of(&item("1", 1, 1)), &create(texts(&[("cn", "x")]))).await.unwrap_err();
    assert!(matches!(error, WriteError::Later { after: None, .. }), "{error:?}");
    assert_eq!(in_folder(folder.path()), []);
}

#[tokio::test]
async fn a_change_with_nothing_to_say_to_the_directory_leaves_no_file() {
    let here = texts(&[("parentDistinguishedName", "ou=staff,DC=example,DC=test")]);
    assert_eq!(files(&item("1", 1, 1), &change(ChangeKind::Update, Some(ANNA), here)).await, []);
}

/// A reader of LDIF, as small as can be: unfolds, drops comments, decodes base64, splits records at blank lines.
fn read(ldif: &str) -> Vec<Vec<(String, String)>> {
    use base64::Engine as _;
    let unfolded = ldif.replace("\n ", "");
    let record = |block: &str| -> Vec<(String, String)> {
        let lines = block.lines().filter(|line| !line.starts_with('#') && *line != "-");
        lines
            .map(|line| {
                let (name, rest) = line.split_once(':').unwrap();
                let value = match rest.strip_prefix(": ") {
                    Some(base64) => base64::engine::general_purpose::STANDARD.decode(base64).unwrap(),
                    None => rest.strip_prefix(' ').unwrap_or(rest).into(),
                };
                (name.to_owned(), String::from_utf8(value).unwrap())
            })
            .collect()
    };
    unfolded.split("\n\n").map(record).filter(|record| !record.is_empty()).collect()
}

fn values_of<'a>(record: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    record.iter().filter(|(held, _)| held == name).map(|(_, value)| value.as_str()).collect()
}

fn any_value() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{1,200}",
        "[ :<#\\-a]{1,8}",
        proptest::collection::vec(any::<char>(), 1..120).prop_map(|chars| chars.into_iter().collect()),
        "[a-z ]{60,160}",
    ]
}

proptest! {
    #[test]
    fn every_value_survives_and_every_line_is_ascii(value in any_value(), other in any_value()) {
        let naming = Name::new("CN");
        let set = texts(&[("comment", &value), ("info", &other)]);
        let script = entry::script(&naming, &change(ChangeKind::Update, Some(ANNA), set)).unwrap();
        let content = format!("{}{}", header(&Errand::of(&item("ü #", 1, 1)), "update", &script.notes), script.records);
        prop_assert!(content.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)));
        prop_assert!(content.lines().all(|line| line.len() <= text::COLUMNS_MAX));
        prop_assert!(content.ends_with("\n\n"));
        let records = read(&content);
        prop_assert_eq!(records.len(), 1);
        prop_assert_eq!(values_of(&records[0], "dn"), [ANNA]);
        prop_assert_eq!(values_of(&records[0], "comment"), [value.as_str()]);
        prop_assert_eq!(values_of(&records[0], "info"), [other.as_str()]);
    }

    #[test]
    fn every_name_makes_one_entry_directly_in_its_container(name in any_value()) {
        let cut: String = name.chars().take(30).collect();
        prop_assume!(!cut.trim().is_empty() && !cut.trim().contains(char::is_control));
        let script = entry::script(&Name::new("CN"), &create(texts(&[("cn", &cut)]))).unwrap();
        let records = read(&script.records);
        prop_assert_eq!(records.len(), 1);
        let dn = Dn::parse(values_of(&records[0], "dn")[0]).unwrap();
        prop_assert_eq!(dn.split_first().unwrap().1, Dn::parse(STAFF).unwrap());
        prop_assert_eq!(values_of(&records[0], "cn"), [cut.trim()]);
        prop_assert_eq!(script.known.map(|known| known.object), Some(ObjectId::new(dn.as_str())));
    }
}
