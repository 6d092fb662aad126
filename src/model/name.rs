//! Attribute names: the same whatever the case they are written in (RFC 7643 §2.1).

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The attribute that lets an account's owner in, at every target.
pub const ACCOUNT_ENABLED: &str = "accountEnabled";

/// The attribute that says in which container a directory on the premises has the account, as Entra's provisioning to
/// Active Directory calls it.
pub const PARENT: &str = "parentDistinguishedName";

/// The target attribute that is a reference to another account; its value is an anchor.
pub const MANAGER: &str = "manager";

/// The name of an attribute or of a schema (a URN), compared without regard to ASCII case.
///
/// It keeps the spelling it was first given. Cloning is cheap.
#[derive(Clone)]
pub struct Name(Arc<str>);

impl Name {
    /// A name as it was written.
    pub fn new(text: &str) -> Self {
        Self(Arc::from(text))
    }

    /// The spelling it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Compares with a bare text, as names compare.
    pub fn compare(&self, other: &str) -> Ordering {
        compare_ignoring_case(&self.0, other)
    }
}

fn compare_ignoring_case(left: &str, right: &str) -> Ordering {
    // Mostly the spelling is the same, and then this is all; otherwise a plain loop, for every attribute that is put
    // in or looked up passes here.
    if left == right {
        return Ordering::Equal;
    }
    for (left, right) in left.bytes().zip(right.bytes()) {
        let (left, right) = (left.to_ascii_lowercase(), right.to_ascii_lowercase());
        if left != right {
            return left.cmp(&right);
        }
    }
    left.len().cmp(&right.len())
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Name {}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        self.0.eq_ignore_ascii_case(other)
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        if Arc::ptr_eq(&self.0, &other.0) { Ordering::Equal } else { compare_ignoring_case(&self.0, &other.0) }
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Folded to one number first: a hasher that is fed byte by byte is slow (FNV-1a, public domain).
        const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0000_0100_0000_01b3;
        let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(PRIME);
        state.write_u64(self.0.bytes().fold(BASIS, fold));
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}
