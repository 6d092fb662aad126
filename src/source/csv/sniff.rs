//! What kind of file it is: its encoding, its delimiter, its header.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

use super::reader::Reader;
use super::settings::CsvSettings;
use crate::source::SourceError;

/// How much of the file is looked at to find out, in bytes: more than any header has.
const HEAD_BYTES: u64 = 1 << 16;

/// What may stand between cells, the likeliest first.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

pub(super) const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Files that begin like this are not text, whatever their name.
const NOT_TEXT: [(&[u8], &str); 6] = [
    (b"\xFF\xFE", "UTF-16 or UTF-32"),
    (b"\xFE\xFF", "UTF-16"),
    (b"\0\0\xFE\xFF", "UTF-32"),
    (b"PK\x03\x04", "an Excel workbook or a zip archive"),
    (b"\xD0\xCF\x11\xE0", "an old Excel workbook"),
    (b"\x1F\x8B", "compressed with gzip"),
];

/// What to do about all that is not UTF-8.
pub(super) const SAVE_AS_UTF8: &str = "save it as UTF-8 (in Excel: \"CSV UTF-8\")";

/// What was found out about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sniffed {
    /// What stands between cells.
    pub delimiter: u8,
    /// Whether it begins with a UTF-8 byte order mark.
    pub bom: bool,
    /// All its columns, in their order.
    pub columns: Vec<String>,
    /// Those of them that nothing is made of.
    pub ignored_columns: Vec<String>,
}

/// How the rows of a file are divided, and what stands before them.
pub(super) struct Start {
    pub(super) delimiter: u8,
    pub(super) bom: bool,
    /// Whether the first line only names the delimiter.
    pub(super) names_delimiter: bool,
}

/// Looks at the first bytes of the file, and goes back to them.
///
/// # Errors
/// [`SourceError::NotText`], [`SourceError::Empty`], [`SourceError::Settings`], [`SourceError::Io`].
pub(super) fn start(path: &Path, file: &mut File, settings: &CsvSettings) -> Result<Start, SourceError> {
    let mut head = Vec::new();
    file.take(HEAD_BYTES).read_to_end(&mut head).map_err(SourceError::io(path))?;
    check_text(path, &head)?;
    let bom = head.starts_with(BOM);
    let named = named_delimiter(head.strip_prefix(BOM).unwrap_or(&head));
    if matches!(settings.delimiter, Some(b'"' | b'\n' | b'\r' | 0) | Some(0x80..)) {
        let why = "the delimiter must be one ASCII character, neither a quote nor a line end".to_owned();
        return Err(SourceError::Settings { why });
    }
    let delimiter = settings.delimiter.or(named).unwrap_or_else(|| likeliest(&head, settings));
    file.rewind().map_err(SourceError::io(path))?;
    Ok(Start { delimiter, bom, names_delimiter: named.is_some() })
}

fn check_text(path: &Path, head: &[u8]) -> Result<(), SourceError> {
    let refuse = |what, todo| Err(SourceError::NotText { path: path.to_owned(), what, todo });
    if head.is_empty() {
        return Err(SourceError::Empty { path: path.to_owned(), header: false });
    }
    if let Some((_, what)) = NOT_TEXT.iter().find(|(magic, _)| head.starts_with(magic)) {
        return refuse(what, SAVE_AS_UTF8);
    }
    // Without a byte order mark, UTF-16 betrays itself by the zeroes beside its ASCII letters.
    if head.len() > 1 && (head[0] == 0 || head[1] == 0) {
        return refuse("UTF-16 without a byte order mark", SAVE_AS_UTF8);
    }
    Ok(())
}

/// The delimiter that Excel's first line names (`sep=;`).
fn named_delimiter(head: &[u8]) -> Option<u8> {
    let (word, rest) = head.split_at_checked(4)?;
    let delimiter = *rest.first().filter(|byte| byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n' | 0))?;
    let alone = matches!(rest.get(1), Some(b'\r' | b'\n'));
    (alone && word.eq_ignore_ascii_case(b"sep=")).then_some(delimiter)
}

/// The delimiter under which most of the mapped columns are found; where none is, that which makes most cells.
fn likeliest(head: &[u8], settings: &CsvSettings) -> u8 {
    let weigh = |delimiter: u8| {
        let headers = first_row(head, delimiter);
        let known = |header: &&String| settings.columns.iter().any(|column| column.header.trim() == **header);
        (headers.iter().filter(known).count(), headers.len())
    };
    // Of equals `max_by_key` takes the last.
    DELIMITERS.into_iter().rev().max_by_key(|delimiter| weigh(*delimiter)).unwrap_or(DELIMITERS[0])
}

fn first_row(head: &[u8], delimiter: u8) -> Vec<String> {
    let mut reader = Reader::new(head, delimiter);
    let Ok(Some(row)) = reader.next() else { return Vec::new() };
    (0..row.cells.len()).filter_map(|at| row.text_of(at)).map(|header| header.trim().to_owned()).collect()
}
