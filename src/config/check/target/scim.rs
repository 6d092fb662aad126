//! Targets of kind `scim`: how an app is reached, and which of its attributes a mapping may write.

use std::path::Path as FilePath;

use super::{address, refuse, required, secret_source, span_of};
use crate::config::finding::Findings;
use crate::config::meant::{Connection, ScimConnection, ScimLogin};
use crate::config::spot::Spot;
use crate::config::written::{MapWritten, TargetWritten};
use crate::mapping::Shape;
use crate::model::{ACCOUNT_ENABLED, Diagnostic, MANAGER, Name, Path};
use crate::scim::schema::{self, Type};
use crate::scim::{check_path, parse_path, target};

/// Without it a SCIM service makes no user (RFC 7643 §4.1).
pub(super) const REQUIRED: &str = "userName";

/// What the app itself sets, or keeps elsewhere.
const READ_ONLY: [&str; 4] = ["id", "meta", "schemas", "groups"];

/// How the app is reached.
pub(super) fn connection(
    name: &Spot<String>,
    written: &TargetWritten,
    folder: &FilePath,
    findings: &mut Findings,
) -> Option<Connection> {
    let others = [
        ("authority", span_of(&written.authority)),
        ("tenant", span_of(&written.tenant)),
        ("folder", span_of(&written.folder)),
        ("domain", span_of(&written.domain)),
        ("naming", span_of(&written.naming)),
        ("container", span_of(&written.container)),
        ("writes_max", span_of(&written.writes_max)),
        ("writes_seconds", span_of(&written.writes_seconds)),
    ];
    refuse(&others, "scim", findings);
    let base_url = required(name, "base_url", &written.base_url, findings)
        .and_then(|_| address(&written.base_url, "", findings))
        .and_then(|url| without_query(url, written, findings));
    let login = login(name, written, folder, findings);
    Some(Connection::Scim(Box::new(ScimConnection { base_url: base_url?, login: login? })))
}

/// Paths are added behind the address, so nothing may stand behind it already.
fn without_query(url: url::Url, written: &TargetWritten, findings: &mut Findings) -> Option<url::Url> {
    if url.query().is_none() && url.fragment().is_none() {
        return Some(url);
    }
    let span = span_of(&written.base_url)?;
    let diagnostic =
        Diagnostic::new("the address of an app has nothing behind its path", span, "not an address of one");
    findings.error(diagnostic.with_hint("write it as in `https://app.example/scim/v2`"));
    None
}

fn login(
    name: &Spot<String>,
    written: &TargetWritten,
    folder: &FilePath,
    findings: &mut Findings,
) -> Option<ScimLogin> {
    let of_client = [
        ("client_id", span_of(&written.client_id)),
        ("client_secret", span_of(&written.client_secret)),
        ("token_url", span_of(&written.token_url)),
        ("scope", span_of(&written.scope)),
    ];
    let Some(token) = &written.token else {
        if of_client.iter().all(|(_, span)| span.is_none()) {
            let message = format!("the target `{}` does not say how muster proves who it is", name.value());
            let hint = "write `token = { env = \"NAME\" }`, or `token_url`, `client_id` and `client_secret`";
            findings.error(Diagnostic::new(message, name.span(), "`token` is missing").with_hint(hint));
            return None;
        }
        return client(name, written, folder, findings);
    };
    for (setting, span) in of_client {
        if let Some(span) = span {
            let message = format!("`{setting}` has no meaning beside a `token`");
            let diagnostic = Diagnostic::new(message, span, "one of the two").with_hint("take one of them out");
            findings.error_beside(diagnostic, token.span(), "the token is read here");
        }
    }
    secret_source(token, folder, findings).map(ScimLogin::Token)
}

fn client(
    name: &Spot<String>,
    written: &TargetWritten,
    folder: &FilePath,
    findings: &mut Findings,
) -> Option<ScimLogin> {
    let token_url = required(name, "token_url", &written.token_url, findings)
        .and_then(|_| address(&written.token_url, "", findings));
    let client_id = required(name, "client_id", &written.client_id, findings);
    let client_secret = match &written.client_secret {
        Some(secret) => secret_source(secret, folder, findings),
        None => {
            let message = format!("the target `{}` does not say where its `client_secret` is read", name.value());
            findings.error(Diagnostic::new(message, name.span(), "`client_secret` is missing"));
            None
        }
    };
    Some(ScimLogin::Client {
        token_url: token_url?,
        client_id: client_id?.value().clone(),
        client_secret: client_secret?,
        scope: written.scope.as_ref().map(|scope| scope.value().clone()).unwrap_or_default(),
    })
}

