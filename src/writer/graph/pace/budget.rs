//! A budget of writes as the tenant keeps it: a bucket that holds so many, and refills evenly.
//!
//! It is exact towards a tenant that counts so (`facts/graph_users.md` §10: Graph does): never more is taken than the
//! tenant has, whenever between sending and answering it counts a write. Half of the bucket may be used at once, so that
//! a small job is done at once; the rest is spread, so that the budget is not empty the moment a leaver comes. A tenant
//! that counts otherwise, or has somebody else to count, says so with a 429, and then nothing but what refills is used.

use std::time::Duration;

use tokio::time::Instant;

use super::super::batch::BATCH_MAX;

/// The part of the bucket that may be used at once.
const AT_ONCE_PARTS: u32 = 2;

/// What is left below that is spread so that in this part of the window it would be used up at a steady pace; as it is
/// used, the pace falls to what refills.
const SPREAD_PARTS: f64 = 4.0;

/// How long writes may wait for others to fill a batch when the budget is spread …
const FILL_MAX: Duration = Duration::from_secs(1);

/// … and as a part of the window: what waits is not used.
const FILL_PARTS: u32 = 64;

/// The part of a window that is gone through without using half at once after the tenant has said that it is too much:
/// somebody else uses the same budget, or we have just been started again.
const CALM_PARTS: u32 = 1;

/// The same after it has said that little is left.
const WARNED_PARTS: u32 = 10;

/// How many writes are taken within which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteBudget {
    /// So many writes at once …
    pub writes: u32,
    /// … and so many more within any such time.
    pub per: Duration,
}

impl Default for WriteBudget {
    /// What Graph takes of one application in one tenant (`facts/graph_users.md` §10).
    fn default() -> Self {
        Self { writes: 3_000, per: Duration::from_secs(150) }
    }
}

/// Whether writes may be begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::writer::graph) enum Ready {
    /// So many.
    Now(u32),
    /// Not before then.
    At(Instant),
}

/// What is left of a budget.
#[derive(Debug)]
pub(super) struct Budget {
    pub(super) size: WriteBudget,
    /// What the tenant still has at least.
    level: f64,
    counted_at: Option<Instant>,
    under_way: u32,
    /// Writes that have been earned by waiting, where the budget is spread.
    earned: f64,
    calm_until: Option<Instant>,
}

impl Budget {
    pub(super) fn new(size: WriteBudget) -> Self {
        let size = WriteBudget { writes: size.writes.max(1), per: size.per.max(Duration::from_millis(1)) };
        let level = f64::from(size.writes);
        Self { size, level, counted_at: None, under_way: 0, earned: 0.0, calm_until: None }
    }

    /// How many of `waiting` writes may be begun. Fewer than could fill a batch soon are waited for.
    pub(super) fn ready(&mut self, waiting: u32, now: Instant) -> Ready {
        self.count(now);
        let (at_once, rate) = (self.at_once(now), self.rate());
        let may = (at_once + self.earned).min(self.level);
        let fill = (rate * self.fill().as_secs_f64()).floor().clamp(1.0, BATCH_MAX as f64);
        let enough = fill.min(f64::from(waiting));
        if may >= enough {
            return Ready::Now(waiting.min(may as u32));
        }
        let refilled = (enough - self.level) / self.refill();
        let earned = (enough - at_once - self.earned) / rate;
        // Never at this very moment: rounding must not turn waiting into spinning.
        Ready::At(now + Duration::from_secs_f64(refilled.max(earned).max(0.001)))
    }

    /// How many writes the budget still has, for those that go before all others.
    pub(super) fn left_at(&mut self, now: Instant) -> u32 {
        self.count(now);
        self.level.max(0.0) as u32
    }

    /// How many may be begun until `ahead` has passed.
    pub(super) fn soon(&mut self, ahead: Duration, now: Instant) -> u32 {
        self.count(now);
        let ahead = ahead.as_secs_f64();
        let earned = self.at_once(now) + self.earned + self.rate() * ahead;
        earned.min(self.level + self.refill() * ahead).max(0.0) as u32
    }

    pub(super) fn begin(&mut self, writes: u32, now: Instant) {
        self.count(now);
        let beyond = f64::from(writes) - self.at_once(now);
        self.earned = (self.earned - beyond.max(0.0)).max(-(BATCH_MAX as f64));
        self.level -= f64::from(writes);
        self.under_way += writes;
    }

