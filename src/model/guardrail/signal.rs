//! What guardrails are conditions over: the closed list of named signals.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a signal is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A command line: of a call of a tool, of a plan or of a script that a commit changes.
    Command,
    /// A call of a tool.
    Call,
    /// What was said and done in the session before a call.
    Thread,
    /// What holds the session back.
    Session,
    /// A plan file.
    Plan,
    /// What a commit changes.
    Change,
    /// Nowhere: the program is built so that it does not come about, and tests hold it there.
    Construction,
    /// Nowhere yet: what it would be looked for in does not exist.
    Unwatched,
}

impl Source {
    /// Whether the tool gate looks there.
    pub fn is_at_the_gate(self) -> bool {
        matches!(
            self,
            Self::Command | Self::Call | Self::Thread | Self::Session
        )
    }

    /// Whether `treeyard guardrails check` looks there.
    pub fn is_in_the_check(self) -> bool {
        matches!(self, Self::Command | Self::Plan | Self::Change)
    }
}

macro_rules! signals {
    ($($variant:ident = $name:literal, $source:ident, $meaning:literal;)*) => {
        /// Something that was seen. Names never change meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum Signal { $(#[doc = $meaning] $variant),* }

        impl Signal {
            /// All of them, in the order of their definition.
            pub const ALL: &[Signal] = &[$(Signal::$variant),*];

            /// As the registry and events write it.
            pub fn name(self) -> &'static str {
                match self { $(Signal::$variant => $name),* }
            }

            /// Where it is looked for.
            pub fn source(self) -> Source {
                match self { $(Signal::$variant => Source::$source),* }
            }

            /// What was seen, for a person.
            pub fn meaning(self) -> &'static str {
                match self { $(Signal::$variant => $meaning),* }
            }
        }
    };
}

signals! {
    BypassSwitch = "command.bypass_switch", Command, "treeyard is told to leave the sandbox or a person's word out";
    HooksBypassed = "command.hooks_bypassed", Command, "git is told to run no hooks";
    InstallUnpinned = "command.install_unpinned", Command, "something is installed without saying which version";
    InstallPiped = "command.install_piped", Command, "what is fetched is run unseen";
    ReachesNetwork = "command.reaches_network", Command, "a program that talks to the network is run";
    Commits = "call.commits", Call, "a commit is made";
    RunnerState = "command.runner_state", Command, "the runner's records or git's own files are changed by hand";
    OtherWorktree = "command.other_worktree", Command, "files of the checkout or of another session are changed";
    Secret = "call.secret", Call, "there is a secret in the arguments";
    Untrusted = "thread.untrusted", Thread, "since the last word of a person, text from elsewhere was read";
    SameFailure = "thread.same_failure", Thread, "the same call has failed again and again";
    NetworkOpen = "session.network_open", Session, "the session reaches all of the network";
    SandboxOff = "plan.sandbox_off", Plan, "a task is to run without the sandbox";
    LinkLeadsOut = "change.link_leads_out", Change, "a link leads out of the repository or into git's own files";
    UnsoundEntry = "change.unsound_entry", Change, "a name is not what it looks like, or is another one in disguise";
    SecretAdded = "change.secret", Change, "a secret is added";
    HooksConfig = "change.hooks_config", Change, "what hooks do, or what treeyard may do, is changed";
    SystemUnsigned = "code.system_unsigned", Construction, "a system message that the runtime did not write";
    EffectUnrecorded = "code.effect_unrecorded", Construction, "an effect without an event before it";
    SandboxFallback = "code.sandbox_fallback", Construction, "a command runs without the sandbox that it should have";
    StateUnrecorded = "code.state_unrecorded", Construction, "state that a crash takes away";
    BudgetOverrun = "code.budget_overrun", Construction, "more is used up than a budget has left";
    CapabilityMissing = "code.capability_missing", Construction, "a call needs more than was granted";
    WordMissing = "code.word_missing", Construction, "a command that needs a person's word is run without it";
    SpawnStorm = "spawn.storm", Unwatched, "sessions start more sessions than they may";
}

/// A name that is none of a signal's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no signal")]
pub struct UnknownSignal(String);

impl TryFrom<String> for Signal {
    type Error = UnknownSignal;

    fn try_from(text: String) -> Result<Self, UnknownSignal> {
        let found = Self::ALL.iter().find(|one| one.name() == text);
        found.copied().ok_or(UnknownSignal(text))
    }
}

impl From<Signal> for String {
    fn from(one: Signal) -> Self {
        one.name().to_owned()
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What was seen together.
pub type Signals = BTreeSet<Signal>;
