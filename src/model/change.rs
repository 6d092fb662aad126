//! What a target shall hold, what it is known to hold, and the difference.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::{Anchor, Attributes, Dn, Name, ObjectId, Reason, Value};

/// What one target shall hold of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// An account like this.
    Present(Desired),
    /// Whatever is there shall be disabled; nothing is made for the purpose.
    Disabled,
    /// Whatever is there shall be deleted.
    Deleted,
}

/// The account a person shall have at a target: what the mappings gave.
///
/// Only attributes that a mapping speaks of are in it. An absent one is left alone;
/// [`Null`](super::Value::Null) is cleared on purpose.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Desired {
    /// Kept so, always. Target attribute names; `accountEnabled` is one of them.
    pub attributes: Attributes,
    /// Said only when the account is made.
    pub on_create: Attributes,
    /// Where in the directory; `None` where the target has no containers.
    pub container: Option<Dn>,
    /// Whom the account's owner reports to.
    pub manager: Option<Manager>,
    /// How to find the account if it is there already.
    pub keys: MatchKeys,
    /// What a new account shall be called, where nobody else may be called so. Nothing where the account is known.
    pub unique: Vec<UniqueName>,
}

/// An attribute of a new account whose value nobody else may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UniqueName {
    /// The target's name for it.
    pub attribute: Name,
    /// In a namespace every value is one person's, whichever targets share it; `None` for the directory's own.
    pub namespace: Option<Name>,
    /// The values it may have, the best first; the first that is free is taken.
    pub candidates: Vec<String>,
}

impl UniqueName {
    /// A value as it is compared with others. Directories do not tell upper from lower case in names, Active
    /// Directory neither letters with marks from those without, nor ß from ss; and marks may be written in two ways.
    /// Who is told apart too little only gets another candidate.
    pub fn folded(value: &str) -> String {
        let mut folded = String::with_capacity(value.len());
        for letter in value.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
            match letter {
                'ß' => folded.push_str("ss"),
                'ı' => folded.push('i'),
                mark if is_combining_mark(mark) => {}
                other => folded.push(other),
            }
        }
        folded
    }
}

/// What is wanted of the manager reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manager {
    /// This person, by the source's identifier.
    Is(Anchor),
    /// Nobody, on purpose.
    Nobody,
}

/// How an account is recognised: attribute and value, the most telling first.
///
/// The first that finds somebody ends the search; they are never combined (`facts/entra.md` §5).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MatchKeys(pub Vec<(Name, String)>);

/// What is known of a person's account at a target: what was last written or read there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// What the target calls it.
    pub object: ObjectId,
    /// The attributes we own there.
    pub attributes: Attributes,
    /// Where in the directory it stands; `None` where unknown or meaningless.
    pub container: Option<Dn>,
    /// The account is carried there by directory synchronisation (`onPremisesSyncEnabled`): linked, never written.
    pub synced: bool,
}

/// Whom the match keys reach at a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nobody.
    Nobody,
    /// This account.
    One(Known),
    /// More than one: never a guess.
    Several(Vec<ObjectId>),
    /// Nobody who lives, but this account, which was deleted and can be restored.
    Deleted(Known),
    /// This kind of target cannot be looked into (an LDIF folder).
    CannotLook,
}

/// What must be written so that what is known becomes what is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it does, by its gravest effect.
    pub kind: ChangeKind,
    /// The object it is done to; `None` when it is yet to be made.
    pub object: Option<ObjectId>,
    /// Attributes that get a value.
    pub set: Attributes,
    /// Attributes that are emptied.
    pub clear: Vec<Name>,
    /// The container it is made in or moved to.
    pub container: Option<Dn>,
    /// What the changed attributes held before, as far as known.
    pub before: Attributes,
    /// The container it stood in before, where it moves.
    pub container_before: Option<Dn>,
}

/// What a change does. A change that does several things is named by the gravest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// Makes the account.
    Create,
    /// Brings a deleted account back, as it was.
    Restore,
    /// Changes attributes.
    Update,
    /// Lets its owner in again.
    Enable,
    /// Brings it into another container.
    Move,
    /// Locks its owner out.
    Disable,
    /// Takes it away.
    Delete,
    /// Makes it a member of a group.
    Join,
    /// Ends that it is a member of a group.
    Leave,
}

