//! Git's own `add -A` and `write-tree` are the measure of a snapshot, and the bytes that were there that of
//! restoring it.

use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;

use super::tests::{by_git, drop_now, files, first_tree, keeping, snap, various};
use super::*;
use crate::model::ids::SessionId;
use crate::workspace::Workspace;
use crate::workspace::tests::{Field, git};

const PLACES: [&str; 22] = [
    "src",
    "src/a.txt",
    "src/b.txt",
    "src/deep",
    "src/deep/er",
    "src/deep/er/c.txt",
    "src/new.txt",
    "docs",
    "docs/d.md",
    "docs/a-b",
    "docs/a",
    "docs/a/b",
    "docs.md",
    "run.sh",
    "link",
    "new.txt",
    "n",
    "n/m",
    "n/m/o",
    "n.",
    "build/tracked.txt",
    "build/new.o",
];

#[derive(Debug, Clone, Copy)]
enum Step {
    Write(usize, &'static str),
    Touch(usize),
    Remove(usize),
    Chmod(usize),
    Rename(usize, usize),
    Link(usize),
    Folder(usize),
    /// A name that is no text.
    Odd(usize),
    /// A look in between.
    Take,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let place = || 0..PLACES.len();
    let text = prop::sample::select(vec!["one\n", "two\n", "", "three"]);
    let step = prop_oneof![
        5 => (place(), text).prop_map(|(at, text)| Step::Write(at, text)),
        2 => place().prop_map(Step::Touch),
        3 => place().prop_map(Step::Remove),
        1 => place().prop_map(Step::Chmod),
        2 => (place(), place()).prop_map(|(from, to)| Step::Rename(from, to)),
        1 => place().prop_map(Step::Link),
        1 => place().prop_map(Step::Folder),
        1 => place().prop_map(Step::Odd),
        2 => Just(Step::Take),
    ];
    prop::collection::vec(step, 1..14)
}

fn act(field: &Field, ws: &Workspace, step: Step) {
    let at = |at: usize| ws.path.join(PLACES[at]);
    let clear = |path: &Path| {
        let _none = fs::remove_dir_all(path).or_else(|_| fs::remove_file(path));
        // What stands in the way of its folder goes too.
        for above in path
            .ancestors()
            .skip(1)
            .take_while(|above| **above != ws.path)
        {
            if fs::symlink_metadata(above).is_ok_and(|found| !found.is_dir()) {
                fs::remove_file(above).unwrap();
            }
        }
        fs::create_dir_all(path.parent().unwrap()).unwrap();
    };
    match step {
        Step::Write(place, text) => {
            let path = at(place);
            if !fs::symlink_metadata(&path).is_ok_and(|found| found.is_file()) {
                clear(&path);
            }
            fs::write(path, text).unwrap();
        }
        Step::Touch(place) => {
            if let Ok(file) = File::options().write(true).open(at(place)) {
                file.set_modified(SystemTime::now() - Duration::from_secs(9))
                    .unwrap();
            }
        }
        Step::Remove(place) => {
            let path = at(place);
            let _none = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
        }
        Step::Chmod(place) => {
            let path = at(place);
            if fs::symlink_metadata(&path).is_ok_and(|found| found.is_file()) {
                let mode = fs::metadata(&path).unwrap().permissions().mode();
                fs::set_permissions(&path, fs::Permissions::from_mode(mode ^ 0o111)).unwrap();
            }
        }
        Step::Rename(from, to) => {
            let (from, to) = (at(from), at(to));
            if from.symlink_metadata().is_ok() && !to.starts_with(&from) && !from.starts_with(&to) {
                let aside = ws.path.join("aside");
                fs::rename(&from, &aside).unwrap();
                clear(&to);
                fs::rename(&aside, &to).unwrap();
            }
        }
        Step::Link(place) => {
            clear(&at(place));
            symlink("src/a.txt", at(place)).unwrap();
        }
        Step::Folder(place) => {
            clear(&at(place));
            fs::create_dir(at(place)).unwrap();
        }
        Step::Odd(place) => {
            let name = std::ffi::OsStr::from_bytes(b"odd\xff\n\"name");
            let folder = at(place);
            if fs::symlink_metadata(&folder).is_ok_and(|found| found.is_dir()) {
                fs::write(folder.join(name), "odd").unwrap();
            }
        }
        Step::Take => drop_now(snap(field, ws)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_snapshot_is_what_git_would_add_and_comes_back(first in steps(), then in steps()) {
        let field = various();
        let ws = field.make("p");
        let session = SessionId::new();
        for step in first {
            act(&field, &ws, step);
        }
        let taken = snap(&field, &ws);
        prop_assert_eq!(taken.tree.to_string(), by_git(&ws));
        prop_assert_eq!(&taken.notes, &[]);
        let first = keep(&field.repo, &taken, &keeping(&session, 1)).unwrap();
        drop_now(taken);
        let before = files(&ws.path);
        let hidden = |path: &Path| path.starts_with("build") && path != Path::new("build/tracked.txt");
        for step in then {
            act(&field, &ws, step);
        }
        let index = fs::read(ws.git_dir.join("index")).unwrap();
        let told = worktree_difference(&field.repo, &ws.located(), &first.commit).unwrap();
        let done = restore(&field.repo, &ws.located(), &first.commit).unwrap();
        let (mut is, mut was) = (files(&ws.path), before);
        is.retain(|path, _| !hidden(path));
        was.retain(|path, _| !hidden(path));
        let blocked: Vec<_> = done.left.iter().map(|path| path.to_string()).collect();
        if blocked.is_empty() {
            prop_assert_eq!(is, was);
            prop_assert_eq!(by_git(&ws), first_tree(&field, &first).to_string());
        } else {
            // An ignored file took the place of a folder's.
            prop_assert!(blocked.iter().all(|path| path.starts_with("build")), "{:?}", blocked);
        }
        prop_assert_eq!(fs::read(ws.git_dir.join("index")).unwrap(), index);
        let mut touched: Vec<_> = done.written.iter().chain(&done.removed).chain(&done.left).collect();
        touched.sort();
        prop_assert_eq!(touched, told.iter().map(|one| &one.path).collect::<Vec<_>>());
        let again = restore(&field.repo, &ws.located(), &first.commit).unwrap();
        prop_assert_eq!(again.written.len() + again.removed.len(), 0);
        git(&field.main(), &["fsck", "--strict", "--full"]);
    }
}