    /// They were answered, or never will be: the tenant has counted them by now.
    pub(super) fn end(&mut self, writes: u32, now: Instant) {
        self.count(now);
        self.under_way = self.under_way.saturating_sub(writes);
    }

    /// They were not sent after all.
    pub(super) fn give_back(&mut self, writes: u32) {
        self.under_way = self.under_way.saturating_sub(writes);
        self.level += f64::from(writes);
        self.earned += f64::from(writes);
    }

    /// The tenant has said that it was too much: it has nothing left, whatever was thought.
    pub(super) fn refused(&mut self, now: Instant) {
        self.count(now);
        self.level = self.level.min(0.0);
        self.calm(now + self.size.per / CALM_PARTS);
    }

    /// The tenant has said that little is left.
    pub(super) fn warned(&mut self, now: Instant) {
        self.calm(now + self.size.per / WARNED_PARTS);
    }

    /// Another job says less of the same tenant: the least counts.
    pub(super) fn narrow(&mut self, size: WriteBudget) {
        let pace = |size: &WriteBudget| f64::from(size.writes) / size.per.as_secs_f64().max(0.001);
        if pace(&size) < pace(&self.size) {
            *self = Self { under_way: self.under_way, ..Self::new(size) };
        }
    }

    fn fill(&self) -> Duration {
        FILL_MAX.min(self.size.per / FILL_PARTS)
    }

    fn calm(&mut self, until: Instant) {
        self.earned = self.earned.min(0.0);
        self.calm_until = self.calm_until.max(Some(until));
    }

    /// Writes a second that come back.
    fn refill(&self) -> f64 {
        f64::from(self.size.writes) / self.size.per.as_secs_f64()
    }

    /// Writes a second at which the budget is used where it is spread.
    fn rate(&self) -> f64 {
        self.refill() + self.level.max(0.0) * SPREAD_PARTS / self.size.per.as_secs_f64()
    }

    /// Writes that need not be spread.
    fn at_once(&self, now: Instant) -> f64 {
        if self.calm_until.is_some_and(|until| until > now) {
            return 0.0;
        }
        (self.level - f64::from(self.size.writes - self.size.writes.div_ceil(AT_ONCE_PARTS))).max(0.0)
    }

