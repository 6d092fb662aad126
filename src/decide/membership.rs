//! Memberships: which groups a person's accounts are put into, and which they are taken out of again.

use super::{Ask, Decision, Job, PlacementChange, TargetKind, is_locked};
use crate::expr::{Evaluated, Expression, Inputs};
use crate::model::{Attributes, Dn, Known, Name, Path, Person, Reason, TargetId, Value, Wanted};
use crate::predicate::Condition;
use crate::scim::Filter;

/// Memberships in one job: all of them are asked for every person, so their number is time.
pub const MEMBERSHIPS_MAX: usize = 1_000;

/// Groups a person is put into at one target. More is a list that was mistaken for a name; and a Windows token takes
/// about a thousand.
pub const MEMBERSHIPS_OF_PERSON_MAX: usize = 200;

/// Longest name of a group, in bytes: a deep distinguished name; Entra's display names have 256 letters.
pub const GROUP_BYTES_MAX: usize = 1_024;

/// A group of one target, and whose accounts are its members.
#[derive(Debug, Clone)]
pub struct Membership {
    /// What it is called in answers; `None` where the group's own name does.
    pub id: Option<Name>,
    /// Whose accounts are members; `None` is everybody who has an account there.
    pub when: Option<Filter>,
    /// Where the group is.
    pub target: TargetId,
    /// Which group.
    pub group: GroupName,
    /// Whether it is made where it does not exist.
    pub create: bool,
    /// Whether the target has distinguished names: then one may name the group.
    pub has_paths: bool,
}

/// Which group, or groups.
#[derive(Debug, Clone)]
pub enum GroupName {
    /// The same for everybody.
    Fixed(String),
    /// By person: a text is one group, several texts are several, nothing is none.
    Computed(Expression),
}

/// The groups a person's account at one target shall be in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupsAt {
    /// At which target.
    pub target: TargetId,
    /// These, and no others of those that muster put it into. No two differ in case only.
    pub groups: Vec<Joining>,
}

/// A group an account shall be in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joining {
    /// The group's name, as the job file or the person's data has it.
    pub group: String,
    /// Whether it is made where it does not exist.
    pub create: bool,
}

impl Joining {
    /// A group's name as it is compared with others: directories do not tell upper from lower case.
    pub fn folded(group: &str) -> String {
        group.to_lowercase()
    }

    /// Whether it is that group.
    pub fn is(&self, group: &str) -> bool {
        Self::folded(&self.group) == Self::folded(group)
    }
}

impl Membership {
    /// Whether the person's account is a member.
    pub fn holds(&self, person: &Attributes) -> bool {
        self.when.as_ref().is_none_or(|when| when.holds(person))
    }

    /// What each condition of its filter sees of the person.
    pub fn conditions(&self, person: &Attributes) -> Vec<Condition> {
        self.when.as_ref().map_or_else(Vec::new, |when| when.conditions(person))
    }

    /// The attributes its group is made of.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        let expression = match &self.group {
            GroupName::Fixed(_) => None,
            GroupName::Computed(expression) => Some(expression),
        };
        expression.into_iter().flat_map(|expression| expression.attributes().map(|(path, _)| path))
    }

    /// What it is called: its own name, or the group's.
    pub fn word(&self) -> String {
        self.id.as_ref().map_or_else(|| self.group.to_string(), ToString::to_string)
    }

    /// The groups it means for a person, whether its filter holds or not.
    ///
    /// # Errors
    /// A reason, where what the expression gives cannot be a group's name.
    pub fn groups(&self, person: &Attributes) -> Result<Vec<String>, Reason> {
        match &self.group {
            GroupName::Fixed(group) => Ok(vec![group.clone()]),
            GroupName::Computed(expression) => {
                let given = self.given(expression, person).map_err(|why| self.no_group(&why))?;
                match given.iter().find_map(|group| flaw_of_group(group)) {
                    None => Ok(given),
                    Some(flaw) => Err(self.no_group(flaw)),
                }
            }
        }
    }

    /// What the expression gives. Where its own words make a distinguished name, what comes from the person is escaped
    /// in it; and a person's data alone never makes one, or it could name any group there is.
    fn given(&self, expression: &Expression, person: &Attributes) -> Result<Vec<String>, String> {
        let is_path = |text: &String| Dn::parse(text).is_ok();
        if self.has_paths {
            let paths = texts(expression.evaluate_for_dn(person).map_err(|error| error.message)?)?;
            if !paths.is_empty() && paths.iter().all(is_path) {
                return Ok(paths);
            }
        }
        let plain = match expression.evaluate(&Inputs::of(person)).map_err(|error| error.message)? {
            Evaluated::Value(value) => texts(value)?,
            Evaluated::Dropped => Vec::new(),
            Evaluated::OneOf(_) => return Err("the expression gave candidates".to_owned()),
        };
        if self.has_paths && plain.iter().any(is_path) {
            return Err("the person's data would make a distinguished name of it".to_owned());
        }
        Ok(plain)
    }

    fn no_group(&self, why: &str) -> Reason {
        let sentence = format!(
            "the group of the membership `{}` at `{}` cannot be told: {why}; correct the data it is made of, or the \
             expression",
            self.word(),
            self.target
        );
        Reason::new("no_group_name", sentence)
    }
}

