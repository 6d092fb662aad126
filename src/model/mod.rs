//! The words of the house: what muster speaks about, and what may be true of it.
//!
//! Values only. Nothing here does anything, and nothing here depends on another room.

mod change;
mod diagnostic;
mod dn;
mod ids;
mod name;
mod outcome;
mod path;
mod placement;
mod record;
mod time;
mod value;
mod work;

pub use change::{
    Change, ChangeKind, Damage, Desired, Found, Known, Manager, MatchKeys, Situation, Step, UniqueName, Wanted,
};
pub use diagnostic::{Diagnostic, Span};
pub use dn::{Dn, DnError, escape_rdn_value};
pub use ids::{
    ANCHOR_BYTES_MAX, Anchor, AnchorError, Generation, InstallationKey, JobId, LeaseId, ObjectId, OperationId,
    PersonId, TargetId, UploadId, WorkerId,
};
pub use name::{ACCOUNT_ENABLED, MANAGER, Name, PARENT};
pub use outcome::{AGENT_LIMIT, Outcome, Reason};
pub use path::{Path, Selector};
pub use placement::{HoldReason, Placement, Verdict};
pub use record::{Person, Record, Statement};
pub use time::Timestamp;
pub use value::{Attributes, Value};
pub use work::{Carried, Part, Settlement, Task, WorkItem};
