//! An account that is made, or brought back, under a name nobody else may have: look which is free, take the first.

use super::taken::{Taken, is_taken};
use super::{Carrying, unwritten};
use crate::model::{
    Carried, Change, ChangeKind, Desired, Found, Known, MatchKeys, Name, Reason, Settlement, Situation, UniqueName,
    Value, Wanted,
};
use crate::reconcile::name;
use crate::writer::{Search, WriteError};

/// An earlier try had left nothing, and no name was offered to this one.
const NO_NAME_OFFERED: &str = "no_name_offered";

/// What a target says of the names an account may have.
enum Names {
    /// These are somebody else's.
    Taken(Vec<(Name, String)>),
    /// One is the person's own: an earlier try has made the account.
    Ours(Known),
}

/// The names that a change is to give a new account.
pub(super) fn names_wanted<'a>(wanted: &'a Wanted, change: &Change) -> &'a [UniqueName] {
    match wanted {
        Wanted::Present(desired) if change.kind == ChangeKind::Create => &desired.unique,
        _ => &[],
    }
}

impl Carrying<'_> {
    /// Makes the account, or brings it back, under the first names that are free. What looked free and was taken when it
    /// was written is passed over, too.
    pub(super) async fn write_named(
        &self,
        wanted: &Wanted,
        situation: Situation,
        change: Change,
        found: Option<&Found>,
    ) -> Carried {
        let Wanted::Present(desired) = wanted else { return self.write(wanted, situation, change, found).await };
        if desired.unique.iter().any(|name| name.candidates.is_empty()) {
            let why = Reason::new(NO_NAME_OFFERED, "no name could be offered while it was not known what is there");
            return unwritten(situation, self.again(None, false, why));
        }
        let mut taken = match self.names_taken(wanted, desired).await {
            Ok(Names::Taken(taken)) => taken,
            Ok(Names::Ours(known)) => return unwritten(Situation::Found, Settlement::Linked { known }),
            Err(error) => return self.not_carried(situation, error),
        };
        // Each turn takes a candidate away.
        let tries_max = 1 + desired.unique.iter().map(|name| name.candidates.len()).sum::<usize>();
        for _ in 0..tries_max {
            let named = match name(change.clone(), &desired.unique, &taken) {
                Ok(named) => named,
                Err(why) => return unwritten(situation, Settlement::Failed(why)),
            };
            if !self.a_write_fits() {
                return self.lease_too_short(situation);
            }
            match self.writer.write(&self.errand(), &named).await {
                Err(WriteError::Taken { attribute, holder, cause }) => {
                    let value = unique_value(desired, &named, &attribute);
                    let met = Taken { attribute: attribute.clone(), holder, cause };
                    let carried = self.look_who_took_it(wanted, situation, met).await;
                    match value {
                        Some(value) if is_taken(&carried) => taken.push((attribute, value)),
                        _ => return carried,
                    }
                }
                written => return self.written(wanted, situation, named, written, found).await,
            }
        }
        self.lease_too_short(situation)
    }

    /// Brings a deleted account back as it was. Where its name is somebody else's by now, it gets the first candidate
    /// that is free, or else the name that the person is to have; what else differs is the next piece of work.
    pub(super) async fn restore(
        &self,
        wanted: &Wanted,
        situation: Situation,
        change: Change,
        found: Option<&Found>,
    ) -> Carried {
        let Wanted::Present(desired) = wanted else { return self.write(wanted, situation, change, found).await };
        if !self.a_write_fits() {
            return self.lease_too_short(situation);
        }
        let met = match self.writer.write(&self.errand(), &change).await {
            Err(WriteError::Taken { attribute, holder, cause }) => Taken { attribute, holder, cause },
            written => return self.written(wanted, situation, change, written, found).await,
        };
        let attribute = met.attribute.clone();
        let carried = self.look_who_took_it(wanted, situation, met).await;
        if !is_taken(&carried) {
            return carried;
        }
        if desired.unique.iter().any(|name| name.attribute == attribute) {
            return self.write_named(wanted, situation, change, found).await;
        }
        let Some(name) = desired.attributes.get(attribute.as_str()).and_then(Value::as_text) else { return carried };
        let mut named = change;
        named.set.set(attribute, Value::text(name));
        self.write(wanted, situation, named, found).await
    }

    /// Asks of every candidate, until one is free. A target that cannot be asked says nothing of any.
    async fn names_taken(&self, wanted: &Wanted, desired: &Desired) -> Result<Names, WriteError> {
        let mut attributes = super::owned(wanted, None);
        attributes.extend(desired.keys.0.iter().map(|(key, _)| key.clone()));
        let mut taken = Vec::new();
        for UniqueName { attribute, candidates, .. } in &desired.unique {
            for candidate in candidates {
                let keys = MatchKeys(vec![(attribute.clone(), candidate.clone())]);
                let search = Search { object: None, keys, attributes: attributes.clone(), again: false };
                match self.writer.find(&search).await? {
                    Found::Nobody | Found::Deleted(_) | Found::CannotLook => break,
                    Found::One(known) if is_by_key(&known, desired) => return Ok(Names::Ours(known)),
                    Found::One(_) | Found::Several(_) => taken.push((attribute.clone(), candidate.clone())),
                }
            }
        }
        Ok(Names::Taken(taken))
    }
}

/// The value a change gives to a unique attribute, if `attribute` is one.
fn unique_value(desired: &Desired, named: &Change, attribute: &Name) -> Option<String> {
    let is_unique = desired.unique.iter().any(|name| name.attribute == *attribute);
    let value = named.set.get(attribute.as_str()).and_then(Value::as_text);
    value.filter(|_| is_unique).map(str::to_owned)
}

/// Whether an account that was found by its name is the person's, by what they are matched by.
pub(super) fn is_by_key(known: &Known, desired: &Desired) -> bool {
    desired.keys.0.iter().any(|(key, value)| match known.attributes.get(key.as_str()) {
        Some(Value::Text(held)) => held == value,
        Some(Value::Integer(held)) => held.to_string() == *value,
        _ => false,
    })
}
