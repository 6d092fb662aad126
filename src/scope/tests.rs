//! Sentences about scoping filters. What is expected is what the documentation says (`facts/entra.md` §3).

use proptest::prelude::*;

use super::*;
use crate::model::{Diagnostic, Name, Value};
use crate::sample::{filter, person};
use crate::scim::{Kind as AttributeKind, check_path, parse_path};

fn read_path(text: &str) -> Result<(Path, AttributeKind), Diagnostic> {
    let path = parse_path(text)?;
    let kind = check_path(&path, &|path| path.schema.is_some())?;
    Ok((path, kind))
}

fn read(attribute: &str, operator: &str, values: &[&str]) -> Result<GroupClause, ClauseFault> {
    GroupClause::read(ClauseWords { attribute, operator, values }, &read_path)
}

fn clause(attribute: &str, operator: &str, values: &[&str]) -> GroupClause {
    read(attribute, operator, values).unwrap_or_else(|fault| panic!("{attribute} {operator}: {fault:?}"))
}

fn anna() -> Attributes {
    let several = |values: &[&str]| Value::Many(values.iter().map(|value| Value::text(*value)).collect());
    person(&[
        ("userName", Value::text("anna@contoso.example")),
        ("title", Value::text("")),
        ("nickName", Value::Null),
        ("active", Value::Boolean(true)),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", Value::text("Sales")),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value", Value::text("701980")),
        ("urn:contoso:employee:Grade", Value::Integer(42)),
        ("urn:contoso:employee:Level", Value::text("7")),
        ("urn:contoso:employee:OnLeave", Value::text("False")),
        ("urn:contoso:employee:HireDate", Value::text("2021-05-01T00:00:00-05:00")),
        ("urn:contoso:employee:Badges", several(&["forklift", "first aid"])),
        ("urn:contoso:employee:Gaps", several(&["forklift", ""])),
        ("urn:contoso:employee:None", Value::Many(vec![])),
    ])
    .attributes
}

/// Whether a clause holds for Anna; `department` and names in upper case stand in their extensions.
fn holds(attribute: &str, operator: &str, values: &[&str]) -> bool {
    let attribute = match attribute {
        "department" | "manager.value" => {
            format!("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:{attribute}")
        }
        own if own.starts_with(|c: char| c.is_ascii_uppercase()) => format!("urn:contoso:employee:{own}"),
        core => core.to_owned(),
    };
    clause(&attribute, operator, values).holds(&anna())
}

#[track_caller]
fn check(expected: bool, clauses: &[(&str, &str, &[&str])]) {
    for (attribute, operator, values) in clauses {
        assert_eq!(holds(attribute, operator, values), expected, "{attribute} {operator} {values:?}");
    }
}

#[test]
fn every_operator_says_what_entra_says() {
    check(
        true,
        &[
            ("department", "EQUALS", &["Sales"]),
            ("department", "NOT EQUALS", &["sales"]),
            ("Grade", "EQUALS", &["42"]),
            ("Grade", "NOT EQUALS", &["43"]),
            ("active", "IS TRUE", &[]),
            ("OnLeave", "IS FALSE", &[]),
            ("title", "IS NULL", &[]),
            ("locale", "IS NULL", &[]),
            ("department", "IS NOT NULL", &[]),
            ("userName", "REGEX MATCH", &[r".*\@contoso.example"]),
            ("Grade", "REGEX MATCH", &["([1-9][0-9])"]),
            ("department", "NOT REGEX MATCH", &["^sales$"]),
            ("Grade", "Greater_Than", &["41"]),
            ("Grade", "Greater_Than_OR_EQUALS", &["42"]),
            ("Level", "Greater_Than", &["6"]),
            ("userName", "Includes", &["@contoso"]),
            ("userName", "ENDS_WITH", &[".example"]),
            ("department", "&", &["Marketing,Sales,Support"]),
            ("department", "!&", &["Marketing,Support"]),
        ],
    );
    check(
        false,
        &[
            ("department", "EQUALS", &["sales"]),
            ("department", "NOT EQUALS", &["Sales"]),
            ("active", "IS FALSE", &[]),
            ("OnLeave", "IS TRUE", &[]),
            ("department", "IS TRUE", &[]),
            ("department", "IS NULL", &[]),
            ("title", "IS NOT NULL", &[]),
            ("department", "REGEX MATCH", &["^sales$"]),
            ("department", "NOT REGEX MATCH", &["ales"]),
            ("Grade", "Greater_Than", &["42"]),
            ("Level", "Greater_Than", &["10"]),
            ("department", "Greater_Than", &["1"]),
            ("userName", "Includes", &["@Contoso"]),
            ("userName", "ENDS_WITH", &[".EXAMPLE"]),
            ("department", "&", &["sales"]),
            ("department", "!&", &["Sales"]),
        ],
    );
}