impl std::fmt::Display for GroupName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fixed(group) => f.write_str(group),
            Self::Computed(expression) => write!(f, "{expression}"),
        }
    }
}

/// What keeps a text from being a group's name, if anything does.
pub fn flaw_of_group(group: &str) -> Option<&'static str> {
    match group {
        "" => Some("a name is not empty"),
        _ if group.trim() != group => Some("a name has no white space at its edges"),
        _ if group.len() > GROUP_BYTES_MAX => Some("the name is longer than any directory takes"),
        _ if group.chars().any(char::is_control) => Some("the name has a control character in it"),
        _ => None,
    }
}

/// The groups the person's account at `target` shall be in.
///
/// # Errors
/// A reason, where they cannot be told.
pub(super) fn joins(job: &Job, person: &Person, target: &TargetId) -> Result<Vec<Joining>, Reason> {
    let mut joins: Vec<Joining> = Vec::new();
    for membership in job.memberships.iter().filter(|membership| membership.target == *target) {
        if !membership.holds(&person.attributes) {
            continue;
        }
        for group in membership.groups(&person.attributes)? {
            match joins.iter_mut().find(|joining| joining.is(&group)) {
                Some(joining) => joining.create |= membership.create,
                None => joins.push(Joining { group, create: membership.create }),
            }
        }
    }
    if joins.len() > MEMBERSHIPS_OF_PERSON_MAX {
        let why = format!(
            "{} would be a member of {} groups at `{target}`, and {MEMBERSHIPS_OF_PERSON_MAX} are the most; look at \
             the data the groups are made of",
            person.anchor,
            joins.len()
        );
        return Err(Reason::new("too_many_groups", why));
    }
    Ok(joins)
}

/// The groups of every account of which they are settled: one that is brought there is in its groups, one that is
/// locked because it is the person's no longer is in none. What is deleted takes its memberships with it, and what is
/// held, skipped or failed keeps them.
pub(super) fn groups(job: &Job, person: &Person, links: &[(TargetId, Known)], decision: &Decision) -> Vec<GroupsAt> {
    let asked = decision.targets.iter().filter_map(|at| {
        let groups = match &at.ask {
            Ask::Bring(Wanted::Present(_)) => joins(job, person, &at.target).ok()?,
            Ask::Bring(Wanted::Disabled) => Vec::new(),
            Ask::Bring(Wanted::Deleted) | Ask::Hold(_) | Ask::Skip(_) | Ask::Fail(_) => return None,
        };
        Some(GroupsAt { target: at.target.clone(), groups })
    });
    let mut groups: Vec<GroupsAt> = asked.collect();
    groups.extend(left_behind(job, links, decision));
    groups
}

/// The locked accounts that a migration has left behind: the decision asks nothing of them any more.
fn left_behind(job: &Job, links: &[(TargetId, Known)], decision: &Decision) -> Vec<GroupsAt> {
    let home = decision.verdict.as_ref().and_then(|verdict| verdict.placement.home());
    let Some(home) = home.filter(|home| links.iter().any(|(id, _)| id == *home)) else { return Vec::new() };
    if job.policy.placement_change != PlacementChange::Migrate {
        return Vec::new();
    }
    let is_asked = |id: &TargetId| decision.targets.iter().any(|at| at.target == *id);
    let is_home = |id: &TargetId| job.target(id).is_some_and(|target| target.kind != TargetKind::App);
    let old = links
        .iter()
        .filter(|(id, known)| id != home && !is_asked(id) && is_home(id) && !known.synced && is_locked(known));
    old.map(|(id, _)| GroupsAt { target: id.clone(), groups: Vec::new() }).collect()
}

/// The texts in what an expression gave.
fn texts(value: Value) -> Result<Vec<String>, String> {
    match value {
        value if value.is_empty() => Ok(Vec::new()),
        Value::Text(text) => Ok(vec![text]),
        Value::Many(values) => {
            let texts: Result<Vec<Vec<String>>, String> = values.into_iter().map(texts).collect();
            Ok(texts?.into_iter().flatten().collect())
        }
        Value::Integer(number) => Ok(vec![number.to_string()]),
        _ => Err("the expression gave something that is no text".to_owned()),
    }
}
