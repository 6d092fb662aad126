//! Sentences about regular expressions. What is expected is what .NET's documentation says, or what its `Regex` does.

use proptest::prelude::*;

use super::*;

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"))
}

#[track_caller]
fn finds(written: &str, text: &str) {
    assert_eq!(pattern(written).is_match(text), Ok(true), "{written} in {text:?}");
}

#[track_caller]
fn finds_not(written: &str, text: &str) {
    assert_eq!(pattern(written).is_match(text), Ok(false), "{written} in {text:?}");
}

fn all(written: &str, text: &str) -> Vec<String> {
    let found = pattern(written).all(text).unwrap();
    found.iter().map(|found| text[found.whole()].to_owned()).collect()
}

fn replaced(written: &str, text: &str, replacement: &str) -> String {
    let pattern = pattern(written);
    let template = Template::read(replacement, &pattern);
    let mut out = String::new();
    let mut at = 0;
    for found in pattern.all(text).unwrap() {
        out.push_str(&text[at..found.whole().start]);
        at = found.whole().end;
        for piece in template.pieces(text, &found) {
            let (Piece::Replacement(piece) | Piece::Searched(piece)) = piece;
            out.push_str(piece);
        }
    }
    out + &text[at..]
}

#[test]
fn it_is_found_anywhere_unless_it_is_anchored() {
    finds("([1-9][0-9])", "room 42");
    finds_not("^([1-9][0-9])$", "room 42");
    finds(r".*\@domain.com", "anna@domain.com");
    finds("(1[0-9][0-9][0-9][0-9][0-9][0-9])", "1500000");
    finds_not("sales", "Sales");
}

#[test]
fn what_is_escaped_without_need_stands_for_itself() {
    finds(r"\<\>\/\:\=\-\@\#\ \!\%\,\;\~\&\'", "<>/:=-@# !%,;~&'");
    let of_account_names = r"([\/\\\[\]\:\;\|\=\,\+\*\?\<\>])";
    assert_eq!(replaced(of_account_names, r"a/b\c[d]e:f;g|h=i,j+k*l?m<n>o", ""), "abcdefghijklmno");
    finds(r"^\x41\u00e9\t\e\cA\101\0$", "Aé\t\u{1B}\u{1}A\0");
}

#[test]
fn a_brace_that_counts_nothing_stands_for_itself() {
    finds("^a{$", "a{");
    finds("^a{,3}$", "a{,3}");
    finds("^{x}$", "{x}");
    finds("^a{2}b{1,}c{0,2}$", "aabbcc");
    finds("^]$", "]");
}

#[test]
fn the_end_is_also_before_a_last_line_break() {
    finds("a$", "a\n");
    finds(r"a\Z", "a\n");
    finds_not(r"a\z", "a\n");
    finds_not("a$", "a\n\n");
    finds_not("a$", "a\nb");
    finds("(?m)a$", "a\nb");
    finds("(?m)^b", "a\nb");
    finds_not("^b", "a\nb");
    assert_eq!(all("$", "a\n").len(), 2);
    assert_eq!(all("$", "a").len(), 1);
}

#[test]
fn classes_mean_what_dotnet_means() {
    assert_eq!(all("[a-z-[aeiou]]", "abcde"), ["b", "c", "d"]);
    assert_eq!(all("[^a-z-[0-9]]", "aA1"), ["A"]);
    assert_eq!(all(r"[\w-[\d_]]+", "ab1_c"), ["ab", "c"]);
    assert_eq!(all("[a-z-[d-w-[m]]]+", "abcdmwxyz"), ["abc", "m", "xyz"]);
    assert_eq!(all("[][x]", "[x]"), ["[", "x", "]"]);
    assert_eq!(all("[[a]", "[a"), ["[", "a"]);
    assert_eq!(all("[a&&b]", "a&b"), ["a", "&", "b"]);
    assert_eq!(all("[a~~b]", "~"), ["~"]);
    assert_eq!(all(r"[()\s-]+", "+1 (999) 888-7777"), [" (", ") ", "-"]);
    assert_eq!(all(r"[\w-.]+", "a-b.c d"), ["a-b.c", "d"]);
    assert_eq!(all(r"[a\-c]+", "a-cb"), ["a-c"]);
    assert_eq!(all(r"[\b]", "\u{8}b"), ["\u{8}"]);
    assert_eq!(all(r"[^\W\d]+", "ab1c"), ["ab", "c"]);
    assert_eq!(all(r"[-a]+", "a-b"), ["a-"]);
    assert_eq!(all(r"[a-]+", "a-b"), ["a-"]);
    assert_eq!(all(r"[.$^*+?(){}|]+", "a.$^*+?(){}|b"), [".$^*+?(){}|"]);
}