#[test]
fn what_is_null_or_empty_satisfies_nothing_but_is_null() {
    for attribute in ["title", "nickName", "locale", "urn:contoso:employee:None"] {
        for operator in operators() {
            let values: &[&str] = match (operator.arity, operator.name) {
                (Arity::Unary, _) => &[],
                (_, name) if name.starts_with("Greater") => &["0"],
                _ => &["x"],
            };
            let expected = operator.name == "IS NULL";
            assert_eq!(
                clause(attribute, operator.name, values).holds(&anna()),
                expected,
                "{attribute} {}",
                operator.name
            );
        }
    }
}

#[test]
fn every_one_of_several_values_must_satisfy_it() {
    check(
        true,
        &[
            ("Badges", "NOT EQUALS", &["crane"]),
            ("Badges", "EQUALS", &["forklift", "first aid"]),
            ("Badges", "Includes", &["f"]),
            ("Badges", "IS NOT NULL", &[]),
            ("Gaps", "IS NOT NULL", &[]),
        ],
    );
    check(
        false,
        &[
            ("Badges", "EQUALS", &["forklift"]),
            ("Badges", "NOT EQUALS", &["forklift"]),
            ("Gaps", "NOT EQUALS", &["crane"]),
            ("Gaps", "IS NULL", &[]),
        ],
    );
}

#[test]
fn beyond_entra_managers_and_dates_can_be_asked_about() {
    check(
        true,
        &[
            ("manager.value", "EQUALS", &["701980"]),
            ("HireDate", "Greater_Than", &["2021-05-01"]),
            ("HireDate", "Greater_Than_OR_EQUALS", &["2021-05-01T05:00:00Z"]),
            ("userName", "NOT EQUALS", &["a", "b"]),
        ],
    );
    check(
        false,
        &[
            ("HireDate", "Greater_Than", &["2021-05-01T05:00:00Z"]),
            ("userName", "NOT EQUALS", &["a", "anna@contoso.example"]),
        ],
    );
}

#[test]
fn a_pattern_that_takes_too_long_holds_neither_way_and_says_so() {
    let mut attributes = anna();
    attributes.set(Name::new("userName"), Value::text(format!("{}d", "a".repeat(40))));
    for operator in ["REGEX MATCH", "NOT REGEX MATCH"] {
        let conditions = clause("userName", operator, &[r"^(a|aa)+\1[bc]"]).conditions(&attributes);
        assert!(!conditions[0].holds);
        let why = conditions[0].unanswered.as_deref();
        assert_eq!(why, Some("the regular expression needs more than 100000 steps for this value"));
    }
}

fn group(name: &str, clauses: Vec<GroupClause>) -> Group {
    Group { name: name.to_owned(), clauses }
}

fn two_groups() -> ScopingFilter {
    let department = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";
    ScopingFilter::new(vec![
        group("Sales", vec![clause(department, "EQUALS", &["Sales"]), clause("title", "IS NOT NULL", &[])]),
        group("", vec![clause("userName", "REGEX MATCH", &[r"^\d+@", "^svc-"]), clause("active", "IS TRUE", &[])]),
    ])
}

