//! Functions of chance. What they give is derived from installation, person, attribute and place in the expression,
//! so that it looks random, differs between all of these, and is the same each time.

use crate::model::{Diagnostic, Span};

use super::super::EvaluateError;
use super::super::datum::{Datum, Flow, fault};
use super::super::evaluate::Given;
use super::super::node::{Node, Term};
use super::{Beyond, Example, Function, Kind, Sample, anything, optional, required};

/// Longest random text, as Entra has it.
const LENGTH_MAX: i64 = 256;

const NUMBERS: &str = "0123456789";
/// The password policy's ("Password must meet complexity requirements").
const SPECIAL: &str = "~!@#$%^&*_-+=`|\\(){}[]:;\"'<>,.?/";
const CAPITALS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER_CASE: &str = "abcdefghijklmnopqrstuvwxyz";
/// In the order of the minimums.
const ALPHABETS: [&str; 4] = [NUMBERS, SPECIAL, CAPITALS, LOWER_CASE];
/// Where no kind has a minimum, these are taken: what may stand in any name.
const PLAIN_KINDS: [bool; 4] = [true, false, true, true];

const LENGTH: usize = 0;
const FIRST_MINIMUM: usize = 1;
const AVOIDED: usize = 5;

/// Numbers that look random.
struct Dice(blake3::OutputReader);

impl Dice {
    fn new(given: &Given<'_>, function: &str) -> Self {
        let seed = given.inputs.seed;
        let mut hasher = blake3::Hasher::new_keyed(seed.key.bytes());
        for part in [function, seed.anchor, seed.attribute] {
            // With its length, so that no two lists of parts read the same.
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.update(&given.chances_before.to_le_bytes());
        Self(hasher.finalize_xof())
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes);
        bytes
    }

    /// A number below `sides`; those of 64 bits make each as good as equally likely.
    fn below(&mut self, sides: usize) -> usize {
        let number = u64::from_le_bytes(self.bytes()) % (sides.max(1) as u64);
        usize::try_from(number).unwrap_or_default()
    }
}

pub(super) static GUID: Function = Function {
    name: "Guid",
    beyond: Beyond::Chance,
    parameters: &[],
    description: "A GUID (UUID of version 4). It differs for each person, attribute and call, and stays the same when it \
                  is asked for again.",
    examples: &[Example {
        expression: "Guid()",
        person: &[],
        gives: Sample::Text("8ba87e97-4bea-4085-b525-61c74ad8d652"),
    }],
    check: anything,
    evaluate: guid,
};

fn guid<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let bytes = Dice::new(given, GUID.name).bytes();
    let guid = uuid::Builder::from_random_bytes(bytes).into_uuid().to_string();
    Ok(Flow::constant(Datum::Text(guid.into())))
}

