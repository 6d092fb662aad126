//! The targets of a job: how each is reached, what may be damaged there, and what accounts hold.

mod directory;
pub(super) mod map;
mod scim;

use std::collections::BTreeMap;
use std::path::Path as FilePath;
use std::time::Duration;

use url::{Host, Url};

use super::super::finding::Findings;
use super::super::meant::{Connection, GraphConnection};
use super::super::secret::SecretSource;
use super::super::spot::Spot;
use super::super::written::{DamageLimitWritten, DamageLimitsWritten, SecretWritten, TargetKindWritten, TargetWritten};
use super::language::Language;
use super::{check_name, check_percent, kind_of, leaver, source, warn_unfilled};
use crate::decide::{DamageLimit, DamageLimits, Leaver, Target};
use crate::mapping::Surroundings;
use crate::model::{Diagnostic, Name, Span, TargetId};
use crate::rules::Container;
use crate::writer::graph::WriteBudget;

const GRAPH: &str = "https://graph.microsoft.com/v1.0";
const AUTHORITY: &str = "https://login.microsoftonline.com";
const NAMING: &str = "CN";

/// Most writes in a window: more than any tenant takes, and as good as no budget.
const WRITES_MAX: u32 = 100_000_000;

/// Longest window of a budget of writes. Graph's is two and a half minutes.
const WRITES_SECONDS_MAX: u32 = 3_600;

/// Checks all targets, in the order of the file.
pub(super) fn check_all(
    written: &BTreeMap<Spot<String>, Spot<TargetWritten>>,
    language: &Language<'_>,
    source: &source::Checked,
    folder: &FilePath,
    findings: &mut Findings,
) -> Vec<(Target, Connection)> {
    let mut in_order: Vec<_> = written.iter().collect();
    in_order.sort_by_key(|(name, _)| name.span().start);
    let checked = in_order.into_iter().filter_map(|(name, target)| {
        check_name(name, "a target", findings);
        check(name, target.value(), language, source, folder, findings)
    });
    checked.collect()
}

fn check(
    name: &Spot<String>,
    written: &TargetWritten,
    language: &Language<'_>,
    source: &source::Checked,
    folder: &FilePath,
    findings: &mut Findings,
) -> Option<(Target, Connection)> {
    let kind = *written.kind.value();
    let connection = match kind {
        TargetKindWritten::Graph => graph(name, written, folder, findings),
        TargetKindWritten::Ldif => ldif(name, written, folder, findings),
        TargetKindWritten::ActiveDirectory => directory::active_directory(name, written, findings),
        TargetKindWritten::Ldap => directory::ldap(name, written, findings),
        TargetKindWritten::Scim => scim::connection(name, written, folder, findings),
    };
    check_default_container(written, language, source, findings);
    let naming = written.naming.as_ref().map_or(naming_of(kind), |naming| naming.value());
    let default_domain = default_domain(written, findings);
    let has_domain = default_domain.is_some();
    let mapping = map::check(map::Of { name, kind, naming, map: &written.map, has_domain }, language, source, findings);
    let mapping = mapping.in_surroundings(Surroundings { default_domain, ..Surroundings::default() });
    let target = Target {
        id: TargetId::new(name.value()),
        kind: kind_of(kind),
        mapping,
        on_delete: written.on_delete.map_or(Leaver::default(), leaver),
        limits: limits(&written.limits, findings),
    };
    connection.map(|connection| (target, connection))
}

/// What names entries where nothing is said.
fn naming_of(kind: TargetKindWritten) -> &'static str {
    if kind == TargetKindWritten::Ldap { directory::NAMING } else { NAMING }
}

/// The domain that `DefaultDomain()` gives: the one that is named, or the one a tenant is named by.
fn default_domain(written: &TargetWritten, findings: &mut Findings) -> Option<String> {
    let Some(said) = &written.default_domain else {
        let tenant = written.tenant.as_ref().map(|tenant| tenant.value());
        return tenant.filter(|tenant| is_domain(tenant)).cloned();
    };
    if !is_domain(said.value()) {
        let diagnostic = Diagnostic::new("this is not a domain", said.span(), "not a domain name");
        findings.error(diagnostic.with_hint("write it as in `contoso.com`"));
        return None;
    }
    Some(said.value().clone())
}

