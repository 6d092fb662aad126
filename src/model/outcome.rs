//! How an operation ended, and why (promise 2).

use std::borrow::Cow;
use std::fmt;

use super::OperationId;

/// How an accepted operation ended: always in exactly one of these.
///
/// *Held*, and *failed* that is tried again, may later be replaced; the history stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Written to the target.
    Applied,
    /// Nothing had to be written.
    Unchanged,
    /// A later operation's write carried it.
    Superseded {
        /// That operation.
        by: OperationId,
    },
    /// Rightly not carried.
    Skipped(Reason),
    /// Not carried until somebody has looked, or something has come.
    Held(Reason),
    /// Not carried, because it could not be.
    Failed(Reason),
}

impl Outcome {
    /// The word for it in tables, logs and answers.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unchanged => "unchanged",
            Self::Superseded { .. } => "superseded",
            Self::Skipped(_) => "skipped",
            Self::Held(_) => "held",
            Self::Failed(_) => "failed",
        }
    }

    /// Why, where there is something to say.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Skipped(reason) | Self::Held(reason) | Self::Failed(reason) => Some(reason),
            Self::Applied | Self::Unchanged | Self::Superseded { .. } => None,
        }
    }
}

/// What the codes of all that an agent's own limits withhold begin with.
pub const AGENT_LIMIT: &str = "agent_limit_";

/// Why something was skipped, held or failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// A stable word that machines may branch on, e.g. `no_rule_spoke`.
    pub code: Cow<'static, str>,
    /// A sentence for a person: what, and what to do. Never a secret.
    pub detail: String,
}

impl Reason {
    /// A reason with a sentence.
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code: Cow::Borrowed(code), detail: detail.into() }
    }

    /// Whether an agent's own limits withhold it: nothing was tried, and what is asked for next need not wait.
    pub fn is_withheld(&self) -> bool {
        self.code.starts_with(AGENT_LIMIT)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}
