//! How many connections are served at once.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Room for connections.
pub(super) struct Slots {
    free: Mutex<usize>,
    freed: Condvar,
}

/// Room for one, until it is dropped.
pub(super) struct Slot(Arc<Slots>);

impl Slots {
    pub fn new(count: usize) -> Arc<Self> {
        Arc::new(Self {
            free: Mutex::new(count),
            freed: Condvar::new(),
        })
    }

    /// Waits until there is room.
    pub fn take(self: &Arc<Self>) -> Slot {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self
            .freed
            .wait_while(free, |free| *free == 0)
            .unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Slot(Arc::clone(self))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut free = self.0.free.lock().unwrap_or_else(PoisonError::into_inner);
        *free += 1;
        self.0.freed.notify_one();
    }
}
