//! Tools, as everybody talks about them: what a tool is (`card`), what it needs (`capability`, `profile`),
//! how it is called and what it answers (`request`, `response`), and whether a call may run (`gate`).
//! Tools themselves are in `agent`.

mod capability;
mod card;
mod gate;
mod id;
mod pattern;
mod payload;
mod profile;
mod request;
mod response;
mod rule;
#[cfg(test)]
mod tests;

pub use capability::{Capabilities, Capability, UnknownCapability};
pub use card::{Availability, Card, Determinism, Idempotency, OnFiles, RiskLevel, SideEffect};
pub use gate::{
    Because, Decision, Evidence, Grants, Grounds, Hit, Missing, Outcome, Party, Policy, Question,
    decide,
};
pub use id::{CallId, ToolId, ToolVersion};
pub use pattern::{InvalidGlob, Pattern, Subject};
pub use payload::{INLINE_LIMIT, Payload};
pub use profile::Profile;
pub use request::{Actor, ActorKind, InvalidEnvelope, Request, SCHEMA_VERSION};
pub use response::{ErrorKind, Resources, Response, Timing, ToolError};
pub use rule::{Covers, Effect, Fingerprint, Rule, Rules};
