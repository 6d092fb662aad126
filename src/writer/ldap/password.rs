//! Passwords of new accounts: random, conforming to the usual policies, known to nobody.

use secrecy::{ExposeSecret as _, SecretString};

use super::answer::later;
use crate::chance;
use crate::writer::WriteError;

/// Letters, digits and signs that nobody confuses, 64 of them, so that six random bits are one of them.
const ALPHABET: &[u8; 64] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789!#%+-=?";
/// How often a password is drawn until all four kinds of characters are in it; at 12 characters one in two has them.
const DRAWS_MAX: usize = 200;

/// A random password of that many characters: upper case, lower case, digit and sign are all in it.
pub(super) fn draw(chars: usize) -> Result<SecretString, WriteError> {
    for _ in 0..DRAWS_MAX {
        let mut text = String::with_capacity(chars);
        while text.len() < chars {
            let bytes = chance::bytes::<16>().map_err(|error| later(&error.to_string()))?;
            let more = bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte & 63)));
            text.extend(more.take(chars - text.len()).map(|byte| char::from(*byte)));
        }
        let kinds: [fn(&char) -> bool; 4] =
            [char::is_ascii_uppercase, char::is_ascii_lowercase, char::is_ascii_digit, char::is_ascii_punctuation];
        if kinds.iter().all(|kind| text.chars().any(|c| kind(&c))) {
            return Ok(SecretString::from(text));
        }
    }
    Err(later("no password could be drawn"))
}

/// A password as `unicodePwd` takes it: in quotation marks, UTF-16, little end first (MS-ADTS 3.1.1.3.1.5.1).
pub(super) fn unicode(password: &SecretString) -> Vec<u8> {
    format!("\"{}\"", password.expose_secret()).encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_has_its_length_and_all_kinds_of_characters() {
        for chars in [12, 24, 256] {
            let (one, other) = (draw(chars).unwrap(), draw(chars).unwrap());
            assert_eq!(one.expose_secret().len(), chars);
            assert_ne!(one.expose_secret(), other.expose_secret());
        }
        assert_eq!(unicode(&SecretString::from("a")), [34, 0, 97, 0, 34, 0]);
    }
}