#[test]
fn letters_digits_and_spaces_are_those_of_unicode() {
    assert_eq!(all(r"\w+", "Zoë Łuk_1 ½"), ["Zoë", "Łuk_1"]);
    assert_eq!(all(r"\d", "7٣"), ["7", "٣"]);
    assert_eq!(all(r"\s", "\u{a0}\u{2003}x"), ["\u{a0}", "\u{2003}"]);
    assert_eq!(all(r"\p{IsGreek}+", "abγδ"), ["γδ"]);
    assert_eq!(all(r"\P{IsBasicLatin}", "aé"), ["é"]);
    assert_eq!(all(r"[\p{Lu}\p{IsCyrillic}]", "aBж"), ["B", "ж"]);
    assert_eq!(all("é", "e\u{301}é").len(), 1);
}

#[test]
fn options_hold_to_the_end_of_their_group() {
    finds("(?i)SALES", "sales");
    finds("a(?i)b|c", "C");
    finds("(?i:a)b", "Ab");
    finds_not("(?i:a)b", "AB");
    finds_not("((?i)a)b", "aB");
    finds("(?i)[a-c-[b]]É", "Cé");
    finds("(?s)a.b", "a\nb");
    finds_not("a.b", "a\nb");
    finds("(?x) a b # the rest\n c", "abc");
    finds("(?x)a\\ b[ ]c", "a b c");
    finds("a(?#this and that)b", "ab");
    finds_not("(?i)a(?-i)b", "AB");
    assert_eq!(pattern("(?n)(a)(?<x>b)").group("1"), Some(1));
    assert_eq!(pattern("(?n)(a)(?<x>b)").group("2"), None);
}

#[test]
fn groups_without_a_name_are_counted_first() {
    let both = pattern("(?<first>a)(b)(?'second'c)");
    assert_eq!((both.group("1"), both.group("2"), both.group("3"), both.group("4")), (Some(2), Some(1), Some(3), None));
    assert_eq!((both.group("first"), both.group("second"), both.group("First")), (Some(1), Some(3), None));
    assert_eq!(replaced("(?<first>a)(b)", "ab", "$1$2"), "ba");
    finds(r"^(?<x>a)(b)\1\k<x>\k'x'$", "abbaa");
    finds(r"^(a)\1$", "aa");
    finds_not(r"^(a)\1$", "ab");
    finds(r"^(?i)(a)\1$", "aA");
    finds(r"^(a)\12$", "a\n");
}

#[test]
fn lookaround_and_atomic_groups_work() {
    finds(r"^(?=.*\d)(?=.*[a-z]).{3,}$", "ab1");
    finds_not(r"^(?!svc-)", "svc-backup");
    finds("^(?!svc-)", "anna");
    assert_eq!(all(r"(?<=@)\w+", "a@b c@d"), ["b", "d"]);
    assert_eq!(all(r"(?<!\d)\d{2}(?!\d)", "12 345 67"), ["12", "67"]);
    assert_eq!(all(r"(?<=a+)b", "aab"), ["b"]);
    finds_not("^(?>a+)ab$", "aaab");
}

#[test]
fn replacements_are_made_of_text_and_parts() {
    assert_eq!(replaced(r"\+(?<isdCode>\d* )(?<phoneNumber>\d{10})", "+91 9998887777", "${phoneNumber}"), "9998887777");
    assert_eq!(
        replaced("(b)(c)", "abcd", "[$2$1|$0|$&|$`|$'|$+|$_|$$|$|$x|$9|${no}]"),
        "a[cb|bc|bc|a|d|c|abcd|$|$|$x|$9|${no}]d"
    );
    assert_eq!(replaced("(x)?b", "ab", "<$1>"), "a<>");
}

#[test]
fn an_empty_match_may_stand_right_behind_another() {
    assert_eq!(replaced(".*", "abc", "x"), "xx");
    assert_eq!(replaced("a*", "baac", "x"), "xbxxcx");
    assert_eq!(replaced(r"(\.)*$", "john..", ""), "john");
    assert_eq!(replaced("[a-zA-Z_]*", "john_doe72", ""), "72");
    assert_eq!(replaced("", "ž", "-"), "-ž-");
}

fn refused(text: &str) -> String {
    let diagnostic = Pattern::parse(text).expect_err(text);
    let under = text.get(diagnostic.span.clone()).expect("span stands in the text");
    format!("{} [{under}] {}", diagnostic.message, diagnostic.hint.unwrap_or_default())
}

