//! What a transaction has to know to cancel a whole chain of sessions.

use super::error::StoreError;
use super::tx::Tx;
use crate::model::ids::SessionId;

impl Tx<'_> {
    /// The sessions that come right after `id`.
    pub fn followers(&self, id: SessionId) -> Result<Vec<SessionId>, StoreError> {
        let query = "SELECT session_id FROM session_after WHERE after_id = ?1";
        let mut statement = self.inner.prepare_cached(query)?;
        let rows = statement.query_map([id.to_string()], |row| row.get::<_, String>(0))?;
        rows.map(|id| Ok(id?.parse()?)).collect()
    }
}
