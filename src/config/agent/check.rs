//! An agent's file, as written, checked into what it means.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

use super::meant::{AgentMeant, AgentTarget, DirectoryMeant, Reached};
use super::written::{AgentWritten, HourLimitsWritten, KindWritten, TargetWritten};
use crate::config::check::{address, check_name, refuse, required, secret_source, span_of};
use crate::config::finding::Findings;
use crate::config::report::Report;
use crate::config::spot::Spot;
use crate::model::{Diagnostic, Dn, Name, TargetId};
use crate::writer::ldap::LdapKind;
use crate::writer::limited::HourLimits;

/// Characters of a new password: fewer are guessed, and Active Directory takes no more than 256.
const PASSWORD_CHARS: RangeInclusive<u32> = 16..=127;
const PASSWORD_CHARS_DEFAULT: u32 = 32;
/// Seconds one write may take: the server makes leases for up to two minutes.
const TIMEOUT_SECONDS: RangeInclusive<u32> = 1..=120;
const TIMEOUT_SECONDS_DEFAULT: u32 = 10;
/// Connections at once: a domain controller has others to serve.
const CONNECTIONS: RangeInclusive<u32> = 1..=64;
const CONNECTIONS_DEFAULT: u32 = 4;

/// Checks everything. `None` where an error leaves nothing to run; the findings say why.
pub(super) fn check(written: &AgentWritten, folder: &Path, findings: &mut Findings) -> Option<AgentMeant> {
    let server = address(&Some(written.server.clone()), "", findings);
    let client_id = said("the agent's file", "client_id", &written.client_id, findings);
    let client_secret = secret_source(&written.client_secret, folder, findings);
    let mut in_order: Vec<_> = written.targets.iter().collect();
    in_order.sort_by_key(|(name, _)| name.span().start);
    if in_order.is_empty() {
        let diagnostic = Diagnostic::new("the agent writes nowhere", 0..0, "no `[target.NAME]`");
        findings.error(diagnostic.with_hint("add `[target.hq]`, by the name that the job file gives the directory"));
    }
    check_logs(&in_order, folder, findings);
    let targets = in_order.into_iter().filter_map(|(name, target)| check_target(name, target, folder, findings));
    let targets = targets.collect();
    Some(AgentMeant {
        server: server?,
        client_id: client_id?.clone(),
        client_secret: client_secret?,
        ca: written.ca.as_ref().map(|ca| folder.join(ca.value())),
        name: written.name.as_ref().map(|name| name.value().clone()),
        targets,
        warnings: Report::new("", "", Vec::new()),
    })
}

/// Two targets that counted in one log would each take the other's hour.
fn check_logs(targets: &[(&Spot<String>, &Spot<TargetWritten>)], folder: &Path, findings: &mut Findings) {
    let mut seen: BTreeMap<PathBuf, &Spot<String>> = BTreeMap::new();
    for (_, target) in targets {
        let log = &target.value().log;
        if let Some(first) = seen.insert(folder.join(log.value()), log) {
            let diagnostic = Diagnostic::new("two targets count in one log", log.span(), "the same file");
            findings.error_beside(diagnostic.with_hint("give each target a log of its own"), first.span(), "and here");
        }
    }
}

fn check_target(
    name: &Spot<String>,
    written: &Spot<TargetWritten>,
    folder: &Path,
    findings: &mut Findings,
) -> Option<AgentTarget> {
    check_name(name, "a target", findings);
    let written = written.value();
    let place = format!("the target `{}`", name.value());
    let log = said(&place, "log", &written.log, findings);
    let reached = match written.kind.value() {
        KindWritten::ActiveDirectory => directory(name, LdapKind::ActiveDirectory, written, folder, findings),
        KindWritten::Ldap => directory(name, LdapKind::Ldap, written, folder, findings),
        KindWritten::Ldif => change_files(name, written, folder, findings),
    };
    Some(AgentTarget {
        id: TargetId::new(name.value()),
        reached: reached?,
        limits: limits(&written.limits),
        log: folder.join(log?),
    })
}

fn limits(written: &HourLimitsWritten) -> HourLimits {
    let default = HourLimits::default();
    HourLimits {
        disable: written.disable.unwrap_or(default.disable),
        delete: written.delete.unwrap_or(default.delete),
        r#move: written.r#move.unwrap_or(default.r#move),
    }
}

