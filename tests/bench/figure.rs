//! One line of the table.

/// What was measured, what must be reached, and what could be reached at most.
pub(crate) struct Figure {
    pub(crate) work: &'static str,
    pub(crate) reached: String,
    pub(crate) must: &'static str,
    /// The same work with everything left out that can be, in the same run; and what that is.
    pub(crate) ceiling: String,
    pub(crate) holds: bool,
}

/// Prints the table as Markdown, as it stands in the README.
pub(crate) fn print(figures: &[Figure]) {
    println!("| work | must reach | reached | ceiling in the same run | |\n|---|---|---|---|---|");
    for figure in figures {
        let holds = if figure.holds { "yes" } else { "**no**" };
        println!("| {} | {} | {} | {} | {holds} |", figure.work, figure.must, figure.reached, figure.ceiling);
    }
}

/// A number with its thousands apart.
pub(crate) fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}
