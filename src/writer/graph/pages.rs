//! Lists that come in pages (`facts/graph_users.md` §5): a short page, or an empty one, is not the end of a list.

use serde_json::Value as Json;

use super::call::{Answer, Call, Lost};
use super::desk::Desk;
use super::query::Query;
use crate::writer::until::Until;

/// Most pages that are read of one list. Whoever searches for one value finds nobody or one, and the pages before that
/// are empty ones, of which Graph sends a few; deleted accounts of one value are a few as well, a hundred to a page.
const PAGES_MAX: usize = 20;

/// Where the next page is; a whole address.
const NEXT: &str = "@odata.nextLink";

/// The list whose first page is `first`, to its end, or until there are `enough` in it. An answer that is no page, be it
/// the first or a later one, is given back as it is.
///
/// # Errors
/// [`Lost`] where the list has no end that can be reached: then nobody knows who is not in it.
pub(super) async fn whole(
    desk: &Desk,
    advanced: bool,
    first: Answer,
    enough: usize,
    until: Until,
) -> Result<Answer, Lost> {
    let mut page = first;
    let mut held = Vec::new();
    for read in 1..=PAGES_MAX {
        if page.status != 200 {
            return Ok(page);
        }
        let Some(Json::Array(on_page)) = page.body.remove("value") else { return Ok(page) };
        held.extend(on_page);
        let next = page.body.remove(NEXT).filter(|next| !next.is_null() && held.len() < enough);
        let Some(next) = next else {
            page.body.insert("value".to_owned(), Json::Array(held));
            return Ok(page);
        };
        let Some(path) = next.as_str().and_then(|next| behind(desk.base(), next)) else {
            return Err(Lost::unsent(None, format!("Graph says that its list goes on elsewhere: {next}")));
        };
        if read == PAGES_MAX {
            break;
        }
        // What made it an advanced query must be said again of every page.
        let mut call = Call::get(Query { path: path.to_owned(), advanced });
        call.prompt = true;
        page = desk.hand_in(call, until).wait().await?;
    }
    Err(Lost::unsent(None, format!("Graph's list has no end within {PAGES_MAX} pages; who is in it is not known")))
}

/// The path behind the version; `None` where the address is not Graph's, for a token goes nowhere else.
fn behind<'a>(base: &str, address: &'a str) -> Option<&'a str> {
    let (start, path) = address.split_at_checked(base.len())?;
    (start.eq_ignore_ascii_case(base) && path.starts_with('/')).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_at_graph_and_nowhere_else() {
        let base = "https://graph.microsoft.com/v1.0";
        let path = "/users?$filter=a%20eq%20'b'&$skiptoken=x";
        assert_eq!(behind(base, &format!("{base}{path}")), Some(path));
        assert_eq!(behind(base, &format!("https://Graph.microsoft.com/v1.0{path}")), Some(path));
        for other in
            ["https://graph.microsoft.com/v1.0.example/users", "https://graph.example/v1.0/users", "/users", base]
        {
            assert_eq!(behind(base, other), None, "{other}");
        }
    }
}
