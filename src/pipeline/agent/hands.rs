//! The work of one target that an agent holds: carried side by side, and counted when it has ended.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};

use super::{Desk, Tally};
use crate::model::{Settlement, WorkItem};

/// What is held, and what came of what was.
pub(super) struct Hands {
    /// How each ended, and whether the server knows.
    tasks: JoinSet<(&'static str, bool)>,
    free: Arc<Semaphore>,
    tally: Tally,
    /// The last question found nothing due.
    pub(super) were_idle: bool,
}

impl Hands {
    /// So many hands, all free.
    pub(super) fn new(count: u32) -> Self {
        let free = Arc::new(Semaphore::new(count.max(1) as usize));
        Self { tasks: JoinSet::new(), free, tally: Tally::default(), were_idle: false }
    }

    /// Takes work in hand: each is carried when its turn comes, and reported.
    pub(super) fn begin(&mut self, desk: &Arc<Desk>, items: Vec<WorkItem>) {
        for item in items {
            let (desk, free) = (Arc::clone(desk), Arc::clone(&self.free));
            self.tasks.spawn(async move {
                let carried = desk.carry(&item, &free).await;
                if let Settlement::Failed(why) = &carried.settlement {
                    // Its words may hold what the job keeps from sight; the server knows what that is.
                    tracing::warn!(target_id = %item.target, anchor = %item.anchor, code = %why.code,
                        "a piece of work failed; `muster explain` on the server says why");
                }
                let word = carried.settlement.word();
                (word, desk.reporter.report(item, carried).await)
            });
        }
    }

    /// How much is held: waiting, carried or being reported.
    pub(super) fn held(&self) -> u32 {
        u32::try_from(self.tasks.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn are_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    pub(super) async fn wait_for_one(&mut self) {
        if let Some(ended) = self.tasks.join_next().await {
            self.count(ended);
        }
    }

    /// Counts what has ended meanwhile.
    pub(super) fn take_stock(&mut self) {
        while let Some(ended) = self.tasks.try_join_next() {
            self.count(ended);
        }
    }

    fn count(&mut self, ended: Result<(&'static str, bool), JoinError>) {
        match ended {
            Ok((word, true)) => *self.tally.settled.entry(word).or_default() += 1,
            Ok((_, false)) => self.tally.unreported += 1,
            Err(error) => {
                tracing::error!(cause = %error, "a piece of work broke off");
                self.tally.unreported += 1;
            }
        }
    }

    /// Waits for all that is held, and says what came of everything.
    pub(super) async fn finish(mut self) -> Tally {
        while !self.are_empty() {
            self.wait_for_one().await;
        }
        self.tally
    }
}
