//! Texts that are handed to a command: a file, or standard input.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;

/// The text of a file, without its byte order mark; `-` is standard input. More than `bytes_max` is refused.
pub(super) fn read(path: &Path, bytes_max: usize) -> anyhow::Result<String> {
    let cannot = || format!("{} cannot be read", path.display());
    // One byte more than may be, so that what is too long is seen to be.
    let limit = bytes_max as u64 + 1;
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes).with_context(cannot)?;
    } else {
        File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)).with_context(cannot)?;
    }
    anyhow::ensure!(bytes.len() <= bytes_max, "{} is longer than {bytes_max} bytes", path.display());
    let text = String::from_utf8(bytes).with_context(|| format!("{} is not text in UTF-8", path.display()))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}
