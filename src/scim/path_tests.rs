//! Sentences about attribute paths.

use proptest::prelude::*;

use super::*;

const DEPARTMENT: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";

fn read(text: &str) -> Path {
    parse_path(text).unwrap_or_else(|error| panic!("{text}: {error:?}"))
}

fn refused(text: &str) -> String {
    let diagnostic = parse_path(text).expect_err(text);
    let under = text.get(diagnostic.span.clone()).expect("span stands in the text");
    format!("{} [{under}] {}", diagnostic.message, diagnostic.hint.unwrap_or_default())
}

fn checked(text: &str) -> Result<Kind, String> {
    check_path(&read(text), &|path| path.to_string() == "urn:contoso:employee:JobCode")
        .map_err(|diagnostic| format!("{}; {}", diagnostic.message, diagnostic.hint.unwrap_or_default()))
}

#[test]
fn every_way_to_write_a_path_is_understood() {
    for text in [
        "userName",
        "name.givenName",
        r#"emails[type eq "work"].value"#,
        r#"emails[type eq "work"]"#,
        DEPARTMENT,
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
        "urn:contoso:employee:JobCode",
        "urn:ietf:params:scim:schemas:extension:contoso:1.0:User:JobCode",
    ] {
        assert_eq!(read(text).to_string(), text);
    }
}

#[test]
fn the_last_colon_separates_a_custom_schema_from_its_attribute() {
    let path = read("urn:contoso:employee:JobCode");
    assert_eq!(path.schema, Some(Name::new("urn:contoso:employee")));
    assert_eq!(path.attribute, Name::new("JobCode"));
}

#[test]
fn the_core_schema_may_be_written_and_is_dropped() {
    assert_eq!(read("urn:ietf:params:scim:schemas:core:2.0:User:name.givenName").to_string(), "name.givenName");
}

#[test]
fn known_names_take_the_schemas_own_spelling() {
    assert_eq!(read("USERNAME").to_string(), "userName");
    assert_eq!(read(r#"Emails[Type EQ "work"].VALUE"#).to_string(), r#"emails[Type eq "work"].value"#);
    assert_eq!(read(&DEPARTMENT.to_uppercase().replace("URN:", "urn:")).to_string(), DEPARTMENT);
}

#[test]
fn a_primary_value_can_be_selected() {
    let person = serde_json::json!({"emails": [{"value": "a"}, {"value": "b", "primary": true}]});
    let person = crate::scim::json::attributes_from_json(person.as_object().expect("an object"));
    assert_eq!(read("emails[primary eq true].value").first(&person), Some(&crate::model::Value::text("b")));
}

#[test]
fn what_is_no_path_is_refused_where_it_stops_being_one() {
    for (text, said) in [
        ("", "the name of an attribute is missing [] "),
        (
            "[displayName]",
            "the name of an attribute is missing [[] brackets stand around attributes in expressions only; here write \
             the name as it is",
        ),
        ("user name", "` ` cannot stand in an attribute path [ ] "),
        ("name.", "the name of an attribute is missing [] "),
        ("1st", "`1st` is not the name of an attribute [1st] "),
        (
            "a.b.c",
            "`.` cannot stand in an attribute path [.] an attribute has one level of sub-attributes: `name.givenName`",
        ),
        (
            "contoso:JobCode",
            "`contoso` is not the name of a schema [contoso] schemas are named by URNs: `urn:contoso:employee:JobCode`",
        ),
        (
            "emails[type eq work].value",
            "the value of a selector is not quoted [work] write it as in `emails[type eq \"work\"].value`",
        ),
        (
            "emails[type ne \"work\"]",
            "a selector compares with `eq` [ne] write it as in `emails[type eq \"work\"].value`",
        ),
        ("emails[type eq \"work\"", "the selector is not closed [] write it as in `emails[type eq \"work\"].value`"),
        ("emails[type eq \"work\"]value", "the path goes on after its selector [value] "),
        (
            "name.givenName[type eq \"a\"]",
            "a sub-attribute cannot have a selector [[] the selector stands behind the attribute: `emails[type eq \"work\"].value`",
        ),
    ] {
        assert_eq!(refused(text), said, "{text}");
    }
    assert!(refused("urn:ietf:params:scim:schemas:core:2.0:User").starts_with("this names a schema, not an attribute"));
    assert!(refused(&"a".repeat(PATH_BYTES_MAX + 1)).starts_with("the attribute path is longer than"));
}

#[test]
fn a_checked_path_says_what_stands_there() {
    assert_eq!(checked("active").map(|kind| kind.what), Ok(Type::Boolean));
    assert_eq!(checked("emails").map(|kind| (kind.what, kind.many)), Ok((Type::Complex, true)));
    assert_eq!(checked(r#"emails[type eq "work"].value"#).map(|kind| (kind.what, kind.many)), Ok((Type::Text, false)));
    assert_eq!(checked("urn:contoso:employee:JobCode"), Ok(Kind::CUSTOM));
}

#[test]
fn an_unknown_attribute_is_refused_with_the_one_that_was_meant() {
    let unknown = |text: &str| checked(text).expect_err(text);
    assert_eq!(unknown("usrName"), "there is no attribute `usrName`; did you mean `userName`?");
    assert_eq!(unknown("department"), format!("there is no attribute `department`; did you mean `{DEPARTMENT}`?"));
    assert!(unknown("givenName").ends_with("did you mean `name.givenName`?"));
    assert!(unknown("email").ends_with("did you mean `emails`?"));
    assert!(unknown("IsSoftDeleted").contains("map `accountEnabled` from `active`"));
    assert!(
        unknown("urn:contoso:employee:JobCod")
            .ends_with("declare it in the job under `[source.attributes]`, if the source sends it")
    );
    assert_eq!(unknown("userName.value"), "`userName` has no sub-attributes; ");
    assert_eq!(unknown("password"), "`password` is not kept: a source cannot say it; ");
    assert_eq!(unknown(r#"title[type eq "a"]"#), "`title` has one value; there is nothing to select; ");
    assert_eq!(unknown(r#"emails[kind eq "a"].value"#), "`emails` has no sub-attribute `kind`; ");
}

proptest! {
    #[test]
    fn reading_any_text_ends(text in "\\PC{0,60}") {
        if let Err(diagnostic) = parse_path(&text) {
            prop_assert!(text.get(diagnostic.span).is_some());
        }
    }

    #[test]
    fn what_is_printed_reads_the_same(
        schema in prop::option::of("urn:[a-z]{1,8}(:[A-Za-z0-9.]{1,6}){1,3}"),
        attribute in "[A-Za-z][A-Za-z0-9_-]{0,8}",
        selector in prop::option::of(("[A-Za-z]{1,6}", any::<String>())),
        sub in prop::option::of("[A-Za-z$][A-Za-z0-9]{0,6}"),
    ) {
        let selector = selector.map(|(sub, value)| Selector { sub: Name::new(&sub), value });
        let path = Path {
            schema: schema.as_deref().map(Name::new),
            attribute: Name::new(&attribute),
            selector,
            sub: sub.as_deref().map(Name::new),
        };
        let printed = path.to_string();
        if printed.len() <= PATH_BYTES_MAX {
            prop_assert_eq!(parse_path(&printed), Ok(path));
        }
    }
}
