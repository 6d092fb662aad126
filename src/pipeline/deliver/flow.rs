//! *Flow*: a target kept busy. Work is leased while other work is carried, and what is done is settled together, so
//! that the store's transactions, the target's answers and our own thinking overlap.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::Instant;

use super::Deliverer;
use crate::model::{Carried, LeaseId, Timestamp, WorkItem};
use crate::pipeline::carry::carry;
use crate::pipeline::schedule::{Ear, Shutdown, chain};
use crate::store::{StoreError, WorkFor};
use crate::writer::{Pace, Room};

/// Most pieces of work under way at one target: twenty of Graph's batches of twenty, more than a tenant answers at
/// once. Whoever leaves waits for no more than these.
pub const UNDER_WAY_MAX: usize = 400;
/// Most pieces leased in one transaction, so that whoever accepts an upload meanwhile waits some hundredths of a second.
const LEASE_ITEMS_MAX: usize = 200;
/// What is free must be this part of all before more is leased: a few large leases fill a target's batches.
const REFILL_SHARE: usize = 4;
/// How long what is done waits for its neighbours: the answers of one batch come within a millisecond.
const GATHER: Duration = Duration::from_millis(2);
/// What a pace allows in this time is leased. A lease lasts much longer, and a leaver waits no longer than this.
const AHEAD: Duration = Duration::from_secs(4);
/// The longest anybody sleeps before looking whether something is due: also how soon a change made by another
/// process (`muster release`) is seen.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How soon a target is asked again that has no room and does not say for how long.
const ROOM_EVERY: Duration = Duration::from_millis(25);
/// How long to wait before trying again after the store refused.
const STORE_RETRY: Duration = Duration::from_secs(2);
/// How often what is done is tried to be settled while stopping. What is not settled is looked at after its lease.
const STOP_TRIES_MAX: u32 = 3;

/// What becomes of a flow when the store refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// It is logged, and tried again.
    Retry,
    /// It ends.
    Stop,
}

/// A target's flow of work.
pub(super) struct Flow {
    deliverer: Arc<Deliverer>,
    under_way: JoinSet<(LeaseId, Carried)>,
    done: Vec<(LeaseId, Carried)>,
    /// The store's part, while it is under way.
    turn: Option<JoinHandle<Turn>>,
    /// What is done is settled then at the latest.
    gathered: Instant,
    /// The store is not asked for more before then.
    look_at: Instant,
    on_error: OnError,
    /// How often the store has refused since it last did not.
    refusals: u32,
    /// Something new was told of while the store had its turn.
    was_rung: bool,
}

/// One turn of the store: what was done is settled, then more is leased.
struct Turn {
    /// What could not be settled; its leases stand.
    unsettled: Vec<(LeaseId, Carried)>,
    settled: usize,
    asked: usize,
    work: WorkFor,
    next_due: Option<Timestamp>,
    error: Option<StoreError>,
}

impl Flow {
    pub(super) fn new(deliverer: Arc<Deliverer>, on_error: OnError) -> Self {
        let now = Instant::now();
        Self {
            deliverer,
            under_way: JoinSet::new(),
            done: Vec::new(),
            turn: None,
            gathered: now,
            look_at: now,
            on_error,
            refusals: 0,
            was_rung: false,
        }
    }

    pub(super) async fn run(mut self, mut work: Ear, mut shutdown: Shutdown) -> Result<(), StoreError> {
        loop {
            let is_stopping = shutdown.is_asked();
            let wake_at = self.go_on(is_stopping);
            if is_stopping && self.is_at_rest() {
                return Ok(());
            }
            self.tell_whether_busy();
            tokio::select! {
                biased;
                turn = ended(&mut self.turn) => self.take(turn)?,
                Some(carried) = self.under_way.join_next() => self.gather(carried),
                () = shutdown.asked(), if !is_stopping => {}
                () = work.rung() => {
                    self.was_rung = true;
                    self.look_at = Instant::now();
                }
                () = tokio::time::sleep_until(wake_at) => {}
            }
            if is_stopping && self.refusals >= STOP_TRIES_MAX {
                tracing::error!(target_id = %self.deliverer.target, unsettled = self.done.len(), "stopped before all was settled");
                return Ok(());
            }
        }
    }

    /// Begins a turn of the store if there is reason to; says when to look again.
    fn go_on(&mut self, is_stopping: bool) -> Instant {
        let now = Instant::now();
        if self.turn.is_some() {
            return now + LOOK_EVERY;
        }
        let is_paused = self.refusals > 0 && self.look_at > now;
        let settles = !self.done.is_empty() && !is_paused && (self.under_way.is_empty() || self.gathered <= now);
        let (room, room_at) = if is_stopping || self.look_at > now { (0, self.look_at) } else { self.room(now) };
        if settles || room > 0 {
            self.begin_turn(room);
            return now + LOOK_EVERY;
        }
        let gathered = if self.done.is_empty() || is_paused { room_at } else { self.gathered };
        room_at.min(gathered).max(now)
    }

