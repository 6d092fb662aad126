//! Where findings are put while a job file is checked.

use super::report::{Finding, Severity};
use crate::model::{Diagnostic, Span};

/// What has been found so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    list: Vec<Finding>,
}

impl Findings {
    /// Something that makes the job useless.
    pub(super) fn error(&mut self, diagnostic: Diagnostic) {
        self.list.push(Finding { severity: Severity::Error, diagnostic, beside: None });
    }

    /// The same, where another place has to do with it.
    pub(super) fn error_beside(&mut self, diagnostic: Diagnostic, place: Span, label: &str) {
        let beside = Some((place, label.to_owned()));
        self.list.push(Finding { severity: Severity::Error, diagnostic, beside });
    }

    /// Something that has no effect, or probably not the one that was meant.
    pub(super) fn warning(&mut self, diagnostic: Diagnostic) {
        self.list.push(Finding { severity: Severity::Warning, diagnostic, beside: None });
    }

    /// Whether any of them makes the job useless.
    pub(super) fn has_errors(&self) -> bool {
        self.list.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// All of them.
    pub(super) fn into_list(self) -> Vec<Finding> {
        self.list
    }
}
