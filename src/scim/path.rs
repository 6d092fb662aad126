//! Attribute paths as administrators write them: `emails[type eq "work"].value` (RFC 7644 §3.10).

use super::nearest::{clipped, is_near_urn, nearest_path};
use super::schema::{self, Keeping, Kind, Schema, Type};
use super::text::read_string;
use crate::model::{Diagnostic, Name, Path, Selector, Span};

/// Longest path, in bytes. The longest of the known schemas has 90; a custom URN may take its time.
pub const PATH_BYTES_MAX: usize = 512;

/// Reads a path: `userName`, `name.givenName`, `emails[type eq "work"].value`, `urn:…:User:department`.
///
/// In `urn:contoso:employee:JobCode` the last colon separates schema and attribute, unless a
/// known schema is the beginning. The core schema's URN may be written and is dropped. Names
/// of known attributes take the schema's own spelling.
///
/// # Errors
/// A [`Diagnostic`] in bytes of `text`, when it is not a path. Whether the attribute exists is
/// [`check_path`]'s question.
pub fn parse_path(text: &str) -> Result<Path, Diagnostic> {
    if text.len() > PATH_BYTES_MAX {
        let message = format!("the attribute path is longer than {PATH_BYTES_MAX} bytes");
        return Err(Diagnostic::new(message, 0..text.len(), "too long"));
    }
    match text.find('[') {
        None => parse_head(text, 0),
        Some(open) => {
            let whole = parse_head(&text[..open], 0)?;
            if whole.sub.is_some() {
                let hint = "the selector stands behind the attribute: `emails[type eq \"work\"].value`";
                return Err(Diagnostic::new("a sub-attribute cannot have a selector", open..open + 1, "not here")
                    .with_hint(hint));
            }
            let (selector, after) = parse_selector(text, open + 1)?;
            with_selector(whole, selector, parse_tail(text, after)?)
        }
    }
}

/// The path with a selector and a sub-attribute, in the schema's own spelling.
pub(super) fn with_selector(whole: Path, selector: Selector, sub: Option<&str>) -> Result<Path, Diagnostic> {
    let sub = sub.map(|sub| part_name(&whole, sub));
    Ok(Path { selector: Some(selector), sub, ..whole })
}

/// The name of a part of `whole`, in the schema's own spelling where it is known.
pub(super) fn part_name(whole: &Path, name: &str) -> Name {
    let parts = schema::attribute_of(whole).map_or(&[][..], |attribute| &attribute.parts);
    schema::find(parts, name).map_or_else(|| Name::new(name), |part| part.name.clone())
}

/// Reads `[urn:]attribute[.sub]`, which stands at `offset` of a longer text.
pub(super) fn parse_head(head: &str, offset: usize) -> Result<Path, Diagnostic> {
    let (schema, rest) = split_schema(head, offset)?;
    let at = offset + head.len() - rest.len();
    let (attribute, sub) = match rest.split_once('.') {
        None => (rest, None),
        Some((attribute, sub)) => (attribute, Some(sub)),
    };
    check_name(attribute, at)?;
    let mut path = Path { schema, ..Path::simple(attribute) };
    if let Some(known) = schema::attribute_of(&path) {
        path.attribute = known.name.clone();
    }
    if let Some(sub) = sub {
        check_name(sub, at + attribute.len() + 1)?;
        path.sub = Some(part_name(&path, sub));
    }
    Ok(path)
}

/// Takes the schema off a name: nothing for the core user.
fn split_schema(head: &str, offset: usize) -> Result<(Option<Name>, &str), Diagnostic> {
    for known in [&*schema::CORE, &*schema::ENTERPRISE] {
        match after_prefix(head, known.urn.as_str()) {
            Some("") => return Err(names_a_schema(head, offset, known)),
            Some(rest) if rest.starts_with(':') => {
                let urn = (known.urn != *schema::CORE_USER).then(|| known.urn.clone());
                return Ok((urn, &rest[1..]));
            }
            _ => {}
        }
    }
    match head.rsplit_once(':') {
        None => Ok((None, head)),
        Some((urn, rest)) if after_prefix(urn, "urn:").is_some_and(|id| !id.is_empty()) => {
            check_urn(urn, offset)?;
            Ok((Some(Name::new(urn)), rest))
        }
        Some((urn, _)) => {
            let message = format!("`{}` is not the name of a schema", clipped(urn));
            Err(Diagnostic::new(message, offset..offset + urn.len(), "not a URN")
                .with_hint("schemas are named by URNs: `urn:contoso:employee:JobCode`"))
        }
    }
}

