//! Cells and rows in a stream of bytes (RFC 4180), in bounded memory.
//!
//! Of our own, because four things are needed together that are not to be had: the exact offset
//! and line of every row, a bound on what a lost quote can swallow, the line at which it was
//! opened, and quotes that are not doubled seen as the mistake they are.

use std::io::{self, Read, Seek, SeekFrom};

use super::row::{Cell, Flaw, RawRow};

/// Longest row, in bytes. A person is a few hundred; a megabyte is a lost quote or a picture.
pub const ROW_BYTES_MAX: usize = 1 << 20;

/// Bytes asked for at once: large enough to make system calls cheap, small enough to stay in cache.
const READ_BYTES: usize = 1 << 18;

const QUOTE: u8 = b'"';

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first byte of a cell.
    Before,
    /// In a cell without quotes.
    Plain,
    /// Between quotes.
    Quoted,
    /// After a quote that either closes or is the first of two.
    AfterQuote,
}

/// Reads rows one after another, or from a given place on.
pub(super) struct Lexer<R> {
    input: R,
    delimiter: u8,
    /// Bytes that end a cell without quotes.
    stops: [bool; 256],
    buffer: Vec<u8>,
    /// How much of the buffer is the file's.
    filled: usize,
    /// Where in the file the buffer begins.
    base: u64,
    /// The next byte to look at.
    at: usize,
    line: u32,
    /// Where the last carriage return stood, so that a line feed right after it is not a line of its own.
    returned_at: Option<u64>,
    ended: bool,
    row: Making,
}

/// The row that is being read.
struct Making {
    /// Where in the buffer it begins.
    start: usize,
    offset: u64,
    line: u32,
    cells: Vec<Cell>,
    state: State,
    /// Where the cell being read begins, from the start of the row.
    from: usize,
    doubled: bool,
    quote_line: u32,
    flaw: Option<Flaw>,
    /// Where the row ends in the buffer.
    end: usize,
}

impl<R: Read> Lexer<R> {
    /// Reads `input`, which stands at `offset` of the file, on `line`.
    pub(super) fn new(input: R, delimiter: u8, offset: u64, line: u32) -> Self {
        let mut stops = [false; 256];
        for stop in [delimiter, b'\n', b'\r'] {
            stops[usize::from(stop)] = true;
        }
        let buffer = vec![0; READ_BYTES];
        let row = Making {
            start: 0,
            offset,
            line,
            cells: Vec::new(),
            state: State::Before,
            from: 0,
            doubled: false,
            quote_line: 0,
            flaw: None,
            end: 0,
        };
        let (filled, at, returned_at) = (0, 0, None);
        Self { input, delimiter, stops, buffer, filled, base: offset, at, line, returned_at, ended: false, row }
    }

