//! Attributes of so many values that a directory tells them piece by piece ([MS-ADTS] 3.1.1.3.1.3.3): the name of a piece
//! says which values it has, and the last one ends with a star.

use ldap3::Scope;
use ldap3::controls::RawControl;

use super::answer::Trouble;
use super::held::Held;
use super::read::Entry;

#[cfg(test)]
mod tests;

/// How the option begins that names a piece.
const RANGE: &str = ";range=";
/// Pieces that are fetched of one entry: with Active Directory's 1,500 values a piece, 30,000. Nothing that is mapped of
/// a person has more.
const PIECES_MAX: usize = 20;

/// The attribute whose values stand under this name, in lower case; and from which value on the rest is to be asked for,
/// where there is more.
pub(super) fn piece(name: &str) -> (&str, Option<u64>) {
    let Some((attribute, range)) = name.split_once(RANGE) else { return (name, None) };
    match range.split_once('-').map(|(first, last)| (first.parse::<u64>(), last)) {
        Some((Ok(_), "*")) => (attribute, None),
        Some((Ok(first), last)) => match last.parse::<u64>().ok().filter(|last| *last >= first) {
            Some(last) => (attribute, last.checked_add(1)),
            None => (name, None),
        },
        _ => (name, None),
    }
}

impl Held<'_> {
    /// Fetches what the directory has left out of these entries.
    ///
    /// # Errors
    /// [`Trouble::TooMany`] beyond [`PIECES_MAX`]; otherwise [`Trouble`] of the searches.
    pub(super) async fn complete(&mut self, entries: &mut [Entry], controls: &[RawControl]) -> Result<(), Trouble> {
        for entry in entries {
            let mut pieces = 0;
            while let Some((name, from)) = entry.unread() {
                if pieces == PIECES_MAX {
                    let why = format!("{name} of {} has more values than are read here ({from})", entry.dn);
                    return Err(Trouble::TooMany(why));
                }
                let (asked, how) = (format!("{name}{RANGE}{from}-*"), (1, controls.to_vec()));
                let found = self.search_once(&entry.dn, Scope::Base, "(objectClass=*)", &[asked.as_str()], how).await?;
                if !found.into_iter().next().is_some_and(|found| entry.go_on(&name, from, found)) {
                    let why =
                        format!("the directory does not tell the values of {name} of {} from {from} on", entry.dn);
                    return Err(self.unsent(why));
                }
                pieces += 1;
            }
        }
        Ok(())
    }
}
