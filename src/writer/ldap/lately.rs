//! Which server of a directory has what was written lately, so that another, which may not have it yet, is not believed.
//!
//! It is kept in memory, and lost when the agent ends. What makes up for that: whoever is not found at one server is
//! looked for at all that can be reached; and while one of them cannot be asked, for as long as the servers take to tell
//! each other it is not believed that an account is gone: another agent, or this one before it was begun anew, may have
//! written it there. A name that stands for
//! several servers (the domain's own) is one server here: an agent's file names them one by one.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::LdapWriter;
use super::answer::Trouble;
use super::held::Held;
use super::read::Entry;
use crate::model::{Anchor, JobId, MatchKeys, Name, ObjectId};
use crate::writer::until::Until;
use crate::writer::{Cause, Errand, WriteError};

/// After so long every server has what was written to one. Active Directory's sites tell each other every 180 minutes
/// where nobody set it otherwise, and within a site a quarter of an hour is the worst that is reckoned with ("Determining
/// the Interval", Microsoft's guide to planning AD DS).
const REPLICATED: Duration = Duration::from_secs((180 + 15) * 60);
/// How many are remembered: what is written at full pace within the minutes in which most servers have told each other.
/// Beyond it the oldest are forgotten. About 20 megabytes.
const REMEMBERED_MAX: usize = 100_000;
/// Whoever is not asked for again for so long waits no more. What is tried again comes within minutes.
const ASKED_AGAIN: Duration = Duration::from_secs(60 * 60);

/// Who, or what, was written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Whom {
    /// A person of a job, for whom an account was made, or may have been.
    Person(JobId, Anchor),
    /// Whoever stands under these keys.
    Keys(String),
    /// An account.
    Object(ObjectId),
    /// An account that was taken away.
    Deleted(ObjectId),
    /// A group that was made.
    Group(String),
}

impl Whom {
    /// Whom an errand is for.
    pub(super) fn person(errand: &Errand<'_>) -> Self {
        Self::Person(errand.job.clone(), errand.anchor.clone())
    }
}

/// What was written lately, and to which server.
#[derive(Debug)]
pub(super) struct Lately {
    began: Instant,
    kept: Mutex<Kept>,
    waits: Mutex<Waits>,
}

/// Who is found nowhere while a server cannot be asked: since when, and when that was last so.
#[derive(Debug, Default)]
struct Waits(HashMap<Whom, (Instant, Instant)>);

#[derive(Debug, Default)]
struct Kept {
    at: HashMap<Whom, (usize, Instant)>,
    in_order: VecDeque<(Whom, Instant)>,
}

impl Lately {
    /// Nothing is remembered yet.
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), kept: Mutex::default(), waits: Mutex::default() }
    }

    /// It was written to that server, or may have been.
    pub(super) fn remember(&self, whom: Whom, server: usize) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).remember(whom, server, Instant::now(), REMEMBERED_MAX);
    }

    /// To which server it was written, where others may not have it yet.
    pub(super) fn server_of(&self, whom: &Whom) -> Option<usize> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).server_of(whom, Instant::now())
    }

    /// Whether somebody has been found nowhere for as long as the servers take to tell each other.
    fn has_waited(&self, whom: Whom) -> bool {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner).has_waited(whom, Instant::now(), REMEMBERED_MAX)
    }

    /// What was written before this agent began may not be everywhere yet.
    pub(super) fn has_just_begun(&self) -> bool {
        self.began.elapsed() < REPLICATED
    }
}

impl Kept {
    fn remember(&mut self, whom: Whom, server: usize, now: Instant, most: usize) {
        self.at.insert(whom.clone(), (server, now));
        self.in_order.push_back((whom, now));
        while let Some((_, since)) = self.in_order.front()
            && (self.in_order.len() > most || now.duration_since(*since) >= REPLICATED)
            && let Some((oldest, since)) = self.in_order.pop_front()
        {
            // Whoever was written again since stands further behind, too.
            if self.at.get(&oldest).is_some_and(|(_, last)| *last == since) {
                self.at.remove(&oldest);
            }
        }
    }

    fn server_of(&self, whom: &Whom, now: Instant) -> Option<usize> {
        let (server, since) = self.at.get(whom)?;
        (now.duration_since(*since) < REPLICATED).then_some(*server)
    }
}