    /// How much may be leased now; where nothing may, when to ask again.
    fn room(&self, now: Instant) -> (usize, Instant) {
        let open = match self.deliverer.writer.room() {
            Room::Open(open) => open,
            Room::ClosedFor(time) => return (0, now + time.clamp(ROOM_EVERY, LOOK_EVERY)),
        };
        let under_way = self.under_way.len() + self.done.len();
        let ahead = self.deliverer.writer.pace().map_or(UNDER_WAY_MAX, |pace| begins_within(&pace, AHEAD));
        let most = UNDER_WAY_MAX.min(ahead.max(1)).min(under_way.saturating_add(open));
        let free = most.saturating_sub(under_way);
        match free {
            0 => (0, now + ROOM_EVERY),
            // What is done makes room.
            free if free < most / REFILL_SHARE => (0, now + ROOM_EVERY),
            free => (free.min(LEASE_ITEMS_MAX), now),
        }
    }

    fn begin_turn(&mut self, room: usize) {
        self.was_rung = false;
        let done = std::mem::take(&mut self.done);
        let deliverer = Arc::clone(&self.deliverer);
        self.turn = Some(tokio::task::spawn_blocking(move || turn(&deliverer, done, room)));
    }

    fn take(&mut self, turn: Result<Turn, JoinError>) -> Result<(), StoreError> {
        let now = Instant::now();
        let Turn { unsettled, settled, asked, work, next_due, error } = turn
            .map_err(|error| StoreError::Broken(format!("store work broke off: {error}")))
            .or_else(|error| if self.on_error == OnError::Stop { Err(error) } else { Ok(Turn::broken(error)) })?;
        self.done.extend(unsettled);
        if let Some(error) = error {
            self.refusals += 1;
            self.look_at = now + STORE_RETRY;
            tracing::error!(target_id = %self.deliverer.target, error = chain(&error), "delivering stopped; trying again");
            return if self.on_error == OnError::Stop { Err(error) } else { Ok(()) };
        }
        self.refusals = 0;
        self.deliverer.flowing.ended.fetch_add((settled + work.ended) as u64, Ordering::SeqCst);
        // What comes next of what was settled (a manager, a difference) is due at once.
        let may_be_more = std::mem::take(&mut self.was_rung)
            || settled > 0
            || work.ended > 0
            || (asked > 0 && work.items.len() == asked);
        self.look_at = match (may_be_more || asked == 0, next_due) {
            (true, _) => now.min(self.look_at),
            (false, Some(due)) => now + due.since(self.deliverer.clock.now()).clamp(ROOM_EVERY, LOOK_EVERY),
            (false, None) => now + LOOK_EVERY,
        };
        for item in work.items {
            self.begin(item);
        }
        Ok(())
    }

    fn begin(&mut self, item: WorkItem) {
        let deliverer = Arc::clone(&self.deliverer);
        self.under_way.spawn(async move {
            let carried = carry(deliverer.writer.as_ref(), &item, deliverer.clock.as_ref()).await;
            (item.lease, carried)
        });
    }

    /// Takes what is done, with all that is done by now.
    fn gather(&mut self, carried: Result<(LeaseId, Carried), JoinError>) {
        if self.done.is_empty() {
            self.gathered = Instant::now() + GATHER;
        }
        let mut next = Some(carried);
        while let Some(carried) = next {
            match carried {
                Ok(carried) => self.done.push(carried),
                // Its lease runs out, and the next worker looks before it writes.
                Err(error) => {
                    tracing::error!(target_id = %self.deliverer.target, %error, "a piece of work broke off");
                }
            }
            next = self.under_way.try_join_next();
        }
    }

    fn is_at_rest(&self) -> bool {
        self.turn.is_none() && self.under_way.is_empty() && self.done.is_empty()
    }

    fn tell_whether_busy(&self) {
        let is_busy = !self.is_at_rest() || self.look_at <= Instant::now();
        self.deliverer.flowing.is_busy.store(is_busy, Ordering::SeqCst);
    }
}

impl Turn {
    fn broken(error: StoreError) -> Self {
        let (unsettled, work) = (Vec::new(), WorkFor::default());
        Self { unsettled, settled: 0, asked: 0, work, next_due: None, error: Some(error) }
    }
}

fn turn(deliverer: &Deliverer, mut done: Vec<(LeaseId, Carried)>, room: usize) -> Turn {
    let mut turn = Turn { settled: done.len(), asked: room, ..Turn::broken(StoreError::Broken(String::new())) };
    turn.error = None;
    if !done.is_empty()
        && let Err(error) = deliverer.settle(&mut done)
    {
        return Turn { unsettled: done, settled: 0, error: Some(error), ..turn };
    }
    if room == 0 {
        return turn;
    }
    let leased = deliverer.lease(room).and_then(|work| {
        let is_all = work.items.len() < room && work.ended == 0;
        Ok((work, if is_all { deliverer.next_due()? } else { None }))
    });
    match leased {
        Ok((work, next_due)) => Turn { work, next_due, ..turn },
        Err(error) => Turn { error: Some(error), ..turn },
    }
}

/// How much a pace allows to begin within so long.
fn begins_within(pace: &Pace, time: Duration) -> usize {
    let share = if pace.per.is_zero() { f64::MAX } else { time.as_secs_f64() / pace.per.as_secs_f64() };
    // A float becomes the nearest number there is.
    pace.left as usize + (f64::from(pace.writes) * share) as usize
}

/// The turn under way, when it ends; never, where none is.
async fn ended(turn: &mut Option<JoinHandle<Turn>>) -> Result<Turn, JoinError> {
    let Some(handle) = turn else { return std::future::pending().await };
    let ended = handle.await;
    *turn = None;
    ended
}
