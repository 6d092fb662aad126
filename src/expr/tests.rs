//! Sentences about the mapping language.

use super::*;
use crate::model::{Name, Selector};

/// Reads the paths these tests use: `a`, `a.b`, `a[b eq "c"].d`, `urn:…:User:a.b`.
pub(super) fn parse_path(text: &str) -> Result<Path, Diagnostic> {
    let width = |at: usize| text[at..].chars().next().map_or(0, char::len_utf8);
    let bad = |at: usize| Err(Diagnostic::new("this is no path", at..at + width(at), "unexpected"));
    let allowed = |c: char| c.is_ascii_alphanumeric() || ":._$-[]\"".contains(c);
    let (before, selector, after) = match text.split_once('[') {
        None => (text, None, ""),
        Some((before, rest)) => {
            let Some((inner, after)) = rest.rsplit_once(']') else { return bad(0) };
            let Some((sub, value)) = inner.split_once(" eq ") else { return bad(before.len()) };
            let value = value.trim_matches('"').replace("\\\"", "\"").replace("\\\\", "\\");
            (before, Some(Selector { sub: Name::new(sub), value }), after)
        }
    };
    if let Some(at) = before.find(|c| !allowed(c)) {
        return bad(at);
    }
    let (schema, local) = match before.rsplit_once(':') {
        Some((schema, local)) if text.starts_with("urn:") => (Some(Name::new(schema)), local),
        _ => (None, before),
    };
    let (attribute, sub) = match (local.split_once('.'), after.strip_prefix('.')) {
        (_, Some(sub)) => (local, Some(sub)),
        (Some((attribute, sub)), None) => (attribute, Some(sub)),
        (None, None) => (local, None),
    };
    Ok(Path { schema, attribute: Name::new(attribute), selector, sub: sub.map(Name::new) })
}

pub(super) fn parse(text: &str) -> Result<Expression, Diagnostic> {
    Expression::parse(text, &parse_path)
}

fn person(said: &[(&str, Sample)]) -> Attributes {
    let mut person = Attributes::new();
    for (path, sample) in said {
        parse_path(path).unwrap().set(&mut person, Value::from(*sample));
    }
    person
}

fn check(text: &str, said: &[(&str, Sample)], expected: Sample) {
    let value = parse(text).unwrap().evaluate(&Inputs::of(&person(said))).unwrap();
    assert_eq!(value, Evaluated::Value(expected.into()), "{text}");
}

fn check_dn(text: &str, said: &[(&str, Sample)], expected: &str) {
    let value = parse(text).unwrap().evaluate_for_dn(&person(said)).unwrap();
    assert_eq!(value, Value::text(expected), "{text}");
}

fn check_fault(text: &str, said: &[(&str, Sample)], message: &str, part: &str) {
    let fault = parse(text).unwrap().evaluate(&Inputs::of(&person(said))).unwrap_err();
    assert_eq!((fault.message.as_str(), &text[fault.span.clone()]), (message, part));
}

#[test]
fn every_function_does_what_its_examples_say() {
    for example in functions().iter().flat_map(|function| function.examples) {
        let someone = person(example.person);
        let expression = parse(example.expression).expect(example.expression);
        let came = expression.evaluate(&Example::inputs(&someone)).map_err(|error| error.message);
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let expected = match example.gives {
            Sample::Dropped => Ok(Evaluated::Dropped),
            Sample::OneOf(candidates) => Ok(Evaluated::OneOf(texts(candidates))),
            Sample::Refused(message) => Err(message.to_owned()),
            value => Ok(Evaluated::Value(value.into())),
        };
        assert_eq!(came, expected, "{}", example.expression);
    }
}

#[test]
fn every_function_is_described_and_shown() {
    for pair in functions().windows(2) {
        assert!(pair[0].name.to_lowercase() < pair[1].name.to_lowercase(), "{} is out of order", pair[1].name);
    }
    for function in functions() {
        assert!(function.description.ends_with('.'), "{}", function.name);
        let shown = function.examples.iter().any(|example| example.expression.starts_with(function.name));
        assert!(shown, "{} has no example of its own", function.name);
        let first_repeating = function.parameters.iter().position(|parameter| parameter.need == Need::Repeats);
        let rest = &function.parameters[first_repeating.unwrap_or(function.parameters.len())..];
        assert!(rest.iter().all(|parameter| parameter.need == Need::Repeats), "{}", function.name);
    }
}

