//! Kills in the middle of taking, keeping and restoring: another process of this test is killed again and
//! again, at any moment.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::tests::{files, keeping, kept, snap};
use super::*;
use crate::git::Repo;
use crate::model::ids::SessionId;
use crate::model::scope::Scope;
use crate::workspace::Located;
use crate::workspace::tests::{Field, git, put};

const KILLS: u64 = 24;
const SCENE: &str = "TREEYARD_TEST_SNAPSHOT";

/// What the other process does until it is killed. By itself this test does nothing.
#[test]
fn endless() {
    let Ok(scene) = std::env::var(SCENE) else {
        return;
    };
    let words: Vec<&str> = scene.split('\n').collect();
    let repo = Repo::discover(Path::new(words[0])).unwrap();
    let ws = Located {
        path: PathBuf::from(words[1]),
        git_dir: PathBuf::from(words[2]),
        branch: words[3].to_owned(),
        base: words[4].parse().unwrap(),
    };
    let session: SessionId = words[5].parse().unwrap();
    let checkpoints = list(&repo, &session).unwrap();
    let mut number = checkpoints.last().map_or(0, |last| last.number);
    loop {
        for one in &checkpoints[..2] {
            number += 1;
            restore(&repo, &ws, &one.commit).unwrap();
            let taken = take(&repo, &ws, &Scope::nothing()).unwrap();
            keep(&repo, &taken, &keeping(&session, number)).unwrap();
        }
    }
}

/// Until a snapshot more is kept.
fn one_more(repo: &Repo, session: &SessionId) {
    let kept = || list(repo, session).unwrap().len();
    let (before, deadline) = (kept(), Instant::now() + Duration::from_secs(120));
    while kept() == before {
        assert!(Instant::now() < deadline, "it never got anywhere");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn killed_at_any_moment_nothing_is_lost_and_it_goes_on() {
    let field = Field::with(|main| {
        for n in 0..60 {
            put(main.join(format!("d{}/f{n}.txt", n % 7)), &format!("{n}\n"));
        }
    });
    let ws = field.make("kill");
    let session = SessionId::new();
    let one = kept(&field, &ws, &session, 1);
    let first = files(&ws.path);
    for n in 0..60 {
        put(
            ws.path.join(format!("d{}/f{n}.txt", n % 5)),
            &format!("changed {n}\n"),
        );
    }
    fs::remove_dir_all(ws.path.join("d6")).unwrap();
    fs::write(ws.path.join("d6"), "a file now\n").unwrap();
    let two = kept(&field, &ws, &session, 2);
    let second = files(&ws.path);
    let trees = [&one, &two].map(|kept| field.repo.tree_of(&kept.commit).unwrap());
    let text = |path: &Path| path.display().to_string();
    let scene = [
        text(&field.main()),
        text(&ws.path),
        text(&ws.git_dir),
        ws.branch.clone(),
        ws.base.to_string(),
        session.to_string(),
    ];
    for kill in 0..KILLS {
        let mut other = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "workspace::snapshot::crash_tests::endless"])
            .env(SCENE, scene.join("\n"))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // The moment is arbitrary; nothing waits for it. On a slow machine it may come too early each time.
        std::thread::sleep(Duration::from_millis(20 + kill * 61 % 600));
        if kill % 4 == 3 {
            one_more(&field.repo, &session);
        }
        other.kill().unwrap();
        assert_eq!(
            other.wait().unwrap().signal(),
            Some(9),
            "it ended by itself"
        );
        for one in list(&field.repo, &session).unwrap() {
            assert!(
                trees.contains(&field.repo.tree_of(&one.commit).unwrap()),
                "{one:?}"
            );
        }
        let (to, expected) = match kill % 2 {
            0 => (&one, &first),
            _ => (&two, &second),
        };
        restore(&field.repo, &ws.located(), &to.commit).unwrap();
        assert_eq!(&files(&ws.path), expected);
        assert_eq!(snap(&field, &ws).tree, trees[usize::from(kill % 2 == 1)]);
    }
    git(&field.main(), &["fsck", "--strict", "--full"]);
    git(&field.main(), &["gc", "-q", "--prune=now"]);
    restore(&field.repo, &ws.located(), &one.commit).unwrap();
    assert_eq!(files(&ws.path), first);
}
