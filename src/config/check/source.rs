//! The source of a job: its columns, and what each of them fills.

use std::collections::{BTreeMap, BTreeSet};

use super::super::finding::Findings;
use super::super::meant::SourceMeant;
use super::super::spot::Spot;
use super::super::written::{
    AttributeWritten, CellKindWritten, ColumnTable, ColumnWritten, ConstantWritten, EmptyWritten, SourceKindWritten,
    SourceWritten,
};
use super::language::Language;
use super::{check_percent, constant};
use crate::graph_schema::Declared;
use crate::model::{Diagnostic, Name, Path, Span, Value};
use crate::overlay::NullFlow;
use crate::scim::schema::{CORE_USER, ENTERPRISE_USER};
use crate::scim::{Kind, Type, parse_path};
use crate::source::{CellKind, Column, ColumnTarget, CsvSettings, EmptyCell};

/// The attribute that names a person to the source.
const ANCHOR: &str = "externalId";

/// How many rows an export may lose in percent, where nothing is said: nobody lets go of a fifth of their people
/// between two exports, and a file that broke off loses more as a rule.
const ROWS_LOST_PERCENT_MAX: f64 = 20.0;

/// The source, checked.
pub(super) struct Checked {
    /// How it is read.
    pub(super) meant: SourceMeant,
    /// Where "empty" is taken at its word.
    pub(super) null_flow: NullFlow,
    /// What columns fill, by schema and attribute; `None` where anything may come.
    filled: Option<BTreeSet<(Option<Name>, Name)>>,
}

impl Checked {
    /// Whether anything of this attribute can come from the source.
    pub(super) fn fills(&self, path: &Path) -> bool {
        // The anchor is there whatever the columns say.
        let is_anchor = *path == Path::simple(ANCHOR);
        is_anchor
            || self.filled.as_ref().is_none_or(|filled| filled.contains(&(path.schema.clone(), path.attribute.clone())))
    }
}

/// The attributes a job declares itself, by schema and name: those it lists, and those its columns fill under a URN of
/// its own. A column's own word for what its texts are counts before that of the list.
pub(super) fn custom_attributes(source: &SourceWritten) -> BTreeMap<(Name, Name), Kind> {
    let mut custom = BTreeMap::new();
    for (path, written) in &source.attributes {
        if let Some(name) = own_name(path.value()) {
            custom.insert(name, kind_of(written.value()));
        }
    }
    for fill in source.columns.values().flat_map(fills) {
        let Some(name) = own_name(&fill.to) else { continue };
        let known = custom.entry(name).or_insert(Kind::CUSTOM);
        if let Some(word) = fill.more.and_then(|more| more.kind.as_ref()) {
            known.what = type_of(*word.value());
        }
    }
    custom
}

/// The schema and name of an attribute that is not SCIM's own.
fn own_name(path: &str) -> Option<(Name, Name)> {
    let path = parse_path(path).ok()?;
    Some((path.schema.filter(is_own)?, path.attribute))
}

/// The same, for a schema.
pub(super) fn declared(custom: &BTreeMap<(Name, Name), Kind>) -> Vec<Declared> {
    let path =
        |(schema, attribute): &(Name, Name)| Path { schema: Some(schema.clone()), ..Path::simple(attribute.as_str()) };
    custom.iter().map(|(name, kind)| Declared { path: path(name), kind: *kind }).collect()
}

fn kind_of(written: &AttributeWritten) -> Kind {
    match written {
        AttributeWritten::Kind(kind) => Kind { what: type_of(*kind), ..Kind::CUSTOM },
        AttributeWritten::Table(table) => {
            Kind { what: type_of(table.r#type), many: table.multi_valued, case_exact: table.case_exact }
        }
    }
}

fn type_of(kind: CellKindWritten) -> Type {
    match kind {
        CellKindWritten::Text => Type::Text,
        CellKindWritten::Boolean => Type::Boolean,
        CellKindWritten::Integer => Type::Integer,
    }
}

fn is_own(schema: &Name) -> bool {
    *schema != *CORE_USER && *schema != *ENTERPRISE_USER
}

/// One attribute that a column fills.
struct Fill<'a> {
    to: String,
    place: Spot<String>,
    more: Option<&'a ColumnTable>,
}

fn fills(column: &Spot<ColumnWritten>) -> Vec<Fill<'_>> {
    match column.value() {
        ColumnWritten::Path(to) => {
            vec![Fill { to: to.clone(), place: Spot::at(column.span(), to.clone()), more: None }]
        }
        ColumnWritten::Table(table) => {
            vec![Fill { to: table.to.value().clone(), place: table.to.clone(), more: Some(table) }]
        }
        ColumnWritten::Several(columns) => columns.iter().flat_map(fills).collect(),
    }
}

