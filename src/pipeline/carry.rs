//! One work item carried to its target: look, reconcile, write, report.
//!
//! The server and the agent both carry so. Nothing is held while a target is spoken to but the lease itself.

use std::borrow::Cow;
use std::time::Duration;

use crate::clock::{Clock, Deadline};
use crate::model::{
    ACCOUNT_ENABLED, Anchor, Attributes, Carried, Change, ChangeKind, Damage, Found, Known, MatchKeys, Name, ObjectId,
    Reason, Settlement, Situation, Step, Task, Value, Wanted, WorkItem,
};
use crate::reconcile::{damages, reconcile};
use crate::store::manager_pending;
use crate::writer::{Errand, Group, Search, WriteError, Writer};

use super::backoff::backoff;
use known::{after, empties_unseen, owned};
use names::names_wanted;
use taken::Taken;

mod known;
mod member;
mod names;
mod taken;

#[cfg(test)]
mod tests;

/// How often a work item is tried before it fails with `gave_up`. With the pauses of [`backoff`] that is about
/// thirty days of a target that cannot be reached: as long as Entra keeps trying a job in quarantine
/// (`facts/entra.md` §5). A night's outage must fail nobody.
pub const ATTEMPTS_MAX: u32 = 8_640;
/// The longest pause a target may ask for, in seconds: a day. More is a mistake in a header.
pub const PAUSE_SECONDS_MAX: u64 = 86_400;

/// The lease ends before a write would have to.
pub const LEASE_TOO_SHORT: &str = "lease_too_short";
/// The target asked for patience.
pub const TARGET_BUSY: &str = "target_busy";
/// It may have been written, or not.
pub const NO_ANSWER: &str = "no_answer";
/// Somebody else holds a value that must be unique.
pub const TAKEN: &str = "taken";
/// The linked account has vanished.
pub const MISSING: &str = "missing";
/// The target was looked at after a try that told nothing.
pub const LOOKED: &str = "looked";
/// A try told nothing, and the target cannot be looked at.
pub const CANNOT_LOOK: &str = "cannot_look";
/// Tried [`ATTEMPTS_MAX`] times.
pub const GAVE_UP: &str = "gave_up";
/// Several accounts may be the manager's.
pub const MANAGER_AMBIGUOUS: &str = "manager_ambiguous";
/// A manager reference without an account to write it to.
pub const NO_ACCOUNT: &str = "no_account";

/// Carries `item` by way of `writer`, and says how it went.
///
/// It never fails: whatever goes wrong is a settlement. A write starts only while the writer's time-out still fits
/// in the lease, so that two workers never write at once.
pub async fn carry(writer: &dyn Writer, item: &WorkItem, clock: &dyn Clock) -> Carried {
    let carrying = Carrying { writer, item, clock };
    let carried = match &item.task {
        Task::Account(wanted) => carrying.account(wanted).await,
        Task::Look { keys, attributes } => carrying.only_look(keys, attributes).await,
        Task::Manager { manager } => carrying.manager(manager.as_ref()).await,
        Task::SeekManager { manager, keys } => carrying.seek_manager(manager, keys).await,
        Task::Member { group, create, is_member } => {
            let group = Group { name: group.clone(), create: *create };
            carrying.member(&group, *is_member).await
        }
    };
    give_up_in_the_end(item, carried)
}

struct Carrying<'a> {
    writer: &'a dyn Writer,
    item: &'a WorkItem,
    clock: &'a dyn Clock,
}

