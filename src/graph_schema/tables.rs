//! What the language of mappings and filters has, as Graph's tables say it.

use serde_json::{Value as Json, json};

use crate::expr::{self, Kind, Need};
use crate::scope;

/// Every function of the mapping language (`attributeMappingFunctionSchema`).
pub fn functions() -> Vec<Json> {
    let functions = expr::functions().iter().map(|function| {
        let parameters = function.parameters.iter().map(|parameter| {
            json!({
                "name": parameter.graph_name,
                "type": type_of(parameter.kind),
                "required": parameter.need != Need::Optional,
                "allowMultipleOccurrences": parameter.need == Need::Repeats,
            })
        });
        json!({ "name": function.name, "parameters": parameters.collect::<Vec<_>>() })
    });
    functions.collect()
}

fn type_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Any | Kind::Text | Kind::Interval | Kind::Word(_) => "String",
        Kind::Moment => "DateTime",
        Kind::Integer => "Integer",
        Kind::Condition => "Boolean",
    }
}

/// Every operator of scoping filters (`filterOperatorSchema`).
pub fn filter_operators() -> Vec<Json> {
    let operators = scope::operators().iter().map(|operator| {
        json!({
            "name": operator.name,
            "arity": operator.arity.word(),
            "multivaluedComparisonType": scope::MULTIVALUED_COMPARISON,
            "supportedAttributeTypes": operator.types.iter().map(|what| what.word()).collect::<Vec<_>>(),
        })
    });
    operators.collect()
}
