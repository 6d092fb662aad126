//! Job files: read as they are written, checked as a whole, and handed on as they are meant.
//!
//! Everything that is wrong is found in one go. Nothing here opens a target, and no secret is read by a check.

mod agent;
mod blot;
mod check;
mod finding;
mod form;
mod graph_properties;
mod meant;
mod nearest;
mod queue;
mod report;
mod schema;
mod secret;
mod spot;
mod written;

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;
use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use toml::de::DeTable;

use crate::model::Diagnostic;
use finding::Findings;
use form::Form;
use written::JobWritten;

pub use agent::{AgentMeant, AgentTarget, DirectoryMeant, Reached, agent_schema, check_agent_text, load_agent};
pub(crate) use meant::LDIF;
pub use meant::{Connection, GraphConnection, JobMeant, Limits, ScimConnection, ScimLogin, SourceMeant};
pub use queue::{
    AgentQueueWritten, NatsWritten, QueueFileError, ServerQueueWritten, load_agent_queue, load_server_queue,
};
pub use report::{Finding, Report, Severity};
pub use schema::{ImportError, Imported, import_schema};
pub use secret::{SecretError, SecretSource};

/// Longest job file, in bytes. A thousand rules fit in a tenth of it.
pub const JOB_BYTES_MAX: u64 = 1024 * 1024;

/// Most mistakes of TOML that are told. A file that has more of them is something else, such as an export.
const SYNTAX_ERRORS_MAX: usize = 10;

/// Reads and checks a job file. Relative paths in it are relative to its folder.
///
/// # Errors
/// The [`Report`] of everything that is wrong with it.
pub fn load(path: &Path) -> Result<JobMeant, Report> {
    let name = path.display().to_string();
    let text = read(path).map_err(|unreadable| Report::unreadable(&name, &unreadable.why, unreadable.hint))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    check_in(&name, &text, folder)
}

/// Checks the text of a job file that is called `name`.
///
/// # Errors
/// The [`Report`] of everything that is wrong with it.
pub fn check_text(name: &str, text: &str) -> Result<JobMeant, Report> {
    check_in(name, text, Path::new(""))
}

/// The JSON Schema of job files, for editors.
pub fn job_schema() -> Json {
    let generator = SchemaSettings::draft2020_12().into_generator();
    generator.into_root_schema_for::<JobWritten>().to_value()
}

/// The same without references, to check by.
static FORM: LazyLock<Json> = LazyLock::new(|| {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<JobWritten>().to_value()
});

/// Why there is no text to check, and what to try.
struct Unreadable {
    why: String,
    hint: &'static str,
}

impl Unreadable {
    fn by_the_system(error: &std::io::Error) -> Self {
        let hint = match error.kind() {
            ErrorKind::NotFound => "look at the spelling; a path is taken from the folder in which muster was called",
            ErrorKind::IsADirectory => "this is a folder; name the job file in it",
            ErrorKind::PermissionDenied => "call muster as a user who may read it",
            _ => "look at the disk it is on",
        };
        Self { why: error.to_string(), hint }
    }
}

fn read(path: &Path) -> Result<String, Unreadable> {
    let file = File::open(path).map_err(|error| Unreadable::by_the_system(&error))?;
    let mut bytes = Vec::new();
    let read = file.take(JOB_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|error| Unreadable::by_the_system(&error))?;
    if bytes.len() as u64 > JOB_BYTES_MAX {
        let why = format!("it is longer than {JOB_BYTES_MAX} bytes");
        return Err(Unreadable { why, hint: "is it a job file? People stand in the export, not in here" });
    }
    let text = String::from_utf8(bytes).map_err(|error| Unreadable {
        why: format!("it is not text in UTF-8 (byte {})", error.utf8_error().valid_up_to()),
        hint: "save it as UTF-8",
    })?;
    if text.trim().is_empty() {
        return Err(Unreadable {
            why: "it is empty".to_owned(),
            hint: "write the job into it: a name, a source, rules, targets",
        });
    }
    Ok(text)
}

fn check_in(name: &str, text: &str, folder: &Path) -> Result<JobMeant, Report> {
    let mut findings = Findings::default();
    let meant = written(text, &mut findings).and_then(|written| check::check(&written, text, folder, &mut findings));
    let is_useless = findings.has_errors();
    let report = Report::new(name, text, findings.into_list());
    match meant {
        Some(meant) if !is_useless => Ok(meant.into_job(text, hash(text), report)),
        _ => Err(report),
    }
}

/// Of what the file says: the same whatever its comments, its layout, the order of its tables, and its tests, for
/// nobody is decided otherwise because of them.
fn hash(text: &str) -> [u8; 32] {
    let said = text.parse::<toml::Table>().map_or_else(
        |_| text.to_owned(),
        |mut table| {
            table.remove("test");
            format!("{table:?}")
        },
    );
    *blake3::hash(said.as_bytes()).as_bytes()
}

/// The file as it is written, or `None` where it cannot be read as one.
fn written(text: &str, findings: &mut Findings) -> Option<JobWritten> {
    if text.trim_start_matches('\u{feff}').trim_start().starts_with('{') {
        findings.error(
            Diagnostic::new("this is JSON, and no job file", 0..0, "")
                .with_hint("a job file is TOML; of a synchronization schema, `muster schema import` makes one"),
        );
        return None;
    }
    deserialize(text, &FORM, "the job", findings)
}

/// What a TOML file says, where its form is that of the schema; `place` is how messages name the whole of it.
fn deserialize<T: DeserializeOwned>(text: &str, form: &Json, place: &str, findings: &mut Findings) -> Option<T> {
    let (mut root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        errors.iter().take(SYNTAX_ERRORS_MAX).for_each(|error| findings.error(unreadable(error)));
        return None;
    }
    let span = root.span();
    if form::check(root.get_mut(), span, form, place, findings) == Form::Misfit {
        return None;
    }
    let read = T::deserialize(toml::de::Deserializer::from(root));
    read.map_err(|error| findings.error(unreadable(&error))).ok()
}

fn unreadable(error: &toml::de::Error) -> Diagnostic {
    Diagnostic::new(error.message(), error.span().unwrap_or(0..0), "")
}

#[cfg(test)]
mod tests;
