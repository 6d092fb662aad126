//! Files in a folder: what they are called, and how they get there whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::model::Part;
use crate::writer::Errand;

/// What stands for itself in a file name: letters, digits, and these, which no file system or shell minds.
const PLAIN: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'@');

/// Longest anchor in a file name, encoded. File systems take 255 bytes; the rest of the name needs under 80.
const ANCHOR_BYTES_MAX: usize = 120;
/// How much of a longer anchor is kept, so that a person recognises it; a fingerprint tells it from others.
const ANCHOR_BYTES_KEPT: usize = 100;
/// Hexadecimal digits of that fingerprint: 64 bits.
const FINGERPRINT_DIGITS: usize = 16;
/// Digits of the sequence: a name's order is the work's order up to a million million pieces of work.
const SEQUENCE_DIGITS: usize = 12;

/// What the file of an errand is called: `000000000140-701984-g4-manager.ldif`.
///
/// The sequence stands first, so that files in the order of their names are in the order of the work.
pub(super) fn file_name(errand: &Errand<'_>) -> String {
    format!("{}{}{}", stem(errand), errand.generation, ending(errand))
}

/// The text in letters that are safe in file names and in comments; it can be decoded, not collide.
pub(super) fn plain(text: &str) -> String {
    utf8_percent_encode(text, &PLAIN).to_string()
}

/// What the files of one piece of work begin with, whichever the generation.
fn stem(errand: &Errand<'_>) -> String {
    let anchor = shortened(errand.anchor.as_str());
    format!("{:0width$}-{anchor}-g", errand.sequence, width = SEQUENCE_DIGITS)
}

fn ending(errand: &Errand<'_>) -> &'static str {
    match errand.part {
        Part::Account => ".ldif",
        Part::Manager => "-manager.ldif",
        Part::Member => "-member.ldif",
    }
}

fn shortened(anchor: &str) -> String {
    let encoded = plain(anchor);
    if encoded.len() <= ANCHOR_BYTES_MAX {
        return encoded;
    }
    let fingerprint = blake3::hash(anchor.as_bytes()).to_hex();
    // The encoded text is ASCII, so it can be cut anywhere.
    format!("{}~{}", &encoded[..ANCHOR_BYTES_KEPT], &fingerprint[..FINGERPRINT_DIGITS])
}

/// How far a file got.
#[derive(Debug)]
pub(super) enum PutError {
    /// Nothing of it is in the folder under its name.
    NotWritten(io::Error),
    /// It is there, but may not outlive a power cut.
    NotSafe(io::Error),
}

/// Puts `content` into `folder` under the errand's name, in place of a file of that name.
///
/// Written aside, synced, renamed, and the folder synced: a reader of `*.ldif` never sees half a file, and what was
/// reported written is written. The folder itself is never made: where one is missing, a disk is not mounted.
///
/// # Errors
/// [`PutError`] says whether it got there.
pub(super) fn put(folder: &Path, errand: &Errand<'_>, content: &str) -> Result<(), PutError> {
    let name = file_name(errand);
    let aside = folder.join(format!("{name}.tmp"));
    write_aside(&aside, content).map_err(PutError::NotWritten)?;
    if errand.again {
        withdraw_older_generations(folder, errand).map_err(PutError::NotWritten)?;
    }
    fs::rename(&aside, folder.join(&name)).map_err(PutError::NotWritten)?;
    sync_folder(folder).map_err(PutError::NotSafe)
}

fn write_aside(path: &Path, content: &str) -> io::Result<()> {
    // One that was left by a crash may have other rights.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let written = file.write_all(content.as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        // A disk that is full shall not stay so because of us.
        fs::remove_file(path).ok();
    }
    written
}

/// Takes away what an earlier try of the same work left for an older generation: nobody was told that it was written,
/// and two files that both make the account would be one too many.
fn withdraw_older_generations(folder: &Path, errand: &Errand<'_>) -> io::Result<()> {
    let (stem, ending) = (stem(errand), ending(errand));
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let file_name = entry.file_name();
        let Some(other) = file_name.to_str() else { continue };
        let generation = other.strip_prefix(&stem).and_then(|rest| rest.strip_suffix(ending));
        let generation = generation.and_then(|digits| digits.parse::<i64>().ok());
        if generation.is_some_and(|generation| generation < errand.generation.0) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