/// What follows `prefix`, compared without regard to case.
fn after_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn names_a_schema(head: &str, offset: usize, known: &Schema) -> Diagnostic {
    let first = known.attributes.first().map_or("", |attribute| attribute.name.as_str());
    Diagnostic::new("this names a schema, not an attribute", offset..offset + head.len(), "an attribute is missing")
        .with_hint(format!("add one, as in `{}:{first}`", known.urn))
}

/// A URN is printed as it was read, so it holds nothing that would end a name.
fn check_urn(urn: &str, offset: usize) -> Result<(), Diagnostic> {
    let strange = |c: char| !(c.is_ascii_alphanumeric() || ":.-_$+/%#~@*".contains(c));
    match urn.char_indices().find(|(_, c)| strange(*c)) {
        None => Ok(()),
        Some((at, c)) => Err(strange_character(c, offset + at)),
    }
}

/// Checks a name: a letter, then letters, digits, `-`, `_`, `$` (RFC 7643 §2.1; `$ref` begins with `$`).
pub(super) fn check_name(name: &str, offset: usize) -> Result<(), Diagnostic> {
    let Some(first) = name.chars().next() else {
        return Err(Diagnostic::new("the name of an attribute is missing", offset..offset, "expected a name here"));
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '$');
    if let Some((at, c)) = name.char_indices().find(|(_, c)| !allowed(*c)) {
        return Err(strange_character(c, offset + at));
    }
    if !first.is_ascii_alphabetic() && first != '$' {
        let message = format!("`{}` is not the name of an attribute", clipped(name));
        return Err(Diagnostic::new(message, offset..offset + name.len(), "names begin with a letter"));
    }
    Ok(())
}

fn strange_character(c: char, at: usize) -> Diagnostic {
    let shown = c.escape_debug();
    let diagnostic = Diagnostic::new(
        format!("`{shown}` cannot stand in an attribute path"),
        at..at + c.len_utf8(),
        "not allowed here",
    );
    match c {
        '.' => diagnostic.with_hint("an attribute has one level of sub-attributes: `name.givenName`"),
        _ => diagnostic,
    }
}

/// Reads `type eq "work"]`; says where the text goes on.
fn parse_selector(text: &str, from: usize) -> Result<(Selector, usize), Diagnostic> {
    let (sub, after_sub) = word(text, from);
    check_name(sub, after_sub - sub.len())?;
    let (operator, after_operator) = word(text, after_sub);
    if !operator.eq_ignore_ascii_case("eq") {
        let span = after_operator - operator.len()..after_operator;
        return Err(Diagnostic::new("a selector compares with `eq`", span, "expected `eq`").with_hint(SELECTOR_HINT));
    }
    let (value, after_value) = selector_value(text, skip_blanks(text, after_operator))?;
    let close = skip_blanks(text, after_value);
    if !text[close..].starts_with(']') {
        return Err(
            Diagnostic::new("the selector is not closed", close..close, "expected `]`").with_hint(SELECTOR_HINT)
        );
    }
    Ok((Selector { sub: Name::new(sub), value }, close + 1))
}

const SELECTOR_HINT: &str = "write it as in `emails[type eq \"work\"].value`";

fn selector_value(text: &str, at: usize) -> Result<(String, usize), Diagnostic> {
    if text[at..].starts_with('"') {
        return read_string(text, at);
    }
    let (bare, end) = word(text, at);
    if bare.eq_ignore_ascii_case("true") || bare.eq_ignore_ascii_case("false") {
        return Ok((bare.to_ascii_lowercase(), end));
    }
    Err(Diagnostic::new("the value of a selector is not quoted", at..end, "texts stand in double quotes")
        .with_hint(SELECTOR_HINT))
}

