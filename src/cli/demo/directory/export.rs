//! The exports of the practice company: the sample, and what HR changes in it week by week.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use csv::StringRecord;

/// The sample.
const SAMPLE: &str = include_str!("../../../../samples/active-directory/people.csv");
/// The column of the number by which HR knows a person.
const ANCHOR: &str = "WorkerID";
const STATUS: &str = "Status";
const LEFT: &str = "Terminated";

/// Who moves to another division.
pub(super) const MOVES: &str = "1026";
/// Who has another name from now on.
pub(super) const RENAMED: &str = "1008";
/// Who leaves.
pub(super) const LEAVES: &str = "1015";
/// Who left before the first export, and comes back.
pub(super) const RETURNS: &str = "1021";
/// Whom an administrator makes one of theirs.
pub(super) const ADMINISTRATES: &str = "1036";
/// How many leave at once in the end.
pub(super) const LEAVERS: usize = 100;

/// What HR changes in the second week: whom, which column, and what stands there then.
const SECOND_WEEK: [(&str, &str, &str); 7] = [
    (MOVES, "Division", "Corporate"),
    (MOVES, "Department", "Finance"),
    (MOVES, "ManagerID", "1010"),
    (RENAMED, "LastName", "Nowak"),
    (RENAMED, "FullName", "Ewa Nowak"),
    (LEAVES, STATUS, LEFT),
    (RETURNS, STATUS, "Active"),
];
/// And in the third.
const THIRD_WEEK: [(&str, &str, &str); 1] = [(ADMINISTRATES, "JobTitle", "Head of Security")];

/// An export in memory.
pub(super) struct Export {
    header: StringRecord,
    rows: Vec<StringRecord>,
}

impl Export {
    /// The sample, as it is.
    pub(super) fn first() -> anyhow::Result<Self> {
        let mut reader = csv::Reader::from_reader(SAMPLE.as_bytes());
        let header = reader.headers()?.clone();
        Ok(Self { header, rows: reader.records().collect::<Result<_, _>>()? })
    }

    pub(super) fn second_week(&mut self) -> anyhow::Result<()> {
        self.set_all(&SECOND_WEEK)
    }

    pub(super) fn third_week(&mut self) -> anyhow::Result<()> {
        self.set_all(&THIRD_WEEK)
    }

    /// The last hundred leave who lead nobody and of whom nothing else is told.
    pub(super) fn fourth_week(&mut self) -> anyhow::Result<Vec<String>> {
        let anchors = self.column(ANCHOR)?;
        let leading = self.column("ManagerID")?;
        let told = [MOVES, RENAMED, LEAVES, RETURNS, ADMINISTRATES];
        let free = |anchor: &&String| !leading.contains(anchor) && !told.contains(&anchor.as_str());
        let mut leavers: Vec<String> = anchors.iter().rev().filter(free).take(LEAVERS).cloned().collect();
        leavers.reverse();
        for anchor in &leavers {
            self.set_all(&[(anchor, STATUS, LEFT)])?;
        }
        Ok(leavers)
    }

    pub(super) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&self.header)?;
        for row in &self.rows {
            writer.write_record(row)?;
        }
        fs::write(path, writer.into_inner()?).with_context(|| format!("{} cannot be written", path.display()))
    }

    fn set_all(&mut self, changes: &[(&str, &str, &str)]) -> anyhow::Result<()> {
        let anchor_at = self.at(ANCHOR)?;
        for (anchor, column, value) in changes {
            let at = self.at(column)?;
            let mut rows = self.rows.iter_mut();
            let row = rows.find(|row| row.get(anchor_at) == Some(anchor));
            let row = row.with_context(|| format!("the sample has no {anchor}"))?;
            *row = row.iter().enumerate().map(|(place, held)| if place == at { value } else { held }).collect();
        }
        Ok(())
    }

    fn at(&self, column: &str) -> anyhow::Result<usize> {
        let found = self.header.iter().position(|name| name == column);
        found.with_context(|| format!("the sample has no column {column}"))
    }

    fn column(&self, column: &str) -> anyhow::Result<Vec<String>> {
        let at = self.at(column)?;
        Ok(self.rows.iter().map(|row| row.get(at).unwrap_or_default().to_owned()).collect())
    }
}
