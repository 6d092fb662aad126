//! The parts of a work item that speak of one account: what is wanted, known, changed, and why not.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::model::{
    Anchor, Change, ChangeKind, Desired, Dn, Known, Manager, MatchKeys, Name, ObjectId, Reason, Situation, UniqueName,
};

use super::{WireError, json};

/// A [`Desired`] account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DesiredWire {
    /// Kept so, always.
    pub attributes: Map<String, Json>,
    /// Said only when the account is made.
    pub on_create: Map<String, Json>,
    /// Where in the directory, as a distinguished name.
    pub container: Option<String>,
    /// Whom the account's owner reports to, where that is said.
    pub manager: Option<ManagerWire>,
    /// How to find the account, the most telling first.
    pub keys: Vec<KeyWire>,
    /// What a new account shall be called, where nobody else may be called so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unique: Vec<UniqueNameWire>,
}

/// A [`UniqueName`]. Its namespace is the server's concern: whoever carries the item is given only what is not reserved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UniqueNameWire {
    /// The attribute at the target.
    pub attribute: String,
    /// The values it may have; the first that is free is taken.
    pub candidates: Vec<String>,
}

/// What is wanted of the [`Manager`] reference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum ManagerWire {
    /// This person, by anchor.
    Is(String),
    /// Nobody, on purpose.
    Nobody,
}

/// One of the [`MatchKeys`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyWire {
    /// The attribute at the target.
    pub attribute: String,
    /// Its value.
    pub value: String,
}

/// What is [`Known`] of an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KnownWire {
    /// What the target calls it.
    pub object: String,
    /// The attributes we own there.
    pub attributes: Map<String, Json>,
    /// Where it stands, as a distinguished name.
    pub container: Option<String>,
    /// Directory synchronisation carries it there: never written.
    pub synced: bool,
}

/// A [`Change`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeWire {
    /// What it does, by its gravest effect.
    pub kind: ChangeKindWire,
    /// The object it is done to; `null` when it was yet to be made.
    pub object: Option<String>,
    /// Attributes that get a value.
    pub set: Map<String, Json>,
    /// Attributes that are emptied.
    pub clear: Vec<String>,
    /// The container it is made in or moved to.
    pub container: Option<String>,
    /// What the changed attributes held before.
    pub before: Map<String, Json>,
    /// The container it stood in before.
    pub container_before: Option<String>,
}

/// A [`Reason`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReasonWire {
    /// A stable word.
    pub code: String,
    /// A sentence for a person.
    pub detail: String,
}

