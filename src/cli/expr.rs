//! `muster expr`: what does this expression come to?

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Value as Json, json};

use super::Globals;
use super::paper::read;
use super::screen::{is_colourful, note, say, say_json};
use crate::clock::{Clock as _, SystemClock};
use crate::config::Report;
use crate::expr::{Evaluated, Expression, Inputs, Seed};
use crate::model::{Attributes, Diagnostic, InstallationKey, Timestamp};
use crate::scim::json::value_to_json;
use crate::scim::loose::{loose_attributes, loose_path};

/// Longest file that is read here, in bytes. A person is a few kilobytes, a directory's names a few megabytes.
const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Evaluate expressions of the mapping language: the value as JSON, or the mistake where it stands.
///
/// `{"flow":"dropped"}` stands for an attribute that `IgnoreFlowIfNullOrEmpty` drops. `Guid` and `RandomString` give
/// the same here each time; in an installation they differ by its key, by person and by attribute. `Redact` shows its
/// value: it is your own record that is read.
///
/// Exit code 0: a value; 1: a mistake.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The expression, as in 'Join("", [name.givenName], ".", [name.familyName])'.
    #[arg(required_unless_present = "file")]
    expression: Option<String>,
    /// Expressions, one a line; each gives one line of JSON.
    #[arg(long, value_name = "FILE", conflicts_with = "expression")]
    file: Option<PathBuf>,
    /// The person: a SCIM user, or a flat object of attribute names to values; `-` reads standard input.
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// The expression's tree as Graph's attributeMappingSource, in place of its value.
    #[arg(long)]
    ast: bool,
    /// Values that are taken at the target, one a line, for SelectUniqueValue.
    #[arg(long, value_name = "FILE")]
    taken: Option<PathBuf>,
    /// What Now() gives, as in 2026-01-31T08:00:00Z; the clock's time where nothing is said.
    #[arg(long, value_name = "TIME")]
    now: Option<jiff::Timestamp>,
    /// What DefaultDomain() gives.
    #[arg(long, value_name = "DOMAIN")]
    default_domain: Option<String>,
}

pub(super) fn run(args: &Args, _: &Globals) -> anyhow::Result<ExitCode> {
    let desk = Desk::new(args)?;
    let Some(file) = &args.file else {
        let text = args.expression.as_deref().unwrap_or_default();
        return Ok(match desk.answer("expression", text) {
            Ok(answer) if args.ast => {
                say(serde_json::to_string_pretty(&answer)?);
                ExitCode::SUCCESS
            }
            Ok(answer) => {
                say_json(&answer);
                ExitCode::SUCCESS
            }
            Err(report) => {
                note(report.render(is_colourful()));
                ExitCode::FAILURE
            }
        });
    };
    let mut all_good = true;
    for (at, line) in read(file, FILE_BYTES_MAX)?.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match desk.answer(&format!("{}, line {}", file.display(), at + 1), line.trim()) {
            Ok(answer) => say_json(&answer),
            Err(report) => {
                all_good = false;
                let message = report.findings().first().map(|finding| finding.diagnostic.message.as_str());
                say_json(&json!({ "error": message }));
                note(report.render(is_colourful()));
            }
        }
    }
    Ok(if all_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What expressions are evaluated with.
struct Desk {
    person: Attributes,
    anchor: String,
    now: Timestamp,
    default_domain: Option<String>,
    /// Without regard to case: no directory has two names that differ in it alone.
    taken: Vec<String>,
    shows_tree: bool,
}

impl Desk {
    fn new(args: &Args) -> anyhow::Result<Self> {
        let person = match &args.input {
            Some(file) => person(file)?,
            None => Attributes::new(),
        };
        let taken = match &args.taken {
            Some(file) => read(file, FILE_BYTES_MAX)?.lines().map(|line| line.trim().to_lowercase()).collect(),
            None => Vec::new(),
        };
        let anchor = person.get("externalId").and_then(|value| value.as_text()).unwrap_or_default().to_owned();
        let now = args.now.map_or_else(|| SystemClock.now(), |now| Timestamp(now.as_millisecond()));
        let default_domain = args.default_domain.clone();
        Ok(Self { person, anchor, now, default_domain, taken, shows_tree: args.ast })
    }

    /// What the expression comes to, or its tree; the mistake, in the text called `name`.
    fn answer(&self, name: &str, text: &str) -> Result<Json, Report> {
        let wrong = |diagnostic| Report::of_mistake(name, text, diagnostic);
        let expression = Expression::parse(text, &|path| loose_path(path, &self.person)).map_err(wrong)?;
        if self.shows_tree {
            return Ok(json!(expression.tree()));
        }
        let seed = Seed { key: &InstallationKey::NONE, anchor: &self.anchor, attribute: "" };
        let default_domain = self.default_domain.as_deref();
        let inputs = Inputs { attributes: &self.person, now: self.now, seed, default_domain };
        let evaluated = expression
            .evaluate(&inputs)
            .map_err(|error| wrong(Diagnostic::new(error.message, error.span, "cannot be computed")))?;
        match evaluated {
            Evaluated::Value(value) => Ok(value_to_json(&value)),
            Evaluated::Dropped => Ok(json!({ "flow": "dropped" })),
            Evaluated::OneOf(candidates) => self.first_free(candidates).map_err(|candidates| {
                let label = format!("taken: {}", candidates.join(", "));
                let hint = "add another candidate, such as one with a number or a RandomString";
                wrong(Diagnostic::new("every candidate is taken", 0..text.len(), label).with_hint(hint))
            }),
        }
    }

    fn first_free(&self, candidates: Vec<String>) -> Result<Json, Vec<String>> {
        let is_free = |candidate: &&String| !self.taken.contains(&candidate.to_lowercase());
        match candidates.iter().find(is_free) {
            Some(free) => Ok(json!(free)),
            None => Err(candidates),
        }
    }
}

fn person(file: &Path) -> anyhow::Result<Attributes> {
    let json: Json = serde_json::from_str(&read(file, FILE_BYTES_MAX)?)
        .with_context(|| format!("the person in {} is not JSON", file.display()))?;
    let Json::Object(json) = json else {
        anyhow::bail!("the person in {} is no JSON object; write {{\"userName\": \"anna\"}}", file.display())
    };
    Ok(loose_attributes(&json))
}
