//! What Entra calls the directories and attributes of a provisioning job, and what they are called here.

use crate::decide::TargetKind;

/// The target attribute that says the contrary of `accountEnabled`.
pub(super) const ACCOUNT_DISABLED: &str = "accountDisabled";
/// The source attribute that says whether Entra has let go of the person.
pub(super) const IS_SOFT_DELETED: &str = "IsSoftDeleted";

/// Names of provisioning's own for properties that Graph calls otherwise.
const GRAPH_NAMES: [(&str, &str); 10] = [
    ("mobile", "mobilePhone"),
    ("telephoneNumber", "businessPhones"),
    ("facsimileTelephoneNumber", "faxNumber"),
    ("physicalDeliveryOfficeName", "officeLocation"),
    ("passwordProfile.password", "passwordProfile"),
    ("immutableId", "onPremisesImmutableId"),
    ("division", "employeeOrgData.division"),
    ("costCenter", "employeeOrgData.costCenter"),
    ("employeeOrgData_division", "employeeOrgData.division"),
    ("employeeOrgData_costCenter", "employeeOrgData.costCenter"),
];

/// The kind of directory a name stands for; `None` where muster writes none of that kind.
pub(super) fn target_kind(directory: &str) -> Option<TargetKind> {
    let name = directory.to_ascii_lowercase();
    if name.contains("azure active directory") || name.contains("entra") || name == "aad" {
        Some(TargetKind::Cloud)
    } else if name.contains("active directory") || name == "ad" {
        Some(TargetKind::OnPremises)
    } else if is_app(&name) {
        Some(TargetKind::App)
    } else {
        None
    }
}

/// As muster itself names the directories of apps; several are told apart by the target's name behind it.
fn is_app(name: &str) -> bool {
    name == "scim" || name.starts_with("scim (")
}

/// Whether people come from there by uploads.
pub(super) fn is_uploads(directory: &str) -> bool {
    let name = directory.to_ascii_lowercase();
    name.is_empty() || name.contains("api") || name.contains("scim")
}

/// Whether objects of this name are people.
pub(super) fn is_user(object: &str) -> bool {
    let last = object.rsplit(':').next().unwrap_or_default();
    last.eq_ignore_ascii_case("user") || last.eq_ignore_ascii_case("users")
}

/// What a target attribute is called here.
pub(super) fn target_attribute(kind: TargetKind, name: &str) -> String {
    let is_extension = name.len() > "extensionAttribute".len() && name.starts_with("extensionAttribute");
    match kind {
        _ if name.eq_ignore_ascii_case(ACCOUNT_DISABLED) => "accountEnabled".to_owned(),
        TargetKind::OnPremises | TargetKind::App => name.to_owned(),
        TargetKind::Cloud if is_extension => format!("onPremisesExtensionAttributes.{name}"),
        TargetKind::Cloud => GRAPH_NAMES
            .iter()
            .find(|(theirs, _)| theirs.eq_ignore_ascii_case(name))
            .map_or_else(|| name.to_owned(), |(_, ours)| (*ours).to_owned()),
    }
}