/// Checks the source.
pub(super) fn check(source: &SourceWritten, language: &Language<'_>, findings: &mut Findings) -> Checked {
    check_declared(source, language, findings);
    check_percent(source.rows_lost_percent_max.as_ref(), findings);
    let gates = source.flow_null.iter().filter_map(|path| language.path(path, findings));
    let null_flow = NullFlow(gates.map(|(path, _)| path).collect());
    match source.kind.value() {
        SourceKindWritten::Api => {
            refuse_columns(source, findings);
            Checked { meant: SourceMeant::Api, null_flow, filled: None }
        }
        SourceKindWritten::Csv => {
            let columns = check_columns(source, &null_flow, language, findings);
            let filled = columns.iter().map(|column| filled_by(&column.to)).collect();
            let settings = CsvSettings {
                delimiter: source.delimiter.as_ref().and_then(|delimiter| delimiter_of(delimiter, findings)),
                columns,
                rows_lost_percent_max: Some(
                    source.rows_lost_percent_max.as_ref().map_or(ROWS_LOST_PERCENT_MAX, |percent| *percent.value()),
                ),
            };
            Checked { meant: SourceMeant::Csv(settings), null_flow, filled: Some(filled) }
        }
    }
}

fn filled_by(target: &ColumnTarget) -> (Option<Name>, Name) {
    match target {
        ColumnTarget::Anchor => (None, Name::new(ANCHOR)),
        ColumnTarget::Attribute(path) => (path.schema.clone(), path.attribute.clone()),
    }
}

fn check_declared(source: &SourceWritten, language: &Language<'_>, findings: &mut Findings) {
    for path in source.attributes.keys() {
        let Some((read, _)) = language.path(path, findings) else { continue };
        if read.schema.as_ref().is_none_or(|schema| !is_own(schema)) {
            let message = format!("`{read}` is SCIM's own and needs no declaration");
            findings.error(Diagnostic::new(message, path.span(), "known already").with_hint("take it out"));
        }
    }
}

fn refuse_columns(source: &SourceWritten, findings: &mut Findings) {
    for column in source.columns.keys() {
        let message = "a source of kind `api` has no columns";
        let diagnostic = Diagnostic::new(message, column.span(), "no meaning here");
        findings.error(diagnostic.with_hint("uploads name attributes themselves; or say `kind = \"csv\"`"));
    }
}

fn delimiter_of(delimiter: &Spot<String>, findings: &mut Findings) -> Option<u8> {
    match delimiter.value().as_str() {
        "auto" => None,
        "tab" => Some(b'\t'),
        one if one.len() == 1 && one.is_ascii() && !"\"\r\n".contains(one) => one.bytes().next(),
        _ => {
            let diagnostic = Diagnostic::new("the delimiter is not one character", delimiter.span(), "not a delimiter");
            findings.error(diagnostic.with_hint("write `auto`, `tab`, or the character itself: `,`, `;`, `|`"));
            None
        }
    }
}

fn check_columns(
    source: &SourceWritten,
    gates: &NullFlow,
    language: &Language<'_>,
    findings: &mut Findings,
) -> Vec<Column> {
    let mut columns = Vec::new();
    let mut filled: BTreeMap<Path, Span> = BTreeMap::new();
    for (header, written) in &source.columns {
        for fill in fills(written) {
            let Some((path, kind)) = language.path(&fill.place, findings) else { continue };
            if let Some(first) = filled.get(&path) {
                let message = format!("two columns fill `{path}`");
                let diagnostic = Diagnostic::new(message, fill.place.span(), "filled again here");
                findings.error_beside(diagnostic, first.clone(), "first filled here");
            }
            if let Some(column) = column(header.value(), &path, kind, &fill, gates, findings) {
                columns.push(column);
            }
            filled.insert(path, fill.place.span());
        }
    }
    if !filled.contains_key(&Path::simple(ANCHOR)) {
        let diagnostic =
            Diagnostic::new("no column holds the anchor", source.kind.span(), "a person needs an identifier");
        findings.error(diagnostic.with_hint(
            "name the column with the source's own key under `[source.columns]`: `WorkerID = \"externalId\"`",
        ));
    }
    columns
}

