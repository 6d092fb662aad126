//! .NET's custom and standard format strings for dates: from `yyyy-MM-dd` to its parts.
//!
//! Source: ".NET: Custom date and time format strings" and "Standard date and time format strings".

/// How a date is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    pub(super) parts: Vec<Part>,
}

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Nothing in it.
    #[error("a date format cannot be empty")]
    Empty,
    /// One letter alone stands for a whole format; this one for none.
    #[error("`{0}` alone stands for no date format")]
    Standard(char),
    /// A quote that is opened and not closed.
    #[error("a {0} in the date format is not closed")]
    Quote(char),
    /// A `%` or `\` with nothing to act on.
    #[error("the date format breaks off behind `{0}`")]
    Half(char),
    /// More digits of a second than there are.
    #[error("a second has at most {FRACTION_DIGITS_MAX} digits behind the point")]
    Fraction,
}

/// Digits behind the point that .NET's dates hold: steps of 100 ns.
pub(super) const FRACTION_DIGITS_MAX: usize = 7;

/// A part of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// This character.
    Literal(char),
    /// What is asked of the date, and by how many letters.
    Field(Field, usize),
    /// So many digits of the second's fraction.
    Fraction(usize),
    /// The same, without zeros at the end; nothing at all, where it is zero.
    TrimmedFraction(usize),
    /// `K`: `Z`, an offset, or nothing.
    Zone,
    /// A bare `Z`: written as it is, read as UTC.
    Zulu,
}

/// What a pattern asks of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Year,
    Month,
    Day,
    Hour12,
    Hour24,
    Minute,
    Second,
    HalfDay,
    Era,
    Offset,
}

impl Pattern {
    /// Reads a format string. One letter alone stands for a whole format; `%d` is the day alone.
    ///
    /// # Errors
    /// [`PatternError`], as .NET's `FormatException`.
    pub fn parse(format: &str) -> Result<Self, PatternError> {
        let mut letters = format.chars();
        match (letters.next(), letters.next()) {
            (None, _) => Err(PatternError::Empty),
            (Some(letter), None) => Self::custom(standard(letter)?),
            _ => Self::custom(format),
        }
    }

    fn custom(format: &str) -> Result<Self, PatternError> {
        let mut parts = Vec::new();
        let mut rest = format;
        while let Some(letter) = rest.chars().next() {
            let after = &rest[letter.len_utf8()..];
            rest = match letter {
                '\'' | '"' => quoted(letter, after, &mut parts)?,
                '\\' => {
                    let escaped = after.chars().next().ok_or(PatternError::Half('\\'))?;
                    parts.push(Part::Literal(escaped));
                    &after[escaped.len_utf8()..]
                }
                '%' => match after.chars().next() {
                    None | Some('%' | '\\' | '\'' | '"') => return Err(PatternError::Half('%')),
                    Some(single) => {
                        parts.push(part(single, 1)?);
                        &after[single.len_utf8()..]
                    }
                },
                _ => {
                    let count = if is_repeated(letter) { rest.chars().take_while(|c| *c == letter).count() } else { 1 };
                    parts.push(part(letter, count)?);
                    &rest[count * letter.len_utf8()..]
                }
            };
        }
        Ok(Self { parts })
    }
}

/// What one letter alone stands for, in the invariant culture.
fn standard(letter: char) -> Result<&'static str, PatternError> {
    Ok(match letter {
        'd' => "MM/dd/yyyy",
        'D' => "dddd, dd MMMM yyyy",
        'f' => "dddd, dd MMMM yyyy HH:mm",
        'F' | 'U' => "dddd, dd MMMM yyyy HH:mm:ss",
        'g' => "MM/dd/yyyy HH:mm",
        'G' => "MM/dd/yyyy HH:mm:ss",
        'm' | 'M' => "MMMM dd",
        'o' | 'O' => "yyyy-MM-dd'T'HH:mm:ss.fffffffK",
        'r' | 'R' => "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
        's' => "yyyy-MM-dd'T'HH:mm:ss",
        't' => "HH:mm",
        'T' => "HH:mm:ss",
        'u' => "yyyy-MM-dd HH:mm:ss'Z'",
        'y' | 'Y' => "yyyy MMMM",
        other => return Err(PatternError::Standard(other)),
    })
}

fn quoted<'f>(quote: char, inside: &'f str, parts: &mut Vec<Part>) -> Result<&'f str, PatternError> {
    let mut letters = inside.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            _ if letter == quote => return Ok(&inside[at + quote.len_utf8()..]),
            '\\' => match letters.next() {
                Some((_, escaped)) => parts.push(Part::Literal(escaped)),
                None => return Err(PatternError::Half('\\')),
            },
            _ => parts.push(Part::Literal(letter)),
        }
    }
    Err(PatternError::Quote(quote))
}

fn is_repeated(letter: char) -> bool {
    "dfFghHmMstyz".contains(letter)
}

fn part(letter: char, count: usize) -> Result<Part, PatternError> {
    let field = match letter {
        'f' | 'F' if count > FRACTION_DIGITS_MAX => return Err(PatternError::Fraction),
        'f' => return Ok(Part::Fraction(count)),
        'F' => return Ok(Part::TrimmedFraction(count)),
        'K' => return Ok(Part::Zone),
        'Z' => return Ok(Part::Zulu),
        'd' => Field::Day,
        'g' => Field::Era,
        'h' => Field::Hour12,
        'H' => Field::Hour24,
        'm' => Field::Minute,
        'M' => Field::Month,
        's' => Field::Second,
        't' => Field::HalfDay,
        'y' => Field::Year,
        'z' => Field::Offset,
        other => return Ok(Part::Literal(other)),
    };
    Ok(Part::Field(field, count))
}
