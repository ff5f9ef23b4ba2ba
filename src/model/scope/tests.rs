mod declared;
mod files;
mod fold;
mod index;
mod overlap;
mod table;
mod within;

use super::{Fold, Scope, ScopeLanguage};

const EXACT: Fold = Fold {
    ignore_case: false,
    precompose: false,
};
const LOOSE: Fold = Fold {
    ignore_case: true,
    precompose: true,
};

fn folded(patterns: &[&str], fold: Fold) -> ScopeLanguage {
    let patterns = patterns.iter().map(|p| (*p).to_owned()).collect();
    ScopeLanguage::new(&Scope::new(patterns).unwrap(), fold).unwrap()
}

fn language(patterns: &[&str]) -> ScopeLanguage {
    folded(patterns, EXACT)
}
