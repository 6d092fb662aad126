//! Whether a call can be right: the function exists, and is given as many arguments, of such kinds, as it takes.

use crate::model::{Diagnostic, Span};

use super::functions::{Beyond, Function, Kind, find, functions};
use super::node::{Node, Term};
use crate::dotnet::date;
use crate::dotnet::interval::Interval;

/// How alike two names must be (Jaro-Winkler, 0 to 1) for one to be offered in place of the other.
const ALIKE_MIN: f64 = 0.8;

/// What functions of spreadsheets and of other languages are called here, where the likest name would mislead.
const ELSEWHERE: [(&str, &str); 12] = [
    ("CONCAT", "Join"),
    ("CONCATENATE", "Join"),
    ("TextJoin", "Join"),
    ("IF", "IIF"),
    ("And", "IIF"),
    ("Or", "IIF"),
    ("Proper", "PCase"),
    ("Substitute", "Replace"),
    ("Substring", "Mid"),
    ("Today", "Now"),
    ("IsBlank", "IsNullOrEmpty"),
    ("Text", "FormatDateTime"),
];

/// The function of that name.
pub(super) fn function(name: &str, span: &Span) -> Result<&'static Function, Diagnostic> {
    find(name).ok_or_else(|| unknown(name, span))
}

fn unknown(name: &str, span: &Span) -> Diagnostic {
    let wrong = Diagnostic::new(format!("there is no function `{name}`"), span.clone(), "no such function");
    let in_other_case = functions().iter().find(|function| function.name.eq_ignore_ascii_case(name));
    if let Some(function) = in_other_case {
        return wrong.with_hint(format!("upper and lower case matter: write `{}`", function.name));
    }
    if let Some((_, ours)) = ELSEWHERE.iter().find(|(theirs, _)| theirs.eq_ignore_ascii_case(name)) {
        return wrong.with_hint(format!("here it is `{ours}`"));
    }
    let written = name.to_ascii_lowercase();
    let alike = |function: &&&Function| strsim::jaro_winkler(&function.name.to_ascii_lowercase(), &written);
    match functions().iter().max_by(|left, right| alike(left).total_cmp(&alike(right))) {
        Some(best) if alike(&best) >= ALIKE_MIN => wrong.with_hint(format!("did you mean `{}`?", best.name)),
        _ => wrong.with_hint("`muster functions` lists all there are"),
    }
}

/// Puts an empty slot where an argument may be left out, comma and all.
pub(super) fn complete(function: &Function, arguments: &mut Vec<Node>) {
    if let Some(at) = function.omitted(arguments.len()) {
        let begin = arguments[at].span.start;
        arguments.insert(at, Node { term: Term::Empty, span: begin..begin });
    }
}

/// Whether everything in an expression may stand where it does.
pub(super) fn whole(root: &Node) -> Result<(), Diagnostic> {
    match root.calls().find(|(call, span)| call.function.beyond == Beyond::Others && **span != root.span) {
        None => Ok(()),
        Some((call, span)) => {
            let message = format!("`{}` must be the whole expression", call.function.name);
            Err(Diagnostic::new(message, span.clone(), "inside another function")
                .with_hint("put the other functions around its candidates, one by one"))
        }
    }
}

/// Whether a call has the arguments its function takes.
pub(super) fn call(function: &Function, arguments: &[Node], span: &Span) -> Result<(), Diagnostic> {
    count(function, arguments, span)?;
    for (at, node) in arguments.iter().enumerate() {
        let parameter = function.parameter(at);
        let may_be_empty = parameter.need.is_optional() || function.may_trail_empty(at, arguments.len());
        if node.term == Term::Empty && !may_be_empty {
            let message = format!("`{}` needs its `{}`", function.name, parameter.name);
            return Err(Diagnostic::new(message, node.span.clone(), "nothing here").with_hint(usage(function)));
        }
        kind_of(node, parameter.kind, &format!("`{}` of `{}`", parameter.name, function.name))?;
    }
    (function.check)(arguments, span)
}

