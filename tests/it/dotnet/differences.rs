//! Where muster answers otherwise than .NET on purpose, and why.

use serde_json::Value as Json;

use super::{Difference, FAILS, text};

pub(super) const DIFFERENCES: &[Difference] = &[
    Difference {
        file: "date_format",
        why: "an empty format is a mistake; .NET takes it for `G`",
        applies: |question, _| text(question, "format").is_empty(),
    },
    Difference {
        file: "date_parse",
        why: "a zone that takes the first day of the calendar before it is an error; .NET stays on that day",
        applies: |question, ours| text(question, "utc").starts_with("0001-01-01T23") || is_first_day(question, ours),
    },
    Difference {
        file: "date_parse",
        why: "what is read as `U` is not said to be UTC, which only `K` would show",
        applies: |question, _| text(question, "format") == "U",
    },
    Difference {
        file: "date_parse",
        why: "`%d` is the day alone wherever it stands; .NET reads `%dd` as `dd`, but writes it as two days",
        applies: |question, _| text(question, "format") == "%dd",
    },
    Difference {
        file: "date_parse",
        why: "after a fraction that may be missing, .NET does not find a quoted F",
        applies: |question, _| text(question, "format") == "ss.F'F'",
    },
    Difference {
        file: "date_lenient",
        why: "what has no year has no date; .NET takes today's",
        applies: |question, ours| ours.starts_with(FAILS) && (has(question, "today") || has(question, "this_year")),
    },
    Difference {
        file: "date_lenient",
        why: "`15 June` has no year either; .NET takes the day for one",
        applies: |question, ours| ours.starts_with(FAILS) && text(question, "text") == "15 June",
    },
    Difference {
        file: "date_lenient",
        why: "nobody can tell whether a date with points, spaces or commas begins with the month; .NET says it does",
        applies: |question, ours| {
            ours.starts_with(FAILS)
                && text(question, "text").split(['.', ',', ' ']).all(|part| part.parse::<u32>().is_ok())
        },
    },
    Difference {
        file: "date_lenient",
        why: "ISO 8601 is read in its basic form too, with `UTC` or `GMT` behind it, and with a `T` behind any date",
        applies: |question, ours| {
            let text = text(question, "text");
            let is_named_zone = text.ends_with("UTC") || text.ends_with("GMT");
            let is_basic = text.len() >= 8 && text[..8].bytes().all(|byte| byte.is_ascii_digit());
            !ours.starts_with(FAILS) && (is_named_zone || is_basic || text == "6/15/2009T8:45")
        },
    },
    Difference {
        file: "date_lenient",
        why: "digits of a second that a moment cannot hold are cut off, never rounded up into the next",
        applies: |question, _| text(question, "text").contains(".12345678"),
    },
    Difference {
        file: "date_lenient",
        why: "what nobody means as a date is none: mixed signs, years of three digits, signs between and behind",
        applies: |question, ours| {
            let odd =
                ["2012 - 03 - 16", "6/15/009", "6/15-2009", "2012\u{a0}03\u{a0}16", "2012年3月16日", "#2012-03-16#"];
            ours.starts_with(FAILS) && (odd.contains(&text(question, "text")) || text(question, "text").ends_with('\0'))
        },
    },
    Difference {
        file: "date_lenient",
        why: "a zone that takes the first day of the calendar before it is an error; .NET stays on that day",
        applies: |question, ours| is_first_day(question, ours),
    },
    Difference {
        file: "date_parse",
        why: "an empty text is no value, and gives none",
        applies: |question, ours| text(question, "text").is_empty() && ours.is_empty(),
    },
    Difference {
        file: "date_lenient",
        why: "an empty text is no value, and gives none",
        applies: |question, ours| text(question, "text").is_empty() && ours.is_empty(),
    },
    Difference {
        file: "round",
        why: "what Active Directory keeps for `never` is no date",
        applies: |question, ours| ours.is_empty() && [0, i64::MAX].map(Some).contains(&question["filetime"].as_i64()),
    },
    Difference {
        file: "date_diff",
        why: "weeks are counted at the ends of the calendar too",
        applies: |question, _| text(question, "interval") == "ww" && has(question, "fails"),
    },
    Difference {
        file: "date_add",
        why: "years beyond the calendar are an error; Visual Basic's number runs over and begins anew",
        applies: |question, ours| ours.starts_with(FAILS) && text(question, "interval") == "yyyy",
    },
    Difference {
        file: "date_add",
        why: "numbers may be greater than Visual Basic's",
        applies: |question, _| has(question, "fails") && question["number"].as_i64() > Some(i32::MAX.into()),
    },
    Difference {
        file: "regex_match",
        why: "balancing groups, conditionals, `\\G`, numbers for groups and a name given twice are refused by name",
        applies: |_, ours| {
            let unsupported =
                ["balancing groups", "conditionals", "`\\G`", "a group with a number", "two groups", "this old way"];
            unsupported.iter().any(|what| ours.contains(what))
        },
    },
    Difference {
        file: "regex_match",
        why: "`[[:alpha:]]` means nothing to .NET, which nobody who writes it knows",
        applies: |_, ours| ours.contains("is not known to .NET"),
    },
    Difference {
        file: "regex_match",
        why: "the engine below repeats nothing that takes no room, bounds its numbers and its lookbehinds",
        applies: |_, ours| {
            ["takes no room", "repeats are not counted", "too large"].iter().any(|what| ours.contains(what))
        },
    },
    Difference {
        file: "regex_match",
        why: "a character is one, also beyond U+FFFF; for .NET it is two halves",
        applies: |question, ours| {
            let is_beyond = |name: &str| text(question, name).chars().any(|c| u32::from(c) > 0xFFFF);
            is_beyond("text") || ours.contains("surrogate")
        },
    },
    Difference {
        file: "regex_match",
        why: "without regard to case, Unicode's folding decides: `ς` is `σ`; for .NET `ToUpper` and `ToLower` decide",
        applies: |question, _| text(question, "pattern").starts_with("(?i)^"),
    },
    Difference {
        file: "regex_match",
        why: "`\\b` stands beside every mark and letter number; .NET leaves some out",
        applies: |question, ours| text(question, "pattern") == "\\b" && ours == "\"\" at 0",
    },
    Difference {
        file: "regex_match",
        why: "a group that is repeated keeps what it found last; .NET goes round once more to find nothing",
        applies: |question, _| ["(a*)*", "(a*)+", "(|a)*b", "(a|)+b"].contains(&text(question, "pattern")),
    },
    Difference {
        file: "regex_match",
        why: "a group that refers to itself finds what it has found in this round, which is nothing",
        applies: |question, _| text(question, "pattern") == "(\\1a|b)+",
    },
    Difference {
        file: "regex_match",
        why: "`\\<` before a name that no group has stands for itself",
        applies: |question, _| text(question, "pattern") == "\\<a>",
    },
    Difference {
        file: "regex_replace",
        why: "a group with a number of its own is refused by name",
        applies: |_, ours| ours.contains("a group with a number"),
    },
    Difference {
        file: "regex_replace",
        why: "the number of no group stands for itself, however great",
        applies: |question, _| text(question, "replacement") == "$99999999999",
    },
    Difference {
        file: "regex_replace",
        why: "a character is one, also beyond U+FFFF; for .NET it is two halves",
        applies: |question, _| text(question, "text").chars().any(|c| u32::from(c) > 0xFFFF),
    },
];

fn has(question: &Json, name: &str) -> bool {
    question.get(name).is_some()
}

/// Whether .NET was brought before its first day and stayed on it.
fn is_first_day(question: &Json, ours: &str) -> bool {
    ours.starts_with(FAILS) && ["utc", "today"].iter().any(|name| text(question, name).contains("T23:"))
}
