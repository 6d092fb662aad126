//! Rows as the `csv` crate reads them, each with its line and with what is wrong with its quotes.
//!
//! The crate finds some meaning in any bytes, and takes all the memory that a lost quote asks for.
//! So the bytes of the row that is being read are kept beside it: they bound how long it may be,
//! say on which lines it stands, and show quotes that are not closed, or not where their cell ends.

use std::io::{self, Read, Seek, SeekFrom};

use super::row::{Flaw, RawRow};
use super::sniff::BOM;

/// Longest row, in bytes. A person is a few hundred; a megabyte is a lost quote or a picture.
pub const ROW_BYTES_MAX: usize = 1 << 20;

/// Bytes asked for at once: large enough to make system calls cheap, small enough to stay in cache.
const READ_BYTES: usize = 1 << 16;

/// Up to here, in bytes, reading on to a row costs less than filling the buffer anew.
const NEAR_BYTES: u64 = 1 << 14;

/// What [`Keeper`] says of a row over [`ROW_BYTES_MAX`]; no operating system says it of a file.
const TOO_LONG: io::ErrorKind = io::ErrorKind::InvalidData;

const QUOTE: u8 = b'"';

/// Reads rows one after another, or goes to one.
pub(super) struct Reader<R> {
    csv: csv::Reader<Keeper<R>>,
    cells: csv::ByteRecord,
    delimiter: u8,
    lines: Lines,
}

impl<R: Read> Reader<R> {
    /// Reads `input` from its beginning.
    pub(super) fn new(input: R, delimiter: u8) -> Self {
        let csv = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(READ_BYTES)
            .from_reader(Keeper { input, kept: Vec::new(), base: 0, row: 0 });
        let lines = Lines { line: 1, after_return: false };
        Self { csv, cells: csv::ByteRecord::new(), delimiter, lines }
    }

    /// The next row; lines without any byte are no rows. `None` at the end of the file, or after a row that is too long.
    ///
    /// # Errors
    /// What the operating system says.
    pub(super) fn next(&mut self) -> io::Result<Option<RawRow<'_>>> {
        let offset = self.csv.position().byte();
        let too_long = match self.read() {
            Ok(true) => false,
            Ok(false) => return Ok(None),
            Err(error) if error.kind() == TOO_LONG => true,
            Err(error) => return Err(error),
        };
        let bytes = self.csv.get_ref().row_until(self.csv.position().byte());
        let bytes = bytes.strip_prefix(BOM).filter(|_| offset == 0).unwrap_or(bytes);
        let text_at = bytes.iter().position(|byte| !is_line_end(*byte)).unwrap_or(bytes.len());
        let (blank_lines, text) = bytes.split_at(text_at);
        self.lines = self.lines.after(blank_lines);
        let line = self.lines.line;
        let has_quotes = text.contains(&QUOTE);
        let stray = if has_quotes { stray_quote(text, self.delimiter) } else { None };
        let line_of = |at: usize| self.lines.after(&text[..at]).line;
        let flaw = match stray {
            _ if too_long => Some(Flaw::TooLong),
            Some((opened, None)) => Some(Flaw::NeverClosed { opened: line_of(opened) }),
            Some((opened, Some(at))) => Some(Flaw::TextAfterQuote { opened: line_of(opened), closed: line_of(at) }),
            None => None,
        };
        // Without quotes only the last byte can end a line.
        self.lines = self.lines.after(if has_quotes { text } else { &text[text.len().saturating_sub(1)..] });
        Ok(Some(RawRow { offset, line, length: text.len(), flaw, cells: &self.cells }))
    }

    /// Reads a row into `cells`; false at the end of the file.
    fn read(&mut self) -> io::Result<bool> {
        let offset = self.csv.position().byte();
        self.csv.get_mut().row = offset;
        self.csv.read_byte_record(&mut self.cells).map_err(io_error)
    }
}

impl<R: Read + Seek> Reader<R> {
    /// Goes to the row that was found at `offset`. From there on rows do not know their lines.
    ///
    /// # Errors
    /// What the operating system says.
    pub(super) fn go_to(&mut self, offset: u64) -> io::Result<()> {
        let ahead = |at: u64| offset.checked_sub(at).filter(|ahead| *ahead <= NEAR_BYTES);
        while ahead(self.csv.position().byte()).is_some_and(|ahead| ahead > 0) && self.read()? {}
        if self.csv.position().byte() == offset {
            return Ok(());
        }
        // One byte before, which ends a line: at the very place the crate would take a byte order mark for the file's.
        let mut place = csv::Position::new();
        place.set_byte(offset.saturating_sub(1));
        self.csv.seek_raw(SeekFrom::Start(place.byte()), place).map_err(io_error)
    }
}

fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// Hands on what it reads, and keeps the bytes of the row that is being read.
struct Keeper<R> {
    input: R,
    kept: Vec<u8>,
    /// Where in the file `kept` begins.
    base: u64,
    /// Where in the file the row begins.
    row: u64,
}

