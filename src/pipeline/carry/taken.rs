//! A value that somebody else holds when an account is made: it may be the person's own account after all.

use super::names::is_by_key;
use super::{Carrying, TAKEN, owned, unwritten};
use crate::model::{Carried, Found, MatchKeys, Name, ObjectId, Settlement, Situation, Step, Wanted};
use crate::reconcile::reconcile;
use crate::writer::{Cause, Search, WriteError};

/// Tries after which a taken value is believed to be somebody else's, although an earlier try may have made the
/// person's own account with it, which cannot be found yet. By the pauses of [`crate::pipeline::backoff`] that is more
/// than a quarter of an hour; replicas lag by minutes (`facts/graph_users.md` §9).
const UNSEEN_TRIES_MAX: u32 = 12;

/// The words of a [`WriteError::Taken`].
pub(super) struct Taken {
    pub(super) attribute: Name,
    pub(super) holder: Option<ObjectId>,
    pub(super) cause: Cause,
}

impl From<Taken> for WriteError {
    fn from(Taken { attribute, holder, cause }: Taken) -> Self {
        Self::Taken { attribute, holder, cause }
    }
}

/// Whether it ended so that the value is somebody else's.
pub(super) fn is_taken(carried: &Carried) -> bool {
    matches!(&carried.settlement, Settlement::Failed(why) if why.code == TAKEN)
}

impl Carrying<'_> {
    /// An earlier try, or somebody by hand, may have made the account meanwhile: then it is found by its keys, or is
    /// the one that holds the value.
    pub(super) async fn look_who_took_it(&self, wanted: &Wanted, met: Situation, taken: Taken) -> Carried {
        let found = match self.look(wanted, None).await {
            Ok(found) => found,
            Err(error) => return self.not_carried(met, error),
        };
        match reconcile(wanted, None, Some(&found)) {
            (situation, Step::Link(known)) => unwritten(situation, Settlement::Linked { known }),
            (situation, Step::Hold(why)) => unwritten(situation, Settlement::Held(why)),
            (situation, Step::Refuse(why)) => unwritten(situation, Settlement::Failed(why)),
            _ => self.look_at_holder(wanted, met, taken).await,
        }
    }

    /// What was told to hold the value is asked for by its own name: that lags less than a search.
    async fn look_at_holder(&self, wanted: &Wanted, met: Situation, taken: Taken) -> Carried {
        let (Wanted::Present(desired), Some(holder)) = (wanted, &taken.holder) else {
            return self.unseen(met, taken);
        };
        let mut attributes = owned(wanted, None);
        attributes.extend(desired.keys.0.iter().map(|(key, _)| key.clone()));
        let search = Search { object: Some(holder.clone()), keys: MatchKeys::default(), attributes, again: false };
        match self.writer.find(&search).await {
            Ok(Found::One(known)) if is_by_key(&known, desired) => {
                unwritten(Situation::Found, Settlement::Linked { known })
            }
            Ok(Found::One(_)) => self.not_carried(met, taken.into()),
            Ok(_) => self.unseen(met, taken),
            Err(error) => self.not_carried(met, error),
        }
    }

    /// Nobody can be seen who holds it. What an earlier try may have made is waited for.
    fn unseen(&self, met: Situation, taken: Taken) -> Carried {
        if self.item.look && self.item.attempt < UNSEEN_TRIES_MAX {
            return self.not_carried(met, WriteError::Unknown { cause: taken.cause });
        }
        self.not_carried(met, taken.into())
    }
}
