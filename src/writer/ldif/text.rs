//! Lines of LDIF (RFC 2849): safe text as it stands, anything else in base64, long lines folded.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Where a line is folded. RFC 2849 note 2 leaves the column free; 76 is what every tool writes, and fits a screen.
pub(super) const COLUMNS_MAX: usize = 76;

/// Appends `name: value`, or `name:: base64` where the value cannot stand as it is.
///
/// `name` is one of ours, or has been checked to be the name of an attribute.
pub(super) fn line(out: &mut String, name: &str, value: &str) {
    let line = if value.is_empty() {
        format!("{name}:")
    } else if is_safe(value) {
        format!("{name}: {value}")
    } else {
        format!("{name}:: {}", STANDARD.encode(value))
    };
    fold(out, &line);
}

/// Appends a comment, wrapped between its words. Each of its lines is a comment of its own, because some readers
/// do not fold comments.
pub(super) fn comment(out: &mut String, words: &str) {
    let mut column = 0;
    for word in words.split_ascii_whitespace() {
        if column > 0 && column + 1 + word.len() <= COLUMNS_MAX {
            out.push(' ');
            column += 1 + word.len();
        } else {
            if column > 0 {
                out.push('\n');
            }
            out.push_str("# ");
            column = 2 + word.len();
        }
        out.push_str(word);
    }
    if column > 0 {
        out.push('\n');
    }
}

/// Whether the value may stand as it is: a SAFE-STRING (RFC 2849) that also does not end in a space (note 8).
///
/// Control characters other than NUL, CR and LF would be allowed; they are encoded all the same, because these
/// files are read on terminals.
fn is_safe(value: &str) -> bool {
    let all_are_safe = value.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_control());
    all_are_safe && !value.starts_with([' ', ':', '<']) && !value.ends_with(' ')
}

/// Appends a line of ASCII, folded: what goes on begins with one space.
fn fold(out: &mut String, line: &str) {
    let (first, mut rest) = line.split_at(line.len().min(COLUMNS_MAX));
    out.push_str(first);
    while !rest.is_empty() {
        let (next, after) = rest.split_at(rest.len().min(COLUMNS_MAX - 1));
        out.push_str("\n ");
        out.push_str(next);
        rest = after;
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: &str) {
        let mut out = String::new();
        line(&mut out, "sn", value);
        assert_eq!(out, expected);
    }

    #[test]
    fn a_value_that_may_stand_as_it_is_does() {
        check("Larsen", "sn: Larsen\n");
        check("a: b <c> # d", "sn: a: b <c> # d\n");
    }

    #[test]
    fn a_value_that_may_not_is_written_in_base64() {
        check(" x", "sn:: IHg=\n");
        check(":x", "sn:: Ong=\n");
        check("<x", "sn:: PHg=\n");
        check("x ", "sn:: eCA=\n");
        check("x\ny", "sn:: eAp5\n");
        check("Łódź", "sn:: xYHDs2TFug==\n");
    }

    #[test]
    fn a_long_line_is_folded_at_76_columns() {
        check(&"x".repeat(72), &format!("sn: {}\n", "x".repeat(72)));
        check(&"x".repeat(73), &format!("sn: {}\n x\n", "x".repeat(72)));
        check(&"x".repeat(148), &format!("sn: {}\n {}\n x\n", "x".repeat(72), "x".repeat(75)));
    }

    #[test]
    fn a_comment_is_wrapped_between_its_words() {
        let mut out = String::new();
        comment(&mut out, &"word ".repeat(20));
        assert_eq!(out, format!("# {}\n# {}\n", ["word"; 15].join(" "), ["word"; 5].join(" ")));
    }
}
