//! Who looks at what a job uses, when it is time to.

use std::time::{Duration, Instant};

use super::folders::Folders;
use super::group::Cgroup;
use super::limits::{Budget, Overrun};
use super::pace::SHORTEST;
use super::processes::Processes;

/// What a look can find that calls for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::proc) enum Finding {
    /// It uses more than it may.
    Over(Overrun),
    /// It may be over in a moment, and then nobody gets to count it: it is to stand still for the next look.
    Storm,
}

/// What looks at one part of what a job uses.
pub(super) trait Gauge {
    /// Looks, and gives how long to wait until the next look. What has a control group is counted by it.
    fn look(&mut self, budget: &Budget, group: Option<&Cgroup>) -> Result<Duration, Finding>;
}

/// Looks at one job while it runs.
pub(in crate::proc) struct Accountant<'a> {
    budget: &'a Budget,
    gauges: Vec<(Instant, Box<dyn Gauge>)>,
}

impl<'a> Accountant<'a> {
    /// For a job that starts now.
    pub(in crate::proc) fn of(budget: &'a Budget) -> Self {
        let processes = Processes::of(budget).map(|gauge| Box::new(gauge) as Box<dyn Gauge>);
        let folders = Folders::of(budget).map(|gauge| Box::new(gauge) as Box<dyn Gauge>);
        let first = Instant::now() + SHORTEST;
        let gauges = processes.into_iter().chain(folders);
        Self {
            budget,
            gauges: gauges.map(|gauge| (first, gauge)).collect(),
        }
    }

    /// What the job may use.
    pub(in crate::proc) fn budget(&self) -> &'a Budget {
        self.budget
    }

    /// When the next look is due; `None` when nothing is limited.
    pub(in crate::proc) fn due(&self) -> Option<Instant> {
        self.gauges.iter().map(|(due, _)| *due).min()
    }

    /// Whether there is something to look at now.
    pub(in crate::proc) fn is_due(&self) -> bool {
        self.due().is_some_and(|due| due <= Instant::now())
    }

    /// Looks at what is due.
    pub(in crate::proc) fn look(&mut self, group: Option<&Cgroup>) -> Option<Finding> {
        for (due, gauge) in &mut self.gauges {
            if Instant::now() < *due {
                continue;
            }
            match gauge.look(self.budget, group) {
                Ok(wait) => *due = Instant::now() + wait,
                Err(finding) => return Some(finding),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::resource::Resource;

    #[test]
    fn without_a_limit_there_is_nothing_to_look_at() {
        let mut accountant = Accountant {
            budget: &Budget::default(),
            gauges: Vec::new(),
        };
        assert_eq!((accountant.due(), accountant.look(None)), (None, None));
        assert_eq!(Accountant::of(&Budget::default()).due(), None);
    }

    #[test]
    fn a_look_comes_when_it_is_due_and_finds_what_is_over() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), vec![1; 50_000]).unwrap();
        let budget = Budget {
            disk_bytes: Some(10_000),
            folders: vec![folder.path().to_owned()],
            ..Budget::default()
        };
        let mut accountant = Accountant::of(&budget);
        assert_eq!(accountant.look(None), None, "not yet");
        for (due, _) in &mut accountant.gauges {
            *due -= Duration::from_secs(1);
        }
        let Some(Finding::Over(found)) = accountant.look(None) else {
            panic!("nothing");
        };
        assert_eq!((found.what, found.limit), (Resource::Disk, 10_000));
        assert!(found.used >= 49_152, "{}", found.used);
    }
}
