//! What is read of an account, and what is known of it once it was written.

use crate::model::{ACCOUNT_ENABLED, Attributes, Change, ChangeKind, Known, Name, Value, Wanted};

/// The attributes to be read of an account: those that are wanted, those that are known, and whether it is open.
pub(super) fn owned(wanted: &Wanted, known: Option<&Known>) -> Vec<Name> {
    let mut names = Attributes::new();
    names.set(Name::new(ACCOUNT_ENABLED), Value::Null);
    let desired = match wanted {
        Wanted::Present(desired) => Some(desired),
        Wanted::Disabled | Wanted::Deleted => None,
    };
    // Which name an account has that is found there must be known: it is nobody else's.
    for name in desired.iter().flat_map(|desired| &desired.unique) {
        names.set(name.attribute.clone(), Value::Null);
    }
    let wanted = desired.map(|desired| &desired.attributes);
    for attributes in [wanted, known.map(|known| &known.attributes)].into_iter().flatten() {
        for (name, _) in attributes.iter() {
            names.set(name.clone(), Value::Null);
        }
    }
    names.into_iter().map(|(name, _)| name).collect()
}

/// Whether something shall be empty of which nobody knows whether it is. That is looked at first: mostly it is empty, and
/// there are targets that refuse to be told so.
pub(super) fn empties_unseen(wanted: &Wanted, known: &Known) -> bool {
    let Wanted::Present(desired) = wanted else { return false };
    desired.attributes.iter().any(|(name, value)| value.is_empty() && known.attributes.get(name.as_str()).is_none())
}

/// What is known once `change` is written: what was known, overlaid by the change, overlaid by the receipt.
///
/// A receipt may speak of the change alone.
pub(super) fn after(wanted: &Wanted, before: Option<&Known>, change: &Change, receipt: Known) -> Known {
    let (mut attributes, stood) = match (change.kind, before) {
        (ChangeKind::Create, _) => (empty_of(wanted), None),
        (_, None) => (Attributes::new(), None),
        (_, Some(before)) => (before.attributes.clone(), before.container.clone()),
    };
    let cleared = change.clear.iter().map(|name| (name.clone(), Value::Null));
    for (name, value) in change.set.clone().into_iter().chain(cleared).chain(receipt.attributes) {
        attributes.set(name, value);
    }
    let container = receipt.container.or_else(|| change.container.clone()).or(stood);
    Known { object: receipt.object, attributes, container, synced: receipt.synced }
}

/// What an account that was made shall not have, it has not: it was empty, and nobody has to look.
fn empty_of(wanted: &Wanted) -> Attributes {
    match wanted {
        Wanted::Present(desired) => {
            let empty = desired.attributes.iter().filter(|(_, value)| value.is_empty());
            empty.map(|(name, _)| (name.clone(), Value::Null)).collect()
        }
        Wanted::Disabled | Wanted::Deleted => Attributes::new(),
    }
}