/// An enum of words, on the wire as in the model.
macro_rules! words_wire {
    ($(#[$doc:meta])* $wire:ident = $model:ident in $case:literal { $($word:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = $case)]
        #[expect(missing_docs, reason = "the model documents each word")]
        pub enum $wire { $($word),+ }

        impl From<$model> for $wire {
            fn from(word: $model) -> Self {
                match word { $($model::$word => Self::$word),+ }
            }
        }

        impl From<$wire> for $model {
            fn from(word: $wire) -> Self {
                match word { $($wire::$word => Self::$word),+ }
            }
        }
    };
}

words_wire! {
    /// A [`ChangeKind`], by its word.
    ChangeKindWire = ChangeKind in "camelCase" {
        Create, Restore, Update, Enable, Move, Disable, Delete, Join, Leave,
    }
}

words_wire! {
    /// A [`Situation`], by its word.
    SituationWire = Situation in "SCREAMING_SNAKE_CASE" {
        Confirmed, Found, FoundAlreadyLinked, Absent, Ambiguous, Missing, Unqualified, SourceIgnored, SourceMissing,
        AllGone, PlacementChanged, ReferencePending, TargetIgnored,
    }
}

impl From<&Desired> for DesiredWire {
    fn from(desired: &Desired) -> Self {
        let manager = desired.manager.as_ref().map(|manager| match manager {
            Manager::Is(anchor) => ManagerWire::Is(anchor.as_str().to_owned()),
            Manager::Nobody => ManagerWire::Nobody,
        });
        Self {
            attributes: json::object(&desired.attributes),
            on_create: json::object(&desired.on_create),
            container: container_text(desired.container.as_ref()),
            manager,
            keys: KeyWire::list(&desired.keys),
            unique: desired.unique.iter().map(UniqueNameWire::from).collect(),
        }
    }
}

impl KeyWire {
    pub(super) fn list(keys: &MatchKeys) -> Vec<Self> {
        let key = |(name, value): &(Name, String)| Self { attribute: name.as_str().to_owned(), value: value.clone() };
        keys.0.iter().map(key).collect()
    }

    pub(super) fn read(keys: Vec<Self>) -> MatchKeys {
        MatchKeys(keys.into_iter().map(|key| (Name::new(&key.attribute), key.value)).collect())
    }
}

impl From<&UniqueName> for UniqueNameWire {
    fn from(name: &UniqueName) -> Self {
        Self { attribute: name.attribute.as_str().to_owned(), candidates: name.candidates.clone() }
    }
}

impl UniqueNameWire {
    fn read(self) -> UniqueName {
        UniqueName { attribute: Name::new(&self.attribute), namespace: None, candidates: self.candidates }
    }
}

impl DesiredWire {
    pub(super) fn read(self) -> Result<Desired, WireError> {
        let manager = match self.manager {
            Some(ManagerWire::Is(anchor)) => Some(Manager::Is(Anchor::parse(&anchor).map_err(WireError::Anchor)?)),
            Some(ManagerWire::Nobody) => Some(Manager::Nobody),
            None => None,
        };
        Ok(Desired {
            attributes: json::attributes(self.attributes),
            on_create: json::attributes(self.on_create),
            container: container("container", self.container.as_deref())?,
            manager,
            keys: KeyWire::read(self.keys),
            unique: self.unique.into_iter().map(UniqueNameWire::read).collect(),
        })
    }
}

impl From<&Known> for KnownWire {
    fn from(known: &Known) -> Self {
        Self {
            object: known.object.as_str().to_owned(),
            attributes: json::object(&known.attributes),
            container: container_text(known.container.as_ref()),
            synced: known.synced,
        }
    }
}

impl KnownWire {
    pub(super) fn read(self) -> Result<Known, WireError> {
        Ok(Known {
            object: ObjectId::new(&self.object),
            attributes: json::attributes(self.attributes),
            container: container("container", self.container.as_deref())?,
            synced: self.synced,
        })
    }
}

impl From<&Change> for ChangeWire {
    fn from(change: &Change) -> Self {
        Self {
            kind: change.kind.into(),
            object: object_text(change.object.as_ref()),
            set: json::object(&change.set),
            clear: change.clear.iter().map(|name| name.as_str().to_owned()).collect(),
            container: container_text(change.container.as_ref()),
            before: json::object(&change.before),
            container_before: container_text(change.container_before.as_ref()),
        }
    }
}

impl ChangeWire {
    pub(super) fn read(self) -> Result<Change, WireError> {
        Ok(Change {
            kind: self.kind.into(),
            object: object_id(self.object.as_deref()),
            set: json::attributes(self.set),
            clear: self.clear.iter().map(|name| Name::new(name)).collect(),
            container: container("container", self.container.as_deref())?,
            before: json::attributes(self.before),
            container_before: container("containerBefore", self.container_before.as_deref())?,
        })
    }
}

impl From<&Reason> for ReasonWire {
    fn from(reason: &Reason) -> Self {
        Self { code: reason.code.to_string(), detail: reason.detail.clone() }
    }
}

impl From<ReasonWire> for Reason {
    fn from(reason: ReasonWire) -> Self {
        Self { code: Cow::Owned(reason.code), detail: reason.detail }
    }
}

pub(super) fn object_text(object: Option<&ObjectId>) -> Option<String> {
    object.map(|object| object.as_str().to_owned())
}

pub(super) fn object_id(text: Option<&str>) -> Option<ObjectId> {
    text.map(ObjectId::new)
}

fn container_text(container: Option<&Dn>) -> Option<String> {
    container.map(|container| container.as_str().to_owned())
}

fn container(field: &'static str, text: Option<&str>) -> Result<Option<Dn>, WireError> {
    text.map(Dn::parse).transpose().map_err(|source| WireError::Container { field, source })
}