    /// Counts what came back, and what was earned, since it was counted last.
    fn count(&mut self, now: Instant) {
        let since = self.counted_at.replace(now).map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        let rate = self.rate();
        let most = (rate * self.fill().as_secs_f64()).max(BATCH_MAX as f64);
        self.earned = (self.earned + rate * since.as_secs_f64()).min(most);
        // A write under way may be counted by the tenant only now: what is over its brim until then is lost to us, too.
        let brim = f64::from(self.size.writes.saturating_sub(self.under_way));
        self.level = (self.level + self.refill() * since.as_secs_f64()).min(brim.max(self.level));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    const LATENCY: Duration = Duration::from_millis(40);

    /// When a write was sent, and when it was answered.
    type Written = (Duration, Duration);

    /// Writes all the budget lets through for so many windows, each write answered after [`LATENCY`]. `demand` is how
    /// many a second are asked for.
    fn run(size: WriteBudget, windows: u32, demand: f64) -> Vec<Written> {
        let begun = Instant::now();
        let (mut now, end) = (begun, begun + size.per * windows);
        let mut budget = Budget::new(size);
        let mut under_way: VecDeque<(Instant, u32)> = VecDeque::new();
        let mut written: Vec<Written> = Vec::new();
        while now < end {
            while let Some((at, count)) = under_way.front().copied().filter(|(at, _)| *at <= now) {
                budget.end(count, at);
                under_way.pop_front();
            }
            let asked = (demand * (now - begun).as_secs_f64()) as u32;
            let next = match budget.ready(asked.saturating_sub(written.len() as u32).min(500), now) {
                Ready::Now(0) => now + Duration::from_millis(10),
                Ready::Now(count) => {
                    let count = count.min(BATCH_MAX as u32);
                    budget.begin(count, now);
                    under_way.push_back((now + LATENCY, count));
                    let sent = now - begun;
                    written.extend(std::iter::repeat_n((sent, sent + LATENCY), count as usize));
                    now
                }
                Ready::At(at) => at,
            };
            now = under_way.front().map_or(next, |(at, _)| next.min(*at));
        }
        written
    }

    /// How little a tenant's bucket ever held that counts each write at such a moment of it.
    fn least_left(written: &[Written], size: WriteBudget, counted: impl Fn(usize, &Written) -> Duration) -> f64 {
        let mut at: Vec<Duration> = written.iter().enumerate().map(|(n, times)| counted(n, times)).collect();
        at.sort();
        let brim = f64::from(size.writes);
        let (mut level, mut least, mut last) = (brim, brim, Duration::ZERO);
        for moment in at {
            level = (level + (moment - last).as_secs_f64() * brim / size.per.as_secs_f64()).min(brim) - 1.0;
            (least, last) = (level.min(least), moment);
        }
        least
    }

    #[test]
    fn at_full_load_nearly_all_of_the_budget_is_used_and_never_more_than_there_is() {
        for (writes, seconds) in [(3_000, 150), (300, 10), (100, 10), (40, 4), (200, 2), (7, 30), (1, 2)] {
            let size = WriteBudget { writes, per: Duration::from_secs(seconds) };
            let written = run(size, 6, 1e6);
            let counted: [fn(usize, &Written) -> Duration; 3] =
                [|_, (sent, _)| *sent, |_, (_, answered)| *answered, |n, (s, a)| if n % 3 == 0 { *s } else { *a }];
            for counted in counted {
                let least = least_left(&written, size, counted);
                assert!(least >= -1e-6, "{least} were left of {writes} within {seconds} s");
            }
            // A full bucket, and six times what refills.
            let used = written.len() as f64 / f64::from(writes * 7);
            let of_few = 1.0 / f64::from(writes * 7);
            assert!(used + of_few >= 0.98, "{used} of {writes} in {seconds} s were used");
        }
    }

    #[test]
    fn half_may_be_used_at_once_and_then_there_is_always_a_little() {
        let size = WriteBudget::default();
        let written = run(size, 4, 1e6);
        let within = |from: u64, to: u64| {
            let range = Duration::from_secs(from)..Duration::from_secs(to);
            written.iter().filter(|(_, at)| range.contains(at)).count()
        };
        assert!((1_500..1_700).contains(&within(0, 2)), "{}", within(0, 2));
        let steady: Vec<usize> = (2..590).step_by(5).map(|from| within(from, from + 5)).collect();
        assert!(steady.iter().all(|count| *count >= 80), "{steady:?}");
        assert!(steady.iter().rev().take(60).all(|count| *count <= 120), "{steady:?}");
    }

    #[test]
    fn what_is_asked_for_below_the_budget_is_never_held_up() {
        let size = WriteBudget { writes: 300, per: Duration::from_secs(15) };
        let written = run(size, 6, 18.0);
        assert!(written.len() >= 18 * 89 && written.len() <= 18 * 90, "{}", written.len());
    }

    #[test]
    fn who_was_told_that_it_was_too_much_uses_nothing_but_what_refills() {
        let now = Instant::now();
        let mut budget = Budget::new(WriteBudget::default());
        assert_eq!(budget.ready(5_000, now), Ready::Now(1_500));
        budget.refused(now);
        assert_eq!(budget.left_at(now), 0);
        assert!(matches!(budget.ready(5_000, now), Ready::At(at) if at > now && at <= now + FILL_MAX));
        let later = now + FILL_MAX + Duration::from_millis(1);
        assert_eq!(budget.ready(5_000, later), Ready::Now(20));
        assert_eq!(budget.left_at(now + Duration::from_secs(150)), 3_000);
    }

    #[test]
    fn what_was_not_sent_is_given_back_and_the_least_budget_counts() {
        let now = Instant::now();
        let mut budget = Budget::new(WriteBudget { writes: 10, per: Duration::from_secs(1) });
        budget.begin(10, now);
        assert_eq!(budget.left_at(now), 0);
        budget.give_back(10);
        assert_eq!(budget.left_at(now), 10);
        budget.narrow(WriteBudget { writes: 100, per: Duration::from_secs(1) });
        assert_eq!(budget.size.writes, 10);
        budget.narrow(WriteBudget { writes: 100, per: Duration::from_secs(100) });
        assert_eq!(budget.size.writes, 100);
    }
}