pub(super) static RANDOM_STRING: Function = Function {
    name: "RandomString",
    beyond: Beyond::Chance,
    parameters: &[
        required("Length", Kind::Integer),
        required("MinimumNumbers", Kind::Integer),
        required("MinimumSpecialCharacters", Kind::Integer),
        required("MinimumCapital", Kind::Integer),
        required("MinimumLowerCase", Kind::Integer),
        optional("CharactersToAvoid", Kind::Text),
    ],
    description: "A random text of that length (1 to 256), with at least so many characters of each kind. What the \
                  minimums leave open is of the kinds that have one; where none has, of numbers and letters. It differs \
                  for each person, attribute and call, and stays the same when it is asked for again.",
    examples: &[
        Example { expression: "RandomString(6,3,0,0,3)", person: &[], gives: Sample::Text("1zr32y") },
        Example { expression: r#"RandomString(10,2,2,2,1,"?,")"#, person: &[], gives: Sample::Text("21Zut$R.2;") },
        Example {
            expression: r#"Join("", "anna", RandomString(3, 3, 0, 0, 0, ))"#,
            person: &[],
            gives: Sample::Text("anna231"),
        },
        Example {
            expression: r#"RandomString(4, 1, 0, 0, 0, "0123456789")"#,
            person: &[],
            gives: Sample::Refused("all characters of a kind that must be there are to be avoided"),
        },
    ],
    check: check_random_string,
    evaluate: random_string,
};

/// Whether numbers that are written out can be kept to; the span is the first that cannot.
fn check_random_string(arguments: &[Node], span: &Span) -> Result<(), Diagnostic> {
    let mut numbers = Vec::new();
    for (at, argument) in arguments.iter().enumerate().take(AVOIDED) {
        let Term::Integer { value, .. } = argument.term else { continue };
        let least = i64::from(at == LENGTH);
        if !(least..=LENGTH_MAX).contains(&value) {
            let message =
                format!("`{}` of `RandomString` is {least} to {LENGTH_MAX}", RANDOM_STRING.parameters[at].name);
            return Err(Diagnostic::new(message, argument.span.clone(), "out of range"));
        }
        numbers.push(value);
    }
    let minimums: i64 = numbers.iter().skip(FIRST_MINIMUM).sum();
    match numbers.first() {
        Some(length) if numbers.len() == AVOIDED && minimums > *length => {
            let message = format!("the minimums of `RandomString` add up to {minimums}, and its length is {length}");
            Err(Diagnostic::new(message, span.clone(), "too short for them")
                .with_hint(format!("make it at least {minimums} characters long")))
        }
        _ => Ok(()),
    }
}

fn random_string<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let length = number(given, LENGTH)?;
    let mut minimums = [0; ALPHABETS.len()];
    for (kind, minimum) in minimums.iter_mut().enumerate() {
        *minimum = number(given, FIRST_MINIMUM + kind)?;
    }
    if length == 0 || minimums.iter().sum::<usize>() > length {
        return Err(fault("the length is too short for the minimums", given.span_of(LENGTH)));
    }
    let avoided = given.text(AVOIDED)?.map(|words| words.text).unwrap_or_default();
    let alphabets = ALPHABETS.map(|alphabet| alphabet.chars().filter(|c| !avoided.contains(*c)).collect::<Vec<_>>());
    let has_minimum = minimums.map(|minimum| minimum > 0);
    let open = if has_minimum.contains(&true) { has_minimum } else { PLAIN_KINDS };
    let of_open: Vec<char> =
        alphabets.iter().zip(open).filter(|(_, is_open)| *is_open).flat_map(|(letters, _)| letters.clone()).collect();
    let one_is_missing = alphabets.iter().zip(has_minimum).any(|(letters, must)| must && letters.is_empty());
    if one_is_missing || of_open.is_empty() {
        let message = "all characters of a kind that must be there are to be avoided";
        return Err(fault(message, given.span_of(AVOIDED)));
    }
    let mut dice = Dice::new(given, RANDOM_STRING.name);
    let mut text: Vec<char> = Vec::with_capacity(length);
    for (letters, minimum) in alphabets.iter().zip(minimums) {
        text.extend((0..minimum).map(|_| letters[dice.below(letters.len())]));
    }
    text.extend((text.len()..length).map(|_| of_open[dice.below(of_open.len())]));
    for last in (1..text.len()).rev() {
        text.swap(last, dice.below(last + 1));
    }
    // Special characters may be such as a distinguished name must escape, so it counts as somebody's data.
    Ok(Flow { datum: Datum::Text(text.into_iter().collect::<String>().into()), from_person: true })
}

fn number(given: &Given<'_>, at: usize) -> Result<usize, EvaluateError> {
    let number = given.integer(at)?;
    let number = (0..=LENGTH_MAX).contains(&number).then(|| usize::try_from(number).ok()).flatten();
    number.ok_or_else(|| fault(&format!("the number is not between 0 and {LENGTH_MAX}"), given.span_of(at)))
}
