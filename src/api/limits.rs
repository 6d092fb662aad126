//! Who may call how often, and how much may be in memory at once.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::ApiError;
use super::settings::Rate;

/// The bits of an IPv6 address that name a customer's network; the rest its owner may choose at will.
const IPV6_NETWORK_BITS: u32 = 64;
/// How long to wait when there is no room: by then bodies that were being read have ended or run out of time.
const ROOM_RETRY: Duration = Duration::from_secs(2);

/// How often each of many may call. Their names are forgotten once they have been quiet.
pub(super) struct Limiter<K: Hash + Eq + Clone> {
    limiter: Option<DefaultKeyedRateLimiter<K>>,
    clock: DefaultClock,
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    pub(super) fn new(rate: Option<Rate>) -> Self {
        let quota = rate.and_then(|rate| {
            let one = rate.per / rate.requests.get();
            Some(Quota::with_period(one)?.allow_burst(rate.requests))
        });
        Self { limiter: quota.map(RateLimiter::keyed), clock: DefaultClock::default() }
    }

    /// Counts a call.
    ///
    /// # Errors
    /// How long the caller must wait, when there were too many.
    pub(super) fn admit(&self, caller: &K) -> Result<(), Duration> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        limiter.check_key(caller).map_err(|refused| refused.wait_time_from(self.clock.now()))
    }

    /// Forgets who has been quiet.
    pub(super) fn forget_quiet(&self) {
        if let Some(limiter) = &self.limiter {
            limiter.retain_recent();
        }
    }
}

/// The network an address belongs to: what one caller cannot leave at will.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << (128 - IPV6_NETWORK_BITS)))),
        },
    }
}

/// Room for bodies in memory.
pub(super) struct Room {
    bytes: Arc<Semaphore>,
    wait_max: Duration,
}

/// Room that is taken; given back when dropped.
pub(super) struct Taken(OwnedSemaphorePermit);

impl Room {
    pub(super) fn new(bytes: usize, wait_max: Duration) -> Self {
        Self { bytes: Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))), wait_max }
    }

    /// Takes room for so many bytes; waits for it a little.
    ///
    /// # Errors
    /// [`ApiError::TooMany`] when there is none in time.
    pub(super) async fn take(&self, bytes: usize) -> Result<Taken, ApiError> {
        let none =
            || ApiError::TooMany("too many uploads are arriving at once; send this again".to_owned(), ROOM_RETRY);
        let bytes = u32::try_from(bytes).map_err(|_| none())?;
        let taken = tokio::time::timeout(self.wait_max, Arc::clone(&self.bytes).acquire_many_owned(bytes)).await;
        match taken {
            Ok(Ok(permit)) => Ok(Taken(permit)),
            Ok(Err(_)) | Err(_) => Err(none()),
        }
    }
}

impl Taken {
    /// Gives back what is beyond so many bytes.
    pub(super) fn shrink_to(&mut self, bytes: usize) {
        let surplus = self.0.num_permits().saturating_sub(bytes);
        drop(self.0.split(surplus));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_in_one_ipv6_network_are_one_caller() {
        let network = |text: &str| network(text.parse().unwrap());
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:1"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }

    #[test]
    fn whoever_calls_too_often_is_told_how_long_to_wait() {
        let limiter = Limiter::new(Some(Rate::new(2, Duration::from_secs(60))));
        assert_eq!(limiter.admit(&"a"), Ok(()));
        assert_eq!(limiter.admit(&"a"), Ok(()));
        let wait = limiter.admit(&"a").unwrap_err();
        assert!(wait > Duration::from_secs(28) && wait <= Duration::from_secs(30), "{wait:?}");
        assert_eq!(limiter.admit(&"b"), Ok(()));
    }

    #[tokio::test]
    async fn room_is_given_back() {
        let room = Room::new(10, Duration::from_millis(1));
        let mut taken = room.take(8).await.unwrap();
        assert!(room.take(5).await.is_err());
        taken.shrink_to(2);
        let also = room.take(8).await.unwrap();
        assert!(room.take(1).await.is_err());
        drop((taken, also));
        assert!(room.take(10).await.is_ok());
    }
}
