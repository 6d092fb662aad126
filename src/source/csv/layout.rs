//! Where in a row the mapped columns stand, and what a row says under them.

use std::path::Path;
use std::sync::Arc;

use super::fault::{Fault, did_you_mean, nearest};
use super::meaning::Reading;
use super::plan::Plan;
use super::row::{Flaw, RawRow, Texts};
use super::scan::{CELL_BYTES_MAX, RowMark};
use super::settings::{Column, ColumnTarget, CsvSettings};
use crate::model::{Anchor, Record};
use crate::source::SourceError;

/// Changes when rows are to be hashed differently: then every row counts as changed, once.
const CONTENT_VERSION: &[u8] = b"muster csv row 1";

/// The settings, brought together with the header of one file.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) headers: Vec<Arc<str>>,
    /// Which cell is the anchor.
    anchor: usize,
    fields: Vec<Field>,
    /// The fields whose texts may be unreadable.
    doubtful: Vec<usize>,
    plan: Plan,
    /// What the settings say of all this: part of every row's content.
    seed: [u8; 32],
}

/// A mapped column: which cell, and how it is read.
#[derive(Debug)]
struct Field {
    cell: usize,
    reading: Reading,
}

/// A cell cannot be read, so the row is not the one that was marked.
struct Unreadable;

/// The hash by which rows of one person are recognised.
pub fn anchor_mark(anchor: &str) -> u128 {
    short(blake3::hash(anchor.as_bytes()))
}

/// 128 bits: among a thousand million rows a chance collision has odds of one in 10²⁰.
fn short(hash: blake3::Hash) -> u128 {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_bytes()[..16]);
    u128::from_le_bytes(bytes)
}

impl Layout {
    /// Finds the columns of the settings in the header.
    ///
    /// # Errors
    /// [`SourceError::Settings`] or [`SourceError::Header`], saying which column and what to do.
    pub(super) fn new(path: &Path, headers: Vec<String>, settings: &CsvSettings) -> Result<Self, SourceError> {
        let refused = |why| SourceError::Header { path: path.to_owned(), why };
        let headers: Vec<Arc<str>> = headers.into_iter().map(Arc::from).collect();
        find_all(&headers, &settings.columns).map_err(refused)?;
        let cell_of = |column: &Column| headers.iter().position(|header| **header == *column.header.trim());

        let (mut anchors, mut fields, mut plan) = (Vec::new(), Vec::new(), Plan::default());
        for (column, cell) in settings.columns.iter().filter_map(|column| Some((column, cell_of(column)?))) {
            match &column.to {
                ColumnTarget::Anchor => anchors.push(cell),
                ColumnTarget::Attribute(to) => {
                    plan.add(to, fields.len()).map_err(|_| SourceError::Settings {
                        why: format!("`{}` and another column both fill `{to}`; keep one of them", column.header),
                    })?;
                    fields.push(Field { cell, reading: Reading::new(column) });
                }
            }
        }
        let [anchor] = anchors[..] else {
            let why = "exactly one column must be the anchor, the person's number in the source".to_owned();
            return Err(SourceError::Settings { why });
        };
        let doubtful = (0..fields.len()).filter(|at| fields[*at].reading.may_refuse()).collect();
        Ok(Self { headers, anchor, fields, doubtful, plan, seed: seed(&settings.columns) })
    }

    /// The columns of the file that nothing is made of.
    pub(super) fn ignored(&self) -> Vec<String> {
        let used = |cell: usize| cell == self.anchor || self.fields.iter().any(|field| field.cell == cell);
        self.headers.iter().enumerate().filter(|(at, _)| !used(*at)).map(|(_, header)| header.to_string()).collect()
    }

    /// Marks a row by what it says. `scratch` saves an allocation a row.
    ///
    /// # Errors
    /// Why it cannot be taken.
    pub(super) fn mark(&self, row: &RawRow<'_>, scratch: &mut Vec<u8>) -> Result<RowMark, Fault> {
        let texts = self.well_formed(row)?;
        Anchor::check(texts.get(self.anchor)).map_err(Fault::Anchor)?;
        for field in self.doubtful.iter().map(|at| &self.fields[*at]) {
            field.reading.check(texts.get(field.cell))?;
        }
        let (anchor, content) = self.hashes(texts, scratch);
        Ok(RowMark { anchor, content, offset: row.offset, line: row.line })
    }

