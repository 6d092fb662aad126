//! What to try when the operating system refuses.

use std::io::ErrorKind;
use std::string::FromUtf8Error;

/// What to try about an error, where its causes tell.
pub(super) fn hint(error: &anyhow::Error) -> Option<&'static str> {
    if error.chain().any(|cause| cause.is::<FromUtf8Error>()) {
        return Some("save it as UTF-8; Windows PowerShell's `>` writes UTF-16, `Out-File -Encoding utf8` does not");
    }
    error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>()).and_then(|refusal| about(refusal.kind()))
}

fn about(refusal: ErrorKind) -> Option<&'static str> {
    match refusal {
        ErrorKind::NotFound => Some("look at the spelling; a path is taken from the folder in which muster was called"),
        ErrorKind::PermissionDenied => {
            Some("call muster as the user whose file or folder it is, or give this user leave")
        }
        ErrorKind::IsADirectory => Some("this is a folder; name a file in it"),
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => Some("this is a file; name a folder"),
        ErrorKind::ReadOnlyFilesystem => Some("the disk is mounted read-only; name a folder on another"),
        ErrorKind::StorageFull => Some("the disk is full; make room, and run this again"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::hint;

    #[test]
    fn what_the_system_refuses_comes_with_something_to_try() {
        let error = anyhow::Error::from(io::Error::from(io::ErrorKind::IsADirectory)).context("cannot read people");
        assert!(hint(&error).is_some_and(|hint| hint.contains("folder")));
        let wide = anyhow::Error::from(String::from_utf8(vec![0xff, 0xfe]).unwrap_err()).context("x is not text");
        assert!(hint(&wide).is_some_and(|hint| hint.contains("UTF-8")));
        assert_eq!(hint(&anyhow::anyhow!("there is no job `hr`")), None);
    }
}
