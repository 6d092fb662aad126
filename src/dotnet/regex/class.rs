//! Classes of characters, `[…]`: ranges, negation, and .NET's subtraction, `[a-z-[aeiou]]`.

use super::DEPTH_MAX;
use super::cursor::{Cursor, push_literal};
use super::unicode;
use crate::model::Diagnostic;

/// One thing between the brackets.
enum Item {
    Character(char),
    /// A class by name, as the engine below writes it.
    Set(String),
}

/// Reads a class whose `[` was read.
pub(super) fn class(cursor: &mut Cursor<'_>, depth: usize) -> Result<String, Diagnostic> {
    let open = cursor.at - 1;
    if depth > DEPTH_MAX {
        return Err(Diagnostic::new(
            format!("classes are nested deeper than {DEPTH_MAX}"),
            open..cursor.at,
            "too deep",
        ));
    }
    let mut out = String::from(if cursor.eat('^') { "[^" } else { "[" });
    let mut is_first = true;
    loop {
        let rest = cursor.rest();
        if rest.is_empty() {
            return Err(unclosed(open));
        }
        if !is_first && cursor.eat(']') {
            out.push(']');
            return Ok(out);
        }
        if !is_first && rest.starts_with("-[") {
            cursor.at += 1;
            return subtraction(cursor, out, open, depth);
        }
        is_first = false;
        let start = cursor.at;
        match item(cursor, open)? {
            Item::Set(set) => out.push_str(&set),
            Item::Character(from) if begins_range(cursor) => {
                push_literal(&mut out, from);
                if cursor.rest().starts_with("-[") {
                    continue;
                }
                cursor.at += 1;
                range(cursor, &mut out, from, start)?;
            }
            Item::Character(alone) => push_literal(&mut out, alone),
        }
    }
}

/// A `-` that does not close the class makes a range of what stands on both sides.
fn begins_range(cursor: &Cursor<'_>) -> bool {
    let mut ahead = cursor.rest().chars();
    ahead.next() == Some('-') && ahead.next().is_some_and(|next| next != ']')
}

/// Reads the other end of a range that begins at `start`.
fn range(cursor: &mut Cursor<'_>, out: &mut String, from: char, start: usize) -> Result<(), Diagnostic> {
    match item(cursor, start)? {
        Item::Character(to) if to < from => {
            Err(Diagnostic::new(format!("the range `{from}-{to}` runs backwards"), start..cursor.at, "turn it round"))
        }
        Item::Character(to) => {
            out.push('-');
            push_literal(out, to);
            Ok(())
        }
        Item::Set(_) => Err(Diagnostic::new("a range ends with a class", start..cursor.at, "not a character")
            .with_hint("a `-` that stands for itself comes first, or is written `\\-`")),
    }
}

/// Reads the class that is taken away, and the end of the one it is taken from.
fn subtraction(cursor: &mut Cursor<'_>, base: String, open: usize, depth: usize) -> Result<String, Diagnostic> {
    cursor.at += 1;
    let taken = class(cursor, depth + 1)?;
    let end = cursor.at;
    if !cursor.eat(']') {
        if cursor.rest().is_empty() {
            return Err(unclosed(open));
        }
        return Err(Diagnostic::new("a class goes on behind what is taken from it", end..end, "expected `]`")
            .with_hint("the subtraction stands last: `[a-z0-9-[aeiou]]`"));
    }
    Ok(format!("[{base}]--{taken}]"))
}

fn item(cursor: &mut Cursor<'_>, open: usize) -> Result<Item, Diagnostic> {
    let start = cursor.at;
    let Some(c) = cursor.next() else { return Err(unclosed(open)) };
    match c {
        '[' if is_posix(cursor.rest()) => {
            Err(Diagnostic::new("`[:…:]` is not known to .NET", start..cursor.at, "means nothing here")
                .with_hint("write `\\d`, `\\w`, `\\s` or `\\p{L}`; a bracket before a colon is written `\\[`"))
        }
        '\\' => escape(cursor),
        plain => Ok(Item::Character(plain)),
    }
}

fn is_posix(rest: &str) -> bool {
    let name =
        rest.strip_prefix(':').map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '^'));
    name.is_some_and(|rest| rest.starts_with(":]"))
}

fn escape(cursor: &mut Cursor<'_>) -> Result<Item, Diagnostic> {
    let Some(escape) = cursor.peek() else { return cursor.escaped_character(true).map(Item::Character) };
    let set = match escape {
        'd' | 'D' | 's' | 'S' => format!("\\{escape}"),
        'w' | 'W' => unicode::word(escape == 'W').to_owned(),
        'p' | 'P' => {
            cursor.at += 1;
            return unicode::property(cursor, escape == 'P').map(Item::Set);
        }
        _ => return cursor.escaped_character(true).map(Item::Character),
    };
    cursor.at += 1;
    Ok(Item::Set(set))
}

fn unclosed(open: usize) -> Diagnostic {
    Diagnostic::new("`[` is never closed", open..open + 1, "its `]` is missing")
        .with_hint("a bracket that stands for itself is written `\\[`")
}
