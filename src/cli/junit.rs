//! Results of tests as JUnit XML, which build servers read.

use std::fmt::Write as _;

use super::test::failure_lines;
use crate::proof::Proof;

/// One suite a job file, one case a test.
pub(super) fn document(suites: &[(String, Vec<Proof>)]) -> String {
    let (tests, failures) = counts(suites.iter().flat_map(|(_, proofs)| proofs));
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a String cannot fail.
    let _ = writeln!(out, "<testsuites name=\"muster\" tests=\"{tests}\" failures=\"{failures}\">");
    for (file, proofs) in suites {
        let (tests, failures) = counts(proofs.iter());
        let name = escaped(file);
        let _ = writeln!(out, "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\">");
        proofs.iter().for_each(|proof| push_case(&mut out, &name, proof));
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn counts<'a>(proofs: impl Iterator<Item = &'a Proof>) -> (usize, usize) {
    proofs.fold((0, 0), |(tests, failures), proof| (tests + 1, failures + usize::from(!proof.passes())))
}

fn push_case(out: &mut String, suite: &str, proof: &Proof) {
    let name = escaped(&proof.name);
    let _ = write!(out, "    <testcase classname=\"{suite}\" name=\"{name}\"");
    let Some(first) = proof.differences.first() else {
        out.push_str("/>\n");
        return;
    };
    let message = escaped(&format!("{}: expected {}, got {}", first.of, first.expected, first.got));
    let lines = escaped(&failure_lines(proof)[1..].join("\n"));
    let _ = writeln!(out, ">\n      <failure message=\"{message}\">{lines}</failure>\n    </testcase>");
}

/// A text as it may stand in an attribute or an element. What XML 1.0 §2.2 has no character for becomes U+FFFD.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn a_name_cannot_leave_its_quotes() {
        assert_eq!(escaped("\"><x a='&'\u{1b}[2J"), "&quot;&gt;&lt;x a='&amp;'\u{FFFD}[2J");
    }
}