impl Waits {
    fn has_waited(&mut self, whom: Whom, now: Instant, most: usize) -> bool {
        if self.0.len() >= most {
            self.0.retain(|_, (_, last)| now.duration_since(*last) < ASKED_AGAIN);
        }
        if self.0.len() >= most && !self.0.contains_key(&whom) {
            return false;
        }
        let (since, last) = self.0.entry(whom).or_insert((now, now));
        if now.duration_since(*last) >= ASKED_AGAIN {
            *since = now;
        }
        *last = now;
        now.duration_since(*since) >= REPLICATED
    }
}

impl LdapWriter {
    /// The account, at a server that has it: the one it was last written to, the one that serves, or any that can be
    /// reached. `None`: it is gone.
    ///
    /// # Errors
    /// [`WriteError::Later`] where a server cannot be asked that may have it; otherwise as [`Trouble::told`].
    pub(super) async fn reach(
        &self,
        object: &ObjectId,
        attributes: &[Name],
        until: Until,
    ) -> Result<Option<(Held<'_>, Entry)>, WriteError> {
        let whom = Whom::Object(object.clone());
        let last = self.lately.server_of(&whom);
        let mut held = self.take_near(last, until).await?;
        let first = held.server();
        if let Some(entry) = self.entry(&mut held, object, attributes).await.map_err(Trouble::told)? {
            return Ok(Some((held, entry)));
        }
        drop(held);
        if self.is_deleted(object, until).await {
            return Ok(None);
        }
        let mut unasked = Vec::new();
        for server in self.domain.others(&[first]) {
            match self.entry_at(server, object, attributes, until).await {
                Ok(Some(found)) => return Ok(Some(found)),
                Ok(None) => {}
                Err(_) => unasked.push(server),
            }
        }
        self.must_be_gone(last, &unasked, object)?;
        Ok(None)
    }

    async fn entry_at(
        &self,
        server: usize,
        object: &ObjectId,
        attributes: &[Name],
        until: Until,
    ) -> Result<Option<(Held<'_>, Entry)>, Trouble> {
        let mut held = self.domain.take_at(server, until).await?;
        let entry = self.entry(&mut held, object, attributes).await?;
        Ok(entry.map(|entry| (held, entry)))
    }

    /// The server where that was written lately, where it can be reached; otherwise the one that serves.
    async fn take_near(&self, last: Option<usize>, until: Until) -> Result<Held<'_>, WriteError> {
        if let Some(last) = last
            && let Ok(held) = self.domain.take_at(last, until).await
        {
            return Ok(held);
        }
        self.domain.take(until).await.map_err(Trouble::told)
    }

    /// Whoever was deleted may still be found at servers that have not heard of it.
    pub(super) async fn is_deleted(&self, object: &ObjectId, until: Until) -> bool {
        self.lately.server_of(&Whom::Deleted(object.clone())).is_some() || self.is_tombstone(object, until).await
    }

    /// Nobody who was asked has the account; may one that was not?
    fn must_be_gone(&self, last: Option<usize>, unasked: &[usize], object: &ObjectId) -> Result<(), WriteError> {
        let at = match last {
            Some(last) => unasked.contains(&last).then_some(last),
            None => unasked.first().copied().filter(|_| !self.lately.has_waited(Whom::Object(object.clone()))),
        };
        let Some(at) = at else { return Ok(()) };
        let why = format!(
            "the account {object} is not found, and {} cannot be asked, where it may have been written lately; {}",
            self.domain.name_of(at),
            patience()
        );
        Err(WriteError::Later { after: None, cause: Cause(why) })
    }

    /// Nobody who was asked has an account of somebody for whom an earlier try may have made one.
    ///
    /// # Errors
    /// [`WriteError::Later`] where it may have been made at the server that cannot be asked.
    pub(super) fn must_be_nobody(&self, unasked: usize, keys: &MatchKeys) -> Result<(), WriteError> {
        // What this agent has written itself it remembers, and makes nobody a second time (`take_to_make`); of what
        // another has written it knows nothing.
        if self.lately.has_waited(Whom::Keys(format!("{keys:?}"))) {
            return Ok(());
        }
        let why = format!(
            "nobody is found, and {} cannot be asked, where an earlier try may have made an account; a second one must \
             not be made; {}",
            self.domain.name_of(unasked),
            patience()
        );
        Err(WriteError::Later { after: None, cause: Cause(why) })
    }

    /// A connection on which an account may be made: to the server at which an earlier try may have made it.
    ///
    /// # Errors
    /// [`WriteError::Later`] where that cannot be reached.
    pub(super) async fn take_to_make(&self, errand: &Errand<'_>, until: Until) -> Result<Held<'_>, WriteError> {
        if let Some(last) = self.lately.server_of(&Whom::person(errand)) {
            let taken = self.domain.take_at(last, until).await;
            return taken.map_err(|why| self.may_be_made(errand, last, &why));
        }
        if errand.again && self.lately.has_just_begun() {
            for server in self.domain.others(&[]) {
                if let Err(why) = self.domain.take_at(server, until).await {
                    return Err(self.may_be_made(errand, server, &why));
                }
            }
        }
        self.domain.take(until).await.map_err(Trouble::told)
    }

    fn may_be_made(&self, errand: &Errand<'_>, server: usize, why: &Trouble) -> WriteError {
        let said = match why {
            Trouble::NotSent(why) | Trouble::Lost(why) | Trouble::TooMany(why) => why.clone(),
            Trouble::Answered(result) => super::answer::words(result),
        };
        let why = format!(
            "an account for {} was made at {}, or may have been, which cannot be asked now ({said}); the other servers \
             may not have it yet, and a second one must not be made; {}",
            errand.anchor,
            self.domain.name_of(server),
            patience()
        );
        WriteError::Later { after: None, cause: Cause(why) }
    }

    /// What is not found here may have been made at another server.
    ///
    /// # Errors
    /// [`WriteError::Later`] where it was.
    pub(super) fn must_be_here(&self, whom: &Whom, held: &Held<'_>, what: &str) -> Result<(), WriteError> {
        match self.lately.server_of(whom).filter(|at| *at != held.server()) {
            Some(at) => {
                let (there, here) = (self.domain.name_of(at), self.domain.name_of(held.server()));
                let why = format!("{what} was written to {there} lately, and {here} does not have it yet");
                Err(WriteError::Later { after: None, cause: Cause(why) })
            }
            None => Ok(()),
        }
    }
}