/// Reads what may follow a selector: nothing, or `.sub`.
fn parse_tail(text: &str, at: usize) -> Result<Option<&str>, Diagnostic> {
    let tail = &text[at..];
    if tail.is_empty() {
        return Ok(None);
    }
    match tail.strip_prefix('.') {
        None => Err(Diagnostic::new("the path goes on after its selector", at..text.len(), "expected `.` and a name")),
        Some(sub) => check_name(sub, at + 1).map(|()| Some(sub)),
    }
}

fn skip_blanks(text: &str, at: usize) -> usize {
    text.len() - text[at..].trim_start().len()
}

/// The next word, up to a blank, a bracket or a quote, and where it ends.
fn word(text: &str, at: usize) -> (&str, usize) {
    let start = skip_blanks(text, at);
    let length = text[start..].find(|c: char| c.is_whitespace() || "[]\"".contains(c));
    let end = length.map_or(text.len(), |length| start + length);
    (&text[start..end], end)
}

/// Says what stands where a path points, or that nothing can.
///
/// `custom` says whether the job declares an attribute itself; it is asked only about what no
/// known schema has.
///
/// # Errors
/// A [`Diagnostic`] with "did you mean", whose span is that of the printed path.
pub fn check_path(path: &Path, custom: &dyn Fn(&Path) -> bool) -> Result<Kind, Diagnostic> {
    let span = 0..path.to_string().len();
    let Some(attribute) = schema::attribute_of(path) else {
        return if custom(path) { Ok(Kind::CUSTOM) } else { Err(unknown(path, span)) };
    };
    if attribute.keeping == Keeping::Dropped {
        let message = format!("`{}` is not kept: a source cannot say it", attribute.name);
        return Err(Diagnostic::new(message, span, "never has a value"));
    }
    check_selector(path, attribute, &span)?;
    match (&path.sub, schema::kind_of(path)) {
        (_, Some(kind)) => Ok(kind),
        (Some(_), None) if custom(path) => Ok(Kind::CUSTOM),
        (Some(_), None) if attribute.kind.what != Type::Complex => {
            Err(Diagnostic::new(format!("`{}` has no sub-attributes", attribute.name), span, "a plain value"))
        }
        _ => Err(unknown(path, span)),
    }
}

fn check_selector(path: &Path, attribute: &schema::Attribute, span: &Span) -> Result<(), Diagnostic> {
    let Some(selector) = &path.selector else { return Ok(()) };
    if !attribute.kind.many {
        let message = format!("`{}` has one value; there is nothing to select", attribute.name);
        return Err(Diagnostic::new(message, span.clone(), "no selector here"));
    }
    if schema::find(&attribute.parts, selector.sub.as_str()).is_none() {
        let message = format!("`{}` has no sub-attribute `{}`", attribute.name, clipped(selector.sub.as_str()));
        return Err(Diagnostic::new(message, span.clone(), "unknown in the selector"));
    }
    Ok(())
}

/// What Entra says of people it is about to disable, in mappings that are brought from there.
const LET_GO: &str = "IsSoftDeleted";

fn unknown(path: &Path, span: Span) -> Diagnostic {
    let text = path.to_string();
    let diagnostic = Diagnostic::new(format!("there is no attribute `{}`", clipped(&text)), span, "unknown attribute");
    if text.eq_ignore_ascii_case(LET_GO) {
        return diagnostic.with_hint(
            "it is Entra's own, true for whom it let go: map `accountEnabled` from `active`; what becomes of who is \
             out of scope or deleted is said by `policy.out_of_scope` and the target's `on_delete`",
        );
    }
    match (nearest_path(&text).filter(|near| is_near_urn(&text, near)), &path.schema) {
        (Some(near), _) => diagnostic.with_hint(format!("did you mean `{near}`?")),
        (None, Some(_)) => diagnostic.with_hint("declare it in the job as a custom attribute, if the source sends it"),
        (None, None) => diagnostic.with_hint("custom attributes stand under a URN: `urn:contoso:employee:JobCode`"),
    }
}

#[cfg(test)]
#[path = "path_tests.rs"]
mod tests;
