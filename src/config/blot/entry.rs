//! Entries of a mapping whose `to` holds a password: whatever is written there is blotted out.
//!
//! It reads no more of TOML than which `name = value` stand in one table. A text that a broken quote leaves open ends
//! with its line, as TOML has it, and what stands on that line beside a password's name is blotted out.

use std::collections::HashSet;
use std::ops::Range;

use super::{DIRECTORY_PASSWORDS, PASSWORD_LENGTH, SECRET_WORDS};

/// Another word in the names of passwords (`unicodePwd`, `ntPwdHistory`).
const SHORT_FOR_PASSWORD: &str = "pwd";
/// How passwords are to be treated is no secret (a property of Graph).
const NO_SECRET: &str = "passwordpolicies";
/// Settings of an entry that say where a value goes and when, not what it is.
const SHOWN: [&str; 6] = ["to", "direct", "apply", "match", "unique_in", "flow_null"];

/// What is to be blotted out, as places in the text.
pub(super) fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut reader = Reader::of(text);
    reader.read();
    let holds_password = |assigned: &Assigned| match text[assigned.value.clone()].trim() {
        value if assigned.name == "to" => names_password(value),
        value => DIRECTORY_PASSWORDS.iter().any(|name| unquoted(value).eq_ignore_ascii_case(name)),
    };
    let secret: HashSet<usize> =
        reader.assigned.iter().filter(|assigned| holds_password(assigned)).map(|assigned| assigned.table).collect();
    let is_hidden = |assigned: &&Assigned| secret.contains(&assigned.table) && !SHOWN.contains(&assigned.name);
    let hidden = reader.assigned.iter().filter(is_hidden).map(|assigned| assigned.value.clone());
    let over_lines = reader.assigned.iter().filter_map(|assigned| over_lines(text, assigned));
    reader.broken.iter().cloned().chain(hidden).chain(over_lines).collect()
}

/// What a secret's name is given on the lines behind its own: a list, a table, or whatever stands there in its place.
fn over_lines(text: &str, assigned: &Assigned) -> Option<Range<usize>> {
    let name = assigned.name.to_ascii_lowercase();
    if name == PASSWORD_LENGTH || !SECRET_WORDS.iter().any(|word| name.contains(word)) {
        return None;
    }
    let Range { start, end } = assigned.value;
    let value = text[start..end].split('#').next().unwrap_or_default().trim_start();
    if value.starts_with(['{', '[']) {
        return text[start..end].contains('\n').then_some(start..end);
    }
    let behind = &text[end..];
    let next = behind.len() - behind.trim_start().len();
    let line = behind[next..].lines().next().unwrap_or_default();
    let is_another = line.starts_with('[') || (line.contains('=') && !line.starts_with(['"', '\'']));
    (value.is_empty() && !is_another).then(|| end + next..end + next + line.len())
}

/// Whether it is the name of something that holds a password.
pub(in crate::config) fn names_password(text: &str) -> bool {
    let folded = text.to_ascii_lowercase().replace(NO_SECRET, "");
    SECRET_WORDS.iter().chain([&SHORT_FOR_PASSWORD]).any(|word| folded.contains(word))
}

fn unquoted(text: &str) -> &str {
    text.trim_matches(|c| c == '"' || c == '\'')
}

/// One `name = value`.
struct Assigned<'a> {
    /// The last part of its name.
    name: &'a str,
    value: Range<usize>,
    /// The number of the table it stands in.
    table: usize,
}

/// What is open: the table of a heading, a table in braces, or a list.
struct Open<'a> {
    /// The table's number; `None` for a list.
    table: Option<usize>,
    in_braces: bool,
    /// The name whose value is being read, and where that begins.
    name: Option<(&'a str, usize)>,
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// Where the next name may begin.
    since: usize,
    tables: usize,
    open: Vec<Open<'a>>,
    assigned: Vec<Assigned<'a>>,
    broken: Vec<Range<usize>>,
}

impl<'a> Reader<'a> {
    fn of(text: &'a str) -> Self {
        let whole = Open { table: Some(0), in_braces: false, name: None };
        Self { text, at: 0, since: 0, tables: 1, open: vec![whole], assigned: Vec::new(), broken: Vec::new() }
    }

