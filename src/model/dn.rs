//! Distinguished names (RFC 4514): where in a directory something stands.

use std::fmt;

/// A distinguished name that reads as one: `OU=Staff,DC=contoso,DC=com`.
///
/// Its text is kept as it was written; two are equal when their texts are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dn(String);

/// Why a text is no distinguished name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DnError {
    /// Nothing in it.
    #[error("the distinguished name is empty")]
    Empty,
    /// A part without `=`, or with nothing on one side of it.
    #[error("`{0}` is not of the form NAME=value")]
    Part(String),
    /// A character that must be escaped stands bare.
    #[error("`{0}` must be escaped in a distinguished name")]
    Bare(char),
    /// A `\` with nothing to escape behind it.
    #[error("the distinguished name ends in the middle of an escape")]
    HalfEscape,
}

impl Dn {
    /// Reads a distinguished name.
    ///
    /// # Errors
    /// [`DnError`] says which part is wrong. Nothing is mended.
    pub fn parse(text: &str) -> Result<Self, DnError> {
        if text.is_empty() {
            return Err(DnError::Empty);
        }
        for part in split_parts(text)? {
            check_part(part)?;
        }
        Ok(Self(text.to_owned()))
    }

    /// The entry called `value` (of attribute `name`, e.g. `CN`) inside this one; the value is escaped.
    pub fn child(&self, name: &str, value: &str) -> Self {
        Self(format!("{name}={},{}", escape_rdn_value(value), self.0))
    }

    /// The first part (`CN=Anna`), escapes and all, and the rest; `None` where it has one part only.
    pub fn split_first(&self) -> Option<(&str, Dn)> {
        let parts = split_parts(&self.0).ok()?;
        let first = parts.first()?;
        let rest = self.0.get(first.len() + 1..)?;
        Some((first, Self(rest.to_owned())))
    }

    /// The value of a part, counted from 0 at the left, its escapes undone; `None` where there are not so many.
    pub fn value_at(&self, part: usize) -> Option<String> {
        let parts = split_parts(&self.0).ok()?;
        let (_, value) = parts.get(part)?.split_once('=')?;
        Some(unescaped(value))
    }

    /// Whether both name the same entry: case, and blanks around commas and `=`, do not tell entries apart
    /// (RFC 4517 §4.2.15, for attributes that ignore case, as those of containers do).
    pub fn names_same_entry(&self, other: &Self) -> bool {
        match (split_parts(&self.0), split_parts(&other.0)) {
            (Ok(left), Ok(right)) => {
                left.len() == right.len() && left.iter().zip(&right).all(|(left, right)| is_same_part(left, right))
            }
            _ => self == other,
        }
    }

    /// Whether this stands in `container`, at any depth; nothing stands in itself. Compared part by part, as entries are.
    pub fn stands_in(&self, container: &Self) -> bool {
        match (split_parts(&self.0), split_parts(&container.0)) {
            (Ok(parts), Ok(above)) if parts.len() > above.len() => {
                parts.iter().rev().zip(above.iter().rev()).all(|(left, right)| is_same_part(left, right))
            }
            _ => false,
        }
    }

