//! *Deliver*: due work is leased, carried to its target, and settled. No transaction is open meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;

use super::carry::carry;
use super::conceal::{conceal_carried, conceal_reason};
use super::schedule::{Bell, Ear, Shutdown};
use crate::clock::Clock;
use crate::decide::{self, Ask, AtTarget, Joining, decide};
use crate::meter::{self, Counter};
use crate::model::{
    Anchor, Carried, Damage, LeaseId, MANAGER, Manager, MatchKeys, Outcome, Reason, Step, TargetId, Task, Timestamp,
    Wanted, WorkItem, WorkerId,
};
use crate::reconcile::{damages, reconcile};
use crate::store::{JobState, LeaseTerms, Proposal, Store, StoreError, StoredPerson, Whose, WorkFor};
use crate::writer::Writer;
use flow::Flow;

mod flow;

pub use flow::{OnError, UNDER_WAY_MAX};

/// What is to be done at `target` about a person as they are now: decided again from the person and what is
/// known, so that it is never older than they are.
///
/// Where `is_unsure`, an earlier try may have written without telling: what is known may not be true, and nothing
/// ends before the target was looked at.
pub fn propose(job: &decide::Job, target: &TargetId, stored: &StoredPerson, is_unsure: bool) -> Proposal {
    let decision = decide(job, &stored.person, &stored.links);
    let asked = decision.targets.iter().find(|at| at.target == *target);
    if let Some(AtTarget { ask: Ask::Bring(wanted), .. }) = asked {
        let groups = decision.groups.iter().find(|at| at.target == *target).map(|at| at.groups.clone());
        return propose_bringing(wanted.clone(), groups, stored, target, is_unsure);
    }
    if let Some(task) = is_unsure.then(|| look(job, target, stored)).flatten() {
        return Proposal::Work { task, damages: Vec::new(), manager: None, groups: None };
    }
    let Some(AtTarget { situation, ask, .. }) = asked else { return Proposal::Elsewhere(Box::new(decision)) };
    let outcome = match ask {
        Ask::Bring(_) => Outcome::Unchanged,
        Ask::Hold(reason) => Outcome::Held(reason.clone()),
        Ask::Skip(reason) => Outcome::Skipped(reason.clone()),
        Ask::Fail(reason) => Outcome::Failed(reason.clone()),
    };
    Proposal::End { situation: *situation, outcome, manager: None, groups: None }
}

/// What is to be looked at: whatever an earlier try may have written. `None` where there is nothing to look by.
fn look(job: &decide::Job, target: &TargetId, stored: &StoredPerson) -> Option<Task> {
    let mapping = &job.target(target)?.mapping;
    let keys = match stored.known_at(target) {
        Some(_) => MatchKeys::default(),
        None => mapping.desired(&stored.person, None).ok()?.keys,
    };
    let ours = mapping.attributes().iter().map(|mapped| &mapped.attribute).filter(|name| **name != *MANAGER);
    Some(Task::Look { keys, attributes: ours.cloned().collect() })
}

fn propose_bringing(
    wanted: Wanted,
    groups: Option<Vec<Joining>>,
    stored: &StoredPerson,
    target: &TargetId,
    is_unsure: bool,
) -> Proposal {
    let manager = wanted_manager(&wanted);
    let known = stored.known_at(target);
    // What directory synchronisation carries there is left alone, memberships included.
    let groups = groups.filter(|_| known.is_none_or(|known| !known.synced));
    let (situation, step) = reconcile(&wanted, known, None);
    let outcome = match step {
        Step::Write(change) => {
            let damages = damages(&change).collect();
            return Proposal::Work { task: Task::Account(wanted), damages, manager, groups };
        }
        Step::Nothing | Step::Link(_) if is_unsure => {
            return Proposal::Work { task: Task::Account(wanted), damages: Vec::new(), manager, groups };
        }
        Step::Nothing | Step::Link(_) => Outcome::Unchanged,
        Step::Hold(reason) => Outcome::Held(reason),
        Step::Refuse(reason) => Outcome::Failed(reason),
        Step::Skip(reason) => Outcome::Skipped(reason),
    };
    Proposal::End { situation, outcome, manager, groups }
}

fn wanted_manager(wanted: &Wanted) -> Option<Manager> {
    match wanted {
        Wanted::Present(desired) => desired.manager.clone(),
        Wanted::Disabled | Wanted::Deleted => None,
    }
}

/// How long work is held, and how much of it at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseSettings {
    /// How long a worker may hold an item.
    pub lasts: Duration,
    /// How long a single write may take: work is not leased again before lease and write are surely over.
    pub grace: Duration,
    /// How many items a worker takes at once.
    pub count: usize,
    /// How many leases may be lost one after another before somebody must look; `None`: any number.
    pub lost_max: Option<u32>,
    /// Whose work.
    pub whose: Whose,
}