/// Labels of letters, digits and hyphens with a dot between them (RFC 1123 §2.1).
fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-') && !label.starts_with('-')
    };
    text.contains('.') && text.split('.').all(is_label)
}

fn check_default_container(
    written: &TargetWritten,
    language: &Language<'_>,
    source: &source::Checked,
    findings: &mut Findings,
) {
    let Some(text) = &written.container else { return };
    if let Some(Container::Computed(expression)) = language.container(text, findings) {
        for (path, span) in expression.attributes() {
            warn_unfilled(path, language.place(text, span), source, findings);
        }
    }
}

/// Reports settings that belong to targets of another kind.
pub(in crate::config) fn refuse(settings: &[(&str, Option<Span>)], kind: &str, findings: &mut Findings) {
    for (setting, span) in settings {
        if let Some(span) = span {
            let message = format!("a target of kind `{kind}` has no `{setting}`");
            findings.error(Diagnostic::new(message, span.clone(), "no meaning here").with_hint("take it out"));
        }
    }
}

pub(in crate::config) fn span_of<T>(setting: &Option<Spot<T>>) -> Option<Span> {
    setting.as_ref().map(Spot::span)
}

/// The text of a setting that must be there.
pub(in crate::config) fn required<'a>(
    target: &Spot<String>,
    setting: &str,
    said: &'a Option<Spot<String>>,
    findings: &mut Findings,
) -> Option<&'a Spot<String>> {
    match said {
        Some(said) if !said.value().trim().is_empty() => Some(said),
        said => {
            let span = said.as_ref().map_or_else(|| target.span(), Spot::span);
            let message = format!("the target `{}` does not say its `{setting}`", target.value());
            findings.error(Diagnostic::new(message, span, format!("`{setting}` is missing")));
            None
        }
    }
}

fn graph(
    name: &Spot<String>,
    written: &TargetWritten,
    folder: &FilePath,
    findings: &mut Findings,
) -> Option<Connection> {
    let others = [
        ("folder", span_of(&written.folder)),
        ("domain", span_of(&written.domain)),
        ("naming", span_of(&written.naming)),
        ("container", span_of(&written.container)),
        ("token", span_of(&written.token)),
        ("token_url", span_of(&written.token_url)),
        ("scope", span_of(&written.scope)),
    ];
    refuse(&others, "graph", findings);
    let base_url = address(&written.base_url, GRAPH, findings);
    let authority = address(&written.authority, AUTHORITY, findings);
    let tenant = required(name, "tenant", &written.tenant, findings);
    let client_id = required(name, "client_id", &written.client_id, findings);
    let client_secret = match &written.client_secret {
        Some(secret) => secret_source(secret, folder, findings),
        None => {
            let message = format!("the target `{}` does not say where its `client_secret` is read", name.value());
            findings.error(
                Diagnostic::new(message, name.span(), "`client_secret` is missing")
                    .with_hint("write `client_secret = { env = \"NAME\" }` or `client_secret = { file = \"path\" }`"),
            );
            None
        }
    };
    Some(Connection::Graph(Box::new(GraphConnection {
        base_url: base_url?,
        authority: authority?,
        tenant: tenant?.value().clone(),
        client_id: client_id?.value().clone(),
        client_secret: client_secret?,
        budget: budget(written, findings),
    })))
}

