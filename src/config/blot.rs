//! A job file that may be shown: whatever is assigned to something called a secret is blotted out (promise 8).
//!
//! It works on the bare text, because a file with a broken quote in it is shown as well. Lengths stay, so places do.
//! When in doubt it blots.

mod entry;

pub(super) use entry::names_password;

/// What directories keep passwords in.
pub(super) const DIRECTORY_PASSWORDS: [&str; 3] = ["unicodePwd", "userPassword", "dBCSPwd"];

/// Words in the name of a setting, or of a table, whose values are never shown.
const SECRET_WORDS: [&str; 4] = ["secret", "password", "token", "passphrase"];

/// Settings of such a table that say where the secret is, not what it is.
const SHOWN: [&str; 2] = ["env", "file"];

/// How long passwords are is nobody's secret.
const PASSWORD_LENGTH: &str = "password_chars";

/// The text with every secret blotted out, byte for byte.
pub(super) fn blotted(text: &str) -> String {
    let mut shown = text.to_owned();
    for hidden in entry::secrets(text) {
        let mut blots = String::with_capacity(hidden.len());
        blot(&mut blots, &text[hidden.clone()]);
        shown.replace_range(hidden, &blots);
    }
    by_name(&shown)
}

/// What is assigned to a name with a secret's word in it, or stands in a table of such a name, is blotted out.
fn by_name(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut is_secret_table = false;
    let mut open_quotes: Option<&str> = None;
    for line in text.split_inclusive('\n') {
        if let Some(quotes) = open_quotes {
            blot(&mut out, line);
            open_quotes = (!line.contains(quotes)).then_some(quotes);
        } else if line.trim_start().starts_with('[') {
            is_secret_table = secret_word(line).is_some();
            out.push_str(line);
        } else if is_secret_table {
            open_quotes = push_secret_line(&mut out, line);
        } else {
            open_quotes = push_line(&mut out, line);
        }
    }
    out
}

/// Pushes a line of a secret's table; says which quotes are still open at its end. What is given no name is a part of
/// what stands before it.
fn push_secret_line<'a>(out: &mut String, line: &'a str) -> Option<&'a str> {
    if line.contains('=') || line.trim_start().starts_with('#') {
        push_table(out, line)
    } else {
        blot(out, line)
    }
    let value = line.split_once('=')?.1.trim_start();
    let quotes = value.get(..3).filter(|quotes| matches!(*quotes, "\"\"\"" | "'''"))?;
    (!value[3..].contains(quotes)).then_some(quotes)
}

/// Pushes a line, blotted from the value of a secret on; says which quotes are still open at its end.
fn push_line<'a>(out: &mut String, line: &'a str) -> Option<&'a str> {
    let Some(begin) = secret_value(line) else {
        out.push_str(line);
        return None;
    };
    let (shown, hidden) = line.split_at(begin);
    out.push_str(shown);
    if let Some(inside) = hidden.strip_prefix('{') {
        out.push('{');
        push_table(out, inside);
        return None;
    }
    blot(out, hidden);
    let quotes = hidden.get(..3).filter(|quotes| matches!(*quotes, "\"\"\"" | "'''"))?;
    (!hidden[3..].contains(quotes)).then_some(quotes)
}

/// Where the value of a setting begins whose name has a secret's word in it.
fn secret_value(line: &str) -> Option<usize> {
    if line.split('=').next().is_some_and(|name| name.trim() == PASSWORD_LENGTH) {
        return None;
    }
    let word = secret_word(line)?;
    let equals = word + line[word..].find('=')?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-\"' \t".contains(&byte);
    let value = &line[equals + 1..];
    line[word..equals].bytes().all(is_name).then(|| line.len() - value.trim_start().len())
}

fn secret_word(line: &str) -> Option<usize> {
    let folded = line.to_ascii_lowercase();
    SECRET_WORDS.iter().filter_map(|word| folded.find(word)).min()
}

/// Pushes the inside of a secret's table: `env` and `file` are shown, the rest is blotted from its first value on.
fn push_table(out: &mut String, inside: &str) {
    let mut rest = inside;
    while let Some((name, value)) = rest.split_once('=') {
        out.push_str(name);
        out.push('=');
        let bare = name.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let end = value.find(',').map_or(value.len(), |at| at + 1);
        if !SHOWN.contains(&bare) {
            return blot(out, value);
        }
        out.push_str(&value[..end]);
        rest = &value[end..];
    }
    out.push_str(rest);
}