impl Carrying<'_> {
    async fn account(&self, wanted: &Wanted) -> Carried {
        if !self.a_write_fits() {
            return self.lease_too_short(self.supposed());
        }
        let link = self.item.known.as_ref();
        let mut found = None;
        if link.is_none() || self.item.look || link.is_some_and(|link| empties_unseen(wanted, link)) {
            match self.look(wanted, link.map(|known| &known.object)).await {
                Ok(there) => found = Some(there),
                Err(error) => return self.not_carried(self.supposed(), error),
            }
        }
        let (situation, step) = reconcile(wanted, link, found.as_ref());
        match step {
            Step::Write(change) if self.does_unforeseen_damage(wanted, &change) => match found {
                // It was leased under limits that did not count this: it is, when it is leased again.
                Some(Found::One(there)) => unwritten(situation, Settlement::Linked { known: there }),
                _ => self.write(wanted, situation, change, None).await,
            },
            Step::Write(change) if !names_wanted(wanted, &change).is_empty() => {
                self.write_named(wanted, situation, change, None).await
            }
            Step::Write(change) if change.kind == ChangeKind::Restore => {
                self.restore(wanted, situation, change, found.as_ref()).await
            }
            Step::Write(change) => self.write(wanted, situation, change, found.as_ref()).await,
            Step::Nothing => unwritten(situation, nothing_to_write(link, found)),
            Step::Link(known) => unwritten(situation, Settlement::Linked { known }),
            Step::Hold(why) => unwritten(situation, Settlement::Held(why)),
            Step::Refuse(why) => unwritten(situation, Settlement::Failed(why)),
            Step::Skip(why) => unwritten(situation, Settlement::Skipped(why)),
        }
    }

    /// Whether the account was found so that writing damages more than could be told from what was known.
    fn does_unforeseen_damage(&self, wanted: &Wanted, change: &Change) -> bool {
        let Some(link) = &self.item.known else { return false };
        let foreseen: Vec<Damage> = match reconcile(wanted, Some(link), None) {
            (_, Step::Write(change)) => damages(&change).collect(),
            _ => Vec::new(),
        };
        damages(change).any(|damage| !foreseen.contains(&damage))
    }

    /// What an earlier try has left is known from now on; what becomes of it is decided anew.
    async fn only_look(&self, keys: &MatchKeys, attributes: &[Name]) -> Carried {
        let link = self.item.known.as_ref();
        let mut attributes = attributes.to_vec();
        attributes.push(Name::new(ACCOUNT_ENABLED));
        let search =
            Search { object: link.map(|known| known.object.clone()), keys: keys.clone(), attributes, again: true };
        let found = match self.writer.find(&search).await {
            Ok(found) => found,
            Err(error) => return self.not_carried(self.supposed(), error),
        };
        let nothing_new = || {
            let why = Reason::new(LOOKED, "the target was looked at: an earlier try has left nothing new there");
            unwritten(self.supposed(), Settlement::Again { due: self.clock.now(), look: false, why })
        };
        match (link, found) {
            (Some(link), Found::One(there)) if *link == there => nothing_new(),
            (Some(_), Found::One(known)) => unwritten(Situation::Confirmed, Settlement::Linked { known }),
            (None, Found::One(known)) => unwritten(Situation::Unqualified, Settlement::Linked { known }),
            (None, Found::Nobody | Found::Deleted(_)) => nothing_new(),
            (Some(_), Found::Nobody | Found::Deleted(_)) => missing("nobody is there"),
            (_, several @ Found::Several(_)) => match reconcile(&Wanted::Disabled, link, Some(&several)) {
                (situation, Step::Hold(why)) => unwritten(situation, Settlement::Held(why)),
                _ => nothing_new(),
            },
            (_, Found::CannotLook) => {
                let why = "an earlier try may have written, which did not tell, and this target cannot be asked; \
                           look at what was written for this person, then send their data again";
                unwritten(self.supposed(), Settlement::Held(Reason::new(CANNOT_LOOK, why)))
            }
        }
    }

    async fn write(&self, wanted: &Wanted, situation: Situation, change: Change, found: Option<&Found>) -> Carried {
        if !self.a_write_fits() {
            return self.lease_too_short(situation);
        }
        let written = self.writer.write(&self.errand(), &change).await;
        self.written(wanted, situation, change, written, found).await
    }

    /// What comes of a write.
    async fn written(
        &self,
        wanted: &Wanted,
        situation: Situation,
        change: Change,
        written: Result<Option<Known>, WriteError>,
        found: Option<&Found>,
    ) -> Carried {
        match written {
            // What came back holds what it held: that is compared next, under the limits.
            Ok(Some(receipt)) if change.kind == ChangeKind::Restore => {
                let known = after(wanted, self.before(found), &change, receipt);
                Carried { situation, change: Some(change), settlement: Settlement::Linked { known } }
            }
            Ok(receipt) => {
                let known = receipt.map(|receipt| after(wanted, self.before(found), &change, receipt));
                Carried { situation, change: Some(change), settlement: Settlement::Applied { known } }
            }
            // It was to go, and it is gone.
            Err(WriteError::Gone { .. }) if change.kind == ChangeKind::Delete => {
                Carried { situation, change: Some(change), settlement: Settlement::Applied { known: None } }
            }
            Err(WriteError::Gone { .. }) if *wanted == Wanted::Disabled => {
                unwritten(Situation::AllGone, Settlement::Applied { known: None })
            }
            Err(WriteError::Taken { attribute, holder, cause }) if self.item.known.is_none() => {
                self.look_who_took_it(wanted, situation, Taken { attribute, holder, cause }).await
            }
            Err(error) => self.not_carried(situation, error),
        }
    }

    /// Who is there. Without an object and without keys there is nothing to look by.
    async fn look(&self, wanted: &Wanted, object: Option<&ObjectId>) -> Result<Found, WriteError> {
        let keys = match wanted {
            Wanted::Present(desired) => desired.keys.clone(),
            Wanted::Disabled | Wanted::Deleted => MatchKeys::default(),
        };
        if object.is_none() && keys.0.is_empty() {
            return Ok(Found::CannotLook);
        }
        let attributes = owned(wanted, self.item.known.as_ref());
        self.writer.find(&Search { object: object.cloned(), keys, attributes, again: self.item.look }).await
    }

    async fn manager(&self, manager: Option<&ObjectId>) -> Carried {
        let Some(known) = &self.item.known else {
            let why = Reason::new(NO_ACCOUNT, "there is no account yet whose manager could be set");
            return unwritten(Situation::ReferencePending, Settlement::Failed(why));
        };
        if !self.a_write_fits() {
            return self.lease_too_short(Situation::Confirmed);
        }
        match self.writer.set_manager(&self.errand(), &known.object, manager).await {
            Ok(()) => Carried {
                situation: Situation::Confirmed,
                change: Some(manager_change(&known.object, manager)),
                settlement: Settlement::Applied { known: Some(known.clone()) },
            },
            Err(error) => self.not_carried(Situation::Confirmed, error),
        }
    }

    /// Nobody muster knows is called so, but the target may know them.
    async fn seek_manager(&self, manager: &Anchor, keys: &MatchKeys) -> Carried {
        let search = Search { object: None, keys: keys.clone(), attributes: Vec::new(), again: false };
        let held = |why| unwritten(Situation::ReferencePending, Settlement::Held(why));
        match self.writer.find(&search).await {
            Ok(Found::One(found)) if self.item.known.as_ref().is_none_or(|own| own.object != found.object) => {
                self.manager(Some(&found.object)).await
            }
            Ok(Found::Several(objects)) => {
                let several = format!(
                    "{} accounts there match {manager}, the manager of {}: which it is must be made plain there",
                    objects.len(),
                    self.item.anchor
                );
                held(Reason::new(MANAGER_AMBIGUOUS, several))
            }
            Ok(_) => held(manager_pending(manager.as_str())),
            Err(error) => self.not_carried(Situation::ReferencePending, error),
        }
    }

    fn a_write_fits(&self) -> bool {
        self.clock.now().plus(self.writer.timeout()) <= self.item.ends
    }

    /// The errand, and until when it may be begun.
    fn errand(&self) -> Errand<'_> {
        let left = self.item.ends.since(self.clock.now()).saturating_sub(self.writer.timeout());
        Errand::of(self.item).before(Deadline::within(left))
    }

    fn lease_too_short(&self, situation: Situation) -> Carried {
        let why = Reason::new(LEASE_TOO_SHORT, "the lease would have ended before the write had to");
        unwritten(situation, Settlement::Again { due: self.item.ends, look: self.item.look, why })
    }

    /// How things stand before anybody has looked.
    fn supposed(&self) -> Situation {
        if self.item.known.is_some() { Situation::Confirmed } else { Situation::Absent }
    }

    /// What the account held before the write: as it was found, where that was looked at.
    fn before<'f>(&'f self, found: Option<&'f Found>) -> Option<&'f Known> {
        match found {
            Some(Found::One(known) | Found::Deleted(known)) => Some(known),
            _ => self.item.known.as_ref(),
        }
    }

    fn not_carried(&self, situation: Situation, error: WriteError) -> Carried {
        let failed = |why| unwritten(situation, Settlement::Failed(why));
        match error {
            WriteError::Later { after, cause } => {
                unwritten(situation, self.again(after, self.item.look, Reason::new(TARGET_BUSY, cause.0)))
            }
            WriteError::Withheld { code, after, cause } => {
                unwritten(situation, self.again(Some(after), self.item.look, Reason::new(code, cause.0)))
            }
            WriteError::Unknown { cause } => {
                unwritten(situation, self.again(None, true, Reason::new(NO_ANSWER, cause.0)))
            }
            WriteError::Refused { code, cause } => failed(Reason { code: Cow::Owned(code), detail: cause.0 }),
            WriteError::Taken { attribute, cause, .. } => {
                failed(Reason::new(TAKEN, format!("somebody else holds the value of {attribute}: {cause}")))
            }
            WriteError::Gone { cause } => missing(&cause.0),
        }
    }

    fn again(&self, after: Option<Duration>, look: bool, why: Reason) -> Settlement {
        let asked = after.unwrap_or_default().min(Duration::from_secs(PAUSE_SECONDS_MAX));
        let pause = asked.max(backoff(self.item.attempt, self.item.anchor.as_str()));
        Settlement::Again { due: self.clock.now().plus(pause), look, why }
    }
}

