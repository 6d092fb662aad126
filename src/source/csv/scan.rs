//! The first pass: every row marked by what it says, and every fault found.

use std::fs::{File, Metadata};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::fault::{Fault, RowFault};
use super::layout::Layout;
use super::reader::Reader;
use super::repeats::{self, Duplicate};
use super::row::RawRow;
use super::settings::CsvSettings;
use super::sniff::{self, SAVE_AS_UTF8, Sniffed};
use crate::source::SourceError;

/// Longest cell, in bytes. Directories hold far less in any attribute that an HR system knows.
pub const CELL_BYTES_MAX: usize = 1 << 16;

/// Most rows of one file that may be refused, each with its reason: what one person can look through, and what every
/// import can keep in memory. Beyond it the file is another one than the settings expect.
pub const REFUSED_ROWS_MAX: usize = 10_000;

/// How often the caller hears how far it has come, in bytes: a hundred times in a hundred megabytes.
const PROGRESS_BYTES: u64 = 1 << 20;

/// A row that can be taken: of whom, what, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowMark {
    /// Of whom: see [`anchor_mark`](super::anchor_mark).
    pub anchor: u128,
    /// A hash of all that the row says under the settings. The same while neither changes.
    pub content: u128,
    /// Where it is found again: the end of the row before it, in bytes from the beginning of the file.
    pub offset: u64,
    /// The line it begins on, from 1.
    pub line: u32,
}

/// What a file says, before anything is made of it.
///
/// Every row is in it once: `rows`, `faults`, the lines of `duplicates` and `repeats` add up to `total_rows`.
#[derive(Debug)]
pub struct Scan {
    /// The rows that can be taken, one a person, in the order of the file.
    pub rows: Vec<RowMark>,
    /// The rows that cannot.
    pub faults: Vec<RowFault>,
    /// People of whom several rows say different things.
    pub duplicates: Vec<Duplicate>,
    /// Rows that say what an earlier one said, word for word; the earlier one is taken.
    pub repeats: usize,
    /// The line of a quote that is never closed, or of a row that does not end. What follows it was not read.
    pub cut_short: Option<u32>,
    /// What kind of file it is.
    pub sniffed: Sniffed,
    /// How many rows it has, without the header and rows of nothing but empty cells.
    pub total_rows: u64,
    rows_lost_percent_max: Option<f64>,
    pub(super) layout: Arc<Layout>,
    pub(super) identity: Identity,
    path: PathBuf,
}

/// By what it is seen that a file was not written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    length: u64,
    modified: Option<SystemTime>,
}

impl From<Metadata> for Identity {
    fn from(metadata: Metadata) -> Self {
        Self { length: metadata.len(), modified: metadata.modified().ok() }
    }
}

/// Looks through a file. `progress` hears how many bytes are done, now and then and at the end.
///
/// # Errors
/// [`SourceError`], when nothing can be taken from the file at all.
pub fn scan(path: &Path, settings: &CsvSettings, progress: &mut dyn FnMut(u64)) -> Result<Scan, SourceError> {
    let mut file = File::open(path).map_err(SourceError::io(path))?;
    let identity = Identity::from(file.metadata().map_err(SourceError::io(path))?);
    let start = sniff::start(path, &mut file, settings)?;
    let mut reader = Reader::new(file, start.delimiter);
    if start.names_delimiter {
        reader.next().map_err(SourceError::io(path))?;
    }
    let headers = match reader.next().map_err(SourceError::io(path))? {
        Some(row) => read_header(path, &row)?,
        None => return Err(SourceError::Empty { path: path.to_owned(), header: false }),
    };
    let layout = Layout::new(path, headers, settings)?;
    let seen = look_through(path, &mut reader, &layout, identity.length, progress)?;
    if seen.total == 0 {
        return Err(SourceError::Empty { path: path.to_owned(), header: true });
    }
    let (mut rows, faults) = (seen.rows, seen.faults);
    let found = repeats::take_out(&mut rows);
    check_refused(path, &faults, found.contradicting.iter().map(Vec::len).sum())?;
    let duplicates = name_duplicates(path, &mut reader, &layout, &found.contradicting)?;
    // An export that is still being written looks like one that lost people.
    if Identity::from(std::fs::metadata(path).map_err(SourceError::io(path))?) != identity {
        return Err(SourceError::Changed { path: path.to_owned() });
    }
    Ok(Scan {
        rows,
        cut_short: cut_short(&faults),
        faults,
        duplicates,
        repeats: found.identical,
        sniffed: Sniffed {
            delimiter: start.delimiter,
            bom: start.bom,
            columns: layout.headers.iter().map(|header| header.to_string()).collect(),
            ignored_columns: layout.ignored(),
        },
        total_rows: seen.total,
        rows_lost_percent_max: settings.rows_lost_percent_max,
        layout: Arc::new(layout),
        identity,
        path: path.to_owned(),
    })
}

impl Scan {
    /// People who are in the file, but of whom nothing is taken: they have not left it.
    pub fn withheld(&self) -> impl Iterator<Item = &str> {
        let faulty = self.faults.iter().filter_map(|fault| fault.anchor.as_deref());
        faulty.chain(self.duplicates.iter().map(|duplicate| duplicate.anchor.as_str()))
    }

