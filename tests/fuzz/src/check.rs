//! What is true of every text, whoever wrote it. The fuzzer looks for one of which it is not; `tests/it/corpus.rs`
//! asks of all that were ever found.

use super::dotnet::date::{self, Styles};
use super::dotnet::interval::{INTERVALS, from_filetime, to_filetime};
use super::dotnet::regex::{Pattern, Template};
use super::expr::{Expression, Inputs, Tree};
use super::model::{Attributes, Diagnostic};
use super::scim::loose::{loose_attributes, loose_path};
use super::scim::{Filter, Kind, parse_path};
use super::scope::{Scope, ScopingFilter};

/// The first byte says what the rest is; behind the first line break may stand the person, in JSON.
pub(crate) fn check(input: &[u8]) {
    let Some((kind, rest)) = input.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let (text, behind) = text.split_once('\n').unwrap_or((text, ""));
    let person = match serde_json::from_str(behind) {
        Ok(serde_json::Value::Object(person)) => loose_attributes(&person),
        _ => Attributes::new(),
    };
    match kind {
        b'd' => date(text, behind),
        b'e' => expression(text, &person),
        b'f' => filter(text, &person),
        b'g' => scope(text, &person),
        b'p' => path(text),
        b'r' => pattern(text, behind),
        b't' => tree(text),
        _ => {}
    }
}

fn expression(text: &str, person: &Attributes) {
    let parse = |text: &str| Expression::parse(text, &|name| loose_path(name, person));
    let expression = match parse(text) {
        Ok(expression) => expression,
        Err(wrong) => return is_inside(&wrong, text),
    };
    let printed = expression.to_string();
    let again = parse(&printed).expect("what is printed can be read");
    assert_eq!(again, expression, "what is printed reads as what it was: {printed}");
    assert_eq!(again.to_string(), printed);
    let evaluated = expression.evaluate(&Inputs::of(person));
    assert_eq!(expression.evaluate(&Inputs::of(person)), evaluated, "the same inputs give the same value");
    assert_eq!(again.evaluate(&Inputs::of(person)).ok(), evaluated.ok());
    let _ = expression.evaluate_for_dn(person);
    let from_tree = Expression::from_tree(&expression.tree(), &|name| loose_path(name, person));
    assert_eq!(from_tree.expect("a tree can be read"), expression);
}

fn filter(text: &str, person: &Attributes) {
    match Filter::parse(text) {
        Ok(filter) => {
            let printed = filter.to_string();
            let again = Filter::parse(&printed).expect("what is printed can be read");
            assert_eq!(again, filter, "what is printed reads as what it was: {printed}");
            assert_eq!(again.holds(person), filter.holds(person));
        }
        Err(wrong) => is_inside(&wrong, text),
    }
}

fn scope(text: &str, person: &Attributes) {
    let read_path = |text: &str| parse_path(text).map(|path| (path, Kind::CUSTOM));
    match ScopingFilter::parse_graph(text, &read_path) {
        Ok(filter) => {
            let printed = serde_json::to_string(&filter.to_graph()).expect("is JSON");
            assert_eq!(ScopingFilter::parse_graph(&printed, &read_path).expect("what is printed can be read"), filter);
            let predicate = filter.predicate();
            assert_eq!(filter.holds(person), predicate.is_none_or(|predicate| predicate.holds(person)));
            let scope = Scope::of_groups(filter.clone());
            assert_eq!(scope.refuses(person).is_none(), filter.holds(person));
        }
        Err(faults) => faults.iter().for_each(|wrong| is_inside(wrong, text)),
    }
}

/// A regular expression, and the text it is sought in; which is its replacement too.
fn pattern(text: &str, sought: &str) {
    let pattern = match Pattern::parse(text) {
        Ok(pattern) => pattern,
        Err(wrong) => return is_inside(&wrong, text),
    };
    let template = Template::read(sought, &pattern);
    let Ok(all) = pattern.all(sought) else { return };
    assert_eq!(pattern.is_match(sought), Ok(!all.is_empty()));
    let mut end = 0;
    for found in &all {
        assert!(found.whole().start >= end, "matches do not overlap");
        end = found.whole().end;
        template.pieces(sought, found).for_each(drop);
    }
    assert_eq!(pattern.first(sought), Ok(all.into_iter().next()));
}

/// A format of dates, and a text that may be one.
fn date(format: &str, text: &str) {
    if let Ok(pattern) = date::Pattern::parse(format)
        && let Ok(moment) = pattern.read(text, Styles::default())
    {
        let written = pattern.write(moment);
        // A format may say half a date, or a year in two digits; but what it writes it can read again.
        let _ = pattern.read(&written, Styles::default());
    }
    let Ok(at) = date::read(text) else { return };
    assert_eq!(date::read(&date::text(at)).map(date::text), Ok(date::text(at)));
    for (_, interval) in INTERVALS {
        for count in [i64::MIN, -1, 1, i64::MAX, i64::from(at.day()), i64::from(at.year()) * 1_000_003] {
            if let Some(other) = interval.add(count, at) {
                assert_eq!(interval.between(other, at), -interval.between(at, other), "{at} {other}");
            }
        }
    }
    if let Some(ticks) = to_filetime(at) {
        assert_eq!(from_filetime(ticks).and_then(to_filetime), Some(ticks));
    }
}

fn path(text: &str) {
    match parse_path(text) {
        Ok(path) => assert_eq!(parse_path(&path.to_string()).expect("what is printed can be read"), path),
        Err(wrong) => is_inside(&wrong, text),
    }
}

fn tree(text: &str) {
    let Ok(tree) = serde_json::from_str::<Tree>(text) else { return };
    if let Ok(expression) = Expression::from_tree(&tree, &parse_path) {
        let again = Expression::from_tree(&expression.tree(), &parse_path);
        assert_eq!(again.expect("a tree can be read"), expression);
    }
}

/// A mistake is underlined inside the text, between two characters.
fn is_inside(wrong: &Diagnostic, text: &str) {
    assert!(wrong.span.start <= wrong.span.end && wrong.span.end <= text.len(), "{wrong:?}");
    assert!(text.is_char_boundary(wrong.span.start) && text.is_char_boundary(wrong.span.end), "{wrong:?}");
}
