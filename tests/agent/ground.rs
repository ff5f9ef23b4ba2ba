//! A session that works, and a model's world in its worktree.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde_json::Value;
use treeyard::agent::{
    Admission, Artifacts, Call, CallKey, Commands, Done, Gate, Permit, Place, Registry,
    SessionAccess, World,
};
use treeyard::cas::Cas;
use treeyard::git::{Repo, shims_folder};
use treeyard::landing::located;
use treeyard::model::event::{Actor, Event};
use treeyard::model::redact::Redactor;
use treeyard::model::scope::{Scope, ScopeLanguage};
use treeyard::model::tool::{Capabilities, Grants, Policy, Rules, ToolError};
use treeyard::proc::{Budget, Launcher, Limits, Reach, View, machine};
use treeyard::store::{SessionRow, Store, Tx};
use treeyard::workspace::{Bounds, Sandbox, Sharing, Terms, equip};

use crate::yard::{Yard, eventually};

const PROGRAM: &str = env!("CARGO_BIN_EXE_treeyard");
/// No secret, but it looks like one.
pub const SECRET: &str = "ghp_a1B2a1B2a1B2a1B2a1B2a1B2a1B2a1B2a1B2";

pub struct Ground {
    pub yard: Yard,
    pub world: World,
    pub registry: Registry,
    pub tree: PathBuf,
    pub jobs: PathBuf,
}

impl Ground {
    /// A session of this scope, which goes on until the yard is left.
    pub fn new(scope: &[&str]) -> Self {
        let yard = Yard::confined();
        yard.exits(0, &["up"]);
        begin(&yard, "s", scope);
        let session = row(&yard, "s");
        let repo = Repo::discover(&yard.repo()).unwrap();
        let place = located(&session).unwrap();
        let jobs = yard.folder.path().join("commands");
        let tree = place.path.clone();
        let language = ScopeLanguage::new(&patterns(scope), repo.fold()).unwrap();
        let world = World::new(Place::open(&tree, language).unwrap())
            .with_commands(Commands {
                call: CallKey::default(),
                launcher: Launcher::new(PROGRAM.into()),
                jobs: jobs.clone(),
                equipment: equipment(&yard, &repo, &session),
                cwd: tree.clone(),
                grace_ms: 300,
                door: None,
            })
            .with_artifacts(artifacts(&yard))
            .with_session(SessionAccess {
                store: Mutex::new(store(&yard)),
                repo,
                id: session.id,
            });
        Self {
            yard,
            world,
            registry: Registry::standard(),
            tree,
            jobs,
        }
    }

    pub fn permit(&self, tool: &str, args: &Value, dry_run: bool) -> Result<Permit, ToolError> {
        match self.admit(tool, args, dry_run, &Rules::default())? {
            Admission::Permit(permit) => Ok(permit),
            other => panic!("{other:?}"),
        }
    }

    pub fn admit(
        &self,
        tool: &str,
        args: &Value,
        dry_run: bool,
        rules: &Rules,
    ) -> Result<Admission, ToolError> {
        let call = Call {
            version: None,
            args,
            dry_run,
        };
        let call = self.registry.prepare(tool, &call, &self.world)?;
        let grants = Grants {
            session: Capabilities::all(),
            operator: Capabilities::all(),
            parent: None,
        };
        let policy = Policy {
            grants: &grants,
            ask_from: None,
            rules,
        };
        let guardrails = &|_: &_| Vec::new();
        Ok(Gate { policy, guardrails }.admit(call, &self.world))
    }

    pub fn call(&self, tool: &str, args: Value) -> Result<Done, ToolError> {
        let done = self.permit(tool, &args, false)?.run(&self.world)?;
        let schema = &self.registry.get(tool).unwrap().output_schema;
        let validator = jsonschema::validator_for(schema).unwrap();
        assert!(validator.is_valid(&done.result), "{tool}: {}", done.result);
        Ok(done)
    }

    pub fn ok(&self, tool: &str, args: Value) -> Value {
        self.call(tool, args).unwrap().result
    }

