//! *Look*: what the store knows of everybody's accounts, beside what the directories hold. Nothing is written.

mod compare;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::decide::{self, Ask, Concealment, decide};
use crate::model::{Anchor, Found, Known, MatchKeys, Name, ObjectId, PersonId, Reason, TargetId, Value, Wanted};
use crate::store::{JobState, Store, StoreError, ToLook};
use crate::writer::{Cause, Search, WriteError, Writer};

use super::conceal::secrets_of;

pub use compare::differences;

/// People read from the store at once.
const PAGE_PEOPLE: usize = 1_000;
/// People looked at side by side: ten of Graph's batches of twenty, and more than any LDAP server has connections.
const AT_ONCE_MAX: usize = 200;
/// How often a target is asked again that asked for patience: with the longest pause below, some minutes.
const TRIES_MAX: u32 = 6;
/// The pause where the target names none. It doubles with every try.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest pause a target may ask for: Graph names windows of up to 150 seconds (`facts/graph_users.md`).
const PAUSE_MAX: Duration = Duration::from_secs(150);

/// Something at a target that is not as it is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Of whom.
    pub anchor: Anchor,
    /// What.
    pub what: What,
}

/// What is not as it is known.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// The linked account is not there.
    Missing(ObjectId),
    /// An attribute holds something else.
    Attribute {
        /// Which.
        name: Name,
        /// What it is known to hold.
        known: Option<Value>,
        /// What it holds.
        there: Option<Value>,
    },
    /// The account stands in another container.
    Container {
        /// Where it is known to stand.
        known: String,
        /// Where it stands.
        there: String,
    },
    /// Several accounts match the person.
    Several(Vec<ObjectId>),
    /// Another account than the linked one matches the person.
    Another {
        /// The linked one.
        linked: ObjectId,
        /// The one that matches.
        matches: ObjectId,
    },
    /// The linked account is there, and is not found by what the person is matched by.
    NotMatched(ObjectId),
    /// An account matches, and is linked to nobody.
    Unlinked(ObjectId),
    /// The person shall have an account, has none, and nothing is under way.
    NotMade,
    /// The target could not be asked.
    NotAsked(Reason),
}

impl What {
    /// A stable word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Missing(_) => "missing",
            Self::Attribute { .. } => "attribute",
            Self::Container { .. } => "container",
            Self::Several(_) => "several",
            Self::Another { .. } => "another",
            Self::NotMatched(_) => "not_matched",
            Self::Unlinked(_) => "unlinked",
            Self::NotMade => "not_made",
            Self::NotAsked(_) => "not_asked",
        }
    }
}

/// What was found at one target.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetLooked {
    /// Which.
    pub target: TargetId,
    /// Linked accounts that are as they are known.
    pub right: u64,
    /// People about whom something is due or under way there; of them nothing is said.
    pub moving: u64,
    /// People whose account there is held or failed; `muster explain` says why.
    pub stuck: u64,
    /// People of whom something is not as it is known.
    pub differing: u64,
    /// How many differences that are, all of them together.
    pub differences: u64,
    /// The first of them.
    pub examples: Vec<Difference>,
}

impl TargetLooked {
    fn new(target: &TargetId) -> Self {
        let target = target.clone();
        Self { target, right: 0, moving: 0, stuck: 0, differing: 0, differences: 0, examples: Vec::new() }
    }

    fn count(&mut self, at: At, examples_max: usize) {
        match at {
            At::Nothing => {}
            At::Right => self.right += 1,
            At::Moving => self.moving += 1,
            At::Stuck => self.stuck += 1,
            At::Differs(differences) => {
                self.differing += 1;
                self.differences += differences.len() as u64;
                let room = examples_max.saturating_sub(self.examples.len());
                self.examples.extend(differences.into_iter().take(room));
            }
        }
    }
}

/// How a person's account at one target was found.
enum At {
    /// None is there, and none shall be.
    Nothing,
    Right,
    Moving,
    Stuck,
    Differs(Vec<Difference>),
}

/// A job, its store, and the targets this process can ask.
pub struct Looker {
    /// What is known.
    pub store: Arc<Store>,
    /// The job.
    pub job: Arc<decide::Job>,
    /// The job in the store.
    pub state: Arc<JobState>,
    /// The targets that can be asked, each by its writer.
    pub targets: Vec<(TargetId, Arc<dyn Writer>)>,
    /// Differences kept of each target.
    pub examples_max: usize,
}

