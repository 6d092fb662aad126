//! How time passes for a sender: how often it may ask, and what it does while it may not.

use std::future::Future;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter, clock};

use crate::clock::Clock;

/// How often it is looked whether the next request may go. Once is enough, unless the machine's clock is set back;
/// then the request goes all the same: an import must not stop for an hour because of that.
const LOOKS_MAX: u32 = 3;

/// Lets time pass: sleep in earnest, a clock moved by hand in tests.
pub type Wait = Arc<dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// How many requests may go in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// So many requests,
    pub requests: NonZeroU32,
    /// in such a period. None at all: as fast as they are answered.
    pub per: Duration,
}

/// Lets requests go one by one, evenly: a burst, and the even flow after it, would together be more than the limit
/// in the first period.
pub(super) struct Gate {
    limiter: Option<RateLimiter<NotKeyed, InMemoryState, Ticks, NoOpMiddleware<Duration>>>,
    ticks: Ticks,
    between: Duration,
}

impl Gate {
    pub(super) fn new(pace: Pace, clock: Arc<dyn Clock>) -> Self {
        let between = pace.per / pace.requests.get();
        let ticks = Ticks(clock);
        let quota = Quota::with_period(between).map(|quota| quota.allow_burst(NonZeroU32::MIN));
        Self { limiter: quota.map(|quota| RateLimiter::direct_with_clock(quota, ticks.clone())), ticks, between }
    }

    /// Waits until the next request may go.
    pub(super) async fn pass(&self, wait: &Wait) {
        let Some(limiter) = &self.limiter else { return };
        for _ in 0..LOOKS_MAX {
            let Err(early) = limiter.check() else { return };
            let left = early.wait_time_from(clock::Clock::now(&self.ticks)).min(self.between);
            wait(whole_milliseconds(left)).await;
        }
    }
}

/// Rounded up: the clock counts in these, and a pause that ends within one would be too short.
fn whole_milliseconds(pause: Duration) -> Duration {
    Duration::from_millis(u64::try_from(pause.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX))
}

/// Our clock, as the limiter reads it.
#[derive(Clone)]
struct Ticks(Arc<dyn Clock>);

impl clock::Clock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.now().0).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::model::Timestamp;

    /// Stands still until it is moved.
    struct Hand(Mutex<Timestamp>);

    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap()
        }
    }

    /// When each of `count` requests went, in milliseconds after the first; each pause moves the clock by `moves`.
    async fn gone(pace: Pace, count: usize, moves: fn(Timestamp, Duration) -> Timestamp) -> Vec<i64> {
        let hand = Arc::new(Hand(Mutex::new(Timestamp(1_000_000))));
        let gate = Gate::new(pace, hand.clone());
        let moved = hand.clone();
        let wait: Wait = Arc::new(move |pause| {
            let mut now = moved.0.lock().unwrap();
            *now = moves(*now, pause);
            Box::pin(std::future::ready(()))
        });
        let mut gone = Vec::new();
        for _ in 0..count {
            gate.pass(&wait).await;
            gone.push(hand.now().0 - 1_000_000);
        }
        gone
    }

    fn pace(requests: u32, seconds: u64) -> Pace {
        Pace { requests: NonZeroU32::new(requests).unwrap(), per: Duration::from_secs(seconds) }
    }

    #[tokio::test]
    async fn no_five_seconds_have_more_requests_than_are_allowed() {
        for requests in [1, 7, 40, 500] {
            let gone = gone(pace(requests, 5), requests as usize * 3, Timestamp::plus).await;
            for (at, first) in gone.iter().enumerate() {
                let within = gone[at..].iter().take_while(|next| **next < first + 5_000).count();
                assert!(within <= requests as usize, "{within} of {requests} from {first} ms on");
            }
            assert!(gone.last() < Some(&17_000), "and not much fewer: {requests}");
        }
    }

    #[tokio::test]
    async fn a_pace_without_a_period_is_none() {
        assert_eq!(gone(pace(1, 0), 3, Timestamp::plus).await, [0, 0, 0]);
    }

    #[tokio::test]
    async fn a_clock_that_is_set_back_stops_nothing() {
        let gone = gone(pace(40, 5), 3, |now, pause| now.minus(pause * 1_000)).await;
        assert_eq!(gone.len(), 3);
    }
}
