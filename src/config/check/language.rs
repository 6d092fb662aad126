//! Paths, filters and expressions in a job file: read, checked against the schemas, and placed in the file.

use std::collections::BTreeMap;

use super::super::finding::Findings;
use super::super::spot::{Spot, within};
use crate::expr::{Beyond, Expression};
use crate::model::{Diagnostic, Name, Path, Span};
use crate::rules::Container;
use crate::scim::{Filter, Kind, Type, check_path, parse_path};

/// What the texts of a job file may speak of.
pub(super) struct Language<'a> {
    /// The file.
    pub(super) text: &'a str,
    /// Attributes that the job declares itself, by schema and name, and what stands there.
    pub(super) custom: &'a BTreeMap<(Name, Name), Kind>,
}

impl Language<'_> {
    /// The file's bytes that a part of a text stands in.
    pub(super) fn place(&self, text: &Spot<String>, part: &Span) -> Span {
        within(self.text, text, part)
    }

    fn placed(&self, text: &Spot<String>, diagnostic: Diagnostic) -> Diagnostic {
        Diagnostic { span: self.place(text, &diagnostic.span), ..diagnostic }
    }

    /// What stands where a path points.
    pub(super) fn kind(&self, path: &Path) -> Result<Kind, Diagnostic> {
        let declared =
            path.schema.as_ref().and_then(|schema| self.custom.get(&(schema.clone(), path.attribute.clone())));
        let kind = check_path(path, &|_| declared.is_some())?;
        Ok(declared.filter(|_| path.sub.is_none() && path.selector.is_none()).copied().unwrap_or(kind))
    }

    /// A path and what stands there.
    pub(super) fn read_path(&self, text: &str) -> Result<(Path, Kind), Diagnostic> {
        let whole = |diagnostic: Diagnostic| Diagnostic { span: 0..text.len(), ..diagnostic };
        let path = parse_path(text)?;
        let kind = self.kind(&path).map_err(whole)?;
        let has_value = || {
            let value = Path { sub: Some(Name::new("value")), ..path.clone() };
            self.kind(&value).is_ok()
        };
        if kind.what == Type::Complex && !has_value() {
            let message = format!("`{path}` has parts and no value of its own");
            return Err(Diagnostic::new(message, 0..text.len(), "which part?")
                .with_hint("name the part, as in `name.givenName`"));
        }
        Ok((path, kind))
    }

    /// The path a text names, and what stands there.
    pub(super) fn path(&self, text: &Spot<String>, findings: &mut Findings) -> Option<(Path, Kind)> {
        let read = self.read_path(text.value());
        read.map_err(|diagnostic| findings.error(self.placed(text, diagnostic))).ok()
    }

    /// The filter a text is.
    pub(super) fn filter(&self, text: &Spot<String>, findings: &mut Findings) -> Option<Filter> {
        let filter = Filter::parse(text.value());
        let filter =
            filter.map_err(|diagnostic| vec![diagnostic]).and_then(|filter| filter.checked(&|path| self.kind(path)));
        let wrong = |diagnostics: Vec<Diagnostic>| {
            diagnostics.into_iter().for_each(|diagnostic| findings.error(self.placed(text, diagnostic)));
        };
        filter.map_err(wrong).ok()
    }

    /// The expression a text is.
    pub(super) fn expression(&self, text: &Spot<String>, findings: &mut Findings) -> Option<Expression> {
        let read = Expression::parse(text.value(), &|path| self.read_path(path).map(|(path, _)| path));
        read.map_err(|diagnostic| findings.error(self.placed(text, diagnostic))).ok()
    }

    /// The container a text is: a distinguished name, or an expression that gives one.
    ///
    /// No expression reads as a distinguished name: it begins with a quote, or has a bracket before the first `=`.
    pub(super) fn container(&self, text: &Spot<String>, findings: &mut Findings) -> Option<Container> {
        let fixed = crate::model::Dn::parse(text.value());
        match fixed {
            Ok(container) => Some(Container::Fixed(container)),
            Err(error) if looks_fixed(text.value()) => {
                let diagnostic =
                    Diagnostic::new("the container is no distinguished name", text.span(), error.to_string());
                findings.error(diagnostic.with_hint("write it as in `OU=Staff,DC=contoso,DC=com`"));
                None
            }
            Err(_) => {
                let expression = self.expression(text, findings)?;
                self.check_container(text, &expression, findings).then_some(Container::Computed(expression))
            }
        }
    }
}

impl Language<'_> {
    /// A container is of the person alone: it has no target attribute, no candidates, and a place that changed with
    /// the hour would move people about.
    fn check_container(&self, text: &Spot<String>, expression: &Expression, findings: &mut Findings) -> bool {
        self.check_alone(text, expression, "container", &|_| true, findings)
    }

    /// So is a group, but that there may be none.
    pub(super) fn check_group(&self, text: &Spot<String>, expression: &Expression, findings: &mut Findings) -> bool {
        self.check_alone(text, expression, "group", &|beyond| beyond != Beyond::Silence, findings)
    }

    fn check_alone(
        &self,
        text: &Spot<String>,
        expression: &Expression,
        word: &str,
        is_refused: &dyn Fn(Beyond) -> bool,
        findings: &mut Findings,
    ) -> bool {
        let reaches = expression.reaches().find(|(beyond, _)| is_refused(*beyond));
        if let Some((beyond, span)) = &reaches {
            let what = match beyond {
                Beyond::Nothing | Beyond::Silence => "must have a value",
                Beyond::Time => "does not depend on the time",
                Beyond::Chance => "does not depend on chance",
                Beyond::Domain => "does not depend on the target's domain",
                Beyond::Others => "is not unique",
                Beyond::Secrecy => "cannot be kept secret",
            };
            let message = format!("a {word} {what}");
            let diagnostic = Diagnostic::new(message, self.place(text, span), "has no meaning here");
            findings.error(diagnostic.with_hint("compute it from the person's attributes alone"));
        }
        reaches.is_none()
    }
}

/// Whether a text was probably meant to be a distinguished name: it has none of an expression's signs.
fn looks_fixed(text: &str) -> bool {
    text.contains('=') && !text.contains(['(', '[', '"'])
}
