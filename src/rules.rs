//! The ordered rules that decide where a person's account shall live; the first that holds decides.

use crate::expr::Expression;
use crate::model::{Attributes, Dn, HoldReason, Name, Placement, TargetId, Value, Verdict};
use crate::scim::Filter;

/// The rules of a job, in order.
#[derive(Debug, Clone, Default)]
pub struct Ruleset {
    /// The first that holds decides.
    pub rules: Vec<Rule>,
}

/// When a person lives somewhere.
#[derive(Debug, Clone)]
pub struct Rule {
    /// What it is called; no two of a ruleset share it.
    pub id: Name,
    /// For whom it speaks; `None` is everybody.
    pub when: Option<Filter>,
    /// Where they live.
    pub place: Place,
    /// The apps where they have an account besides.
    pub also: Vec<TargetId>,
}

/// Where a rule places people.
#[derive(Debug, Clone)]
pub enum Place {
    /// In the cloud tenant.
    Cloud {
        /// Which one.
        target: TargetId,
    },
    /// In a directory on the premises.
    OnPremises {
        /// Which one.
        target: TargetId,
        /// Where inside it: the rule's own container, or the target's.
        container: Container,
    },
    /// Nowhere, on purpose.
    Nowhere,
    /// Nowhere yet.
    Hold,
}

/// Where in a directory an account is made or moved to.
#[derive(Debug, Clone)]
pub enum Container {
    /// The same for everybody.
    Fixed(Dn),
    /// By person; must give a distinguished name.
    Computed(Expression),
}

impl Ruleset {
    /// Decides where the person shall live; the first rule that holds decides.
    pub fn place(&self, person: &Attributes) -> Verdict {
        match self.rules.iter().find(|rule| rule.holds(person)) {
            Some(rule) => rule.verdict(person),
            None => Verdict { placement: Placement::Held(HoldReason::NoRuleSpoke), by: None, also: Vec::new() },
        }
    }
}

impl Rule {
    /// Whether it speaks for the person.
    pub fn holds(&self, person: &Attributes) -> bool {
        self.when.as_ref().is_none_or(|when| when.holds(person))
    }

    fn verdict(&self, person: &Attributes) -> Verdict {
        let placement = self.place.of(person);
        let also = if placement.home().is_some() { self.also.clone() } else { Vec::new() };
        Verdict { placement, by: Some(self.id.clone()), also }
    }
}

impl Place {
    /// The target it names.
    pub fn target(&self) -> Option<&TargetId> {
        match self {
            Self::Cloud { target } | Self::OnPremises { target, .. } => Some(target),
            Self::Nowhere | Self::Hold => None,
        }
    }

    fn of(&self, person: &Attributes) -> Placement {
        match self {
            Self::Cloud { target } => Placement::Cloud { target: target.clone() },
            Self::OnPremises { target, container } => match container.of(person) {
                Ok(container) => Placement::OnPremises { target: target.clone(), container },
                Err(reason) => Placement::Held(reason),
            },
            Self::Nowhere => Placement::Nowhere,
            Self::Hold => Placement::Held(HoldReason::RuleHolds),
        }
    }
}

impl Container {
    fn of(&self, person: &Attributes) -> Result<Dn, HoldReason> {
        let expression = match self {
            Self::Fixed(container) => return Ok(container.clone()),
            Self::Computed(expression) => expression,
        };
        let no_container = |gave: &str, why: String| HoldReason::NoContainer { gave: gave.to_owned(), why };
        match expression.evaluate_for_dn(person) {
            Ok(Value::Text(text)) => Dn::parse(&text).map_err(|error| no_container(&text, error.to_string())),
            Ok(value) if value.is_empty() => Err(no_container("", "the expression gave nothing".to_owned())),
            Ok(_) => Err(no_container("", "the expression gave something that is no text".to_owned())),
            Err(error) => Err(no_container("", error.message)),
        }
    }
}

#[cfg(test)]
mod tests;
