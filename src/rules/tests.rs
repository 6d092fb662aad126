//! Rules, and who decides.

use super::*;
use crate::sample::{expression, filter, person};

fn ruleset() -> Ruleset {
    let rule = |id: &str, when: Option<&str>, place| Rule {
        id: Name::new(id),
        when: when.map(filter),
        place,
        also: Vec::new(),
    };
    let by_department = Container::Computed(expression("Join(\"\", \"OU=\", [title], \",DC=contoso,DC=com\")"));
    Ruleset {
        rules: vec![
            rule("service", Some("userType eq \"Service\""), Place::Hold),
            rule("left", Some("active eq false"), Place::Nowhere),
            rule(
                "contractors",
                Some("userType eq \"Contractor\""),
                Place::OnPremises { target: TargetId::new("hq"), container: by_department },
            ),
            rule("employees", Some("userType eq \"Employee\""), Place::Cloud { target: TargetId::new("entra") }),
        ],
    }
}

fn check(values: &[(&str, &str)], expected: &str) {
    let values: Vec<(&str, Value)> = values.iter().map(|(path, text)| (*path, Value::text(*text))).collect();
    let verdict = ruleset().place(&person(&values).attributes);
    let by = verdict.by.map_or("nobody".to_owned(), |id| id.to_string());
    assert_eq!(format!("{:?} by {by}", verdict.placement), expected);
}

#[test]
fn the_first_rule_that_holds_decides() {
    check(&[("userType", "Employee")], r#"Cloud { target: TargetId("entra") } by employees"#);
    check(&[("userType", "employee"), ("active", "false")], "Nowhere by left");
    check(&[("userType", "Service")], "Held(RuleHolds) by service");
}

#[test]
fn a_person_no_rule_speaks_for_is_held() {
    check(&[("userType", "Visitor")], "Held(NoRuleSpoke) by nobody");
    check(&[], "Held(NoRuleSpoke) by nobody");
}

#[test]
fn a_container_is_made_from_the_person_and_cannot_be_climbed_out_of() {
    check(
        &[("userType", "Contractor"), ("title", "Ops,OU=Admins")],
        r#"OnPremises { target: TargetId("hq"), container: Dn("OU=Ops\\,OU\\=Admins,DC=contoso,DC=com") } by contractors"#,
    );
}

#[test]
fn without_a_container_a_person_is_held() {
    check(
        &[("userType", "Contractor")],
        "Held(NoContainer { gave: \"OU=,DC=contoso,DC=com\", why: \"`OU=` is not of the form NAME=value\" }) by \
         contractors",
    );
}
