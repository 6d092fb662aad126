//! The agent's own file: where it gets work, which directories it writes to, and what it may do there whatever it is
//! asked for. Read as it is written, checked as a whole, handed on as it is meant.

mod check;
mod meant;
mod written;

use std::path::Path;
use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::Value as Json;

use super::finding::Findings;
use super::report::Report;
use super::{Unreadable, deserialize, read};
use written::AgentWritten;

pub use meant::{AgentMeant, AgentTarget, DirectoryMeant, Reached};

/// How messages name the whole file.
const PLACE: &str = "the agent's file";

/// Reads and checks an agent's file. Relative paths in it are relative to its folder.
///
/// # Errors
/// The [`Report`] of everything that is wrong with it.
pub fn load_agent(path: &Path) -> Result<AgentMeant, Report> {
    let name = path.display().to_string();
    let unreadable = |unreadable: Unreadable| Report::unreadable(&name, &unreadable.why, unreadable.hint);
    let text = read(path).map_err(unreadable)?;
    check_agent_in(&name, &text, path.parent().unwrap_or(Path::new("")))
}

/// Checks the text of an agent's file that is called `name`.
///
/// # Errors
/// The [`Report`] of everything that is wrong with it.
pub fn check_agent_text(name: &str, text: &str) -> Result<AgentMeant, Report> {
    check_agent_in(name, text, Path::new(""))
}

/// The JSON Schema of agents' files, for editors.
pub fn agent_schema() -> Json {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<AgentWritten>().to_value()
}

/// The same without references, to check by.
static FORM: LazyLock<Json> = LazyLock::new(|| {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<AgentWritten>().to_value()
});

fn check_agent_in(name: &str, text: &str, folder: &Path) -> Result<AgentMeant, Report> {
    let mut findings = Findings::default();
    let written: Option<AgentWritten> = deserialize(text, &FORM, PLACE, &mut findings);
    let meant = written.and_then(|written| check::check(&written, folder, &mut findings));
    let is_useless = findings.has_errors();
    let report = Report::new(name, text, findings.into_list());
    match meant {
        Some(meant) if !is_useless => Ok(AgentMeant { warnings: report, ..meant }),
        _ => Err(report),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;
    use crate::golden;
    use crate::writer::limited::HourLimits;

    fn samples() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
    }

    #[test]
    fn everything_wrong_with_an_agents_file_is_said_in_one_go_and_no_secret_with_it() {
        for name in ["unknown-settings", "wrong-values", "nowhere"] {
            let file = format!("samples/broken/agent/{name}.toml");
            let text = std::fs::read_to_string(samples().join(format!("broken/agent/{name}.toml"))).unwrap();
            let report = check_agent_text(&format!("{name}.toml"), &text).unwrap_err();
            assert!(!report.to_string().contains("hunter2") && !format!("{report:?}").contains("hunter2"));
            golden::check(&format!("{file}.expected"), &format!("{report}\n"));
        }
    }

    #[test]
    fn a_protected_group_in_which_nobody_would_be_found_is_refused() {
        let text = std::fs::read_to_string(samples().join("agent.toml")).unwrap();
        let text = text.replace("DC=contoso,DC=example\"]", "DC=other,DC=example\"]");
        let text = text
            .replace("\"OU=Guests,DC=contoso,DC=example\", ", "")
            .replace(", \"OU=Guests,DC=other,DC=example\"", "");
        let report = |kind: &str| {
            let checked = check_agent_text("agent.toml", &text.replace("\"active-directory\"", kind));
            checked.map_or_else(|report| report.to_string(), |_| String::new())
        };
        assert!(report("\"ldap\"").contains("this group is not below the target's `base`"), "{}", report("\"ldap\""));
        assert!(!report("\"active-directory\"").contains("this group"));
    }

    #[test]
    fn the_sample_agent_is_right_and_there_is_nothing_to_warn_of() {
        let meant = load_agent(&samples().join("agent.toml")).unwrap_or_else(|report| panic!("{report}"));
        assert_eq!(meant.warnings.to_string(), "");
        let [hq] = &meant.targets[..] else { panic!("one target") };
        assert_eq!((hq.limits, &hq.log), (HourLimits::default(), &samples().join("hq.log")));
        let Reached::Ldap(directory) = &hq.reached else { panic!("over LDAP") };
        assert_eq!((directory.timeout, directory.connections), (Duration::from_secs(10), 4));
        assert_eq!(directory.password, crate::config::SecretSource::File(samples().join("ad-password")));
    }

    #[test]
    fn the_schema_beside_the_code_is_that_of_the_types_and_the_sample_follows_it() {
        let schema = serde_json::to_string_pretty(&agent_schema()).unwrap();
        golden::check("schemas/agent.schema.json", &format!("{schema}\n"));
        let text = std::fs::read_to_string(samples().join("agent.toml")).unwrap();
        let agent: Json = toml::from_str(&text).unwrap();
        let validator = jsonschema::validator_for(&agent_schema()).unwrap();
        let mistakes: Vec<String> = validator.iter_errors(&agent).map(|error| error.to_string()).collect();
        assert_eq!(mistakes, [""; 0]);
    }
}