impl ChangeKind {
    /// The word for it in tables, logs and answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Restore => "restore",
            Self::Update => "update",
            Self::Enable => "enable",
            Self::Move => "move",
            Self::Disable => "disable",
            Self::Delete => "delete",
            Self::Join => "join",
            Self::Leave => "leave",
        }
    }
}

/// An effect that is limited per target and day (promise 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Damage {
    /// Somebody is locked out.
    Disable,
    /// An account is taken away.
    Delete,
    /// An account changes its container, and with it its policies and rights.
    Move,
    /// An account is a member of a group no longer, and loses the rights of it.
    Leave,
}

impl Damage {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Disable, Self::Delete, Self::Move, Self::Leave];

    /// The word for it in tables, job files and answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Delete => "delete",
            Self::Move => "move",
            Self::Leave => "leave",
        }
    }
}

/// The word under which a change to a membership has the group.
const MEMBER_OF: &str = "memberOf";

impl Change {
    /// That `object` becomes a member of `group`, or is one no longer.
    pub fn of_membership(object: &ObjectId, group: &str, is_member: bool) -> Self {
        let group = [(Name::new(MEMBER_OF), Value::text(group))].into_iter().collect();
        let (kind, set, before) = match is_member {
            true => (ChangeKind::Join, group, Attributes::new()),
            false => (ChangeKind::Leave, Attributes::new(), group),
        };
        let clear = before.iter().map(|(name, _)| name.clone()).collect();
        let object = Some(object.clone());
        Self { kind, object, set, clear, container: None, before, container_before: None }
    }
}

/// How a person, the link and the target stand to each other (`facts/situations.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Situation {
    /// In scope, linked, and the account is there.
    Confirmed,
    /// In scope, not linked, exactly one account matches.
    Found,
    /// That account is linked to somebody else.
    FoundAlreadyLinked,
    /// In scope, nothing there.
    Absent,
    /// Several accounts match.
    Ambiguous,
    /// Linked, and the account has vanished.
    Missing,
    /// Out of scope, or placed nowhere, and an account is there.
    Unqualified,
    /// Out of scope, or placed nowhere, and nothing is there.
    SourceIgnored,
    /// The source deleted the person, and an account is there.
    SourceMissing,
    /// The source deleted the person, and nothing is left.
    AllGone,
    /// The person's home is another target now.
    PlacementChanged,
    /// The manager's account is not there yet.
    ReferencePending,
    /// The account belongs to directory synchronisation: linked and left alone.
    TargetIgnored,
}

impl Situation {
    /// The field's own word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Confirmed => "CONFIRMED",
            Self::Found => "FOUND",
            Self::FoundAlreadyLinked => "FOUND_ALREADY_LINKED",
            Self::Absent => "ABSENT",
            Self::Ambiguous => "AMBIGUOUS",
            Self::Missing => "MISSING",
            Self::Unqualified => "UNQUALIFIED",
            Self::SourceIgnored => "SOURCE_IGNORED",
            Self::SourceMissing => "SOURCE_MISSING",
            Self::AllGone => "ALL_GONE",
            Self::PlacementChanged => "PLACEMENT_CHANGED",
            Self::ReferencePending => "REFERENCE_PENDING",
            Self::TargetIgnored => "TARGET_IGNORED",
        }
    }
}

/// What is to be done at a target, after looking at what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing: it is as it shall be.
    Nothing,
    /// Write this.
    Write(Change),
    /// Remember that this account is the person's; what differs is the next piece of work, under the limits.
    Link(Known),
    /// Nothing may be done until somebody has looked.
    Hold(Reason),
    /// It cannot be done.
    Refuse(Reason),
    /// Nothing will be done, and that is right.
    Skip(Reason),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_directory_may_take_for_one_are_one() {
        for (one, other) in [
            ("Anna.Berg", "anna.berg"),
            ("m\u{fc}ller", "mu\u{308}ller"),
            ("Müller", "muller"),
            ("STRASSE", "straße"),
            ("STRA\u{1e9e}E", "strasse"),
            ("İzmir", "izmir"),
            ("IŞIK", "ışık"),
        ] {
            assert_eq!(UniqueName::folded(one), UniqueName::folded(other), "{one}");
        }
        assert_ne!(UniqueName::folded("møller"), UniqueName::folded("miller"));
        assert_ne!(UniqueName::folded("李"), UniqueName::folded("王"));
    }
}
