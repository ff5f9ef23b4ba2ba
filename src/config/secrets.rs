//! Where the values of secrets come from, which only a person's own file says.

use std::collections::BTreeMap;
use std::path::PathBuf;

use toml::Spanned;
use toml::de::DeValue;

use super::reader::{Problems, Read, Section, quoted, unknown};
use super::settings::Origin;
use super::values::{EnvName, named_values};
use crate::model::secret::SecretName;

const EXAMPLE: &str =
    "{ env = \"VAR\" }, { file = \"~/path\" } or { command = [\"pass\", \"show\", \"x\"] }";

/// Where the value of a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// A variable in the environment of the runner.
    Env(String),
    /// A file: an absolute path, or one that begins with `~/`.
    File(PathBuf),
    /// What a program prints.
    Command(Vec<String>),
}

/// All secrets that a person configured.
pub type SecretSources = BTreeMap<SecretName, SecretSource>;

/// The `[secrets]` of a settings file. A repository could have its own commands run by it, or have
/// any file read, so it may not have one.
pub(super) fn read_secrets(
    value: &Spanned<DeValue<'_>>,
    origin: &Origin,
    problems: &Problems,
) -> Option<SecretSources> {
    if !matches!(origin, Origin::User(_)) {
        let message = "secrets can only be configured in your own file";
        let hint = "move `[secrets]` to ~/.config/treeyard/config.toml; a repository or a flag \
                    cannot say where they come from";
        problems.add(value.span().start, message, Some(hint.to_owned()));
        return None;
    }
    let example = format!("NAME = {EXAMPLE}");
    let sources = named_values::<SecretSource>(value, &example, is_name, problems)?;
    let named = sources.into_iter();
    named
        .map(|(name, source)| Some((name.parse().ok()?, source)))
        .collect()
}

fn is_name(name: &str, offset: usize, problems: &Problems) -> bool {
    let wrong = name.parse::<SecretName>().err();
    if wrong.is_some() {
        let message = format!("{} cannot name a secret", quoted(name));
        let hint = "1 to 60 letters, digits, `_`, `-`; begins with a letter or `_`";
        problems.add(offset, message, Some(hint.to_owned()));
    }
    wrong.is_none()
}

impl Read for SecretSource {
    fn read(value: &Spanned<DeValue<'_>>, problems: &Problems) -> Option<Self> {
        let Some(table) = value.get_ref().as_table() else {
            let message = "this does not say where the secret comes from";
            problems.add(
                value.span().start,
                message,
                Some(format!("write {EXAMPLE}")),
            );
            return None;
        };
        let mut section = Section::new(table, problems);
        let keys = ["env", "file", "command"];
        let given = keys.iter().filter(|key| section.get(key).is_some()).count();
        let env = section.take::<EnvName>("env").map(|name| Self::Env(name.0));
        let file = section
            .take::<PlainPath>("file")
            .map(|path| Self::File(path.0));
        let argv = section
            .take::<Argv>("command")
            .map(|argv| Self::Command(argv.0));
        section.finish();
        if given != 1 {
            let message = "a secret has one of `env`, `file` and `command`";
            problems.add(
                value.span().start,
                message,
                Some(format!("write {EXAMPLE}")),
            );
            return None;
        }
        env.or(file).or(argv)
    }
}

/// A path that means the same wherever it is read.
struct PlainPath(PathBuf);

impl Read for PlainPath {
    fn read(value: &Spanned<DeValue<'_>>, problems: &Problems) -> Option<Self> {
        let text = String::read(value, problems)?;
        if text.starts_with('/') || text.starts_with("~/") {
            return Some(Self(PathBuf::from(text)));
        }
        let message = format!("{} is not a path to a secret", quoted(&text));
        let hint = "write an absolute path, or one that begins with `~/`".to_owned();
        problems.add(value.span().start, message, Some(hint));
        None
    }
}

/// A program and its arguments, without a shell.
struct Argv(Vec<String>);

impl Read for Argv {
    fn read(value: &Spanned<DeValue<'_>>, problems: &Problems) -> Option<Self> {
        let argv = Vec::<String>::read(value, problems)?;
        if argv.first().is_none_or(String::is_empty) {
            problems.add(value.span().start, "the command is empty", None);
            return None;
        }
        Some(Self(argv))
    }
}

/// A secret that a task names, and where it does.
pub(super) struct Named(Option<SecretName>);

impl Named {
    /// The names that are known; the others become problems.
    pub(super) fn known(
        value: Option<&Spanned<DeValue<'_>>>,
        sources: &SecretSources,
        problems: &Problems,
    ) -> Vec<SecretName> {
        let Some(value) = value else {
            return Vec::new();
        };
        let names = Vec::<Self>::read(value, problems).unwrap_or_default();
        let items = value
            .get_ref()
            .as_array()
            .into_iter()
            .flat_map(|list| list.iter());
        let mut known: Vec<SecretName> = Vec::new();
        for (Self(name), item) in names.into_iter().zip(items) {
            let offset = item.span().start;
            let text = item.get_ref().as_str().unwrap_or_default();
            match name.filter(|name| sources.contains_key(name)) {
                Some(name) if known.contains(&name) => {
                    problems.add(offset, format!("{} stands here twice", quoted(text)), None);
                }
                Some(name) => known.push(name),
                None if sources.is_empty() => {
                    let message = format!("unknown secret {}", quoted(text));
                    let hint = "none is configured: `[secrets]` of ~/.config/treeyard/config.toml \
                                says where they come from";
                    problems.add(offset, message, Some(hint.to_owned()));
                }
                None => {
                    let all: Vec<&str> = sources.keys().map(SecretName::as_str).collect();
                    unknown(offset, "secret", text, &all, problems);
                }
            }
        }
        known
    }
}

impl Read for Named {
    fn read(value: &Spanned<DeValue<'_>>, problems: &Problems) -> Option<Self> {
        Some(Self(String::read(value, problems)?.parse().ok()))
    }
}
