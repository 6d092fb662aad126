//! What may be passed over when a date is read, and what is assumed (`System.Globalization.DateTimeStyles`).

/// How a date is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Styles {
    pub(super) leading_white: bool,
    pub(super) trailing_white: bool,
    pub(super) inner_white: bool,
    pub(super) zone: AssumedZone,
    pub(super) to_universal: bool,
    pub(super) roundtrip: bool,
}

/// What is assumed of a date that says no zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AssumedZone {
    Unspecified,
    Utc,
    Local,
}

/// Why a text names no styles.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StylesError {
    /// A word that names none.
    #[error("there is no date style `{0}`")]
    Unknown(String),
    /// Two that contradict each other.
    #[error("the date styles `{0}` and `{1}` contradict each other")]
    Contradiction(&'static str, &'static str),
}

/// `RoundtripKind`, `AllowLeadingWhite`, `AllowTrailingWhite`: what Entra assumes where nothing is said.
impl Default for Styles {
    fn default() -> Self {
        Self { leading_white: true, trailing_white: true, roundtrip: true, ..Self::NONE }
    }
}

impl Styles {
    const NONE: Self = Self {
        leading_white: false,
        trailing_white: false,
        inner_white: false,
        zone: AssumedZone::Unspecified,
        to_universal: false,
        roundtrip: false,
    };

    /// Reads `RoundtripKind, AllowLeadingWhite`; each name may have `DateTimeStyles.` before it.
    ///
    /// `NoCurrentDateDefault` changes nothing: there is no current date here, ever.
    ///
    /// # Errors
    /// [`StylesError`], where .NET has its `ArgumentException`.
    pub fn parse(text: &str) -> Result<Self, StylesError> {
        let mut styles = Self::NONE;
        let mut assumed = None;
        for written in text.split(',').map(str::trim) {
            let name = written.strip_prefix("DateTimeStyles.").unwrap_or(written);
            match name {
                "None" | "NoCurrentDateDefault" => {}
                "AllowLeadingWhite" => styles.leading_white = true,
                "AllowTrailingWhite" => styles.trailing_white = true,
                "AllowInnerWhite" => styles.inner_white = true,
                "AllowWhiteSpaces" => {
                    (styles.leading_white, styles.trailing_white, styles.inner_white) = (true, true, true);
                }
                "AdjustToUniversal" => styles.to_universal = true,
                "AssumeLocal" | "AssumeUniversal" => {
                    let zone = if name == "AssumeLocal" { AssumedZone::Local } else { AssumedZone::Utc };
                    if assumed.is_some_and(|other| other != zone) {
                        return Err(StylesError::Contradiction("AssumeLocal", "AssumeUniversal"));
                    }
                    assumed = Some(zone);
                }
                "RoundtripKind" => styles.roundtrip = true,
                other => return Err(StylesError::Unknown(other.to_owned())),
            }
        }
        if styles.roundtrip && styles.to_universal {
            return Err(StylesError::Contradiction("RoundtripKind", "AdjustToUniversal"));
        }
        match assumed {
            Some(AssumedZone::Local) if styles.roundtrip => {
                Err(StylesError::Contradiction("RoundtripKind", "AssumeLocal"))
            }
            Some(_) if styles.roundtrip => Err(StylesError::Contradiction("RoundtripKind", "AssumeUniversal")),
            _ => Ok(Self { zone: assumed.unwrap_or(AssumedZone::Unspecified), ..styles }),
        }
    }
}
