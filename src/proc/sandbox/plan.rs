//! What stands where in a view of one's own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::confinement::Confinement;

/// What stands at a path of the view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// What is there outside, and cannot be changed.
    Shown,
    /// What is there outside, and may be changed.
    Writable,
    /// Another folder, which may be changed.
    StandIn(PathBuf),
    /// Nothing, whatever is there outside.
    Hidden,
    /// Devices that every program may have.
    Devices,
}

impl Place {
    fn is_writable(&self) -> bool {
        matches!(self, Self::Writable | Self::StandIn(_))
    }
}

/// The places of a view. A path that is not below any of them is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    places: BTreeMap<PathBuf, Place>,
}

impl Plan {
    pub(super) fn of(confinement: &Confinement) -> Self {
        let mut places = BTreeMap::new();
        let mut put = |paths: &[PathBuf], place: Place| {
            let each = paths.iter().map(|path| (path.clone(), place.clone()));
            places.extend(each);
        };
        put(&confinement.system, Place::Shown);
        put(&confinement.hidden, Place::Hidden);
        put(&[PathBuf::from("/dev")], Place::Devices);
        if let Some(tmp) = &confinement.tmp {
            put(&[PathBuf::from("/tmp")], Place::StandIn(tmp.clone()));
        }
        // What is granted by name counts more than what a folder of the system has or hides.
        put(&confinement.read, Place::Shown);
        put(&confinement.write, Place::Writable);
        let mut plan = Self { places };
        plan.leave_out_the_covered();
        plan
    }

    /// What is to be made, each after the folders that it lies in.
    pub(super) fn places(&self) -> impl Iterator<Item = (&Path, &Place)> {
        self.places
            .iter()
            .map(|(path, place)| (path.as_path(), place))
    }

    /// Whether what is at `path` may be changed.
    pub(super) fn is_writable(&self, path: &Path) -> bool {
        self.around(path).is_some_and(Place::is_writable)
    }

    /// The innermost place that `path` is in.
    fn around(&self, path: &Path) -> Option<&Place> {
        path.ancestors().find_map(|above| self.places.get(above))
    }

    /// What shows what the place around it shows anyway needs no mount. What is hidden where nothing is
    /// shown is not there as it is.
    fn leave_out_the_covered(&mut self) {
        let is_covered = |(path, place): &(&PathBuf, &Place)| {
            let around = path.parent().and_then(|above| self.around(above));
            match (place, around) {
                (Place::Shown, Some(Place::Shown)) => true,
                (Place::Writable, Some(Place::Writable)) => true,
                (Place::Hidden, Some(Place::Shown | Place::Writable)) => false,
                (Place::Hidden, _) => true,
                _ => false,
            }
        };
        let covered: Vec<PathBuf> = self
            .places
            .iter()
            .filter(is_covered)
            .map(|(path, _)| path.clone())
            .collect();
        for path in covered {
            self.places.remove(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(list: &[&str]) -> Vec<PathBuf> {
        list.iter().map(PathBuf::from).collect()
    }

    #[test]
    fn inner_places_count_and_come_later() {
        let plan = Plan::of(&Confinement {
            system: paths(&["/usr", "/etc"]),
            hidden: paths(&["/usr/src/repo", "/home/me", "/etc/shadow"]),
            read: paths(&["/usr/src/repo/.git/objects", "/usr/bin", "/work/s/.git"]),
            write: paths(&["/work/s", "/usr/src/repo.treeyard/s", "/work/s/inner"]),
            tmp: Some("/private".into()),
            ..Confinement::default()
        });
        let order: Vec<&str> = plan
            .places()
            .filter_map(|(path, _)| path.to_str())
            .collect();
        let expected = [
            "/dev",
            "/etc",
            "/etc/shadow",
            "/tmp",
            "/usr",
            "/usr/src/repo",
            "/usr/src/repo/.git/objects",
            "/usr/src/repo.treeyard/s",
            "/work/s",
            "/work/s/.git",
        ];
        assert_eq!(order, expected);
        for path in [
            "/tmp/x",
            "/work/s/a",
            "/work/s/inner/b",
            "/usr/src/repo.treeyard/s",
        ] {
            assert!(plan.is_writable(Path::new(path)), "{path}");
        }
        for path in [
            "/",
            "/usr/bin",
            "/work",
            "/work/s/.git",
            "/work/other",
            "/dev/null",
        ] {
            assert!(!plan.is_writable(Path::new(path)), "{path}");
        }
    }
}
