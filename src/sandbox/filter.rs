//! `$filter`, as far as the practice tenant understands it: eq, in, startsWith, any, and, or, brackets.

use std::iter::Peekable;
use std::str::Chars;

use serde_json::Value as Json;

use super::answer::Refusal;
use super::groups;
use super::property::{self, Filtering};

/// Deepest brackets: far more than anybody writes, and far less than the stack holds.
const DEPTH_MAX: u32 = 20;

/// Most alternatives without an advanced query (`facts/graph_users.md` §5).
const ALTERNATIVES_MAX: usize = 15;

/// A filter that has been understood.
#[derive(Debug, PartialEq)]
pub(super) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    /// One of several values; `eq` has one.
    Is {
        path: Vec<String>,
        values: Vec<Json>,
    },
    StartsWith {
        path: Vec<String>,
        text: String,
    },
}

impl Filter {
    /// Reads a filter and checks that its properties may be asked for.
    pub(super) fn parse(words: &str, advanced: bool, of: Resource) -> Result<Self, Refusal> {
        let mut parser = Parser { tokens: tokens(words)?.into_iter().peekable() };
        let mut filter = parser.any(0)?;
        if parser.tokens.next().is_some() {
            return Err(syntax());
        }
        filter.check(advanced, of)?;
        Ok(filter)
    }

    /// Whether it holds for what is held under each property.
    pub(super) fn holds<'a>(&self, held: &dyn Fn(&str) -> Option<&'a Json>) -> bool {
        match self {
            Self::All(filters) => filters.iter().all(|filter| filter.holds(held)),
            Self::Any(filters) => filters.iter().any(|filter| filter.holds(held)),
            Self::Is { path, values } => reach(held, path, |held| values.iter().any(|value| same(held, value))),
            Self::StartsWith { path, text } => reach(held, path, |held| {
                held.as_str().is_some_and(|held| held.to_lowercase().starts_with(&text.to_lowercase()))
            }),
        }
    }

    /// Checks what may be asked, and spells properties as the table does.
    fn check(&mut self, advanced: bool, of: Resource) -> Result<(), Refusal> {
        check_alternatives(self.alternatives(), advanced)?;
        match self {
            Self::All(filters) | Self::Any(filters) => {
                filters.iter_mut().try_for_each(|filter| filter.check(advanced, of))
            }
            Self::Is { path, values } => check_path(path, advanced || !values.contains(&Json::Null), advanced, of),
            Self::StartsWith { path, .. } => check_path(path, true, advanced, of),
        }
    }

    /// How many clauses stand beside each other, brackets or not.
    fn alternatives(&self) -> usize {
        match self {
            Self::Any(filters) => filters.iter().map(Self::alternatives).sum(),
            Self::All(filters) => filters.iter().map(Self::alternatives).max().unwrap_or(1),
            Self::Is { values, .. } => values.len(),
            Self::StartsWith { .. } => 1,
        }
    }
}

/// What a filter is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resource {
    User,
    Group,
}

impl Resource {
    /// How a property is spelled, and whether it may be asked for.
    fn property(self, name: &str) -> Option<(&'static str, Filtering)> {
        match self {
            Self::User => property::find(name).map(|property| (property.name, property.filtering)),
            Self::Group => groups::FILTERED
                .iter()
                .find(|known| known.eq_ignore_ascii_case(name))
                .map(|known| (*known, Filtering::Plain)),
        }
    }

    fn type_name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }
}

fn check_alternatives(count: usize, advanced: bool) -> Result<(), Refusal> {
    if advanced || count <= ALTERNATIVES_MAX {
        return Ok(());
    }
    Err(Refusal::unsupported(format!(
        "Too many child clauses specified in search filter expression containing 'OR' operators: {count}. Max \
         allowed: {ALTERNATIVES_MAX}"
    )))
}

fn check_path(path: &mut [String], values_are_allowed: bool, advanced: bool, of: Resource) -> Result<(), Refusal> {
    let name = path.first_mut().ok_or_else(syntax)?;
    let (spelled, filtering) = of.property(name).ok_or_else(|| no_such_property(name))?;
    spelled.clone_into(name);
    let is_allowed = match filtering {
        Filtering::Plain => true,
        Filtering::Advanced => advanced,
        Filtering::Unsupported => false,
    };
    if is_allowed && values_are_allowed {
        return Ok(());
    }
    Err(Refusal::unsupported(format!(
        "Unsupported or invalid query filter clause specified for property '{spelled}' of resource '{}'.",
        of.type_name()
    )))
}

/// The words for a name that is no property.
pub(super) fn no_such_property(name: &str) -> Refusal {
    Refusal::bad_request(format!("Could not find a property named '{name}' on type 'microsoft.graph.user'."))
}

