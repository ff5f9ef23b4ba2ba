//! Calling off what is under way.

use std::future::Future;

use super::error::{ErrorKind, ProviderError};

/// What `answer` comes to, unless `cancelled` is ready first; then `answer` is dropped at once.
pub(super) async fn unless<T>(
    cancelled: impl Future<Output = ()>,
    answer: impl Future<Output = Result<T, ProviderError>>,
) -> Result<T, ProviderError> {
    tokio::select! {
        biased;
        () = cancelled => Err(ProviderError::new(
            ErrorKind::Cancelled,
            "the call was cancelled",
        )),
        answer = answer => answer,
    }
}
