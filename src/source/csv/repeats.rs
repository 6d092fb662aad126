//! Rows that speak of one person more than once.

use std::fmt;

use super::scan::RowMark;

/// How many lines a sentence names: enough to find them, not enough to fill a screen.
const LINES_NAMED_MAX: usize = 10;

/// A person of whom several rows say different things: none of them is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// Who.
    pub anchor: String,
    /// The lines on which the rows begin, in order.
    pub lines: Vec<u32>,
}

impl Duplicate {
    /// Its lines for a sentence: the first of them, and how many more there are.
    pub fn lines_named(&self) -> String {
        let named: Vec<String> = self.lines.iter().take(LINES_NAMED_MAX).map(u32::to_string).collect();
        let more = self.lines.len() - named.len();
        match named.split_last() {
            _ if more > 0 => format!("{} and {more} more", named.join(", ")),
            Some((last, [])) => last.clone(),
            Some((last, others)) => format!("{} and {last}", others.join(", ")),
            None => String::new(),
        }
    }
}

impl fmt::Display for Duplicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (lines, anchor) = (self.lines_named(), &self.anchor);
        write!(f, "lines {lines} ({anchor}): they say different things of one person; keep the one that is right")
    }
}

/// What was found among the rows.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    /// Rows that say what an earlier one said, word for word.
    pub(super) identical: usize,
    /// The rows of each person of whom different things are said, in the order of the file.
    pub(super) contradicting: Vec<Vec<RowMark>>,
}

/// Takes repeated rows out of `rows`: all but the first where they agree, all where they do not.
///
/// Sorts eight bytes a row: half of them the anchor's, half the row's place. The few that fall
/// together by chance are told apart by their whole anchors.
pub(super) fn take_out(rows: &mut Vec<RowMark>) -> Repeats {
    let mut keys: Vec<u64> = (0u64..).zip(&*rows).map(|(at, row)| key(row) | at & PLACE).collect();
    keys.sort_unstable();
    let mut found = Repeats::default();
    let mut dropped = Vec::new();
    for alike in keys.chunk_by(|left, right| left & !PLACE == right & !PLACE).filter(|keys| keys.len() > 1) {
        settle(rows, alike, &mut found, &mut dropped);
    }
    found.contradicting.sort_by_key(|rows| rows.first().map(|row| row.offset));
    dropped.sort_unstable();
    let mut next = dropped.into_iter().peekable();
    let mut at = 0;
    rows.retain(|_| {
        let keep = next.next_if_eq(&at).is_none();
        at += 1;
        keep
    });
    found
}

/// The half of a key that is the row's place: four thousand million rows are more than memory holds.
const PLACE: u64 = 0xFFFF_FFFF;

fn key(row: &RowMark) -> u64 {
    (row.anchor >> 64) as u64 & !PLACE
}

fn settle(rows: &[RowMark], keys: &[u64], found: &mut Repeats, dropped: &mut Vec<usize>) {
    let mut places: Vec<usize> = keys.iter().map(|key| (key & PLACE) as usize).collect();
    places.sort_by_key(|at| (rows[*at].anchor, *at));
    for same in places.chunk_by(|left, right| rows[*left].anchor == rows[*right].anchor) {
        let [first, others @ ..] = same else { continue };
        if others.iter().all(|at| rows[*at].content == rows[*first].content) {
            found.identical += others.len();
            dropped.extend_from_slice(others);
        } else {
            found.contradicting.push(same.iter().map(|at| rows[*at]).collect());
            dropped.extend_from_slice(same);
        }
    }
}