fn column(
    header: &str,
    path: &Path,
    kind: Kind,
    fill: &Fill<'_>,
    gates: &NullFlow,
    findings: &mut Findings,
) -> Option<Column> {
    let to = if *path == Path::simple(ANCHOR) { ColumnTarget::Anchor } else { ColumnTarget::Attribute(path.clone()) };
    let mut column = Column { kind: cell_kind(kind), ..Column::new(header, to) };
    let Some(more) = fill.more else { return Some(column) };
    if let Some(kind) = &more.kind {
        column.kind = written_kind(*kind.value());
    }
    if let Some(empty) = &more.empty {
        column.empty = match empty.value() {
            EmptyWritten::Absent => EmptyCell::Absent,
            EmptyWritten::Clear => EmptyCell::Clear,
        };
        if column.empty == EmptyCell::Clear && !gates.0.iter().any(|gate| is_gate_of(gate, path)) {
            let message = format!("`empty = \"clear\"` has no effect: `{path}` is not in `source.flow_null`");
            findings.warning(
                Diagnostic::new(message, empty.span(), "nothing is cleared")
                    .with_hint("add the path to `source.flow_null`, and `flow_null = true` to what it is mapped to"),
            );
        }
    }
    let split = more.split.as_ref().map(|split| split_of(split, kind, findings));
    let values: Vec<Option<(String, Value)>> =
        more.values.iter().map(|(text, value)| cell_value(text, value, path, kind, findings)).collect();
    column.split = match split {
        Some(split) => Some(split?),
        None => None,
    };
    column.values = values.into_iter().collect::<Option<_>>()?;
    Some(column)
}

fn is_gate_of(gate: &Path, path: &Path) -> bool {
    gate.schema == path.schema
        && gate.attribute == path.attribute
        && (gate.sub.is_none() || gate.sub == path.sub)
        && (gate.selector.is_none() || gate.selector == path.selector)
}

fn cell_kind(kind: Kind) -> CellKind {
    match kind.what {
        Type::Boolean => CellKind::Boolean,
        Type::Integer => CellKind::Integer,
        _ => CellKind::Text,
    }
}

fn written_kind(kind: CellKindWritten) -> CellKind {
    match kind {
        CellKindWritten::Text => CellKind::Text,
        CellKindWritten::Boolean => CellKind::Boolean,
        CellKindWritten::Integer => CellKind::Integer,
    }
}

fn split_of(split: &Spot<String>, kind: Kind, findings: &mut Findings) -> Option<char> {
    let mut characters = split.value().chars();
    match (characters.next(), characters.next()) {
        (Some(_), None) if !kind.many => {
            findings.error(Diagnostic::new(
                "an attribute with one value is not split",
                split.span(),
                "no meaning here",
            ));
            None
        }
        (Some(one), None) => Some(one),
        _ => {
            findings.error(Diagnostic::new("values are split at one character", split.span(), "not one character"));
            None
        }
    }
}

fn cell_value(
    text: &Spot<String>,
    value: &Spot<ConstantWritten>,
    path: &Path,
    kind: Kind,
    findings: &mut Findings,
) -> Option<(String, Value)> {
    let fits = match (kind.what, value.value()) {
        (_, ConstantWritten::List(_)) => false,
        (Type::Boolean, ConstantWritten::Boolean(_)) | (Type::Integer, ConstantWritten::Integer(_)) => true,
        (Type::Boolean | Type::Integer, _) => false,
        (_, value) => matches!(value, ConstantWritten::Text(_)),
    };
    if !fits {
        let wanted = match kind.what {
            Type::Boolean => "true or false",
            Type::Integer => "a whole number",
            _ => "a text",
        };
        findings.error(Diagnostic::new(format!("`{path}` holds {wanted}"), value.span(), format!("must be {wanted}")));
        return None;
    }
    Some((text.value().clone(), constant(value.value())))
}
