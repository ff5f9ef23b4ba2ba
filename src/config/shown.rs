//! Settings as they are written down: the template, and the table in the documentation.

use super::settings::{KEYS, Key, Settings};

/// Settings that a repository's file may not have: whoever writes it could open the rest of the machine to
/// sessions, have a person's key sent elsewhere, or agree in a person's place.
pub(super) const PERSONAL: [(&str, &str); 6] = [
    ("", "providers"),
    ("agent", "work_profile"),
    ("sandbox", "read"),
    ("sandbox", "write"),
    ("consent", "scope"),
    ("consent", "valid_for"),
];

/// The commented treeyard.toml: every key with its default. `## ` explains, `# ` is a setting.
pub fn template() -> String {
    let mut text = String::from(
        "## Settings of treeyard for this repository. Remove the `# ` before a key to set it.\n",
    );
    let defaults = Settings::default().entries();
    let mut section = "";
    for (key, entry) in KEYS.iter().zip(defaults) {
        if is_personal(key) {
            continue;
        }
        if key.section != section {
            section = key.section;
            text.push_str(&format!("\n[{section}]\n"));
        }
        text.push_str(&format!(
            "## {}\n# {} = {}\n",
            key.about, key.name, entry.value
        ));
    }
    text
}

/// Whether a repository's file may not have it.
pub(super) fn is_personal(key: &Key) -> bool {
    PERSONAL.contains(&(key.section, key.name))
}

/// The table of keys in docs/configuration.md.
pub fn key_table() -> String {
    let mut text = String::from("| Key | Default | Meaning |\n| --- | --- | --- |\n");
    for (key, entry) in KEYS.iter().zip(Settings::default().entries()) {
        text.push_str(&format!(
            "| `{}` | `{}` | {} |\n",
            entry.key,
            entry.value,
            key.about.replace('<', "&lt;")
        ));
    }
    text
}
