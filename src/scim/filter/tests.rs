//! Sentences about filters.

use proptest::prelude::*;

use super::*;
use crate::model::{Name, Selector, Value};
use crate::predicate::{Literal, Operand};
use crate::scim::json::attributes_from_text;
use crate::scim::schema::Type;
use crate::scim::{check_path, parse_path};

const ANNA: &str = r#"{
    "userName": "Anna@Contoso.example",
    "externalId": "Ab1",
    "title": "",
    "nickName": null,
    "active": true,
    "name": {"givenName": "Ånna"},
    "emails": [
        {"type": "work", "value": "anna@contoso.example", "primary": true},
        {"type": "home", "value": "a@home.example"}
    ],
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Logistics"},
    "urn:contoso:employee": {
        "HireDate": "2021-05-01T00:00:00-05:00",
        "Born": "1990-02-03",
        "Grade": 7,
        "Fte": "0.8",
        "Badges": ["forklift", "First Aid"]
    }
}"#;

fn holds(filter: &str) -> bool {
    let anna = attributes_from_text(ANNA).expect("is JSON");
    Filter::parse(filter).unwrap_or_else(|error| panic!("{filter}: {error:?}")).holds(&anna)
}

fn check(expected: bool, filters: &[&str]) {
    for filter in filters {
        assert_eq!(holds(filter), expected, "{filter}");
    }
}