    /// Ends with the text: every step goes on by a byte at least.
    fn read(&mut self) {
        while let Some(byte) = self.text.as_bytes().get(self.at) {
            match byte {
                b'#' => self.at = self.line_end(),
                b'"' | b'\'' => self.pass_string(),
                _ => {
                    if byte.is_ascii() {
                        self.mark(*byte);
                    }
                    self.at += 1;
                }
            }
        }
        self.close_all();
    }

    fn mark(&mut self, byte: u8) {
        let text = self.text;
        let before = text[self.since..self.at].trim();
        let Some((in_list, in_braces)) = self.open.last().map(|open| (open.table.is_none(), open.in_braces)) else {
            return;
        };
        match byte {
            b'=' if !in_list => self.name_value(before),
            b'[' if before.is_empty() && self.is_heading() => {
                self.close_all();
                self.open_table(false);
                self.at = self.line_end() - 1;
            }
            b'[' => self.open.push(Open { table: None, in_braces: false, name: None }),
            b'{' => self.open_table(true),
            b']' if in_list => drop(self.open.pop()),
            b'}' => self.close_braces(),
            b',' => self.close_value(),
            b'\n' if !in_list && !in_braces => self.close_value(),
            _ => {}
        }
        if matches!(byte, b'{' | b',' | b'\n' | b'[') {
            self.since = self.at + 1;
        }
    }

    /// Whether the line is a table's heading; in lists, lines begin and end with brackets, too, but hold values.
    fn is_heading(&self) -> bool {
        let begin = self.text[..self.at].rfind('\n').map_or(0, |at| at + 1);
        let line = &self.text[begin..self.line_end()];
        let line = line.split('#').next().unwrap_or_default().trim();
        let named = line.trim_matches(|c| c == '[' || c == ']');
        let is_name = |c: char| c.is_ascii_alphanumeric() || "_-.\"' ".contains(c);
        self.text[begin..self.at].trim().is_empty() && line.ends_with(']') && named.chars().all(is_name)
    }

    fn open_table(&mut self, in_braces: bool) {
        self.open.push(Open { table: Some(self.tables), in_braces, name: None });
        self.tables += 1;
    }

    fn name_value(&mut self, before: &'a str) {
        let name = before.rsplit('.').next().unwrap_or_default();
        if let Some(open) = self.open.last_mut() {
            open.name.get_or_insert((unquoted(name.trim()), self.at + 1));
        }
    }

    fn close_value(&mut self) {
        if let Some(Open { table: Some(table), name, .. }) = self.open.last_mut()
            && let Some((name, begin)) = name.take()
        {
            self.assigned.push(Assigned { name, value: begin..self.at, table: *table });
        }
    }

    fn close_braces(&mut self) {
        if self.open.iter().any(|open| open.in_braces) {
            while self.open.last().is_some_and(|open| !open.in_braces) {
                self.open.pop();
            }
            self.close_value();
            self.open.pop();
        }
    }

    fn close_all(&mut self) {
        while !self.open.is_empty() {
            self.close_value();
            self.open.pop();
        }
    }

    fn line_end(&self) -> usize {
        self.text[self.at..].find('\n').map_or(self.text.len(), |length| self.at + length)
    }

    fn pass_string(&mut self) {
        let rest = &self.text[self.at..];
        let (quote, line_end) = (&rest[..1], self.line_end());
        let thrice = quote.repeat(3);
        let (quotes, end) =
            if rest.starts_with(&thrice) { (thrice.as_str(), self.text.len()) } else { (quote, line_end) };
        let begin = self.at + quotes.len();
        match closing(&self.text[begin..end], quotes) {
            Some(length) => self.at = begin + length,
            None => {
                self.at = end;
                self.pass_broken(line_end);
            }
        }
    }

    /// Of a line with a quote that nobody closed, it cannot be told what is a name and what a value.
    fn pass_broken(&mut self, line_end: usize) {
        let begin = self.text[..line_end].rfind('\n').map_or(0, |at| at + 1);
        let line = &self.text[begin..line_end];
        if let (true, Some(equals)) = (names_password(line), line.find('=')) {
            self.broken.push(begin + equals + 1..line_end);
        }
    }
}

/// Where a string ends, behind its quotes.
fn closing(inside: &str, quotes: &str) -> Option<usize> {
    let mut is_escaped = false;
    let found = inside.char_indices().find(|(at, c)| {
        let ends = !is_escaped && inside[*at..].starts_with(quotes);
        is_escaped = !is_escaped && *c == '\\' && quotes.starts_with('"');
        ends
    });
    found.map(|(at, _)| at + quotes.len())
}
