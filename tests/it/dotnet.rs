//! What .NET says of dates, letters and regular expressions, muster says too, but for the differences that are listed.
//!
//! `tests/oracle` asks .NET and keeps its answers in `tests/cases/dotnet`, a question and its answer a line.

mod differences;

use std::fs;

use muster::dotnet::regex;
use muster::expr::{Evaluated, Expression, Inputs};
use muster::model::{Attributes, Path, Value};
use serde_json::Value as Json;

use differences::DIFFERENCES;

/// What stands for an exception of .NET's; an error of ours begins with it, and may say why.
const FAILS: &str = "fails";
/// How .NET's moments are written in the answers.
const EXACT: &str = "yyyy-MM-ddTHH:mm:ss.fffffff";

/// Where an answer is another than .NET's on purpose.
struct Difference {
    file: &'static str,
    why: &'static str,
    /// Whether the question, with our answer to it, is such a case.
    applies: fn(&Json, &str) -> bool,
}

/// Puts every question of a file to muster, and shows all answers that are neither .NET's nor different on purpose.
fn check(file: &str, answers: impl Fn(&Json) -> (String, String)) {
    let path = format!("{}/tests/cases/dotnet/{file}.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).unwrap();
    let differences: Vec<&Difference> = DIFFERENCES.iter().filter(|difference| difference.file == file).collect();
    let mut is_needed = vec![false; differences.len()];
    let mut wrong = Vec::new();
    for line in text.lines() {
        let question: Json = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        let (theirs, ours) = answers(&question);
        if theirs == ours || theirs == FAILS && ours.starts_with(FAILS) {
            continue;
        }
        match differences.iter().position(|difference| (difference.applies)(&question, &ours)) {
            Some(at) => is_needed[at] = true,
            None => wrong.push(format!("{line}\n    .NET:   {theirs}\n    muster: {ours}")),
        }
    }
    assert!(wrong.is_empty(), "{file}: {} answers differ\n{}", wrong.len(), wrong.join("\n"));
    for (difference, is_needed) in differences.iter().zip(is_needed) {
        assert!(is_needed, "{file}: nothing differs any more because {}", difference.why);
    }
}

fn text<'q>(question: &'q Json, name: &str) -> &'q str {
    question[name].as_str().unwrap_or_default()
}

