//! Where a secret is read. It is read when it is needed, and never when a file is checked.

use std::path::PathBuf;

use secrecy::SecretString;

/// Longest secret, in bytes. Client secrets have forty characters; a longer file is not one.
const SECRET_BYTES_MAX: u64 = 16 * 1024;

/// Where a secret is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// In this environment variable.
    Env(String),
    /// In this file, alone.
    File(PathBuf),
}

/// Why a secret was not read.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The variable is not set.
    #[error("the environment variable {0} is not set; set it to the secret")]
    NotSet(String),
    /// There is nothing in it.
    #[error("the secret in {0} is empty")]
    Empty(String),
    /// The file cannot be read.
    #[error("cannot read the secret file {}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// The file holds something else.
    #[error("{} holds more than a secret: it is longer than {SECRET_BYTES_MAX} bytes, or not text", .0.display())]
    NotASecret(PathBuf),
}

impl SecretSource {
    /// Reads it. One line break at the end of a file is not part of the secret.
    ///
    /// # Errors
    /// See [`SecretError`]; none of them tells the secret.
    pub fn read(&self) -> Result<SecretString, SecretError> {
        let (text, place) = match self {
            Self::Env(name) => (from_environment(name)?, name.clone()),
            Self::File(path) => (from_file(path)?, path.display().to_string()),
        };
        if text.is_empty() {
            return Err(SecretError::Empty(place));
        }
        Ok(SecretString::from(text))
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the room that reads the environment")]
fn from_environment(name: &str) -> Result<String, SecretError> {
    std::env::var(name).map_err(|_| SecretError::NotSet(name.to_owned()))
}

fn from_file(path: &PathBuf) -> Result<String, SecretError> {
    use std::io::Read as _;

    let unreadable = |cause| SecretError::Unreadable { path: path.clone(), cause };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(SECRET_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > SECRET_BYTES_MAX {
        return Err(SecretError::NotASecret(path.clone()));
    }
    let text = String::from_utf8(bytes).map_err(|_| SecretError::NotASecret(path.clone()))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_secret_file_may_end_in_a_line_break() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "hunter2\r\n").unwrap();
        assert_eq!(SecretSource::File(path.clone()).read().unwrap().expose_secret(), "hunter2");
        std::fs::write(&path, "\n").unwrap();
        assert!(matches!(SecretSource::File(path).read(), Err(SecretError::Empty(_))));
    }

    #[test]
    fn a_variable_that_is_not_set_is_named() {
        let error = SecretSource::Env("MUSTER_NO_SUCH_VARIABLE".into()).read().unwrap_err();
        assert!(error.to_string().contains("MUSTER_NO_SUCH_VARIABLE"));
    }
}
