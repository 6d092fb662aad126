//! Where muster answers otherwise than .NET on purpose, and why.

use super::Difference;

pub(super) const DIFFERENCES: &[Difference] = &[];
