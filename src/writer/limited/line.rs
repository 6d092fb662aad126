//! The lines of the log of damage: JSON, one object a line, each with its version.

use serde::{Deserialize, Serialize};

use crate::model::{Damage, Timestamp};

/// The version of every line.
const VERSION: u32 = 1;

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Line {
    version: u32,
    /// RFC 3339, by the machine's clock.
    at: String,
    /// What it says.
    pub(super) what: What,
}

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) enum What {
    /// The log begins: nothing is known of before.
    Begun {
        /// Who began it.
        by: By,
        /// What was the matter with the one before.
        why: String,
    },
    /// A person has said that nothing need be known of before.
    Vouched,
    /// This is about to be done to an account.
    Counted {
        /// What.
        damage: DamageWord,
        /// Which account.
        object: String,
        /// Whose.
        anchor: String,
    },
    /// The newest such was not done after all.
    Returned {
        /// What.
        damage: DamageWord,
        /// Which account.
        object: String,
    },
}

/// Who began a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum By {
    /// The agent, because there was none: it knows nothing of the hour before.
    Agent,
    /// A person, who answers for the hour before.
    Person,
}

/// A [`Damage`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum DamageWord {
    /// [`Damage::Disable`].
    Disable,
    /// [`Damage::Delete`].
    Delete,
    /// [`Damage::Move`].
    Move,
    /// [`Damage::Leave`].
    Leave,
}

impl From<Damage> for DamageWord {
    fn from(damage: Damage) -> Self {
        match damage {
            Damage::Disable => Self::Disable,
            Damage::Delete => Self::Delete,
            Damage::Move => Self::Move,
            Damage::Leave => Self::Leave,
        }
    }
}

impl From<DamageWord> for Damage {
    fn from(word: DamageWord) -> Self {
        match word {
            DamageWord::Disable => Self::Disable,
            DamageWord::Delete => Self::Delete,
            DamageWord::Move => Self::Move,
            DamageWord::Leave => Self::Leave,
        }
    }
}

impl Line {
    /// What is said at `at`.
    pub(super) fn new(at: Timestamp, what: What) -> Self {
        Self { version: VERSION, at: at.to_string(), what }
    }

    /// As it stands in the file, with its line break.
    pub(super) fn text(&self) -> String {
        // Texts and words alone: nothing in it can fail to be written.
        let mut text = serde_json::to_string(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Reads a line; `None` where it is none of ours, or of another version.
    pub(super) fn read(text: &str) -> Option<Self> {
        let line: Self = serde_json::from_str(text).ok()?;
        (line.version == VERSION && line.at().is_some()).then_some(line)
    }

    /// When it was said.
    pub(super) fn at(&self) -> Option<Timestamp> {
        self.at.parse::<jiff::Timestamp>().ok().map(|at| Timestamp(at.as_millisecond()))
    }
}
