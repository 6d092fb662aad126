//! A simulated directory that remembers who wrote what, and fails by the throw of a die.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use muster::clock::Clock as _;
use muster::model::{Change, ChangeKind, Damage, Found, Known, Name, ObjectId, Part, Timestamp};
use muster::reconcile::damages;
use muster::writer::simulated::SimulatedWriter;
use muster::writer::{Cause, Errand, Group, Membership, Search, WriteError, Writer};

use super::practice::HandClock;
use crate::people::Dice;

/// One write that reached a directory, told or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrote {
    pub(crate) job: String,
    pub(crate) anchor: String,
    pub(crate) part: Part,
    /// Of a membership: which group.
    pub(crate) group: String,
    pub(crate) generation: i64,
    pub(crate) kind: ChangeKind,
    pub(crate) damages: Vec<Damage>,
    pub(crate) at: Timestamp,
}

/// How often what goes wrong, in per cent of all calls.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Weather {
    pub(crate) later: u64,
    pub(crate) lost_before: u64,
    pub(crate) lost_after: u64,
    pub(crate) refused: u64,
    pub(crate) taken: u64,
}

/// A directory with a memory.
pub(crate) struct Witness {
    pub(crate) inner: SimulatedWriter,
    /// What time writes are remembered with.
    clock: Arc<HandClock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    written: Vec<Wrote>,
    weather: Weather,
    dice: Option<Dice>,
}

enum Fate {
    Goes,
    Fails(WriteError),
    FailsAfterAll(WriteError),
}

impl Witness {
    pub(crate) fn new(inner: SimulatedWriter, clock: Arc<HandClock>) -> Self {
        Self { inner, clock, state: Mutex::default() }
    }

    pub(crate) fn written(&self) -> Vec<Wrote> {
        self.state().written.clone()
    }

    /// From now on it fails so.
    pub(crate) fn set_weather(&self, weather: Weather, dice: Dice) {
        let mut state = self.state();
        state.weather = weather;
        state.dice = Some(dice);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn fate(&self) -> Fate {
        let mut state = self.state();
        let Weather { later, lost_before, lost_after, refused, taken } = state.weather;
        let Some(dice) = &mut state.dice else { return Fate::Goes };
        let cause = || Cause("the sea is rough".to_owned());
        let roll = dice.below(100);
        let wait = (dice.below(2) == 0).then(|| Duration::from_secs(dice.below(120)));
        let ends = [later, lost_before, lost_after, refused, taken].into_iter().scan(0, |sum, share| {
            *sum += share;
            Some(*sum)
        });
        match ends.into_iter().position(|end| roll < end) {
            Some(0) => Fate::Fails(WriteError::Later { after: wait, cause: cause() }),
            Some(1) => Fate::Fails(WriteError::Unknown { cause: cause() }),
            Some(2) => Fate::FailsAfterAll(WriteError::Unknown { cause: cause() }),
            Some(3) => Fate::Fails(WriteError::Refused { code: "refused".to_owned(), cause: cause() }),
            Some(4) => Fate::Fails(WriteError::Taken { attribute: Name::new("mail"), holder: None, cause: cause() }),
            _ => Fate::Goes,
        }
    }

    fn remember(&self, errand: &Errand<'_>, kind: ChangeKind, damages: Vec<Damage>, group: &str) {
        let at = self.clock.now();
        self.state().written.push(Wrote {
            job: errand.job.to_string(),
            anchor: errand.anchor.to_string(),
            part: errand.part,
            group: group.to_owned(),
            generation: errand.generation.0,
            kind,
            damages,
            at,
        });
    }
}

#[async_trait]
impl Writer for Witness {
    async fn find(&self, search: &Search) -> Result<Found, WriteError> {
        match self.fate() {
            Fate::Fails(error @ (WriteError::Later { .. } | WriteError::Refused { .. })) => Err(error),
            _ => self.inner.find(search).await,
        }
    }

    async fn write(&self, errand: &Errand<'_>, change: &Change) -> Result<Option<Known>, WriteError> {
        let fate = self.fate();
        if let Fate::Fails(error) = fate {
            return Err(error);
        }
        let written = self.inner.write(errand, change).await;
        // What the directory itself loses the answer of is written, too.
        if !matches!(&written, Err(error) if !matches!(error, WriteError::Unknown { .. })) {
            self.remember(errand, change.kind, damages(change).collect(), "");
        }
        match fate {
            Fate::FailsAfterAll(error) => written.and(Err(error)),
            _ => written,
        }
    }

    async fn set_manager(
        &self,
        errand: &Errand<'_>,
        object: &ObjectId,
        manager: Option<&ObjectId>,
    ) -> Result<(), WriteError> {
        let fate = self.fate();
        if let Fate::Fails(error) = fate {
            return Err(error);
        }
        let written = self.inner.set_manager(errand, object, manager).await;
        if written.is_ok() {
            self.remember(errand, ChangeKind::Update, Vec::new(), "");
        }
        match fate {
            Fate::FailsAfterAll(error) => written.and(Err(error)),
            _ => written,
        }
    }

    async fn set_member(
        &self,
        errand: &Errand<'_>,
        group: &Group,
        object: &ObjectId,
        is_member: bool,
    ) -> Result<Membership, WriteError> {
        let fate = self.fate();
        if let Fate::Fails(error) = fate {
            return Err(error);
        }
        let written = self.inner.set_member(errand, group, object, is_member).await;
        let is_written = matches!(written, Ok(Membership::Changed) | Err(WriteError::Unknown { .. }));
        if is_written {
            let kind = if is_member { ChangeKind::Join } else { ChangeKind::Leave };
            let damages = if is_member { Vec::new() } else { vec![Damage::Leave] };
            self.remember(errand, kind, damages, &group.name);
        }
        match fate {
            Fate::FailsAfterAll(error) => written.and(Err(error)),
            _ => written,
        }
    }

    fn timeout(&self) -> Duration {
        self.inner.timeout()
    }
}
