//! Functions that write a text as something else writes its bytes, and read it back.

use std::borrow::Cow;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::EvaluateError;
use super::super::datum::{Flow, Words, fault};
use super::super::evaluate::{Given, bounded};
use super::{Beyond, Example, Function, Kind, Parameter, Sample, anything, optional, required};

const SOURCE: &[Parameter] = &[required("source", Kind::Text)];

const UNICODE: &str = "Unicode";
const ASCII: &str = "ASCII";
const UTF8: &str = "UTF8";

pub(super) static CONVERT_TO_BASE64: Function = Function {
    name: "ConvertToBase64",
    beyond: Beyond::Nothing,
    parameters: SOURCE,
    description: "The bytes of a text in UTF-16 (little end first), in base64.",
    examples: &[
        Example {
            expression: r#"ConvertToBase64("Hello world!")"#,
            person: &[],
            gives: Sample::Text("SABlAGwAbABvACAAdwBvAHIAbABkACEA"),
        },
        Example { expression: "ConvertToBase64([mail])", person: &[], gives: Sample::Nothing },
    ],
    check: anything,
    evaluate: |given| encoded(given, |text| STANDARD.encode(utf16_bytes(text))),
};

fn utf16_bytes(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

pub(super) static CONVERT_TO_UTF8_HEX: Function = Function {
    name: "ConvertToUTF8Hex",
    beyond: Beyond::Nothing,
    parameters: SOURCE,
    description: "The bytes of a text in UTF-8, two hexadecimal digits each, in capitals.",
    examples: &[
        Example {
            expression: r#"ConvertToUTF8Hex("Hello world!")"#,
            person: &[],
            gives: Sample::Text("48656C6C6F20776F726C6421"),
        },
        Example { expression: r#"ConvertToUTF8Hex("é")"#, person: &[], gives: Sample::Text("C3A9") },
    ],
    check: anything,
    evaluate: |given| encoded(given, hexadecimal),
};

fn hexadecimal(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len() * 2), |mut written, byte| {
        // Writing to a String cannot fail.
        let _ = write!(written, "{byte:02X}");
        written
    })
}

fn encoded<'a>(given: &Given<'a>, encode: impl FnOnce(&str) -> String) -> Result<Flow<'a>, EvaluateError> {
    let Some(Words { text, from_person }) = given.text(0)? else { return Ok(Flow::nothing()) };
    Ok(Flow { datum: bounded(encode(&text), given.span)?, from_person })
}

pub(super) static CONVERT_FROM_BASE64: Function = Function {
    name: "ConvertFromBase64",
    beyond: Beyond::Nothing,
    parameters: &[required("source", Kind::Text), optional("encoding", Kind::Word(&[UNICODE, ASCII, UTF8]))],
    description: "The text that base64 says, of bytes in UTF-16 (`Unicode`, little end first) unless `ASCII` or `UTF8` \
                  is said. In ASCII, what is none becomes `?`.",
    examples: &[
        Example {
            expression: r#"ConvertFromBase64("SABlAGwAbABvACAAdwBvAHIAbABkACEA")"#,
            person: &[],
            gives: Sample::Text("Hello world!"),
        },
        Example {
            expression: r#"ConvertFromBase64("SGVsbG8gd29ybGQh", UTF8)"#,
            person: &[],
            gives: Sample::Text("Hello world!"),
        },
        Example {
            expression: "ConvertFromBase64([s], UTF8)",
            person: &[("s", Sample::Text("Hello!"))],
            gives: Sample::Refused("the value is not base64"),
        },
        Example { expression: "ConvertFromBase64([s])", person: &[], gives: Sample::Nothing },
    ],
    check: anything,
    evaluate: convert_from_base64,
};

fn convert_from_base64<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let Some(words) = given.text(0)? else { return Ok(Flow::nothing()) };
    let span = given.span_of(0);
    let bytes = from_base64(&words.text).ok_or_else(|| fault("the value is not base64", span))?;
    let encoding = given.literal(1).unwrap_or(UNICODE);
    let text = match encoding {
        ASCII => Some(bytes.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { '?' }).collect()),
        UTF8 => String::from_utf8(bytes).ok(),
        _ => from_utf16(&bytes),
    };
    let text = text.ok_or_else(|| fault(&format!("the bytes are no text in {encoding}"), span))?;
    Ok(words.map(|_| Cow::Owned(text)))
}

/// White space in it does not count, as in .NET.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let bare: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    STANDARD.decode(bare).ok()
}

fn from_utf16(bytes: &[u8]) -> Option<String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    if rest.is_empty() { String::from_utf16(&units).ok() } else { None }
}

pub(super) static STRING_FROM_SID: Function = Function {
    name: "StringFromSid",
    beyond: Beyond::Nothing,
    parameters: &[required("ObjectSID", Kind::Text)],
    description: "The text form (`S-1-5-…`) of a security identifier. Its bytes are given in base64, as JSON carries \
                  them; a text that has that form already stays.",
    examples: &[
        Example {
            expression: "StringFromSid([objectSid])",
            person: &[("objectSid", Sample::Text("AQUAAAAAAAUVAAAAoGXPfnhLm1/nfIdwr/1IAQ=="))],
            gives: Sample::Text("S-1-5-21-2127521184-1604012920-1887927527-21560751"),
        },
        Example {
            expression: "StringFromSid([objectSid])",
            person: &[("objectSid", Sample::Text("S-1-5-32-544"))],
            gives: Sample::Text("S-1-5-32-544"),
        },
        Example {
            expression: "StringFromSid([objectSid])",
            person: &[("objectSid", Sample::Text("AQUAAA=="))],
            gives: Sample::Refused("the value is no security identifier"),
        },
        Example { expression: "StringFromSid([objectSid])", person: &[], gives: Sample::Nothing },
    ],
    check: anything,
    evaluate: string_from_sid,
};

fn string_from_sid<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let Some(words) = given.text(0)? else { return Ok(Flow::nothing()) };
    if words.text.starts_with("S-1-") {
        return Ok(words.map(|text| text));
    }
    let sid = from_base64(&words.text).and_then(|bytes| sid(&bytes));
    let sid = sid.ok_or_else(|| fault("the value is no security identifier", given.span_of(0)))?;
    Ok(words.map(|_| Cow::Owned(sid)))
}

/// A SID of revision 1 ([MS-DTYP] §2.4.2.2): count, authority (big end first), so many parts (little end first).
fn sid(bytes: &[u8]) -> Option<String> {
    let (&[1, count], rest) = bytes.split_first_chunk::<2>()? else { return None };
    let (authority, rest) = rest.split_first_chunk::<6>()?;
    let (parts, trailing) = rest.as_chunks::<4>();
    if parts.len() != usize::from(count) || !trailing.is_empty() {
        return None;
    }
    let authority = authority.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let mut text = format!("S-1-{authority}");
    for part in parts {
        // Writing to a String cannot fail.
        let _ = write!(text, "-{}", u32::from_le_bytes(*part));
    }
    Some(text)
}