/// How many writes a tenant takes. One that takes none is a mistake, and one whose window is longer than an hour too.
fn budget(written: &TargetWritten, findings: &mut Findings) -> WriteBudget {
    let mut number = |setting: &Option<Spot<u32>>, most: u32, default: u32| {
        let Some(said) = setting else { return default };
        if !(1..=most).contains(said.value()) {
            let diagnostic = Diagnostic::new("this is no budget of writes", said.span(), "out of bounds");
            findings.error(diagnostic.with_hint(format!("write a number from 1 to {most}")));
        }
        *said.value()
    };
    let default = WriteBudget::default();
    let seconds = u32::try_from(default.per.as_secs()).unwrap_or(u32::MAX);
    WriteBudget {
        writes: number(&written.writes_max, WRITES_MAX, default.writes),
        per: Duration::from_secs(number(&written.writes_seconds, WRITES_SECONDS_MAX, seconds).into()),
    }
}

/// The settings of targets that are reached by HTTP.
fn of_the_web(written: &TargetWritten) -> [(&'static str, Option<Span>); 10] {
    [
        ("base_url", span_of(&written.base_url)),
        ("authority", span_of(&written.authority)),
        ("tenant", span_of(&written.tenant)),
        ("client_id", span_of(&written.client_id)),
        ("client_secret", span_of(&written.client_secret)),
        ("writes_max", span_of(&written.writes_max)),
        ("writes_seconds", span_of(&written.writes_seconds)),
        ("token", span_of(&written.token)),
        ("token_url", span_of(&written.token_url)),
        ("scope", span_of(&written.scope)),
    ]
}

fn ldif(
    name: &Spot<String>,
    written: &TargetWritten,
    folder: &FilePath,
    findings: &mut Findings,
) -> Option<Connection> {
    refuse(&of_the_web(written), "ldif", findings);
    refuse(&[("domain", span_of(&written.domain))], "ldif", findings);
    let files = required(name, "folder", &written.folder, findings)?;
    let naming = written.naming.as_ref().map_or(NAMING, |naming| naming.value());
    Some(Connection::Ldif { folder: folder.join(files.value()), naming: Name::new(naming) })
}

/// An address: `https`, or `http` to this machine alone, where nobody listens on the way.
pub(in crate::config) fn address(
    written: &Option<Spot<String>>,
    default: &str,
    findings: &mut Findings,
) -> Option<Url> {
    let Some(said) = written else { return Url::parse(default).ok() };
    let url = match Url::parse(said.value()) {
        Ok(url) => url,
        Err(error) => {
            findings.error(Diagnostic::new("this is not an address", said.span(), error.to_string()));
            return None;
        }
    };
    let is_here = match url.host() {
        Some(Host::Domain(domain)) => domain == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if url.scheme() != "https" && !(url.scheme() == "http" && is_here) {
        let diagnostic = Diagnostic::new("secrets would travel in the clear", said.span(), "not `https`");
        findings.error(diagnostic.with_hint("write `https://…`; `http` is only for this machine (a practice tenant)"));
        return None;
    }
    Some(url)
}

pub(in crate::config) fn secret_source(
    secret: &Spot<SecretWritten>,
    folder: &FilePath,
    findings: &mut Findings,
) -> Option<SecretSource> {
    match (&secret.value().env, &secret.value().file) {
        (Some(env), None) if !env.value().is_empty() => Some(SecretSource::Env(env.value().clone())),
        (None, Some(file)) if !file.value().is_empty() => Some(SecretSource::File(folder.join(file.value()))),
        _ => {
            let diagnostic = Diagnostic::new("a secret is read in one place", secret.span(), "not one place");
            findings.error(diagnostic.with_hint("write `{ env = \"NAME\" }` or `{ file = \"path\" }`"));
            None
        }
    }
}

fn limits(written: &DamageLimitsWritten, findings: &mut Findings) -> DamageLimits {
    let mut limit = |written: &DamageLimitWritten| {
        check_percent(written.percent.as_ref(), findings);
        let default = DamageLimit::default();
        DamageLimit {
            count: written.count.unwrap_or(default.count),
            percent: written.percent.as_ref().map_or(default.percent, |percent| *percent.value()),
        }
    };
    DamageLimits {
        disable: limit(&written.disable),
        delete: limit(&written.delete),
        r#move: limit(&written.r#move),
        leave: limit(&written.leave),
    }
}
