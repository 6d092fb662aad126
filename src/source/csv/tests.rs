//! What an export may look like, and what is made of it.

use std::path::PathBuf;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::model::{Attributes, Name, Path, Record, Selector, Value};
use crate::source::SourceError;

fn path(attribute: &str, selector: Option<&str>, sub: Option<&str>) -> Path {
    let selector = selector.map(|value| Selector { sub: Name::new("type"), value: value.to_owned() });
    Path { selector, sub: sub.map(Name::new), ..Path::simple(attribute) }
}

fn column(header: &str, to: Path) -> Column {
    Column::new(header, ColumnTarget::Attribute(to))
}

/// Number is the anchor; Name, Active (`yes` and `no`) and Mail are read too.
fn settings() -> CsvSettings {
    let mut active = column("Active", Path::simple("active"));
    active.values = vec![("yes".into(), Value::Boolean(true)), ("no".into(), Value::Boolean(false))];
    let columns = vec![
        Column::new("Number", ColumnTarget::Anchor),
        column("Name", path("name", None, Some("familyName"))),
        active,
        column("Mail", path("emails", Some("work"), Some("value"))),
    ];
    CsvSettings { columns, ..CsvSettings::default() }
}

const HEADER: &str = "Number,Name,Active,Mail\n";

/// A file that is there as long as this is.
struct Export(TempDir);

impl Export {
    fn of(bytes: impl AsRef<[u8]>) -> Self {
        let folder = Self(TempDir::new().unwrap());
        std::fs::write(folder.path(), bytes).unwrap();
        folder
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("people.csv")
    }

    fn scan(&self) -> Result<Scan, SourceError> {
        scan(&self.path(), &settings(), &mut |_| {})
    }

    fn records(&self, scan: &Scan) -> Vec<Record> {
        let mut rows = Rows::open(&self.path(), scan).unwrap();
        scan.rows.iter().map(|mark| rows.read(mark).unwrap()).collect()
    }
}

fn rows_of(body: &str) -> Vec<Record> {
    let export = Export::of(format!("{HEADER}{body}"));
    let scan = export.scan().unwrap();
    assert!(scan.faults.is_empty(), "{:?}", scan.faults);
    export.records(&scan)
}

/// Faults and contradictions of a body, one a line.
fn faults_of(body: &str) -> String {
    let scan = Export::of(format!("{HEADER}{body}")).scan().unwrap();
    assert_accounted(&scan);
    let faults = scan.faults.iter().map(ToString::to_string);
    let duplicates = scan.duplicates.iter().map(|found| format!("{} on {:?}", found.anchor, found.lines));
    faults.chain(duplicates).collect::<Vec<_>>().join("\n")
}

fn assert_accounted(scan: &Scan) {
    let contradicting: usize = scan.duplicates.iter().map(|duplicate| duplicate.lines.len()).sum();
    let accounted = scan.rows.len() + scan.faults.len() + contradicting + scan.repeats;
    assert_eq!(accounted as u64, scan.total_rows);
}

fn text(record: &Record, at: &Path) -> Option<Value> {
    at.first(&record.attributes).cloned()
}

#[test]
fn a_row_becomes_a_record() {
    let records = rows_of("7,Müller,yes,m@x.example\n");
    assert_eq!(records[0].anchor.as_str(), "7");
    assert_eq!(text(&records[0], &path("name", None, Some("familyName"))), Some(Value::text("Müller")));
    assert_eq!(text(&records[0], &Path::simple("active")), Some(Value::Boolean(true)));
    assert_eq!(text(&records[0], &path("emails", Some("work"), Some("value"))), Some(Value::text("m@x.example")));
    assert_eq!(records[0].attributes.len(), 3);
}

#[test]
fn an_empty_cell_says_nothing() {
    let records = rows_of("7,,,\n8, ,\t,\n");
    assert!(records.iter().all(|record| record.attributes.is_empty()));
}

#[test]
fn an_empty_cell_clears_where_the_column_says_so() {
    let export = Export::of(format!("{HEADER}7,,,\n"));
    let mut settings = settings();
    settings.columns[1].empty = EmptyCell::Clear;
    let scan = scan(&export.path(), &settings, &mut |_| {}).unwrap();
    let records = export.records(&scan);
    assert_eq!(text(&records[0], &path("name", None, Some("familyName"))), Some(Value::Null));
}

