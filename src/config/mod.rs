//! Job files: read as they are written, checked as a whole, and handed on as they are meant.
//!
//! Everything that is wrong is found in one go. Nothing here opens a target, and no secret is read by a check.

mod blot;
mod check;
mod finding;
mod form;
mod graph_properties;
mod meant;
mod nearest;
mod report;
mod secret;
mod spot;
mod written;

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde::Deserialize as _;
use serde_json::Value as Json;
use toml::de::DeTable;

use crate::model::Diagnostic;
use finding::Findings;
use form::Form;
use written::JobWritten;

pub use meant::{Connection, GraphConnection, JobMeant, Limits, SourceMeant};
pub use report::{Finding, Report, Severity};
pub use secret::{SecretError, SecretSource};

/// Longest job file, in bytes. A thousand rules fit in a tenth of it.
pub const JOB_BYTES_MAX: u64 = 1024 * 1024;

/// Reads and checks a job file. Relative paths in it are relative to its folder.
///
/// # Errors
/// The [`Report`] of everything that is wrong with it.
pub fn load(path: &Path) -> Result<JobMeant, Report> {
    let name = path.display().to_string();
    let text = read(path).map_err(|why| Report::unreadable(&name, &why))?;
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

fn read(path: &Path) -> Result<String, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.take(JOB_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > JOB_BYTES_MAX {
        return Err(format!("it is longer than {JOB_BYTES_MAX} bytes"));
    }
    String::from_utf8(bytes).map_err(|error| {
        format!("it is not text in UTF-8 (byte {}); save it as UTF-8", error.utf8_error().valid_up_to())
    })
}

fn check_in(name: &str, text: &str, folder: &Path) -> Result<JobMeant, Report> {
    let mut findings = Findings::default();
    let meant = written(text, &mut findings).and_then(|written| check::check(&written, text, folder, &mut findings));
    let is_useless = findings.has_errors();
    let report = Report::new(name, text, findings.into_list());
    match meant {
        Some(meant) if !is_useless => Ok(meant.into_job(hash(text), report)),
        _ => Err(report),
    }
}

/// Of what the file says: the same whatever its comments, its layout and the order of its tables.
fn hash(text: &str) -> [u8; 32] {
    let said = text.parse::<toml::Table>().map_or_else(|_| text.to_owned(), |table| format!("{table:?}"));
    *blake3::hash(said.as_bytes()).as_bytes()
}

/// The file as it is written, or `None` where it cannot be read as one.
fn written(text: &str, findings: &mut Findings) -> Option<JobWritten> {
    let (mut root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        errors.iter().for_each(|error| findings.error(unreadable(error)));
        return None;
    }
    let span = root.span();
    if form::check(root.get_mut(), span, &FORM, findings) == Form::Misfit {
        return None;
    }
    let read = JobWritten::deserialize(toml::de::Deserializer::from(root));
    read.map_err(|error| findings.error(unreadable(&error))).ok()
}

fn unreadable(error: &toml::de::Error) -> Diagnostic {
    Diagnostic::new(error.message(), error.span().unwrap_or(0..0), "")
}

#[cfg(test)]
mod tests;
