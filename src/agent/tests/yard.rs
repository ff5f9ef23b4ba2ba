//! A worktree beside things that are not to change.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::agent::{Admission, Call, Done, Gate, Permit, Place, Registry, World};
use crate::model::scope::{Fold, Scope, ScopeLanguage};
use crate::model::tool::{Capabilities, Grants, Policy, Rules, ToolError};

pub struct Yard {
    pub root: TempDir,
    pub world: World,
    pub registry: Registry,
}

pub fn everything() -> Grants {
    Grants {
        session: Capabilities::all(),
        operator: Capabilities::all(),
        parent: None,
    }
}

impl Yard {
    pub fn new() -> Self {
        Self::with(&["**"], true)
    }

    pub fn with(scope: &[&str], has_openat2: bool) -> Self {
        let root = tempfile::tempdir().unwrap();
        for folder in ["tree/src", "tree/.git", "tree/sub/.git", "outside/deep"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        for (path, text) in [
            ("tree/.git/config", "[core]\n"),
            ("tree/sub/.git/HEAD", "ref: refs/heads/main\n"),
            ("tree/src/main.rs", "fn main() {\n    run();\n}\n"),
            ("tree/README.md", "# Yard\n"),
            ("outside/secret.txt", "secret words\n"),
            ("outside/deep/file", "deep\n"),
        ] {
            fs::write(root.path().join(path), text).unwrap();
        }
        let tree = root.path().join("tree");
        symlink("src/main.rs", tree.join("inside")).unwrap();
        symlink("src", tree.join("folder")).unwrap();
        symlink("../outside", tree.join("out")).unwrap();
        symlink("../outside/secret.txt", tree.join("leak")).unwrap();
        symlink("/etc/passwd", tree.join("absolute")).unwrap();
        symlink("circle", tree.join("circle")).unwrap();
        symlink(".git", tree.join("git")).unwrap();
        symlink("src/../../outside", tree.join("around")).unwrap();
        let place = place(&tree, scope);
        let place = match has_openat2 {
            true => place,
            false => place.without_openat2(),
        };
        Self {
            root,
            world: World::new(place),
            registry: Registry::standard(),
        }
    }

    /// Another handle on the worktree.
    pub fn place(&self) -> Place {
        place(&self.tree(), &["**"])
    }

    pub fn tree(&self) -> PathBuf {
        self.root.path().join("tree")
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.tree().join(path)).unwrap()
    }

    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.tree().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn permit(&self, tool: &str, args: &Value, dry_run: bool) -> Result<Permit, ToolError> {
        let call = Call {
            version: None,
            args,
            dry_run,
        };
        let call = self.registry.prepare(tool, &call, &self.world)?;
        let (grants, rules) = (everything(), Rules::default());
        let policy = Policy {
            grants: &grants,
            ask_from: None,
            rules: &rules,
        };
        let guardrails = &|_: &_| Vec::new();
        match (Gate { policy, guardrails }).admit(call, &self.world) {
            Admission::Permit(permit) => Ok(permit),
            other => panic!("{other:?}"),
        }
    }

    pub fn call(&self, tool: &str, args: Value) -> Result<Done, ToolError> {
        self.permit(tool, &args, false)?.run(&self.world)
    }

    pub fn ok(&self, tool: &str, args: Value) -> Value {
        self.call(tool, args).unwrap().result
    }

    pub fn refused(&self, tool: &str, args: Value) -> ToolError {
        self.call(tool, args).unwrap_err()
    }

    /// What a dry run says, which changes nothing.
    pub fn dry(&self, tool: &str, args: &Value) -> Value {
        let before = fingerprint(self.root.path());
        let done = self.permit(tool, args, true).unwrap().run(&self.world);
        assert_eq!(before, fingerprint(self.root.path()));
        done.unwrap().result
    }
}

fn place(tree: &Path, scope: &[&str]) -> Place {
    let scope = Scope::new(scope.iter().map(|one| (*one).to_owned()).collect()).unwrap();
    Place::open(tree, ScopeLanguage::new(&scope, Fold::default()).unwrap()).unwrap()
}

/// All that is below a folder, without following links: kind, mode and content.
pub fn fingerprint(folder: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut left = vec![folder.to_owned()];
    while let Some(path) = left.pop() {
        let meta = fs::symlink_metadata(&path).unwrap();
        let content = if meta.is_dir() {
            left.extend(fs::read_dir(&path).unwrap().map(|one| one.unwrap().path()));
            Vec::new()
        } else if meta.is_symlink() {
            fs::read_link(&path)
                .unwrap()
                .into_os_string()
                .into_encoded_bytes()
        } else if meta.is_file() {
            fs::read(&path).unwrap()
        } else {
            Vec::new()
        };
        found.insert(path, (meta.mode(), content));
    }
    found
}
