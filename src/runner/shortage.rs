//! Whether the machine has enough left for a further session.

use std::fmt;
use std::path::Path;

use super::dispatch::Limits;
use crate::model::resource::bytes;
use crate::proc::MachineRoom;
use crate::store::QueueRow;

/// From here on programs wait for memory more than they should, whatever seems available.
const MOST_PRESSURE: f64 = 20.0;

/// What has to be left of the machine for a further session to start; `None` asks for nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Floors {
    /// Memory, in bytes.
    pub memory: Option<u64>,
    /// Room on the disk of the worktrees, in bytes.
    pub disk: Option<u64>,
}

/// What the machine lacks for what is in `queue`, with worktrees in this folder.
pub fn shortage(queue: &[QueueRow], limits: &Limits, worktrees: &Path) -> Option<Shortage> {
    let asks = !queue.is_empty() && limits.floors != Floors::default();
    let room = asks.then(|| MachineRoom::now(worktrees))?;
    Shortage::of(&room, limits.floors)
}

/// What the machine lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortage {
    /// So many bytes are available, fewer than have to be.
    Memory(u64, u64),
    /// Programs wait for memory so many hundredths of the time.
    Pressure(u64),
    /// So many bytes are free on the disk of the worktrees, fewer than have to be.
    Disk(u64, u64),
}

impl Shortage {
    /// What is short first. What the machine does not say holds nobody up.
    pub fn of(room: &MachineRoom, floors: Floors) -> Option<Self> {
        let below = |has: Option<u64>, floor: Option<u64>| {
            let (has, floor) = (has?, floor?);
            (has < floor).then_some((has, floor))
        };
        if let Some((has, floor)) = below(room.disk, floors.disk) {
            return Some(Self::Disk(has, floor));
        }
        if let Some((has, floor)) = below(room.memory, floors.memory) {
            return Some(Self::Memory(has, floor));
        }
        let pressure = room.pressure.filter(|_| floors.memory.is_some())?;
        (pressure > MOST_PRESSURE).then_some(Self::Pressure(pressure.ceil() as u64))
    }

    /// Whether a session that is alone may start all the same, so that nothing waits for ever. One that
    /// begins on a full disk only makes it worse.
    pub fn lets_one_start(&self) -> bool {
        !matches!(self, Self::Disk(..))
    }
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(has, floor) => write!(
                f,
                "the machine has {} of memory left, less than {} (limits.min_free_memory)",
                bytes(*has),
                bytes(*floor)
            ),
            Self::Pressure(share) => write!(
                f,
                "programs wait for memory {share}% of the time, at most {MOST_PRESSURE:.0}% are fine"
            ),
            Self::Disk(has, floor) => write!(
                f,
                "the disk of the worktrees has {} left, less than {} (limits.min_free_disk)",
                bytes(*has),
                bytes(*floor)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_its_floor_is_short() {
        let floors = Floors {
            memory: Some(512),
            disk: Some(1000),
        };
        let room = |memory, pressure, disk| MachineRoom {
            memory,
            pressure,
            disk,
        };
        let all = [
            (room(Some(512), Some(20.0), Some(1000)), None),
            (room(None, None, None), None),
            (
                room(Some(511), None, Some(1000)),
                Some(Shortage::Memory(511, 512)),
            ),
            (
                room(Some(1), None, Some(999)),
                Some(Shortage::Disk(999, 1000)),
            ),
            (
                room(Some(4096), Some(20.5), None),
                Some(Shortage::Pressure(21)),
            ),
        ];
        for (room, expected) in all {
            assert_eq!(Shortage::of(&room, floors), expected, "{room:?}");
            assert_eq!(Shortage::of(&room, Floors::default()), None);
        }
    }

    #[test]
    fn a_shortage_names_its_setting() {
        assert_eq!(
            Shortage::Memory(300 << 20, 512 << 20).to_string(),
            "the machine has 300 MiB of memory left, less than 512 MiB (limits.min_free_memory)"
        );
        assert!(!Shortage::Disk(1, 2).lets_one_start());
        assert!(Shortage::Pressure(30).lets_one_start());
    }
}
