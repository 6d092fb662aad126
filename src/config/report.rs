//! What is wrong with a job file, all of it at once, with file, line and the place underlined.

use std::fmt;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::blot::blotted;
use crate::model::{Diagnostic, Span};

/// How wide a report is drawn. Wider lines are cut around the place that is meant.
const REPORT_COLUMNS: usize = 120;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The job cannot be used.
    Error,
    /// The job can be used, but something in it has no effect.
    Warning,
}

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How much it weighs.
    pub severity: Severity,
    /// What, where in the file, and what to try.
    pub diagnostic: Diagnostic,
    /// Another place that has to do with it, and how.
    pub beside: Option<(Span, String)>,
}

impl Severity {
    /// The word for it, for machines.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// All that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    name: String,
    /// The file, with secrets blotted out.
    text: String,
    findings: Vec<Finding>,
}

impl Report {
    /// A report on the file called `name`; what was found is put in the order of the file.
    pub fn new(name: &str, text: &str, mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| finding.diagnostic.span.start);
        Self { name: name.to_owned(), text: blotted(text), findings }
    }

    /// A report on one mistake in a text that is no job file, such as an expression.
    pub fn of_mistake(name: &str, text: &str, diagnostic: Diagnostic) -> Self {
        let finding = Finding { severity: Severity::Error, diagnostic, beside: None };
        Self { name: name.to_owned(), text: text.to_owned(), findings: vec![finding] }
    }

    /// A report on a file that could not be read, and what to try.
    pub fn unreadable(name: &str, why: &str, hint: &str) -> Self {
        let diagnostic = Diagnostic::new(format!("{name} cannot be read: {why}"), 0..0, "").with_hint(hint);
        let finding = Finding { severity: Severity::Error, diagnostic, beside: None };
        Self { name: name.to_owned(), text: String::new(), findings: vec![finding] }
    }

    /// What was found, in the order of the file.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Whether anything in it makes the file useless.
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// The line and the column of a byte of the file, both from 1; columns count characters.
    pub fn position(&self, byte: usize) -> (usize, usize) {
        let before = &self.text[..floor(&self.text, byte)];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// The report for people; `in_colour` where a terminal shows it.
    pub fn render(&self, in_colour: bool) -> String {
        let renderer = if in_colour { Renderer::styled() } else { Renderer::plain() }.term_width(REPORT_COLUMNS);
        let drawn: Vec<String> = self.findings.iter().map(|finding| self.draw(&renderer, finding)).collect();
        drawn.join("\n\n")
    }

    fn draw(&self, renderer: &Renderer, finding: &Finding) -> String {
        let level = match finding.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let diagnostic = &finding.diagnostic;
        let mut group = Group::with_title(level.primary_title(diagnostic.message.as_str()));
        if !self.text.is_empty() {
            group = group.element(self.snippet(finding));
        }
        if let Some(hint) = &diagnostic.hint {
            group = group.element(Level::HELP.message(hint.as_str()));
        }
        renderer.render(&[group])
    }

    fn snippet<'a>(&'a self, finding: &'a Finding) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
        let mut primary = AnnotationKind::Primary.span(self.inside(&finding.diagnostic.span));
        if !finding.diagnostic.label.is_empty() {
            primary = primary.label(finding.diagnostic.label.as_str());
        }
        let beside = finding
            .beside
            .iter()
            .map(|(span, label)| AnnotationKind::Context.span(self.inside(span)).label(label.as_str()));
        Snippet::source(self.text.as_str()).path(self.name.as_str()).annotation(primary).annotations(beside)
    }

    /// The span, cut to the first line it touches: a table of forty lines is not underlined as a whole.
    fn inside(&self, span: &Span) -> Span {
        let start = floor(&self.text, span.start);
        let rest = &self.text[start..];
        let line = rest
            .find('\n')
            .map_or(rest.len(), |at| if at > 0 && rest.as_bytes()[at - 1] == b'\r' { at - 1 } else { at });
        start..floor(&self.text, span.end.min(start + line)).max(start)
    }
}

/// The last place at or before `at` where a character begins.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Without colour.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Report {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_read_has_no_place() {
        let report = Report::unreadable("job.toml", "no such file", "look");
        assert_eq!(report.to_string(), "error: job.toml cannot be read: no such file\n |\n = help: look");
        assert!(report.has_errors());
    }
}
