//! Scoping filters as they stand in a job file: `[[scope.group]]`.

use std::fmt::{self, Write as _};

use super::groups::{Clause, ScopingFilter};

/// The groups as TOML. Read again, they are the same.
impl fmt::Display for ScopingFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, group) in self.groups().iter().enumerate() {
            if at > 0 {
                f.write_char('\n')?;
            }
            f.write_str("[[scope.group]]\n")?;
            if !group.name.is_empty() {
                writeln!(f, "name = {}", quoted(&group.name))?;
            }
            f.write_str("clauses = [\n")?;
            for clause in &group.clauses {
                writeln!(f, "  {},", table(clause))?;
            }
            f.write_str("]\n")?;
        }
        Ok(())
    }
}

fn table(clause: &Clause) -> String {
    let attribute = quoted(&clause.path().to_string());
    let operator = quoted(clause.operator().name);
    let value = match clause.values() {
        [] => String::new(),
        [one] => format!(", value = {}", quoted(one)),
        several => {
            let values: Vec<String> = several.iter().map(|value| quoted(value)).collect();
            format!(", values = [{}]", values.join(", "))
        }
    };
    format!("{{ attribute = {attribute}, operator = {operator}{value} }}")
}

/// A text as TOML writes it: literally where that spares escapes, as in regular expressions.
fn quoted(text: &str) -> String {
    let is_control = |c: char| c.is_control();
    if text.contains(['"', '\\']) && !text.contains(|c| c == '\'' || is_control(c)) {
        return format!("'{text}'");
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        // Writing to a `String` cannot fail.
        let _ = match c {
            '"' | '\\' => write!(quoted, "\\{c}"),
            c if is_control(c) => write!(quoted, "\\u{:04X}", u32::from(c)),
            c => write!(quoted, "{c}"),
        };
    }
    quoted.push('"');
    quoted
}