#[test]
fn texts_compare_without_regard_to_case() {
    check(
        true,
        &[
            r#"userName eq "anna@contoso.EXAMPLE""#,
            r#"USERNAME SW "ANNA@""#,
            r#"userName ew ".example""#,
            r#"userName co "CONTOSO""#,
            r#"name.givenName eq "ånna""#,
            r#"userName gt "amma""#,
        ],
    );
    check(false, &[r#"userName eq "anna""#, r#"userName ne "ANNA@contoso.example""#, r#"userName lt "amma""#]);
}

#[test]
fn identifiers_compare_with_their_case() {
    check(true, &[r#"externalId eq "Ab1""#, r#"externalId sw "Ab""#]);
    check(false, &[r#"externalId eq "AB1""#, r#"externalId sw "ab""#]);
}

#[test]
fn present_means_that_something_is_said() {
    check(true, &["userName pr", "emails pr", "name pr", "active pr", "urn:contoso:employee:Badges pr"]);
    check(false, &["title pr", "nickName pr", "locale pr", "name.familyName pr"]);
}

#[test]
fn null_is_what_is_absent_or_stated_empty() {
    check(true, &["locale eq null", "nickName eq null", "userName ne null", "title ne null"]);
    check(false, &["userName eq null", "locale ne null", "nickName ne null"]);
}

#[test]
fn what_is_absent_is_not_equal_and_nothing_else() {
    check(true, &[r#"locale ne "sv""#, r#"nickName ne "Anna""#]);
    check(false, &[r#"locale eq "sv""#, r#"locale gt "sv""#, r#"locale co "sv""#]);
}

#[test]
fn one_of_several_values_is_enough() {
    check(
        true,
        &[
            r#"emails.value ew "@home.example""#,
            r#"emails co "home""#,
            r#"emails.type ne "work""#,
            r#"urn:contoso:employee:Badges eq "first aid""#,
        ],
    );
    check(false, &[r#"not (emails.type eq "work")"#, r#"emails.type eq "other""#]);
}

#[test]
fn a_value_path_asks_one_value_everything() {
    check(
        true,
        &[
            r#"emails[type eq "work" and value co "@contoso"]"#,
            r#"emails[not (type eq "work")]"#,
            r#"emails[type eq "work"].value eq "anna@contoso.example""#,
            r#"emails[primary eq true].value sw "anna""#,
            r#"emails[type eq "work"] pr"#,
        ],
    );
    check(false, &[r#"emails[type eq "home" and value co "@contoso"]"#, r#"emails[type eq "home"].value sw "anna""#]);
}

#[test]
fn dates_compare_as_moments() {
    check(
        true,
        &[
            r#"urn:contoso:employee:HireDate eq "2021-05-01T05:00:00Z""#,
            r#"urn:contoso:employee:HireDate gt "2021-05-01""#,
            r#"urn:contoso:employee:HireDate lt "2021-05-01T05:00:00.001Z""#,
            r#"urn:contoso:employee:Born lt "1990-02-03T00:00:01""#,
        ],
    );
    check(false, &[r#"urn:contoso:employee:HireDate le "2021-05-01T00:00:00Z""#]);
}

#[test]
fn numbers_compare_as_numbers() {
    check(
        true,
        &[
            "urn:contoso:employee:Grade eq 7",
            "urn:contoso:employee:Grade gt 6.5",
            "urn:contoso:employee:Grade lt 10",
            "urn:contoso:employee:Fte eq 0.80",
            r#"urn:contoso:employee:Grade eq "7""#,
        ],
    );
    check(false, &["urn:contoso:employee:Grade gt 7", "userName eq 7", "userName gt 7"]);
}

#[test]
fn true_and_false_may_come_as_text() {
    check(true, &["active eq true", "active ne false", r#"active eq "True""#]);
    check(false, &["active eq false", "active ne true"]);
}

#[test]
fn and_binds_before_or_and_not_before_both() {
    check(
        true,
        &[
            "userName pr or locale pr and title pr",
            "not (locale pr) and userName pr",
            r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "logistics""#,
        ],
    );
    check(false, &["(userName pr or locale pr) and title pr", "not (userName pr or locale pr)"]);
}

#[test]
fn attributes_are_listed_with_their_places() {
    let text = r#"userName pr and emails[type eq "work"] or name.givenName sw "A""#;
    let filter = Filter::parse(text).expect("reads");
    let named: Vec<String> =
        filter.attributes().map(|(path, span)| format!("{path}={}", &text[span.clone()])).collect();
    assert_eq!(named, ["userName=userName", "emails=emails", "emails.type=type", "name.givenName=name.givenName"]);
}

fn refused(text: &str) -> String {
    let diagnostic = Filter::parse(text).expect_err(text);
    let under = text.get(diagnostic.span.clone()).expect("span stands in the text");
    format!("{} [{under}] {}", diagnostic.message, diagnostic.hint.unwrap_or_default())
}

#[test]
fn what_people_write_by_habit_is_put_right() {
    for (text, said) in [
        ("userType eq Employee", "the value is not quoted [Employee] write `\"Employee\"`"),
        ("userType eq 'Employee'", "the value stands in single quotes ['Employee'] write `\"Employee\"`"),
        ("userType eq “Employee”", "the value is not quoted [“Employee”] write `\"Employee\"`"),
        ("userType == \"a\"", "`==` is not an operator [==] did you mean `eq`?"),
        ("userType <> \"a\"", "`<>` is not an operator [<>] did you mean `ne`?"),
        ("userType contains \"a\"", "`contains` is not an operator [contains] did you mean `co`?"),
        (
            "userType in (\"a\")",
            "`in` is not an operator [in] compare one by one, joined with `or`: `userType eq \"A\" or userType eq \"B\"`",
        ),
        ("active eq true && title pr", "`&&` is not an operator here [&&] write `and`"),
        ("active eq true || title pr", "`||` is not an operator here [||] write `or`"),
        ("!active eq true", "a condition is missing [!] write `not (…)`"),
        ("not active eq true", "`not` wants parentheses [not] write `not (active eq true)`"),
        (
            "\"a\" eq userType",
            "a condition is missing [\"a\"] the attribute comes first, without quotes: `userType eq \"Employee\"`",
        ),
        ("title co 7", "`co` looks into texts [7] put the value in double quotes"),
        ("active gt true", "`gt` compares by size [true] use `eq` or `ne`"),
    ] {
        assert_eq!(refused(text), said, "{text}");
    }
}

#[test]
fn what_is_incomplete_is_refused_where_something_is_missing() {
    for (text, said) in [
        ("(title pr", "`(` is never closed [(] "),
        ("title pr)", "`)` closes nothing [)] "),
        ("emails[type pr", "`[` is never closed [[] "),
        ("title pr and", "a condition is missing [] "),
        ("title pr title pr", "the filter goes on where it could have ended [title] "),
        ("title eq", "after `eq` a value is missing [] values are `\"text\"`, `42`, `true`, `false` or `null`"),
        (
            "title eq \"a",
            "the text has no closing quote [\"a] close it with `\"`; a quote inside a text is written `\\\"`",
        ),
        (
            r#"title eq "\x""#,
            r#"this escape means nothing [\x] a backslash is written `\\`; the others are those of JSON: `\"`, `\n`, `\u00e9`"#,
        ),
        (
            "emails[name.type pr]",
            "`.` cannot stand in an attribute path [.] an attribute has one level of sub-attributes: `name.givenName`",
        ),
        (
            "emails[type[a pr]]",
            "a sub-attribute has no values to choose from [[] brackets stand behind the attribute: `emails[type eq \"work\"]`",
        ),
        (
            "emails[type pr].value eq \"a\"",
            "this cannot be compared [emails[type pr].value] only one `eq` with a text chooses among values: `emails[type eq \"work\"].value`",
        ),
    ] {
        assert_eq!(refused(text), said, "{text}");
    }
    assert!(refused(" ").starts_with("the filter is empty"));
    assert!(refused("title").starts_with("after `title` an operator is missing"));
}

/// Everything that is wrong with it for a job that declares some attributes of its own.
fn checked(text: &str) -> Result<Filter, Vec<String>> {
    let own = |name: &str| match name {
        "urn:contoso:employee:JobCode" => Some(Kind { case_exact: true, ..Kind::CUSTOM }),
        "urn:contoso:employee:Grade" => Some(Kind { what: Type::Integer, ..Kind::CUSTOM }),
        _ => None,
    };
    let kind_of = |path: &Path| {
        let own = own(&path.to_string());
        check_path(path, &|_| own.is_some()).map(|kind| own.unwrap_or(kind))
    };
    Filter::parse(text).expect("reads").checked(&kind_of).map_err(|wrong| {
        let said = |wrong: Diagnostic| {
            format!("{} [{}] {}", wrong.message, &text[wrong.span.clone()], wrong.hint.unwrap_or_default())
        };
        wrong.into_iter().map(said).collect()
    })
}

#[test]
fn attributes_that_nobody_has_are_named_when_it_is_checked() {
    let refused = |text: &str| checked(text).expect_err(text);
    assert!(checked(r#"userName pr and not (emails[type eq "a"]) or urn:contoso:employee:JobCode sw "A""#).is_ok());
    assert_eq!(
        refused(r#"title pr and usertyp eq "a" and urn:contoso:employee:Nothing pr"#),
        [
            "there is no attribute `usertyp` [usertyp] did you mean `userType`?",
            "there is no attribute `urn:contoso:employee:Nothing` [urn:contoso:employee:Nothing] declare it in the job \
             under `[source.attributes]`, if the source sends it",
        ]
    );
    assert_eq!(
        refused(r#"emails[typ eq "a"]"#),
        ["there is no attribute `emails.typ` [typ] did you mean `emails.type`?"]
    );
}

#[test]
fn what_can_never_hold_is_told_when_it_is_checked() {
    let refused = |text: &str| checked(text).expect_err(text).remove(0);
    for text in [r#"active eq "yes""#, "active gt \"true\"", r#"active co "t""#, "active eq 1"] {
        assert_eq!(refused(text), "`active` is true or false [active] write `active eq true`", "{text}");
    }
    assert_eq!(
        refused(r#"x509Certificates.value gt "TUlJ""#),
        "`x509Certificates.value` holds bytes, which have no order [x509Certificates.value] use `eq`, `ne` or `pr`"
    );
    assert_eq!(
        refused(r#"urn:contoso:employee:Grade eq "high""#),
        "`urn:contoso:employee:Grade` is a number [urn:contoso:employee:Grade] write `urn:contoso:employee:Grade eq 7`"
    );
    for text in [
        "active eq null",
        r#"active ne "False""#,
        "urn:contoso:employee:Grade gt 6",
        r#"urn:contoso:employee:Grade eq "7""#,
    ] {
        assert!(checked(text).is_ok(), "{text}");
    }
}

#[test]
fn texts_of_the_job_s_own_compare_with_their_case_where_it_declares_so() {
    let mut badges = Attributes::new();
    for name in ["JobCode", "Other"] {
        parse_path(&format!("urn:contoso:employee:{name}")).unwrap().set(&mut badges, Value::text("Ab"));
    }
    let exact = |text: &str| checked(text).unwrap().holds(&badges);
    assert!(exact(r#"urn:contoso:employee:JobCode eq "Ab""#) && !exact(r#"urn:contoso:employee:JobCode eq "AB""#));
    assert!(!exact(r#"urn:contoso:employee:JobCode sw "a""#));
    assert!(Filter::parse(r#"urn:contoso:employee:JobCode eq "AB""#).unwrap().holds(&badges), "before it is checked");
}

/// RFC 7644 §3.4.2.2, figure 2, and §3.4.2.3; all of them, in their order.
#[test]
fn the_filters_of_the_rfc_are_read_and_mean_what_they_say() {
    let barbara = attributes_from_text(
        r#"{
            "userName": "bjensen", "userType": "Employee", "title": "Tour Guide",
            "name": {"familyName": "O'Malley"},
            "emails": [{"type": "work", "value": "b@example.com"}, {"type": "home", "value": "b@example.org"}],
            "ims": [{"type": "xmpp", "value": "b@foo.com"}],
            "meta": {"lastModified": "2011-05-13T04:42:34Z"},
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"]
        }"#,
    )
    .expect("is JSON");
    for (filter, expected) in [
        (r#"userName eq "bjensen""#, true),
        (r#"name.familyName co "O'Malley""#, true),
        (r#"userName sw "J""#, false),
        (r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J""#, false),
        ("title pr", true),
        (r#"meta.lastModified gt "2011-05-13T04:42:34Z""#, false),
        (r#"meta.lastModified ge "2011-05-13T04:42:34Z""#, true),
        (r#"meta.lastModified lt "2011-05-13T04:42:34Z""#, false),
        (r#"meta.lastModified le "2011-05-13T06:42:34+02:00""#, true),
        (r#"title pr and userType eq "Employee""#, true),
        (r#"title pr or userType eq "Intern""#, true),
        (r#"schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User""#, false),
        (r#"userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")"#, true),
        (r#"userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")"#, false),
        (r#"userType eq "Employee" and (emails.type eq "work")"#, true),
        (r#"userType eq "Employee" and emails[type eq "work" and value co "@example.com"]"#, true),
        (r#"emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]"#, true),
        (r#"emails[type eq "home" and value co "@example.com"] or ims[type eq "work" and value co "@foo.com"]"#, false),
    ] {
        let read = Filter::parse(filter).unwrap_or_else(|error| panic!("{filter}: {error:?}"));
        assert_eq!(read.holds(&barbara), expected, "{filter}");
        let loud = filter
            .replace(" eq ", " EQ ")
            .replace(" and ", " AND ")
            .replace(" or ", " Or ")
            .replace("userName", "USERNAME");
        assert_eq!(Filter::parse(&loud).map(|filter| filter.holds(&barbara)), Ok(expected), "{loud}");
    }
}

#[test]
fn depth_and_length_are_bounded() {
    let nested = |depth: usize| format!("{}title pr{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Filter::parse(&nested(FILTER_DEPTH_MAX)).is_ok());
    assert!(refused(&nested(FILTER_DEPTH_MAX + 1)).starts_with("the filter is nested deeper than 32 levels"));
    assert!(refused(&"(".repeat(FILTER_BYTES_MAX)).starts_with("the filter is nested deeper"));
    assert!(refused(&"(".repeat(FILTER_BYTES_MAX + 1)).starts_with("the filter is longer than"));
}

fn operand_of(path: Path) -> Operand {
    Operand { path, span: 0..0, case_exact: false }
}

fn any_path() -> impl Strategy<Value = Path> {
    let schema = prop::option::of("urn:[a-z]{1,8}:[A-Za-z0-9.]{1,6}");
    let selector = prop::option::of(("[a-z]{1,6}", "\\PC{0,8}"));
    let sub = prop::option::of("[A-Za-z$][A-Za-z0-9]{0,6}");
    (schema, "[A-Za-z][A-Za-z0-9_-]{0,8}", selector, sub).prop_map(|(schema, attribute, selector, sub)| Path {
        schema: schema.as_deref().map(Name::new),
        attribute: Name::new(&attribute),
        selector: selector.map(|(sub, value)| Selector { sub: Name::new(&sub), value }),
        sub: sub.as_deref().map(Name::new),
    })
}

fn any_literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        any::<String>().prop_map(Literal::text),
        "-?(0|[1-9][0-9]{0,6})(\\.[0-9]{1,4})?(e[+-]?[0-9]{1,2})?".prop_map(Literal::Number),
        any::<bool>().prop_map(Literal::Boolean),
        Just(Literal::Null),
    ]
}

fn leaf(paths: impl Strategy<Value = Path> + Clone) -> impl Strategy<Value = Predicate> {
    let compare = (paths.clone(), prop::sample::select(&[Operator::Eq, Operator::Ne][..]), any_literal());
    let order = (paths.clone(), prop::sample::select(&Operator::ALL[..]), any::<String>());
    prop_oneof![
        paths.prop_map(|path| Predicate::Present(operand_of(path))),
        compare.prop_map(|(path, operator, literal)| Predicate::Compare(operand_of(path), operator, literal)),
        order.prop_map(|(path, operator, text)| Predicate::Compare(operand_of(path), operator, Literal::text(text))),
    ]
}

fn combined(leaf: impl Strategy<Value = Predicate> + 'static) -> impl Strategy<Value = Predicate> {
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Predicate::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Predicate::Or),
            inner.prop_map(|inner| Predicate::Not(Box::new(inner))),
        ]
    })
}

fn any_predicate() -> impl Strategy<Value = Predicate> {
    let inner_path =
        "[a-z$][A-Za-z]{0,5}".prop_map(|sub| Path { sub: Some(Name::new(&sub)), ..Path::simple("emails") });
    let within = combined(leaf(inner_path.boxed()))
        .prop_map(|inner| Predicate::Within(operand_of(Path::simple("emails")), Box::new(inner)));
    combined(prop_oneof![4 => leaf(any_path().boxed()), 1 => within])
}

proptest! {
    #[test]
    fn what_is_printed_reads_the_same(predicate in any_predicate()) {
        let filter = Filter { predicate };
        let printed = filter.to_string();
        if printed.len() <= FILTER_BYTES_MAX {
            prop_assert_eq!(Filter::parse(&printed), Ok(filter), "{}", printed);
        }
    }

    #[test]
    fn reading_any_text_ends(text in "\\PC{0,80}") {
        if let Err(diagnostic) = Filter::parse(&text) {
            prop_assert!(text.get(diagnostic.span).is_some());
        }
    }

    #[test]
    fn reading_anything_like_a_filter_ends(
        words in prop::collection::vec(prop::sample::select(&[
            "(", ")", "[", "]", "not", "and", "or", "eq", "pr", "emails", "type", ".value", "\"a\"", "\"", "'", "7",
            "true", "null", "==", " ", "urn:a:b:c", "\\", "é",
        ][..]), 0..24),
        person in crate::scim::samples::any_attributes(),
    ) {
        let text = words.join(" ");
        for text in [text.clone(), text.replace(' ', "")] {
            match Filter::parse(&text) {
                Ok(filter) => { filter.holds(&person); }
                Err(diagnostic) => prop_assert!(text.get(diagnostic.span).is_some()),
            }
        }
    }
}