impl Looker {
    /// Looks at everybody of the job, at every target that can be asked; `progress` hears how many people were.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read. A target that cannot be asked is a difference.
    pub async fn look(self: &Arc<Self>, progress: &mut dyn FnMut(u64)) -> Result<Vec<TargetLooked>, StoreError> {
        let mut looked: Vec<_> = self.targets.iter().map(|(id, _)| TargetLooked::new(id)).collect();
        let (mut after, mut people) = (PersonId(0), 0);
        loop {
            let page = self.page(after).await?;
            let Some(last) = page.last() else { return Ok(looked) };
            after = last.id;
            people += page.len() as u64;
            for found in self.all(page).await? {
                for (looked, at) in looked.iter_mut().zip(found) {
                    looked.count(at, self.examples_max);
                }
            }
            progress(people);
        }
    }

    /// How the accounts of these people stand, in their order.
    async fn all(self: &Arc<Self>, page: Vec<ToLook>) -> Result<Vec<Vec<At>>, StoreError> {
        let mut found: Vec<Vec<At>> = page.iter().map(|_| Vec::new()).collect();
        let mut under_way = JoinSet::new();
        let mut people = page.into_iter().enumerate();
        loop {
            while under_way.len() < AT_ONCE_MAX
                && let Some((place, person)) = people.next()
            {
                let this = Arc::clone(self);
                under_way.spawn(async move { (place, this.person(person).await) });
            }
            let Some(ended) = under_way.join_next().await else { return Ok(found) };
            let (place, at) =
                ended.map_err(|error| StoreError::Broken(format!("a look at a person broke off: {error}")))?;
            found[place] = at?;
        }
    }

    async fn page(self: &Arc<Self>, after: PersonId) -> Result<Vec<ToLook>, StoreError> {
        let this = Arc::clone(self);
        blocking(move || this.store.to_look_after(&this.state, after, PAGE_PEOPLE)).await
    }

    /// How a person's account stands at each target, in their order.
    async fn person(self: Arc<Self>, person: ToLook) -> Result<Vec<At>, StoreError> {
        let mut found = Vec::with_capacity(self.targets.len());
        for (target, writer) in &self.targets {
            let at = self.at(&person, target, writer.as_ref()).await;
            let at = match at {
                At::Differs(_) if self.has_changed(&person).await? => At::Moving,
                at => at,
            };
            found.push(at);
        }
        Ok(found)
    }

    /// Whether anything has come to a person since they were read: then nothing can be said.
    async fn has_changed(self: &Arc<Self>, person: &ToLook) -> Result<bool, StoreError> {
        let (this, anchor) = (Arc::clone(self), person.stored.person.anchor.clone());
        let now = blocking(move || this.store.to_look(&this.state, anchor.as_str())).await?;
        Ok(now.is_none_or(|now| now.stored.links != person.stored.links || now.moving != person.moving))
    }

    async fn at(&self, person: &ToLook, target: &TargetId, writer: &dyn Writer) -> At {
        if person.moving.contains(target) {
            return At::Moving;
        }
        let known = person.stored.known_at(target);
        let keys = self.keys(person, target);
        let mut what = match known {
            Some(known) => linked(writer, known, keys).await,
            None => match keys.filter(|keys| !keys.0.is_empty()) {
                Some(_) if person.stuck.contains(target) => return At::Stuck,
                Some(keys) => unlinked(writer, keys).await,
                None => return At::Nothing,
            },
        };
        if what.is_empty() {
            return At::Right;
        }
        self.conceal(person, target, &mut what);
        let anchor = &person.stored.person.anchor;
        At::Differs(what.into_iter().map(|what| Difference { anchor: anchor.clone(), what }).collect())
    }

    /// What the person is matched by at a target where they shall have an account.
    fn keys(&self, person: &ToLook, target: &TargetId) -> Option<MatchKeys> {
        let decision = decide(&self.job, &person.stored.person, &person.stored.links);
        let at = decision.targets.into_iter().find(|at| at.target == *target)?;
        match at.ask {
            Ask::Bring(Wanted::Present(desired)) => Some(desired.keys),
            _ => None,
        }
    }