/// The answer that .NET gave under that name, as a text.
fn theirs(question: &Json, name: &str) -> String {
    match &question[name] {
        Json::Null => FAILS.to_owned(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The moment that .NET read, with its zone as `K` writes it.
///
/// What the text leaves out .NET takes from the day it is; muster, which knows no day, takes the first there is.
fn their_moment(question: &Json) -> String {
    let part = |name: &str| question[name].as_str();
    let moment = match (part("utc"), part("this_year"), part("today")) {
        (Some(whole), _, _) => whole.to_owned(),
        (_, Some(without_year), _) => format!("0001{without_year}"),
        (_, _, Some(time)) => format!("0001-01-01{time}"),
        (None, None, None) => return FAILS.to_owned(),
    };
    let zone = match text(question, "kind") {
        "Utc" => "Z",
        "Local" => "+00:00",
        _ => "",
    };
    moment + zone
}

/// What an expression comes to over attributes of those names, as a text.
fn evaluated(expression: &str, said: &[(&str, &str)]) -> String {
    let mut person = Attributes::new();
    for (name, value) in said {
        Path::simple(name).set(&mut person, Value::Text((*value).to_owned()));
    }
    let expression = match Expression::parse(expression, &|path| Ok(Path::simple(path))) {
        Ok(expression) => expression,
        Err(refused) => return format!("{FAILS}: {}", refused.message),
    };
    match expression.evaluate(&Inputs::of(&person)) {
        Ok(Evaluated::Value(Value::Text(text))) => text,
        Ok(Evaluated::Value(Value::Null)) => String::new(),
        Ok(Evaluated::Value(Value::Integer(integer))) => integer.to_string(),
        Ok(other) => format!("{other:?}"),
        Err(error) => format!("{FAILS}: {error}"),
    }
}

/// A text as it is written in an expression.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[test]
fn dates_are_written_as_dotnet_writes_them() {
    check("date_format", |question| {
        // Read in a format of the same kind, so that the zone is known or not.
        let source = text(question, "moment");
        let format = quoted(text(question, "format"));
        let expression = format!("FormatDateTime([source], , \"{EXACT}K\", {format})");
        (theirs(question, "text"), evaluated(&expression, &[("source", source)]))
    });
}

#[test]
fn dates_are_read_as_dotnet_reads_them_by_a_format() {
    check("date_parse", |question| {
        let said = ["text", "format", "styles"].map(|name| (name, text(question, name)));
        let ours = evaluated(&format!("FormatDateTime([text], [styles], [format], \"{EXACT}K\")"), &said);
        (their_moment(question), ours)
    });
}

#[test]
fn dates_are_read_as_dotnet_reads_them_without_a_format() {
    check("date_lenient", |question| {
        let expression = format!("FormatDateTime(CDate([text]), , \"o\", \"{EXACT}K\")");
        (their_moment(question), evaluated(&expression, &[("text", text(question, "text"))]))
    });
}

#[test]
fn dates_are_as_far_apart_as_visual_basic_counts() {
    check("date_diff", |question| {
        let said = ["interval", "from", "to"].map(|name| (name, text(question, name)));
        (theirs(question, "difference"), evaluated("DateDiff([interval], [from], [to])", &said))
    });
}

#[test]
fn dates_are_moved_as_visual_basic_moves_them() {
    check("date_add", |question| {
        let said = ["interval", "moment"].map(|name| (name, text(question, name)));
        let sum = format!("DateAdd([interval], {}, [moment])", question["number"]);
        let ours = evaluated(&format!("FormatDateTime({sum}, , \"o\", \"{EXACT}\")"), &said);
        (theirs(question, "sum"), ours)
    });
}

#[test]
fn filetimes_are_counted_as_windows_counts() {
    check("round", |question| match question.get("moment") {
        Some(moment) => {
            let said = [("moment", moment.as_str().unwrap())];
            (theirs(question, "filetime"), evaluated("NumFromDate([moment])", &said))
        }
        None => {
            let date = format!("DateFromNum({})", question["filetime"]);
            let ours = evaluated(&format!("FormatDateTime({date}, , \"o\", \"{EXACT}\")"), &[]);
            (theirs(question, "utc"), ours)
        }
    });
}

#[test]
fn words_begin_where_dotnet_begins_them() {
    check("title_case", |question| {
        let ours = evaluated("PCase([text])", &[("text", text(question, "text"))]);
        (theirs(question, "title"), ours)
    });
}

#[test]
fn upper_and_lower_case_are_those_of_dotnet() {
    check("case", |question| {
        let said = [("text", text(question, "text"))];
        let culture = text(question, "culture");
        let both = ["ToLower", "ToUpper"].map(|function| match culture {
            "" => evaluated(&format!("{function}([text])"), &said),
            culture => evaluated(&format!("{function}([text], \"{culture}\")"), &said),
        });
        (format!("{} {}", text(question, "lower"), text(question, "upper")), both.join(" "))
    });
}

#[test]
fn regular_expressions_find_what_dotnet_finds() {
    check("regex_match", |question| {
        let theirs = match question.get("match") {
            None => FAILS.to_owned(),
            Some(Json::Null) => "nothing".to_owned(),
            Some(found) => {
                let groups = question["groups"].as_object().into_iter().flatten();
                let groups: String = groups.map(|(name, value)| format!(" {name}={value}")).collect();
                format!("{found} at {}{groups}", question["index"])
            }
        };
        (theirs, found(question))
    });
}

/// What muster finds, told as .NET's answer is; its groups are asked for by the names .NET gives them.
fn found(question: &Json) -> String {
    let searched = text(question, "text");
    let pattern = match regex::Pattern::parse(text(question, "pattern")) {
        Ok(pattern) => pattern,
        Err(refused) => return format!("{FAILS}: {}", refused.message),
    };
    let found = match pattern.first(searched) {
        Ok(Some(found)) => found,
        Ok(None) => return "nothing".to_owned(),
        Err(error) => return format!("{FAILS}: {error}"),
    };
    let mut told = format!(
        "{} at {}",
        Json::from(&searched[found.whole()]),
        searched[..found.whole().start].encode_utf16().count()
    );
    for (name, _) in question["groups"].as_object().into_iter().flatten() {
        let value = pattern.group(name).map(|group| match found.group(group) {
            Some(span) => Json::from(&searched[span]),
            None => Json::Null,
        });
        told += &format!(" {name}={}", value.unwrap_or_else(|| "no such group".into()));
    }
    told
}

#[test]
fn replacements_are_filled_in_as_dotnet_fills_them() {
    check("regex_replace", |question| {
        let said = ["text", "replacement"].map(|name| (name, text(question, name)));
        let pattern = quoted(text(question, "pattern"));
        let ours = evaluated(&format!("Replace([text], , {pattern}, , [replacement], , )"), &said);
        (theirs(question, "replaced"), ours)
    });
}
