//! An expression as Graph describes it: a tree of `attributeMappingSource`, both ways.
//!
//! Graph keeps an expression twice, as text and as a tree (`facts/entra.md` §2.2). The text says more (a number stands
//! in the tree as the text `"1"`), so it is believed where both are there.

use serde::{Deserialize, Serialize};

use crate::model::{Diagnostic, Path};

use super::functions::{Function, Need, find};
use super::node::{Call, Node, Term, quoted};
use super::{DEPTH_MAX, EXPRESSION_CHARACTERS_MAX, Expression};

/// What a part of an expression is (`attributeMappingSourceType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum TreeType {
    /// An attribute of the source.
    #[default]
    Attribute,
    /// A text or number that stands there.
    Constant,
    /// A function, and what it is given.
    Function,
}

/// A part of an expression as Graph has it (`attributeMappingSource`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Tree {
    /// Its text.
    pub expression: String,
    /// The attribute, the constant, or the function.
    pub name: String,
    /// What a function is given. What was left out is left out here, too.
    pub parameters: Vec<TreeParameter>,
    /// What it is.
    #[serde(rename = "type")]
    pub what: TreeType,
}

/// What a function is given, and in which place.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TreeParameter {
    /// The parameter's name. Those that repeat come with the same name again.
    pub key: String,
    /// What stands there.
    pub value: Tree,
}

impl Tree {
    /// An attribute or a constant, by its name, with the text it has in an expression.
    pub fn leaf(what: TreeType, name: String) -> Self {
        let expression = if what == TreeType::Attribute { format!("[{name}]") } else { quoted(&name) };
        Self { expression, name, parameters: Vec::new(), what }
    }
}

impl Expression {
    /// The same as a tree.
    pub fn tree(&self) -> Tree {
        // Its own text, so that a number alone stays one.
        Tree { expression: self.to_string(), ..tree(&self.root) }
    }

    /// The expression a tree is. Its text is read; where it has none, its parts are.
    ///
    /// # Errors
    /// As [`Expression::parse`], in bytes of the text that was read; and where a part has no place in its function.
    pub fn from_tree(tree: &Tree, parse_path: &dyn Fn(&str) -> Result<Path, Diagnostic>) -> Result<Self, Diagnostic> {
        if !tree.expression.trim().is_empty() {
            return Self::parse(&tree.expression, parse_path);
        }
        Self::parse(&text(tree, 0)?, parse_path)
    }
}

fn tree(node: &Node) -> Tree {
    let leaf = |what, name: String, expression| Tree { expression, name, parameters: Vec::new(), what };
    match &node.term {
        Term::Attribute(path) => leaf(TreeType::Attribute, path.to_string(), node.to_string()),
        Term::Text(text) => leaf(TreeType::Constant, text.clone(), node.to_string()),
        // As Graph's own sample has numbers: in quotes.
        Term::Empty | Term::Integer { .. } | Term::Boolean(_) | Term::Word(_) => {
            let name = node.to_string();
            let expression = quoted(&name);
            leaf(TreeType::Constant, name, expression)
        }
        Term::Call(call) => Tree {
            expression: node.to_string(),
            name: call.function.name.to_owned(),
            parameters: parameters(call),
            what: TreeType::Function,
        },
        Term::Comparison(comparison) => {
            let side = |key: &str, node: &Node| TreeParameter { key: key.to_owned(), value: tree(node) };
            Tree {
                expression: node.to_string(),
                name: comparison.operator.as_str().to_owned(),
                parameters: vec![side(LEFT, &comparison.left), side(RIGHT, &comparison.right)],
                what: TreeType::Function,
            }
        }
    }
}

/// Graph has no published words for the sides of a comparison; these are ours.
const LEFT: &str = "value1";
const RIGHT: &str = "value2";

fn parameters(call: &Call) -> Vec<TreeParameter> {
    let given = call.arguments.iter().enumerate().filter(|(_, node)| node.term != Term::Empty);
    given
        .map(|(at, node)| TreeParameter { key: call.function.parameter(at).graph_name.to_owned(), value: tree(node) })
        .collect()
}

/// The text of a tree that has none, from its parts.
fn text(tree: &Tree, depth: usize) -> Result<String, Diagnostic> {
    if depth > DEPTH_MAX {
        return Err(wrong(tree, format!("calls stand more than {DEPTH_MAX} deep in each other")));
    }
    match tree.what {
        TreeType::Attribute => Ok(format!("[{}]", tree.name)),
        TreeType::Constant => Ok(quoted(&tree.name)),
        TreeType::Function if tree.name.starts_with(['=', '<', '>']) => match tree.parameters.as_slice() {
            [left, right] => Ok(format!("{} {} {}", part(&left.value, depth)?, tree.name, part(&right.value, depth)?)),
            _ => Err(wrong(tree, "a comparison has two sides".to_owned())),
        },
        TreeType::Function => call_text(tree, depth),
    }
}

fn part(tree: &Tree, depth: usize) -> Result<String, Diagnostic> {
    let is_constant = tree.what == TreeType::Constant;
    if tree.expression.is_empty() || is_constant { text(tree, depth + 1) } else { Ok(tree.expression.clone()) }
}

