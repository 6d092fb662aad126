//! A membership of a group, begun or ended.

use super::{Carrying, NO_ACCOUNT, unwritten};
use crate::model::{Carried, Change, Reason, Settlement, Situation};
use crate::writer::{Group, Membership, NO_GROUP, WriteError};

impl Carrying<'_> {
    pub(super) async fn member(&self, group: &Group, is_member: bool) -> Carried {
        let Some(known) = &self.item.known else {
            let why = Reason::new(NO_ACCOUNT, "there is no account yet that could be in a group");
            return unwritten(Situation::ReferencePending, Settlement::Failed(why));
        };
        if !self.a_write_fits() {
            return self.lease_too_short(Situation::Confirmed);
        }
        match self.writer.set_member(&self.errand(), group, &known.object, is_member).await {
            Ok(Membership::Changed) => Carried {
                situation: Situation::Confirmed,
                change: Some(Change::of_membership(&known.object, &group.name, is_member)),
                settlement: Settlement::Applied { known: Some(known.clone()) },
            },
            // An earlier try, which did not tell, has written it.
            Ok(Membership::WasSo) if self.item.look => {
                unwritten(Situation::Confirmed, Settlement::Applied { known: Some(known.clone()) })
            }
            Ok(Membership::WasSo) => unwritten(Situation::Confirmed, Settlement::Unchanged),
            // Nobody is a member of what is not there.
            Err(WriteError::Refused { code, .. }) if code == NO_GROUP && !is_member => {
                unwritten(Situation::Confirmed, Settlement::Unchanged)
            }
            Err(WriteError::Refused { code, cause }) if code == NO_GROUP => {
                let why = format!(
                    "there is no group {} at {} ({cause}); make it, or set `create = true` in its [[membership]] in the \
                     job file",
                    group.name, self.item.target
                );
                unwritten(Situation::Confirmed, Settlement::Failed(Reason::new(NO_GROUP, why)))
            }
            Err(error) => self.not_carried(Situation::Confirmed, error),
        }
    }
}
