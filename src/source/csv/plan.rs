//! The shape of every record of an export, worked out once from the paths of its columns.

use crate::model::{Attributes, Name, Path, Selector, Value};

/// Attributes and the columns that fill them: what setting each path in turn would make.
///
/// The one difference: the values of a multi-valued attribute stand in the order of the columns,
/// also where a cell before them is empty.
#[derive(Debug, Default)]
pub(super) struct Plan(Parts);

type Parts = Vec<(Name, Node)>;

#[derive(Debug)]
enum Node {
    /// The column, by its place among the mapped ones.
    Column(usize),
    Parts(Parts),
    Elements(Vec<Element>),
}

/// One value of a multi-valued attribute, chosen by its selector.
#[derive(Debug)]
struct Element {
    selector: Selector,
    parts: Parts,
}

/// Two columns would overwrite one another.
#[derive(Debug)]
pub(super) struct Clash;

impl Plan {
    /// Lets `column` fill what `path` points at.
    ///
    /// # Errors
    /// [`Clash`] when another column fills it, or something around it.
    pub(super) fn add(&mut self, path: &Path, column: usize) -> Result<(), Clash> {
        let within = match &path.schema {
            None => &mut self.0,
            Some(urn) => parts_at(&mut self.0, urn)?,
        };
        let (parts, name) = match (&path.selector, &path.sub) {
            (None, None) => (within, path.attribute.clone()),
            (None, Some(sub)) => (parts_at(within, &path.attribute)?, sub.clone()),
            (Some(selector), sub) => {
                let name = sub.clone().unwrap_or_else(|| Name::new("value"));
                if name == selector.sub {
                    return Err(Clash);
                }
                (element_at(within, &path.attribute, selector)?, name)
            }
        };
        match find(parts, &name) {
            Ok(_) => Err(Clash),
            Err(at) => {
                parts.insert(at, (name, Node::Column(column)));
                Ok(())
            }
        }
    }

    /// The attributes that `value` fills, column by column; `None` leaves one out.
    ///
    /// # Errors
    /// Whatever `value` says.
    pub(super) fn fill<E>(&self, value: &impl Fn(usize) -> Result<Option<Value>, E>) -> Result<Attributes, E> {
        fill_parts(&self.0, value)
    }
}

fn fill_parts<E>(parts: &[(Name, Node)], value: &impl Fn(usize) -> Result<Option<Value>, E>) -> Result<Attributes, E> {
    let mut filled = Attributes::with_capacity(parts.len());
    for (name, node) in parts {
        let held = match node {
            Node::Column(column) => value(*column)?,
            Node::Parts(parts) => Some(fill_parts(parts, value)?).filter(|a| !a.is_empty()).map(Value::Complex),
            Node::Elements(elements) => fill_elements(elements, value)?,
        };
        if let Some(held) = held {
            filled.set(name.clone(), held);
        }
    }
    Ok(filled)
}

fn fill_elements<E>(
    elements: &[Element],
    value: &impl Fn(usize) -> Result<Option<Value>, E>,
) -> Result<Option<Value>, E> {
    let mut filled = Vec::with_capacity(elements.len());
    for Element { selector, parts } in elements {
        let mut attributes = fill_parts(parts, value)?;
        if !attributes.is_empty() {
            attributes.set(selector.sub.clone(), Value::text(selector.value.as_str()));
            filled.push(Value::Complex(attributes));
        }
    }
    Ok((!filled.is_empty()).then_some(Value::Many(filled)))
}

fn find(parts: &[(Name, Node)], name: &Name) -> Result<usize, usize> {
    parts.binary_search_by(|(held, _)| held.cmp(name))
}

/// The node under `name`; `make` gives the first one.
fn node_at<'a>(parts: &'a mut Parts, name: &Name, make: fn() -> Node) -> &'a mut Node {
    let at = find(parts, name).unwrap_or_else(|at| {
        parts.insert(at, (name.clone(), make()));
        at
    });
    &mut parts[at].1
}

fn parts_at<'a>(parts: &'a mut Parts, name: &Name) -> Result<&'a mut Parts, Clash> {
    match node_at(parts, name, || Node::Parts(Vec::new())) {
        Node::Parts(inner) => Ok(inner),
        Node::Column(_) | Node::Elements(_) => Err(Clash),
    }
}

fn element_at<'a>(parts: &'a mut Parts, name: &Name, selector: &Selector) -> Result<&'a mut Parts, Clash> {
    let Node::Elements(elements) = node_at(parts, name, || Node::Elements(Vec::new())) else { return Err(Clash) };
    let same = |held: &Selector| held.sub == selector.sub && held.value.eq_ignore_ascii_case(&selector.value);
    let at = elements.iter().position(|element| same(&element.selector)).unwrap_or_else(|| {
        elements.push(Element { selector: selector.clone(), parts: Vec::new() });
        elements.len() - 1
    });
    Ok(&mut elements[at].parts)
}
