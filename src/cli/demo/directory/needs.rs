//! What a domain controller needs of this machine, and where it stands.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::cli::screen::note;

/// Where servers stand that are not on everybody's path.
const SERVERS: [&str; 2] = ["/usr/sbin", "/sbin"];
/// Python, where `samba-tool` does not say which one it is written for.
const PYTHON: &str = "/usr/bin/python3";
/// How all of it is installed on Debian and Ubuntu.
const INSTALL: &str = "apt-get install samba samba-ad-provision samba-dsdb-modules openssl python3";

/// The programs, found.
#[derive(Debug)]
pub(super) struct Programs {
    pub(super) samba: PathBuf,
    pub(super) openssl: PathBuf,
    /// The Python that has Samba's modules: the one `samba-tool` runs with.
    pub(super) python: PathBuf,
}

/// Looks for everything that is needed; where something is missing, says what, and how it is had.
pub(super) fn look() -> Option<Programs> {
    let [samba, tool, openssl] = ["samba", "samba-tool", "openssl"].map(find);
    let mut missing: Vec<&str> = Vec::new();
    for (found, name) in [(&samba, "samba"), (&tool, "samba-tool"), (&openssl, "openssl")] {
        if found.is_none() {
            missing.push(name);
        }
    }
    let is_root = is_root();
    if let (Some(samba), Some(tool), Some(openssl), true) = (samba, tool, openssl, is_root) {
        return Some(Programs { samba, openssl, python: python_of(&tool) });
    }
    note("error: a Samba domain cannot be set up here");
    if !missing.is_empty() {
        note(format!("  not found on the path, nor in {}: {}", SERVERS.join(", "), missing.join(", ")));
        note(format!("hint: on Debian or Ubuntu: {INSTALL}"));
    }
    if !is_root {
        note("  muster is not run by root, and the ports of a domain controller (389, 636) are root's");
        note("hint: run it with sudo; it listens on this machine only, and takes everything down when it ends");
    }
    None
}

/// A program on the path, or where servers stand.
fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(SERVERS.map(PathBuf::from));
    folders.map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// Who owns our own entry among the processes is who we act as.
fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// The interpreter in the first line of a script.
fn python_of(tool: &Path) -> PathBuf {
    let script = fs::read_to_string(tool).unwrap_or_default();
    let named = script.lines().next().and_then(|line| line.strip_prefix("#!"));
    let named = named.and_then(|line| line.split_whitespace().last());
    match named {
        Some(name) if name.starts_with('/') => PathBuf::from(name),
        Some(name) => find(name).unwrap_or_else(|| PathBuf::from(PYTHON)),
        None => PathBuf::from(PYTHON),
    }
}