    fn conceal(&self, person: &ToLook, target: &TargetId, what: &mut [What]) {
        let concealment = Concealment::of(&self.job);
        if concealment.is_empty() {
            return;
        }
        let secrets = secrets_of(&concealment, &self.job, &person.stored);
        for what in what {
            match what {
                What::Attribute { name, known, there } => {
                    for value in [known, there].into_iter().flatten() {
                        concealment.value(target, name, value, &secrets);
                    }
                }
                What::Container { known, there } => [known, there].into_iter().for_each(|text| secrets.text(text)),
                What::NotAsked(reason) => secrets.reason(reason),
                _ => {}
            }
        }
    }
}

/// A linked account: it is there, holds what is known, and is the only one that matches.
async fn linked(writer: &dyn Writer, known: &Known, keys: Option<MatchKeys>) -> Vec<What> {
    let attributes = known.attributes.iter().map(|(name, _)| name.clone()).collect();
    let search = Search { object: Some(known.object.clone()), keys: MatchKeys::default(), attributes, again: false };
    let mut what = match ask(writer, &search).await {
        Ok(Found::One(there)) if there.object == known.object => differences(known, &there),
        Ok(Found::CannotLook) => return Vec::new(),
        Ok(_) => return vec![What::Missing(known.object.clone())],
        Err(reason) => return vec![What::NotAsked(reason)],
    };
    let Some(keys) = keys.filter(|keys| !keys.0.is_empty()) else { return what };
    match ask(writer, &Search { object: None, keys, attributes: Vec::new(), again: false }).await {
        Ok(Found::One(there)) if there.object == known.object => {}
        Ok(Found::One(there)) => what.push(What::Another { linked: known.object.clone(), matches: there.object }),
        Ok(Found::Several(objects)) => what.push(What::Several(objects)),
        Ok(Found::Nobody | Found::Deleted(_)) => what.push(What::NotMatched(known.object.clone())),
        Ok(Found::CannotLook) => {}
        Err(reason) => what.push(What::NotAsked(reason)),
    }
    what
}

/// Nothing is linked, nothing is under way, and an account there shall be.
async fn unlinked(writer: &dyn Writer, keys: MatchKeys) -> Vec<What> {
    match ask(writer, &Search { object: None, keys, attributes: Vec::new(), again: false }).await {
        Ok(Found::One(there)) => vec![What::Unlinked(there.object)],
        Ok(Found::Several(objects)) => vec![What::Several(objects)],
        Ok(Found::Nobody | Found::Deleted(_)) => vec![What::NotMade],
        Ok(Found::CannotLook) => Vec::new(),
        Err(reason) => vec![What::NotAsked(reason)],
    }
}

/// Asks a target, with patience where it asks for that.
async fn ask(writer: &dyn Writer, search: &Search) -> Result<Found, Reason> {
    let mut pause = PAUSE;
    for _ in 1..TRIES_MAX {
        match writer.find(search).await {
            Err(WriteError::Later { after, .. }) => {
                tokio::time::sleep(after.unwrap_or(pause).min(PAUSE_MAX)).await;
                pause *= 2;
            }
            Err(WriteError::Unknown { .. }) => tokio::time::sleep(pause).await,
            answered => return answered.map_err(not_asked),
        }
    }
    writer.find(search).await.map_err(not_asked)
}

fn not_asked(error: WriteError) -> Reason {
    let code = match &error {
        WriteError::Refused { code, .. } => code.clone(),
        WriteError::Later { .. } => super::carry::TARGET_BUSY.to_owned(),
        WriteError::Withheld { code, .. } => (*code).to_owned(),
        _ => super::carry::NO_ANSWER.to_owned(),
    };
    let (WriteError::Later { cause: Cause(detail), .. }
    | WriteError::Withheld { cause: Cause(detail), .. }
    | WriteError::Unknown { cause: Cause(detail) }
    | WriteError::Refused { cause: Cause(detail), .. }
    | WriteError::Taken { cause: Cause(detail), .. }
    | WriteError::Gone { cause: Cause(detail) }) = error;
    Reason { code: code.into(), detail }
}

/// Reads the store where blocking is allowed.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(StoreError::Broken(format!("reading the store broke off: {error}"))))
}
