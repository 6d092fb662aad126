//! Sentences about single functions, beyond their examples.

use proptest::prelude::*;

use super::super::tests::parse;
use super::super::{DEPTH_MAX, EXPRESSION_CHARACTERS_MAX, Evaluated, Inputs, Seed, TEXT_BYTES_MAX, WORK_BYTES_MAX};
use super::*;
use crate::model::{InstallationKey, Name};

fn someone(said: &[(&str, Value)]) -> Attributes {
    said.iter().map(|(name, value)| (Name::new(name), value.clone())).collect()
}

fn evaluated(text: &str, person: &Attributes) -> Result<Evaluated, String> {
    parse(text).expect(text).evaluate(&Example::inputs(person)).map_err(|error| error.message)
}

fn check(text: &str, said: &[(&str, &str)], expected: &str) {
    let said: Vec<_> = said.iter().map(|(name, text)| (*name, Value::text(*text))).collect();
    assert_eq!(evaluated(text, &someone(&said)), Ok(Evaluated::Value(Value::text(expected))), "{text}");
}

fn check_refused(text: &str, said: &[(&str, Value)], message: &str) {
    assert_eq!(evaluated(text, &someone(said)), Err(message.to_owned()), "{text}");
}

#[test]
fn every_function_that_entra_documents_is_there() {
    let provisioning = "Append AppRoleAssignmentsComplex BitAnd CBool CDate Coalesce ConvertToBase64 ConvertToUTF8Hex \
        Count CStr DateAdd DateDiff DateFromNum FormatDateTime Guid IgnoreFlowIfNullOrEmpty IIF InStr IsNull \
        IsNullOrEmpty IsPresent IsString Item Join Left Mid NormalizeDiacritics Not Now NumFromDate PCase RandomString \
        Redact RemoveDuplicates Replace SelectUniqueValue SingleAppRoleAssignment Split StripSpaces Switch ToLower \
        ToUpper Word";
    let cloud_sync = "ConvertFromBase64 DNComponent Error StringFromSid Trim Contains CRef";
    let older = "DefaultDomain AppRoleAssignments IsNothing Prepend AssertiveAppRoleAssignmentsComplex";
    let guides = "IgnoreAttributeFlow";
    let named = [provisioning, cloud_sync, older, guides];
    let missing: Vec<_> = named.iter().flat_map(|names| names.split(' ')).filter(|name| find(name).is_none()).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn a_word_that_stands_bare_is_printed_bare_and_read_again() {
    let text = r#"InStr([a], "b", , vbTextCompare)"#;
    assert_eq!(parse(text).unwrap().to_string(), text);
}

#[test]
fn the_styles_of_a_date_may_be_left_out_comma_and_all() {
    let short = parse(r#"FormatDateTime([a], "yyyy", "yy")"#).unwrap();
    assert_eq!(short.to_string(), r#"FormatDateTime([a], , "yyyy", "yy")"#);
    assert_eq!(short, parse(r#"FormatDateTime([a], , "yyyy", "yy")"#).unwrap());
}

#[test]
fn dates_compare_as_dates_and_not_as_texts() {
    let yes_or_no = |condition: &str, expected: &str| {
        check(&format!(r#"IIF({condition}, "yes", "no")"#), &[("d", "9/1/2026"), ("bad", "soon")], expected);
    };
    yes_or_no(r#"CDate([d]) < CDate("10/1/2026")"#, "yes");
    yes_or_no(r#"CDate([d]) = "2026-09-01T02:00:00+02:00""#, "yes");
    yes_or_no(r#"DateAdd("d", 1, [d]) > [d]"#, "yes");
    yes_or_no("Now() >= [d]", "no");
    yes_or_no("CDate([absent]) < Now()", "no");
    yes_or_no("[bad] = CDate([d])", "no");
}

#[test]
fn what_holds_may_be_a_number_or_a_truth_value_written_out() {
    check(r#"IIF(1, "yes", "no")"#, &[], "yes");
    check(r#"IIF("False", "yes", "no")"#, &[], "no");
    check(r#"IIF(BitAnd([uac], 2), "disabled", "enabled")"#, &[("uac", "512")], "enabled");
}

#[test]
fn what_was_dropped_counts_as_nothing_inside_other_functions() {
    check("Coalesce(IgnoreFlowIfNullOrEmpty([a]), [b])", &[("b", "x")], "x");
    check(r#"Join("-", IgnoreFlowIfNullOrEmpty([a]), [b])"#, &[("b", "x")], "x");
    check("CStr(IsNull(IgnoreFlowIfNullOrEmpty([a])))", &[], "True");
    check("CStr(Count(IgnoreFlowIfNullOrEmpty([a])))", &[], "0");
    let none = someone(&[]);
    assert_eq!(evaluated(r#"IIF([a] = "x", [a], IgnoreFlowIfNullOrEmpty([b]))"#, &none), Ok(Evaluated::Dropped));
}

#[test]
fn words_begin_where_dotnet_begins_them() {
    check("PCase([s])", &[("s", "1ST FLOOR/EAST_WING ab1cd")], "1St Floor/East_Wing Ab1cd");
    check("PCase([s])", &[("s", "D’ARCY o'brien-LEE 'quoted'")], "D’Arcy O'brien-Lee 'Quoted'");
    check("PCase([s], \" \")", &[("s", "1ST FLOOR/EAST_WING")], "1st Floor/east_wing");
    check("PCase([s], \"\")", &[("s", "e\u{301}LODIE A\u{301}B")], "E\u{301}lodie A\u{301}b");
}

#[test]
fn a_target_without_a_default_domain_is_told_to_have_one() {
    let none = Attributes::new();
    let error = parse("DefaultDomain()").unwrap().evaluate(&Inputs::of(&none)).unwrap_err();
    assert_eq!(error.message, "the target has no default domain; set `default_domain` there");
}

#[test]
fn a_complex_role_has_its_value_for_a_name() {
    let role = |name: &str| Value::Complex(someone(&[("value", Value::text(name)), ("display", Value::text("x"))]));
    let roles = someone(&[("r", Value::Many(vec![role("Admin"), role("Reader"), role("Admin")]))]);
    let gives = |text: &str, value: Value| assert_eq!(evaluated(text, &roles), Ok(Evaluated::Value(value)), "{text}");
    gives("SingleAppRoleAssignment([r])", Value::text("Admin"));
    gives("AppRoleAssignments([r])", Value::Many(vec![Value::text("Admin"), Value::text("Reader")]));
    gives("AppRoleAssignmentsComplex([r])", Value::Many(vec![role("Admin"), role("Reader")]));
}

#[test]
fn numbers_and_their_texts_are_not_duplicates() {
    let values = Value::Many(vec![Value::Integer(1), Value::text("1"), Value::Integer(1)]);
    let expected = Value::Many(vec![Value::Integer(1), Value::text("1")]);
    assert_eq!(evaluated("RemoveDuplicates([a])", &someone(&[("a", values)])), Ok(Evaluated::Value(expected)));
}

#[test]
fn what_a_person_says_may_be_refused_with_a_reason() {
    let text = |text: &str| Value::text(text);
    check_refused("ConvertFromBase64([a])", &[("a", text("YQ=="))], "the bytes are no text in Unicode");
    check_refused("ConvertFromBase64([a], UTF8)", &[("a", text("/w=="))], "the bytes are no text in UTF8");
    check("ConvertFromBase64([a], ASCII)", &[("a", "/2E=")], "?a");
    check_refused(
        r#"Word([a], 1, " ")"#,
        &[("a", Value::Many(vec![text("a"), text("b")]))],
        "there are several values where one is expected",
    );
    check_refused(
        "DateAdd([i], 1, Now())",
        &[("i", text("x"))],
        "the interval is not \"yyyy\", \"m\", \"d\", \"ww\", \"h\", \"n\", \"s\", \"q\", \"y\" or \"w\"",
    );
    check_refused("DateFromNum([n])", &[("n", Value::Integer(-1))], "the number says no date between 1601 and 9999");
    check_refused("CDate([d])", &[("d", text("2026-02-30"))], "the value says no date that there is");
    let form = [("f", text("yyyy'")), ("d", text("2026"))];
    check_refused("FormatDateTime([d], [f], \"yyyy\")", &form, "the value is no date format");
    check_refused(
        "FormatDateTime([d], , \"ddd yyyy-MM-dd\", \"yyyy\")",
        &[("d", text("Sun 2026-01-31"))],
        "the value is of the form `ddd yyyy-MM-dd`, but that day is another day of the week",
    );
    check_refused("RandomString([n], 2, 0, 0, 0)", &[("n", text("1"))], "the length is too short for the minimums");
    check_refused("RandomString([n], 2, 0, 0, 0)", &[("n", text("257"))], "the number is not between 0 and 256");
}

#[test]
fn no_function_makes_more_than_it_may() {
    let long = [("a", Value::Text("x,".repeat(TEXT_BYTES_MAX / 2)))];
    let too_long = "the text would be longer than 65536 bytes";
    check_refused("ConvertToBase64([a])", &long, too_long);
    check_refused("ConvertToUTF8Hex([a])", &long, too_long);
    check_refused(r#"Prepend("y", [a])"#, &long, too_long);
    check_refused("FormatDateTime(\"2026\", \"yyyy\", [f])", &[("f", Value::Text("MMMM ".repeat(20_000)))], too_long);
    check_refused(r#"Split([a], ",")"#, &long, "there would be more than 10000 values");
}

#[test]
fn long_texts_take_no_longer_than_they_must() {
    let long = Value::Text("ab ".repeat(TEXT_BYTES_MAX / 3));
    let person = someone(&[("a", long), ("b", Value::Text("b".repeat(TEXT_BYTES_MAX / 2)))]);
    for text in ["Word([a], 20000, [a])", "InStr([a], [b], 9, vbTextCompare)", "PCase([a], [a])", "Trim([a])"] {
        assert!(evaluated(text, &person).is_ok(), "{text}");
    }
    let deep = format!("{}[a]{}", "PCase(".repeat(DEPTH_MAX), ")".repeat(DEPTH_MAX));
    assert!(evaluated(&deep, &person).is_ok());
}

fn by_chance(text: &str, key: u8, anchor: &str, attribute: &str) -> String {
    let (none, key) = (Attributes::new(), InstallationKey::new([key; 32]));
    let seed = Seed { key: &key, anchor, attribute };
    let inputs = Inputs { seed, ..Inputs::of(&none) };
    match parse(text).unwrap().evaluate(&inputs).unwrap() {
        Evaluated::Value(Value::Text(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn chance_is_the_same_again_and_another_for_another_installation_person_attribute_and_call() {
    for text in ["Guid()", "RandomString(40, 1, 1, 1, 1)"] {
        let first = by_chance(text, 1, "701984", "x");
        assert_eq!(by_chance(text, 1, "701984", "x"), first);
        assert_eq!(
            by_chance(&format!("Trim( {text} )"), 1, "701984", "x"),
            first,
            "space and other functions do not count"
        );
        assert_ne!(by_chance(text, 2, "701984", "x"), first);
        assert_ne!(by_chance(text, 1, "701985", "x"), first);
        assert_ne!(by_chance(text, 1, "701984", "y"), first);
        assert_ne!(by_chance(text, 1, "70198", "4x"), first);
        let twice = by_chance(&format!(r#"Join("\n", {text}, {text})"#).replace("\\n", "\u{1}"), 1, "701984", "x");
        let (one, other) = twice.split_once('\u{1}').unwrap();
        assert_eq!(one, first);
        assert_ne!(other, first);
    }
    let guid = uuid::Uuid::parse_str(&by_chance("Guid()", 1, "a", "b")).unwrap();
    assert_eq!(guid.get_version_num(), 4);
}

#[test]
fn a_random_text_has_no_special_characters_unless_they_are_asked_for() {
    let plain = by_chance("RandomString(256, 0, 0, 0, 0)", 1, "a", "b");
    assert!(plain.chars().all(|c| c.is_ascii_alphanumeric()));
    assert!(by_chance("RandomString(256, 1, 0, 0, 0)", 1, "a", "b").chars().all(|c| c.is_ascii_digit()));
    let all = by_chance("RandomString(256, 1, 1, 1, 1)", 1, "a", "b");
    assert!(all.chars().any(|c| c.is_ascii_punctuation()));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_random_text_is_as_it_was_asked_for(
        more in 0..40_usize, minimums in prop::array::uniform4(0..20_usize), avoided in "[a-f0-4A-F?!]{0,9}", anchor in "[0-9]{1,6}",
    ) {
        let [numbers, special, capital, lower] = minimums;
        let length = (numbers + special + capital + lower + more).max(1);
        let text = format!(r#"RandomString({length}, {numbers}, {special}, {capital}, {lower}, "{avoided}")"#);
        let random = by_chance(&text, 7, &anchor, "a");
        prop_assert_eq!(random.chars().count(), length);
        let count = |is: fn(&char) -> bool| random.chars().filter(is).count();
        prop_assert!(count(char::is_ascii_digit) >= numbers);
        prop_assert!(count(char::is_ascii_punctuation) >= special);
        prop_assert!(count(char::is_ascii_uppercase) >= capital);
        prop_assert!(count(char::is_ascii_lowercase) >= lower);
        prop_assert!(!random.contains(|c| avoided.contains(c)));
    }
}

/// An example, put into itself in the place of one of its attributes, again and again.
fn nested(text: &str, at: usize, attribute: &str) -> String {
    let (before, after) = (&text[..at], &text[at + attribute.len()..]);
    let deep = (1..DEPTH_MAX).take_while(|times| (times + 1) * text.len() < EXPRESSION_CHARACTERS_MAX);
    deep.fold(text.to_owned(), |inner, _| format!("{before}{inner}{after}"))
}

#[test]
fn no_function_asks_for_an_argument_twice() {
    for example in functions().iter().flat_map(|function| function.examples) {
        let Ok(expression) = parse(example.expression) else { continue };
        let person = example.person.iter().map(|(name, sample)| (Name::new(name), (*sample).into())).collect();
        for (path, span) in expression.attributes() {
            let text = nested(example.expression, span.start, &example.expression[span.clone()]);
            let Ok(deep) = parse(&text) else { continue };
            let error = deep.evaluate(&Example::inputs(&person)).err();
            let runs_away = error.is_some_and(|error| error.message.contains("come to more than"));
            assert!(!runs_away, "[{path}] in {}", example.expression);
        }
    }
}

#[test]
fn many_calls_on_a_long_text_are_too_much() {
    let person = someone(&[("a", Value::text("a".repeat(TEXT_BYTES_MAX)))]);
    let calls = vec!["Left(ToUpper([a]), 1)"; 400].join(", ");
    let error = evaluated(&format!("Join(\"\", {calls})"), &person).unwrap_err();
    assert_eq!(error, format!("the parts of the expression come to more than {WORK_BYTES_MAX} bytes together"));
}
