//! A synchronization schema brought into a job file: into the one that stands in it, or into a new one.

use toml::Value;

use super::layout::Draft;
use super::names::{is_uploads, is_user, target_kind};
use super::parts::Parts;
use super::rule::Place;
use super::{ImportError, Imported};
use crate::config::check_text;
use crate::graph_schema::{JOB_KEY, Loss, ObjectMapping, Rule, Schema, read};

/// What a new job is called, where the schema's own name cannot be one.
const NAME: &str = "imported";

/// Longest name of a job, in bytes; see `check`.
const NAME_BYTES_MAX: usize = 64;

/// Losses that are listed in the file; all of them are told when it is made.
const LOSSES_IN_FILE_MAX: usize = 50;

/// The job file a schema gives.
///
/// # Errors
/// [`ImportError`], where there is no schema, nothing in it that muster does, or what comes of it is not sound.
pub fn import_schema(text: &str) -> Result<Imported, ImportError> {
    let read = read(text)?;
    let mut importer = Importer::new(&read.schema, read.losses);
    let done = importer.rules();
    let Importer { mut draft, job, losses, .. } = importer;
    if done == 0 {
        return Err(ImportError::Nothing { losses });
    }
    job.join(&mut draft);
    draft.opening.extend(left_out(&losses));
    let text = draft.text();
    match check_text("the imported job", &text) {
        Ok(_) => Ok(Imported { text, losses }),
        Err(report) => Err(ImportError::Unsound { report: Box::new(report), losses }),
    }
}

/// The scope of a rule of muster's own, which has one object mapping.
fn scope_of(rule: &Rule) -> Option<serde_json::Value> {
    rule.object_mappings.first().and_then(|mapping| mapping.scope.clone())
}

fn left_out(losses: &[Loss]) -> Vec<String> {
    if losses.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), "What of it has no counterpart here:".to_owned()];
    lines.extend(losses.iter().take(LOSSES_IN_FILE_MAX).map(|loss| format!("  {}: {}", loss.place, loss.why)));
    if losses.len() > LOSSES_IN_FILE_MAX {
        lines.push(format!("  and {} more", losses.len() - LOSSES_IN_FILE_MAX));
    }
    lines
}

/// A schema, and the job file it becomes.
pub(super) struct Importer<'a> {
    pub(super) schema: &'a Schema,
    /// What the job file that stands in the schema says in Graph's words; nothing where there is none.
    pub(super) before: Schema,
    pub(super) draft: Draft,
    pub(super) job: Parts,
    pub(super) losses: Vec<Loss>,
    /// The scope that was taken over, once one was: a job has one.
    pub(super) scope: Option<Option<serde_json::Value>>,
}

impl<'a> Importer<'a> {
    fn new(schema: &'a Schema, losses: Vec<Loss>) -> Self {
        let (before, draft, job) = (Schema::default(), Draft::default(), Parts::default());
        let mut importer = Self { schema, before, draft, job, losses, scope: None };
        let kept = schema.kept_job().map(|text| check_text(JOB_KEY, text));
        match kept {
            Some(Ok(kept)) => {
                importer.before = kept.schema_alone();
                importer.scope = importer.before.synchronization_rules.first().map(scope_of);
                importer.draft.targets = kept.job.targets.iter().map(|target| target.id.to_string()).collect();
                importer.job = Parts::of(kept.table());
            }
            Some(Err(report)) => {
                let first = report.findings().first().map_or("", |finding| finding.diagnostic.message.as_str());
                let why = format!("the job file kept there as `{JOB_KEY}` is not sound, and was left out: {first}");
                importer.lose("synchronizationRules[0].metadata", why);
                importer.begin();
            }
            None => importer.begin(),
        }
        importer
    }

    /// A job of which nothing is known yet.
    fn begin(&mut self) {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let id = &self.schema.id;
        let is_name = id.len() <= NAME_BYTES_MAX
            && id.starts_with(|c: char| c.is_ascii_alphanumeric())
            && id.bytes().all(allowed);
        let name = if is_name { id.as_str() } else { NAME };
        self.job.rest.insert("name".to_owned(), Value::String(name.to_owned()));
        self.job.source.insert("kind".to_owned(), Value::String("api".to_owned()));
        let policy = [("out_of_scope".to_owned(), Value::String("disable".to_owned()))].into_iter().collect();
        self.job.rest.insert("policy".to_owned(), Value::Table(policy));
        self.draft.remark(&["policy"], "As in Entra: who falls out of scope is disabled; within each target's limits.");
        self.draft.opening = vec![
            "Made from a synchronization schema of Microsoft Entra.".to_owned(),
            "A schema does not say how directories are reached: see `[target]` below, and fill that in.".to_owned(),
        ];
    }

    pub(super) fn lose(&mut self, place: &str, why: impl Into<String>) {
        self.losses.push(Loss { place: place.to_owned(), why: why.into() });
    }

