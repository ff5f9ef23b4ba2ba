//! Scopes as sets of paths, against brute force and against git.

mod brute;
mod git;
mod oracle;

use treeyard::model::scope::{Fold, Scope, ScopeLanguage};

fn language(patterns: &[impl AsRef<str>]) -> ScopeLanguage {
    let patterns = patterns.iter().map(|p| p.as_ref().to_owned()).collect();
    ScopeLanguage::new(&Scope::new(patterns).unwrap(), Fold::default()).unwrap()
}

fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}
