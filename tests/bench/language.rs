//! The language of the rules, on one core: expressions, and the conditions of the sample's rules.

use std::hint::black_box;
use std::time::Instant;

use muster::expr::{Expression, Inputs};
use muster::model::{Attributes, Name, Value};
use muster::scim::parse_path;

use crate::figure::{Figure, grouped};
use crate::{people, sample};

const EVALUATIONS: u64 = 2_000_000;
const CONDITIONS: u64 = 5_000_000;
/// Different people; each is asked many times.
const DIFFERENT: u64 = 1_000;
const KEYS: usize = 20;

pub(crate) fn figures(size: u32) -> Vec<Figure> {
    let people = people();
    vec![join(&people, size), switch(&people, size), conditions(size)]
}

fn join(people: &[Attributes], size: u32) -> Figure {
    let text = r#"Join("", ToLower([name.givenName]), ".", ToLower([name.familyName]), "@contoso.com")"#;
    let bare = |person: &Attributes| {
        let given = text_at(person, "givenName").to_lowercase();
        let family = text_at(person, "familyName").to_lowercase();
        Value::Text(format!("{given}.{family}@contoso.com"))
    };
    evaluations("Join of two names in lower case", text, people, size, 1_000_000.0, bare)
}

fn switch(people: &[Attributes], size: u32) -> Figure {
    let keys: Vec<String> = (0..KEYS).map(|key| format!("\"Department {key}\", \"D{key}\"")).collect();
    let text = format!("Switch([department], \"none\", {})", keys.join(", "));
    let bare = |person: &Attributes| {
        let department = person.get("department").and_then(Value::as_text).unwrap_or_default();
        match department.strip_prefix("Department ") {
            Some(key) => Value::Text(format!("D{key}")),
            None => Value::text("none"),
        }
    };
    evaluations("Switch over 20 keys", &text, people, size, 300_000.0, bare)
}

/// An expression, beside the same written in Rust for this one purpose.
fn evaluations(
    what: &'static str,
    text: &str,
    people: &[Attributes],
    size: u32,
    must: f64,
    bare: impl Fn(&Attributes) -> Value,
) -> Figure {
    let expression = Expression::parse(text, &parse_path).unwrap();
    for person in people {
        assert_eq!(expression.evaluate(&Inputs::of(person)).unwrap(), muster::expr::Evaluated::Value(bare(person)));
    }
    let rounds = (EVALUATIONS * u64::from(size) / 100 / DIFFERENT).max(1);
    let ceiling = per_second(rounds, people, |person| drop(black_box(bare(person))));
    let reached = per_second(rounds, people, |person| drop(black_box(expression.evaluate(&Inputs::of(person)))));
    Figure {
        work: what,
        reached: format!("{} evaluations/s", grouped(reached)),
        must: if must >= 1_000_000.0 { "≥ 1 000 000 evaluations/s" } else { "≥ 300 000 evaluations/s" },
        ceiling: format!("{} a second (the same in Rust, for this alone)", grouped(ceiling)),
        holds: reached >= must,
    }
}

fn conditions(size: u32) -> Figure {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.csv");
    people::write_export(&path, DIFFERENT, 1, true).unwrap();
    let job = sample::job();
    let people: Vec<Attributes> =
        sample::records(&path, sample::settings(&job)).into_iter().map(|record| record.attributes).collect();
    let rules = &job.job.ruleset.rules;
    let spoke = people.iter().filter(|person| rules.iter().any(|rule| rule.holds(person))).count();
    assert!(spoke > 0, "some rule must speak for somebody");
    let rounds = (CONDITIONS * u64::from(size) / 100 / (people.len() * rules.len()) as u64).max(1);
    let ask = |person: &Attributes| {
        for rule in rules {
            black_box(rule.holds(person));
        }
    };
    let reached = per_second(rounds, &people, ask) * rules.len() as f64;
    let look = |person: &Attributes| {
        for _ in rules {
            black_box(person.get("userType").and_then(Value::as_text) == Some("Employee"));
        }
    };
    let ceiling = per_second(rounds, &people, look) * rules.len() as f64;
    Figure {
        work: "conditions of the sample job's rules, each as a whole",
        reached: format!("{} conditions/s", grouped(reached)),
        must: "≥ 2 000 000 conditions/s",
        ceiling: format!("{} a second (one attribute looked up and compared)", grouped(ceiling)),
        holds: reached >= 2_000_000.0,
    }
}

fn per_second(rounds: u64, people: &[Attributes], mut each: impl FnMut(&Attributes)) -> f64 {
    let began = Instant::now();
    for _ in 0..rounds {
        people.iter().for_each(&mut each);
    }
    (rounds * people.len() as u64) as f64 / began.elapsed().as_secs_f64()
}

fn people() -> Vec<Attributes> {
    (0..DIFFERENT)
        .map(|at| {
            let names = [("givenName", format!("Anna{at}")), ("familyName", format!("Lindström{at}"))];
            let name: Attributes = names.into_iter().map(|(part, text)| (Name::new(part), Value::Text(text))).collect();
            let department = format!("Department {}", at as usize % KEYS);
            [("name", Value::Complex(name)), ("department", Value::Text(department))]
                .into_iter()
                .map(|(name, value)| (Name::new(name), value))
                .collect()
        })
        .collect()
}

fn text_at<'a>(person: &'a Attributes, part: &str) -> &'a str {
    match person.get("name") {
        Some(Value::Complex(name)) => name.get(part).and_then(Value::as_text).unwrap_or_default(),
        _ => "",
    }
}
