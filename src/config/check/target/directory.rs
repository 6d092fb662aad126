//! Targets of kind `active-directory` and `ldap`: which directory it is. How it is reached is the agent's own affair.

use super::{of_the_web, refuse, required, span_of};
use crate::config::finding::Findings;
use crate::config::meant::Connection;
use crate::config::spot::Spot;
use crate::config::written::TargetWritten;
use crate::model::{Diagnostic, Name};
use crate::writer::ldap::LdapKind;

/// What names people's entries in directories other than Active Directory, where nothing is said.
pub(super) const NAMING: &str = "uid";

/// An Active Directory.
pub(super) fn active_directory(
    name: &Spot<String>,
    written: &TargetWritten,
    findings: &mut Findings,
) -> Option<Connection> {
    let kind = "active-directory";
    refuse(&[("naming", span_of(&written.naming))], kind, findings);
    directory(name, written, (LdapKind::ActiveDirectory, kind, "CN"), findings)
}

/// Another directory that speaks LDAP.
pub(super) fn ldap(name: &Spot<String>, written: &TargetWritten, findings: &mut Findings) -> Option<Connection> {
    let naming = written.naming.as_ref().map_or(NAMING, |naming| naming.value());
    directory(name, written, (LdapKind::Ldap, "ldap", naming), findings)
}

fn directory(
    name: &Spot<String>,
    written: &TargetWritten,
    (kind, word, naming): (LdapKind, &str, &str),
    findings: &mut Findings,
) -> Option<Connection> {
    refuse(&of_the_web(written), word, findings);
    refuse(&[("folder", span_of(&written.folder))], word, findings);
    let domain = required(name, "domain", &written.domain, findings)?;
    if !super::is_domain(domain.value()) {
        let diagnostic = Diagnostic::new("this is not the name of a directory", domain.span(), "not a domain name");
        findings.error(diagnostic.with_hint("write it as in `contoso.example`"));
        return None;
    }
    Some(Connection::Directory { kind, domain: domain.value().to_lowercase(), naming: Name::new(naming) })
}
