use std::path::{Component, Path, PathBuf};

use proptest::prelude::*;

use super::*;

struct World;

impl Surroundings for World {
    fn setting(&self, _: &Path, key: &str) -> Option<String> {
        let value = match key {
            "alias.undo" => "reset --hard",
            "alias.deep" => "undo",
            "alias.circle" => "circle",
            "alias.wipe" => "!f() { git status; git clean -fdx; }; f",
            "alias.nuke" => "!rm -rf",
            "alias.st" => "status -sb",
            "alias.broken" => "reset '--hard",
            _ => return None,
        };
        Some(value.to_owned())
    }

    fn variable(&self, name: &str) -> Option<String> {
        (name == "LINE").then(|| "reset --hard".to_owned())
    }

    fn root(&self, folder: &Path) -> Option<PathBuf> {
        let roots = [
            "/tmp/scratch",
            "/yard.treeyard/docs-1",
            "/yard",
            "/tmp/other",
        ];
        let folder = self.resolve(folder);
        let mut roots = roots.into_iter().map(PathBuf::from);
        roots.find(|root| folder.starts_with(root))
    }

    fn resolve(&self, path: &Path) -> PathBuf {
        let mut found = PathBuf::new();
        for part in path.components() {
            match part {
                Component::ParentDir => drop(found.pop()),
                Component::CurDir => {}
                part => found.push(part),
            }
        }
        found
    }
}

fn verdict(words: &[&str]) -> Option<Rule> {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    judged(&words)
}

fn judged(words: &[String]) -> Option<Rule> {
    let place = Place {
        cwd: Path::new("/yard.treeyard/docs-1/src"),
        worktree: Path::new("/yard.treeyard/docs-1"),
        own: &["/tmp".into(), "/yard.treeyard/.private/docs-1/home".into()],
        others: &["/yard".into(), "/yard.treeyard".into(), "/tmp/other".into()],
        state: Path::new("/yard/.git/treeyard"),
        around: &World,
    };
    judge(words, &place).map(|denial| denial.rule)
}

/// A line of words without quotes.
fn line(text: &str) -> Option<Rule> {
    verdict(&text.split_whitespace().collect::<Vec<_>>())
}

#[test]
fn what_is_denied() {
    for (rule, lines) in [
        (
            Rule::ResetHard,
            &[
                "git reset --hard",
                "git reset --hard HEAD~1",
                "git reset HEAD~1 --hard",
                "git -C /tmp/other reset --hard",
                "git -C /tmp/none reset --hard",
                "git -C /tmp/scratch -C /yard reset --hard",
                "git -C /tmp/scratch --git-dir=/yard/.git reset --hard",
                "git reset -q --har",
                "git reset --h",
                "git -C .. reset --hard",
                "git -C .. --no-pager --git-dir x -c a.b=c reset --hard",
                "git --git-dir=x --work-tree y reset --hard",
                "/usr/bin/git reset --hard",
                "git undo",
                "git -C /tmp/scratch --git-dir=/yard/.git undo",
                "git deep HEAD~2",
                "git --config-env=alias.x=LINE x",
                "git --config-env alias.x=LINE x",
            ][..],
        ),
        (
            Rule::Clean,
            &[
                "git clean -f",
                "git clean -fdx",
                "git clean -xfd",
                "git clean -d -x -f",
                "git clean --force",
                "git clean --forc -d",
                "git clean -i",
                "git clean -e x -f",
                "git -c clean.requireforce=false clean -d",
                "git wipe",
            ],
        ),
        (
            Rule::Rebase,
            &[
                "git rebase",
                "git rebase main",
                "git rebase -i HEAD~3",
                "git rebase --continue --exec x",
            ],
        ),
        (
            Rule::ForcePush,
            &[
                "git push --force",
                "git push -f origin main",
                "git push -uf origin main",
                "git push --forc",
                "git push --force-with-lease",
                "git push --force-with-lease=main:abc origin",
                "git -C /tmp/scratch push --force origin",
                "git push origin +main",
                "git push origin a +refs/heads/a:refs/heads/b",
                "git push --mirror origin",
                "git push origin -- +main",
            ],
        ),
        (
            Rule::WorktreeRemove,
            &[
                "git worktree remove ../x",
                "git worktree remove --force ../x",
            ],
        ),
        (
            Rule::HooksPath,
            &[
                "git config core.hooksPath /dev/null",
                "git config CORE.HOOKSPATH x",
                "git config --global core.hookspath x",
                "git config --local --unset core.hooksPath",
                "git config --unset-all core.hooksPath",
                "git config --add core.hooksPath x",
                "git config -f .git/config core.hooksPath x",
                "git config --file=x core.hooksPath x",
                "git -C /tmp/scratch config --global core.hooksPath x",
                "git -C /tmp/scratch config --file /yard/.git/config core.hooksPath x",
                "git config set core.hooksPath x",
                "git config set --global core.hooksPath x",
                "git config unset core.hooksPath",
                "git config --remove-section core",
                "git config rename-section Core other",
                "git -c core.hooksPath=/dev/null commit -m x",
                "git -c core.hookspath= commit",
                "git --config-env=core.hooksPath=NONE commit",
            ],
        ),
        (
            Rule::RemoveOutside,
            &[
                "rm -rf /",
                "rm -rf ../..",
                "rm -rf ..",
                "rm -r -f /yard",
                "rm -fr ../../other-2",
                "rm --recursive --force /home/x",
                "rm --rec /home/x",
                "rm -R /home/x",
                "rm /home/x -rf",
                "rm -rf -- /home/x",
                "rm -rf a /yard.treeyard/docs-1",
                "rm -rf /tmp",
                "rm -rf /tmp/other",
                "rm -rf /tmp/other/x",
                "rm -rf /yard.treeyard/docs-10",
                "rm -rf /yard.treeyard/.private/docs-1/home",
                "git nuke /home/x",
            ],
        ),
        (
            Rule::RunnerState,
            &[
                "rm /yard/.git/treeyard/treeyard.db",
                "rm -rf /yard/.git/treeyard",
                "git config -f /yard/.git/treeyard/workspaces/x/config a.b c",
            ],
        ),
    ] {
        for text in lines {
            assert_eq!(line(text), Some(rule), "{text}");
        }
    }
    assert_eq!(
        verdict(&["git", "-c", "alias.x=reset --hard", "x"]),
        Some(Rule::ResetHard)
    );
    assert_eq!(
        verdict(&["git", "-c", "Alias.X=!git 'reset' \"--hard\"", "x"]),
        Some(Rule::ResetHard)
    );
}