fn call_text(tree: &Tree, depth: usize) -> Result<String, Diagnostic> {
    let Some(function) = find(&tree.name) else {
        return Err(wrong(tree, format!("there is no function `{}`", tree.name)));
    };
    let mut slots: Vec<String> = Vec::new();
    for given in &tree.parameters {
        let at = slot(function, &given.key, &slots)
            .ok_or_else(|| wrong(tree, format!("`{}` has no parameter `{}`", function.name, given.key)))?;
        if slots.len() <= at {
            slots.resize(at + 1, String::new());
        }
        slots[at] = written(&given.value, function, at, depth)?;
        if slots.iter().map(String::len).sum::<usize>() > EXPRESSION_CHARACTERS_MAX * 4 {
            return Err(wrong(tree, format!("the expression is longer than {EXPRESSION_CHARACTERS_MAX} characters")));
        }
    }
    Ok(format!("{}({})", function.name, slots.join(", ")))
}

/// A constant stands in the tree as a text; where a number must stand, it is one again.
fn written(value: &Tree, function: &Function, at: usize, depth: usize) -> Result<String, Diagnostic> {
    let is_bare = value.what == TreeType::Constant && !function.parameter(at).kind.admits_text();
    if is_bare { Ok(value.name.clone()) } else { part(value, depth) }
}

/// The place of a parameter: by its name, and of those that repeat the next that is free.
fn slot(function: &Function, key: &str, taken: &[String]) -> Option<usize> {
    let is_called = |at: usize| {
        let parameter = function.parameter(at);
        parameter.graph_name.eq_ignore_ascii_case(key) || parameter.name.eq_ignore_ascii_case(key)
    };
    let named = (0..function.parameters.len()).find(|at| is_called(*at))?;
    if function.parameter(named).need != Need::Repeats {
        return Some(named);
    }
    (named..=taken.len().max(named) + function.parameters.len())
        .find(|at| is_called(*at) && taken.get(*at).is_none_or(String::is_empty))
}

fn wrong(tree: &Tree, message: String) -> Diagnostic {
    Diagnostic::new(message, 0..0, tree.name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::tests::{parse, parse_path};

    fn read(json: &str) -> Tree {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_tree_is_as_graph_prints_it() {
        let parsed = parse(r#"Replace([preferredLanguage],"-", , ,"_", , )"#).unwrap();
        let expected = serde_json::json!({
            "expression": r#"Replace([preferredLanguage], "-", , , "_", , )"#,
            "name": "Replace",
            "parameters": [
                { "key": "source", "value": {
                    "expression": "[preferredLanguage]", "name": "preferredLanguage", "parameters": [], "type": "Attribute",
                } },
                { "key": "Find", "value": {
                    "expression": "\"-\"", "name": "-", "parameters": [], "type": "Constant",
                } },
                { "key": "Replacement", "value": {
                    "expression": "\"_\"", "name": "_", "parameters": [], "type": "Constant",
                } },
            ],
            "type": "Function",
        });
        assert_eq!(serde_json::to_value(parsed.tree()).unwrap(), expected);
    }

    #[test]
    fn numbers_stand_in_a_tree_as_texts_and_are_numbers_again() {
        let parsed = parse("Mid([userPrincipalName], 1, 8)").unwrap();
        let mut tree = parsed.tree();
        assert_eq!(tree.parameters[1].value.expression, "\"1\"");
        tree.expression.clear();
        assert_eq!(Expression::from_tree(&tree, &parse_path).unwrap(), parsed);
    }

    #[test]
    fn what_repeats_is_put_back_in_order_and_what_was_left_out_stays_out() {
        for text in [
            r#"Switch([a], , "x", "1", "y", "2")"#,
            r#"Join("-", [a], "b", [c])"#,
            r#"Replace([a], "b", , , , , "c")"#,
            r#"IIF([a] = "x", [b], IIF([c] <> "y", "1", "2"))"#,
        ] {
            let parsed = parse(text).unwrap();
            let mut tree = parsed.tree();
            strip(&mut tree);
            assert_eq!(Expression::from_tree(&tree, &parse_path).unwrap(), parsed, "{text}");
        }
    }

    fn strip(tree: &mut Tree) {
        tree.expression.clear();
        tree.parameters.iter_mut().for_each(|parameter| strip(&mut parameter.value));
    }

    #[test]
    fn a_tree_without_text_says_what_has_no_place() {
        let message = |json: &str| Expression::from_tree(&read(json), &parse_path).unwrap_err().message;
        assert_eq!(message(r#"{ "type": "Function", "name": "Nope" }"#), "there is no function `Nope`");
        let stranger = r#"{ "type": "Function", "name": "ToLower", "parameters": [{ "key": "x", "value": {} }] }"#;
        assert_eq!(message(stranger), "`ToLower` has no parameter `x`");
    }

    #[test]
    fn a_bottomless_tree_is_refused() {
        let mut deep = read(r#"{ "type": "Attribute", "name": "a" }"#);
        for _ in 0..=DEPTH_MAX + 1 {
            let parameters = vec![TreeParameter { key: "source".to_owned(), value: deep }];
            deep = Tree { name: "ToLower".to_owned(), what: TreeType::Function, parameters, ..Tree::default() };
        }
        assert!(Expression::from_tree(&deep, &parse_path).is_err());
    }
}