    /// Takes over the rules, the first first; says how many.
    fn rules(&mut self) -> usize {
        let schema = self.schema;
        let mut rules: Vec<(usize, &Rule)> = schema.synchronization_rules.iter().enumerate().collect();
        rules.sort_by_key(|(_, rule)| rule.priority);
        let mut done = self.before.synchronization_rules.len();
        let mut sources = Vec::new();
        for (at, rule) in rules {
            let place = format!("synchronizationRules[{at}]");
            self.filters(&place, rule);
            let before = self.known(rule);
            let kind = target_kind(&rule.target_directory_name);
            if before.is_none() && kind.is_none() {
                let name = &rule.target_directory_name;
                self.lose(&place, format!("muster does not write to the directory `{name}`; left out"));
                continue;
            }
            let Some((index, mapping)) = self.users(&place, rule) else { continue };
            if !sources.contains(&&rule.source_directory_name) {
                sources.push(&rule.source_directory_name);
                self.source(&place, rule, mapping);
            }
            let place = Place { rule: &place, mapping: &format!("{place}.objectMappings[{index}]") };
            match (before, kind) {
                (Some(before), _) => self.known_target(&place, rule, mapping, &before),
                (None, Some(kind)) => {
                    self.new_target(&place, rule, mapping, kind);
                    done += 1;
                }
                (None, None) => {}
            }
        }
        self.missing_targets();
        done
    }

    /// The rule as the job file that was kept has it: by its name, or where somebody gave it another, by what is left.
    fn known(&self, rule: &Rule) -> Option<Rule> {
        let known = &self.before.synchronization_rules;
        let is_free = |known: &&Rule| self.schema.synchronization_rules.iter().all(|rule| rule.name != known.name);
        let same_id = |known: &&Rule| known.id == rule.id;
        let same_directory = |known: &&Rule| known.target_directory_name == rule.target_directory_name;
        let named = known.iter().find(|known| known.name == rule.name);
        let named = named.or_else(|| known.iter().filter(is_free).find(same_id));
        named.or_else(|| known.iter().filter(is_free).find(same_directory)).cloned()
    }

    fn filters(&mut self, place: &str, rule: &Rule) {
        let filters = [
            ("containerFilter", "includedContainers", &rule.container_filter),
            ("groupFilter", "includedGroups", &rule.group_filter),
        ];
        for (name, list, filter) in filters {
            let says_nothing = filter.as_ref().is_none_or(|filter| match filter.get(list) {
                Some(serde_json::Value::Array(included)) => included.is_empty(),
                Some(other) => other.is_null(),
                None => true,
            });
            if !says_nothing {
                self.lose(
                    &format!("{place}.{name}"),
                    "people are chosen by `[scope]`, not by where they stand; left out",
                );
            }
        }
    }

    /// The mapping of people, and its number; others have no counterpart.
    fn users(&mut self, place: &str, rule: &'a Rule) -> Option<(usize, &'a ObjectMapping)> {
        let mut found = None;
        for (at, mapping) in rule.object_mappings.iter().enumerate() {
            let place = format!("{place}.objectMappings[{at}]");
            let target = mapping.target_object_name.as_str();
            match (is_user(target), found) {
                (true, None) => found = Some((at, mapping)),
                (true, Some(_)) => self.lose(&place, "a target has one mapping of people, the first; left out"),
                (false, _) if target.is_empty() => self.lose(&place, "it does not say what it maps; left out"),
                (false, _) => self.lose(&place, format!("muster provisions people, and no `{target}`; left out")),
            }
        }
        found
    }

    fn source(&mut self, place: &str, rule: &Rule, mapping: &ObjectMapping) {
        let (schema, name) = (self.schema, rule.source_directory_name.as_str());
        if !is_uploads(name) {
            let why = format!("people come to muster by uploads and CSV files, not from `{name}`; taken as uploads");
            self.lose(&format!("{place}.sourceDirectoryName"), why);
        }
        let Some((at, directory)) = schema.directories.iter().enumerate().find(|(_, known)| known.name == name) else {
            return;
        };
        let mut objects = directory.objects.iter().enumerate();
        let Some((number, object)) = objects.find(|(_, object)| object.name == mapping.source_object_name) else {
            return;
        };
        let before = self.before.attributes(name, &object.name).to_vec();
        self.source_attributes(&format!("directories[{at}].objects[{number}].attributes"), &object.attributes, &before);
    }

    fn missing_targets(&mut self) {
        let found: Vec<String> = self
            .schema
            .synchronization_rules
            .iter()
            .filter_map(|rule| self.known(rule))
            .map(|rule| rule.name)
            .collect();
        let names = self.before.synchronization_rules.iter().map(|rule| rule.name.clone());
        let gone: Vec<String> = names.filter(|name| !found.contains(name)).collect();
        for name in gone {
            let why = format!("the rule of the target `{name}` is gone; the target stays as it was");
            self.lose("synchronizationRules", why);
        }
    }
}
