//! Looks that come together are asked together: many people's values of a key in one filter, all keys in one batch,
//! and the bin beside them. To each its own answer, in the order of the match keys.

mod merge;
mod read;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value as Json};
use tokio::sync::oneshot;
use tokio::time::Instant;

use self::merge::{Ask, asks, attributes};
use self::read::{Read, read};
use super::batch::BATCH_MAX;
use super::call::{Call, Lost};
use super::desk::Desk;
use super::query::{self, FOUND_MAX, Place};
use super::refusal::later;
use super::{known, pages, shape};
use crate::model::{Found, Known, Name};
use crate::writer::until::Until;
use crate::writer::{Cause, Search, WriteError};

/// How long a look waits for others to join it, as long as others come.
const LINGER: Duration = Duration::from_millis(1);

/// How often it waits so at most.
const LINGERS_MAX: u32 = 5;

/// A user as Graph shows it.
type User = Arc<Map<String, Json>>;

/// What was told of a value of a key.
#[derive(Debug, Clone)]
enum Told {
    /// These hold it.
    Users(Vec<User>),
    /// Not now.
    Later(Option<Duration>, String),
    /// Never, so.
    Refused(String, String),
}

/// All that was told, by place, key and value.
type Answers = HashMap<(Place, Name, String), Told>;

/// Looks for people by their keys.
#[derive(Debug)]
pub(super) struct Finder {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    desk: Arc<Desk>,
    waiting: Mutex<Waiting>,
    /// Keys whose values must be asked for one by one: Graph refuses `in` for them.
    one_by_one: Mutex<BTreeSet<Name>>,
}

#[derive(Debug, Default)]
struct Waiting {
    looks: Vec<Look>,
    is_gathered: bool,
}

#[derive(Debug)]
struct Look {
    search: Search,
    deadline: Instant,
    answer: oneshot::Sender<Result<Found, WriteError>>,
}

impl Finder {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        Self { inner: Arc::new(Inner { desk, waiting: Mutex::default(), one_by_one: Mutex::default() }) }
    }

    /// Whom the keys reach.
    pub(super) async fn find(&self, search: &Search, deadline: Instant) -> Result<Found, WriteError> {
        let (answer, told) = oneshot::channel();
        self.hand_in(Look { search: search.clone(), deadline, answer });
        match tokio::time::timeout_at(deadline, told).await {
            Ok(Ok(found)) => found,
            Ok(Err(_)) => Err(later(None, "the look broke off".to_owned())),
            Err(_) => Err(later(None, "Graph did not answer in time".to_owned())),
        }
    }
}

impl Finder {
    fn hand_in(&self, look: Look) {
        let mut waiting = self.inner.waiting();
        waiting.looks.push(look);
        let is_new = !std::mem::replace(&mut waiting.is_gathered, true);
        drop(waiting);
        if is_new {
            tokio::spawn(gather(Arc::clone(&self.inner)));
        }
    }
}

/// Should the one who gathers break off, the next look sets another to it.
struct Gathering(Option<Arc<Inner>>);

impl Drop for Gathering {
    fn drop(&mut self) {
        if let Some(inner) = &self.0 {
            inner.waiting().is_gathered = false;
        }
    }
}

async fn gather(inner: Arc<Inner>) {
    let mut gathering = Gathering(Some(Arc::clone(&inner)));
    for _ in 0..LINGERS_MAX {
        let count = inner.waiting().looks.len();
        if count >= BATCH_MAX {
            break;
        }
        tokio::time::sleep(LINGER).await;
        if inner.waiting().looks.len() == count {
            break;
        }
    }
    gathering.0 = None;
    let looks = inner.take_all();
    inner.look(looks).await;
}

impl Inner {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn one_by_one(&self) -> MutexGuard<'_, BTreeSet<Name>> {
        self.one_by_one.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All that were gathered, but those nobody waits for any more. The next look begins a new round.
    fn take_all(&self) -> Vec<Look> {
        let mut waiting = self.waiting();
        waiting.is_gathered = false;
        let mut looks = std::mem::take(&mut waiting.looks);
        looks.retain(|look| !look.answer.is_closed());
        looks
    }

    async fn look(&self, looks: Vec<Look>) {
        let Some(deadline) = looks.iter().map(|look| look.deadline).min() else { return };
        let searches: Vec<&Search> = looks.iter().map(|look| &look.search).collect();
        let wanted = attributes(&searches);
        let first = asks(&searches, &self.one_by_one());
        let mut answers = Answers::new();
        let alone = self.ask(first, &wanted, deadline, &mut answers).await;
        if !alone.is_empty() {
            let refused = alone.iter().filter(|(_, is_refused)| *is_refused).map(|(ask, _)| ask);
            let keys: Vec<(Name, String)> = refused.map(|ask| (ask.key.clone(), ask.values[0].clone())).collect();
            let alone = alone.into_iter().map(|(ask, _)| ask).collect();
            self.ask(alone, &wanted, deadline, &mut answers).await;
            // Where `eq` is taken and `in` was not, `in` is not tried again.
            for (key, value) in keys {
                if matches!(answers.get(&(Place::Living, key.clone(), value)), Some(Told::Users(_))) {
                    self.one_by_one().insert(key);
                }
            }
        }
        for look in looks {
            // Whoever does not listen any more need not be told.
            let _ = look.answer.send(found(&look.search, &answers));
        }
    }