    /// Whether somebody who is neither among the rows nor [`withheld`](Self::withheld) has left the file.
    ///
    /// Not so when a row does not say of whom it speaks, or a lost quote may have swallowed others.
    pub fn proves_absence(&self) -> bool {
        !self.faults.iter().any(|fault| fault.anchor.is_none() || fault.fault.hides_rows())
    }

    /// Asks whether the file lost more rows since last time than the settings allow.
    ///
    /// A truncated export looks like a company that has let its people go. `rows_before` is the
    /// `total_rows` of the last import; `None` when there was none.
    ///
    /// # Errors
    /// [`SourceError::Lost`], when it did.
    pub fn check_loss(&self, rows_before: Option<u64>) -> Result<(), SourceError> {
        let (Some(before), Some(percent_max)) = (rows_before, self.rows_lost_percent_max) else { return Ok(()) };
        let now = self.total_rows;
        let lost_percent = before.saturating_sub(now) as f64 * 100.0 / before.max(1) as f64;
        if lost_percent > percent_max {
            return Err(SourceError::Lost { path: self.path.clone(), before, now, percent_max });
        }
        Ok(())
    }
}

fn read_header(path: &Path, row: &RawRow<'_>) -> Result<Vec<String>, SourceError> {
    if row.flaw.is_some() {
        let why = format!("a quote on line {} is not closed where its cell ends", row.line);
        return Err(SourceError::Header { path: path.to_owned(), why });
    }
    let names = row.texts().map(|texts| texts.iter().map(|name| name.trim().to_owned()).collect());
    names.ok_or_else(|| SourceError::NotText { path: path.to_owned(), what: "not UTF-8", todo: SAVE_AS_UTF8 })
}

/// The line of the quote, or of the row, that swallowed the rest of the file: it can only be the last fault.
fn cut_short(faults: &[RowFault]) -> Option<u32> {
    let last = faults.last()?;
    match last.fault {
        Fault::NeverClosed { opened } => Some(opened),
        Fault::RowTooLong => Some(last.line),
        _ => None,
    }
}

/// Asks whether so many rows are refused that the file as a whole must be.
fn check_refused(path: &Path, faults: &[RowFault], contradicting: usize) -> Result<(), SourceError> {
    if faults.len() + contradicting <= REFUSED_ROWS_MAX {
        return Ok(());
    }
    let why = match faults.first() {
        Some(first) if faults.len() > contradicting => format!("the first of them: {first}"),
        _ => "they say different things of the same people; is the anchor the person's number?".to_owned(),
    };
    Err(SourceError::Refused { path: path.to_owned(), why })
}

struct Seen {
    rows: Vec<RowMark>,
    faults: Vec<RowFault>,
    total: u64,
}

fn look_through(
    path: &Path,
    reader: &mut Reader<File>,
    layout: &Layout,
    length: u64,
    progress: &mut dyn FnMut(u64),
) -> Result<Seen, SourceError> {
    let mut seen = Seen { rows: Vec::new(), faults: Vec::new(), total: 0 };
    let mut scratch = Vec::new();
    let mut next_progress = PROGRESS_BYTES;
    while let Some(row) = reader.next().map_err(SourceError::io(path))? {
        match layout.mark(&row, &mut scratch) {
            Ok(mark) => seen.rows.push(mark),
            // Spreadsheets leave such rows where people have been removed.
            Err(_) if row.says_nothing() => continue,
            Err(fault) => {
                seen.faults.push(RowFault { line: row.line, anchor: layout.anchor_of(&row), fault });
                check_refused(path, &seen.faults, 0)?;
            }
        }
        seen.total += 1;
        if row.offset >= next_progress {
            if next_progress == PROGRESS_BYTES {
                make_room(&mut seen.rows, row.offset, length);
            }
            progress(row.offset);
            next_progress = row.offset + PROGRESS_BYTES;
        }
    }
    progress(length);
    Ok(seen)
}

/// Makes room for the rows to come, judging by those that have been: growing by doubling would need twice the memory.
fn make_room(rows: &mut Vec<RowMark>, offset: u64, length: u64) {
    let expected = rows.len() as u64 * length / offset.max(1);
    let with_margin = expected + expected / 50;
    rows.reserve_exact(usize::try_from(with_margin).unwrap_or(0).saturating_sub(rows.len()));
}

/// Reads again of whom the contradicting rows speak: their marks know only the hash.
fn name_duplicates(
    path: &Path,
    reader: &mut Reader<File>,
    layout: &Layout,
    contradicting: &[Vec<RowMark>],
) -> Result<Vec<Duplicate>, SourceError> {
    let mut duplicates = Vec::with_capacity(contradicting.len());
    for rows in contradicting {
        let Some(first) = rows.first() else { continue };
        reader.go_to(first.offset).map_err(SourceError::io(path))?;
        let row = reader.next().map_err(SourceError::io(path))?;
        let anchor = row.and_then(|row| layout.anchor_of(&row)).unwrap_or_default();
        duplicates.push(Duplicate { anchor, lines: rows.iter().map(|row| row.line).collect() });
    }
    Ok(duplicates)
}
