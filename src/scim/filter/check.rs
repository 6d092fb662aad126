//! Whether what a filter compares can ever be so: RFC 7644 §3.4.2.2 knows no order of truths, and none of bytes.

use crate::model::{Diagnostic, Path};
use crate::predicate::{Literal, Operand, Operator, Predicate};
use crate::scim::schema::{Kind, Type};

/// Adds what cannot be compared to what is wrong. Attributes that do not exist are another's to tell of.
pub(super) fn comparisons(
    predicate: &Predicate,
    kind_of: &dyn Fn(&Path) -> Result<Kind, Diagnostic>,
    wrong: &mut Vec<Diagnostic>,
) {
    match predicate {
        Predicate::And(all) | Predicate::Or(all) => all.iter().for_each(|part| comparisons(part, kind_of, wrong)),
        Predicate::Not(inner) | Predicate::Within(_, inner) => comparisons(inner, kind_of, wrong),
        Predicate::Compare(operand, operator, literal) => {
            if let Ok(kind) = kind_of(&operand.path) {
                wrong.extend(comparison(operand, *operator, literal, kind));
            }
        }
        Predicate::Present(_) | Predicate::Every(..) => {}
    }
}

fn comparison(operand: &Operand, operator: Operator, literal: &Literal, kind: Kind) -> Option<Diagnostic> {
    let Operand { path, span, .. } = operand;
    let asks_whether_equal = matches!(operator, Operator::Eq | Operator::Ne);
    let asks_for_order = matches!(operator, Operator::Gt | Operator::Ge | Operator::Lt | Operator::Le);
    match kind.what {
        Type::Boolean if !asks_whether_equal || !literal.reads_as_boolean() => Some(
            Diagnostic::new(format!("`{path}` is true or false"), span.clone(), "never anything else")
                .with_hint(format!("write `{path} eq true`")),
        ),
        Type::Binary if asks_for_order => Some(
            Diagnostic::new(format!("`{path}` holds bytes, which have no order"), span.clone(), "no order")
                .with_hint("use `eq`, `ne` or `pr`"),
        ),
        Type::Integer if !matches!(literal, Literal::Null) && !literal.reads_as_number() && asks_whether_equal => Some(
            Diagnostic::new(format!("`{path}` is a number"), span.clone(), "never equals anything else")
                .with_hint(format!("write `{path} eq 7`")),
        ),
        _ => None,
    }
}