#[test]
fn one_cell_may_hold_several_values() {
    let export = Export::of("Number,Sites\n7,\"1; 2;;3\"\n");
    let mut sites = column("Sites", Path::simple("sites"));
    (sites.split, sites.kind) = (Some(';'), CellKind::Integer);
    let columns = vec![Column::new("Number", ColumnTarget::Anchor), sites];
    let settings = CsvSettings { columns, ..CsvSettings::default() };
    let scan = scan(&export.path(), &settings, &mut |_| {}).unwrap();
    let expected = Value::Many(vec![Value::Integer(1), Value::Integer(2), Value::Integer(3)]);
    assert_eq!(export.records(&scan)[0].attributes.get("sites"), Some(&expected));
}

#[test]
fn quotes_and_line_ends_in_a_cell_are_the_cells() {
    let records = rows_of("7,\"Smith, \"\"Bob\"\"\r\nJr.\",yes,\r\n8,5\" pipe,no,\r\n");
    assert_eq!(text(&records[0], &path("name", None, Some("familyName"))), Some(Value::text("Smith, \"Bob\"\r\nJr.")));
    assert_eq!(text(&records[1], &path("name", None, Some("familyName"))), Some(Value::text("5\" pipe")));
}

#[test]
fn the_encoding_mark_the_delimiter_and_what_is_ignored_are_reported() {
    for (first, delimiter, bom) in
        [("\u{feff}", ';', true), ("", '\t', false), ("", ',', false), ("sep=|\r\n", '|', false)]
    {
        let text = "Number,Name,Shoe Size,Active,Mail\r\n7,Müller,43,yes,\r\n".replace(',', &delimiter.to_string());
        let scan = Export::of(format!("{first}{text}")).scan().unwrap();
        assert_eq!((scan.sniffed.delimiter, scan.sniffed.bom), (delimiter as u8, bom));
        assert_eq!(scan.sniffed.ignored_columns, ["Shoe Size"]);
        assert_eq!(scan.rows.len(), 1);
    }
}

#[test]
fn lines_are_counted_as_an_editor_counts_them() {
    for line_end in ["\n", "\r\n", "\r"] {
        let body = "Number,Name,Active,Mail\n\n7,\"a\nb\",yes,\n\n\n8,b,yes,\n".replace('\n', line_end);
        let scan = Export::of(body).scan().unwrap();
        assert_eq!(scan.rows.iter().map(|row| row.line).collect::<Vec<_>>(), [3, 7]);
    }
}

#[test]
fn rows_that_repeat_word_for_word_are_taken_once() {
    let export = Export::of(format!("{HEADER}7,a,yes,\n8,b,yes,\n7,\"a\",yes,\n"));
    let scan = export.scan().unwrap();
    assert_eq!((scan.rows.len(), scan.repeats, scan.duplicates.len()), (2, 1, 0));
    assert_eq!(scan.rows[0].line, 2);
}

#[test]
fn rows_that_contradict_are_all_withdrawn() {
    assert_eq!(faults_of("7,a,yes,\n8,b,yes,\n7,a,no,\n7,a,yes,\n"), "7 on [2, 4, 5]");
}

#[test]
fn a_quote_that_is_never_closed_leaves_the_rows_before_it() {
    let scan = Export::of(format!("{HEADER}7,a,yes,\n8,b,yes,\"x\n9,c,yes,\n")).scan().unwrap();
    assert_eq!((scan.rows.len(), scan.cut_short, scan.total_rows), (1, Some(3), 2));
    assert_eq!(
        scan.faults[0].to_string(),
        "line 3 (8): the quote opened on line 3 is never closed, so nothing after it could be read; close it"
    );
}

#[test]
fn who_is_not_in_a_file_has_left_it_only_when_all_of_it_was_understood() {
    for (body, proves) in [
        ("7,a,yes,\n8,b,perhaps,\n", true),
        ("7,a,yes,\n,,,\n , ,,\n", true),
        ("7,a,yes,\n8,b\n", true),
        ("7,a,yes,\n,b,yes,\n", false),
        ("7,\"a,yes,\n8,\"b\",yes,\n9,c,yes,\n", false),
        ("7,a,yes,\n8,\"b,yes,\n", false),
    ] {
        let scan = Export::of(format!("{HEADER}{body}")).scan().unwrap();
        assert_accounted(&scan);
        assert_eq!(scan.proves_absence(), proves, "{body:?}");
    }
    let scan = Export::of(format!("{HEADER}7,a,yes,\n8,b,perhaps,\n7,b,yes,\n")).scan().unwrap();
    assert_eq!(scan.withheld().collect::<Vec<_>>(), ["8", "7"]);
}