    /// Asks all of it in one go; gives back what must be asked value by value, and whether Graph refused it otherwise.
    async fn ask(&self, asks: Vec<Ask>, wanted: &[Name], deadline: Instant, answers: &mut Answers) -> Vec<(Ask, bool)> {
        let hand_in = |ask: &Ask| {
            let values: Vec<&str> = ask.values.iter().map(String::as_str).collect();
            let mut call = Call::get(query::by_key(ask.place, &ask.key, &values, wanted));
            call.prompt = true;
            (call.advanced, self.desk.hand_in(call, Until::at(deadline)))
        };
        let pending: Vec<_> = asks.iter().map(hand_in).collect();
        let mut alone = Vec::new();
        for (ask, (advanced, pending)) in asks.into_iter().zip(pending) {
            let answer = match pending.wait().await {
                // Of several values, too long a list is asked for again, value by value.
                Ok(first) if ask.values.len() == 1 => {
                    pages::whole(&self.desk, advanced, first, enough(ask.place), Until::at(deadline)).await
                }
                answer => answer,
            };
            match read(&ask, answer) {
                Read::Told(told) => {
                    let told = ask.values.into_iter().zip(told);
                    answers.extend(told.map(|(value, told)| ((ask.place, ask.key.clone(), value), told)));
                }
                Read::OneByOne { is_refused } => {
                    let one = |value| (Ask { place: ask.place, key: ask.key.clone(), values: vec![value] }, is_refused);
                    alone.extend(ask.values.into_iter().map(one));
                }
            }
        }
        alone
    }
}

/// From how many on the list of one value need not be read any further. Of the deleted, the last one is looked for.
fn enough(place: Place) -> usize {
    match place {
        Place::Living => FOUND_MAX,
        Place::Bin => usize::MAX,
    }
}

/// The first key that finds somebody ends the search. Only where nobody lives, the bin counts.
fn found(search: &Search, answers: &Answers) -> Result<Found, WriteError> {
    for place in [Place::Living, Place::Bin] {
        for (key, value) in search.keys.0.iter().filter(|(_, value)| !value.is_empty()) {
            let users = match answers.get(&(place, key.clone(), value.clone())) {
                Some(Told::Users(users)) => users,
                Some(Told::Later(after, why)) => return Err(later(*after, why.clone())),
                Some(Told::Refused(code, why)) => {
                    return Err(WriteError::Refused { code: code.clone(), cause: Cause(why.clone()) });
                }
                None => continue,
            };
            let found = match place {
                Place::Living => living(users, &search.attributes)?,
                Place::Bin => deleted(users, &search.attributes)?,
            };
            if found != Found::Nobody {
                return Ok(found);
            }
        }
    }
    Ok(Found::Nobody)
}

fn living(users: &[User], attributes: &[Name]) -> Result<Found, WriteError> {
    match users {
        [] => Ok(Found::Nobody),
        [user] => known(user, attributes).map(Found::One),
        several => {
            let known = several.iter().map(|user| known(user, attributes).map(|known| known.object));
            known.collect::<Result<Vec<_>, _>>().map(Found::Several)
        }
    }
}

/// Of several who were deleted the last one, where it can be told.
fn deleted(users: &[User], attributes: &[Name]) -> Result<Found, WriteError> {
    // What directory synchronisation has deleted it brings back itself.
    let ours = users.iter().map(|user| deleted_account(user, attributes)).collect::<Result<Vec<_>, _>>()?;
    let mut ours: Vec<_> = ours.into_iter().filter(|(_, known)| !known.synced).collect();
    ours.sort_by(|(one, _), (other, _)| other.cmp(one));
    match ours.as_slice() {
        [] => Ok(Found::Nobody),
        [(_, known)] => Ok(Found::Deleted(known.clone())),
        [(Some(last), known), (before, _), ..] if before.as_ref() < Some(last) => Ok(Found::Deleted(known.clone())),
        _ => Ok(Found::Several(ours.into_iter().map(|(_, known)| known.object).collect())),
    }
}

/// When it was deleted, and what it holds. Its name is not told: Graph has put its id before it (§11).
fn deleted_account(user: &User, attributes: &[Name]) -> Result<(Option<jiff::Timestamp>, Known), WriteError> {
    let mut known = known(user, attributes)?;
    let prefix = known.object.as_str().replace('-', "");
    let name = known.attributes.get("userPrincipalName").and_then(crate::model::Value::as_text);
    if name.is_some_and(|name| name.to_lowercase().starts_with(&prefix.to_lowercase())) {
        known.attributes.remove("userPrincipalName");
    }
    let at = shape::member_of(user, "deletedDateTime").and_then(Json::as_str).and_then(|at| at.parse().ok());
    Ok((at, known))
}

/// No answer, as it is told to whoever asked.
fn lost(lost: Lost) -> Told {
    Told::Later(lost.after, lost.why)
}