/// A text that is not empty.
fn said<'a>(place: &str, setting: &str, text: &'a Spot<String>, findings: &mut Findings) -> Option<&'a String> {
    if !text.value().trim().is_empty() {
        return Some(text.value());
    }
    let message = format!("{place} does not say its `{setting}`");
    findings.error(Diagnostic::new(message, text.span(), "nothing is said"));
    None
}

fn change_files(
    name: &Spot<String>,
    written: &TargetWritten,
    folder: &Path,
    findings: &mut Findings,
) -> Option<Reached> {
    let others = [
        ("servers", span_of(&written.servers)),
        ("ca", span_of(&written.ca)),
        ("bind", span_of(&written.bind)),
        ("password", span_of(&written.password)),
        ("base", span_of(&written.base)),
        ("global_catalogue", span_of(&written.global_catalogue)),
        ("naming", span_of(&written.naming)),
        ("containers", span_of(&written.containers)),
        ("protected_accounts", span_of(&written.protected_accounts)),
        ("protected_groups", span_of(&written.protected_groups)),
        ("password_chars", span_of(&written.password_chars)),
        ("connections", span_of(&written.connections)),
    ];
    refuse(&others, "ldif", findings);
    let timeout = timeout(written, findings);
    let files = required(name, "folder", &written.folder, findings)?;
    Some(Reached::Ldif { folder: folder.join(files.value()), timeout })
}

fn directory(
    name: &Spot<String>,
    kind: LdapKind,
    written: &TargetWritten,
    folder: &Path,
    findings: &mut Findings,
) -> Option<Reached> {
    let (word, naming) = match kind {
        LdapKind::ActiveDirectory => ("active-directory", "CN"),
        LdapKind::Ldap => ("ldap", "uid"),
    };
    refuse(&[("folder", span_of(&written.folder))], word, findings);
    let servers = required_list(name, "servers", &written.servers, findings);
    let servers = servers.map(|servers| addresses(servers, findings));
    let containers = required_list(name, "containers", &written.containers, findings);
    let base = required(name, "base", &written.base, findings).and_then(|base| dn(base, findings));
    let containers = containers.map(|containers| containers_below(containers, base.as_ref(), findings));
    let protected_groups = protected_groups(written, kind, base.as_ref(), findings);
    let bind = required(name, "bind", &written.bind, findings);
    let password = match &written.password {
        Some(password) => secret_source(password, folder, findings),
        None => {
            let message = format!("the target `{}` does not say where its `password` is read", name.value());
            findings.error(
                Diagnostic::new(message, name.span(), "`password` is missing")
                    .with_hint("write `password = { env = \"NAME\" }` or `password = { file = \"path\" }`"),
            );
            None
        }
    };
    let catalogue = written.global_catalogue.as_ref().map(|list| addresses(list.value(), findings));
    let number = |setting: &Option<Spot<u32>>, within, default, what: &str, findings: &mut Findings| {
        number_within(setting.as_ref(), within, default, what, findings)
    };
    let password_chars =
        number(&written.password_chars, PASSWORD_CHARS, PASSWORD_CHARS_DEFAULT, "characters", findings);
    let timeout = timeout(written, findings);
    let connections = number(&written.connections, CONNECTIONS, CONNECTIONS_DEFAULT, "connections", findings);
    Some(Reached::Ldap(Box::new(DirectoryMeant {
        kind,
        servers: servers?,
        ca: written.ca.as_ref().map(|ca| folder.join(ca.value())),
        bind: bind?.value().clone(),
        password: password?,
        base: base?,
        global_catalogue: catalogue.unwrap_or_default(),
        naming: Name::new(written.naming.as_ref().map_or(naming, |naming| naming.value())),
        containers: containers?,
        protected_accounts: texts(written.protected_accounts.as_ref(), findings),
        protected_groups,
        password_chars: password_chars as usize,
        timeout,
        connections: connections as usize,
    })))
}

fn timeout(written: &TargetWritten, findings: &mut Findings) -> Duration {
    let said = written.timeout_seconds.as_ref();
    let seconds = number_within(said, TIMEOUT_SECONDS, TIMEOUT_SECONDS_DEFAULT, "seconds", findings);
    Duration::from_secs(seconds.into())
}

fn required_list<'a>(
    target: &Spot<String>,
    setting: &str,
    said: &'a Option<Spot<Vec<Spot<String>>>>,
    findings: &mut Findings,
) -> Option<&'a Vec<Spot<String>>> {
    match said {
        Some(said) if !said.value().is_empty() => Some(said.value()),
        said => {
            let span = said.as_ref().map_or_else(|| target.span(), Spot::span);
            let message = format!("the target `{}` does not say its `{setting}`", target.value());
            findings.error(Diagnostic::new(message, span, format!("`{setting}` is missing")));
            None
        }
    }
}