#[test]
fn what_dotnet_refuses_or_muster_lacks_is_said_by_name() {
    for (text, said) in [
        ("(a", "`(` is never closed [(] a parenthesis that stands for itself is written `\\(`"),
        ("a)", "`)` closes nothing [)] a parenthesis that stands for itself is written `\\)`"),
        ("[a", "`[` is never closed [[] a bracket that stands for itself is written `\\[`"),
        ("[]", "`[` is never closed [[] a bracket that stands for itself is written `\\[`"),
        ("*a", "`*` repeats nothing [*] a sign that stands for itself is written `\\*`"),
        ("a|+", "`+` repeats nothing [+] a sign that stands for itself is written `\\+`"),
        (
            "a++",
            "`+` repeats what is repeated already [++] .NET has no possessive quantifiers; write an atomic group, `(?>a+)`",
        ),
        ("a{2}{3}", "`{3}` repeats what is repeated already [{2}{3}] put what is meant to be repeated in `(?:…)`"),
        ("a{3,2}", "at least 3 and at most 2 is never [{3,2}] "),
        ("a{1,5000}", "more than 1000 repeats are not counted [{1,5000}] use `*` or `+`"),
        ("a\\", "the pattern ends with a lone `\\` [\\] a backslash itself is written `\\\\`"),
        (r"\y", r"the escape `\y` means nothing [\y] write `y` for the character, `\\y` for a backslash before it"),
        (r"\_", r"the escape `\_` means nothing [\_] write `_` for the character, `\\_` for a backslash before it"),
        (r"\x4", r"2 hexadecimal digits are missing [\x] as in `\x41`, `\u00e9`"),
        (r"\uD83D", r"this is half a character (a surrogate) [\uD83D] write the character itself"),
        ("[z-a]", "the range `z-a` runs backwards [z-a] "),
        (r"[a-\d]", r"a range ends with a class [a-\d] a `-` that stands for itself comes first, or is written `\-`"),
        ("[a-[b]c]", "a class goes on behind what is taken from it [] the subtraction stands last: `[a-z0-9-[aeiou]]`"),
        (
            "[[:alpha:]]",
            "`[:…:]` is not known to .NET [[] write `\\d`, `\\w`, `\\s` or `\\p{L}`; a bracket before a colon is written `\\[`",
        ),
        (r"\p{Greek}", r"there is no class of characters `Greek` [\p{Greek}] did you mean `\p{IsGreek}`?"),
        (r"\pL", r"a class of characters is named in braces [\pL] as in `\p{L}`, `\p{Lu}`, `\p{IsGreek}`"),
        ("(?P<a>b)", "`(?P` is not known to .NET [(?P] a group is named `(?<name>…)`"),
        ("(?(1)a|b)", "conditionals are not supported [(?(] write both cases, joined with `|`"),
        ("(?<a-b>c)", "balancing groups are not supported [(?<a-] no regular expression of muster counts brackets"),
        ("(?<1>a)", "a group with a number of its own is not supported [1] give it a name, or none"),
        ("(?<a>b)(?<a>c)", "two groups are called `a` [a] give each a name of its own"),
        (
            "(?r)a",
            "`(?r` begins no group [(?r] options are `i`, `m`, `n`, `s` and `x`; others, such as RightToLeft, cannot be set in a pattern",
        ),
        (r"\Ga", r"`\G` is not supported [\G] `\A` is the beginning of the text"),
        (
            r"(a)\2",
            r"there is no group `2` [\2] groups are counted from 1: first those without a name, then those with one",
        ),
        (
            r"\k<b>(?<a>c)",
            r"there is no group `b` [\k<b>] groups are counted from 1: first those without a name, then those with one",
        ),
        (r"(?<a>b)\<a>", r"this old way to name a group is not supported [\<a>] write `\k<a>`"),
        ("(?#a", "the comment is never closed [(?#] close it with `)`"),
    ] {
        assert_eq!(refused(text), said, "{text}");
    }
}

#[test]
fn a_replacement_that_names_no_group_is_told_so() {
    let pattern = pattern("(?<isd>a)(b)");
    assert_eq!(Template::check("${isd}$1$2$0$$ $ $& costs$", &pattern), Ok(()));
    let wrong = Template::check("a${isdn}", &pattern).unwrap_err();
    assert_eq!((wrong.message.as_str(), wrong.span), ("the pattern has no group `isdn`", 1..8));
    assert_eq!(wrong.hint.as_deref(), Some("it has isd; a dollar sign itself is written `$$`"));
}