#[test]
fn what_is_allowed() {
    for text in [
        "git",
        "git status",
        "git commit -m reset --hard",
        "git reset",
        "git reset --soft HEAD~1",
        "git reset -- --hard",
        "git reset --help",
        "git clean -n",
        "git clean -nfdx",
        "git clean -d",
        "git clean -ef",
        "git rebase --abort",
        "git rebase --continue",
        "git push",
        "git push origin main",
        "git push --follow-tags --no-force origin",
        "git push -of origin",
        "git worktree list",
        "git worktree add remove",
        "git config core.hooksPath",
        "git config --get core.hooksPath",
        "git config get core.hooksPath",
        "git config --get-all core.hooksPath x",
        "git config user.name core.hooksPath.x",
        "git config --global user.name x",
        "git -c user.name=x commit",
        "git -C /tmp/scratch/x reset --hard",
        "git -C /tmp/scratch rebase main",
        "git -C /tmp -C scratch undo",
        "git -C /tmp/scratch clean -fdx",
        "git -C /tmp/scratch config core.hooksPath x",
        "git -C /tmp/scratch -c core.hooksPath=x commit",
        "git st",
        "git circle",
        "git broken",
        "git unknown reset --hard",
        "git --version",
        "rm",
        "rm -f /home/x",
        "rm -rf a ../b ./c/../d",
        "rm -rf ../../docs-1/x",
        "rm -rf /tmp/x",
        "rm -rf /yard.treeyard/.private/docs-1/home/.cache",
        "rm --force x",
        "ls -rf /",
    ] {
        assert_eq!(line(text), None, "{text}");
    }
}

#[test]
fn words_are_written_as_they_are_read() {
    let words = |text: &[&str]| {
        text.iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        quoted(&words(&[
            "git", "reset", "--hard", "HEAD~1", "it's", "", "~"
        ])),
        r"git reset --hard HEAD~1 'it'\''s' '' '~'"
    );
    assert_eq!(
        redacted(&words(&[
            "push",
            "https://me:secret@host/x@y",
            "a@b:c",
            "http://host/x"
        ])),
        words(&["push", "https://…@host/x@y", "a@b:c", "http://host/x"])
    );
}

fn word() -> impl Strategy<Value = String> {
    let known = proptest::sample::select(vec![
        "-C",
        "-c",
        "--git-dir",
        "--",
        "reset",
        "--hard",
        "push",
        "-f",
        "config",
        "core.hooksPath",
        "alias.x=reset",
        "x",
        "rm",
        "-rf",
        "..",
        "",
        "-",
        "--config-env",
        "é",
        "clean",
        "-é",
    ]);
    prop_oneof![known.prop_map(str::to_owned), ".{0,6}"]
}

proptest! {
    /// Whatever is asked, there is an answer.
    #[test]
    fn no_words_do_harm(
        program in proptest::sample::select(vec!["git", "rm", "x"]),
        words in proptest::collection::vec(word(), 0..8),
    ) {
        let all = [vec![program.to_owned()], words].concat();
        let _either_way = judged(&all);
    }

    /// Options of git's own before a command, and more words after it, do not hide it.
    #[test]
    fn what_is_denied_stays_so(
        before in proptest::sample::subsequence(vec!["-C=x", "--no-pager", "-p", "--git-dir=x", "--bare"], 0..5),
        after in proptest::collection::vec("[a-z~0-9^]{1,8}", 0..4),
    ) {
        let before = before.into_iter().filter(|word| *word != "-C=x").map(str::to_owned);
        let mut words: Vec<String> = std::iter::once("git".to_owned()).chain(before).collect();
        words.extend(["reset".to_owned(), "--hard".to_owned()]);
        words.extend(after);
        prop_assert_eq!(judged(&words), Some(Rule::ResetHard));
    }

    /// Written for a shell and read again, words are the same.
    #[test]
    fn quoting_is_undone_by_reading(words in proptest::collection::vec("[^\\\\]{1,10}", 1..5)) {
        prop_assert_eq!(super::words::split(&quoted(&words)), Some(words));
    }
}