#[test]
fn an_attribute_alone_and_a_constant_alone_are_expressions() {
    check("[userName]", &[("userName", Sample::Text("anna"))], Sample::Text("anna"));
    check("[active]", &[("active", Sample::Boolean(true))], Sample::Boolean(true));
    check("[level]", &[("level", Sample::Integer(3))], Sample::Integer(3));
    check("[others]", &[("others", Sample::Texts(&["a"]))], Sample::Texts(&["a"]));
    check("[userName]", &[], Sample::Nothing);
    check(r#""a \"b\" \\ c""#, &[], Sample::Text(r#"a "b" \ c"#));
    check("True", &[], Sample::Boolean(true));
    check("-7", &[], Sample::Integer(-7));
    check("&HFF", &[], Sample::Integer(255));
}

#[test]
fn attributes_are_reached_through_selectors_and_extensions() {
    check(
        r#"ToUpper([emails[type eq "work"].value])"#,
        &[
            (r#"emails[type eq "home"].value"#, Sample::Text("h")),
            (r#"emails[type eq "work"].value"#, Sample::Text("w")),
        ],
        Sample::Text("W"),
    );
    let department = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";
    check(&format!("[{department}]"), &[(department, Sample::Text("IT"))], Sample::Text("IT"));
}

#[test]
fn several_values_are_joined_but_do_not_pass_for_one() {
    let two = [("m", Sample::Texts(&["a", "b"]))];
    check(r#"Join("+", [m])"#, &two, Sample::Text("a+b"));
    check("Coalesce([m])", &two, Sample::Texts(&["a", "b"]));
    check("ToUpper([m])", &[("m", Sample::Texts(&["a"]))], Sample::Text("A"));
    check_fault("Left(ToUpper([m]), 1)", &two, "there are several values where one is expected", "[m]");
}

#[test]
fn a_number_may_come_as_text_but_must_be_one() {
    check("Left([s], [n])", &[("s", Sample::Text("anna")), ("n", Sample::Text("2"))], Sample::Text("an"));
    let bad = [("s", Sample::Text("anna")), ("n", Sample::Text("two"))];
    check_fault("Left([s], [n])", &bad, "the value is not a whole number", "[n]");
    check_fault("Mid([s], [s], 1)", &[], "there is no whole number", "[s]");
    check_fault("Mid(\"a\", [n], 1)", &[("n", Sample::Integer(0))], "the first character is number 1", "[n]");
    check("Mid(\"a\", [n], 1)", &[("n", Sample::Integer(i64::MAX))], Sample::Text(""));
}

#[test]
fn a_text_cannot_grow_without_bound() {
    let long = "x".repeat(TEXT_BYTES_MAX);
    let mut someone = Attributes::new();
    someone.set(Name::new("s"), Value::Text(long));
    let whole = parse(r#"Join("", [s])"#).unwrap().evaluate(&Inputs::of(&someone));
    assert!(whole.is_ok());
    let fault = parse(r#"Replace([s], "x", , , [s], , )"#).unwrap().evaluate(&Inputs::of(&someone)).unwrap_err();
    assert_eq!(fault.to_string(), "the text would be longer than 65536 bytes");
}

#[test]
fn comparisons_tell_numbers_from_texts() {
    let holds = |condition: &str, expected: bool| {
        let said = [("t", Sample::Text("9")), ("zip", Sample::Text("09")), ("b", Sample::Boolean(true))];
        check(&format!("IIF({condition}, True, False)"), &said, Sample::Boolean(expected));
    };
    holds("[t] < \"10\"", true);
    holds("[t] > 8", true);
    holds("[zip] = 9", true);
    holds("[zip] = \"9\"", false);
    holds("[zip] <> [t]", true);
    holds("\"a\" <= \"b\"", true);
    holds("[b] = \"True\"", true);
    holds("[b] = True", true);
    holds("[b] = \"true\"", false);
    holds("[b]", true);
    holds("[absent] <> \"x\"", false);
    holds("[absent]", false);
    holds("Left([absent], 1) <> \"x\"", false);
}

#[test]
fn a_person_cannot_climb_out_of_a_container() {
    let evil = [("department", Sample::Text("IT,OU=Admins"))];
    let dn = r#"Join("", "OU=", [department], ",OU=Staff,DC=x")"#;
    check_dn(dn, &evil, r"OU=IT\,OU\=Admins,OU=Staff,DC=x");
    check(dn, &evil, Sample::Text("OU=IT,OU=Admins,OU=Staff,DC=x"));
    check_dn(r#"Append(Append("OU=", [department]), ",DC=x")"#, &evil, r"OU=IT\,OU\=Admins,DC=x");
    check_dn(r#"Replace([department], "{0}", , , , , "OU={0},DC=x")"#, &evil, r"OU=IT\,OU\=Admins,DC=x");
    check_dn(r#"Replace("OU=?,DC=x", "?", , , [department], , )"#, &evil, r"OU=IT\,OU\=Admins,DC=x");
    check_dn(r#"Replace("OU=?,DC=x", , "\\?", , [department], , )"#, &evil, r"OU=IT\,OU\=Admins,DC=x");
    check_dn(r#"Replace("OU=?,DC=x", , "(?<p>\\?)", "p", [department], , )"#, &evil, r"OU=IT\,OU\=Admins,DC=x");
    check_dn(
        r#"Join("", "OU=", Replace([department], , "I(.)", , "$1,", , ), ",DC=x")"#,
        &evil,
        r"OU=T\,\,OU\=Admins,DC=x",
    );
    let taken = r#"Join("", "OU=", Replace([absent], , "(?<p>,.*)", "p", , [department], ), ",DC=x")"#;
    check_dn(taken, &evil, r"OU=\,OU\=Admins,DC=x");
    let unescaped = r#"Replace(Join("", "OU=", [department], ",DC=x"), , "\\\\", , "", , )"#;
    check_dn(unescaped, &evil, r"OU\=IT\,OU\=Admins\,DC\=x");
    check_dn("[department]", &evil, r"IT\,OU\=Admins");
    check_dn(r#"Coalesce([absent], [department], "OU=x")"#, &evil, r"IT\,OU\=Admins");
}

#[test]
fn what_is_cut_out_of_a_person_s_text_is_escaped_after_the_cut() {
    let evil = [("d", Sample::Text("a,b "))];
    check_dn(r#"Join("", "OU=", ToUpper(Left([d], 2)), ",DC=x")"#, &evil, r"OU=A\,,DC=x");
    check_dn(r#"Join("", "OU=", StripSpaces([d]), ",DC=x")"#, &evil, r"OU=a\,b,DC=x");
    check_dn(r#"Join("", "OU=", Left(Join("", "a", [d]), 3), ",DC=x")"#, &evil, r"OU=aa\,,DC=x");
    check_dn(r#"Join("", "OU=", Replace([d], ",", , , "+", , ), ",DC=x")"#, &evil, r"OU=a\+b\ ,DC=x");
}

#[test]
fn a_pattern_that_takes_too_long_is_an_error_of_that_person() {
    let expression = parse(r#"Replace([s], , "^(a|aa)+\\1[bc]", , "x", , )"#).unwrap();
    let evaluate = |text: String| {
        let mut someone = Attributes::new();
        someone.set(Name::new("s"), Value::Text(text));
        expression.evaluate(&Inputs::of(&someone))
    };
    assert_eq!(evaluate("aab".to_owned()).unwrap(), Evaluated::Value(Value::text("x")));
    let fault = evaluate("a".repeat(60) + "d").unwrap_err();
    assert_eq!(fault.message, "the regular expression needs too many steps for this value");
    assert_eq!(fault.span, 15..32);
    assert!(evaluate("a".repeat(5_000)).unwrap_err().message.starts_with("the value is longer than the 4096 bytes"));
}

#[test]
fn a_group_that_took_no_part_is_left_alone() {
    let digits = r#"Replace([s], , "a(?<digit>[0-9])?", "digit", "x", , )"#;
    check(digits, &[("s", Sample::Text("a1 a a2"))], Sample::Text("ax a ax"));
    let first = r#"Replace([s], , "a(?<digit>[0-9])?", "digit", , [t], )"#;
    check(first, &[("t", Sample::Text("a a2"))], Sample::Nothing);
    check(first, &[("t", Sample::Text("b"))], Sample::Nothing);
    check(first, &[], Sample::Nothing);
}

#[test]
fn what_the_expression_itself_says_stays_as_it_is_written() {
    let it = [("department", Sample::Text("R&D, Berlin"))];
    let choice = r#"Switch([department], "OU=Staff,DC=x", "R&D, Berlin", "OU=Research,DC=x")"#;
    check_dn(choice, &it, "OU=Research,DC=x");
    check_dn(choice, &[], "OU=Staff,DC=x");
    check_dn(r#"IIF([department] = "R&D, Berlin", "OU=R,DC=x", "OU=S,DC=x")"#, &it, "OU=R,DC=x");
    check_dn(r#"ToLower(IIF([department] = "HR", "OU=R,DC=x", "OU=S,DC=x"))"#, &it, "ou=s,dc=x");
}

#[test]
fn every_attribute_is_named_in_reading_order_with_its_place() {
    let text = r#"Join("", [a], IIF([b] = [c.d], [e], "x"))"#;
    let expression = parse(text).unwrap();
    let named: Vec<_> = expression.attributes().map(|(path, span)| (path.to_string(), &text[span.clone()])).collect();
    let expected = [("a", "[a]"), ("b", "[b]"), ("c.d", "[c.d]"), ("e", "[e]")];
    assert_eq!(named, expected.map(|(path, part)| (path.to_owned(), part)));
}

#[test]
fn an_expression_prints_as_entra_prints_it() {
    let prints = |text: &str, expected: &str| assert_eq!(parse(text).unwrap().to_string(), expected);
    prints(r#"Replace( [preferredLanguage],"-", , ,"_",,)"#, r#"Replace([preferredLanguage], "-", , , "_", , )"#);
    prints(r#"Switch([Active],,"0","True")"#, r#"Switch([Active], , "0", "True")"#);
    prints("IIF([a]=&H0f,1,-2)", "IIF([a] = &HF, 1, -2)");
    prints(r#"Join("\"\\",[ emails[type eq "work"].value ])"#, r#"Join("\"\\", [emails[type eq "work"].value])"#);
}

/// A mistake as the screen will show it: the text, an underline, what is wrong, what to try.
fn rendered(text: &str) -> String {
    let wrong = parse(text).expect_err(text);
    let before = text[..wrong.span.start].chars().count();
    let under = text[wrong.span.clone()].chars().count().max(1);
    let hint = wrong.hint.map_or(String::new(), |hint| format!("\nhint: {hint}"));
    format!("{text}\n{}{} {}\n{}{hint}", " ".repeat(before), "^".repeat(under), wrong.label, wrong.message)
}

#[test]
fn mistakes_are_shown_where_they_are_with_something_to_try() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/diagnostics/expr.case");
    let golden = std::fs::read_to_string(&file).unwrap();
    let cases: Vec<&str> = golden.trim_end().split("\n\n").collect();
    let now: Vec<String> = cases.iter().map(|case| rendered(case.lines().next().unwrap_or_default())).collect();
    if std::env::var_os("MUSTER_BLESS").is_some() {
        return std::fs::write(&file, now.join("\n\n") + "\n").unwrap();
    }
    for (case, now) in cases.iter().zip(&now) {
        assert_eq!(now, case, "if it is right, MUSTER_BLESS=1 writes it");
    }
}

#[test]
fn an_empty_an_endless_and_a_bottomless_expression_are_refused() {
    assert_eq!(parse("  ").unwrap_err().message, "the expression is empty");
    let long = format!("\"{}\"", "ü".repeat(EXPRESSION_CHARACTERS_MAX - 2));
    assert!(parse(&long).is_ok());
    assert_eq!(parse(&format!("{long} ")).unwrap_err().message, "the expression is longer than 10000 characters");
    let nested = |depth: usize| format!("{}[a]{}", "ToLower(".repeat(depth), ")".repeat(depth));
    assert!(parse(&nested(DEPTH_MAX)).unwrap().evaluate(&Inputs::of(&Attributes::new())).is_ok());
    let deep = parse(&nested(DEPTH_MAX + 1)).unwrap_err();
    assert_eq!(deep.message, "calls stand more than 64 deep in each other");
}

#[test]
fn a_mistake_in_a_path_is_shown_in_the_whole_expression() {
    let wrong = parse("ToLower([ name/given ])").unwrap_err();
    assert_eq!((wrong.message.as_str(), wrong.span), ("this is no path", 14..15));
}
