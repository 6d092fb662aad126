//! A job file, as written, checked into what it means.

mod language;
mod membership;
mod proof;
mod rules;
mod scope;
mod source;
mod target;

use std::path::Path as FilePath;

use super::finding::Findings;
use super::meant::{Connection, JobMeant, Limits, SourceMeant};
use super::report::Report;
use super::spot::Spot;
use super::written::{
    ConstantWritten, JobWritten, LeaverWritten, LimitsWritten, PlacementChangeWritten, PolicyWritten, TargetKindWritten,
};
use crate::decide::{Concealment, Job, Leaver, PlacementChange, Policy, TargetKind};
use crate::graph_schema::Declared;
use crate::model::{Diagnostic, JobId, Path, Span, TargetId, Value};
use crate::proof::Test;
use crate::rules::{Container, Place};
use language::Language;

pub(super) use target::{address, refuse, required, secret_source, span_of};

/// Longest name of a job or a target, in bytes; it stands in addresses and file names.
const NAME_BYTES_MAX: usize = 64;

/// Everything a file means, but for the report on it.
pub(super) struct Meant {
    job: Job,
    source: SourceMeant,
    connections: Vec<(TargetId, Connection)>,
    declared: Vec<Declared>,
    limits: Limits,
    tests: Vec<Test>,
}

impl Meant {
    /// The job, with the text it is written in and what there is to warn of.
    pub(super) fn into_job(self, text: &str, hash: [u8; 32], warnings: Report) -> JobMeant {
        let Self { job, source, connections, declared, limits, tests } = self;
        JobMeant { job, source, connections, declared, limits, tests, text: text.to_owned(), hash, warnings }
    }
}

/// Checks everything. `None` where an error leaves nothing to run; the findings say why.
pub(super) fn check(written: &JobWritten, text: &str, folder: &FilePath, findings: &mut Findings) -> Option<Meant> {
    check_name(&written.name, "a job", findings);
    let custom = source::custom_attributes(&written.source);
    let language = Language { text, custom: &custom };
    let source = source::check(&written.source, &language, findings);
    let scope = scope::check(written.scope.as_ref(), &language, findings);
    let targets = target::check_all(&written.targets, &language, &source, folder, findings);
    let ruleset = rules::check(&written.rules, &written.targets, &language, &source, findings);
    let memberships = membership::check(&written.memberships, &written.targets, &language, &source, findings);
    let limits = limits(&written.limits, findings);
    let tests = proof::check(written, &language, &source.null_flow, findings);
    if findings.has_errors() {
        return None;
    }
    let (targets, connections): (Vec<_>, Vec<_>) = targets
        .into_iter()
        .map(|(target, connection)| {
            let id = target.id.clone();
            (target, (id, connection))
        })
        .unzip();
    let job = Job {
        id: JobId::new(written.name.value()),
        scope: scope?,
        ruleset,
        targets,
        memberships,
        policy: policy(&written.policy),
        null_flow: source.null_flow,
    };
    refuse_secret_containers(written, &job, findings);
    membership::refuse_secrets(&written.memberships, &job, findings);
    let declared = source::declared(&custom);
    Some(Meant { job, source: source.meant, connections, declared, limits, tests })
}

/// Refuses containers that are made of what is never shown: where an entry stands, everybody sees.
fn refuse_secret_containers(written: &JobWritten, job: &Job, findings: &mut Findings) {
    let concealment = Concealment::of(job);
    for (rule, spot) in job.ruleset.rules.iter().zip(&written.rules) {
        let Place::OnPremises { target, container: Container::Computed(expression) } = &rule.place else { continue };
        let Some((path, _)) = expression.attributes().find(|(path, _)| concealment.hides_path(path)) else { continue };
        let of_target = written.targets.iter().find(|(name, _)| name.value() == target.as_str());
        let own = spot.value().container.as_ref();
        let place = own.or_else(|| of_target.and_then(|(_, target)| target.value().container.as_ref()));
        let message = format!("the container speaks of `{path}`, which `Redact` keeps secret elsewhere");
        let span = place.map_or_else(|| spot.span(), Spot::span);
        findings
            .error(Diagnostic::new(message, span, "would be seen by everybody").with_hint("make it of something else"));
    }
}