#[test]
fn a_lost_quote_swallows_no_memory() {
    let rest = "x".repeat(3 * ROW_BYTES_MAX);
    for end in ["", "\",yes,\n8,b,yes,\n"] {
        let scan = Export::of(format!("{HEADER}6,a,yes,\n7,\"{rest}{end}")).scan().unwrap();
        assert_eq!(scan.faults[0].fault, Fault::RowTooLong);
        assert_eq!((scan.rows.len(), scan.total_rows, scan.cut_short), (1, 2, Some(3)));
        assert!(!scan.proves_absence());
    }
}

#[test]
fn the_longest_row_is_the_same_wherever_it_stands() {
    let row = |bytes: usize| format!("7,a,yes,{}\n", "x".repeat(bytes - "7,a,yes,\n".len()));
    for before in [0, 1, 100_000] {
        let before = "\n".repeat(before);
        let longest = Export::of(format!("{HEADER}{before}8,b,yes,\n{}", row(ROW_BYTES_MAX))).scan().unwrap();
        assert!(matches!(longest.faults[0].fault, Fault::CellTooLong { .. }));
        let too_long = Export::of(format!("{HEADER}{before}8,b,yes,\n{}", row(ROW_BYTES_MAX + 1))).scan().unwrap();
        assert_eq!(too_long.faults[0].fault, Fault::RowTooLong);
    }
}

#[test]
fn a_file_of_which_hardly_a_row_can_be_taken_is_refused() {
    let refused = |body: String| Export::of(format!("{HEADER}{body}")).scan().unwrap_err().to_string();
    let rows = |row: &dyn Fn(usize) -> String, count: usize| (0..count).map(row).collect::<String>();
    let unlisted = |at: usize| format!("{at},a,perhaps,\n");
    let contradicting = |at: usize| format!("7,{at},yes,\n");
    assert!(Export::of(format!("{HEADER}{}", rows(&unlisted, REFUSED_ROWS_MAX))).scan().is_ok());
    let says = refused(rows(&unlisted, REFUSED_ROWS_MAX + 1));
    assert!(says.contains("more than 10000 rows") && says.contains("line 2 (0): `Active` is"), "{says}");
    let says = refused(rows(&contradicting, REFUSED_ROWS_MAX + 1));
    assert!(says.ends_with("is the anchor the person's number?"), "{says}");
}

#[test]
fn an_encoding_mark_inside_a_file_is_part_of_its_row() {
    let body: String = (0..9_000).map(|at| format!("\u{feff}{at},a,yes,\n")).collect();
    let export = Export::of(format!("\u{feff}\"Number\",Name,Active,Mail\n{body}"));
    let scan = export.scan().unwrap();
    let in_order = export.records(&scan);
    assert_eq!(in_order[0].anchor.as_str(), "\u{feff}0");
    let mut rows = Rows::open(&export.path(), &scan).unwrap();
    for (mark, record) in scan.rows.iter().zip(&in_order).rev().step_by(97) {
        assert_eq!(rows.read(mark).unwrap(), *record);
    }
}

#[test]
fn a_letter_whose_bytes_stand_in_two_cells_is_none() {
    let scan = Export::of([HEADER.as_bytes(), b"7,a\xc3,\xa9yes,\n8,a,yes,\n"].concat()).scan().unwrap();
    assert_eq!((scan.faults.len(), &scan.faults[0].fault), (1, &Fault::NotUtf8));
}

#[test]
fn rows_are_read_in_any_order() {
    let body: String = (0..30_000).map(|at| format!("{at},\"name {at}\",yes,{at}@x.example\r\n")).collect();
    let export = Export::of(format!("{HEADER}{body}"));
    let scan = export.scan().unwrap();
    let in_order = export.records(&scan);
    let mut rows = Rows::open(&export.path(), &scan).unwrap();
    for (mark, record) in scan.rows.iter().zip(&in_order).rev().step_by(997) {
        assert_eq!(rows.read(mark).unwrap(), *record);
    }
}

#[test]
fn a_file_that_changes_between_the_passes_is_noticed() {
    let export = Export::of(format!("{HEADER}7,a,yes,\n"));
    let scan = export.scan().unwrap();
    let mut rows = Rows::open(&export.path(), &scan).unwrap();
    std::fs::write(export.path(), format!("{HEADER}7,b,yes,\n8,a,yes,\n")).unwrap();
    assert!(matches!(rows.read(&scan.rows[0]), Err(SourceError::Changed { .. })));
    assert!(matches!(Rows::open(&export.path(), &scan), Err(SourceError::Changed { .. })));
}

