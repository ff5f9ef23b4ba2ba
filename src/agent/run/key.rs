//! The key that calls of one request have in common as long as nobody knows whether it was answered: a provider that takes
//! such keys gives its answer again, and does not make it twice.

use super::setup::Setup;
use super::spending::Wanted;
use crate::model::ids::ModelCallId;
use crate::model::run::{CallEnd, CallIntent};
use crate::provider::ErrorKind;
use crate::store::{StoreError, Tx};

/// The key of a call that is made now; nothing where the provider takes none.
pub(super) fn key_of(
    tx: &Tx<'_>,
    setup: &Setup,
    wanted: &Wanted<'_>,
    call: ModelCallId,
) -> Result<Option<ModelCallId>, StoreError> {
    if !setup.caller.provider.takes_keys() {
        return Ok(None);
    }
    let last = tx.last_model_call(setup.session.id)?;
    let same = last.filter(|(before, end)| {
        is_same(before, setup, wanted) && end.as_ref().is_some_and(may_have_been_answered)
    });
    Ok(Some(
        same.and_then(|(before, _)| before.key).unwrap_or(call),
    ))
}

fn is_same(before: &CallIntent, setup: &Setup, wanted: &Wanted<'_>) -> bool {
    before.request_hash == *wanted.hash && before.provider == setup.caller.provider_name
}

/// What a provider refused would be refused again under the same key.
fn may_have_been_answered(end: &CallEnd) -> bool {
    const UNKNOWN: [ErrorKind; 4] = [
        ErrorKind::Network,
        ErrorKind::Timeout,
        ErrorKind::Protocol,
        ErrorKind::Cancelled,
    ];
    match end {
        CallEnd::Lost => true,
        CallEnd::Answered { .. } => false,
        CallEnd::Failed { kind, .. } => UNKNOWN.iter().any(|unknown| unknown.name() == kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_knows_is_asked_for_again() {
        let failed = |kind: ErrorKind| CallEnd::Failed {
            kind: kind.name().to_owned(),
            message: String::new(),
        };
        for kind in [ErrorKind::Network, ErrorKind::Timeout, ErrorKind::Cancelled] {
            assert!(may_have_been_answered(&failed(kind)), "{kind:?}");
        }
        for kind in [ErrorKind::Server, ErrorKind::Rate, ErrorKind::Overloaded] {
            assert!(!may_have_been_answered(&failed(kind)), "{kind:?}");
        }
        assert!(may_have_been_answered(&CallEnd::Lost));
    }
}
