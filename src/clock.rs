//! What time it is: asked here, passed inward as a value.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::model::Timestamp;

/// Tells the time. The real one in production; one that is moved by hand in tests.
pub trait Clock: Send + Sync {
    /// The moment it is now.
    fn now(&self) -> Timestamp;
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads it")]
    fn now(&self) -> Timestamp {
        Timestamp(jiff::Timestamp::now().as_millisecond())
    }
}

/// A clock by which no span of time is taken to be shorter than it was: leases are counted by it.
///
/// The machine's own clock may be set back while a lease runs, and the monotonic one stands still while the machine
/// sleeps (neither does while the process is stopped). This one goes on by whichever went further, so it may be ahead
/// of the time; then a lease ends early, and nothing is lost but the lease.
#[derive(Debug)]
pub struct SteadyClock(Mutex<Steady>);

#[derive(Debug, Clone, Copy)]
struct Steady {
    told: Timestamp,
    wall: Timestamp,
    monotonic: Instant,
}

impl SteadyClock {
    /// It tells the machine's time now.
    pub fn new() -> Self {
        let wall = SystemClock.now();
        Self(Mutex::new(Steady { told: wall, wall, monotonic: Instant::now() }))
    }
}

impl Default for SteadyClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        let mut steady = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *steady = steady.after(SystemClock.now(), Instant::now());
        steady.told
    }
}

impl Steady {
    fn after(self, wall: Timestamp, monotonic: Instant) -> Self {
        let passed = wall.since(self.wall).max(monotonic.saturating_duration_since(self.monotonic));
        // Whole milliseconds only; what is left of one counts the next time.
        let passed = Duration::from_millis(u64::try_from(passed.as_millis()).unwrap_or(u64::MAX));
        if passed.is_zero() {
            // A clock that was set back is followed, or the way back to where it was would count for nothing.
            return Self { wall: self.wall.min(wall), ..self };
        }
        Self { told: self.told.plus(passed), wall, monotonic }
    }
}

/// A clock that nobody can set: by it, no span of time is taken to be longer than it was.
///
/// It begins with the machine's time and goes on by the monotonic clock, which stands still while the machine sleeps.
#[derive(Debug, Clone, Copy)]
pub struct PatientClock {
    began: Timestamp,
    monotonic: Instant,
}

impl PatientClock {
    /// It tells the machine's time now.
    pub fn new() -> Self {
        Self { began: SystemClock.now(), monotonic: Instant::now() }
    }
}

impl Default for PatientClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for PatientClock {
    fn now(&self) -> Timestamp {
        self.began.plus(self.monotonic.elapsed())
    }
}

/// A moment after which something may not be begun any more, by whichever of the machine's clocks reaches it first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    wall: Timestamp,
    began: Instant,
    after: Duration,
}

impl Deadline {
    /// `after` from now.
    pub fn within(after: Duration) -> Self {
        Self { wall: SystemClock.now().plus(after), began: Instant::now(), after }
    }

    /// Whether it has passed.
    pub fn has_passed(&self) -> bool {
        self.began.elapsed() >= self.after || SystemClock.now() >= self.wall
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_no_longer_for_a_clock_that_is_set_back_or_a_machine_that_slept() {
        let (wall, monotonic) = (Timestamp(1_000_000), Instant::now());
        let steady = Steady { told: wall, wall, monotonic };
        let second = Duration::from_secs(1);
        let set_back = steady.after(wall.minus(second * 3600), monotonic + second);
        assert_eq!(set_back.told, wall.plus(second));
        let later = set_back.after(wall.minus(second * 3599), monotonic + second * 2);
        assert_eq!(later.told, wall.plus(second * 2));
        let slept = later.after(wall.minus(second * 3599).plus(second * 600), monotonic + second * 2);
        assert_eq!(slept.told, wall.plus(second * 602));
    }

    #[test]
    fn it_never_goes_back() {
        let clock = SteadyClock::new();
        let first = clock.now();
        assert!(clock.now() >= first);
    }
}
