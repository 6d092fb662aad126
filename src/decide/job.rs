//! A job as the core sees it: whom it is about, where they live, what accounts hold, what may be damaged.

use super::membership::Membership;
use crate::mapping::Mapping;
use crate::model::{Damage, InstallationKey, JobId, Person, TargetId};
use crate::overlay::NullFlow;
use crate::rules::Ruleset;
use crate::scope::Scope;

/// One synchronization job, as the core sees it.
#[derive(Debug, Clone)]
pub struct Job {
    /// What it is called.
    pub id: JobId,
    /// Whom it is about.
    pub scope: Scope,
    /// Where people live.
    pub ruleset: Ruleset,
    /// The directories it writes to.
    pub targets: Vec<Target>,
    /// The groups their accounts are members of.
    pub memberships: Vec<Membership>,
    /// What becomes of accounts their person no longer has a claim to.
    pub policy: Policy,
    /// Where the source's "empty" is taken at its word.
    pub null_flow: NullFlow,
}

impl Job {
    /// Gives its mappings the installation's key, once that is known.
    pub fn set_key(&mut self, key: &InstallationKey) {
        self.targets.iter_mut().for_each(|target| target.mapping.set_key(key));
    }

    /// Dates a person who was `before` until a statement made them `after`: whatever that did not change keeps its
    /// moment, for expressions that tell the time.
    pub fn date(&self, before: &Person, after: &mut Person) {
        let timed = self.targets.iter().flat_map(|target| target.mapping.timed());
        after.moments = timed.filter_map(|inputs| inputs.moment(before, after)).collect();
    }

    /// Whether there is anything it writes and never shows (`Redact`).
    pub fn has_secrets(&self) -> bool {
        self.targets.iter().any(|target| target.mapping.has_secrets())
    }

    /// The target of this name.
    pub fn target(&self, id: &TargetId) -> Option<&Target> {
        self.targets.iter().find(|target| target.id == *id)
    }
}

/// A directory a job writes to, as the core sees it.
#[derive(Debug, Clone)]
pub struct Target {
    /// What it is called.
    pub id: TargetId,
    /// Where it stands.
    pub kind: TargetKind,
    /// How its attributes come from a person.
    pub mapping: Mapping,
    /// What becomes of the account when the source deletes the person.
    pub on_delete: Leaver,
    /// How much may be damaged there in a rolling day (promise 6).
    pub limits: DamageLimits,
}

/// Where a target stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetKind {
    /// A cloud tenant. It has no containers.
    Cloud,
    /// A directory on the premises, with containers.
    OnPremises,
    /// An app: people have accounts there besides their home. It has no containers.
    App,
}

impl TargetKind {
    /// The word for it in job files and answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cloud => "cloud",
            Self::OnPremises => "on-premises",
            Self::App => "app",
        }
    }
}

/// What becomes of the account of somebody who has no claim to it any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Leaver {
    /// Its owner is locked out.
    #[default]
    Disable,
    /// It is taken away.
    Delete,
    /// Nothing, until somebody has looked.
    Hold,
}

/// What may be damaged at a target in a rolling day, per kind of damage.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct DamageLimits {
    /// Accounts locked.
    pub disable: DamageLimit,
    /// Accounts taken away.
    pub delete: DamageLimit,
    /// Accounts brought into another container.
    pub r#move: DamageLimit,
    /// Memberships ended.
    pub leave: DamageLimit,
}

/// How much of one kind of damage may be done in a rolling day: whichever of the two is greater.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DamageLimit {
    /// So many accounts.
    pub count: u32,
    /// This share of the accounts linked at the target, in percent.
    pub percent: f64,
}

impl DamageLimit {
    /// How many it allows where so many `people` are linked.
    pub fn allowed(self, people: u64) -> u64 {
        // Counts of people are far below where a float loses whole numbers, and a negative share is no share.
        let share = (people as f64 * self.percent / 100.0).max(0.0) as u64;
        share.max(u64::from(self.count))
    }
}

impl Default for DamageLimit {
    /// A quiet day's leavers in a company of a few hundred; a broken export is far above it.
    fn default() -> Self {
        Self { count: 10, percent: 2.0 }
    }
}

impl DamageLimits {
    /// The limit of one kind of damage.
    pub fn of(&self, damage: Damage) -> DamageLimit {
        match damage {
            Damage::Disable => self.disable,
            Damage::Delete => self.delete,
            Damage::Move => self.r#move,
            Damage::Leave => self.leave,
        }
    }
}

/// What becomes of accounts whose person the job has stopped placing there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// The scope no longer admits the person.
    pub out_of_scope: Leaver,
    /// A rule places the person nowhere.
    pub nowhere: Leaver,
    /// A rule places the person at another target.
    pub placement_change: PlacementChange,
}

impl Default for Policy {
    /// What destroys waits for somebody to look (`facts/situations.md`).
    fn default() -> Self {
        Self { out_of_scope: Leaver::Hold, nowhere: Leaver::Hold, placement_change: PlacementChange::Hold }
    }
}

/// What is done when a person's home is another target than that of their account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PlacementChange {
    /// Nothing, until somebody has looked.
    #[default]
    Hold,
    /// An account is made at the new home; once it is there, the old one is disabled.
    Migrate,
    /// The old account stays the person's account and is kept up to date.
    Keep,
}