    /// Records what a call stored, as whoever runs it does.
    pub fn record(&self, done: &Done) {
        self.record_for("s", done);
    }

    pub fn record_for(&self, session: &str, done: &Done) {
        let id = row(&self.yard, session).id;
        let mut store = store(&self.yard);
        for kept in &done.artifacts {
            let event = Event::ArtifactStored {
                hash: kept.hash.clone(),
                size: kept.size,
                kind: kept.kind.to_owned(),
                media_type: kept.media_type.clone(),
                job_id: None,
            };
            let append = |tx: &mut Tx<'_>| tx.append(Actor::Agent, Some(id), event).map(drop);
            store.write(append).unwrap();
        }
    }

    pub fn refused(&self, tool: &str, args: Value) -> ToolError {
        self.call(tool, args).unwrap_err()
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.tree.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Git in the worktree, as a person outside.
    pub fn git(&self, args: &[&str]) -> String {
        let tree = self.tree.display().to_string();
        self.yard.git(&[&["-C", &tree], args].concat())
    }

    pub fn artifacts(&self) -> Cas {
        artifacts(&self.yard).cas
    }
}

pub fn patterns(scope: &[&str]) -> Scope {
    Scope::new(scope.iter().map(|one| (*one).to_owned()).collect()).unwrap()
}

/// Starts a session that waits, and waits until it does.
pub fn begin(yard: &Yard, name: &str, scope: &[&str]) {
    let mut words = vec!["submit", "--name", name];
    words.extend(scope.iter().flat_map(|pattern| ["--scope", *pattern]));
    words.extend(["--", "sh", "-c", "while :; do sleep 1; done"]);
    yard.exits(0, &words);
    eventually("it works", || {
        let is_placed = || located(&row(yard, name)).is_some();
        let shims = yard.repo().join(".git/treeyard/shims/git");
        yard.state_of(name) == "ACTIVE" && is_placed() && shims.exists()
    });
}

pub fn store(yard: &Yard) -> Store {
    Store::open(&yard.repo().join(".git/treeyard")).unwrap()
}

pub fn row(yard: &Yard, name: &str) -> SessionRow {
    let found = store(yard).sessions_matching(name).unwrap();
    found.into_iter().find(|row| row.name == name).unwrap()
}

fn artifacts(yard: &Yard) -> Artifacts {
    Artifacts {
        cas: Cas::open(&yard.repo().join(".git/treeyard/cas")).unwrap(),
        redactor: Redactor::patterns(),
    }
}

/// What the runner gives to a session's own command.
fn equipment(yard: &Yard, repo: &Repo, session: &SessionRow) -> treeyard::workspace::Equipment {
    let sharing = Sharing {
        variables: Vec::new(),
        sandbox: Sandbox::Held(Box::new(Terms {
            view: match machine().level() {
                treeyard::model::sandbox::Level::Strict => View::Own,
                _ => View::Whole,
            },
            network: Reach::Open,
            home: yard.folder.path().join("home"),
            narrow: false,
            read: vec![PathBuf::from(PROGRAM)],
            write: Vec::new(),
            limits: Limits::default(),
        })),
        budget: Budget::default(),
    };
    let own = ["AUTHOR", "COMMITTER"].into_iter().flat_map(|who| {
        let of = |what: &str, value: &str| (format!("GIT_{who}_{what}"), value.to_owned());
        [of("NAME", "Test"), of("EMAIL", "test@localhost")]
    });
    let own: BTreeMap<_, _> = own.collect();
    let bounds = Bounds {
        unconfined: None,
        scope: Some(&patterns(&["**"])),
    };
    let place = located(session).unwrap();
    let mut equipment = equip(repo, &place, &sharing, own, bounds).unwrap();
    put_first(&mut equipment.env, &shims_folder(&repo.state_dir()));
    equipment
}

/// Those that the runner has put there, which start the real program.
fn put_first(env: &mut BTreeMap<String, String>, folder: &Path) {
    let path = format!("{}:{}", folder.display(), env["PATH"]);
    env.insert("PATH".to_owned(), path);
}
