//! `scope.request`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Answer, How, Tool, card};
use crate::agent::place::Place;
use crate::agent::registry::Entry;
use crate::agent::session::SessionAccess;
use crate::agent::world::World;
use crate::model::code::Code;
use crate::model::lock::Conflict;
use crate::model::scope::Scope;
use crate::model::tool::{Capability, Card, ErrorKind, SideEffect, Subject, ToolError, ToolId};
use crate::sessions::locks::{self, LockError, ask, held_already};

const ID: ToolId = ToolId::fixed("scope.request");
const MOST: usize = 100;

/// Which files.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::agent) struct Args {
    /// Patterns as in `.gitignore`, from the root of the worktree, such as `docs/**` or `./Cargo.toml`. Ask
    /// for no more than the work needs: nobody else can change these files meanwhile.
    #[schemars(length(min = 1, max = 100))]
    patterns: Vec<String>,
    /// Whether to get the files later, when they are free, if somebody holds them now; false unless said
    /// otherwise.
    #[serde(default)]
    queue: Option<bool>,
}

/// What became of it.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::agent) struct Output {
    /// What the answer is.
    answer: Word,
    /// All that the session may change now.
    scope: Vec<String>,
    /// Who holds the files that are waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    holder: Option<String>,
    /// A path that both want, whether there is such a file or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    witness: Option<String>,
}

/// An answer.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Word {
    /// The session may change the files now.
    Granted,
    /// It gets them when they are free.
    Queued,
    /// It was a dry run.
    NotAsked,
}

/// One call.
#[derive(Debug)]
pub(in crate::agent) struct ScopeRequest {
    more: Scope,
    queue: bool,
}

impl Tool for ScopeRequest {
    type Args = Args;
    type Output = Output;

    fn card() -> Card {
        Card {
            side_effect: SideEffect::Write,
            ..card(
                ID,
                "Asks for files that this session may not change yet. They are granted when no other \
                 session holds them; else the answer says who does. With `queue` they come later: ask \
                 again to see whether they have.",
                &[Capability::ScopeRequest],
            )
        }
    }

    fn example() -> Value {
        json!({ "patterns": ["docs/**", "./CHANGELOG.md"] })
    }

    fn prepare(args: Args, entry: &Entry, _: &Place) -> Result<Self, ToolError> {
        if !(1..=MOST).contains(&args.patterns.len()) {
            return Err(entry.refuse("patterns", "1 to 100 patterns are wanted"));
        }
        let more = Scope::new(args.patterns);
        Ok(Self {
            more: more.map_err(|error| entry.refuse("patterns", &error.to_string()))?,
            queue: args.queue == Some(true),
        })
    }

    fn subjects(&self) -> Vec<Subject> {
        let patterns = self.more.patterns().iter().cloned();
        patterns.map(Subject::Command).collect()
    }

    fn act(&self, world: &World, how: How<'_>) -> Result<Answer<Output>, ToolError> {
        let session = world.session()?;
        if how.dry_run {
            return Ok(answer(Word::NotAsked, session.held()?, None));
        }
        match self.asked(session)? {
            locks::Answer::Granted(_) => Ok(answer(Word::Granted, world.follow_scope()?, None)),
            locks::Answer::Refused(conflict) if self.queue => {
                Ok(answer(Word::Queued, session.held()?, Some(*conflict)))
            }
            locks::Answer::Refused(conflict) => Err(refused(&LockError::Conflict(conflict))),
        }
    }
}

impl ScopeRequest {
    /// What is held already is not asked for again, so that a request which waited is found granted.
    fn asked(&self, session: &SessionAccess) -> Result<locks::Answer, ToolError> {
        let row = session.row()?;
        let mut store = session.store();
        let held = held_already(&store, &session.repo, session.id, &self.more);
        match held.map_err(|error| refused(&error))? {
            Some(token) => Ok(locks::Answer::Granted(token)),
            None => ask(&mut store, &session.repo, &row, &self.more, self.queue)
                .map_err(|error| refused(&error)),
        }
    }
}

fn answer(word: Word, held: Option<Scope>, conflict: Option<Conflict>) -> Answer<Output> {
    let output = Output {
        answer: word,
        scope: held.map_or_else(Vec::new, |scope| scope.patterns().to_vec()),
        holder: conflict.as_ref().map(|one| one.holder.describe()),
        witness: conflict.and_then(|one| one.witness),
    };
    Answer::of(output, Vec::new())
}

/// Why not, and what to do instead.
fn refused(error: &LockError) -> ToolError {
    let (conflict, advice) = match error {
        LockError::Conflict(conflict) => (
            Some(conflict),
            ". Go on without it, ask for less, or ask with `queue`",
        ),
        LockError::Circle(conflict) => (
            Some(conflict),
            ", and each would wait for the other. Go on without it, or commit and end",
        ),
        _ => (None, ""),
    };
    let kind = match error.code() {
        Code::ScopeConflict | Code::LockMissing | Code::SessionState => ErrorKind::Policy,
        Code::ScopeInvalid => ErrorKind::Validation,
        _ => ErrorKind::Tool,
    };
    let told = ToolError::new(error.code(), kind, format!("{error}{advice}"));
    match conflict {
        Some(conflict) => told.with_details(details(conflict)).retryable(),
        None => told,
    }
}

fn details(conflict: &Conflict) -> Value {
    json!({
        "holder": conflict.holder.name,
        "scope": conflict.holder.scope,
        "token": conflict.token,
        "witness": conflict.witness,
    })
}
