//! What is true of every expression, tried on many.

use proptest::prelude::*;

use super::check;
use super::functions::{Beyond, Function, Kind, Need, find, functions};
use super::node::{Call, Comparison, Node, Operator, Term};
use super::tests::{parse, parse_path};
use super::*;
use crate::dotnet::interval::INTERVALS;
use crate::model::Name;

/// How deep the trees are that are made up here.
const DEPTH: u32 = 4;

fn node(term: Term) -> Node {
    Node { term, span: 0..0 }
}

fn attribute() -> impl Strategy<Value = Term> {
    prop_oneof![
        "[a-c]",
        "name\\.(givenName|familyName)",
        "emails\\[type eq \"(work|home|a\\]b)\"\\]\\.value",
        "urn:ietf:params:scim:schemas:extension:enterprise:2\\.0:User:department",
    ]
    .prop_map(|text| Term::Attribute(parse_path(&text).unwrap()))
}

fn literal(kind: Kind) -> BoxedStrategy<Term> {
    let text = prop_oneof!["[a-zA-Z0-9 ,=()\\[\\]\"\\\\]{0,6}", any::<String>()].prop_map(Term::Text);
    let integer = prop_oneof![
        any::<i64>().prop_map(|value| Term::Integer { value, hexadecimal: false }),
        (0..=i64::MAX).prop_map(|value| Term::Integer { value, hexadecimal: true }),
        (-2..30_i64).prop_map(|value| Term::Integer { value, hexadecimal: false }),
        (0..4_i64).prop_map(|value| Term::Integer { value, hexadecimal: false }),
    ];
    let boolean = any::<bool>().prop_map(Term::Boolean);
    match kind {
        Kind::Any => prop_oneof![text, integer, boolean].boxed(),
        Kind::Text => text.boxed(),
        Kind::Integer => integer.boxed(),
        Kind::Condition => boolean.boxed(),
        Kind::Moment => prop::sample::select(vec!["2026-01-31", "12/31/9999 11:00 PM", "1 Jan 0001"])
            .prop_map(|text| Term::Text(text.to_owned()))
            .boxed(),
        Kind::Interval => {
            let names: Vec<_> = INTERVALS.iter().map(|(name, _)| (*name).to_owned()).collect();
            prop::sample::select(names).prop_map(Term::Text).boxed()
        }
        Kind::Word(words) => prop::sample::select(words.to_vec()).prop_map(Term::Word).boxed(),
    }
}

fn operator() -> impl Strategy<Value = Operator> {
    prop::sample::select(vec![
        Operator::Equal,
        Operator::NotEqual,
        Operator::Greater,
        Operator::GreaterOrEqual,
        Operator::Less,
        Operator::LessOrEqual,
    ])
}

fn comparison(depth: u32) -> impl Strategy<Value = Term> {
    let not_empty = |node: &Node| node.term != Term::Text(String::new());
    let side = move || argument(Kind::Any, depth).prop_filter("not empty", not_empty);
    (side(), operator(), side())
        .prop_map(|(left, operator, right)| Term::Comparison(Box::new(Comparison { left, operator, right })))
}

fn argument(kind: Kind, depth: u32) -> BoxedStrategy<Node> {
    let leaf = prop_oneof![attribute(), literal(kind)];
    match (depth, kind) {
        (_, Kind::Word(_)) => literal(kind).prop_map(node).boxed(),
        (0, _) => leaf.prop_map(node).boxed(),
        (_, Kind::Condition) => prop_oneof![leaf, call(depth - 1), comparison(depth - 1)].prop_map(node).boxed(),
        _ => prop_oneof![leaf, call(depth - 1)].prop_map(node).boxed(),
    }
}

fn call(depth: u32) -> BoxedStrategy<Term> {
    let anywhere: Vec<_> = functions().iter().copied().filter(|function| function.beyond != Beyond::Others).collect();
    prop::sample::select(anywhere).prop_flat_map(move |function| call_of(function, depth)).boxed()
}

fn call_of(function: &'static Function, depth: u32) -> BoxedStrategy<Term> {
    (Just(function), 1..3_usize)
        .prop_flat_map(move |(function, times)| {
            let fixed = function.parameters.iter().filter(|parameter| parameter.need != Need::Repeats);
            let repeating = function.parameters.iter().filter(|parameter| parameter.need == Need::Repeats);
            let parameters = fixed.chain(std::iter::repeat_n(repeating, times).flatten());
            let arguments: Vec<_> = parameters
                .map(|parameter| match parameter.need {
                    Need::Optional | Need::Omissible => {
                        prop_oneof![Just(node(Term::Empty)), argument(parameter.kind, depth)].boxed()
                    }
                    Need::Required | Need::Repeats => argument(parameter.kind, depth),
                })
                .collect();
            arguments.prop_map(move |arguments| Call::new(function, arguments, 0))
        })
        .prop_filter("as its function admits", |made| check::call(made.function, &made.arguments, &(0..0)).is_ok())
        .prop_map(Term::Call)
        .boxed()
}

fn expression() -> impl Strategy<Value = Expression> {
    let unique = find("SelectUniqueValue").unwrap();
    let root = prop_oneof![9 => argument(Kind::Any, DEPTH), 1 => call_of(unique, DEPTH - 1).prop_map(node)];
    root.prop_map(|root| Expression { root })
}