fn blot(out: &mut String, hidden: &str) {
    let blank = |byte: u8| byte.is_ascii_whitespace() || b"\"'".contains(&byte);
    out.extend(hidden.bytes().map(|byte| if blank(byte) { char::from(byte) } else { '*' }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(blotted(text), expected);
        assert_eq!(text.len(), expected.len());
    }

    #[test]
    fn what_is_assigned_to_a_secret_is_never_shown() {
        check("client_secret = \"hunter2\"\nx = 1\n", "client_secret = \"*******\"\nx = 1\n");
        check("client_secret = \"hun ter", "client_secret = \"*** ***");
        check("\"Password\"='ünter'", "\"Password\"='******'");
        check("a = { secret = 'x', b = 'y' }", "a = { secret = '*'* * * '*' *");
        check("secret = '''\nhunter\n2'''\nx = 1\n", "secret = '''\n******\n*'''\nx = 1\n");
    }

    #[test]
    fn what_stands_on_the_lines_behind_the_name_of_a_secret_is_not_shown_either() {
        check("client_secret =\n\"hun=er2\"\nx = 1\n", "client_secret =\n\"*******\"\nx = 1\n");
        check("client_secret = # x\n\n  'hunter2'\nx = 1\n", "client_secret = * *\n\n  '*******'\nx = 1\n");
        check("client_secret =\nx = 1\n", "client_secret =\nx = 1\n");
        check("secret = [\n 'hunter2',\n]\nx = 1\n", "secret = *\n '*******'*\n*\nx = 1\n");
        check("secret = {\n value = 'hunter2' }\nx = 1\n", "secret = *\n ***** * '*******' *\nx = 1\n");
        check("[secret]\nvalue =\n'hunter2'\n[x]\nx = 1\n", "[secret]\nvalue =\n'*******'\n[x]\nx = 1\n");
        check("[secret]\nvalue = '''\nhun=ter2\n'''\n[x]\n", "[secret]\nvalue = '''\n********\n'''\n[x]\n");
    }

    #[test]
    fn what_is_mapped_to_a_password_is_never_shown() {
        check(
            "map = [\n { to = \"unicodePwd\", constant = \"hun}t,r2\", apply = \"create\" }, # }\n { to = 'x', constant = 'y' }\n]",
            "map = [\n { to = \"unicodePwd\", constant = \"********\", apply = \"create\" }, # }\n { to = 'x', constant = 'y' }\n]",
        );
        check(
            "{ default = ['a', \"b\\\"c\"], \"to\" = 'dbcspwd' }",
            "{ default = *'*'* \"**\"*\"*, \"to\" = 'dbcspwd' }",
        );
        check(
            "[[target.hq.map]]\nexpression = '''\nhunter\n2'''\nto = \"USERPASSWORD\"\n[x]\nconstant = 1\n",
            "[[target.hq.map]]\nexpression = '''\n******\n*'''\nto = \"USERPASSWORD\"\n[x]\nconstant = 1\n",
        );
        check("map.to = 'urn:x:password'\nmap.constant = 5\n", "map.to = 'urn:x:password'\nmap.constant = *\n");
        // The name of the setting is wrong; the attribute says what it is.
        check("{ too = 'unicodePwd', constnat = 'x' }", "{ too = '**********', constnat = '*' }");
        check("{ to = \"passwordPolicies\", constant = 1 }", "{ to = \"passwordPolicies\", constant = 1 }");
    }

    #[test]
    fn beside_a_quote_that_nobody_closed_no_password_is_shown() {
        check("{ to = \"unicodePwd, constant = \"hunt\" },", "{ to = \"*********** ******** * \"****\" **");
        check("{ constant = \"hunt, to = \"unicodePwd\" },", "{ constant = \"***** ** * \"**********\" **");
        check("[[map]]\nto = \"unicodePwd\nconstant = 'ü'", "[[map]]\nto = \"**********\nconstant = '**'");
        check("[[map]]\nto = \"unicodePwd\"\nconstant = 'hunt", "[[map]]\nto = \"unicodePwd\"\nconstant = '****");
        check(
            "{ to = 'userPassword', constant = ['x' }\n[x]\na = 1",
            "{ to = 'userPassword', constant = *'*' }\n[x]\na = 1",
        );
    }

    #[test]
    fn where_a_secret_is_may_be_shown_and_what_it_is_may_not() {
        check("client_secret = { env = \"NAME\" }\n", "client_secret = { env = \"NAME\" }\n");
        check("secret = { env = \"N\", value = \"a,b=c\" }", "secret = { env = \"N\", value = \"*****\" *");
        check("[t.client_secret]\nfile = \"f\"\nvalue = \"x\"\n", "[t.client_secret]\nfile = \"f\"\nvalue = \"*\"\n");
    }

    #[test]
    fn what_only_speaks_of_secrets_is_shown() {
        check("# the secret is in the vault\n", "# the secret is in the vault\n");
        check("when = 'title eq \"Secretary\"'\n", "when = 'title eq \"Secretary\"'\n");
    }
}
