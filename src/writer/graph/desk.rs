//! The desk where calls are handed in: they are gathered into batches, and sent when gate, budget and places allow.
//!
//! Calls that come together go together; whoever is to be locked out goes first. A call that would have to wait too
//! long is told so and is not sent.

mod carry;
mod queue;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use self::queue::{Entry, Queue};
use super::batch::BATCH_MAX;
use super::call::{Answer, Call, Line, Lost};
use super::pace::{Going, Pacer, Ready};
use crate::writer::WriteError;
use crate::writer::until::Until;

/// How long a call waits for others to join it, from the last one that came. People are carried side by side, and what
/// one of them asks the others ask within the same moment.
const LINGER: Duration = Duration::from_millis(1);

/// How long a call waits for others at most, however many come.
const LINGER_MAX: Duration = Duration::from_millis(10);

/// The part of a call's time that is kept for the request itself: waiting for gate and budget may take the rest.
const OWN_TIME_PARTS: u32 = 2;

/// Where calls to one tenant are handed in.
#[derive(Debug)]
pub(super) struct Desk {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    line: Line,
    pacer: Arc<Pacer>,
    waiting: Mutex<Waiting>,
    /// Rung by whoever hands something in.
    arrived: Notify,
    /// Calls handed in and not answered yet.
    inside: AtomicUsize,
    /// That batches are refused is said once.
    told_of_refusal: AtomicBool,
}

#[derive(Debug, Default)]
struct Waiting {
    queue: Queue,
    /// Somebody sees to the queue.
    is_served: bool,
}

/// An answer to come.
pub(super) struct Pending {
    answer: oneshot::Receiver<Result<Answer, Lost>>,
    deadline: Instant,
    _inside: Inside,
}

/// Counts a call for as long as somebody waits for its answer.
struct Inside(Arc<Inner>);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pending {
    /// Waits for it.
    pub(super) async fn wait(self) -> Result<Answer, Lost> {
        match tokio::time::timeout_at(self.deadline, self.answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Lost::sent("the request broke off")),
            Err(_) => Err(Lost::sent("Graph did not answer in time")),
        }
    }
}

/// What is to be done next.
enum Next {
    Send(Vec<Entry>, Going),
    WaitUntil(Instant),
    Done,
}

impl Desk {
    pub(super) fn new(line: Line, pacer: Arc<Pacer>) -> Self {
        let inner = Inner {
            line,
            pacer,
            waiting: Mutex::default(),
            arrived: Notify::new(),
            inside: AtomicUsize::new(0),
            told_of_refusal: AtomicBool::new(false),
        };
        Self { inner: Arc::new(inner) }
    }

    pub(super) fn pacer(&self) -> &Pacer {
        &self.inner.pacer
    }

    /// Graph's address, behind which all paths stand.
    pub(super) fn base(&self) -> &str {
        &self.inner.line.base
    }

    /// Calls handed in and not answered yet.
    pub(super) fn inside(&self) -> usize {
        self.inner.inside.load(Ordering::Relaxed)
    }

    /// Hands a call in and waits for its answer, `until` then at most.
    pub(super) async fn call(&self, call: Call, until: Until) -> Result<Answer, WriteError> {
        let writes = call.writes();
        self.hand_in(call, until).wait().await.map_err(|lost| lost.meant_for(writes))
    }

    /// Hands a call in. It stands in the queue when this returns, so that calls handed in together go together.
    pub(super) fn hand_in(&self, call: Call, until: Until) -> Pending {
        let deadline = until.end;
        let now = Instant::now();
        let (sender, answer) = oneshot::channel();
        let begin_by = now + deadline.saturating_duration_since(now) / OWN_TIME_PARTS;
        self.inner.inside.fetch_add(1, Ordering::Relaxed);
        let inside = Inside(Arc::clone(&self.inner));
        let mut waiting = self.inner.waiting();
        waiting.queue.push(Entry { call, begin_by, until, arrived: now, answer: sender });
        let is_new = !std::mem::replace(&mut waiting.is_served, true);
        drop(waiting);
        self.inner.see_to_it(is_new);
        Pending { answer, deadline, _inside: inside }
    }
}

/// Should the one who serves the queue break off, the next call sets another to it.
struct Serving(Option<Arc<Inner>>);

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(inner) = &self.0 {
            inner.waiting().is_served = false;
        }
    }
}

/// Sees to the queue until it is empty.
async fn serve(inner: Arc<Inner>) {
    let mut serving = Serving(Some(Arc::clone(&inner)));
    let mut pace = inner.pacer.listen();
    loop {
        pace.borrow_and_update();
        match inner.next(Instant::now()) {
            Next::Send(batch, going) => drop(tokio::spawn(carry::carry(Arc::clone(&inner), batch, going))),
            Next::WaitUntil(until) => tokio::select! {
                () = tokio::time::sleep_until(until) => {}
                () = inner.arrived.notified() => {}
                _ = pace.changed() => {}
            },
            Next::Done => {
                serving.0 = None;
                return;
            }
        }
    }
}

impl Inner {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whoever serves the queue that something is in it; where nobody does, sets somebody to it.
    fn see_to_it(self: &Arc<Self>, is_new: bool) {
        if is_new {
            tokio::spawn(serve(Arc::clone(self)));
        } else {
            self.arrived.notify_one();
        }
    }

    fn next(&self, now: Instant) -> Next {
        let mut waiting = self.waiting();
        waiting.queue.forget_abandoned();
        waiting.queue.dismiss_late();
        let closed_until = self.pacer.closed_until(now);
        match closed_until {
            Some(until) => waiting.queue.turn_away(|_, entry| (entry.begin_by < until).then_some(until), now),
            None => waiting.queue.turn_away(|_, entry| (entry.begin_by < now).then_some(now), now),
        }
        let Some(last_chance) = waiting.queue.last_chance() else {
            waiting.is_served = false;
            return Next::Done;
        };
        if let Some(until) = closed_until {
            return Next::WaitUntil(until);
        }
        if let Some(until) = waiting.queue.lingers_until(now) {
            return Next::WaitUntil(until);
        }
        if !self.pacer.has_place() {
            return Next::WaitUntil(last_chance + LINGER);
        }
        self.compose(&mut waiting.queue, now)
    }

    /// Takes what may be begun: who is locked out first, then in the order in which they came.
    fn compose(&self, queue: &mut Queue, now: Instant) -> Next {
        let (urgent, others) = queue.writes();
        let (urgent_may, ready) = self.pacer.ready(urgent, others, now);
        let (others_may, then) = match ready {
            Ready::Now(count) => (count, now),
            Ready::At(at) => (0, at),
        };
        let batch = queue.take(urgent_may, others_may);
        if !batch.is_empty() {
            let writes = batch.iter().filter(|entry| entry.call.writes()).count();
            let going = self.pacer.begin(u32::try_from(writes).unwrap_or(u32::MAX), now);
            return Next::Send(batch, going);
        }
        // Only writes are left, and the budget must fill up first.
        let rate = self.pacer.steady_rate();
        let turn = |at: usize| then + Duration::try_from_secs_f64(at as f64 / rate).unwrap_or(Duration::MAX / 4);
        queue.turn_away(|at, entry| Some(turn(at)).filter(|turn| *turn > entry.begin_by), now);
        Next::WaitUntil(then)
    }
}
