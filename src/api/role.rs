//! What a client may do, in the words Microsoft Graph uses where it has them.

use std::fmt;

/// Something a client may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Send bulk uploads, and read how its own ended.
    Upload,
    /// The same; Microsoft's least-privileged word for it (`facts/entra.md` §1.5).
    UploadOwnedBy,
    /// Read how all uploads ended, and where people stand.
    ReadLogs,
    /// Lease work at its own targets, and settle it.
    Agent,
}

/// No role has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no role `{name}`; the roles are {}", names())]
pub struct UnknownRole {
    /// What was asked for.
    pub name: String,
    /// What was probably meant.
    pub nearest: Option<Role>,
}

/// How alike two names must be, from 0 to 1, before one is offered for the other. Below it guesses mislead.
const LIKENESS_MIN: f64 = 0.7;

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Upload, Self::UploadOwnedBy, Self::ReadLogs, Self::Agent];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Upload => "SynchronizationData-User.Upload",
            Self::UploadOwnedBy => "SynchronizationData-User.Upload.OwnedBy",
            Self::ReadLogs => "ProvisioningLog.Read.All",
            Self::Agent => "Muster.Agent",
        }
    }

    /// Reads a role's name; the case of its letters does not matter.
    ///
    /// # Errors
    /// [`UnknownRole`], with the name that was probably meant.
    pub fn parse(name: &str) -> Result<Self, UnknownRole> {
        let found = Self::ALL.into_iter().find(|role| role.name().eq_ignore_ascii_case(name));
        found.ok_or_else(|| UnknownRole { name: name.to_owned(), nearest: nearest(name) })
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn names() -> String {
    Role::ALL.map(Role::name).join(", ")
}

fn nearest(name: &str) -> Option<Role> {
    let likeness = |role: Role| strsim::jaro_winkler(&name.to_lowercase(), &role.name().to_lowercase());
    let best = Role::ALL.into_iter().max_by(|left, right| likeness(*left).total_cmp(&likeness(*right)));
    best.filter(|role| likeness(*role) >= LIKENESS_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_known_by_its_name() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.name()), Ok(role));
        }
        assert_eq!(Role::parse("muster.agent"), Ok(Role::Agent));
    }

    #[test]
    fn a_slip_of_the_pen_finds_the_role() {
        let nearest = |name: &str| Role::parse(name).unwrap_err().nearest;
        assert_eq!(nearest("SynchronizationData-User.Uplaod"), Some(Role::Upload));
        assert_eq!(nearest("ProvisioningLog.Read"), Some(Role::ReadLogs));
        assert_eq!(nearest("Muster.Agnet"), Some(Role::Agent));
        assert_eq!(nearest("12345"), None);
    }
}
