//! What a match is replaced by: text, and parts of the match (`$1`, `${name}`, `$$`, `$&`, `` $` ``, `$'`, `$+`, `$_`).

use std::ops::Range;

use super::{Found, Pattern};
use crate::model::Diagnostic;

/// A replacement that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template<'a> {
    parts: Vec<Part<'a>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part<'a> {
    Text(&'a str),
    Group(usize),
    Before,
    After,
    Everything,
}

/// A piece of what stands in a match's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// From the replacement.
    Replacement(&'a str),
    /// From the text that was searched.
    Searched(&'a str),
}

impl<'a> Template<'a> {
    /// Reads a replacement as .NET does: a `$` before nothing that is known stands for itself.
    pub fn read(text: &'a str, pattern: &Pattern) -> Self {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(dollar) = rest.find('$') {
            let (before, from) = rest.split_at(dollar);
            let (part, length) = substitution(from, pattern).unwrap_or((Part::Text("$"), 1));
            parts.extend([Part::Text(before), part]);
            rest = &from[length..];
        }
        parts.push(Part::Text(rest));
        parts.retain(|part| *part != Part::Text(""));
        Self { parts }
    }

    /// Checks that a replacement which an administrator wrote names no group the pattern lacks.
    ///
    /// # Errors
    /// A [`Diagnostic`] in bytes of `text`. .NET would take the `$` for itself, which nobody means.
    pub fn check(text: &str, pattern: &Pattern) -> Result<(), Diagnostic> {
        let mut at = 0;
        while let Some(dollar) = text[at..].find('$').map(|found| at + found) {
            let from = &text[dollar..];
            match (substitution(from, pattern), reference(from)) {
                (Some((_, length)), _) => at = dollar + length,
                (None, Some((name, length))) => return Err(no_group(name, dollar..dollar + length, pattern)),
                (None, None) => at = dollar + 1,
            }
        }
        Ok(())
    }

    /// The pieces that stand in a match's place.
    pub fn pieces<'t>(&'t self, text: &'t str, found: &'t Found) -> impl Iterator<Item = Piece<'t>> {
        self.parts.iter().map(move |part| match part {
            Part::Text(own) => Piece::Replacement(own),
            Part::Group(group) => Piece::Searched(found.group(*group).map_or("", |span| &text[span])),
            Part::Before => Piece::Searched(&text[..found.whole().start]),
            Part::After => Piece::Searched(&text[found.whole().end..]),
            Part::Everything => Piece::Searched(text),
        })
    }
}

fn no_group(name: &str, span: Range<usize>, pattern: &Pattern) -> Diagnostic {
    let names: Vec<&str> = pattern.group_names().collect();
    let known = if names.is_empty() { String::new() } else { format!("it has {}; ", names.join(", ")) };
    Diagnostic::new(format!("the pattern has no group `{name}`"), span, "no such group")
        .with_hint(format!("{known}a dollar sign itself is written `$$`"))
}

/// What a text that begins with `$` stands for, and how long it is.
fn substitution<'a>(from: &str, pattern: &Pattern) -> Option<(Part<'a>, usize)> {
    let simple = match from.as_bytes().get(1)? {
        b'$' => Part::Text("$"),
        b'&' => Part::Group(0),
        b'`' => Part::Before,
        b'\'' => Part::After,
        b'_' => Part::Everything,
        b'+' => Part::Group(pattern.groups.last()),
        _ => {
            let (name, length) = reference(from)?;
            return Some((Part::Group(pattern.group(name)?), length));
        }
    };
    Some((simple, 2))
}

/// The name in `$1` or `${name}`, and how long it is with its signs.
fn reference(from: &str) -> Option<(&str, usize)> {
    let rest = from.strip_prefix('$')?;
    if let Some(braced) = rest.strip_prefix('{') {
        let name = &braced[..braced.find('}')?];
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
        return is_name.then_some((name, name.len() + 3));
    }
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    (digits > 0).then(|| (&rest[..digits], digits + 1))
}