fn unwritten(situation: Situation, settlement: Settlement) -> Carried {
    Carried { situation, change: None, settlement }
}

fn missing(said: &str) -> Carried {
    let why = format!(
        "the linked account is not there any more ({said}); restore it at the target, or release the person so that a \
         new one is made"
    );
    unwritten(Situation::Missing, Settlement::Held(Reason::new(MISSING, why)))
}

/// Nothing is left to do. Where a look found something else than was known (an earlier try has written without telling, or
/// nobody had looked at it), what is there must be known, or a later difference would be missed.
fn nothing_to_write(link: Option<&Known>, found: Option<Found>) -> Settlement {
    match (link, found) {
        (Some(link), Some(Found::One(there))) if *link != there => Settlement::Applied { known: Some(there) },
        (Some(_), Some(Found::Nobody | Found::Deleted(_))) => Settlement::Applied { known: None },
        _ => Settlement::Unchanged,
    }
}

fn manager_change(object: &ObjectId, manager: Option<&ObjectId>) -> Change {
    let name = Name::new("manager");
    let mut set = Attributes::new();
    let mut clear = Vec::new();
    match manager {
        Some(manager) => set.set(name, Value::text(manager.as_str())),
        None => clear.push(name),
    }
    Change {
        kind: ChangeKind::Update,
        object: Some(object.clone()),
        set,
        clear,
        container: None,
        before: Attributes::new(),
        container_before: None,
    }
}

/// A lease that was too short is nobody's failure and does not count; nor does waiting for an agent's own limits, which
/// may take weeks.
fn give_up_in_the_end(item: &WorkItem, carried: Carried) -> Carried {
    match carried.settlement {
        Settlement::Again { why, .. } if item.attempt + 1 >= ATTEMPTS_MAX && !is_nobodys_failure(&why) => {
            let detail = format!("tried {ATTEMPTS_MAX} times; at last: {why}");
            Carried { settlement: Settlement::Failed(Reason::new(GAVE_UP, detail)), ..carried }
        }
        settlement => Carried { settlement, ..carried },
    }
}

fn is_nobodys_failure(why: &Reason) -> bool {
    why.code == LEASE_TOO_SHORT || why.is_withheld()
}
