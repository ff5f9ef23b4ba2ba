//! The folders that a scope stays in, for whoever can only grant folders.

use super::declared::Scope;

impl Scope {
    /// Folders that hold every path which the scope can match, relative to the root and without a slash at the
    /// end. `None` when only the root does: a pattern that matches at any depth, or a file of the root itself.
    pub fn folders(&self) -> Option<Vec<String>> {
        let wanted = self.patterns().iter();
        let folders: Option<Vec<String>> = wanted
            .filter(|pattern| !pattern.starts_with('!'))
            .map(|pattern| folder(pattern))
            .collect();
        let mut folders = folders?;
        folders.sort();
        folders.dedup();
        Some(folders)
    }
}

/// The parts before the first one that may stand for several names. What the last part names may be a file.
fn folder(pattern: &str) -> Option<String> {
    let from_root = pattern.trim_start_matches("./");
    let is_anchored = from_root != pattern || from_root.trim_end_matches('/').contains('/');
    if !is_anchored {
        return None;
    }
    let mut parts: Vec<&str> = from_root.split('/').collect();
    parts.pop();
    let is_plain = |part: &&str| {
        let stands_for_itself = !part.contains(['*', '?', '[', '\\']);
        stands_for_itself && !["", ".", ".."].contains(part)
    };
    let plain: Vec<&str> = parts.into_iter().take_while(is_plain).collect();
    (!plain.is_empty()).then(|| plain.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_hold_all_that_is_matched() {
        let of = |patterns: &[&str]| {
            let patterns = patterns.iter().map(|pattern| (*pattern).to_owned());
            Scope::new(patterns.collect()).unwrap().folders()
        };
        let some = |folders: &[&str]| Some(folders.iter().map(|f| (*f).to_owned()).collect());
        assert_eq!(of(&["src/api/**", "!src/api/gen/**"]), some(&["src/api"]));
        assert_eq!(
            of(&["docs/*.md", "./docs/x/y", "./a/b"]),
            some(&["a", "docs", "docs/x"])
        );
        assert_eq!(of(&["src/*/mod.rs", "src/**"]), some(&["src"]));
        assert_eq!(of(&["a/b/", "./c/"]), some(&["a/b", "c"]));
        for anywhere in [
            "*.md",
            "README.md",
            "./README.md",
            "docs/",
            "**/x",
            "*/a/b",
            "**",
        ] {
            assert_eq!(of(&[anywhere]), None, "{anywhere}");
            assert_eq!(of(&["src/**", anywhere]), None, "{anywhere}");
        }
        assert_eq!(of(&[]), some(&[]));
    }
}