/// Checks a name that stands in addresses and file names.
pub(super) fn check_name(name: &Spot<String>, of_what: &str, findings: &mut Findings) {
    let text = name.value();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let begins_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if text.len() > NAME_BYTES_MAX || !begins_well || !text.bytes().all(allowed) {
        let message = format!("`{}` cannot be the name of {of_what}", text.escape_debug());
        findings.error(Diagnostic::new(message, name.span(), "not a name").with_hint(format!(
            "a name begins with a letter or digit and has letters, digits, `-`, `_` and `.`, at most {NAME_BYTES_MAX}"
        )));
    }
}

fn policy(written: &PolicyWritten) -> Policy {
    let default = Policy::default();
    Policy {
        out_of_scope: written.out_of_scope.map_or(default.out_of_scope, leaver),
        nowhere: written.nowhere.map_or(default.nowhere, leaver),
        placement_change: written.placement_change.map_or(default.placement_change, |change| match change {
            PlacementChangeWritten::Hold => PlacementChange::Hold,
            PlacementChangeWritten::Migrate => PlacementChange::Migrate,
            PlacementChangeWritten::Keep => PlacementChange::Keep,
        }),
    }
}

fn leaver(written: LeaverWritten) -> Leaver {
    match written {
        LeaverWritten::Disable => Leaver::Disable,
        LeaverWritten::Delete => Leaver::Delete,
        LeaverWritten::Hold => Leaver::Hold,
    }
}

fn kind_of(written: TargetKindWritten) -> TargetKind {
    match written {
        TargetKindWritten::Graph => TargetKind::Cloud,
        TargetKindWritten::Ldif | TargetKindWritten::ActiveDirectory | TargetKindWritten::Ldap => {
            TargetKind::OnPremises
        }
        TargetKindWritten::Scim => TargetKind::App,
    }
}

fn constant(written: &ConstantWritten) -> Value {
    match written {
        ConstantWritten::Text(text) => Value::text(text.as_str()),
        ConstantWritten::Boolean(truth) => Value::Boolean(*truth),
        ConstantWritten::Integer(number) => Value::Integer(*number),
        ConstantWritten::List(texts) => Value::Many(texts.iter().map(|text| Value::text(text.as_str())).collect()),
    }
}

fn limits(written: &LimitsWritten, findings: &mut Findings) -> Limits {
    let default = Limits::default();
    let mut number = |said: &Option<Spot<u32>>, default: u32| match said {
        Some(said) if *said.value() == 0 => {
            findings.error(Diagnostic::new("a limit of 0 lets nothing in", said.span(), "must be at least 1"));
            default
        }
        said => said.as_ref().map_or(default, |said| *said.value()),
    };
    Limits {
        operations_max: number(&written.operations_max, default.operations_max),
        body_mib_max: number(&written.body_mib_max, default.body_mib_max),
        waiting_operations_max: number(&written.waiting_operations_max, default.waiting_operations_max),
    }
}

/// Reports a share that is no share.
fn check_percent(percent: Option<&Spot<f64>>, findings: &mut Findings) {
    if let Some(percent) = percent
        && !(0.0..=100.0).contains(percent.value())
    {
        findings.error(Diagnostic::new("a share is between 0 and 100 percent", percent.span(), "not a share"));
    }
}

/// Warns of attributes nothing fills, where the columns of the source are known.
fn warn_unfilled(path: &Path, place: Span, source: &source::Checked, findings: &mut Findings) {
    if source.fills(path) {
        return;
    }
    let message = format!("no column of the source fills `{path}`");
    findings.warning(
        Diagnostic::new(message, place, "always empty, unless an upload brings it")
            .with_hint("name the column that holds it under `[source.columns]`"),
    );
}