#[test]
fn a_row_counts_as_changed_when_its_meaning_changes_and_not_when_columns_move() {
    let content = |text: &str, settings: &CsvSettings| {
        let export = Export::of(text);
        scan(&export.path(), settings, &mut |_| {}).unwrap().rows[0].content
    };
    let as_it_was = content("Number,Name,Active,Mail\n7,a,yes,m\n", &settings());
    assert_eq!(as_it_was, content("Mail;New;Active;Number;Name\nm;1;yes;7;a\n", &settings()));
    let mut other = settings();
    other.columns[2].values[0].1 = Value::Boolean(false);
    assert_ne!(as_it_was, content("Number,Name,Active,Mail\n7,a,yes,m\n", &other));
}

#[test]
fn an_export_that_lost_many_rows_is_refused() {
    let export = Export::of(format!("{HEADER}7,a,yes,\n8,a,yes,\n"));
    let settings = CsvSettings { rows_lost_percent_max: Some(10.0), ..settings() };
    let scan = scan(&export.path(), &settings, &mut |_| {}).unwrap();
    assert!(scan.check_loss(None).is_ok());
    assert!(scan.check_loss(Some(2)).is_ok());
    assert!(matches!(scan.check_loss(Some(3)), Err(SourceError::Lost { before: 3, now: 2, .. })));
}

#[test]
fn two_columns_for_one_attribute_are_a_mistake_in_the_settings() {
    let export = Export::of(format!("{HEADER}7,a,yes,\n"));
    let mut settings = settings();
    for clash in [path("name", None, None), path("NAME", None, Some("familyname")), path("emails", Some("work"), None)]
    {
        settings.columns[2] = column("Name", clash);
        assert!(matches!(scan(&export.path(), &settings, &mut |_| {}), Err(SourceError::Settings { .. })));
    }
}

#[test]
fn progress_ends_at_the_length_of_the_file() {
    let export = Export::of(format!("{HEADER}7,a,yes,\n"));
    let mut done = 0;
    scan(&export.path(), &settings(), &mut |bytes| done = bytes).unwrap();
    assert_eq!(done, std::fs::metadata(export.path()).unwrap().len());
}

/// What setting each path in turn would make.
fn set_in_turn(columns: &[(Path, Option<Value>)]) -> Attributes {
    let mut attributes = Attributes::new();
    for (path, value) in columns {
        if let Some(value) = value {
            path.set(&mut attributes, value.clone());
        }
    }
    attributes
}

fn any_path() -> impl Strategy<Value = Path> {
    let word = |words: &'static [&'static str]| prop::sample::select(words).prop_map(Name::new);
    let schema = prop::option::of(word(&["urn:a", "urn:b"]));
    let selector = prop::option::of(prop::sample::select(vec!["work", "home"]));
    let sub = prop::option::of(word(&["value", "city", "display"]));
    (schema, word(&["emails", "name", "Title", "addresses"]), selector, sub).prop_map(
        |(schema, attribute, selector, sub)| {
            let selector = selector.map(|value| Selector { sub: Name::new("type"), value: value.to_owned() });
            Path { schema, attribute, selector, sub }
        },
    )
}

proptest! {
    #[test]
    fn a_plan_makes_what_setting_each_path_makes(paths in prop::collection::vec(any_path(), 1..12), absent in any::<u16>()) {
        let mut plan = plan::Plan::default();
        let mut columns: Vec<(Path, Option<Value>)> = Vec::new();
        for path in paths {
            if plan.add(&path, columns.len()).is_ok() {
                // A value with a selector is always there, so that the values are made in the order of the columns.
                let present = path.selector.is_some() || absent & (1 << columns.len()) == 0;
                columns.push((path, present.then_some(Value::Integer(columns.len() as i64))));
            }
        }
        let filled = plan.fill(&|at| Ok::<_, ()>(columns[at].1.clone())).unwrap();
        prop_assert_eq!(filled, set_in_turn(&columns));
    }

    #[test]
    fn any_bytes_are_read_without_panic_and_every_row_is_accounted_for(
        body in prop::collection::vec(prop::sample::select(b"7778,,,,,\"\"\n\n\r;abyesno\0\xc3\xa9\xff ".to_vec()), 0..400),
        raw in prop::collection::vec(any::<u8>(), 0..60),
        with_header in any::<bool>(),
    ) {
        let mut bytes = if with_header { HEADER.as_bytes().to_vec() } else { Vec::new() };
        bytes.extend(body);
        bytes.extend(raw);
        let export = Export::of(&bytes);
        if let Ok(scan) = export.scan() {
            assert_accounted(&scan);
            prop_assert_eq!(export.records(&scan).len(), scan.rows.len());
        }
    }
}