#[test]
fn patterns_are_bounded_in_length_depth_and_size() {
    let nested = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    finds(&nested(DEPTH_MAX), "a");
    finds(&format!("(?i){}", "(?:(?=a)".repeat(DEPTH_MAX - 1) + "a" + &")*?".repeat(DEPTH_MAX - 1)), "a");
    assert!(refused(&nested(DEPTH_MAX + 1)).starts_with("groups are nested deeper than"));
    assert!(refused(&"[a-".repeat(600)).starts_with("classes are nested deeper than"));
    assert!(refused(&"a".repeat(PATTERN_BYTES_MAX + 1)).starts_with("the regular expression is longer than"));
    assert!(refused(r"(?:\w{1000}){1000}").starts_with("the regular expression is too large"));
}

#[test]
fn no_pattern_and_text_run_away() {
    let began = std::time::Instant::now();
    let many = "a".repeat(4_000);
    let short = "a".repeat(60);
    for written in ["(a+)+$", "(a|aa)+$", "(a|a)*b", "^(a?){60}a{60}$", "(x+x+)+y", "(.*)*x", "(a*)*b"] {
        assert!(pattern(written).all(&many).is_ok(), "{written} needs no step back");
    }
    let middle = "a".repeat(990);
    for written in [
        r"(.*)*x\1",
        r"^(?=(a+)+$)(a+)+b",
        r"(a+)+\1$b",
        "(?>(a+)+b|a)*c",
        r"(?:(a|aa)+\1)+$(?<!a)",
        "(?:(?=a)a){1000}*b".trim_end_matches('b'),
        // Few steps from each place, and from each step to the end.
        "a(?=(?:a(?=.*)){1,300}(?:a(?=.*)){1,300}b|)",
        r"a(?=(?:(?=(a*))\1|a)*b|)",
        // In linear time, with thousands of states.
        "(?:[ab]*a[ab]{900}){1,20}c|a",
    ] {
        let Ok(pattern) = Pattern::parse(written) else { continue };
        for text in [&many, &middle, &short, &"ab".repeat(4_000)] {
            let _ = pattern.all(text);
        }
    }
    assert_eq!(pattern(r"^(a|aa)+\1[bc]").is_match(&format!("{short}d")), Err(SearchError::Steps));
    assert!(matches!(pattern("a").all(&"a".repeat(5_000)), Err(SearchError::Matches(_))));
    assert!(matches!(pattern("a").is_match(&"a".repeat(20_000)), Err(SearchError::Text(_))));
    assert!(matches!(pattern("(?=a)").is_match(&"a".repeat(5_000)), Err(SearchError::Text(_))));
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}

#[test]
fn what_is_counted_out_counts() {
    for (written, expected) in [
        ("abc", 3),
        (r"\d{2,4}-[^]x]{3}", 8),
        ("(ab){10}", 20),
        ("(?:a{10}){1,20}", 220),
        ("(a|b) {5}", 16),
        ("a{1000}(((b{1000}){1000}){1000}){1000}", 1_000_000_001_000),
        ("a{,3}", 5),
        ("((((", 0),
    ] {
        assert_eq!(effort::states(written), expected, "{written}");
    }
}

#[test]
fn a_value_as_people_have_them_is_searched_to_its_end() {
    let name = "Anna-Maria von der Heide ".repeat(12);
    for written in [r"(?<=\s)(\w)", r"(?<!^)[A-Z]", r"(\w)(?=\w*\1)", r"\b(\w+)\s+(?!\1)", "[^a-z]", r"\p{L}{1,64}"] {
        assert!(pattern(written).all(&name).is_ok(), "{written}");
    }
}

proptest! {
    #[test]
    fn any_text_is_a_pattern_or_is_told_why_not(text in "\\PC{0,40}") {
        if let Err(diagnostic) = Pattern::parse(&text) {
            prop_assert!(text.get(diagnostic.span).is_some());
        }
    }

    #[test]
    fn anything_like_a_pattern_ends(
        words in prop::collection::vec(prop::sample::select(&[
            "(", ")", "[", "]", "-", "^", "$", "|", "*", "+", "?", "{2}", "{0,3}", "a", "b", "\\1", "\\w", "\\b", "(?=",
            "(?<!", "(?<n>", "\\k<n>", "(?i)", "(?x)", ".", "\\", "é", "-[", "\\p{L}", "\\Z", "(?>", "&&", " ", "#",
        ][..]), 0..16),
        text in "[ab\\n é-]{0,24}",
    ) {
        let written = words.concat();
        match Pattern::parse(&written) {
            Ok(pattern) => drop(pattern.all(&text)),
            Err(diagnostic) => {
                prop_assert!(written.get(diagnostic.span.clone()).is_some());
                // What the translation lets through, the engine below must take.
                prop_assert!(!diagnostic.message.contains("cannot be run"), "{}: {:?}", written, diagnostic);
            }
        }
    }
}