    /// The next row; lines without any byte are no rows. `None` at the end of the file.
    ///
    /// # Errors
    /// What the operating system says.
    pub(super) fn next(&mut self) -> io::Result<Option<RawRow<'_>>> {
        if !self.skip_blank_lines()? {
            return Ok(None);
        }
        self.begin();
        while !self.run() {
            if !self.more()? {
                self.end_with_file();
                break;
            }
        }
        let Making { start, offset, line, flaw, .. } = self.row;
        let kept = flaw != Some(Flaw::TooLong) && self.row.end >= start;
        let bytes = if kept { &self.buffer[start..self.row.end] } else { &[] };
        Ok(Some(RawRow { offset, line, bytes, flaw, cells: &self.row.cells }))
    }

    fn skip_blank_lines(&mut self) -> io::Result<bool> {
        loop {
            while self.at < self.filled {
                match self.buffer[self.at] {
                    byte @ (b'\n' | b'\r') => self.pass_line_end(byte),
                    _ => return Ok(true),
                }
            }
            self.row.start = self.at;
            if !self.more()? {
                return Ok(false);
            }
        }
    }

    fn begin(&mut self) {
        let row = &mut self.row;
        row.start = self.at;
        row.offset = self.base + self.at as u64;
        row.line = self.line;
        row.cells.clear();
        row.state = State::Before;
        row.from = 0;
        row.doubled = false;
        row.flaw = None;
    }

    /// Goes on until the row ends (true) or the bytes do (false).
    fn run(&mut self) -> bool {
        while self.at < self.filled {
            let row_ended = match self.row.state {
                State::Before => self.open_cell(),
                State::Plain => self.run_plain(),
                State::Quoted => self.run_quoted(),
                State::AfterQuote => self.after_quote(),
            };
            if row_ended {
                return true;
            }
        }
        false
    }

    fn open_cell(&mut self) -> bool {
        self.row.doubled = false;
        if self.buffer[self.at] == QUOTE {
            self.at += 1;
            self.row.quote_line = self.line;
            self.row.state = State::Quoted;
        } else {
            self.row.state = State::Plain;
        }
        self.row.from = self.at - self.row.start;
        false
    }

    fn run_plain(&mut self) -> bool {
        let stops = &self.stops;
        let bytes = &self.buffer[self.at..self.filled];
        match bytes.iter().position(|byte| stops[usize::from(*byte)]) {
            Some(ahead) => {
                self.at += ahead;
                self.close_cell(self.at)
            }
            None => {
                self.at = self.filled;
                false
            }
        }
    }

    fn run_quoted(&mut self) -> bool {
        let bytes = &self.buffer[self.at..self.filled];
        match bytes.iter().position(|byte| matches!(*byte, QUOTE | b'\n' | b'\r')) {
            Some(ahead) => {
                self.at += ahead;
                match self.buffer[self.at] {
                    QUOTE => {
                        self.at += 1;
                        self.row.state = State::AfterQuote;
                    }
                    line_end => self.pass_line_end(line_end),
                }
            }
            None => self.at = self.filled,
        }
        false
    }

    fn after_quote(&mut self) -> bool {
        match self.buffer[self.at] {
            QUOTE => {
                self.at += 1;
                self.row.doubled = true;
                self.row.state = State::Quoted;
                false
            }
            byte if self.stops[usize::from(byte)] => self.close_cell(self.at.saturating_sub(1)),
            _ => {
                let flaw = Flaw::TextAfterQuote { opened: self.row.quote_line, closed: self.line };
                self.row.flaw.get_or_insert(flaw);
                self.row.state = State::Plain;
                false
            }
        }
    }

    /// Ends the cell at `to` in the buffer; the stop that ended it is the next byte.
    fn close_cell(&mut self, to: usize) -> bool {
        self.keep_cell(to);
        self.row.state = State::Before;
        match self.buffer[self.at] {
            byte if byte == self.delimiter => {
                self.at += 1;
                self.row.from = self.at - self.row.start;
                false
            }
            line_end => {
                self.row.end = self.at;
                self.pass_line_end(line_end);
                true
            }
        }
    }

    fn keep_cell(&mut self, to: usize) {
        let row = &mut self.row;
        // Of a row that is too long nothing is kept, so that what it costs is bounded.
        if row.flaw != Some(Flaw::TooLong) {
            row.cells.push(Cell { from: row.from, to: to - row.start, doubled: row.doubled });
        }
    }

    fn end_with_file(&mut self) {
        self.row.end = self.at;
        match self.row.state {
            State::Quoted => self.row.flaw = Some(Flaw::NeverClosed { opened: self.row.quote_line }),
            State::AfterQuote => self.keep_cell(self.at.saturating_sub(1)),
            State::Before | State::Plain => self.keep_cell(self.at),
        }
    }

    fn pass_line_end(&mut self, byte: u8) {
        let here = self.base + self.at as u64;
        let second_half = byte == b'\n' && here > 0 && self.returned_at == Some(here - 1);
        if !second_half {
            self.line = self.line.saturating_add(1);
        }
        if byte == b'\r' {
            self.returned_at = Some(here);
        }
        self.at += 1;
    }

    /// Reads on, keeping the row that is being read; false at the end of the file.
    fn more(&mut self) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        self.make_room();
        loop {
            match self.input.read(&mut self.buffer[self.filled..]) {
                Ok(0) => {
                    self.ended = true;
                    return Ok(false);
                }
                Ok(count) => {
                    self.filled += count;
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn make_room(&mut self) {
        let start = self.row.start;
        self.buffer.copy_within(start..self.filled, 0);
        self.base += start as u64;
        self.at -= start;
        self.filled -= start;
        self.row.start = 0;
        if self.filled < self.buffer.len() {
            return;
        }
        if self.buffer.len() < ROW_BYTES_MAX {
            self.buffer.resize(ROW_BYTES_MAX.min(self.buffer.len() * 2), 0);
        } else {
            self.row.flaw = Some(Flaw::TooLong);
            self.row.cells.clear();
            self.base += self.filled as u64;
            self.at = 0;
            self.filled = 0;
        }
    }
}

impl<R: Read + Seek> Lexer<R> {
    /// Goes to the row that begins at `offset`, on `line`. Costs nothing when it is in the buffer.
    ///
    /// # Errors
    /// What the operating system says.
    pub(super) fn go_to(&mut self, offset: u64, line: u32) -> io::Result<()> {
        let within = offset.checked_sub(self.base).filter(|ahead| *ahead <= self.filled as u64);
        match within {
            Some(ahead) => self.at = ahead as usize,
            None => {
                self.input.seek(SeekFrom::Start(offset))?;
                (self.base, self.at, self.filled) = (offset, 0, 0);
                self.ended = false;
            }
        }
        self.row.start = self.at;
        self.line = line;
        Ok(())
    }
}