/// What ends the waiting.
fn patience() -> String {
    let minutes = REPLICATED.as_secs() / 60;
    format!("it goes on when that server answers or is taken out of `servers`, or once {minutes} minutes have passed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(anchor: &str) -> Whom {
        Whom::Person(JobId::new("hr"), Anchor::parse(anchor).unwrap())
    }

    #[test]
    fn what_was_written_is_remembered_until_every_server_has_it() {
        let (mut kept, now) = (Kept::default(), Instant::now());
        kept.remember(person("1"), 1, now, 10);
        assert_eq!(kept.server_of(&person("1"), now + REPLICATED - Duration::from_secs(1)), Some(1));
        assert_eq!(kept.server_of(&person("1"), now + REPLICATED), None);
        assert_eq!(kept.server_of(&person("2"), now), None);
    }

    #[test]
    fn the_last_server_counts_and_the_oldest_are_forgotten() {
        let (mut kept, now) = (Kept::default(), Instant::now());
        let second = Duration::from_secs(1);
        kept.remember(person("1"), 0, now, 2);
        kept.remember(person("1"), 1, now + second, 2);
        kept.remember(person("2"), 0, now + second * 2, 2);
        assert_eq!(kept.server_of(&person("1"), now + second * 2), Some(1));
        kept.remember(person("3"), 0, now + second * 3, 2);
        let all = ["1", "2", "3"].map(|anchor| kept.server_of(&person(anchor), now + second * 3));
        assert_eq!((all, kept.at.len(), kept.in_order.len()), ([None, Some(0), Some(0)], 2, 2));
    }

    #[test]
    fn who_is_found_nowhere_is_waited_for_however_long_the_agent_has_run() {
        let (mut waits, now) = (Waits::default(), Instant::now());
        let minute = Duration::from_secs(60);
        for at in 0..195 {
            assert!(!waits.has_waited(person("1"), now + minute * at, 2), "{at}");
        }
        assert!(!waits.has_waited(person("2"), now + minute * 195, 2));
        assert!(waits.has_waited(person("1"), now + minute * 195, 2));
        // There is no room for more, and who cannot be remembered waits.
        assert!(!waits.has_waited(person("3"), now + minute * 195, 2) && !waits.0.contains_key(&person("3")));
        // Another time, another wait; and who has stayed away makes room.
        assert!(!waits.has_waited(person("1"), now + minute * 600, 2));
        assert!(!waits.has_waited(person("3"), now + minute * 600, 2) && waits.0.contains_key(&person("3")));
    }

    #[test]
    fn what_has_passed_takes_no_room() {
        let (mut kept, now) = (Kept::default(), Instant::now());
        kept.remember(person("1"), 0, now, 10);
        kept.remember(person("2"), 0, now + REPLICATED, 10);
        assert_eq!((kept.at.len(), kept.in_order.len()), (1, 1));
    }
}
