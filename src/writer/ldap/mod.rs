//! Writes to directories that speak LDAP: Active Directory, and others (OpenLDAP).

mod settings;

pub use settings::{LdapKind, LdapSettings};
