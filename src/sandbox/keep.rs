//! The file a practice tenant is kept in.

/// Something that has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// A user, present or in the bin.
    User(u64),
    Group(u64),
    NoGroup(u64),
    Member {
        group: u64,
        user: u64,
        is_in: bool,
    },
}
