//! The attributes of a SCIM target: where they stand in its users, and what the core calls them.
//!
//! The core has one word for the switch and one for the reference to the manager, whatever the directory; here, and
//! nowhere else, they become SCIM's `active` and the enterprise extension's `manager`. Every other attribute is called
//! by its path.

use super::path::parse_path;
use super::schema::{ENTERPRISE, ENTERPRISE_USER};
use crate::model::{ACCOUNT_ENABLED, Diagnostic, MANAGER, Name, Path};

/// Where SCIM has the switch.
pub const ACTIVE: &str = "active";

/// What the core calls the attribute that stands there.
pub fn core_name(path: &Path) -> Name {
    if *path == Path::simple(ACTIVE) {
        Name::new(ACCOUNT_ENABLED)
    } else if is_manager(path) {
        Name::new(MANAGER)
    } else {
        Name::new(&path.to_string())
    }
}

/// Where an attribute stands, by the core's name for it.
///
/// # Errors
/// A [`Diagnostic`] where the name is no path; none that [`core_name`] gave.
pub fn path_of(name: &str) -> Result<Path, Diagnostic> {
    if name.eq_ignore_ascii_case(ACCOUNT_ENABLED) {
        Ok(Path::simple(ACTIVE))
    } else if name.eq_ignore_ascii_case(MANAGER) {
        Ok(manager())
    } else {
        parse_path(name)
    }
}

/// Where the enterprise extension has the reference to the manager, a complex value.
pub fn manager() -> Path {
    Path { schema: Some(ENTERPRISE.urn.clone()), ..Path::simple(MANAGER) }
}

fn is_manager(path: &Path) -> bool {
    let is_reference = path.sub.as_ref().is_none_or(|sub| *sub == *"value");
    let is_enterprise = path.schema.as_ref().is_some_and(|urn| *urn == *ENTERPRISE_USER);
    is_enterprise && is_reference && path.selector.is_none() && path.attribute == *MANAGER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_core_has_its_own_words_for_the_switch_and_the_manager_only() {
        for (written, name, path) in [
            ("Active", "accountEnabled", "active"),
            ("urn:ietf:params:scim:schemas:core:2.0:User:active", "accountEnabled", "active"),
            (
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
                "manager",
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
            ),
            ("USERNAME", "userName", "userName"),
            (r#"emails[type eq "work"].value"#, r#"emails[type eq "work"].value"#, r#"emails[type eq "work"].value"#),
            ("urn:contoso:site:badge", "urn:contoso:site:badge", "urn:contoso:site:badge"),
        ] {
            let core = core_name(&parse_path(written).unwrap());
            assert_eq!(core, Name::new(name), "{written}");
            assert_eq!(path_of(core.as_str()).unwrap().to_string(), path, "{written}");
        }
    }
}
