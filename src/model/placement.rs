//! Where a person's account shall live, and which rule said so.

use super::{Dn, Name, TargetId};

/// Where a person's account shall live.
///
/// There is no "unknown". A person for whom no rule speaks is [`Held`](Placement::Held), and says
/// why, so that every person ends somewhere a human can find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placement {
    /// In the cloud tenant.
    Cloud {
        /// Which one.
        target: TargetId,
    },
    /// In a directory on the premises.
    OnPremises {
        /// Which one.
        target: TargetId,
        /// Where inside it.
        container: Dn,
    },
    /// Nowhere, on purpose: a rule said so.
    Nowhere,
    /// Nowhere yet: somebody must look.
    Held(HoldReason),
}

impl Placement {
    /// The target that is the person's home, if there is one.
    pub fn home(&self) -> Option<&TargetId> {
        match self {
            Self::Cloud { target } | Self::OnPremises { target, .. } => Some(target),
            Self::Nowhere | Self::Held(_) => None,
        }
    }

    /// Where inside their home.
    pub fn container(&self) -> Option<&Dn> {
        match self {
            Self::OnPremises { container, .. } => Some(container),
            Self::Cloud { .. } | Self::Nowhere | Self::Held(_) => None,
        }
    }
}

/// Why a person is not placed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoldReason {
    /// No rule holds for the person.
    NoRuleSpoke,
    /// A rule says `hold`.
    RuleHolds,
    /// The container expression gave nothing, or no distinguished name.
    NoContainer {
        /// What it gave.
        gave: String,
        /// What is wrong with that.
        why: String,
    },
}

/// A placement with the rule that gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Where.
    pub placement: Placement,
    /// The rule that decided; `None` when none spoke.
    pub by: Option<Name>,
    /// The apps where the person has an account besides their home. Nobody without a home has any.
    pub also: Vec<TargetId>,
}
