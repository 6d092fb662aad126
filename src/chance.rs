//! Chance: secrets, tokens, lease names, initial passwords. Never in the core.

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The machine gave no random bytes. Nothing can be done safely without them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct NoChance;

/// `N` random bytes from the operating system's generator.
///
/// # Errors
/// [`NoChance`] when there are none.
pub fn bytes<const N: usize>() -> Result<[u8; N], NoChance> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| NoChance)?;
    Ok(bytes)
}

/// 256 random bits as text that may stand in a URL or a header (43 characters).
///
/// # Errors
/// [`NoChance`] when there are none.
pub fn token() -> Result<String, NoChance> {
    Ok(URL_SAFE_NO_PAD.encode(bytes::<32>()?))
}

/// A random UUID (version 4) as text.
///
/// # Errors
/// [`NoChance`] when there are no random bytes.
pub fn uuid() -> Result<String, NoChance> {
    Ok(uuid::Builder::from_random_bytes(bytes::<16>()?).into_uuid().to_string())
}
