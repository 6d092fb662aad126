//! Job files and Graph's synchronization schemas: one from the other.
//!
//! A schema says what is mapped, and little else. So the whole job file stands in the schema's metadata; where the
//! schema still says what that file says, the file is believed, and where somebody changed the schema, the schema is.

mod attribute;
mod directory;
mod import;
mod layout;
mod names;
mod parts;
mod probe;
mod rule;
mod scope;

use super::meant::JobMeant;
use super::report::Report;
use crate::graph_schema::{Loss, Schema, Unreadable, export};

pub use import::import_schema;

/// Hexadecimal digits of a schema's version: enough to tell two apart.
const VERSION_DIGITS: usize = 16;

/// A job file that was made from a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The file. It is sound.
    pub text: String,
    /// What of the schema has no counterpart in it.
    pub losses: Vec<Loss>,
}

/// Why a schema gives no job file.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is none.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// It brings nobody to a directory that muster writes.
    #[error("nothing in this schema brings people to Microsoft Entra ID or to an Active Directory")]
    Nothing {
        /// What it has instead.
        losses: Vec<Loss>,
    },
    /// What came of it is not sound.
    #[error("the job file that would come of this schema is not sound")]
    Unsound {
        /// Why.
        report: Box<Report>,
        /// What was left out before.
        losses: Vec<Loss>,
    },
}

impl JobMeant {
    /// The job as Graph's synchronization schema; [`import_schema`] gives the same job again.
    pub fn schema(&self) -> Schema {
        let targets = self.job.targets.iter().map(|target| target.id.to_string()).collect();
        self.schema_alone().keeping(layout::bare(&self.table(), targets))
    }

    /// The file, without comments and layout.
    fn table(&self) -> toml::Table {
        self.text.parse().unwrap_or_default()
    }

    /// What the job says in Graph's own words.
    fn schema_alone(&self) -> Schema {
        let version: String = self.hash.iter().map(|byte| format!("{byte:02x}")).collect();
        export(&self.job, &self.declared, &version[..VERSION_DIGITS])
    }
}

#[cfg(test)]
mod tests;