#[test]
fn a_refusal_names_the_first_clause_of_each_group_that_does_not_hold() {
    let scope = Scope::of_groups(two_groups());
    assert_eq!(
        scope.refuses(&anna()).as_deref(),
        Some(r#"Sales: title IS NOT NULL or group 2: userName REGEX MATCH "^\\d+@" or "^svc-""#)
    );
    let mut seller = anna();
    seller.set(Name::new("title"), Value::text("Seller"));
    assert_eq!(scope.refuses(&seller), None);
    let held: Vec<bool> = scope.clauses().iter().map(|clause| clause.holds(&seller)).collect();
    assert_eq!(held, [true, true, false, true]);
    let one = Scope::of_groups(ScopingFilter::new(vec![group("x", vec![clause("title", "IS NOT NULL", &[])])]));
    assert_eq!(one.refuses(&anna()).as_deref(), Some("title IS NOT NULL"));
    assert!(Scope::of_groups(ScopingFilter::default()).admits(&anna()));
}

#[test]
fn a_filter_is_refused_by_its_first_clause_that_does_not_hold() {
    let scope = Scope::new(&filter(r#"userName pr and (title pr or locale pr) and active eq false"#));
    assert_eq!(scope.refuses(&anna()).as_deref(), Some("title pr or locale pr"));
    assert_eq!(scope.to_string(), "userName pr and (title pr or locale pr) and active eq false");
}

#[test]
fn both_notations_are_one_predicate() {
    let predicate = two_groups().predicate().unwrap();
    let mut seller = anna();
    seller.set(Name::new("title"), Value::text("Seller"));
    assert_eq!((predicate.holds(&anna()), predicate.holds(&seller)), (false, true));
    assert_eq!(ScopingFilter::default().predicate(), None);
}

fn refused(attribute: &str, operator: &str, values: &[&str]) -> String {
    let ClauseFault { part, diagnostic } = read(attribute, operator, values).expect_err(operator);
    let word = match part {
        Part::Attribute => attribute,
        Part::Operator => operator,
        Part::Value(at) => values[at],
    };
    let under = word.get(diagnostic.span.clone()).expect("span stands in the word");
    format!("{} [{under}] {}", diagnostic.message, diagnostic.hint.unwrap_or_default())
}

#[test]
fn an_operator_that_is_nearly_right_is_put_right() {
    for (written, meant) in [
        ("Equals", "EQUALS"),
        ("eq", "EQUALS"),
        ("==", "EQUALS"),
        ("NOT_EQUALS", "NOT EQUALS"),
        ("!=", "NOT EQUALS"),
        ("isNotNull", "IS NOT NULL"),
        ("Is True", "IS TRUE"),
        ("GREATER_THAN", "Greater_Than"),
        ("Greater Than or Equals", "Greater_Than_OR_EQUALS"),
        ("INCLUDES", "Includes"),
        ("contains", "Includes"),
        ("EndsWith", "ENDS_WITH"),
        ("RegexMatch", "REGEX MATCH"),
        ("NOT REGEX MATCHES", "NOT REGEX MATCH"),
        ("EQUALLS", "EQUALS"),
    ] {
        let said = format!("there is no operator `{written}` [{written}] did you mean `{meant}`?");
        assert_eq!(refused("userName", written, &["a"]), said);
    }
    assert!(refused("userName", "Frobnicates", &["a"]).ends_with("there are !&, &, ENDS_WITH, EQUALS, Greater_Than, \
         Greater_Than_OR_EQUALS, IS FALSE, IS NOT NULL, IS NULL, IS TRUE, Includes, NOT EQUALS, NOT REGEX MATCH, REGEX MATCH"));
    assert_eq!(
        refused("userName", "IsMemberOf", &["Sales"]),
        "`IsMemberOf` is not supported, here as in Entra [IsMemberOf] ask for an attribute that the members have in \
         common, such as the department; or bring the membership as one"
    );
}

#[test]
fn a_value_that_cannot_fit_is_refused() {
    let grade = "urn:contoso:employee:Grade";
    for (attribute, operator, values, said) in [
        (
            grade,
            "Greater_Than",
            &["high"][..],
            "`Greater_Than` compares numbers and dates [high] write a number, or a date as `2026-05-31`",
        ),
        (grade, "Greater_Than", &["1", "2"], "`Greater_Than` takes one value [2] "),
        (grade, "EQUALS", &[], "`EQUALS` needs a value [EQUALS] add `value = \"…\"`"),
        (grade, "IS NULL", &["x"], "`IS NULL` takes no value [x] take it out"),
        (grade, "EQUALS", &[""], "`EQUALS` is never met by an empty value [] write `IS NULL` or `IS NOT NULL`"),
        ("active", "EQUALS", &["yes"], "the attribute is true or false [yes] write `IS TRUE` or `IS FALSE`"),
        (
            "active",
            "Includes",
            &["r"],
            "`Includes` cannot be asked of `active` [Includes] write `IS TRUE` or `IS FALSE`",
        ),
        (
            "userName",
            "REGEX MATCH",
            &["a", "(b"],
            "`(` is never closed [(] a parenthesis that stands for itself is written `\\(`",
        ),
    ] {
        assert_eq!(refused(attribute, operator, values), said);
    }
    assert!(holds("department", "NOT EQUALS", &[""]), "everybody who has one");
}

#[test]
fn the_table_says_what_graph_says_of_the_operators_it_lists() {
    let sample = include_str!("../../tests/cases/graph/filterOperators.json");
    let sample: serde_json::Value = serde_json::from_str(sample).unwrap();
    for listed in sample["value"].as_array().unwrap() {
        let name = listed["name"].as_str().unwrap();
        let operator = operators().iter().find(|operator| operator.name == name).expect(name);
        assert_eq!(listed["arity"], operator.arity.word());
        assert_eq!(listed["multivaluedComparisonType"], MULTIVALUED_COMPARISON);
        let types: Vec<&str> = operator.types.iter().map(|kind| kind.word()).collect();
        assert_eq!(listed["supportedAttributeTypes"], serde_json::json!(types), "{name}");
    }
    assert!(operators().is_sorted_by_key(|operator| operator.name));
}

#[test]
fn graph_json_comes_in_and_goes_out_the_same() {
    let json = serde_json::to_string(&two_groups().to_graph()).unwrap();
    assert_eq!(ScopingFilter::parse_graph(&json, &read_path), Ok(two_groups()));
    for nothing in ["null", "{}", r#"{"groups": null, "inputFilterGroups": [], "@odata.type": "x"}"#] {
        assert_eq!(ScopingFilter::parse_graph(nothing, &read_path), Ok(ScopingFilter::default()), "{nothing}");
    }
}

#[test]
fn mistakes_in_graph_json_are_told_where_they_stand() {
    let json = r#"{
  "inputFilterGroups": [{"name": "x", "clauses": []}],
  "groups": [
    {"name": "Staff", "clauses": [
      {"sourceOperandName": "usrName", "operatorName": "EQUALS", "targetOperand": {"values": ["a"]}},
      {"sourceOperandName": "userName", "operatorName": "equal to", "targetOperand": {"values": ["a"]}},
      {"sourceOperandName": "userName", "operatorName": "REGEX MATCH", "targetOperand": {"values": ["(b"]}},
      {"operatorName": "IS NULL"}
    ]},
    {"clauses": []}
  ]
}"#;
    let read_path =
        |text: &str| parse_path(text).and_then(|path| check_path(&path, &|_| false).map(|kind| (path, kind)));
    let faults = ScopingFilter::parse_graph(json, &read_path).unwrap_err();
    let said: Vec<String> = faults
        .into_iter()
        .map(|fault| {
            let under = json.get(fault.span.clone()).unwrap();
            format!("{} [{}]", fault.message, if under == json { "all" } else { under })
        })
        .collect();
    assert_eq!(
        said,
        [
            "inputFilterGroups: `inputFilterGroups` has no counterpart [inputFilterGroups]",
            "clause 1 of the group `Staff`: there is no attribute `usrName` [usrName]",
            "clause 2 of the group `Staff`: there is no operator `equal to` [equal to]",
            "clause 3 of the group `Staff`: `(` is never closed [(]",
            "clause 4 of the group `Staff`: it does not say its `sourceOperandName` [all]",
            "group 2: it has no clause, so it would hold for everybody [all]",
        ]
    );
    let broken = ScopingFilter::parse_graph("{\n  \"groups\": [}", &read_path).unwrap_err();
    assert_eq!((broken[0].message.as_str(), broken[0].span.clone()), ("this is no JSON", 15..16));
}

#[test]
fn json_that_is_no_filter_never_holds_for_everybody() {
    let clause = r#"{"sourceOperandName": "userName", "operatorName": "EQUALS", "targetOperand": {"values": ["a"]}}"#;
    for (json, said) in [
        ("[]".to_owned(), "this is no filter of Graph's"),
        ("7".to_owned(), "this is no filter of Graph's"),
        (clause.to_owned(), "a filter has no `sourceOperandName`"),
        (format!(r#"{{"group": [{{"clauses": [{clause}]}}]}}"#), "a filter has no `group`"),
        (format!(r#"{{"scope": {{"groups": [{{"clauses": [{clause}]}}]}}}}"#), "a filter has no `scope`"),
        (format!(r#"{{"groups": [{{"clauses": [{clause}], "claus": []}}]}}"#), "a group has no `claus`"),
        (r#"{"groups": [{"clauses": [{"operator": "x"}]}]}"#.to_owned(), "a clause has no `operator`"),
    ] {
        let faults = ScopingFilter::parse_graph(&json, &read_path).unwrap_err();
        assert_eq!(faults[0].message, said, "{json}");
        assert!(faults[0].hint.as_ref().is_some_and(|hint| hint.contains("groups")), "{json}");
    }
}

fn any_clause() -> impl Strategy<Value = GroupClause> {
    let attribute = prop::sample::select(&["userName", "active", "urn:contoso:employee:Grade", "emails.value"][..]);
    let operator = prop::sample::select((0..operators().len()).collect::<Vec<_>>());
    let value = prop_oneof!["\\PC{1,12}", "[0-9]{1,5}", any::<String>()];
    (attribute, operator, prop::collection::vec(value, 0..3)).prop_filter_map(
        "reads",
        |(attribute, operator, values)| {
            let operator = &operators()[operator];
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            let values = if operator.arity == Arity::Unary { &[][..] } else { &values };
            read(attribute, operator.name, values).ok()
        },
    )
}

fn any_filter() -> impl Strategy<Value = ScopingFilter> {
    let group =
        ("\\PC{0,8}", prop::collection::vec(any_clause(), 1..3)).prop_map(|(name, clauses)| Group { name, clauses });
    prop::collection::vec(group, 1..3).prop_map(ScopingFilter::new)
}

proptest! {
    #[test]
    fn what_is_said_in_graph_json_reads_the_same(filter in any_filter()) {
        let json = serde_json::to_string(&filter.to_graph()).unwrap();
        prop_assert_eq!(ScopingFilter::parse_graph(&json, &read_path), Ok(filter));
    }

    #[test]
    fn what_is_said_in_toml_reads_the_same(filter in any_filter()) {
        let printed = filter.to_string();
        let table: toml::Table = toml::from_str(&printed).unwrap();
        let groups = table["scope"]["group"].as_array().unwrap().iter().map(|group| {
            let text = |value: &toml::Value| value.as_str().unwrap().to_owned();
            let clauses = group["clauses"].as_array().unwrap().iter().map(|clause| {
                let several = clause.get("values").and_then(toml::Value::as_array).into_iter().flatten();
                let values: Vec<String> = clause.get("value").into_iter().chain(several).map(text).collect();
                let values: Vec<&str> = values.iter().map(String::as_str).collect();
                super::tests::clause(&text(&clause["attribute"]), &text(&clause["operator"]), &values)
            });
            Group { name: group.get("name").map(text).unwrap_or_default(), clauses: clauses.collect() }
        });
        prop_assert_eq!(ScopingFilter::new(groups.collect()), filter);
    }

    #[test]
    fn a_clause_and_its_negation_never_both_hold(
        value in "[a-z0-9]{1,6}", person in crate::scim::samples::any_attributes(),
    ) {
        for (operator, negation) in [("EQUALS", "NOT EQUALS"), ("REGEX MATCH", "NOT REGEX MATCH"), ("&", "!&")] {
            for attribute in ["userName", "emails.value", "title"] {
                let both = [operator, negation].map(|operator| clause(attribute, operator, &[&value]).holds(&person));
                prop_assert!(!(both[0] && both[1]), "{} {}", attribute, operator);
            }
        }
    }

    #[test]
    fn any_text_as_graph_json_is_read_or_told_why_not(text in "\\PC{0,60}") {
        for fault in ScopingFilter::parse_graph(&text, &read_path).err().into_iter().flatten() {
            prop_assert!(text.get(fault.span).is_some());
        }
    }
}