fn value() -> impl Strategy<Value = Value> {
    let single = prop_oneof![
        Just(Value::Null),
        any::<String>().prop_map(Value::Text),
        "[0-9,=+ \\\\#;]{0,5}".prop_map(Value::Text),
        any::<i64>().prop_map(Value::Integer),
        any::<bool>().prop_map(Value::Boolean),
    ];
    prop_oneof![single.clone(), prop::collection::vec(single, 0..3).prop_map(Value::Many)]
}

fn person() -> impl Strategy<Value = Attributes> {
    (value(), value(), value(), value()).prop_map(|(a, b, given, work)| {
        let mut person = Attributes::new();
        person.set(Name::new("a"), a);
        person.set(Name::new("b"), b);
        parse_path("name.givenName").unwrap().set(&mut person, given);
        parse_path("emails[type eq \"work\"].value").unwrap().set(&mut person, work);
        person
    })
}

/// Texts made of the language's own words, which get further than chance letters do.
fn word_soup() -> impl Strategy<Value = String> {
    let words = [
        "Join(",
        "IIF(",
        "Switch(",
        "Replace(",
        "Left(",
        ")",
        ",",
        "[a]",
        "[",
        "]",
        "\"",
        "\"x\"",
        "\\",
        "=",
        "<>",
        ">",
        "-",
        "7",
        "&H",
        "&HF",
        "True",
        "emails[type eq \"",
        "é",
        " ",
    ];
    prop::collection::vec(prop::sample::select(words.to_vec()), 0..40).prop_map(|words| words.concat())
}

/// Whether every `,` and `=` of it is escaped.
fn is_one_value(dn_part: &str) -> bool {
    let mut characters = dn_part.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => {
                characters.next();
            }
            ',' | '=' | '+' | ';' | '<' | '>' | '"' => return false,
            _ => {}
        }
    }
    true
}

proptest! {
    // A failing case becomes a test with a name, not a file of seeds.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_is_read_back_the_same(expression in expression()) {
        let printed = expression.to_string();
        let read = parse(&printed).map_err(|wrong| TestCaseError::fail(format!("{printed}: {wrong:?}")))?;
        prop_assert_eq!(&read, &expression);
        prop_assert_eq!(read.to_string(), printed);
    }

    #[test]
    fn no_text_makes_the_reader_stumble(text in prop_oneof![any::<String>(), word_soup()], someone in person()) {
        match parse(&text) {
            Ok(expression) => { let _ = expression.evaluate(&Inputs::of(&someone)); }
            Err(wrong) => {
                prop_assert!(wrong.span.start <= wrong.span.end && wrong.span.end <= text.len());
                prop_assert!(text.is_char_boundary(wrong.span.start) && text.is_char_boundary(wrong.span.end));
            }
        }
    }

    #[test]
    fn evaluating_is_sure_and_always_the_same(expression in expression(), someone in person()) {
        let first = expression.evaluate(&Inputs::of(&someone));
        prop_assert_eq!(&expression.evaluate(&Inputs::of(&someone)), &first);
        prop_assert_eq!(expression.evaluate_for_dn(&someone).is_ok(), first.is_ok());
    }

    #[test]
    fn no_person_adds_a_part_to_a_distinguished_name(
        inner in prop_oneof![
            Just("[a]"), Just("Left([a], 2)"), Just("StripSpaces([a])"), Just("Join([b], [a], [b])"),
            Just("Replace([a], \"1\", , , [b], , )"), Just("NormalizeDiacritics([a])"), Just("Append([a], [b])"),
            Just("Coalesce([a], [b])"), Just("Switch([a], [b], \"1\", [a])"), Just("ToUpper(Join(\"\", [a], [b]))"),
            Just("Prepend([a], [b])"), Just("PCase([a])"), Just("PCase([a], [b])"), Just("Trim([a])"), Just("CStr([a])"),
            Just("Word([a], 1, [b])"), Just("Split([a], \" \")"), Just("Item(Split([a], \"1\"), Count(Split([a], \"1\")))"),
            Just("RemoveDuplicates(Split([a], \"1\"))"), Just("Mid([a], 2)"), Just("CRef([a])"), Just("Redact([a])"),
            Just("IgnoreFlowIfNullOrEmpty([a])"), Just("SingleAppRoleAssignment([a])"), Just("AppRoleAssignments([a])"),
            Just("ConvertToBase64([a])"), Just("ConvertFromBase64(ConvertToBase64([a]))"), Just("ConvertToUTF8Hex([a])"),
            Just("DNComponent(Append(\"CN=x\", ConvertToUTF8Hex([a])), 1)"), Just("IIF(IsString([a]), [a], [b])"),
            Just("FormatDateTime(\"2026-01-31\", , \"yyyy-MM-dd\", Join(\"\", \"yyyy\", ConvertToUTF8Hex([b])))"),
            Just("RandomString(40, 1, 20, 1, 1)"),
        ],
        a in any::<String>(), b in "[0-9,=+ \\\\#;\"]{0,5}",
    ) {
        let someone: Attributes = [(Name::new("a"), Value::Text(a)), (Name::new("b"), Value::Text(b))].into_iter().collect();
        let container = parse(&format!("Join(\"\", \"OU=\", {inner}, \",DC=x\")")).unwrap();
        let value = container.evaluate_for_dn(&someone).unwrap();
        let text = value.as_text().unwrap_or_default();
        let part = text.strip_prefix("OU=").and_then(|text| text.strip_suffix(",DC=x"));
        prop_assert!(part.is_some_and(is_one_value), "{}", text);
    }
}