/// Leases due work at a target for `holder`.
///
/// # Errors
/// [`StoreError`] when the store refuses; then nothing is leased.
pub fn lease(
    store: &Store,
    job: &decide::Job,
    state: &JobState,
    target: &TargetId,
    holder: &WorkerId,
    settings: &LeaseSettings,
    now: Timestamp,
) -> Result<WorkFor, StoreError> {
    let Some(key) = state.target(target) else { return Ok(WorkFor::default()) };
    let allowed =
        |damage: Damage, people: u64| job.target(target).map_or(0, |target| target.limits.of(damage).allowed(people));
    let keys_of = |anchor: &Anchor| job.target(target).map_or_else(MatchKeys::default, |at| at.mapping.keys_of(anchor));
    let conceal = |stored: &StoredPerson, reason: &mut Reason| conceal_reason(job, stored, reason);
    let terms = LeaseTerms {
        holder: holder.clone(),
        count: settings.count,
        now,
        lasts: settings.lasts,
        grace: settings.grace,
        lost_max: settings.lost_max,
        whose: settings.whose,
        allowed: &allowed,
        keys_of: &keys_of,
        conceal: &conceal,
    };
    let work = store.lease(state, key, &terms, &mut |stored, is_unsure| propose(job, target, stored, is_unsure))?;
    meter::count(Counter::Leased, &[("target", target.as_str())], work.items.len() as u64);
    Ok(work)
}

/// Delivers to one target with a writer in this process.
pub struct Deliverer {
    /// Where work comes from and is settled.
    pub store: Arc<Store>,
    /// The job whose work it is.
    pub job: Arc<decide::Job>,
    /// The job in the store.
    pub state: Arc<JobState>,
    /// The target.
    pub target: TargetId,
    /// The hands.
    pub writer: Arc<dyn Writer>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Who holds the leases.
    pub holder: WorkerId,
    /// On what terms.
    pub settings: LeaseSettings,
    /// Rung when something was settled: a manager, or another target, may have waited for it.
    pub work: Bell,
    /// What [`Deliverer::run`] does just now.
    pub flowing: Flowing,
}

/// What a deliverer that runs does just now, for whoever watches.
#[derive(Debug, Default)]
pub struct Flowing {
    is_busy: AtomicBool,
    ended: AtomicU64,
}

impl Deliverer {
    /// Delivers whatever is due until asked to stop; what is under way then is finished first.
    ///
    /// # Errors
    /// [`StoreError`] when the store refuses, and `on_error` says that it ends then.
    pub async fn run(self: Arc<Self>, work: Ear, shutdown: Shutdown, on_error: OnError) -> Result<(), StoreError> {
        Flow::new(self, on_error).run(work, shutdown).await
    }

    /// Whether a deliverer that runs has anything under way, or is about to look for more.
    pub fn is_busy(&self) -> bool {
        self.flowing.is_busy.load(Ordering::SeqCst)
    }

    /// How many pieces of work have ended since it runs.
    pub fn ended(&self) -> u64 {
        self.flowing.ended.load(Ordering::SeqCst)
    }

    /// Leases what is due, carries it side by side, settles it in one transaction. Gives how many pieces of
    /// work ended, tried or not; 0 when nothing is due.
    ///
    /// # Errors
    /// [`StoreError`] when the store refuses. What was written by then is found again: its lease runs out, and
    /// whoever leases it next looks first.
    pub async fn deliver_once(self: &Arc<Self>) -> Result<usize, StoreError> {
        let work = blocking(self, |this| this.lease(this.settings.count)).await?;
        let count = work.items.len();
        if count == 0 {
            return Ok(work.ended);
        }
        let mut carried = self.carry_all(work.items).await;
        blocking(self, move |this| this.settle(&mut carried)).await?;
        Ok(count + work.ended)
    }

    fn lease(&self, count: usize) -> Result<WorkFor, StoreError> {
        let settings = LeaseSettings { count, ..self.settings };
        let now = self.clock.now();
        let work = lease(&self.store, &self.job, &self.state, &self.target, &self.holder, &settings, now)?;
        if work.others_woken {
            self.work.ring();
        }
        Ok(work)
    }

    fn settle(&self, carried: &mut [(LeaseId, Carried)]) -> Result<(), StoreError> {
        for (lease, carried) in carried.iter_mut() {
            conceal_carried(&self.job, (&self.store, &self.state), lease, carried)?;
        }
        let settled = self.store.settle_all(&self.state, &self.holder, carried, self.clock.now())?;
        let lost = settled.iter().filter(|settled| !settled.is_taken()).count() as u64;
        meter::count(Counter::LeasesLost, &[("by", "server")], lost);
        self.work.ring();
        Ok(())
    }

    fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        match self.state.target(&self.target) {
            Some(key) => self.store.next_due(key),
            None => Ok(None),
        }
    }

    async fn carry_all(self: &Arc<Self>, items: Vec<WorkItem>) -> Vec<(LeaseId, Carried)> {
        let mut under_way = JoinSet::new();
        for item in items {
            let this = Arc::clone(self);
            under_way.spawn(async move {
                let carried = carry(this.writer.as_ref(), &item, this.clock.as_ref()).await;
                (item.lease, carried)
            });
        }
        let mut done = Vec::with_capacity(under_way.len());
        while let Some(ended) = under_way.join_next().await {
            match ended {
                Ok(carried) => done.push(carried),
                // Its lease runs out, and the next worker looks before it writes.
                Err(error) => tracing::error!(target_id = %self.target, %error, "a piece of work broke off"),
            }
        }
        done
    }
}

/// Runs store work where blocking is allowed.
async fn blocking<T: Send + 'static>(
    deliverer: &Arc<Deliverer>,
    work: impl FnOnce(&Deliverer) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let deliverer = Arc::clone(deliverer);
    tokio::task::spawn_blocking(move || work(&deliverer))
        .await
        .unwrap_or_else(|error| Err(StoreError::Broken(format!("store work broke off: {error}"))))
}