    /// The record of a row that still says what `mark` says; `None` when it does not.
    pub(super) fn record(&self, row: &RawRow<'_>, mark: &RowMark, scratch: &mut Vec<u8>) -> Option<Record> {
        let texts = self.well_formed(row).ok()?;
        if self.hashes(texts, scratch) != (mark.anchor, mark.content) {
            return None;
        }
        let anchor = Anchor::parse(texts.get(self.anchor)).ok()?;
        let value = |at: usize| {
            let field = &self.fields[at];
            field.reading.value(texts.get(field.cell)).map_err(|_| Unreadable)
        };
        self.plan.fill(&value).ok().map(|attributes| Record { anchor, attributes })
    }

    fn well_formed<'a>(&self, row: &RawRow<'a>) -> Result<Texts<'a>, Fault> {
        match row.flaw {
            Some(Flaw::NeverClosed { opened }) => return Err(Fault::NeverClosed { opened }),
            Some(Flaw::TextAfterQuote { opened, closed }) => return Err(Fault::TextAfterQuote { opened, closed }),
            Some(Flaw::TooLong) => return Err(Fault::RowTooLong),
            None => {}
        }
        if row.cells.as_slice().contains(&0) {
            return Err(Fault::Nul);
        }
        let texts = row.texts().ok_or(Fault::NotUtf8)?;
        if row.cells.len() != self.headers.len() {
            return Err(Fault::Ragged { cells: row.cells.len(), columns: self.headers.len() });
        }
        if row.length > CELL_BYTES_MAX {
            let (bytes, at) = row.longest();
            if bytes > CELL_BYTES_MAX {
                return Err(Fault::CellTooLong { column: Arc::clone(&self.headers[at]), bytes });
            }
        }
        Ok(texts)
    }

    /// Of whom a row speaks that cannot be taken, as far as that can be read.
    pub(super) fn anchor_of(&self, row: &RawRow<'_>) -> Option<String> {
        let text = row.text_of(self.anchor)?;
        Anchor::check(text).ok().map(|()| text.to_owned())
    }

    /// Of whom, and what the mapped cells say, with their lengths, so that no two rows are written alike.
    fn hashes(&self, texts: Texts<'_>, scratch: &mut Vec<u8>) -> (u128, u128) {
        scratch.clear();
        for field in &self.fields {
            let text = texts.get(field.cell);
            push_length(scratch, text.len());
            scratch.extend_from_slice(text.as_bytes());
        }
        let content = short(blake3::keyed_hash(&self.seed, scratch));
        (anchor_mark(texts.get(self.anchor)), content)
    }
}

/// A length in as few bytes as it needs (LEB128): nearly always one.
fn push_length(to: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        to.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    to.push(length as u8);
}

/// A hash of all that decides what a cell means, so that other settings make other rows.
fn seed(columns: &[Column]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(CONTENT_VERSION);
    for column in columns {
        let to = match &column.to {
            ColumnTarget::Anchor => "anchor".to_owned(),
            ColumnTarget::Attribute(path) => format!("attribute {path}"),
        };
        let Column { header, values, kind, empty, split, .. } = column;
        let words = format!("{header:?} {to:?} {values:?} {kind:?} {empty:?} {split:?}\n");
        hasher.update(words.as_bytes());
    }
    *hasher.finalize().as_bytes()
}

/// Whether every mapped column stands in the header exactly once; else what to do.
fn find_all(headers: &[Arc<str>], columns: &[Column]) -> Result<(), String> {
    let count = |column: &&Column| headers.iter().filter(|header| ***header == *column.header.trim()).count();
    let missing: Vec<&Column> = columns.iter().filter(|column| count(column) == 0).collect();
    if !columns.is_empty() && missing.len() == columns.len() {
        let first = headers.first().map(|header| &**header).unwrap_or_default();
        return Err(format!(
            "none of the mapped columns stands in its first row, which begins with `{first}`; \
             does the file have a header, and the delimiter that the settings say?"
        ));
    }
    if let Some(column) = missing.first() {
        let near = nearest(&column.header, headers.iter().map(|header| &**header));
        let more = match missing.len() {
            1 => String::new(),
            count => format!(" ({} more mapped columns are missing too)", count - 1),
        };
        return Err(format!("it has no column `{}`{}{more}", column.header, did_you_mean(near.as_deref())));
    }
    match columns.iter().find(|column| count(column) > 1) {
        Some(twice) => Err(format!("it has the column `{}` more than once; rename or remove one", twice.header)),
        None => Ok(()),
    }
}