    /// One text for all ways to write the name of this entry.
    pub fn folded(&self) -> String {
        let parts = split_parts(&self.0).unwrap_or_default();
        parts.into_iter().map(|part| format!("{:?}", halves(part))).collect()
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_same_part(left: &str, right: &str) -> bool {
    halves(left) == halves(right)
}

/// Name and value of a part as directories compare them: escapes undone, in lower case, runs of blanks as one.
fn halves(part: &str) -> Option<(String, String)> {
    let (name, value) = part.split_once('=')?;
    let value = unescaped(value).to_lowercase();
    Some((name.trim().to_ascii_lowercase(), value.split_whitespace().collect::<Vec<_>>().join(" ")))
}

fn split_parts(text: &str) -> Result<Vec<&str>, DnError> {
    let mut parts = Vec::new();
    let mut begin = 0;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b',' => {
                parts.push(&text[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    if escaped {
        return Err(DnError::HalfEscape);
    }
    parts.push(&text[begin..]);
    Ok(parts)
}

/// A value as it is meant (RFC 4514 §3): `\,` is a comma, `\2C` the byte of one; blanks at the ends count if escaped.
fn unescaped(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut kept = 0;
    let mut rest = value.trim_start().as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let (byte, taken) = match (first, after) {
            (b'\\', [high, low, ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                (hex_digit(*high) << 4 | hex_digit(*low), 3)
            }
            (b'\\', [escaped, ..]) => (*escaped, 2),
            _ => (*first, 1),
        };
        bytes.push(byte);
        if taken > 1 || byte != b' ' {
            kept = bytes.len();
        }
        rest = &rest[taken..];
    }
    bytes.truncate(kept);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The value of a hexadecimal digit.
fn hex_digit(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

fn check_part(part: &str) -> Result<(), DnError> {
    let (name, value) = part.split_once('=').ok_or_else(|| DnError::Part(part.to_owned()))?;
    let name_is_good = name.trim().starts_with(|c: char| c.is_ascii_alphabetic())
        && name.trim().chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.');
    if !name_is_good || value.trim().is_empty() {
        return Err(DnError::Part(part.to_owned()));
    }
    let mut escaped = false;
    for c in value.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' | '+' | ';' | '<' | '>' | '\0' => return Err(DnError::Bare(c)),
            _ => {}
        }
    }
    Ok(())
}

/// Escapes a value for a distinguished name (RFC 4514 §2.4).
pub fn escape_rdn_value(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    let last = value.chars().count().saturating_sub(1);
    for (at, c) in value.chars().enumerate() {
        match c {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' | '=' => {
                escaped.push('\\');
                escaped.push(c);
            }
            '#' | ' ' if at == 0 => {
                escaped.push('\\');
                escaped.push(c);
            }
            ' ' if at == last => escaped.push_str("\\ "),
            c if c.is_control() => {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    escaped.push_str(&format!("\\{byte:02X}"));
                }
            }
            c => escaped.push(c),
        }
    }
    escaped
}

impl fmt::Display for Dn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_of_a_part_is_as_it_is_meant() {
        let dn = Dn::parse(r"CN=Doe\, Anna\ ,OU= R\26D \C3\A9,DC=x").unwrap();
        let values: Vec<_> = (0..4).map(|part| dn.value_at(part)).collect();
        let expected = [Some("Doe, Anna "), Some("R&D é"), Some("x"), None];
        assert_eq!(values, expected.map(|value| value.map(str::to_owned)));
    }

    #[test]
    fn a_name_inside_a_container_cannot_climb_out_of_it() {
        let staff = Dn::parse("OU=Staff,DC=contoso,DC=com").unwrap();
        let child = staff.child("CN", "Eve,OU=Admins");
        assert_eq!(child.as_str(), "CN=Eve\\,OU\\=Admins,OU=Staff,DC=contoso,DC=com");
        assert_eq!(child.split_first().unwrap().1, staff);
    }

    #[test]
    fn what_is_not_a_distinguished_name_is_refused_with_the_part_named() {
        assert_eq!(Dn::parse(""), Err(DnError::Empty));
        assert_eq!(Dn::parse("Staff,DC=com"), Err(DnError::Part("Staff".into())));
        assert_eq!(Dn::parse("OU=,DC=com"), Err(DnError::Part("OU=".into())));
        assert_eq!(Dn::parse("OU=a;b"), Err(DnError::Bare(';')));
        assert_eq!(Dn::parse("OU=a\\"), Err(DnError::HalfEscape));
    }

    #[test]
    fn case_and_blanks_do_not_tell_entries_apart() {
        let same = |left: &str, right: &str| Dn::parse(left).unwrap().names_same_entry(&Dn::parse(right).unwrap());
        assert!(same("OU=Staff,DC=contoso", "ou=staff, dc = Contoso"));
        assert!(!same("OU=Staff,DC=contoso", "OU=Staff"));
        assert!(!same("OU=Staff,DC=contoso", "OU=Guests,DC=contoso"));
    }

    #[test]
    fn what_stands_in_a_container_is_told_part_by_part() {
        let is_in = |dn: &str, container: &str| Dn::parse(dn).unwrap().stands_in(&Dn::parse(container).unwrap());
        assert!(is_in("CN=Anna,OU=Sales,ou=people, dc=x", "OU=People,DC=x"));
        assert!(is_in(r"CN=Anna,OU=R\26D,DC=x", "OU=R&D,DC=x"));
        assert!(!is_in("OU=People,DC=x", "OU=People,DC=x"));
        assert!(!is_in("CN=Anna,OU=People2,DC=x", "OU=People,DC=x"));
        assert!(!is_in(r"CN=Anna\,OU=People,DC=x", "OU=People,DC=x"));
        assert!(!is_in("CN=Anna,OU=People,DC=y", "OU=People,DC=x"));
    }

    #[test]
    fn edges_are_escaped() {
        assert_eq!(escape_rdn_value(" #x "), "\\ #x\\ ");
        assert_eq!(escape_rdn_value("#x"), "\\#x");
        assert_eq!(escape_rdn_value("a\0b"), "a\\00b");
    }
}