fn syntax() -> Refusal {
    Refusal::bad_request("Invalid filter clause")
}

fn reach<'a>(held: &dyn Fn(&str) -> Option<&'a Json>, path: &[String], holds: impl Fn(&Json) -> bool) -> bool {
    let Some((first, rest)) = path.split_first() else { return false };
    let mut held = held(first).unwrap_or(&Json::Null);
    for name in rest {
        let member =
            held.as_object().and_then(|members| members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)));
        held = member.map_or(&Json::Null, |(_, value)| value);
    }
    match held {
        Json::Array(values) => values.iter().any(holds),
        single => holds(single),
    }
}

/// Texts are compared without regard to case (`facts/graph_users.md` §5).
fn same(held: &Json, value: &Json) -> bool {
    match (held, value) {
        (Json::String(held), Json::String(value)) => held.to_lowercase() == value.to_lowercase(),
        (held, value) => held == value,
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Literal(Json),
    Sign(char),
}

fn tokens(words: &str) -> Result<Vec<Token>, Refusal> {
    let mut tokens = Vec::new();
    let mut rest = words.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            ' ' => {}
            '(' | ')' | ',' | ':' | '/' => tokens.push(Token::Sign(c)),
            '\'' => tokens.push(Token::Literal(Json::String(quoted(&mut rest)?))),
            c => {
                let mut word = String::from(c);
                while let Some(more) = rest.next_if(|c| c.is_ascii_alphanumeric() || "_.-".contains(*c)) {
                    word.push(more);
                }
                tokens.push(word_token(word));
            }
        }
    }
    Ok(tokens)
}

fn quoted(rest: &mut Peekable<Chars<'_>>) -> Result<String, Refusal> {
    let mut text = String::new();
    loop {
        match rest.next() {
            Some('\'') if rest.next_if_eq(&'\'').is_some() => text.push('\''),
            Some('\'') => return Ok(text),
            Some(c) => text.push(c),
            None => return Err(syntax()),
        }
    }
}

fn word_token(word: String) -> Token {
    match word.as_str() {
        "true" => Token::Literal(Json::Bool(true)),
        "false" => Token::Literal(Json::Bool(false)),
        "null" => Token::Literal(Json::Null),
        number if number.starts_with(|c: char| c.is_ascii_digit()) => Token::Literal(Json::String(word)),
        _ => Token::Word(word),
    }
}

struct Parser {
    tokens: Peekable<std::vec::IntoIter<Token>>,
}

impl Parser {
    fn any(&mut self, depth: u32) -> Result<Filter, Refusal> {
        let mut filters = vec![self.all(depth)?];
        while self.take_word("or") {
            filters.push(self.all(depth)?);
        }
        Ok(if filters.len() == 1 { filters.remove(0) } else { Filter::Any(filters) })
    }

    fn all(&mut self, depth: u32) -> Result<Filter, Refusal> {
        let mut filters = vec![self.one(depth)?];
        while self.take_word("and") {
            filters.push(self.one(depth)?);
        }
        Ok(if filters.len() == 1 { filters.remove(0) } else { Filter::All(filters) })
    }

    fn one(&mut self, depth: u32) -> Result<Filter, Refusal> {
        if depth > DEPTH_MAX {
            return Err(Refusal::unsupported("Unsupported Query."));
        }
        if self.take_sign('(') {
            let filter = self.any(depth + 1)?;
            self.expect_sign(')')?;
            return Ok(filter);
        }
        if self.take_word("startswith") {
            return self.starts_with();
        }
        let mut path = vec![self.word()?];
        while self.take_sign('/') {
            if self.take_word("any") {
                return self.lambda(path);
            }
            path.push(self.word()?);
        }
        if self.take_word("eq") {
            return Ok(Filter::Is { path, values: vec![self.literal()?] });
        }
        if self.take_word("in") {
            return Ok(Filter::Is { path, values: self.list()? });
        }
        Err(Refusal::unsupported("Unsupported Query."))
    }

    fn starts_with(&mut self) -> Result<Filter, Refusal> {
        self.expect_sign('(')?;
        let mut path = vec![self.word()?];
        while self.take_sign('/') {
            path.push(self.word()?);
        }
        self.expect_sign(',')?;
        let Json::String(text) = self.literal()? else { return Err(syntax()) };
        self.expect_sign(')')?;
        Ok(Filter::StartsWith { path, text })
    }

    /// `otherMails/any(x:x eq 'a@x.example')`, its `any` already read.
    fn lambda(&mut self, path: Vec<String>) -> Result<Filter, Refusal> {
        self.expect_sign('(')?;
        let variable = self.word()?;
        self.expect_sign(':')?;
        let filter = if self.take_word("startswith") {
            let Filter::StartsWith { path: inner, text } = self.starts_with()? else { return Err(syntax()) };
            if inner != [variable] {
                return Err(syntax());
            }
            Filter::StartsWith { path, text }
        } else {
            if self.word()? != variable || !self.take_word("eq") {
                return Err(syntax());
            }
            Filter::Is { path, values: vec![self.literal()?] }
        };
        self.expect_sign(')')?;
        Ok(filter)
    }