/// What the core calls the attribute a mapping writes; as it is written where it is none.
pub(super) fn name(to: &str) -> Name {
    parse_path(to).map_or_else(|_| Name::new(to), |path| target::core_name(&path))
}

/// What the app holds under this path; `None` where it is nothing a mapping may write.
pub(super) fn shape(to: &Spot<String>, findings: &mut Findings) -> Option<Shape> {
    let text = to.value();
    let said = if text.eq_ignore_ascii_case(ACCOUNT_ENABLED) {
        Err(not_writable(format!("a SCIM user has no `{text}`"), "did you mean `active`?"))
    } else if text.eq_ignore_ascii_case(MANAGER) {
        let hint = format!("did you mean `{}`?", target::manager());
        Err(not_writable(format!("a SCIM user has no `{text}`"), &hint))
    } else {
        parse_path(text).and_then(|path| shape_at(&path))
    };
    said.map_err(|diagnostic| findings.error(Diagnostic { span: to.span(), ..diagnostic })).ok()
}

fn not_writable(message: String, hint: &str) -> Diagnostic {
    Diagnostic::new(message, 0..0, "not an attribute that can be written").with_hint(hint)
}

fn shape_at(path: &Path) -> Result<Shape, Diagnostic> {
    let is_core = |name: &str| path.schema.is_none() && path.attribute == *name;
    if READ_ONLY.into_iter().any(is_core) {
        return Err(not_writable(format!("`{path}` is read-only in SCIM"), "take it out: the app sets it itself"));
    }
    if is_core("password") {
        return Err(not_writable(
            "passwords are not mapped".to_owned(),
            "take it out: people come in by single sign-on",
        ));
    }
    if target::core_name(path) == *MANAGER {
        return Ok(Shape::Text);
    }
    // Only the app knows what stands under a URN of its own, and of what type it is.
    let of_its_own = |path: &Path| path.schema.as_ref().is_some_and(|urn| schema::schema(urn.as_str()).is_none());
    let kind = check_path(path, &of_its_own)?;
    if of_its_own(path) {
        return Ok(Shape::AsItComes);
    }
    match (kind.what, kind.many) {
        (Type::Complex, false) => Err(part_by_part(path)),
        (_, true) if path.sub.is_some() => Err(which_of_them(path)),
        // As the source has them: all of them, with all their parts.
        (Type::Complex, true) => Ok(Shape::AsItComes),
        (Type::Boolean, _) => Ok(Shape::Boolean),
        (Type::Integer, _) => Ok(Shape::AsItComes),
        (Type::Text | Type::DateTime | Type::Reference | Type::Binary, _) => Ok(Shape::Text),
    }
}

/// Reports attributes that are mapped as a whole and, besides, in part: each would undo the other.
pub(super) fn check_overlap(map: &[Spot<MapWritten>], findings: &mut Findings) {
    let paths = map.iter().map(|map| &map.value().to).filter_map(|to| Some((parse_path(to.value()).ok()?, to)));
    let paths: Vec<(Path, &Spot<String>)> = paths.collect();
    let is_whole = |path: &Path| path.selector.is_none() && path.sub.is_none();
    for (part, to) in paths.iter().filter(|(path, _)| !is_whole(path)) {
        let holds_it = |whole: &Path| whole.schema == part.schema && whole.attribute == part.attribute;
        if let Some((whole, all)) = paths.iter().find(|(path, _)| is_whole(path) && holds_it(path)) {
            let message = format!("`{part}` is mapped twice: it is a part of `{whole}`");
            let diagnostic = Diagnostic::new(message, to.span(), "mapped again here");
            findings.error_beside(
                diagnostic.with_hint("take one of the two out"),
                all.span(),
                "mapped as a whole here",
            );
        }
    }
}

fn part_by_part(path: &Path) -> Diagnostic {
    let parts = schema::attribute_of(path).map_or(&[][..], |attribute| &attribute.parts);
    let part = parts.first().map_or("value", |part| part.name.as_str());
    not_writable(format!("`{path}` is written part by part"), &format!("write it as in `{path}.{part}`"))
}

fn which_of_them(path: &Path) -> Diagnostic {
    let sub = path.sub.as_ref().map_or("value", Name::as_str);
    let hint = format!("write it as in `{}[type eq \"work\"].{sub}`", path.attribute);
    not_writable(format!("`{path}` may stand for several values"), &hint)
}