fn count(function: &Function, arguments: &[Node], span: &Span) -> Result<(), Diagnostic> {
    let given = arguments.len();
    if given < function.fewest() {
        let message = format!("`{}` takes {}, and {} given", function.name, takes(function), are(given));
        return Err(Diagnostic::new(message, span.clone(), "too few arguments").with_hint(usage(function)));
    }
    match function.most() {
        Some(most) if given > most => {
            let message = format!("`{}` takes {}, and {} given", function.name, takes(function), are(given));
            let extra = arguments[most].span.start..arguments[given - 1].span.end;
            Err(Diagnostic::new(message, extra, "too many arguments").with_hint(usage(function)))
        }
        _ if !function.is_whole(given) => {
            let parameter = function.parameter(given);
            let message = format!("the last `{}` has no `{}`", function.parameter(given - 1).name, parameter.name);
            Err(Diagnostic::new(message, arguments[given - 1].span.clone(), "stands alone").with_hint(usage(function)))
        }
        _ => Ok(()),
    }
}

fn usage(function: &Function) -> String {
    format!("it is written `{}`", function.signature())
}

fn takes(function: &Function) -> String {
    let fewest = function.fewest();
    match function.most() {
        Some(most) if most == fewest => plural(fewest),
        Some(most) if most == fewest + 1 => format!("{fewest} or {}", plural(most)),
        Some(most) => format!("{fewest} to {}", plural(most)),
        None => format!("at least {}", plural(fewest)),
    }
}

fn plural(count: usize) -> String {
    match count {
        0 => "no arguments".to_owned(),
        1 => "1 argument".to_owned(),
        more => format!("{more} arguments"),
    }
}

fn are(count: usize) -> String {
    match count {
        0 => "none is".to_owned(),
        1 => "1 is".to_owned(),
        more => format!("{more} are"),
    }
}

/// Whether what is written can be of that kind. What attributes hold is seen only when they are read.
pub(super) fn kind_of(node: &Node, kind: Kind, place: &str) -> Result<(), Diagnostic> {
    let (what, hint) = match (&node.term, kind) {
        (Term::Empty | Term::Attribute(_) | Term::Call(_), _) => return Ok(()),
        (Term::Comparison(_), Kind::Condition) | (Term::Boolean(_), Kind::Condition | Kind::Any) => return Ok(()),
        (Term::Text(_), Kind::Text | Kind::Any) | (Term::Word(_), _) => return Ok(()),
        (Term::Integer { .. }, Kind::Integer | Kind::Any | Kind::Condition) => return Ok(()),
        // Entra's own examples have numbers in quotes.
        (Term::Text(text), Kind::Integer) if text.trim().parse::<i64>().is_ok() => return Ok(()),
        (Term::Text(text), Kind::Moment) if date::read(text).is_ok() => return Ok(()),
        (Term::Text(text), Kind::Interval) if Interval::parse(text).is_some() => return Ok(()),
        (Term::Text(text), Kind::Condition) if is_truth(text) => return Ok(()),
        (Term::Text(_), Kind::Moment) => (
            "not a date",
            "write it as `\"2026-01-31\"` or `\"1/31/2026 8:00:00 AM\"`; other forms are read by `FormatDateTime`"
                .to_owned(),
        ),
        (Term::Text(_), Kind::Interval) => ("no interval", "write `\"d\"` for days".to_owned()),
        (Term::Comparison(_), _) => (
            "a comparison",
            "compare in the condition of an `IIF`, as in `IIF([country] = \"DE\", \"yes\", \"no\")`".to_owned(),
        ),
        (Term::Text(_), _) => ("a text", example_of(kind)),
        (Term::Integer { .. } | Term::Boolean(_), Kind::Text) => ("not a text", format!("write `\"{node}\"`")),
        (Term::Integer { .. }, _) => ("a number", example_of(kind)),
        (Term::Boolean(_), _) => ("true or false", example_of(kind)),
    };
    let message = format!("{place} must be {}", kind.describe());
    Err(Diagnostic::new(message, node.span.clone(), format!("this is {what}")).with_hint(hint))
}

/// Whether a text is a truth value written out, as people put into conditions.
fn is_truth(text: &str) -> bool {
    text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")
}

fn example_of(kind: Kind) -> String {
    let example = match kind {
        Kind::Any | Kind::Text => "[userName]",
        Kind::Integer => "3",
        Kind::Condition => "[country] = \"DE\"",
        Kind::Moment => "CDate([hireDate])",
        Kind::Interval => "\"d\"",
        Kind::Word(words) => words[0],
    };
    format!("for example `{example}`")
}