    fn list(&mut self) -> Result<Vec<Json>, Refusal> {
        self.expect_sign('(')?;
        let mut values = vec![self.literal()?];
        while self.take_sign(',') {
            values.push(self.literal()?);
        }
        self.expect_sign(')')?;
        Ok(values)
    }

    fn word(&mut self) -> Result<String, Refusal> {
        match self.tokens.next() {
            Some(Token::Word(word)) => Ok(word),
            _ => Err(syntax()),
        }
    }

    fn literal(&mut self) -> Result<Json, Refusal> {
        match self.tokens.next() {
            Some(Token::Literal(value)) => Ok(value),
            _ => Err(syntax()),
        }
    }

    fn take_word(&mut self, expected: &str) -> bool {
        let is_it = |token: &Token| matches!(token, Token::Word(word) if word.eq_ignore_ascii_case(expected));
        self.tokens.next_if(is_it).is_some()
    }

    fn take_sign(&mut self, expected: char) -> bool {
        self.tokens.next_if(|token| *token == Token::Sign(expected)).is_some()
    }

    fn expect_sign(&mut self, expected: char) -> Result<(), Refusal> {
        if self.take_sign(expected) { Ok(()) } else { Err(syntax()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(words: &str, expected: Result<bool, &str>) {
        let user = json!({ "displayName": "Anna O'Neil", "employeeId": "7", "accountEnabled": true, "city": null,
            "otherMails": ["a@x.example"], "employeeOrgData": { "division": "Sales", "costCenter": null } });
        let said = Filter::parse(words, false, Resource::User).map(|filter| filter.holds(&|name| user.get(name)));
        assert_eq!(said.map_err(|fault| fault.code), expected, "{words}");
    }

    #[test]
    fn equality_ignores_case_and_reads_doubled_quotes() {
        check("displayName eq 'ANNA O''NEIL'", Ok(true));
        check("DisplayName eq 'Anna'", Ok(false));
        check("accountEnabled eq true", Ok(true));
        check("otherMails/any(x:x eq 'A@x.example')", Ok(true));
    }

    #[test]
    fn and_binds_closer_than_or() {
        check("employeeId eq '7' or employeeId eq '8' and employeeId eq '9'", Ok(true));
        check("(employeeId eq '7' or employeeId eq '8') and employeeId eq '9'", Ok(false));
        check("employeeId in ('6','7') and startsWith(displayName,'an')", Ok(true));
    }

    #[test]
    fn what_needs_an_advanced_query_is_refused_without_one() {
        check("companyName eq 'Contoso'", Err("Request_UnsupportedQuery"));
        check("city eq null", Err("Request_UnsupportedQuery"));
        let division = Filter::parse("EmployeeOrgData/division eq 'sales'", true, Resource::User).unwrap();
        let held = json!({ "employeeOrgData": { "division": "Sales" } });
        assert!(division.holds(&|name| held.get(name)));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        check("displayName ne 'Anna'", Err("Request_UnsupportedQuery"));
        check("nonsense eq '1'", Err("Request_BadRequest"));
        check("displayName eq 'Anna", Err("Request_BadRequest"));
        check("displayName eq", Err("Request_BadRequest"));
        check(&format!("{}employeeId eq '7'{}", "(".repeat(40), ")".repeat(40)), Err("Request_UnsupportedQuery"));
    }

    #[test]
    fn fifteen_alternatives_are_taken_and_sixteen_are_not_however_they_are_bracketed() {
        let list = |count: i32| (0..count).map(|n| format!("'{n}'")).collect::<Vec<_>>().join(",");
        let chain = |count: i32| (0..count).map(|n| format!("employeeId eq '{n}'")).collect::<Vec<_>>().join(" or ");
        check(&format!("employeeId in ({})", list(15)), Ok(true));
        check(&chain(15), Ok(true));
        check(&format!("employeeId in ({})", list(16)), Err("Request_UnsupportedQuery"));
        check(&format!("({}) or ({})", chain(8), chain(8)), Err("Request_UnsupportedQuery"));
        check(&format!("employeeId in ({}) or employeeId eq '7'", list(15)), Err("Request_UnsupportedQuery"));
        assert_eq!(
            Filter::parse(&chain(16), false, Resource::User).unwrap_err().message,
            "Too many child clauses specified in search filter expression containing 'OR' operators: 16. Max allowed: 15"
        );
        assert!(Filter::parse(&chain(16), true, Resource::User).is_ok());
    }
}