impl<R> Keeper<R> {
    /// The bytes of the row up to `end` in the file.
    fn row_until(&self, end: u64) -> &[u8] {
        let place = |offset: u64| offset.saturating_sub(self.base) as usize;
        self.kept.get(place(self.row)..place(end)).unwrap_or_default()
    }
}

impl<R: Read> Read for Keeper<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let done = self.row.saturating_sub(self.base) as usize;
        self.kept.drain(..done.min(self.kept.len()));
        self.base = self.row;
        let room = ROW_BYTES_MAX.saturating_sub(self.kept.len()).min(buffer.len());
        if room == 0 {
            return Err(TOO_LONG.into());
        }
        let count = self.input.read(&mut buffer[..room])?;
        self.kept.extend_from_slice(&buffer[..count]);
        Ok(count)
    }
}

impl<R: Seek> Seek for Keeper<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let offset = self.input.seek(to)?;
        self.kept.clear();
        (self.base, self.row) = (offset, offset);
        Ok(offset)
    }
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// Counts lines as an editor does: CR, LF, and CR with LF each end one.
#[derive(Debug, Clone, Copy)]
struct Lines {
    line: u32,
    after_return: bool,
}

impl Lines {
    /// After these bytes too.
    fn after(mut self, bytes: &[u8]) -> Self {
        for byte in bytes {
            let second_half = *byte == b'\n' && self.after_return;
            self.line = self.line.saturating_add(u32::from(is_line_end(*byte) && !second_half));
            self.after_return = *byte == b'\r';
        }
        self
    }
}

/// The first quote of a row that is closed where its cell does not end, unless there is one that is never closed:
/// where it opens, and where it is closed.
fn stray_quote(row: &[u8], delimiter: u8) -> Option<(usize, Option<usize>)> {
    let find = |wanted: u8, from: usize| row[from..].iter().position(|byte| *byte == wanted).map(|ahead| from + ahead);
    let (mut at, mut stray) = (0, None);
    loop {
        if row.get(at) == Some(&QUOTE) {
            let opened = at;
            let closed = loop {
                let Some(quote) = find(QUOTE, at + 1) else { return Some((opened, None)) };
                at = quote + 1;
                if row.get(at) != Some(&QUOTE) {
                    break quote;
                }
            };
            if row.get(at).is_some_and(|next| *next != delimiter && !is_line_end(*next)) {
                stray.get_or_insert((opened, Some(closed)));
            }
        }
        match find(delimiter, at) {
            Some(end) => at = end + 1,
            None => return stray,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Gives one byte at a time.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let one = buffer.len().min(1);
            self.0.read(&mut buffer[..one])
        }
    }

    /// Offset, line, length, flaw and cells of every row.
    fn seen_by(input: impl Read) -> Vec<String> {
        let mut reader = Reader::new(input, b',');
        let mut seen = Vec::new();
        while let Some(row) = reader.next().unwrap() {
            seen.push(format!("{} {row:?}", row.offset));
        }
        seen
    }

    proptest! {
        #[test]
        fn well_formed_rows_are_read_as_others_read_them(
            cells in prop::collection::vec(prop::collection::vec("[a-z,\"\n\r é]{0,6}", 4), 1..20),
            crlf in any::<bool>(),
        ) {
            let terminator = if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
            let mut writer = csv::WriterBuilder::new().terminator(terminator).from_writer(Vec::new());
            for row in &cells {
                writer.write_record(row).unwrap();
            }
            let bytes = writer.into_inner().unwrap();
            let mut reader = Reader::new(&bytes[..], b',');
            let mut read = Vec::new();
            while let Some(row) = reader.next().unwrap() {
                prop_assert_eq!(row.flaw, None);
                read.push(row.texts().unwrap().iter().map(str::to_owned).collect::<Vec<_>>());
            }
            prop_assert_eq!(read, cells);
        }

        #[test]
        fn rows_are_the_same_however_their_bytes_arrive(
            bytes in prop::collection::vec(prop::sample::select(b"ab,\"\"\n\r".to_vec()), 0..60),
        ) {
            prop_assert_eq!(seen_by(&bytes[..]), seen_by(Drip(&bytes)));
        }

        #[test]
        fn a_mistake_in_quotes_is_what_writing_the_cells_anew_would_not_make(
            cells in prop::collection::vec("[ab\"]{0,4}", 2..5),
        ) {
            let row = cells.join(",") + "\n";
            let mut reader = Reader::new(row.as_bytes(), b',');
            let Some(read) = reader.next().unwrap() else { return Ok(()) };
            let mut rest = row.as_bytes();
            let as_written = read.cells.iter().all(|cell| {
                let text = std::str::from_utf8(cell).unwrap();
                let again = if rest.starts_with(b"\"") { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() };
                rest = rest.strip_prefix(again.as_bytes()).unwrap_or(b"x");
                let ends = rest.first().is_some_and(|next| b",\n".contains(next));
                rest = rest.get(1..).unwrap_or_default();
                ends
            });
            prop_assert_eq!(read.flaw.is_none(), as_written, "{:?}", read);
        }
    }
}