fn addresses(list: &[Spot<String>], findings: &mut Findings) -> Vec<Url> {
    list.iter().filter_map(|said| server_address(said, findings)).collect()
}

/// `ldaps://host`, or `ldap://host`, which is spoken to with StartTLS.
fn server_address(said: &Spot<String>, findings: &mut Findings) -> Option<Url> {
    let read = Url::parse(said.value()).map_err(|error| error.to_string()).and_then(|url| {
        let is_plain = url.username().is_empty() && url.password().is_none() && matches!(url.path(), "" | "/");
        match url.scheme() {
            "ldaps" | "ldap" if url.host().is_some() && is_plain => Ok(url),
            "ldaps" | "ldap" => Err("more, or less, than scheme, host and port".to_owned()),
            _ => Err("neither `ldaps` nor `ldap`".to_owned()),
        }
    });
    read.map_err(|why| {
        let diagnostic = Diagnostic::new("this is not the address of a directory server", said.span(), why);
        findings.error(diagnostic.with_hint("write it as in `ldaps://dc1.contoso.example`"));
    })
    .ok()
}

fn dn(said: &Spot<String>, findings: &mut Findings) -> Option<Dn> {
    let read = Dn::parse(said.value());
    read.map_err(|error| {
        let diagnostic = Diagnostic::new("this is not a distinguished name", said.span(), error.to_string());
        findings.error(diagnostic.with_hint("write it as in `OU=Staff,DC=contoso,DC=example`"));
    })
    .ok()
}

fn containers_below(list: &[Spot<String>], base: Option<&Dn>, findings: &mut Findings) -> Vec<Dn> {
    let mut containers = Vec::new();
    for said in list {
        let Some(container) = dn(said, findings) else { continue };
        if base.is_some_and(|base| !is_at_or_below(&container, base)) {
            let diagnostic =
                Diagnostic::new("this container is not below the target's `base`", said.span(), "elsewhere");
            findings.error(diagnostic.with_hint("nothing would ever be found in it; mend one of the two"));
        }
        if base.is_some_and(|base| base.names_same_entry(&container)) {
            let diagnostic = Diagnostic::new("the agent may write in the whole domain", said.span(), "the base itself");
            findings.warning(diagnostic.with_hint("name the containers in which people's accounts are"));
        }
        containers.push(container);
    }
    containers
}

/// Who is in a group is asked below `base` only, but of Active Directory, which is asked of the account itself.
fn protected_groups(
    written: &TargetWritten,
    kind: LdapKind,
    base: Option<&Dn>,
    findings: &mut Findings,
) -> Vec<String> {
    let list = written.protected_groups.iter().flat_map(|list| list.value());
    for said in list.filter(|_| kind == LdapKind::Ldap) {
        let named = Dn::parse(said.value()).ok();
        if named.zip(base).is_some_and(|(group, base)| !is_at_or_below(&group, base)) {
            let diagnostic = Diagnostic::new("this group is not below the target's `base`", said.span(), "elsewhere");
            findings
                .error(diagnostic.with_hint("nobody would be found to be in it, nor protected; mend one of the two"));
        }
    }
    texts(written.protected_groups.as_ref(), findings)
}

fn is_at_or_below(container: &Dn, base: &Dn) -> bool {
    let mut at = Some(container.clone());
    while let Some(dn) = at {
        if dn.names_same_entry(base) {
            return true;
        }
        at = dn.split_first().map(|(_, above)| above);
    }
    false
}

fn texts(list: Option<&Spot<Vec<Spot<String>>>>, findings: &mut Findings) -> Vec<String> {
    let list = list.into_iter().flat_map(|list| list.value());
    list.filter_map(|said| {
        let is_empty = said.value().trim().is_empty();
        if is_empty {
            findings.error(Diagnostic::new("this names nobody", said.span(), "empty"));
        }
        (!is_empty).then(|| said.value().clone())
    })
    .collect()
}

fn number_within(
    said: Option<&Spot<u32>>,
    within: RangeInclusive<u32>,
    default: u32,
    what: &str,
    findings: &mut Findings,
) -> u32 {
    let Some(said) = said else { return default };
    if !within.contains(said.value()) {
        let message = format!("this must be {} to {} {what}", within.start(), within.end());
        findings.error(Diagnostic::new(message, said.span(), "outside of that"));
    }
    *said.value()
}
